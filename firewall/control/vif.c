/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/vif.h"
#include "firewall/linux/log.h"

#define NONE UINT16_MAX

/* As Xen's network scripts have it for the backend's end of each vif. */
static const struct pkt_mac our_mac = { { 0xfe, 0xff, 0xff, 0xff, 0xff,
					  0xff } };

static bool same_id(struct bus_id a, struct bus_id b)
{
	return a.dom == b.dom && a.handle == b.handle;
}

uint16_t vifs_find(const struct vifs *v, struct bus_id id)
{
	for (uint16_t n = 0; n < APPLY_SLOTS; n++)
		if (v->place[n].used && same_id(v->place[n].vif.id, id))
			return n;
	return NONE;
}

static void tell(const struct vifs *v, enum bus_tell_type type,
		 struct bus_id id, int err)
{
	v->tell(v->ctx, &(struct bus_tell){
				.type = (uint8_t)type, .id = id, .err = err });
}

/* ---- what the bus says of vifs --------------------------------------------*/

/* The client that is our network: what it has is the way to everybody. */
static void is_uplink(struct vifs *v, const struct bus_vif *vif)
{
	struct fw_uplink told = { .gateway_mac = vif->mac };

	for (uint8_t i = 0; i < vif->addr_n; i++) {
		struct pkt_addr *gw = pkt_addr_is_v4(&vif->addr[i])
					      ? &told.gateway4
					      : &told.gateway6;

		if (pkt_addr_is_zero(gw))
			*gw = vif->addr[i];
	}
	v->place[0].used = true;
	v->place[0].vif = *vif;
	apply_uplink_told(v->apply, &told);
}

static uint16_t is_client(struct vifs *v, const struct bus_vif *vif)
{
	struct fw_client fw = {
		.kind = FW_QUBE,
		.port = UINT16_MAX,
		.mac = vif->mac,
		.addr_n = vif->addr_n,
		.gateway4 = v->apply->conf.xen_gateway4,
		.gateway6 = v->apply->conf.xen_gateway6,
		.proxy_arp = true,
	};

	snprintf(fw.name, sizeof(fw.name), "vif%u.%u", vif->id.dom,
		 vif->id.handle);
	memcpy(fw.addr, vif->addr, sizeof(fw.addr));
	return apply_guest(v->apply, &fw);
}

static void on_vif(void *ctx, const struct bus_vif *vif)
{
	struct vifs *v = ctx;
	uint16_t n = vifs_find(v, vif->id);
	struct vif_place *p;
	bool rate;

	if (vif->uplink) {
		is_uplink(v, vif);
		return;
	}
	rate = n != NONE && (v->place[n].vif.rate_bytes != vif->rate_bytes ||
			     v->place[n].vif.rate_us != vif->rate_us);
	n = is_client(v, vif);
	if (!n) {
		log_err("vif%u.%u: no number is left for it; raise the setting "
			"clients",
			vif->id.dom, vif->id.handle);
		return;
	}
	p = &v->place[n];
	p->used = true;
	p->vif = *vif;
	if (rate)
		apply_ring_rate(v->apply, n, vif->rate_bytes, vif->rate_us);
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct vifs *v = ctx;
	uint16_t n = vifs_find(v, r->id);
	const struct bus_vif *vif;
	struct msg_vif m;

	if (n == NONE) {
		tell(v, BUS_TELL_CONNECTED, r->id, -ENOSPC);
		return;
	}
	/* the bus asks, so dom0 made it anew */
	if (v->place[n].shut && !r->resume) {
		v->place[n].shut = false;
		v->place[n].crashes = 0;
	}
	vif = &v->place[n].vif;
	m = (struct msg_vif){
		.dom = r->id.dom,
		.mtu = vif->mtu ? vif->mtu : VIF_MTU,
		.can = r->can,
		.resume = r->resume,
		.mac = our_mac,
		.tx_ref = r->tx_ref,
		.rx_ref = r->rx_ref,
		.tx_evt = r->tx_evt,
		.rx_evt = r->rx_evt,
		.rate_bytes = vif->rate_bytes,
		.rate_us = vif->rate_us,
	};
	apply_ring_vif(v->apply, n, &m);
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	struct vifs *v = ctx;
	uint16_t n = vifs_find(v, id);

	if (n == NONE)
		tell(v, BUS_TELL_DISCONNECTED, id, 0);
	else
		apply_ring_drop(v->apply, n);
}

static void on_gone(void *ctx, struct bus_id id)
{
	struct vifs *v = ctx;
	uint16_t n = vifs_find(v, id);

	if (n == NONE)
		return;
	v->place[n] = (struct vif_place){ .used = false };
	if (n)
		apply_guest_gone(v->apply, n);
}

/* ---- ... and of our own frontend ------------------------------------------*/

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

/* ---- rules ----------------------------------------------------------------*/

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	struct vifs *v = ctx;
	struct tree *t = v->apply->tree;
	int err;

	if (!value) {
		tree_remove(t, path);
		return;
	}
	err = tree_offer(t, path, value, len);
	if (err)
		log_err("a key of the rules in the XenStore is not taken (%s)",
			log_errno(-err));
}

/* ---- what became of it ----------------------------------------------------*/

static bool is_front(const struct vifs *v, uint16_t n)
{
	return v->apply->slot[n].ring.front;
}

void vifs_ring_up(struct vifs *v, uint16_t n, int err,
		  const struct msg_front_keys *keys)
{
	const char *name = n ? v->apply->slot[n].fw.name : "uplink";

	if (err)
		log_err("%s: its rings can't be connected (%s)", name,
			log_errno(-err));
	if (is_front(v, n)) {
		v->tell(v->ctx,
			&(struct bus_tell){ .type = BUS_TELL_UPLINK_KEYS,
					    .err = err,
					    .tx_ref = keys->tx_ref,
					    .rx_ref = keys->rx_ref,
					    .evt = keys->evt });
		return;
	}
	if (!err)
		log_info("%s: connected", name);
	if (!n && !err)
		apply_uplink_live(v->apply, true);
	tell(v, BUS_TELL_CONNECTED, v->place[n].vif.id, err);
}

void vifs_ring_down(struct vifs *v, uint16_t n)
{
	log_info("%s: disconnected", n ? v->apply->slot[n].fw.name : "uplink");
	tell(v,
	     is_front(v, n) ? BUS_TELL_UPLINK_RELEASED : BUS_TELL_DISCONNECTED,
	     v->place[n].vif.id, 0);
}

void vifs_ring_lost(struct vifs *v, uint16_t n, int err)
{
	log_err("%s: %s (%s)", n ? v->apply->slot[n].fw.name : "uplink",
		err == -EPROTO ? "its other end broke the rings"
			       : "its rings failed",
		log_errno(-err));
	tell(v, is_front(v, n) ? BUS_TELL_UPLINK_BROKEN : BUS_TELL_BROKEN,
	     v->place[n].vif.id, 0);
}

void vifs_crashed(struct vifs *v, uint16_t n, struct mono now)
{
	const uint16_t most = v->apply->conf.xen_quarantine;
	struct vif_place *p;

	if (!n || n >= APPLY_SLOTS || !v->place[n].used)
		return;
	p = &v->place[n];
	if (mono_diff_ms(p->crashed, now) > VIF_CALM_MS)
		p->crashes = 0;
	p->crashes++;
	p->crashed = now;
	log_err("%s: was being served, or had sent what was, when packet "
		"handling crashed, %u times now",
		v->apply->slot[n].fw.name, p->crashes);
	if (p->shut || !most || p->crashes < most)
		return;
	p->shut = true;
	log_err("%s: closed until its vif is made anew (xen.quarantine)",
		v->apply->slot[n].fw.name);
	tell(v, BUS_TELL_QUARANTINE, p->vif.id, 0);
}

void vifs_init(struct vifs *v, struct apply *a,
	       void (*tell_bus)(void *ctx, const struct bus_tell *what),
	       void *ctx)
{
	memset(v, 0, sizeof(*v));
	v->apply = a;
	v->tell = tell_bus;
	v->ctx = ctx;
	v->ops = (struct bus_ops){
		.vif = on_vif,
		.connect = on_connect,
		.disconnect = on_disconnect,
		.gone = on_gone,
		.uplink = on_uplink,
		.uplink_down = on_uplink_down,
		.uplink_up = on_uplink_up,
		.key = on_key,
		.ctx = v,
	};
}
