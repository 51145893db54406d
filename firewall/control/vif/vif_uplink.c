/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way out: a vif of the client that is our network domain, or our own
 * frontend.
 */
#include <string.h>

#include "firewall/control/vif/vif_in.h"
#include "firewall/linux/log.h"

/* ---- a client that is our network -----------------------------------------*/

/* What it has is the way to everybody. */
static void is_way_out(struct vifs *v, const struct bus_vif *vif)
{
	struct fw_uplink told = { .gateway_mac = vif->mac };

	for (uint8_t i = 0; i < vif->addr_n; i++) {
		struct pkt_addr *gw = pkt_addr_is_v4(&vif->addr[i])
					      ? &told.gateway4
					      : &told.gateway6;

		if (pkt_addr_is_zero(gw))
			*gw = vif->addr[i];
	}
	vifs_place(v, 0, vif);
	apply_uplink_told(v->apply, &told);
}

/* Has the vif that is the way out rings, or is it yet to let go of them? */
static bool is_connected(const struct vifs *v)
{
	const struct apply_slot *s = &v->apply->slot[0];

	return s->ring.wanted || s->port_sent ||
	       s->ring.owes != APPLY_OWES_NOTHING;
}

void vifs_netvm(struct vifs *v, const struct bus_vif *vif)
{
	const struct vif_place *p = &v->place[0];

	if (!p->used || vif_same_id(p->vif.id, vif->id)) {
		is_way_out(v, vif);
		return;
	}
	log_err("vif%u.%u: is the network domain's (xen.netvm) like vif%u.%u, "
		"which is the uplink; it waits until that goes",
		vif->id.dom, vif->id.handle, p->vif.id.dom, p->vif.id.handle);
	v->second.used = true;
	v->second.vif = *vif;
}

/* They change places; what the one was told in crashes is not the other's. */
bool vifs_netvm_next(struct vifs *v, struct bus_id id)
{
	struct vif_place was = v->place[0];

	if (!v->second.used || !vif_same_id(v->second.vif.id, id) ||
	    is_connected(v))
		return false;
	v->place[0] = (struct vif_place){ .used = false };
	is_way_out(v, &v->second.vif);
	v->second = was;
	return true;
}

void vifs_netvm_gone(struct vifs *v, struct bus_id id)
{
	if (v->second.used && vif_same_id(v->second.vif.id, id))
		v->second.used = false;
	if (!v->place[0].used || !vif_same_id(v->place[0].vif.id, id))
		return;
	v->place[0] = (struct vif_place){ .used = false };
	if (v->second.used)
		is_way_out(v, &v->second.vif);
	v->second.used = false;
}

/* ---- our own frontend -----------------------------------------------------*/

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	struct vifs *v = ctx;
	struct fw_uplink told = { .port = UINT16_MAX };
	struct msg_front m = {
		.dom = u->id.dom,
		.mtu = u->mtu ? u->mtu : VIF_MTU,
		.can = u->can,
		.mac = u->mac,
	};

	for (uint8_t i = 0; i < u->addr_n; i++) {
		struct pkt_addr *ours =
			pkt_addr_is_v4(&u->addr[i]) ? &told.addr4 : &told.addr6;

		if (pkt_addr_is_zero(ours))
			*ours = u->addr[i];
	}
	apply_uplink_told(v->apply, &told);
	apply_ring_front(v->apply, &m);
}

static void on_uplink_down(void *ctx)
{
	struct vifs *v = ctx;

	apply_ring_drop(v->apply, 0);
}

static void on_uplink_up(void *ctx)
{
	struct vifs *v = ctx;

	log_info("uplink: connected");
	apply_uplink_live(v->apply, true);
}

void vifs_uplink_ops(struct bus_ops *ops)
{
	ops->uplink = on_uplink;
	ops->uplink_down = on_uplink_down;
	ops->uplink_up = on_uplink_up;
}
