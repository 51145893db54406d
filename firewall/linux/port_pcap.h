/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_PORT_PCAP_H
#define VIFWALL_FIREWALL_LINUX_PORT_PCAP_H

#include "firewall/linux/pcap.h"
#include "packet/pkt_port.h"

/*
 * A port on files: it receives the record that was offered to it, and writes
 * what it is to send.  Several ports may write to one file.
 */
struct port_pcap {
	struct port port; /* first: the ops are handed a pointer to it */
	struct pcap_out *out;
	struct pcap_rec offered;
	bool has;
};

/* The caller fills in mac and mtu; frames go out whole and complete. */
void port_pcap_init(struct port_pcap *f, struct pcap_out *out);
/* The frame for the next recv; its bytes are read there. */
void port_pcap_offer(struct port_pcap *f, const struct pcap_rec *rec);

#endif
