/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who comes to the operator's socket, and what they may do to each other.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/linux/loop.h"
#include "mock/ctl_bed.h"
#include "unit.h"

static struct ctl_bed b;

static void start(void)
{
	ctl_bed_open(&b);
}

static void stop(void)
{
	ctl_bed_close(&b);
}

static void turn(void)
{
	ctl_bed_turn(&b);
}

static bool error_is(const char *want)
{
	return ctl_bed_has(&b, jroot(&b.doc), "error", want);
}

/* ---- requests that are none -----------------------------------------------*/

static const struct {
	const char *line, *says;
} refused[] = {
	{ "", "the request is empty" },
	{ " ", "there is no such request" },
	{ "stat", "there is no such request" },
	{ "status extra", "words after the first are KEY=VALUE" },
	{ "status x=1", "there is no such key" },
	{ "rules", "client is missing" },
	{ "rules client=nobody", "there is no client of that name or address" },
	{ "rules client=", "there is no client of that name or address" },
	{ "clients from=x", "from is not a number" },
	{ "clients from=", "from is not a number" },
	{ "clients from=4294967296", "from is not a number" },
	{ "explain client=work", "dst is missing" },
	{ "explain client=work dst=x", "dst is not an address" },
	{ "explain client=work dst=1.2.3.4", "proto is missing" },
	{ "explain client=work dst=1.2.3.4 proto=0",
	  "proto is none; allowed: tcp, udp, icmp, 1 to 255" },
	{ "explain client=work dst=1.2.3.4 proto=6 port=65536",
	  "port is not a number; allowed: 0 to 65535" },
	{ "status\x1b]0;x\x07", "there is no such request" },
};

static void what_is_no_request_is_refused_with_a_sentence(void)
{
	start();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		(void)ctl_bed_ask(&b, "%s", refused[i].line);
		CU_ASSERT(error_is(refused[i].says));
	}
	stop();
}

static void a_line_without_end_is_refused(void)
{
	char line[2 * CTL_LINE_MAX + 1];
	int fd;

	start();
	fd = ctl_bed_peer(&b);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	ctl_bed_tell(fd, line);
	CU_ASSERT(ctl_bed_hear(&b, fd));
	CU_ASSERT(error_is("the request is too long"));
	/* and what follows is not taken for a request */
	CU_ASSERT(recv(fd, b.text, 1, 0) <= 0 && errno != EAGAIN);
	close(fd);
	stop();
}

/* ---- peers ----------------------------------------------------------------*/

static void many_requests_may_come_on_one_connection(void)
{
	int fd;

	start();
	fd = ctl_bed_peer(&b);
	ctl_bed_tell(fd, "drops\nclients\nst");
	CU_ASSERT(ctl_bed_hear(&b, fd));
	CU_ASSERT(!!strstr(b.text, "strays"));
	CU_ASSERT(ctl_bed_hear(&b, fd));
	CU_ASSERT(!!strstr(b.text, "clients"));
	CU_ASSERT(!ctl_bed_hear(&b, fd));
	ctl_bed_tell(fd, "atus\n");
	CU_ASSERT(ctl_bed_hear(&b, fd));
	CU_ASSERT(!!strstr(b.text, "uptime"));
	close(fd);
	stop();
}

static void a_peer_that_does_not_read_is_dropped(void)
{
	int fd, small = 1;

	start();
	for (unsigned i = 0; i < 500; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/qubes-firewall/10.0.0.5/%04u",
			 i);
		ctl_bed_key(&b, name, "action=accept");
	}
	ctl_bed_rule(&b, "action=accept");
	fd = ctl_bed_peer(&b);
	setsockopt(b.ctl.conn[0].fd, SOL_SOCKET, SO_SNDBUF, &small,
		   sizeof(small));
	for (int i = 0; i < 20; i++)
		ctl_bed_tell(fd, "rules client=work\n");
	turn();
	CU_ASSERT_EQUAL(b.ctl.conn[0].state, CTL_WRITING);
	CU_ASSERT_EQUAL(ctl_wants(&b.ctl.conn[0]), LOOP_OUT);
	b.now = mono_add_ms(b.now, CTL_IDLE_MS);
	turn();
	CU_ASSERT_EQUAL(b.ctl.conn[0].state, CTL_FREE);
	close(fd);
	stop();
}

static void a_silent_peer_makes_room_for_another(void)
{
	int fd[CTL_CONNS + 1];

	start();
	for (unsigned i = 0; i <= CTL_CONNS; i++) {
		b.now.ns += MONO_MS;
		fd[i] = ctl_bed_peer(&b);
	}
	turn();
	/* the first was silent for longest */
	CU_ASSERT_EQUAL(recv(fd[0], b.text, 1, 0), 0);
	ctl_bed_tell(fd[CTL_CONNS], "drops\n");
	CU_ASSERT(ctl_bed_hear(&b, fd[CTL_CONNS]));
	ctl_bed_tell(fd[1], "drops\n");
	CU_ASSERT(ctl_bed_hear(&b, fd[1]));
	b.now = mono_add_ms(b.now, CTL_IDLE_MS);
	turn();
	for (unsigned i = 0; i <= CTL_CONNS; i++)
		close(fd[i]);
	for (unsigned i = 0; i < CTL_CONNS; i++)
		CU_ASSERT_EQUAL(b.ctl.conn[i].state, CTL_FREE);
	stop();
}

/* Its place may have another peer when the answer comes. */
static void a_late_answer_goes_to_nobody_else(void)
{
	int fd, other;

	start();
	fd = ctl_bed_peer(&b);
	ctl_bed_tell(fd, "flows\n");
	ctl_work(&b.ctl, b.now);
	CU_ASSERT_EQUAL(b.ctl.conn[0].state, CTL_ASKED);
	CU_ASSERT_EQUAL(ctl_wants(&b.ctl.conn[0]), 0);
	b.now = mono_add_ms(b.now, CTL_IDLE_MS);
	ctl_work(&b.ctl, b.now);
	CU_ASSERT_EQUAL(b.ctl.conn[0].state, CTL_FREE);
	other = ctl_bed_peer(&b);
	ctl_bed_tell(other, "drops\n");
	CU_ASSERT(ctl_bed_hear(&b, other));
	CU_ASSERT(!!strstr(b.text, "strays"));
	CU_ASSERT(recv(other, b.text, 1, 0) < 0);
	close(fd);
	close(other);
	stop();
}

static void a_question_that_data_has_no_room_for_waits(void)
{
	int fd;

	start();
	for (uint32_t i = 0; i < APPLY_WINDOW; i++)
		CU_ASSERT_EQUAL(apply_ask(&b.apply, MSG_USAGE, NULL,
					  15 /* no peer's */),
				0);
	fd = ctl_bed_peer(&b);
	ctl_bed_tell(fd, "status\n");
	ctl_work(&b.ctl, b.now);
	CU_ASSERT_EQUAL(b.ctl.conn[0].state, CTL_ASKING);
	CU_ASSERT(ctl_bed_hear(&b, fd));
	CU_ASSERT(!!strstr(b.text, "uptime"));
	close(fd);
	stop();
}

static void the_socket_is_its_owners_alone(void)
{
	struct ctl second = { .fd = -1 };
	struct stat st;
	int fd;

	start();
	CU_ASSERT_EQUAL(stat(b.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	/* a second instance is kept out, the first not disturbed */
	CU_ASSERT_EQUAL(ctl_open(&second, b.path, 0), -EADDRINUSE);
	ctl_accept(&b.ctl, b.now); /* its attempt */
	fd = ctl_bed_peer(&b);
	ctl_bed_tell(fd, "drops\n");
	CU_ASSERT(ctl_bed_hear(&b, fd));
	close(fd);
	stop();
}

static void what_a_dead_daemon_left_behind_is_replaced(void)
{
	struct ctl dead = { .fd = -1 };
	struct stat st;

	start();
	stop();
	CU_ASSERT_EQUAL(ctl_open(&dead, b.path, (uint32_t)getgid()), 0);
	CU_ASSERT_EQUAL(stat(b.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, getgid() ? 0660 : 0600);
	close(dead.fd);
	start();
	stop();
	/* but nothing else */
	CU_ASSERT_EQUAL(mkdir(b.path, 0700), 0);
	CU_ASSERT_EQUAL(ctl_open(&dead, b.path, 0), -EADDRINUSE);
	CU_ASSERT_EQUAL(rmdir(b.path), 0);
	CU_ASSERT_EQUAL(ctl_open(&dead, "/nowhere/ctl.sock", 0), -ENOENT);
}

UNIT_SUITE(ctl_peers, UNIT(what_is_no_request_is_refused_with_a_sentence),
	   UNIT(a_line_without_end_is_refused),
	   UNIT(many_requests_may_come_on_one_connection),
	   UNIT(a_peer_that_does_not_read_is_dropped),
	   UNIT(a_silent_peer_makes_room_for_another),
	   UNIT(a_late_answer_goes_to_nobody_else),
	   UNIT(a_question_that_data_has_no_room_for_waits),
	   UNIT(the_socket_is_its_owners_alone),
	   UNIT(what_a_dead_daemon_left_behind_is_replaced))
