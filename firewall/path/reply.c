/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we say about packets that do not pass.  Always to the party that sent
 * them, with the address of ours that it knows (R21), out of its own bucket
 * (R23); to the uplink only about packets of flows that clients opened (R24).
 */
#include "firewall/path/fw_part.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"

/* How a client is told, by reason; what is not listed is dropped in silence. */
enum answer {
	SILENCE,
	PROHIBITED,
	HOST_PROHIBITED,
	NO_ROUTE,
	OUT_OF_HOPS,
	RESET,
};

static const struct manners {
	uint8_t answer; /* enum answer */
	bool noted;	/* shown to people among what was blocked */
} manners[PKT_REASON_N] = {
	[PKT_REASON_CLOSED] = { SILENCE, true },
	[PKT_REASON_PROTO] = { PROHIBITED, true },
	[PKT_REASON_RULE] = { PROHIBITED, true },
	[PKT_REASON_POLICY] = { PROHIBITED, true },
	[PKT_REASON_PROFILE] = { PROHIBITED, true },
	[PKT_REASON_RULES_BAD] = { PROHIBITED, true },
	[PKT_REASON_CLIENT_TO_CLIENT] = { PROHIBITED, true },
	[PKT_REASON_OVERLAP] = { PROHIBITED, true },
	[PKT_REASON_NAT_FULL] = { PROHIBITED, true },
	[PKT_REASON_NAT_QUOTA] = { PROHIBITED, true },
	[PKT_REASON_NAT_PORTS] = { PROHIBITED, true },
	[PKT_REASON_NAT_RATE] = { PROHIBITED, true },
	[PKT_REASON_HAIRPIN] = { HOST_PROHIBITED, true },
	[PKT_REASON_TO_SELF] = { HOST_PROHIBITED, true },
	[PKT_REASON_NO_UPLINK] = { NO_ROUTE, true },
	[PKT_REASON_NO_RESOLVER] = { NO_ROUTE, true },
	[PKT_REASON_NO_NEIGH] = { NO_ROUTE, true },
	[PKT_REASON_PORT_DOWN] = { NO_ROUTE, true },
	[PKT_REASON_TTL] = { OUT_OF_HOPS, false },
	[PKT_REASON_NOT_SYN] = { RESET, false },
	[PKT_REASON_NO_FLOW] = { RESET, false },
};

static enum pkt_err error_of(enum answer a)
{
	switch (a) {
	case HOST_PROHIBITED:
		return PKT_ERR_HOST_PROHIBITED;
	case NO_ROUTE:
		return PKT_ERR_NO_ROUTE;
	case OUT_OF_HOPS:
		return PKT_ERR_TTL;
	case SILENCE:
	case PROHIBITED:
	case RESET:
		break;
	}
	return PKT_ERR_PROHIBITED;
}

bool fw_may_reply(struct fw *fw, uint16_t n, struct mono now)
{
	const struct bucket_rate rate = { fw->conf.reply_per_s,
					  fw->conf.reply_burst };
	bool may = bucket_take(&fw->party[n].reply, &rate, &fw->rand, now);

	if (may)
		fw_row(fw, n)->answered++;
	else
		fw_row(fw, n)->answer_limited++;
	return may;
}

static void say(struct fw *fw, uint16_t n, struct pkt *reply, struct mono now)
{
	if (reply)
		fw_send(fw, n, reply, now);
}

static void send_error(struct fw *fw, uint16_t n, const struct pkt *p,
		       enum pkt_err err, uint16_t mtu, struct mono now)
{
	enum rule_family family = fw_pkt_family(p);
	const struct pkt_addr *from = n == NAT_UPLINK
					      ? fw_outside(fw, family)
					      : fw_gateway(fw, n, family);

	if (pkt_addr_is_zero(from) || !pkt_err_allowed(p, err) ||
	    !fw_may_reply(fw, n, now))
		return;
	say(fw, n,
	    pkt_build_error(fw->pool, &(struct pkt_eth){ 0 }, from, p, err,
			    mtu),
	    now);
}

static void send_rst(struct fw *fw, uint16_t n, const struct pkt *p,
		     struct mono now)
{
	if (p->kind != PKT_KIND_TCP || p->tcp_flags & TCP_RST ||
	    !fw_may_reply(fw, n, now))
		return;
	say(fw, n, pkt_build_rst(fw->pool, &(struct pkt_eth){ 0 }, p), now);
}

/*
 * An ICMP error fails an attempt to connect, but an established connection
 * takes it for a passing trouble and hangs (RFC 5927): that one needs a RST.
 */
static enum answer fitting(const struct fw *fw, const struct pkt *p,
			   enum pkt_reason reason)
{
	enum answer a = (enum answer)manners[reason].answer;

	if (a == OUT_OF_HOPS || a == SILENCE)
		return a;
	if (fw->conf.reply_silent)
		return SILENCE;
	if (p->kind != PKT_KIND_TCP || a == NO_ROUTE)
		return a;
	if (!(p->tcp_flags & TCP_SYN) ||
	    (fw->conf.reject_rst && a == PROHIBITED))
		return RESET;
	return a;
}

/* The number that people know the rule by. */
static uint32_t rule_number(const struct ruleset *set, enum pkt_reason reason,
			    uint16_t rule)
{
	if (reason == PKT_REASON_PROFILE)
		return rule;
	return set && rule != RULE_IDX_POLICY ? ruleset_number(set, rule)
					      : RULE_NUMBER_POLICY;
}

void fw_note(struct fw *fw, uint16_t n, const struct pkt *p,
	     enum pkt_reason reason, uint16_t rule, struct mono now)
{
	const struct ruleset *set = fw->party[n].rules[fw_pkt_family(p)];
	struct view_blocked kind = {
		.src = pkt_src(p),
		.dst = pkt_dst(p),
		.client = n,
		.dport = pkt_is_icmp(p) ? p->icmp_type : p->dport,
		.rule = rule_number(set, reason, rule),
		.proto = p->proto,
		.reason = (uint8_t)reason,
	};

	blocked_note(fw->blocked, &kind, now);
}

enum pkt_verdict fw_refuse(struct fw *fw, uint16_t n, struct pkt *p,
			   enum pkt_reason reason, uint16_t rule,
			   struct mono now)
{
	enum answer a = fitting(fw, p, reason);

	if (fw->settling)
		return pkt_drop(p, reason);
	if (manners[reason].noted)
		fw_note(fw, n, p, reason, rule, now);
	if (a == RESET)
		send_rst(fw, n, p, now);
	else if (a != SILENCE)
		send_error(fw, n, p, error_of(a), 0, now);
	return pkt_drop(p, reason);
}

enum pkt_verdict fw_too_big(struct fw *fw, uint16_t n, struct pkt *p,
			    uint16_t mtu, struct mono now)
{
	send_error(fw, n, p, PKT_ERR_MTU, mtu, now);
	return pkt_drop(p, PKT_REASON_MTU);
}

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t keep[16];

	memcpy(keep, a, len);
	memcpy(a, b, len);
	memcpy(b, keep, len);
}

/*
 * Makes of a segment the one that answers it, as far as its RST depends on it:
 * ends swapped, and what the one acknowledges is where the other stands.
 */
static void turn_round(struct pkt *p)
{
	uint8_t *ip = pkt_l3(p), *tcp = pkt_l4(p);

	if (p->l3 == PKT_L3_IP4)
		swap(ip + 12, ip + 16, 4);
	else
		swap(ip + 8, ip + 24, 16);
	swap(tcp, tcp + 2, 2);
	swap(tcp + 4, tcp + 8, 4);
	p->sport = be16_at(tcp);
	p->dport = be16_at(tcp + 2);
}

void fw_tell_opener(struct fw *fw, uint16_t n, struct pkt *p, struct mono now)
{
	if (p->kind != PKT_KIND_TCP || !(p->tcp_flags & TCP_ACK) ||
	    fw->conf.reply_silent)
		return;
	turn_round(p);
	send_rst(fw, n, p, now);
}
