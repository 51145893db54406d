/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/path/ipid.h"

#include <string.h>

#include "packet/pkt_csum.h"

#define IP4_ID 4u
#define IP4_CSUM 10u
#define IP4_ADDRS 12u

void ipid_init(struct ipid *id, struct pkt_rand *rand)
{
	id->key.k0 = pkt_rand_u64(rand);
	id->key.k1 = pkt_rand_u64(rand);
	for (uint32_t i = 0; i < IPID_COUNTERS; i++)
		id->counter[i] = (uint16_t)pkt_rand_u64(rand);
	for (uint32_t r = 0; r < IPID_ROUNDS; r++)
		for (uint32_t i = 0; i < 256; i++)
			id->box[r][i] = (uint8_t)pkt_rand_u64(rand);
}

/* A Feistel network: a permutation, whatever stands in the boxes. */
static uint16_t permute(const struct ipid *id, uint16_t n)
{
	uint8_t left = (uint8_t)(n >> 8), right = (uint8_t)n;

	for (uint32_t r = 0; r < IPID_ROUNDS; r++) {
		uint8_t next = left ^ id->box[r][right];

		left = right;
		right = next;
	}
	return (uint16_t)(left << 8 | right);
}

uint16_t ipid_next(struct ipid *id, const struct pkt *p)
{
	uint64_t w[2];
	uint64_t h;

	memcpy(w, pkt_l3(p) + IP4_ADDRS, 8);
	w[1] = p->proto;
	h = pkt_siphash13_words(&id->key, w, 2);
	return permute(id, id->counter[h % IPID_COUNTERS]++);
}

void ipid_set(struct pkt *p, uint16_t id)
{
	uint8_t *ip = pkt_l3(p);
	uint8_t to[2] = { (uint8_t)(id >> 8), (uint8_t)id };
	struct pkt_csum_delta d = { 0 };

	pkt_csum_change(&d, ip + IP4_ID, to, 2);
	pkt_csum_apply(&d, ip + IP4_CSUM);
	memcpy(ip + IP4_ID, to, 2);
}
