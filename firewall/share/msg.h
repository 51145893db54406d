/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_MSG_H
#define VIFWALL_FIREWALL_SHARE_MSG_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "firewall/share/fw_types.h"
#include "packet/pkt_assert.h"
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
#define MSG_QUESTION 64u /* types below it are requests, the others answers */

enum msg_type {
	/* control asks data */
	MSG_PORT_ADD = 1, /* struct msg_port; 1 fd (TAP, packet socket) */
	MSG_PORT_DEL,	  /* struct msg_id */
	MSG_UPLINK,	  /* struct msg_uplink */
	MSG_CLIENT,	  /* struct msg_client */
	MSG_CLIENT_DEL,	  /* struct msg_id */
	MSG_RULES,	/* struct msg_rules; 1 fd: sealed memfd with the set */
	MSG_GUARD,	/* struct msg_guard; 1 fd: sealed memfd, pkt_addr[n] */
	MSG_PAIRS,	/* struct msg_guard; 1 fd: sealed memfd, fw_pair[n] */
	MSG_FLOWS,	/* struct msg_flows: answered by MSG_FLOWS_PAGE first */
	MSG_FLOWS_END,	/* struct msg_id: end the flows of a client */
	MSG_USAGE,	/* no body: answered by MSG_USAGE_PAGE first */
	MSG_STOP,	/* no body: close all ports, then exit */
	MSG_VIF_ADD,	/* struct msg_vif: a port on a frontend's rings;
			   EOPNOTSUPP, as MSG_FRONT_ADD: we are not on Xen */
	MSG_VIF_LIMITS, /* struct msg_vif_limits: of such a port, from now on */
	MSG_FRONT_ADD,	/* struct msg_front: a port on rings of our own, for a
			   backend; MSG_FRONT_KEYS is answered first */
	MSG_VIFS,	/* struct msg_vifs: answered by MSG_VIFS_PAGE first */
	MSG_SETTLED,	/* no body: a new data process was told all that its
			   predecessor knew; see fw_settle() */
	MSG_FORWARDS, /* struct msg_guard; 1 fd: sealed memfd, fw_forward[n] */
	MSG_DNS,      /* struct fw_dns */
	MSG_DNS_ASK,  /* struct fw_dns_msg: a question of ours; done when it
			 is on its way */
	MSG_PROFILES, /* struct msg_profiles; 1 fd: sealed memfd with all
			 profiles, in place of those before */
	MSG_DNS_PASS, /* struct msg_dns_pass; see fw_dns_pass() */
	/* data answers */
	MSG_DONE = MSG_QUESTION, /* struct msg_done */
	MSG_FLOWS_PAGE,		 /* struct msg_flows_page */
	MSG_USAGE_PAGE,		 /* struct msg_usage_page */
	MSG_PORT_FAILED, /* struct msg_done: id and errno; seq 0, unasked: the
			    device broke, the port is closed and removed;
			    EPROTO: the peer broke its rings */
	MSG_FRONT_KEYS,	 /* struct msg_front_keys */
	MSG_VIFS_PAGE,	 /* struct msg_vifs_page */
	MSG_DNS_CAME,	 /* struct fw_dns_msg; seq 0, unasked: an answer */
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
	uint32_t ring;	  /* slots of theirs */
};

/*
 * A vif of ours, connected: xen/net/netback.h has the meaning of all.  It is
 * refused with EPROTO when the rings can't be, ENOENT or EINVAL when the peer
 * does not grant or bind what it named.
 */
struct msg_vif {
	uint16_t id;  /* as struct msg_port */
	uint16_t dom; /* of the frontend */
	uint16_t mtu;
	uint8_t can; /* NETBACK_* */
	bool resume;
	struct pkt_mac mac; /* ours on it */
	uint32_t tx_ref, rx_ref;
	uint32_t tx_evt, rx_evt;
	uint64_t rate_bytes; /* 0: no limit */
	uint32_t rate_us;    /* not 0 with a limit */
};

struct msg_vif_limits {
	uint16_t id;
	uint16_t mtu;
	uint64_t rate_bytes;
	uint32_t rate_us;
};

/* xen/net/netfront.h; frames may pass as soon as the backend is connected. */
struct msg_front {
	uint16_t id;
	uint16_t dom; /* of the backend */
	uint16_t mtu;
	uint8_t can; /* NETFRONT_* */
	struct pkt_mac mac;
};

struct msg_front_keys {
	uint16_t id;
	uint32_t tx_ref, rx_ref, evt;
};

struct msg_uplink {
	struct fw_uplink uplink; /* port: UINT16_MAX or 0 */
	bool announce;		 /* somebody hears it: say where we are */
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

#define MSG_PROFILES_CLIENTS 1024u

/* Also whose they are, so that both change in one step. */
struct msg_profiles {
	uint32_t len; /* of the block in the memfd */
	/* of each client by its number; or FW_PROFILE_* */
	uint8_t of[MSG_PROFILES_CLIENTS];
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

struct msg_vifs {
	uint16_t cursor; /* the first port number to be told of */
};

#define MSG_VIFS_PER_PAGE 16u
#define MSG_VIF_FAULTS 24u

/* One ring port as it is now. */
struct msg_vif_row {
	uint16_t id;
	bool front;  /* on rings of our own: fault is enum netfront_fault */
	bool masked; /* its channel is: it works, or is made to wait */
	uint32_t tx_prod, tx_cons; /* requests that came, that were taken */
	uint32_t rx_prod, rx_cons; /* pages that were posted, that are used */
	uint32_t queued, queued_bytes; /* wait for a slow guest */
	uint64_t events;
	struct port_stats stats;
	uint64_t fault[MSG_VIF_FAULTS]; /* by enum netback_fault */
};

struct msg_vifs_page {
	uint16_t cursor; /* for the next question; UINT16_MAX: that was all */
	uint16_t n;
	struct msg_vif_row row[MSG_VIFS_PER_PAGE];
};

struct msg_dns_pass {
	uint16_t n; /* client */
	uint32_t ask;
};

struct msg_done {
	uint16_t id;
	int32_t err; /* 0 or a positive errno */
};

union msg_body {
	struct msg_id id;
	struct msg_port port;
	struct msg_uplink uplink;
	struct msg_client client;
	struct msg_rules rules;
	struct msg_guard guard;
	struct msg_profiles profiles;
	struct msg_flows flows;
	struct msg_done done;
	struct msg_flows_page flows_page;
	struct msg_usage_page usage_page;
	struct msg_vif vif;
	struct msg_vif_limits vif_limits;
	struct msg_front front;
	struct msg_front_keys front_keys;
	struct msg_vifs vifs;
	struct fw_dns dns;
	struct fw_dns_msg dns_msg;
	struct msg_dns_pass dns_pass;
	struct msg_vifs_page vifs_page;
};

/* One message as it was received. */
struct msg {
	struct msg_hdr hdr;
	union msg_body body;
	int fd; /* -1: none; the receiver's to close */
};

static_assert(sizeof(union msg_body) <= MSG_BODY_MAX, "every body fits");

enum msg_side { MSG_TO_DATA, MSG_TO_CONTROL };

/* Length of the body of @type, -1 for a type that does not exist. */
int msg_body_len(uint32_t type);
/* Descriptors that go with @type: 0 or 1. */
int msg_fd_n(uint32_t type);

/**
 * msg_send() - one message, whole or not at all
 * @body: msg_body_len(@type) bytes; NULL when there is none
 * @fd: goes with it and stays open here; -1: none
 *
 * 0, -EAGAIN when the socket is full (it never blocks), -EPIPE when the other
 * side is gone, -EINVAL when @fd is not what @type wants, else -errno.
 */
int VW_MUST_USE msg_send(int sock, uint32_t type, uint32_t seq,
			 const void *body, int fd);

/**
 * msg_recv() - take the next message that @side may be sent
 *
 * 0: @m is whole, of a known type, has the descriptor that it needs, and every
 * count, enumeration, flag and name in the body is one that the type allows.
 * -EBADMSG: it was taken, is none of that, and left no descriptor open;
 * m->hdr.seq is the sender's, or 0, for the answer.
 * -EAGAIN: none waits.  -EPIPE: the other side is gone (an empty record, which
 * no sender of ours makes, looks the same).  Else -errno.
 */
int VW_MUST_USE msg_recv(int sock, enum msg_side side, struct msg *m);

#endif
