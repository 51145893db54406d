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
 *	bus.c		events, marks, ticks
 *	bus_path.c	the paths of a vif, from its numbers and back
 *	bus_read.c	what the keys of one vif say
 *	bus_say.c	our own keys, written in one transaction
 *	bus_vif.c	the backend's walk
 *	bus_uplink.c	the frontend's
 *	bus_rules.c	the rules subtree
 *
 * Trust: dom0 writes backend/vif/<dom>/<handle>/, the client its own directory,
 * the network domain its own.  A client's path is made from <dom> and <handle>,
 * never taken from a key.
 *
 * One recursive watch on backend/vif, one on each client's state: within the
 * quota of an unprivileged domain (128 watches, 1000 nodes) for 40 vifs and
 * more.
 *
 * Everything works from reading again: an event marks a vif, bus_tick() looks.
 * One thread, the only one that uses the store.
 */
#define BUS_VIFS 256u
#define BUS_ADDRS 8u
#define BUS_CONNECTED_MS 1000u /* state 4 not sooner after state 2 (libxl) */
#define BUS_CONNECTS 8u	       /* in BUS_CONNECTS_MS; then a pause of ... */
#define BUS_CONNECTS_MS 10000u
#define BUS_PAUSE_MS 5000u   /* ... offers and closings likewise */
#define BUS_STRIKES 3u	     /* broken rings, then it stays closed */
#define BUS_REMOVE_MS 3000u  /* our directory goes so long after state 6 */
#define BUS_RETRY_MS 5000u   /* the uplink looks again for its backend */
#define BUS_BACKOFF_MS 100u  /* ... begins anew, at first; then twice that */
#define BUS_EAGAIN_TRIES 10u /* of one transaction */
#define BUS_SETTLE_MS 50u    /* rules: no event of that set for so long */
#define BUS_KEY_PATH 64u     /* QubesDB's, with the NUL */
#define BUS_KEY_VALUE 3072u
#define BUS_TROUBLE 96u

struct bus_id {
	uint16_t dom, handle;
};

/* What dom0 says of a client's vif. */
struct bus_vif {
	struct bus_id id;
	struct pkt_mac mac;
	struct pkt_addr addr[BUS_ADDRS];
	uint8_t addr_n;
	bool uplink;  /* this client is our network domain; as long as we know
			 the vif */
	uint16_t mtu; /* 0: not given */
	uint64_t rate_bytes; /* 0: no limit */
	uint32_t rate_us;
};

/* What the other end can take; the bits of NETBACK_* and NETFRONT_*. */
#define BUS_SG 0x01u
#define BUS_GSO4 0x02u
#define BUS_GSO6 0x04u
#define BUS_CSUM4 0x08u /* of a frontend only */
#define BUS_CSUM6 0x10u
#define BUS_RX_NOTIFY 0x20u /* of a frontend only */

/* What a frontend offers to connect. */
struct bus_rings {
	struct bus_id id;
	uint32_t tx_ref, rx_ref, tx_evt, rx_evt; /* equal: one channel */
	uint8_t can;				 /* BUS_* */
	bool resume; /* one of us may have used these rings before */
};

/* What is known of the uplink when its backend waits for us. */
struct bus_uplink {
	struct bus_id id; /* of the backend, and our handle */
	struct pkt_mac mac;
	uint16_t mtu; /* 0: not given */
	uint8_t can;  /* BUS_* */
	uint8_t addr_n;
	struct pkt_addr addr[BUS_ADDRS]; /* ours, as the backend has them */
};

/*
 * Each connect() is answered once by bus_connected(), each disconnect() once by
 * bus_disconnected(), in the order in which they were asked; after bus_resume()
 * none of the questions before it is.  They may be answered from inside.
 */
struct bus_ops {
	/* A vif came, or what dom0 says of it changed. */
	void (*vif)(void *ctx, const struct bus_vif *v);
	/* Connect it; vif() told of it before. */
	void (*connect)(void *ctx, const struct bus_rings *r);
	/* Let go of its rings. */
	void (*disconnect)(void *ctx, struct bus_id id);
	/* dom0 took it away; it has no rings any more. */
	void (*gone)(void *ctx, struct bus_id id);
	/* Make rings for the uplink; answer by bus_uplink_keys(). */
	void (*uplink)(void *ctx, const struct bus_uplink *u);
	/* Its backend went away; answer by bus_uplink_released(). */
	void (*uplink_down)(void *ctx);
	/* The backend is connected. */
	void (*uplink_up)(void *ctx);
	/*
	 * A key of our rules subtree, named as in QubesDB (in the XenStore
	 * addresses are spelled 10_137_0_5 and fd00--5, which has neither dots
	 * nor colons); @value NULL:
	 * removed, and with it all below it when @path ends with '/'.  A set
	 * comes whole, /qubes-firewall/<address> last; what could not be read
	 * of it is told in its key .error.
	 */
	void (*key)(void *ctx, const char *path, const char *value, size_t len);
	void *ctx;
};

/*
 * Which of the clients is our network domain.  On Xen a domain has another
 * number each time that it starts, so it is better known by what dom0 writes
 * for its vif each time.
 */
enum bus_netvm_by {
	BUS_NETVM_NONE,
	BUS_NETVM_DOM,
	BUS_NETVM_ADDR,
	BUS_NETVM_MAC
};

struct bus_netvm {
	uint8_t by; /* enum bus_netvm_by: one of those below */
	uint16_t dom;
	struct pkt_mac mac;
	struct pkt_addr addr; /* among those of its vif */
};

struct bus_conf {
	uint16_t self; /* our domain id */
	bool uplink;   /* we own device/vif/<uplink_handle> */
	uint16_t uplink_handle;
	struct bus_netvm netvm; /* the uplink is a vif of this client */
	bool rules;		/* watch vifwall/ in our own directory */
};

struct bus;

/* NULL: no memory, or no watch.  @store stays the caller's. */
struct bus *bus_new(struct store *store, const struct bus_conf *c,
		    const struct bus_ops *ops);
/* Clients stay as they are: a successor will attach to their rings. */
void bus_free(struct bus *b);

/*
 * The store is of no use any more, and @store is another connection: watches
 * are set again, and everything is looked at.  Rings stay, unless what is found
 * there says otherwise.  @self is our domain now: a machine that was resumed
 * elsewhere has another number, and nothing of the old one is there.  0 or
 * -errno, and then @store is of no use either (it does not know our domain:
 * -ENOENT).  Between both, nothing may be called but
 * what the rings' owner has to say, bus_rows() and bus_free().
 */
int VW_MUST_USE bus_reopen(struct bus *b, struct store *store, uint16_t self);

/*
 * Asks the store for something: a connection that ended while nobody asked may
 * not show otherwise.  -errno: the store is of no use any more.
 */
int VW_MUST_USE bus_ask(const struct bus *b);
/*
 * Takes the store's events and marks what they are about.  -errno: the store is
 * of no use any more.
 */
int VW_MUST_USE bus_events(struct bus *b, struct mono now);
/* Looks at what is marked or due; returns when it wants to be called again. */
struct mono bus_tick(struct bus *b, struct mono now);

/* @err: why it could not be (-errno); it is closed then, until the frontend
 * begins anew. */
void bus_connected(struct bus *b, struct bus_id id, int err);
void bus_disconnected(struct bus *b, struct bus_id id);
/* The rings of a connected vif broke and are gone: closed, and a strike. */
void bus_broken(struct bus *b, struct bus_id id);
/* It brought the data process down too often: closed until dom0 makes it anew.
 */
void bus_quarantine(struct bus *b, struct bus_id id);

void bus_uplink_keys(struct bus *b, int err, uint32_t tx_ref, uint32_t rx_ref,
		     uint32_t evt);
void bus_uplink_released(struct bus *b);
/* Its rings broke and are gone. */
void bus_uplink_broken(struct bus *b);

/*
 * Whoever had the rings is gone, and a successor is there: all that was
 * connected, but for what is in quarantine, is asked for again with .resume,
 * and the uplink begins anew.
 */
void bus_resume(struct bus *b);

/* Orderly end: the uplink closes; clients stay as they are. */
void bus_stop(struct bus *b);
bool bus_stopped(const struct bus *b);

/* For `vifwallctl vif`. */
struct bus_row {
	bool frontend; /* our own uplink; vif.id is its backend, our handle */
	struct bus_vif vif;
	uint8_t ours, theirs;	     /* enum xenbus_state */
	uint64_t ours_ms, theirs_ms; /* for so long */
	struct bus_rings rings;	     /* as last connected */
	bool connected, quarantined;
	uint8_t strikes;
	char trouble[BUS_TROUBLE]; /* why it does not connect; empty: nothing */
};

/* Rows from *@cursor (0 at first) on, at most @max: how many. */
uint32_t bus_rows(const struct bus *b, uint32_t *cursor, struct bus_row *out,
		  uint32_t max, struct mono now);
/* What is wrong with all of them; empty: nothing. */
const char *bus_trouble(const struct bus *b);

#endif
