/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_assert.h"
#include "packet/pkt_build_ip.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"

#define ND_OPTIONS_MAX 64u

enum { ND_OPT_SOURCE = 1, ND_OPT_TARGET = 2 };

/* Bits in the first byte after the checksum of an advertisement. */
enum { NA_ROUTER = 0x80, NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20 };

/* Fixed part behind the 8 bytes that all have (RFC 4861 4). */
static size_t fixed_len(uint8_t type)
{
	switch (type) {
	case ICMP6_ROUTER_ADVERT:
		return 8;
	case ICMP6_NEIGH_SOLICIT:
	case ICMP6_NEIGH_ADVERT:
		return 16;
	case ICMP6_REDIRECT:
		return 32;
	default:
		return 0;
	}
}

static uint8_t lladdr_option(uint8_t type)
{
	return type == ICMP6_NEIGH_ADVERT || type == ICMP6_REDIRECT
		       ? ND_OPT_TARGET
		       : ND_OPT_SOURCE;
}

/* One link-layer address, of a station: the first counts. */
static bool read_lladdr(struct pkt_nd *nd, struct cur opt)
{
	struct pkt_mac mac;

	if (opt.left != sizeof(mac.b))
		return false;
	cur_copy(&opt, mac.b, sizeof(mac.b));
	if (mac.b[0] & 1)
		return false;
	if (!nd->has_lladdr)
		nd->lladdr = mac;
	nd->has_lladdr = true;
	return true;
}

static bool read_options(struct pkt_nd *nd, struct cur *c)
{
	for (unsigned int i = 0; c->left; i++) {
		uint8_t type = cur_u8(c), units = cur_u8(c);
		struct cur opt;

		if (!units || i == ND_OPTIONS_MAX)
			return false;
		opt = cur_sub(c, units * 8u - 2);
		if (!cur_ok(c))
			return false;
		if (type == lladdr_option(nd->type) && !read_lladdr(nd, opt))
			return false;
	}
	return true;
}

static bool is_solicited_node(const struct pkt_addr *a)
{
	static const uint8_t prefix[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

	return memcmp(a->b, prefix, sizeof(prefix)) == 0;
}

/* What RFC 4861 6.1, 7.1 and 8.1 demand of the addresses. */
static bool addresses_ok(const struct pkt *p, const struct pkt_nd *nd)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);
	bool unspecified = pkt_addr_is_zero(&src);

	if (pkt_addr_is_multicast(&src) || (unspecified && nd->has_lladdr))
		return false;
	switch (nd->type) {
	case ICMP6_ROUTER_ADVERT:
	case ICMP6_REDIRECT:
		return pkt_addr_is_linklocal(&src);
	case ICMP6_NEIGH_SOLICIT:
		return pkt_addr_ok_src(&nd->target) &&
		       (!unspecified || is_solicited_node(&dst));
	case ICMP6_NEIGH_ADVERT:
		return pkt_addr_ok_src(&nd->target) && !unspecified &&
		       !(nd->solicited && pkt_addr_is_multicast(&dst));
	default:
		return true;
	}
}

bool pkt_parse_nd(const struct pkt *p, struct pkt_nd *nd)
{
	struct cur c = cur_of(p->data + p->pay_off, p->len - p->pay_off);
	const uint8_t *fixed;
	uint8_t bits;

	/* Hop limit 255: no router has let it through.  Never in fragments
	 * (RFC 6980). */
	if (p->kind != PKT_KIND_ND || pkt_l3(p)[7] != 255 || p->icmp_code ||
	    p->frag6_off)
		return false;
	*nd = (struct pkt_nd){ .type = p->icmp_type };
	fixed = cur_take(&c, fixed_len(nd->type));
	if (!fixed)
		return false;
	if (nd->type == ICMP6_NEIGH_SOLICIT || nd->type == ICMP6_NEIGH_ADVERT)
		nd->target = pkt_addr_v6(fixed);
	if (nd->type == ICMP6_NEIGH_ADVERT) {
		bits = pkt_l4(p)[4];
		nd->router = bits & NA_ROUTER;
		nd->solicited = bits & NA_SOLICITED;
		nd->override = bits & NA_OVERRIDE;
	}
	return read_options(nd, &c) && addresses_ok(p, nd) &&
	       !pkt_addr_is_v4(&nd->target);
}

struct pkt *pkt_build_nd(struct pkt_pool *pool, const struct pkt_eth *eth,
			 const struct pkt_addr *src, const struct pkt_addr *dst,
			 const struct pkt_nd *nd)
{
	const struct build_ip ip = { .src = *src,
				     .dst = *dst,
				     .l3 = PKT_L3_IP6,
				     .proto = IP_ICMP6,
				     .ttl = BUILD_TTL_ND };
	size_t len = ICMP_HLEN + fixed_len(nd->type) + (nd->has_lladdr ? 8 : 0);
	uint8_t bits = 0;
	struct wcur w;
	struct pkt *p;

	vw_assert(nd->type == ICMP6_NEIGH_SOLICIT ||
		  nd->type == ICMP6_NEIGH_ADVERT);
	p = pkt_build_begin(pool, eth, &ip, len, &w);
	if (!p)
		return NULL;
	if (nd->type == ICMP6_NEIGH_ADVERT)
		bits = (uint8_t)((nd->router ? NA_ROUTER : 0) |
				 (nd->solicited ? NA_SOLICITED : 0) |
				 (nd->override ? NA_OVERRIDE : 0));
	wcur_u8(&w, nd->type);
	wcur_u8(&w, 0);
	wcur_be16(&w, 0);
	wcur_be32(&w, (uint32_t)bits << 24);
	wcur_copy(&w, nd->target.b, 16);
	if (nd->has_lladdr) {
		wcur_u8(&w, lladdr_option(nd->type));
		wcur_u8(&w, 1);
		wcur_copy(&w, nd->lladdr.b, 6);
	}
	return pkt_build_end(pool, p, &w);
}
