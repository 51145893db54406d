/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R43: no payload is read.  What a gateway for some protocol would rewrite, or
 * take for a promise of another connection, goes through as it came, in both
 * directions, and opens nothing.
 */
#include <stdio.h>
#include <string.h>

#include "mock/nat_bed.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define INSIDE "10.137.0.5"
#define OUTSIDE "203.0.113.1"
#define REMOTE "198.51.100.7"
#define PROMISED 40001 /* the port that the texts speak of: 156 * 256 + 65 */

static struct nat_bed b;

/* What is said on a connection: by the client, and by the server. */
struct talk {
	const char *what;
	uint8_t proto;
	uint16_t port;
	const char *client, *server; /* text; NULL: in hex below */
	const char *client_hex, *server_hex;
};

static const struct talk corpus[] = {
	{ "FTP, active", IP_TCP, 21, "PORT 10,137,0,5,156,65\r\n",
	  "200 PORT command successful.\r\n" },
	{ "FTP, extended", IP_TCP, 21, "EPRT |1|10.137.0.5|40001|\r\n",
	  "229 Entering Extended Passive Mode (|||40001|)\r\n" },
	{ "FTP, passive", IP_TCP, 21, "PASV\r\n",
	  "227 Entering Passive Mode (203,0,113,1,156,65).\r\n" },
	{ "SIP over UDP", IP_UDP, 5060,
	  "INVITE sip:bob@example.org SIP/2.0\r\n"
	  "Via: SIP/2.0/UDP 10.137.0.5:5060;branch=z9hG4bK1\r\n"
	  "Contact: <sip:alice@10.137.0.5:5060>\r\n"
	  "Content-Type: application/sdp\r\n\r\n"
	  "v=0\r\no=- 1 1 IN IP4 10.137.0.5\r\nc=IN IP4 10.137.0.5\r\n"
	  "m=audio 40001 RTP/AVP 0\r\n",
	  "SIP/2.0 200 OK\r\n"
	  "Contact: <sip:bob@198.51.100.7>\r\n\r\n"
	  "c=IN IP4 203.0.113.1\r\nm=audio 40001 RTP/AVP 0\r\n" },
	{ "SIP over TCP, as in a POST of a browser", IP_TCP, 5060,
	  "REGISTER sip:example.org SIP/2.0\r\n"
	  "Contact: <sip:a@10.137.0.5:40001;transport=tcp>\r\n\r\n",
	  "SIP/2.0 200 OK\r\nContact: <sip:a@203.0.113.1:40001>\r\n\r\n" },
	{ "IRC", IP_TCP, 6667,
	  "PRIVMSG bob :\001DCC SEND f 176750597 40001 9\001\r\n",
	  ":bob PRIVMSG a :\001DCC CHAT chat 3405803777 40001\001\r\n" },
	{ "RTSP", IP_TCP, 554,
	  "SETUP rtsp://example.org/a RTSP/1.0\r\nCSeq: 1\r\n"
	  "Transport: RTP/AVP;unicast;client_port=40001-40002\r\n\r\n",
	  "RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
	  "Transport: RTP/AVP;unicast;client_port=40001-40002;"
	  "server_port=40001-40002\r\n\r\n" },
	{ "TFTP, read request", IP_UDP, 69, NULL, NULL,
	  "000166696c65006f6374657400", "000400009c41" },
	{ "H.323, setup with an address", IP_TCP, 1720, NULL, NULL,
	  "0300001b080200010504038893a57e000a05200a890005"
	  "9c4101000100",
	  "0300001b080280010704038893a57e000a0520cb007101"
	  "9c4101000100" },
	{ "PPTP, outgoing call", IP_TCP, 1723, NULL, NULL,
	  "001c00011a2b3c4d000700009c4100010000012c05f5e100"
	  "00000003",
	  "002000011a2b3c4d000800009c419c4101000000000186a0"
	  "0040000000000000" },
	{ "SunRPC, portmapper", IP_UDP, 111, NULL, NULL,
	  "9c4100000000000000000002000186a0000000020000000300000000"
	  "0000000000000000000000000000009c41",
	  "9c41000000000001000000000000000000000000000000000000"
	  "9c41" },
	{ "NetBIOS, with the sender's address", IP_UDP, 138, NULL, NULL,
	  "11029c410a89000500 8a0000000020", "1000 9c41 0a890005" },
	{ "SANE", IP_TCP, 6566, NULL, NULL, "0000000200000000",
	  "0000000000009c4100000000" },
	{ "UPnP, discovery", IP_UDP, 1900,
	  "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nLOCATION: http://10.137.0.5:40001/d\r\n\r\n" },
	{ "Amanda", IP_UDP, 10080, "Amanda 2.4 REQ HANDLE 0\nCONNECT DATA\n",
	  "Amanda 2.4 REP HANDLE 0\nCONNECT DATA 40001 MESG 40001\n" },
	{ "names and numbers of both ends", IP_UDP, 7777,
	  "10.137.0.5 40001 203.0.113.1 198.51.100.7",
	  "203.0.113.1 40001 10.137.0.5 198.51.100.7" },
};

struct line {
	uint16_t inside, outside;
	uint32_t seq[2]; /* TCP: what each end sends next */
};

/* From end @e; the payload must be in the packet that comes out. */
static bool says(const struct talk *t, const struct line *at, int e,
		 uint8_t flags, const void *text, size_t len)
{
	struct frame_spec s = { .src = e ? REMOTE : INSIDE,
				.dst = e ? OUTSIDE : REMOTE,
				.proto = t->proto,
				.sport = e ? t->port : at->inside,
				.dport = e ? at->outside : t->port,
				.flags = flags,
				.seq = at->seq[e],
				.ack = at->seq[!e],
				.payload = text,
				.payload_len = len };
	struct nat_want want = nat_bed_masq(OUTSIDE, 0);
	struct pkt *p = frame_parsed(b.pool, &s);
	uint32_t before = p->len;
	bool same = nat_bed_go(&b, p, (uint16_t)(e ? NAT_UPLINK : 1), &want) &&
		    p->len == before && nat_bed_sums_ok(p) &&
		    !memcmp(p->data + before - len, text, len);

	pkt_put(b.pool, p);
	return same;
}

static void flow_opens(const struct talk *t, struct line *at)
{
	struct nat_info info = { 0 };
	uint32_t cursor = 0;

	*at = (struct line){ .inside = 4000, .seq = { 1000, 7000 } };
	if (t->proto == IP_TCP)
		CU_ASSERT_FATAL(says(t, at, 0, TCP_SYN, "", 0));
	if (t->proto == IP_UDP)
		CU_ASSERT_FATAL(says(t, at, 0, 0, "hello", 5));
	CU_ASSERT_EQUAL(nat_each(b.nat, &cursor, &info, 1, b.now), 1);
	at->outside = info.stand_port[1];
	if (t->proto != IP_TCP)
		return;
	at->seq[0]++;
	CU_ASSERT(says(t, at, 1, TCP_SYN | TCP_ACK, "", 0));
	at->seq[1]++;
	CU_ASSERT(says(t, at, 0, TCP_ACK, "", 0));
}

static bool gets_in(uint8_t proto, uint16_t from, uint16_t to)
{
	struct frame_spec s = { .src = REMOTE,
				.dst = OUTSIDE,
				.proto = proto,
				.sport = from,
				.dport = to,
				.flags = TCP_SYN };
	struct pkt *p = frame_parsed(b.pool, &s);
	bool in = nat_bed_go(&b, p, NAT_UPLINK, NULL);

	pkt_put(b.pool, p);
	return in;
}

/* Whoever the texts invite comes: to the port they name, from any. */
static bool something_opened(const struct talk *t, const struct line *at)
{
	const uint16_t from[] = { t->port, 20, PROMISED, PROMISED + 1, 0x1234 };
	const uint16_t to[] = { PROMISED, PROMISED + 1, at->inside,
				at->outside };
	struct nat_usage use;
	bool opened = false;

	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		for (size_t j = 0; j < sizeof(to) / sizeof(to[0]); j++) {
			if (from[i] == t->port && to[j] == at->outside)
				continue; /* the flow itself */
			opened |= gets_in(IP_TCP, from[i], to[j]) ||
				  gets_in(IP_UDP, from[i], to[j]);
		}
	nat_usage(b.nat, UINT16_MAX, &use);
	return opened || use.flows != 1;
}

static size_t text_of(uint8_t *out, size_t room, const char *text,
		      const char *hex)
{
	if (!text)
		return frame_unhex(out, room, hex);
	memcpy(out, text, strlen(text));
	return strlen(text);
}

static void R43_no_payload_is_changed_and_none_opens_anything(void)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		const struct talk *t = &corpus[i];
		uint8_t ask[512], answer[512];
		size_t n = text_of(ask, sizeof(ask), t->client, t->client_hex);
		size_t m = text_of(answer, sizeof(answer), t->server,
				   t->server_hex);
		struct line at;
		bool same;

		nat_bed_open(&b, NULL);
		flow_opens(t, &at);
		same = says(t, &at, 0, TCP_PSH | TCP_ACK, ask, n);
		at.seq[0] += (uint32_t)n;
		same = same && says(t, &at, 1, TCP_PSH | TCP_ACK, answer, m);
		same = same && !something_opened(t, &at);
		if (!same)
			printf("\n    %s\n", t->what);
		CU_ASSERT(same);
		nat_bed_close(&b);
	}
}

UNIT_SUITE(nat_payload, UNIT(R43_no_payload_is_changed_and_none_opens_anything))
