/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host names in rules: what is known of them, from whom and for how long.
 */
#include "firewall/control/ctl/ctl.h"

/* One name with all its addresses. */
#define ROW_ROOM 20000u

static const char *state_text(const struct rule_name_state *s)
{
	static const char *const last[] = {
		[RULE_NAME_ADDRS] = "known",
		[RULE_NAME_EMPTY] = "no address",
		[RULE_NAME_GONE] = "no such name",
		[RULE_NAME_FAILED] = "no answer",
	};

	if (s->tries)
		return last[RULE_NAME_FAILED];
	return s->answered ? last[s->last] : "asked";
}

static const char *source_of(const struct rule_name *r,
			     const struct rule_name_addr *a, struct mono now)
{
	if (mono_past(a->until, now))
		return "grace";
	return r->owner ? "seen" : "query";
}

static void addrs_json(const struct ctl *c, struct json *j,
		       const struct rule_name *r, int family)
{
	for (uint8_t i = 0; i < r->addr_n[family]; i++) {
		const struct rule_name_addr *a = &r->addr[family][i];

		json_object(j, NULL);
		ctl_json_addr(j, "address", &a->addr);
		json_str(j, "source", source_of(r, a, c->now));
		json_secs(j, "ttl_left", mono_diff_ms(c->now, a->until));
		json_end_object(j);
	}
}

static void name_json(const struct ctl *c, struct json *j,
		      const struct rule_name *r)
{
	json_object(j, NULL);
	json_str(j, "name", r->name);
	/* whose answers these are; our own are for all who want it */
	json_str(j, "client", r->owner ? ctl_name(c, r->owner) : "");
	json_num(j, "clients", r->owner ? 1u : r->clients);
	json_num(j, "answers", r->answers);
	if (!r->owner) {
		json_str(j, "ip4", state_text(&r->state[RULE_IP4]));
		json_str(j, "ip6", state_text(&r->state[RULE_IP6]));
	}
	json_array(j, "addresses");
	addrs_json(c, j, r, RULE_IP4);
	addrs_json(c, j, r, RULE_IP6);
	json_end_array(j);
	json_end_object(j);
}

void ctl_show_dns(const struct ctl *c, struct json *j, uint16_t n,
		  uint32_t from)
{
	const struct rule_names *t = c->apply->names;
	const struct rule_name *r;
	uint32_t cursor = from;

	json_bool(j, "resolving", t != NULL);
	json_array(j, "names");
	while (t && json_fits(j, ROW_ROOM)) {
		r = rule_names_each(t, &cursor);
		if (!r)
			break;
		if (!n || rule_name_wanted_by(r, n))
			name_json(c, j, r);
	}
	json_end_array(j);
	from = cursor;
	if (t && rule_names_each(t, &from))
		json_num(j, "next", cursor);
}
