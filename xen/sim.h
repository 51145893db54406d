/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_SIM_H
#define VIFWALL_XEN_SIM_H

#include <assert.h>

#include "xen/xen_sim.h"

/*
 * Inside the simulated Xen (xen_sim.h): the region, and what one process has.
 *
 * Every object has one word that says whose it is, changed by compare and
 * exchange; so it is in one state or the other whenever its process dies, and
 * xen_sim_kill() finds what belonged to a handle by looking at all of them.
 */
#define SIM_REF_FIRST 8u /* those before are Xen's own */
#define SIM_MAPS 512u	 /* pages that one handle can map */
#define SIM_PORT_WORDS (XEN_SIM_PORTS / 64u)

/* A page and its grant: one for one, page i of the region is grant i. */
enum sim_page_state {
	SIM_PAGE_FREE,
	SIM_PAGE_TAKEN,	  /* being shared, not granted yet */
	SIM_PAGE_GRANTED, /* to .dom */
	SIM_PAGE_LEAVING, /* not granted any more, perhaps mapped still */
};

union sim_grant {
	uint64_t word;
	struct {
		uint8_t state, writable;
		uint16_t owner, dom; /* handle; to whom */
		uint16_t zero;
	} is;
};

enum sim_port_state { SIM_PORT_FREE, SIM_PORT_UNBOUND, SIM_PORT_BOUND };

union sim_port {
	uint64_t word;
	struct {
		uint8_t state, zero;
		uint16_t owner, dom, port; /* handle; the other end */
	} is;
};

static_assert(sizeof(union sim_grant) == 8, "no byte of it undefined");
static_assert(sizeof(union sim_port) == 8, "no byte of it undefined");

struct sim_dom {
	uint32_t there;
	uint32_t limit;
	uint32_t next; /* where to look for free pages first */
};

/*
 * What a handle holds.  Pages are held by their numbers, plus one: no count
 * that could be wrong after a death.  It says that it holds one, and looks
 * again whether that is still granted; who ends a grant does both in the other
 * order.
 */
struct sim_slot {
	uint32_t life; /* odd while open */
	uint32_t dom;
	uint32_t pid;	 /* whose it is; 0: free */
	uint32_t pin;	 /* page that is copied from or to */
	uint32_t maps_n; /* entries of map[] that were ever used */
	uint32_t rung;	 /* the eventfd was written to */
	uint32_t map[SIM_MAPS];
	uint64_t pend[SIM_PORT_WORDS], mask[SIM_PORT_WORDS];
};

struct sim_head {
	uint64_t magic;
	struct xen_sim_conf conf;
};

struct xen_sim {
	struct xen_sim_conf conf;
	struct sim_head *head;
	struct sim_dom *dom;
	struct sim_slot *slot;
	union sim_port *port;	/* XEN_SIM_PORTS of each domain */
	union sim_grant *grant; /* conf.pages of each domain */
	uint8_t *page;		/* in the same order */
	size_t len;
	bool region, fds; /* ours to give back */
	int fd[];	  /* one per handle */
};

struct sim_fault {
	bool armed, done;
	enum xen_sim_op op;
	uint32_t after;
	int err;	/* 0: a segment, not a call */
	int16_t status; /* ... and its status */
};

struct sim_handle {
	struct xen x; /* first: the ops are handed a pointer to it */
	struct xen_sim *sim;
	struct sim_slot *slot;
	uint32_t number, life;
	uint16_t dom;
	uint32_t next; /* port to look at first */
	int link;      /* to the host, which .sim came from; -1: none */
	struct sim_fault fault;
	struct xen_sim_hook hook;
};

static inline struct sim_handle *sim_of(struct xen *x)
{
	return (struct sim_handle *)(void *)x;
}

static inline uint64_t sim_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline bool sim_there(const struct xen_sim *s, uint32_t dom)
{
	return dom < s->conf.domains &&
	       __atomic_load_n(&s->dom[dom].there, __ATOMIC_ACQUIRE);
}

/*
 * xen_sim.c: a handle that the host opened for us, over the connection @link.
 * With it @s and @link are given back.
 */
struct xen *sim_adopt(struct xen_sim *s, uint32_t number, int link);

/* sim_fault.c: before a call, 0 or -errno; and after it. */
int sim_enter(struct sim_handle *h, enum xen_sim_op op);
int sim_leave(struct sim_handle *h, enum xen_sim_op op, int result);
/* Whether a segment is to fail, and its status. */
bool sim_fault_seg(struct sim_handle *h, int16_t *status);
static inline void sim_call_hook(struct sim_handle *h, enum xen_sim_op op,
				 uint32_t i, bool after)
{
	if (h->hook.call)
		h->hook.call(h->hook.ctx, op, i, after);
}

/* sim_grant.c */
int sim_map(struct xen *x, uint16_t dom, const uint32_t *ref, uint32_t n,
	    void **out);
void sim_unmap(struct xen *x, void *at, uint32_t n);
int sim_copy(struct xen *x, struct xen_seg *seg, uint32_t n, enum xen_way way);
int sim_share(struct xen *x, uint16_t dom, uint32_t n, bool writable,
	      uint32_t *ref, void **out);
void sim_unshare(struct xen *x, void *at, uint32_t n);
/* All that a dead handle held or shared. */
void sim_grant_kill(struct xen_sim *s, uint32_t handle);

/* sim_evt.c */
int sim_evt_bind(struct xen *x, uint16_t dom, uint32_t port, uint32_t *local);
int sim_evt_alloc(struct xen *x, uint16_t dom, uint32_t *local);
void sim_evt_close(struct xen *x, uint32_t local);
int sim_evt_notify(struct xen *x, uint32_t local);
int sim_evt_take(struct xen *x, uint32_t *port, uint32_t max);
int sim_evt_unmask(struct xen *x, const uint32_t *port, uint32_t n);
/* All ports of a dead handle; then everybody looks, for it may have died
 * between setting an event and telling of it. */
void sim_evt_kill(struct xen_sim *s, uint32_t handle);

#endif
