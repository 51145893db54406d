/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A treap: a search tree by key that is a heap by a number mixed from the key,
 * so that it is as shallow as one built in random order, however the keys come.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/control/source/tree.h"
#include "packet/pkt_assert.h"

struct node {
	struct node *left, *right;
	uint32_t prio;
	uint32_t value_len;
	bool open;   /* what is below it changed since it was written */
	char *value; /* in bytes[], behind the path */
	char bytes[];
};

struct tree {
	struct node *root;
	tree_changed *changed;
	void *ctx;
	size_t bytes, bytes_max;
	uint32_t keys;
};

/* FNV-1a, then mixed: keys come from dom0, none is chosen to hurt us. */
static uint32_t mix(const char *path)
{
	uint32_t h = 2166136261u;

	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * 16777619u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

static bool path_ok(const char *path, size_t len)
{
	if (len < 2 || len > TREE_PATH_MAX || path[0] != '/' ||
	    path[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			    "YZ0123456789_/.:@-",
			    path[i]))
			return false;
	return true;
}

struct tree *tree_new(size_t bytes, tree_changed *changed, void *ctx)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->bytes_max = bytes;
	t->changed = changed;
	t->ctx = ctx;
	return t;
}

/* Takes the tree apart by turning it into a list on the way. */
void tree_free(struct tree *t)
{
	struct node *n = t ? t->root : NULL;

	while (n) {
		struct node *left = n->left, *next;

		if (left) {
			n->left = left->right;
			left->right = n;
			n = left;
			continue;
		}
		next = n->right;
		free(n);
		n = next;
	}
	free(t);
}

static size_t node_bytes(const char *path, size_t len)
{
	return sizeof(struct node) + strlen(path) + 1 + len + 1;
}

static struct node *node_new(const char *path, const void *value, size_t len)
{
	size_t path_len = strlen(path) + 1;
	struct node *n = malloc(node_bytes(path, len));

	if (!n)
		return NULL;
	n->left = n->right = NULL;
	n->prio = mix(path);
	n->open = false;
	n->value_len = (uint32_t)len;
	memcpy(n->bytes, path, path_len);
	n->value = n->bytes + path_len;
	if (len)
		memcpy(n->value, value, len);
	n->value[len] = '\0';
	return n;
}

/* Cuts @n into keys below @path and keys above it. */
static void split(struct node *n, const char *path, struct node **below,
		  struct node **above)
{
	while (n)
		if (strcmp(n->bytes, path) < 0) {
			*below = n;
			below = &n->right;
			n = n->right;
		} else {
			*above = n;
			above = &n->left;
			n = n->left;
		}
	*below = *above = NULL;
}

/* One tree of two; every key of @a is below every one of @b. */
static struct node *join(struct node *a, struct node *b)
{
	struct node *root, **at = &root;

	while (a && b)
		if (a->prio > b->prio) {
			*at = a;
			at = &a->right;
			a = a->right;
		} else {
			*at = b;
			at = &b->left;
			b = b->left;
		}
	*at = a ? a : b;
	return root;
}

/* The link that points to @path's node, or where it would be. */
static struct node **find(struct tree *t, const char *path)
{
	struct node **at = &t->root;
	int cmp;

	while (*at && (cmp = strcmp(path, (*at)->bytes)))
		at = cmp < 0 ? &(*at)->left : &(*at)->right;
	return at;
}

static void insert(struct tree *t, struct node *n)
{
	struct node **at = &t->root;

	while (*at && (*at)->prio >= n->prio)
		at = strcmp(n->bytes, (*at)->bytes) < 0 ? &(*at)->left
							: &(*at)->right;
	split(*at, n->bytes, &n->left, &n->right);
	*at = n;
	t->keys++;
	t->bytes += node_bytes(n->bytes, n->value_len);
}

static void cut(struct tree *t, struct node **at)
{
	struct node *n = *at;

	vw_assert(n);
	*at = join(n->left, n->right);
	t->keys--;
	t->bytes -= node_bytes(n->bytes, n->value_len);
	free(n);
}

/* A set that @path is a key of does not count before its next commit. */
static void open_set(struct tree *t, const char *path)
{
	const size_t len = strlen(TREE_RULES);
	char set[TREE_PATH_MAX + 1];
	const char *end;
	struct node **at;

	if (strncmp(path, TREE_RULES, len) != 0)
		return;
	end = strchr(path + len, '/');
	if (!end)
		return;
	memcpy(set, path, (size_t)(end - path));
	set[end - path] = '\0';
	at = find(t, set);
	if (*at)
		(*at)->open = true;
}

int tree_write(struct tree *t, const char *path, const void *value, size_t len)
{
	struct node **old, *n;
	size_t bytes;

	if (!path_ok(path, strnlen(path, TREE_PATH_MAX + 1)))
		return -EINVAL;
	if (len > TREE_VALUE_MAX)
		return -EMSGSIZE;
	old = find(t, path);
	bytes = t->bytes + node_bytes(path, len);
	if (*old)
		bytes -= node_bytes(path, (*old)->value_len);
	if (bytes > t->bytes_max)
		return -ENOSPC;
	n = node_new(path, value, len);
	if (!n)
		return -ENOSPC;
	if (*old)
		cut(t, old);
	insert(t, n);
	open_set(t, path);
	if (t->changed)
		t->changed(t->ctx, n->bytes, false);
	return 0;
}

uint32_t tree_remove(struct tree *t, const char *path)
{
	char gone[TREE_PATH_MAX + 1]; /* @path may be the key's own */
	size_t len = strnlen(path, sizeof(gone));
	struct tree_key key;
	struct node **at;
	uint32_t n = 0;

	if (len == sizeof(gone))
		return 0;
	memcpy(gone, path, len + 1);
	if (len && path[len - 1] == '/') {
		while (tree_next(t, path, NULL, &key)) {
			cut(t, find(t, key.path));
			n++;
		}
	} else {
		at = find(t, path);
		if (*at) {
			cut(t, at);
			n = 1;
		}
	}
	open_set(t, gone);
	if (n && t->changed)
		t->changed(t->ctx, gone, true);
	return n;
}

static void spoil(struct tree *t, const char *path)
{
	static const char why[] = "a key of it does not fit";
	const size_t len = strlen(TREE_RULES);
	char below[TREE_PATH_MAX + 1], error[TREE_PATH_MAX + 1];
	size_t set;

	if (strncmp(path, TREE_RULES, len) != 0)
		return;
	set = len + strcspn(path + len, "/");
	if (set + sizeof("/" TREE_ERROR) > sizeof(error))
		return;
	snprintf(below, sizeof(below), "%.*s/", (int)set, path);
	snprintf(error, sizeof(error), "%.*s/" TREE_ERROR, (int)set, path);
	tree_remove(t, below);
	/* no room even for that: an empty set is a bad one, too */
	(void)!tree_write(t, error, why, sizeof(why) - 1);
}

int tree_offer(struct tree *t, const char *path, const void *value, size_t len)
{
	int err = tree_write(t, path, value, len);

	if (err)
		spoil(t, path);
	return err;
}

static void show(const struct node *n, struct tree_key *out)
{
	out->path = n->bytes;
	out->value = n->value;
	out->len = n->value_len;
}

static const struct node *look_up(const struct tree *t, const char *path)
{
	const struct node *n = t->root;
	int cmp;

	while (n && (cmp = strcmp(path, n->bytes)))
		n = cmp < 0 ? n->left : n->right;
	return n;
}

bool tree_read(const struct tree *t, const char *path, struct tree_key *out)
{
	const struct node *n = look_up(t, path);

	if (n)
		show(n, out);
	return n;
}

bool tree_committed(const struct tree *t, const char *path)
{
	const struct node *n = look_up(t, path);

	return n && !n->open;
}

bool tree_next(const struct tree *t, const char *prefix, const char *after,
	       struct tree_key *out)
{
	const struct node *n = t->root, *best = NULL;
	const char *from = after ? after : prefix;

	while (n) {
		int cmp = strcmp(n->bytes, from);

		if (cmp > 0 || (cmp == 0 && !after)) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (!best || strncmp(best->bytes, prefix, strlen(prefix)))
		return false;
	show(best, out);
	return true;
}

uint32_t tree_keys(const struct tree *t)
{
	return t->keys;
}

size_t tree_bytes(const struct tree *t)
{
	return t->bytes;
}
