/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_tcp.h"

#include "packet/pkt_bytes.h"
#include "packet/pkt_cursor.h"
#include "packet/pkt_hot.h"
#include "packet/pkt_ip.h"

#define ACK_BEHIND 66000u /* how old an acknowledgement may be, at least */
#define SCALE_NONE 15u	  /* a SYN without the option */
#define SCALE_MAX 14u	  /* RFC 7323 */

enum { OPT_END, OPT_NOP, OPT_SCALE = 3, OPT_SACK_OK = 4, OPT_SACK = 5 };

struct seg {
	uint32_t seq, ack;
	uint32_t len;  /* with SYN and FIN */
	uint32_t sack; /* highest number known to be received, or ack */
	uint32_t win;  /* bytes */
	uint8_t flags;
};

/* Sequence numbers wrap: a is behind b when its distance is positive. */
static bool after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return after(a, b) ? a : b;
}

/* No scale holds before both SYNs were seen. */
static unsigned shift(const struct nat_flow *f, unsigned e)
{
	return f->state == NAT_TCP_SYN_SENT ? 0 : f->scale >> 4 * e & 15;
}

static uint32_t window(const struct nat_flow *f, const struct nat_track *tr,
		       unsigned e)
{
	return (uint32_t)tr->max_win[e] << shift(f, e);
}

/* Rounds up, so that scaling never shuts a window. */
static uint16_t units(uint32_t bytes, unsigned by)
{
	uint32_t n = (bytes + (1u << by) - 1) >> by;

	return n > UINT16_MAX ? UINT16_MAX : n ? (uint16_t)n : 1;
}

struct options {
	uint32_t sack; /* highest right edge */
	uint8_t scale; /* SCALE_NONE: not offered */
	bool sack_ok;
};

/* Right edges of the blocks that lie behind @o->sack. */
static void read_sack(struct cur *body, struct options *o)
{
	while (body->left >= 8) {
		cur_skip(body, 4);
		o->sack = later(cur_be32(body), o->sack);
	}
}

static void read_options(const struct pkt *p, struct options *o)
{
	struct cur c = cur_of(pkt_l4(p) + TCP_HLEN,
			      (size_t)(p->pay_off - p->l4_off) - TCP_HLEN);

	while (cur_ok(&c) && c.left) {
		uint8_t kind = cur_u8(&c), len;
		struct cur body;

		if (kind == OPT_END)
			return;
		if (kind == OPT_NOP)
			continue;
		len = cur_u8(&c);
		if (len < 2)
			return;
		body = cur_sub(&c, len - 2u);
		if (!cur_ok(&body))
			return;
		if (kind == OPT_SCALE && len == 3) {
			uint8_t by = cur_u8(&body);

			o->scale = by < SCALE_MAX ? by : SCALE_MAX;
		} else if (kind == OPT_SACK_OK && len == 2) {
			o->sack_ok = true;
		} else if (kind == OPT_SACK) {
			read_sack(&body, o);
		}
	}
}

/* Nothing but a timestamp, laid out as everybody does (RFC 7323 appendix A). */
static bool only_timestamp(const struct pkt *p)
{
	const uint8_t *opt = pkt_l4(p) + TCP_HLEN;

	return p->pay_off - p->l4_off == TCP_HLEN + 12 &&
	       be32_at(opt) == 0x0101080au;
}

/* The highest number that @p says is received, @ack at least. */
static PKT_APART uint32_t sack_of(const struct pkt *p, uint32_t ack)
{
	struct options o = { .sack = ack };

	if (!only_timestamp(p))
		read_options(p, &o);
	return o.sack;
}

PKT_INLINE struct seg seg_of(const struct nat_flow *f, unsigned e,
			     const struct pkt *p)
{
	const uint8_t *h = pkt_l4(p);
	struct seg s = { .seq = be32_at(h + 4),
			 .ack = be32_at(h + 8),
			 .win = be16_at(h + 14),
			 .flags = p->tcp_flags };

	s.len = pkt_end(p) - p->pay_off + !!(s.flags & TCP_SYN) +
		!!(s.flags & TCP_FIN);
	if (!(s.flags & TCP_SYN))
		s.win <<= shift(f, e);
	s.sack = s.ack;
	if ((f->flags & NAT_F_SACK) && (s.flags & TCP_ACK) &&
	    p->pay_off - p->l4_off > TCP_HLEN)
		s.sack = sack_of(p, s.ack);
	return s;
}

static bool is_over(enum nat_state s)
{
	return s == NAT_TCP_FIN_BOTH || s == NAT_TCP_TIME_WAIT ||
	       s == NAT_TCP_CLOSED;
}

static bool is_syn(const struct seg *s)
{
	return (s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* A new connection on the old one's mapping. */
static bool restarts(const struct nat_flow *f, unsigned e, const struct seg *s)
{
	return e == 0 && is_syn(s) &&
	       (is_over(f->state) || f->state == NAT_TCP_SYN_SENT);
}

void nat_tcp_open(struct nat_flow *f, struct nat_track *tr, const struct pkt *p)
{
	struct options o = { .scale = SCALE_NONE };
	struct seg s;

	f->flags &= (uint8_t) ~(NAT_F_SACK | NAT_F_ACK(0) | NAT_F_ACK(1) |
				NAT_F_FIN(0) | NAT_F_FIN(1));
	s = seg_of(f, 0, p);
	read_options(p, &o);
	if (o.sack_ok)
		f->flags |= NAT_F_SACK;
	f->scale = o.scale;
	tr->end[0] = tr->max_end[0] = s.seq + s.len;
	tr->max_ack[1] = s.seq;
	tr->max_win[0] = units(s.win, 0);
	tr->end[1] = tr->max_end[1] = tr->max_ack[0] = 0;
	tr->max_win[1] = 0; /* nothing seen of end 1 */
}

/* Acknowledges our SYN, and nothing that was not sent. */
static bool acks_syn(const struct nat_track *tr, const struct seg *s)
{
	return (s->flags & TCP_ACK) && after(s->ack, tr->max_ack[1]) &&
	       !after(s->ack, tr->end[0]);
}

/* Only end 0 was heard so far. */
static enum pkt_reason check_first(const struct nat_track *tr, unsigned e,
				   const struct seg *s)
{
	uint32_t isn = tr->max_ack[1];

	if (s->flags & TCP_RST) {
		/* R54 */
		uint32_t at = e ? s->ack : s->seq;

		if (e && !(s->flags & TCP_ACK))
			return PKT_REASON_TCP_WINDOW;
		return at == isn + 1 || at == tr->end[0]
			       ? PKT_REASON_NONE
			       : PKT_REASON_TCP_WINDOW;
	}
	if (!e || !(s->flags & TCP_SYN))
		return PKT_REASON_TCP_STATE;
	return is_syn(s) || acks_syn(tr, s) ? PKT_REASON_NONE
					    : PKT_REASON_TCP_WINDOW;
}

static bool ack_fits(const struct nat_flow *f, const struct nat_track *tr,
		     unsigned e, const struct seg *s)
{
	uint32_t behind = window(f, tr, e);

	if (behind < ACK_BEHIND)
		behind = ACK_BEHIND;
	return !after(s->sack, tr->end[!e]) &&
	       !after(tr->end[!e] - behind, s->ack);
}

static bool fits(const struct nat_flow *f, const struct nat_track *tr,
		 unsigned e, const struct seg *s)
{
	if (after(s->seq, tr->max_end[e]) ||
	    after(tr->end[e] - window(f, tr, !e), s->seq + s->len))
		return false;
	return !(s->flags & TCP_ACK) || ack_fits(f, tr, e, s);
}

/* R53: only the number that its receiver waits for resets a connection. */
static enum pkt_reason check_rst(const struct nat_flow *f,
				 const struct nat_track *tr, unsigned e,
				 const struct seg *s, bool *quiet)
{
	if ((s->flags & TCP_ACK) && !ack_fits(f, tr, e, s))
		return PKT_REASON_TCP_WINDOW;
	if (s->seq == tr->max_ack[!e] || s->seq == tr->end[e])
		return PKT_REASON_NONE;
	*quiet = true;
	return after(s->seq, tr->max_end[e]) || after(tr->max_ack[!e], s->seq)
		       ? PKT_REASON_TCP_WINDOW
		       : PKT_REASON_NONE;
}

enum pkt_reason nat_tcp_check(const struct nat_flow *f,
			      const struct nat_track *tr, unsigned e,
			      const struct pkt *p, bool *quiet)
{
	struct seg s = seg_of(f, e, p);

	*quiet = false;
	if (restarts(f, e, &s))
		return PKT_REASON_NONE;
	if (!tr->max_win[1])
		return check_first(tr, e, &s);
	if (is_syn(&s) && e == 0) {
		/* R55: its receiver will ask what is meant. */
		*quiet = true;
		return PKT_REASON_NONE;
	}
	if (is_syn(&s) && f->state != NAT_TCP_SYN_BOTH)
		return PKT_REASON_TCP_STATE;
	if (s.flags & TCP_RST)
		return check_rst(f, tr, e, &s, quiet);
	if (!fits(f, tr, e, &s))
		return PKT_REASON_TCP_WINDOW;
	/* Once both SYNs are known, a SYN can only be one of them again. */
	if ((s.flags & TCP_SYN) && after(s.seq + s.len, tr->end[e]))
		return PKT_REASON_TCP_STATE;
	return PKT_REASON_NONE;
}

/* End 1's SYN: from here on both scales hold, or none. */
static void meet(struct nat_flow *f, struct nat_track *tr, const struct pkt *p,
		 const struct seg *s)
{
	struct options o = { .scale = SCALE_NONE };
	uint32_t win0 = tr->max_win[0];

	read_options(p, &o);
	if (!o.sack_ok)
		f->flags &= (uint8_t)~NAT_F_SACK;
	if (o.scale == SCALE_NONE || f->scale == SCALE_NONE)
		f->scale = 0;
	else
		f->scale |= (uint8_t)(o.scale << 4);
	tr->max_win[0] = units(win0, f->scale & 15);
	tr->max_win[1] = units(s->win, f->scale >> 4);
	tr->end[1] = s->seq + s->len;
	tr->max_ack[0] = s->seq;
	tr->max_end[1] = s->seq + 1 + win0;
	tr->max_end[0] = later(tr->max_end[0], tr->max_ack[1] + 1 + s->win);
	f->state = s->flags & TCP_ACK ? NAT_TCP_SYN_RECV : NAT_TCP_SYN_BOTH;
}

static void take_in(struct nat_flow *f, struct nat_track *tr, unsigned e,
		    const struct seg *s)
{
	uint16_t win = units(s->win + (s->sack - s->ack), shift(f, e));

	tr->end[e] = later(tr->end[e], s->seq + s->len);
	if (s->flags & TCP_FIN)
		f->flags |= NAT_F_FIN(e);
	if (!(s->flags & TCP_ACK))
		return;
	if (after(s->ack, tr->max_ack[e])) {
		tr->max_ack[e] = s->ack;
		f->flags |= NAT_F_ACK(e);
	}
	if (win > tr->max_win[e])
		tr->max_win[e] = win;
	/* A shut window still takes a probe of one byte. */
	tr->max_end[!e] =
		later(tr->max_end[!e], s->ack + s->win + (s->win == 0));
}

static bool fin_acked(const struct nat_track *tr, unsigned e)
{
	return !after(tr->end[e], tr->max_ack[!e]);
}

static enum nat_state state_of(const struct nat_flow *f,
			       const struct nat_track *tr)
{
	bool fin0 = f->flags & NAT_F_FIN(0), fin1 = f->flags & NAT_F_FIN(1);

	if (!(f->flags & NAT_F_ACK(0)) || !(f->flags & NAT_F_ACK(1)))
		return f->state;
	if (fin0 && fin1)
		return fin_acked(tr, 0) && fin_acked(tr, 1) ? NAT_TCP_TIME_WAIT
							    : NAT_TCP_FIN_BOTH;
	return fin0 ? NAT_TCP_FIN_0 : fin1 ? NAT_TCP_FIN_1 : NAT_TCP_EST;
}

enum nat_state nat_tcp_advance(struct nat_flow *f, struct nat_track *tr,
			       unsigned e, const struct pkt *p)
{
	struct seg s = seg_of(f, e, p);

	if (restarts(f, e, &s)) {
		nat_tcp_open(f, tr, p);
		return NAT_TCP_SYN_SENT;
	}
	if (s.flags & TCP_RST || f->state == NAT_TCP_CLOSED)
		return NAT_TCP_CLOSED;
	if (f->state == NAT_TCP_SYN_SENT)
		meet(f, tr, p, &s);
	take_in(f, tr, e, &s);
	return state_of(f, tr);
}

bool nat_tcp_in_flight(const struct nat_track *tr, unsigned s, uint32_t seq)
{
	return tr->max_win[s] && !after(tr->max_ack[!s], seq) &&
	       !after(seq, tr->end[s]);
}
