/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETFRONT_PART_H
#define VIFWALL_XEN_NET_NETFRONT_PART_H

#include "xen/net/netfront.h"

/* What the parts of netfront say to each other. */

static inline struct netfront *netfront_of(struct port *port)
{
	return (struct netfront *)(void *)port;
}

static inline void netfront_count(struct netfront *f, enum netfront_fault why)
{
	f->fault[why]++;
}

/* The end of this connection: @err (-errno), now and for ever. */
int netfront_die(struct netfront *f, enum netfront_fault why, int err);
/* Notifies the backend of what was published. */
void netfront_tell(struct netfront *f);

/* netfront_recv.c, netfront_send.c: port_ops */
int netfront_recv(struct port *port, struct pkt_pool *pool,
		  struct pkt_batch *out, struct mono now);
int netfront_send(struct port *port, struct pkt_pool *pool,
		  struct pkt_batch *in, struct mono now);

/* Takes the answers to what was sent; 0 or -errno. */
int netfront_reap(struct netfront *f);
/* Posts every rx page that the backend does not have. */
void netfront_post(struct netfront *f);

#endif
