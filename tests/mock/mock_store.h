/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_MOCK_STORE_H
#define VIFWALL_TESTS_MOCK_MOCK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/bus/store.h"

/*
 * A XenStore in memory: one tree, and a struct store for each domain that looks
 * at it, with the rights, quotas, transactions and watches that xenstored has
 * (tests/unit/store_conform.c runs over both).  It can fail on demand.
 *
 * Handles may be used from several threads; each operation is one step.
 */
struct mock_tree;

/* Limits of every domain but 0, as xenstored has them. */
struct mock_quota {
	uint32_t nodes, watches, transactions, value;
};

struct mock_tree *mock_tree_new(void);
/* After all its handles were closed. */
void mock_tree_free(struct mock_tree *t);

/* Domain 0 may do everything.  Closing a handle ends its watches. */
struct store *mock_store_open(struct mock_tree *t, uint16_t dom);

/* ---- dom0's hand, without a handle ---- */
/* Makes parents; what is new inherits the rights of its parent. */
void mock_set(struct mock_tree *t, const char *path, const char *value);
/* Owner @owner, the others @all, @who @his: 'n', 'r', 'w' or 'b'. */
void mock_perm(struct mock_tree *t, const char *path, uint16_t owner, char all,
	       uint16_t who, char his);
void mock_rm(struct mock_tree *t, const char *path);
/* NULL: not there.  Valid until the tree changes. */
const char *mock_get(struct mock_tree *t, const char *path);

/* ---- how it is ---- */
uint32_t mock_nodes(struct mock_tree *t, uint16_t dom); /* that it owns */
uint32_t mock_watches(struct mock_tree *t, uint16_t dom);
uint32_t mock_calls(const struct store *s); /* since it was opened */
uint32_t mock_events_waiting(const struct store *s);

/* ---- how it fails ---- */
/* Calls number @k (1: the next) to @k + @n - 1 of @s return @err. */
void mock_fail(struct store *s, uint32_t k, uint32_t n, int err);
/* The next @n commits of @s end in -EAGAIN. */
void mock_conflict(struct store *s, uint32_t n);
/* Before each call of @s; it may change the tree, not use @s. */
void mock_hook(struct store *s,
	       void (*hook)(void *ctx, struct mock_tree *t, uint32_t call),
	       void *ctx);
/* Events wait until it is over. */
void mock_hold(struct store *s, bool hold);
/* An event that is like one that waits already is left out. */
void mock_coalesce(struct store *s, bool on);
struct mock_quota *mock_quota(struct mock_tree *t);

#endif
