/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rule_names.h"

#include <errno.h>
#include <string.h>

/* Questions that failed are asked again after 1, 2, 4 ... RETRY_MAX_S. */
#define RETRY_MAX_S 300u
/* ... that a name is not there: the least and the most. */
#define NONE_S 60u
#define NEVER ((struct mono){ UINT64_MAX })

struct rule_names {
	struct rule_names_conf conf;
	uint32_t top; /* records from here on were never used */
	uint64_t changed[RULE_NAMES_CLIENTS / 64];
	uint16_t each[RULE_NAMES_CLIENTS]; /* names that a client wants */
	uint32_t hash[RULE_NAMES_MAX];	   /* 0: the record is free */
	struct rule_name name[RULE_NAMES_MAX];
};

void rule_names_conf_default(struct rule_names_conf *c)
{
	*c = (struct rule_names_conf){ .floor_s = 30,
				       .cap_s = 86400,
				       .grace_s = 3600 };
}

size_t rule_names_size(void)
{
	return sizeof(struct rule_names);
}

struct rule_names *rule_names_init(void *mem, size_t len,
				   const struct rule_names_conf *c)
{
	struct rule_names *t = mem;

	vw_assert(len >= sizeof(*t));
	t->conf = *c;
	return t;
}

void rule_names_conf(struct rule_names *t, const struct rule_names_conf *c)
{
	t->conf = *c;
}

/* ---- records --------------------------------------------------------------*/

static bool bit(const uint64_t map[RULE_NAMES_CLIENTS / 64], uint32_t i)
{
	return map[i / 64] >> i % 64 & 1;
}

static void set_bit(uint64_t *map, uint32_t i)
{
	map[i / 64] |= (uint64_t)1 << i % 64;
}

static void clear_bit(uint64_t *map, uint32_t i)
{
	map[i / 64] &= ~((uint64_t)1 << i % 64);
}

/* Without the dot that a rule may have at the end. */
static size_t length(const char *name)
{
	size_t n = strnlen(name, RULE_NAME_MAX);

	return n && name[n - 1] == '.' ? n - 1 : n;
}

/* Spreads names that nobody chose to collide; those cost time alone. */
static uint32_t hash_of(uint16_t owner, const char *name, size_t len)
{
	uint32_t h = 2166136261u ^ owner;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h ? h : 1;
}

static bool is_name(const struct rule_name *r, const char *name, size_t len)
{
	return memcmp(r->name, name, len) == 0 && r->name[len] == '\0';
}

static uint32_t find_at(const struct rule_names *t, uint16_t owner,
			const char *name)
{
	size_t len = length(name);
	uint32_t h = hash_of(owner, name, len);

	for (uint32_t i = 0; i < t->top; i++)
		if (t->hash[i] == h && t->name[i].owner == owner &&
		    is_name(&t->name[i], name, len))
			return i;
	return RULE_NAMES_MAX;
}

static struct rule_name *make(struct rule_names *t, uint16_t owner,
			      const char *name, struct mono now)
{
	size_t len = length(name);
	uint32_t i = 0;

	while (i < t->top && t->hash[i])
		i++;
	if (!len || i == RULE_NAMES_MAX)
		return NULL;
	if (i == t->top)
		t->top++;
	t->hash[i] = hash_of(owner, name, len);
	t->name[i] = (struct rule_name){ .owner = owner };
	t->name[i].state[0].due = t->name[i].state[1].due = now;
	memcpy(t->name[i].name, name, len);
	return &t->name[i];
}

/* ---- what clients want ----------------------------------------------------*/

void rule_names_forget(struct rule_names *t, uint16_t n)
{
	t->each[n] = 0;
	for (uint32_t i = 0; i < t->top; i++)
		if (t->hash[i] && bit(t->name[i].want, n)) {
			clear_bit(t->name[i].want, n);
			set_bit(t->name[i].had, n);
			t->name[i].clients--;
		}
}

int rule_names_want(struct rule_names *t, uint16_t n, const char *name,
		    struct mono now)
{
	uint32_t i = find_at(t, RULE_NAMES_OURS, name);
	struct rule_name *r;

	vw_assert(n && n < RULE_NAMES_CLIENTS);
	if (i < RULE_NAMES_MAX && bit(t->name[i].want, n))
		return 0;
	if (t->each[n] == RULE_NAMES_EACH)
		return -ENOSPC;
	r = i < RULE_NAMES_MAX ? &t->name[i]
			       : make(t, RULE_NAMES_OURS, name, now);
	if (!r)
		return -ENOSPC;
	if (!bit(r->had, n) && (r->state[0].answered || r->state[1].answered))
		set_bit(t->changed, n);
	set_bit(r->want, n);
	r->clients++;
	t->each[n]++;
	return 0;
}

bool rule_names_wanted(const struct rule_names *t, uint16_t n, const char *name)
{
	uint32_t i = find_at(t, RULE_NAMES_OURS, name);

	return i < RULE_NAMES_MAX && bit(t->name[i].want, n);
}

bool rule_name_wanted_by(const struct rule_name *r, uint16_t n)
{
	return r->owner ? r->owner == n : bit(r->want, n);
}

void rule_names_settle(struct rule_names *t)
{
	for (uint32_t i = 0; i < t->top; i++) {
		struct rule_name *r = &t->name[i];

		if (!t->hash[i])
			continue;
		memset(r->had, 0, sizeof(r->had));
		if ((r->owner ? !rule_names_wanted(t, r->owner, r->name)
			      : !r->clients))
			t->hash[i] = 0;
	}
	while (t->top && !t->hash[t->top - 1])
		t->top--;
}

static void tell(struct rule_names *t, const struct rule_name *r)
{
	if (r->owner)
		set_bit(t->changed, r->owner);
	else
		for (uint32_t i = 0; i < RULE_NAMES_CLIENTS / 64; i++)
			t->changed[i] |= r->want[i];
}

bool rule_names_changed(struct rule_names *t, uint16_t n)
{
	bool was = bit(t->changed, n);

	clear_bit(t->changed, n);
	return was;
}

/* ---- answers --------------------------------------------------------------*/

static enum rule_family family_of(const struct pkt_addr *a)
{
	return pkt_addr_is_v4(a) ? RULE_IP4 : RULE_IP6;
}

static uint32_t clamp(const struct rule_names *t, uint32_t ttl)
{
	if (ttl < t->conf.floor_s)
		return t->conf.floor_s;
	return ttl < t->conf.cap_s ? ttl : t->conf.cap_s;
}

/* Of addresses whose TTL is over, the one that has been so for longest. */
static struct rule_name_addr *stalest(struct rule_name_addr *a, uint8_t n,
				      struct mono now)
{
	struct rule_name_addr *old = NULL;

	for (uint8_t i = 0; i < n; i++)
		if (mono_past(a[i].until, now) &&
		    (!old || a[i].until.ns < old->until.ns))
			old = &a[i];
	return old;
}

/* True: it is new.  *@over: there is no room for it. */
static bool add_addr(struct rule_name *r, enum rule_family family,
		     const struct rule_name_addr *new, bool *over,
		     struct mono now)
{
	struct rule_name_addr *list = r->addr[family], *at;
	uint8_t *n = &r->addr_n[family];

	for (uint8_t i = 0; i < *n; i++)
		if (pkt_addr_eq(&list[i].addr, &new->addr)) {
			list[i].until = new->until;
			return false;
		}
	at = *n < RULE_ADDR_MAX ? &list[(*n)++] : stalest(list, *n, now);
	if (at)
		*at = *new;
	else
		*over = true;
	return at;
}

/*
 * Takes the addresses, of more when @over; in how many seconds the first is
 * over in *@soon.
 */
static bool add_addrs(const struct rule_names *t, struct rule_name *r,
		      enum rule_family family, const struct pkt_dns_addr *addr,
		      uint16_t n, bool over, uint32_t *soon, struct mono now)
{
	struct rule_name_state *s = &r->state[family];
	bool changed = false;

	*soon = t->conf.cap_s;
	for (uint16_t i = 0; i < n; i++) {
		uint32_t ttl = clamp(t, addr[i].ttl);
		struct rule_name_addr new = {
			.addr = addr[i].addr,
			.until = mono_add_ms(now, ttl * 1000ull),
		};

		if (family_of(&new.addr) != family)
			continue;
		if (ttl < *soon)
			*soon = ttl;
		changed |= add_addr(r, family, &new, &over, now);
	}
	changed |= s->over != over;
	s->over = over;
	r->answers++;
	return changed;
}

static uint32_t retry_s(uint8_t tries)
{
	return tries < 8 ? 1u << tries : RETRY_MAX_S;
}

/* When to ask again: before the answer is over, or with growing pauses. */
static void schedule(struct rule_name_state *s, enum rule_name_answer what,
		     uint32_t soon, struct mono now)
{
	s->asked = false;
	if (what == RULE_NAME_FAILED) {
		s->due = mono_add_ms(now, retry_s(s->tries) * 1000ull);
		if (s->tries < UINT8_MAX)
			s->tries++;
		return;
	}
	s->tries = 0;
	s->due = mono_add_ms(now, what == RULE_NAME_ADDRS ? soon * 900ull
							  : NONE_S * 1000ull);
}

/* The client's own record, for as long as it wants the name. */
static struct rule_name *record_for(struct rule_names *t, uint16_t owner,
				    const char *name, struct mono now)
{
	uint32_t i = find_at(t, owner, name);

	if (i < RULE_NAMES_MAX)
		return &t->name[i];
	if (!owner || !rule_names_wanted(t, owner, name))
		return NULL;
	return make(t, owner, name, now);
}

bool rule_names_answer(struct rule_names *t, uint16_t owner, const char *name,
		       enum rule_family family, enum rule_name_answer what,
		       const struct pkt_dns_addr *addr, uint16_t n,
		       struct mono now)
{
	struct rule_name_state *s;
	struct rule_name *r;
	uint32_t soon = 0;
	bool changed, part = what == RULE_NAME_PART;

	vw_assert(owner < RULE_NAMES_CLIENTS);
	if (part)
		what = RULE_NAME_ADDRS;
	/* what a client is told may add to what we know, and no more */
	if (owner && (what != RULE_NAME_ADDRS || !n))
		return false;
	r = record_for(t, owner, name, now);
	if (!r)
		return false;
	s = &r->state[family];
	changed = what != RULE_NAME_FAILED &&
		  (!s->answered || s->last != (uint8_t)what);
	if (what == RULE_NAME_ADDRS)
		changed |= add_addrs(t, r, family, addr, n, part, &soon, now);
	schedule(s, what, soon, now);
	if (what != RULE_NAME_FAILED) {
		s->answered = true;
		s->last = (uint8_t)what;
		s->at = now;
	}
	if (changed)
		tell(t, r);
	return changed;
}

/* ---- time -----------------------------------------------------------------*/

/* The names that we ask about ourselves. */
static struct rule_name *ours(struct rule_names *t, uint32_t i)
{
	return t->hash[i] && !t->name[i].owner ? &t->name[i] : NULL;
}

const char *rule_names_next(struct rule_names *t, enum rule_family *family,
			    struct mono *when, struct mono now)
{
	*when = NEVER;
	for (uint32_t i = 0; i < t->top; i++) {
		struct rule_name *r = ours(t, i);

		for (int f = 0; r && f < 2; f++) {
			struct rule_name_state *s = &r->state[f];

			if (s->asked)
				continue;
			if (mono_past(s->due, now)) {
				s->asked = true;
				*family = (enum rule_family)f;
				return r->name;
			}
			if (s->due.ns < when->ns)
				*when = s->due;
		}
	}
	return NULL;
}

void rule_names_unasked(struct rule_names *t, const char *name,
			enum rule_family family)
{
	uint32_t i = find_at(t, RULE_NAMES_OURS, name);

	if (i < RULE_NAMES_MAX)
		t->name[i].state[family].asked = false;
}

void rule_names_hurry(struct rule_names *t, struct mono now)
{
	for (uint32_t i = 0; i < t->top; i++) {
		struct rule_name *r = ours(t, i);

		for (int f = 0; r && f < 2; f++) {
			r->state[f].due = now;
			r->state[f].tries = 0;
		}
	}
}

/*
 * When the address is to go.  One of ours needs an answer that came after its
 * TTL and was without it: an answer with it would have made that longer.
 */
static struct mono gone_at(const struct rule_names *t,
			   const struct rule_name *r,
			   const struct rule_name_addr *a)
{
	const struct rule_name_state *s = &r->state[family_of(&a->addr)];

	if (!r->owner && s->at.ns < a->until.ns)
		return NEVER;
	return mono_add_ms(a->until, t->conf.grace_s * 1000ull);
}

static void expire_list(struct rule_names *t, struct rule_name *r,
			enum rule_family family, struct mono now)
{
	struct rule_name_addr *list = r->addr[family];
	uint8_t kept = 0;

	for (uint8_t i = 0; i < r->addr_n[family]; i++)
		if (!mono_past(gone_at(t, r, &list[i]), now))
			list[kept++] = list[i];
	if (kept != r->addr_n[family])
		tell(t, r);
	r->addr_n[family] = kept;
}

void rule_names_expire(struct rule_names *t, struct mono now)
{
	for (uint32_t i = 0; i < t->top; i++)
		for (int f = 0; t->hash[i] && f < 2; f++)
			expire_list(t, &t->name[i], (enum rule_family)f, now);
}

/* ---- for sets -------------------------------------------------------------*/

static bool has(const struct pkt_addr *list, int n, const struct pkt_addr *a)
{
	for (int i = 0; i < n; i++)
		if (pkt_addr_eq(&list[i], a))
			return true;
	return false;
}

/* Adds what @r has; true when there is more than it has. */
static bool gather(const struct rule_name *r, enum rule_family family,
		   struct pkt_addr *out, uint16_t max, int *n)
{
	for (uint8_t i = 0; i < r->addr_n[family]; i++) {
		const struct pkt_addr *a = &r->addr[family][i].addr;

		if (has(out, *n < max ? *n : max, a))
			continue;
		if (*n < max)
			out[*n] = *a;
		++*n;
	}
	return r->state[family].over;
}

/* Is it known that the name is there, but not in this family? */
static bool is_empty(const struct rule_name *r, enum rule_family family)
{
	const struct rule_name_state *s = &r->state[family],
				     *o = &r->state[!family];

	return s->answered && s->last == RULE_NAME_EMPTY && o->answered &&
	       o->last == RULE_NAME_ADDRS;
}

int rule_names_resolve(void *ctx, const char *name, enum rule_family family,
		       struct pkt_addr *out, uint16_t max)
{
	const struct rule_names_of *of = ctx;
	const uint16_t owner[2] = { RULE_NAMES_OURS, of->n };
	bool over = false, empty = false;
	int n = 0;

	for (int i = 0; i < 2; i++) {
		uint32_t at = find_at(of->t, owner[i], name);

		if (at == RULE_NAMES_MAX)
			continue;
		over |= gather(&of->t->name[at], family, out, max, &n);
		empty |= !i && is_empty(&of->t->name[at], family);
	}
	if (over)
		n += RULE_ADDR_MORE;
	return n || empty ? n : -ENOENT;
}

const struct rule_name *rule_names_each(const struct rule_names *t,
					uint32_t *cursor)
{
	for (; *cursor < t->top; ++*cursor)
		if (t->hash[*cursor])
			return &t->name[(*cursor)++];
	return NULL;
}
