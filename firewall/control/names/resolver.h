/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_NAMES_RESOLVER_H
#define VIFWALL_FIREWALL_CONTROL_NAMES_RESOLVER_H

#include <ares.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_assert.h"
#include "packet/pkt_time.h"
#include "rules/rule.h"

/*
 * Asks name servers for addresses, by c-ares: what c-ares knows is whom to ask,
 * how often and when by TCP; what an answer means is told elsewhere.  Nothing
 * waits: its sockets belong to the caller's event loop.
 *
 * Where the machine has no network of its own, a *wire* takes the sockets'
 * place: it carries UDP messages out and resolver_received() brings answers.
 */
#define RESOLVER_ASKED 32u     /* questions at one time */
#define RESOLVER_SOCKETS 16u   /* of c-ares' at one time */
#define RESOLVER_MSG_MAX 1232u /* as FW_DNS_MSG_MAX */

struct resolver_ops {
	/* The answer's bytes, or NULL; called once for each question. */
	void (*answer)(void *ctx, const char *name, enum rule_family family,
		       const void *msg, size_t len);
	/* @wants: LOOP_*; 0: not any more.  0 or -errno. */
	int (*watch)(void *ctx, int fd, uint32_t wants);
	/*
	 * NULL: sockets.  Sends a message of at most RESOLVER_MSG_MAX bytes to
	 * port 53 of @server; what comes back belongs to @wire.  0 or -errno.
	 */
	int (*send)(void *ctx, uint32_t wire, const struct pkt_addr *server,
		    const void *msg, size_t len);
	void *ctx;
};

struct resolver_asked {
	struct resolver *r;
	bool used;
	uint8_t family; /* enum rule_family */
	char name[RULE_NAME_MAX + 1];
};

/* A socket of c-ares'; on a wire it is one end of a pair, .far the other. */
struct resolver_socket {
	int fd; /* -1: free */
	int far;
	uint32_t wants;
	uint32_t wire;
	struct pkt_addr server;
};

struct resolver {
	const struct resolver_ops *ops;
	ares_channel channel; /* NULL: not open */
	uint32_t wires;	      /* numbers given so far */
	struct resolver_asked asked[RESOLVER_ASKED];
	struct resolver_socket socket[RESOLVER_SOCKETS];
};

/* @server: @n of them; none: those of the machine.  0 or -errno. */
int VW_MUST_USE resolver_open(struct resolver *r,
			      const struct resolver_ops *ops,
			      const struct pkt_addr *server, uint32_t n);
/* Questions without an answer get a NULL one. */
void resolver_close(struct resolver *r);

/* False: there are RESOLVER_ASKED already, or it is not open. */
bool resolver_ask(struct resolver *r, const char *name,
		  enum rule_family family);
/* What the loop said about @fd. */
void resolver_event(struct resolver *r, int fd, uint32_t what);
/* An answer to what was sent by @wire; bytes of anybody. */
void resolver_received(struct resolver *r, uint32_t wire, const void *msg,
		       size_t len);
/* Gives up on what is too late; when it wants to be called again. */
struct mono resolver_work(struct resolver *r, struct mono now);

/* For resolver.c: resolver_wire.c's sockets take the place of the machine's. */
void resolver_wire_use(struct resolver *r);
struct resolver_socket *resolver_socket_of(struct resolver *r, int fd);

#endif
