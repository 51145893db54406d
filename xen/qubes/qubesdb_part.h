/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_QUBESDB_PART_H
#define VIFWALL_XEN_QUBES_QUBESDB_PART_H

#include "xen/qubes/qubesdb.h"

/*
 * For the qubesdb*.c family.  What takes a message gives NULL, or why the
 * connection can't go on.
 */

/* Room for it was looked for before; -EINVAL. */
int qubesdb_queue(struct qubesdb *q, enum qdb_type type, const char *path,
		  const void *value, size_t len);
/* Remembers why, and gives it back. */
const char *qubesdb_nonsense(struct qubesdb *q, const struct qdb_msg *m,
			     const char *why);
/* The oldest change of ours that was not is; @took: as we wanted it. */
void qubesdb_answered(struct qubesdb *q, bool took);
/* The first reading is over. */
void qubesdb_synced(struct qubesdb *q);

/* A connection to a local daemon begins; a message of it. */
void qubesdb_local_call(struct qubesdb *q);
const char *qubesdb_local_take(struct qubesdb *q, const struct qdb_msg *m);
/* Asks for what is to be asked for next, if it is time for that. */
void qubesdb_local_ask(struct qubesdb *q);
/* Is there room for another request's answer? */
bool qubesdb_local_may(const struct qubesdb *q);
/* As qubesdb_queue(), and its answer is waited for. */
int qubesdb_local_request(struct qubesdb *q, enum qdb_type type,
			  const char *path, const void *value, size_t len);

#endif
