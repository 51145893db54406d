/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/libxl.h"

#define PATH 256u

#define BACK "/local/domain/%u/backend/vif/%u/%u"
#define FRONT "/local/domain/%u/device/vif/%u"

/* One transaction, and whether to begin it anew. */
struct change {
	struct xs_handle *xs;
	xs_transaction_t t;
	bool failed;
};

static bool begin(struct change *c, struct xs_handle *xs)
{
	*c = (struct change){ .xs = xs, .t = xs_transaction_start(xs) };
	if (c->t == XBT_NULL)
		sim_die(errno, "xenstored");
	return true;
}

/* True: it was somebody else's turn, and is to be done again. */
static bool again(struct change *c)
{
	if (xs_transaction_end(c->xs, c->t, c->failed))
		return false;
	if (errno != EAGAIN)
		sim_die(errno, "xenstored");
	return true;
}

__attribute__((format(printf, 2, 0))) static char *
path_of(char out[PATH], const char *fmt, va_list a)
{
	int n = vsnprintf(out, PATH, fmt, a);

	if (n < 0 || n >= (int)PATH)
		sim_die(ENAMETOOLONG, "%s", fmt);
	return out;
}

/* A directory that @owner has, and @reader may look at. */
__attribute__((format(printf, 4, 5))) static void
make(struct change *c, uint16_t owner, uint16_t reader, const char *fmt, ...)
{
	struct xs_permissions p[] = { { owner, XS_PERM_NONE },
				      { reader, XS_PERM_READ } };
	char path[PATH];
	va_list a;

	va_start(a, fmt);
	path_of(path, fmt, a);
	va_end(a);
	if (!xs_mkdir(c->xs, c->t, path) ||
	    !xs_set_permissions(c->xs, c->t, path, p, owner == reader ? 1 : 2))
		sim_die(errno, "%s", path);
}

/* A key of a directory, whose rights it inherits. */
__attribute__((format(printf, 4, 5))) static void
put(struct change *c, const char *dir, const char *key, const char *fmt, ...)
{
	char path[PATH], value[PATH];
	va_list a;

	va_start(a, fmt);
	path_of(value, fmt, a);
	va_end(a);
	snprintf(path, sizeof(path), "%.*s/%.*s", 120, dir, 60, key);
	if (!xs_write(c->xs, c->t, path, value, (unsigned int)strlen(value)))
		sim_die(errno, "%s", path);
}

__attribute__((format(printf, 2, 3))) static void drop(struct change *c,
						       const char *fmt, ...)
{
	char path[PATH];
	va_list a;

	va_start(a, fmt);
	path_of(path, fmt, a);
	va_end(a);
	if (!xs_rm(c->xs, c->t, path) && errno != ENOENT)
		sim_die(errno, "%s", path);
}

char **libxl_list(struct xs_handle *xs, unsigned int *n, const char *fmt, ...)
{
	char path[PATH], **names;
	va_list a;

	va_start(a, fmt);
	path_of(path, fmt, a);
	va_end(a);
	names = xs_directory(xs, XBT_NULL, path, n);
	if (!names)
		*n = 0;
	return names;
}

/* ---- domains --------------------------------------------------------------
 */

bool libxl_domain_exists(struct xs_handle *xs, uint16_t dom)
{
	char path[PATH];
	unsigned int len;
	char *value;

	snprintf(path, sizeof(path), "/local/domain/%u/domid", dom);
	value = xs_read(xs, XBT_NULL, path, &len);
	free(value);
	return value;
}

void libxl_domain_add(struct xs_handle *xs, const struct sim_args *a)
{
	static const char *const own[] = { "data", "drivers", "feature", "attr",
					   "error" };
	char dir[PATH];
	struct change c;

	snprintf(dir, sizeof(dir), "/local/domain/%u", a->dom);
	do {
		begin(&c, xs);
		drop(&c, "%s", dir);
		make(&c, 0, a->dom, "%s", dir);
		make(&c, 0, a->dom, "%s/device", dir);
		make(&c, 0, a->dom, "%s/control", dir);
		for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			make(&c, a->dom, a->dom, "%s/%s", dir, own[i]);
		if (a->driver)
			make(&c, a->dom, a->dom, "%s/backend", dir);
		put(&c, dir, "name", "%s", a->name ? a->name : "");
		put(&c, dir, "domid", "%u", a->dom);
	} while (again(&c));
}

void libxl_domain_remove(struct xs_handle *xs, uint16_t dom)
{
	struct change c;

	do {
		begin(&c, xs);
		drop(&c, "/local/domain/%u", dom);
	} while (again(&c));
}

/* ---- vifs -----------------------------------------------------------------
 */

static void add_back(struct change *c, const struct sim_args *a)
{
	char dir[PATH];

	snprintf(dir, sizeof(dir), BACK, a->backend, a->dom, a->handle);
	make(c, a->backend, a->dom, "%s", dir);
	put(c, dir, "frontend", FRONT, a->dom, a->handle);
	put(c, dir, "frontend-id", "%u", a->dom);
	put(c, dir, "online", "1");
	put(c, dir, "state", "1");
	put(c, dir, "script", "/etc/xen/scripts/vif-route-qubes");
	put(c, dir, "mac", "%s", a->mac);
	if (a->ip)
		put(c, dir, "ip", "%s", a->ip);
	if (a->rate)
		put(c, dir, "rate", "%s", a->rate);
	if (a->mtu)
		put(c, dir, "mtu", "%s", a->mtu);
	put(c, dir, "bridge", "xenbr0");
	put(c, dir, "handle", "%u", a->handle);
	put(c, dir, "type", "vif");
	put(c, dir, "hotplug-status", "%s", "");
}

static void add_front(struct change *c, const struct sim_args *a)
{
	char dir[PATH];

	snprintf(dir, sizeof(dir), FRONT, a->dom, a->handle);
	make(c, a->dom, a->backend, "%s", dir);
	put(c, dir, "backend", BACK, a->backend, a->dom, a->handle);
	put(c, dir, "backend-id", "%u", a->backend);
	put(c, dir, "state", "1");
	put(c, dir, "handle", "%u", a->handle);
	put(c, dir, "mac", "%s", a->mac);
	put(c, dir, "trusted", "1");
	if (a->mtu)
		put(c, dir, "mtu", "%s", a->mtu);
}

void libxl_vif_add(struct xs_handle *xs, const struct sim_args *a)
{
	struct change c;

	do {
		begin(&c, xs);
		drop(&c, FRONT, a->dom, a->handle);
		drop(&c, BACK, a->backend, a->dom, a->handle);
		add_front(&c, a);
		add_back(&c, a);
	} while (again(&c));
}

static int state_of(struct xs_handle *xs, const char *dir)
{
	char path[PATH];
	unsigned int len;
	char *value;
	int state;

	snprintf(path, sizeof(path), "%.*s/state", 200, dir);
	value = xs_read(xs, XBT_NULL, path, &len);
	state = value ? atoi(value) : -1;
	free(value);
	return state;
}

int libxl_back_state(struct xs_handle *xs, const struct libxl_vif *v)
{
	char dir[PATH];

	snprintf(dir, sizeof(dir), BACK, v->backend, v->dom, v->handle);
	return state_of(xs, dir);
}

int libxl_front_state(struct xs_handle *xs, const struct libxl_vif *v)
{
	char dir[PATH];

	snprintf(dir, sizeof(dir), FRONT, v->dom, v->handle);
	return state_of(xs, dir);
}

void libxl_vif_offline(struct xs_handle *xs, const struct libxl_vif *v)
{
	char dir[PATH];
	struct change c;

	snprintf(dir, sizeof(dir), BACK, v->backend, v->dom, v->handle);
	do {
		if (libxl_back_state(xs, v) < 0)
			return;
		begin(&c, xs);
		put(&c, dir, "online", "0");
		put(&c, dir, "state", "5");
	} while (again(&c));
}

void libxl_vif_remove(struct xs_handle *xs, const struct libxl_vif *v)
{
	struct change c;

	do {
		begin(&c, xs);
		drop(&c, FRONT, v->dom, v->handle);
		drop(&c, BACK, v->backend, v->dom, v->handle);
	} while (again(&c));
}

bool libxl_vif_find(struct xs_handle *xs, uint16_t dom, uint16_t handle,
		    struct libxl_vif *out)
{
	char path[PATH];
	unsigned int len;
	char *value;

	snprintf(path, sizeof(path), FRONT "/backend-id", dom, handle);
	value = xs_read(xs, XBT_NULL, path, &len);
	if (!value)
		return false;
	*out = (struct libxl_vif){ dom, handle,
				   (uint16_t)strtoul(value, NULL, 10) };
	free(value);
	return true;
}
