/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "xen/bus/xenbus.h"

#define D XENBUS_DISCONNECT
#define S5 XENBUS_SAY_CLOSING
#define S6 XENBUS_SAY_CLOSED
#define S2 XENBUS_SAY_INIT
#define C XENBUS_CONNECT
#define S8 XENBUS_SAY_RECONF
#define BAD XENBUS_PROTEST

/* ---- the protocol's table, row by row ---- */

static void row(enum xenbus_state theirs, unsigned int in2, unsigned int in4,
		unsigned int in5, unsigned int in6)
{
	CU_ASSERT_EQUAL(xenbus_backend_does(XENBUS_INIT_WAIT, theirs), in2);
	CU_ASSERT_EQUAL(xenbus_backend_does(XENBUS_CONNECTED, theirs), in4);
	CU_ASSERT_EQUAL(xenbus_backend_does(XENBUS_RECONFIGURED, theirs), in4);
	CU_ASSERT_EQUAL(xenbus_backend_does(XENBUS_CLOSING, theirs), in5);
	CU_ASSERT_EQUAL(xenbus_backend_does(XENBUS_CLOSED, theirs), in6);
}

static void frontend_1_initialising(void)
{
	row(XENBUS_INITIALISING, 0, D | S5 | S6 | S2, S6 | S2, S2);
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 1), S2);
}

static void frontend_2_and_3_are_passed_over(void)
{
	row(XENBUS_INIT_WAIT, 0, 0, 0, 0);
	row(XENBUS_INITIALISED, 0, 0, 0, 0);
	/* dom0 waits for our 2, whatever the guest does. */
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 2), S2);
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 3), S2);
}

static void frontend_4_connected(void)
{
	row(XENBUS_CONNECTED, C, 0, S6 | S2 | C, S2 | C);
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 4), S2 | C);
}

static void frontend_5_closing(void)
{
	row(XENBUS_CLOSING, S5, D | S5, 0, S5);
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 5), S5);
}

static void frontend_6_closed(void)
{
	row(XENBUS_CLOSED, S5 | S6, D | S5 | S6, S6, 0);
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 6), S5 | S6);
}

static void frontend_7_reconfiguring(void)
{
	row(XENBUS_RECONFIGURING, 0, S8, 0, 0);
	row(XENBUS_RECONFIGURED, 0, 0, 0, 0);
}

static void frontend_absent(void)
{
	row(XENBUS_UNKNOWN, S6, D | S6, S6, 0);
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 0), S6);
}

static void frontend_in_a_state_that_is_none(void)
{
	row(XENBUS_FOREIGN, S5 | BAD, D | S5 | BAD, BAD, BAD);
	CU_ASSERT_EQUAL(xenbus_backend_does(1, 9), S5 | BAD);
}

static void offline_closes_from_everywhere(void)
{
	for (int ours = 0; ours < XENBUS_N; ours++)
		CU_ASSERT_EQUAL(xenbus_offline_does((enum xenbus_state)ours),
				ours == XENBUS_CLOSED ? 0 : D | S6);
}

static void closed_for_good_answers_a_closing_frontend_only(void)
{
	CU_ASSERT_EQUAL(xenbus_closed_does(4, 4), D | S5);
	CU_ASSERT_EQUAL(xenbus_closed_does(5, 4), 0);
	CU_ASSERT_EQUAL(xenbus_closed_does(5, 1), 0);
	CU_ASSERT_EQUAL(xenbus_closed_does(5, 6), D | S6);
	CU_ASSERT_EQUAL(xenbus_closed_does(5, 0), D | S6);
	CU_ASSERT_EQUAL(xenbus_closed_does(6, 1), 0);
	CU_ASSERT_EQUAL(xenbus_closed_does(2, 9), D | S5);
}

static void states_have_names_and_digits(void)
{
	static const struct {
		const char *text;
		enum xenbus_state is;
	} text[] = {
		{ "", XENBUS_UNKNOWN },
		{ "0", XENBUS_UNKNOWN },
		{ "1", XENBUS_INITIALISING },
		{ "4", XENBUS_CONNECTED },
		{ "8", XENBUS_RECONFIGURED },
		{ "9", XENBUS_FOREIGN },
		{ "10", XENBUS_FOREIGN },
		{ "4294967295", XENBUS_FOREIGN },
		{ "9999999999", XENBUS_FOREIGN },
		{ "04", XENBUS_UNKNOWN },
		{ "00", XENBUS_UNKNOWN },
		{ "99999999999", XENBUS_UNKNOWN },
		{ "-1", XENBUS_UNKNOWN },
		{ "4 ", XENBUS_UNKNOWN },
		{ " 4", XENBUS_UNKNOWN },
		{ "four", XENBUS_UNKNOWN },
		{ "4\n", XENBUS_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		CU_ASSERT_EQUAL(xenbus_parse(text[i].text,
					     strlen(text[i].text)),
				text[i].is);
	CU_ASSERT_EQUAL(xenbus_parse("4\0", 2), XENBUS_UNKNOWN);
	for (int s = 0; s < XENBUS_N; s++)
		CU_ASSERT(strlen(xenbus_name((enum xenbus_state)s)) > 0);
	CU_ASSERT_STRING_EQUAL(xenbus_name(4), "connected");
	CU_ASSERT_STRING_EQUAL(xenbus_name(77), "foreign");
}

/* ---- two ends walk at random ---- */

struct end {
	bool front;
	enum xenbus_state shows;
	bool rings, quarantined;
	unsigned int todo; /* the rest of a row */
	unsigned int idle; /* looks in vain */
};

/* What may follow, bit by state; the other end waits for each. */
static const unsigned int back_may[XENBUS_N] = {
	[0] = 1 << 2 | 1 << 5,		[1] = 1 << 2 | 1 << 5 | 1 << 6,
	[2] = 1 << 4 | 1 << 5 | 1 << 6, [3] = 1 << 2 | 1 << 5,
	[4] = 1 << 5 | 1 << 6 | 1 << 8, [5] = 1 << 6,
	[6] = 1 << 2 | 1 << 5,		[7] = 1 << 2 | 1 << 5,
	[8] = 1 << 5 | 1 << 6 | 1 << 8, [9] = 1 << 2 | 1 << 5,
};
static const unsigned int front_may[XENBUS_N] = {
	[0] = 1 << 1, [1] = 1 << 1 | 1 << 4, [2] = 1 << 1,
	[3] = 1 << 1, [4] = 1 << 5 | 1 << 6, [5] = 1 << 6,
	[6] = 1 << 1, [7] = 1 << 1,	     [8] = 1 << 5 | 1 << 6,
	[9] = 1 << 1,
};

static void show(struct end *e, enum xenbus_state s)
{
	unsigned int may = e->front ? front_may[e->shows] : back_may[e->shows];

	CU_ASSERT(may >> s & 1);
	if (!(may >> s & 1))
		printf("\n    %s: %u after %u\n", e->front ? "front" : "back",
		       s, e->shows);
	e->shows = s;
}

static void decide(struct end *e, enum xenbus_state theirs)
{
	bool said =
		e->shows == XENBUS_CONNECTED || e->shows == XENBUS_RECONFIGURED;

	if (e->quarantined)
		e->todo = xenbus_closed_does(e->shows, theirs);
	else if (said && !e->rings) /* a predecessor's */
		e->todo = S5;
	else if (e->front)
		e->todo = xenbus_frontend_does(e->shows, theirs, e->idle > 3);
	else
		e->todo = xenbus_backend_does(e->shows, theirs);
	if (e->shows == XENBUS_RECONFIGURED)
		e->todo &= ~S8;
	e->idle = e->todo ? 0 : e->idle + 1;
}

/* One step: a piece of the row that it is in, or a look. */
static void step(struct end *e, enum xenbus_state theirs)
{
	unsigned int bit;

	if (!e->todo) {
		decide(e, theirs);
		return;
	}
	bit = e->todo & -e->todo;
	e->todo &= ~bit;
	if (bit == D)
		e->rings = false;
	else if (bit == S5)
		show(e, XENBUS_CLOSING);
	else if (bit == S6)
		show(e, XENBUS_CLOSED);
	else if (bit == S2)
		show(e, e->front ? XENBUS_INITIALISING : XENBUS_INIT_WAIT);
	else if (bit == S8)
		show(e, XENBUS_RECONFIGURED);
	else if (bit == BAD)
		e->quarantined = !e->front; /* the uplink tries again */
	if (bit == C) {
		e->rings = true;
		show(e, XENBUS_CONNECTED);
	}
}

static bool together(const struct end *a, const struct end *b)
{
	return a->rings && b->rings && a->shows == XENBUS_CONNECTED &&
	       b->shows == XENBUS_CONNECTED && !a->todo && !b->todo;
}

/* Both willing, each gets its turn: connected soon, and so it stays. */
static void must_meet(struct end *back, struct end *front)
{
	int n = 0;

	while (n < 400 && !together(back, front)) {
		if (rand() & 1)
			step(back, front->shows);
		else
			step(front, back->shows);
		n++;
	}
	if (!together(back, front))
		printf("\n    stuck: back %u rings %d todo %x, front %u rings "
		       "%d todo %x\n",
		       back->shows, back->rings, back->todo, front->shows,
		       front->rings, front->todo);
	CU_ASSERT(together(back, front));
	for (n = 0; n < 20; n++) {
		step(back, front->shows);
		step(front, back->shows);
	}
	CU_ASSERT(together(back, front));
}

static void two_willing_ends_meet_from_everywhere(void)
{
	srand((unsigned int)unit_seed());
	for (unsigned long round = 0; round < 20 * unit_soak(); round++)
		for (unsigned int i = 0; i < 2 * XENBUS_N * XENBUS_N; i++) {
			struct end back = { .shows = i / 2 % XENBUS_N };
			struct end front = { .front = true,
					     .shows = i / 2 / XENBUS_N };

			if (front.shows == XENBUS_FOREIGN)
				continue;
			/* Rings that the other lost meanwhile. */
			back.rings = i & 1 && back.shows == XENBUS_CONNECTED;
			must_meet(&back, &front);
		}
}

static void a_hostile_frontend_leads_the_backend_nowhere_else(void)
{
	srand((unsigned int)unit_seed());
	for (unsigned long i = 0; i < 20000 * unit_soak(); i++) {
		struct end back = { .shows = XENBUS_INITIALISING };
		struct end front = { .front = true, .shows = XENBUS_CLOSED };

		for (int n = rand() % 50; n > 0; n--)
			step(&back,
			     (enum xenbus_state)(rand() % XENBUS_FOREIGN));
		CU_ASSERT_FALSE(back.quarantined);
		must_meet(&back, &front);
	}
}

static void a_hostile_backend_leads_the_frontend_nowhere_else(void)
{
	srand((unsigned int)unit_seed());
	for (unsigned long i = 0; i < 20000 * unit_soak(); i++) {
		struct end back = { .shows = XENBUS_CLOSED };
		struct end front = { .front = true,
				     .shows = XENBUS_INITIALISING };

		for (int n = rand() % 50; n > 0; n--)
			step(&front, (enum xenbus_state)(rand() % XENBUS_N));
		must_meet(&back, &front);
	}
}

static void after_an_impossible_state_it_stays_closed(void)
{
	struct end back = { .shows = XENBUS_CONNECTED, .rings = true };

	srand((unsigned int)unit_seed());
	for (int i = 0; i < 6; i++)
		step(&back, XENBUS_FOREIGN);
	for (int i = 0; i < 1000; i++) {
		step(&back, (enum xenbus_state)(rand() % XENBUS_N));
		CU_ASSERT(!back.rings && (back.shows == XENBUS_CLOSING ||
					  back.shows == XENBUS_CLOSED));
	}
}

/* Linux' driver: it closes when we do, and comes back when it is reloaded. */
static void linux_netfront(struct end *e, enum xenbus_state back)
{
	if (e->shows == XENBUS_INITIALISING && back == XENBUS_INIT_WAIT) {
		e->rings = true;
		e->shows = XENBUS_CONNECTED;
	} else if ((back == XENBUS_CLOSING || back == XENBUS_CLOSED) &&
		   e->shows == XENBUS_CONNECTED) {
		e->rings = false;
		e->shows = XENBUS_CLOSED;
	}
}

static void a_driver_that_is_reloaded_connects_again(void)
{
	struct end back = { .shows = XENBUS_INITIALISING };
	struct end front = { .front = true, .shows = XENBUS_INITIALISING };

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 30; i++) {
			step(&back, front.shows);
			linux_netfront(&front, back.shows);
		}
		CU_ASSERT(together(&back, &front));
		front.shows = XENBUS_CLOSING;
		for (int i = 0; i < 10; i++)
			step(&back, front.shows);
		CU_ASSERT(!back.rings && back.shows == XENBUS_CLOSING);
		front.shows = XENBUS_CLOSED;
		for (int i = 0; i < 10; i++)
			step(&back, front.shows);
		CU_ASSERT_EQUAL(back.shows, XENBUS_CLOSED);
		front.shows = XENBUS_INITIALISING;
		front.rings = false;
	}
}

UNIT_SUITE(xenbus, UNIT(frontend_1_initialising),
	   UNIT(frontend_2_and_3_are_passed_over), UNIT(frontend_4_connected),
	   UNIT(frontend_5_closing), UNIT(frontend_6_closed),
	   UNIT(frontend_7_reconfiguring), UNIT(frontend_absent),
	   UNIT(frontend_in_a_state_that_is_none),
	   UNIT(offline_closes_from_everywhere),
	   UNIT(closed_for_good_answers_a_closing_frontend_only),
	   UNIT(states_have_names_and_digits),
	   UNIT(two_willing_ends_meet_from_everywhere),
	   UNIT(a_hostile_frontend_leads_the_backend_nowhere_else),
	   UNIT(a_hostile_backend_leads_the_frontend_nowhere_else),
	   UNIT(after_an_impossible_state_it_stays_closed),
	   UNIT(a_driver_that_is_reloaded_connects_again))
