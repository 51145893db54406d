/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Built-in sizes on a machine with little memory: in proportion to it, down to
 * what four clients at full speed need.
 */
#include <sys/sysinfo.h>

#include "firewall/control/conf/conf_table.h"

#define WHOLE_KIB (128u * 1024) /* from here on the table's own numbers */
#define FLOWS_LEAST 4096u
#define SMALL_LEAST 1024u
#define LARGE_LEAST 24u

static uint32_t part(uint32_t whole, uint64_t kib, uint32_t least)
{
	uint32_t n = (uint32_t)(whole * kib / WHOLE_KIB);

	return n > least ? n : least;
}

void conf_fit(struct conf *c, uint64_t kib)
{
	if (kib >= WHOLE_KIB)
		return;
	c->nat.flows = part(c->nat.flows, kib, FLOWS_LEAST);
	c->small_n = part(c->small_n, kib, SMALL_LEAST);
	c->large_n = part(c->large_n, kib, LARGE_LEAST);
}

/*
 * #syscalls control: sysinfo
 */
uint64_t conf_memory_kib(void)
{
	struct sysinfo s;

	return sysinfo(&s) ? WHOLE_KIB
			   : (uint64_t)s.totalram * s.mem_unit / 1024;
}
