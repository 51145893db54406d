/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_SIM_LIBXL_H
#define VIFWALL_TESTS_SIM_LIBXL_H

#include <xenstore.h>

#include "sim/sim.h"

/*
 * What libxl writes to the XenStore, in its order and with its rights.  Each
 * call is one transaction.
 */
struct libxl_vif {
	uint16_t dom, handle, backend;
};

void libxl_domain_add(struct xs_handle *xs, const struct sim_args *a);
void libxl_domain_remove(struct xs_handle *xs, uint16_t dom);
bool libxl_domain_exists(struct xs_handle *xs, uint16_t dom);

void libxl_vif_add(struct xs_handle *xs, const struct sim_args *a);
/* Asks the backend to let go of it. */
void libxl_vif_offline(struct xs_handle *xs, const struct libxl_vif *v);
/* What is left of it. */
void libxl_vif_remove(struct xs_handle *xs, const struct libxl_vif *v);
/* The vif of the frontend @dom, @handle; false: it has none. */
bool libxl_vif_find(struct xs_handle *xs, uint16_t dom, uint16_t handle,
		    struct libxl_vif *out);

/* State of the backend and of the frontend; -1: not there. */
int libxl_back_state(struct xs_handle *xs, const struct libxl_vif *v);
int libxl_front_state(struct xs_handle *xs, const struct libxl_vif *v);

/* Names below a path, to be freed, and how many; 0: none, or not there. */
char **libxl_list(struct xs_handle *xs, unsigned int *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
