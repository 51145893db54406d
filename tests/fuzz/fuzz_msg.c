/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One record of any bytes, with any number of descriptors, to either side.
 * What msg_recv() takes must be what its contract says; what it refuses must
 * leave no descriptor open.
 *
 * First byte: side (bit 0) and number of descriptors (bits 1 to 3); the rest is
 * the record.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/share/msg.h"
#include "tests/fuzz/fuzz.h"

static int pair[2] = { -1, -1 };
static struct msg got;

static void begin(void)
{
	int size = 1 << 20;

	if (pair[0] >= 0)
		return;
	vw_assert(
		!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static bool send_raw(const uint8_t *bytes, size_t len, uint32_t fds)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	memset(&ctl, 0, sizeof(ctl));
	if (fds) {
		mh.msg_control = &ctl;
		mh.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (uint32_t i = 0; i < fds; i++)
			memcpy(CMSG_DATA(&ctl.h) + i * sizeof(int), &pair[0],
			       sizeof(int));
	}
	return sendmsg(pair[0], &mh, 0) == (ssize_t)len;
}

/* The descriptor that a new one would get. */
static int next_fd(void)
{
	int fd = dup(pair[0]);

	vw_assert(fd >= 0);
	close(fd);
	return fd;
}

/* What the type promises about its body. */
static void check_body(const struct msg *m)
{
	const union msg_body *b = &m->body;

	vw_assert(m->hdr.len == (uint32_t)msg_body_len(m->hdr.type));
	vw_assert((m->fd >= 0) == (msg_fd_n(m->hdr.type) == 1));
	if (m->hdr.type == MSG_CLIENT) {
		const struct fw_client *c = &b->client.client;
		bool proxy = c->proxy_arp; /* UBSan: 0 or 1 */

		vw_assert(proxy || !proxy);
		vw_assert(strlen(c->name) < FW_NAME_MAX);
		vw_assert(c->addr_n <= FW_CLIENT_ADDRS);
		vw_assert(c->net_n <= FW_CLIENT_ADDRS);
	} else if (m->hdr.type == MSG_UPLINK) {
		bool up = b->uplink.uplink.up;

		vw_assert(up || !up);
	} else if (m->hdr.type == MSG_FLOWS_PAGE) {
		vw_assert(b->flows_page.n <= MSG_FLOWS_PER_PAGE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum msg_side side;
	uint32_t fds;
	int before, err;

	if (len < 2)
		return 0;
	begin();
	side = data[0] & 1 ? MSG_TO_CONTROL : MSG_TO_DATA;
	fds = data[0] >> 1 & 7;
	before = next_fd();
	if (!send_raw(data + 1, len - 1, fds))
		return 0;
	err = msg_recv(pair[1], side, &got);
	vw_assert(err == 0 || err == -EBADMSG);
	if (!err) {
		vw_assert((got.hdr.type < MSG_QUESTION) ==
			  (side == MSG_TO_DATA));
		check_body(&got);
		if (got.fd >= 0)
			close(got.fd);
	}
	vw_assert(next_fd() == before);
	vw_assert(msg_recv(pair[1], side, &got) == -EAGAIN);
	return 0;
}
