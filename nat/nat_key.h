/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_KEY_H
#define VIFWALL_NAT_NAT_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "nat/nat_flow.h"
#include "packet/pkt_buf.h"
#include "packet/pkt_hot.h"
#include "packet/pkt_siphash.h"

/*
 * What a look-up compares, struct nat_key: owner that sends, addresses, ports,
 * protocol as they stand in the packet.  IPv4 takes two words, IPv6 five, so
 * that the hash reads no more than it must.
 *
 * ICMP queries have their id as the port of the end that asked and the type of
 * the question as the port of the end that answers; a bit tells questions from
 * answers (R104), so neither matches the other's key whatever its id.
 */

/* Which key of a flow: that of end 0, of end 1, or its endpoint's mapping. */
enum nat_key_kind { NAT_KEY_END0, NAT_KEY_END1, NAT_KEY_MAP, NAT_KEY_N };

#define NAT_KEY_V6 1u
#define NAT_KEY_ANSWER 2u
#define NAT_KEY_IS_MAP 4u

/*
 * @kind: TCP, UDP, or ICMP_QUERY for answers too.  Of an owner that exists it
 * takes 15 bits, so struct nat_end has 16.
 */
static_assert(PKT_KIND_TCP < 4 && PKT_KIND_UDP < 4 && PKT_KIND_ICMP_QUERY < 4,
	      "two bits");
static inline uint32_t nat_key_who_is(uint16_t owner, enum pkt_kind kind,
				      unsigned how)
{
	return (uint32_t)owner << 5 | (uint32_t)kind << 3 | how;
}

static inline uint32_t nat_key_who(uint16_t owner, uint8_t proto, unsigned how)
{
	return nat_key_who_is(owner,
			      proto == 6    ? PKT_KIND_TCP
			      : proto == 17 ? PKT_KIND_UDP
					    : PKT_KIND_ICMP_QUERY,
			      how);
}

static inline uint64_t nat_key_rest(uint16_t sport, uint16_t dport,
				    uint32_t who)
{
	return (uint64_t)sport | (uint64_t)dport << 16 | (uint64_t)who << 32;
}

/* The question that an ICMP or ICMPv6 type asks or answers; 0: neither. */
static inline uint8_t nat_icmp_question(uint8_t proto, uint8_t type)
{
	if (proto == 58)
		return type == 128 || type == 129 ? 128 : 0;
	switch (type) {
	case 0:
	case 8:
		return 8;
	case 13:
	case 14:
		return 13;
	case 15:
	case 16:
		return 15;
	default:
		return 0;
	}
}

/* From addresses as they stand in an IPv4 header (@addrs: src then dst). */
static inline void nat_key_ip4(struct nat_key *k, const uint8_t *addrs,
			       uint64_t rest)
{
	k->w[0] = rest;
	memcpy(&k->w[1], addrs, 8);
	k->n = 2;
}

static inline void nat_key_ip6(struct nat_key *k, const uint8_t *addrs,
			       uint64_t rest)
{
	k->w[0] = rest;
	memcpy(&k->w[1], addrs, 32);
	k->n = 5;
}

/* From any two addresses of one family. */
static inline void nat_key_addrs(struct nat_key *k, const struct pkt_addr *src,
				 const struct pkt_addr *dst, bool v6,
				 uint64_t rest)
{
	k->w[0] = rest;
	if (v6) {
		memcpy(&k->w[1], src->b, 16);
		memcpy(&k->w[3], dst->b, 16);
		k->n = 5;
	} else {
		memcpy(&k->w[1], src->b + 12, 4);
		memcpy((uint8_t *)&k->w[1] + 4, dst->b + 12, 4);
		k->n = 2;
	}
}

/* Of a question or its answer; 0: it is neither. */
static inline uint64_t nat_key_icmp_rest(const struct pkt *p, uint16_t owner,
					 unsigned how)
{
	uint16_t asked = nat_icmp_question(p->proto, p->icmp_type);

	if (!asked)
		return 0;
	if (p->kind == PKT_KIND_ICMP_QUERY)
		return nat_key_rest(p->sport, asked,
				    nat_key_who(owner, p->proto, how));
	if (p->kind != PKT_KIND_ICMP_REPLY)
		return 0;
	return nat_key_rest(asked, p->dport,
			    nat_key_who(owner, p->proto, how | NAT_KEY_ANSWER));
}

/* False: this kind of packet has no key of its own. */
PKT_INLINE bool nat_key_of_packet(struct nat_key *k, const struct pkt *p,
				  uint16_t owner)
{
	unsigned how = p->l3 == PKT_L3_IP6 ? NAT_KEY_V6 : 0;
	uint64_t rest;

	if (p->kind == PKT_KIND_TCP || p->kind == PKT_KIND_UDP)
		rest = nat_key_rest(
			p->sport, p->dport,
			nat_key_who_is(owner, (enum pkt_kind)p->kind, how));
	else
		rest = nat_key_icmp_rest(p, owner, how);
	if (!rest)
		return false;
	if (p->l3 == PKT_L3_IP4)
		nat_key_ip4(k, pkt_l3(p) + 12, rest);
	else
		nat_key_ip6(k, pkt_l3(p) + 8, rest);
	return true;
}

/* Where end @e of @f sends to; @addr: the addresses that .stand numbers. */
static inline const struct pkt_addr *
nat_flow_peer(const struct nat_flow *f, unsigned e, const struct pkt_addr *addr)
{
	uint8_t stand = f->end[e].stand;

	return stand ? &addr[stand] : &f->end[!e].real;
}

static inline uint64_t nat_end_rest(const struct nat_end *end)
{
	return nat_key_rest(end->port, end->peer, end->who);
}

static inline void nat_key_of_flow(struct nat_key *k, const struct nat_flow *f,
				   enum nat_key_kind kind,
				   const struct pkt_addr *addr)
{
	static const struct pkt_addr none;
	const struct nat_end *end = &f->end[kind & 1];
	bool v6 = end->who & NAT_KEY_V6;

	if (kind == NAT_KEY_MAP)
		nat_key_addrs(k, &f->end[0].real, &none, v6,
			      nat_key_rest(end->port, f->end[1].stand,
					   end->who | NAT_KEY_IS_MAP));
	else
		nat_key_addrs(k, &f->end[kind].real,
			      nat_flow_peer(f, kind, addr), v6,
			      nat_end_rest(end));
}

/*
 * SipHash-1-3 of the addresses and seven bytes of all the rest (it has 53 bits
 * at most): the length then has room in the last word and costs no round.
 */
PKT_INLINE uint64_t nat_key_hash(const struct pkt_hash_key *secret,
				 const struct nat_key *k)
{
	struct pkt_sip s = pkt_sip_begin(secret);

	for (uint32_t i = 1; i < k->n; i++)
		pkt_sip1_take(&s, k->w[i]);
	pkt_sip1_take(&s, k->w[0] | (uint64_t)(k->n * 8 - 1) << 56);
	return pkt_sip3_end(&s);
}

static inline bool nat_key_eq(const struct nat_key *a, const struct nat_key *b)
{
	if (a->n != b->n || a->w[0] != b->w[0] || a->w[1] != b->w[1])
		return false;
	return a->n == 2 || memcmp(&a->w[2], &b->w[2], 24) == 0;
}

/* Is @k, of an IPv4 packet, the key of end @e? */
static inline bool nat_key_is_end4(const struct nat_key *k,
				   const struct nat_flow *f, unsigned e,
				   const struct pkt_addr *addr)
{
	const struct nat_end *end = &f->end[e];
	const uint8_t *have = (const uint8_t *)&k->w[1];

	return k->n == 2 && k->w[0] == nat_end_rest(end) &&
	       memcmp(have, end->real.b + 12, 4) == 0 &&
	       memcmp(have + 4, nat_flow_peer(f, e, addr)->b + 12, 4) == 0;
}

/* Of any packet: as nat_key_of_flow() and nat_key_eq(), quicker. */
static inline bool nat_key_is_end(const struct nat_key *k,
				  const struct nat_flow *f, unsigned e,
				  const struct pkt_addr *addr)
{
	const struct nat_end *end = &f->end[e];
	const uint8_t *have = (const uint8_t *)&k->w[1];

	if (k->n == 2)
		return nat_key_is_end4(k, f, e, addr);
	return k->w[0] == nat_end_rest(end) &&
	       memcmp(have, end->real.b, 16) == 0 &&
	       memcmp(have + 16, nat_flow_peer(f, e, addr)->b, 16) == 0;
}

#endif
