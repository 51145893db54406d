/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_QUBES_QUBESDB_PEER_H
#define VIFWALL_FIREWALL_CONTROL_QUBES_QUBESDB_PEER_H

#include "firewall/control/qubes/source_qubesdb.h"

/*
 * One client of our mirror of QubesDB, as the daemon of a Linux qube has them:
 * messages in, messages out, nothing else (the sockets are qubesdb_serve.h's).
 * Its bytes are anybody's.
 *
 * Requests are answered in their order.  A long answer goes on as its reader
 * takes it; what changes meanwhile is in it as it is then, and told to those
 * who watch it.  Nothing is read from a client that does not take its answers,
 * and one that does not take its news, either, is dropped.
 */
#define QUBESDB_PEER_OUT 16384u
#define QUBESDB_PEER_WATCHES 16u
#define QUBESDB_PEER_TURN 64u /* requests at a time */

struct qubesdb_peer {
	bool writes;  /* it may change keys */
	uint8_t dump; /* QDB_MULTIREAD or QDB_LIST goes on; 0: none */
	char prefix[QDB_PATH_MAX + 1];
	char after[QDB_PATH_MAX + 1]; /* the last one told; empty: none */
	uint32_t watches;
	char watch[QUBESDB_PEER_WATCHES][QDB_PATH_MAX + 1];
	size_t in_n, out_n;
	uint8_t in[QDB_MESSAGE_MAX];
	uint8_t out[QUBESDB_PEER_OUT];
};

void qubesdb_peer_init(struct qubesdb_peer *p, bool writes);
/*
 * Answers what is in p->in, as far as there is room in p->out.  0: all was;
 * 1: call again when there is room; -EPROTO: it is to be dropped.
 */
int VW_MUST_USE qubesdb_peer_work(struct qubesdb_peer *p,
				  struct source_qubesdb *s);
/* A key was written or removed, or all below a prefix was; false: drop it. */
bool VW_MUST_USE qubesdb_peer_news(struct qubesdb_peer *p, const char *path);
/* @n bytes of p->out are gone. */
void qubesdb_peer_took(struct qubesdb_peer *p, size_t n);

#endif
