/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Odd packets, one case each: what it is, why it was counted, what came back
 * and whether it went on.  A new lab for each, in which clients may do
 * everything.
 */
#include <string.h>

#include "mock/lab.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "unit.h"

enum outcome {
	SILENCE, /* nothing leaves anywhere */
	PASSES,	 /* one packet leaves on the other side */
	ERROR,	 /* an ICMP error goes back: .type, .code */
	RESET,	 /* a TCP RST goes back */
	ANSWER,	 /* something else goes back */
};

struct odd {
	const char *what;
	int who;
	struct frame_spec s;
	/* then: 16 bits at an offset, mended checksums, the end cut off */
	uint16_t at, value;
	bool fix;
	uint16_t cut;

	enum pkt_reason reason;
	enum outcome outcome;
	uint8_t type, code;
};

#define IP_AT 14
#define L4_AT 34

static struct lab *l;

static int left_by(int who)
{
	return (int)l->port[who].out.n;
}

static bool as_expected(const struct odd *o)
{
	int other = o->who == LAB_UPLINK ? LAB_A : LAB_UPLINK;
	const struct pkt *p;

	switch (o->outcome) {
	case SILENCE:
		return lab_silent(l);
	case PASSES:
		return left_by(other) == 1 && left_by(o->who) == 0;
	case ERROR:
		p = lab_out(l, o->who);
		return p && lab_silent(l) && p->kind == PKT_KIND_ICMP_ERROR &&
		       p->icmp_type == o->type && p->icmp_code == o->code;
	case RESET:
		p = lab_out(l, o->who);
		return p && lab_silent(l) && p->kind == PKT_KIND_TCP &&
		       p->tcp_flags & TCP_RST;
	case ANSWER:
		return left_by(o->who) == 1 && left_by(other) == 0;
	}
	return false;
}

static void run(const struct odd *o, size_t n)
{
	for (; n; o++, n--) {
		struct pkt *p;
		enum pkt_reason why;
		bool ok;

		l = lab_new();
		p = lab_frame(l, o->who, &o->s);
		if (o->at)
			be16_set(p->data + o->at, o->value);
		if (o->fix)
			frame_fix(p->data, p->len);
		if (o->cut)
			p->len = o->cut;
		why = lab_in(l, o->who, p);
		ok = why == o->reason && as_expected(o);
		if (!ok)
			printf("\n    %s: %s\n", o->what, pkt_reason_name(why));
		CU_ASSERT_TRUE(ok);
		lab_free(l);
	}
}

#define RUN(cases) run(cases, sizeof(cases) / sizeof((cases)[0]))

/* ---- TCP ----------------------------------------------------------------- */

static void segments_of_scanners_and_of_old_bugs(void)
{
	static const struct odd cases[] = {
		{ "null scan",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_PSH },
		  .at = L4_AT + 12,
		  .value = 0x5000,
		  .fix = true,
		  .reason = PKT_REASON_TCP_FLAGS },
		{ "xmas scan",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_FIN | TCP_PSH | TCP_URG },
		  .reason = PKT_REASON_TCP_FLAGS },
		{ "SYN and FIN (CVE-2012-2663)",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_SYN | TCP_FIN },
		  .reason = PKT_REASON_TCP_FLAGS },
		{ "SYN and RST",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_SYN | TCP_RST },
		  .reason = PKT_REASON_TCP_FLAGS },
		{ "SYN with ECE and CWR (CVE-2001-0183)",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_SYN | TCP_ECE | TCP_CWR },
		  .outcome = PASSES },
		{ "SYN with data",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_SYN, .payload_len = 100 },
		  .outcome = PASSES },
		{ "SYN+ACK of nobody's connection",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_SYN | TCP_ACK },
		  .reason = PKT_REASON_NOT_SYN,
		  .outcome = RESET },
		{ "FIN+ACK of nobody's connection",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_FIN | TCP_ACK },
		  .reason = PKT_REASON_NOT_SYN,
		  .outcome = RESET },
		{ "RST of nobody's connection",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_RST },
		  .reason = PKT_REASON_NOT_SYN },
		{ "header longer than the segment",
		  LAB_A,
		  { .proto = IP_TCP },
		  .at = L4_AT + 12,
		  .value = 0xf010,
		  .fix = true,
		  .reason = PKT_REASON_TCP_HLEN },
		{ "header shorter than any",
		  LAB_A,
		  { .proto = IP_TCP },
		  .at = L4_AT + 12,
		  .value = 0x4010,
		  .fix = true,
		  .reason = PKT_REASON_TCP_HLEN },
		{ "option of length 0",
		  LAB_A,
		  { .proto = IP_TCP,
		    .flags = TCP_SYN,
		    .tcp_options = "02000000" },
		  .outcome = PASSES },
		{ "SYN from outside",
		  LAB_UPLINK,
		  { .proto = IP_TCP, .flags = TCP_SYN },
		  .reason = PKT_REASON_NO_FLOW },
		{ "ACK from outside",
		  LAB_UPLINK,
		  { .proto = IP_TCP },
		  .reason = PKT_REASON_NO_FLOW },
		{ "port 0",
		  LAB_A,
		  { .proto = IP_TCP, .flags = TCP_SYN },
		  .at = L4_AT + 2,
		  .value = 0,
		  .fix = true,
		  .reason = PKT_REASON_PORT_ZERO },
	};

	RUN(cases);
}

/* ---- UDP and what clients shout ------------------------------------------ */

static void datagrams(void)
{
	static const struct odd cases[] = {
		{ "no payload",
		  LAB_A,
		  { .payload = "", .payload_len = 0 },
		  .outcome = PASSES },
		{ "no checksum",
		  LAB_A,
		  { .udp_csum_none = true },
		  .outcome = PASSES },
		{ "length of more than there is",
		  LAB_A,
		  { .payload_len = 8 },
		  .at = L4_AT + 4,
		  .value = 17,
		  .fix = true,
		  .reason = PKT_REASON_UDP_LEN },
		{ "DHCP discover",
		  LAB_A,
		  { .src = "0.0.0.0",
		    .dst = "255.255.255.255",
		    .dst_mac = LAB_GROUP,
		    .sport = 68,
		    .dport = 67 },
		  .reason = PKT_REASON_MARTIAN_SRC },
		{ "DHCP renewal to the gateway",
		  LAB_A,
		  { .dst = LAB_GW4, .sport = 68, .dport = 67 },
		  .reason = PKT_REASON_TO_SELF,
		  .outcome = ERROR,
		  .type = 3,
		  .code = 10 },
		{ "mDNS",
		  LAB_A,
		  { .dst = "224.0.0.251",
		    .dst_mac = "01:00:5e:00:00:fb",
		    .dport = 5353,
		    .payload_len = 607 },
		  .reason = PKT_REASON_MULTICAST },
		{ "SSDP",
		  LAB_A,
		  { .dst = "239.255.255.250",
		    .dst_mac = "01:00:5e:7f:ff:fa",
		    .dport = 1900 },
		  .reason = PKT_REASON_MULTICAST },
		{ "NetBIOS name to the broadcast address",
		  LAB_A,
		  { .dst = "255.255.255.255",
		    .dst_mac = LAB_GROUP,
		    .dport = 137 },
		  .reason = PKT_REASON_MULTICAST },
		{ "smurf: ping of the uplink's broadcast",
		  LAB_A,
		  { .dst = "192.0.2.255", .proto = IP_ICMP },
		  .reason = PKT_REASON_MULTICAST },
		{ "fraggle from outside",
		  LAB_UPLINK,
		  { .dst = "192.0.2.255", .dst_mac = LAB_GROUP, .dport = 7 },
		  .reason = PKT_REASON_ETH_MCAST },
		{ "DNS to the gateway",
		  LAB_A,
		  { .dst = LAB_GW4, .dport = 53 },
		  .reason = PKT_REASON_TO_SELF,
		  .outcome = ERROR,
		  .type = 3,
		  .code = 10 },
		{ "traceroute, first hop",
		  LAB_A,
		  { .ttl = 1, .dport = 33434 },
		  .reason = PKT_REASON_TTL,
		  .outcome = ERROR,
		  .type = 11 },
		{ "TTL 2", LAB_A, { .ttl = 2 }, .outcome = PASSES },
	};

	RUN(cases);
}

/* ---- IPv4 headers -------------------------------------------------------- */

static void headers(void)
{
	static const struct odd cases[] = {
		{ "14 bytes and no more",
		  LAB_A,
		  { 0 },
		  .cut = 14,
		  .reason = PKT_REASON_IP_SHORT },
		{ "IPv6 that calls itself IPv4",
		  LAB_A,
		  { .src = LAB_A6, .dst = LAB_SERVER6 },
		  .at = 12,
		  .value = 0x0800,
		  .reason = PKT_REASON_IP_VERSION },
		{ "loose source route",
		  LAB_A,
		  { .ip_options = "830704c0000201" },
		  .reason = PKT_REASON_IP_OPTION },
		{ "strict source route",
		  LAB_A,
		  { .ip_options = "890704c0000201" },
		  .reason = PKT_REASON_IP_OPTION },
		{ "record route",
		  LAB_A,
		  { .ip_options = "07070400000000" },
		  .reason = PKT_REASON_IP_OPTION },
		{ "router alert",
		  LAB_A,
		  { .ip_options = "94040000" },
		  .reason = PKT_REASON_IP_OPTION },
		{ "option of length 0",
		  LAB_A,
		  { .ip_options = "44000000" },
		  .reason = PKT_REASON_IP_OPTION },
		{ "option past the header",
		  LAB_A,
		  { .ip_options = "44ff0000" },
		  .reason = PKT_REASON_IP_OPTION },
		{ "nothing but fillers",
		  LAB_A,
		  { .ip_options = "01010100" },
		  .outcome = PASSES },
		{ "checksum wrong",
		  LAB_A,
		  { 0 },
		  .at = IP_AT + 10,
		  .value = 0xdead,
		  .reason = PKT_REASON_IP_CSUM },
		{ "reserved flag bit",
		  LAB_A,
		  { 0 },
		  .at = IP_AT + 6,
		  .value = 0x8000,
		  .fix = true,
		  .outcome = PASSES },
		{ "6in4",
		  LAB_A,
		  { .proto = 41, .raw = true, .payload_len = 40 },
		  .reason = PKT_REASON_PROTO,
		  .outcome = ERROR,
		  .type = 3,
		  .code = 13 },
		{ "IP in IP",
		  LAB_A,
		  { .proto = 4, .raw = true, .payload_len = 40 },
		  .reason = PKT_REASON_PROTO,
		  .outcome = ERROR,
		  .type = 3,
		  .code = 13 },
		{ "IGMP report",
		  LAB_A,
		  { .dst = "224.0.0.22",
		    .dst_mac = "01:00:5e:00:00:16",
		    .proto = 2,
		    .raw = true,
		    .payload_len = 16 },
		  .reason = PKT_REASON_MULTICAST },
		{ "GRE from outside",
		  LAB_UPLINK,
		  { .proto = 47, .raw = true, .payload_len = 40 },
		  .reason = PKT_REASON_PROTO },
		{ "LAND",
		  LAB_A,
		  { .dst = LAB_A4, .proto = IP_TCP, .flags = TCP_SYN },
		  .reason = PKT_REASON_LAND },
	};

	RUN(cases);
}

/* ---- ICMP ---------------------------------------------------------------- */

static void icmp(void)
{
	static const struct frame_spec mine = { .src = LAB_SERVER4,
						.dst = LAB_A4 };
	static const struct frame_spec others = { .src = LAB_SERVER4,
						  .dst = LAB_B4 };
	static const struct frame_spec outside = { .src = LAB_OUT4,
						   .dst = LAB_SERVER4 };
	static const struct odd cases[] = {
		{ "redirect from the uplink",
		  LAB_UPLINK,
		  { .proto = IP_ICMP, .type = 5, .code = 1, .quote = &outside },
		  .reason = PKT_REASON_ICMP_TYPE },
		{ "redirect from a client",
		  LAB_A,
		  { .proto = IP_ICMP, .type = 5, .code = 1, .quote = &mine },
		  .reason = PKT_REASON_ICMP_TYPE },
		{ "source quench",
		  LAB_UPLINK,
		  { .proto = IP_ICMP, .type = 4, .quote = &outside },
		  .reason = PKT_REASON_ICMP_TYPE },
		{ "router advertisement",
		  LAB_UPLINK,
		  { .proto = IP_ICMP, .type = 9, .payload_len = 8 },
		  .reason = PKT_REASON_ICMP_TYPE },
		{ "ping from outside",
		  LAB_UPLINK,
		  { .proto = IP_ICMP },
		  .reason = PKT_REASON_NO_FLOW },
		{ "echo reply nobody waits for",
		  LAB_UPLINK,
		  { .proto = IP_ICMP, .type_zero = true },
		  .reason = PKT_REASON_NO_FLOW },
		{ "echo reply from a client",
		  LAB_A,
		  { .proto = IP_ICMP, .type_zero = true },
		  .reason = PKT_REASON_NO_FLOW },
		{ "error about no flow",
		  LAB_UPLINK,
		  { .proto = IP_ICMP, .type = 3, .code = 3, .quote = &outside },
		  .reason = PKT_REASON_ICMP_QUOTE },
		{ "error of a client about no flow",
		  LAB_A,
		  { .proto = IP_ICMP, .type = 3, .code = 3, .quote = &mine },
		  .reason = PKT_REASON_ICMP_QUOTE },
		{ "error of a client about somebody else",
		  LAB_A,
		  { .proto = IP_ICMP, .type = 3, .code = 3, .quote = &others },
		  .reason = PKT_REASON_ICMP_QUOTE },
		{ "error that quotes 4 bytes",
		  LAB_UPLINK,
		  { .proto = IP_ICMP,
		    .type = 3,
		    .code = 3,
		    .quote = &outside,
		    .quote_len = 4 },
		  .reason = PKT_REASON_ICMP_QUOTE },
		{ "timestamp question from outside",
		  LAB_UPLINK,
		  { .proto = IP_ICMP, .type = 13, .payload_len = 12 },
		  .reason = PKT_REASON_ICMP_TYPE },
		{ "timestamp question of a client",
		  LAB_A,
		  { .proto = IP_ICMP, .type = 13, .payload_len = 12 },
		  .outcome = PASSES },
		{ "checksum wrong",
		  LAB_A,
		  { .proto = IP_ICMP },
		  .at = L4_AT + 2,
		  .value = 0xbeef,
		  .reason = PKT_REASON_ICMP_CSUM },
		{ "ping of the gateway",
		  LAB_A,
		  { .dst = LAB_GW4, .proto = IP_ICMP },
		  .outcome = ANSWER },
	};

	RUN(cases);
}

/* ---- fragments ----------------------------------------------------------- */

static void fragments(void)
{
	static const struct odd cases[] = {
		{ "first piece without the TCP header",
		  LAB_A,
		  { .proto = IP_TCP,
		    .mf = true,
		    .raw = true,
		    .payload_len = 16 },
		  .reason = PKT_REASON_FRAG_TINY },
		{ "TCP from offset 8 (RFC 3128)",
		  LAB_A,
		  { .proto = IP_TCP, .frag_off = 8, .payload_len = 64 },
		  .reason = PKT_REASON_FRAG_TINY },
		{ "ping of death",
		  LAB_A,
		  { .proto = IP_ICMP, .frag_off = 65528, .payload_len = 400 },
		  .reason = PKT_REASON_FRAG_BAD },
		{ "piece of 7 bytes and more to come",
		  LAB_A,
		  { .frag_off = 800, .mf = true, .payload_len = 7 },
		  .reason = PKT_REASON_FRAG_BAD },
		{ "piece of nothing",
		  LAB_A,
		  { .frag_off = 800, .payload = "", .payload_len = 0 },
		  .reason = PKT_REASON_FRAG_BAD },
		{ "a piece alone waits",
		  LAB_A,
		  { .mf = true, .payload_len = 504 } },
		{ "a later piece for the gateway waits as well",
		  LAB_A,
		  { .dst = LAB_GW4, .frag_off = 800, .payload_len = 8 } },
		{ "a piece for another client's address",
		  LAB_UPLINK,
		  { .dst = LAB_A4, .mf = true, .payload_len = 504 },
		  .reason = PKT_REASON_DST_INSIDE },
		{ "a piece of the broadcast",
		  LAB_A,
		  { .dst = "255.255.255.255",
		    .dst_mac = LAB_GROUP,
		    .mf = true,
		    .payload_len = 504 },
		  .reason = PKT_REASON_MULTICAST },
		{ "a piece that is an aggregate",
		  LAB_A,
		  { .proto = IP_TCP,
		    .mf = true,
		    .payload_len = 500,
		    .gso_size = 200 },
		  .reason = PKT_REASON_GSO_BAD },
	};

	RUN(cases);
}

/* ---- IPv6 ---------------------------------------------------------------- */

static void ipv6(void)
{
#define V6 .src = LAB_A6, .dst = LAB_SERVER6
	static const struct odd cases[] = {
		{ "routing header type 0",
		  LAB_A,
		  { V6, .ext_type = IP_ROUTING, .ext = "0000000100000000" },
		  .reason = PKT_REASON_IP6_ROUTING },
		{ "hop-by-hop not first",
		  LAB_A,
		  { V6, .ext_type = IP_DSTOPTS,
		    .ext = "0000010400000000 0000010400000000" },
		  .reason = PKT_REASON_IP6_EXT },
		{ "authentication header",
		  LAB_A,
		  { V6, .proto = IP_AH, .raw = true, .payload_len = 24 },
		  .reason = PKT_REASON_IP6_EXT },
		{ "no next header",
		  LAB_A,
		  { V6, .proto = IP_NO_NEXT, .raw = true, .payload_len = 8 },
		  .reason = PKT_REASON_PROTO,
		  .outcome = ERROR,
		  .type = 1,
		  .code = 1 },
		{ "atomic fragment (RFC 6946)",
		  LAB_A,
		  { V6, .frag6 = true },
		  .outcome = PASSES },
		{ "source is a group",
		  LAB_A,
		  { .src = "ff02::1", .dst = LAB_SERVER6 },
		  .reason = PKT_REASON_MARTIAN_SRC },
		{ "loopback",
		  LAB_A,
		  { .src = LAB_A6, .dst = "::1" },
		  .reason = PKT_REASON_MARTIAN_DST },
		{ "the gateway of others",
		  LAB_A,
		  { .src = LAB_A6, .dst = LAB_NETGW6 },
		  .reason = PKT_REASON_TO_SELF,
		  .outcome = ERROR,
		  .type = 1,
		  .code = 1 },
		{ "another client",
		  LAB_A,
		  { .src = LAB_A6, .dst = LAB_B6 },
		  .reason = PKT_REASON_CLIENT_TO_CLIENT,
		  .outcome = ERROR,
		  .type = 1,
		  .code = 1 },
		{ "UDP without a checksum",
		  LAB_A,
		  { V6, .udp_csum_none = true },
		  .reason = PKT_REASON_UDP_CSUM0 },
		{ "erroneous header field (parameter problem 0)",
		  LAB_UPLINK,
		  { .src = LAB_SERVER6,
		    .dst = LAB_OUT6,
		    .proto = IP_ICMP6,
		    .type = 4,
		    .payload_len = 48 },
		  .reason = PKT_REASON_ICMP_TYPE },
		{ "to the outside address from outside",
		  LAB_UPLINK,
		  { .src = LAB_SERVER6, .dst = LAB_OUT6, .proto = IP_ICMP6 },
		  .reason = PKT_REASON_NO_FLOW },
		{ "to a client from outside",
		  LAB_UPLINK,
		  { .src = LAB_SERVER6, .dst = LAB_A6, .proto = IP_ICMP6 },
		  .reason = PKT_REASON_DST_INSIDE },
	};

	RUN(cases);
}

/* ---- what a link says that does not fit ---------------------------------- */

static void offloads(void)
{
	static const struct odd cases[] = {
		{ "aggregate of UDP",
		  LAB_A,
		  { .gso_size = 500, .payload_len = 1000 },
		  .reason = PKT_REASON_GSO_BAD },
		{ "aggregate that is a SYN",
		  LAB_A,
		  { .proto = IP_TCP,
		    .flags = TCP_SYN,
		    .gso_size = 500,
		    .payload_len = 1000 },
		  .reason = PKT_REASON_GSO_BAD },
		{ "aggregate without payload",
		  LAB_A,
		  { .proto = IP_TCP,
		    .gso_size = 500,
		    .payload = "",
		    .payload_len = 0 },
		  .reason = PKT_REASON_GSO_BAD },
		{ "partial checksum of ICMP",
		  LAB_A,
		  { .proto = IP_ICMP, .partial = true },
		  .reason = PKT_REASON_GSO_BAD },
		{ "partial checksum of UDP",
		  LAB_A,
		  { .partial = true },
		  .outcome = PASSES },
	};

	RUN(cases);
}

UNIT_SUITE(fw_odd_packets, UNIT(segments_of_scanners_and_of_old_bugs),
	   UNIT(datagrams), UNIT(headers), UNIT(icmp), UNIT(fragments),
	   UNIT(ipv6), UNIT(offloads))
