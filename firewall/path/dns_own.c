/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions of our own, by the uplink.  The answer has to come from whom we
 * asked, to the random port that we asked from, with the question's id and the
 * question itself: who can't see our packets guesses 32 bits, and what is not
 * the answer doesn't end the waiting for it.
 */
#include <errno.h>

#include "firewall/path/dns_part.h"
#include "packet/pkt_build.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_dns.h"

#define WAIT_MS 10000u
#define PORT_TRIES 16

static struct dns_own *free_place(struct dns *d)
{
	for (uint32_t i = 0; i < FW_DNS_OWN; i++)
		if (!d->own[i].used)
			return &d->own[i];
	return NULL;
}

/* A port that no client has; 0: none was found. */
static uint16_t take_port(struct fw *fw, const struct pkt_addr *from)
{
	const struct nat_conf *c = &fw->conf.nat;
	uint32_t all = (uint32_t)c->port_hi - c->port_lo + 1;

	for (int i = 0; i < PORT_TRIES; i++) {
		uint16_t port =
			(uint16_t)(c->port_lo + pkt_rand_below(&fw->rand, all));

		if (nat_port_reserve(fw->nat, from, port))
			return port;
	}
	return 0;
}

static void give_up(struct fw *fw, struct dns_own *q)
{
	nat_port_release(fw->nat, &q->from, q->port);
	q->used = false;
	fw->dns_state->own_n--;
}

int fw_dns_ask(struct fw *fw, const struct fw_dns_msg *m, struct mono now)
{
	const struct pkt_addr *from = fw_outside(fw, fw_family(&m->server));
	struct dns_own *q = free_place(fw->dns_state);
	uint64_t what;
	struct pkt *p;

	if (m->len > FW_DNS_MSG_MAX || !pkt_addr_ok_dst(&m->server))
		return -EINVAL;
	what = fw_dns_print(fw, m->msg, m->len, 0, false);
	if (!what)
		return -EINVAL;
	if (fw_way_out(fw, NAT_UPLINK, &m->server) != PKT_REASON_NONE)
		return -ENETUNREACH;
	if (!q)
		return -EAGAIN;
	*q = (struct dns_own){ .ask = m->ask,
			       .port = take_port(fw, from),
			       .what = what,
			       .from = *from,
			       .server = m->server,
			       .until = mono_add_ms(now, WAIT_MS) };
	if (!q->port)
		return -EAGAIN;
	q->used = true;
	fw->dns_state->own_n++;
	p = pkt_build_udp(fw->pool, &(struct pkt_eth){ 0 },
			  &(struct pkt_udp){ .src = *from,
					     .dst = m->server,
					     .sport = q->port,
					     .dport = PKT_DNS_PORT },
			  m->msg, m->len);
	if (!p) {
		give_up(fw, q);
		return -EAGAIN;
	}
	fw_send(fw, NAT_UPLINK, p, now);
	return 0;
}

static bool answers(const struct fw *fw, const struct dns_own *q,
		    const struct pkt *p)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);

	return q->used && q->port == p->dport &&
	       pkt_addr_eq(&src, &q->server) && pkt_addr_eq(&dst, &q->from) &&
	       fw_dns_print(fw, p->data + p->pay_off, pkt_end(p) - p->pay_off,
			    0, true) == q->what;
}

bool fw_dns_own(struct fw *fw, const struct pkt *p, struct mono now)
{
	struct dns *d = fw->dns_state;

	if (!d->own_n || p->kind != PKT_KIND_UDP || p->sport != PKT_DNS_PORT ||
	    !fw_dns_whole(p))
		return false;
	for (uint32_t i = 0; i < FW_DNS_OWN; i++) {
		struct dns_own *q = &d->own[i];

		if (!answers(fw, q, p) || mono_past(q->until, now) ||
		    !fw_dns_queue(fw, p, 0, q->ask))
			continue;
		give_up(fw, q);
		return true;
	}
	return false;
}

void fw_dns_own_tick(struct fw *fw, struct mono now)
{
	struct dns *d = fw->dns_state;

	for (uint32_t i = 0; d->own_n && i < FW_DNS_OWN; i++)
		if (d->own[i].used && mono_past(d->own[i].until, now))
			give_up(fw, &d->own[i]);
}

void fw_dns_own_drop(struct fw *fw)
{
	struct dns *d = fw->dns_state;

	for (uint32_t i = 0; d->own_n && i < FW_DNS_OWN; i++)
		if (d->own[i].used)
			give_up(fw, &d->own[i]);
}
