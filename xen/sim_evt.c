/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "xen/sim.h"

static union sim_port *port_at(const struct xen_sim *s, uint32_t dom,
			       uint32_t port)
{
	return &s->port[(size_t)dom * XEN_SIM_PORTS + port];
}

static bool port_change(union sim_port *p, union sim_port from,
			union sim_port to)
{
	return __atomic_compare_exchange_n(&p->word, &from.word, to.word, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static union sim_port port_load(const union sim_port *p)
{
	return (union sim_port){ .word = sim_load(&p->word) };
}

/* A port of this handle; NULL: it is none. */
static union sim_port *own_port(const struct sim_handle *h, uint32_t port)
{
	union sim_port *p, now;

	if (port >= XEN_SIM_PORTS)
		return NULL;
	p = port_at(h->sim, h->dom, port);
	now = port_load(p);
	if (now.is.state == SIM_PORT_FREE || now.is.owner != h->number)
		return NULL;
	return p;
}

static void bit_set(uint64_t *map, uint32_t i)
{
	__atomic_fetch_or(&map[i / 64], UINT64_C(1) << (i % 64),
			  __ATOMIC_SEQ_CST);
}

static void bit_clear(uint64_t *map, uint32_t i)
{
	__atomic_fetch_and(&map[i / 64], ~(UINT64_C(1) << (i % 64)),
			   __ATOMIC_SEQ_CST);
}

static bool bit_get(const uint64_t *map, uint32_t i)
{
	return sim_load(&map[i / 64]) >> (i % 64) & 1;
}

/*
 * Something is there to be taken: makes the eventfd readable.
 * #syscalls data: write
 */
static void ring(const struct xen_sim *s, uint32_t handle)
{
	static const uint64_t one = 1;
	struct sim_slot *slot = &s->slot[handle];

	if (!__atomic_exchange_n(&slot->rung, 1, __ATOMIC_SEQ_CST))
		(void)!write(s->fd[handle], &one, sizeof(one));
}

static void raise_event(const struct xen_sim *s, uint32_t handle, uint32_t port)
{
	struct sim_slot *slot = &s->slot[handle];

	bit_set(slot->pend, port);
	if (!bit_get(slot->mask, port))
		ring(s, handle);
}

/* A free port, @as from now on; 0: there is none. */
static uint32_t take_port(struct sim_handle *h, union sim_port as)
{
	static const union sim_port none;

	as.is.owner = (uint16_t)h->number;
	for (uint32_t i = 1; i < XEN_SIM_PORTS; i++) {
		union sim_port *p = port_at(h->sim, h->dom, i);

		if (sim_load(&p->word) || !port_change(p, none, as))
			continue;
		return i;
	}
	return 0;
}

/*
 * Of an event that is on its way to a reader already, the reader still hears,
 * even if the port is another one by then; as from the kernel's device.
 */
static void forget(struct sim_slot *slot, uint32_t port)
{
	if (!bit_get(slot->mask, port))
		return;
	bit_clear(slot->pend, port);
	bit_clear(slot->mask, port);
}

/* The other end stays, for us to bind to again. */
static void part(const struct xen_sim *s, union sim_port was, uint32_t dom,
		 uint32_t port)
{
	union sim_port *other = port_at(s, was.is.dom, was.is.port);
	union sim_port theirs = port_load(other), away = theirs;

	if (theirs.is.state != SIM_PORT_BOUND || theirs.is.dom != dom ||
	    theirs.is.port != port)
		return;
	away.is.state = SIM_PORT_UNBOUND;
	away.is.port = 0;
	(void)port_change(other, theirs, away);
}

/* Whoever dies in here leaves a port that sim_evt_kill() finds and closes. */
static void close_port(const struct xen_sim *s, uint32_t dom, uint32_t port)
{
	static const union sim_port none;
	union sim_port *p = port_at(s, dom, port);
	union sim_port was;

	do {
		was = port_load(p);
		if (was.is.state == SIM_PORT_BOUND)
			part(s, was, dom, port);
	} while (!port_change(p, was, none));
	if (was.is.state != SIM_PORT_FREE)
		forget(&s->slot[was.is.owner], port);
}

static int bind(struct sim_handle *h, uint16_t dom, uint32_t port,
		uint32_t *local)
{
	union sim_port free_end, bound, ours = { 0 };
	union sim_port *p;
	uint32_t mine;

	if (!sim_there(h->sim, dom))
		return -ESRCH;
	if (!port || port >= XEN_SIM_PORTS)
		return -EINVAL;
	p = port_at(h->sim, dom, port);
	free_end = port_load(p);
	if (free_end.is.state != SIM_PORT_UNBOUND || free_end.is.dom != h->dom)
		return -EINVAL;
	/* our end first: if we die in between it is found, and closed */
	ours.is.state = SIM_PORT_BOUND;
	ours.is.dom = dom;
	ours.is.port = (uint16_t)port;
	mine = take_port(h, ours);
	if (!mine)
		return -ENOSPC;
	bound = free_end;
	bound.is.state = SIM_PORT_BOUND;
	bound.is.port = (uint16_t)mine;
	if (!port_change(p, free_end, bound)) {
		close_port(h->sim, h->dom, mine);
		return -EINVAL;
	}
	raise_event(h->sim, h->number, mine);
	*local = mine;
	return 0;
}

int sim_evt_bind(struct xen *x, uint16_t dom, uint32_t port, uint32_t *local)
{
	struct sim_handle *h = sim_of(x);
	int err = sim_enter(h, XEN_SIM_BIND);

	return sim_leave(h, XEN_SIM_BIND,
			 err ? err : bind(h, dom, port, local));
}

int sim_evt_alloc(struct xen *x, uint16_t dom, uint32_t *local)
{
	struct sim_handle *h = sim_of(x);
	union sim_port as = { .is = { .state = SIM_PORT_UNBOUND, .dom = dom } };
	int err = sim_enter(h, XEN_SIM_ALLOC);

	if (!err) {
		*local = take_port(h, as);
		err = *local ? 0 : -ENOSPC;
	}
	return sim_leave(h, XEN_SIM_ALLOC, err);
}

void sim_evt_close(struct xen *x, uint32_t local)
{
	struct sim_handle *h = sim_of(x);

	if (__atomic_load_n(&h->slot->life, __ATOMIC_ACQUIRE) == h->life &&
	    own_port(h, local))
		close_port(h->sim, h->dom, local);
}

static int notify(struct sim_handle *h, uint32_t local)
{
	union sim_port *p = own_port(h, local);
	union sim_port ours, theirs;

	if (!p)
		return -ENOTCONN;
	ours = port_load(p);
	if (ours.is.state != SIM_PORT_BOUND)
		return 0;
	theirs = port_load(port_at(h->sim, ours.is.dom, ours.is.port));
	if (theirs.is.state == SIM_PORT_BOUND && theirs.is.dom == h->dom &&
	    theirs.is.port == local)
		raise_event(h->sim, theirs.is.owner, ours.is.port);
	return 0;
}

int sim_evt_notify(struct xen *x, uint32_t local)
{
	struct sim_handle *h = sim_of(x);
	int err = sim_enter(h, XEN_SIM_NOTIFY);

	return sim_leave(h, XEN_SIM_NOTIFY, err ? err : notify(h, local));
}

static uint64_t ready(const struct sim_slot *slot, uint32_t word)
{
	return sim_load(&slot->pend[word]) & ~sim_load(&slot->mask[word]);
}

static bool anything(const struct sim_slot *slot)
{
	for (uint32_t i = 0; i < SIM_PORT_WORDS; i++)
		if (ready(slot, i))
			return true;
	return false;
}

/*
 * Nothing is left: the eventfd is made unreadable.  An event that came since
 * found it rung and did not ring again, so we look once more.
 *
 * #syscalls data: read
 */
static void hush(struct sim_handle *h)
{
	uint64_t rings;

	(void)!read(h->x.evt_fd, &rings, sizeof(rings));
	__atomic_exchange_n(&h->slot->rung, 0, __ATOMIC_SEQ_CST);
	if (anything(h->slot))
		ring(h->sim, h->number);
}

/* Goes round from where it stopped, so that no port waits for ever. */
static uint32_t take(struct sim_handle *h, uint32_t *port, uint32_t max)
{
	uint64_t from = UINT64_MAX << (h->next % 64);
	uint32_t n = 0;

	for (uint32_t k = 0; k <= SIM_PORT_WORDS; k++) {
		uint32_t w = (h->next / 64 + k) % SIM_PORT_WORDS;
		uint64_t bits = ready(h->slot, w);

		bits &= k == 0 ? from : k == SIM_PORT_WORDS ? ~from : bits;
		for (; bits && n < max; bits &= bits - 1) {
			uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(bits);

			bit_set(h->slot->mask, i);
			bit_clear(h->slot->pend, i);
			if (!own_port(h, i)) /* closed since */
				bit_clear(h->slot->mask, i);
			port[n++] = i;
		}
	}
	if (n)
		h->next = (port[n - 1] + 1) % XEN_SIM_PORTS;
	return n;
}

int sim_evt_take(struct xen *x, uint32_t *port, uint32_t max)
{
	struct sim_handle *h = sim_of(x);
	int n = sim_enter(h, XEN_SIM_TAKE);

	if (!n) {
		n = (int)take(h, port, max);
		if (!anything(h->slot))
			hush(h);
	}
	return sim_leave(h, XEN_SIM_TAKE, n);
}

int sim_evt_unmask(struct xen *x, const uint32_t *port, uint32_t n)
{
	struct sim_handle *h = sim_of(x);
	int err = sim_enter(h, XEN_SIM_UNMASK);

	for (uint32_t i = 0; i < n && !err; i++) {
		if (!own_port(h, port[i]))
			continue;
		bit_clear(h->slot->mask, port[i]);
		if (bit_get(h->slot->pend, port[i]))
			ring(h->sim, h->number);
	}
	return sim_leave(h, XEN_SIM_UNMASK, err);
}

void sim_evt_kill(struct xen_sim *s, uint32_t handle)
{
	uint32_t dom = __atomic_load_n(&s->slot[handle].dom, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < XEN_SIM_PORTS; i++) {
		union sim_port now = port_load(port_at(s, dom, i));

		if (now.is.state != SIM_PORT_FREE && now.is.owner == handle)
			close_port(s, dom, i);
	}
	for (uint32_t i = 0; i < SIM_PORT_WORDS; i++) {
		__atomic_store_n(&s->slot[handle].pend[i], 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&s->slot[handle].mask[i], 0, __ATOMIC_SEQ_CST);
	}
	for (uint32_t i = 0; i < s->conf.handles; i++) {
		struct sim_slot *slot = &s->slot[i];

		if (!__atomic_exchange_n(&slot->rung, 0, __ATOMIC_SEQ_CST) &&
		    !anything(slot))
			continue;
		ring(s, i);
	}
}

uint32_t xen_sim_ports(const struct xen_sim *s, uint16_t dom)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < XEN_SIM_PORTS; i++)
		n += port_load(port_at(s, dom, i)).is.state != SIM_PORT_FREE;
	return n;
}
