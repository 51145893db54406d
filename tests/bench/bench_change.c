/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The longest that frames wait for a request of control's, at its worst: one
 * turn of the data process that
 *
 *	check     looks at 10,000 new rules
 *	swap      puts them in force, or unmaps those before
 *	remove    lets a client go with as many of both families
 *	profiles  takes 100,000 ranges in place of as many
 *	requests  takes as many settings of clients as it will at once
 *
 * Each is done often; of every turn the least counts, as all disturbance only
 * adds, and then the longest of these.  One line for each: step=NAME max_us=...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mock/data_bed.h"
#include "mock/rule_shape.h"
#include "mock/sealed.h"

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

enum { CHANGES = 12, TURNS_MAX = 4096, RULES = 10000, RANGES = 100000 };

/* The least of each turn of a change, and which kind of turn it is. */
struct turns {
	double us[TURNS_MAX];
	bool looks[TURNS_MAX];
	uint32_t n;
};

static struct data_bed bed;

/* Everything that data does for one request; it is in the socket already. */
static void run_turns(struct turns *t, const char *what)
{
	uint32_t i = 0;

	do {
		double us = cpu_us();

		data_bed_turn(&bed);
		us = cpu_us() - us;
		vw_assert(i < TURNS_MAX);
		if (t->us[i] <= 0 || us < t->us[i])
			t->us[i] = us;
		t->looks[i++] = bed.d.change.step == DATA_LOOKS;
	} while (bed.d.change.step != DATA_IDLE);
	t->n = i;
	data_bed_expect(&bed, MSG_DONE, bed.seq);
	if (bed.got.body.done.err) {
		fprintf(stderr, "%s: refused\n", what);
		exit(1);
	}
}

/* The longest of the turns that look, or of the others. */
static double longest(const struct turns *t, bool looks)
{
	double most = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (t->looks[i] == looks && t->us[i] > most)
			most = t->us[i];
	return most;
}

static void print_step(const char *name, double us)
{
	printf("step=%s max_us=%.1f\n", name, us);
}

static void ask_data(enum msg_type type, const void *body, int fd)
{
	int err = msg_send(bed.control, type, ++bed.seq, body, fd);

	vw_assert(!err);
}

/* The largest set that so many rules come to. */
static int large_set(enum rule_family family, uint32_t *len)
{
	static struct rule rules[RULES];
	int best = -1;

	*len = 0;
	for (uint32_t i = 0; i < RULE_SHAPES; i++) {
		struct rule_gen gen;
		uint32_t n;
		int fd;

		rule_gen_init(&gen, RULE_GEN_MIXED, family, 1);
		rule_shape_rules(&gen, &rule_shapes[i], rules, RULES);
		fd = sealed_rules(family, RULE_DROP, rules, RULES, &n);
		if (n > *len) {
			int was = best;

			best = fd;
			*len = n;
			fd = was;
		}
		if (fd >= 0)
			close(fd);
	}
	return best;
}

static void send_set(enum rule_family family, int fd, uint32_t len)
{
	struct msg_rules m = { .n = 1, .family = (uint16_t)family, .len = len };

	ask_data(MSG_RULES, &m, fd);
}

/* Control has the files open all the while, as it has in earnest. */
static void step_rules(void)
{
	static struct turns first, again, gone;
	const struct msg_id id = { 1 };
	uint32_t len[2];
	int fd[2];

	data_bed_open(&bed);
	for (int f = RULE_IP4; f <= RULE_IP6; f++)
		fd[f] = large_set((enum rule_family)f, &len[f]);
	for (int r = 0; r < CHANGES; r++) {
		vw_assert(!data_bed_client(&bed, 1, UINT16_MAX));
		for (int f = RULE_IP4; f <= RULE_IP6; f++) {
			send_set((enum rule_family)f, fd[f], len[f]);
			run_turns(&first, "rules");
		}
		send_set(RULE_IP4, fd[RULE_IP4], len[RULE_IP4]);
		run_turns(&again, "other rules");
		ask_data(MSG_CLIENT_DEL, &id, -1);
		run_turns(&gone, "no client");
	}
	close(fd[RULE_IP4]);
	close(fd[RULE_IP6]);
	data_bed_close(&bed);
	print_step("check", longest(&again, true));
	print_step("swap", longest(&again, false));
	print_step("remove", longest(&gone, false));
}

static void step_profiles(void)
{
	static struct turns first, turns;
	struct msg_profiles m;
	uint32_t len;
	double both;
	int fd;

	data_bed_open(&bed);
	fd = sealed_profiles(RANGES, &len);
	m.len = len;
	memset(m.of, FW_PROFILE_NONE, sizeof(m.of));
	for (int r = 0; r < CHANGES; r++) {
		ask_data(MSG_PROFILES, &m, fd);
		run_turns(r ? &turns : &first, "profiles");
	}
	close(fd);
	data_bed_close(&bed);
	both = longest(&turns, true);
	if (longest(&turns, false) > both)
		both = longest(&turns, false);
	print_step("profiles", both);
}

static void step_requests(void)
{
	double least = 0;

	data_bed_open(&bed);
	for (int r = 0; r < CHANGES; r++) {
		double us;

		for (uint16_t n = 1; n <= BED_CLIENTS; n++) {
			struct msg_client m = data_bed_client_is(n, UINT16_MAX);

			ask_data(MSG_CLIENT, &m, -1);
		}
		us = cpu_us();
		data_bed_turn(&bed);
		us = cpu_us() - us;
		if (least <= 0 || us < least)
			least = us;
		for (uint16_t n = 1; n <= BED_CLIENTS; n++)
			data_bed_turn(&bed);
		for (uint16_t n = 1; n <= BED_CLIENTS; n++)
			data_bed_take(&bed);
	}
	data_bed_close(&bed);
	print_step("requests", least);
}

int main(void)
{
	step_rules();
	step_profiles();
	step_requests();
	return 0;
}
