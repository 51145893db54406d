/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_QUBES_QUBES_KEYS_H
#define VIFWALL_FIREWALL_CONTROL_QUBES_QUBES_KEYS_H

#include <sys/types.h>

#include "firewall/control/source/tree.h"

/*
 * What dom0 says of us in QubesDB, as lines of settings (control/conf/conf.h):
 *
 *	/qubes-ip /qubes-ip6		uplink.ip uplink.ip6
 *	/qubes-gateway /qubes-gateway6	uplink.gateway uplink.gateway6
 *	/qubes-netvm-gateway		xen.gateway
 *	/qubes-netvm-gateway6		xen.gateway6
 *	/qubes-primary-dns ...		dns, unless the service
 *					disable-dns-server is on
 *	/qubes-netvm-primary-dns ...	dns.virtual
 *	/qubes-service/disable-default-route	uplink.default-route = no
 *	/vm-config/vifwall-NAME		NAME
 *	/vm-config/vifwall-NAME-NN	NAME, if it may be given many times;
 *					in the order of the keys
 *
 * They are two texts, because they fail differently: an address that is none is
 * left out, as if dom0 had not said it; but who leaves out one of dom0's own
 * settings may open what it closes, so they count together or not at all.
 * Openings (/vm-config/vifwall-forward-...) are no settings.
 */
#define QUBES_KEYS_ADDRESSES 1024u /* that text fits, with its NUL */
#define QUBES_KEYS_WHY 128u

/* How long the text in @out is. */
size_t qubes_keys_addresses(const struct tree *t,
			    char out[QUBES_KEYS_ADDRESSES]);
/*
 * The same of what stands below /vm-config/; with its NUL it is no longer than
 * @room.  -EINVAL: a value is no line of printable ASCII; -ENOSPC: it is
 * longer;
 * @why is a sentence about that.
 */
ssize_t VW_MUST_USE qubes_keys_config(const struct tree *t, char *out,
				      size_t room, char why[QUBES_KEYS_WHY]);
/* Does a change of this key change that text? */
bool qubes_keys_is(const char *path);

#endif
