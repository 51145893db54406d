/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/qubes/qubes_keys.h"
#include "firewall/control/qubes/source_qubesdb.h"
#include "firewall/linux/log.h"

#define MIRROR_BYTES (32u << 20)
#define DUE_BYTES (1u << 20)
#define NAMES_BYTES (8u << 20)

static bool begins(const char *path, const char *prefix)
{
	return !strncmp(path, prefix, strlen(prefix));
}

/* What others in this process may want to know; secrets are not. */
static bool is_wanted(const char *path)
{
	static const char *const prefix[] = {
		TREE_RULES,
		TREE_GUARD4,
		TREE_GUARD6,
		"/vm-config/",
		"/qubes-service/",
		"/qubes-netvm-",
		"/qubes-ip",
		"/qubes-gateway",
		"/qubes-primary-dns",
		TREE_MAPPED,
		"/qubes-secondary-dns",
	};

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (begins(path, prefix[i]))
			return true;
	return false;
}

/* /qubes-firewall/ADDRESS: to be written last. */
static bool is_set(const char *path)
{
	return begins(path, TREE_RULES) &&
	       !strchr(path + strlen(TREE_RULES), '/');
}

/* ---- into the tree of all sources -------------------------------------------
 */

static void hand_on(struct source_qubesdb *s, const char *path,
		    const char *value, size_t len)
{
	int err = tree_offer(s->tree, path, value, len);

	if (err)
		log_err("QubesDB: a key is not taken (%s)", log_errno(-err));
}

/* Its commit is to be confirmed once data has it. */
static void note_commit(struct source_qubesdb *s, const char *path)
{
	if (tree_write(s->due, path + strlen(TREE_RULES) - 1, "", 0))
		log_warn("QubesDB: too many commits wait for data");
}

static void take_set(struct source_qubesdb *s, const struct tree_key *own)
{
	char below[TREE_PATH_MAX + 2];
	struct tree_key key = { .path = NULL };

	snprintf(below, sizeof(below), "%s/", own->path);
	tree_remove(s->tree, below);
	while (tree_next(s->mirror, below, key.path, &key))
		hand_on(s, key.path, key.value, key.len);
	hand_on(s, own->path, own->value, own->len);
	note_commit(s, own->path);
	s->commits++;
	s->committed = s->now;
}

/* One without its own key, or that has changed since, is not. */
static bool is_committed_as(const struct source_qubesdb *s, const char *set)
{
	struct tree_key a = { .path = NULL }, b = { .path = NULL };
	char below[TREE_PATH_MAX + 2];
	bool is, more;

	if (!tree_committed(s->tree, set))
		return false;
	snprintf(below, sizeof(below), "%s/", set);
	do {
		is = tree_next(s->mirror, below, a.path, &a);
		more = tree_next(s->tree, below, b.path, &b);
		if (is != more)
			return false;
		if (is && (strcmp(a.path, b.path) != 0 || a.len != b.len ||
			   memcmp(a.value, b.value, a.len) != 0))
			return false;
	} while (is);
	return true;
}

static bool is_as_in(const struct tree *t, const struct tree_key *key)
{
	struct tree_key is;

	return tree_read(t, key->path, &is) && is.len == key->len &&
	       !memcmp(is.value, key->value, key->len);
}

/* What the daemon has not got, though it has everything. */
static void forget_absent(struct source_qubesdb *s)
{
	struct tree_key key = { .path = NULL }, is;
	char path[TREE_PATH_MAX + 1] = "";

	while (tree_next(s->tree, "/", path[0] ? path : NULL, &key)) {
		memcpy(path, key.path, strlen(key.path) + 1);
		if (is_wanted(path) && !tree_read(s->mirror, path, &is))
			tree_remove(s->tree, path);
	}
}

/*
 * What did not change is no commit: rules that were set by hand stay.  Somebody
 * in dom0 may wait for the count, and has what is waited for.
 */
static void take_set_again(struct source_qubesdb *s, const struct tree_key *own)
{
	if (is_committed_as(s, own->path))
		note_commit(s, own->path);
	else
		take_set(s, own);
}

static void on_synced(void *ctx)
{
	struct source_qubesdb *s = ctx;
	struct tree_key key = { .path = NULL };

	if (tree_read(s->mirror, "/name", &key))
		forget_absent(s);
	key.path = NULL;
	while (tree_next(s->mirror, "/", key.path, &key)) {
		if (is_set(key.path))
			take_set_again(s, &key);
		else if (!begins(key.path, TREE_RULES) && is_wanted(key.path) &&
			 !is_as_in(s->tree, &key))
			hand_on(s, key.path, key.value, key.len);
	}
	log_info("QubesDB: %u keys of dom0 were read", tree_keys(s->mirror));
	s->connected = true;
	s->names_due = s->errors_due = true;
	s->since = s->news = s->now;
}

/* ---- the mirror -------------------------------------------------------------
 */

static void on_begin(void *ctx)
{
	struct source_qubesdb *s = ctx;

	tree_remove(s->mirror, "/");
}

/* When it is quiet again: an address and its gateway are two keys. */
static void look_soon(struct source_qubesdb *s, const char *path)
{
	if (qubes_keys_is(path) || path[strlen(path) - 1] == '/')
		s->news = mono_add_ms(s->now, SOURCE_QUBESDB_NEWS_MS);
}

/*
 * A set is taken from the mirror as a whole: what the shared tree has of it may
 * be of a daemon that has gone since.
 */
static void changed(struct source_qubesdb *s, const char *path)
{
	struct tree_key key;

	if (s->db.state != QUBESDB_RUN || !is_wanted(path) ||
	    !tree_read(s->mirror, path, &key))
		return;
	if (is_set(path))
		take_set(s, &key);
	else if (!begins(path, TREE_RULES))
		hand_on(s, path, key.value, key.len);
	look_soon(s, path);
}

static void on_write(void *ctx, const char *path, const char *value, size_t len)
{
	struct source_qubesdb *s = ctx;
	int err = tree_offer(s->mirror, path, value, len);

	if (err)
		log_err("QubesDB: no room for a key (%s)", log_errno(-err));
	else
		changed(s, path);
}

/*
 * A removal from above the sets removes each key by itself, because whoever
 * listens knows a set by its own key.
 */
static void remove_wide(struct source_qubesdb *s, const char *prefix)
{
	char path[TREE_PATH_MAX + 1] = "";
	struct tree_key key;

	while (tree_next(s->tree, prefix, path[0] ? path : NULL, &key)) {
		memcpy(path, key.path, strlen(key.path) + 1);
		if (is_wanted(path))
			tree_remove(s->tree, path);
	}
}

static void on_remove(void *ctx, const char *path)
{
	struct source_qubesdb *s = ctx;

	if (!tree_remove(s->mirror, path))
		log_warn("QubesDB: dom0 removed a key that was not there");
	if (s->db.state != QUBESDB_RUN)
		return;
	if (path[strlen(path) - 1] == '/' &&
	    !(begins(path, TREE_RULES) && path[strlen(TREE_RULES)]))
		remove_wide(s, path);
	else if (is_set(path) || (is_wanted(path) && !begins(path, TREE_RULES)))
		tree_remove(s->tree, path);
	look_soon(s, path);
}

static bool on_has(void *ctx, const char *path)
{
	const struct source_qubesdb *s = ctx;
	struct tree_key key;

	if (path[strlen(path) - 1] == '/')
		return tree_next(s->mirror, path, NULL, &key);
	return tree_read(s->mirror, path, &key);
}

static enum qubesdb_kind on_kind(void *ctx, const char *path)
{
	(void)ctx;
	if (is_set(path))
		return QUBESDB_SET;
	if (begins(path, TREE_RULES))
		return QUBESDB_PART;
	return is_wanted(path) ? QUBESDB_KEY : QUBESDB_NONE;
}

static void on_lost(void *ctx)
{
	struct source_qubesdb *s = ctx;

	if (s->connected)
		log_warn("QubesDB: %s; everything stays as it was committed",
			 s->db.trouble);
	else
		log_dbg("QubesDB: %s", s->db.trouble);
	s->connected = false;
	s->since = s->now;
}

/* ---- its life ---------------------------------------------------------------
 */

static void mirror_changed(void *ctx, const char *path, bool removed)
{
	const struct source_qubesdb *s = ctx;

	(void)removed;
	if (s->changed)
		s->changed(s->changed_ctx, path);
}

static void free_trees(struct source_qubesdb *s)
{
	tree_free(s->mirror);
	tree_free(s->due);
	tree_free(s->names);
	s->mirror = s->due = s->names = NULL;
}

int source_qubesdb_open(struct source_qubesdb *s, struct chan_net *net,
			bool local, struct tree *t, const struct apply *a,
			struct mono now)
{
	static struct qubesdb_ops ops = {
		.begin = on_begin,
		.write = on_write,
		.remove = on_remove,
		.has = on_has,
		.kind = on_kind,
		.synced = on_synced,
		.lost = on_lost,
	};

	ops.ctx = s;
	*s = (struct source_qubesdb){
		.tree = t, .apply = a, .started = now, .since = now
	};
	s->mirror = tree_new(MIRROR_BYTES, mirror_changed, s);
	s->due = tree_new(DUE_BYTES, NULL, NULL);
	s->names = tree_new(NAMES_BYTES, NULL, NULL);
	if (!s->mirror || !s->due || !s->names) {
		free_trees(s);
		return -ENOMEM;
	}
	if (local)
		qubesdb_init_local(&s->db, net, &ops);
	else
		qubesdb_init(&s->db, net, &ops);
	return 0;
}

void source_qubesdb_close(struct source_qubesdb *s)
{
	qubesdb_fini(&s->db);
	free_trees(s);
}

struct mono source_qubesdb_work(struct source_qubesdb *s, struct mono now)
{
	struct mono next;
	bool waits;

	s->now = now;
	source_qubesdb_tell(s);
	waits = s->names_due && s->db.unacked_writes;
	next = qubesdb_work(&s->db, now);
	/* names go when writes are answered, and that may have been the last */
	if (waits && !s->db.unacked_writes)
		return now;
	return s->news.ns && s->news.ns < next.ns ? s->news : next;
}

bool source_qubesdb_news(struct source_qubesdb *s, struct mono now)
{
	bool is = s->news.ns && mono_past(s->news, now);

	if (is)
		s->news = (struct mono){ 0 };
	return is;
}

void source_qubesdb_wrong(struct source_qubesdb *s, const char *why)
{
	snprintf(s->wrong, sizeof(s->wrong), "%s", why);
	s->errors_due = true;
}

bool source_qubesdb_settled(const struct source_qubesdb *s, struct mono now)
{
	return s->db.syncs ||
	       mono_past(mono_add_ms(s->started, SOURCE_QUBESDB_READY_MS), now);
}
