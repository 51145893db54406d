/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETBACK_PART_H
#define VIFWALL_XEN_NET_NETBACK_PART_H

#include "xen/net/netback.h"

/* What the parts of netback say to each other. */

static inline struct netback *netback_of(struct port *port)
{
	return (struct netback *)(void *)port;
}

static inline void netback_count(struct netback *b, enum netback_fault f)
{
	b->fault[f]++;
}

/* A fatal fault: -EPROTO, now and for ever. */
int netback_die(struct netback *b, enum netback_fault f);
/* Notifies the guest of what was published. */
void netback_tell(struct netback *b);

/* netback_recv.c, netback_send.c: port_ops */
int netback_recv(struct port *port, struct pkt_pool *pool,
		 struct pkt_batch *out, struct mono now);
int netback_send(struct port *port, struct pkt_pool *pool, struct pkt_batch *in,
		 struct mono now);

/* Copies what the guest has room for; 0 or -EPROTO. */
int netback_deliver(struct netback *b, struct mono now);
/* netback_rate.c: may the guest send @len bytes now?  Then they are paid. */
bool netback_spend(struct netback *b, uint32_t len, struct mono now);
/* rx slots that frame @p takes. */
uint32_t netback_slots(const struct pkt *p);

/*
 * netback_queue.c: takes @p, or drops and counts it; the oldest leaves;
 * everything is dropped, for reason @f.
 */
void netback_queue_add(struct netback *b, struct pkt *p, struct mono now);
struct pkt *netback_queue_take(struct netback_queue *q);
void netback_queue_drop(struct netback *b, enum netback_fault f);
/* Drops the frames that waited too long. */
void netback_queue_age(struct netback *b, struct mono now);
/* What it adds to queue.bytes. */
uint32_t netback_queue_cost(const struct pkt *p);
static inline struct pkt *netback_queue_at(const struct netback_queue *q,
					   uint32_t i)
{
	return q->p[(q->at + i) % NETBACK_QUEUE];
}

/*
 * netback_resume.c: answers what lies in the rings since before, up to
 * @req_prod, which is at most a ring ahead.
 */
void netback_resume_tx(struct netback *b, uint32_t req_prod);
void netback_resume_rx(struct netback *b, uint32_t req_prod);

#endif
