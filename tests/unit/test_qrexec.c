/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec with a scripted dom0: every message, every end, and what is no
 * message.
 */
#include <errno.h>
#include <string.h>

#include "mock/qrexec_bed.h"
#include "unit.h"

#define LINE "root:QUBESRPC vifwall.Status+ dom0"
#define PORT 513u

/* The owner of services, who remembers what was said. */
static struct {
	struct qrexec_bed bed; /* first: see qrexec_bed_watch() */
	uint32_t calls, gone, rooms, ready, complaints, ends, ended;
	uint32_t id;
	int code; /* what a call gets */
	int end;
	bool streams;
	char service[64], arg[64], source[64], input[256];
	size_t input_len;
} t;

static int on_call(void *ctx, uint32_t id, const struct qrexec_call *c,
		   char why[QREXEC_WHY])
{
	(void)ctx;
	t.calls++;
	t.id = id;
	t.streams = c->streams;
	snprintf(t.service, sizeof(t.service), "%s", c->service);
	snprintf(t.arg, sizeof(t.arg), "%s", c->arg);
	snprintf(t.source, sizeof(t.source), "%s", c->source);
	snprintf(why, QREXEC_WHY, "because");
	return t.code;
}

static void on_input(void *ctx, uint32_t id, const void *bytes, size_t len)
{
	(void)ctx;
	CU_ASSERT_EQUAL(id, t.id);
	if (!len) {
		t.ends++;
	} else if (len < sizeof(t.input) - t.input_len) {
		memcpy(t.input + t.input_len, bytes, len);
		t.input_len += len;
	}
}

static void on_room(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
	t.rooms++;
}

static void on_gone(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
	t.gone++;
}

static void on_ended(void *ctx, uint32_t id, int code)
{
	(void)ctx;
	(void)id;
	t.ended++;
	t.end = code;
}

static void on_ready(void *ctx)
{
	(void)ctx;
	t.ready++;
}

static void on_complain(void *ctx, const char *sentence)
{
	(void)ctx;
	(void)sentence;
	t.complaints++;
}

static const struct qrexec_ops ops = {
	.call = on_call,
	.input = on_input,
	.room = on_room,
	.gone = on_gone,
	.ended = on_ended,
	.ready = on_ready,
	.watch = qrexec_bed_watch,
	.unwatch = qrexec_bed_unwatch,
	.complain = on_complain,
	.ctx = &t,
};

static struct qrexec_bed *const b = &t.bed;

static void start(void)
{
	memset(&t, 0, sizeof(t));
	qrexec_bed_open(b);
	b->q = qrexec_new(&b->net, &ops);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->q);
}

static struct qrexec_bed_chan *dom0(void)
{
	start();
	return qrexec_bed_dom0(b, 3);
}

/* dom0 is told that this call is over, and nothing else. */
static bool terminated(struct qrexec_bed_chan *control, uint32_t domain,
		       uint32_t port)
{
	const uint8_t body[8] = {
		(uint8_t)domain,	 (uint8_t)(domain >> 8),
		(uint8_t)(domain >> 16), (uint8_t)(domain >> 24),
		(uint8_t)port,		 (uint8_t)(port >> 8)
	};

	qrexec_bed_turn(b);
	return qrexec_bed_hears(b, control, QREXEC_TERMINATED, body, 8) &&
	       !qrexec_bed_hear(b, control);
}

/* ---- the control channel --------------------------------------------------*/

static void we_greet_first_and_take_long_command_lines(void)
{
	struct qrexec_bed_chan *c = dom0();

	CU_ASSERT(c->served);
	CU_ASSERT(c->read_min >= 128 * 1024);
	CU_ASSERT_EQUAL(t.ready, 1);
	CU_ASSERT(qrexec_is_ready(b->q));
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	qrexec_bed_close(b);
}

static void versions_2_3_and_4_are_understood_and_others_are_not(void)
{
	static const struct {
		uint32_t theirs;
		bool ok;
		uint32_t trigger;
		size_t len;
	} row[] = {
		{ 0, false, 0, 0 },
		{ 1, false, 0, 0 },
		{ 2, true, QREXEC_TRIGGER2, 128 },
		{ 3, true, QREXEC_TRIGGER3, 96 + 9 },
		{ 4, true, QREXEC_TRIGGER3, 96 + 9 },
		{ 77, true, QREXEC_TRIGGER3, 96 + 9 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qrexec_bed_chan *c;

		start();
		c = qrexec_bed_dom0(b, row[i].theirs);
		CU_ASSERT_EQUAL(qrexec_is_ready(b->q), row[i].ok);
		CU_ASSERT_EQUAL(c->closed, !row[i].ok);
		if (row[i].ok) {
			CU_ASSERT(qrexec_trigger(b->q, "a.Service", "dom0",
						 b->now) >= 0);
			qrexec_bed_turn(b);
			CU_ASSERT(qrexec_bed_hear(b, c));
			CU_ASSERT_EQUAL(b->type, row[i].trigger);
			CU_ASSERT_EQUAL(b->len, row[i].len + (b->type ==
							      QREXEC_TRIGGER3));
		}
		qrexec_bed_close(b);
	}
}

static void nothing_is_asked_of_us_before_the_hello(void)
{
	struct qrexec_bed_chan *c;

	start();
	qrexec_bed_turn(b);
	c = qrexec_bed_meet(b, 0, QREXEC_PORT);
	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, PORT, LINE);
	CU_ASSERT(c->closed);
	CU_ASSERT_EQUAL(t.complaints, 1);
	CU_ASSERT_PTR_NULL(qrexec_bed_meet(b, 0, PORT));
	/* not at once: somebody who talks nonsense would do so again */
	CU_ASSERT_PTR_NULL(qrexec_bed_meet(b, 0, QREXEC_PORT));
	qrexec_bed_wait(b, QREXEC_RETRY_MS);
	CU_ASSERT_PTR_NOT_NULL(qrexec_bed_meet(b, 0, QREXEC_PORT));
	qrexec_bed_close(b);
}

static void messages_that_are_not_known_are_passed_over(void)
{
	static uint8_t junk[65000];
	struct qrexec_bed_chan *c = dom0();

	memset(junk, 0xff, sizeof(junk));
	qrexec_bed_say(c, 0x777, junk, sizeof(junk));
	qrexec_bed_say(c, QREXEC_TRIGGER3, NULL, 0);
	CU_ASSERT_EQUAL(t.complaints, 2);
	CU_ASSERT_FALSE(c->closed);
	CU_ASSERT_PTR_NOT_NULL(qrexec_bed_call(b, c, PORT, LINE));
	CU_ASSERT_EQUAL(t.calls, 1);
	qrexec_bed_close(b);
}

static void what_is_no_message_has_the_channel_offered_anew(void)
{
	static const struct {
		uint32_t type, len;
	} row[] = {
		{ 0x777, QREXEC_LEN_MAX + 1 },
		{ QREXEC_EXEC_CMDLINE, 0xffffffff },
		{ QREXEC_EXEC_CMDLINE, 7 },
		{ QREXEC_JUST_EXEC, 0 },
		{ QREXEC_SERVICE_CONNECT, 39 },
		{ QREXEC_SERVICE_CONNECT, 41 },
		{ QREXEC_SERVICE_REFUSED, 31 },
		{ QREXEC_HELLO, 4 },
	};
	static const uint8_t zeros[64];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qrexec_bed_chan *c = dom0();
		const uint32_t hdr[2] = { row[i].type, row[i].len };

		qrexec_bed_put(c, hdr, sizeof(hdr));
		qrexec_bed_put(c, zeros, row[i].len < 64 ? row[i].len : 64);
		qrexec_bed_turn(b);
		CU_ASSERT(c->closed);
		CU_ASSERT_FALSE(qrexec_is_ready(b->q));
		qrexec_bed_wait(b, QREXEC_RETRY_MS);
		CU_ASSERT_PTR_NOT_NULL(qrexec_bed_dom0(b, 3));
		CU_ASSERT(qrexec_is_ready(b->q));
		qrexec_bed_close(b);
	}
}

static void a_dom0_that_comes_back_is_greeted_anew(void)
{
	struct qrexec_bed_chan *c = dom0();

	for (uint32_t i = 2; i < 20; i++) {
		qrexec_bed_leave(c);
		qrexec_bed_turn(b);
		CU_ASSERT(c->closed);
		CU_ASSERT_FALSE(qrexec_is_ready(b->q));
		qrexec_bed_wait(b, QREXEC_RETRY_MS);
		c = qrexec_bed_dom0(b, 3);
		CU_ASSERT_EQUAL(t.ready, i);
	}
	qrexec_bed_close(b);
}

static void a_channel_that_can_not_be_offered_is_tried_again(void)
{
	start();
	b->fail = -EIO;
	qrexec_bed_turn(b);
	qrexec_bed_wait(b, QREXEC_RETRY_MS);
	CU_ASSERT_EQUAL(t.complaints, 1);
	CU_ASSERT(b->next.ns > b->now.ns);
	CU_ASSERT(b->next.ns <= mono_add_ms(b->now, QREXEC_RETRY_MS).ns);
	b->fail = 0;
	qrexec_bed_wait(b, QREXEC_RETRY_MS);
	CU_ASSERT_PTR_NOT_NULL(qrexec_bed_dom0(b, 3));
	qrexec_bed_close(b);
}

/* ---- calls of ours to run -------------------------------------------------*/

static void Q8_a_call_ends_with_both_streams_its_code_and_one_word_to_dom0(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;
	char out[64], err[64];

	d = qrexec_bed_call(b, c, PORT, "root:nogui:QUBESRPC a.B+c+d work");
	CU_ASSERT_FALSE(d->served);
	CU_ASSERT_EQUAL(t.calls, 1);
	CU_ASSERT_STRING_EQUAL(t.service, "a.B");
	CU_ASSERT_STRING_EQUAL(t.arg, "c+d");
	CU_ASSERT_STRING_EQUAL(t.source, "work");
	CU_ASSERT(t.streams);
	qrexec_bed_say(d, QREXEC_STDIN, "hello", 5);
	qrexec_bed_say(d, QREXEC_STDIN, NULL, 0);
	CU_ASSERT_EQUAL(t.ends, 1);
	CU_ASSERT(t.input_len == 5 && !memcmp(t.input, "hello", 5));
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	CU_ASSERT_EQUAL(qrexec_write(b->q, t.id, QREXEC_TO_STDOUT, "yes", 3),
			3);
	CU_ASSERT_EQUAL(qrexec_write(b->q, t.id, QREXEC_TO_STDERR, "no", 2), 2);
	qrexec_exit(b->q, t.id, 7);
	qrexec_bed_turn(b);
	CU_ASSERT_EQUAL(qrexec_bed_end(b, d, out, err, sizeof(out)), 7);
	CU_ASSERT_STRING_EQUAL(out, "yes");
	CU_ASSERT_STRING_EQUAL(err, "no");
	CU_ASSERT(d->closed);
	CU_ASSERT(terminated(c, 0, PORT));
	CU_ASSERT_EQUAL(t.gone, 0);
	qrexec_bed_close(b);
}

static void a_call_without_streams_has_its_code_alone(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;
	const uint8_t zero[4] = { 0 };

	qrexec_bed_exec(c, QREXEC_JUST_EXEC, 0, 600, LINE);
	d = qrexec_bed_meet(b, 0, 600);
	CU_ASSERT(qrexec_bed_hear(b, d));
	qrexec_bed_say_u32(d, QREXEC_HELLO, 4);
	CU_ASSERT_FALSE(t.streams);
	CU_ASSERT_EQUAL(qrexec_write(b->q, t.id, QREXEC_TO_STDOUT, "x", 1), 1);
	qrexec_exit(b->q, t.id, 0);
	qrexec_bed_turn(b);
	CU_ASSERT(qrexec_bed_hears(b, d, QREXEC_EXIT_CODE, zero, 4));
	CU_ASSERT(terminated(c, 0, 600));
	qrexec_bed_close(b);
}

static void what_is_refused_is_told_why_with_its_code(void)
{
	static const struct {
		const char *line;
		int code, want;
		const char *err;
		uint32_t calls;
	} row[] = {
		{ LINE, QREXEC_NO_SERVICE, 127, "because\n", 1 },
		{ LINE, QREXEC_REFUSED, 126, "because\n", 1 },
		{ "root:/bin/sh", QREXEC_NO_SERVICE, 127, "because\n", 1 },
		{ "no colon", 0, 125, "the call was not understood\n", 0 },
		{ "a:QUBESRPC", QREXEC_NO_SERVICE, 127, "because\n", 1 },
		{ "a:QUBESRPC x", 0, 125, "the call was not understood\n", 0 },
		{ "a:QUBESRPC  x", 0, 125, "the call was not understood\n", 0 },
		{ "a:QUBESRPC +x dom0", 0, 125, "the call was not understood\n",
		  0 },
		{ "a:QUBESRPC x dom0 name", 0, 125,
		  "the call was not understood\n", 0 },
		{ "a:QUBESRPC x \x1b[2J", 0, 125,
		  "the call was not understood\n", 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qrexec_bed_chan *c = dom0(), *d;
		char out[64], err[64];

		t.code = row[i].code;
		d = qrexec_bed_call(b, c, PORT, row[i].line);
		CU_ASSERT_EQUAL(qrexec_bed_end(b, d, out, err, sizeof(out)),
				row[i].want);
		CU_ASSERT_STRING_EQUAL(out, "");
		CU_ASSERT_STRING_EQUAL(err, row[i].err);
		CU_ASSERT_EQUAL(t.calls, row[i].calls);
		CU_ASSERT_EQUAL(t.gone, 0);
		CU_ASSERT(terminated(c, 0, PORT));
		qrexec_bed_close(b);
	}
}

static void lines_that_dom0_sends_are_read(void)
{
	static const struct {
		const char *line, *service, *arg, *source;
	} row[] = {
		{ "root:QUBESRPC qubes.SuspendPre dom0", "qubes.SuspendPre", "",
		  "dom0" },
		{ "user:QUBESRPC x.Svc+ work", "x.Svc", "", "work" },
		{ "user:nogui:QUBESRPC x.Y+arg dom0", "x.Y", "arg", "dom0" },
		{ "user:QUBESRPC qubes.WaitForSession none",
		  "qubes.WaitForSession", "", "none" },
		{ "user:QUBESRPC x.Y+a dom0 name work", "x.Y", "a", "dom0" },
		{ "user:QUBESRPC x.Y work keyword adminvm", "x.Y", "", "work" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qrexec_bed_chan *c = dom0();

		(void)qrexec_bed_call(b, c, PORT, row[i].line);
		CU_ASSERT_EQUAL(t.calls, 1);
		CU_ASSERT_STRING_EQUAL(t.service, row[i].service);
		CU_ASSERT_STRING_EQUAL(t.arg, row[i].arg);
		CU_ASSERT_STRING_EQUAL(t.source, row[i].source);
		qrexec_bed_close(b);
	}
}

static void Q9_a_line_of_65535_bytes_is_refused_and_nothing_else_suffers(void)
{
	static char line[65535];
	struct qrexec_bed_chan *c = dom0(), *d;

	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "root:QUBESRPC x+", 16);
	d = qrexec_bed_call(b, c, PORT, line);
	CU_ASSERT_EQUAL(qrexec_bed_end(b, d, NULL, NULL, 0), QREXEC_PROBLEM);
	CU_ASSERT(terminated(c, 0, PORT));
	(void)qrexec_bed_call(b, c, PORT, LINE);
	CU_ASSERT_EQUAL(t.calls, 1);
	qrexec_bed_close(b);
}

static void a_line_without_its_nul_or_with_two_is_refused(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;
	static const uint8_t two[] = "\0\0\0\0\1\2\0\0a:QUBESRPC x\0 dom0";

	qrexec_bed_say(c, QREXEC_EXEC_CMDLINE, two, sizeof(two));
	d = qrexec_bed_meet(b, 0, 513);
	qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
	CU_ASSERT_EQUAL(t.calls, 0);
	CU_ASSERT(terminated(c, 0, 513));
	qrexec_bed_say(c, QREXEC_EXEC_CMDLINE, two, 8);
	d = qrexec_bed_meet(b, 0, 513);
	qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
	CU_ASSERT_EQUAL(t.calls, 0);
	CU_ASSERT(terminated(c, 0, 513));
	qrexec_bed_close(b);
}

static void everything_may_come_byte_by_byte(void)
{
	struct qrexec_bed_chan *c, *d;
	char out[64];

	start();
	b->piece = 1;
	c = qrexec_bed_dom0(b, 3);
	d = qrexec_bed_call(b, c, PORT, LINE);
	CU_ASSERT_EQUAL(t.calls, 1);
	qrexec_bed_say(d, QREXEC_STDIN, "hello", 5);
	qrexec_bed_say(d, QREXEC_STDIN, NULL, 0);
	CU_ASSERT(t.input_len == 5 && !memcmp(t.input, "hello", 5));
	CU_ASSERT_EQUAL(t.ends, 1);
	qrexec_exit(b->q, t.id, 3);
	CU_ASSERT_EQUAL(qrexec_bed_end(b, d, out, NULL, sizeof(out)), 3);
	CU_ASSERT(terminated(c, 0, PORT));
	qrexec_bed_close(b);
}

static void a_channel_that_can_not_be_is_ended_at_once(void)
{
	static const struct {
		uint32_t domain, port;
		int fail;
	} row[] = { { 0, 513, -EIO }, { 65536, 513, 0 }, { 0xffffffff, 1, 0 } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qrexec_bed_chan *c = dom0();

		b->fail = row[i].fail;
		qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, row[i].domain,
				row[i].port, LINE);
		CU_ASSERT_EQUAL(t.calls, 0);
		CU_ASSERT(terminated(c, row[i].domain, row[i].port));
		qrexec_bed_close(b);
	}
}

static void a_port_outside_the_usual_is_connected_to_when_told(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;

	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 7, 1024, LINE);
	d = qrexec_bed_meet(b, 7, 1024);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
	CU_ASSERT_EQUAL(t.calls, 1);
	qrexec_bed_leave(d);
	CU_ASSERT(terminated(c, 7, 1024));
	CU_ASSERT_EQUAL(t.gone, 1);
	qrexec_bed_close(b);
}

static void who_never_comes_or_never_greets_is_given_up(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;

	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, PORT, LINE);
	qrexec_bed_wait(b, QREXEC_CONNECT_MS - 1);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	CU_ASSERT_EQUAL(b->next.ns, mono_add_ms(b->now, 1).ns);
	qrexec_bed_wait(b, 1);
	CU_ASSERT(terminated(c, 0, PORT));

	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, PORT, LINE);
	d = qrexec_bed_meet(b, 0, PORT);
	qrexec_bed_wait(b, QREXEC_HELLO_MS);
	CU_ASSERT(d->closed);
	CU_ASSERT(terminated(c, 0, PORT));
	CU_ASSERT_EQUAL(t.calls + t.gone, 0);
	qrexec_bed_close(b);
}

static void a_caller_that_goes_is_gone_once_at_any_time(void)
{
	for (int when = 0; when < 4; when++) {
		struct qrexec_bed_chan *c = dom0(), *d;

		qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, PORT, LINE);
		d = qrexec_bed_meet(b, 0, PORT);
		if (when > 0)
			qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
		if (when > 1)
			qrexec_bed_say(d, QREXEC_STDIN, "he", 2);
		if (when > 2)
			qrexec_exit(b->q, t.id, 0);
		qrexec_bed_leave(d);
		CU_ASSERT(terminated(c, 0, PORT));
		CU_ASSERT_EQUAL(t.gone, when == 1 || when == 2);
		CU_ASSERT(d->closed);
		qrexec_bed_close(b);
	}
}

static void a_data_channel_that_talks_nonsense_is_closed(void)
{
	static uint8_t big[65537];
	static const struct {
		uint32_t hello, type;
		size_t len;
		bool ok;
	} row[] = {
		{ 1, QREXEC_STDIN, 1, false },
		{ 0, QREXEC_STDIN, 1, false },
		{ 2, QREXEC_STDIN, 4096, true },
		{ 2, QREXEC_STDIN, 4097, false },
		{ 3, QREXEC_STDIN, 65536, true },
		{ 3, QREXEC_STDIN, 65537, false },
		{ 3, QREXEC_STDOUT, 1, false },
		{ 3, QREXEC_EXIT_CODE, 4, false },
		{ 3, QREXEC_HELLO, 4, false },
		{ 3, QREXEC_EXEC_CMDLINE, 20, false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qrexec_bed_chan *c = dom0(), *d;

		qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, PORT, LINE);
		d = qrexec_bed_meet(b, 0, PORT);
		qrexec_bed_say_u32(d, QREXEC_HELLO, row[i].hello);
		qrexec_bed_say(d, row[i].type, big, row[i].len);
		CU_ASSERT_EQUAL(d->closed, !row[i].ok);
		CU_ASSERT_EQUAL(t.gone, !row[i].ok && t.calls);
		CU_ASSERT_EQUAL(terminated(c, 0, PORT), !row[i].ok);
		qrexec_bed_close(b);
	}
}

static void our_chunks_fit_the_other_ends_version(void)
{
	static const uint32_t version[] = { 2, 3 };
	static uint8_t much[8192];

	for (int i = 0; i < 2; i++) {
		struct qrexec_bed_chan *c = dom0(), *d;
		size_t n;

		qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, PORT, LINE);
		d = qrexec_bed_meet(b, 0, PORT);
		CU_ASSERT(qrexec_bed_hear(b, d));
		qrexec_bed_say_u32(d, QREXEC_HELLO, version[i]);
		n = qrexec_write(b->q, t.id, QREXEC_TO_STDOUT, much,
				 sizeof(much));
		CU_ASSERT_EQUAL(n, version[i] == 2 ? 4096 : sizeof(much));
		CU_ASSERT(qrexec_bed_hear(b, d));
		CU_ASSERT_EQUAL(b->len, n);
		qrexec_bed_close(b);
	}
}

static void who_does_not_read_holds_up_its_own_call_alone(void)
{
	struct qrexec_bed_chan *c = dom0(), *d, *e;
	static uint8_t much[4096];
	uint32_t slow, rounds = 0;
	size_t sent = 0, n, heard = 0;

	d = qrexec_bed_call(b, c, PORT, LINE);
	slow = t.id;
	do {
		n = qrexec_write(b->q, slow, QREXEC_TO_STDOUT, much,
				 sizeof(much));
		sent += n;
		if (n < sizeof(much))
			qrexec_bed_turn(b);
	} while ((n || t.rooms) && ++rounds < 1000 && (t.rooms = 0, true));
	CU_ASSERT(rounds < 1000);
	e = qrexec_bed_call(b, c, 514, LINE);
	qrexec_exit(b->q, t.id, 0);
	CU_ASSERT_EQUAL(qrexec_bed_end(b, e, NULL, NULL, 0), 0);
	/* it reads after all: nothing is lost */
	t.rooms = 0;
	while (heard < sent && qrexec_bed_hear(b, d))
		heard += b->len;
	CU_ASSERT_EQUAL(heard, sent);
	CU_ASSERT(t.rooms > 0);
	CU_ASSERT_EQUAL(t.gone, 0);
	qrexec_bed_close(b);
}

static void who_takes_nothing_for_long_is_gone(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;
	static uint8_t much[4096];

	d = qrexec_bed_call(b, c, PORT, LINE);
	for (int i = 0; i < 100; i++) {
		(void)qrexec_write(b->q, t.id, QREXEC_TO_STDOUT, much,
				   sizeof(much));
		qrexec_bed_turn(b);
	}
	qrexec_bed_wait(b, QREXEC_STUCK_MS - 1);
	CU_ASSERT_FALSE(d->closed);
	qrexec_bed_wait(b, 1);
	CU_ASSERT(d->closed);
	CU_ASSERT_EQUAL(t.gone, 1);
	CU_ASSERT(terminated(c, 0, PORT));
	qrexec_bed_close(b);
}

/* It is called, and told politely that it comes at a bad time. */
static bool turned_away(struct qrexec_bed_chan *control, uint16_t domain,
			uint32_t port)
{
	char out[64], err[QREXEC_WHY];
	struct qrexec_bed_chan *c;
	uint32_t calls = t.calls;

	qrexec_bed_exec(control, QREXEC_EXEC_CMDLINE, domain, port, LINE);
	c = qrexec_bed_meet(b, domain, port);
	if (!c)
		return false;
	qrexec_bed_turn(b);
	if (!qrexec_bed_hear(b, c) || b->type != QREXEC_HELLO)
		return false;
	qrexec_bed_say_u32(c, QREXEC_HELLO, 3);
	return qrexec_bed_end(b, c, out, err, sizeof(err)) == QREXEC_PROBLEM &&
	       strstr(err, "too many") && t.calls == calls &&
	       terminated(control, domain, port);
}

static void more_calls_than_there_is_room_for_are_turned_away(void)
{
	struct qrexec_bed_chan *c = dom0();

	for (uint32_t i = 0; i < QREXEC_CALLS; i++)
		(void)qrexec_bed_call(b, c, PORT + i, LINE);
	CU_ASSERT_EQUAL(t.calls, QREXEC_CALLS);
	CU_ASSERT_EQUAL(qrexec_trigger(b->q, "a", "dom0", b->now), -EBUSY);
	for (uint32_t i = 0; i < 3 * QREXEC_AWAY; i++)
		CU_ASSERT(turned_away(c, 0, 700));
	/* there are only so many who can be told */
	for (uint32_t i = 0; i < QREXEC_AWAY; i++)
		qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, 650 + i, LINE);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, 700, LINE);
	CU_ASSERT(terminated(c, 0, 700));
	qrexec_exit(b->q, 3, 0);
	CU_ASSERT(terminated(c, 0, PORT + 3));
	(void)qrexec_bed_call(b, c, 700, LINE);
	CU_ASSERT_EQUAL(t.calls, QREXEC_CALLS + 1);
	qrexec_bed_close(b);
}

/* @n calls of qubes that never come; of each as many as it may have. */
static void qubes_call(struct qrexec_bed_chan *c, uint32_t first, uint32_t n,
		       uint32_t each)
{
	for (uint32_t i = 0; i < n; i++)
		qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, first + i / each,
				PORT + i % each, LINE);
}

/* dom0's policy lets qubes call; they must not keep dom0 from calling. */
static void calls_of_qubes_leave_places_to_dom0(void)
{
	struct qrexec_bed_chan *c = dom0();

	qubes_call(c, 7, QREXEC_CALLS_EACH, QREXEC_CALLS_EACH);
	CU_ASSERT(turned_away(c, 7, 700));
	qubes_call(c, 7, QREXEC_AWAY_EACH, QREXEC_AWAY_EACH);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 7, 700, LINE);
	CU_ASSERT(terminated(c, 7, 700));
	qubes_call(c, 8, QREXEC_CALLS - QREXEC_CALLS_DOM0 - QREXEC_CALLS_EACH,
		   1);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	CU_ASSERT(turned_away(c, 6, 700));
	qubes_call(c, 50, QREXEC_AWAY - QREXEC_AWAY_DOM0 - QREXEC_AWAY_EACH, 1);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 6, 700, LINE);
	CU_ASSERT(terminated(c, 6, 700));
	for (uint32_t i = 0; i < QREXEC_CALLS_DOM0; i++)
		(void)qrexec_bed_call(b, c, PORT + i, LINE);
	CU_ASSERT_EQUAL(t.calls, QREXEC_CALLS_DOM0);
	CU_ASSERT(turned_away(c, 0, 700));
	/* and a place that is free again is anybody's */
	qrexec_bed_wait(b, QREXEC_CONNECT_MS);
	while (qrexec_bed_hear(b, c))
		;
	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 7, 700, LINE);
	CU_ASSERT_PTR_NOT_NULL(qrexec_bed_meet(b, 7, 700));
	qrexec_bed_close(b);
}

/* There is no time at which an end that has no room could be told. */
static void a_dom0_that_does_not_read_is_waited_for_quietly(void)
{
	struct qrexec_bed_chan *c = dom0();
	uint32_t told = 0;

	for (uint32_t i = 0; i < QREXEC_CALLS - 1; i++)
		(void)qrexec_bed_call(b, c, PORT + i, LINE);
	qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, 800, LINE);
	for (uint32_t i = 0; i < 320; i++)
		qrexec_bed_exec(c, QREXEC_EXEC_CMDLINE, 0, 700, LINE);
	qrexec_bed_wait(b, QREXEC_CONNECT_MS + 1);
	CU_ASSERT(b->next.ns > b->now.ns);
	while (qrexec_bed_hear(b, c))
		told++;
	/* places that came free are taken by those that waited */
	CU_ASSERT_EQUAL(told, 1 + 319 - QREXEC_AWAY);
	CU_ASSERT_PTR_NOT_NULL(qrexec_bed_meet(b, 0, 700));
	qrexec_bed_close(b);
}

/* It reads a little again and again, but the call is over. */
static void who_reads_the_end_too_slowly_is_not_waited_for(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;
	static uint8_t much[4096];
	const uint64_t step = QREXEC_STUCK_MS / 2;
	uint64_t ms = 0;

	d = qrexec_bed_call(b, c, PORT, LINE);
	for (int i = 0; i < 200; i++) {
		(void)qrexec_write(b->q, t.id, QREXEC_TO_STDOUT, much,
				   sizeof(much));
		qrexec_bed_turn(b);
	}
	qrexec_exit(b->q, t.id, 0);
	while (!d->closed && ms < 4 * QREXEC_STUCK_MS) {
		CU_ASSERT(qrexec_bed_hear(b, d));
		ms += step;
		qrexec_bed_wait(b, step);
	}
	CU_ASSERT(ms <= QREXEC_STUCK_MS + step);
	CU_ASSERT(terminated(c, 0, PORT));
	qrexec_bed_close(b);
}

static void a_thousand_calls_leave_nothing_behind(void)
{
	struct qrexec_bed_chan *c = dom0();

	for (uint32_t i = 0; i < 1000; i++) {
		struct qrexec_bed_chan *d =
			qrexec_bed_call(b, c, PORT + i % 256, LINE);

		qrexec_exit(b->q, t.id, (int)i);
		CU_ASSERT_EQUAL(qrexec_bed_end(b, d, NULL, NULL, 0), (int)i);
		CU_ASSERT(terminated(c, 0, PORT + i % 256));
		qrexec_bed_leave(d);
	}
	CU_ASSERT_EQUAL(t.calls, 1000);
	qrexec_bed_close(b);
}

static void calls_outlive_the_control_channel_and_are_not_told_to_another(void)
{
	struct qrexec_bed_chan *c = dom0(), *d, *e;

	d = qrexec_bed_call(b, c, PORT, LINE);
	e = qrexec_bed_call(b, c, 514, LINE);
	qrexec_bed_leave(c);
	qrexec_bed_turn(b);
	qrexec_bed_wait(b, QREXEC_RETRY_MS);
	c = qrexec_bed_dom0(b, 3);
	CU_ASSERT_FALSE(d->closed);
	qrexec_exit(b->q, 0, 9);
	CU_ASSERT_EQUAL(qrexec_bed_end(b, d, NULL, NULL, 0), 9);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	/* this dom0 gives a port that an older one gave */
	(void)qrexec_bed_call(b, c, 514, LINE);
	CU_ASSERT(e->closed);
	CU_ASSERT_EQUAL(t.gone, 1);
	CU_ASSERT_EQUAL(t.calls, 3);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	qrexec_exit(b->q, t.id, 0);
	CU_ASSERT(terminated(c, 0, 514));
	qrexec_bed_close(b);
}

/* ---- calls of our own -----------------------------------------------------*/

static void trigger(struct qrexec_bed_chan *c, uint8_t ident[32])
{
	CU_ASSERT(qrexec_trigger(b->q, "qubes.FeaturesRequest", "dom0",
				 b->now) >= 0);
	qrexec_bed_turn(b);
	CU_ASSERT_FATAL(qrexec_bed_hear(b, c));
	CU_ASSERT_EQUAL(b->type, QREXEC_TRIGGER3);
	CU_ASSERT_STRING_EQUAL((char *)b->body, "dom0");
	CU_ASSERT_STRING_EQUAL((char *)b->body + 96, "qubes.FeaturesRequest");
	CU_ASSERT_EQUAL(b->len, 96 + sizeof("qubes.FeaturesRequest"));
	memcpy(ident, b->body + 64, 32);
	CU_ASSERT_EQUAL(strspn((char *)ident, "abcdefghijklmnopqrstuvwxyz"
					      "0123456789-"),
			strlen((char *)ident));
}

static void connect_it(struct qrexec_bed_chan *c, const uint8_t ident[32],
		       uint8_t port)
{
	uint8_t body[40] = { 0, 0, 0, 0, port, 2 };

	memcpy(body + 8, ident, 32);
	qrexec_bed_say(c, QREXEC_SERVICE_CONNECT, body, sizeof(body));
}

static void Q7_our_own_call_offers_the_channel_and_greets_first(void)
{
	struct qrexec_bed_chan *c = dom0(), *d;
	const uint8_t three[4] = { 3 };
	uint8_t ident[32];

	trigger(c, ident);
	connect_it(c, ident, 5);
	d = qrexec_bed_meet(b, 0, 517);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(d->served);
	CU_ASSERT(qrexec_bed_hears(b, d, QREXEC_HELLO, three, 4));
	qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
	CU_ASSERT(qrexec_bed_hears(b, d, QREXEC_STDIN, NULL, 0));
	qrexec_bed_say(d, QREXEC_STDOUT, "x", 1);
	qrexec_bed_say(d, QREXEC_STDERR, "y", 1);
	qrexec_bed_say(d, QREXEC_STDOUT, NULL, 0);
	CU_ASSERT_EQUAL(t.ended, 0);
	qrexec_bed_say_u32(d, QREXEC_EXIT_CODE, 4);
	CU_ASSERT_EQUAL(t.ended, 1);
	CU_ASSERT_EQUAL(t.end, 4);
	CU_ASSERT(d->closed);
	CU_ASSERT(terminated(c, 0, 517));
	CU_ASSERT_EQUAL(t.calls + t.gone, 0);
	qrexec_bed_close(b);
}

static void our_own_call_may_be_refused_or_forgotten(void)
{
	struct qrexec_bed_chan *c = dom0();
	uint8_t ident[32];

	trigger(c, ident);
	qrexec_bed_say(c, QREXEC_SERVICE_REFUSED, ident, 32);
	CU_ASSERT_EQUAL(t.ended, 1);
	CU_ASSERT_EQUAL(t.end, QREXEC_REFUSED);
	/* twice is once */
	qrexec_bed_say(c, QREXEC_SERVICE_REFUSED, ident, 32);
	CU_ASSERT_EQUAL(t.ended, 1);

	trigger(c, ident);
	qrexec_bed_wait(b, QREXEC_CONNECT_MS);
	CU_ASSERT_EQUAL(t.ended, 2);
	CU_ASSERT_EQUAL(t.end, QREXEC_LOST);
	CU_ASSERT_FALSE(qrexec_bed_hear(b, c));
	/* too late: the port is given back */
	connect_it(c, ident, 6);
	CU_ASSERT(terminated(c, 0, 518));

	trigger(c, ident);
	qrexec_bed_leave(c);
	qrexec_bed_turn(b);
	CU_ASSERT_EQUAL(t.ended, 3);
	CU_ASSERT_EQUAL(qrexec_trigger(b->q, "a", "dom0", b->now), -ENOTCONN);
	qrexec_bed_close(b);
}

static void our_own_call_may_lose_its_channel(void)
{
	for (int when = 0; when < 3; when++) {
		struct qrexec_bed_chan *c = dom0(), *d;
		uint8_t ident[32];

		trigger(c, ident);
		connect_it(c, ident, 5);
		if (when) {
			d = qrexec_bed_meet(b, 0, 517);
			if (when > 1)
				qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
			qrexec_bed_leave(d);
			qrexec_bed_turn(b);
		} else {
			qrexec_bed_wait(b, QREXEC_CONNECT_MS);
		}
		CU_ASSERT_EQUAL(t.ended, 1);
		CU_ASSERT_EQUAL(t.end, QREXEC_LOST);
		CU_ASSERT(terminated(c, 0, 517));
		qrexec_bed_close(b);
	}
}

UNIT_SUITE(qrexec, UNIT(we_greet_first_and_take_long_command_lines),
	   UNIT(versions_2_3_and_4_are_understood_and_others_are_not),
	   UNIT(nothing_is_asked_of_us_before_the_hello),
	   UNIT(messages_that_are_not_known_are_passed_over),
	   UNIT(what_is_no_message_has_the_channel_offered_anew),
	   UNIT(a_dom0_that_comes_back_is_greeted_anew),
	   UNIT(a_channel_that_can_not_be_offered_is_tried_again),
	   UNIT(Q8_a_call_ends_with_both_streams_its_code_and_one_word_to_dom0),
	   UNIT(a_call_without_streams_has_its_code_alone),
	   UNIT(what_is_refused_is_told_why_with_its_code),
	   UNIT(lines_that_dom0_sends_are_read),
	   UNIT(Q9_a_line_of_65535_bytes_is_refused_and_nothing_else_suffers),
	   UNIT(a_line_without_its_nul_or_with_two_is_refused),
	   UNIT(everything_may_come_byte_by_byte),
	   UNIT(a_channel_that_can_not_be_is_ended_at_once),
	   UNIT(a_port_outside_the_usual_is_connected_to_when_told),
	   UNIT(who_never_comes_or_never_greets_is_given_up),
	   UNIT(a_caller_that_goes_is_gone_once_at_any_time),
	   UNIT(a_data_channel_that_talks_nonsense_is_closed),
	   UNIT(our_chunks_fit_the_other_ends_version),
	   UNIT(who_does_not_read_holds_up_its_own_call_alone),
	   UNIT(who_takes_nothing_for_long_is_gone),
	   UNIT(more_calls_than_there_is_room_for_are_turned_away),
	   UNIT(calls_of_qubes_leave_places_to_dom0),
	   UNIT(a_dom0_that_does_not_read_is_waited_for_quietly),
	   UNIT(who_reads_the_end_too_slowly_is_not_waited_for),
	   UNIT(a_thousand_calls_leave_nothing_behind),
	   UNIT(calls_outlive_the_control_channel_and_are_not_told_to_another),
	   UNIT(Q7_our_own_call_offers_the_channel_and_greets_first),
	   UNIT(our_own_call_may_be_refused_or_forgotten),
	   UNIT(our_own_call_may_lose_its_channel))
