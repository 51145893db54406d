/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libmnl/libmnl.h>

#include "firewall/linux/host_nft.h"
#include "firewall/linux/host_nft_msg.h"

#define TRIES 8u /* to read rules that change meanwhile */

/* The kernel's answers; one at a time, and only one thread asks. */
static _Alignas(struct nlmsghdr) char answer[32768];

/* ---- sockets --------------------------------------------------------------*/

static struct mnl_socket *open_one(unsigned int groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER,
						SOCK_CLOEXEC | SOCK_NONBLOCK);
	int err;

	if (!s || !mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID))
		return s;
	err = errno;
	mnl_socket_close(s);
	errno = err;
	return NULL;
}

int host_nft_open(struct host_nft *h)
{
	int err;

	h->news = NULL;
	h->n = 0;
	h->seq = 1;
	h->talk = open_one(0);
	if (h->talk)
		h->news = open_one(1u << (NFNLGRP_NFTABLES - 1));
	if (h->news)
		return 0;
	err = -errno;
	host_nft_close(h);
	return err;
}

void host_nft_close(struct host_nft *h)
{
	if (h->talk)
		mnl_socket_close(h->talk);
	if (h->news)
		mnl_socket_close(h->news);
	h->talk = h->news = NULL;
}

int host_nft_fd(const struct host_nft *h)
{
	return mnl_socket_get_fd(h->news);
}

/* Whatever an earlier request left unread. */
static void drain(const struct host_nft *h)
{
	while (mnl_socket_recvfrom(h->talk, answer, sizeof(answer)) > 0 ||
	       errno == ENOBUFS)
		;
}

/*
 * Sends, and takes what the kernel answered meanwhile: all of it is there when
 * the call returns, but for what follows in a dump.
 *
 * #syscalls control: sendto recvmsg
 */
static int talk(const struct host_nft *h, const struct host_msg *m,
		uint32_t seq, mnl_cb_t each, void *ctx)
{
	unsigned int port = mnl_socket_get_portid(h->talk);
	int more = MNL_CB_OK;

	drain(h);
	if (mnl_socket_sendto(h->talk, m->buf, m->used) < 0)
		return -errno;
	while (more == MNL_CB_OK) {
		ssize_t len =
			mnl_socket_recvfrom(h->talk, answer, sizeof(answer));

		if (len < 0)
			return errno == EAGAIN ? -EBADMSG : -errno;
		more = mnl_cb_run(answer, (size_t)len, seq, port, each, ctx);
	}
	return more < 0 ? -errno : 0;
}

/* ---- reading --------------------------------------------------------------*/

static int take_seen(const struct nlmsghdr *nlh, void *ctx)
{
	int err = host_msg_seen(ctx, nlh);

	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

static int ask_for(struct host_nft *h, enum host_get what,
		   enum host_family family, struct host_seen *s)
{
	static char buf[512];
	struct host_msg m = { .buf = buf, .room = sizeof(buf), .seq = h->seq };

	host_msg_get(&m, what, family);
	h->seq = m.seq;
	return talk(h, &m, m.seq - 1, take_seen, s);
}

static int look_once(struct host_nft *h)
{
	static const enum host_get all[] = { HOST_GET_TABLE, HOST_GET_CHAINS,
					     HOST_GET_RULES };
	struct host_seen s = {
		.rule = h->seen,
		.max = sizeof(h->seen) / sizeof(h->seen[0]),
	};
	uint32_t missing = 0;

	for (int f = 0; f < HOST_FAMILY_N; f++)
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			int err = ask_for(h, all[i], (enum host_family)f, &s);

			if (err == -ENOENT) {
				missing++;
				break;
			}
			if (err)
				return err;
		}
	if (missing == HOST_FAMILY_N)
		return HOST_NFT_NONE;
	return !missing && host_seen_same(&s, h->rule, (size_t)h->n)
		       ? HOST_NFT_SAME
		       : HOST_NFT_OTHER;
}

int host_nft_look(struct host_nft *h)
{
	int state = -EINTR;

	/* EINTR: the rules changed while they were being read */
	for (uint32_t i = 0; i < TRIES && state == -EINTR; i++)
		state = look_once(h);
	return state;
}

/* ---- changing -------------------------------------------------------------*/

int host_nft_want(struct host_nft *h, const char *const *ifname, size_t n)
{
	int rules = host_policy_build(
		h->rule, sizeof(h->rule) / sizeof(h->rule[0]), ifname, n);

	if (rules < 0)
		return rules;
	h->n = rules;
	return 0;
}

static int any(const struct nlmsghdr *nlh, void *ctx)
{
	(void)nlh;
	(void)ctx;
	return MNL_CB_OK;
}

/*
 * One transaction.  The kernel lets us queue what it needs to queue at once.
 *
 * #syscalls control: setsockopt
 */
static int commit(struct host_nft *h, const struct host_msg *m)
{
	int room = (int)m->used * 2, fd = mnl_socket_get_fd(h->talk);

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)))
		return -errno;
	/* 0: of whatever message; what went wrong comes before the last's */
	return talk(h, m, 0, any, NULL);
}

static int change(struct host_nft *h, bool put)
{
	size_t n = put ? (size_t)h->n : 0;
	struct host_msg m = { .room = host_msg_room(n), .seq = h->seq };
	int err;

	m.buf = malloc(m.room);
	if (!m.buf)
		return -ENOMEM;
	err = put ? host_msg_put(&m, h->rule, n) : host_msg_remove(&m);
	h->seq = m.seq;
	if (!err)
		err = commit(h, &m);
	free(m.buf);
	return err;
}

int host_nft_put(struct host_nft *h)
{
	int err = change(h, true), state;

	if (err)
		return err;
	state = host_nft_look(h);
	if (state < 0)
		return state;
	return state == HOST_NFT_SAME ? 0 : -EBADMSG;
}

int host_nft_remove(struct host_nft *h)
{
	return change(h, false);
}

/* ---- news -----------------------------------------------------------------*/

struct news {
	uint32_t self; /* our requests' port */
	bool by_others;
	char *who;
};

static int take_name(const struct nlattr *a, void *ctx)
{
	const struct news *n = ctx;
	const char *name = mnl_attr_get_payload(a);

	if (mnl_attr_get_type(a) != NFTA_GEN_PROC_NAME)
		return MNL_CB_OK;
	memcpy(n->who, name,
	       strnlen(name, mnl_attr_get_payload_len(a) < HOST_WHO_MAX
				     ? mnl_attr_get_payload_len(a)
				     : HOST_WHO_MAX - 1));
	return MNL_CB_STOP;
}

/* Each transaction ends with one that tells who made it. */
static int take_news(const struct nlmsghdr *nlh, void *ctx)
{
	struct news *n = ctx;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) ||
	    nlh->nlmsg_pid == n->self)
		return MNL_CB_OK;
	n->by_others = true;
	memset(n->who, 0, HOST_WHO_MAX);
	(void)!mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_name, n);
	return MNL_CB_OK;
}

/*
 * #syscalls control: recvmsg
 */
bool host_nft_news(struct host_nft *h, char who[HOST_WHO_MAX])
{
	struct news n = { .self = mnl_socket_get_portid(h->talk), .who = who };
	ssize_t len;

	memset(who, 0, HOST_WHO_MAX);
	for (;;) {
		len = mnl_socket_recvfrom(h->news, answer, sizeof(answer));
		if (len < 0 && errno == ENOBUFS)
			n.by_others = true; /* more than we were told */
		else if (len <= 0)
			return n.by_others;
		else
			(void)!mnl_cb_run(answer, (size_t)len, 0, 0, take_news,
					  &n);
	}
}
