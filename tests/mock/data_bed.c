/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/data_bed.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "mock/sealed.h"

/* For a child to do what it was asked, on a busy machine. */
#define PATIENCE_MS 10000

void data_bed_pair(int pair[2])
{
	int err = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);

	vw_assert(!err);
}

void data_bed_open(struct data_bed *b)
{
	struct view *view = calloc(1, view_size(BED_CLIENTS));

	vw_assert(view);
	data_bed_open_on(b, view);
}

void data_bed_open_on(struct data_bed *b, struct view *view)
{
	int pair[2], err;
	size_t len;

	log_open("test", LOG_TO_STDERR, LOG_LEVEL_ERR);
	memset(b, 0, sizeof(*b));
	fw_conf_default(&b->conf);
	b->conf.clients = BED_CLIENTS;
	b->conf.ports = BED_CLIENTS + 1;
	b->conf.small_n = 1024;
	b->conf.large_n = 64;
	b->conf.nat.flows = 1024;
	len = data_size(&b->conf);
	b->view = view;
	b->block = aligned_alloc(PKT_ARENA_ALIGN, len);
	vw_assert(b->block);
	memset(b->block, 0, len);
	data_bed_pair(pair);
	b->control = pair[0];
	err = data_init(&b->d, b->block, len, &b->conf, b->view, pair[1]);
	vw_assert(!err);
	b->seq = 100;
}

/* What ends with the process, where it has one of its own. */
static void drop(const struct data_rules *r)
{
	if (r->mem)
		mem_unmap(r->mem, r->len);
}

void data_bed_close(struct data_bed *b)
{
	data_close_ports(&b->d);
	for (uint32_t i = 0; i < 2 * (BED_CLIENTS + 1); i++)
		drop(&b->d.rules[i]);
	drop(&b->d.profiles);
	drop(&b->d.change.next);
	drop(&b->d.change.gone[0]);
	drop(&b->d.change.gone[1]);
	loop_close(&b->d.loop);
	close(b->d.link);
	close(b->control);
	free(b->block);
	free(b->view);
}

void data_bed_fork(struct data_bed *b, int (*prepare)(void))
{
	b->child = fork();
	vw_assert(b->child >= 0);
	if (b->child)
		return;
	close(b->control);
	if (prepare())
		_exit(99);
	while (!b->d.stop)
		data_turn(&b->d);
	_exit(0);
}

int data_bed_wait_child(struct data_bed *b)
{
	int status = -1;
	pid_t gone = waitpid(b->child, &status, 0);

	vw_assert(gone == b->child);
	b->child = 0;
	return status;
}

void data_bed_turn(struct data_bed *b)
{
	if (b->child)
		return;
	b->d.busy = true;
	data_turn(&b->d);
}

void data_bed_wait(struct data_bed *b, uint64_t ms)
{
	b->d.loop.raw_ns -= ms * MONO_MS;
}

void data_bed_take(struct data_bed *b)
{
	struct pollfd p = { .fd = b->control, .events = POLLIN };
	int n = poll(&p, 1, b->child ? PATIENCE_MS : 0), err;

	vw_assert(n == 1);
	err = msg_recv(b->control, MSG_TO_CONTROL, &b->got);
	vw_assert(!err);
}

void data_bed_expect(struct data_bed *b, uint32_t type, uint32_t seq)
{
	data_bed_take(b);
	vw_assert(b->got.hdr.type == type);
	vw_assert(b->got.hdr.seq == seq);
}

void data_bed_say(struct data_bed *b, enum msg_type type, const void *body,
		  int fd)
{
	int err = msg_send(b->control, type, ++b->seq, body, fd);

	vw_assert(!err);
	data_bed_turn(b);
}

int data_bed_ask(struct data_bed *b, enum msg_type type, const void *body,
		 int fd)
{
	data_bed_say(b, type, body, fd);
	data_bed_expect(b, MSG_DONE, b->seq);
	return b->got.body.done.err;
}

struct pkt_addr data_bed_addr(const char *text)
{
	struct pkt_addr a;
	int err = pkt_addr_parse(&a, text, strlen(text));

	vw_assert(!err);
	return a;
}

struct pkt_mac data_bed_mac(const char *text)
{
	struct pkt_mac m;
	int err = pkt_mac_parse(&m, text, strlen(text));

	vw_assert(!err);
	return m;
}

const char *data_bed_inside(uint16_t n)
{
	static char text[BED_CLIENTS + 2][20];

	vw_assert(n <= BED_CLIENTS + 1);
	snprintf(text[n], sizeof(text[n]), "10.137.0.%u", 10u + n);
	return text[n];
}

const char *data_bed_client_mac(uint16_t n)
{
	static char text[BED_CLIENTS + 2][20];

	vw_assert(n <= BED_CLIENTS + 1);
	snprintf(text[n], sizeof(text[n]), "00:16:3e:00:00:%02x", n);
	return text[n];
}

int data_bed_uplink(struct data_bed *b)
{
	struct msg_uplink m = {
		.uplink = { .port = 0,
			    .addr4 = data_bed_addr(BED_OUTSIDE),
			    .gateway4 = data_bed_addr("198.51.100.254"),
			    .net4 = { data_bed_addr("198.51.100.0"), 120 },
			    .gateway_mac = data_bed_mac(BED_GATEWAY_MAC),
			    .up = true },
		.announce = true,
	};

	return data_bed_ask(b, MSG_UPLINK, &m, -1);
}

struct msg_client data_bed_client_is(uint16_t n, uint16_t port)
{
	struct msg_client m = {
		.n = n,
		.client = { .kind = FW_QUBE,
			    .port = port,
			    .mac = data_bed_mac(data_bed_client_mac(n)),
			    .addr = { data_bed_addr(data_bed_inside(n)) },
			    .addr_n = 1,
			    .gateway4 = data_bed_addr("10.137.0.1") }
	};

	snprintf(m.client.name, sizeof(m.client.name), "client%u", n);
	return m;
}

int data_bed_client(struct data_bed *b, uint16_t n, uint16_t port)
{
	struct msg_client m = data_bed_client_is(n, port);

	return data_bed_ask(b, MSG_CLIENT, &m, -1);
}

int data_bed_rules(struct data_bed *b, uint16_t n, enum rule_action policy)
{
	struct msg_rules m = { .n = n, .family = RULE_IP4 };
	int fd = sealed_rules(RULE_IP4, policy, NULL, 0, &m.len);
	int err = data_bed_ask(b, MSG_RULES, &m, fd);

	close(fd);
	return err;
}
