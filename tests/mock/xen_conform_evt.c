/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>

#include "mock/xen_conform.h"

#define IS(cond) CONFORM_IS(c, cond)

static bool readable(const struct conform *c, int ms)
{
	struct pollfd f = { .fd = c->x->evt_fd, .events = POLLIN };

	return poll(&f, 1, ms) == 1;
}

/* An event comes to @port alone, soon, and is taken. */
static bool comes(struct conform *c, uint32_t port)
{
	uint32_t got[4] = { 0 };

	return readable(c, CONFORM_SOON_MS) &&
	       xen_evt_take(c->x, got, 4) == 1 && got[0] == port;
}

static bool nothing_comes(struct conform *c)
{
	uint32_t got[4];

	return !readable(c, CONFORM_NEVER_MS) &&
	       xen_evt_take(c->x, got, 4) == 0;
}

/*
 * A channel between both, whose first event the back has taken and unmasked.
 * Ours of its ends.
 */
static uint32_t channel(struct conform *c)
{
	uint32_t port = 0, theirs;

	if (c->front) {
		IS(xen_evt_alloc(c->x, c->peer, &port) == 0);
		conform_say(c, port);
	} else {
		theirs = conform_hear(c);
		IS(xen_evt_bind(c->x, c->peer, theirs, &port) == 0);
		IS(comes(c, port));
		IS(xen_evt_unmask(c->x, &port, 1) == 0);
	}
	conform_meet(c);
	return port;
}

static void hang_up(struct conform *c, uint32_t port)
{
	conform_meet(c);
	xen_evt_close(c->x, port);
	conform_meet(c);
}

static void notify(struct conform *c, uint32_t port)
{
	IS(xen_evt_notify(c->x, port) == 0);
}

void conform_a_port_that_is_bound_has_an_event(struct conform *c)
{
	uint32_t port = 0, theirs;

	if (c->front) {
		IS(xen_evt_alloc(c->x, c->peer, &port) == 0);
		conform_say(c, port);
		conform_meet(c);
		IS(nothing_comes(c)); /* not to the one that waited for it */
		hang_up(c, port);
		return;
	}
	theirs = conform_hear(c);
	IS(xen_evt_bind(c->x, c->peer, theirs, &port) == 0);
	IS(comes(c, port));
	IS(nothing_comes(c));
	IS(xen_evt_unmask(c->x, &port, 1) == 0);
	IS(nothing_comes(c));
	conform_meet(c);
	hang_up(c, port);
}

void conform_an_event_goes_each_way(struct conform *c)
{
	uint32_t port = channel(c);

	for (int i = 0; i < 20; i++) {
		if (c->front == (i % 2 == 0)) {
			notify(c, port);
		} else {
			IS(comes(c, port));
			IS(xen_evt_unmask(c->x, &port, 1) == 0);
		}
	}
	hang_up(c, port);
}

void conform_events_become_one_until_they_are_taken(struct conform *c)
{
	uint32_t port = channel(c);

	for (int i = 0; c->front && i < 10; i++)
		notify(c, port);
	conform_meet(c);
	if (!c->front) {
		IS(comes(c, port));
		/* a second one may have been on its way already */
		(void)xen_evt_unmask(c->x, &port, 1);
		if (readable(c, CONFORM_NEVER_MS)) {
			IS(comes(c, port));
			IS(xen_evt_unmask(c->x, &port, 1) == 0);
		}
		IS(nothing_comes(c));
	}
	hang_up(c, port);
}

void conform_a_taken_port_is_masked(struct conform *c)
{
	uint32_t port = channel(c);

	for (int i = 0; i < 3; i++) {
		if (c->front)
			notify(c, port);
		conform_meet(c);
		if (!c->front)
			IS(i ? nothing_comes(c) : comes(c, port));
		conform_meet(c);
	}
	hang_up(c, port);
}

void conform_what_came_while_masked_shows_later(struct conform *c)
{
	uint32_t port = channel(c);

	for (int i = 0; i < 2; i++) {
		if (c->front)
			notify(c, port);
		else if (!i)
			IS(comes(c, port));
		conform_meet(c);
	}
	if (!c->front) {
		IS(nothing_comes(c));
		IS(xen_evt_unmask(c->x, &port, 1) == 0);
		IS(comes(c, port));
		IS(xen_evt_unmask(c->x, &port, 1) == 0);
		IS(nothing_comes(c));
	}
	hang_up(c, port);
}

void conform_an_event_to_nobody_is_lost(struct conform *c)
{
	uint32_t port = 0, theirs;

	if (c->front) {
		IS(xen_evt_alloc(c->x, c->peer, &port) == 0);
		notify(c, port); /* nobody is bound to it yet */
		conform_say(c, port);
		conform_meet(c);
		conform_meet(c);
		notify(c, port); /* nor any more */
		IS(nothing_comes(c));
		conform_meet(c);
		xen_evt_close(c->x, port);
		conform_meet(c);
		return;
	}
	theirs = conform_hear(c);
	IS(xen_evt_bind(c->x, c->peer, theirs, &port) == 0);
	IS(comes(c, port));
	conform_meet(c);
	xen_evt_close(c->x, port);
	IS(nothing_comes(c));
	conform_meet(c);
	conform_meet(c);
	conform_meet(c);
}

void conform_a_closed_port_can_be_bound_again(struct conform *c)
{
	uint32_t port = channel(c), theirs;

	for (int i = 0; i < 3; i++) {
		if (c->front) {
			conform_say(c, port);
			conform_meet(c);
			notify(c, port);
			IS(comes(c, port));
			IS(xen_evt_unmask(c->x, &port, 1) == 0);
			conform_meet(c);
			continue;
		}
		theirs = conform_hear(c);
		xen_evt_close(c->x, port);
		IS(xen_evt_bind(c->x, c->peer, theirs, &port) == 0);
		IS(comes(c, port)); /* because it was bound */
		IS(xen_evt_unmask(c->x, &port, 1) == 0);
		conform_meet(c);
		IS(comes(c, port)); /* because it was notified */
		IS(xen_evt_unmask(c->x, &port, 1) == 0);
		notify(c, port);
		conform_meet(c);
	}
	hang_up(c, port);
}

void conform_a_port_is_bound_once(struct conform *c)
{
	uint32_t port = 0, theirs, other;

	if (c->front) {
		IS(xen_evt_alloc(c->x, c->peer, &port) == 0);
		conform_say(c, port);
	} else {
		theirs = conform_hear(c);
		IS(xen_evt_bind(c->x, c->peer, theirs, &port) == 0);
		IS(xen_evt_bind(c->x, c->peer, theirs, &other) == -EINVAL);
		IS(comes(c, port)); /* the first is as it was */
	}
	hang_up(c, port);
}

void conform_a_port_is_for_one_domain(struct conform *c)
{
	uint32_t port = 0, theirs;

	if (c->front) {
		IS(xen_evt_alloc(c->x, CONFORM_NO_DOMAIN, &port) == 0);
		conform_say(c, port);
		hang_up(c, port);
		return;
	}
	theirs = conform_hear(c);
	IS(xen_evt_bind(c->x, c->peer, theirs, &port) == -EINVAL);
	conform_meet(c);
	conform_meet(c);
}

void conform_a_port_that_is_not_there_is_not_bound(struct conform *c)
{
	uint32_t port;

	if (c->front)
		return;
	IS(xen_evt_bind(c->x, c->peer, 0x7fffffff, &port) == -EINVAL);
	IS(xen_evt_bind(c->x, c->peer, 1000, &port) == -EINVAL);
	IS(xen_evt_bind(c->x, CONFORM_NO_DOMAIN, 1, &port) == -ESRCH);
}

void conform_a_port_that_is_not_ours_is_not_notified(struct conform *c)
{
	uint32_t port = 0;

	if (!c->front)
		return;
	IS(xen_evt_notify(c->x, 1000) == -ENOTCONN);
	IS(xen_evt_notify(c->x, 0x7fffffff) == -ENOTCONN);
	IS(xen_evt_alloc(c->x, c->peer, &port) == 0);
	xen_evt_close(c->x, port);
	IS(xen_evt_notify(c->x, port) == -ENOTCONN);
	IS(xen_evt_unmask(c->x, &port, 1) == 0);
}

#define MANY 40u

/* All of them come, each once, at most seven at a time; false: not so. */
static bool all_come(struct conform *c, const uint32_t *port)
{
	uint64_t missing = (UINT64_C(1) << MANY) - 1;
	uint32_t got[7];

	while (missing) {
		int n;

		if (!readable(c, CONFORM_SOON_MS))
			return false;
		n = xen_evt_take(c->x, got, 7);
		if (n < 0 || n > 7)
			return false;
		for (int i = 0; i < n; i++) {
			uint32_t k = 0;

			while (k < MANY && port[k] != got[i])
				k++;
			if (k == MANY || !(missing >> k & 1))
				return false;
			missing &= ~(UINT64_C(1) << k);
		}
	}
	return true;
}

void conform_many_ports_are_taken_few_by_few(struct conform *c)
{
	uint32_t port[MANY];

	for (uint32_t i = 0; i < MANY; i++)
		port[i] = channel(c);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; c->front && i < MANY; i++)
			notify(c, port[i]);
		conform_meet(c);
		if (!c->front) {
			IS(all_come(c, port));
			IS(nothing_comes(c));
			IS(xen_evt_unmask(c->x, port, MANY) == 0);
		}
		conform_meet(c);
	}
	for (uint32_t i = 0; i < MANY; i++)
		xen_evt_close(c->x, port[i]);
	conform_meet(c);
}
