/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/model_nat.h"

#include <string.h>

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };

#define S 1000ull /* milliseconds */

static const struct {
	const char *state;
	uint64_t ms;
} life[] = {
	{ "syn-sent", 240 * S },   { "syn-both", 240 * S },
	{ "syn-recv", 240 * S },   { "established", 86400 * S },
	{ "fin-from-0", 900 * S }, { "fin-from-1", 900 * S },
	{ "fin-both", 240 * S },   { "time-wait", 240 * S },
	{ "closed", 240 * S },	   { "udp-oneway", 120 * S },
	{ "udp-both", 300 * S },   { "dns-done", 30 * S },
	{ "icmp-query", 60 * S },
};

static bool is(const struct model_flow *f, const char *state)
{
	return !strcmp(f->state, state);
}

/* In the order in which flows are given up; the last is never. */
enum class { OVER, ONEWAY, QUERY, HALF, KEPT };

static enum class class_of(const struct model_flow *f) {
	if (is(f, "fin-both") || is(f, "time-wait") || is(f, "closed") ||
	    is(f, "dns-done")) return OVER;
	if (is(f, "udp-oneway")) return ONEWAY;
	if (is(f, "icmp-query")) return QUERY;
	return !strncmp(f->state, "syn-", 4) ? HALF : KEPT;
}

static uint32_t flows_of(const struct model_nat *m, uint16_t owner)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		n += m->flow[i].used && m->flow[i].owner == owner;
	return n;
}

/* From 60 % of the limit on times shrink, to none at 120 %, or a floor. */
static uint64_t pressed(const struct model_nat *m, const struct model_flow *f,
			uint64_t ms)
{
	uint64_t least = class_of(f) == KEPT ? 7440 * S : 30 * S;
	uint64_t soft = m->limit.flows * 6 / 10, has = flows_of(m, f->owner);
	uint64_t scaled = has < 2 * soft ? ms * (2 * soft - has) / soft : 0;

	if (!m->limit.flows || has <= soft || class_of(f) == OVER ||
	    ms <= least)
		return ms;
	return scaled > least ? scaled : least;
}

static void refresh(const struct model_nat *m, struct model_flow *f,
		    uint64_t now)
{
	for (unsigned i = 0; i < sizeof(life) / sizeof(life[0]); i++)
		if (is(f, life[i].state))
			f->expires = now + pressed(m, f, life[i].ms);
}

static bool alive(const struct model_flow *f, uint64_t now)
{
	return f->used && now < f->expires;
}

/* A flow that is over leaves its port to its owner for a while. */
static void bury(struct model_nat *m, struct model_flow *f, uint64_t when)
{
	m->last[f->six][f->proto][f->xport] =
		(struct model_last){ f->owner, when };
	f->used = false;
}

static void bury_the_dead(struct model_nat *m, uint64_t now)
{
	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		if (m->flow[i].used && !alive(&m->flow[i], now))
			bury(m, &m->flow[i], m->flow[i].expires);
}

void model_nat_init(struct model_nat *m)
{
	memset(m, 0, sizeof(*m));
}

static bool endpoint_is(const struct model_flow *f, const struct model_pkt *p)
{
	return f->owner == p->owner && f->proto == p->proto &&
	       f->six == p->six && f->inside == p->inside &&
	       f->port == p->sport;
}

static struct model_flow *flow_of(struct model_nat *m,
				  const struct model_pkt *p, uint64_t now)
{
	for (unsigned i = 0; i < MODEL_FLOWS; i++) {
		struct model_flow *f = &m->flow[i];

		if (!alive(f, now) || f->proto != p->proto ||
		    f->six != p->six || f->remote != p->remote)
			continue;
		if (p->owner
			    ? endpoint_is(f, p) && (p->proto == MODEL_ICMP ||
						    f->rport == p->dport)
			    : f->xport == p->dport && (p->proto == MODEL_ICMP ||
						       f->rport == p->sport))
			return f;
	}
	return NULL;
}

/* ---- TCP -------------------------------------------------------------------
 */

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t length(const struct model_pkt *p)
{
	return p->len + !!(p->flags & SYN) + !!(p->flags & FIN);
}

static void tcp_first(struct model_flow *f, const struct model_pkt *p)
{
	memset(f->d, 0, sizeof(f->d));
	f->d[0].end = f->d[0].max_end = p->seq + length(p);
	f->d[0].max_win = max64(p->win, 1);
	f->d[1].max_ack = p->seq; /* end 1 has acknowledged nothing of it yet */
	f->d[0].max_ack = -1;
	f->state = "syn-sent";
}

static bool over(const struct model_flow *f)
{
	return is(f, "fin-both") || is(f, "time-wait") || is(f, "closed");
}

static bool pure_syn(const struct model_pkt *p)
{
	return (p->flags & (SYN | ACK)) == SYN;
}

static bool ack_fits(const struct model_flow *f, int e,
		     const struct model_pkt *p)
{
	return p->ack <= f->d[!e].end &&
	       p->ack >= f->d[!e].end - max64(66000, f->d[e].max_win);
}

static bool in_window(const struct model_flow *f, int e,
		      const struct model_pkt *p)
{
	return p->seq <= f->d[e].max_end &&
	       p->seq + length(p) >= f->d[e].end - f->d[!e].max_win &&
	       (!(p->flags & ACK) || ack_fits(f, e, p));
}

enum tcp_say { REFUSED, LET_BY, TAKEN, RESTART };

static enum tcp_say judge_first_answer(const struct model_flow *f, int e,
				       const struct model_pkt *p)
{
	int64_t isn = f->d[1].max_ack;

	if (p->flags & RST) {
		int64_t at = e ? p->ack : p->seq;

		if (e && !(p->flags & ACK))
			return REFUSED;
		return at == isn + 1 || at == f->d[0].end ? TAKEN : REFUSED;
	}
	if (!e || !(p->flags & SYN))
		return REFUSED;
	if (pure_syn(p))
		return TAKEN;
	return p->ack > isn && p->ack <= f->d[0].end ? TAKEN : REFUSED;
}

static enum tcp_say judge_rst(const struct model_flow *f, int e,
			      const struct model_pkt *p)
{
	if ((p->flags & ACK) && !ack_fits(f, e, p))
		return REFUSED;
	if (p->seq == f->d[!e].max_ack || p->seq == f->d[e].end)
		return TAKEN;
	return p->seq <= f->d[e].max_end && p->seq >= f->d[!e].max_ack
		       ? LET_BY
		       : REFUSED;
}

static enum tcp_say judge(const struct model_flow *f, int e,
			  const struct model_pkt *p)
{
	bool answered = f->d[1].max_win > 0;

	if (!e && pure_syn(p) && (over(f) || is(f, "syn-sent")))
		return RESTART;
	if (!answered)
		return judge_first_answer(f, e, p);
	if (!e && pure_syn(p))
		return LET_BY;
	if (pure_syn(p) && !is(f, "syn-both"))
		return REFUSED;
	if (p->flags & RST)
		return judge_rst(f, e, p);
	if (!in_window(f, e, p))
		return REFUSED;
	if ((p->flags & SYN) && p->seq + length(p) > f->d[e].end)
		return REFUSED;
	return TAKEN;
}

static void answer_seen(struct model_flow *f, const struct model_pkt *p)
{
	f->d[1].end = p->seq + length(p);
	f->d[1].max_win = max64(p->win, 1);
	f->d[0].max_ack = p->seq;
	f->d[1].max_end = p->seq + 1 + f->d[0].max_win;
	f->d[0].max_end = max64(f->d[0].max_end, f->d[1].max_ack + 1 + p->win);
	f->state = p->flags & ACK ? "syn-recv" : "syn-both";
}

static void tcp_take(struct model_flow *f, int e, const struct model_pkt *p)
{
	struct model_dir *me = &f->d[e], *peer = &f->d[!e];

	if (p->flags & RST || is(f, "closed")) {
		f->state = "closed";
		return;
	}
	if (is(f, "syn-sent"))
		answer_seen(f, p);
	me->end = max64(me->end, p->seq + length(p));
	me->fin = me->fin || p->flags & FIN;
	if (p->flags & ACK) {
		me->acked = me->acked || p->ack > me->max_ack;
		me->max_ack = max64(me->max_ack, p->ack);
		me->max_win = max64(me->max_win, p->win);
		peer->max_end =
			max64(peer->max_end, p->ack + (p->win ? p->win : 1));
	}
	if (!f->d[0].acked || !f->d[1].acked)
		return;
	if (f->d[0].fin && f->d[1].fin)
		f->state = f->d[1].max_ack >= f->d[0].end &&
					   f->d[0].max_ack >= f->d[1].end
				   ? "time-wait"
				   : "fin-both";
	else
		f->state = f->d[0].fin	 ? "fin-from-0"
			   : f->d[1].fin ? "fin-from-1"
					 : "established";
}

static enum model_verdict tcp(const struct model_nat *m, struct model_flow *f,
			      int e, const struct model_pkt *p, uint64_t now)
{
	const char *was = f->state;

	switch (judge(f, e, p)) {
	case REFUSED:
		return MODEL_REFUSE;
	case LET_BY:
		return MODEL_PASS;
	case RESTART:
		tcp_first(f, p);
		break;
	case TAKEN:
		tcp_take(f, e, p);
		if (!strcmp(was, f->state) &&
		    (is(f, "time-wait") || is(f, "closed")))
			return MODEL_PASS;
		break;
	}
	refresh(m, f, now);
	return MODEL_PASS;
}

/* ---- all of them -----------------------------------------------------------
 */

enum model_verdict model_nat_find(struct model_nat *m,
				  const struct model_pkt *p, uint64_t now,
				  struct model_flow **flow)
{
	enum model_verdict v = MODEL_PASS;
	struct model_flow *f;
	enum class was;

	bury_the_dead(m, now);
	f = flow_of(m, p, now);
	*flow = f;
	if (!f)
		return MODEL_NO_FLOW;
	f->was = f->state;
	was = class_of(f);
	if (p->proto == MODEL_TCP) {
		v = tcp(m, f, p->owner == 0, p, now);
	} else {
		if (!p->owner && is(f, "udp-oneway"))
			f->state = f->rport == 53 ? "dns-done" : "udp-both";
		refresh(m, f, now);
	}
	if (class_of(f) != was)
		f->since = ++m->changes;
	return v;
}

static bool give_up(struct model_nat *m, uint16_t owner, enum class class,
		    uint64_t now)
{
	struct model_flow *oldest = NULL;

	for (unsigned i = 0; i < MODEL_FLOWS; i++) {
		struct model_flow *f = &m->flow[i];

		if (f->used && f->owner == owner && class_of(f) == class &&
		    (!oldest || f->since < oldest->since))
			oldest = f;
	}
	if (oldest)
		bury(m, oldest, now);
	return oldest;
}

static uint32_t of_class(const struct model_nat *m, uint16_t owner,
			 enum class class)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		n += m->flow[i].used && m->flow[i].owner == owner &&
		     class_of(&m->flow[i]) == class;
	return n;
}

bool model_nat_make_room(struct model_nat *m, const struct model_pkt *p,
			 uint64_t now)
{
	enum class class = p->proto == MODEL_TCP   ? HALF
			   : p->proto == MODEL_UDP ? ONEWAY
						   : QUERY;
	uint32_t most = class == HALF	  ? m->limit.half_open
			: class == ONEWAY ? m->limit.oneway
					  : m->limit.icmp;

	bury_the_dead(m, now);
	if (most && of_class(m, p->owner, class) >= most)
		give_up(m, p->owner, class, now);
	if (!m->limit.flows || flows_of(m, p->owner) < m->limit.flows)
		return true;
	for (enum class c = OVER; c < KEPT; c++)
		if (give_up(m, p->owner, c, now))
			return true;
	return false;
}

bool model_nat_opens(const struct model_pkt *p)
{
	return p->owner && (p->proto != MODEL_TCP ||
			    (p->flags & (SYN | ACK | RST | FIN)) == SYN);
}

bool model_nat_port_ok(const struct model_nat *m, const struct model_pkt *p,
		       uint16_t xport, uint64_t hold, uint64_t now)
{
	const struct model_last *last;

	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		if (alive(&m->flow[i], now) && endpoint_is(&m->flow[i], p))
			return m->flow[i].xport == xport;
	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		if (alive(&m->flow[i], now) && m->flow[i].proto == p->proto &&
		    m->flow[i].six == p->six && m->flow[i].xport == xport)
			return false;
	last = &m->last[p->six][p->proto][xport];
	return !last->owner || last->owner == p->owner ||
	       last->until + hold <= now;
}

struct model_flow *model_nat_add(struct model_nat *m, const struct model_pkt *p,
				 uint16_t xport, uint64_t now)
{
	for (unsigned i = 0; i < MODEL_FLOWS; i++) {
		struct model_flow *f = &m->flow[i];

		if (f->used)
			continue;
		*f = (struct model_flow){ .used = true,
					  .six = p->six,
					  .owner = p->owner,
					  .inside = p->inside,
					  .remote = p->remote,
					  .proto = p->proto,
					  .port = p->sport,
					  .rport = p->dport,
					  .xport = xport };
		if (p->proto == MODEL_TCP)
			tcp_first(f, p);
		else
			f->state = p->proto == MODEL_UDP ? "udp-oneway"
							 : "icmp-query";
		f->since = ++m->changes;
		refresh(m, f, now);
		return f;
	}
	return NULL;
}

void model_nat_forget(struct model_nat *m, uint16_t owner, uint64_t now)
{
	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		if (m->flow[i].used && m->flow[i].owner == owner)
			bury(m, &m->flow[i], now);
}

uint32_t model_nat_live(const struct model_nat *m, uint64_t now)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		n += alive(&m->flow[i], now);
	return n;
}

struct model_flow *model_nat_pick(struct model_nat *m, uint32_t r, uint64_t now)
{
	for (unsigned i = 0; i < MODEL_FLOWS; i++) {
		struct model_flow *f = &m->flow[(r + i) % MODEL_FLOWS];

		if (alive(f, now))
			return f;
	}
	return NULL;
}
