/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/mock_port.h"

#include <string.h>

static struct mock_port *of(struct port *port)
{
	return (struct mock_port *)port; /* its first member */
}

static void queue_put(struct mock_queue *q, struct pkt *p)
{
	vw_assert(q->n < MOCK_QUEUE);
	q->p[(q->at + q->n++) % MOCK_QUEUE] = p;
}

static struct pkt *queue_get(struct mock_queue *q)
{
	struct pkt *p;

	if (!q->n)
		return NULL;
	p = q->p[q->at];
	q->at = (q->at + 1) % MOCK_QUEUE;
	q->n--;
	return p;
}

static int mock_recv(struct port *port, struct pkt_pool *pool,
		     struct pkt_batch *out, struct mono now)
{
	struct mock_port *m = of(port);

	(void)pool;
	(void)now;
	m->recvs++;
	port->stats.recv_dropped += m->loses.recv_dropped;
	port->stats.recv_starved += m->loses.recv_starved;
	port->stats.recv_overrun += m->loses.recv_overrun;
	memset(&m->loses, 0, sizeof(m->loses));
	while (out->n < PKT_BATCH && m->in.n) {
		struct pkt *p = queue_get(&m->in);

		p->in = port->id;
		port->stats.recv_packets++;
		port->stats.recv_bytes += p->len;
		out->p[out->n++] = p;
	}
	return m->recv_err;
}

static int mock_send(struct port *port, struct pkt_pool *pool,
		     struct pkt_batch *in, struct mono now)
{
	struct mock_port *m = of(port);

	(void)now;
	if (m->send_err)
		return m->send_err; /* the frames stay the caller's */
	for (uint32_t i = 0; i < in->n; i++) {
		if (m->out.n >= m->room) {
			port->stats.send_dropped++;
			pkt_put(pool, in->p[i]);
			continue;
		}
		port->stats.send_packets++;
		port->stats.send_bytes += in->p[i]->len;
		queue_put(&m->out, in->p[i]);
	}
	in->n = 0;
	return 0;
}

static bool mock_arm(struct port *port)
{
	of(port)->arms++;
	return of(port)->arm_says;
}

static void mock_close(struct port *port)
{
	of(port)->closed = true;
}

static const struct port_ops mock_ops = {
	.name = "mock",
	.recv = mock_recv,
	.send = mock_send,
	.arm = mock_arm,
	.close = mock_close,
};

void mock_port_init(struct mock_port *m, const char *mac, uint16_t mtu,
		    uint8_t caps)
{
	int err;

	memset(m, 0, sizeof(*m));
	m->port.ops = &mock_ops;
	m->port.mtu = mtu;
	m->port.caps = caps;
	m->port.wake_fd = -1;
	m->room = MOCK_QUEUE;
	err = pkt_mac_parse(&m->port.mac, mac, strlen(mac));
	vw_assert(!err);
}

void mock_port_push(struct mock_port *m, struct pkt *p)
{
	queue_put(&m->in, p);
}

struct pkt *mock_port_pop(struct mock_port *m)
{
	return queue_get(&m->out);
}

void mock_port_clear(struct mock_port *m, struct pkt_pool *pool)
{
	struct pkt *p;

	while ((p = queue_get(&m->in)) || (p = queue_get(&m->out)))
		pkt_put(pool, p);
}
