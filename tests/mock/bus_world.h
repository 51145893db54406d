/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_BUS_WORLD_H
#define VIFWALL_TESTS_MOCK_BUS_WORLD_H

#include "mock/mock_store.h"
#include "xen/bus/bus.h"

/*
 * A bus in a XenStore of its own, with dom0 and the other ends as functions,
 * and a log of all that the bus says:
 *
 *	"5/0=2 "	the state that it wrote for vif 5/0
 *	"up=4 "		... and for the uplink
 *	"vif:5/0 "	a call; so are connect, resume, disconnect and gone
 *	"uplink "	likewise; so are uplink_down and uplink_up
 *	"/key=value "	a key below our own rules; "/key- " when it went
 */
#define WORLD_SELF 2u
#define WORLD_NETVM 1u
#define WORLD_LOG 8192u

struct world {
	struct mock_tree *t;
	struct store *s;
	struct bus *b;
	struct mono now;
	bool answer; /* questions are answered at once, with these: */
	int connect_err, keys_err;
	struct bus_vif vif; /* the last ones that were told */
	struct bus_rings rings;
	struct bus_uplink uplink;
	size_t len;
	char log[WORLD_LOG];
};

/* @c NULL: no uplink, no rules. */
void world_open(struct world *w, const struct bus_conf *c);
/* ... in a tree that has something in it already. */
void world_open_in(struct world *w, struct mock_tree *t,
		   const struct bus_conf *c);
/* The bus ends, and starts anew; the tree stays. */
void world_restart(struct world *w, const struct bus_conf *c);
void world_close(struct world *w);

/* Lets @ms pass, with all that happens meanwhile. */
void world_run(struct world *w, uint32_t ms);
/* The log is @want; it is empty then. */
bool world_said(struct world *w, const char *want);

/* What libxl does. */
void world_attach(struct mock_tree *t, uint16_t dom, uint16_t handle);
void world_detach(struct mock_tree *t, uint16_t dom, uint16_t handle);
void world_uplink(struct mock_tree *t, uint16_t netvm);

/* Keys of the vif: ours, the frontend's; of the uplink: ours, the backend's. */
void world_back(struct mock_tree *t, uint16_t dom, const char *key,
		const char *value);
void world_front(struct mock_tree *t, uint16_t dom, const char *key,
		 const char *value);
void world_netvm(struct mock_tree *t, uint16_t netvm, const char *key,
		 const char *value);
/* All keys that Linux writes, and state 4. */
void world_front_connects(struct mock_tree *t, uint16_t dom);
/* All features, and state 2. */
void world_netvm_waits(struct mock_tree *t, uint16_t netvm);

/* What we show; '-': not there. */
char world_shows(struct mock_tree *t, uint16_t dom);
char world_uplink_shows(struct mock_tree *t);

#endif
