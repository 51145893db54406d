/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xen/net/netback_part.h"

/*
 * What waits for a guest is bounded by number, memory, large buffers and time,
 * so that one that does not read costs us no more than that (XSA-392); and by
 * the buffers that are free, so that many of them leave some for the others.
 */
static bool is_large(const struct pkt *p)
{
	return p->head + p->len + p->tail > PKT_SMALL;
}

/*
 * Memory that @p holds: a small buffer is never anybody else's meanwhile, of a
 * large one the pages that it has bytes on, wherever on a page it begins.
 */
uint32_t netback_queue_cost(const struct pkt *p)
{
	if (!is_large(p))
		return PKT_SMALL;
	return ((p->head + p->len) / XEN_PAGE + 2) * XEN_PAGE;
}

/* Never true when the path goes by the port's caps and mtu. */
static bool too_big(const struct netback *b, const struct pkt *p)
{
	static const uint8_t need[PKT_GSO_N] = {
		[PKT_GSO_TCP4] = NETBACK_GSO4, [PKT_GSO_TCP6] = NETBACK_GSO6
	};
	uint32_t most = b->conf.can & NETBACK_SG ? NETIF_SLOTS_MIN : 1;

	return netback_slots(p) > most ||
	       (b->conf.can & need[p->gso_type]) != need[p->gso_type];
}

/* Each queue may hold as many buffers of a class as nobody holds. */
static bool within_share(const struct netback_queue *q, const struct pkt *p)
{
	uint32_t small_free, large_free;

	pkt_pool_free_n(q->pool, &small_free, &large_free);
	return is_large(p) ? q->large <= large_free
			   : q->n - q->large <= small_free;
}

static bool full(const struct netback_queue *q, const struct pkt *p)
{
	return q->n == NETBACK_QUEUE ||
	       q->bytes + netback_queue_cost(p) > NETBACK_QUEUE_BYTES ||
	       (is_large(p) && q->large == NETBACK_QUEUE_LARGE) ||
	       !within_share(q, p);
}

static void drop(struct netback *b, struct pkt *p, enum netback_fault f)
{
	netback_count(b, f);
	b->port.stats.send_dropped++;
	pkt_put(b->queue.pool, p);
}

void netback_queue_add(struct netback *b, struct pkt *p, struct mono now)
{
	struct netback_queue *q = &b->queue;
	uint32_t i = (q->at + q->n) % NETBACK_QUEUE;

	if (too_big(b, p)) {
		drop(b, p, NETBACK_TOO_BIG);
		return;
	}
	if (full(q, p)) {
		drop(b, p, NETBACK_QUEUE_FULL);
		return;
	}
	q->p[i] = p;
	q->since[i] = now;
	q->n++;
	q->bytes += netback_queue_cost(p);
	q->large += is_large(p);
}

struct pkt *netback_queue_take(struct netback_queue *q)
{
	struct pkt *p = q->p[q->at];

	q->at = (q->at + 1) % NETBACK_QUEUE;
	q->n--;
	q->bytes -= netback_queue_cost(p);
	q->large -= is_large(p);
	return p;
}

void netback_queue_drop(struct netback *b, enum netback_fault f)
{
	while (b->queue.n)
		drop(b, netback_queue_take(&b->queue), f);
}

void netback_queue_age(struct netback *b, struct mono now)
{
	struct netback_queue *q = &b->queue;

	while (q->n &&
	       mono_past(mono_add_ms(q->since[q->at], NETBACK_AGE_MS), now))
		drop(b, netback_queue_take(q), NETBACK_TOO_OLD);
}
