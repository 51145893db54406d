/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How it works: every row is in two lists ordered by its last hit, that of all
 * rows and that of its client, and in one chain of a small hash table.  A hit
 * moves the row to the tails; a new kind takes a row that is in no list, or the
 * head of one of them.
 */
#include "firewall/path/blocked.h"

#include <string.h>

#include "packet/pkt_arena.h"
#include "packet/pkt_assert.h"

#define ROWS VIEW_BLOCKED_N
#define CHAINS 1024u
#define SHARE (ROWS / 2)
#define NONE UINT16_MAX

enum { ALL, OWN, LISTS };

struct link {
	uint16_t prev, next;
};

struct list {
	uint16_t head, tail, n;
};

struct row {
	struct link in[LISTS];
	struct pkt_addr dst;
	uint32_t rule;
	uint16_t client, dport;
	uint8_t proto, reason;
	uint16_t chain_next;
	uint16_t chain;
};

struct blocked {
	struct pkt_hash_key key;
	struct view_blocked *view;
	struct list all, idle; /* idle: forgotten, linked as in ALL */
	uint32_t used;
	uint16_t chain[CHAINS];
	struct row row[ROWS];
	struct list own[]; /* clients + 1 */
};

static size_t size_of(uint16_t clients)
{
	return sizeof(struct blocked) +
	       ((size_t)clients + 1) * sizeof(struct list);
}

size_t blocked_size(uint16_t clients)
{
	return pkt_arena_cost(size_of(clients));
}

struct blocked *blocked_init(void *mem, size_t len, uint16_t clients,
			     struct view_blocked *rows,
			     const struct pkt_hash_key *key)
{
	struct blocked *b = mem;

	vw_assert(len >= size_of(clients));
	memset(b, 0, size_of(clients));
	memset(rows, 0, ROWS * sizeof(rows[0]));
	b->key = *key;
	b->view = rows;
	b->all = b->idle = (struct list){ NONE, NONE, 0 };
	memset(b->chain, 0xff, sizeof(b->chain));
	for (uint32_t i = 0; i <= clients; i++)
		b->own[i] = b->all;
	return b;
}

static void list_del(struct blocked *b, struct list *l, int which, uint16_t i)
{
	struct link *at = &b->row[i].in[which];

	if (at->prev == NONE)
		l->head = at->next;
	else
		b->row[at->prev].in[which].next = at->next;
	if (at->next == NONE)
		l->tail = at->prev;
	else
		b->row[at->next].in[which].prev = at->prev;
	l->n--;
}

static void list_append(struct blocked *b, struct list *l, int which,
			uint16_t i)
{
	b->row[i].in[which] = (struct link){ l->tail, NONE };
	if (l->tail == NONE)
		l->head = i;
	else
		b->row[l->tail].in[which].next = i;
	l->tail = i;
	l->n++;
}

static void chain_del(struct blocked *b, uint16_t i)
{
	uint16_t *at = &b->chain[b->row[i].chain];

	while (*at != i)
		at = &b->row[*at].chain_next;
	*at = b->row[i].chain_next;
}

static uint16_t chain_of(const struct blocked *b, const struct view_blocked *k)
{
	uint64_t w[4];

	memcpy(w, k->dst.b, 16);
	w[2] = (uint64_t)k->rule << 32 | (uint32_t)k->client << 16 | k->dport;
	w[3] = (uint64_t)k->proto << 8 | k->reason;
	return (uint16_t)(pkt_siphash13_words(&b->key, w, 4) % CHAINS);
}

static uint16_t find(const struct blocked *b, const struct view_blocked *k,
		     uint16_t chain)
{
	uint16_t i = b->chain[chain];

	for (; i != NONE; i = b->row[i].chain_next) {
		const struct row *r = &b->row[i];

		if (r->client == k->client && r->dport == k->dport &&
		    r->proto == k->proto && r->reason == k->reason &&
		    r->rule == k->rule && pkt_addr_eq(&r->dst, &k->dst))
			break;
	}
	return i;
}

static void unlink_row(struct blocked *b, uint16_t i)
{
	list_del(b, &b->all, ALL, i);
	list_del(b, &b->own[b->row[i].client], OWN, i);
	chain_del(b, i);
}

/* A row for a new kind, out of all lists. */
static uint16_t claim(struct blocked *b, const struct list *own)
{
	uint16_t i;

	if (own->n < SHARE && b->idle.n) {
		i = b->idle.head;
		list_del(b, &b->idle, ALL, i);
		return i;
	}
	if (own->n < SHARE && b->used < ROWS)
		return (uint16_t)b->used++;
	i = own->n >= SHARE ? own->head : b->all.head;
	unlink_row(b, i);
	return i;
}

/* A reader sees all of it or asks again. */
static void put(struct view_blocked *row, struct view_blocked *next)
{
	next->seq = row->seq + 1;
	__atomic_store_n(&row->seq, next->seq, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*row = *next;
	__atomic_store_n(&row->seq, next->seq + 1, __ATOMIC_RELEASE);
}

static void show(struct view_blocked *row, const struct view_blocked *kind,
		 bool fresh, struct mono now)
{
	struct view_blocked next = fresh ? *kind : *row;

	if (fresh) {
		next.count = 0;
		next.first_ns = now.ns;
	}
	next.src = kind->src;
	next.count++;
	next.last_ns = now.ns;
	put(row, &next);
}

void blocked_note(struct blocked *b, const struct view_blocked *kind,
		  struct mono now)
{
	struct list *own = &b->own[kind->client];
	uint16_t chain = chain_of(b, kind);
	uint16_t i = find(b, kind, chain);
	bool fresh = i == NONE;

	if (fresh) {
		i = claim(b, own);
		b->row[i] = (struct row){
			.dst = kind->dst,
			.rule = kind->rule,
			.client = kind->client,
			.dport = kind->dport,
			.proto = kind->proto,
			.reason = kind->reason,
			.chain_next = b->chain[chain],
			.chain = chain,
		};
		b->chain[chain] = i;
	} else {
		list_del(b, &b->all, ALL, i);
		list_del(b, own, OWN, i);
	}
	list_append(b, &b->all, ALL, i);
	list_append(b, own, OWN, i);
	show(&b->view[i], kind, fresh, now);
}

void blocked_forget(struct blocked *b, uint16_t client)
{
	struct list *own = &b->own[client];

	while (own->n) {
		uint16_t i = own->head;
		struct view_blocked none = { .count = 0 };

		unlink_row(b, i);
		list_append(b, &b->idle, ALL, i);
		put(&b->view[i], &none);
	}
}
