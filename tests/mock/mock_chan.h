/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_MOCK_CHAN_H
#define VIFWALL_TESTS_MOCK_MOCK_CHAN_H

#include <stdbool.h>

#include "xen/qubes/chan.h"

/*
 * Channels in memory.  The test is every other domain: it finds what ours
 * asked for, is the peer there, and may be a bad one.
 */
#define MOCK_CHANS 32u
#define MOCK_CHAN_ROOM (1u << 20)

struct mock_pipe {
	uint8_t *bytes; /* MOCK_CHAN_ROOM of them */
	size_t n;
};

struct mock_chan {
	struct chan chan;
	bool used;   /* not closed by its owner */
	bool served; /* by our side; else it connects */
	uint16_t domid;
	uint32_t port;
	size_t read_min, write_min;
	enum chan_state state;
	size_t room;  /* bytes that wait for the peer at most */
	size_t piece; /* bytes that move at a time at most */
	struct mock_pipe in, out;
};

struct mock_chans {
	struct chan_net net;
	int fail;      /* -errno for the next to be made; 0: none */
	uint32_t made; /* so far */
	bool closed;   /* the net */
	struct mock_chan c[MOCK_CHANS];
};

void mock_chans_init(struct mock_chans *m);
void mock_chans_fini(struct mock_chans *m);

/* The channel to @domid at @port that its owner has; NULL: none. */
struct mock_chan *mock_chan_find(struct mock_chans *m, uint16_t domid,
				 uint32_t port);
/* The peer is there. */
void mock_chan_meet(struct mock_chan *c);
/* ... sends, */
void mock_chan_put(struct mock_chan *c, const void *buf, size_t len);
/* ... takes up to @size bytes, and says how many, */
size_t mock_chan_take(struct mock_chan *c, void *buf, size_t size);
/* ... and goes. */
void mock_chan_leave(struct mock_chan *c);

#endif
