/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/qrexec_bed.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- channels -------------------------------------------------------------*/

/* The bed that a channel is of lies around the array that it is in. */
static struct qrexec_bed *bed;

static struct qrexec_bed_chan *of(struct chan *c)
{
	return (struct qrexec_bed_chan *)c;
}

static enum chan_state event(struct chan *c)
{
	return of(c)->state;
}

static ssize_t take(struct chan *c, void *buf, size_t size)
{
	ssize_t n;

	if (of(c)->state == CHAN_WAITING)
		return 0;
	if (bed->piece && size > bed->piece)
		size = bed->piece;
	n = recv(c->fd, buf, size, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return of(c)->state == CHAN_GONE ? -ENOTCONN : 0;
	return n > 0 ? n : -ENOTCONN;
}

static ssize_t put(struct chan *c, const void *buf, size_t len)
{
	ssize_t n;

	if (of(c)->state == CHAN_WAITING)
		return 0;
	n = send(c->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return 0;
	return n < 0 ? -ENOTCONN : n;
}

static void end(struct chan *c)
{
	close(c->fd);
	of(c)->closed = true;
}

static const struct chan_ops chan_ops = {
	.event = event, .recv = take, .send = put, .close = end
};

/* One that both ends are done with, or a new one. */
static struct qrexec_bed_chan *place(void)
{
	for (uint32_t i = 0; i < bed->chans; i++)
		if (bed->chan[i].closed && bed->chan[i].far < 0)
			return &bed->chan[i];
	return bed->chans < QREXEC_BED_CHANS ? &bed->chan[bed->chans++] : NULL;
}

static struct chan *make(uint16_t domid, uint32_t port, bool served,
			 size_t read_min, int *err)
{
	struct qrexec_bed_chan *c = place();
	int pair[2], small = 4096;

	*err = c ? bed->fail : -ENOMEM;
	if (*err)
		return NULL;
	vw_assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	*c = (struct qrexec_bed_chan){
		.chan = { .ops = &chan_ops, .fd = pair[0] },
		.serial = ++bed->serial,
		.served = served,
		.domid = domid,
		.port = port,
		.read_min = read_min,
		.far = pair[1],
	};
	return &c->chan;
}

static struct chan *serve(struct chan_net *n, uint16_t domid, uint32_t port,
			  size_t read_min, size_t write_min, int *err)
{
	(void)n;
	(void)write_min;
	return make(domid, port, true, read_min, err);
}

static struct chan *join(struct chan_net *n, uint16_t domid, uint32_t port,
			 int *err)
{
	(void)n;
	return make(domid, port, false, 0, err);
}

static const struct chan_net_ops net_ops = { .serve = serve, .connect = join };

void qrexec_bed_open(struct qrexec_bed *b)
{
	memset(b, 0, sizeof(*b));
	bed = b;
	b->net.ops = &net_ops;
	b->now.ns = 1000 * MONO_S;
	for (uint32_t i = 0; i <= QREXEC_PLACES; i++)
		b->watched[i] = -1;
}

void qrexec_bed_close(struct qrexec_bed *b)
{
	qrexec_free(b->q);
	b->q = NULL;
	for (uint32_t i = 0; i < b->chans; i++)
		qrexec_bed_leave(&b->chan[i]);
}

void qrexec_bed_watch(void *ctx, uint32_t place, int fd)
{
	struct qrexec_bed *b = ctx;

	vw_assert(b->watched[place] < 0);
	b->watched[place] = fd;
}

void qrexec_bed_unwatch(void *ctx, uint32_t place, int fd)
{
	struct qrexec_bed *b = ctx;

	vw_assert(b->watched[place] == fd);
	b->watched[place] = -1;
}

void qrexec_bed_turn(struct qrexec_bed *b)
{
	for (int i = 0; i < 4; i++) {
		for (uint32_t p = 0; p <= QREXEC_PLACES; p++)
			if (b->watched[p] >= 0)
				qrexec_event(b->q, p, b->now);
		b->next = qrexec_work(b->q, b->now);
	}
}

void qrexec_bed_wait(struct qrexec_bed *b, uint64_t ms)
{
	b->now = mono_add_ms(b->now, ms);
	qrexec_bed_turn(b);
}

/* ---- the other end --------------------------------------------------------*/

struct qrexec_bed_chan *qrexec_bed_meet(struct qrexec_bed *b, uint16_t domid,
					uint32_t port)
{
	struct qrexec_bed_chan *newest = NULL;

	for (uint32_t i = 0; i < b->chans; i++) {
		struct qrexec_bed_chan *c = &b->chan[i];

		if (!c->closed && c->state == CHAN_WAITING &&
		    c->domid == domid && c->port == port &&
		    (!newest || c->serial > newest->serial))
			newest = c;
	}
	if (!newest)
		return NULL;
	newest->state = CHAN_OPEN;
	qrexec_bed_turn(b);
	return newest;
}

void qrexec_bed_put(struct qrexec_bed_chan *c, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	int tries = 1000;

	while (len && tries--) {
		ssize_t n = send(c->far, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			qrexec_bed_turn(bed);
			continue;
		}
		if (n < 0)
			return; /* we closed it */
		p += n;
		len -= (size_t)n;
	}
}

void qrexec_bed_say(struct qrexec_bed_chan *c, uint32_t type, const void *body,
		    size_t len)
{
	uint8_t hdr[64];
	struct qrexec_out o = { .buf = hdr, .room = sizeof(hdr) };

	qrexec_put_params(&o, 0,
			  &(struct qrexec_params){ type, (uint32_t)len });
	qrexec_bed_put(c, hdr + QREXEC_HDR, QREXEC_HDR);
	qrexec_bed_put(c, body, len);
	qrexec_bed_turn(bed);
}

void qrexec_bed_say_u32(struct qrexec_bed_chan *c, uint32_t type, uint32_t v)
{
	const uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8),
			       (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	qrexec_bed_say(c, type, b, sizeof(b));
}

static bool hear(struct qrexec_bed *b, struct qrexec_bed_chan *c, uint8_t *to,
		 size_t len)
{
	while (len) {
		ssize_t n = recv(c->far, to, len, MSG_DONTWAIT);

		if (n <= 0 && (c->closed || n == 0))
			return false;
		if (n < 0) {
			qrexec_bed_turn(b);
			n = recv(c->far, to, len, MSG_DONTWAIT);
		}
		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

bool qrexec_bed_hear(struct qrexec_bed *b, struct qrexec_bed_chan *c)
{
	uint8_t hdr[QREXEC_HDR];

	if (!hear(b, c, hdr, sizeof(hdr)))
		return false;
	b->type = qrexec_u32(hdr);
	b->len = qrexec_u32(hdr + 4);
	vw_assert(b->len <= sizeof(b->body));
	return hear(b, c, b->body, b->len);
}

void qrexec_bed_leave(struct qrexec_bed_chan *c)
{
	if (c->far >= 0)
		close(c->far);
	c->far = -1;
	c->state = CHAN_GONE;
}

bool qrexec_bed_hears(struct qrexec_bed *b, struct qrexec_bed_chan *c,
		      uint32_t type, const void *body, size_t len)
{
	return qrexec_bed_hear(b, c) && b->type == type && b->len == len &&
	       (!len || !memcmp(b->body, body, len));
}

/* ---- conversations --------------------------------------------------------*/

struct qrexec_bed_chan *qrexec_bed_dom0(struct qrexec_bed *b, uint32_t version)
{
	const uint8_t three[4] = { QREXEC_VERSION };
	struct qrexec_bed_chan *c;

	qrexec_bed_turn(b);
	c = qrexec_bed_meet(b, 0, QREXEC_PORT);
	vw_assert(c && qrexec_bed_hears(b, c, QREXEC_HELLO, three, 4));
	qrexec_bed_say_u32(c, QREXEC_HELLO, version);
	return c;
}

void qrexec_bed_exec(struct qrexec_bed_chan *control, uint32_t type,
		     uint32_t domain, uint32_t port, const char *line)
{
	uint8_t body[QREXEC_BED_BODY];
	struct qrexec_out o = { .buf = body, .room = sizeof(body) };
	size_t len = strlen(line) + 1;

	qrexec_put_params(&o, 0, &(struct qrexec_params){ domain, port });
	memmove(body, body + QREXEC_HDR, QREXEC_PARAMS);
	memcpy(body + QREXEC_PARAMS, line, len);
	qrexec_bed_say(control, type, body, QREXEC_PARAMS + len);
}

struct qrexec_bed_chan *qrexec_bed_call(struct qrexec_bed *b,
					struct qrexec_bed_chan *control,
					uint32_t port, const char *line)
{
	struct qrexec_bed_chan *c;

	qrexec_bed_exec(control, QREXEC_EXEC_CMDLINE, 0, port, line);
	c = qrexec_bed_meet(b, 0, port);
	vw_assert(c && qrexec_bed_hear(b, c) && b->type == QREXEC_HELLO);
	qrexec_bed_say_u32(c, QREXEC_HELLO, 3);
	return c;
}

/* What came of one stream is behind what was there; its end was said. */
struct stream {
	char *text;
	size_t n;
	bool over;
};

static bool add(struct stream *s, const uint8_t *bytes, size_t len, size_t room)
{
	if (s->over)
		return false;
	s->over = !len;
	if (!s->text)
		return true;
	if (len > room - 1 - s->n)
		return false;
	memcpy(s->text + s->n, bytes, len);
	s->n += len;
	s->text[s->n] = '\0';
	return true;
}

int qrexec_bed_end(struct qrexec_bed *b, struct qrexec_bed_chan *c, char *out,
		   char *err, size_t room)
{
	struct stream s[2] = { { .text = out }, { .text = err } };

	for (int i = 0; i < 2; i++)
		if (s[i].text)
			s[i].text[0] = '\0';
	while (qrexec_bed_hear(b, c)) {
		if (b->type == QREXEC_EXIT_CODE && b->len == 4 && s[0].over &&
		    s[1].over)
			return (int)qrexec_u32(b->body);
		if (b->type != QREXEC_STDOUT && b->type != QREXEC_STDERR)
			return -1;
		if (!add(&s[b->type == QREXEC_STDERR], b->body, b->len, room))
			return -1;
	}
	return -1;
}
