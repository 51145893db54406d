/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_FW_H
#define VIFWALL_FIREWALL_PATH_FW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/share/fw_forward.h"
#include "firewall/share/fw_types.h"
#include "firewall/share/view.h"
#include "nat/nat.h"
#include "packet/pkt_addr.h"
#include "packet/pkt_frag.h"
#include "packet/pkt_port.h"
#include "packet/pkt_time.h"
#include "rules/profile.h"
#include "rules/rule.h"

/*
 * The forwarding path of one shard, as its owner sees it.  A packet's way:
 *
 *	port->ops->recv  which bytes came?                      (hop 1)
 *	fw_input()       a sane frame from who it says?         (input.c)
 *	fw_from_client() / fw_from_uplink()   may it go?        (client_path.c,
 *	                                                         uplink_path.c)
 *	nat_translate()  what does it look like outside?        (nat/)
 *	fw_output()      where to, in what size?                (output.c)
 *
 * Nothing here makes a system call, reads a clock or allocates: packets come
 * and go through struct port, time and secrets are arguments.
 *
 * The functions below fw_port_add() are the control side: each takes effect
 * between two packets, wholly or (with an error) not at all.
 */
struct fw;

struct fw_conf {
	uint16_t clients; /* client numbers are 1..clients; number 0 is the
			     uplink */
	uint16_t ports;
	uint32_t small_n, large_n; /* packet buffers */
	uint32_t neighbours;	   /* table for the uplink and networks */
	uint32_t guard;		   /* longest list for fw_guard_set() */
	struct nat_conf nat;	   /* owners: set by fw_init() */
	void *table; /* fw_table_size() bytes for the flow table; NULL: it lies
			at the beginning of fw_init()'s memory */
	bool adopt;  /* ... which hold that of a process that died */
	struct pkt_frag_conf frag;	   /* owners, lost: set by fw_init() */
	uint32_t reply_per_s, reply_burst; /* R23: 100, 50, per client */
	bool reply_silent; /* refused packets get no answer; those too big
			      or out of hops do */
	bool reject_rst;   /* SYN refused by rule: RST instead of ICMP */
	bool hairpin;	   /* clients may meet at our outside address (R39) */
	uint16_t mss; /* no SYN asks for larger segments, nor for such as do not
			 fit both links; 0: it may ask for anything */
	uint8_t seed[16]; /* ids, jitter, keys of the path's own tables */
};

void fw_conf_default(struct fw_conf *c);

/*
 * The shared view is the caller's (shared memory, or plain); size by
 * view_size().  The flow table is written at once; buffers are touched when
 * they are first used.
 */
size_t fw_size(const struct fw_conf *c);
size_t fw_table_size(const struct fw_conf *c);
int VW_MUST_USE fw_init(struct fw **out, void *mem, size_t len,
			const struct fw_conf *c, struct view *view,
			struct mono now);

struct pkt_pool *fw_pool(struct fw *fw);
struct nat *fw_nat(struct fw *fw);

/* Gives @port its id; it stays the caller's.  -ENOSPC. */
int VW_MUST_USE fw_port_add(struct fw *fw, struct port *port);
/* No packet goes to or comes from @port after this; what waits for it is freed.
 */
void fw_port_remove(struct fw *fw, struct port *port, struct mono now);

/*
 * Client @n appears or changes.  It is closed for a family until it has an
 * address of it and a rule set (R98).  Flows survive unless the port changes or
 * an address goes.  Its quota is the one that it appeared with.  -EINVAL (a
 * number, a port or an address that can't be), -EEXIST when somebody else has
 * the address or the port (R96), -EBUSY while an earlier client of this number
 * is being forgotten: try again after fw_tick().
 */
int VW_MUST_USE fw_client_set(struct fw *fw, uint16_t n,
			      const struct fw_client *c, struct mono now);
void fw_client_remove(struct fw *fw, uint16_t n, struct mono now);
/*
 * The client's new rules for one family; judged by them from the next packet
 * on, flows included (R123).  @set stays the caller's and must stay mapped
 * until it is replaced; *@old is then the caller's again (NULL: there was
 * none).
 * @set NULL closes the client.
 */
int VW_MUST_USE fw_client_rules(struct fw *fw, uint16_t n,
				enum rule_family family,
				const struct ruleset *set,
				const struct ruleset **old, struct mono now);

/*
 * R44: flows on an address that is not there any more end first.  -EINVAL,
 * -EEXIST when a client has the address or the port.
 */
int VW_MUST_USE fw_uplink_set(struct fw *fw, const struct fw_uplink *u,
			      struct mono now);

/*
 * Says on the uplink that our addresses are there now (gratuitous ARP,
 * unsolicited ND advertisement), for whoever knew them elsewhere: once after
 * the fw_uplink_set() that brought it up, or changed its port or an address of
 * ours there.
 */
void fw_uplink_announce(struct fw *fw, struct mono now);

/*
 * Addresses of all clients that could exist, running or not
 * (/connected-ips{,6}): never a valid source from the uplink, never a
 * destination towards it (R91).  Replaces the list; copied.  -ENOSPC when it
 * is longer than fw_conf.guard.
 */
int VW_MUST_USE fw_guard_set(struct fw *fw, const struct pkt_addr *a,
			     uint32_t n);

/* R93: clients @from may open flows to @to; replaces the list; copied.
 * -EINVAL: a number out of range. */
int VW_MUST_USE fw_pairs_set(struct fw *fw, const struct fw_pair *p,
			     uint32_t n);

/*
 * What may come to clients though they did not ask for it: replaces the list;
 * copied.  Flows that an opening let in are judged again at their next packet,
 * and end when none of the new ones leads them where they go.  -EINVAL: one
 * that can't be; -ENOSPC: over FW_FORWARDS.
 */
int VW_MUST_USE fw_forwards_set(struct fw *fw, const struct fw_forward *f,
				uint32_t n);

/*
 * The profiles from now on, and in the same step whose they are: client i has
 * @of[i] of them, or one of FW_PROFILE_*; clients from @n on are closed.  All
 * are judged by them from the next packet on, flows included.  A client that is
 * set later has the one that it names.  @p (NULL: there are none) was checked,
 * stays the caller's and must stay mapped until it is replaced; the one before
 * is returned, and the caller's again.
 */
const struct profiles *fw_profiles_set(struct fw *fw, const struct profiles *p,
				       const uint8_t *of, uint32_t n);

/*
 * Name servers from now on; flows to virtual ones end when any of them changes,
 * those to what became one with their next packet.
 * -EINVAL: too many, or not a host's address.
 */
int VW_MUST_USE fw_dns_set(struct fw *fw, const struct fw_dns *d);

/*
 * Sends a question of our own by the uplink, from a port that nobody can guess.
 * 0, -EINVAL, -ENETUNREACH, or -EAGAIN: too many wait for an answer.
 */
int VW_MUST_USE fw_dns_ask(struct fw *fw, const struct fw_dns_msg *m,
			   struct mono now);
/*
 * Client @n's rules are in step with all that it is told up to the message with
 * that .ask: it is given what was kept back.
 */
void fw_dns_pass(struct fw *fw, uint16_t n, uint32_t ask, struct mono now);
/* The oldest message that came, NULL when there is none; and it was taken. */
const struct fw_dns_msg *fw_dns_next(const struct fw *fw);
void fw_dns_taken(struct fw *fw);

/*
 * After fw_conf.adopt it is not known yet whom the flows belong to and what
 * they may, and what was told so far is not all.  Until fw_settle(), or at most
 * FW_SETTLE_MS, a No is not the last word: a packet that may not pass is
 * dropped, but its sender is not told and its flow is not ended.  What may pass
 * passes, as soon as its client's rules are there.
 *
 * fw_settle(): all was told.  Clients that are not there lose their flows.
 */
#define FW_SETTLE_MS 30000u

void fw_settle(struct fw *fw);

/* Hop 2 for a whole batch that came in by @port; takes every packet. */
void fw_input(struct fw *fw, struct port *port, struct pkt_batch *in,
	      struct mono now);

/* Sends what fw_input() and fw_tick() put into the ports' out batches. */
void fw_flush(struct fw *fw, struct mono now);

/*
 * Bounded housekeeping: expiry of flows, fragments and neighbours, at most a
 * slice of each (no step over 50 us).  Returns when it wants to run again.
 * What it sends waits for fw_flush().
 */
struct mono fw_tick(struct fw *fw, struct mono now);

/*
 * Poll round: receive from each awake port in turn, a batch at a time, until
 * none has more or each has used up its budget of @budget frames; then flush.
 * A large frame counts as many as it would be cut into; a port that has taken
 * more than its turn waits until the others had as much.  The uplink, by which
 * all clients' answers come, has a turn after each client that uses its own,
 * and as much budget as they spend together, at least @budget.
 * True when some port may have more.  A port whose recv or send failed is
 * reported by fw_port_failed().
 *
 * A port is awake from fw_port_add() on.  fw_arm() puts to sleep those that
 * have nothing; true when some port stays awake (frames came meanwhile: do
 * another round).  When the event loop sees wake_fd it says fw_port_wake(), so
 * that a round costs nothing for clients that are silent:
 *
 *	for (;;) {
 *		while (fw_round(fw, 256, now = clock()))
 *			;
 *		if (!fw_arm(fw))
 *			for each port that epoll_wait() names
 *				fw_port_wake(fw, port);
 *	}
 */
bool fw_round(struct fw *fw, uint32_t budget, struct mono now);
bool fw_arm(struct fw *fw);
void fw_port_wake(struct fw *fw, struct port *port);
/* Next port that broke (and is not polled any more), or NULL. */
struct port *fw_port_failed(struct fw *fw, int *err);

#endif
