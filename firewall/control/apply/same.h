/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_APPLY_SAME_H
#define VIFWALL_FIREWALL_CONTROL_APPLY_SAME_H

#include <stdbool.h>

#include "firewall/share/fw_forward.h"
#include "firewall/share/fw_types.h"

/*
 * Do two settings say the same?  Member by member: what stands in the padding
 * of a structure is nobody's business.
 */
bool same_mac(const struct pkt_mac *a, const struct pkt_mac *b);
bool same_quota(const struct nat_quota *a, const struct nat_quota *b);
bool same_client(const struct fw_client *a, const struct fw_client *b);
bool same_uplink(const struct fw_uplink *a, const struct fw_uplink *b);
bool same_forward(const struct fw_forward *a, const struct fw_forward *b);

#endif
