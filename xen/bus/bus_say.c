/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our own keys.  A transaction looks whether the directory is there still, so
 * that nothing is made anew that dom0 removed; it reads nothing of the other
 * end's, which could spoil it for ever.
 */
#include <errno.h>
#include <stdio.h>

#include "xen/bus/bus_in.h"

/* Does @in inside a transaction, again while somebody else comes between. */
static int transact(struct store *s, const char *dir,
		    int (*in)(struct store *s, uint32_t t, const char *dir,
			      const void *arg),
		    const void *arg)
{
	int err = -EAGAIN;

	for (uint32_t i = 0; i < BUS_EAGAIN_TRIES && err == -EAGAIN; i++) {
		uint32_t t;

		err = s->ops->begin(s, &t);
		if (err)
			return err;
		err = in(s, t, dir, arg);
		if (!err)
			err = s->ops->end(s, t, false);
		else
			(void)s->ops->end(s, t, true);
	}
	return err;
}

struct saying {
	enum xenbus_state state;
	const struct bus_key *key;
	size_t n;
};

static int write_all(struct store *s, uint32_t t, const char *dir,
		     const void *arg)
{
	const struct saying *w = arg;
	char path[STORE_PATH_MAX], old[16];
	ssize_t got;

	bus_path_join(path, dir, "state");
	got = s->ops->read(s, t, path, old, sizeof(old) - 1);
	if (got < 0 && got != -EMSGSIZE)
		return (int)got;
	for (size_t i = 0; i < w->n; i++) {
		int err;

		bus_path_join(path, dir, w->key[i].name);
		err = store_write_u32(s, t, path, w->key[i].value);
		if (err)
			return err;
	}
	bus_path_join(path, dir, "state");
	return store_write_u32(s, t, path, w->state);
}

int bus_say(struct store *s, const char *dir, enum xenbus_state state,
	    const struct bus_key *key, size_t n)
{
	struct saying w = { .state = state, .key = key, .n = n };

	return transact(s, dir, write_all, &w);
}

static int remove_offline(struct store *s, uint32_t t, const char *dir,
			  const void *arg)
{
	char path[STORE_PATH_MAX], online[4];
	ssize_t n;

	(void)arg;
	bus_path_join(path, dir, "online");
	n = s->ops->read(s, t, path, online, sizeof(online) - 1);
	if (n < 0 && n != -EMSGSIZE)
		return (int)n;
	if (n != 1 || online[0] != '0')
		return -EBUSY;
	return s->ops->rm(s, t, dir);
}

int bus_remove(struct store *s, const char *dir)
{
	return transact(s, dir, remove_offline, NULL);
}
