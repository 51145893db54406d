/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the key that commits to rules in force: dom0 has told a client's set,
 * its last key arrives, the set is built, handed over, and checked as the data
 * process checks it.  Beside it, telling the whole set.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firewall/control/qubes/source_qubesdb.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "mock/mock_chan.h"
#include "rules/rule.h"

#define ROUNDS 20
#define SET "/qubes-firewall/10.137.0.5"

static struct mock_chans net;
static struct mock_chan *dom0;
static struct conf conf;
static struct apply apply;
static struct source_qubesdb source;
static struct mono now = { MONO_S };
static int data;
static uint32_t in_force; /* sets that data took */

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_qubesdb: %s\n", what);
	exit(1);
}

static int open_port(void *ctx, const struct conf_port *p, struct link *l)
{
	(void)ctx;
	(void)p;
	*l = (struct link){ .fd = open("/dev/null", O_RDWR | O_CLOEXEC),
			    .mtu = 1500 };
	return 0;
}

static void take_rules(const struct msg *m)
{
	const void *map = mem_map_sealed(m->fd, m->body.rules.len);

	if (!map || !ruleset_check(map, m->body.rules.len))
		die("a set that is none");
	mem_unmap(map, m->body.rules.len);
	in_force++;
}

static void data_work(void)
{
	struct msg_done d = { .err = 0 };
	struct msg m;

	while (!msg_recv(data, MSG_TO_DATA, &m)) {
		if (m.hdr.type == MSG_RULES)
			take_rules(&m);
		if (m.fd >= 0)
			close(m.fd);
		if (msg_send(data, MSG_DONE, m.hdr.seq, &d, -1))
			die("no answer");
	}
}

static void turn(void)
{
	static uint8_t dropped[1u << 16];

	(void)source_qubesdb_work(&source, now);
	(void)apply_work(&apply, now);
	data_work();
	apply_receive(&apply, now);
	while (mock_chan_take(dom0, dropped, sizeof(dropped)))
		;
}

static void tell(enum qdb_type type, const char *path, const char *value)
{
	static uint8_t message[QDB_MESSAGE_MAX];
	size_t len = strlen(value);

	if (qdb_make(message, type, path, value, len))
		die(path);
	mock_chan_put(dom0, message, QDB_HEADER + len);
}

static void start(void)
{
	static const struct apply_ops ops = { .open_port = open_port };
	static const char text[] =
		"qubes.channel = vchan\nuplink.port = tap:up\n"
		"[client work]\nport = tap:w\nip = 10.137.0.5\n"
		"mac = 00:16:3e:00:00:05\n";
	static struct conf_errors errors;
	const struct conf_port *which;
	int pair[2];

	log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	conf_default(&conf);
	conf_read_text(&conf, "bench", text, sizeof(text) - 1, &errors);
	conf_check(&conf, CONF_RUN, &errors);
	if (errors.n)
		die(errors.text);
	mock_chans_init(&net);
	apply_init(&apply, &conf, &ops);
	apply.tree = tree_new(64u << 20, apply_tree_changed, &apply);
	if (!apply.tree || apply_open_ports(&apply, &which) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) ||
	    source_qubesdb_open(&source, &net.net, false, apply.tree, &apply,
				now))
		die("no start");
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	data = pair[1];
	apply_data(&apply, pair[0]);
	(void)source_qubesdb_work(&source, now);
	dom0 = mock_chan_find(&net, 0, QUBESDB_PORT);
	mock_chan_meet(dom0);
	tell(QDB_IS_MULTIREAD, "", "");
	for (int i = 0; i < 10; i++)
		turn();
}

/* A set that differs from the last one in each rule. */
static void tell_set(uint32_t rules, uint32_t round)
{
	char path[64], rule[128];

	tell(QDB_RM, SET "/", "");
	tell(QDB_WRITE, SET "/policy", "drop");
	for (uint32_t i = 0; i < rules; i++) {
		snprintf(path, sizeof(path), SET "/%04u", i);
		snprintf(rule, sizeof(rule),
			 "action=%s dst4=10.%u.%u.0/24 proto=tcp "
			 "dstports=%u-%u",
			 i % 3 ? "accept" : "drop", i >> 8, i & 255,
			 1000 + round, 2000 + i);
		tell(QDB_WRITE, path, rule);
	}
}

static void until_read(void)
{
	while (dom0->in.n)
		turn();
}

static void measure(uint32_t rules)
{
	double told = 1e9, committed = 1e9, whole = 1e9;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t before = in_force;
		double a, b, c;

		tell_set(rules, i);
		a = milliseconds();
		until_read();
		b = milliseconds();
		tell(QDB_WRITE, SET, "");
		while (in_force == before)
			turn();
		c = milliseconds();
		told = b - a < told ? b - a : told;
		committed = c - b < committed ? c - b : committed;
		whole = c - a < whole ? c - a : whole;
	}
	printf("qubesdb.told_ms.%u=%.3f\n", rules, told);
	printf("qubesdb.trigger_ms.%u=%.3f\n", rules, committed);
	printf("qubesdb.both_ms.%u=%.3f\n", rules, whole);
}

int main(void)
{
	start();
	measure(10);
	measure(1000);
	measure(5000);
	return 0;
}
