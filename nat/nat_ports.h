/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_PORTS_H
#define VIFWALL_NAT_NAT_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/nat_addr.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_hash.h"

/*
 * Outside ports (and query ids) of our addresses.
 *
 * A port belongs to one lessee at a time, whatever the protocol.  While it is
 * in use it counts its users: endpoints, of which there is one unless ports are
 * overloaded.  When the last one leaves, the port stays its lessee's for the
 * hold time: that one may have it again at once, nobody else (R38).  The clock
 * of the hold is coarse: it takes up to an eighth longer than asked, never
 * less.
 *
 * A lessee is one life of an owner: an owner that comes back under the number
 * of one that is gone is somebody else.  The firewall's own ports belong to a
 * lessee of their own and are never given away (R37).
 */
#define NAT_LESSEES 1024u  /* numbers are below this, from 1 on */
#define NAT_PORT_USERS 31u /* endpoints on one port, at most */
#define NAT_SPACES_MAX 8u

struct nat_space {
	uint16_t lease[65536];
	uint64_t free[1024]; /* bit set: nobody's, and in the range */
	uint32_t free_n;
	uint32_t leased;
	uint32_t unclaimed; /* ports that lessees miss of their claims */
	uint16_t held[NAT_LESSEES]; /* ports that are a lessee's */
	uint16_t idle[NAT_LESSEES]; /* ... and not in use */
	uint64_t look_ms; /* before this no hold is over that we'd not know */
	uint8_t addr;	  /* number of its address, 0: the space is not used */
};

struct nat_ports {
	struct nat_space *space;
	uint32_t spaces;
	bool lives[NAT_LESSEES];
	uint16_t claim[NAT_LESSEES]; /* ports it may have in each space */
	uint32_t claims;	     /* ... all together */
	uint16_t last;		     /* lessee that came last */
	uint16_t lo, hi;
	uint32_t hand; /* where the sweep goes on */
	uint32_t unit_ms;
	struct pkt_rand rand;
};

size_t nat_ports_size(uint32_t spaces);
/* Takes nat_ports_size() bytes from @a; false when they are not there. */
bool nat_ports_init(struct nat_ports *t, struct pkt_arena *a, uint32_t spaces,
		    uint16_t lo, uint16_t hi, uint32_t hold_ms,
		    const uint8_t seed[16]);
/* Everything free, no lessee. */
void nat_ports_reset(struct nat_ports *t);

/*
 * After nat_ports_init() over an arena that keeps what stood in memory: every
 * port that was anybody's by that is held from now on by a lessee of its own,
 * the ghost that is returned; no other port is taken.  A space whose address
 * number @live denies, or another space has, is not used any more.
 */
uint16_t nat_ports_adopt(struct nat_ports *t, const bool live[NAT_ADDR_MAX],
			 uint64_t now_ms);
/* Takes @port from @ghost, if it is its. */
void nat_port_lay(struct nat_ports *t, struct nat_space *s, uint16_t port,
		  uint16_t ghost);

/* A number nobody has and under which no port is held; 0: none left. */
uint16_t nat_ports_enter(struct nat_ports *t);
/* @lessee, which lives, may have @n ports of each space at any time. */
void nat_ports_claim(struct nat_ports *t, uint16_t lessee, uint16_t n);
/* Its ports are in use or held until their time; it takes no more. */
void nat_ports_leave(struct nat_ports *t, uint16_t lessee);

/* The space of address number @addr, NULL: none. */
struct nat_space *nat_ports_of(const struct nat_ports *t, uint8_t addr);
/* The same, or a fresh one; NULL when all are in use. */
struct nat_space *nat_ports_open(struct nat_ports *t, uint8_t addr);
/* All its ports are forgotten. */
void nat_ports_close(struct nat_ports *t, struct nat_space *s);

/* A user more on @port: false when it is another's, or has NAT_PORT_USERS. */
bool nat_port_take(struct nat_ports *t, struct nat_space *s, uint16_t port,
		   uint16_t lessee, uint64_t now_ms);
/* Would nat_port_take() succeed?  Is it nobody's, and in the range? */
bool nat_port_may_take(const struct nat_ports *t, const struct nat_space *s,
		       uint16_t port, uint16_t lessee, uint64_t now_ms);
bool nat_port_is_nobodys(const struct nat_space *s, uint16_t port);
/* One user less; there is one. */
void nat_port_drop(struct nat_ports *t, struct nat_space *s, uint16_t port,
		   uint64_t now_ms);
/* How many use @port, and whose it is (0: nobody's). */
uint32_t nat_port_users(const struct nat_space *s, uint16_t port);
uint16_t nat_port_lessee(const struct nat_space *s, uint16_t port);

/*
 * Choosing: each returns a port at or behind @start, going round in the range,
 * or 0: one that is nobody's; one that is @lessee's but not in use (or whose
 * hold is over).
 */
uint16_t nat_port_start(struct nat_ports *t);
uint16_t nat_port_free(const struct nat_space *s, uint16_t start);
uint16_t nat_port_idle(const struct nat_ports *t, struct nat_space *s,
		       uint16_t start, uint16_t lessee, uint64_t now_ms);

/*
 * One that is @lessee's, in use, and takes another user; 0: none is left in the
 * walk.  The walk goes on behind it, so that asking again and again is no more
 * work than going round once.
 */
struct nat_walk {
	uint16_t at;
	uint32_t left; /* ports that were not looked at */
};
struct nat_walk nat_port_walk(const struct nat_ports *t, uint16_t start);
uint16_t nat_port_shared(const struct nat_ports *t, const struct nat_space *s,
			 struct nat_walk *w, uint16_t lessee);

/* Frees ports whose hold is over, looking at the next @n. */
void nat_ports_sweep(struct nat_ports *t, uint32_t n, uint64_t now_ms);

#endif
