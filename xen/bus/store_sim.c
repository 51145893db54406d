/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A token is handed on with one byte before it, which says whether the paths of
 * its events are to be made relative again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/bus/store_sim.h"

#define RELATIVE 'r'
#define ABSOLUTE 'a'

struct store_sim {
	struct store store;
	struct store *real;
	char home[32]; /* /local/domain/<dom>/ */
	size_t home_len;
};

static struct store_sim *sim_of(struct store *s)
{
	return (struct store_sim *)s;
}

/* @path as dom0 names it, in @out; NULL: it is too long. */
static const char *whole(const struct store_sim *s, const char *path,
			 char out[STORE_PATH_MAX])
{
	int n;

	if (path[0] == '/' || path[0] == '@')
		return path;
	n = snprintf(out, STORE_PATH_MAX, "%s%s", s->home, path);
	return n < (int)STORE_PATH_MAX ? out : NULL;
}

static ssize_t sim_read(struct store *s, uint32_t t, const char *path,
			char *out, size_t room)
{
	struct store *real = sim_of(s)->real;
	char room_for[STORE_PATH_MAX];
	const char *p = whole(sim_of(s), path, room_for);

	return p ? real->ops->read(real, t, p, out, room) : -ENAMETOOLONG;
}

static int sim_write(struct store *s, uint32_t t, const char *path,
		     const char *value, size_t len)
{
	struct store *real = sim_of(s)->real;
	char room[STORE_PATH_MAX];
	const char *p = whole(sim_of(s), path, room);

	return p ? real->ops->write(real, t, p, value, len) : -ENAMETOOLONG;
}

static int sim_rm(struct store *s, uint32_t t, const char *path)
{
	struct store *real = sim_of(s)->real;
	char room[STORE_PATH_MAX];
	const char *p = whole(sim_of(s), path, room);

	return p ? real->ops->rm(real, t, p) : -ENAMETOOLONG;
}

static int sim_list(struct store *s, uint32_t t, const char *path, char *out,
		    size_t room)
{
	struct store *real = sim_of(s)->real;
	char room_for[STORE_PATH_MAX];
	const char *p = whole(sim_of(s), path, room_for);

	return p ? real->ops->list(real, t, p, out, room) : -ENAMETOOLONG;
}

static int sim_begin(struct store *s, uint32_t *t)
{
	struct store *real = sim_of(s)->real;

	return real->ops->begin(real, t);
}

static int sim_end(struct store *s, uint32_t t, bool abort)
{
	struct store *real = sim_of(s)->real;

	return real->ops->end(real, t, abort);
}

/* Begins or ends the watch. */
static int change_watch(struct store *s, const char *path, const char *token,
			int (*change)(struct store *, const char *,
				      const char *))
{
	char room[STORE_PATH_MAX], marked[STORE_PATH_MAX];
	const char *p = whole(sim_of(s), path, room);
	int n = snprintf(marked, sizeof(marked), "%c%s",
			 p == room ? RELATIVE : ABSOLUTE, token);

	if (!p || n >= (int)sizeof(marked))
		return -ENAMETOOLONG;
	return change(sim_of(s)->real, p, marked);
}

static int sim_watch(struct store *s, const char *path, const char *token)
{
	return change_watch(s, path, token, sim_of(s)->real->ops->watch);
}

static int sim_unwatch(struct store *s, const char *path, const char *token)
{
	return change_watch(s, path, token, sim_of(s)->real->ops->unwatch);
}

static int sim_event(struct store *s, char path[STORE_PATH_MAX],
		     char token[STORE_PATH_MAX])
{
	struct store_sim *sim = sim_of(s);
	int got = sim->real->ops->event(sim->real, path, token);

	if (got != 1)
		return got;
	if (token[0] == RELATIVE && !strncmp(path, sim->home, sim->home_len))
		memmove(path, path + sim->home_len,
			strlen(path + sim->home_len) + 1);
	if (token[0])
		memmove(token, token + 1, strlen(token));
	return 1;
}

static void sim_close(struct store *s)
{
	struct store *real = sim_of(s)->real;

	real->ops->close(real);
	free(s);
}

static const struct store_ops sim_ops = {
	.name = "xenstored, as a simulated domain",
	.read = sim_read,
	.write = sim_write,
	.rm = sim_rm,
	.list = sim_list,
	.begin = sim_begin,
	.end = sim_end,
	.watch = sim_watch,
	.unwatch = sim_unwatch,
	.event = sim_event,
	.close = sim_close,
};

struct store *store_sim_over(struct store *real, uint16_t dom)
{
	struct store_sim *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->store.ops = &sim_ops;
	s->store.fd = real->fd;
	s->real = real;
	s->home_len = (size_t)snprintf(s->home, sizeof(s->home),
				       "/local/domain/%u/", dom);
	return &s->store;
}

struct store *store_sim_open(const char *dir, uint16_t dom, int *err)
{
	const char *was = getenv("XENSTORED_PATH");
	char path[STORE_PATH_MAX];
	struct store *real, *s;

	if (snprintf(path, sizeof(path), "%s/socket", dir) >=
	    (int)sizeof(path)) {
		*err = -ENAMETOOLONG;
		return NULL;
	}
	if ((!was || strcmp(was, path) != 0) &&
	    setenv("XENSTORED_PATH", path, 1)) {
		*err = -errno;
		return NULL;
	}
	real = store_libs_open(err);
	if (!real)
		return NULL;
	s = store_sim_over(real, dom);
	if (s)
		return s;
	real->ops->close(real);
	*err = -ENOMEM;
	return NULL;
}
