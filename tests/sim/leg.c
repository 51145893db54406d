/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "firewall/linux/link.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_parse.h"
#include "sim/leg.h"
#include "xen/net/ring.h"

#define NEVER ((struct mono){ UINT64_MAX })

static void carrier(struct leg *l, int on)
{
	if (ioctl(l->tap.fd, TUNSETCARRIER, &on))
		sim_die(errno, "TUNSETCARRIER");
}

static const struct {
	uint8_t cap;
	unsigned int feature;
} offloads[] = { { PORT_CSUM, TUN_F_CSUM },
		 { PORT_GSO4, TUN_F_TSO4 | TUN_F_TSO_ECN },
		 { PORT_GSO6, TUN_F_TSO6 } };

/* What is not left to the device the stack has to do itself. */
static void leave(struct leg *l, uint8_t caps)
{
	unsigned long features = 0;

	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++)
		if (caps & offloads[i].cap)
			features |= offloads[i].feature;
	if (ioctl(l->tap.fd, TUNSETOFFLOAD, features))
		sim_die(errno, "TUNSETOFFLOAD");
}

void leg_open(struct leg *l, const char *name, uint8_t leaves)
{
	struct link link;
	int err = link_open_tap(&link, name, true);

	if (err)
		sim_die(-err, "%s", name);
	memset(l, 0, sizeof(*l));
	port_tap_init(&l->tap, link.fd);
	l->tap.port.caps = link.caps;
	l->tap.port.mtu = link.mtu;
	leave(l, leaves);
	carrier(l, 0);
}

void leg_close(struct leg *l)
{
	leg_disconnect(l);
	l->tap.port.ops->close(&l->tap.port);
}

void leg_set_mac(struct leg *l, const struct pkt_mac *mac)
{
	struct ifreq r = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	memcpy(r.ifr_hwaddr.sa_data, mac->b, sizeof(mac->b));
	if (ioctl(l->tap.fd, SIOCSIFHWADDR, &r))
		sim_die(errno, "SIOCSIFHWADDR");
}

static void connected(struct leg *l, enum leg_kind kind)
{
	l->kind = kind;
	l->at = &l->ring.port;
	carrier(l, kind != LEG_CARD);
}

int leg_connect_back(struct leg *l, struct xen *x, const struct netback_conf *c,
		     struct mono now)
{
	int err;

	memset(&l->ring, 0, sizeof(l->ring));
	l->ring.port.mtu = LEG_MTU;
	err = netback_open(&l->ring.back, x, c, now);
	if (!err)
		connected(l, LEG_BACK);
	return err;
}

int leg_connect_front(struct leg *l, struct xen *x, const struct bus_uplink *u,
		      struct netfront_keys *keys, struct mono now)
{
	int err;

	memset(&l->ring, 0, sizeof(l->ring));
	l->ring.port.mac = u->mac;
	l->ring.port.mtu = LEG_MTU;
	err = netfront_open(&l->ring.front, x, u->id.dom, u->can, keys, now);
	if (err)
		return err;
	leg_set_mac(l, &u->mac);
	connected(l, LEG_FRONT);
	return 0;
}

int leg_connect_card(struct leg *l, struct xen *x, const struct bus_uplink *u,
		     const struct habits *h, struct walk_keys *keys)
{
	int err;

	memset(&l->ring, 0, sizeof(l->ring));
	l->ring.port.mtu = LEG_MTU;
	err = card_open(&l->ring.card, x, u, h, keys);
	if (err)
		return err;
	leg_set_mac(l, &u->mac);
	connected(l, LEG_CARD);
	return 0;
}

void leg_enable(struct leg *l)
{
	card_enable(&l->ring.card);
	carrier(l, 1);
}

void leg_disconnect(struct leg *l)
{
	if (!l->at)
		return;
	l->at->ops->close(l->at);
	l->at = NULL;
	carrier(l, 0);
}

static const struct gate *gate_of(const struct leg *l)
{
	switch (l->kind) {
	case LEG_FRONT:
		return &l->ring.front.gate;
	case LEG_CARD:
		return &l->ring.card.gate;
	case LEG_BACK:
		break;
	}
	return &l->ring.back.gate;
}

void leg_event(struct leg *l, uint32_t port)
{
	const struct gate *g = gate_of(l);

	for (uint32_t i = 0; l->at && i < g->port_n; i++) {
		if (g->port[i] != port)
			continue;
		if (l->kind == LEG_FRONT)
			netfront_event(&l->ring.front);
		else if (l->kind == LEG_CARD)
			card_event(&l->ring.card);
		else
			netback_event(&l->ring.back);
	}
}

/* ---- frames ---------------------------------------------------------------
 */

/* Makes @p fit @to; false: it can't be. */
static bool fits(const struct port *to, struct pkt *p, bool to_tap)
{
	static const uint8_t need[PKT_GSO_N] = { 0, PORT_GSO4, PORT_GSO6 };
	bool blank = p->flags & PKT_F_CSUM_PARTIAL;

	if (need[p->gso_type] & ~to->caps)
		return false;
	if (!blank || (to->caps & PORT_CSUM && !to_tap))
		return true;
	/* a TAP device is told where the checksum is */
	if (pkt_parse(p) != PKT_FORWARD)
		return false;
	if (!(to->caps & PORT_CSUM))
		pkt_csum_complete(p);
	return true;
}

static void keep_fitting(struct leg *l, struct port *to, struct pkt_pool *pool,
			 struct pkt_batch *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		if (fits(to, b->p[i], to == &l->tap.port)) {
			b->p[n++] = b->p[i];
			continue;
		}
		l->lost++;
		pkt_put(pool, b->p[i]);
	}
	b->n = n;
}

/* As leg_move(), one way. */
static int move(struct leg *l, struct port *from, struct port *to,
		struct pkt_pool *pool, struct mono now)
{
	struct pkt_batch b = { 0 };
	int err = from->ops->recv(from, pool, &b, now);
	uint32_t n = b.n;

	keep_fitting(l, to, pool, &b);
	if (b.n) {
		int sent = to->ops->send(to, pool, &b, now);

		err = err ? err : sent;
	}
	return err ? err : n > 0;
}

/* How many of those that wait there is room for now. */
static uint32_t front_room(const struct leg *l)
{
	const struct netfront *f = &l->ring.front;
	uint32_t left = NETIF_SLOTS - (f->tx_prod - f->tx_cons);
	uint32_t i = 0;

	left = left < f->free_n ? left : f->free_n;
	for (; i < l->wait.n; i++) {
		uint32_t need = l->wait.p[i]->len / XEN_PAGE + 2;

		if (need > left)
			break;
		left -= need;
	}
	return i;
}

static uint32_t room(const struct leg *l)
{
	return l->kind == LEG_CARD ? card_room(&l->ring.card, &l->wait)
				   : front_room(l);
}

/* Takes answers; netfront itself thinks that nobody waits for these. */
static int reap(struct leg *l, struct pkt_pool *pool, struct mono now)
{
	struct netfront *f = &l->ring.front;
	bool front = l->kind == LEG_FRONT;
	uint32_t answered = front ? f->tx_cons : 0;
	struct pkt_batch none = { 0 };
	int err = l->at->ops->send(l->at, pool, &none, now);

	if (front && f->tx_cons != answered)
		f->gate.useful = true;
	return err;
}

/* From the device into the tx ring, as far as there is room. */
static int move_out(struct leg *l, struct pkt_pool *pool, struct mono now)
{
	struct port *tap = &l->tap.port;
	struct pkt_batch b = { 0 };
	int err = 0, got;

	if (!l->wait.n) {
		err = tap->ops->recv(tap, pool, &l->wait, now);
		keep_fitting(l, l->at, pool, &l->wait);
	}
	got = reap(l, pool, now);
	err = err ? err : got;
	if (err)
		return err;
	b.n = room(l);
	memcpy(b.p, l->wait.p, b.n * sizeof(b.p[0]));
	l->wait.n -= b.n;
	memmove(l->wait.p, l->wait.p + b.n, l->wait.n * sizeof(b.p[0]));
	got = b.n > 0;
	err = got ? l->at->ops->send(l->at, pool, &b, now) : 0;
	return err ? err : got;
}

int leg_move(struct leg *l, struct pkt_pool *pool, struct mono now)
{
	struct pkt_batch none = { 0 };
	int out, in = 0, err;

	if (!l->at)
		return 0;
	out = l->kind == LEG_BACK ? move(l, &l->tap.port, l->at, pool, now)
				  : move_out(l, pool, now);
	if (out >= 0)
		in = move(l, l->at, &l->tap.port, pool, now);
	err = out < 0 ? out : in;
	/* tells of slots that were answered, and goes on with what waits */
	if (err >= 0)
		err = l->at->ops->send(l->at, pool, &none, now);
	return err < 0 ? err : out || in;
}

struct mono leg_rest(struct leg *l, struct mono now, bool *wake)
{
	struct netfront *f = &l->ring.front;
	struct mono next;

	if (!l->at)
		return NEVER;
	if (l->kind == LEG_CARD) {
		*wake |= card_rest(&l->ring.card);
		return NEVER;
	}
	next = l->kind == LEG_FRONT ? netfront_tick(f, now, wake)
				    : netback_tick(&l->ring.back, now, wake);
	if (l->at->ops->arm(l->at))
		*wake = true;
	/* netfront itself asks for no event when a frame was taken */
	if (l->wait.n && ring_ask(&f->tx->head.rsp_event, &f->tx->head.rsp_prod,
				  f->tx_cons + 1))
		*wake = true;
	return next;
}

static const char *front_name(uint32_t i)
{
	return netfront_fault_name(i);
}

static const char *back_name(uint32_t i)
{
	return netback_fault_name(i);
}

static const char *card_name(uint32_t i)
{
	return card_odd_name(i);
}

const char *leg_kind_name(const struct leg *l)
{
	static const char *const names[] = { "back", "front", "card" };

	return names[l->kind];
}

void leg_report(const struct leg *l)
{
	const struct port_stats *s = &l->ring.port.stats;
	const struct {
		const uint64_t *fault;
		uint32_t n;
		const char *(*name)(uint32_t i);
	} kinds[] = { { l->ring.back.fault, NETBACK_FAULT_N, back_name },
		      { l->ring.front.fault, NETFRONT_FAULT_N, front_name },
		      { l->ring.card.odd, CARD_ODD_N, card_name } },
	  *k = &kinds[l->kind];

	sim_say("%s %u/%u: received %" PRIu64 " frames, %" PRIu64
		" bytes, sent %" PRIu64 " frames, %" PRIu64
		" bytes; dropped %" PRIu64 " and %" PRIu64 ", lost %" PRIu64,
		leg_kind_name(l), l->id.dom, l->id.handle, s->recv_packets,
		s->recv_bytes, s->send_packets, s->send_bytes, s->recv_dropped,
		s->send_dropped, l->lost);
	for (uint32_t i = 0; i < k->n; i++)
		if (k->fault[i])
			sim_say("  %s %" PRIu64, k->name(i), k->fault[i]);
}
