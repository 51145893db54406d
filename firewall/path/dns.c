/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual name servers: what clients ask them goes to the real ones. */
#include <errno.h>

#include "firewall/path/dns_part.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_dns.h"
#include "packet/pkt_ip.h"

static bool ok_list(const struct pkt_addr *a, uint8_t n)
{
	if (n > FW_DNS_MAX)
		return false;
	for (uint8_t i = 0; i < n; i++)
		if (pkt_addr_is_zero(&a[i]) || !pkt_addr_ok_dst(&a[i]))
			return false;
	return true;
}

static bool same_list(const struct pkt_addr *a, uint8_t a_n,
		      const struct pkt_addr *b, uint8_t b_n)
{
	return a_n == b_n && !memcmp(a, b, a_n * sizeof(*a));
}

static bool is_ours(const struct fw *fw, const struct pkt_addr *a)
{
	return pkt_addr_eq(a, &fw->uplink.addr4) ||
	       pkt_addr_eq(a, &fw->uplink.addr6);
}

static bool same_servers(const struct fw_dns *a, const struct fw_dns *b)
{
	return same_list(a->virt, a->virt_n, b->virt, b->virt_n) &&
	       same_list(a->server, a->server_n, b->server, b->server_n);
}

int fw_dns_set(struct fw *fw, const struct fw_dns *d)
{
	static const uint8_t none[sizeof(d->watch)];
	struct fw_dns *was = &fw->dns;
	bool same = same_servers(was, d);

	if (!ok_list(d->virt, d->virt_n) || !ok_list(d->server, d->server_n))
		return -EINVAL;
	/* a virtual one stands in for the real one in its flows */
	for (uint8_t i = 0; i < was->virt_n && !same; i++)
		if (!is_ours(fw, &was->virt[i]))
			nat_addr_forget(fw->nat, &was->virt[i]);
	/* profiles may tell them from other addresses */
	if (fw->profiles && !same_servers(was, d))
		fw_judge_all_again(fw);
	*was = *d;
	fw->dns_state->watching = memcmp(d->watch, none, sizeof(none)) != 0;
	/* flows to what is a virtual one only now led to the address itself */
	if (!same)
		fw_judge_all_again(fw);
	return 0;
}

/* The place of @a among the virtual ones of its family; -1: it is none. */
static int place_of(const struct fw_dns *d, const struct pkt_addr *a)
{
	int place = 0;

	for (uint8_t i = 0; i < d->virt_n; i++) {
		if (pkt_addr_eq(&d->virt[i], a))
			return place;
		place += fw_family(&d->virt[i]) == fw_family(a);
	}
	return -1;
}

const struct pkt_addr *fw_dns_target(const struct fw *fw,
				     const struct nat_tuple *t)
{
	const struct fw_dns *d = &fw->dns;
	const struct pkt_addr *of_family[FW_DNS_MAX];
	int n = 0, place;

	if (t->dport != PKT_DNS_PORT ||
	    (t->proto != IP_UDP && t->proto != IP_TCP))
		return &t->dst;
	place = place_of(d, &t->dst);
	if (place < 0)
		return &t->dst;
	for (uint8_t i = 0; i < d->server_n; i++)
		if (fw_family(&d->server[i]) == fw_family(&t->dst))
			of_family[n++] = &d->server[i];
	return n ? of_family[place % n] : NULL;
}

/* ---- what came ----------------------------------------------------------- */

bool fw_dns_whole(const struct pkt *p)
{
	return p->flags & (PKT_F_CSUM_PARTIAL | PKT_F_CSUM_VALID) ||
	       pkt_csum_l4_ok(p);
}

uint64_t fw_dns_print(const struct fw *fw, const void *msg, size_t len,
		      uint32_t flow, bool answer)
{
	struct {
		uint32_t flow;
		uint16_t id, type;
		char name[PKT_DNS_NAME];
	} what;
	struct pkt_dns d;
	uint64_t hash;

	if (pkt_dns_parse(&d, msg, len) || d.answer != answer ||
	    (d.type != PKT_DNS_A && d.type != PKT_DNS_AAAA))
		return 0;
	memset(&what, 0, sizeof(what));
	what.flow = flow;
	what.id = d.id;
	what.type = d.type;
	memcpy(what.name, d.name, strlen(d.name));
	hash = pkt_siphash13(&fw->dns_state->key, &what, sizeof(what));
	return hash ? hash : 1;
}

bool fw_dns_queue(struct fw *fw, const struct pkt *p, uint16_t client,
		  uint32_t ask)
{
	struct dns *d = fw->dns_state;
	uint32_t len = pkt_end(p) - p->pay_off;
	struct fw_dns_msg *m;

	if (d->n == FW_DNS_QUEUE || len > FW_DNS_MSG_MAX)
		return false;
	m = &d->queue[(d->at + d->n++) % FW_DNS_QUEUE];
	*m = (struct fw_dns_msg){ .ask = ask,
				  .client = client,
				  .len = (uint16_t)len,
				  .server = pkt_src(p) };
	memcpy(m->msg, p->data + p->pay_off, len);
	return true;
}

const struct fw_dns_msg *fw_dns_next(const struct fw *fw)
{
	const struct dns *d = fw->dns_state;

	return d->n ? &d->queue[d->at] : NULL;
}

void fw_dns_taken(struct fw *fw)
{
	struct dns *d = fw->dns_state;

	vw_assert(d->n);
	d->at = (d->at + 1) % FW_DNS_QUEUE;
	d->n--;
}
