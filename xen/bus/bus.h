/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_BUS_H
#define VIFWALL_XEN_BUS_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_time.h"
#include "xen/bus/store.h"
#include "xen/bus/xenbus.h"

/*
 * All devices of ours in the XenStore: the vifs whose backend we are, and the
 * one whose frontend we are.  It walks the states of both, reads and checks
 * what the other ends wrote, and says through bus_ops what is to be done with
 * rings; those who do it answer by the functions at the end.
 *
 * Trust: dom0 writes backend/vif/<dom>/<handle>/, the client its own directory,
 * the network domain its own.  A client's path is made from <dom> and <handle>,
 * never taken from a key.
 *
 * One recursive watch on backend/vif, one on each client's state: within the
 * quota of an unprivileged domain (128 watches, 1000 nodes) for 100 vifs.
 *
 * Everything works from reading again: an event marks a vif, bus_tick() looks.
 * One thread, the only one that uses the store.
 */
#define BUS_VIFS 256u
#define BUS_ADDRS 8u
#define BUS_CONNECTED_MS 1000u /* state 4 not sooner after state 2 (libxl) */
#define BUS_CONNECTS 8u	       /* in BUS_CONNECTS_MS; then a pause of */
#define BUS_CONNECTS_MS 10000u
#define BUS_PAUSE_MS 5000u
#define BUS_STRIKES 3u	     /* broken rings, then it stays closed */
#define BUS_RETRY_MS 5000u   /* the uplink looks again for its backend */
#define BUS_EAGAIN_TRIES 10u /* of one transaction */

struct bus_id {
	uint16_t dom, handle;
};

/* What dom0 says of a client's vif. */
struct bus_vif {
	struct bus_id id;
	struct pkt_mac mac;
	struct pkt_addr addr[BUS_ADDRS];
	uint8_t addr_n;
	uint16_t mtu;	     /* 0: not given */
	uint64_t rate_bytes; /* 0: no limit */
	uint32_t rate_us;
};

/* What a frontend offers to connect. */
struct bus_rings {
	struct bus_id id;
	uint32_t tx_ref, rx_ref, tx_evt, rx_evt;
	uint8_t can; /* NETBACK_* */
	bool resume; /* it was connected to one of us before */
};

/* What is known of the uplink when its backend waits for us. */
struct bus_uplink {
	struct bus_id id; /* of the backend, and our handle */
	struct pkt_mac mac;
	uint16_t mtu;
	uint8_t can; /* NETFRONT_* */
};

struct bus_ops {
	/* A vif came, or what dom0 says of it changed. */
	void (*vif)(void *ctx, const struct bus_vif *v);
	/* Connect it; answer by bus_connected(). */
	void (*connect)(void *ctx, const struct bus_rings *r);
	/* Let go of its rings; answer by bus_disconnected(). */
	void (*disconnect)(void *ctx, struct bus_id id);
	/* dom0 took it away. */
	void (*gone)(void *ctx, struct bus_id id);
	/* Make rings for the uplink; answer by bus_uplink_keys(). */
	void (*uplink)(void *ctx, const struct bus_uplink *u);
	/* Its backend went away; answer by bus_uplink_released(). */
	void (*uplink_down)(void *ctx);
	/* The backend is connected. */
	void (*uplink_up)(void *ctx);
	/* A key of our rules subtree; @value NULL: removed. */
	void (*key)(void *ctx, const char *path, const char *value, size_t len);
	void *ctx;
};

struct bus_conf {
	uint16_t self; /* our domain id */
	bool uplink;   /* we own device/vif/<uplink_handle> */
	uint16_t uplink_handle;
	bool rules; /* watch vifwall/ in our own directory */
};

struct bus;

/* NULL: no memory.  @store stays the caller's. */
struct bus *bus_new(struct store *store, const struct bus_conf *c,
		    const struct bus_ops *ops, struct mono now);
void bus_free(struct bus *b);

/* Takes all events of the store and marks what they are about. */
int VW_MUST_USE bus_events(struct bus *b);
/* Looks at what is marked or due; returns when it wants to be called again. */
struct mono bus_tick(struct bus *b, struct mono now);

/* @err 0, or why it could not be: the vif is closed then. */
void bus_connected(struct bus *b, struct bus_id id, int err, struct mono now);
void bus_disconnected(struct bus *b, struct bus_id id, struct mono now);
/* The rings of a connected vif broke: closed, and a strike. */
void bus_broken(struct bus *b, struct bus_id id, struct mono now);
/* It brought the data process down too often: closed until dom0 makes it anew.
 */
void bus_quarantine(struct bus *b, struct bus_id id, struct mono now);

void bus_uplink_keys(struct bus *b, int err, uint32_t tx_ref, uint32_t rx_ref,
		     uint32_t evt, struct mono now);
void bus_uplink_released(struct bus *b, struct mono now);
void bus_uplink_broken(struct bus *b, struct mono now);

/* Orderly end: the uplink closes; clients stay as they are (a successor will
 * attach to their rings). */
void bus_stop(struct bus *b, struct mono now);

/* For `vifwallctl vif`. */
struct bus_row {
	struct bus_vif vif;
	uint8_t ours, theirs; /* enum xenbus_state */
	struct mono ours_since, theirs_since;
	struct bus_rings rings; /* as last connected */
	bool connected, quarantined;
	uint8_t strikes;
	char trouble[96]; /* why it does not connect; empty: nothing */
};

/* Rows from @cursor on: how many; the uplink is the row of handle 65535. */
uint32_t bus_rows(const struct bus *b, uint32_t *cursor, struct bus_row *out,
		  uint32_t max);

#endif
