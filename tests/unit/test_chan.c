/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channels: what every implementation does, told once and run over Unix
 * sockets, and over vchan with a library of our own between two domains in
 * memory.  Then what only one of them has to do.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mock/mock_store.h"
#include "unit.h"
#include "xen/qubes/chan_unix.h"
#include "xen/qubes/chan_vchan.h"

#define US 5u
#define DOM0 0u
#define PORT 111u
#define PATIENCE_MS 5000
#define RING 4096u

/* ---- a library of vchans in memory ------------------------------------------
 */

struct fake_ring {
	uint8_t b[RING];
	uint32_t n;
};

/* What both ends share, found by its path in the XenStore. */
struct fake_page {
	struct fake_ring to_server, to_client;
	int live[2]; /* server, client: 2 not yet, 1, 0 gone */
	int fd[2];
	uint32_t ends;
	uint32_t serial; /* 0: free */
	uint16_t server, client;
	char path[64];
};

struct fake_end {
	struct fake_page *page;
	int side;
};

struct fake_lib {
	struct vchan_lib lib;
	struct store *store;
	uint16_t dom;
	bool dead; /* other domains are */
};

#define PAGES 8u
static struct fake_page pages[PAGES];
static uint32_t serial;
static pthread_mutex_t page_lock = PTHREAD_MUTEX_INITIALIZER;

static void poke(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static struct vchan_end *end_new(struct fake_page *p, int side)
{
	struct fake_end *e = malloc(sizeof(*e));

	*e = (struct fake_end){ .page = p, .side = side };
	p->ends++;
	return (struct vchan_end *)e;
}

static struct vchan_end *fake_serve(struct vchan_lib *l, uint16_t domid,
				    const char *path, size_t r, size_t w)
{
	struct fake_lib *f = (struct fake_lib *)l;
	struct fake_page *p = pages;
	char key[STORE_PATH_MAX], value[12];
	struct vchan_end *e;

	(void)r;
	(void)w;
	pthread_mutex_lock(&page_lock);
	while (p->serial)
		p++;
	*p = (struct fake_page){ .serial = ++serial,
				 .live = { 1, 2 },
				 .server = f->dom,
				 .client = domid };
	for (int i = 0; i < 2; i++)
		p->fd[i] = eventfd(0, EFD_NONBLOCK);
	snprintf(key, sizeof(key), "%s/event-channel", path);
	snprintf(value, sizeof(value), "%u", p->serial);
	e = end_new(p, 0);
	pthread_mutex_unlock(&page_lock);
	/* on the thread, where nothing may be asserted: a fault is no key */
	(void)f->store->ops->write(f->store, STORE_NONE, key, value,
				   strlen(value));
	return e;
}

static struct vchan_end *fake_connect(struct vchan_lib *l, uint16_t domid,
				      const char *path)
{
	struct fake_lib *f = (struct fake_lib *)l;
	struct vchan_end *e = NULL;
	char key[STORE_PATH_MAX];
	uint32_t n;

	(void)domid;
	snprintf(key, sizeof(key), "%s/event-channel", path);
	if (store_read_u32(f->store, key, UINT32_MAX, &n) || !n)
		return NULL;
	pthread_mutex_lock(&page_lock);
	for (struct fake_page *p = pages; p < pages + PAGES; p++)
		if (p->serial == n && p->live[0] == 1) {
			p->live[1] = 1;
			e = end_new(p, 1);
			poke(p->fd[0]);
		}
	pthread_mutex_unlock(&page_lock);
	return e;
}

static void fake_end_it(struct vchan_lib *l, struct vchan_end *v)
{
	struct fake_end *e = (struct fake_end *)v;
	struct fake_page *p = e->page;

	(void)l;
	pthread_mutex_lock(&page_lock);
	p->live[e->side] = 0;
	poke(p->fd[!e->side]);
	if (--p->ends == 0) {
		close(p->fd[0]);
		close(p->fd[1]);
		p->serial = 0;
	}
	pthread_mutex_unlock(&page_lock);
	free(e);
}

static bool fake_there(struct vchan_lib *l, uint16_t domid)
{
	(void)domid;
	return !__atomic_load_n(&((struct fake_lib *)l)->dead,
				__ATOMIC_ACQUIRE);
}

static int fake_fd(struct vchan_end *v)
{
	struct fake_end *e = (struct fake_end *)v;

	return e->page->fd[e->side];
}

static void fake_take(struct vchan_end *v)
{
	uint64_t times;

	(void)!read(fake_fd(v), &times, sizeof(times));
}

static enum chan_state fake_state(struct vchan_end *v)
{
	struct fake_end *e = (struct fake_end *)v;
	int live;

	pthread_mutex_lock(&page_lock);
	live = e->page->live[!e->side];
	pthread_mutex_unlock(&page_lock);
	return live == 2 ? CHAN_WAITING : live ? CHAN_OPEN : CHAN_GONE;
}

static ssize_t fake_recv(struct vchan_end *v, void *buf, size_t size)
{
	struct fake_end *e = (struct fake_end *)v;
	struct fake_ring *r =
		e->side ? &e->page->to_client : &e->page->to_server;
	size_t n;

	pthread_mutex_lock(&page_lock);
	n = r->n < size ? r->n : size;
	memcpy(buf, r->b, n);
	r->n -= (uint32_t)n;
	memmove(r->b, r->b + n, r->n);
	if (n)
		poke(e->page->fd[!e->side]);
	else if (!e->page->live[!e->side])
		n = SIZE_MAX;
	pthread_mutex_unlock(&page_lock);
	return (ssize_t)n;
}

static ssize_t fake_send(struct vchan_end *v, const void *buf, size_t len)
{
	struct fake_end *e = (struct fake_end *)v;
	struct fake_ring *r =
		e->side ? &e->page->to_server : &e->page->to_client;
	size_t n;

	pthread_mutex_lock(&page_lock);
	n = len < RING - r->n ? len : RING - r->n;
	memcpy(r->b + r->n, buf, n);
	r->n += (uint32_t)n;
	if (n)
		poke(e->page->fd[!e->side]);
	pthread_mutex_unlock(&page_lock);
	return (ssize_t)n;
}

static void fake_close(struct vchan_lib *l)
{
	struct fake_lib *f = (struct fake_lib *)l;

	f->store->ops->close(f->store);
	free(f);
}

static struct fake_lib *fake_new(struct mock_tree *t, uint16_t dom)
{
	struct fake_lib *f = calloc(1, sizeof(*f));

	f->lib = (struct vchan_lib){
		.serve = fake_serve,
		.connect = fake_connect,
		.end = fake_end_it,
		.there = fake_there,
		.fd = fake_fd,
		.take = fake_take,
		.state = fake_state,
		.recv = fake_recv,
		.send = fake_send,
		.close = fake_close,
	};
	f->store = mock_store_open(t, dom);
	f->dom = dom;
	return f;
}

/* ---- two domains ------------------------------------------------------------
 */

struct bed {
	const char *name;
	struct chan_net *ours, *theirs;
	struct mock_tree *tree;
	struct fake_lib *lib; /* ours */
	struct store *store;  /* ours */
	char dir[32];
};

static struct bed unix_bed(void)
{
	struct bed b = { .name = "unix", .dir = "/tmp/chan-XXXXXX" };
	int err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(b.dir));
	b.ours = chan_unix_open(b.dir, US, &err);
	b.theirs = chan_unix_open(b.dir, DOM0, &err);
	CU_ASSERT_FATAL(b.ours && b.theirs);
	return b;
}

static struct bed vchan_bed(void)
{
	struct bed b = { .name = "vchan" };
	int err;

	serial = 0;
	b.tree = mock_tree_new();
	mock_set(b.tree, "/local/domain/5/domid", "5");
	mock_set(b.tree, "/local/domain/0/domid", "0");
	mock_perm(b.tree, "/local/domain/5", US, 'r', US, 'r');
	mock_perm(b.tree, "/local/domain/5/domid", DOM0, 'r', US, 'r');
	b.lib = fake_new(b.tree, US);
	b.store = mock_store_open(b.tree, US);
	b.ours = chan_vchan_open(b.store, &b.lib->lib, &err);
	CU_ASSERT_EQUAL(err, 0);
	b.theirs = chan_vchan_open(mock_store_open(b.tree, DOM0),
				   &fake_new(b.tree, DOM0)->lib, &err);
	CU_ASSERT_FATAL(b.ours && b.theirs);
	return b;
}

static void bed_end(struct bed *b)
{
	chan_net_close(b->ours);
	chan_net_close(b->theirs);
	if (b->tree)
		mock_tree_free(b->tree);
	if (b->dir[0])
		CU_ASSERT_EQUAL(rmdir(b->dir), 0); /* no socket is left */
}

/* Waits by the descriptor alone, as an owner does. */
static enum chan_state wait_for(struct chan *c, enum chan_state want)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	enum chan_state is = chan_event(c);

	while (is != want && is != CHAN_GONE && poll(&p, 1, PATIENCE_MS) == 1)
		is = chan_event(c);
	return is;
}

static void both_open(struct bed *b, struct chan *server, struct chan *client)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(server);
	CU_ASSERT_PTR_NOT_NULL_FATAL(client);
	CU_ASSERT_EQUAL(wait_for(client, CHAN_OPEN), CHAN_OPEN);
	CU_ASSERT_EQUAL(wait_for(server, CHAN_OPEN), CHAN_OPEN);
	(void)b;
}

static size_t read_some(struct chan *c, void *buf, size_t want)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	size_t got = 0;

	for (;;) {
		ssize_t n = chan_recv(c, (char *)buf + got, want - got);

		if (n > 0)
			got += (size_t)n;
		if (n < 0 || got == want)
			return got;
		if (!n && poll(&p, 1, PATIENCE_MS) != 1)
			return got;
		if (!n)
			(void)chan_event(c);
	}
}

typedef void story(struct bed *b);

static void over_all(story *tell)
{
	struct bed b = unix_bed();

	tell(&b);
	bed_end(&b);
	b = vchan_bed();
	tell(&b);
	bed_end(&b);
}

/* ---- what all do ------------------------------------------------------------
 */

static void they_meet(struct bed *b)
{
	char got[8] = "";
	int err;
	struct chan *c = chan_connect(b->ours, DOM0, PORT, &err), *s;

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(chan_event(c), CHAN_WAITING);
	CU_ASSERT_EQUAL(chan_send(c, "x", 1), 0);
	CU_ASSERT_EQUAL(chan_recv(c, got, 1), 0);
	s = chan_serve(b->theirs, US, PORT, 4096, 4096, &err);
	both_open(b, s, c);
	CU_ASSERT_EQUAL(chan_send(c, "ask", 3), 3);
	CU_ASSERT_EQUAL(read_some(s, got, 3), 3);
	CU_ASSERT_EQUAL(chan_send(s, "answer", 6), 6);
	CU_ASSERT_EQUAL(read_some(c, got, 6), 6);
	CU_ASSERT_STRING_EQUAL(got, "answer");
	chan_close(c);
	chan_close(s);
}

static void a_client_waits_for_its_server(void)
{
	over_all(they_meet);
}

static void we_serve(struct bed *b)
{
	int err;
	struct chan *s = chan_serve(b->ours, DOM0, 512, 4096, 4096, &err);
	struct chan *c = chan_connect(b->theirs, US, 512, &err);

	both_open(b, s, c);
	chan_close(s);
	chan_close(c);
}

static void a_server_waits_for_its_client(void)
{
	over_all(we_serve);
}

static void last_words(struct bed *b)
{
	char got[8] = "";
	int err;
	struct chan *s = chan_serve(b->theirs, US, PORT, 4096, 4096, &err);
	struct chan *c = chan_connect(b->ours, DOM0, PORT, &err);

	both_open(b, s, c);
	CU_ASSERT_EQUAL(chan_send(s, "adieu", 5), 5);
	chan_close(s);
	CU_ASSERT_EQUAL(wait_for(c, CHAN_GONE), CHAN_GONE);
	CU_ASSERT_EQUAL(read_some(c, got, 5), 5);
	CU_ASSERT_STRING_EQUAL(got, "adieu");
	CU_ASSERT_EQUAL(chan_recv(c, got, 1), -ENOTCONN);
	CU_ASSERT_EQUAL(chan_send(c, "x", 1), -ENOTCONN);
	CU_ASSERT_EQUAL(chan_event(c), CHAN_GONE);
	chan_close(c);
}

static void what_was_sent_before_the_end_is_read(void)
{
	over_all(last_words);
}

static void a_lot(struct bed *b)
{
	enum { MANY = 300000 };
	static uint8_t out[MANY], in[MANY];
	size_t sent = 0, got = 0;
	struct pollfd p[2];
	int err, full = 0;
	struct chan *s = chan_serve(b->theirs, US, PORT, 4096, 4096, &err);
	struct chan *c = chan_connect(b->ours, DOM0, PORT, &err);

	both_open(b, s, c);
	for (size_t i = 0; i < MANY; i++)
		out[i] = (uint8_t)(i * 31 >> 3);
	p[0] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
	while (got < MANY) {
		ssize_t n = 1, m = 1;

		while (n > 0 && sent < MANY) {
			n = chan_send(c, out + sent, MANY - sent);
			sent += n > 0 ? (size_t)n : 0;
		}
		full += n == 0;
		while (m > 0 && got < MANY) {
			m = chan_recv(s, in + got, 1000);
			got += m > 0 ? (size_t)m : 0;
		}
		CU_ASSERT_FATAL(n >= 0 && m >= 0);
		if (got < MANY)
			CU_ASSERT_FATAL(poll(p, 2, PATIENCE_MS) > 0);
		(void)chan_event(c);
		(void)chan_event(s);
	}
	CU_ASSERT(full > 0);
	CU_ASSERT_EQUAL(memcmp(in, out, MANY), 0);
	chan_close(c);
	chan_close(s);
}

static void a_full_channel_says_when_there_is_room(void)
{
	over_all(a_lot);
}

static void quiet(struct bed *b)
{
	struct pollfd p;
	int err;
	struct chan *s = chan_serve(b->theirs, US, PORT, 4096, 4096, &err);
	struct chan *c = chan_connect(b->ours, DOM0, PORT, &err);

	both_open(b, s, c);
	CU_ASSERT_EQUAL(chan_send(s, "unread", 6), 6);
	p = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	CU_ASSERT_EQUAL(poll(&p, 1, PATIENCE_MS), 1);
	while (poll(&p, 1, 20) == 1)
		(void)chan_event(c);
	CU_ASSERT_EQUAL(poll(&p, 1, 20), 0);
	chan_close(c);
	chan_close(s);
}

static void bytes_that_are_left_unread_wake_nobody_again(void)
{
	over_all(quiet);
}

static void again(struct bed *b)
{
	int err;

	for (int i = 0; i < 3; i++) {
		struct chan *s = chan_serve(b->ours, DOM0, 512, 1, 1, &err);
		struct chan *c = chan_connect(b->theirs, US, 512, &err);

		both_open(b, s, c);
		chan_close(c);
		CU_ASSERT_EQUAL(wait_for(s, CHAN_GONE), CHAN_GONE);
		chan_close(s);
	}
}

static void a_new_channel_serves_the_next_peer(void)
{
	over_all(again);
}

static void never(struct bed *b)
{
	int err;
	struct chan *s = chan_serve(b->ours, DOM0, 512, 1, 1, &err);
	struct chan *c = chan_connect(b->ours, DOM0, PORT, &err);

	CU_ASSERT_EQUAL(chan_event(s), CHAN_WAITING);
	CU_ASSERT_EQUAL(chan_event(c), CHAN_WAITING);
	chan_close(s);
	chan_close(c);
	chan_close(NULL);
}

static void one_that_nobody_came_to_is_closed(void)
{
	over_all(never);
}

/* ---- over sockets -----------------------------------------------------------
 */

static void the_name_of_a_socket_goes_when_its_peer_came(void)
{
	struct bed b = unix_bed();
	char name[64];
	struct stat st;
	int err;
	struct chan *s, *c, *late;

	snprintf(name, sizeof(name), "%s/vchan.5.0.512.sock", b.dir);
	CU_ASSERT_EQUAL(mkfifo(name, 0600), 0); /* something stale */
	s = chan_serve(b.ours, DOM0, 512, 1, 1, &err);
	CU_ASSERT_EQUAL(stat(name, &st), 0);
	CU_ASSERT(S_ISSOCK(st.st_mode));
	c = chan_connect(b.theirs, US, 512, &err);
	both_open(&b, s, c);
	CU_ASSERT_EQUAL(stat(name, &st), -1);
	late = chan_connect(b.theirs, US, 512, &err);
	CU_ASSERT_EQUAL(chan_event(late), CHAN_WAITING);
	chan_close(late);
	chan_close(s);
	chan_close(c);
	bed_end(&b);
}

static void a_directory_that_can_t_be_is_said(void)
{
	char name[200];
	int err = 0;
	struct chan_net *n;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CU_ASSERT_PTR_NULL(chan_unix_open(name, US, &err));
	CU_ASSERT_EQUAL(err, -ENAMETOOLONG);
	n = chan_unix_open("/nonexistent", US, &err);
	CU_ASSERT_PTR_NULL(chan_serve(n, DOM0, 512, 1, 1, &err));
	CU_ASSERT_EQUAL(err, -ENOENT);
	chan_net_close(n);
}

/* ---- over vchan -------------------------------------------------------------
 */

/* Asked as a domain, because others change the tree meanwhile. */
static bool is_there(struct bed *b, const char *path)
{
	struct store *s = mock_store_open(b->tree, DOM0);
	char value[STORE_VALUE_MAX + 1];
	bool is =
		s->ops->read(s, STORE_NONE, path, value, STORE_VALUE_MAX) >= 0;

	s->ops->close(s);
	return is;
}

static bool is_soon(struct bed *b, const char *path, bool there)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		if (is_there(b, path) == there)
			return true;
		usleep(1000);
	}
	return false;
}

#define KEYS "/local/domain/5/data/vchan/0"

static void keys_go_when_the_first_client_came(void)
{
	struct bed b = vchan_bed();
	int err;
	struct chan *s = chan_serve(b.ours, DOM0, 512, 1, 1, &err), *c;

	CU_ASSERT(is_soon(&b, KEYS "/512/event-channel", true));
	c = chan_connect(b.theirs, US, 512, &err);
	both_open(&b, s, c);
	CU_ASSERT(is_soon(&b, KEYS "/512", false));
	CU_ASSERT(is_soon(&b, KEYS, false));
	chan_close(s);
	chan_close(c);
	bed_end(&b);
}

static void slow(void *ctx, struct mock_tree *t, uint32_t call)
{
	(void)ctx;
	(void)t;
	(void)call;
	usleep(20000);
}

/* Who ends it then, and asks for the next one, must not find its keys. */
static void a_server_is_open_when_its_keys_are_away(void)
{
	struct bed b = vchan_bed();
	int err;
	struct chan *s = chan_serve(b.ours, DOM0, 512, 1, 1, &err), *c;

	CU_ASSERT(is_soon(&b, KEYS "/512/event-channel", true));
	mock_hook(b.store, slow, NULL);
	c = chan_connect(b.theirs, US, 512, &err);
	both_open(&b, s, c);
	CU_ASSERT_FALSE(is_there(&b, KEYS "/512"));
	chan_close(s);
	chan_close(c);
	bed_end(&b);
}

static void keys_of_another_port_stay(void)
{
	struct bed b = vchan_bed();
	int err;
	struct chan *s = chan_serve(b.ours, DOM0, 512, 1, 1, &err);
	struct chan *t = chan_serve(b.ours, DOM0, 513, 1, 1, &err);

	CU_ASSERT(is_soon(&b, KEYS "/512/event-channel", true));
	CU_ASSERT(is_soon(&b, KEYS "/513/event-channel", true));
	chan_close(s);
	CU_ASSERT(is_soon(&b, KEYS "/512", false));
	CU_ASSERT(is_there(&b, KEYS "/513/event-channel"));
	chan_close(t);
	CU_ASSERT(is_soon(&b, KEYS, false));
	bed_end(&b);
}

/* As dom0 does it: one that is gone at once is followed by the next try. */
static struct chan *connect_to(struct bed *b, struct chan *server)
{
	struct chan *c;
	int err;

	for (int i = 0; i < 20; i++) {
		c = chan_connect(b->theirs, US, 512, &err);
		if (wait_for(server, CHAN_OPEN) == CHAN_OPEN &&
		    wait_for(c, CHAN_OPEN) == CHAN_OPEN)
			return c;
		chan_close(c);
	}
	return NULL;
}

static void a_successor_s_keys_outlive_the_one_it_replaces(void)
{
	struct bed b = vchan_bed();
	int err;

	for (int i = 0; i < 50; i++) {
		struct chan *s = chan_serve(b.ours, DOM0, 512, 1, 1, &err);
		struct chan *t = chan_serve(b.ours, DOM0, 512, 1, 1, &err);
		struct chan *c;

		chan_close(s);
		CU_ASSERT(is_soon(&b, KEYS "/512/event-channel", true));
		c = connect_to(&b, t);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		chan_close(t);
		chan_close(c);
		CU_ASSERT(is_soon(&b, KEYS "/512", false));
	}
	bed_end(&b);
}

static void a_stale_key_is_waited_out(void)
{
	struct bed b = vchan_bed();
	int err;
	struct chan *c, *s;

	mock_set(b.tree, "/local/domain/0/data/vchan/5/111/event-channel", "7");
	c = chan_connect(b.ours, DOM0, PORT, &err);
	usleep(50000);
	CU_ASSERT_EQUAL(chan_event(c), CHAN_WAITING);
	s = chan_serve(b.theirs, US, PORT, 1, 1, &err);
	both_open(&b, s, c);
	chan_close(s);
	chan_close(c);
	bed_end(&b);
}

static void a_domain_that_died_in_silence_is_noticed(void)
{
	struct bed b = vchan_bed();
	int err;
	struct chan *s = chan_serve(b.theirs, US, PORT, 1, 1, &err);
	struct chan *c = chan_connect(b.ours, DOM0, PORT, &err);

	both_open(&b, s, c);
	__atomic_store_n(&b.lib->dead, true, __ATOMIC_RELEASE);
	CU_ASSERT_EQUAL(wait_for(c, CHAN_GONE), CHAN_GONE);
	chan_close(s);
	chan_close(c);
	bed_end(&b);
}

/* A key that a client of ours waits for, written again and again. */
static void who_keeps_us_busy_hides_no_death(void)
{
	struct bed b = vchan_bed();
	int err;
	struct chan *s = chan_serve(b.theirs, US, PORT, 1, 1, &err);
	struct chan *c = chan_connect(b.ours, DOM0, PORT, &err);
	struct chan *waits = chan_connect(b.ours, DOM0, PORT + 1, &err);
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	enum chan_state is = CHAN_OPEN;

	both_open(&b, s, c);
	__atomic_store_n(&b.lib->dead, true, __ATOMIC_RELEASE);
	for (int i = 0; i < PATIENCE_MS / 20 && is != CHAN_GONE; i++) {
		mock_set(b.tree,
			 "/local/domain/0/data/vchan/5/112/event-channel",
			 "77");
		(void)poll(&p, 1, 20);
		is = chan_event(c);
	}
	CU_ASSERT_EQUAL(is, CHAN_GONE);
	CU_ASSERT_EQUAL(chan_event(waits), CHAN_WAITING);
	chan_close(s);
	chan_close(c);
	chan_close(waits);
	bed_end(&b);
}

static void without_a_store_there_are_none(void)
{
	struct mock_tree *t = mock_tree_new();
	int err = 0;

	CU_ASSERT_PTR_NULL(chan_vchan_open(NULL, &fake_new(t, US)->lib, &err));
	CU_ASSERT_NOT_EQUAL(err, 0);
	CU_ASSERT_PTR_NULL(chan_vchan_open(mock_store_open(t, US),
					   &fake_new(t, US)->lib, &err));
	CU_ASSERT_EQUAL(err, -ENOENT); /* it does not say who we are */
	mock_tree_free(t);
}

UNIT_SUITE(chan, UNIT(a_client_waits_for_its_server),
	   UNIT(a_server_waits_for_its_client),
	   UNIT(what_was_sent_before_the_end_is_read),
	   UNIT(a_full_channel_says_when_there_is_room),
	   UNIT(bytes_that_are_left_unread_wake_nobody_again),
	   UNIT(a_new_channel_serves_the_next_peer),
	   UNIT(one_that_nobody_came_to_is_closed),
	   UNIT(the_name_of_a_socket_goes_when_its_peer_came),
	   UNIT(a_directory_that_can_t_be_is_said),
	   UNIT(keys_go_when_the_first_client_came),
	   UNIT(a_server_is_open_when_its_keys_are_away),
	   UNIT(keys_of_another_port_stay),
	   UNIT(a_successor_s_keys_outlive_the_one_it_replaces),
	   UNIT(a_stale_key_is_waited_out),
	   UNIT(a_domain_that_died_in_silence_is_noticed),
	   UNIT(who_keeps_us_busy_hides_no_death),
	   UNIT(without_a_store_there_are_none))
