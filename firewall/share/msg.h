/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_MSG_H
#define VIFWALL_FIREWALL_SHARE_MSG_H

#include <stdint.h>

#include "firewall/share/fw_types.h"
#include "packet/pkt_port.h"

/*
 * Messages between the control and the data process: the only thing that they
 * ever say to each other.
 *
 * One SOCK_SEQPACKET record is one message: this header, then exactly the body
 * that the type names, and the number of descriptors that the type names
 * (SCM_RIGHTS).  A record of another length, of an unknown type, or with other
 * descriptors is an error of the sender: the receiver closes the descriptors,
 * logs, and answers EBADMSG.  Every request is answered by MSG_DONE with the
 * same seq, in order; a request takes effect wholly or not at all.
 */
#define MSG_BODY_MAX 8192u

enum msg_type {
	/* control asks data */
	MSG_PORT_ADD = 1, /* struct msg_port; 1 fd (TAP, packet socket) */
	MSG_PORT_DEL,	  /* struct msg_id */
	MSG_UPLINK,	  /* struct msg_uplink */
	MSG_CLIENT,	  /* struct msg_client */
	MSG_CLIENT_DEL,	  /* struct msg_id */
	MSG_RULES,     /* struct msg_rules; 1 fd: sealed memfd with the set */
	MSG_GUARD,     /* struct msg_guard; 1 fd: sealed memfd, pkt_addr[n] */
	MSG_PAIRS,     /* struct msg_guard; 1 fd: sealed memfd, fw_pair[n] */
	MSG_FLOWS,     /* struct msg_flows: answered by MSG_FLOWS_PAGE first */
	MSG_FLOWS_END, /* struct msg_id: end the flows of a client */
	MSG_USAGE,     /* no body: answered by MSG_USAGE_PAGE first */
	MSG_STOP,      /* no body: close all ports, then exit */
	/* data answers */
	MSG_DONE = 64,	 /* struct msg_done */
	MSG_FLOWS_PAGE,	 /* struct msg_flows_page */
	MSG_USAGE_PAGE,	 /* struct msg_usage_page */
	MSG_PORT_FAILED, /* struct msg_done: id and errno; seq 0, unasked */
};

struct msg_hdr {
	uint32_t type; /* enum msg_type */
	uint32_t len;  /* of the body */
	uint32_t seq;
};

struct msg_id {
	uint16_t id;
};

enum msg_port_kind { MSG_PORT_TAP, MSG_PORT_PACKET };

struct msg_port {
	uint16_t id; /* control's number for the port: 0 the uplink, else client
		      */
	uint16_t mtu;
	uint8_t kind; /* enum msg_port_kind */
	uint8_t caps; /* PORT_* that the descriptor was opened with */
	struct pkt_mac mac;
	uint32_t ifindex; /* packet sockets */
};

struct msg_uplink {
	struct fw_uplink uplink; /* port: UINT16_MAX or 0 */
};

struct msg_client {
	uint16_t n;
	struct fw_client client; /* port: UINT16_MAX or the client's number */
};

struct msg_rules {
	uint16_t n;
	uint16_t family; /* enum rule_family */
	uint32_t len;	 /* of the set in the memfd */
};

struct msg_guard {
	uint32_t n;
};

struct msg_flows {
	uint32_t cursor;
};

#define MSG_FLOWS_PER_PAGE 64u

struct msg_flows_page {
	uint32_t cursor; /* for the next question; 0: that was all */
	uint32_t n;
	struct nat_info flow[MSG_FLOWS_PER_PAGE];
};

struct msg_usage_page {
	struct nat_usage all;
	uint64_t table_bytes;
	struct port_stats port0; /* the uplink's port */
};

struct msg_done {
	uint16_t id;
	int32_t err; /* 0 or a positive errno */
};

#endif
