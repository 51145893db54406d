/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_BLOCKED_H
#define VIFWALL_FIREWALL_PATH_BLOCKED_H

#include <stddef.h>
#include <stdint.h>

#include "firewall/share/view.h"
#include "packet/pkt_hash.h"
#include "packet/pkt_time.h"

/*
 * Keeps the rows of struct view_blocked: finds the row of a kind of refusal,
 * or gives it the row that was hit longest ago.  A client that holds half of
 * the rows loses its own oldest, so that no flood of odd packets hides what
 * happened to others.  All lists and indexes are private: what a reader of the
 * view sees is never read back.
 */
struct blocked;

size_t blocked_size(uint16_t clients);
struct blocked *blocked_init(void *mem, size_t len, uint16_t clients,
			     struct view_blocked *rows,
			     const struct pkt_hash_key *key);

/* @kind: src, dst, client, dport, rule, proto and reason are looked at. */
void blocked_note(struct blocked *b, const struct view_blocked *kind,
		  struct mono now);

/* All rows of @client, which is gone: its number may be another one's next. */
void blocked_forget(struct blocked *b, uint16_t client);

#endif
