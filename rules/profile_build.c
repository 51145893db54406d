/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "rules/profile_block.h"

static bool is_named(const struct profiles_in *in, const char *set)
{
	for (uint32_t i = 0; i < in->rule_n; i++)
		if (in->rule[i].text.rule.dst == PROFILE_DST_SET &&
		    !strcmp(in->rule[i].text.set, set))
			return true;
	return false;
}

/* The first rule of a profile makes its list. */
static bool is_first(const struct profiles_in *in, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (!strcmp(in->rule[k].profile, in->rule[i].profile))
			return false;
	return true;
}

static uint32_t lists_n(const struct profiles_in *in)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < in->rule_n; i++)
		n += is_first(in, i);
	return n;
}

size_t profiles_size(const struct profiles_in *in)
{
	size_t ranges = 0;

	for (uint32_t i = 0; i < in->set_n; i++)
		ranges += in->set[i].n;
	return profile_block_len(in->set_n, lists_n(in), in->rule_n, ranges);
}

uint32_t profiles_order(const struct profiles_in *in)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < in->set_n; i++)
		if (in->set[i].n > most)
			most = in->set[i].n;
	return most;
}

struct build {
	const struct profiles_in *in;
	struct profiles *p;
	struct profile_set *set;
	struct profile_list *list;
	struct profile_rule *rule;
	struct addr_range *range;
	uint32_t *order, *tmp;
};

static void name_copy(char out[ADDR_SET_NAME_MAX], const char *name)
{
	size_t len = strlen(name);

	vw_assert(addr_set_name_ok(name, len));
	memcpy(out, name, len + 1);
}

static int put_sets(struct build *b)
{
	struct profiles *p = b->p;
	uint32_t k = 0;

	for (uint32_t i = 0; i < b->in->set_n; i++) {
		const struct profiles_set *from = &b->in->set[i];
		struct profile_set *s;
		uint32_t n;

		if (!is_named(b->in, from->name))
			continue;
		s = &b->set[k++];
		name_copy(s->name, from->name);
		s->at = p->range_n;
		n = addr_set_build(b->range + p->range_n, &s->n4, from->prefix,
				   from->n, b->order, b->tmp);
		s->n6 = n - s->n4;
		p->range_n += n;
		if (p->range_n > PROFILES_RANGES_MAX)
			return -E2BIG;
	}
	return 0;
}

static int put_rule(struct build *b, const struct profiles_rule *from)
{
	struct profile_rule *r = &b->rule[b->p->rule_n++];
	uint16_t i = 0;

	*r = from->text.rule;
	if (r->dst != PROFILE_DST_SET)
		return 0;
	while (i < b->p->set_n && strcmp(b->set[i].name, from->text.set) != 0)
		i++;
	r->set = i;
	return i < b->p->set_n ? 0 : -ENOENT;
}

/* All rules of the profile whose first rule is number @first. */
static int put_list(struct build *b, uint32_t first, uint32_t *bad)
{
	const char *name = b->in->rule[first].profile;
	struct profile_list *l = &b->list[b->p->list_n++];

	name_copy(l->name, name);
	l->at = b->p->rule_n;
	for (*bad = first; *bad < b->in->rule_n; ++*bad) {
		if (strcmp(b->in->rule[*bad].profile, name) != 0)
			continue;
		if (put_rule(b, &b->in->rule[*bad]))
			return -ENOENT;
		if (++l->n > PROFILE_RULES_MAX)
			return -E2BIG;
	}
	return 0;
}

static uint32_t sets_named(const struct profiles_in *in)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < in->set_n; i++)
		n += is_named(in, in->set[i].name);
	return n;
}

/* The counts that places follow from; ranges and lists grow as they come. */
static void lay_out(struct build *b, void *mem)
{
	uint32_t sets = sets_named(b->in), lists = lists_n(b->in);
	uint8_t *at = mem;

	b->p = mem;
	*b->p = (struct profiles){ .magic = PROFILES_MAGIC, .set_n = sets };
	at += sizeof(*b->p);
	b->set = (void *)at;
	at += sets * sizeof(*b->set);
	b->list = (void *)at;
	at += lists * sizeof(*b->list);
	b->rule = (void *)at;
	at += b->in->rule_n * sizeof(*b->rule);
	b->range = (void *)at;
}

int profiles_build(void *mem, size_t *used, const struct profiles_in *in,
		   uint32_t *order, uint32_t *tmp, uint32_t *bad)
{
	struct build b = { .in = in, .order = order, .tmp = tmp };
	int err;

	*bad = 0;
	if (in->rule_n > PROFILES_RULES_MAX || lists_n(in) > PROFILES_MAX ||
	    sets_named(in) > PROFILES_SETS_MAX)
		return -E2BIG;
	memset(mem, 0, profiles_size(in));
	lay_out(&b, mem);
	err = put_sets(&b);
	for (uint32_t i = 0; i < in->rule_n && !err; i++)
		if (is_first(in, i))
			err = put_list(&b, i, bad);
	if (err)
		return err;
	*used = profile_block_len(b.p->set_n, b.p->list_n, b.p->rule_n,
				  b.p->range_n);
	b.p->len = (uint32_t)*used;
	return 0;
}
