/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's part: who comes and goes, and in which order the two sides are told.
 * It waits as libxl does, and gives up as libxl does.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/pkt_addr.h"
#include "sim/libxl.h"
#include "xen/sim_link.h"

#define WAIT_MS 10000 /* LIBXL_INIT_TIMEOUT, LIBXL_DESTROY_TIMEOUT */
#define LOOK_MS 5

static struct xs_handle *open_store(const struct sim_args *a)
{
	char path[XEN_SIM_PATH_MAX];
	struct xs_handle *xs;

	snprintf(path, sizeof(path), "%s/socket", a->dir);
	setenv("XENSTORED_PATH", path, 1);
	xs = xs_open(0);
	if (!xs)
		sim_die(errno, "no machine in %s (vifwall-sim machine)",
			a->dir);
	return xs;
}

/* The hypervisor's part. */
static void set_there(const struct sim_args *a, bool there)
{
	struct xen *x = xen_sim_link(a->dir, 0);

	if (!x)
		sim_die(errno, "no machine in %s (vifwall-sim machine)",
			a->dir);
	if (there)
		xen_sim_boot(xen_sim_linked(x), a->dom);
	else
		xen_sim_destroy(xen_sim_linked(x), a->dom);
	xen_close(x);
}

static void must_exist(struct xs_handle *xs, uint16_t dom)
{
	if (!libxl_domain_exists(xs, dom))
		sim_die(0, "there is no domain %u (vifwall-sim create)", dom);
}

/* libxl wants exactly this one: a backend that is further on is too fast. */
static bool await_back(struct xs_handle *xs, const struct libxl_vif *v,
		       int state)
{
	for (int ms = 0; ms < WAIT_MS; ms += LOOK_MS) {
		if (libxl_back_state(xs, v) == state)
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

int sim_create(const struct sim_args *a)
{
	struct xs_handle *xs = open_store(a);

	if (!a->dom || libxl_domain_exists(xs, a->dom))
		sim_die(0, "there is a domain %u already", a->dom);
	set_there(a, true);
	libxl_domain_add(xs, a);
	xs_close(xs);
	return 0;
}

int sim_attach(const struct sim_args *a)
{
	struct libxl_vif v = { a->dom, a->handle, a->backend };
	struct xs_handle *xs = open_store(a);
	struct libxl_vif is;
	struct pkt_mac mac;

	must_exist(xs, a->dom);
	must_exist(xs, a->backend);
	if (!a->mac || pkt_mac_parse(&mac, a->mac, strlen(a->mac)))
		sim_die(0, "attach needs --mac=00:16:3e:...");
	if (libxl_vif_find(xs, a->dom, a->handle, &is))
		sim_die(0, "domain %u has a vif %u already, of domain %u",
			a->dom, a->handle, is.backend);
	libxl_vif_add(xs, a);
	if (!a->now && !await_back(xs, &v, 2)) {
		libxl_vif_remove(xs, &v);
		sim_die(0, "the backend, domain %u, does not answer",
			a->backend);
	}
	xs_close(xs);
	return 0;
}

/* Waits until the backend shows @state, or its directory is gone. */
static bool await_end(struct xs_handle *xs, const struct libxl_vif *v,
		      int state)
{
	for (int ms = 0; ms < WAIT_MS; ms += LOOK_MS) {
		int now = libxl_back_state(xs, v);

		if (now == state || now == -1)
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

int sim_detach(const struct sim_args *a)
{
	struct xs_handle *xs = open_store(a);
	struct libxl_vif v;

	if (!libxl_vif_find(xs, a->dom, a->handle, &v))
		sim_die(0, "domain %u has no vif %u", a->dom, a->handle);
	libxl_vif_offline(xs, &v);
	/* first 6; then a network domain removes the directory itself */
	if (!a->now && (!await_end(xs, &v, 6) || !await_end(xs, &v, -1)))
		sim_die(0, "the backend, domain %u, did not let go of it",
			v.backend);
	libxl_vif_remove(xs, &v);
	xs_close(xs);
	return 0;
}

/* Calls @what with the vifs of all domains that have @dom at either end. */
static void each_vif(struct xs_handle *xs, uint16_t dom,
		     void (*what)(struct xs_handle *xs,
				  const struct libxl_vif *v, uint16_t dom))
{
	unsigned int doms, vifs;
	char **d = libxl_list(xs, &doms, "/local/domain");

	for (unsigned int i = 0; i < doms; i++) {
		char **h = libxl_list(xs, &vifs, "/local/domain/%s/device/vif",
				      d[i]);
		uint16_t front = (uint16_t)atoi(d[i]);
		struct libxl_vif v;

		for (unsigned int k = 0; k < vifs; k++)
			if (libxl_vif_find(xs, front, (uint16_t)atoi(h[k]),
					   &v) &&
			    (front == dom || v.backend == dom))
				what(xs, &v, dom);
		free(h);
	}
	free(d);
}

/* A vif of a domain that died: its backend is told, if that is another. */
static void clean_up(struct xs_handle *xs, const struct libxl_vif *v,
		     uint16_t dom)
{
	if (v->backend != dom) {
		libxl_vif_offline(xs, v);
		(void)await_end(xs, v, 6);
	}
	libxl_vif_remove(xs, v);
}

int sim_destroy(const struct sim_args *a)
{
	struct xs_handle *xs = open_store(a);

	must_exist(xs, a->dom);
	set_there(a, false);
	each_vif(xs, a->dom, clean_up);
	libxl_domain_remove(xs, a->dom);
	xs_close(xs);
	return 0;
}

static void print_vif(struct xs_handle *xs, const struct libxl_vif *v,
		      uint16_t dom)
{
	if (v->dom == dom)
		printf("  vif %u: backend %u, states %d %d\n", v->handle,
		       v->backend, libxl_back_state(xs, v),
		       libxl_front_state(xs, v));
}

int sim_list(const struct sim_args *a)
{
	struct xs_handle *xs = open_store(a);

	for (uint16_t dom = 1; dom < SIM_DOMAINS; dom++) {
		if (!libxl_domain_exists(xs, dom))
			continue;
		printf("domain %u\n", dom);
		each_vif(xs, dom, print_vif);
	}
	xs_close(xs);
	return 0;
}
