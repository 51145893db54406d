/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/linux/link.h"
#include "firewall/linux/link_ring.h"
#include "firewall/linux/vnet.h"
#include "packet/pkt_port.h"

static int name_into(struct ifreq *r, const char *name)
{
	size_t len = strnlen(name, LINK_NAME_MAX);

	memset(r, 0, sizeof(*r));
	if (!len || len == LINK_NAME_MAX)
		return -EINVAL;
	memcpy(r->ifr_name, name, len);
	return 0;
}

/*
 * #syscalls control: ioctl/SIOCGIFFLAGS ioctl/SIOCSIFFLAGS
 */
static int set_up(int sock, const char *name)
{
	struct ifreq r;
	int err = name_into(&r, name);

	if (err)
		return err;
	if (ioctl(sock, SIOCGIFFLAGS, &r))
		return -errno;
	if (r.ifr_flags & IFF_UP)
		return 0;
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	return ioctl(sock, SIOCSIFFLAGS, &r) ? -errno : 0;
}

/*
 * What the kernel says about the interface.
 *
 * #syscalls control: ioctl/SIOCGIFINDEX ioctl/SIOCGIFMTU ioctl/SIOCGIFHWADDR
 */
static int describe(struct link *l, int sock, const char *name)
{
	struct ifreq r;
	int err = name_into(&r, name);

	if (err)
		return err;
	if (ioctl(sock, SIOCGIFINDEX, &r))
		return -errno;
	l->ifindex = (uint32_t)r.ifr_ifindex;
	if (ioctl(sock, SIOCGIFMTU, &r))
		return -errno;
	if (r.ifr_mtu < 68)
		return -EINVAL;
	l->mtu = r.ifr_mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)r.ifr_mtu;
	if (ioctl(sock, SIOCGIFHWADDR, &r))
		return -errno;
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EPROTOTYPE;
	memcpy(l->mac.b, r.ifr_hwaddr.sa_data, sizeof(l->mac.b));
	return 0;
}

static uint8_t caps_of(bool offload)
{
	return offload ? PORT_CSUM | PORT_GSO4 | PORT_GSO6 : 0;
}

/*
 * #syscalls control: ioctl/TUNSETIFF ioctl/TUNSETVNETHDRSZ ioctl/TUNSETOFFLOAD
 */
static int attach_tap(int fd, const char *name, bool offload)
{
	unsigned long features =
		offload ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN
			: 0;
	int vnet_len = VNET_LEN;
	struct ifreq r;
	int err = name_into(&r, name);

	if (err)
		return err;
	r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &r))
		return -errno;
	if (ioctl(fd, TUNSETVNETHDRSZ, &vnet_len) ||
	    ioctl(fd, TUNSETOFFLOAD, features))
		return -errno;
	return 0;
}

/*
 * #syscalls control: socket/AF_INET openat close
 */
int link_open_tap(struct link *l, const char *name, bool offload)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int err = sock < 0 || fd < 0 ? -errno : 0;

	memset(l, 0, sizeof(*l));
	if (!err)
		err = attach_tap(fd, name, offload);
	if (!err)
		err = set_up(sock, name);
	if (!err)
		err = describe(l, sock, name);
	if (sock >= 0)
		close(sock);
	if (err && fd >= 0)
		close(fd);
	l->fd = err ? -1 : fd;
	l->caps = caps_of(offload);
	return err;
}

/*
 * #syscalls control: setsockopt
 */
static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/*
 * Order matters: the ring's layout follows from version and header, and no
 * frame comes before bind().
 */
static int set_ring(int fd, uint32_t slots)
{
	struct tpacket_req req = { .tp_block_size = RING_BLOCK,
				   .tp_block_nr = slots / RING_UNIT,
				   .tp_frame_size = RING_SLOT,
				   .tp_frame_nr = slots };
	int err = set_option(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2);

	if (!err)
		err = set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	if (!err)
		err = set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	/* larger frames than a slot come by the socket's queue as well */
	if (!err)
		err = set_option(fd, SOL_PACKET, PACKET_COPY_THRESH, 1);
	if (!err &&
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		err = -errno;
	return err;
}

static void set_buffers(int fd, int bytes)
{
	/* the forced form needs CAP_NET_ADMIN; less room is no failure */
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes))
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

/*
 * #syscalls control: bind
 */
static int bind_to(int fd, uint32_t ifindex)
{
	struct packet_mreq groups = { .mr_ifindex = (int)ifindex,
				      .mr_type = PACKET_MR_ALLMULTI };
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)ifindex };

	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &groups,
		       sizeof(groups)))
		return -errno;
	return bind(fd, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
}

/*
 * #syscalls control: socket/AF_PACKET close
 */
int link_open_packet(struct link *l, const char *name, bool offload,
		     const struct link_room *room)
{
	static const struct link_room built_in = { LINK_RING, LINK_QUEUE };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	if (fd < 0)
		return -errno;
	err = describe(l, fd, name);
	room = room ? room : &built_in;
	l->ring = (room->ring + RING_UNIT - 1) / RING_UNIT * RING_UNIT;
	if (!err)
		err = set_ring(fd, l->ring);
	if (!err)
		err = bind_to(fd, l->ifindex);
	if (err) {
		close(fd);
		return err;
	}
	set_buffers(fd, (int)(room->queue * 1024));
	l->fd = fd;
	l->caps = caps_of(offload);
	return 0;
}
