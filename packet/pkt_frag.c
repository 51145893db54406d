/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How it works: a datagram that is not complete is a slot of the table.  Which
 * of its bytes came is a pkt_span; the bytes themselves, and the headers of the
 * first piece, are on the slot's chain of chunks.  A poisoned slot holds no
 * bytes and keeps only its key and its deadline.
 */
#include "packet/pkt_frag.h"

#include "packet/pkt_assert.h"
#include "packet/pkt_chunk.h"
#include "packet/pkt_frag_hdr.h"
#include "packet/pkt_frag_table.h"
#include "packet/pkt_parse.h"
#include "packet/pkt_span.h"

#define NONE PKT_FRAG_NONE

struct pkt_frag {
	struct pkt_frag_conf conf;
	struct pkt_frag_table table;
	struct pkt_chunks store;
	struct pkt_range *range; /* conf.pieces of them for each slot */
};

void pkt_frag_conf_default(struct pkt_frag_conf *c)
{
	*c = (struct pkt_frag_conf){
		.client = { .datagrams = 64, .bytes = 512 * 1024 },
		.uplink = { .datagrams = 256, .bytes = 4096 * 1024 },
		.pieces = 64,
		.ip4_ms = 30 * 1000,
		.ip6_ms = 60 * 1000,
		.datagrams = 1024,
		.bytes = 8192 * 1024,
	};
}

static uint32_t chunks_in(const struct pkt_frag_conf *c)
{
	return c->bytes / PKT_FRAG_CHUNK;
}

size_t pkt_frag_size(const struct pkt_frag_conf *c)
{
	size_t ranges = (size_t)c->datagrams * c->pieces, n = chunks_in(c);

	return pkt_arena_cost(sizeof(struct pkt_frag)) +
	       pkt_frag_table_size(c->datagrams, c->owners) +
	       pkt_arena_cost(ranges * sizeof(struct pkt_range)) +
	       pkt_arena_cost(n * sizeof(uint32_t)) +
	       pkt_arena_cost(n * PKT_FRAG_CHUNK);
}

struct pkt_frag *pkt_frag_init(void *mem, size_t len,
			       const struct pkt_frag_conf *c)
{
	size_t ranges = (size_t)c->datagrams * c->pieces, n = chunks_in(c);
	struct pkt_arena a;
	struct pkt_frag *f;
	uint32_t *next;
	uint8_t *bytes;

	vw_assert(len >= pkt_frag_size(c));
	pkt_arena_init(&a, mem, len);
	f = pkt_arena_take(&a, sizeof(*f));
	f->conf = *c;
	pkt_frag_table_init(&f->table, &a, c->datagrams, c->owners, &c->key);
	f->range = pkt_arena_room(&a, ranges * sizeof(*f->range));
	next = pkt_arena_take(&a, n * sizeof(*next));
	bytes = pkt_arena_room(&a, n * PKT_FRAG_CHUNK);
	pkt_chunks_init(&f->store, bytes, next, PKT_FRAG_CHUNK, (uint32_t)n);
	return f;
}

static void tell(const struct pkt_frag *f, uint16_t owner, enum pkt_reason why,
		 uint32_t n)
{
	if (n && why != PKT_REASON_NONE && f->conf.lost)
		f->conf.lost(f->conf.lost_ctx, owner, why, n);
}

/* Gives the bytes back; the key stays. */
static void empty(struct pkt_frag *f, struct pkt_frag_slot *s)
{
	f->table.owner[s->owner].chunk_n -= s->bytes.n;
	pkt_chunks_free(&f->store, &s->bytes);
	s->span = (struct pkt_span){ 0 };
	s->head_len = 0;
}

/* Its pieces are lost, for @why, unless that is NONE. */
static void drop(struct pkt_frag *f, uint32_t i, enum pkt_reason why)
{
	struct pkt_frag_slot *s = &f->table.slot[i];

	tell(f, s->owner, why, s->span.n);
	empty(f, s);
	pkt_frag_table_del(&f->table, i);
}

static enum pkt_reason poison(struct pkt_frag *f, struct pkt_frag_slot *s,
			      enum pkt_reason why)
{
	tell(f, s->owner, why, s->span.n);
	empty(f, s);
	s->dead = (uint8_t)why;
	return why;
}

enum stock { SLOTS, CHUNKS };

static uint32_t holds(const struct pkt_frag *f, uint16_t owner, enum stock what)
{
	const struct pkt_frag_owner *o = &f->table.owner[owner];

	return what == SLOTS ? o->slot_n : o->chunk_n;
}

/* The owner that holds most, when @self has got @n more. */
static uint16_t greediest(const struct pkt_frag *f, uint16_t self,
			  enum stock what, uint32_t n)
{
	uint32_t max = holds(f, self, what) + n;
	uint16_t who = self;

	for (uint16_t i = 0; i < f->conf.owners; i++) {
		if (holds(f, i, what) > max) {
			max = holds(f, i, what);
			who = i;
		}
	}
	return who;
}

/*
 * Drops datagrams, oldest first, until @n more of @what are within the limit of
 * @self and are there.  False: it can't be, or @keep had to go for it.
 */
static bool make_room(struct pkt_frag *f, uint16_t self, uint32_t keep,
		      enum stock what, uint32_t n)
{
	const struct pkt_frag_limit *lim =
		self ? &f->conf.client : &f->conf.uplink;
	uint32_t max =
		what == SLOTS ? lim->datagrams : lim->bytes / PKT_FRAG_CHUNK;
	const uint32_t *there =
		what == SLOTS ? &f->table.free_n : &f->store.free_n;

	if (n > max)
		return false;
	while (holds(f, self, what) + n > max || *there < n) {
		uint16_t who = self;
		uint32_t oldest;

		if (holds(f, self, what) + n <= max)
			who = greediest(f, self, what, n);
		oldest = f->table.owner[who].slots.head;
		if (oldest == NONE)
			return false;
		drop(f, oldest, PKT_REASON_FRAG_LIMIT);
		if (oldest == keep)
			return false;
	}
	return true;
}

/* The slot of the datagram that @p belongs to, perhaps new; or NONE. */
static uint32_t slot_of(struct pkt_frag *f, uint16_t owner, const struct pkt *p,
			const struct pkt_frag_key *k, struct mono now)
{
	uint32_t i = pkt_frag_table_find(&f->table, k);
	bool v4 = p->l3 == PKT_L3_IP4;
	struct mono until;

	if (i != NONE && !mono_past(f->table.slot[i].until, now))
		return i;
	if (i != NONE)
		drop(f, i, PKT_REASON_FRAG_TIMEOUT);
	if (!make_room(f, owner, NONE, SLOTS, 1))
		return NONE;
	until = mono_add_ms(now, v4 ? f->conf.ip4_ms : f->conf.ip6_ms);
	return pkt_frag_table_add(&f->table, k, owner, p->l3, until);
}

static struct pkt_range *ranges_of(const struct pkt_frag *f, uint32_t i)
{
	return f->range + (size_t)i * f->conf.pieces;
}

static uint32_t save(struct pkt_frag *f, struct pkt_frag_slot *s,
		     const uint8_t *data, uint32_t len)
{
	uint32_t had = s->bytes.n;
	uint32_t name = pkt_chunks_save(&f->store, &s->bytes, data, len);

	f->table.owner[s->owner].chunk_n += s->bytes.n - had;
	return name;
}

/* Copies a new piece into slot @i, at @idx among those that are there. */
static enum pkt_reason keep(struct pkt_frag *f, uint32_t i, const struct pkt *p,
			    const struct pkt_frag_hdr *h, uint16_t idx)
{
	struct pkt_frag_slot *s = &f->table.slot[i];
	struct pkt_range r = { .off = h->off, .len = h->len };
	uint32_t chunks = pkt_chunks_for(&f->store, h->len);

	if (s->span.n >= f->conf.pieces)
		return poison(f, s, PKT_REASON_FRAG_LIMIT);
	if (!h->off)
		chunks += pkt_chunks_for(&f->store, h->head_len);
	if (!make_room(f, s->owner, i, CHUNKS, chunks))
		return PKT_REASON_FRAG_LIMIT;
	if (!h->off) {
		s->head = save(f, s, p->data, h->head_len);
		s->head_len = h->head_len;
		s->proto = h->proto;
		s->in = p->in;
	}
	r.at = save(f, s, pkt_l4(p), h->len);
	pkt_span_insert(&s->span, ranges_of(f, i), &r, h->last, idx);
	s->ce |= h->ce;
	if (h->ip_len > s->frag_max)
		s->frag_max = h->ip_len < UINT16_MAX ? h->ip_len : UINT16_MAX;
	return PKT_REASON_NONE;
}

/* The complete datagram of slot @i as a packet; NULL: no buffer. */
static struct pkt *join(struct pkt_frag *f, struct pkt_pool *pool, uint32_t i)
{
	const struct pkt_frag_slot *s = &f->table.slot[i];
	const struct pkt_range *r = ranges_of(f, i);
	uint32_t len = s->head_len + s->span.end;
	struct pkt *p = pkt_get(pool, len);

	if (!p)
		return NULL;
	pkt_chunks_load(&f->store, s->head, p->data, s->head_len);
	for (uint16_t n = 0; n < s->span.n; n++)
		pkt_chunks_load(&f->store, r[n].at,
				p->data + s->head_len + r[n].off, r[n].len);
	p->len = len;
	p->tail -= len;
	p->in = s->in;
	p->l3 = s->l3;
	p->l3_off = PKT_ETH_LEN;
	pkt_frag_hdr_join(p, s->head_len, s->proto, s->ce);
	return p;
}

static enum pkt_reason try_join(struct pkt_frag *f, struct pkt_pool *pool,
				uint32_t i, struct pkt **whole)
{
	const struct pkt_frag_slot *s = &f->table.slot[i];
	enum pkt_reason why;
	struct pkt *p;

	if (!pkt_frag_hdr_fits(s->l3, s->head_len, s->span.end))
		return PKT_REASON_FRAG_BAD;
	p = join(f, pool, i);
	if (!p)
		return PKT_REASON_POOL_EMPTY;
	if (pkt_parse_ip(p) == PKT_DROP) {
		why = p->reason;
		pkt_put(pool, p);
		return why;
	}
	p->frag_max = (uint16_t)s->frag_max;
	*whole = p;
	return PKT_REASON_NONE;
}

/* Slot @i is complete: its datagram, parsed, into *@whole; the slot goes. */
static enum pkt_reason finish(struct pkt_frag *f, struct pkt_pool *pool,
			      uint32_t i, struct pkt **whole)
{
	const struct pkt_frag_slot *s = &f->table.slot[i];
	enum pkt_reason why = try_join(f, pool, i, whole);

	/* The piece that came now is dropped by our caller. */
	tell(f, s->owner, why, s->span.n - 1u);
	drop(f, i, PKT_REASON_NONE);
	return why;
}

static enum pkt_reason add(struct pkt_frag *f, struct pkt_pool *pool,
			   uint16_t owner, const struct pkt *in,
			   struct pkt **whole, struct mono now)
{
	struct pkt_frag_hdr h;
	enum pkt_reason why;
	const struct pkt_range *r;
	struct pkt_frag_slot *s;
	enum pkt_piece piece;
	uint16_t idx;
	uint32_t i;

	pkt_frag_hdr_read(in, owner, &h);
	i = slot_of(f, owner, in, &h.key, now);
	if (i == NONE)
		return PKT_REASON_FRAG_LIMIT;
	s = &f->table.slot[i];
	r = ranges_of(f, i);
	if (s->dead)
		return s->dead;
	piece = pkt_span_judge(&s->span, r, h.off, h.len, h.last, &idx);
	if (piece == PKT_PIECE_SAME &&
	    pkt_chunks_same(&f->store, r[idx].at, pkt_l4(in), h.len))
		return PKT_REASON_NONE;
	if (piece != PKT_PIECE_NEW)
		return poison(f, s, PKT_REASON_FRAG_OVERLAP);
	why = keep(f, i, in, &h, idx);
	if (why == PKT_REASON_NONE && pkt_span_complete(&s->span))
		why = finish(f, pool, i, whole);
	return why;
}

enum pkt_verdict pkt_frag_add(struct pkt_frag *f, struct pkt_pool *pool,
			      uint16_t owner, struct pkt *in,
			      struct pkt **whole, enum pkt_reason *why,
			      struct mono now)
{
	vw_assert(owner < f->conf.owners && in->flags & PKT_F_FRAG);
	*whole = NULL;
	*why = add(f, pool, owner, in, whole, now);
	pkt_put(pool, in);
	return *why == PKT_REASON_NONE ? PKT_TAKEN : PKT_DROP;
}

uint32_t pkt_frag_expire(struct pkt_frag *f, uint32_t budget, struct mono now)
{
	uint32_t n = 0;

	for (uint32_t l3 = 0; l3 < PKT_L3_N; l3++) {
		while (n < budget) {
			uint32_t i = f->table.age[l3].head;

			if (i == NONE ||
			    !mono_past(f->table.slot[i].until, now))
				break;
			drop(f, i, PKT_REASON_FRAG_TIMEOUT);
			n++;
		}
	}
	return n;
}

void pkt_frag_forget(struct pkt_frag *f, uint16_t owner)
{
	vw_assert(owner < f->conf.owners);
	while (f->table.owner[owner].slots.head != NONE)
		drop(f, f->table.owner[owner].slots.head, PKT_REASON_NONE);
}

void pkt_frag_held(const struct pkt_frag *f, uint16_t owner,
		   uint32_t *datagrams, uint32_t *bytes)
{
	vw_assert(owner < f->conf.owners);
	*datagrams = holds(f, owner, SLOTS);
	*bytes = holds(f, owner, CHUNKS) * PKT_FRAG_CHUNK;
}
