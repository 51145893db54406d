/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/source/set.h"
#include "firewall/linux/mem.h"
#include "packet/pkt_arena.h"

/* A set being loaded. */
struct load {
	struct set *set;
	const struct rule_env *env;
	set_complain *complain;
	void *ctx;
	struct rule *rule;
	uint32_t n, room;
	bool has_policy;
};

static void wrong(struct load *l, const char *key, uint32_t column,
		  const char *why, const char *text, size_t len)
{
	struct set_error e = { .column = column };

	snprintf(e.key, sizeof(e.key), "%s", key);
	snprintf(e.why, sizeof(e.why), "%s", why);
	/* most are ours, but TREE_ERROR comes with the keys */
	for (char *p = e.why; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (!l->set->error_n++)
		l->set->error = e;
	if (l->complain)
		l->complain(l->ctx, &e, text, len);
}

static void read_key(struct load *l, const char *name, const struct tree_key *k)
{
	struct rule_error err = { .why = "" };
	enum rule_action policy;
	uint32_t number;

	if (!strcmp(name, TREE_ERROR)) {
		wrong(l, "set", 0, k->value, k->value, k->len);
	} else if (!strcmp(name, "policy")) {
		l->has_policy = true;
		if (rule_policy_parse(&policy, k->value, k->len, &err))
			wrong(l, name, err.column, err.why, k->value, k->len);
		else
			l->set->policy = (uint8_t)policy;
	} else if (rule_number_parse(&number, name, strlen(name))) {
		wrong(l, name, 0, "neither a rule's number (0000) nor policy",
		      k->value, k->len);
	} else if (l->n == l->room) {
		wrong(l, name, 0, "more rules than a set can have", k->value,
		      k->len);
	} else if (rule_parse(&l->rule[l->n], number, k->value, k->len,
			      (enum rule_family)l->set->family, &err)) {
		wrong(l, name, err.column, err.why, k->value, k->len);
	} else {
		l->set->names += l->rule[l->n].dst == RULE_DST_NAME;
		l->n++;
	}
}

static int by_number(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/*
 * Reads all keys, also after an error, so that each is complained about.  For
 * more than a few elements qsort(3) asks how much memory there is.
 * #syscalls control: sysinfo
 */
static int read_keys(struct load *l, const struct tree *t, const char *base)
{
	struct tree_key k = { .path = NULL };
	uint32_t keys = 0;

	while (tree_next(t, base, k.path, &k))
		keys++;
	l->room = keys < RULE_SET_MAX ? keys : RULE_SET_MAX;
	l->rule = calloc(l->room ? l->room : 1, sizeof(*l->rule));
	if (!l->rule)
		return -ENOMEM;
	k.path = NULL;
	while (tree_next(t, base, k.path, &k))
		read_key(l, k.path + strlen(base), &k);
	if (!l->has_policy)
		wrong(l, "policy", 0, "is missing", "", 0);
	qsort(l->rule, l->n, sizeof(*l->rule), by_number);
	return 0;
}

/*
 * Seals @bytes and maps them as the other process will.
 * #syscalls control: memfd_create write fcntl/F_ADD_SEALS fcntl/F_GET_SEALS
 * #syscalls control: fstat newfstatat mmap/noexec munmap mremap brk close
 */
static int seal(struct set *s, const void *bytes, size_t len)
{
	const void *map;

	s->fd = mem_sealed("vifwall-rules", bytes, len);
	if (s->fd < 0)
		return s->fd;
	map = mem_map_sealed(s->fd, len);
	if (!map) {
		int err = -errno;

		close(s->fd);
		s->fd = -1;
		return err;
	}
	s->len = len;
	s->built = ruleset_check(map, len);
	vw_assert(s->built);
	return 0;
}

static void *block(size_t len)
{
	len += PKT_ARENA_ALIGN - 1;
	return aligned_alloc(PKT_ARENA_ALIGN, len - len % PKT_ARENA_ALIGN);
}

static int build(struct load *l)
{
	size_t size = ruleset_size(l->rule, l->n, l->env), used;
	size_t scratch_size = ruleset_scratch_size(l->rule, l->n, l->env);
	void *mem = block(size), *scratch = block(scratch_size);
	int err = -ENOMEM;

	if (mem && scratch)
		err = ruleset_build(mem, size, &used,
				    (enum rule_family)l->set->family,
				    (enum rule_action)l->set->policy, l->rule,
				    l->n, l->env, scratch, scratch_size);
	if (!err)
		err = seal(l->set, mem, used);
	free(mem);
	free(scratch);
	return err;
}

/* Lets nothing pass; the errors stay to say why. */
static int build_closed(struct set *s)
{
	_Alignas(RULESET_ALIGN) uint8_t mem[RULESET_CLOSED_SIZE];
	size_t used;
	int err = ruleset_build_closed(mem, sizeof(mem), &used,
				       (enum rule_family)s->family);

	s->state = SET_BAD;
	return err ? err : seal(s, mem, used);
}

/* The canonical texts, one behind the other. */
static int keep_text(struct load *l)
{
	struct set *s = l->set;
	size_t room = 0, len = 0;

	s->text_off = calloc((size_t)l->n + 1, 2 * sizeof(*s->text_off));
	if (!s->text_off)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->n; i++) {
		int n;

		if (room - len < SET_LINE_MAX) {
			char *more;

			room = 2 * room + 2 * SET_LINE_MAX;
			more = realloc(s->text, room);
			if (!more)
				return -ENOMEM;
			s->text = more;
		}
		n = rule_print(s->text + len, room - len, &l->rule[i]);
		vw_assert(n >= 0);
		s->text_off[2 * i] = (uint32_t)len;
		s->text_off[2 * i + 1] = l->rule[i].number;
		len += (size_t)n + 1;
	}
	s->n = l->n;
	return 0;
}

static const char *build_error(int err)
{
	switch (err) {
	case -E2BIG:
		return "more rules than a set can have";
	case -EINVAL:
		return "a number is given twice";
	default:
		return "not enough memory to build the set";
	}
}

static int make_bad(struct set *s)
{
	const struct set was = *s;
	int err;

	set_clear(s);
	s->error_n = was.error_n;
	s->error = was.error;
	err = build_closed(s);
	if (err)
		set_none(s, (enum rule_family)s->family);
	return err;
}

int set_load(struct set *out, const struct tree *t, const char *base,
	     enum rule_family family, const struct rule_env *env,
	     set_complain *complain, void *ctx)
{
	struct load l = {
		.set = out, .env = env, .complain = complain, .ctx = ctx
	};
	int err;

	set_none(out, family);
	err = read_keys(&l, t, base);
	if (!err && !out->error_n)
		err = build(&l);
	if (!err && !out->error_n)
		err = keep_text(&l);
	free(l.rule);
	if (err)
		wrong(&l, "set", 0, build_error(err), "", 0);
	if (out->error_n)
		return make_bad(out);
	out->state = SET_GOOD;
	return 0;
}

/* Canonical text was made from a rule, so it is one. */
static struct rule rule_at(const struct set *s, uint32_t i)
{
	struct rule_error err;
	struct rule r;
	uint32_t number;
	const char *text = set_line(s, i, &number);
	int rc = rule_parse(&r, number, text, strlen(text),
			    (enum rule_family)s->family, &err);

	vw_assert(!rc);
	return r;
}

int set_again(struct set *out, const struct set *s, const struct rule_env *env)
{
	struct load l = { .set = out, .env = env, .n = s->n };
	int err = -ENOMEM;

	vw_assert(s->state == SET_GOOD);
	set_none(out, (enum rule_family)s->family);
	out->policy = s->policy;
	out->accept = s->accept;
	out->names = s->names;
	l.rule = calloc(l.n ? l.n : 1, sizeof(*l.rule));
	for (uint32_t i = 0; l.rule && i < l.n; i++)
		l.rule[i] = rule_at(s, i);
	if (l.rule)
		err = build(&l);
	if (!err)
		err = keep_text(&l);
	free(l.rule);
	if (err)
		set_clear(out);
	else
		out->state = SET_GOOD;
	return err;
}

bool set_name(const struct set *s, uint32_t *i, char out[RULE_NAME_MAX + 1])
{
	for (; s->names && *i < s->n; ++*i) {
		struct rule r = rule_at(s, *i);

		if (r.dst != RULE_DST_NAME)
			continue;
		memcpy(out, r.name, sizeof(r.name));
		++*i;
		return true;
	}
	return false;
}

int set_accept(struct set *out, enum rule_family family)
{
	struct load l = { .set = out };
	int err;

	set_none(out, family);
	out->policy = RULE_ACCEPT;
	out->accept = true;
	out->state = SET_GOOD;
	err = build(&l);
	if (err)
		set_none(out, family);
	return err;
}

int set_closed(struct set *out, enum rule_family family, const char *key,
	       const char *why)
{
	struct load l = { .set = out };
	int err;

	set_none(out, family);
	wrong(&l, key, 0, why, "", 0);
	err = build_closed(out);
	if (err)
		set_none(out, family);
	return err;
}

void set_none(struct set *out, enum rule_family family)
{
	*out = (struct set){ .family = (uint8_t)family, .fd = -1 };
}

void set_clear(struct set *s)
{
	if (s->built)
		mem_unmap(s->built, s->len);
	if (s->fd >= 0)
		close(s->fd);
	free(s->text);
	free(s->text_off);
	set_none(s, (enum rule_family)s->family);
}

bool set_same(const struct set *a, const struct set *b)
{
	return a->built && b->built && a->len == b->len &&
	       !memcmp(a->built, b->built, a->len);
}

const char *set_line(const struct set *s, uint32_t i, uint32_t *number)
{
	vw_assert(i < s->n);
	*number = s->text_off[2 * i + 1];
	return s->text + s->text_off[2 * i];
}
