/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_QUBES_QUBESDB_SERVE_H
#define VIFWALL_FIREWALL_CONTROL_QUBES_QUBESDB_SERVE_H

#include "firewall/control/qubes/qubesdb_peer.h"

/*
 * The socket at which everybody in this machine may read our mirror of QubesDB,
 * with the tools that Linux qubes have for it.
 *
 * There are QUBESDB_SERVE_PEERS places.  Who comes when all are taken gets that
 * of the peer who was silent for longest of those that watch nothing; if all
 * watch something, none.
 */
#define QUBESDB_SERVE_PEERS 16u

struct qubesdb_serve {
	int fd; /* an epoll, to be watched for reading; -1: not open */
	int listener;
	bool writes; /* peers may change keys */
	char path[CONF_PATH_MAX];
	struct source_qubesdb *source;
	struct {
		int fd; /* -1: none */
		struct mono since;
		struct qubesdb_peer *peer;
	} place[QUBESDB_SERVE_PEERS];
};

/*
 * Listens at @path; what is there already and has no listener is removed.  0,
 * -EADDRINUSE when somebody does listen there, or -errno.
 */
int VW_MUST_USE qubesdb_serve_open(struct qubesdb_serve *v, const char *path,
				   bool writes, struct source_qubesdb *s);
/* Does what can be done; when it wants to be called again. */
struct mono qubesdb_serve_work(struct qubesdb_serve *v, struct mono now);
void qubesdb_serve_close(struct qubesdb_serve *v);

#endif
