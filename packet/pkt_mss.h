/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_MSS_H
#define VIFWALL_PACKET_PKT_MSS_H

#include "packet/pkt_buf.h"

/*
 * The largest segment that the sender of a SYN says it takes (RFC 9293 3.7.1).
 * A parsed TCP packet with SYN whose option asks for more than fits into IP
 * packets of @mtu bytes, or for more than @most, asks for that much instead;
 * its checksum follows.  Nothing is added where the option is missing, and
 * nothing is changed in options that are not sound.  True: it was changed.
 */
bool pkt_mss_clamp(struct pkt *p, uint16_t mtu, uint16_t most);

#endif
