/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we write into QubesDB: commits that are in force, why clients are
 * closed, and what names in rules stand for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/control/qubes/source_qubesdb.h"
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

#define WHY_ROOM (SET_KEY_MAX + SET_WHY_MAX + SOURCE_QUBESDB_WRONG)

static void why_closed(const struct apply *a, uint16_t n, int family,
		       char out[WHY_ROOM])
{
	const struct apply_slot *slot = &a->slot[n];
	const struct set_error *e = &slot->set[family].error;
	enum apply_closed closed = apply_closed(a, n, family);

	out[0] = '\0';
	if (closed == APPLY_CLOSED_BAD_RULES)
		snprintf(out, WHY_ROOM, "rule %s, column %u: %s", e->key,
			 e->column, e->why);
	else if (closed == APPLY_CLOSED_REFUSED)
		snprintf(out, WHY_ROOM, "its rules can't be handed over (%s)",
			 log_errno(slot->err));
	else if (closed)
		snprintf(out, WHY_ROOM, "%s", apply_closed_why(a, n, family));
	for (char *at = out; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

/* False: not now. */
static bool tell_error(struct source_qubesdb *s, const char *path,
		       const char *why)
{
	struct tree_key said;
	bool is = tree_read(s->mirror, path, &said);

	return (is ? !strcmp(said.value, why) : !why[0]) || tell(s, path, why);
}

static bool is_told(const struct apply_slot *slot, int family)
{
	return slot->used && !slot->accept && slot->key[family][0];
}

static bool tell_closed(struct source_qubesdb *s, uint16_t n, int family)
{
	char path[sizeof(SOURCE_QUBESDB_ERROR) + PKT_ADDR_TEXT];
	char why[WHY_ROOM];

	snprintf(path, sizeof(path), SOURCE_QUBESDB_ERROR "%s",
		 s->apply->slot[n].key[family]);
	why_closed(s->apply, n, family, why);
	return tell_error(s, path, why);
}

static bool is_somebodys(const struct apply *a, const char *address)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		for (int f = 0; f < 2; f++)
			if (is_told(&a->slot[n], f) &&
			    !strcmp(a->slot[n].key[f], address))
				return true;
	return false;
}

/* Of a client that went: the next one with its address begins without. */
static bool take_errors_back(struct source_qubesdb *s)
{
	char path[TREE_PATH_MAX + 1] = "";
	struct tree_key key = { .path = NULL };

	while (tree_next(s->mirror, SOURCE_QUBESDB_ERROR, path[0] ? path : NULL,
			 &key)) {
		memcpy(path, key.path, strlen(key.path) + 1);
		if (key.len && strcmp(path, SOURCE_QUBESDB_SETTINGS) != 0 &&
		    !is_somebodys(s->apply,
				  path + strlen(SOURCE_QUBESDB_ERROR)) &&
		    !tell(s, path, ""))
			return false;
	}
	return true;
}

static bool tell_errors(struct source_qubesdb *s)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		for (int f = 0; f < 2; f++)
			if (is_told(&s->apply->slot[n], f) &&
			    !tell_closed(s, n, f))
				return false;
	return tell_error(s, SOURCE_QUBESDB_SETTINGS, s->wrong) &&
	       take_errors_back(s);
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
