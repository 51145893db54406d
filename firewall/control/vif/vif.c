/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/vif/vif_in.h"
#include "firewall/linux/log.h"
#include "firewall/share/view.h"

#define NONE UINT16_MAX

/* As Xen's network scripts have it for the backend's end of each vif. */
static const struct pkt_mac our_mac = { { 0xfe, 0xff, 0xff, 0xff, 0xff,
					  0xff } };

uint16_t vifs_find(const struct vifs *v, struct bus_id id)
{
	for (uint16_t n = 0; n < APPLY_SLOTS; n++)
		if (v->place[n].used && vif_same_id(v->place[n].vif.id, id))
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

/* What dom0 says of its link, as data is to have it. */
static struct msg_vif limits_of(const struct bus_vif *vif)
{
	return (struct msg_vif){
		.mtu = vif->mtu ? vif->mtu : VIF_MTU,
		.rate_bytes = vif->rate_bytes,
		.rate_us = vif->rate_us,
	};
}

void vifs_place(struct vifs *v, uint16_t n, const struct bus_vif *vif)
{
	struct vif_place *p = &v->place[n];
	bool other = p->used &&
		     (p->vif.rate_bytes != vif->rate_bytes ||
		      p->vif.rate_us != vif->rate_us || p->vif.mtu != vif->mtu);
	struct msg_vif m = limits_of(vif);

	p->used = true;
	p->vif = *vif;
	if (other)
		apply_ring_limits(v->apply, n, &m);
}

static void on_vif(void *ctx, const struct bus_vif *vif)
{
	struct vifs *v = ctx;
	uint16_t n;

	if (vif->uplink) {
		vifs_netvm(v, vif);
		return;
	}
	n = is_client(v, vif);
	if (n)
		vifs_place(v, n, vif);
	else
		log_err("vif%u.%u: no number is left for it; raise the setting "
			"clients",
			vif->id.dom, vif->id.handle);
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct vifs *v = ctx;
	uint16_t n = vifs_find(v, r->id);
	struct msg_vif m;

	if (n == NONE && vifs_netvm_next(v, r->id))
		n = 0;
	if (n == NONE) {
		tell(v, BUS_TELL_CONNECTED, r->id, -ENOSPC);
		return;
	}
	/* the bus asks, so dom0 made it anew */
	if (v->place[n].shut && !r->resume) {
		v->place[n].shut = false;
		v->place[n].crashes = 0;
	}
	m = limits_of(&v->place[n].vif);
	m.dom = r->id.dom;
	m.can = r->can;
	m.resume = r->resume;
	m.mac = our_mac;
	m.tx_ref = r->tx_ref;
	m.rx_ref = r->rx_ref;
	m.tx_evt = r->tx_evt;
	m.rx_evt = r->rx_evt;
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

	if (n == NONE || !n) {
		vifs_netvm_gone(v, id);
		return;
	}
	v->place[n] = (struct vif_place){ .used = false };
	apply_guest_gone(v->apply, n);
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

static const char *name_of(const struct vifs *v, uint16_t n)
{
	return n ? v->apply->slot[n].fw.name : "uplink";
}

/* About @n: by a bucket of its own, since its other end can cause it. */
#define say(v, n, level, ...) \
	log_line(&(v)->apply->slot[n].log, LOG_LEVEL_##level, __VA_ARGS__)

void vifs_ring_up(struct vifs *v, uint16_t n, int err,
		  const struct msg_front_keys *keys)
{
	if (err)
		say(v, n, ERR, "%s: its rings can't be connected (%s)",
		    name_of(v, n), log_errno(-err));
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
		say(v, n, INFO, "%s: connected", name_of(v, n));
	if (!n && !err)
		apply_uplink_live(v->apply, true);
	tell(v, BUS_TELL_CONNECTED, v->place[n].vif.id, err);
}

void vifs_ring_down(struct vifs *v, uint16_t n)
{
	say(v, n, INFO, "%s: disconnected", name_of(v, n));
	tell(v,
	     is_front(v, n) ? BUS_TELL_UPLINK_RELEASED : BUS_TELL_DISCONNECTED,
	     v->place[n].vif.id, 0);
}

void vifs_ring_lost(struct vifs *v, uint16_t n, int err)
{
	say(v, n, ERR, "%s: %s (%s)", name_of(v, n),
	    err == -EPROTO ? "its other end broke the rings"
			   : "its rings failed",
	    log_errno(-err));
	tell(v, is_front(v, n) ? BUS_TELL_UPLINK_BROKEN : BUS_TELL_BROKEN,
	     v->place[n].vif.id, 0);
}

static void blame(struct vifs *v, uint16_t n, uint32_t most, struct mono now)
{
	struct vif_place *p = &v->place[n];

	if (mono_diff_ms(p->crashed, now) > VIF_CALM_MS)
		p->crashes = 0;
	p->crashes++;
	p->crashed = now;
	log_err("%s: packet handling crashed over its rings or what it sent, "
		"%u times now",
		name_of(v, n), p->crashes);
	if (p->shut || !v->apply->conf.xen_quarantine || p->crashes < most)
		return;
	p->shut = true;
	log_err("%s: closed until its vif is made anew (xen.quarantine)",
		name_of(v, n));
	tell(v, BUS_TELL_QUARANTINE, p->vif.id, 0);
}

void vifs_crashed(struct vifs *v, uint16_t served, uint16_t sent,
		  struct mono now)
{
	const uint16_t most = v->apply->conf.xen_quarantine;
	bool is_client = sent && sent < APPLY_SLOTS;
	bool sure = is_client || sent == VIEW_NOBODY;
	uint16_t n = is_client ? sent : served;

	if (n && n < APPLY_SLOTS && v->place[n].used)
		blame(v, n, sure ? most : most + 1u, now);
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
		.key = on_key,
		.ctx = v,
	};
	vifs_uplink_ops(&v->ops);
}
