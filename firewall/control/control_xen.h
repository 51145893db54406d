/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONTROL_XEN_H
#define VIFWALL_FIREWALL_CONTROL_CONTROL_XEN_H

#include "firewall/control/ctl/ctl.h"
#include "firewall/control/vif/vif.h"

/*
 * The control process' part in Xen: the XenStore, the bus in its thread, and
 * what they are to apply and to the operator.
 */
struct control_xen {
	struct vifs vifs;
	struct bus_thread *bus; /* NULL: we are not on Xen */
	struct ctl_xen ctl;
	uint8_t kind;	 /* enum conf_xen; with the next one: which store */
	const char *dir; /* CONF_XEN_SIM */
	bool said_lost, said_stuck;
	bool crashed; /* whom data served then is to be looked at */
};

/* May we start here?  ROLE_OK, or the exit code, and the log has said why. */
int control_xen_check(const struct conf *c);

/*
 * Starts the bus, which opens the XenStore.  @c is needed until the process
 * ends: the bus opens the XenStore again when it is lost.  0, also when the
 * XenStore has not answered in time (it is waited for, and nobody with it); or
 * -errno, and the log has said why.
 */
int VW_MUST_USE control_xen_open(struct control_xen *x, const struct conf *c,
				 struct apply *a);
/* bus_thread_fd() is readable. */
void control_xen_work(struct control_xen *x);
/* A new data process was told to apply, and is not the first. */
void control_xen_resume(struct control_xen *x);
/* Data has answered something. */
void control_xen_answered(struct control_xen *x, const struct apply *a,
			  const struct view *view, struct mono now);
/* Says in the log when the XenStore is lost or stops to answer, and when it is
 * there again. */
void control_xen_watch(struct control_xen *x);
/* After apply_stop(). */
void control_xen_stop(struct control_xen *x);

#endif
