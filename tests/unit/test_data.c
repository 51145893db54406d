/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/linux/link.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/vnet.h"
#include "mock/data_bed.h"
#include "mock/frames.h"
#include "unit.h"

/*
 * The whole data process but its isolation, in this one: the test is control at
 * one end of the link, and the kernel at the far ends of the ports.
 *
 *	client 1  10.137.0.11  ----  data  ---- 198.51.100.1  uplink
 */
static struct data_bed bed;
static int wire[BED_CLIENTS + 1]; /* our end of each port */
static uint8_t bytes[4096];

static void open_data(void)
{
	data_bed_open(&bed);
	memset(wire, -1, sizeof(wire));
}

static void close_data(void)
{
	for (uint32_t i = 0; i <= BED_CLIENTS; i++)
		if (wire[i] >= 0)
			close(wire[i]);
	data_bed_close(&bed);
}

static void turn(void)
{
	data_bed_turn(&bed);
}

static int ask(enum msg_type type, const void *body, int fd)
{
	return data_bed_ask(&bed, type, body, fd);
}

static void say(enum msg_type type, const void *body)
{
	data_bed_say(&bed, type, body, -1);
}

static void expect(uint32_t type, uint32_t seq)
{
	data_bed_expect(&bed, type, seq);
}

static int add_port(uint16_t id)
{
	struct msg_port m = { .id = id,
			      .mtu = 1500,
			      .kind = MSG_PORT_TAP,
			      .mac = data_bed_mac(id ? BED_OUR_MAC
						     : BED_UPLINK_MAC) };
	int pair[2], err;

	data_bed_pair(pair);
	err = ask(MSG_PORT_ADD, &m, pair[1]);
	close(pair[1]);
	if (err)
		close(pair[0]);
	else
		wire[id] = pair[0];
	return err;
}

static int set_client(uint16_t n, uint16_t port)
{
	return data_bed_client(&bed, n, port);
}

static int set_rules(uint16_t n, enum rule_action policy)
{
	return data_bed_rules(&bed, n, policy);
}

/* A frame of the uplink that says where our address is? */
static bool announced(void)
{
	const uint8_t *f = bytes + VNET_LEN;
	struct pkt_addr ours = data_bed_addr(BED_OUTSIDE), from, asked;

	if (read(wire[0], bytes, sizeof(bytes)) < (ssize_t)(VNET_LEN + 42) ||
	    f[12] != 0x08 || f[13] != 0x06)
		return false;
	from = pkt_addr_v4(f + 28);
	asked = pkt_addr_v4(f + 38);
	return pkt_addr_eq(&from, &ours) && pkt_addr_eq(&asked, &ours);
}

/* Everything that client 1 needs to reach the world. */
static void open_world(void)
{
	open_data();
	CU_ASSERT_EQUAL(add_port(0), 0);
	CU_ASSERT_EQUAL(add_port(1), 0);
	CU_ASSERT_EQUAL(data_bed_uplink(&bed), 0);
	CU_ASSERT(announced());
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
	struct frame_spec spec = { .src_mac = data_bed_client_mac(1),
				   .dst_mac = BED_OUR_MAC,
				   .src = data_bed_inside(1),
				   .dst = BED_SERVER,
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
	struct frame_spec back = { .src_mac = BED_GATEWAY_MAC,
				   .dst_mac = BED_UPLINK_MAC,
				   .src = BED_SERVER,
				   .dst = BED_OUTSIDE,
				   .sport = 53 };

	open_world();
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), BED_OUTSIDE);
	back.dport =
		(uint16_t)(bytes[VNET_LEN + 34] << 8 | bytes[VNET_LEN + 35]);
	put_frame(wire[0], &back);
	turn();
	CU_ASSERT_STRING_EQUAL(source_at(wire[1]), BED_SERVER);
	CU_ASSERT(bed.d.busy == false);
	close_data();
}

static void an_uplink_that_comes_back_is_announced_once(void)
{
	struct msg_id id = { 0 };

	open_world();
	CU_ASSERT_EQUAL(data_bed_uplink(&bed), 0);
	CU_ASSERT(!announced());
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id, -1), 0);
	close(wire[0]);
	wire[0] = -1;
	CU_ASSERT_EQUAL(add_port(0), 0);
	CU_ASSERT(!announced());
	CU_ASSERT_EQUAL(data_bed_uplink(&bed), 0);
	CU_ASSERT(announced());
	CU_ASSERT(!announced());
	close_data();
}

static uint32_t flows(void)
{
	struct nat_usage u;

	nat_usage(fw_nat(bed.d.fw), UINT16_MAX, &u);
	return u.flows;
}

/* The real clock goes on by @seconds while we do not run, or back. */
static void sleeps(int64_t seconds)
{
	bed.d.loop.raw_ns -= (uint64_t)seconds * MONO_S;
	bed.d.tick = bed.d.loop.now;
	turn();
}

/* N1: a laptop that was closed for a night; UDP without answer has 120 s. */
static void a_suspended_machine_loses_no_flow_and_keeps_none_for_ever(void)
{
	open_world();
	client_sends();
	CU_ASSERT_EQUAL(flows(), 1);
	for (int i = 0; i < 5; i++)
		sleeps(8 * 3600);
	CU_ASSERT_EQUAL(flows(), 1);
	sleeps(-8 * 3600);
	CU_ASSERT_EQUAL(flows(), 1);
	/* 50 s of it have passed; while it runs they are seconds again */
	for (int i = 0; i < 6; i++)
		sleeps(10);
	CU_ASSERT_EQUAL(flows(), 1);
	for (int i = 0; i < 3; i++)
		sleeps(10);
	CU_ASSERT_EQUAL(flows(), 0);
	close_data();
}

static void R98_nothing_passes_before_all_was_told(void)
{
	open_data();
	CU_ASSERT_EQUAL(add_port(0), 0);
	CU_ASSERT_EQUAL(add_port(1), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(data_bed_uplink(&bed), 0);
	CU_ASSERT(announced());
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(set_client(1, 1), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(set_rules(1, RULE_ACCEPT), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), BED_OUTSIDE);
	close_data();
}

static void R122_new_rules_bind_the_next_packet(void)
{
	open_world();
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), BED_OUTSIDE);
	CU_ASSERT_EQUAL(set_rules(1, RULE_DROP), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	CU_ASSERT_EQUAL(set_rules(1, RULE_ACCEPT), 0);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), BED_OUTSIDE);
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
	m.n = BED_CLIENTS + 1;
	CU_ASSERT_EQUAL(ask(MSG_RULES, &m, fd), EINVAL);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), BED_OUTSIDE);
	close(fd);
	close(open_fd);
	close_data();
}

static void rules_for_nobody_are_refused(void)
{
	open_data();
	CU_ASSERT(set_rules(2, RULE_ACCEPT) != 0);
	CU_ASSERT_PTR_NULL(bed.d.rules[2 * 2 + RULE_IP4].mem);
	close_data();
}

static void numbers_out_of_range_are_refused(void)
{
	struct msg_id id = { BED_CLIENTS + 1 };

	open_data();
	CU_ASSERT_EQUAL(add_port(BED_CLIENTS + 1), EINVAL);
	CU_ASSERT_EQUAL(set_client(BED_CLIENTS + 1, UINT16_MAX), EINVAL);
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id, -1), ENOENT);
	CU_ASSERT_EQUAL(ask(MSG_CLIENT_DEL, &id, -1), EINVAL);
	CU_ASSERT_EQUAL(ask(MSG_FLOWS_END, &id, -1), EINVAL);
	/* ports that are not there */
	CU_ASSERT_EQUAL(data_bed_uplink(&bed), ENODEV);
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
	CU_ASSERT_EQUAL(ask(MSG_PORT_ADD, &m, bed.control), EINVAL);
	m.ring = LINK_RING;
	CU_ASSERT_EQUAL(ask(MSG_PORT_ADD, &m, bed.control), ENODEV);
	after = dup(0);
	close(after);
	CU_ASSERT_EQUAL(before, after);
	CU_ASSERT(!bed.d.port[1].used);
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
	CU_ASSERT_EQUAL(bed.got.body.done.id, 2);
	CU_ASSERT_EQUAL(bed.got.body.done.err, EPROTO);
	CU_ASSERT(!bed.d.port[2].used);
	turn();
	CU_ASSERT_EQUAL(msg_recv(bed.control, MSG_TO_CONTROL, &bed.got),
			-EAGAIN);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), BED_OUTSIDE);
	CU_ASSERT_EQUAL(add_port(2), 0);
	close_data();
}

static void R95_a_client_that_goes_takes_its_rules_along(void)
{
	struct msg_id id = { 1 };

	open_world();
	CU_ASSERT_EQUAL(ask(MSG_CLIENT_DEL, &id, -1), 0);
	CU_ASSERT_PTR_NULL(bed.d.rules[2 + RULE_IP4].mem);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), "");
	close_data();
}

static void the_guard_and_the_pairs_come_by_sealed_files(void)
{
	struct pkt_addr list[2] = { data_bed_addr("10.137.0.50"),
				    data_bed_addr("10.137.0.51") };
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

static void openings_come_by_a_sealed_file_and_are_looked_at(void)
{
	struct fw_forward f = { .proto = 6,
				.lo = 443,
				.hi = 443,
				.to_port = 8443,
				.src = { data_bed_addr("0.0.0.0"), 96 },
				.to = data_bed_addr("10.137.0.11") };
	struct msg_guard m = { .n = 1 };
	int good = mem_sealed("openings", &f, sizeof(f)), bad;

	f.hi = 442;
	bad = mem_sealed("openings", &f, sizeof(f));
	open_data();
	CU_ASSERT_EQUAL(ask(MSG_FORWARDS, &m, good), 0);
	CU_ASSERT_EQUAL(ask(MSG_FORWARDS, &m, bad), EINVAL);
	m.n = 2;
	CU_ASSERT_EQUAL(ask(MSG_FORWARDS, &m, good), EBADF);
	m.n = 0;
	CU_ASSERT_EQUAL(ask(MSG_FORWARDS, &m, good), 0);
	close(good);
	close(bad);
	close_data();
}

static void profiles_come_by_a_sealed_file_and_are_looked_at(void)
{
	struct profiles_rule rule = { .profile = "p" };
	const struct profiles_in in = { .rule = &rule, .rule_n = 1 };
	static _Alignas(PROFILES_ALIGN) uint8_t mem[1024];
	uint32_t order, tmp, n;
	struct msg_profiles m;
	size_t used;
	int good, bad;

	CU_ASSERT_EQUAL_FATAL(profiles_build(mem, &used, &in, &order, &tmp, &n),
			      0);
	m.len = (uint32_t)used;
	good = mem_sealed("profiles", mem, used);
	mem[4] ^= 1;
	bad = mem_sealed("profiles", mem, used);
	open_data();
	CU_ASSERT_EQUAL(ask(MSG_PROFILES, &m, good), 0);
	CU_ASSERT_EQUAL(ask(MSG_PROFILES, &m, bad), EBADMSG);
	CU_ASSERT_EQUAL(ask(MSG_PROFILES, &m, good), 0);
	m.len++;
	CU_ASSERT_EQUAL(ask(MSG_PROFILES, &m, good), EBADF);
	close(good);
	close(bad);
	close_data();
}

static void flows_and_usage_are_shown(void)
{
	struct msg_flows from = { 0 };
	struct msg_id id = { 1 };

	open_world();
	client_sends();
	say(MSG_FLOWS, &from);
	expect(MSG_FLOWS_PAGE, bed.seq);
	CU_ASSERT_EQUAL(bed.got.body.flows_page.n, 1);
	CU_ASSERT_EQUAL(bed.got.body.flows_page.flow[0].owner[0], 1);
	CU_ASSERT_EQUAL(bed.got.body.flows_page.flow[0].real_port[0], 4000);
	CU_ASSERT_EQUAL(bed.got.body.flows_page.cursor, 0);
	from.cursor = 1;
	expect(MSG_DONE, bed.seq);
	say(MSG_FLOWS, &from);
	expect(MSG_FLOWS_PAGE, bed.seq);
	CU_ASSERT_EQUAL(bed.got.body.flows_page.n, 0);
	CU_ASSERT_EQUAL(bed.got.body.flows_page.cursor, 0);
	expect(MSG_DONE, bed.seq);

	say(MSG_USAGE, NULL);
	expect(MSG_USAGE_PAGE, bed.seq);
	CU_ASSERT_EQUAL(bed.got.body.usage_page.all.flows, 1);
	CU_ASSERT_EQUAL(bed.got.body.usage_page.port0.send_packets, 1 + 1);
	CU_ASSERT(bed.got.body.usage_page.table_bytes > 1024 * 64);
	expect(MSG_DONE, bed.seq);

	CU_ASSERT_EQUAL(ask(MSG_FLOWS_END, &id, -1), 0);
	from.cursor = 0;
	say(MSG_FLOWS, &from);
	expect(MSG_FLOWS_PAGE, bed.seq);
	CU_ASSERT_EQUAL(bed.got.body.flows_page.n, 0);
	close_data();
}

static void a_message_that_is_none_is_answered_so(void)
{
	struct msg_hdr h = { .type = 9999, .seq = 42 };

	open_data();
	CU_ASSERT_EQUAL(write(bed.control, &h, sizeof(h)), sizeof(h));
	turn();
	expect(MSG_DONE, 42);
	CU_ASSERT_EQUAL(bed.got.body.done.err, EBADMSG);
	CU_ASSERT(!bed.d.stop);
	close_data();
}

/* Control that asks and asks and never reads makes data wait, not block. */
static void answers_that_do_not_fit_wait_and_none_is_lost(void)
{
	struct msg_flows from = { 0 };
	uint32_t asked = 0, answered = 0;

	open_world();
	for (int i = 0; i < 5000; i++) {
		if (!msg_send(bed.control, MSG_FLOWS, asked, &from, -1))
			asked++;
		if (i % 8 == 0)
			turn();
	}
	CU_ASSERT(bed.d.link_full);
	CU_ASSERT(asked < 5000);
	client_sends();
	CU_ASSERT_STRING_EQUAL(source_at(wire[0]), BED_OUTSIDE);
	for (int i = 0; i < 100000 && answered < asked; i++) {
		int err = msg_recv(bed.control, MSG_TO_CONTROL, &bed.got);

		if (err == -EAGAIN) {
			turn();
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(err, 0);
		CU_ASSERT_EQUAL(bed.got.hdr.seq, answered);
		answered += bed.got.hdr.type == MSG_DONE;
	}
	CU_ASSERT_EQUAL(answered, asked);
	turn();
	CU_ASSERT(!bed.d.link_full);
	close_data();
}

static void stopping_closes_every_port_before_it_is_answered(void)
{
	open_world();
	CU_ASSERT_EQUAL(ask(MSG_STOP, NULL, -1), 0);
	CU_ASSERT(bed.d.stop);
	CU_ASSERT_EQUAL(read(wire[0], bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(read(wire[1], bytes, sizeof(bytes)), 0);
	close_data();
}

static void without_control_nothing_is_forwarded(void)
{
	open_world();
	close(bed.control);
	turn();
	CU_ASSERT(bed.d.stop);
	CU_ASSERT_EQUAL(read(wire[0], bytes, sizeof(bytes)), 0);
	bed.control = dup(0);
	close_data();
}

static void memory_too_small_is_refused(void)
{
	alignas(PKT_ARENA_ALIGN) uint8_t little[128] = { 0 };

	fw_conf_default(&bed.conf);
	CU_ASSERT_EQUAL(data_init(&bed.d, little, sizeof(little), &bed.conf,
				  NULL, -1),
			-ENOSPC);
}

/* mem_block() has huge pages for what comes first: the flow table. */
static void the_path_lies_at_the_beginning_of_the_block(void)
{
	open_data();
	CU_ASSERT_PTR_EQUAL(bed.d.fw, bed.block);
	close_data();
}

UNIT_SUITE(data, UNIT(a_packet_goes_out_and_its_answer_comes_back),
	   UNIT(a_suspended_machine_loses_no_flow_and_keeps_none_for_ever),
	   UNIT(an_uplink_that_comes_back_is_announced_once),
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
	   UNIT(openings_come_by_a_sealed_file_and_are_looked_at),
	   UNIT(profiles_come_by_a_sealed_file_and_are_looked_at),
	   UNIT(flows_and_usage_are_shown),
	   UNIT(a_message_that_is_none_is_answered_so),
	   UNIT(answers_that_do_not_fit_wait_and_none_is_lost),
	   UNIT(stopping_closes_every_port_before_it_is_answered),
	   UNIT(without_control_nothing_is_forwarded),
	   UNIT(memory_too_small_is_refused),
	   UNIT(the_path_lies_at_the_beginning_of_the_block))
