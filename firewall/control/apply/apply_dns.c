/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which name servers there are, for clients and for rules, and whose answers
 * are of interest.
 */
#include <string.h>

#include "firewall/control/apply/apply_part.h"

void apply_dns_conf(struct apply *a)
{
	const struct conf *c = &a->conf;
	struct fw_dns d;

	memset(&d, 0, sizeof(d));
	memcpy(d.watch, a->dns.watch, sizeof(d.watch));
	if (c->dns_n) {
		memcpy(d.server, c->dns, c->dns_n * sizeof(c->dns[0]));
		d.server_n = c->dns_n;
	}
	if (c->dns_virtual_n) {
		memcpy(d.virt, c->dns_virtual,
		       c->dns_virtual_n * sizeof(c->dns_virtual[0]));
		d.virt_n = c->dns_virtual_n;
	}
	if (!memcmp(&a->dns, &d, sizeof(d)))
		return;
	a->dns = d;
	a->dns_gen++;
	a->dns_todo = true;
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		apply_again(a, n);
}

void apply_woke(struct apply *a)
{
	a->dns_gen++;
}

void apply_dns_watch(struct apply *a, const uint8_t watch[FW_DNS_CLIENTS / 8])
{
	if (!memcmp(a->dns.watch, watch, sizeof(a->dns.watch)))
		return;
	memcpy(a->dns.watch, watch, sizeof(a->dns.watch));
	a->dns_todo = true;
}
