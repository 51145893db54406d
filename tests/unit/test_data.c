/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/data.h"
#include "firewall/linux/link.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/vnet.h"
#include "mock/frames.h"
#include "unit.h"

/*
 * The whole data process but its isolation, in this one: the test is control at
 * one end of the link, and the kernel at the far ends of the ports.
 *
 *	client 1  10.137.0.11  ----  data  ---- 198.51.100.1  uplink
 */
#define CLIENTS 3u
#define CLIENT_MAC "00:16:3e:00:00:01"
#define OUR_MAC "fe:ff:ff:ff:ff:ff"
#define UPLINK_MAC "00:16:3e:00:00:f0"
#define GATEWAY_MAC "00:16:3e:00:00:fe"
#define INSIDE "10.137.0.11"
#define OUTSIDE "198.51.100.1"
#define SERVER "192.0.2.7"

static struct data d;
static struct fw_conf conf;
static struct view *view;
static void *block;
static int control;	      /* our end of the link */
static int wire[CLIENTS + 1]; /* our end of each port */
static uint32_t seq;
static struct msg got;
static uint8_t bytes[4096];

static struct pkt_addr addr(const char *text)
{
	struct pkt_addr a;

	CU_ASSERT_EQUAL_FATAL(pkt_addr_parse(&a, text, strlen(text)), 0);
	return a;
}

static struct pkt_mac mac(const char *text)
{
	struct pkt_mac m;

	CU_ASSERT_EQUAL_FATAL(pkt_mac_parse(&m, text, strlen(text)), 0);
	return m;
}

static void make_pair(int pair[2])
{
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		0);
}

static void open_data(void)
{
	int pair[2];

	log_open("test", LOG_TO_STDERR, LOG_LEVEL_ERR);
	fw_conf_default(&conf);
	conf.clients = CLIENTS;
	conf.ports = CLIENTS + 1;
	conf.small_n = 256;
	conf.large_n = 8;
	conf.nat.flows = 1024;
	view = calloc(1, view_size(CLIENTS));
	block = aligned_alloc(PKT_ARENA_ALIGN, data_size(&conf));
	CU_ASSERT_FATAL(view && block);
	memset(block, 0, data_size(&conf));
	make_pair(pair);
	control = pair[0];
	CU_ASSERT_EQUAL_FATAL(data_init(&d, block, data_size(&conf), &conf,
					view, pair[1]),
			      0);
	seq = 100;
	memset(wire, -1, sizeof(wire));
}

static void close_data(void)
{
	for (uint32_t i = 0; i <= CLIENTS; i++)
		if (wire[i] >= 0)
			close(wire[i]);
	data_close_ports(&d);
	for (uint32_t i = 0; i < 2 * (CLIENTS + 1); i++)
		if (d.rules[i].mem)
			mem_unmap(d.rules[i].mem, d.rules[i].len);
	loop_close(&d.loop);
	close(d.link);
	close(control);
	free(block);
	free(view);
}

static void turn(void)
{
	d.busy = true; /* do not sleep */
	data_turn(&d);
}

/* The next message from data must be @type; it is in @got. */
static void expect(uint32_t type, uint32_t want_seq)
{
	CU_ASSERT_EQUAL_FATAL(msg_recv(control, MSG_TO_CONTROL, &got), 0);
	CU_ASSERT_EQUAL(got.hdr.type, type);
	CU_ASSERT_EQUAL(got.hdr.seq, want_seq);
}

/* Asks, and returns the errno of the answer. */
static int ask(enum msg_type type, const void *body, int fd)
{
	seq++;
	CU_ASSERT_EQUAL_FATAL(msg_send(control, type, seq, body, fd), 0);
	turn();
	if (type == MSG_FLOWS || type == MSG_USAGE)
		return 0;
	expect(MSG_DONE, seq);
	return got.body.done.err;
}

static int add_port(uint16_t id)
{
	struct msg_port m = { .id = id,
			      .mtu = 1500,
			      .kind = MSG_PORT_TAP,
			      .mac = mac(id ? OUR_MAC : UPLINK_MAC) };
	int pair[2], err;

	make_pair(pair);
	err = ask(MSG_PORT_ADD, &m, pair[1]);
	close(pair[1]);
	if (err)
		close(pair[0]);
	else
		wire[id] = pair[0];
	return err;
}

static int set_uplink(void)
{
	struct msg_uplink m = { .uplink = {
					.port = 0,
					.addr4 = addr(OUTSIDE),
					.gateway4 = addr("198.51.100.254"),
					.net4 = { addr("198.51.100.0"), 120 },
					.gateway_mac = mac(GATEWAY_MAC),
					.up = true } };

	return ask(MSG_UPLINK, &m, -1);
}

static int set_client(uint16_t n, uint16_t port)
{
	struct msg_client m = { .n = n,
				.client = { .name = "work",
					    .kind = FW_QUBE,
					    .port = port,
					    .mac = mac(CLIENT_MAC),
					    .addr = { addr(INSIDE) },
					    .addr_n = 1,
					    .gateway4 = addr("10.137.0.1") } };

	return ask(MSG_CLIENT, &m, -1);
}

/* A sealed file with a set of no rules and this policy. */
static int rules_fd(enum rule_action policy, uint32_t *len)
{
	alignas(PKT_ARENA_ALIGN) uint8_t mem[8192], scratch[8192];
	size_t used = 0;
	int fd;

	CU_ASSERT_EQUAL_FATAL(ruleset_build(mem, sizeof(mem), &used, RULE_IP4,
					    policy, NULL, 0, NULL, scratch,
					    sizeof(scratch)),
			      0);
	*len = (uint32_t)used;
	fd = mem_sealed("rules", mem, used);
	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

static int set_rules(uint16_t n, enum rule_action policy)
{
	struct msg_rules m = { .n = n, .family = RULE_IP4 };
	int fd = rules_fd(policy, &m.len);
	int err = ask(MSG_RULES, &m, fd);

	close(fd);
	return err;
}

/* Everything that client 1 needs to reach the world. */
static void open_world(void)
{
	open_data();
	CU_ASSERT_EQUAL(add_port(0), 0);
	CU_ASSERT_EQUAL(add_port(1), 0);
	CU_ASSERT_EQUAL(set_uplink(), 0);
	CU_ASSERT_EQUAL(set_client(1, 1), 0);
	CU_ASSERT_EQUAL(set_rules(1, RULE_ACCEPT), 0);
}

static void put_frame(int fd, const struct frame_spec *spec)
{
	size_t n;

	memset(bytes, 0, VNET_LEN);
	n = frame_write(bytes + VNET_LEN, spec);
	CU_ASSERT_EQUAL(write(fd, bytes, VNET_LEN + n),
			(ssize_t)(VNET_LEN + n));
}

static void client_sends(void)
{
	struct frame_spec spec = { .src_mac = CLIENT_MAC,
				   .dst_mac = OUR_MAC,
				   .src = INSIDE,
				   .dst = SERVER,
				   .sport = 4000,
				   .dport = 53 };

	put_frame(wire[1], &spec);
	turn();
}

/* The source address of the next frame there, or "" when there is none. */
static const char *source_at(int fd)
{
	static char text[PKT_ADDR_TEXT];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	struct pkt_addr a;

	if (n < (ssize_t)(VNET_LEN + 34))
		return "";
	a = pkt_addr_v4(bytes + VNET_LEN + 26);
	return pkt_addr_print(text, &a);
}

static void a_packet_goes_out_and_its_answer_comes_back(void)
{
	struct frame_spec back = { .src_mac = GATEWAY_MAC,
				   .dst_mac = UPLINK_MAC,
				   .src = SERVER,
				   .dst = OUTSIDE,
				   .sport = 53 };

	open_world();
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), OUTSIDE);
	back.dport =
		(uint16_t)(bytes[VNET_LEN + 34] << 8 | bytes[VNET_LEN + 35]);
	put_frame(wire[0], &back);
	turn();
	CU_ASSERT_STRING_EQUAL(source_at(wire[1]), SERVER);
	CU_ASSERT(d.busy == false);
	close_data();
}

static void R98_nothing_passes_before_all_was_told(void)
{
	open_data();
	CU_ASSERT_EQUAL(add_port(0), 0);
	CU_ASSERT_EQUAL(add_port(1), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(set_uplink(), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(set_client(1, 1), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(set_rules(1, RULE_ACCEPT), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), OUTSIDE);
	close_data();
}

static void R122_new_rules_bind_the_next_packet(void)
{
	open_world();
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), OUTSIDE);
	CU_ASSERT_EQUAL(set_rules(1, RULE_DROP), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(set_rules(1, RULE_ACCEPT), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), OUTSIDE);
	close_data();
}

static void a_set_that_is_none_is_refused_and_the_old_one_stays(void)
{
	static const uint8_t junk[256] = { 1, 2, 3 };
	struct msg_rules m = { .n = 1, .len = sizeof(junk) };
	int fd = mem_sealed("junk", junk, sizeof(junk));
	int open_fd = mem_shared("open", sizeof(junk));

	open_world();
	CU_ASSERT_EQUAL(ask(MSG_RULES, &m, fd), EBADMSG);
	m.len = sizeof(junk) + 1;
	CU_ASSERT_EQUAL(ask(MSG_RULES, &m, fd), EBADF);
	m.len = sizeof(junk);
	CU_ASSERT_EQUAL(ask(MSG_RULES, &m, open_fd), EBADF);
	m.n = CLIENTS + 1;
	CU_ASSERT_EQUAL(ask(MSG_RULES, &m, fd), EINVAL);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), OUTSIDE);
	close(fd);
	close(open_fd);
	close_data();
}

static void rules_for_nobody_are_refused(void)
{
	open_data();
	CU_ASSERT(set_rules(2, RULE_ACCEPT) != 0);
	CU_ASSERT_PTR_NULL(d.rules[2 * 2 + RULE_IP4].mem);
	close_data();
}

static void numbers_out_of_range_are_refused(void)
{
	struct msg_id id = { CLIENTS + 1 };

	open_data();
	CU_ASSERT_EQUAL(add_port(CLIENTS + 1), EINVAL);
	CU_ASSERT_EQUAL(set_client(CLIENTS + 1, UINT16_MAX), EINVAL);
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id, -1), ENOENT);
	CU_ASSERT_EQUAL(ask(MSG_CLIENT_DEL, &id, -1), EINVAL);
	CU_ASSERT_EQUAL(ask(MSG_FLOWS_END, &id, -1), EINVAL);
	/* ports that are not there */
	CU_ASSERT_EQUAL(set_uplink(), ENODEV);
	CU_ASSERT_EQUAL(set_client(1, 1), ENODEV);
	id.id = 1;
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id, -1), ENOENT);
	close_data();
}

static void a_port_is_taken_once_and_can_be_given_up(void)
{
	struct msg_id id = { 1 };

	open_data();
	CU_ASSERT_EQUAL(add_port(1), 0);
	CU_ASSERT_EQUAL(add_port(1), EEXIST);
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id, -1), 0);
	/* nobody holds the other end any more */
	CU_ASSERT_EQUAL(read(wire[1], bytes, sizeof(bytes)), 0);
	close(wire[1]);
	wire[1] = -1;
	CU_ASSERT_EQUAL(add_port(1), 0);
	close_data();
}

static void a_descriptor_that_can_not_be_a_port_is_refused(void)
{
	struct msg_port m = { .id = 1, .mtu = 1500, .kind = MSG_PORT_TAP };
	int file = mem_shared("file", 4096), before, after;

	open_data();
	before = dup(0);
	close(before);
	CU_ASSERT_EQUAL(ask(MSG_PORT_ADD, &m, file), EPERM);
	m.kind = MSG_PORT_PACKET;
	CU_ASSERT_EQUAL(ask(MSG_PORT_ADD, &m, control), EINVAL);
	m.ring = LINK_RING;
	CU_ASSERT_EQUAL(ask(MSG_PORT_ADD, &m, control), ENODEV);
	after = dup(0);
	close(after);
	CU_ASSERT_EQUAL(before, after);
	CU_ASSERT(!d.port[1].used);
	close(file);
	close_data();
}

static void a_device_that_breaks_is_told_and_the_others_go_on(void)
{
	open_world();
	CU_ASSERT_EQUAL(add_port(2), 0);
	close(wire[2]); /* a record of no length: no device gives that */
	wire[2] = -1;
	turn();
	expect(MSG_PORT_FAILED, 0);
	CU_ASSERT_EQUAL(got.body.done.id, 2);
	CU_ASSERT_EQUAL(got.body.done.err, EPROTO);
	CU_ASSERT(!d.port[2].used);
	turn();
	CU_ASSERT_EQUAL(msg_recv(control, MSG_TO_CONTROL, &got), -EAGAIN);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), OUTSIDE);
	CU_ASSERT_EQUAL(add_port(2), 0);
	close_data();
}

static void R95_a_client_that_goes_takes_its_rules_along(void)
{
	struct msg_id id = { 1 };

	open_world();
	CU_ASSERT_EQUAL(ask(MSG_CLIENT_DEL, &id, -1), 0);
	CU_ASSERT_PTR_NULL(d.rules[2 + RULE_IP4].mem);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	close_data();
}

static void the_guard_and_the_pairs_come_by_sealed_files(void)
{
	struct pkt_addr list[2] = { addr("10.137.0.50"), addr("10.137.0.51") };
	struct fw_pair pairs[1] = { { 1, 2 } };
	struct msg_guard m = { .n = 2 };
	int fd = mem_sealed("guard", list, sizeof(list));
	int pair_fd = mem_sealed("pairs", pairs, sizeof(pairs));

	open_data();
	CU_ASSERT_EQUAL(ask(MSG_GUARD, &m, fd), 0);
	m.n = 3;
	CU_ASSERT_EQUAL(ask(MSG_GUARD, &m, fd), EBADF);
	m.n = UINT32_MAX;
	CU_ASSERT_EQUAL(ask(MSG_GUARD, &m, fd), EBADF);
	m.n = 0;
	CU_ASSERT_EQUAL(ask(MSG_GUARD, &m, fd), 0);
	m.n = 1;
	CU_ASSERT_EQUAL(ask(MSG_PAIRS, &m, pair_fd), 0);
	m.n = 0;
	CU_ASSERT_EQUAL(ask(MSG_PAIRS, &m, pair_fd), 0);
	close(fd);
	close(pair_fd);
	close_data();
}

static void flows_and_usage_are_shown(void)
{
	struct msg_flows from = { 0 };
	struct msg_id id = { 1 };

	open_world();
	client_sends();
	ask(MSG_FLOWS, &from, -1);
	expect(MSG_FLOWS_PAGE, seq);
	CU_ASSERT_EQUAL(got.body.flows_page.n, 1);
	CU_ASSERT_EQUAL(got.body.flows_page.flow[0].owner[0], 1);
	CU_ASSERT_EQUAL(got.body.flows_page.flow[0].real_port[0], 4000);
	CU_ASSERT_EQUAL(got.body.flows_page.cursor, 0);
	from.cursor = 1;
	expect(MSG_DONE, seq);
	ask(MSG_FLOWS, &from, -1);
	expect(MSG_FLOWS_PAGE, seq);
	CU_ASSERT_EQUAL(got.body.flows_page.n, 0);
	CU_ASSERT_EQUAL(got.body.flows_page.cursor, 0);
	expect(MSG_DONE, seq);

	ask(MSG_USAGE, NULL, -1);
	expect(MSG_USAGE_PAGE, seq);
	CU_ASSERT_EQUAL(got.body.usage_page.all.flows, 1);
	CU_ASSERT_EQUAL(got.body.usage_page.port0.send_packets, 1);
	CU_ASSERT(got.body.usage_page.table_bytes > 1024 * 64);
	expect(MSG_DONE, seq);

	CU_ASSERT_EQUAL(ask(MSG_FLOWS_END, &id, -1), 0);
	from.cursor = 0;
	ask(MSG_FLOWS, &from, -1);
	expect(MSG_FLOWS_PAGE, seq);
	CU_ASSERT_EQUAL(got.body.flows_page.n, 0);
	close_data();
}

static void a_message_that_is_none_is_answered_so(void)
{
	struct msg_hdr h = { .type = 9999, .seq = 42 };

	open_data();
	CU_ASSERT_EQUAL(write(control, &h, sizeof(h)), sizeof(h));
	turn();
	expect(MSG_DONE, 42);
	CU_ASSERT_EQUAL(got.body.done.err, EBADMSG);
	CU_ASSERT(!d.stop);
	close_data();
}

/* Control that asks and asks and never reads makes data wait, not block. */
static void answers_that_do_not_fit_wait_and_none_is_lost(void)
{
	struct msg_flows from = { 0 };
	uint32_t asked = 0, answered = 0;

	open_world();
	for (int i = 0; i < 5000; i++) {
		if (!msg_send(control, MSG_FLOWS, asked, &from, -1))
			asked++;
		if (i % 8 == 0)
			turn();
	}
	CU_ASSERT(d.link_full);
	CU_ASSERT(asked < 5000);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), OUTSIDE);
	for (int i = 0; i < 100000 && answered < asked; i++) {
		int err = msg_recv(control, MSG_TO_CONTROL, &got);

		if (err == -EAGAIN) {
			turn();
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(err, 0);
		CU_ASSERT_EQUAL(got.hdr.seq, answered);
		answered += got.hdr.type == MSG_DONE;
	}
	CU_ASSERT_EQUAL(answered, asked);
	turn();
	CU_ASSERT(!d.link_full);
	close_data();
}

static void stopping_closes_every_port_before_it_is_answered(void)
{
	open_world();
	CU_ASSERT_EQUAL(ask(MSG_STOP, NULL, -1), 0);
	CU_ASSERT(d.stop);
	CU_ASSERT_EQUAL(read(wire[0], bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(read(wire[1], bytes, sizeof(bytes)), 0);
	close_data();
}

static void without_control_nothing_is_forwarded(void)
{
	open_world();
	close(control);
	turn();
	CU_ASSERT(d.stop);
	CU_ASSERT_EQUAL(read(wire[0], bytes, sizeof(bytes)), 0);
	control = dup(0);
	close_data();
}

static void memory_too_small_is_refused(void)
{
	alignas(PKT_ARENA_ALIGN) uint8_t little[128] = { 0 };

	fw_conf_default(&conf);
	CU_ASSERT_EQUAL(data_init(&d, little, sizeof(little), &conf, NULL, -1),
			-ENOSPC);
}

UNIT_SUITE(data, UNIT(a_packet_goes_out_and_its_answer_comes_back),
	   UNIT(R98_nothing_passes_before_all_was_told),
	   UNIT(R122_new_rules_bind_the_next_packet),
	   UNIT(a_set_that_is_none_is_refused_and_the_old_one_stays),
	   UNIT(rules_for_nobody_are_refused),
	   UNIT(numbers_out_of_range_are_refused),
	   UNIT(a_port_is_taken_once_and_can_be_given_up),
	   UNIT(a_descriptor_that_can_not_be_a_port_is_refused),
	   UNIT(a_device_that_breaks_is_told_and_the_others_go_on),
	   UNIT(R95_a_client_that_goes_takes_its_rules_along),
	   UNIT(the_guard_and_the_pairs_come_by_sealed_files),
	   UNIT(flows_and_usage_are_shown),
	   UNIT(a_message_that_is_none_is_answered_so),
	   UNIT(answers_that_do_not_fit_wait_and_none_is_lost),
	   UNIT(stopping_closes_every_port_before_it_is_answered),
	   UNIT(without_control_nothing_is_forwarded),
	   UNIT(memory_too_small_is_refused))
