/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/model_frag.h"

#include <stdlib.h>
#include <string.h>

#include "packet/pkt_assert.h"

#define OWNERS_MAX 16u

struct datagram {
	struct datagram *next; /* younger */
	uint32_t owner, name;
	uint64_t until;
	enum pkt_reason dead;
	uint32_t cost, pieces;
	uint32_t end; /* 0: not known */
	uint8_t *bytes;
	uint8_t *piece_of; /* for each byte: number of its piece, 0: none */
	struct {
		uint32_t off, len;
	} piece[256]; /* from 1 */
};

struct model_frag {
	struct model_frag_conf conf;
	struct datagram *oldest;
	uint8_t *whole;
	uint64_t lost[OWNERS_MAX][PKT_REASON_N];
};

struct model_frag *model_frag_new(const struct model_frag_conf *c)
{
	struct model_frag *m = calloc(1, sizeof(*m));

	vw_assert(m && c->owners <= OWNERS_MAX && c->pieces < 256);
	m->conf = *c;
	m->whole = malloc(c->max_len);
	vw_assert(m->whole != NULL);
	return m;
}

static void empty(struct model_frag *m, struct datagram *d, enum pkt_reason why)
{
	m->lost[d->owner][why] += d->pieces;
	d->cost = d->pieces = d->end = 0;
	memset(d->piece_of, 0, m->conf.max_len);
}

static void drop(struct model_frag *m, struct datagram *d, enum pkt_reason why)
{
	struct datagram **at = &m->oldest;

	m->lost[d->owner][why] += d->pieces;
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	free(d->bytes);
	free(d->piece_of);
	free(d);
}

void model_frag_free(struct model_frag *m)
{
	while (m->oldest)
		drop(m, m->oldest, PKT_REASON_NONE);
	free(m->whole);
	free(m);
}

void model_frag_held(const struct model_frag *m, uint32_t owner,
		     uint32_t *datagrams, uint32_t *bytes)
{
	*datagrams = *bytes = 0;
	for (const struct datagram *d = m->oldest; d; d = d->next) {
		if (d->owner == owner) {
			++*datagrams;
			*bytes += d->cost;
		}
	}
}

uint64_t model_frag_lost(const struct model_frag *m, uint32_t owner,
			 enum pkt_reason why)
{
	return m->lost[owner][why];
}

static struct datagram *oldest_of(const struct model_frag *m, uint32_t owner)
{
	struct datagram *d = m->oldest;

	while (d && d->owner != owner)
		d = d->next;
	return d;
}

static uint32_t holds(const struct model_frag *m, uint32_t owner, bool bytes)
{
	uint32_t n, b;

	model_frag_held(m, owner, &n, &b);
	return bytes ? b : n;
}

/* May @self have @n more?  If not: whose oldest has to go. */
static bool too_much(const struct model_frag *m, uint32_t self, bool bytes,
		     uint32_t n, uint32_t *whose)
{
	const struct model_frag_limit *l =
		self ? &m->conf.client : &m->conf.uplink;
	uint32_t all = 0, most = holds(m, self, bytes) + n;

	*whose = self;
	if (holds(m, self, bytes) + n > (bytes ? l->bytes : l->datagrams))
		return true;
	for (uint32_t i = 0; i < m->conf.owners; i++)
		all += holds(m, i, bytes);
	if (all + n <= (bytes ? m->conf.all.bytes : m->conf.all.datagrams))
		return false;
	for (uint32_t i = 0; i < m->conf.owners; i++) {
		if (holds(m, i, bytes) > most) {
			most = holds(m, i, bytes);
			*whose = i;
		}
	}
	return true;
}

/* False: there can be no room, or @keep had to go. */
static bool make_room(struct model_frag *m, uint32_t self, bool bytes,
		      uint32_t n, const struct datagram *keep)
{
	const struct model_frag_limit *l =
		self ? &m->conf.client : &m->conf.uplink;
	uint32_t whose;

	if (n > (bytes ? l->bytes : l->datagrams))
		return false;
	while (too_much(m, self, bytes, n, &whose)) {
		struct datagram *d = oldest_of(m, whose);
		bool mine = d == keep;

		if (!d)
			return false;
		drop(m, d, PKT_REASON_FRAG_LIMIT);
		if (mine)
			return false;
	}
	return true;
}

static struct datagram *find(struct model_frag *m, uint32_t owner,
			     uint32_t name, uint64_t now)
{
	struct datagram *d = m->oldest;

	while (d && !(d->owner == owner && d->name == name))
		d = d->next;
	if (d && d->until <= now) {
		drop(m, d, PKT_REASON_FRAG_TIMEOUT);
		d = NULL;
	}
	return d;
}

static struct datagram *append(struct model_frag *m,
			       const struct model_piece *p, uint64_t now)
{
	struct datagram *d = calloc(1, sizeof(*d)), **at = &m->oldest;

	vw_assert(d != NULL);
	d->owner = p->owner;
	d->name = p->name;
	d->until = now + p->life_ns;
	d->bytes = malloc(m->conf.max_len);
	d->piece_of = calloc(1, m->conf.max_len);
	vw_assert(d->bytes && d->piece_of);
	while (*at)
		at = &(*at)->next;
	*at = d;
	return d;
}

/* Is @p a copy of a piece that is there? */
static bool is_copy(const struct datagram *d, const struct model_piece *p)
{
	uint8_t n = d->piece_of[p->off];

	return n && d->piece[n].off == p->off && d->piece[n].len == p->len &&
	       p->last == (d->end == p->off + p->len) &&
	       !memcmp(d->bytes + p->off, p->bytes, p->len);
}

static bool clashes(const struct model_frag *m, const struct datagram *d,
		    const struct model_piece *p)
{
	uint32_t end = p->off + p->len;

	for (uint32_t i = p->off; i < end; i++)
		if (d->piece_of[i])
			return true;
	if (d->end && (end > d->end || (p->last && end != d->end)))
		return true;
	for (uint32_t i = end; p->last && i < m->conf.max_len; i++)
		if (d->piece_of[i])
			return true;
	return false;
}

static bool complete(const struct datagram *d)
{
	for (uint32_t i = 0; i < d->end; i++)
		if (!d->piece_of[i])
			return false;
	return d->end != 0;
}

static enum model_frag_result dead(struct model_frag *m, struct datagram *d,
				   enum pkt_reason r, enum pkt_reason *why)
{
	empty(m, d, r);
	d->dead = r;
	*why = r;
	return MODEL_DROP;
}

enum model_frag_result model_frag_add(struct model_frag *m,
				      const struct model_piece *p, uint64_t now,
				      const uint8_t **whole,
				      uint32_t *whole_len, enum pkt_reason *why)
{
	struct datagram *d = find(m, p->owner, p->name, now);

	vw_assert(p->len && p->off + p->len <= m->conf.max_len);
	*why = PKT_REASON_FRAG_LIMIT;
	if (!d) {
		if (!make_room(m, p->owner, false, 1, NULL))
			return MODEL_DROP;
		d = append(m, p, now);
	}
	*why = d->dead;
	if (d->dead)
		return MODEL_DROP;
	if (is_copy(d, p))
		return MODEL_HELD;
	if (clashes(m, d, p))
		return dead(m, d, PKT_REASON_FRAG_OVERLAP, why);
	if (d->pieces == m->conf.pieces)
		return dead(m, d, PKT_REASON_FRAG_LIMIT, why);
	*why = PKT_REASON_FRAG_LIMIT;
	if (!make_room(m, p->owner, true, p->cost, d))
		return MODEL_DROP;
	*why = PKT_REASON_NONE;
	d->cost += p->cost;
	d->pieces++;
	d->piece[d->pieces].off = p->off;
	d->piece[d->pieces].len = p->len;
	if (p->last)
		d->end = p->off + p->len;
	memcpy(d->bytes + p->off, p->bytes, p->len);
	memset(d->piece_of + p->off, (int)d->pieces, p->len);
	if (!complete(d))
		return MODEL_HELD;
	*whole = m->whole;
	*whole_len = d->end;
	memcpy(m->whole, d->bytes, d->end);
	drop(m, d, PKT_REASON_NONE);
	return MODEL_WHOLE;
}

uint32_t model_frag_expire(struct model_frag *m, uint64_t now)
{
	struct datagram *next;
	uint32_t n = 0;

	for (struct datagram *d = m->oldest; d; d = next) {
		next = d->next;
		if (d->until <= now) {
			drop(m, d, PKT_REASON_FRAG_TIMEOUT);
			n++;
		}
	}
	return n;
}

void model_frag_forget(struct model_frag *m, uint32_t owner)
{
	struct datagram *d;

	while ((d = oldest_of(m, owner)))
		drop(m, d, PKT_REASON_NONE);
}
