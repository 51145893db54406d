/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large sets come and go while frames pass: no frame waits for the whole, what
 * holds is always one of them, and control hears of it when it is done.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/linux/mem.h"
#include "mock/data_xen_bed.h"
#include "mock/sealed.h"
#include "rules/rule_block.h"
#include "unit.h"

#define RULES 10000u
#define RANGES 100000u
/* What a turn may look at or unmap, and then some. */
#define TURN_BYTES (256u << 10)

static struct xen_bed bed;

/* Client 1 may do all, by a set without rules. */
static void begin(void)
{
	xen_bed_open(&bed, true);
	xen_bed_path(&bed);
	CU_ASSERT(xen_bed_passes(&bed, 1));
}

static void finish(void)
{
	xen_bed_close(&bed);
	CU_ASSERT_EQUAL(sealed_mapped(), 0);
}

static void turn(void)
{
	data_bed_turn(&bed.data);
}

/* Something from data waits. */
static bool answered(void)
{
	struct pollfd p = { .fd = bed.data.control, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Turns until the answer is there; its errno. */
static int await(uint32_t *turns)
{
	for (*turns = 0; !answered() && *turns < 10000; ++*turns)
		turn();
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	return bed.data.got.body.done.err;
}

static int say_rules(enum rule_family family, int fd, uint32_t len)
{
	struct msg_rules m = { .n = 1, .family = (uint16_t)family, .len = len };

	return msg_send(bed.data.control, MSG_RULES, ++bed.data.seq, &m, fd);
}

static int set_rules(enum rule_family family, enum rule_action policy)
{
	uint32_t len, turns;
	int fd = sealed_elsewhere(family, policy, RULES, &len);

	CU_ASSERT_EQUAL(say_rules(family, fd, len), 0);
	close(fd);
	return await(&turns);
}

/* ... and what is answered instead is taken away. */
static bool is_refused(void)
{
	bool passed = xen_bed_passes(&bed, 1);

	(void)xen_bed_recv(&bed, 1);
	return !passed;
}

/* Questions that are answered before control is. */
static uint32_t passes(void)
{
	uint32_t n = 0;

	while (!answered() && xen_bed_passes(&bed, 1))
		n++;
	return n;
}

static void frames_pass_by_the_old_rules_until_all_new_ones_bind(void)
{
	uint32_t len, turns;
	int fd = sealed_elsewhere(RULE_IP4, RULE_DROP, RULES, &len);

	begin();
	CU_ASSERT(len > 4 * TURN_BYTES);
	CU_ASSERT_EQUAL(say_rules(RULE_IP4, fd, len), 0);
	close(fd);
	CU_ASSERT(passes() > 10);
	CU_ASSERT_EQUAL(await(&turns), 0);
	CU_ASSERT(is_refused());
	CU_ASSERT(sealed_mapped() >= len);
	CU_ASSERT(sealed_mapped() < len + 4096);
	finish();
}

static void what_a_large_set_closed_is_opened_by_the_next_at_its_end(void)
{
	uint32_t len, turns;
	int fd = sealed_elsewhere(RULE_IP4, RULE_ACCEPT, RULES, &len);

	begin();
	CU_ASSERT_EQUAL(set_rules(RULE_IP4, RULE_DROP), 0);
	CU_ASSERT_EQUAL(say_rules(RULE_IP4, fd, len), 0);
	close(fd);
	/* half of the turns: the other half unmaps what was in force */
	for (uint32_t i = 0; i < len / TURN_BYTES; i++) {
		CU_ASSERT(is_refused());
		CU_ASSERT(!answered());
	}
	CU_ASSERT_EQUAL(await(&turns), 0);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT(sealed_mapped() < len + 4096);
	finish();
}

/* A copy with @wrong in place of the 4 bytes at @at. */
static int damaged(const void *set, uint32_t len, uint32_t at, uint32_t wrong)
{
	uint8_t *copy = malloc(len);
	uint32_t again;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memcpy(copy, set, len);
	memcpy(&again, copy + at, sizeof(again));
	CU_ASSERT_NOT_EQUAL(again, wrong);
	memcpy(copy + at, &wrong, sizeof(wrong));
	fd = mem_sealed("sealed", copy, len);
	CU_ASSERT_FATAL(fd >= 0);
	free(copy);
	return fd;
}

static void damage_anywhere_is_found_and_the_old_rules_stay(void)
{
	uint32_t len, turns, before = 0;
	int good = sealed_elsewhere(RULE_IP4, RULE_DROP, RULES, &len);
	const struct ruleset *s = mem_map_sealed(good, len);
	size_t was;

	begin();
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	was = sealed_mapped();
	for (uint32_t part = 0; part < 4; part++) {
		const uint32_t at[] = {
			0, /* the magic number */
			s->records +
				(uint32_t)offsetof(struct rule_record, base),
			s->maps,  /* the first map's head */
			s->bases, /* what the first answers */
		};
		int fd = damaged(s, len, at[part], UINT32_MAX);

		CU_ASSERT_EQUAL(say_rules(RULE_IP4, fd, len), 0);
		close(fd);
		CU_ASSERT_EQUAL(await(&turns), EBADMSG);
		CU_ASSERT(turns > before || part < 2);
		before = turns;
		CU_ASSERT_EQUAL(sealed_mapped(), was);
		CU_ASSERT(xen_bed_passes(&bed, 1));
	}
	mem_unmap(s, len);
	close(good);
	finish();
}

static void requests_behind_a_large_set_wait_and_are_answered_in_order(void)
{
	uint32_t len, first;
	int fd = sealed_elsewhere(RULE_IP4, RULE_DROP, RULES, &len);
	struct msg_id id = { 1 };

	begin();
	CU_ASSERT_EQUAL(say_rules(RULE_IP4, fd, len), 0);
	close(fd);
	first = bed.data.seq;
	CU_ASSERT_EQUAL(msg_send(bed.data.control, MSG_USAGE, ++bed.data.seq,
				 NULL, -1),
			0);
	CU_ASSERT_EQUAL(msg_send(bed.data.control, MSG_CLIENT_DEL,
				 ++bed.data.seq, &id, -1),
			0);
	CU_ASSERT(passes() > 10);
	for (int i = 0; i < 10000 && bed.data.d.rules[2 + RULE_IP4].mem; i++)
		turn();
	data_bed_expect(&bed.data, MSG_DONE, first);
	CU_ASSERT_EQUAL(bed.data.got.body.done.err, 0);
	data_bed_expect(&bed.data, MSG_USAGE_PAGE, first + 1);
	data_bed_expect(&bed.data, MSG_DONE, first + 1);
	CU_ASSERT_EQUAL(await(&len), 0);
	CU_ASSERT(is_refused());
	CU_ASSERT_EQUAL(sealed_mapped(), 0);
	finish();
}

static void a_client_that_goes_is_closed_at_once_and_its_memory_follows(void)
{
	struct msg_id id = { 1 };
	size_t all, left;

	begin();
	CU_ASSERT_EQUAL(set_rules(RULE_IP4, RULE_ACCEPT), 0);
	CU_ASSERT_EQUAL(set_rules(RULE_IP6, RULE_ACCEPT), 0);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	all = sealed_mapped();
	data_bed_say(&bed.data, MSG_CLIENT_DEL, &id, -1);
	CU_ASSERT(!answered());
	CU_ASSERT(is_refused());
	left = sealed_mapped();
	CU_ASSERT(left > all / 2);
	while (left && !answered()) {
		size_t last = left;

		turn();
		left = sealed_mapped();
		CU_ASSERT(left < last && last - left < TURN_BYTES);
	}
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	finish();
}

static void profiles_bind_when_all_ranges_were_looked_at(void)
{
	struct msg_profiles m = { .of = { [1] = 0 } };
	uint32_t len, turns;
	int fd = sealed_profiles(RANGES, &len);

	begin();
	CU_ASSERT(len > 4 * TURN_BYTES);
	memset(m.of, FW_PROFILE_NONE, sizeof(m.of));
	m.of[1] = 0;
	m.len = len;
	CU_ASSERT_EQUAL(msg_send(bed.data.control, MSG_PROFILES, ++bed.data.seq,
				 &m, fd),
			0);
	CU_ASSERT(passes() > 10);
	CU_ASSERT_EQUAL(await(&turns), 0);
	CU_ASSERT(is_refused());
	/* the same again for nobody: the mapping before goes */
	m.of[1] = FW_PROFILE_NONE;
	CU_ASSERT_EQUAL(msg_send(bed.data.control, MSG_PROFILES, ++bed.data.seq,
				 &m, fd),
			0);
	close(fd);
	CU_ASSERT_EQUAL(await(&turns), 0);
	CU_ASSERT(turns > len / TURN_BYTES);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT(sealed_mapped() < 2 * (size_t)len);
	finish();
}

static void control_that_dies_meanwhile_closes_every_port(void)
{
	uint32_t len;
	int fd = sealed_elsewhere(RULE_IP4, RULE_ACCEPT, RULES, &len);

	begin();
	CU_ASSERT_EQUAL(say_rules(RULE_IP4, fd, len), 0);
	turn();
	close(bed.data.control);
	turn();
	CU_ASSERT(bed.data.d.stop);
	CU_ASSERT(!bed.data.d.port[0].used && !bed.data.d.port[1].used);
	CU_ASSERT(sealed_mapped() >= len); /* goes with the process */
	bed.data.control = fd;
	finish();
}

static uint32_t answers(void)
{
	uint32_t n = 0;

	for (; answered(); n++)
		data_bed_take(&bed.data);
	return n;
}

static void a_turn_takes_some_requests_but_one_set_whatever_its_size(void)
{
	struct msg_id id = { 1 };
	uint32_t len;
	int fd = sealed_rules(RULE_IP4, RULE_ACCEPT, NULL, 0, &len);

	begin();
	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(say_rules(RULE_IP4, fd, len), 0);
	close(fd);
	for (int i = 0; i < 5; i++) {
		turn();
		CU_ASSERT_EQUAL(answers(), 1);
	}
	for (int i = 0; i < 40; i++)
		CU_ASSERT_EQUAL(msg_send(bed.data.control, MSG_FLOWS_END,
					 ++bed.data.seq, &id, -1),
				0);
	turn();
	len = answers();
	CU_ASSERT(len > 1 && len < 40);
	finish();
}

UNIT_SUITE(data_change,
	   UNIT(frames_pass_by_the_old_rules_until_all_new_ones_bind),
	   UNIT(what_a_large_set_closed_is_opened_by_the_next_at_its_end),
	   UNIT(damage_anywhere_is_found_and_the_old_rules_stay),
	   UNIT(requests_behind_a_large_set_wait_and_are_answered_in_order),
	   UNIT(a_client_that_goes_is_closed_at_once_and_its_memory_follows),
	   UNIT(profiles_bind_when_all_ranges_were_looked_at),
	   UNIT(control_that_dies_meanwhile_closes_every_port),
	   UNIT(a_turn_takes_some_requests_but_one_set_whatever_its_size))
