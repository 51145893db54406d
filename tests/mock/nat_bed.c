/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/nat_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_SMALL 64u
#define POOL_LARGE 4u

void nat_bed_conf(struct nat_conf *c)
{
	nat_conf_default(c);
	c->flows = 256;
	c->owners = BED_CLIENTS + 1;
	memset(c->hash_key, 0x11, sizeof(c->hash_key));
	memset(c->port_seed, 0x22, sizeof(c->port_seed));
}

/* Not zeros: what the table does not set itself should show. */
static void *room(size_t len)
{
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, len);

	vw_assert(mem);
	memset(mem, 0xa5, len);
	return mem;
}

void nat_bed_open(struct nat_bed *b, const struct nat_conf *conf)
{
	struct nat_conf mine;

	if (!conf) {
		nat_bed_conf(&mine);
		conf = &mine;
	}
	memset(b, 0, sizeof(*b));
	b->now.ns = 1000 * MONO_S;
	b->pool = frame_pool_new(POOL_SMALL, POOL_LARGE);
	b->conf = *conf;
	b->len = pkt_arena_cost(nat_size(conf));
	b->mem = room(b->len);
	vw_assert(nat_init(&b->nat, b->mem, b->len, conf) == 0);
	nat_bed_owners(b);
}

void nat_bed_owners(struct nat_bed *b)
{
	for (uint16_t i = 1; i <= BED_CLIENTS; i++)
		vw_assert(nat_owner_add(b->nat, i, NULL) == 0);
}

void nat_bed_die(struct nat_bed *b)
{
	void *was = b->mem;

	b->mem = room(b->len);
	memcpy(b->mem, was, b->len);
	/* whoever still follows a pointer of old sees it */
	memset(was, 0x5a, b->len);
	free(was);
	b->nat = NULL;
	b->conf.hash_key[0]++;
	b->conf.port_seed[0]++;
}

void nat_bed_adopt(struct nat_bed *b)
{
	vw_assert(nat_adopt(&b->nat, b->mem, b->len, &b->conf, b->now) == 0);
}

void nat_bed_close(struct nat_bed *b)
{
	frame_pool_free(b->pool);
	free(b->mem);
	memset(b, 0, sizeof(*b));
}

void nat_bed_pass(struct nat_bed *b, uint64_t ms)
{
	b->now = mono_add_ms(b->now, ms);
}

struct pkt_addr nat_bed_addr(const char *text)
{
	struct pkt_addr a;

	vw_assert(pkt_addr_parse(&a, text, strlen(text)) == 0);
	return a;
}

struct nat_want nat_bed_masq(const char *outside, uint16_t port)
{
	return (struct nat_want){ .mode = NAT_MASQUERADE,
				  .to = NAT_UPLINK,
				  .outside = nat_bed_addr(outside),
				  .outside_port = port };
}

static bool find_or_add(struct nat_bed *b, struct pkt *p, uint16_t owner,
			const struct nat_want *want, struct nat_hit *hit)
{
	enum pkt_verdict v = nat_find(b->nat, p, owner, hit, b->now);

	if (v == PKT_DROP && p->reason == PKT_REASON_NO_FLOW && want) {
		memset(hit, 0, sizeof(*hit));
		v = nat_add(b->nat, p, owner, want, hit, b->now);
	}
	vw_assert(v != PKT_TAKEN);
	b->why = v == PKT_DROP ? p->reason : PKT_REASON_NONE;
	return v == PKT_FORWARD;
}

bool nat_bed_go(struct nat_bed *b, struct pkt *p, uint16_t owner,
		const struct nat_want *want)
{
	struct nat_hit hit = { 0 };

	if (!find_or_add(b, p, owner, want, &hit))
		return false;
	nat_apply(b->nat, p, &hit, b->now);
	b->hit = hit;
	return true;
}

bool nat_bed_go_back(struct nat_bed *b, struct pkt *p, uint16_t owner,
		     const struct nat_want *want)
{
	struct nat_hit hit = { 0 }, back;

	if (!find_or_add(b, p, owner, want, &hit))
		return false;
	if (nat_find_back(b->nat, p, &hit, &back, b->now) != PKT_FORWARD) {
		b->why = p->reason;
		nat_apply(b->nat, p, &hit, b->now);
		return false;
	}
	nat_apply_back(b->nat, p, &hit, &back, b->now);
	b->hit = hit;
	b->back = back;
	return true;
}

uint16_t nat_bed_port(const struct pkt *p, int dst)
{
	const uint8_t *at = pkt_l4(p) + (dst ? 2 : 0);

	if (p->proto == 1 || p->proto == 58)
		at = pkt_l4(p) + 4;
	return (uint16_t)(at[0] << 8 | at[1]);
}

const char *nat_bed_tuple(const struct pkt *p)
{
	static char text[2 * PKT_ADDR_TEXT + 32];
	char s[PKT_ADDR_TEXT], d[PKT_ADDR_TEXT];
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);

	pkt_addr_print(s, &src);
	pkt_addr_print(d, &dst);
	if (p->proto == 1 || p->proto == 58)
		snprintf(text, sizeof(text), "%s > %s id %u", s, d,
			 nat_bed_port(p, 0));
	else
		snprintf(text, sizeof(text), "%s:%u > %s:%u", s,
			 nat_bed_port(p, 0), d, nat_bed_port(p, 1));
	return text;
}

bool nat_bed_sums_ok(const struct pkt *p)
{
	return frame_sums_ok(p->data, p->len);
}
