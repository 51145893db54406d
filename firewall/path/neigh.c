/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/path/neigh.h"

#include <string.h>

#include "packet/pkt_arena.h"
#include "packet/pkt_assert.h"

#define WAYS 8u /* entries of one set */
#define TRIES 4u
#define KNOWN_MS 30000u
#define FAILED_MS 3000u
#define MOVE_MS 5000u /* R85: a known MAC changes no oftener */

/*
 * How long an answer is waited for.  The first question is soon repeated: who
 * has just been connected may lose its first answer (a Linux interface sends
 * nothing until its kernel has worked off that there is a carrier).
 */
static const uint16_t ask_ms[TRIES] = { 100, 900, 2000, 4000 };

struct neigh_table {
	struct pkt_hash_key key;
	uint32_t sets;	     /* a power of two */
	struct neigh *entry; /* reserved ones first, then sets * WAYS */
};

static uint32_t sets_for(uint32_t n)
{
	uint32_t sets = 1;

	while (sets * WAYS < n)
		sets *= 2;
	return sets;
}

static size_t entries_size(uint32_t n)
{
	return (NEIGH_RESERVED + sets_for(n) * WAYS) * sizeof(struct neigh);
}

size_t neigh_size(uint32_t n)
{
	return pkt_arena_cost(sizeof(struct neigh_table)) +
	       pkt_arena_cost(entries_size(n));
}

struct neigh_table *neigh_init(void *mem, size_t len, uint32_t n,
			       const struct pkt_hash_key *key)
{
	struct pkt_arena a;
	struct neigh_table *t;

	pkt_arena_init(&a, mem, len);
	t = pkt_arena_take(&a, sizeof(*t));
	vw_assert(t);
	t->key = *key;
	t->sets = sets_for(n);
	t->entry = pkt_arena_take(&a, entries_size(n));
	vw_assert(t->entry);
	return t;
}

uint32_t neigh_n(const struct neigh_table *t)
{
	return NEIGH_RESERVED + t->sets * WAYS;
}

struct neigh *neigh_at(struct neigh_table *t, uint32_t i)
{
	return &t->entry[i];
}

static bool is(const struct neigh *e, uint16_t port,
	       const struct pkt_addr *addr)
{
	return e->port == port && pkt_addr_eq(&e->addr, addr);
}

void neigh_reserve(struct neigh_table *t, uint32_t i, uint16_t port,
		   const struct pkt_addr *addr)
{
	vw_assert(i < NEIGH_RESERVED && !t->entry[i].hold_n);
	memset(&t->entry[i], 0, sizeof(t->entry[i]));
	t->entry[i].port = port;
	if (addr)
		t->entry[i].addr = *addr;
}

static struct neigh *reserved(struct neigh_table *t, uint16_t port,
			      const struct pkt_addr *addr)
{
	for (uint32_t i = 0; i < NEIGH_RESERVED; i++)
		if (is(&t->entry[i], port, addr))
			return &t->entry[i];
	return NULL;
}

static struct neigh *set_of(struct neigh_table *t, uint16_t port,
			    const struct pkt_addr *addr)
{
	uint64_t w[3];
	uint64_t h;

	memcpy(w, addr->b, 16);
	w[2] = port;
	h = pkt_siphash13_words(&t->key, w, 3);
	return &t->entry[NEIGH_RESERVED + (h & (t->sets - 1)) * WAYS];
}

static struct neigh *find_in(struct neigh *set, uint16_t port,
			     const struct pkt_addr *addr)
{
	for (uint32_t i = 0; i < WAYS; i++)
		if (set[i].state != NEIGH_FREE && is(&set[i], port, addr))
			return &set[i];
	return NULL;
}

struct neigh *neigh_find(struct neigh_table *t, uint16_t port,
			 const struct pkt_addr *addr)
{
	struct neigh *e = reserved(t, port, addr);

	return e ? e : find_in(set_of(t, port, addr), port, addr);
}

/* May @e be given to another address?  0: no; the highest goes first. */
static int expendable(const struct neigh *e)
{
	if (e->state == NEIGH_FREE)
		return 3;
	if (e->state == NEIGH_FAILED)
		return 2;
	return e->state == NEIGH_KNOWN && !e->used ? 1 : 0;
}

struct neigh *neigh_get(struct neigh_table *t, uint16_t port,
			const struct pkt_addr *addr)
{
	struct neigh *e = reserved(t, port, addr), *set;
	int best = 0;

	if (e)
		return e;
	set = set_of(t, port, addr);
	e = find_in(set, port, addr);
	if (e)
		return e;
	for (uint32_t i = 0; i < WAYS; i++) {
		int x = expendable(&set[i]);

		if (x > best) {
			best = x;
			e = &set[i];
		}
	}
	if (!e)
		return NULL;
	vw_assert(!e->hold_n);
	memset(e, 0, sizeof(*e));
	e->addr = *addr;
	e->port = port;
	return e;
}

static enum neigh_do ask(struct neigh *e, enum neigh_state state,
			 struct mono now)
{
	if (e->state != state) {
		e->state = (uint8_t)state;
		e->tries = 0;
	}
	e->due = mono_add_ms(now, ask_ms[e->tries]);
	e->tries++;
	return NEIGH_ASK;
}

enum neigh_do neigh_want(struct neigh *e, struct mono now)
{
	switch ((enum neigh_state)e->state) {
	case NEIGH_ASKING:
		return NEIGH_NOTHING;
	case NEIGH_KNOWN:
	case NEIGH_CHECKING:
		e->used = true;
		return NEIGH_USE;
	case NEIGH_FAILED:
		if (!mono_past(e->due, now))
			return NEIGH_GIVE_UP;
		break;
	case NEIGH_FREE:
		break;
	}
	return ask(e, NEIGH_ASKING, now);
}

enum neigh_do neigh_step(struct neigh *e, struct mono now)
{
	if (e->state == NEIGH_FREE || !mono_past(e->due, now))
		return NEIGH_NOTHING;
	switch ((enum neigh_state)e->state) {
	case NEIGH_ASKING:
		if (e->tries < TRIES)
			return ask(e, NEIGH_ASKING, now);
		e->state = NEIGH_FAILED;
		e->due = mono_add_ms(now, FAILED_MS);
		return NEIGH_GIVE_UP;
	case NEIGH_KNOWN:
		if (e->used)
			return ask(e, NEIGH_CHECKING, now);
		break;
	case NEIGH_CHECKING:
		return ask(e, e->tries < TRIES ? NEIGH_CHECKING : NEIGH_ASKING,
			   now);
	case NEIGH_FREE:
	case NEIGH_FAILED:
		break;
	}
	e->state = NEIGH_FREE;
	return NEIGH_NOTHING;
}

static void confirm(struct neigh *e, struct mono now)
{
	e->state = NEIGH_KNOWN;
	e->used = false;
	e->due = mono_add_ms(now, KNOWN_MS);
}

struct neigh *neigh_heard(struct neigh_table *t, uint16_t port,
			  const struct pkt_addr *addr,
			  const struct pkt_mac *mac, bool answer, bool *moved,
			  struct mono now)
{
	struct neigh *e = neigh_find(t, port, addr);
	bool same;

	*moved = false;
	if (!e || e->state == NEIGH_FREE || e->state == NEIGH_FAILED)
		return NULL;
	same = memcmp(e->mac.b, mac->b, sizeof(mac->b)) == 0;
	if (e->state == NEIGH_ASKING) {
		if (!answer)
			return NULL;
		e->mac = *mac;
		e->since = now;
		confirm(e, now);
		return e;
	}
	if (!same) {
		if (e->state != NEIGH_CHECKING || !answer ||
		    mono_diff_ms(e->since, now) < MOVE_MS)
			return NULL;
		e->mac = *mac;
		e->since = now;
		*moved = true;
	}
	confirm(e, now);
	return NULL;
}
