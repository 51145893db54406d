/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_XEN_CONFORM_H
#define VIFWALL_TESTS_MOCK_XEN_CONFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/xen_ops.h"

/*
 * What xen_ops.h promises, as checks that know nothing but struct xen.  They
 * run over the simulation, and between two domains of a real Xen.
 *
 * A check is one function that both ends call, each with a handle of its own
 * domain: the front grants pages and keeps ports, the back copies, maps and
 * binds.  The ends tell each other references and "go on" by say() and hear(),
 * whatever carries those words.
 *
 * Leave out what a check holds at its end; a check leaves nothing behind.
 */
struct conform {
	struct xen *x;
	bool front;
	uint16_t peer; /* the other end's domain */
	/* A word to the other end, from it; false: it is gone. */
	bool (*say)(void *ctx, uint32_t word);
	bool (*hear)(void *ctx, uint32_t *word);
	/* Something that does not hold. */
	void (*wrong)(void *ctx, const char *what, const char *file, int line);
	void *ctx;
	bool lost; /* say() or hear() failed: nothing more is said */
};

#define CONFORM_GRANTS(X)                                 \
	X(shared_pages_are_zeroed)                        \
	X(bytes_are_copied_from_and_to_a_page)            \
	X(a_copy_may_cross_pages_of_ours)                 \
	X(a_copy_may_end_in_a_page_that_we_share)         \
	X(segments_are_copied_in_order)                   \
	X(each_segment_has_its_own_status)                \
	X(a_segment_beyond_its_page_fails_the_whole_call) \
	X(a_segment_without_bytes_is_okay)                \
	X(a_read_only_grant_is_not_written)               \
	X(what_was_never_granted_is_refused)              \
	X(a_grant_to_somebody_else_is_refused)            \
	X(a_grant_that_has_ended_is_refused)              \
	X(a_domain_that_is_not_there_is_named)            \
	X(a_mapped_page_is_the_same_memory)               \
	X(pages_are_mapped_one_behind_the_other)          \
	X(what_is_not_granted_for_writing_is_not_mapped)  \
	X(a_mapping_outlives_its_grant)

#define CONFORM_EVENTS(X)                          \
	X(a_port_that_is_bound_has_an_event)       \
	X(an_event_goes_each_way)                  \
	X(events_become_one_until_they_are_taken)  \
	X(a_taken_port_is_masked)                  \
	X(what_came_while_masked_shows_later)      \
	X(an_event_to_nobody_is_lost)              \
	X(a_closed_port_can_be_bound_again)        \
	X(a_port_is_bound_once)                    \
	X(a_port_is_for_one_domain)                \
	X(a_port_that_is_not_there_is_not_bound)   \
	X(a_port_that_is_not_ours_is_not_notified) \
	X(many_ports_are_taken_few_by_few)

#define CONFORM(X) CONFORM_GRANTS(X) CONFORM_EVENTS(X)

#define CONFORM_DECLARE(name) void conform_##name(struct conform *c);
CONFORM(CONFORM_DECLARE)

/* Waits for what a slow machine does, and to see that nothing comes. */
#define CONFORM_SOON_MS 10000
#define CONFORM_NEVER_MS 30

/* A domain that is not there. */
#define CONFORM_NO_DOMAIN 32000u

/* For the checks. */
#define CONFORM_IS(c, cond) conform_is(c, cond, #cond, __FILE__, __LINE__)
bool conform_is(struct conform *c, bool holds, const char *what,
		const char *file, int line);
void conform_say(struct conform *c, uint32_t word);
uint32_t conform_hear(struct conform *c);
/* Both ends go on together from here. */
void conform_meet(struct conform *c);

#endif
