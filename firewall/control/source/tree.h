/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_SOURCE_TREE_H
#define VIFWALL_FIREWALL_CONTROL_SOURCE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * Keys and values as dom0 writes them for Qubes, whatever brought them: the one
 * thing between the sources of rules and those who obey them.
 *
 *	/connected-ips			"10.137.0.5 10.137.0.6"
 *	/qubes-firewall/10.137.0.5/policy	"drop"
 *	/qubes-firewall/10.137.0.5/0000	"action=accept proto=tcp"
 *	/qubes-firewall/10.137.0.5	""	written last: commit
 *	/vm-config/vifwall-forward-01	"in=uplink dport=443 to=10.137.0.5"
 *
 * Keys are ordered as strcmp(3) has them.  A write of any key, also of the same
 * value, and a removal are told to the one listener after they took effect.
 *
 * Commit protocol: what stands below /qubes-firewall/ADDRESS/ counts from when
 * /qubes-firewall/ADDRESS itself is written, and no sooner.  When that key is
 * removed the client has no set any more.  A source that could not read part of
 * a set writes why to the key TREE_ERROR in it, which makes the set a bad one.
 */
#define TREE_PATH_MAX 63u
#define TREE_VALUE_MAX 3072u
#define TREE_RULES "/qubes-firewall/"
#define TREE_ERROR ".error"
#define TREE_GUARD4 "/connected-ips"
#define TREE_GUARD6 "/connected-ips6"
#define TREE_MAPPED "/mapped-ip/" /* and an address: how it knows itself */
#define TREE_FORWARD "/vm-config/vifwall-forward-" /* each is one opening */

struct tree;

/* @path ends with '/' when all below it was removed. */
typedef void tree_changed(void *ctx, const char *path, bool removed);

/* At most @bytes for keys and values.  NULL: no memory. */
struct tree *tree_new(size_t bytes, tree_changed *changed, void *ctx);
void tree_free(struct tree *t);

/*
 * 0, -EINVAL for a path that QubesDB would not take, -EMSGSIZE for a value that
 * is too long, -ENOSPC when the tree is full.
 */
int VW_MUST_USE tree_write(struct tree *t, const char *path, const void *value,
			   size_t len);
/*
 * The same for sources; what does not fit spoils its set, which is closed at
 * its next commit: never is a set in force that lacks a rule.
 */
int VW_MUST_USE tree_offer(struct tree *t, const char *path, const void *value,
			   size_t len);
/* Removes the key, or all below it when @path ends with '/'; how many. */
uint32_t tree_remove(struct tree *t, const char *path);

struct tree_key {
	const char *path;
	const char *value; /* a NUL follows it */
	size_t len;
};

/*
 * Valid until the next change.  tree_next() gives the first key after @after
 * that begins with @prefix (@after NULL: the first of all); false: no more.
 */
bool tree_read(const struct tree *t, const char *path, struct tree_key *out);
bool tree_next(const struct tree *t, const char *prefix, const char *after,
	       struct tree_key *out);

/* Is @path, a set's own key, there, and nothing below it changed since? */
bool tree_committed(const struct tree *t, const char *path);

uint32_t tree_keys(const struct tree *t);
size_t tree_bytes(const struct tree *t);

#endif
