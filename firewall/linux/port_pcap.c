/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "firewall/linux/port_pcap.h"

static struct port_pcap *pcap_of(struct port *port)
{
	return (struct port_pcap *)port;
}

static int file_recv(struct port *port, struct pkt_pool *pool,
		     struct pkt_batch *out, struct mono now)
{
	struct port_pcap *f = pcap_of(port);
	struct pkt *p;

	(void)now;
	if (!f->has || out->n == PKT_BATCH)
		return 0;
	f->has = false;
	p = pkt_get(pool, f->offered.len);
	if (!p) {
		port->stats.recv_dropped++;
		port->stats.recv_starved +=
			f->offered.len <= PKT_LARGE - PKT_HEADROOM;
		return 0;
	}
	memcpy(p->data, f->offered.bytes, f->offered.len);
	p->len = f->offered.len;
	p->tail -= p->len;
	p->in = port->id;
	port->stats.recv_packets++;
	port->stats.recv_bytes += p->len;
	out->p[out->n++] = p;
	return 0;
}

static int file_send(struct port *port, struct pkt_pool *pool,
		     struct pkt_batch *in, struct mono now)
{
	struct port_pcap *f = pcap_of(port);

	for (uint32_t i = 0; i < in->n; i++) {
		pcap_out_frame(f->out, in->p[i]->data, in->p[i]->len, now);
		port->stats.send_packets++;
		port->stats.send_bytes += in->p[i]->len;
		pkt_put(pool, in->p[i]);
	}
	in->n = 0;
	return 0;
}

static bool file_arm(struct port *port)
{
	return pcap_of(port)->has;
}

static void file_close(struct port *port)
{
	pcap_of(port)->has = false;
}

static const struct port_ops file_ops = {
	.name = "pcap",
	.recv = file_recv,
	.send = file_send,
	.arm = file_arm,
	.close = file_close,
};

void port_pcap_init(struct port_pcap *f, struct pcap_out *out)
{
	f->port.ops = &file_ops;
	f->port.caps = 0;
	f->port.wake_fd = -1;
	f->out = out;
	f->has = false;
}

void port_pcap_offer(struct port_pcap *f, const struct pcap_rec *rec)
{
	f->offered = *rec;
	f->has = true;
}
