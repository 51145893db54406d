/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_bytes.h"
#include "packet/pkt_parse_ip.h"

/*
 * The options of a hop-by-hop or destination header.  Routers act on hop-by-hop
 * options, so only padding passes, as for IPv4 (R12).  Destination options are
 * between the ends; but one that asks nodes to drop or to answer when they
 * don't know it (its upper two bits), like a home address, is refused.
 */
static bool options_ok(struct cur c, bool hop_by_hop)
{
	const uint8_t pad1 = 0, padn = 1;

	/* At most IP6_EXT_BYTES_MAX rounds: each takes at least one byte. */
	while (c.left) {
		uint8_t type = cur_u8(&c);

		if (type == pad1)
			continue;
		if (hop_by_hop ? type != padn : type & 0xc0)
			return false;
		cur_skip(&c, cur_u8(&c));
		if (!cur_ok(&c))
			return false;
	}
	return true;
}

static enum pkt_reason take_options(struct cur *c, uint8_t *next,
				    bool hop_by_hop)
{
	const uint8_t *start = cur_take(c, 8);
	size_t len, more;

	if (!start)
		return PKT_REASON_IP6_EXT;
	more = start[1] * 8u;
	len = 8 + more;
	if (len > IP6_EXT_BYTES_MAX || !cur_take(c, more))
		return PKT_REASON_IP6_EXT;
	if (!options_ok(cur_of(start + 2, len - 2), hop_by_hop))
		return PKT_REASON_IP6_EXT;
	*next = start[0];
	return PKT_REASON_NONE;
}

static enum pkt_reason take_fragment(struct cur *c, uint8_t *next,
				     struct ip6_chain *x)
{
	const uint8_t *h = cur_take(c, IP6_FRAG_HLEN);
	uint16_t word;

	if (!h || x->has_frag)
		return PKT_REASON_FRAG_BAD;
	word = be16_at(h + 2);
	x->has_frag = true;
	x->frag_off = word & 0xfff8;
	x->mf = word & 1;
	*next = x->frag_next = h[0];
	return PKT_REASON_NONE;
}

/* Extension headers that end here; all other numbers are transports. */
static bool is_refused_header(uint8_t next)
{
	switch (next) {
	case IP_AH:
	case IP_MOBILITY:
	case IP_HIP:
	case IP_SHIM6:
	case IP_EXPERIMENT1:
	case IP_EXPERIMENT2:
		return true;
	default:
		return false;
	}
}

static enum pkt_reason take_header(struct cur *c, uint8_t *next,
				   struct ip6_chain *x)
{
	switch (*next) {
	case IP_HOPOPT:
		/* Only right behind the IPv6 header (RFC 8200 4.1). */
		return x->len ? PKT_REASON_IP6_EXT
			      : take_options(c, next, true);
	case IP_DSTOPTS:
		return take_options(c, next, false);
	case IP_FRAGMENT:
		x->frag_at = x->len;
		return take_fragment(c, next, x);
	case IP_ROUTING:
		return PKT_REASON_IP6_ROUTING;
	default:
		return PKT_REASON_IP6_EXT;
	}
}

static bool is_extension(uint8_t next)
{
	return next == IP_HOPOPT || next == IP_DSTOPTS || next == IP_FRAGMENT ||
	       next == IP_ROUTING || is_refused_header(next);
}

enum pkt_reason pkt_walk_ip6(struct cur *c, uint8_t next, struct ip6_chain *x)
{
	*x = (struct ip6_chain){ 0 };
	for (unsigned int i = 0; is_extension(next); i++) {
		size_t left = c->left;
		enum pkt_reason why;

		if (i == IP6_EXT_MAX)
			return PKT_REASON_IP6_EXT;
		why = take_header(c, &next, x);
		if (why == PKT_REASON_IP6_EXT && !cur_ok(c) && x->has_frag)
			return PKT_REASON_FRAG_TINY; /* RFC 7112 */
		if (why != PKT_REASON_NONE)
			return why;
		x->len = (uint16_t)(x->len + (left - c->left));
		if (x->len > IP6_EXT_BYTES_MAX)
			return PKT_REASON_IP6_EXT;
		if (x->has_frag && x->frag_off)
			break; /* what follows is no header */
	}
	x->proto = next;
	return PKT_REASON_NONE;
}
