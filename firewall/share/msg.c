/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "firewall/share/msg.h"
#include "rules/rule.h"

/* More descriptors than any message has, so that too many are noticed. */
#define FD_MAX 4u

struct shape {
	bool known;
	uint16_t len;
	uint8_t fd_n;
};

/* Requests first, then answers, each counted from its first type. */
static const struct shape requests[] = {
	[MSG_PORT_ADD] = { true, sizeof(struct msg_port), 1 },
	[MSG_PORT_DEL] = { true, sizeof(struct msg_id), 0 },
	[MSG_UPLINK] = { true, sizeof(struct msg_uplink), 0 },
	[MSG_CLIENT] = { true, sizeof(struct msg_client), 0 },
	[MSG_CLIENT_DEL] = { true, sizeof(struct msg_id), 0 },
	[MSG_RULES] = { true, sizeof(struct msg_rules), 1 },
	[MSG_GUARD] = { true, sizeof(struct msg_guard), 1 },
	[MSG_PAIRS] = { true, sizeof(struct msg_guard), 1 },
	[MSG_FLOWS] = { true, sizeof(struct msg_flows), 0 },
	[MSG_FLOWS_END] = { true, sizeof(struct msg_id), 0 },
	[MSG_USAGE] = { true, 0, 0 },
	[MSG_STOP] = { true, 0, 0 },
	[MSG_VIF_ADD] = { true, sizeof(struct msg_vif), 0 },
	[MSG_VIF_LIMITS] = { true, sizeof(struct msg_vif_limits), 0 },
	[MSG_FRONT_ADD] = { true, sizeof(struct msg_front), 0 },
	[MSG_VIFS] = { true, sizeof(struct msg_vifs), 0 },
	[MSG_SETTLED] = { true, 0, 0 },
	[MSG_FORWARDS] = { true, sizeof(struct msg_guard), 1 },
	[MSG_DNS] = { true, sizeof(struct fw_dns), 0 },
	[MSG_DNS_ASK] = { true, sizeof(struct fw_dns_msg), 0 },
	[MSG_PROFILES] = { true, sizeof(struct msg_profiles), 1 },
	[MSG_DNS_PASS] = { true, sizeof(struct msg_dns_pass), 0 },
};

static const struct shape answers[] = {
	[MSG_DONE - MSG_QUESTION] = { true, sizeof(struct msg_done), 0 },
	[MSG_FLOWS_PAGE -
		MSG_QUESTION] = { true, sizeof(struct msg_flows_page), 0 },
	[MSG_USAGE_PAGE -
		MSG_QUESTION] = { true, sizeof(struct msg_usage_page), 0 },
	[MSG_PORT_FAILED - MSG_QUESTION] = { true, sizeof(struct msg_done), 0 },
	[MSG_FRONT_KEYS -
		MSG_QUESTION] = { true, sizeof(struct msg_front_keys), 0 },
	[MSG_VIFS_PAGE -
		MSG_QUESTION] = { true, sizeof(struct msg_vifs_page), 0 },
	[MSG_DNS_CAME - MSG_QUESTION] = { true, sizeof(struct fw_dns_msg), 0 },
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct shape *shape_of(uint32_t type)
{
	const struct shape *s = NULL;

	if (type < N(requests))
		s = &requests[type];
	else if (type >= MSG_QUESTION && type - MSG_QUESTION < N(answers))
		s = &answers[type - MSG_QUESTION];
	return s && s->known ? s : NULL;
}

int msg_body_len(uint32_t type)
{
	const struct shape *s = shape_of(type);

	return s ? s->len : -1;
}

int msg_fd_n(uint32_t type)
{
	const struct shape *s = shape_of(type);

	return s ? s->fd_n : 0;
}

/*
 * #syscalls data control: sendmsg
 */
int msg_send(int sock, uint32_t type, uint32_t seq, const void *body, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} ctl;
	const struct shape *s = shape_of(type);
	struct msg_hdr hdr = { .type = type, .seq = seq };
	struct iovec iov[2] = { { .iov_base = &hdr, .iov_len = sizeof(hdr) } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 1 };
	ssize_t n;

	if (!s || (fd >= 0) != (s->fd_n == 1) || (s->len && !body))
		return -EINVAL;
	hdr.len = s->len;
	if (s->len) {
		/* sendmsg(2) only reads; its struct has no const */
		memcpy(&iov[1].iov_base, &body, sizeof(body));
		iov[1].iov_len = s->len;
		mh.msg_iovlen = 2;
	}
	if (fd >= 0) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = &ctl;
		mh.msg_controllen = sizeof(ctl);
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/* The descriptors that came with @mh; how many, with the first FD_MAX in @fd.
 */
static uint32_t take_fds(struct msghdr *mh, int fd[FD_MAX])
{
	uint32_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t have;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		have = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < have && n < FD_MAX; i++)
			memcpy(&fd[n++], CMSG_DATA(c) + i * sizeof(int),
			       sizeof(int));
	}
	return n;
}

/* A bool in foreign memory may be read as one only when it is 0 or 1. */
static bool flag_ok(const bool *flag)
{
	uint8_t byte;

	memcpy(&byte, flag, 1);
	return byte <= 1;
}

static bool name_ok(const char *name, size_t room)
{
	return memchr(name, 0, room) != NULL;
}

static bool client_ok(const struct msg_client *m)
{
	const struct fw_client *c = &m->client;

	if (c->addr_n > FW_CLIENT_ADDRS || c->net_n > FW_CLIENT_ADDRS ||
	    c->kind > FW_NETWORK || !flag_ok(&c->proxy_arp) ||
	    !name_ok(c->name, sizeof(c->name)) ||
	    !name_ok(c->profile, sizeof(c->profile)))
		return false;
	for (uint8_t i = 0; i < c->net_n; i++)
		if (c->net[i].len > 128)
			return false;
	return m->n != 0 && (c->port == UINT16_MAX || c->port == m->n);
}

static bool uplink_ok(const struct fw_uplink *u)
{
	return flag_ok(&u->up) && u->net4.len <= 128 && u->net6.len <= 128 &&
	       (u->port == UINT16_MAX || u->port == 0);
}

static bool rate_ok(uint64_t bytes, uint32_t us)
{
	return !bytes || us;
}

static bool vifs_ok(const struct msg_vifs_page *m)
{
	if (m->n > MSG_VIFS_PER_PAGE)
		return false;
	for (uint16_t i = 0; i < m->n; i++)
		if (!flag_ok(&m->row[i].front) || !flag_ok(&m->row[i].masked))
			return false;
	return true;
}

static bool body_ok(uint32_t type, const union msg_body *b)
{
	switch (type) {
	case MSG_PORT_ADD:
		return b->port.kind <= MSG_PORT_PACKET &&
		       !(b->port.caps & ~(PORT_CSUM | PORT_GSO4 | PORT_GSO6)) &&
		       b->port.mtu >= 68;
	case MSG_UPLINK:
		return uplink_ok(&b->uplink.uplink) &&
		       flag_ok(&b->uplink.announce);
	case MSG_CLIENT:
		return client_ok(&b->client);
	case MSG_CLIENT_DEL:
		return b->id.id != 0;
	case MSG_RULES:
		return b->rules.n != 0 && b->rules.family <= RULE_IP6 &&
		       b->rules.len != 0;
	case MSG_PROFILES:
		return b->profiles.len != 0;
	case MSG_DONE:
	case MSG_PORT_FAILED:
		return b->done.err >= 0;
	case MSG_FLOWS_PAGE:
		return b->flows_page.n <= MSG_FLOWS_PER_PAGE;
	case MSG_VIF_ADD:
		return flag_ok(&b->vif.resume) && b->vif.mtu >= 68 &&
		       rate_ok(b->vif.rate_bytes, b->vif.rate_us);
	case MSG_VIF_LIMITS:
		return b->vif_limits.mtu >= 68 &&
		       rate_ok(b->vif_limits.rate_bytes, b->vif_limits.rate_us);
	case MSG_FRONT_ADD:
		return b->front.mtu >= 68;
	case MSG_DNS:
		return b->dns.virt_n <= FW_DNS_MAX &&
		       b->dns.server_n <= FW_DNS_MAX;
	case MSG_DNS_ASK:
	case MSG_DNS_CAME:
		return b->dns_msg.len <= FW_DNS_MSG_MAX &&
		       b->dns_msg.client < FW_DNS_CLIENTS;
	case MSG_DNS_PASS:
		return b->dns_pass.n != 0;
	case MSG_VIFS_PAGE:
		return vifs_ok(&b->vifs_page);
	default:
		return true;
	}
}

static bool msg_ok(const struct msg *m, size_t len, enum msg_side side,
		   uint32_t fds)
{
	const struct shape *s = shape_of(m->hdr.type);

	if (!s || (m->hdr.type < MSG_QUESTION) != (side == MSG_TO_DATA))
		return false;
	return m->hdr.len == s->len && len == sizeof(m->hdr) + s->len &&
	       fds == s->fd_n && body_ok(m->hdr.type, &m->body);
}

/*
 * #syscalls data control: recvmsg close
 */
int msg_recv(int sock, enum msg_side side, struct msg *m)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(FD_MAX * sizeof(int))];
	} ctl;
	struct iovec iov[2] = {
		{ .iov_base = &m->hdr, .iov_len = sizeof(m->hdr) },
		{ .iov_base = &m->body, .iov_len = sizeof(m->body) },
	};
	struct msghdr mh = { .msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = &ctl,
			     .msg_controllen = sizeof(ctl) };
	int fd[FD_MAX];
	uint32_t fds;
	ssize_t n;

	memset(&m->hdr, 0, sizeof(m->hdr));
	m->fd = -1;
	do
		n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	fds = take_fds(&mh, fd);
	if (n == 0 && fds == 0)
		return -EPIPE;
	if (!(mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    msg_ok(m, (size_t)n, side, fds)) {
		m->fd = fds ? fd[0] : -1;
		return 0;
	}
	for (uint32_t i = 0; i < fds; i++)
		close(fd[i]);
	if ((size_t)n < sizeof(m->hdr))
		m->hdr.seq = 0;
	return -EBADMSG;
}
