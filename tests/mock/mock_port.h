/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_MOCK_PORT_H
#define VIFWALL_TESTS_MOCK_MOCK_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_port.h"

/*
 * A port without a link: what arrives is what the test pushed, what was sent
 * waits to be popped.  It can fail on demand.
 */
#define MOCK_QUEUE 1024u

struct mock_queue {
	struct pkt *p[MOCK_QUEUE];
	uint32_t at, n;
};

struct mock_port {
	struct port port;
	struct mock_queue in, out;
	uint32_t room; /* frames that out takes; the rest is dropped */
	struct port_stats loses; /* .recv_*: what the next recv drops */
	int recv_err;		 /* -errno that the next recv or send returns */
	int send_err;
	bool arm_says;	/* what arm() answers */
	uint32_t recvs; /* calls */
	uint32_t arms;
	bool closed;
};

/* @mac as text; @caps: PORT_*. */
void mock_port_init(struct mock_port *m, const char *mac, uint16_t mtu,
		    uint8_t caps);
/* Frame @p arrives; it is given away. */
void mock_port_push(struct mock_port *m, struct pkt *p);
/* The oldest frame that was sent, the caller's from here on; NULL: none. */
struct pkt *mock_port_pop(struct mock_port *m);
/* Frees all that waits. */
void mock_port_clear(struct mock_port *m, struct pkt_pool *pool);

#endif
