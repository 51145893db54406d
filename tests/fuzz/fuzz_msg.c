/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record from the other process, to either side. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/share/msg.h"
#include "tests/fuzz/fuzz.h"

static void take(int sock, enum msg_side side)
{
	static struct msg m;
	int err = msg_recv(sock, side, &m);

	vw_assert(err == 0 || err == -EBADMSG || err == -EAGAIN ||
		  err == -EPIPE);
	if (!err) {
		vw_assert(msg_body_len(m.hdr.type) == (int)m.hdr.len);
		vw_assert((m.fd >= 0) == msg_fd_n(m.hdr.type));
		if (m.fd >= 0)
			close(m.fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int s[2];

	if (!len || len > MSG_BODY_MAX + 64)
		return 0;
	vw_assert(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, s));
	for (int side = MSG_TO_DATA; side <= MSG_TO_CONTROL; side++) {
		vw_assert(send(s[0], data, len, 0) == (ssize_t)len);
		take(s[1], (enum msg_side)side);
	}
	close(s[0]);
	close(s[1]);
	return 0;
}
