/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_FW_FORWARD_H
#define VIFWALL_FIREWALL_SHARE_FW_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "nat/nat.h"
#include "packet/pkt_addr.h"
#include "packet/pkt_ip.h"

/*
 * Openings: what may come to a client beside the answers to what it asked.
 *
 * Of the kind IN: who asks for one of these ports of our outside address
 * reaches a port of a client, in place of nobody.  Of the kind ACROSS: a client
 * may open flows to another.  An opening names addresses, not clients, so it
 * waits for a client that is not there and outlives one that goes.
 *
 * Rules are about what a client sends by itself.  So a client that comes by an
 * opening is judged by its own rules, about the destination that it asked for;
 * the one that is reached is asked for nothing, and its answers belong to the
 * flow.  But one that is closed, in that it has no rules yet, is not reached.
 *
 * These answers are the same in the process that judges packets and in the one
 * that explains what it would do.
 */
#define FW_FORWARDS 256u /* the first that fits counts */

enum fw_forward_kind { FW_FORWARD_IN, FW_FORWARD_ACROSS };

struct fw_forward {
	uint8_t kind;	  /* enum fw_forward_kind */
	uint8_t proto;	  /* 0: any, of the kind IN TCP and UDP */
	bool clients;	  /* IN: clients may ask for our outside address, too */
	uint16_t lo, hi;  /* ports that are asked for; 0 to 65535: any */
	uint16_t to_port; /* IN: the one that lo becomes */
	struct pkt_prefix src; /* who may; of the family of .to */
	struct pkt_addr to;
};

/* How a packet that opens a flow came to us. */
enum fw_forward_way {
	FW_WAY_IN,     /* from the uplink, for our outside address */
	FW_WAY_BACK,   /* from a client, for our outside address */
	FW_WAY_ACROSS, /* from a client, for another's address */
};

static inline bool fw_forward_has_ports(uint8_t proto)
{
	return proto == IP_TCP || proto == IP_UDP;
}

static inline bool fw_forward_any_port(const struct fw_forward *f)
{
	return f->lo == 0 && f->hi == UINT16_MAX;
}

static inline bool fw_forward_takes_proto(const struct fw_forward *f,
					  const struct nat_tuple *t)
{
	if (f->proto && f->proto != t->proto)
		return false;
	if (!fw_forward_has_ports(t->proto))
		return f->kind == FW_FORWARD_ACROSS && fw_forward_any_port(f);
	return t->dport >= f->lo && t->dport <= f->hi;
}

/* May @t, as end 0 asks, come in by @f? */
static inline bool fw_forward_takes(const struct fw_forward *f,
				    enum fw_forward_way way,
				    const struct nat_tuple *t)
{
	if (!fw_forward_takes_proto(f, t))
		return false;
	if (way == FW_WAY_ACROSS)
		return f->kind == FW_FORWARD_ACROSS &&
		       pkt_addr_eq(&f->to, &t->dst) &&
		       pkt_prefix_has(&f->src, &t->src);
	if (f->kind != FW_FORWARD_IN ||
	    pkt_addr_is_v4(&f->to) != pkt_addr_is_v4(&t->dst))
		return false;
	return way == FW_WAY_BACK ? f->clients
				  : pkt_prefix_has(&f->src, &t->src);
}

/* The first of @n openings that takes @t, or @n. */
static inline uint32_t fw_forward_find(const struct fw_forward *list,
				       uint32_t n, enum fw_forward_way way,
				       const struct nat_tuple *t)
{
	uint32_t i = 0;

	while (i < n && !fw_forward_takes(&list[i], way, t))
		i++;
	return i;
}

/* The port of .to that @dport, which it takes, becomes. */
static inline uint16_t fw_forward_port(const struct fw_forward *f,
				       uint16_t dport)
{
	return f->kind == FW_FORWARD_IN
		       ? (uint16_t)(f->to_port + (dport - f->lo))
		       : dport;
}

/* Is it one that could have been written down?  Asked before it is used. */
static inline bool fw_forward_ok(const struct fw_forward *f)
{
	bool v4 = pkt_addr_is_v4(&f->to),
	     ported = fw_forward_has_ports(f->proto);
	uint8_t flag;

	memcpy(&flag, &f->clients, sizeof(flag));
	if (f->kind > FW_FORWARD_ACROSS || flag > 1 || f->lo > f->hi ||
	    f->src.len > 128 || pkt_addr_is_v4(&f->src.addr) != v4 ||
	    (v4 && f->src.len < 96) || pkt_addr_is_zero(&f->to) ||
	    !pkt_addr_ok_src(&f->to) || pkt_addr_is_linklocal(&f->to))
		return false;
	if (f->kind == FW_FORWARD_IN)
		return (ported || !f->proto) && f->lo && f->to_port &&
		       f->to_port + (f->hi - f->lo) <= UINT16_MAX;
	return !f->clients &&
	       (ported || f->proto == (v4 ? IP_ICMP : IP_ICMP6) || !f->proto) &&
	       (fw_forward_any_port(f) || ported || !f->proto);
}

#endif
