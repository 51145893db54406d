/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules and profiles come and go in slices, one in a turn, so that no frame
 * waits for a whole block: it is mapped, looked at, put in force, and the one
 * before is unmapped, which takes as long.  Only then is control answered and
 * its next request read.
 *
 * Control keeps the file of the block before until it has that answer, else
 * the kernel would free all of its pages together with the last one.
 */
#include <errno.h>

#include "firewall/data/data.h"
#include "firewall/linux/mem.h"

/* Bytes that are looked at in a slice, and of those that are unmapped. */
#define LOOK 16384u
#define UNMAP_FACTOR 4u
#define PAGE 4096u

static int map_next(struct data *d, size_t len)
{
	struct data_change *c = &d->change;

	c->next = (struct data_rules){ mem_map_sealed(d->in.fd, len), len };
	if (!c->next.mem)
		return -EBADF;
	c->step = DATA_LOOKS;
	c->err = 0;
	return 0;
}

int data_change_rules(struct data *d)
{
	const struct msg_rules *m = &d->in.body.rules;
	int err;

	if (m->n > d->clients)
		return -EINVAL;
	err = map_next(d, m->len);
	if (!err)
		ruleset_check_begin(&d->change.walk.rules, d->change.next.mem,
				    m->len);
	return err;
}

int data_change_profiles(struct data *d)
{
	uint32_t len = d->in.body.profiles.len;
	int err = map_next(d, len);

	if (!err)
		profiles_check_begin(&d->change.walk.profiles,
				     d->change.next.mem, len);
	return err;
}

/* Out of force, and to be unmapped. */
static void let_go(struct data *d, struct data_rules *r, int family)
{
	d->change.gone[family] = *r;
	*r = (struct data_rules){ .mem = NULL };
}

int data_change_remove(struct data *d)
{
	uint16_t n = d->in.body.id.id;

	if (n > d->clients)
		return -EINVAL;
	for (int family = RULE_IP4; family <= RULE_IP6; family++) {
		struct data_rules *r = &d->rules[2 * n + family];
		const struct ruleset *old;
		int err;

		if (!r->mem)
			continue;
		err = fw_client_rules(d->fw, n, (enum rule_family)family, NULL,
				      &old, d->loop.now);
		vw_assert(!err && old == r->mem);
		let_go(d, r, family);
	}
	fw_client_remove(d->fw, n, d->loop.now);
	d->change.step = DATA_UNMAPS;
	d->change.err = 0;
	return 0;
}

/* ---- slices -------------------------------------------------------------- */

static int rules_bind(struct data *d)
{
	const struct msg_rules *m = &d->in.body.rules;
	struct data_change *c = &d->change;
	struct data_rules *r = &d->rules[2u * m->n + m->family];
	const struct ruleset *old;
	int err = fw_client_rules(d->fw, m->n, (enum rule_family)m->family,
				  c->walk.rules.set, &old, d->loop.now);

	if (err)
		return err;
	vw_assert(old == r->mem);
	let_go(d, r, 0);
	*r = c->next;
	return 0;
}

static int profiles_bind(struct data *d)
{
	struct data_change *c = &d->change;
	const struct profiles *old =
		fw_profiles_set(d->fw, c->walk.profiles.p,
				d->in.body.profiles.of, MSG_PROFILES_CLIENTS);

	vw_assert(old == d->profiles.mem);
	let_go(d, &d->profiles, 0);
	d->profiles = c->next;
	return 0;
}

static void look(struct data *d, uint32_t *budget)
{
	struct data_change *c = &d->change;
	bool rules = d->in.hdr.type == MSG_RULES;
	enum check_state is =
		rules ? ruleset_check_step(&c->walk.rules, budget)
		      : profiles_check_step(&c->walk.profiles, budget);

	if (is == CHECK_ON)
		return;
	if (is == CHECK_BAD)
		c->err = -EBADMSG;
	else
		c->err = rules ? rules_bind(d) : profiles_bind(d);
	if (c->err)
		let_go(d, &c->next, 0);
	c->next.mem = NULL;
	c->step = DATA_UNMAPS;
}

/* From the front, where the first pages can be given back alone. */
static void unmap(struct data_rules *r, uint32_t *budget)
{
	size_t most = (size_t)(*budget + PAGE - 1) / PAGE * PAGE * UNMAP_FACTOR;
	size_t n = r->len < most ? r->len : most;

	mem_unmap(r->mem, n);
	check_pay(budget, (uint32_t)(n / UNMAP_FACTOR));
	r->len -= n;
	r->mem = r->len ? (const uint8_t *)r->mem + n : NULL;
}

void data_change_go_on(struct data *d)
{
	struct data_change *c = &d->change;
	uint32_t budget = LOOK;

	if (c->step == DATA_LOOKS)
		look(d, &budget);
	if (c->step != DATA_UNMAPS)
		return;
	for (int i = 0; i < 2; i++)
		if (c->gone[i].mem && budget)
			unmap(&c->gone[i], &budget);
	if (c->gone[0].mem || c->gone[1].mem)
		return;
	c->step = DATA_IDLE;
	data_answer(d, c->err);
}
