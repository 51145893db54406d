/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tally INTERFACE: counts the frames that an interface receives and sends, and
 * checks every checksum, until SIGTERM; then one line of names and numbers:
 *
 *	in, out		frames of IPv4 and IPv6
 *	ingso, outgso	aggregates among them, as the device or for it
 *	largest		bytes of the longest received frame
 *	blank		received, with a checksum left to be finished: its
 *			pseudo-header sum was right
 *	full		received, with a right checksum of all its bytes
 *	other		received fragments, and protocols without a checksum
 *	bad		received, with any checksum wrong
 *
 * The interface must not gather aggregates by itself, so GRO is switched off.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct {
	unsigned long in, out, ingso, outgso, largest, blank, full, other, bad;
} sum;

static volatile sig_atomic_t ended;

static void on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static uint32_t add(uint32_t s, const uint8_t *p, size_t n)
{
	uint64_t acc = s;

	for (; n > 1; n -= 2, p += 2)
		acc += (uint32_t)(p[0] << 8 | p[1]);
	if (n)
		acc += (uint32_t)p[0] << 8;
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint32_t)acc;
}

/* Where the transport part is, how long, and the sum of its pseudo header. */
struct l4 {
	size_t at, len;
	uint8_t proto;
	uint32_t pseudo;
};

/* False: not ours to check, or (*bad) wrong already. */
static bool find_l4(const uint8_t *f, size_t n, struct l4 *l, bool *bad)
{
	const uint8_t *ip = f + ETH_HLEN;

	if (ip[0] >> 4 == 4) {
		size_t head = (size_t)(ip[0] & 15) * 4;
		size_t total = (size_t)(ip[2] << 8 | ip[3]);

		*bad = head < 20 || total < head || total > n - ETH_HLEN ||
		       add(0, ip, head) != 0xffff;
		if (*bad || (ip[6] & 0x3f) || ip[7])
			return false;
		*l = (struct l4){ ETH_HLEN + head, total - head, ip[9],
				  add(0, ip + 12, 8) };
	} else {
		size_t len = (size_t)(ip[4] << 8 | ip[5]);

		*bad = n < ETH_HLEN + 40 || len > n - ETH_HLEN - 40;
		if (*bad)
			return false;
		*l = (struct l4){ ETH_HLEN + 40, len, ip[6],
				  add(0, ip + 8, 32) };
	}
	l->pseudo = add(l->pseudo + l->proto + (uint32_t)l->len, NULL, 0);
	if (l->proto == IPPROTO_ICMP)
		l->pseudo = 0;
	return true;
}

static void check(const uint8_t *f, size_t n, const struct virtio_net_hdr *h)
{
	struct l4 l;
	bool bad;
	size_t field;

	if (!find_l4(f, n, &l, &bad)) {
		sum.bad += bad;
		sum.other += !bad;
		return;
	}
	switch (l.proto) {
	case IPPROTO_TCP:
		field = 16;
		break;
	case IPPROTO_UDP:
		field = 6;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		field = 2;
		break;
	default:
		sum.other++;
		return;
	}
	if (l.len < field + 2) {
		sum.bad++;
	} else if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		const uint8_t *c = f + l.at + field;

		if (h->csum_start == l.at && h->csum_offset == field &&
		    (uint32_t)(c[0] << 8 | c[1]) == l.pseudo)
			sum.blank++;
		else
			sum.bad++;
	} else if (l.proto == IPPROTO_UDP && f[ETH_HLEN] >> 4 == 4 &&
		   !f[l.at + 6] && !f[l.at + 7]) {
		sum.other++;
	} else if (add(l.pseudo, f + l.at, l.len) == 0xffff) {
		sum.full++;
	} else {
		sum.bad++;
	}
}

static void count(const uint8_t *b, size_t n, bool out)
{
	struct virtio_net_hdr h;
	const uint8_t *f = b + sizeof(h);
	uint8_t version;

	if (n < sizeof(h) + ETH_HLEN + 20)
		return;
	memcpy(&h, b, sizeof(h));
	n -= sizeof(h);
	version = f[ETH_HLEN] >> 4;
	if (!(f[12] == 0x08 && f[13] == 0x00 && version == 4) &&
	    !(f[12] == 0x86 && f[13] == 0xdd && version == 6))
		return;
	if (out) {
		sum.out++;
		sum.outgso += h.gso_type != VIRTIO_NET_HDR_GSO_NONE;
		return;
	}
	sum.in++;
	sum.ingso += h.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	if (n > sum.largest)
		sum.largest = n;
	check(f, n, &h);
}

static int opened(const char *name)
{
	struct ethtool_value off = { .cmd = ETHTOOL_SGRO };
	struct ifreq q = { .ifr_data = (void *)&off };
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex(name) };
	int s = socket(AF_PACKET, SOCK_RAW, 0), on = 1, room = 16 << 20;
	struct timeval nap = { .tv_usec = 200000 };

	strncpy(q.ifr_name, name, sizeof(q.ifr_name) - 1);
	if (s < 0 || ioctl(s, SIOCETHTOOL, &q) ||
	    setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &nap, sizeof(nap)) ||
	    bind(s, (struct sockaddr *)&a, sizeof(a))) {
		fprintf(stderr, "tally: %s: %s\n", name, strerror(errno));
		return -1;
	}
	return s;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_term };
	static uint8_t b[70000];
	struct tpacket_stats lost = { 0 };
	socklen_t len = sizeof(lost);
	int s = argc == 2 ? opened(argv[1]) : -1;

	if (s < 0)
		return 2;
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	for (;;) {
		bool last = ended; /* then only what is waiting */
		struct sockaddr_ll from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(s, b, sizeof(b), last ? MSG_DONTWAIT : 0,
				     (struct sockaddr *)&from, &from_len);

		if (n > 0)
			count(b, (size_t)n,
			      from.sll_pkttype == PACKET_OUTGOING);
		else if (last || (errno != EINTR && errno != EAGAIN))
			break;
	}
	getsockopt(s, SOL_PACKET, PACKET_STATISTICS, &lost, &len);
	printf("in %lu ingso %lu out %lu outgso %lu largest %lu blank %lu "
	       "full %lu other %lu bad %lu missed %u\n",
	       sum.in, sum.ingso, sum.out, sum.outgso, sum.largest, sum.blank,
	       sum.full, sum.other, sum.bad, lost.tp_drops);
	return 0;
}
