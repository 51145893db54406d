/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_LAB_H
#define VIFWALL_TESTS_MOCK_LAB_H

#include "firewall/path/fw.h"
#include "mock/frames.h"
#include "mock/mock_port.h"

/*
 * A whole forwarding path with four mock ports, for tests that put a frame in
 * here and look at what comes out there:
 *
 *	A (qube)  10.137.0.10, fd09::a  --.
 *	B (qube)  10.137.0.11, fd09::b  --+-- vifwall -- uplink -- the world
 *	NET (network)  10.9.0.0/24,     --'    192.0.2.2    gateway 192.0.2.1
 *	    fd10::/64                       2001:db8:1::2    fe80::1
 *
 * Clients know the firewall as 10.137.0.1 and fe80::fc (NET: 10.9.0.1 and
 * fd10::1).  All clients may do everything until lab_rules() says otherwise.
 */
enum { LAB_UPLINK, LAB_A, LAB_B, LAB_NET, LAB_PORTS };

#define LAB_A4 "10.137.0.10"
#define LAB_A6 "fd09::a"
#define LAB_B4 "10.137.0.11"
#define LAB_B6 "fd09::b"
#define LAB_NET4 "10.9.0.7"
#define LAB_NET6 "fd10::7"
#define LAB_GW4 "10.137.0.1"
#define LAB_GW6 "fe80::fc"
#define LAB_NETGW4 "10.9.0.1"
#define LAB_NETGW6 "fd10::1"
#define LAB_OUT4 "192.0.2.2"
#define LAB_OUT6 "2001:db8:1::2"
#define LAB_HOP4 "192.0.2.1"
#define LAB_SERVER4 "198.51.100.1"
#define LAB_SERVER6 "2001:db8:2::1"
#define LAB_GUARD4 "10.137.0.99" /* a qube that is not running */

#define LAB_MAC_OURS "fe:ff:ff:ff:ff:ff" /* towards clients */
#define LAB_MAC_A "00:16:3e:5e:6c:0a"
#define LAB_MAC_B "00:16:3e:5e:6c:0b"
#define LAB_MAC_NET "02:00:00:00:09:07"
#define LAB_MAC_OUT "02:00:00:00:00:02"
#define LAB_MAC_HOP "02:00:00:00:00:01"
#define LAB_GROUP "ff:ff:ff:ff:ff:ff"

struct lab {
	struct fw *fw;
	struct view *view;
	struct mock_port port[LAB_PORTS];
	struct mono now;
	void *mem;
	size_t len;
	void *rules[LAB_PORTS][2];
	struct pkt *seen; /* what lab_out() returned last */
	uint64_t drops[LAB_PORTS][PKT_REASON_N]; /* before the last frame */
};

/* Sizes that suit tests; change what the test is about. */
struct fw_conf lab_conf(void);
struct lab *lab_new(void);
struct lab *lab_new_with(const struct fw_conf *c);
/* Panics when a packet was lost on the way. */
void lab_free(struct lab *l);
/*
 * The process dies: another one begins, with @c and the same ports, and knows
 * nobody until lab_tell() tells it of the uplink, or of a client that has no
 * rules yet.
 */
void lab_die(struct lab *l, const struct fw_conf *c);
void lab_tell(struct lab *l, uint16_t n);

/* As the lab was set up; change, and give back to fw_client_set(). */
struct fw_client lab_client(uint16_t n);
struct fw_uplink lab_uplink(void);

/* New rules for client @n: lines of rule text, NULL at the end. */
void lab_rules(struct lab *l, uint16_t n, enum rule_family family,
	       enum rule_action policy, const char *const *lines);
/* No rules: closed. */
void lab_close(struct lab *l, uint16_t n, enum rule_family family);

/*
 * A frame as @who would send it: MACs, and where they are not given the
 * addresses of @who and of the server (from the uplink: of the server and ours)
 * are filled in.
 */
struct pkt *lab_frame(struct lab *l, int who, const struct frame_spec *s);
/*
 * Frame @p arrives from @who and goes through.  The reason why something from
 * @who was dropped meanwhile, NONE when nothing was.
 */
enum pkt_reason lab_in(struct lab *l, int who, struct pkt *p);
/* Both in one. */
enum pkt_reason lab_send(struct lab *l, int who, const struct frame_spec *s);

/*
 * The next frame that left by the port of @who, parsed, or NULL; checks its
 * checksums (complete ones) and frees it with the next call.
 */
const struct pkt *lab_out(struct lab *l, int who);
/* Nothing waits at any port. */
bool lab_silent(struct lab *l);
/* Throws away what left so far. */
void lab_hush(struct lab *l);

/* Time passes: housekeeping each 100 ms, what it says is sent. */
void lab_after(struct lab *l, uint64_t ms);

/* ---- what a frame is ----------------------------------------------------- */

bool lab_is_addr(const struct pkt_addr *a, const char *text);
/* From @src to @dst? */
bool lab_goes(const struct pkt *p, const char *src, const char *dst);
bool lab_eth(const struct pkt *p, const char *src, const char *dst);
/* ICMP of @type and @code that quotes a packet from @src to @dst. */
bool lab_is_error(const struct pkt *p, uint8_t type, uint8_t code,
		  const char *src, const char *dst);

#endif
