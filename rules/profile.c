/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "rules/profile_block.h"

/* ---- is it sound? -------------------------------------------------------- */

static bool name_ok(const char name[ADDR_SET_NAME_MAX])
{
	const char *end = memchr(name, 0, ADDR_SET_NAME_MAX);

	return end && addr_set_name_ok(name, (size_t)(end - name));
}

static bool set_ok(const struct profiles *p, const struct profile_set *s)
{
	return name_ok(s->name) && s->at <= p->range_n &&
	       s->n4 <= p->range_n - s->at &&
	       s->n6 <= p->range_n - s->at - s->n4;
}

static bool rule_ok(const struct profiles *p, const struct profile_rule *r)
{
	if (r->action > PROFILE_PASS || r->dst > PROFILE_DST_SET ||
	    r->dns > 1 || r->prefix.len > 128)
		return false;
	return r->dst != PROFILE_DST_SET || r->set < p->set_n;
}

static bool list_ok(const struct profiles *p, const struct profile_list *l)
{
	return name_ok(l->name) && l->n <= PROFILE_RULES_MAX &&
	       l->at <= p->rule_n && l->n <= p->rule_n - l->at;
}

static bool counts_ok(const struct profiles *p, size_t len)
{
	return p->magic == PROFILES_MAGIC && p->len == len &&
	       p->set_n <= PROFILES_SETS_MAX && p->list_n <= PROFILES_MAX &&
	       p->rule_n <= PROFILES_RULES_MAX &&
	       p->range_n <= PROFILES_RANGES_MAX &&
	       len == profile_block_len(p->set_n, p->list_n, p->rule_n,
					p->range_n);
}

/* All but the ranges, which are many: this is little. */
static bool heads_ok(const struct profiles *p)
{
	for (uint32_t i = 0; i < p->set_n; i++)
		if (!set_ok(p, &profile_sets(p)[i]))
			return false;
	for (uint32_t i = 0; i < p->list_n; i++)
		if (!list_ok(p, &profile_lists(p)[i]))
			return false;
	for (uint32_t i = 0; i < p->rule_n; i++)
		if (!rule_ok(p, &profile_rules(p)[i]))
			return false;
	return true;
}

void profiles_check_begin(struct profiles_walk *w, const void *mem, size_t len)
{
	const struct profiles *p = mem;

	*w = (struct profiles_walk){ .p = NULL };
	if ((uintptr_t)mem % PROFILES_ALIGN == 0 && len >= sizeof(*p) &&
	    counts_ok(p, len) && heads_ok(p))
		w->p = p;
}

/* Goes on in one family of a set. */
static bool ranges_ok(struct profiles_walk *w, const struct profile_set *s,
		      uint32_t *budget)
{
	const struct addr_range *r = profile_ranges(w->p) + s->at;
	bool v4 = w->i < s->n4;
	uint32_t begin = v4 ? 0 : s->n4, end = v4 ? s->n4 : s->n4 + s->n6;
	/* the one before again: how the next follows it */
	uint32_t from = w->i > begin ? w->i - 1 : begin;

	w->i += check_afford(budget, end - w->i, sizeof(*r));
	return addr_set_ok(r + from, w->i - from, v4);
}

enum check_state profiles_check_step(struct profiles_walk *w, uint32_t *budget)
{
	const struct profiles *p = w->p;

	while (p && w->set < p->set_n && *budget) {
		const struct profile_set *s = &profile_sets(p)[w->set];

		if (w->i == s->n4 + s->n6) {
			w->set++;
			w->i = 0;
		} else if (!ranges_ok(w, s, budget)) {
			w->p = p = NULL;
		}
	}
	if (!p)
		return CHECK_BAD;
	return w->set < p->set_n ? CHECK_ON : CHECK_SOUND;
}

const struct profiles *profiles_check(const void *mem, size_t len)
{
	struct profiles_walk w;
	enum check_state is;

	profiles_check_begin(&w, mem, len);
	do {
		uint32_t budget = UINT32_MAX;

		is = profiles_check_step(&w, &budget);
	} while (is == CHECK_ON);
	return is == CHECK_SOUND ? w.p : NULL;
}

/* ---- what does it say? --------------------------------------------------- */

static bool in_set(const struct profiles *p, uint16_t set,
		   const struct pkt_addr *a)
{
	const struct profile_set *s = &profile_sets(p)[set];
	const struct addr_range *r = profile_ranges(p) + s->at;

	return pkt_addr_is_v4(a) ? addr_set_has(r, s->n4, a)
				 : addr_set_has(r + s->n4, s->n6, a);
}

static bool dst_matches(const struct profiles *p, const struct profile_rule *r,
			const struct pkt_addr *dst)
{
	switch ((enum profile_dst)r->dst) {
	case PROFILE_DST_ANY:
		return true;
	case PROFILE_DST_PREFIX:
		return pkt_prefix_has(&r->prefix, dst);
	case PROFILE_DST_SET:
		return in_set(p, r->set, dst);
	}
	return false;
}

static bool proto_matches(const struct profile_rule *r,
			  const struct rule_query *q)
{
	bool icmp = q->proto == (pkt_addr_is_v4(&q->dst) ? 1 : 58);
	bool any = r->port_lo == 0 && r->port_hi == UINT16_MAX;

	if (r->proto == 1 ? !icmp : r->proto && r->proto != q->proto)
		return false;
	if (icmp)
		return any &&
		       (r->icmp_type < 0 || r->icmp_type == q->icmp_type);
	if (q->proto != 6 && q->proto != 17)
		return any;
	return q->dport >= r->port_lo && q->dport <= r->port_hi;
}

struct profile_answer profiles_eval(const struct profiles *p, uint16_t profile,
				    const struct profile_query *q)
{
	const struct profile_list *l = &profile_lists(p)[profile];

	for (uint32_t i = 0; i < l->n; i++) {
		const struct profile_rule *r = &profile_rules(p)[l->at + i];

		if ((!r->dns || q->dns) && proto_matches(r, &q->q) &&
		    dst_matches(p, r, &q->q.dst))
			return (struct profile_answer){
				.refused = r->action == PROFILE_DROP,
				.rule = (uint16_t)(i + 1),
			};
	}
	return (struct profile_answer){ .refused = false };
}

uint16_t profiles_find(const struct profiles *p, const char *name)
{
	for (uint32_t i = 0; i < p->list_n; i++)
		if (!strcmp(profile_lists(p)[i].name, name))
			return (uint16_t)i;
	return PROFILE_NONE;
}

uint32_t profiles_count(const struct profiles *p)
{
	return p->list_n;
}

uint32_t profiles_set_count(const struct profiles *p)
{
	return p->set_n;
}

uint32_t profiles_range_count(const struct profiles *p)
{
	return p->range_n;
}
