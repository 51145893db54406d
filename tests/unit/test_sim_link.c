/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "xen/sim_link.h"
#include "xen/sim_wire.h"

/* A simulated Xen that processes of no common ancestor meet in. */

#define SOON_MS 10000

static const struct xen_sim_conf conf = { 3, XEN_SIM_HANDLES_MAX, 64 };

struct bed {
	struct xen_sim_host *host;
	char dir[64];
};

static struct bed bed_new(void)
{
	struct bed b = { .dir = "/tmp/vifwall-sim-XXXXXX" };

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(b.dir));
	b.host = xen_sim_host_new(b.dir, &conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b.host);
	return b;
}

static void bed_free(struct bed *b)
{
	xen_sim_host_free(b->host);
	CU_ASSERT(rmdir(b->dir) == 0);
}

/* Hosts until so many are linked; false: it does not come to that. */
static bool host_until(struct xen_sim_host *h, uint32_t links)
{
	struct pollfd f = { .fd = xen_sim_host_fd(h), .events = POLLIN };

	while (xen_sim_host_links(h) != links) {
		if (poll(&f, 1, SOON_MS) != 1)
			return false;
		xen_sim_host_work(h);
	}
	return true;
}

/* A process that does @what with a handle of domain 1, and ends with 0. */
static pid_t process(const struct bed *b, bool (*what)(struct xen *x))
{
	pid_t pid = fork();

	CU_ASSERT_FATAL(pid >= 0);
	if (!pid) {
		struct xen *x = xen_sim_link(b->dir, 1);

		_exit(!x || !what(x));
	}
	return pid;
}

static int ended(pid_t pid)
{
	int status = -1;

	CU_ASSERT(waitpid(pid, &status, 0) == pid);
	return status;
}

static bool wait_for(struct xen *x, uint32_t port)
{
	struct pollfd f = { .fd = x->evt_fd, .events = POLLIN };
	uint32_t got = 0;
	int n = 0;

	while (!n) {
		if (poll(&f, 1, SOON_MS) != 1)
			return false;
		n = xen_evt_take(x, &got, 1);
	}
	return n == 1 && got == port && !xen_evt_unmask(x, &got, 1);
}

/* Its first page has the first reference, its first channel is port 1. */
#define FIRST_REF (SIM_REF_FIRST + 64u - 1u)

static bool share_and_wait(struct xen *x)
{
	uint32_t ref, port;
	char *page;

	if (xen_evt_alloc(x, 0, &port) || port != 1 ||
	    xen_share(x, 0, 1, true, &ref, (void **)&page) || ref != FIRST_REF)
		return false;
	strcpy(page, "ping");
	if (!wait_for(x, port) || strcmp(page, "pong") != 0)
		return false;
	xen_close(x);
	return true;
}

static void two_processes_meet(void)
{
	struct bed b = bed_new();
	struct xen *back = xen_sim_open(xen_sim_hosted(b.host), 0);
	pid_t pid = process(&b, share_and_wait);
	char got[5] = "";
	struct xen_seg seg = {
		.local = got, .ref = FIRST_REF, .dom = 1, .len = sizeof(got)
	};
	uint32_t port;

	CU_ASSERT_FATAL(host_until(b.host, 1));
	for (int i = 0; i < SOON_MS && strcmp(got, "ping") != 0; i++) {
		CU_ASSERT(xen_copy(back, &seg, 1, XEN_FROM_PEER) == 0);
		poll(NULL, 0, 1);
	}
	CU_ASSERT_STRING_EQUAL(got, "ping");
	strcpy(got, "pong");
	CU_ASSERT(xen_copy(back, &seg, 1, XEN_TO_PEER) == 0);
	CU_ASSERT_FATAL(xen_evt_bind(back, 1, 1, &port) == 0);
	CU_ASSERT(xen_evt_notify(back, port) == 0);
	CU_ASSERT_EQUAL(ended(pid), 0);
	CU_ASSERT(host_until(b.host, 0));
	CU_ASSERT_EQUAL(xen_sim_shared(xen_sim_hosted(b.host), 1), 0);
	CU_ASSERT_EQUAL(xen_sim_ports(xen_sim_hosted(b.host), 1), 0);
	xen_close(back);
	bed_free(&b);
}

static bool hold_and_sleep(struct xen *x)
{
	uint32_t ref[8], port;
	void *page;

	if (xen_evt_alloc(x, 0, &port) || xen_share(x, 0, 8, true, ref, &page))
		return false;
	for (;;)
		pause();
}

static void what_a_killed_process_had_is_given_back(void)
{
	struct bed b = bed_new();
	struct xen_sim *s = xen_sim_hosted(b.host);
	pid_t pid = process(&b, hold_and_sleep);

	CU_ASSERT(host_until(b.host, 1));
	for (int i = 0; i < SOON_MS && xen_sim_shared(s, 1) < 8; i++)
		poll(NULL, 0, 1);
	CU_ASSERT_EQUAL(xen_sim_shared(s, 1), 8);
	CU_ASSERT_EQUAL(xen_sim_ports(s, 1), 1);
	CU_ASSERT(kill(pid, SIGKILL) == 0);
	CU_ASSERT_EQUAL(ended(pid), SIGKILL);
	CU_ASSERT(host_until(b.host, 0));
	CU_ASSERT_EQUAL(xen_sim_shared(s, 1), 0);
	CU_ASSERT_EQUAL(xen_sim_ports(s, 1), 0);
	bed_free(&b);
}

static bool close_at_once(struct xen *x)
{
	xen_close(x);
	return true;
}

static void a_handle_is_not_buried_for_its_predecessor(void)
{
	struct bed b = bed_new();
	struct xen *x;
	pid_t pid = process(&b, close_at_once);
	uint32_t port;

	CU_ASSERT_FATAL(host_until(b.host, 1));
	CU_ASSERT_EQUAL(ended(pid), 0);
	x = xen_sim_open(xen_sim_hosted(b.host), 2);
	CU_ASSERT_EQUAL(xen_sim_handle(x), 0); /* the same number */
	CU_ASSERT(xen_evt_alloc(x, 0, &port) == 0);
	CU_ASSERT(host_until(b.host, 0));
	CU_ASSERT_EQUAL(xen_sim_ports(xen_sim_hosted(b.host), 2), 1);
	CU_ASSERT(xen_evt_notify(x, port) == 0);
	xen_close(x);
	bed_free(&b);
}

static void a_domain_that_is_not_there_is_not_linked_to(void)
{
	struct bed b = bed_new();
	pid_t pid;

	xen_sim_destroy(xen_sim_hosted(b.host), 1);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (!pid) {
		errno = 0;
		_exit(xen_sim_link(b.dir, 1) || errno != ESRCH);
	}
	for (int i = 0; i < SOON_MS && !waitpid(pid, NULL, WNOHANG); i++) {
		xen_sim_host_work(b.host);
		poll(NULL, 0, 1);
	}
	CU_ASSERT_EQUAL(xen_sim_host_links(b.host), 0);
	bed_free(&b);
}

static void nobody_hosts_there(void)
{
	char dir[] = "/tmp/vifwall-sim-XXXXXX", longer[200];
	struct bed b;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	errno = 0;
	CU_ASSERT_PTR_NULL(xen_sim_link(dir, 1));
	CU_ASSERT_EQUAL(errno, ENOENT);
	CU_ASSERT_PTR_NULL(xen_sim_host_new("/nonexistent", &conf));
	CU_ASSERT_EQUAL(errno, ENOENT);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CU_ASSERT_PTR_NULL(xen_sim_link(longer, 1));
	CU_ASSERT_EQUAL(errno, ENAMETOOLONG);
	CU_ASSERT(rmdir(dir) == 0);
	b = bed_new();
	CU_ASSERT_PTR_NULL(xen_sim_host_new(b.dir, &conf));
	CU_ASSERT_EQUAL(errno, EADDRINUSE);
	bed_free(&b);
}

/* ---- what comes by the socket may be anything ---- */

static int knock(const struct bed *b, const void *say, size_t len)
{
	struct sockaddr_un at;
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(sim_wire_address(b->dir, &at));
	CU_ASSERT_FATAL(connect(sock, (struct sockaddr *)&at, sizeof(at)) == 0);
	CU_ASSERT(send(sock, say, len, MSG_NOSIGNAL) == (ssize_t)len);
	return sock;
}

static bool hung_up(const struct bed *b, int sock)
{
	struct pollfd f = { .fd = sock, .events = POLLIN };

	for (int i = 0; i < SOON_MS; i++) {
		xen_sim_host_work(b->host);
		if (poll(&f, 1, 1) == 1 && f.revents & POLLHUP)
			return true;
	}
	return false;
}

static void who_does_not_say_hello_is_shown_out(void)
{
	static const struct sim_hello foreign = { .magic = 7, .dom = 1 },
				      good = { .magic = SIM_WIRE_MAGIC,
					       .dom = 1 };
	static const char longer[sizeof(good) + 1];
	struct bed b = bed_new();
	int sock;

	sock = knock(&b, &foreign, sizeof(foreign));
	CU_ASSERT(hung_up(&b, sock));
	close(sock);
	sock = knock(&b, longer, sizeof(longer));
	CU_ASSERT(hung_up(&b, sock));
	close(sock);
	sock = knock(&b, &good, 3);
	CU_ASSERT(hung_up(&b, sock));
	close(sock);
	sock = knock(&b, &good, sizeof(good));
	CU_ASSERT(host_until(b.host, 1));
	CU_ASSERT(send(sock, &good, sizeof(good), 0) == sizeof(good));
	CU_ASSERT(hung_up(&b, sock)); /* once is enough */
	CU_ASSERT_EQUAL(xen_sim_host_links(b.host), 0);
	close(sock);
	bed_free(&b);
}

static bool hear_the_end(struct xen *x)
{
	struct pollfd f = { .fd = xen_sim_link_fd(x), .events = POLLIN };
	uint32_t ref;
	char *page;

	if (poll(&f, 1, 0) || xen_share(x, 0, 1, true, &ref, (void **)&page) ||
	    poll(&f, 1, SOON_MS) != 1)
		return false;
	*page = 1; /* the region stays as long as somebody has it */
	xen_close(x);
	return true;
}

static void the_end_of_the_host_is_heard(void)
{
	struct bed b = bed_new();
	pid_t pid = process(&b, hear_the_end);

	CU_ASSERT(host_until(b.host, 1));
	for (int i = 0;
	     i < SOON_MS && !xen_sim_shared(xen_sim_hosted(b.host), 1); i++)
		poll(NULL, 0, 1);
	bed_free(&b);
	CU_ASSERT_EQUAL(ended(pid), 0);
}

UNIT_SUITE(sim_link, UNIT(two_processes_meet),
	   UNIT(what_a_killed_process_had_is_given_back),
	   UNIT(a_handle_is_not_buried_for_its_predecessor),
	   UNIT(a_domain_that_is_not_there_is_not_linked_to),
	   UNIT(nobody_hosts_there), UNIT(who_does_not_say_hello_is_shown_out),
	   UNIT(the_end_of_the_host_is_heard))
