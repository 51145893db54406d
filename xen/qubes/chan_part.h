/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_CHAN_PART_H
#define VIFWALL_XEN_QUBES_CHAN_PART_H

#include "xen/qubes/chan_vchan.h"
#include "xen/thread.h"

/*
 * What the owner's side (chan_vchan.c) and the thread (chan_meet.c) share.
 *
 * Channels are in one list.  The owner puts new ones at its end, the thread
 * alone takes them out, so it needs the lock for the links alone, and what the
 * owner asked for first is done first.  What is marked atomic is written by one
 * side and read by the other.
 */
enum vchan_step {
	VCHAN_ASKED,
	VCHAN_MEETING, /* the client waits for the server's keys */
	VCHAN_MET,     /* @end is there, and stays as it is */
	VCHAN_FAILED,
};

struct vchan {
	struct chan chan; /* its descriptor is an epoll over the next two */
	int news;	  /* eventfd: the thread has some */
	struct vchan_net *net;
	struct vchan *next;
	bool server;
	uint16_t domid;
	uint32_t port;
	size_t read_min, write_min;

	/* the owner's */
	enum chan_state state;
	bool watched; /* the end's descriptor */

	/* the thread's, for the owner; atomic */
	uint32_t step;	/* enum vchan_step */
	uint32_t alone; /* the other domain is gone */
	uint32_t apart; /* the server's keys are away: nobody else comes */
	struct vchan_end *end;

	/* the owner's, for the thread; atomic */
	uint32_t connected, closed;

	/* the thread's */
	bool keys;   /* ours are in the XenStore */
	bool seen;   /* the other domain was there when the end was made */
	bool looked; /* since the last event */
};

struct vchan_net {
	struct chan_net net;
	struct store *store;
	struct vchan_lib *lib;
	pthread_t thread;
	int wake;      /* the thread's sleep ends */
	int over;      /* readable: the thread has ended */
	uint32_t stop; /* atomic */
	uint16_t self;
	pthread_mutex_t lock; /* of @list */
	struct vchan *list;
};

static inline uint32_t vchan_get(const uint32_t *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static inline void vchan_put(uint32_t *flag, uint32_t value)
{
	__atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

void vchan_poke(int eventfd);

/* The thread. */
void *vchan_meet(void *net);

#endif
