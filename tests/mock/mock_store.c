/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mock/mock_store.h"

#define PATH_MAX_ABS 3072u
#define PERMS 5u
#define TRANSACTIONS 64u
#define READ 1u
#define WRITE 2u

struct perm {
	uint16_t dom;
	uint8_t may; /* READ, WRITE */
};

struct node {
	char *name;
	char *value;
	size_t len;
	struct perm perm[PERMS]; /* the first: owner, and what others may */
	uint32_t perm_n;
	uint64_t gen; /* changes with the node and the list of its children */
	struct node *parent, *child, *next;
};

struct watch {
	struct handle *h;
	char *path;	/* absolute */
	size_t shorter; /* of it that events do not show */
	char *token;
	struct watch *next;
};

struct event {
	char *path, *token;
	struct event *next;
};

struct step { /* of a transaction, done at its end */
	char *path;
	char *value; /* NULL: removal */
	size_t len;
	struct step *next;
};

struct seen {
	char *path;
	uint64_t gen; /* 0: it was not there */
	struct seen *next;
};

struct transaction {
	uint32_t id;	   /* 0: free */
	struct node *root; /* a copy of the tree */
	struct seen *seen;
	struct step *step, **last;
};

struct handle {
	struct store store;
	struct mock_tree *t;
	uint16_t dom;
	struct transaction tr[TRANSACTIONS];
	struct event *event, **last;
	uint32_t calls, waiting;
	uint32_t fail_at, fail_n, conflicts;
	int fail_err;
	bool hold, coalesce;
	void (*hook)(void *ctx, struct mock_tree *t, uint32_t call);
	void *hook_ctx;
};

struct mock_tree {
	pthread_mutex_t lock;
	struct node *root;
	struct watch *watch;
	uint64_t gen;
	uint32_t next_id;
	struct mock_quota quota;
};

static void *need(void *p)
{
	vw_assert(p);
	return p;
}

/* ---- nodes ---- */

static struct node *node_new(struct node *parent, const char *name, size_t len,
			     uint64_t gen)
{
	struct node *n = need(calloc(1, sizeof(*n)));

	n->name = need(strndup(name, len));
	n->value = need(strdup(""));
	n->gen = gen;
	n->perm_n = 1;
	if (parent) {
		struct node **last = &parent->child;

		memcpy(n->perm, parent->perm, sizeof(n->perm));
		n->perm_n = parent->perm_n;
		n->parent = parent;
		while (*last)
			last = &(*last)->next;
		*last = n;
	}
	return n;
}

static void node_free(struct node *n)
{
	while (n->child) {
		struct node *c = n->child;

		n->child = c->next;
		node_free(c);
	}
	free(n->name);
	free(n->value);
	free(n);
}

static struct node *node_copy(const struct node *n, struct node *parent)
{
	struct node *c = node_new(parent, n->name, strlen(n->name), n->gen);

	free(c->value);
	c->value = need(malloc(n->len + 1));
	memcpy(c->value, n->value, n->len + 1);
	c->len = n->len;
	memcpy(c->perm, n->perm, sizeof(c->perm));
	c->perm_n = n->perm_n;
	for (const struct node *k = n->child; k; k = k->next)
		node_copy(k, c);
	return c;
}

static struct node *child_of(const struct node *n, const char *name, size_t len)
{
	struct node *c = n->child;

	while (c && (strlen(c->name) != len || memcmp(c->name, name, len)))
		c = c->next;
	return c;
}

/* @nearest: the last that is there on the way. */
static struct node *node_find(struct node *root, const char *path,
			      struct node **nearest)
{
	struct node *n = root;

	while (n && *path == '/' && path[1]) {
		size_t len = strcspn(++path, "/");

		if (nearest)
			*nearest = n;
		n = child_of(n, path, len);
		path += len;
	}
	if (nearest && n)
		*nearest = n;
	return n;
}

static uint8_t may(const struct node *n, uint16_t dom)
{
	if (!dom || n->perm[0].dom == dom)
		return READ | WRITE;
	for (uint32_t i = 1; i < n->perm_n; i++)
		if (n->perm[i].dom == dom)
			return n->perm[i].may;
	return n->perm[0].may;
}

static void node_path(const struct node *n, char *out, size_t room)
{
	size_t len;

	if (!n->parent) {
		*out = '\0';
		return;
	}
	node_path(n->parent, out, room);
	len = strlen(out);
	snprintf(out + len, room - len, "/%s", n->name);
}

/* ---- events ---- */

static void signal_fd(struct handle *h)
{
	uint64_t one = 1;

	if (h->event && !h->hold)
		vw_assert(write(h->store.fd, &one, sizeof(one)) == 8);
}

static void event_add(struct handle *h, const char *path, const char *token)
{
	struct event *e;

	for (e = h->event; h->coalesce && e; e = e->next)
		if (!strcmp(e->path, path) && !strcmp(e->token, token))
			return;
	e = need(calloc(1, sizeof(*e)));
	e->path = need(strdup(path));
	e->token = need(strdup(token));
	*h->last = e;
	h->last = &e->next;
	h->waiting++;
	signal_fd(h);
}

static bool at_or_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

/* @exact: watches on the very node alone. */
static void fire(struct mock_tree *t, const struct node *n, bool exact)
{
	char path[PATH_MAX_ABS + 1];

	node_path(n, path, sizeof(path));
	for (struct watch *w = t->watch; w; w = w->next)
		if (may(n, w->h->dom) & READ &&
		    (exact ? !strcmp(path, w->path)
			   : at_or_below(path, w->path)))
			event_add(w->h, path + w->shorter, w->token);
}

/* ---- changes of a tree; with @t they fire ---- */

static void node_rm(struct mock_tree *t, struct node *n, bool exact)
{
	struct node **at = &n->parent->child;

	while (n->child)
		node_rm(t, n->child, true);
	if (t)
		fire(t, n, exact);
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	node_free(n);
}

static struct node *node_make(struct mock_tree *t, struct node *root,
			      uint16_t dom, const char *path)
{
	struct node *n = root;

	while (path[1]) {
		size_t len = strcspn(++path, "/");
		struct node *c = child_of(n, path, len);

		if (!c) {
			c = node_new(n, path, len, ++t->gen);
			if (dom)
				c->perm[0].dom = dom;
			n->gen = ++t->gen;
		}
		n = c;
		path += len;
		if (!*path)
			break;
	}
	return n;
}

static struct node *node_set(struct mock_tree *t, struct node *root,
			     uint16_t dom, const char *path, const char *value,
			     size_t len)
{
	struct node *n = node_make(t, root, dom, path);

	free(n->value);
	n->value = need(malloc(len + 1));
	memcpy(n->value, value, len);
	n->value[len] = '\0';
	n->len = len;
	n->gen = ++t->gen;
	return n;
}

/* ---- rights ---- */

/* 0, or why @dom may not; what is missing is hidden where it can't look. */
static int allowed(struct node *root, uint16_t dom, const char *path,
		   uint8_t want, struct node **out)
{
	struct node *near = root, *n = node_find(root, path, &near);

	*out = n;
	if (n)
		return (may(n, dom) & want) == want ? 0 : -EACCES;
	return (may(near, dom) & want) == want ? -ENOENT : -EACCES;
}

static uint32_t owned(const struct node *n, uint16_t dom)
{
	uint32_t sum = n->perm[0].dom == dom;

	for (const struct node *c = n->child; c; c = c->next)
		sum += owned(c, dom);
	return sum;
}

static uint32_t missing(struct node *root, const char *path)
{
	struct node *near = root;
	char at[PATH_MAX_ABS + 1];
	uint32_t n = 0;

	if (node_find(root, path, &near))
		return 0;
	node_path(near, at, sizeof(at));
	for (path += strlen(at); *path; path++)
		n += *path == '/';
	return n;
}

/* ---- a call ---- */

static bool path_ok(const char *p)
{
	size_t len = strlen(p);

	if (!len || len > PATH_MAX_ABS || strstr(p, "//") ||
	    (len > 1 && p[len - 1] == '/'))
		return false;
	return len == strspn(p, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@");
}

/* The lock is held from here to leave(). */
static int enter(struct handle *h, const char *path,
		 char full[PATH_MAX_ABS + 64])
{
	void (*hook)(void *ctx, struct mock_tree *t, uint32_t call);
	uint32_t call;
	void *ctx;

	pthread_mutex_lock(&h->t->lock);
	call = ++h->calls;
	hook = h->hook;
	ctx = h->hook_ctx;
	if (hook) {
		pthread_mutex_unlock(&h->t->lock);
		hook(ctx, h->t, call);
		pthread_mutex_lock(&h->t->lock);
	}
	if (h->fail_n && h->calls >= h->fail_at) {
		h->fail_n--;
		return h->fail_err;
	}
	if (!path)
		return 0;
	if (!path_ok(path))
		return -EINVAL;
	if (path[0] == '/')
		snprintf(full, PATH_MAX_ABS + 64, "%s", path);
	else
		snprintf(full, PATH_MAX_ABS + 64, "/local/domain/%u/%s", h->dom,
			 path);
	return 0;
}

static void leave(struct handle *h)
{
	pthread_mutex_unlock(&h->t->lock);
}

/* 0: none; otherwise *tr is it. */
static int which(struct handle *h, uint32_t id, struct transaction **tr)
{
	*tr = NULL;
	for (uint32_t i = 0; id && i < TRANSACTIONS; i++)
		if (h->tr[i].id == id)
			*tr = &h->tr[i];
	return id && !*tr ? -ENOENT : 0;
}

static struct node *root_of(struct handle *h, struct transaction *tr)
{
	return tr ? tr->root : h->t->root;
}

static uint64_t gen_of(struct node *root, const char *path)
{
	struct node *n = node_find(root, path, NULL);

	return n ? n->gen : 0;
}

/* Its outcome now counts for the end of the transaction. */
static void saw(struct transaction *tr, const char *path)
{
	struct seen *s;

	for (s = tr->seen; s; s = s->next)
		if (!strcmp(s->path, path))
			return;
	s = need(calloc(1, sizeof(*s)));
	s->path = need(strdup(path));
	s->gen = gen_of(tr->root, path);
	s->next = tr->seen;
	tr->seen = s;
}

static void parent_path(char *path)
{
	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';
}

static void do_later(struct transaction *tr, const char *path,
		     const char *value, size_t len)
{
	struct step *s = need(calloc(1, sizeof(*s)));

	s->path = need(strdup(path));
	if (value) {
		s->value = need(malloc(len + 1));
		memcpy(s->value, value, len);
		s->len = len;
	}
	*tr->last = s;
	tr->last = &s->next;
}

/* ---- the operations ---- */

static ssize_t mock_read(struct store *s, uint32_t id, const char *path,
			 char *out, size_t room)
{
	struct handle *h = (struct handle *)s;
	char full[PATH_MAX_ABS + 64];
	struct transaction *tr;
	struct node *n;
	ssize_t got = enter(h, path, full);

	if (!got)
		got = which(h, id, &tr);
	if (!got) {
		if (tr)
			saw(tr, full);
		got = allowed(root_of(h, tr), h->dom, full, READ, &n);
		if (!got)
			got = n->len > room ? -EMSGSIZE : (ssize_t)n->len;
		if (got >= 0)
			memcpy(out, n->value, n->len + 1);
	}
	leave(h);
	return got;
}

static int mock_list(struct store *s, uint32_t id, const char *path, char *out,
		     size_t room)
{
	struct handle *h = (struct handle *)s;
	char full[PATH_MAX_ABS + 64];
	struct transaction *tr;
	struct node *n;
	size_t at = 0;
	int got = enter(h, path, full);

	if (!got)
		got = which(h, id, &tr);
	if (!got && tr)
		saw(tr, full);
	if (!got)
		got = allowed(root_of(h, tr), h->dom, full, READ, &n);
	if (!got)
		for (struct node *c = n->child; c && got >= 0; c = c->next) {
			size_t len = strlen(c->name) + 1;

			if (len > room - at) {
				got = -EMSGSIZE;
				break;
			}
			memcpy(out + at, c->name, len);
			at += len;
			got++;
		}
	leave(h);
	return got;
}

static int may_write(struct handle *h, struct node *root, const char *full,
		     size_t len)
{
	struct mock_quota *q = &h->t->quota;
	struct node *n;
	int err = allowed(root, h->dom, full, WRITE, &n);

	if (err && err != -ENOENT)
		return err;
	if (h->dom && len > q->value)
		return -ENOSPC;
	if (h->dom && owned(root, h->dom) + missing(root, full) > q->nodes)
		return -ENOSPC;
	return 0;
}

static int mock_write(struct store *s, uint32_t id, const char *path,
		      const char *value, size_t len)
{
	struct handle *h = (struct handle *)s;
	char full[PATH_MAX_ABS + 64], parent[PATH_MAX_ABS + 64];
	struct transaction *tr;
	int err = enter(h, path, full);

	if (!err)
		err = len > STORE_VALUE_MAX ? -E2BIG : which(h, id, &tr);
	if (!err)
		err = may_write(h, root_of(h, tr), full, len);
	if (!err && tr) {
		saw(tr, full);
		if (!gen_of(tr->root, full)) {
			snprintf(parent, sizeof(parent), "%s", full);
			parent_path(parent);
			saw(tr, parent);
		}
		do_later(tr, full, value, len);
		node_set(h->t, tr->root, h->dom, full, value, len);
	} else if (!err) {
		fire(h->t, node_set(h->t, h->t->root, h->dom, full, value, len),
		     false);
	}
	leave(h);
	return err;
}

static int may_rm(struct handle *h, struct node *root, const char *full,
		  bool *there)
{
	char parent[PATH_MAX_ABS + 64];
	struct node *n;
	int err = allowed(root, h->dom, full, WRITE, &n);

	*there = n;
	if (n && !n->parent)
		return -EINVAL;
	if (err != -ENOENT)
		return err;
	snprintf(parent, sizeof(parent), "%s", full);
	parent_path(parent);
	return node_find(root, parent, NULL) ? 0 : -ENOENT;
}

static int mock_rm_op(struct store *s, uint32_t id, const char *path)
{
	struct handle *h = (struct handle *)s;
	char full[PATH_MAX_ABS + 64];
	struct transaction *tr;
	struct node *n;
	bool there = false;
	int err = enter(h, path, full);

	if (!err)
		err = which(h, id, &tr);
	if (!err)
		err = may_rm(h, root_of(h, tr), full, &there);
	if (!err && tr)
		saw(tr, full);
	if (!err && there) {
		n = node_find(root_of(h, tr), full, NULL);
		n->parent->gen = ++h->t->gen;
		if (tr)
			do_later(tr, full, NULL, 0);
		node_rm(tr ? NULL : h->t, n, false);
	}
	leave(h);
	return err;
}

static int mock_begin(struct store *s, uint32_t *id)
{
	struct handle *h = (struct handle *)s;
	uint32_t i = 0, limit = TRANSACTIONS;
	int err = enter(h, NULL, NULL);

	if (h->dom && h->t->quota.transactions < limit)
		limit = h->t->quota.transactions;
	while (!err && i < limit && h->tr[i].id)
		i++;
	if (!err && i == limit)
		err = -ENOSPC;
	if (!err) {
		struct transaction *tr = &h->tr[i];

		*id = tr->id = ++h->t->next_id;
		tr->root = node_copy(h->t->root, NULL);
		tr->seen = NULL;
		tr->step = NULL;
		tr->last = &tr->step;
	}
	leave(h);
	return err;
}

static void commit(struct handle *h, struct transaction *tr)
{
	for (struct step *st = tr->step; st; st = st->next) {
		struct node *n;

		if (st->value) {
			fire(h->t,
			     node_set(h->t, h->t->root, h->dom, st->path,
				      st->value, st->len),
			     false);
			continue;
		}
		n = node_find(h->t->root, st->path, NULL);
		if (n && n->parent) {
			n->parent->gen = ++h->t->gen;
			node_rm(h->t, n, false);
		}
	}
}

static void forget(struct transaction *tr)
{
	while (tr->seen) {
		struct seen *s = tr->seen;

		tr->seen = s->next;
		free(s->path);
		free(s);
	}
	while (tr->step) {
		struct step *s = tr->step;

		tr->step = s->next;
		free(s->path);
		free(s->value);
		free(s);
	}
	node_free(tr->root);
	tr->id = 0;
}

static int mock_end(struct store *s, uint32_t id, bool abort)
{
	struct handle *h = (struct handle *)s;
	struct transaction *tr;
	int err = enter(h, NULL, NULL), none = which(h, id, &tr);

	if (!err)
		err = none || !id ? -ENOENT : 0;
	if (!err && !abort && h->conflicts) {
		h->conflicts--;
		err = -EAGAIN;
	}
	for (struct seen *w = tr && !err && !abort ? tr->seen : NULL; w;
	     w = w->next)
		if (gen_of(h->t->root, w->path) != w->gen)
			err = -EAGAIN;
	if (!err && !abort)
		commit(h, tr);
	if (tr)
		forget(tr);
	leave(h);
	return err;
}

static uint32_t watches(struct mock_tree *t, uint16_t dom)
{
	uint32_t n = 0;

	for (struct watch *w = t->watch; w; w = w->next)
		n += w->h->dom == dom;
	return n;
}

static struct watch **watch_find(struct handle *h, const char *full,
				 const char *token)
{
	struct watch **w = &h->t->watch;

	while (*w && ((*w)->h != h || strcmp((*w)->path, full) != 0 ||
		      strcmp((*w)->token, token) != 0))
		w = &(*w)->next;
	return w;
}

static int mock_watch(struct store *s, const char *path, const char *token)
{
	struct handle *h = (struct handle *)s;
	char full[PATH_MAX_ABS + 64];
	struct watch **at;
	int err = enter(h, path, full);

	if (!err && *watch_find(h, full, token))
		err = -EEXIST;
	if (!err && h->dom && watches(h->t, h->dom) >= h->t->quota.watches)
		err = -E2BIG;
	if (!err) {
		at = watch_find(h, full, token);
		*at = need(calloc(1, sizeof(**at)));
		(*at)->h = h;
		(*at)->path = need(strdup(full));
		(*at)->token = need(strdup(token));
		(*at)->shorter = strlen(full) - strlen(path);
		event_add(h, path, token);
	}
	leave(h);
	return err;
}

static void watch_end(struct watch **at)
{
	struct watch *w = *at;

	*at = w->next;
	free(w->path);
	free(w->token);
	free(w);
}

static int mock_unwatch(struct store *s, const char *path, const char *token)
{
	struct handle *h = (struct handle *)s;
	char full[PATH_MAX_ABS + 64];
	struct watch **at;
	int err = enter(h, path, full);

	if (!err) {
		at = watch_find(h, full, token);
		if (*at)
			watch_end(at);
		else
			err = -ENOENT;
	}
	leave(h);
	return err;
}

static struct event *event_take(struct handle *h)
{
	struct event *e = h->event;

	if (!e)
		return NULL;
	h->event = e->next;
	if (!h->event)
		h->last = &h->event;
	h->waiting--;
	return e;
}

static void event_free(struct event *e)
{
	free(e->path);
	free(e->token);
	free(e);
}

static int mock_event(struct store *s, char path[STORE_PATH_MAX],
		      char token[STORE_PATH_MAX])
{
	struct handle *h = (struct handle *)s;
	int err = enter(h, NULL, NULL);
	struct event *e = NULL;
	uint64_t n;

	if (!err && !h->hold) {
		e = event_take(h);
		if (!h->event)
			err = read(s->fd, &n, sizeof(n)) < 0 && errno != EAGAIN;
	}
	if (e) {
		snprintf(path, STORE_PATH_MAX, "%s", e->path);
		snprintf(token, STORE_PATH_MAX, "%s", e->token);
		event_free(e);
		err = 1;
	}
	leave(h);
	return err;
}

static void mock_close(struct store *s)
{
	struct handle *h = (struct handle *)s;
	struct event *e;

	pthread_mutex_lock(&h->t->lock);
	for (struct watch **w = &h->t->watch; *w;)
		if ((*w)->h == h)
			watch_end(w);
		else
			w = &(*w)->next;
	for (uint32_t i = 0; i < TRANSACTIONS; i++)
		if (h->tr[i].id)
			forget(&h->tr[i]);
	while ((e = event_take(h)) != NULL)
		event_free(e);
	pthread_mutex_unlock(&h->t->lock);
	close(s->fd);
	free(h);
}

static const struct store_ops mock_ops = {
	.name = "mock",
	.read = mock_read,
	.write = mock_write,
	.rm = mock_rm_op,
	.list = mock_list,
	.begin = mock_begin,
	.end = mock_end,
	.watch = mock_watch,
	.unwatch = mock_unwatch,
	.event = mock_event,
	.close = mock_close,
};

/* ---- what tests call ---- */

struct mock_tree *mock_tree_new(void)
{
	struct mock_tree *t = need(calloc(1, sizeof(*t)));

	pthread_mutex_init(&t->lock, NULL);
	t->quota = (struct mock_quota){ 1000, 128, 10, 2048 };
	t->root = node_new(NULL, "", 0, ++t->gen);
	mock_set(t, "/local/domain", "");
	mock_perm(t, "/local", 0, 'r', 0, 'r');
	mock_perm(t, "/local/domain", 0, 'r', 0, 'r');
	return t;
}

void mock_tree_free(struct mock_tree *t)
{
	vw_assert(!t->watch);
	node_free(t->root);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct store *mock_store_open(struct mock_tree *t, uint16_t dom)
{
	struct handle *h = need(calloc(1, sizeof(*h)));

	h->t = t;
	h->dom = dom;
	h->last = &h->event;
	h->store.ops = &mock_ops;
	h->store.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vw_assert(h->store.fd >= 0);
	return &h->store;
}

void mock_set(struct mock_tree *t, const char *path, const char *value)
{
	vw_assert(path_ok(path));
	pthread_mutex_lock(&t->lock);
	fire(t, node_set(t, t->root, 0, path, value, strlen(value)), false);
	pthread_mutex_unlock(&t->lock);
}

static uint8_t may_of(char c)
{
	return c == 'r' ? READ : c == 'w' ? WRITE : c == 'b' ? READ | WRITE : 0;
}

void mock_perm(struct mock_tree *t, const char *path, uint16_t owner, char all,
	       uint16_t who, char his)
{
	struct node *n;

	pthread_mutex_lock(&t->lock);
	n = need(node_find(t->root, path, NULL));
	n->perm[0] = (struct perm){ owner, may_of(all) };
	n->perm[1] = (struct perm){ who, may_of(his) };
	n->perm_n = 2;
	n->gen = ++t->gen;
	fire(t, n, false);
	pthread_mutex_unlock(&t->lock);
}

void mock_rm(struct mock_tree *t, const char *path)
{
	struct node *n;

	pthread_mutex_lock(&t->lock);
	n = node_find(t->root, path, NULL);
	if (n) {
		n->parent->gen = ++t->gen;
		node_rm(t, n, false);
	}
	pthread_mutex_unlock(&t->lock);
}

const char *mock_get(struct mock_tree *t, const char *path)
{
	struct node *n;

	pthread_mutex_lock(&t->lock);
	n = node_find(t->root, path, NULL);
	pthread_mutex_unlock(&t->lock);
	return n ? n->value : NULL;
}

uint32_t mock_nodes(struct mock_tree *t, uint16_t dom)
{
	uint32_t n;

	pthread_mutex_lock(&t->lock);
	n = owned(t->root, dom);
	pthread_mutex_unlock(&t->lock);
	return n;
}

uint32_t mock_watches(struct mock_tree *t, uint16_t dom)
{
	uint32_t n;

	pthread_mutex_lock(&t->lock);
	n = watches(t, dom);
	pthread_mutex_unlock(&t->lock);
	return n;
}

uint32_t mock_calls(const struct store *s)
{
	return ((const struct handle *)s)->calls;
}

uint32_t mock_events_waiting(const struct store *s)
{
	return ((const struct handle *)s)->waiting;
}

void mock_fail(struct store *s, uint32_t k, uint32_t n, int err)
{
	struct handle *h = (struct handle *)s;

	pthread_mutex_lock(&h->t->lock);
	h->fail_at = h->calls + k;
	h->fail_n = n;
	h->fail_err = err;
	pthread_mutex_unlock(&h->t->lock);
}

void mock_conflict(struct store *s, uint32_t n)
{
	((struct handle *)s)->conflicts = n;
}

void mock_hook(struct store *s,
	       void (*hook)(void *ctx, struct mock_tree *t, uint32_t call),
	       void *ctx)
{
	struct handle *h = (struct handle *)s;

	pthread_mutex_lock(&h->t->lock);
	h->hook = hook;
	h->hook_ctx = ctx;
	pthread_mutex_unlock(&h->t->lock);
}

void mock_hold(struct store *s, bool hold)
{
	struct handle *h = (struct handle *)s;

	pthread_mutex_lock(&h->t->lock);
	h->hold = hold;
	signal_fd(h);
	pthread_mutex_unlock(&h->t->lock);
}

void mock_coalesce(struct store *s, bool on)
{
	((struct handle *)s)->coalesce = on;
}

struct mock_quota *mock_quota(struct mock_tree *t)
{
	return &t->quota;
}
