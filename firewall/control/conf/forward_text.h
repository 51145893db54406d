/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONF_FORWARD_TEXT_H
#define VIFWALL_FIREWALL_CONTROL_CONF_FORWARD_TEXT_H

#include <stddef.h>

#include "firewall/share/fw_forward.h"
#include "packet/pkt_assert.h"

/*
 * Openings (firewall/share/fw_forward.h) as people write them:
 *
 *	in=uplink proto=tcp dport=443 src=192.168.1.0/24 to=10.137.0.34:443
 *	in=uplink dport=8000-8009 to=[fd09::22] clients=yes
 *	from=10.137.0.5 to=10.137.0.6 proto=tcp dport=22
 *
 * Keys in any order between blanks, none twice.  With in=uplink a dport is
 * needed, proto is tcp or udp (without: both), and the port behind .to is the
 * one that the first of dport becomes (without: it stays what it is).
 */
#define FORWARD_TEXT_MAX 256u /* longest canonical text with its NUL */

struct forward_error {
	uint32_t column; /* from 1: the item at fault, or its value */
	const char *why; /* a constant sentence: what is allowed there */
};

/* 0 or -EBADMSG with *@err set.  The text is foreign and needs no NUL. */
int VW_MUST_USE forward_parse(struct fw_forward *out, const char *text,
			      size_t len, struct forward_error *err);
/* Canonical text with its NUL; returns @out. */
const char *forward_print(char out[FORWARD_TEXT_MAX],
			  const struct fw_forward *f);

#endif
