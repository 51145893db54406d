/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "firewall/linux/link_ring.h"
#include "firewall/linux/port_packet.h"
#include "firewall/linux/vnet.h"

/*
 * How it works: version 2 of the ring, which hands over each frame at once; the
 * blocks of version 3 would be handed over full, or after a millisecond.  The
 * kernel writes a slot and then its status word; we read it and then give the
 * status word back.  A frame larger than a slot (TP_STATUS_COPY) waits whole in
 * the socket's queue, in the same order.
 */
#define SLOT_HEAD ((uint32_t)sizeof(struct tpacket2_hdr))
#define VLAN_TAG 4u

static struct port_packet *packet_of(struct port *port)
{
	return (struct port_packet *)port;
}

static struct tpacket2_hdr *slot_at(const struct port_packet *k, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(k->ring + (size_t)i * RING_SLOT);
}

/* A copy of the frame in @slot, with its header in *@h; NULL: dropped. */
static struct pkt *copy_slot(struct pkt_pool *pool,
			     const struct tpacket2_hdr *slot,
			     struct virtio_net_hdr *h)
{
	const uint8_t *base = (const uint8_t *)slot;
	uint32_t len = slot->tp_snaplen, mac = slot->tp_mac;
	struct pkt *p;

	/* the kernel's promise; cheap to look at */
	if (len != slot->tp_len || mac < SLOT_HEAD + VNET_LEN ||
	    mac > RING_SLOT || len > RING_SLOT - mac)
		return NULL;
	p = pkt_get(pool, len);
	if (!p)
		return NULL;
	memcpy(h, base + mac - VNET_LEN, VNET_LEN);
	memcpy(p->data, base + mac, len);
	p->len = len;
	return p;
}

/*
 * The frame that waits in the socket's queue, which is taken off it in any
 * case.
 *
 * #syscalls data: recvmsg
 */
static struct pkt *copy_queued(struct port_packet *k, struct pkt_pool *pool,
			       uint32_t len, struct virtio_net_hdr *h)
{
	struct pkt *p = pkt_get(pool, len);
	struct iovec iov[2] = { { .iov_base = h, .iov_len = VNET_LEN } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1 };
	ssize_t n;

	if (p) {
		iov[1].iov_base = p->data;
		iov[1].iov_len = len;
		m.msg_iovlen = 2;
	}
	k->port.stats.syscalls++;
	n = recvmsg(k->fd, &m, MSG_DONTWAIT);
	if (!p)
		return NULL;
	if (n == (ssize_t)(VNET_LEN + len) && !(m.msg_flags & MSG_TRUNC)) {
		p->len = len;
		return p;
	}
	pkt_put(pool, p);
	return NULL;
}

/*
 * The kernel took the tag out of the frame.  It goes back in, so that the
 * parser sees a tagged frame (R17).
 */
static void put_tag_back(struct pkt *p, const struct tpacket2_hdr *slot)
{
	uint16_t tpid = slot->tp_status & TP_STATUS_VLAN_TPID_VALID
				? slot->tp_vlan_tpid
				: ETH_P_8021Q;
	uint8_t tag[VLAN_TAG] = { (uint8_t)(tpid >> 8), (uint8_t)tpid,
				  (uint8_t)(slot->tp_vlan_tci >> 8),
				  (uint8_t)slot->tp_vlan_tci };

	if (p->len < 2 * ETH_ALEN)
		return;
	memmove(p->data - VLAN_TAG, p->data, 2 * ETH_ALEN);
	p->data -= VLAN_TAG;
	p->head = (uint16_t)(p->head - VLAN_TAG);
	p->len += VLAN_TAG;
	memcpy(p->data + 2 * ETH_ALEN, tag, VLAN_TAG);
}

/* The frame of a slot that the kernel has filled; NULL: dropped. */
static struct pkt *take(struct port_packet *k, struct pkt_pool *pool,
			const struct tpacket2_hdr *slot, uint32_t status)
{
	struct virtio_net_hdr h = { 0 };
	struct pkt *p = status & TP_STATUS_COPY
				? copy_queued(k, pool, slot->tp_len, &h)
				: copy_slot(pool, slot, &h);

	if (!p)
		return NULL;
	p->tail -= p->len;
	p->in = k->port.id;
	if (!vnet_recv(p, &h)) {
		pkt_put(pool, p);
		return NULL;
	}
	if (status & TP_STATUS_VLAN_VALID)
		put_tag_back(p, slot);
	return p;
}

static int packet_recv(struct port *port, struct pkt_pool *pool,
		       struct pkt_batch *out, struct mono now)
{
	struct port_packet *k = packet_of(port);

	(void)now;
	for (uint32_t i = 0; i < PKT_BATCH && out->n < PKT_BATCH; i++) {
		struct tpacket2_hdr *slot = slot_at(k, k->next);
		uint32_t status =
			__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
		struct pkt *p;

		if (!(status & TP_STATUS_USER))
			break;
		p = take(k, pool, slot, status);
		__atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
		k->next = (k->next + 1) % RING_SLOTS;
		if (!p) {
			port->stats.recv_dropped++;
			continue;
		}
		port->stats.recv_packets++;
		port->stats.recv_bytes += p->len;
		out->p[out->n++] = p;
	}
	return 0;
}

/* Puts the vnet header into the headroom, where the frame begins then. */
static void prepare(struct mmsghdr *m, struct iovec *iov, struct pkt *p)
{
	struct virtio_net_hdr h;

	/* pools give PKT_HEADROOM, and no header of ours grows by that */
	vw_assert(p->head >= VNET_LEN);
	vnet_send(&h, p);
	iov->iov_base = p->data - VNET_LEN;
	iov->iov_len = VNET_LEN + p->len;
	memcpy(iov->iov_base, &h, VNET_LEN);
	memset(m, 0, sizeof(*m));
	m->msg_hdr.msg_iov = iov;
	m->msg_hdr.msg_iovlen = 1;
}

/* No error of the socket, only of this moment: the rest is dropped. */
static bool passing(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM ||
	       err == ENETDOWN;
}

/*
 * Sends @n messages.  One that the kernel refuses is passed over; when its
 * queue is full, the rest is.
 *
 * #syscalls data: sendmmsg
 */
static int send_all(struct port_packet *k, struct mmsghdr *m, uint32_t n)
{
	struct port_stats *st = &k->port.stats;
	uint32_t done = 0;

	while (done < n) {
		int sent = sendmmsg(k->fd, m + done, n - done, MSG_DONTWAIT);
		int err = errno;

		st->syscalls++;
		if (sent > 0) {
			for (int i = 0; i < sent; i++, done++)
				st->send_bytes +=
					m[done].msg_hdr.msg_iov->iov_len -
					VNET_LEN;
			st->send_packets += (uint32_t)sent;
		} else if (err == EMSGSIZE || err == EINVAL) {
			st->send_dropped++;
			done++;
		} else if (err != EINTR) {
			st->send_dropped += n - done;
			return passing(err) ? 0 : -err;
		}
	}
	return 0;
}

static int packet_send(struct port *port, struct pkt_pool *pool,
		       struct pkt_batch *in, struct mono now)
{
	struct mmsghdr m[PKT_BATCH];
	struct iovec iov[PKT_BATCH];
	int err;

	(void)now;
	for (uint32_t i = 0; i < in->n; i++)
		prepare(&m[i], &iov[i], in->p[i]);
	err = send_all(packet_of(port), m, in->n);
	for (uint32_t i = 0; i < in->n; i++)
		pkt_put(pool, in->p[i]);
	in->n = 0;
	return err;
}

/* The socket is readable as long as the last slot is ours: nothing to ask. */
static bool packet_arm(struct port *port)
{
	struct port_packet *k = packet_of(port);
	struct tpacket2_hdr *slot = slot_at(k, k->next);

	return __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) &
	       TP_STATUS_USER;
}

static void packet_close(struct port *port)
{
	struct port_packet *k = packet_of(port);

	munmap(k->ring, RING_LEN);
	close(k->fd);
	k->ring = NULL;
	k->fd = -1;
	port->wake_fd = -1;
}

static const struct port_ops packet_ops = {
	.name = "packet",
	.recv = packet_recv,
	.send = packet_send,
	.arm = packet_arm,
	.close = packet_close,
};

/*
 * #syscalls data: mmap/noexec
 */
int port_packet_init(struct port_packet *k, int fd)
{
	void *ring =
		mmap(NULL, RING_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (ring == MAP_FAILED)
		return -errno;
	k->ring = ring;
	k->next = 0;
	k->fd = fd;
	k->port.ops = &packet_ops;
	k->port.wake_fd = fd;
	return 0;
}

/*
 * #syscalls data: getsockopt getsockname
 */
int port_packet_check(struct port_packet *k)
{
	struct sockaddr_ll at = { .sll_ifindex = -1 };
	socklen_t at_len = sizeof(at), err_len = sizeof(int);
	int err;

	/* reading the error clears it, or we would be woken for ever */
	(void)getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &err, &err_len);
	if (getsockname(k->fd, (struct sockaddr *)&at, &at_len))
		return -errno;
	return at.sll_ifindex > 0 ? 0 : -ENODEV;
}
