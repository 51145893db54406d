/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we write into QubesDB: commits that are in force, why clients are
 * closed, and what names in rules stand for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/control/source_qubesdb.h"
#include "firewall/linux/log.h"

/* False: not now. */
static bool tell(struct source_qubesdb *s, const char *path, const char *text)
{
	int err = qubesdb_write(&s->db, path, text, strlen(text));

	return !err || err == -EINVAL; /* too long for a key: not told */
}

/* The count goes on where an earlier life of ours left it. */
static bool tell_handled(struct source_qubesdb *s, const char *address)
{
	char path[sizeof(SOURCE_QUBESDB_HANDLED) + TREE_PATH_MAX];
	struct tree_key key;
	unsigned long n = 0;
	char text[24];

	snprintf(path, sizeof(path), SOURCE_QUBESDB_HANDLED "%s", address);
	if (tree_read(s->mirror, path, &key))
		n = strtoul(key.value, NULL, 10);
	snprintf(text, sizeof(text), "%lu", n + 1);
	return tell(s, path, text);
}

static void tell_all_handled(struct source_qubesdb *s)
{
	struct tree_key key;

	while (tree_next(s->due, "/", NULL, &key) &&
	       tell_handled(s, key.path + 1))
		tree_remove(s->due, key.path);
}

#define WHY_ROOM (SET_KEY_MAX + SET_WHY_MAX + 32)

static void why_closed(const struct apply_slot *slot, int family,
		       char out[WHY_ROOM])
{
	const struct set *set = &slot->set[family];
	const struct set_error *e = &set->error;

	out[0] = '\0';
	if (slot->err)
		snprintf(out, WHY_ROOM, "its rules can't be handed over (%s)",
			 log_errno(slot->err));
	else if (slot->clash)
		snprintf(out, WHY_ROOM, "another client has its address");
	else if (set->state == SET_BAD)
		snprintf(out, WHY_ROOM, "rule %s, column %u: %s", e->key,
			 e->column, e->why);
	else if (set->state == SET_NONE)
		snprintf(out, WHY_ROOM, "no rules were committed yet");
	for (char *at = out; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

/* False: not now. */
static bool tell_error(struct source_qubesdb *s, const struct apply_slot *slot,
		       int family)
{
	char path[sizeof(SOURCE_QUBESDB_ERROR) + PKT_ADDR_TEXT];
	char why[WHY_ROOM];
	struct tree_key said;
	bool is;

	snprintf(path, sizeof(path), SOURCE_QUBESDB_ERROR "%s",
		 slot->key[family]);
	why_closed(slot, family, why);
	is = tree_read(s->mirror, path, &said);
	return (is ? !strcmp(said.value, why) : !why[0]) || tell(s, path, why);
}

static bool tell_errors(struct source_qubesdb *s)
{
	for (uint32_t n = 1; n < APPLY_SLOTS; n++)
		for (int f = 0; f < 2; f++)
			if (s->apply->slot[n].used &&
			    !s->apply->slot[n].accept &&
			    s->apply->slot[n].key[f][0] &&
			    !tell_error(s, &s->apply->slot[n], f))
				return false;
	return true;
}

/* ---- what names in rules stand for ------------------------------------------
 */

void source_qubesdb_publish(struct source_qubesdb *s, const char *path,
			    const char *value)
{
	bool is = true;

	if (!value)
		is = tree_remove(s->names, path) > 0;
	else if (tree_write(s->names, path, value, strlen(value)))
		log_dbg("QubesDB: no room for %s", path);
	s->names_due |= is;
}

/* What only an earlier life of ours, or an earlier set of rules, knew. */
static bool take_names_back(struct source_qubesdb *s)
{
	char path[TREE_PATH_MAX + 1] = "";
	struct tree_key key = { .path = NULL }, is;

	while (tree_next(s->mirror, SOURCE_QUBESDB_NAMES, path[0] ? path : NULL,
			 &key)) {
		memcpy(path, key.path, strlen(key.path) + 1);
		if (!tree_read(s->names, path, &is) &&
		    qubesdb_remove(&s->db, path) == -EAGAIN)
			return false;
	}
	return true;
}

/*
 * Only what differs is sent, what goes before what comes; so it may end half
 * way, when too much waits for dom0, and goes on from there.
 */
static bool tell_names(struct source_qubesdb *s)
{
	struct tree_key key = { .path = NULL }, is;

	if (!take_names_back(s))
		return false;
	while (tree_next(s->names, "/", key.path, &key)) {
		if (tree_read(s->mirror, key.path, &is) && is.len == key.len &&
		    !memcmp(is.value, key.value, key.len))
			continue;
		if (!tell(s, key.path, key.value))
			return false;
	}
	return true;
}

void source_qubesdb_tell(struct source_qubesdb *s)
{
	if (s->db.state != QUBESDB_RUN)
		return;
	if (s->names_due)
		s->names_due = !tell_names(s);
	if (!apply_idle(s->apply))
		return;
	if (s->told != s->apply->seq || tree_keys(s->due))
		s->errors_due = true;
	s->told = s->apply->seq;
	if (s->errors_due)
		s->errors_due = !tell_errors(s);
	tell_all_handled(s);
}
