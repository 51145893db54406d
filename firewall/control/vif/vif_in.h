/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_VIF_VIF_IN_H
#define VIFWALL_FIREWALL_CONTROL_VIF_VIF_IN_H

#include "firewall/control/vif/vif.h"

/* What vif.c (clients) and vif_uplink.c share; vif.h is their outside. */

static inline bool vif_same_id(struct bus_id a, struct bus_id b)
{
	return a.dom == b.dom && a.handle == b.handle;
}

/* What dom0 says of the one with number @n, which may be new there. */
void vifs_place(struct vifs *v, uint16_t n, const struct bus_vif *vif);

/*
 * vif_uplink.c.  One vif of the network domain is the uplink.  Another one
 * waits (the last one, if there are more): it is the uplink when the first one
 * goes, or when it connects while the first one is not.
 */
void vifs_netvm(struct vifs *v, const struct bus_vif *vif);
/* It would connect: is it the uplink now? */
bool vifs_netvm_next(struct vifs *v, struct bus_id id);
void vifs_netvm_gone(struct vifs *v, struct bus_id id);
/* The frontend's part of vifs.ops. */
void vifs_uplink_ops(struct bus_ops *ops);

#endif
