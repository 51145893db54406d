/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/lab.h"

#include <stdlib.h>
#include <string.h>

#include "mock/addrs.h"
#include "packet/pkt_parse.h"

static void *room(size_t len)
{
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(len));

	vw_assert(mem);
	memset(mem, 0xa5, len);
	return mem;
}

/*
 * The firewall's own memory is kept for the next lab: a fuzzer makes thousands,
 * and new pages would be most of what it does.
 */
static struct {
	void *mem;
	size_t len;
} kept;

static void *room_again(size_t len)
{
	void *mem = kept.mem;

	kept.mem = NULL;
	if (!mem || kept.len != len) {
		free(mem);
		return room(len);
	}
	memset(mem, 0xa5, len);
	return mem;
}

/* ---- setting up ---------------------------------------------------------- */

struct fw_conf lab_conf(void)
{
	struct fw_conf c;

	fw_conf_default(&c);
	c.clients = LAB_PORTS - 1;
	c.ports = LAB_PORTS + 1;
	c.small_n = 512;
	c.large_n = 16;
	c.neighbours = 16;
	c.guard = 8;
	c.nat.flows = 1024;
	memset(c.seed, 1, sizeof(c.seed));
	memset(c.nat.hash_key, 2, sizeof(c.nat.hash_key));
	memset(c.nat.port_seed, 3, sizeof(c.nat.port_seed));
	c.frag.key = (struct pkt_hash_key){ 4, 5 };
	c.frag.datagrams = 64;
	c.frag.bytes = 256 * 1024;
	return c;
}

struct fw_client lab_client(uint16_t n)
{
	struct fw_client c = {
		.kind = FW_QUBE,
		.port = n,
		.mac = mac(n == LAB_A ? LAB_MAC_A : LAB_MAC_B),
		.addr = { addr(n == LAB_A ? LAB_A4 : LAB_B4),
			  addr(n == LAB_A ? LAB_A6 : LAB_B6) },
		.addr_n = 2,
		.gateway4 = addr(LAB_GW4),
		.gateway6 = addr(LAB_GW6),
		.proxy_arp = true,
	};

	memcpy(c.name, n == LAB_A ? "a" : "b", 2);
	if (n != LAB_NET)
		return c;
	return (struct fw_client){
		.name = "net",
		.kind = FW_NETWORK,
		.port = n,
		.net = { prefix("10.9.0.0/24"), prefix("fd10::/64") },
		.net_n = 2,
		.gateway4 = addr(LAB_NETGW4),
		.gateway6 = addr(LAB_NETGW6),
	};
}

struct fw_uplink lab_uplink(void)
{
	return (struct fw_uplink){
		.port = LAB_UPLINK,
		.addr4 = addr(LAB_OUT4),
		.addr6 = addr(LAB_OUT6),
		.gateway4 = addr(LAB_HOP4),
		.gateway6 = addr("fe80::1"),
		.net4 = prefix("192.0.2.0/24"),
		.net6 = prefix("2001:db8:1::/64"),
		.gateway_mac = mac(LAB_MAC_HOP),
		.up = true,
	};
}

static void set_ports(struct lab *l)
{
	int err;

	for (uint16_t n = 0; n < LAB_PORTS; n++) {
		mock_port_init(&l->port[n],
			       n == LAB_UPLINK ? LAB_MAC_OUT : LAB_MAC_OURS,
			       1500, 0);
		err = fw_port_add(l->fw, &l->port[n].port);
		vw_assert(!err && l->port[n].port.id == n);
	}
}

void lab_tell(struct lab *l, uint16_t n)
{
	struct fw_uplink u = lab_uplink();
	struct fw_client c = lab_client(n);
	int err = n == LAB_UPLINK ? fw_uplink_set(l->fw, &u, l->now)
				  : fw_client_set(l->fw, n, &c, l->now);

	vw_assert(!err);
}

static void set_up(struct lab *l)
{
	static const char *const nothing[] = { NULL };
	struct pkt_addr guard = addr(LAB_GUARD4);
	int err;

	set_ports(l);
	lab_tell(l, LAB_UPLINK);
	for (uint16_t n = 1; n < LAB_PORTS; n++) {
		lab_tell(l, n);
		lab_rules(l, n, RULE_IP4, RULE_ACCEPT, nothing);
		lab_rules(l, n, RULE_IP6, RULE_ACCEPT, nothing);
	}
	err = fw_guard_set(l->fw, &guard, 1);
	vw_assert(!err);
}

struct lab *lab_new_with(const struct fw_conf *c)
{
	struct lab *l = calloc(1, sizeof(*l));
	size_t len = fw_size(c);
	int err;

	vw_assert(l);
	l->mem = room_again(len);
	l->len = len;
	l->view = room(view_size(c->clients));
	l->now.ns = 1000 * MONO_S;
	err = fw_init(&l->fw, l->mem, len, c, l->view, l->now);
	vw_assert(!err);
	set_up(l);
	return l;
}

void lab_die(struct lab *l, const struct fw_conf *c)
{
	int err;

	if (l->seen)
		pkt_put(fw_pool(l->fw), l->seen);
	l->seen = NULL;
	for (int n = 0; n < LAB_PORTS; n++) {
		mock_port_clear(&l->port[n], fw_pool(l->fw));
		for (int family = RULE_IP4; family <= RULE_IP6; family++) {
			free(l->rules[n][family]);
			l->rules[n][family] = NULL;
		}
	}
	memset(l->mem, 0x5a, l->len);
	err = fw_init(&l->fw, l->mem, l->len, c, l->view, l->now);
	vw_assert(!err);
	set_ports(l);
}

struct lab *lab_new(void)
{
	struct fw_conf c = lab_conf();

	return lab_new_with(&c);
}

void lab_free(struct lab *l)
{
	uint32_t small_n, large_n;

	fw_tick(l->fw, l->now); /* for pool sizes in the view */
	if (l->seen)
		pkt_put(fw_pool(l->fw), l->seen);
	for (int n = 0; n < LAB_PORTS; n++) {
		fw_port_remove(l->fw, &l->port[n].port, l->now);
		mock_port_clear(&l->port[n], fw_pool(l->fw));
	}
	pkt_pool_free_n(fw_pool(l->fw), &small_n, &large_n);
	vw_assert(small_n == l->view->pool_small);
	vw_assert(large_n == l->view->pool_large);
	for (int n = 0; n < LAB_PORTS; n++) {
		free(l->rules[n][RULE_IP4]);
		free(l->rules[n][RULE_IP6]);
	}
	free(kept.mem);
	kept.mem = l->mem;
	kept.len = l->len;
	free(l->view);
	free(l);
}

/* ---- rules --------------------------------------------------------------- */

static void replace(struct lab *l, uint16_t n, enum rule_family family,
		    const struct ruleset *set)
{
	const struct ruleset *old;
	int err = fw_client_rules(l->fw, n, family, set, &old, l->now);

	vw_assert(!err && old == l->rules[n][family]);
	free(l->rules[n][family]);
	l->rules[n][family] = NULL;
}

void lab_rules(struct lab *l, uint16_t n, enum rule_family family,
	       enum rule_action policy, const char *const *lines)
{
	struct rule rules[16];
	struct rule_error why;
	uint32_t count = 0;
	size_t len, scratch_len, used;
	void *set, *scratch;
	int err;

	for (; lines[count]; count++) {
		err = rule_parse(&rules[count], count, lines[count],
				 strlen(lines[count]), family, &why);
		vw_assert(!err);
	}
	len = ruleset_size(rules, count, NULL);
	scratch_len = ruleset_scratch_size(rules, count, NULL);
	set = room(len);
	scratch = room(scratch_len + 1);
	err = ruleset_build(set, len, &used, family, policy, rules, count, NULL,
			    scratch, scratch_len);
	vw_assert(!err);
	free(scratch);
	replace(l, n, family, set);
	l->rules[n][family] = set;
}

void lab_close(struct lab *l, uint16_t n, enum rule_family family)
{
	replace(l, n, family, NULL);
}

/* ---- frames in and out --------------------------------------------------- */

struct pkt *lab_frame(struct lab *l, int who, const struct frame_spec *s)
{
	static const char *const mac_of[] = { LAB_MAC_HOP, LAB_MAC_A, LAB_MAC_B,
					      LAB_MAC_NET };
	static const char *const addr_of[] = { LAB_SERVER4, LAB_A4, LAB_B4,
					       LAB_NET4 };
	struct frame_spec f = *s;
	struct pkt *p;

	if (!f.src_mac)
		f.src_mac = mac_of[who];
	if (!f.dst_mac)
		f.dst_mac = who == LAB_UPLINK ? LAB_MAC_OUT : LAB_MAC_OURS;
	if (!f.src)
		f.src = addr_of[who];
	if (!f.dst)
		f.dst = who == LAB_UPLINK ? LAB_OUT4 : LAB_SERVER4;
	p = frame_make(fw_pool(l->fw), &f);
	vw_assert(p);
	return p;
}

enum pkt_reason lab_in(struct lab *l, int who, struct pkt *p)
{
	const struct view_client *row = &l->view->client[who];
	int reason = PKT_REASON_NONE;

	memcpy(l->drops[who], row->drop, sizeof(row->drop));
	mock_port_push(&l->port[who], p);
	fw_port_wake(l->fw, &l->port[who].port);
	fw_round(l->fw, PKT_BATCH, l->now);
	for (int i = 1; i < PKT_REASON_N; i++)
		if (row->drop[i] != l->drops[who][i])
			reason = i;
	return (enum pkt_reason)reason;
}

enum pkt_reason lab_send(struct lab *l, int who, const struct frame_spec *s)
{
	return lab_in(l, who, lab_frame(l, who, s));
}

const struct pkt *lab_out(struct lab *l, int who)
{
	struct pkt *p = mock_port_pop(&l->port[who]);

	if (l->seen)
		pkt_put(fw_pool(l->fw), l->seen);
	l->seen = p;
	if (!p)
		return NULL;
	vw_assert(pkt_parse(p) == PKT_FORWARD);
	if (p->l3 != PKT_L3_ARP && !(p->flags & PKT_F_CSUM_PARTIAL))
		vw_assert(frame_sums_ok(p->data, p->len));
	return p;
}

bool lab_silent(struct lab *l)
{
	uint32_t n = 0;

	for (int i = 0; i < LAB_PORTS; i++)
		n += l->port[i].out.n;
	return n == 0;
}

void lab_hush(struct lab *l)
{
	for (int i = 0; i < LAB_PORTS; i++)
		mock_port_clear(&l->port[i], fw_pool(l->fw));
}

void lab_after(struct lab *l, uint64_t ms)
{
	struct mono end = mono_add_ms(l->now, ms);

	while (mono_diff_ms(l->now, end) >= 100) {
		l->now = mono_add_ms(l->now, 100);
		fw_tick(l->fw, l->now);
		fw_flush(l->fw, l->now);
	}
	l->now = end;
}

/* ---- what a frame is ----------------------------------------------------- */

bool lab_is_addr(const struct pkt_addr *a, const char *text)
{
	struct pkt_addr b = addr(text);

	return pkt_addr_eq(a, &b);
}

bool lab_goes(const struct pkt *p, const char *src, const char *dst)
{
	struct pkt_addr s = pkt_src(p), d = pkt_dst(p);

	return lab_is_addr(&s, src) && lab_is_addr(&d, dst);
}

bool lab_eth(const struct pkt *p, const char *src, const char *dst)
{
	struct pkt_mac s = mac(src), d = mac(dst);

	return !memcmp(p->data, d.b, 6) && !memcmp(p->data + 6, s.b, 6);
}

bool lab_is_error(const struct pkt *p, uint8_t type, uint8_t code,
		  const char *src, const char *dst)
{
	struct pkt_quote q;

	return p->kind == PKT_KIND_ICMP_ERROR && p->icmp_type == type &&
	       p->icmp_code == code && pkt_parse_quote(p, &q) &&
	       lab_is_addr(&q.src, src) && lab_is_addr(&q.dst, dst);
}
