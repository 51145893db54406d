/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status and clients as JSON.  Numbers and names from the view or from data's
 * messages are written by the process that touches packets: they are bounded
 * here, and names are taken from the settings instead.
 */
#include <stdio.h>
#include <string.h>

#include "firewall/control/ctl/ctl.h"
#include "firewall/linux/log.h"

#define CLIENT_ROOM 4096u /* one client as JSON */

const char *ctl_name(const struct ctl *c, uint32_t n)
{
	if (n == 0)
		return "uplink";
	return n < APPLY_SLOTS && c->apply->slot[n].used
		       ? c->apply->slot[n].fw.name
		       : "?";
}

void ctl_json_addr(struct json *j, const char *key, const struct pkt_addr *a)
{
	char text[PKT_ADDR_TEXT];

	json_str(j, key, pkt_addr_print(text, a));
}

void ctl_json_proto(struct json *j, const char *key, uint8_t proto)
{
	char text[4];

	switch (proto) {
	case 6:
		json_str(j, key, "tcp");
		break;
	case 17:
		json_str(j, key, "udp");
		break;
	case 1:
	case 58:
		json_str(j, key, "icmp");
		break;
	default:
		snprintf(text, sizeof(text), "%u", proto);
		json_str(j, key, text);
	}
}

void ctl_json_age(const struct ctl *c, struct json *j, const char *key,
		  struct mono from)
{
	if (from.ns)
		json_secs(j, key, mono_diff_ms(from, c->now));
}

const struct view_client *ctl_row(const struct ctl *c, uint32_t n)
{
	return n <= c->apply->conf.clients ? &c->view->client[n] : NULL;
}

static const char *state_name(const struct set *s)
{
	switch ((enum set_state)s->state) {
	case SET_GOOD:
		return "good";
	case SET_BAD:
		return "bad";
	case SET_NONE:
		break;
	}
	return "none";
}

void ctl_json_set(const struct ctl *c, struct json *j, const char *key,
		  uint16_t n, int family)
{
	const struct apply_slot *s = &c->apply->slot[n];
	const struct set *set = &s->set[family];
	const char *why = apply_closed_why(c->apply, n, family);

	json_object(j, key);
	json_bool(j, "open", !why);
	if (why)
		json_str(j, "why", why);
	json_str(j, "rules", state_name(set));
	json_str(j, "source",
		 s->accept && s->key[family][0] ? "none, all accepted"
						: s->key[family]);
	if (set->state == SET_GOOD) {
		json_num(j, "count", set->n);
		json_num(j, "names", set->names);
		json_str(j, "policy",
			 set->policy == RULE_ACCEPT ? "accept" : "drop");
	}
	if (set->state == SET_BAD) {
		json_object(j, "error");
		json_str(j, "key", set->error.key);
		json_num(j, "column", set->error.column);
		json_str(j, "why", set->error.why);
		json_end_object(j);
	}
	ctl_json_age(c, j, "since_ago", s->since[family]);
	if (s->by_hand[family])
		json_bool(j, "by_hand", true);
	if (c->source && !s->accept)
		json_bool(j, "uncommitted",
			  source_dir_touched(c->source, s->key[family]));
	json_end_object(j);
}

static void port_json(const struct ctl *c, struct json *j, uint16_t n)
{
	const struct apply_slot *s = &c->apply->slot[n];
	char text[CONF_IF_MAX + 8];

	if (s->ring.is)
		snprintf(text, sizeof(text), "%s",
			 s->port.name[0] ? s->port.name : "xen.netvm");
	else
		snprintf(text, sizeof(text), "%s:%s",
			 s->port.kind == CONF_PORT_TAP ? "tap" : "packet",
			 s->port.name);
	json_str(j, "port", text);
	json_bool(j, "port_up",
		  (s->ring.is || s->link.fd >= 0) && s->port_told);
	if (s->port_err)
		json_str(j, "port_error", log_errno(s->port_err));
}

static void counters_json(struct json *j, const struct view_client *row)
{
	uint64_t drops = 0;

	if (!row)
		return;
	for (int r = 1; r < PKT_REASON_N; r++)
		drops += row->drop[r];
	json_num(j, "from_packets", row->from_packets);
	json_num(j, "from_bytes", row->from_bytes);
	json_num(j, "to_packets", row->to_packets);
	json_num(j, "to_bytes", row->to_bytes);
	json_num(j, "dropped", drops);
	json_num(j, "answered", row->answered);
	json_num(j, "answer_limited", row->answer_limited);
	json_num(j, "flows_opened", row->flows_opened);
	json_num(j, "flows_cut", row->flows_cut);
}

static void client_json(const struct ctl *c, struct json *j, uint16_t n)
{
	const struct fw_client *fw = &c->apply->slot[n].fw;
	char text[PKT_ADDR_TEXT + 4];

	json_object(j, NULL);
	json_str(j, "name", fw->name);
	json_num(j, "number", n);
	json_str(j, "kind", fw->kind == FW_QUBE ? "qube" : "network");
	port_json(c, j, n);
	json_array(j, "addresses");
	for (uint8_t i = 0; i < fw->addr_n; i++)
		ctl_json_addr(j, NULL, &fw->addr[i]);
	for (uint8_t i = 0; i < fw->net_n; i++)
		json_str(j, NULL, pkt_prefix_print(text, &fw->net[i]));
	json_end_array(j);
	if (fw->profile[0])
		json_str(j, "profile", fw->profile);
	if (!pkt_addr_is_zero(&fw->seen4)) {
		ctl_json_addr(j, "seen_as", &fw->seen4);
		ctl_json_addr(j, "seen_gateway", &fw->seen_gateway4);
	}
	ctl_json_set(c, j, "ip4", n, RULE_IP4);
	ctl_json_set(c, j, "ip6", n, RULE_IP6);
	counters_json(j, ctl_row(c, n));
	json_end_object(j);
}

void ctl_show_clients(const struct ctl *c, struct json *j, uint32_t from)
{
	uint32_t n = from ? from : 1;

	json_array(j, "clients");
	for (; n < APPLY_SLOTS && json_fits(j, CLIENT_ROOM); n++)
		if (c->apply->slot[n].used)
			client_json(c, j, (uint16_t)n);
	json_end_array(j);
	if (n < APPLY_SLOTS)
		json_num(j, "next", n);
}

bool ctl_uplink_up(const struct ctl *c)
{
	return apply_uplink_ready(c->apply) && c->view->uplink_up;
}

static void uplink_json(const struct ctl *c, struct json *j)
{
	const struct fw_uplink *u = &c->apply->uplink;

	json_object(j, "uplink");
	json_bool(j, "up", ctl_uplink_up(c));
	port_json(c, j, 0);
	if (!pkt_addr_is_zero(&u->addr4))
		ctl_json_addr(j, "ip", &u->addr4);
	if (!pkt_addr_is_zero(&u->gateway4))
		ctl_json_addr(j, "gateway", &u->gateway4);
	if (!pkt_addr_is_zero(&u->addr6))
		ctl_json_addr(j, "ip6", &u->addr6);
	if (!pkt_addr_is_zero(&u->gateway6))
		ctl_json_addr(j, "gateway6", &u->gateway6);
	counters_json(j, ctl_row(c, 0));
	json_end_object(j);
}

static void host_json(struct json *j, const struct ctl_host *h)
{
	char who[LOG_QUOTE_ROOM];

	if (!h)
		return;
	json_object(j, "host_rules");
	json_str(j, "mode", h->mode);
	json_bool(j, "in_force", h->in_force);
	json_num(j, "put_back", h->put_back);
	if (h->put_back)
		json_str(j, "changed_by",
			 log_quote(who, h->who, strlen(h->who)));
	json_end_object(j);
}

static void flows_json(struct json *j, const struct msg_usage_page *u)
{
	json_object(j, "flows");
	json_num(j, "used", u->all.flows);
	json_num(j, "capacity", u->all.capacity);
	json_num(j, "tcp", u->all.tcp);
	json_num(j, "udp", u->all.udp);
	json_num(j, "icmp", u->all.icmp);
	json_num(j, "half_open", u->all.half_open);
	json_num(j, "udp_oneway", u->all.udp_oneway);
	json_num(j, "added", u->all.added);
	json_num(j, "refused", u->all.refused);
	json_num(j, "evicted", u->all.evicted);
	json_num(j, "expired", u->all.expired);
	json_num(j, "bytes", u->table_bytes);
	json_end_object(j);
}

static void buffers_json(struct json *j, const struct view *v)
{
	json_object(j, "buffers");
	json_num(j, "small", v->pool_small);
	json_num(j, "small_free", v->pool_small_free);
	json_num(j, "large", v->pool_large);
	json_num(j, "large_free", v->pool_large_free);
	json_end_object(j);
}

static void counts_json(const struct ctl *c, struct json *j)
{
	uint32_t clients = 0, open = 0, bad = 0;

	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		const struct apply_slot *s = &c->apply->slot[n];

		if (!s->used)
			continue;
		clients++;
		open += !apply_closed_why(c->apply, n, RULE_IP4) ||
			!apply_closed_why(c->apply, n, RULE_IP6);
		bad += s->set[0].state == SET_BAD || s->set[1].state == SET_BAD;
	}
	json_object(j, "client_counts");
	json_num(j, "all", clients);
	json_num(j, "room", c->apply->conf.clients);
	json_num(j, "open", open);
	json_num(j, "bad_rules", bad);
	json_end_object(j);
}

static void profiles_json(struct json *j, const struct profiles_made *p)
{
	if (!p->built)
		return;
	json_object(j, "profiles");
	json_num(j, "count", profiles_count(p->built));
	json_num(j, "sets", profiles_set_count(p->built));
	json_num(j, "ranges", profiles_range_count(p->built));
	json_num(j, "bytes", p->len);
	json_end_object(j);
}

void ctl_show_status(const struct ctl *c, struct json *j,
		     const struct msg_usage_page *usage)
{
	json_str(j, "version", VIFWALL_VERSION);
	ctl_json_age(c, j, "uptime", c->started);
	json_bool(j, "data_up", c->apply->sock >= 0 && usage);
	json_num(j, "data_restarts", c->apply->restarts);
	json_str(j, "settings", c->apply->conf.file);
	json_object(j, "rules");
	json_str(j, "directory", c->source ? c->source->path : "");
	json_str(j, "trouble", c->source ? c->source->trouble : "");
	json_end_object(j);
	uplink_json(c, j);
	host_json(j, c->host);
	ctl_show_xen(c, j);
	ctl_show_qubesdb(c, j);
	if (usage)
		flows_json(j, usage);
	buffers_json(j, c->view);
	counts_json(c, j);
	json_object(j, "openings");
	json_num(j, "count", c->apply->forward_n);
	json_num(j, "bad", c->apply->forward_bad);
	json_end_object(j);
	profiles_json(j, &c->apply->profiles);
	/* the first page of clients, which is all that most have */
	ctl_show_clients(c, j, 0);
}
