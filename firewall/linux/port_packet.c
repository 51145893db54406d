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
 * the socket's queue, in the same order; one call reads all of a batch.
 */
#define SLOT_HEAD ((uint32_t)sizeof(struct tpacket2_hdr))
#define VLAN_TAG 4u
#define FRAME_MAX (PKT_LARGE - PKT_HEADROOM) /* that any buffer holds */
#define READ_TRIES 3
/*
 * A batch is no longer than this and one frame: aggregates are to be sent while
 * they are in the cache.
 */
#define BATCH_BYTES (256u * 1024u)

static struct port_packet *packet_of(struct port *port)
{
	return (struct port_packet *)port;
}

static struct tpacket2_hdr *slot_at(const struct port_packet *k, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(k->ring + (size_t)i * RING_SLOT);
}

/* Room for a frame of @len bytes, or NULL. */
static struct pkt *get_room(struct port_packet *k, struct pkt_pool *pool,
			    uint32_t len)
{
	struct pkt *p = pkt_get(pool, len);

	k->port.stats.recv_starved += !p && len <= FRAME_MAX;
	return p;
}

/* A copy of the frame in @slot, its vnet header before it; NULL: dropped. */
static struct pkt *copy_slot(struct port_packet *k, struct pkt_pool *pool,
			     const struct tpacket2_hdr *slot)
{
	const uint8_t *base = (const uint8_t *)slot;
	uint32_t len = slot->tp_snaplen, mac = slot->tp_mac;
	struct pkt *p;

	/* the kernel's promise; cheap to look at */
	if (mac < SLOT_HEAD + VNET_LEN || mac > RING_SLOT ||
	    len > RING_SLOT - mac)
		return NULL;
	if (len != slot->tp_len) {
		/* too large for a slot, and no room in the socket's queue */
		k->port.stats.recv_overrun += len < slot->tp_len;
		return NULL;
	}
	p = get_room(k, pool, len);
	if (p)
		memcpy(p->data - VNET_LEN, base + mac - VNET_LEN,
		       VNET_LEN + len);
	return p;
}

/* What came by one slot; @p NULL: a frame that there is no buffer for. */
struct arrival {
	struct pkt *p;
	uint32_t status;
	uint16_t tci, tpid;
};

struct arrivals {
	uint32_t n, bytes;
	uint32_t losing; /* some of them say that others were lost */
	struct arrival at[PKT_BATCH];
	/* those of them that wait in the queue */
	uint32_t queued;
	uint8_t which[PKT_BATCH];
	struct mmsghdr m[PKT_BATCH];
	struct iovec iov[PKT_BATCH];
	uint8_t nowhere;
};
static_assert(PKT_BATCH <= UINT8_MAX, "arrivals.which");

/* The frame is taken off the queue in any case, or all behind it would slip. */
static void expect(struct arrivals *as, struct pkt *p, uint32_t len)
{
	uint32_t i = as->queued++;

	as->which[i] = (uint8_t)as->n;
	as->iov[i] = (struct iovec){ .iov_base = &as->nowhere, .iov_len = 1 };
	if (p)
		as->iov[i] = (struct iovec){ .iov_base = p->data - VNET_LEN,
					     .iov_len = VNET_LEN + len };
	as->m[i] = (struct mmsghdr){ .msg_hdr.msg_iov = &as->iov[i],
				     .msg_hdr.msg_iovlen = 1 };
}

/* Empties the next slot; false when the kernel has not filled it. */
static bool take_slot(struct port_packet *k, struct pkt_pool *pool,
		      struct arrivals *as)
{
	struct tpacket2_hdr *slot = slot_at(k, k->next);
	uint32_t len, status;
	struct pkt *p;

	status = __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
	if (!(status & TP_STATUS_USER))
		return false;
	len = slot->tp_len;
	if (status & TP_STATUS_COPY) {
		p = get_room(k, pool, len);
		expect(as, p, len);
	} else {
		p = copy_slot(k, pool, slot);
	}
	if (p) {
		p->len = len;
		p->tail -= len;
		as->bytes += len;
	}
	as->at[as->n++] = (struct arrival){ p, status, slot->tp_vlan_tci,
					    slot->tp_vlan_tpid };
	as->losing |= status & TP_STATUS_LOSING;
	__atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	k->next = (k->next + 1) % k->slots;
	return true;
}

/*
 * The kernel found no free slot for some frames: it marks all that come later
 * until it is asked how many those were.
 *
 * #syscalls data: getsockopt
 */
static void count_overrun(struct port_packet *k)
{
	struct tpacket_stats lost = { 0 };
	socklen_t len = sizeof(lost);

	k->port.stats.syscalls++;
	if (getsockopt(k->fd, SOL_PACKET, PACKET_STATISTICS, &lost, &len))
		return;
	k->port.stats.recv_overrun += lost.tp_drops;
	k->port.stats.recv_dropped += lost.tp_drops;
}

/*
 * How many of the queued frames were read.  An error of the interface is
 * reported instead of a frame, once.
 *
 * #syscalls data: recvmmsg
 */
static uint32_t read_queue(struct port_packet *k, struct arrivals *as)
{
	uint32_t done = 0;

	for (int tries = 0; done < as->queued && tries < READ_TRIES; tries++) {
		int n = recvmmsg(k->fd, as->m + done, as->queued - done,
				 MSG_DONTWAIT, NULL);

		k->port.stats.syscalls++;
		if (n > 0)
			done += (uint32_t)n;
		else if (errno == EAGAIN)
			break;
	}
	return done;
}

static void fill_queued(struct port_packet *k, struct pkt_pool *pool,
			struct arrivals *as)
{
	uint32_t n = read_queue(k, as);

	for (uint32_t i = 0; i < as->queued; i++) {
		struct arrival *a = &as->at[as->which[i]];
		const struct mmsghdr *m = &as->m[i];

		if (!a->p || (i < n && m->msg_len == as->iov[i].iov_len &&
			      !(m->msg_hdr.msg_flags & MSG_TRUNC)))
			continue;
		pkt_put(pool, a->p);
		a->p = NULL;
	}
}

/*
 * The kernel took the tag out of the frame.  It goes back in, so that the
 * parser sees a tagged frame (R17).
 */
static void put_tag_back(struct pkt *p, const struct arrival *a)
{
	uint16_t tpid =
		a->status & TP_STATUS_VLAN_TPID_VALID ? a->tpid : ETH_P_8021Q;
	uint8_t tag[VLAN_TAG] = { (uint8_t)(tpid >> 8), (uint8_t)tpid,
				  (uint8_t)(a->tci >> 8), (uint8_t)a->tci };

	if (p->len < 2 * ETH_ALEN)
		return;
	memmove(p->data - VLAN_TAG, p->data, 2 * ETH_ALEN);
	p->data -= VLAN_TAG;
	p->head = (uint16_t)(p->head - VLAN_TAG);
	p->len += VLAN_TAG;
	memcpy(p->data + 2 * ETH_ALEN, tag, VLAN_TAG);
}

/* The frame as the path wants it; NULL: dropped. */
static struct pkt *finish(struct port_packet *k, struct pkt_pool *pool,
			  const struct arrival *a)
{
	struct virtio_net_hdr h;
	struct pkt *p = a->p;

	if (!p)
		return NULL;
	memcpy(&h, p->data - VNET_LEN, VNET_LEN);
	p->in = k->port.id;
	if (!vnet_recv(p, &h)) {
		pkt_put(pool, p);
		return NULL;
	}
	if (a->status & TP_STATUS_VLAN_VALID)
		put_tag_back(p, a);
	return p;
}

static int packet_recv(struct port *port, struct pkt_pool *pool,
		       struct pkt_batch *out, struct mono now)
{
	struct port_packet *k = packet_of(port);
	struct arrivals as;

	(void)now;
	as.n = as.bytes = as.queued = as.losing = 0;
	while (as.n < PKT_BATCH - out->n && as.bytes < BATCH_BYTES &&
	       take_slot(k, pool, &as))
		;
	if (as.queued)
		fill_queued(k, pool, &as);
	if (as.losing)
		count_overrun(k);
	for (uint32_t i = 0; i < as.n; i++) {
		struct pkt *p = finish(k, pool, &as.at[i]);

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

	munmap(k->ring, (size_t)k->slots * RING_SLOT);
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
 * #syscalls data: mmap/shared
 */
int port_packet_init(struct port_packet *k, int fd, uint32_t slots)
{
	void *ring;

	if (!ring_ok(slots))
		return -EINVAL;
	ring = mmap(NULL, (size_t)slots * RING_SLOT, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	k->ring = ring;
	k->slots = slots;
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
