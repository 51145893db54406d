/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_H
#define VIFWALL_NAT_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_buf.h"
#include "packet/pkt_hash.h"
#include "packet/pkt_time.h"

/*
 * Translation: the whole public interface.
 *
 * The core is a function of (packet, now) over tables of fixed size; it does no
 * I/O, reads no clock, allocates nothing and knows neither rules nor ports.
 *
 * An *owner* is a party whose packets come in through one place: owner 0 is the
 * uplink, owners 1.. are clients.  Look-ups are by owner first, then address
 * (R41, R94): a packet of the same 5-tuple from another owner never matches.
 *
 * A *flow* has two ends.  End 0 opened it.  Each end has its real address and
 * port, and each may see the other under a stand-in:
 *
 *	end 0 sends  real0 -> (stand0, or real1)
 *	end 1 sends  real1 -> (stand1, or real0)
 *
 *	masquerade         stand1 = outside address and port
 *	redirect (mirage)  stand0 = address asked for, stand1 = our address
 *	port forward       stand0 = outside address and port
 *	plain              neither: tracked, not translated
 *
 * Both directions live in that one record and die with it.
 */

#define NAT_UPLINK 0u

enum nat_state {
	NAT_FREE,
	NAT_TCP_SYN_SENT, /* SYN from end 0 */
	NAT_TCP_SYN_BOTH, /* simultaneous open: SYN from both */
	NAT_TCP_SYN_RECV, /* SYN+ACK from end 1 */
	NAT_TCP_EST,	  /* SYN+ACK acknowledged in the window */
	NAT_TCP_FIN_0,	  /* FIN from end 0 */
	NAT_TCP_FIN_1,	  /* FIN from end 1 */
	NAT_TCP_FIN_BOTH, /* both; their ACKs pending */
	NAT_TCP_TIME_WAIT,
	NAT_TCP_CLOSED, /* RST accepted */
	NAT_UDP_ONEWAY, /* no answer yet */
	NAT_UDP_BOTH,
	NAT_UDP_DNS_DONE, /* port 53, answered */
	NAT_ICMP_QUERY,
	NAT_STATE_N
};

const char *nat_state_name(enum nat_state s);

/* Time-outs by kind, milliseconds; defaults are spec table 1O. */
enum nat_timeout {
	NAT_T_TCP_SYN,	   /* 240 s: SYN_SENT, SYN_BOTH, SYN_RECV */
	NAT_T_TCP_EST,	   /* 86400 s */
	NAT_T_TCP_FIN_ONE, /* 900 s */
	NAT_T_TCP_CLOSED,  /* 240 s: FIN_BOTH, TIME_WAIT, CLOSED */
	NAT_T_UDP_ONEWAY,  /* 120 s */
	NAT_T_UDP_BOTH,	   /* 300 s */
	NAT_T_UDP_DNS,	   /* 30 s after the answer */
	NAT_T_ICMP,	   /* 60 s */
	NAT_T_PORT_HOLD,   /* 120 s: freed port withheld from others (R38) */
	NAT_T_N
};

/*
 * What one owner may hold.  A flow is charged to the owner that opened it.
 *
 * 0 in flows or ports: a fair share, and more while nobody misses it (R131).
 * The share is the whole divided by the clients there are and one.  It is every
 * client's at any time, whatever the others hold; the one share that is left is
 * half the uplink's.  Beyond its share an owner opens flows as long as over a
 * quarter of the whole is free, and more than all the others may still ask for
 * of theirs.  A client that comes makes everybody's share smaller: what was
 * opened before stays, so until it ends there may be less for the new one.
 *
 * Another number in flows or ports is a limit to the letter: one above the
 * share may take from what the others were promised.  0 elsewhere: no limit.
 *
 * At a limit an owner loses flows of its own: closed, one-way, ICMP, half-open,
 * the oldest first; it is refused when it has none (R132).
 */
struct nat_quota {
	uint32_t flows;
	uint32_t half_open;  /* TCP: 1024 */
	uint32_t udp_oneway; /* 4096 */
	uint32_t icmp;	     /* 256 */
	uint32_t new_per_s;  /* 1000 */
	uint32_t new_burst;  /* 4096 */
	uint16_t ports;	     /* of each outside address, held ones too */
};

struct nat_conf {
	uint32_t flows;	  /* capacity; 65536 by default, 16 .. 2^20 */
	uint16_t owners;  /* owner numbers are below this, at most 1000 */
	uint8_t outsides; /* addresses of ours with ports to give, at most 8 */
	uint32_t timeout_ms[NAT_T_N];
	struct nat_quota quota;	   /* for owners that bring none */
	uint16_t port_lo, port_hi; /* outside ports: 1024 .. 65535 */
	bool preserve;		   /* try the inside port first (R34: off) */
	bool overload_udp;    /* share outside ports between remotes when all
				 are taken; TCP always may (R30) */
	uint8_t hash_key[16]; /* from getrandom(2); separate keys (A4) */
	uint8_t port_seed[16];
};

void nat_conf_default(struct nat_conf *c);

struct nat;

size_t nat_size(const struct nat_conf *c);
/* @mem zeroed or not, aligned to PKT_ARENA_ALIGN.  0, -EINVAL or -ENOSPC. */
int VW_MUST_USE nat_init(struct nat **out, void *mem, size_t len,
			 const struct nat_conf *c);
/*
 * nat_adopt() - nat_init() over what an earlier process left in @mem
 *
 * That process made its table there with nat_init() or nat_adopt() from the
 * same @c (keys and seed apart, which are better new) and may have died in the
 * midst of anything, or written nonsense first.  So no byte is believed: a
 * record is kept when it is a flow that nat_add() could have made, is in time,
 * and disturbs none that was kept before it; everything else is built anew from
 * the records.  Ports that were not in use stay held (R38) for the whole hold
 * time.  0, -EINVAL or -ENOSPC as nat_init(); the work is bounded by @c.
 *
 * Flows come out with generation 0 of rules and rule 0: a caller whose own
 * generations start at 1 judges each of them again before it passes.  Time is
 * counted on from the last call that told the dead process the time, so clocks
 * need not agree.
 *
 * The owners of kept flows exist until somebody says otherwise:
 * nat_owner_add() takes one over with its flows, nat_owner_remove() ends them.
 */
int VW_MUST_USE nat_adopt(struct nat **out, void *mem, size_t len,
			  const struct nat_conf *c, struct mono now);
/* Back to the state after nat_init(); owners and outside addresses too. */
void nat_reset(struct nat *n);

/* Owner 0 always exists.  @q NULL: the default.  -EINVAL, -EEXIST, or -EBUSY
 * while an earlier owner of that number is still being forgotten. */
int VW_MUST_USE nat_owner_add(struct nat *n, uint16_t owner,
			      const struct nat_quota *q);
/*
 * From here on no packet of @owner matches (R95); its records are freed by
 * nat_expire() in slices.  nat_owner_busy() tells whether any is left.
 */
void nat_owner_remove(struct nat *n, uint16_t owner);
bool nat_owner_busy(const struct nat *n, uint16_t owner);
/* Ends all flows of @owner but keeps it (mirage's remove_connections). */
void nat_owner_forget(struct nat *n, uint16_t owner);

/*
 * R44: an address stopped being ours: every flow that uses it as a stand-in
 * stops matching at once.
 */
void nat_addr_forget(struct nat *n, const struct pkt_addr *a);
/* The same for every address but the @count that are at @a. */
void nat_addr_keep(struct nat *n, const struct pkt_addr *a, uint32_t count);

/*
 * A port for an own socket, which nobody else is given under any protocol (R34,
 * R37).  Counted: release it as often as it was reserved.  False: a client has
 * it, or had it until lately, or no outside address is left.
 */
bool nat_port_reserve(struct nat *n, const struct pkt_addr *outside,
		      uint16_t port);
void nat_port_release(struct nat *n, const struct pkt_addr *outside,
		      uint16_t port);
/* Would an answer from this remote end to @port of @outside reach nobody? */
bool nat_port_is_free(const struct nat *n, const struct pkt_addr *outside,
		      uint16_t port, uint8_t proto,
		      const struct pkt_addr *remote, uint16_t remote_port);

/* What look-ups compare, see nat_key.h; nobody else's business. */
struct nat_key {
	uint64_t w[5];
	uint32_t n; /* words used */
};

/*
 * What a packet was found to belong to; valid until the next call that changes
 * the table.
 */
struct nat_hit {
	struct nat_key key; /* of the packet, with hashed */
	uint64_t hash;
	uint32_t guess;
	uint32_t flow;
	uint8_t end;	   /* which end sent it */
	bool quoted;	   /* ICMP error about the flow */
	bool quiet;	   /* passes without any change of the flow */
	bool hashed;	   /* key, hash and guess are valid */
	uint8_t state;	   /* enum nat_state before this packet */
	uint16_t from, to; /* owners */
	uint16_t gen;	   /* generation of rules that admitted the flow */
	uint16_t rule;	   /* ... and the rule's place in that set */
};

/*
 * The flow's original question, for judging it again under newer rules: as end
 * 0 asked (destination before redirection).
 */
struct nat_tuple {
	struct pkt_addr src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t icmp_type;
};

/**
 * nat_prefetch() - hash a batch and start loading its buckets and records
 * @p, @hit: @count of each; a NULL or untrackable packet is passed over
 *
 * Optional: nat_find() works without it, only slower on a big table.
 */
void nat_prefetch(const struct nat *n, struct pkt *const *p,
		  struct nat_hit *hit, const uint16_t *owner, uint32_t count);

/**
 * nat_find() - which flow does a parsed packet belong to, and may it pass?
 * @hit: cleared, or as nat_prefetch() left it
 *
 * Changes nothing.  FORWARD: *@hit names the flow.  DROP: NO_FLOW (the caller
 * may ask the rules and nat_add()), or the packet is refused for good: TTL,
 * TCP_WINDOW, TCP_STATE, ICMP_QUOTE, ...
 */
enum pkt_verdict nat_find(const struct nat *n, struct pkt *p, uint16_t owner,
			  struct nat_hit *hit, struct mono now);

/**
 * nat_apply() - rewrite a packet that nat_find() named
 *
 * Never fails: addresses, ports, ids, checksums and TTL are edited in place,
 * the flow's state and deadline move on.  All other bytes stay as they are.
 */
void nat_apply(struct nat *n, struct pkt *p, const struct nat_hit *hit,
	       struct mono now);

/*
 * Hairpin: a packet that nat_find() named in *@hit, masqueraded to one of our
 * own outside addresses, comes back in as if from outside.  It needs two flows,
 * one of each client, that are open towards each other's outside port, so it
 * passes no filter that an outsider would not (R32).
 *
 * nat_find_back() changes nothing.  FORWARD: *@back names the other client's
 * flow, as if the packet had come in from the uplink.  DROP: HAIRPIN, when
 * there is none, or it is the packet's own; or what nat_find() would say of the
 * packet in that flow.
 *
 * nat_apply_back() is nat_apply() for both flows at once: one edit, one hop.
 */
enum pkt_verdict nat_find_back(const struct nat *n, struct pkt *p,
			       const struct nat_hit *hit, struct nat_hit *back,
			       struct mono now);
void nat_apply_back(struct nat *n, struct pkt *p, const struct nat_hit *hit,
		    const struct nat_hit *back, struct mono now);

/* nat_find() and nat_apply() in one: hop 4 for callers without rules. */
enum pkt_verdict nat_translate(struct nat *n, struct pkt *p, uint16_t owner,
			       struct mono now);

enum nat_mode { NAT_PLAIN, NAT_MASQUERADE, NAT_REDIRECT, NAT_FORWARD };

/* How a new flow is to be translated. */
struct nat_want {
	enum nat_mode mode;
	uint16_t to;		 /* owner of end 1 */
	struct pkt_addr outside; /* MASQUERADE, REDIRECT: what end 1 sees */
	uint16_t outside_port;	 /* 0: choose (R34); else exactly this one */
	struct pkt_addr target;	 /* REDIRECT, FORWARD: real address of end 1 */
	uint16_t target_port;
	uint16_t gen, rule; /* kept in the flow */
};

/**
 * nat_add() - open a flow for packet @p of @owner
 *
 * FORWARD: the flow is there and *@hit names it; nothing was done to @p yet,
 * call nat_apply().  Adding what is there already, alike, is FORWARD.  DROP
 * with p->reason: OVERLAP, CANNOT_NAT, NOT_SYN, TTL, NAT_FULL, NAT_QUOTA,
 * NAT_PORTS, NAT_RATE.  There are no half insertions.  Flows of other owners
 * are never evicted (R70, R132).
 */
enum pkt_verdict nat_add(struct nat *n, struct pkt *p, uint16_t owner,
			 const struct nat_want *want, struct nat_hit *hit,
			 struct mono now);

/* Re-judging (design C21.5). */
void nat_hit_tuple(const struct nat *n, const struct nat_hit *hit,
		   struct nat_tuple *out);
/* Where end 1 really is; the port of a query is its type. */
void nat_hit_target(const struct nat *n, const struct nat_hit *hit,
		    struct pkt_addr *addr, uint16_t *port);
void nat_hit_admit(struct nat *n, const struct nat_hit *hit, uint16_t gen,
		   uint16_t rule);
void nat_hit_end(struct nat *n, const struct nat_hit *hit);

/*
 * Housekeeping: frees what is over time and what belongs to removed owners.
 * Look-ups check deadlines themselves, so being late frees memory late and
 * nothing else.  @budget bounds the work: looking at a record costs 1, freeing
 * it 8 more (with 128 a step stays below 50 us).  True: it freed some, or knows
 * of an owner or address whose flows it did not all meet yet, so there may well
 * be more to free at once.
 */
bool nat_expire(struct nat *n, uint32_t budget, struct mono now);

/* One flow as shown to people. */
struct nat_info {
	struct pkt_addr real[2], stand[2]; /* stand: all zero when none */
	uint16_t real_port[2], stand_port[2];
	uint16_t owner[2];
	uint16_t gen, rule;
	uint8_t proto;
	uint8_t state;	     /* enum nat_state */
	uint32_t expires_ms; /* from now */
};

/*
 * Live flows in slot order from *@cursor on (0 to begin), at most @max into
 * @out; returns how many.  *@cursor becomes 0 when that was all.  One call
 * looks at no more than NAT_EACH_LOOK records, so on a big table it may find
 * none and have to be asked again.
 */
#define NAT_EACH_LOOK 4096u

uint32_t nat_each(const struct nat *n, uint32_t *cursor, struct nat_info *out,
		  uint32_t max, struct mono now);

struct nat_usage {
	uint32_t flows, capacity;
	uint32_t tcp, udp, icmp;
	uint32_t half_open, udp_oneway;
	uint64_t added, refused, evicted, expired;
};

/* For one owner, or for all with owner = UINT16_MAX. */
void nat_usage(const struct nat *n, uint16_t owner, struct nat_usage *out);

#endif
