/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MODEL_MODEL_NAT_H
#define VIFWALL_TESTS_MODEL_MODEL_NAT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Masquerading told the slow way: a list of flows that every question walks
 * from its beginning, 64-bit sequence numbers that never wrap, time in plain
 * milliseconds, nothing packed and nothing hashed.  What it leaves out (shares,
 * rates, window scaling, SACK, quoted packets) has tests of its own.
 *
 * Hosts are small numbers; the twin test turns them into addresses.
 */
#define MODEL_FLOWS 256u
#define MODEL_PORTS 65536u

enum model_proto { MODEL_UDP, MODEL_TCP, MODEL_ICMP, MODEL_PROTO_N };

/* A packet, as its sender means it. */
struct model_pkt {
	uint16_t owner;		 /* 0: from outside */
	uint8_t proto;		 /* enum model_proto */
	uint16_t inside, remote; /* host numbers */
	bool six;		 /* family: a world of its own */
	uint16_t sport, dport;	 /* ICMP: the id in both */
	uint8_t flags;		 /* TCP */
	int64_t seq, ack;
	uint32_t win, len;
};

struct model_dir {
	int64_t end;	 /* highest seq + len sent */
	int64_t max_end; /* highest that the other side allowed */
	int64_t max_ack; /* highest that it acknowledged itself; -1: none */
	int64_t max_win; /* largest window that it offered */
	bool acked, fin;
};

struct model_flow {
	bool used, six;
	uint16_t owner, inside, remote;
	uint8_t proto;
	uint16_t port, rport, xport;
	const char *state, *was; /* now, and before the last packet */
	uint64_t since;		 /* count of changes when it got its class */
	uint64_t expires;
	struct model_dir d[2];
};

/* What each owner may hold; 0: no limit. */
struct model_limits {
	uint32_t flows, half_open, oneway, icmp;
};

struct model_nat {
	struct model_limits limit;
	uint64_t changes;
	struct model_flow flow[MODEL_FLOWS];
	/* Who had an outside port last, and until when; per protocol. */
	struct model_last {
		uint16_t owner;
		uint64_t until;
	} last[2][MODEL_PROTO_N][MODEL_PORTS]; /* first: .six */
};

void model_nat_init(struct model_nat *m);

enum model_verdict { MODEL_PASS, MODEL_NO_FLOW, MODEL_REFUSE };

/*
 * The flow of @p and whether it may pass; passing moves the flow's state.
 * @flow: the flow when it passes.
 */
enum model_verdict model_nat_find(struct model_nat *m,
				  const struct model_pkt *p, uint64_t now,
				  struct model_flow **flow);

/* May a client's packet without a flow open one? */
bool model_nat_opens(const struct model_pkt *p);
/*
 * Ends flows of its owner's, as the limits ask, until it may; false: none of
 * them can be spared.
 */
bool model_nat_make_room(struct model_nat *m, const struct model_pkt *p,
			 uint64_t now);
/*
 * Is @xport a right choice for it?  The port of its endpoint's other flows;
 * without any, one that no live flow has and that nobody else gave up in the
 * last @hold ms.
 */
bool model_nat_port_ok(const struct model_nat *m, const struct model_pkt *p,
		       uint16_t xport, uint64_t hold, uint64_t now);
/* Opens it; NULL when the model is full. */
struct model_flow *model_nat_add(struct model_nat *m, const struct model_pkt *p,
				 uint16_t xport, uint64_t now);
void model_nat_forget(struct model_nat *m, uint16_t owner, uint64_t now);
uint32_t model_nat_live(const struct model_nat *m, uint64_t now);
/* A live flow picked by @r, or NULL. */
struct model_flow *model_nat_pick(struct model_nat *m, uint32_t r,
				  uint64_t now);

#endif
