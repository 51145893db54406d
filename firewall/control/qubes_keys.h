/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_QUBES_KEYS_H
#define VIFWALL_FIREWALL_CONTROL_QUBES_KEYS_H

#include "firewall/control/tree.h"

/*
 * What dom0 says of us in QubesDB, as lines of settings (control/conf.h):
 *
 *	/qubes-ip /qubes-ip6		uplink.ip uplink.ip6
 *	/qubes-gateway /qubes-gateway6	uplink.gateway uplink.gateway6
 *	/qubes-netvm-gateway		xen.gateway
 *	/qubes-netvm-gateway6		xen.gateway6
 *	/qubes-primary-dns ...		dns, unless the service
 *					disable-dns-server is on
 *	/qubes-netvm-primary-dns ...	dns.virtual
 *	/vm-config/vifwall-NAME		NAME
 *
 * An address that is none is left out, and so is a value of more than one line.
 * While a setting below /vm-config/ can't be, none of them is set.
 * Openings (/vm-config/vifwall-forward-...) are no settings.
 */
enum qubes_keys { QUBES_ADDRESSES, QUBES_ALL };

/* How long the text in @out is; what does not fit in @room is left out. */
size_t qubes_keys_read(const struct tree *t, enum qubes_keys which, char *out,
		       size_t room);
/* Does a change of this key change that text? */
bool qubes_keys_is(const char *path);

#endif
