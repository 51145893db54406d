/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolver's sockets where the machine has no network: what c-ares takes
 * for a UDP socket is one end of a pair.  What it sends goes to ops->send,
 * what comes back is put into the other end.  There is no TCP: an answer that
 * does not fit is taken as far as it goes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "firewall/control/names/resolver.h"
#include "packet/pkt_dns.h"

static ares_socket_t failed(int err)
{
	errno = err;
	return -1;
}

/* #syscalls control: socketpair close */
static ares_socket_t open_socket(int family, int type, int proto, void *ctx)
{
	struct resolver *r = ctx;
	struct resolver_socket *s = resolver_socket_of(r, -1);
	int pair[2];

	(void)family;
	(void)proto;
	if (type != SOCK_DGRAM || !s)
		return failed(type != SOCK_DGRAM ? EPROTONOSUPPORT : EMFILE);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       pair))
		return -1;
	*s = (struct resolver_socket){ .fd = pair[0],
				       .far = pair[1],
				       .wire = r->wires++ };
	return s->fd;
}

static int close_socket(ares_socket_t fd, void *ctx)
{
	struct resolver_socket *s = resolver_socket_of(ctx, fd);

	if (!s)
		return failed(EBADF);
	close(s->far);
	close(s->fd);
	s->fd = s->far = -1;
	return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to,
			  ares_socklen_t len, void *ctx)
{
	struct resolver_socket *s = resolver_socket_of(ctx, fd);
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	if (s && to->sa_family == AF_INET && len >= sizeof(four)) {
		memcpy(&four, to, sizeof(four));
		s->server = pkt_addr_v4((const uint8_t *)&four.sin_addr);
		return 0;
	}
	if (s && to->sa_family == AF_INET6 && len >= sizeof(six)) {
		memcpy(&six, to, sizeof(six));
		s->server = pkt_addr_v6((const uint8_t *)&six.sin6_addr);
		return 0;
	}
	return failed(EAFNOSUPPORT);
}

/* c-ares compares it with whom it asked. */
static void put_peer(const struct resolver_socket *s, struct sockaddr *from,
		     ares_socklen_t *len)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons(PKT_DNS_PORT) };
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_port = htons(PKT_DNS_PORT) };
	bool v4 = pkt_addr_is_v4(&s->server);
	ares_socklen_t n = v4 ? sizeof(four) : sizeof(six);

	memcpy(&four.sin_addr, s->server.b + 12, 4);
	memcpy(&six.sin6_addr, s->server.b, 16);
	if (*len < n)
		n = *len;
	memcpy(from, v4 ? (const void *)&four : (const void *)&six, n);
	*len = n;
}

/* #syscalls control: recvfrom */
static ares_ssize_t take(ares_socket_t fd, void *out, size_t room, int flags,
			 struct sockaddr *from, ares_socklen_t *from_len,
			 void *ctx)
{
	const struct resolver_socket *s = resolver_socket_of(ctx, fd);

	if (!s)
		return failed(EBADF);
	if (from && from_len)
		put_peer(s, from, from_len);
	return recv(fd, out, room, flags);
}

static ares_ssize_t give(ares_socket_t fd, const struct iovec *iov, int n,
			 void *ctx)
{
	struct resolver *r = ctx;
	const struct resolver_socket *s = resolver_socket_of(r, fd);
	uint8_t msg[RESOLVER_MSG_MAX];
	size_t len = 0;
	int err;

	for (int i = 0; s && i < n; i++) {
		if (iov[i].iov_len > sizeof(msg) - len)
			return failed(EMSGSIZE);
		memcpy(msg + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (!s)
		return failed(EBADF);
	err = r->ops->send(r->ops->ctx, s->wire, &s->server, msg, len);
	return err ? failed(-err) : (ares_ssize_t)len;
}

void resolver_wire_use(struct resolver *r)
{
	static const struct ares_socket_functions wire = {
		.asocket = open_socket,
		.aclose = close_socket,
		.aconnect = connect_socket,
		.arecvfrom = take,
		.asendv = give,
	};

	ares_set_socket_functions(r->channel, &wire, r);
}

/* #syscalls control: sendto */
void resolver_received(struct resolver *r, uint32_t wire, const void *msg,
		       size_t len)
{
	for (uint32_t i = 0; r->channel && i < RESOLVER_SOCKETS; i++) {
		const struct resolver_socket *s = &r->socket[i];

		/* full: c-ares asks again */
		if (s->fd >= 0 && s->far >= 0 && s->wire == wire &&
		    send(s->far, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
	}
}
