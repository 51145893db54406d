/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every reason to drop a packet (PKT_REASONS) is produced here by a frame that
 * goes through the whole path.  A new reason without a way to get it fails.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock/lab.h"
#include "packet/pkt_build.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

static struct lab *l;

/* ---- reasons that one frame gives ---------------------------------------- */

/*
 * Frame @s from @who; then 16 bits at offset @at become @value, the checksums
 * are mended when @fix, and all behind @cut bytes goes.
 */
struct one_frame {
	enum pkt_reason reason;
	int who;
	struct frame_spec s;
	uint16_t at, value, cut;
	bool fix;
};

#define ETH_TYPE_AT 12
#define IP_AT 14
#define L4_AT 34
#define L4_AT6 54

static const struct one_frame frames[] = {
	{ PKT_REASON_RUNT, LAB_A, .cut = 13 },
	{ PKT_REASON_ETH_VLAN, LAB_A, .at = ETH_TYPE_AT, .value = 0x8100 },
	{ PKT_REASON_ETH_LLC, LAB_A, .at = ETH_TYPE_AT, .value = 0x0100 },
	{ PKT_REASON_ETH_TYPE, LAB_A, .at = ETH_TYPE_AT, .value = 0x88cc },
	{ PKT_REASON_ETH_SRC, LAB_A, { .src_mac = LAB_MAC_B } },
	{ PKT_REASON_ETH_DST, LAB_A, { .dst_mac = LAB_MAC_B } },
	{ PKT_REASON_ETH_MCAST, LAB_A, { .dst_mac = LAB_GROUP } },
	{ PKT_REASON_IP_SHORT, LAB_A, .cut = IP_AT + 19 },
	{ PKT_REASON_IP_VERSION, LAB_A, .at = IP_AT, .value = 0x6500 },
	{ PKT_REASON_IP_HLEN, LAB_A, .at = IP_AT, .value = 0x4400 },
	{ PKT_REASON_IP_LEN, LAB_A, .at = IP_AT + 2, .value = 0xffff },
	{ PKT_REASON_IP_CSUM, LAB_A, .at = IP_AT + 10, .value = 0x1234 },
	{ PKT_REASON_IP_OPTION, LAB_A, { .ip_options = "8307040a000001" } },
	{ PKT_REASON_IP6_EXT,
	  LAB_A,
	  { .src = LAB_A6,
	    .dst = LAB_SERVER6,
	    .ext_type = IP_EXPERIMENT1,
	    .ext = "0000000000000000" } },
	{ PKT_REASON_IP6_ROUTING,
	  LAB_A,
	  { .src = LAB_A6,
	    .dst = LAB_SERVER6,
	    .ext_type = IP_ROUTING,
	    .ext = "0000000000000000" } },
	{ PKT_REASON_MARTIAN_SRC, LAB_A, { .src = "127.0.0.1" } },
	{ PKT_REASON_MARTIAN_DST, LAB_A, { .dst = "127.0.0.1" } },
	{ PKT_REASON_LAND, LAB_A, { .dst = LAB_A4 } },
	{ PKT_REASON_MULTICAST, LAB_A, { .dst = "224.0.0.251" } },
	{ PKT_REASON_SPOOF_CLIENT, LAB_A, { .src = LAB_B4 } },
	{ PKT_REASON_SPOOF_UPLINK, LAB_UPLINK, { .src = LAB_A4 } },
	{ PKT_REASON_DST_INSIDE, LAB_UPLINK, { .dst = LAB_A4 } },
	{ PKT_REASON_L4_SHORT,
	  LAB_A,
	  { .proto = IP_UDP, .raw = true, .payload_len = 7 } },
	{ PKT_REASON_UDP_LEN, LAB_A, .at = L4_AT + 4, .value = 7, .fix = true },
	{ PKT_REASON_UDP_CSUM0,
	  LAB_A,
	  { .src = LAB_A6, .dst = LAB_SERVER6, .udp_csum_none = true } },
	{ PKT_REASON_TCP_HLEN,
	  LAB_A,
	  { .proto = IP_TCP },
	  .at = L4_AT + 12,
	  .value = 0xf010,
	  .fix = true },
	{ PKT_REASON_TCP_FLAGS,
	  LAB_A,
	  { .proto = IP_TCP, .flags = TCP_SYN | TCP_FIN } },
	{ PKT_REASON_ICMP_CSUM,
	  LAB_A,
	  { .proto = IP_ICMP },
	  .at = L4_AT + 2,
	  .value = 0x1234 },
	{ PKT_REASON_ICMP_TYPE,
	  LAB_A,
	  { .proto = IP_ICMP, .type = 9, .payload_len = 8 } },
	{ PKT_REASON_PORT_ZERO, LAB_A, .at = L4_AT + 2, .value = 0,
	  .fix = true },
	{ PKT_REASON_PROTO,
	  LAB_A,
	  { .proto = 47, .raw = true, .payload_len = 8 } },
	{ PKT_REASON_GSO_BAD,
	  LAB_A,
	  { .proto = IP_UDP, .gso_size = 500, .payload_len = 900 } },
	{ PKT_REASON_FRAG_BAD, LAB_A, { .mf = true, .payload_len = 501 } },
	{ PKT_REASON_FRAG_TINY,
	  LAB_A,
	  { .proto = IP_TCP, .frag_off = 8, .payload_len = 8 } },
	{ PKT_REASON_TTL, LAB_A, { .ttl = 1 } },
	{ PKT_REASON_MTU, LAB_A, { .df = true, .payload_len = 1600 } },
	{ PKT_REASON_CLIENT_TO_CLIENT, LAB_A, { .dst = LAB_B4 } },
	{ PKT_REASON_HAIRPIN, LAB_A, { .dst = LAB_OUT4 } },
	{ PKT_REASON_TO_SELF, LAB_A, { .dst = LAB_GW4 } },
	{ PKT_REASON_NO_FLOW, LAB_UPLINK, { 0 } },
	{ PKT_REASON_NOT_SYN, LAB_A, { .proto = IP_TCP } },
};

static enum pkt_reason run_frame(const struct one_frame *c)
{
	struct pkt *p = lab_frame(l, c->who, &c->s);

	if (c->at)
		be16_set(p->data + c->at, c->value);
	if (c->fix)
		frame_fix(p->data, p->len);
	if (c->cut)
		p->len = c->cut;
	return lab_in(l, c->who, p);
}

/* ---- reasons that need more than one frame ------------------------------- */

static const char *const nothing[] = { NULL };

static enum pkt_reason from_a(struct frame_spec s)
{
	return lab_send(l, LAB_A, &s);
}

static bool counted(int who, enum pkt_reason reason)
{
	return l->view->client[who].drop[reason] > 0;
}

static enum pkt_reason ip6_off(void)
{
	struct fw_client c = lab_client(LAB_A);

	c.addr_n = 1;
	if (fw_client_set(l->fw, LAB_A, &c, l->now))
		return PKT_REASON_NONE;
	return from_a((struct frame_spec){ .src = LAB_A6, .dst = LAB_SERVER6 });
}

static enum pkt_reason frag_overlap(void)
{
	from_a((struct frame_spec){ .mf = true, .id = 1, .payload_len = 504 });
	return from_a((struct frame_spec){
		.mf = true, .id = 1, .frag_off = 8, .payload_len = 504 });
}

static enum pkt_reason frag_limit(void)
{
	enum pkt_reason why = PKT_REASON_NONE;

	for (uint16_t id = 1; id < 1000 && why == PKT_REASON_NONE; id++)
		why = from_a((struct frame_spec){
			.mf = true, .id = id, .payload_len = 504 });
	return why;
}

static enum pkt_reason frag_timeout(void)
{
	from_a((struct frame_spec){ .mf = true, .payload_len = 504 });
	lab_after(l, 40000);
	return counted(LAB_A, PKT_REASON_FRAG_TIMEOUT) ? PKT_REASON_FRAG_TIMEOUT
						       : PKT_REASON_NONE;
}

static enum pkt_reason arp(uint16_t op, const char *spa)
{
	return lab_in(l, LAB_A,
		      frame_arp(fw_pool(l->fw),
				&(struct frame_arp){ .src_mac = LAB_MAC_A,
						     .op = op,
						     .spa = spa,
						     .tpa = LAB_GW4 }));
}

static enum pkt_reason arp_bad(void)
{
	return arp(1, LAB_B4);
}

static enum pkt_reason arp_ignored(void)
{
	return arp(2, LAB_A4);
}

static enum pkt_reason nd(const char *src, const char *target)
{
	return lab_in(
		l, LAB_A,
		frame_nd(fw_pool(l->fw),
			 &(struct frame_nd){ .ip = { .src_mac = LAB_MAC_A,
						     .dst_mac = LAB_MAC_OURS,
						     .src = src,
						     .dst = LAB_GW6 },
					     .target = target }));
}

static enum pkt_reason nd_bad(void)
{
	return nd(LAB_B6, LAB_GW6);
}

static enum pkt_reason nd_ignored(void)
{
	return nd(LAB_A6, LAB_A6);
}

static enum pkt_reason closed(void)
{
	lab_close(l, LAB_A, RULE_IP4);
	return from_a((struct frame_spec){ 0 });
}

static enum pkt_reason rule(void)
{
	static const char *const no_udp[] = { "action=drop proto=udp", NULL };

	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_udp);
	return from_a((struct frame_spec){ 0 });
}

static enum pkt_reason policy(void)
{
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, nothing);
	return from_a((struct frame_spec){ 0 });
}

static enum pkt_reason rules_bad(void)
{
	void *mem = aligned_alloc(RULESET_ALIGN, RULESET_CLOSED_SIZE);
	const struct ruleset *old;
	size_t used;

	if (ruleset_build_closed(mem, RULESET_CLOSED_SIZE, &used, RULE_IP4) ||
	    fw_client_rules(l->fw, LAB_A, RULE_IP4, mem, &old, l->now))
		return PKT_REASON_NONE;
	free(l->rules[LAB_A][RULE_IP4]);
	l->rules[LAB_A][RULE_IP4] = mem;
	return from_a((struct frame_spec){ 0 });
}

/* What the path itself never asks of the core: @want for UDP of A, then B. */
static enum pkt_reason asked_of_the_core(const struct nat_want *want)
{
	struct nat_hit hit = { 0 };
	enum pkt_reason why = PKT_REASON_NONE;

	for (uint16_t n = LAB_A; n <= LAB_B; n++) {
		struct pkt *p =
			lab_frame(l, n, &(struct frame_spec){ .sport = 1 });

		if (pkt_parse(p) != PKT_FORWARD ||
		    nat_add(fw_nat(l->fw), p, n, want, &hit, l->now) !=
			    PKT_FORWARD)
			why = (enum pkt_reason)p->reason;
		pkt_put(fw_pool(l->fw), p);
	}
	return why;
}

/* A certain outside port, as a port forward would. */
static enum pkt_reason overlap(void)
{
	return asked_of_the_core(&(struct nat_want){
		.mode = NAT_MASQUERADE,
		.outside_port = 7777,
		.outside = lab_uplink().addr4,
	});
}

static enum pkt_reason cannot_nat(void)
{
	return asked_of_the_core(&(struct nat_want){
		.mode = NAT_MASQUERADE,
		.outside = lab_uplink().addr6,
	});
}

/* A lab with other limits in place of the one that is there. */
static void other_lab(const struct fw_conf *c)
{
	lab_free(l);
	l = lab_new_with(c);
}

static enum pkt_reason flows_until_refused(const struct fw_conf *c)
{
	enum pkt_reason why = PKT_REASON_NONE;

	other_lab(c);
	for (uint16_t port = 1; port < 5000 && why == PKT_REASON_NONE; port++) {
		why = from_a((struct frame_spec){
			.proto = IP_TCP, .flags = TCP_SYN, .sport = port });
		lab_hush(l);
	}
	return why;
}

/* Makes the flow that A just opened an established one: it is not evicted. */
static void establish(uint16_t port)
{
	const struct pkt *p = lab_out(l, LAB_UPLINK);

	if (!p)
		return;
	lab_send(l, LAB_UPLINK,
		 &(struct frame_spec){ .proto = IP_TCP,
				       .sport = 80,
				       .dport = p->sport,
				       .seq = 1,
				       .ack = 1,
				       .flags = TCP_SYN | TCP_ACK });
	from_a((struct frame_spec){
		.proto = IP_TCP, .sport = port, .seq = 1, .ack = 2 });
	lab_hush(l);
}

static enum pkt_reason connections_until_refused(const struct fw_conf *c)
{
	enum pkt_reason why = PKT_REASON_NONE;

	other_lab(c);
	for (uint16_t port = 1; port < 5000 && why == PKT_REASON_NONE; port++) {
		why = from_a((struct frame_spec){
			.proto = IP_TCP, .flags = TCP_SYN, .sport = port });
		establish(port);
	}
	return why;
}

static enum pkt_reason nat_quota(void)
{
	struct fw_conf c = lab_conf();

	c.nat.quota.flows = 8;
	return connections_until_refused(&c);
}

static enum pkt_reason nat_full(void)
{
	struct fw_conf c = lab_conf();

	c.nat.flows = 16;
	c.nat.quota.flows = 1000;
	c.nat.quota.ports = 1000;
	return connections_until_refused(&c);
}

static enum pkt_reason nat_ports(void)
{
	struct fw_conf c = lab_conf();

	c.nat.port_hi = (uint16_t)(c.nat.port_lo + 3);
	c.nat.quota.ports = 1000;
	return connections_until_refused(&c);
}

static enum pkt_reason nat_rate(void)
{
	struct fw_conf c = lab_conf();

	c.nat.quota.new_burst = 5;
	c.nat.quota.new_per_s = 1;
	return flows_until_refused(&c);
}

static enum pkt_reason tcp_window(void)
{
	from_a((struct frame_spec){ .proto = IP_TCP, .flags = TCP_SYN });
	establish(40000);
	return from_a((struct frame_spec){
		.proto = IP_TCP, .seq = 0x40000000, .ack = 2 });
}

static enum pkt_reason tcp_state(void)
{
	from_a((struct frame_spec){ .proto = IP_TCP, .flags = TCP_SYN });
	return from_a((struct frame_spec){ .proto = IP_TCP, .seq = 1 });
}

/* About the connection, but a segment that was never sent. */
static enum pkt_reason icmp_quote(void)
{
	struct frame_spec inner = { .src = LAB_OUT4,
				    .dst = LAB_SERVER4,
				    .proto = IP_TCP,
				    .dport = 80,
				    .seq = 0x40000000 };
	const struct pkt *p;

	from_a((struct frame_spec){ .proto = IP_TCP, .flags = TCP_SYN });
	p = lab_out(l, LAB_UPLINK);
	if (!p)
		return PKT_REASON_NONE;
	inner.sport = p->sport;
	return lab_send(l, LAB_UPLINK,
			&(struct frame_spec){ .proto = IP_ICMP,
					      .type = ICMP_UNREACH,
					      .code = 1,
					      .quote = &inner });
}

static enum pkt_reason no_uplink(void)
{
	struct fw_uplink u = lab_uplink();

	u.up = false;
	if (fw_uplink_set(l->fw, &u, l->now))
		return PKT_REASON_NONE;
	return from_a((struct frame_spec){ 0 });
}

static enum pkt_reason no_resolver(void)
{
	struct fw_dns d = { .virt_n = 1 };

	if (pkt_addr_parse(&d.virt[0], LAB_SERVER4, strlen(LAB_SERVER4)) ||
	    fw_dns_set(l->fw, &d))
		return PKT_REASON_NONE;
	return from_a((struct frame_spec){ .dport = 53 });
}

static enum pkt_reason no_neigh(void)
{
	struct fw_uplink u = lab_uplink();

	memset(&u.gateway4, 0, sizeof(u.gateway4));
	memset(&u.gateway_mac, 0, sizeof(u.gateway_mac));
	if (fw_uplink_set(l->fw, &u, l->now))
		return PKT_REASON_NONE;
	return from_a((struct frame_spec){ 0 });
}

static enum pkt_reason pool_empty(void)
{
	static struct pkt *got[600];
	struct pkt *p = lab_frame(l, LAB_A,
				  &(struct frame_spec){ .payload_len = 1400 });
	uint32_t n = 0;

	l->port[LAB_UPLINK].port.mtu = 600;
	while ((got[n] = pkt_get(fw_pool(l->fw), 100)) != NULL)
		n++;
	lab_in(l, LAB_A, p);
	while (n)
		pkt_put(fw_pool(l->fw), got[--n]);
	return counted(LAB_UPLINK, PKT_REASON_POOL_EMPTY)
		       ? PKT_REASON_POOL_EMPTY
		       : PKT_REASON_NONE;
}

/* A frame that the port of A could not take in. */
static enum pkt_reason lost(const struct port_stats *how,
			    enum pkt_reason reason)
{
	l->port[LAB_A].loses = *how;
	fw_round(l->fw, 64, l->now);
	return counted(LAB_A, reason) ? reason : PKT_REASON_NONE;
}

static enum pkt_reason link_bad(void)
{
	return lost(&(struct port_stats){ .recv_dropped = 1 },
		    PKT_REASON_LINK_BAD);
}

static enum pkt_reason in_queue(void)
{
	return lost(&(struct port_stats){ .recv_dropped = 1,
					  .recv_overrun = 1 },
		    PKT_REASON_IN_QUEUE);
}

static enum pkt_reason out_queue(void)
{
	l->port[LAB_UPLINK].room = 0;
	from_a((struct frame_spec){ 0 });
	return counted(LAB_UPLINK, PKT_REASON_OUT_QUEUE) ? PKT_REASON_OUT_QUEUE
							 : PKT_REASON_NONE;
}

static enum pkt_reason send_failed(void)
{
	l->port[LAB_UPLINK].send_err = -EIO;
	from_a((struct frame_spec){ 0 });
	return counted(LAB_UPLINK, PKT_REASON_SEND_FAILED)
		       ? PKT_REASON_SEND_FAILED
		       : PKT_REASON_NONE;
}

static enum pkt_reason port_down(void)
{
	struct fw_client c = lab_client(LAB_B);

	c.port = UINT16_MAX;
	if (fw_client_set(l->fw, LAB_B, &c, l->now) ||
	    fw_pairs_set(l->fw, &(struct fw_pair){ LAB_A, LAB_B }, 1))
		return PKT_REASON_NONE;
	return from_a((struct frame_spec){ .dst = LAB_B4 });
}

static enum pkt_reason profile(void)
{
	struct profiles_rule rule = { .profile = "p" };
	const struct profiles_in in = { .rule = &rule, .rule_n = 1 };
	static _Alignas(PROFILES_ALIGN) uint8_t mem[1024];
	struct fw_client c = lab_client(LAB_A);
	struct profile_error e;
	uint32_t order, tmp, bad;
	size_t used;

	if (profile_parse(&rule.text, "action=drop", 11, &e) ||
	    profiles_build(mem, &used, &in, &order, &tmp, &bad))
		return PKT_REASON_NONE;
	memcpy(c.profile, "p", 2);
	(void)fw_profiles_set(l->fw, profiles_check(mem, used), NULL, 0);
	if (fw_client_set(l->fw, LAB_A, &c, l->now))
		return PKT_REASON_NONE;
	return from_a((struct frame_spec){ 0 });
}

static enum pkt_reason (*const stories[PKT_REASON_N])(void) = {
	[PKT_REASON_IP6_OFF] = ip6_off,
	[PKT_REASON_FRAG_OVERLAP] = frag_overlap,
	[PKT_REASON_FRAG_LIMIT] = frag_limit,
	[PKT_REASON_FRAG_TIMEOUT] = frag_timeout,
	[PKT_REASON_ARP_BAD] = arp_bad,
	[PKT_REASON_ARP_IGNORED] = arp_ignored,
	[PKT_REASON_ND_BAD] = nd_bad,
	[PKT_REASON_ND_IGNORED] = nd_ignored,
	[PKT_REASON_CLOSED] = closed,
	[PKT_REASON_RULE] = rule,
	[PKT_REASON_POLICY] = policy,
	[PKT_REASON_PROFILE] = profile,
	[PKT_REASON_RULES_BAD] = rules_bad,
	[PKT_REASON_OVERLAP] = overlap,
	[PKT_REASON_CANNOT_NAT] = cannot_nat,
	[PKT_REASON_NAT_FULL] = nat_full,
	[PKT_REASON_NAT_QUOTA] = nat_quota,
	[PKT_REASON_NAT_PORTS] = nat_ports,
	[PKT_REASON_NAT_RATE] = nat_rate,
	[PKT_REASON_TCP_WINDOW] = tcp_window,
	[PKT_REASON_TCP_STATE] = tcp_state,
	[PKT_REASON_ICMP_QUOTE] = icmp_quote,
	[PKT_REASON_NO_UPLINK] = no_uplink,
	[PKT_REASON_NO_RESOLVER] = no_resolver,
	[PKT_REASON_NO_NEIGH] = no_neigh,
	[PKT_REASON_POOL_EMPTY] = pool_empty,
	[PKT_REASON_LINK_BAD] = link_bad,
	[PKT_REASON_IN_QUEUE] = in_queue,
	[PKT_REASON_OUT_QUEUE] = out_queue,
	[PKT_REASON_SEND_FAILED] = send_failed,
	[PKT_REASON_PORT_DOWN] = port_down,
};

/* ---- the loop ------------------------------------------------------------ */

static bool produced(enum pkt_reason reason)
{
	enum pkt_reason got = PKT_REASON_NONE;

	l = lab_new();
	if (stories[reason])
		got = stories[reason]();
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		if (frames[i].reason == reason)
			got = run_frame(&frames[i]);
	lab_free(l);
	if (got != reason)
		printf("\n    %s: got %s\n", pkt_reason_name(reason),
		       pkt_reason_name(got));
	return got == reason;
}

static void every_reason_is_produced_by_a_frame(void)
{
	for (int i = PKT_REASON_NONE + 1; i < PKT_REASON_N; i++)
		CU_ASSERT_TRUE(produced((enum pkt_reason)i));
}

UNIT_SUITE(reasons, UNIT(every_reason_is_produced_by_a_frame))
