/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_VIF_VIF_H
#define VIFWALL_FIREWALL_CONTROL_VIF_VIF_H

#include "firewall/control/apply/apply.h"
#include "xen/bus/bus_thread.h"

/*
 * Between the XenStore and what should hold: a vif that dom0 made is a client
 * (apply_guest()), what the bus asks about rings becomes a port of the data
 * process (apply_ring_*()), and the answers go back.  Keys of our rules subtree
 * go into the tree as they are.
 *
 * A client's number is kept from when its vif is made until dom0 takes it away,
 * however often its frontend connects meanwhile.  The vif of a client that is
 * our network (xen.netvm) has number 0, as our own frontend has.
 */
#define VIF_CALM_MS 60000u
#define VIF_MTU 1500u /* when dom0 says nothing else */

struct vif_place {
	bool used;
	bool shut; /* quarantined */
	struct bus_vif vif;
	uint32_t crashes;    /* of the data process, that it is to blame for */
	struct mono crashed; /* the last one */
};

struct vifs {
	struct apply *apply;
	void (*tell)(void *ctx, const struct bus_tell *what);
	void *ctx;	    /* of tell */
	struct bus_ops ops; /* what the bus calls; ctx is this */
	struct vif_place place[APPLY_SLOTS]; /* by number */
	struct vif_place second; /* another one of the network domain's */
};

/* @tell_bus brings answers to the bus, with @ctx. */
void vifs_init(struct vifs *v, struct apply *a,
	       void (*tell_bus)(void *ctx, const struct bus_tell *what),
	       void *ctx);

/* From apply_ops. */
void vifs_ring_up(struct vifs *v, uint16_t n, int err,
		  const struct msg_front_keys *keys);
void vifs_ring_down(struct vifs *v, uint16_t n);
void vifs_ring_lost(struct vifs *v, uint16_t n, int err);

/*
 * The data process died while it served @served, or while it handed frames of
 * @sent to that one's port (view.served, view.sent).  To blame are:
 *
 *	frames of a client		that client, and not who was to have
 *them of the uplink, or of several	whose port it was, but once more is let
 *					pass; the parent lets pass one or two
 *					more than that (ROLE_RESTARTS)
 *	none				whose port it was
 *
 * and never the uplink: to close it would be everybody's end.  After
 * xen.quarantine times, with no more than VIF_CALM_MS between two, the one to
 * blame is closed until dom0 makes its vif anew.
 */
void vifs_crashed(struct vifs *v, uint16_t served, uint16_t sent,
		  struct mono now);

/* Number of the client of that vif; UINT16_MAX: none. */
uint16_t vifs_find(const struct vifs *v, struct bus_id id);

#endif
