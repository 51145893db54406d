/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mock/xen_conform.h"
#include "unit.h"
#include "xen/xen_sim.h"

/*
 * The promises of xen_ops.h over the simulated Xen, between two processes and
 * between two threads.  Domain 0 is the back, domain 1 the front.
 */
struct end {
	int sock;
	uint32_t wrongs;
};

static bool say(void *ctx, uint32_t word)
{
	const struct end *e = ctx;

	return send(e->sock, &word, sizeof(word), MSG_NOSIGNAL) == sizeof(word);
}

static bool hear(void *ctx, uint32_t *word)
{
	const struct end *e = ctx;
	struct pollfd f = { .fd = e->sock, .events = POLLIN };

	return poll(&f, 1, 2 * CONFORM_SOON_MS) == 1 &&
	       recv(e->sock, word, sizeof(*word), 0) == sizeof(*word);
}

static void wrong(void *ctx, const char *what, const char *file, int line)
{
	struct end *e = ctx;

	e->wrongs++;
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

/* Runs one end; what was wrong there, or left behind. */
static uint32_t run(struct xen_sim *s, bool front, int sock,
		    void (*check)(struct conform *c))
{
	uint16_t dom = front;
	struct end e = { .sock = sock };
	struct conform c = { .x = xen_sim_open(s, dom),
			     .front = front,
			     .peer = !front,
			     .say = say,
			     .hear = hear,
			     .wrong = wrong,
			     .ctx = &e };

	if (!c.x)
		return 1;
	check(&c);
	e.wrongs += xen_sim_shared(s, dom) + xen_sim_ports(s, dom) +
		    xen_sim_mapped(s, !dom);
	xen_close(c.x);
	return e.wrongs;
}

static void between_processes(struct xen_sim *s, const int *sock,
			      void (*check)(struct conform *c))
{
	pid_t pid = fork();
	int status;

	CU_ASSERT_FATAL(pid >= 0);
	if (!pid)
		_exit(run(s, true, sock[1], check) != 0);
	CU_ASSERT(run(s, false, sock[0], check) == 0);
	CU_ASSERT(waitpid(pid, &status, 0) == pid && status == 0);
}

struct thread {
	struct xen_sim *sim;
	int sock;
	void (*check)(struct conform *c);
	uint32_t wrongs;
};

static void *front(void *arg)
{
	struct thread *t = arg;

	t->wrongs = run(t->sim, true, t->sock, t->check);
	return NULL;
}

static void between_threads(struct xen_sim *s, const int *sock,
			    void (*check)(struct conform *c))
{
	struct thread t = { .sim = s, .sock = sock[1], .check = check };
	pthread_t id;

	CU_ASSERT_FATAL(pthread_create(&id, NULL, front, &t) == 0);
	CU_ASSERT(run(s, false, sock[0], check) == 0);
	CU_ASSERT(pthread_join(id, NULL) == 0);
	CU_ASSERT(t.wrongs == 0);
}

static void both_ways(void (*check)(struct conform *c))
{
	struct xen_sim *s = xen_sim_new(NULL, NULL);
	int sock[2];

	CU_ASSERT_FATAL(s != NULL);
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock) == 0);
	between_processes(s, sock, check);
	between_threads(s, sock, check);
	close(sock[0]);
	close(sock[1]);
	xen_sim_free(s);
}

#define TEST(name)                         \
	static void name(void)             \
	{                                  \
		both_ways(conform_##name); \
	}
CONFORM(TEST)

#define ENTRY(name) UNIT(name),
UNIT_SUITE(xen_conform, CONFORM(ENTRY))
