/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_DATA_H
#define VIFWALL_FIREWALL_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/linux/loop.h"
#include "firewall/linux/port_packet.h"
#include "firewall/linux/port_tap.h"
#include "firewall/path/fw.h"
#include "firewall/share/msg.h"

/*
 * The data process: the forwarding path between its ports, told by messages
 * what it may forward.  It begins with no port, no client and no rule, so it
 * forwards nothing until it was told.
 *
 * Ports are known by control's number: 0 the uplink, n client n.
 */
struct data_port {
	bool used;
	uint8_t kind; /* enum msg_port_kind */
	int failed;   /* -errno that control has not been told yet */
	union {
		struct port port;
		struct port_tap tap;
		struct port_packet packet;
	} u;
};

/* A rule set that is mapped as long as the path uses it. */
struct data_rules {
	const void *mem;
	size_t len;
};

/*
 * Answers to one request, kept until the socket takes them.  No other request
 * is read before that, so there is never more than one.
 */
struct data_answer {
	uint32_t seq;
	uint32_t page; /* MSG_FLOWS_PAGE or MSG_USAGE_PAGE comes first; 0: no */
	bool waits;    /* MSG_DONE is still to be sent */
	struct msg_done done;
	union msg_body body; /* of the page */
};

enum data_fd { DATA_LINK, DATA_PORT, DATA_SIGNAL };

struct data {
	struct loop loop;
	struct fw *fw;
	uint16_t clients;
	int link;
	bool link_full;	   /* waiting until the socket takes more */
	bool stop;	   /* all ports are closed; time to exit */
	bool busy;	   /* frames may wait: look again before sleeping */
	struct mono tick;  /* when housekeeping is due */
	uint32_t failed_n; /* ports to be told about */
	size_t table_bytes;
	struct data_port *port;	  /* [clients + 1] */
	struct data_rules *rules; /* [(clients + 1) * 2], IPv4 and IPv6 */
	struct msg in;
	struct data_answer answer;
};

/* Memory for everything behind a struct data. */
size_t data_size(const struct fw_conf *c);
/*
 * @mem is of data_size() bytes, zeroed; @view of view_size().  @link is the
 * socket to control and stays the caller's.  0 or -errno.
 */
int VW_MUST_USE data_init(struct data *d, void *mem, size_t len,
			  const struct fw_conf *c, struct view *view, int link);

/*
 * One wake: sleeps until there is something to do, obeys what control asked,
 * forwards what came.  Call it again until d->stop.
 */
void data_turn(struct data *d);
/* Closes every port: no packet passes any more. */
void data_close_ports(struct data *d);

/* The parts (data_ports.c, data_obey.c); 0 or -errno. */
int VW_MUST_USE data_port_add(struct data *d, const struct msg_port *m, int fd);
int VW_MUST_USE data_port_del(struct data *d, uint16_t id);
/* What epoll said about port @id. */
void data_port_event(struct data *d, uint16_t id, uint32_t what);
/* Closes the ports that broke, to be told by data_answer(). */
void data_ports_reap(struct data *d);

/* Does what d->in asks; the answer is in d->answer. */
void data_obey(struct data *d);
/* Sends what is to be told; false when the socket is full. */
bool data_tell(struct data *d);

#endif
