/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_BUS_JUDGE_H
#define VIFWALL_TESTS_MOCK_BUS_JUDGE_H

#include "mock/mock_store.h"
#include "xen/bus/bus.h"

/*
 * Hears all that a bus says and sees all that it writes, and panics at the
 * first thing that bus.h rules out, whoever else does what meanwhile:
 *
 *	- a question for rings that it asked for already, or lets go of what is
 *	  not there; a device that goes while it has rings
 *	- more connects than may be in BUS_CONNECTS_MS
 *	- a key that is none of ours, a state that is none of ours, one outside
 *	  a transaction
 *	- 4 without rings, or sooner than dom0 has seen 2; 2, 5 or 6 with rings
 *	- a directory made that dom0 had removed
 *
 * Questions wait until judge_answer().
 */
#define JUDGE_SELF 2u
#define JUDGE_DOMS 2u	 /* clients: domains JUDGE_DOM and up */
#define JUDGE_HANDLES 2u /* vifs of each */
#define JUDGE_DOM 5u

enum judge_link { JUDGE_NONE, JUDGE_ASKED, JUDGE_UP, JUDGE_DROPPING };

struct judge_vif {
	bool made; /* dom0 made its directory, and nobody removed it */
	bool told;
	uint8_t link;
	struct mono waits;		 /* when 2 was shown; 0: unknown */
	struct mono asked[BUS_CONNECTS]; /* a ring */
	uint32_t asked_n;
};

struct judge_question {
	struct bus_id id;
	uint8_t link; /* JUDGE_ASKED or JUDGE_DROPPING */
	bool uplink;
};

struct judge {
	struct mock_tree *t;
	struct store *s; /* what the bus is to use */
	struct bus *b;
	struct mono now; /* the caller's to keep */
	bool resuming;	 /* inside bus_resume() */
	struct judge_vif vif[JUDGE_DOMS][JUDGE_HANDLES];
	struct judge_vif up;
	struct judge_question question[64];
	uint32_t question_n;
	/* of the transaction that is open */
	uint32_t transaction, said_n;
	char said[16][STORE_PATH_MAX + 16]; /* "path=value" */
	char removes[STORE_PATH_MAX];
};

/* A bus in tree @t; one at a time. */
void judge_open(struct judge *j, struct mock_tree *t, const struct bus_conf *c);
void judge_close(struct judge *j);
/* The oldest question is answered, with @err if it is a connect; false: none.
 */
bool judge_answer(struct judge *j, int err);
/* Rings of a vif are gone, without a question. */
void judge_broken(struct judge *j, struct bus_id id);
/* The data process died: bus_resume() with what that means for questions. */
void judge_resume(struct judge *j);
/* NULL: a vif that no test makes. */
struct judge_vif *judge_vif(struct judge *j, struct bus_id id);
/* Whatever was removed is gone still. */
void judge_check(struct judge *j);

#endif
