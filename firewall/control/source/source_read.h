/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_SOURCE_SOURCE_READ_H
#define VIFWALL_FIREWALL_CONTROL_SOURCE_SOURCE_READ_H

#include "firewall/control/source/tree.h"

/*
 * From files to keys.  A file's name is the last part of its key; its bytes,
 * without one newline at the end, are the value.
 */

#define SOURCE_RULES_NAME "qubes-firewall"

/* Only an address, written as we would write it, names a set. */
bool source_is_set(const char *name);
/* Names that editors and tools leave about: no keys, and no change. */
bool source_is_scrap(const char *name);

/*
 * Puts the files of directory @name below @rules_fd in the place of what is
 * below @base (which ends with '/'), but does not commit.  What can't be read
 * or be a key makes the set a bad one (TREE_ERROR).  0; -errno when the
 * directory itself can't be read, then nothing was changed.
 */
int VW_MUST_USE source_read_set(struct tree *t, int rules_fd, const char *name,
				const char *base);

/*
 * Says in the set that @name could not be read for reason @err.  When there is
 * no room even for that, the key that commits goes: no set at all is as closed
 * as a bad one.
 */
void source_mark_bad(struct tree *t, const char *base, const char *name,
		     int err);

/*
 * Once and without watching: commits everything below @path.  0, or -errno when
 * it, or qubes-firewall in it, can't be read.
 */
int VW_MUST_USE source_read_all(struct tree *t, const char *path);

/*
 * Writes the file's content to @key.  -errno, with the key as it was, when it
 * can't be read (-EMSGSIZE: too long) or the tree refuses it.
 */
int VW_MUST_USE source_read_key(struct tree *t, int dir_fd, const char *name,
				const char *key);

#endif
