/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "firewall/control/names/resolver.h"
#include "firewall/linux/log.h"
#include "firewall/linux/loop.h"
#include "packet/pkt_dns.h"

/* Of one try; c-ares doubles it. */
#define TIMEOUT_MS 2000
#define TRIES 3

struct resolver_socket *resolver_socket_of(struct resolver *r, int fd)
{
	for (uint32_t i = 0; i < RESOLVER_SOCKETS; i++)
		if (r->socket[i].fd == fd)
			return &r->socket[i];
	return NULL;
}

/* c-ares wants to know when @fd is ready; neither: it will be closed. */
static void state_changed(void *ctx, ares_socket_t fd, int readable,
			  int writable)
{
	struct resolver *r = ctx;
	struct resolver_socket *s = resolver_socket_of(r, fd);
	uint32_t wants = (readable ? LOOP_IN : 0) | (writable ? LOOP_OUT : 0);

	if (!s && wants) {
		s = resolver_socket_of(r, -1);
		if (!s)
			return; /* its time-out tells c-ares */
		*s = (struct resolver_socket){ .fd = fd, .far = -1 };
	}
	if (!s || s->wants == wants)
		return;
	if (r->ops->watch(r->ops->ctx, fd, wants))
		log_err("a resolver's socket can't be watched");
	s->wants = wants;
	if (!wants && s->far < 0)
		s->fd = -1;
}

static int set_servers(struct resolver *r, const struct pkt_addr *server,
		       uint32_t n)
{
	char list[8 * (PKT_ADDR_TEXT + 1)] = "";

	for (uint32_t i = 0; i < n && i < 8; i++) {
		char text[PKT_ADDR_TEXT];
		size_t at = strlen(list);

		snprintf(list + at, sizeof(list) - at, "%s%s", i ? "," : "",
			 pkt_addr_print(text, &server[i]));
	}
	return n && ares_set_servers_csv(r->channel, list) ? -EINVAL : 0;
}

/*
 * Without servers given, c-ares reads which the machine has.
 * #syscalls control: openat newfstatat fstat read close lseek uname
 */
int resolver_open(struct resolver *r, const struct resolver_ops *ops,
		  const struct pkt_addr *server, uint32_t n)
{
	struct ares_options o = {
		/* there is no TCP on a wire to ask again by */
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 ARES_FLAG_EDNS | (ops->send ? ARES_FLAG_IGNTC : 0),
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.ednspsz = RESOLVER_MSG_MAX,
		.sock_state_cb = state_changed,
		.sock_state_cb_data = r,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
	int err;

	*r = (struct resolver){ .ops = ops };
	for (uint32_t i = 0; i < RESOLVER_SOCKETS; i++)
		r->socket[i].fd = r->socket[i].far = -1;
	if (ares_library_init(ARES_LIB_INIT_ALL))
		return -ENOMEM;
	err = ares_init_options(&r->channel, &o, mask) ? -ENOMEM : 0;
	if (!err)
		err = set_servers(r, server, n);
	if (!err && ops->send)
		resolver_wire_use(r);
	if (err)
		resolver_close(r);
	return err;
}

void resolver_close(struct resolver *r)
{
	if (r->channel)
		ares_destroy(r->channel);
	if (r->ops)
		ares_library_cleanup();
	r->channel = NULL;
	r->ops = NULL;
}

static void answered(void *ctx, int status, int timeouts, unsigned char *msg,
		     int len)
{
	struct resolver_asked *a = ctx, was = *a;

	(void)timeouts;
	a->used = false;
	if (!msg || len <= 0)
		log_dbg("name %s: %s", was.name, ares_strerror(status));
	was.r->ops->answer(was.r->ops->ctx, was.name,
			   (enum rule_family)was.family, len > 0 ? msg : NULL,
			   len > 0 ? (size_t)len : 0);
}

/*
 * #syscalls control: socket/AF_INET socket/AF_INET6 connect setsockopt
 * #syscalls control: fcntl/F_GETFD fcntl/F_SETFD fcntl/F_GETFL fcntl/F_SETFL
 * #syscalls control: sendto recvfrom writev
 */
bool resolver_ask(struct resolver *r, const char *name, enum rule_family family)
{
	struct resolver_asked *a = r->asked;

	while (a < r->asked + RESOLVER_ASKED && a->used)
		a++;
	if (!r->channel || a == r->asked + RESOLVER_ASKED)
		return false;
	*a = (struct resolver_asked){ .r = r,
				      .used = true,
				      .family = (uint8_t)family };
	snprintf(a->name, sizeof(a->name), "%s", name);
	/* may answer at once */
	ares_query(r->channel, a->name, C_IN,
		   family == RULE_IP4 ? PKT_DNS_A : PKT_DNS_AAAA, answered, a);
	return true;
}

void resolver_event(struct resolver *r, int fd, uint32_t what)
{
	const struct resolver_socket *s = resolver_socket_of(r, fd);

	if (!s || !r->channel)
		return;
	ares_process_fd(r->channel,
			what & (LOOP_IN | LOOP_ERR) && s->wants & LOOP_IN
				? fd
				: ARES_SOCKET_BAD,
			what & (LOOP_OUT | LOOP_ERR) && s->wants & LOOP_OUT
				? fd
				: ARES_SOCKET_BAD);
}

struct mono resolver_work(struct resolver *r, struct mono now)
{
	struct timeval tv, *next;

	if (!r->channel)
		return (struct mono){ UINT64_MAX };
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	next = ares_timeout(r->channel, NULL, &tv);
	if (!next)
		return (struct mono){ UINT64_MAX };
	return mono_add_ms(now, (uint64_t)next->tv_sec * 1000 +
					(uint64_t)next->tv_usec / 1000 + 1);
}
