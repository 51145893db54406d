/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_FW_PART_H
#define VIFWALL_FIREWALL_PATH_FW_PART_H

#include "firewall/path/blocked.h"
#include "firewall/path/bucket.h"
#include "firewall/path/fw.h"
#include "firewall/path/ipid.h"
#include "firewall/path/neigh.h"
#include "firewall/path/place.h"
#include "packet/pkt_build.h"
#include "packet/pkt_swap.h"

/*
 * Inside of the forwarding path: one shard's state, and what its files call of
 * each other.  Nothing outside firewall/path/ includes this, but for benches of
 * its parts.
 */
#define FW_NO_PORT UINT16_MAX
#define FW_NOBODY UINT16_MAX

/* One port, as the shard sees it; its place in the table is port->id. */
struct slot {
	struct port *port; /* NULL: free */
	uint16_t owner;	   /* party, or FW_NOBODY */
	bool asleep;	   /* armed: wait for fw_port_wake() */
	bool told;	   /* fw_port_failed() has named it */
	bool dirty;	   /* stands in fw.dirty */
	bool done;	   /* nothing more from it in this round */
	int err;	   /* 0, or -errno: broken */
	uint32_t spent;	   /* work in this round */
	int64_t credit;	   /* work that it may cause in its next turn */
	struct pkt_batch out;
};

/*
 * Who packets come from and go to: number 0 is the uplink, 1.. are clients;
 * nat.h calls them owners.  An unused client is closed.
 */
struct party {
	bool used;
	uint8_t kind; /* clients: enum fw_client_kind */
	uint16_t slot;
	/*
	 * Bumped whenever a flow of this client might be judged otherwise than
	 * before: new rules, or an address that means something else now.  A
	 * flow remembers which generation admitted it.
	 */
	uint16_t gen;
	bool has[2]; /* addresses of this enum rule_family */
	uint8_t swap_n;
	struct pkt_swap swap[2]; /* what it sees other addresses for */
	const struct ruleset *rules[2];
	uint8_t profile; /* its number, or FW_PROFILE_* */
	struct bucket reply;
	struct bucket dns;     /* questions whose answers are noted */
	struct fw_client conf; /* clients only */
};

/* What the uplink says about a family: is there such a thing at all? */
struct route {
	bool link;    /* neighbours besides the gateway */
	bool gateway; /* for all else */
};

struct dns; /* dns_part.h */

struct fw {
	struct fw_conf conf;
	struct view *view;
	struct pkt_pool *pool;
	struct nat *nat;
	struct pkt_frag *frag;
	struct slot *slot;   /* conf.ports */
	struct party *party; /* conf.clients + 1 */
	struct fw_uplink uplink;
	struct route route[2]; /* by enum rule_family, from uplink */
	struct fw_dns dns;
	struct dns *dns_state;
	bool gateway_mac_given;
	bool unannounced; /* uplink: see fw_uplink_announce() */
	struct place_map *place;
	struct neigh_table *neigh;
	struct blocked *blocked;
	struct pkt_addr *guard; /* guard_n of conf.guard */
	uint32_t guard_n;
	uint8_t *pairs;		    /* bit from * (clients + 1) + to */
	struct fw_forward *forward; /* forward_n of FW_FORWARDS */
	uint32_t forward_n;
	const struct profiles *profiles; /* NULL: none */
	bool gso;	/* every port takes aggregates: make some */
	bool settling;	/* flows were adopted, see fw_settle() */
	bool strangers; /* ... and may use addresses that were ours */
	struct mono settle_by;
	uint16_t *dirty; /* slots whose out batch may have something */
	uint16_t dirty_n;
	uint16_t turn;	   /* slot that the next round begins with */
	uint32_t neigh_at; /* where the next slice of housekeeping begins */
	struct pkt_rand rand;
	struct ipid ipid;
};

/* ---- small questions ---------------------------------------------------- */

static inline enum rule_family fw_family(const struct pkt_addr *a)
{
	return pkt_addr_is_v4(a) ? RULE_IP4 : RULE_IP6;
}

static inline enum rule_family fw_pkt_family(const struct pkt *p)
{
	return p->l3 == PKT_L3_IP4 ? RULE_IP4 : RULE_IP6;
}

static inline bool fw_mac_eq(const struct pkt_mac *a, const struct pkt_mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline struct pkt_mac fw_eth_dst(const struct pkt *p)
{
	struct pkt_mac m;

	memcpy(m.b, p->data, sizeof(m.b));
	return m;
}

static inline struct pkt_mac fw_eth_src(const struct pkt *p)
{
	struct pkt_mac m;

	memcpy(m.b, p->data + sizeof(m.b), sizeof(m.b));
	return m;
}

static inline struct view_client *fw_row(const struct fw *fw, uint16_t n)
{
	return &fw->view->client[n];
}

/* Our address of @family as client @n was told it; all zero: none. */
static inline const struct pkt_addr *fw_gateway(const struct fw *fw, uint16_t n,
						enum rule_family family)
{
	const struct fw_client *c = &fw->party[n].conf;

	return family == RULE_IP4 ? &c->gateway4 : &c->gateway6;
}

static inline const struct pkt_addr *fw_outside(const struct fw *fw,
						enum rule_family family)
{
	return family == RULE_IP4 ? &fw->uplink.addr4 : &fw->uplink.addr6;
}

/* @p comes from, or goes to, a client that may know addresses otherwise. */
static inline void fw_swap(const struct party *c, struct pkt *p)
{
	if (c->swap_n)
		pkt_swap(p, c->swap, c->swap_n);
}

static inline bool fw_pair(const struct fw *fw, uint16_t from, uint16_t to)
{
	uint32_t bit = from * (fw->conf.clients + 1u) + to;

	return fw->pairs[bit / 8] & (1u << bit % 8);
}

/* ---- client.c ------------------------------------------------------------ */

struct pkt_prefix fw_host(const struct pkt_addr *a);
/* IPv4: the all-ones or all-zeros address of @net (R14, R20). */
bool fw_is_broadcast(const struct pkt_prefix *net, const struct pkt_addr *a);
/* All that a client calls its own, as prefixes; how many. */
uint32_t fw_client_nets(const struct fw_client *c,
			struct pkt_prefix out[FW_CLIENT_ADDRS]);
bool fw_client_holds(const struct fw_client *c, const struct pkt_addr *a);
/* May a host of client @n use @a? */
bool fw_client_has(const struct fw *fw, uint16_t n, const struct pkt_addr *a);
/* Could this be a client, on its own? */
bool fw_client_ok(const struct fw_client *c);
/* May @a stand as a next hop or as our address on a link?  Zero: none. */
bool fw_gateway_ok(const struct pkt_addr *a, enum rule_family family);
/* R96: do two clients want one address, or one of ours? */
bool fw_client_clash(const struct fw_client *a, const struct fw_client *b);
/* Does @old have something that @c has not? */
bool fw_client_lost(const struct fw_client *old, const struct fw_client *c);

/* ---- spoof.c ------------------------------------------------------------- */

/* R90 to R92: may a packet with @p's addresses come from @owner?  NONE. */
enum pkt_reason fw_check_addrs(const struct fw *fw, uint16_t owner,
			       const struct pkt *p);

/* ---- ports.c ------------------------------------------------------------- */

/* Counts @p against @owner under p->reason, and frees it. */
void fw_drop(struct fw *fw, uint16_t owner, struct pkt *p);
void fw_discard(struct fw *fw, uint16_t owner, struct pkt *p,
		enum pkt_reason reason);
/* Hands a finished frame to @s; @p is given away. */
void fw_emit(struct fw *fw, struct slot *s, struct pkt *p, struct mono now);
/* The same for one that we made to speak to the link itself. */
void fw_emit_own(struct fw *fw, struct slot *s, struct pkt *p, struct mono now);
/* Frees what waits in @s, and counts it against its owner. */
void fw_slot_clear(struct fw *fw, struct slot *s, enum pkt_reason reason);

/* ---- parties.c ----------------------------------------------------------- */

/* Every flow is to be judged again, whoever opened it. */
void fw_judge_all_again(struct fw *fw);
/* Party @n has lost its port, and with it what was bound to that (R94). */
void fw_disconnect(struct fw *fw, uint16_t n);

/* ---- resolve.c ----------------------------------------------------------- */

/* Sends @p to neighbour @hop of @s, now or when it has answered. */
void fw_resolve(struct fw *fw, struct slot *s, const struct pkt_addr *hop,
		struct pkt *p, struct mono now);
/* Somebody there says that @addr is at @mac; @answer: because we asked. */
void fw_neigh_heard(struct fw *fw, struct slot *s, const struct pkt_addr *addr,
		    const struct pkt_mac *mac, bool answer, struct mono now);
/* At most @slice entries, from where the last call ended. */
void fw_neigh_tick(struct fw *fw, uint32_t slice, struct mono now);
/* Port @port's neighbours are forgotten, what waits for them is dropped. */
void fw_neigh_forget(struct fw *fw, uint16_t port);

/* ---- arp.c, nd.c --------------------------------------------------------- */

enum pkt_verdict fw_arp(struct fw *fw, struct slot *s, struct pkt *p,
			struct mono now);
enum pkt_verdict fw_nd(struct fw *fw, struct slot *s, struct pkt *p,
		       struct mono now);
/* Says on the uplink @s where our addresses are, without being asked. */
void fw_arp_announce(struct fw *fw, struct slot *s, struct mono now);
void fw_nd_announce(struct fw *fw, struct slot *s, struct mono now);
/* Asks the link of @s for @addr. */
void fw_arp_ask(struct fw *fw, struct slot *s, const struct pkt_addr *addr,
		struct mono now);
void fw_nd_ask(struct fw *fw, struct slot *s, const struct pkt_addr *addr,
	       struct mono now);

/* ---- judge.c ------------------------------------------------------------- */

struct judgement {
	enum pkt_reason reason;	     /* NONE: the flow may be */
	uint16_t to;		     /* party at the other end */
	uint16_t rule;		     /* place in the client's set; of what the
					uplink opens: among the openings */
	const struct fw_forward *by; /* of the kind IN; NULL: by none */
};

/* What a packet asks for, and whether packets of its kind open flows. */
struct nat_tuple fw_asked(const struct pkt *p);
bool fw_opens(const struct pkt *p);
/* What kinds of packet are looked at at all, from either side. */
enum pkt_reason fw_passable(const struct pkt *p, uint16_t owner);
/* May client @n open flow @t?  By addresses, rules and rights alone. */
struct judgement fw_judge(const struct fw *fw, uint16_t n,
			  const struct nat_tuple *t);
/* The same about a flow that is there, whose other end is with party @to. */
struct judgement fw_judge_flow(const struct fw *fw, uint16_t n,
			       const struct nat_tuple *t, uint16_t to);
/* Was the flow that @hit names admitted by what holds now? */
bool fw_current(const struct fw *fw, const struct nat_hit *hit);
/*
 * Judges it again: FORWARD and admitted, or DROP, ended and its client told
 * (see fw_settle() for when it is not).
 */
enum pkt_verdict fw_judge_again(struct fw *fw, struct pkt *p,
				const struct nat_hit *hit, struct mono now);

/* ---- forward.c ----------------------------------------------------------- */

/* The opening that takes @t, or NULL. */
const struct fw_forward *fw_opening(const struct fw *fw,
				    enum fw_forward_way way,
				    const struct nat_tuple *t);
/* The same into @j->by, and whom it leads to: NONE, or why nobody. */
enum pkt_reason fw_by_opening(const struct fw *fw, enum fw_forward_way way,
			      const struct nat_tuple *t, struct judgement *j);
/* May the uplink open flow @t? */
struct judgement fw_judge_uplink(const struct fw *fw,
				 const struct nat_tuple *t);
/* A packet from the uplink that belongs to no flow. */
enum pkt_verdict fw_open_inwards(struct fw *fw, struct pkt *p,
				 struct nat_hit *hit, struct mono now);

/* ---- profile.c ----------------------------------------------------------- */

/* Client @n has that one; closed, if there is no such. */
void fw_profile_take(struct fw *fw, uint16_t n, uint8_t profile);
/* It has the one that its settings name. */
void fw_profile_find(struct fw *fw, uint16_t n);
/* May client @n open flows of that family at all, if rules let it? */
bool fw_is_open(const struct fw *fw, uint16_t n, enum rule_family family);
/* What its profile says to @t; false, with @j->reason and the rule's number:
 * no. */
bool fw_profile_passes(const struct fw *fw, uint16_t n,
		       const struct nat_tuple *t, struct judgement *j);

/* ---- the hops ------------------------------------------------------------ */

/* Hop 3 for a packet of the uplink's that was kept back there. */
void fw_input_again(struct fw *fw, struct pkt *p, struct mono now);

enum pkt_verdict fw_from_client(struct fw *fw, uint16_t n, struct pkt *p,
				struct nat_hit *hit, struct mono now);
enum pkt_verdict fw_from_uplink(struct fw *fw, struct pkt *p,
				struct nat_hit *hit, struct mono now);
/* Packets of client @n to the firewall itself. */
enum pkt_verdict fw_local(struct fw *fw, uint16_t n, struct pkt *p,
			  struct mono now);
/*
 * Can anything be sent to @dst by party @to now?  NONE, or why not.  This is no
 * judgement: flows outlive an uplink that is gone for a while.
 */
enum pkt_reason fw_way_out(struct fw *fw, uint16_t to,
			   const struct pkt_addr *dst);
/* Translates the packet that @hit names and sends it on. */
enum pkt_verdict fw_output(struct fw *fw, struct pkt *p,
			   const struct nat_hit *hit, struct mono now);
/*
 * The same for a packet from a client to our outside address: into another
 * client's flow, or dropped.
 */
enum pkt_verdict fw_hairpin(struct fw *fw, struct pkt *p,
			    const struct nat_hit *hit, struct mono now);
/* Before a SYN goes from one party to another: see fw_conf.mss. */
void fw_clamp(const struct fw *fw, struct pkt *p, uint16_t from, uint16_t to);
/* @p went from one party to another. */
void fw_count(struct fw *fw, uint16_t from, uint16_t to, const struct pkt *p);
/* Sends finished IP packet @p to party @n; @p is given away. */
void fw_send(struct fw *fw, uint16_t n, struct pkt *p, struct mono now);
/* The rest of fw_send() once the next hop is known. */
void fw_transmit(struct fw *fw, struct slot *s, struct pkt *p,
		 const struct pkt_mac *to, struct mono now);

/* ---- reply.c ------------------------------------------------------------- */

/* Notes @p among the blocked packets of @n; @rule: place in its set. */
void fw_note(struct fw *fw, uint16_t n, const struct pkt *p,
	     enum pkt_reason reason, uint16_t rule, struct mono now);
/*
 * Refuses a packet of client @n: marks it dropped, notes it among the blocked
 * ones, and tells the client in the way that fits @reason.
 */
enum pkt_verdict fw_refuse(struct fw *fw, uint16_t n, struct pkt *p,
			   enum pkt_reason reason, uint16_t rule,
			   struct mono now);
/* R8: @p does not fit through a link of @mtu; its sender @n is told. */
enum pkt_verdict fw_too_big(struct fw *fw, uint16_t n, struct pkt *p,
			    uint16_t mtu, struct mono now);
/*
 * The flow of @p, a packet towards its opener @n and translated already, has
 * been ended: a TCP opener gets a RST (R123).
 */
void fw_tell_opener(struct fw *fw, uint16_t n, struct pkt *p, struct mono now);
/* Takes a token of party @n for something that we say, or counts that not. */
bool fw_may_reply(struct fw *fw, uint16_t n, struct mono now);

#endif
