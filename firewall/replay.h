/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_REPLAY_H
#define VIFWALL_FIREWALL_REPLAY_H

#include <stdint.h>

#include "firewall/path/fw.h"
#include "firewall/share/fw_types.h"
#include "rules/rule.h"

/*
 * The same path on a file: no root, no network, same input gives same output.
 * A frame whose Ethernet source is a client's MAC came from that client, every
 * other frame came by the uplink; time is the file's.  What any port would have
 * sent goes to @out in order.
 */
struct replay {
	const char *in, *out; /* classic pcap */
	struct fw_conf fw;    /* keys and seeds as given here */
	struct fw_uplink uplink;
	struct pkt_mac uplink_mac; /* ours on the uplink */
	struct pkt_mac client_mac; /* ours towards clients */
	uint16_t mtu;
	uint16_t client_n;
	const struct fw_client *client; /* client[i] is number i + 1 */
	/* rules[2 * i + family]; NULL: closed */
	const struct ruleset *const *rules;
	const struct pkt_addr *guard;
	uint32_t guard_n;
	const struct fw_pair *pair;
	uint32_t pair_n;
	const struct fw_forward *forward;
	uint32_t forward_n;
	const struct profiles *profiles; /* NULL: none */
};

/* Prints a summary to stdout; an enum role_exit. */
int replay_run(const struct replay *r);

#endif
