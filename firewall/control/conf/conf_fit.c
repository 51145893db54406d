/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Built-in sizes on a machine with little memory: in proportion to it, down to
 * what four clients at full speed need.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "firewall/control/conf/conf_table.h"

#define WHOLE_KIB (128u * 1024) /* from here on the table's own numbers */
#define FLOWS_LEAST 4096u
#define SMALL_LEAST 1024u
#define LARGE_LEAST 24u
#define MEMINFO_MAX 16384u

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

#define AVAILABLE "\nMemAvailable:"

uint64_t conf_available_of(const char *meminfo, size_t len)
{
	const char *at = memmem(meminfo, len, AVAILABLE, strlen(AVAILABLE));
	const char *end = meminfo + len;
	uint64_t kib = 0;

	if (!at)
		return UINT64_MAX;
	for (at += strlen(AVAILABLE); at < end && *at == ' '; at++)
		;
	if (at == end || *at < '0' || *at > '9')
		return UINT64_MAX;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (kib > UINT32_MAX)
			return UINT64_MAX;
		kib = kib * 10 + (uint64_t)(*at - '0');
	}
	return kib;
}

uint64_t conf_available_kib(void)
{
	size_t len;
	int err;
	char *text = conf_slurp("/proc/meminfo", MEMINFO_MAX, &len, &err);
	uint64_t kib = text ? conf_available_of(text, len) : UINT64_MAX;

	free(text);
	return kib;
}
