/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules, refused packets, drops by reason and flows as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/control/ctl/ctl.h"

#define ROW_ROOM 2048u /* one row of any list as JSON */

/* ---- rules ----------------------------------------------------------------*/

static void rule_json(struct json *j, const struct set *set, uint32_t i)
{
	uint32_t number;
	const char *text = set_line(set, i, &number);

	json_object(j, NULL);
	json_num(j, "number", number);
	json_str(j, "family", set->family == RULE_IP4 ? "ip4" : "ip6");
	json_str(j, "text", text);
	json_end_object(j);
}

/* What is asked before them. */
static void profile_json(const struct ctl *c, struct json *j,
			 const char *profile)
{
	const char *text;

	if (!profile[0])
		return;
	json_str(j, "profile", profile);
	json_array(j, "profile_rules");
	for (uint32_t i = 1;
	     (text = profiles_text(&c->apply->conf, profile, i)); i++)
		json_str(j, NULL, text);
	json_end_array(j);
}

/* @from counts through the rules of IPv4, then those of IPv6. */
void ctl_show_rules(const struct ctl *c, struct json *j, uint16_t n,
		    uint32_t from)
{
	const struct apply_slot *s = &c->apply->slot[n];
	const uint32_t n4 = s->set[0].n, all = n4 + s->set[1].n;
	uint32_t i = from;

	json_str(j, "client", s->fw.name);
	profile_json(c, j, s->fw.profile);
	ctl_json_set(c, j, "ip4", n, RULE_IP4);
	ctl_json_set(c, j, "ip6", n, RULE_IP6);
	json_array(j, "list");
	for (; i < all && json_fits(j, ROW_ROOM); i++)
		rule_json(j, &s->set[i >= n4], i >= n4 ? i - n4 : i);
	json_end_array(j);
	if (i < all)
		json_num(j, "next", i);
}

/* ---- what was refused -----------------------------------------------------*/

static int newest_first(const void *a, const void *b)
{
	const struct view_blocked *x = a, *y = b;

	return (x->last_ns < y->last_ns) - (x->last_ns > y->last_ns);
}

/* A rule, or the lack of one, can be mended; nothing else that blocks can. */
static bool by_rules(const struct view_blocked *b)
{
	return b->client && b->client < APPLY_SLOTS &&
	       (b->reason == PKT_REASON_RULE || b->reason == PKT_REASON_POLICY);
}

/*
 * The command for dom0 that would let such packets pass; it is only shown.  A
 * client that came with its vif has no name here that dom0 knows.
 */
static void remedy_json(const struct ctl *c, struct json *j,
			const struct view_blocked *b)
{
	const struct apply_slot *s;
	char text[256], addr[PKT_ADDR_TEXT], before[32] = "", what[48] = "";
	char note[PKT_ADDR_TEXT + 24] = "", src[PKT_ADDR_TEXT];

	if (!by_rules(b))
		return;
	s = &c->apply->slot[b->client];
	if (!s->used)
		return;
	if (s->guest)
		snprintf(note, sizeof(note), "  # QUBE: it has %s",
			 pkt_addr_print(src, &b->src));
	if (b->reason == PKT_REASON_RULE)
		snprintf(before, sizeof(before), " --before %u", b->rule);
	if (b->proto == 6 || b->proto == 17)
		snprintf(what, sizeof(what), " proto=%s dstports=%u-%u",
			 b->proto == 6 ? "tcp" : "udp", b->dport, b->dport);
	else if (b->proto == 1 || b->proto == 58)
		snprintf(what, sizeof(what), " proto=icmp icmptype=%u",
			 b->dport);
	else
		return;
	snprintf(text, sizeof(text),
		 "qvm-firewall %s add%s accept dsthost=%s%s%s",
		 s->guest ? "QUBE" : ctl_name(c, b->client), before,
		 pkt_addr_print(addr, &b->dst), what, note);
	json_str(j, "remedy", text);
}

static void blocked_json(const struct ctl *c, struct json *j,
			 const struct view_blocked *b)
{
	enum pkt_reason reason = (enum pkt_reason)b->reason;

	json_object(j, NULL);
	json_str(j, "client", ctl_name(c, b->client));
	ctl_json_addr(j, "src", &b->src);
	ctl_json_addr(j, "dst", &b->dst);
	ctl_json_proto(j, "proto", b->proto);
	json_num(j, b->proto == 1 || b->proto == 58 ? "icmp_type" : "port",
		 b->dport);
	json_str(j, "reason", pkt_reason_name(reason));
	json_str(j, "text", pkt_reason_text(reason));
	if (b->rule != RULE_NUMBER_POLICY)
		json_num(j, "rule", b->rule);
	json_num(j, "count", b->count);
	ctl_json_age(c, j, "first_ago", (struct mono){ b->first_ns });
	ctl_json_age(c, j, "last_ago", (struct mono){ b->last_ns });
	remedy_json(c, j, b);
	json_end_object(j);
}

/*
 * All rows that are whole and meant, newest first; how many.
 * #syscalls control: sysinfo
 */
static uint32_t blocked_take(const struct ctl *c, uint16_t n,
			     struct view_blocked out[VIEW_BLOCKED_N])
{
	uint32_t rows = 0;

	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++) {
		bool whole = false;

		for (int k = 0; k < 3 && !whole; k++)
			whole = view_blocked_read(&out[rows],
						  &c->view->blocked[i]);
		if (whole && out[rows].count && (!n || out[rows].client == n))
			rows++;
	}
	qsort(out, rows, sizeof(out[0]), newest_first);
	return rows;
}

void ctl_show_blocked(const struct ctl *c, struct json *j, uint16_t n,
		      uint32_t from)
{
	static struct view_blocked row[VIEW_BLOCKED_N];
	uint32_t rows = blocked_take(c, n, row), i = from;

	ctl_json_age(c, j, "uptime", c->started);
	json_array(j, "list");
	for (; i < rows && json_fits(j, ROW_ROOM); i++)
		blocked_json(c, j, &row[i]);
	json_end_array(j);
	if (i < rows)
		json_num(j, "next", i);
}

/* ---- drops by reason ------------------------------------------------------*/

static void drops_of(struct json *j, const char *name,
		     const struct view_client *row)
{
	json_object(j, NULL);
	json_str(j, "client", name);
	json_object(j, "drops");
	for (int r = 1; row && r < PKT_REASON_N; r++)
		if (row->drop[r])
			json_num(j, pkt_reason_name((enum pkt_reason)r),
				 row->drop[r]);
	json_end_object(j);
	json_end_object(j);
}

static bool has_drops(const struct view_client *row)
{
	for (int r = 1; row && r < PKT_REASON_N; r++)
		if (row->drop[r])
			return true;
	return false;
}

/* Parties without drops are left out, unless asked for. */
void ctl_show_drops(const struct ctl *c, struct json *j, uint16_t n,
		    uint32_t from)
{
	uint32_t i = n ? n : from;
	uint32_t end = n ? n + 1u : c->apply->conf.clients + 1u;

	json_num(j, "strays", c->view->strays);
	json_array(j, "list");
	for (; i < end && json_fits(j, ROW_ROOM); i++)
		if (n || has_drops(ctl_row(c, i)))
			drops_of(j, ctl_name(c, i), ctl_row(c, i));
	json_end_array(j);
	if (i < end)
		json_num(j, "next", i);
}

/* ---- flows ----------------------------------------------------------------*/

/* dom0's number of the rule that admitted it; a newer set has other places. */
static void flow_rule_json(const struct ctl *c, struct json *j,
			   const struct nat_info *f)
{
	const struct view_client *row = ctl_row(c, f->owner[0]);
	int family = pkt_addr_is_v4(&f->real[0]) ? RULE_IP4 : RULE_IP6;
	const struct set *set;
	uint32_t number;

	if (!row || (row->rule_gen & 0xffff) != f->gen)
		return;
	if (!f->owner[0]) {
		if (f->rule < c->apply->forward_n)
			json_str(j, "opening", c->apply->forward[f->rule].name);
		return;
	}
	set = &c->apply->slot[f->owner[0]].set[family];
	if (f->rule < set->n) {
		set_line(set, f->rule, &number);
		json_num(j, "rule", number);
	} else if (f->rule == RULE_IDX_POLICY && set->state == SET_GOOD) {
		json_str(j, "rule", "policy");
	}
}

static void flow_json(const struct ctl *c, struct json *j,
		      const struct nat_info *f)
{
	json_object(j, NULL);
	json_str(j, "client", ctl_name(c, f->owner[0]));
	json_str(j, "to", ctl_name(c, f->owner[1]));
	ctl_json_proto(j, "proto", f->proto);
	json_str(j, "state", nat_state_name((enum nat_state)f->state));
	for (int e = 0; e < 2; e++) {
		json_object(j, e ? "responder" : "opener");
		ctl_json_addr(j, "ip", &f->real[e]);
		json_num(j, "port", f->real_port[e]);
		if (!pkt_addr_is_zero(&f->stand[e])) {
			ctl_json_addr(j, "sees_ip", &f->stand[e]);
			json_num(j, "sees_port", f->stand_port[e]);
		}
		json_end_object(j);
	}
	json_secs(j, "expires_in", f->expires_ms);
	flow_rule_json(c, j, f);
	json_end_object(j);
}

void ctl_show_flows(const struct ctl *c, struct json *j, uint16_t n,
		    const struct msg_flows_page *page)
{
	json_array(j, "list");
	for (uint32_t i = 0; i < page->n; i++)
		if (!n || page->flow[i].owner[0] == n ||
		    page->flow[i].owner[1] == n)
			flow_json(c, j, &page->flow[i]);
	json_end_array(j);
	if (page->cursor)
		json_num(j, "next", page->cursor);
}
