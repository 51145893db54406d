/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that dom0 keeps below vifwall/ in our own directory, laid out as in
 * QubesDB: a set is committed by writing /qubes-firewall/<address> last.  Names
 * in the XenStore have no dots and colons, so addresses are written there with
 * '_' and '-' in their place: vifwall/qubes-firewall/10_137_0_5/0000.
 *
 * An event does not tell a write from a removal, and writing a first rule makes
 * the set's own key as well.  So a commit is believed when nothing has happened
 * to its set for BUS_SETTLE_MS; then the set is read in one transaction.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen/bus/bus_in.h"

#define SETS "/qubes-firewall/"
#define DEPTH_MAX 4u
#define ANEW_MS 1000u /* somebody writes there all the time */

static struct rule_due *find(struct rules *r, const char *path, size_t len)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (!strncmp(r->due[i].path, path, len) && !r->due[i].path[len])
			return &r->due[i];
	return NULL;
}

static void read_all(struct rules *r, struct mono at)
{
	r->all = true;
	r->all_at = at;
	r->n = 0;
}

static void read_at(struct rules *r, const char *path, struct mono at)
{
	struct rule_due *d = find(r, path, strlen(path));

	if (!d && r->n == BUS_RULES_DUE) {
		read_all(r, at);
		return;
	}
	if (!d) {
		d = &r->due[r->n++];
		snprintf(d->path, sizeof(d->path), "%s", path);
	}
	d->at = at;
}

/* A set's own length when @path is a key of one; 0: it is none. */
static size_t in_set(const char *path)
{
	const char *key;

	if (strncmp(path, SETS, sizeof(SETS) - 1) != 0)
		return 0;
	key = strchr(path + sizeof(SETS) - 1, '/');
	return key ? (size_t)(key - path) : 0;
}

void bus_rules_event(struct bus *b, const char *path, struct mono now)
{
	struct mono at = mono_add_ms(now, BUS_SETTLE_MS);
	struct rules *r = &b->rules;
	struct rule_due *d;
	size_t set;

	if (strncmp(path, BUS_RULES, sizeof(BUS_RULES) - 1) != 0)
		return;
	path += sizeof(BUS_RULES) - 1;
	set = in_set(path);
	if (!*path || r->all) {
		read_all(r, at);
	} else if (set) {
		d = find(r, path, set);
		if (d)
			d->at = at;
	} else if (*path == '/' && strlen(path) < BUS_KEY_PATH) {
		read_at(r, path, at);
	}
}

/* @path as QubesDB has it: the second name of each is an address. */
static void tell(struct bus *b, const char *path, const char *value, size_t len)
{
	char key[2 * BUS_KEY_PATH];
	uint32_t slashes = 0;

	snprintf(key, sizeof(key), "%s", path);
	for (char *at = key; *at; at++) {
		if (*at == '/')
			slashes++;
		else if (slashes == 2 && *at == '_')
			*at = '.';
		else if (slashes == 2 && *at == '-')
			*at = ':';
	}
	b->ops.key(b->ops.ctx, key, value, len);
}

static void tell_below_gone(struct bus *b, const char *path)
{
	char below[BUS_KEY_PATH + 1];

	snprintf(below, sizeof(below), "%s/", path);
	tell(b, below, NULL, 0);
}

static void tell_error(struct bus *b, const char *path, const char *what)
{
	const char *name = strrchr(path, '/');
	char key[BUS_KEY_PATH + 8], text[BUS_KEY_PATH + 32];

	snprintf(key, sizeof(key), "%.*s/.error", (int)(name - path), path);
	snprintf(text, sizeof(text), "%s: %s", name + 1, what);
	tell(b, key, text, strlen(text));
}

/* The key itself: 0, -ENOENT, or why the store can't. */
static int read_key(struct bus *b, uint32_t t, const char *path)
{
	char full[STORE_PATH_MAX];
	ssize_t n;

	snprintf(full, sizeof(full), BUS_RULES "%s", path);
	n = b->store->ops->read(b->store, t, full, b->value, BUS_KEY_VALUE);
	if (n == -EMSGSIZE || n == -EACCES) {
		tell_error(b, path,
			   n == -EMSGSIZE ? "too long" : "not readable");
		return 0;
	}
	if (n < 0)
		return (int)n;
	tell(b, path, b->value, (size_t)n);
	return 0;
}

/*
 * All below @path, each directory's own key after its content; the names of
 * each level lie behind those of the one above.  At most DEPTH_MAX deep.
 */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int read_below(struct bus *b, uint32_t t, const char *path,
		      uint32_t depth, char *names)
{
	size_t room = BUS_NAMES_MAX - (size_t)(names - b->names);
	char full[STORE_PATH_MAX], child[BUS_KEY_PATH];
	char *at = names, *end = names;
	int n, err = 0;

	snprintf(full, sizeof(full), BUS_RULES "%s", path);
	n = b->store->ops->list(b->store, t, full, names, room);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		end += strlen(end) + 1;
	for (int i = 0; i < n && !err; i++, at += strlen(at) + 1) {
		int len = snprintf(child, sizeof(child), "%s/%s", path, at);

		if (len >= (int)sizeof(child)) {
			tell_error(b, child, "the name is too long");
			continue;
		}
		if (depth < DEPTH_MAX)
			err = read_below(b, t, child, depth + 1, end);
		if (!err || err == -ENOENT || err == -EACCES)
			err = read_key(b, t, child);
		if (err == -ENOENT)
			err = 0; /* the transaction will not end well */
	}
	return err;
}

/*
 * @path and all below it, as it was at one moment.  The key itself is told when
 * that is sure; what was told before does not count until then.
 */
static int read_once(struct bus *b, const char *path, char *names)
{
	uint32_t t;
	int n, err = b->store->ops->begin(b->store, &t);

	if (err)
		return err;
	tell_below_gone(b, path);
	n = read_below(b, t, path, 1, names);
	err = b->store->ops->end(b->store, t, n < 0);
	if (n < 0 || err)
		return n < 0 ? n : err;
	return read_key(b, STORE_NONE, path);
}

static int read_tree(struct bus *b, const char *path, char *names)
{
	int err = -EAGAIN;

	for (uint32_t i = 0; i < BUS_EAGAIN_TRIES && err == -EAGAIN; i++)
		err = read_once(b, path, names);
	if (err != -ENOENT && err != -EACCES)
		return err;
	tell(b, path, NULL, 0); /* what was below it is gone already */
	return 0;
}

/* Each name below @path by itself, so that no set waits for another. */
static int read_each(struct bus *b, const char *path, char *names,
		     int (*one)(struct bus *b, const char *path, char *names))
{
	size_t room = BUS_NAMES_MAX - (size_t)(names - b->names);
	char full[STORE_PATH_MAX], child[BUS_KEY_PATH];
	char *at = names, *end = names;
	int n, err = 0;

	snprintf(full, sizeof(full), BUS_RULES "%s", path);
	tell_below_gone(b, path);
	n = b->store->ops->list(b->store, STORE_NONE, full, names, room);
	if (n < 0)
		return n == -ENOENT ? 0 : n;
	for (int i = 0; i < n; i++)
		end += strlen(end) + 1;
	for (int i = 0; i < n && !err; i++, at += strlen(at) + 1)
		if (snprintf(child, sizeof(child), "%s/%s", path, at) <
		    (int)sizeof(child))
			err = one(b, child, end);
	return err;
}

static int read_top(struct bus *b, const char *path, char *names)
{
	if (strcmp(path, "/qubes-firewall") != 0)
		return read_tree(b, path, names);
	return read_each(b, path, names, read_tree);
}

void bus_rules_tick(struct bus *b, struct mono now)
{
	struct rules *r = &b->rules;
	struct mono later = mono_add_ms(now, ANEW_MS);
	uint32_t i = 0;

	if (r->all && mono_past(r->all_at, now)) {
		r->all = false;
		if (read_each(b, "", b->names, read_top))
			read_all(r, later);
	}
	while (i < r->n) {
		struct rule_due d = r->due[i];

		if (!mono_past(d.at, now)) {
			i++;
			continue;
		}
		if (read_top(b, d.path, b->names)) {
			r->due[i++].at = later;
			continue;
		}
		r->due[i] = r->due[--r->n];
	}
}

struct mono bus_rules_next(const struct bus *b)
{
	const struct rules *r = &b->rules;
	struct mono at = { 0 };

	if (r->all)
		bus_sooner(&at, r->all_at);
	for (uint32_t i = 0; i < r->n; i++)
		bus_sooner(&at, r->due[i].at);
	return at;
}
