/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What would become of a client's packet that opens a flow: the questions of
 * firewall/path/judge.c in their order, asked of what data was told.
 */
#include <string.h>

#include "firewall/control/ctl/ctl.h"
#include "firewall/control/conf/forward_text.h"
#include "firewall/share/fw_profile.h"

struct verdict {
	enum pkt_reason reason;
	uint16_t to; /* client, 0 the uplink */
	bool judged; /* by rules: rule is valid */
	uint16_t rule;
	uint16_t profile_rule; /* with PKT_REASON_PROFILE: its number */
	const struct apply_forward *by; /* the opening that lets it in */
};

/* What the path would be asked. */
static struct nat_tuple tuple(const struct ctl_request *r)
{
	return (struct nat_tuple){ .src = r->src,
				   .dst = r->dst,
				   .dport = r->port,
				   .proto = r->proto };
}

static const struct apply_forward *opening(const struct apply *a,
					   enum fw_forward_way way,
					   const struct ctl_request *r)
{
	struct nat_tuple t = tuple(r);

	for (uint32_t i = 0; i < a->forward_n; i++)
		if (fw_forward_takes(&a->forward[i].fw, way, &t))
			return &a->forward[i];
	return NULL;
}

/* Whom it leads to, if anybody. */
static enum pkt_reason reach(const struct apply *a, struct verdict *v)
{
	const struct pkt_addr *to = &v->by->fw.to;

	v->to = apply_find_addr(a, to);
	if (!v->to)
		return PKT_REASON_PORT_DOWN;
	return a->slot[v->to].told && apply_profile_ok(a, v->to) &&
			       a->slot[v->to].set[!pkt_addr_is_v4(to)].built
		       ? PKT_REASON_NONE
		       : PKT_REASON_CLOSED;
}

static bool is_gateway(const struct apply *a, const struct pkt_addr *dst)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		if (a->slot[n].used &&
		    (pkt_addr_eq(&a->slot[n].fw.gateway4, dst) ||
		     pkt_addr_eq(&a->slot[n].fw.gateway6, dst)))
			return true;
	return false;
}

static bool is_allowed_pair(const struct apply *a, uint16_t from, uint16_t to)
{
	for (uint16_t i = 0; i < a->conf.allow_n; i++)
		if (!strcmp(a->conf.allow[i].from, a->slot[from].fw.name) &&
		    !strcmp(a->conf.allow[i].to, a->slot[to].fw.name))
			return true;
	return false;
}

static bool is_guarded(const struct apply *a, const struct pkt_addr *dst)
{
	for (uint32_t i = 0; i < a->guard_n; i++)
		if (pkt_addr_eq(&a->guard[i], dst))
			return true;
	return false;
}

static bool is_outside(const struct apply *a, const struct pkt_addr *dst)
{
	return pkt_addr_eq(&a->uplink.addr4, dst) ||
	       pkt_addr_eq(&a->uplink.addr6, dst);
}

static bool is_hairpin(const struct apply *a, const struct ctl_request *r)
{
	return a->conf.hairpin && is_outside(a, &r->dst) &&
	       (r->proto == 6 || r->proto == 17);
}

static bool across(const struct apply *a, const struct ctl_request *r,
		   struct verdict *v)
{
	if (v->to == r->client)
		return false;
	if (is_allowed_pair(a, r->client, v->to))
		return true;
	v->by = opening(a, FW_WAY_ACROSS, r);
	return v->by;
}

static enum pkt_reason where(const struct apply *a, const struct ctl_request *r,
			     struct verdict *v)
{
	const struct pkt_addr *dst = &r->dst;
	uint16_t other;

	v->to = 0;
	if (pkt_addr_is_zero(dst))
		return PKT_REASON_MARTIAN_DST;
	v->by = is_outside(a, dst) ? opening(a, FW_WAY_BACK, r) : NULL;
	if (v->by)
		return reach(a, v);
	if (is_hairpin(a, r))
		return PKT_REASON_NONE;
	if (is_gateway(a, dst))
		return PKT_REASON_TO_SELF;
	if (is_outside(a, dst))
		return PKT_REASON_HAIRPIN;
	other = apply_find_addr(a, dst);
	if (other) {
		v->to = other;
		return across(a, r, v) ? PKT_REASON_NONE
				       : PKT_REASON_CLIENT_TO_CLIENT;
	}
	if (is_guarded(a, dst))
		return PKT_REASON_CLIENT_TO_CLIENT;
	if (pkt_addr_is_multicast(dst))
		return PKT_REASON_MULTICAST;
	return pkt_addr_ok_dst(dst) ? PKT_REASON_NONE : PKT_REASON_MARTIAN_DST;
}

/* The way out must be there, too. */
static enum pkt_reason way_out(const struct ctl *c, uint16_t to, int family)
{
	const struct fw_uplink *u = &c->apply->uplink;

	if (to)
		return c->apply->slot[to].port_told ? PKT_REASON_NONE
						    : PKT_REASON_PORT_DOWN;
	if (pkt_addr_is_zero(family ? &u->addr6 : &u->addr4) ||
	    !c->apply->slot[0].port_told)
		return PKT_REASON_NO_UPLINK;
	return PKT_REASON_NONE;
}

/* What its profile says. */
static enum pkt_reason profile(const struct ctl *c, const struct ctl_request *r,
			       struct verdict *v)
{
	const struct apply *a = c->apply;
	const char *name = a->slot[r->client].fw.profile;
	struct nat_tuple t = tuple(r);
	struct profile_query q;
	struct profile_answer said;

	if (!name[0])
		return PKT_REASON_NONE;
	t.icmp_type = (uint8_t)r->port;
	q = fw_profile_query(&a->dns, &t);
	said = profiles_eval(a->profiles.built,
			     profiles_find(a->profiles.built, name), &q);
	v->profile_rule = said.rule;
	return said.refused ? PKT_REASON_PROFILE : PKT_REASON_NONE;
}

static struct verdict judge(const struct ctl *c, const struct ctl_request *r,
			    int family)
{
	const struct apply_slot *s = &c->apply->slot[r->client];
	struct verdict v = { .reason = PKT_REASON_NONE };
	struct rule_answer a;

	if (!s->told || !s->key[family][0] || !s->set[family].built ||
	    !apply_profile_ok(c->apply, r->client)) {
		v.reason = PKT_REASON_CLOSED;
		return v;
	}
	v.reason = where(c->apply, r, &v);
	if (v.reason != PKT_REASON_NONE)
		return v;
	if (r->proto != 6 && r->proto != 17 && r->proto != 1 &&
	    r->proto != 58) {
		v.reason = PKT_REASON_PROTO;
		return v;
	}
	v.reason = profile(c, r, &v);
	if (v.reason != PKT_REASON_NONE)
		return v;
	a = ruleset_eval(s->set[family].built,
			 &(struct rule_query){
				 .dst = r->dst,
				 .dport = r->port,
				 .proto = r->proto,
				 .icmp_type = (uint8_t)r->port,
			 });
	v.judged = true;
	v.rule = a.idx;
	if (a.action != RULE_ACCEPT)
		v.reason = (enum pkt_reason)a.reason;
	else
		v.reason = !v.by && is_hairpin(c->apply, r)
				   ? PKT_REASON_NONE
				   : way_out(c, v.to, family);
	return v;
}

/* The same of a packet from outside: firewall/path/forward.c. */
static struct verdict judge_uplink(const struct ctl *c,
				   const struct ctl_request *r, int family)
{
	struct verdict v = { .reason = PKT_REASON_NO_FLOW };

	if (!is_outside(c->apply, &r->dst)) {
		v.reason = apply_find_addr(c->apply, &r->dst)
				   ? PKT_REASON_DST_INSIDE
				   : PKT_REASON_NO_FLOW;
		return v;
	}
	v.by = opening(c->apply, FW_WAY_IN, r);
	if (v.by)
		v.reason = reach(c->apply, &v);
	if (v.reason == PKT_REASON_NONE)
		v.reason = way_out(c, v.to, family);
	return v;
}

static void rule_json(struct json *j, const struct set *set,
		      const struct verdict *v)
{
	uint32_t number;
	const char *text;

	if (!v->judged || set->state != SET_GOOD)
		return;
	if (v->rule < set->n) {
		text = set_line(set, v->rule, &number);
		json_num(j, "rule", number);
		json_str(j, "text", text);
	} else {
		json_str(j, "rule", "policy");
		json_str(j, "text",
			 set->policy == RULE_ACCEPT ? "accept" : "drop");
	}
}

static void profile_json(const struct ctl *c, struct json *j,
			 const struct ctl_request *r, const struct verdict *v)
{
	const char *name = c->apply->slot[r->client].fw.profile;
	const char *text;

	if (v->reason != PKT_REASON_PROFILE)
		return;
	text = profiles_text(&c->apply->conf, name, v->profile_rule);
	json_str(j, "profile", name);
	json_num(j, "profile_rule", v->profile_rule);
	json_str(j, "text", text ? text : "");
}

static void opening_json(struct json *j, const struct ctl_request *r,
			 const struct verdict *v)
{
	char text[FORWARD_TEXT_MAX];

	if (!v->by)
		return;
	json_object(j, "opening");
	json_str(j, "name", v->by->name);
	json_str(j, "text", forward_print(text, &v->by->fw));
	ctl_json_addr(j, "ip", &v->by->fw.to);
	json_num(j, "port", fw_forward_port(&v->by->fw, r->port));
	json_end_object(j);
}

static bool is_ping(const struct ctl *c, const struct ctl_request *r)
{
	const struct fw_client *fw = &c->apply->slot[r->client].fw;

	return (r->proto == 1 && r->port == 8 &&
		pkt_addr_eq(&r->dst, &fw->gateway4)) ||
	       (r->proto == 58 && r->port == 128 &&
		pkt_addr_eq(&r->dst, &fw->gateway6));
}

/* A reset is for those that rules, or the lack of a right, refuse. */
static bool is_prohibited(enum pkt_reason why)
{
	return why == PKT_REASON_RULE || why == PKT_REASON_PROFILE ||
	       why == PKT_REASON_POLICY || why == PKT_REASON_RULES_BAD ||
	       why == PKT_REASON_PROTO || why == PKT_REASON_CLIENT_TO_CLIENT;
}

/* What the client would be told about a refusal, as firewall/path/reply.c. */
static const char *told(const struct ctl *c, const struct ctl_request *r,
			enum pkt_reason why)
{
	bool icmp = r->proto == 1 || r->proto == 58;
	uint8_t reject = c->apply->conf.reject;

	if (r->uplink)
		return "nothing";
	if (why == PKT_REASON_TO_SELF && icmp)
		return is_ping(c, r) ? "an echo reply" : "nothing";
	if (why == PKT_REASON_CLOSED || why == PKT_REASON_MULTICAST ||
	    why == PKT_REASON_MARTIAN_DST || reject == CONF_REJECT_SILENT)
		return "nothing";
	return reject == CONF_REJECT_RST && r->proto == 6 && is_prohibited(why)
		       ? "a TCP reset"
		       : "an ICMP error";
}

/*
 * Who asks when nothing is said: the client by its first address, and from
 * outside somebody of whom no opening knows.
 */
static struct pkt_addr own_addr(const struct ctl_request *r,
				const struct apply_slot *s)
{
	bool v4 = pkt_addr_is_v4(&r->dst);
	static const uint8_t zero[4];

	for (uint8_t i = 0; !r->uplink && i < s->fw.addr_n; i++)
		if (pkt_addr_is_v4(&s->fw.addr[i]) == v4)
			return s->fw.addr[i];
	return v4 ? pkt_addr_v4(zero) : (struct pkt_addr){ 0 };
}

void ctl_show_explain(const struct ctl *c, struct json *j,
		      const struct ctl_request *request)
{
	struct ctl_request r = *request;
	int family = pkt_addr_is_v4(&r.dst) ? RULE_IP4 : RULE_IP6;
	const struct apply_slot *s = &c->apply->slot[r.client];
	struct verdict v;
	bool pass;

	if (family == RULE_IP6 && r.proto == 1)
		r.proto = 58;
	if (!r.has_src)
		r.src = own_addr(&r, s);
	v = r.uplink ? judge_uplink(c, &r, family) : judge(c, &r, family);
	pass = v.reason == PKT_REASON_NONE;
	json_str(j, "client", ctl_name(c, r.client));
	if (r.has_src)
		ctl_json_addr(j, "src", &r.src);
	ctl_json_addr(j, "dst", &r.dst);
	ctl_json_proto(j, "proto", r.proto);
	json_num(j, r.proto == 1 || r.proto == 58 ? "icmp_type" : "port",
		 r.port);
	json_str(j, "verdict", pass ? "accept" : "drop");
	rule_json(j, &s->set[family], &v);
	profile_json(c, j, &r, &v);
	opening_json(j, &r, &v);
	if (!pass) {
		json_str(j, "reason", pkt_reason_name(v.reason));
		json_str(j, "why", pkt_reason_text(v.reason));
		json_str(j, "told", told(c, &r, v.reason));
		return;
	}
	json_str(j, "to", ctl_name(c, v.to));
	if (!v.by && is_hairpin(c->apply, &r))
		json_bool(j, "hairpin", true);
	if (v.to == 0)
		ctl_json_addr(j, "as",
			      family == RULE_IP4 ? &c->apply->uplink.addr4
						 : &c->apply->uplink.addr6);
}
