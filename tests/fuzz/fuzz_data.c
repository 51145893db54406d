/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A data process whose control is hostile: any requests in any order, with
 * frames coming in between.  It must answer each and stay in one piece.
 *
 * Records: kind (1 byte), length (1 byte), bytes.
 *	0  request: type (1 byte), then its body as far as there are bytes
 *	1  a port: number
 *	2  a frame: number of the port, bytes
 *	3  rules: client and family, set; client 0: profiles, each client's
 *	4  as 0, without the type's own length: any record
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/data/data.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/vnet.h"
#include "mock/sealed.h"
#include "packet/pkt_cursor.h"
#include "tests/fuzz/fuzz.h"

#define CLIENTS 3u
#define RECORDS_MAX 64u
/* Sets: no rule but a policy, or so many that looking takes several turns. */
#define SETS 4u
#define LARGE 600u
#define TURNS_MAX 64

static struct fw_conf conf;
static struct view *view;
static void *block;
static struct data d;
static struct msg got;
static int control, wire[CLIENTS + 1];
static int list_fd, profiles_fd, set_fd[SETS];
static uint32_t profiles_len, set_len[SETS];

static void make_sets(void)
{
	static const uint8_t mem[256];

	for (uint32_t i = 0; i < SETS; i++)
		set_fd[i] = sealed_elsewhere(RULE_IP4,
					     i & 1 ? RULE_ACCEPT : RULE_DROP,
					     i & 2 ? LARGE : 0, &set_len[i]);
	list_fd = mem_sealed("list", mem, sizeof(mem));
}

/* Two profiles, one of which names a set. */
static void make_profiles(void)
{
	static _Alignas(PROFILES_ALIGN) uint8_t mem[4096];
	static const char *const text[] = { "action=drop dst=s",
					    "action=pass proto=tcp" };
	const struct pkt_prefix p = { .len = 8 };
	const struct profiles_set set = { .name = "s", .prefix = &p, .n = 1 };
	struct profiles_rule rule[] = { { .profile = "p" },
					{ .profile = "q" } };
	const struct profiles_in in = { &set, 1, rule, 2 };
	struct profile_error e;
	uint32_t order, tmp, bad;
	size_t used;

	for (int i = 0; i < 2; i++)
		vw_assert(!profile_parse(&rule[i].text, text[i],
					 strlen(text[i]), &e));
	vw_assert(profiles_size(&in) <= sizeof(mem));
	vw_assert(!profiles_build(mem, &used, &in, &order, &tmp, &bad));
	profiles_len = (uint32_t)used;
	profiles_fd = mem_sealed("profiles", mem, used);
}

static void begin(void)
{
	int pair[2];

	if (!view) {
		/* a refused request is logged; the fuzzer has seen it */
		log_open("fuzz", LOG_TO_STDERR, LOG_LEVEL_ERR);
		fw_conf_default(&conf);
		conf.clients = CLIENTS;
		conf.ports = CLIENTS + 1;
		conf.small_n = 128;
		conf.large_n = 2;
		conf.neighbours = 8;
		conf.nat.flows = 16;
		conf.frag.datagrams = 4;
		conf.frag.bytes = 64 * 1024;
		conf.guard = 8;
		view = malloc(view_size(CLIENTS));
		block = aligned_alloc(PKT_ARENA_ALIGN, data_size(&conf));
		vw_assert(view && block);
		make_sets();
		make_profiles();
	}
	memset(block, 0, data_size(&conf));
	vw_assert(
		!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
	control = pair[0];
	vw_assert(
		!data_init(&d, block, data_size(&conf), &conf, view, pair[1]));
	memset(wire, -1, sizeof(wire));
}

static void drop(const struct data_rules *r)
{
	if (r->mem)
		mem_unmap(r->mem, r->len);
}

static void end(void)
{
	data_close_ports(&d);
	for (uint32_t i = 0; i <= CLIENTS; i++)
		if (wire[i] >= 0)
			close(wire[i]);
	for (uint32_t i = 0; i < 2 * (CLIENTS + 1); i++)
		drop(&d.rules[i]);
	drop(&d.profiles);
	drop(&d.change.next);
	drop(&d.change.gone[0]);
	drop(&d.change.gone[1]);
	loop_close(&d.loop);
	close(d.link);
	if (control >= 0)
		close(control);
}

/* A wake, then everything that came out of it is read. */
static void turn(void)
{
	uint8_t frame[4096];

	d.busy = true;
	data_turn(&d);
	for (uint32_t i = 0; i <= CLIENTS; i++)
		while (wire[i] >= 0 && read(wire[i], frame, sizeof(frame)) > 0)
			;
}

/* The request must be answered, exactly once, last. */
static void expect_done(uint32_t seq)
{
	int done = 0;

	for (int i = 0; i < TURNS_MAX && !done; i++) {
		turn();
		while (msg_recv(control, MSG_TO_CONTROL, &got) == 0) {
			if (got.hdr.type == MSG_PORT_FAILED)
				continue;
			vw_assert(got.hdr.seq == seq && !done);
			done = got.hdr.type == MSG_DONE;
		}
	}
	vw_assert(done);
}

/* Control goes, perhaps in the midst of something: that is the end. */
static void hang_up(void)
{
	close(control);
	control = -1;
	turn();
	vw_assert(d.stop);
}

static int fd_for(uint32_t type)
{
	if (!msg_fd_n(type))
		return -1;
	return type == MSG_RULES ? set_fd[1] : list_fd;
}

static void request(struct cur *c, uint32_t seq)
{
	union msg_body b = { .guard = { 0 } };
	uint32_t type = cur_u8(c);
	int len = msg_body_len(type);

	if (type >= MSG_QUESTION || len < 0)
		return;
	cur_copy(c, &b, c->left < (size_t)len ? c->left : (size_t)len);
	/* a socket pair for ports, so that they are more than a refusal */
	vw_assert(!msg_send(control, type, seq, &b, fd_for(type)));
	expect_done(seq);
}

static void port(struct cur *c, uint32_t seq)
{
	struct msg_port m = { .id = cur_u8(c) % (CLIENTS + 2),
			      .mtu = 1500,
			      .mac = { { 2, 0, 0, 0, 0, 1 } },
			      .kind = MSG_PORT_TAP };
	int pair[2];

	if (m.id > CLIENTS || wire[m.id] >= 0)
		return;
	vw_assert(
		!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
	vw_assert(!msg_send(control, MSG_PORT_ADD, seq, &m, pair[1]));
	close(pair[1]);
	wire[m.id] = pair[0];
	expect_done(seq);
}

static void frame(struct cur *c)
{
	uint8_t bytes[VNET_LEN + 256] = { 0 };
	uint32_t id = cur_u8(c) % (CLIENTS + 1);
	size_t n = c->left;

	if (wire[id] < 0)
		return;
	cur_copy(c, bytes + VNET_LEN, n);
	if (n & 1) /* now and then the header comes from outside, too */
		memcpy(bytes, bytes + VNET_LEN, VNET_LEN);
	(void)!write(wire[id], bytes, VNET_LEN + n);
	turn();
}

static void profiles(struct cur *c, uint32_t seq)
{
	struct msg_profiles m = { .len = profiles_len };

	for (uint32_t n = 1; n <= CLIENTS; n++)
		m.of[n] = cur_u8(c);
	vw_assert(!msg_send(control, MSG_PROFILES, seq, &m, profiles_fd));
	expect_done(seq);
}

static void rules(struct cur *c, uint32_t seq)
{
	struct msg_rules m = { .n = cur_u8(c), .family = cur_u8(c) & 1 };
	uint32_t set = cur_u8(c) % (SETS + 1);

	if (!m.n) {
		profiles(c, seq);
		return;
	}
	if (set < SETS) {
		m.len = set_len[set];
		vw_assert(!msg_send(control, MSG_RULES, seq, &m, set_fd[set]));
		expect_done(seq);
		return;
	}
	m.len = set_len[set - 1];
	vw_assert(!msg_send(control, MSG_RULES, seq, &m, set_fd[set - 1]));
	turn();
	hang_up();
}

static void any_record(struct cur *c)
{
	uint8_t bytes[256];
	size_t n = c->left;

	if (!n)
		return; /* looks like the end of control */
	cur_copy(c, bytes, n);
	vw_assert(send(control, bytes, n, 0) == (ssize_t)n);
	turn();
	while (msg_recv(control, MSG_TO_CONTROL, &got) == 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur all = cur_of(data, len);

	begin();
	for (uint32_t i = 1; i <= RECORDS_MAX && all.left && !d.stop; i++) {
		uint8_t kind = cur_u8(&all);
		uint8_t n = cur_u8(&all);
		struct cur c = cur_sub(&all, n < all.left ? n : all.left);

		switch (kind % 5) {
		case 0:
			request(&c, i);
			break;
		case 1:
			port(&c, i);
			break;
		case 2:
			frame(&c);
			break;
		case 3:
			rules(&c, i);
			break;
		default:
			any_record(&c);
		}
	}
	end();
	return 0;
}
