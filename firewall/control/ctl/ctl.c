/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers of the operator's socket.  A peer's place goes round:
 *
 *	READING --line--> (ASKING -> ASKED) --answer--> WRITING --drained-->
 *
 * and nothing more is read from it before its answer was taken.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/ctl/ctl.h"
#include "firewall/linux/listen.h"
#include "firewall/linux/log.h"
#include "firewall/linux/loop.h"

#define COOKIE_CONN 16u /* cookies: gen * COOKIE_CONN + place */

/* ---- the socket -----------------------------------------------------------*/

int ctl_open(struct ctl *c, const char *path, uint32_t gid)
{
	int fd;

	c->fd = -1;
	for (uint32_t i = 0; i < CTL_CONNS; i++)
		c->conn[i].fd = -1;
	fd = listen_local(path, gid ? 0660 : 0600, gid, CTL_CONNS);
	if (fd < 0)
		return fd;
	c->fd = fd;
	snprintf(c->path, sizeof(c->path), "%s", path);
	return 0;
}

static void drop(struct ctl_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	conn->state = CTL_FREE;
	conn->gen++;
}

/* #syscalls control: unlink */
void ctl_close(struct ctl *c)
{
	if (c->fd < 0)
		return;
	for (uint32_t i = 0; i < CTL_CONNS; i++)
		drop(&c->conn[i]);
	close(c->fd);
	c->fd = -1;
	unlink(c->path);
}

/* A free place, or that of the peer who has been silent for longest. */
static struct ctl_conn *place(struct ctl *c)
{
	struct ctl_conn *old = &c->conn[0];

	for (uint32_t i = 0; i < CTL_CONNS; i++) {
		if (c->conn[i].state == CTL_FREE)
			return &c->conn[i];
		if (c->conn[i].since.ns < old->since.ns)
			old = &c->conn[i];
	}
	drop(old);
	return old;
}

void ctl_adopt(struct ctl *c, int fd, struct mono now)
{
	struct ctl_conn *conn = place(c);

	conn->fd = fd;
	conn->state = CTL_READING;
	conn->last = false;
	conn->since = now;
	conn->in_len = 0;
}

/* #syscalls control: accept4 accept close */
void ctl_accept(struct ctl *c, struct mono now)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		ctl_adopt(c, fd, now);
}

/* ---- answers --------------------------------------------------------------*/

static void begin(struct ctl_conn *conn, struct json *j)
{
	/* room for the newline */
	json_init(j, conn->out, sizeof(conn->out) - 1);
	json_object(j, NULL);
	json_num(j, "schema", CTL_SCHEMA);
}

static void end(struct ctl_conn *conn, struct json *j)
{
	json_end_object(j);
	if (j->over) {
		begin(conn, j);
		json_str(j, "error", "the answer is too long");
		json_end_object(j);
	}
	conn->out[j->len] = '\n';
	conn->out_len = j->len + 1;
	conn->out_at = 0;
	conn->state = CTL_WRITING;
}

static void refuse(struct ctl_conn *conn, const char *why)
{
	struct json j;

	begin(conn, &j);
	json_str(&j, "error", why);
	end(conn, &j);
}

/* What was wrong may be many lines: the first is the error, all are listed. */
static void reload(struct ctl *c, struct json *j)
{
	char said[CONF_ERRORS_TEXT] = "";
	bool done = c->reload(c->ctx, said, sizeof(said));

	json_bool(j, "reloaded", done);
	if (done)
		return;
	json_strn(j, "error", said, strcspn(said, "\n"));
	json_array(j, "errors");
	for (const char *p = said; *p; p += strspn(p, "\n")) {
		size_t n = strcspn(p, "\n");

		json_strn(j, NULL, p, n);
		p += n;
	}
	json_end_array(j);
}

static void answer(struct ctl *c, struct ctl_conn *conn,
		   const struct ctl_request *r)
{
	struct json j;

	begin(conn, &j);
	switch ((enum ctl_what)r->what) {
	case CTL_CLIENTS:
		ctl_show_clients(c, &j, r->from);
		break;
	case CTL_RULES:
		ctl_show_rules(c, &j, r->client, r->from);
		break;
	case CTL_BLOCKED:
		ctl_show_blocked(c, &j, r->client, r->from);
		break;
	case CTL_DROPS:
		ctl_show_drops(c, &j, r->client, r->from);
		break;
	case CTL_EXPLAIN:
		ctl_show_explain(c, &j, r);
		break;
	case CTL_FORWARDS:
		ctl_show_forwards(c, &j, r->from);
		break;
	case CTL_DNS:
		ctl_show_dns(c, &j, r->client, r->from);
		break;
	case CTL_RELOAD:
		reload(c, &j);
		break;
	case CTL_STATUS:
	case CTL_FLOWS:
	case CTL_VIFS:
	case CTL_METRICS:
	case CTL_KILL:
	case CTL_WHAT_N:
		vw_panic(__FILE__, __LINE__, "answered by data");
	}
	end(conn, &j);
}

/* ---- questions to data ----------------------------------------------------*/

static int ask_data(struct ctl *c, const struct ctl_conn *conn, uint32_t cookie)
{
	struct msg_flows flows = { .cursor = conn->from };
	struct msg_vifs vifs = { .cursor = (uint16_t)conn->at };
	struct msg_id client = { .id = conn->client };

	if (conn->what == CTL_FLOWS)
		return apply_ask(c->apply, MSG_FLOWS, &flows, cookie);
	if (conn->what == CTL_VIFS)
		return apply_ask(c->apply, MSG_VIFS, &vifs, cookie);
	if (conn->what == CTL_KILL)
		return apply_ask(c->apply, MSG_FLOWS_END, &client, cookie);
	return apply_ask(c->apply, MSG_USAGE, NULL, cookie);
}

static void ask(struct ctl *c, struct ctl_conn *conn)
{
	uint32_t place_n = (uint32_t)(conn - c->conn);
	uint32_t cookie = conn->gen * COOKIE_CONN + place_n;
	int err = ask_data(c, conn, cookie);

	if (err == -EAGAIN)
		conn->state = CTL_ASKING;
	else if (err)
		ctl_answer(c, cookie, NULL);
	else
		conn->state = CTL_ASKED;
}

/* What we know without data is shown without it. */
static void answer_with(struct ctl *c, struct ctl_conn *conn,
			const struct msg *page)
{
	const struct msg_usage_page *usage =
		page && page->hdr.type == MSG_USAGE_PAGE
			? &page->body.usage_page
			: NULL;
	struct json j;

	begin(conn, &j);
	if (conn->what == CTL_STATUS)
		ctl_show_status(c, &j, usage);
	else if (conn->what == CTL_METRICS)
		ctl_show_metrics(c, &j, conn->from, usage);
	else if (conn->what == CTL_VIFS)
		ctl_show_vifs(c, &j, conn->from);
	else if (conn->what == CTL_KILL && c->apply->sock >= 0)
		json_str(&j, "ended", ctl_name(c, conn->client));
	else if (page && page->hdr.type == MSG_FLOWS_PAGE)
		ctl_show_flows(c, &j, conn->client, &page->body.flows_page);
	else
		json_str(&j, "error",
			 "the process that handles packets does not answer");
	end(conn, &j);
}

void ctl_answer(struct ctl *c, uint32_t cookie, const struct msg *page)
{
	struct ctl_conn *conn = &c->conn[cookie % COOKIE_CONN % CTL_CONNS];

	if (conn->state == CTL_FREE || conn->state == CTL_WRITING ||
	    conn->gen * COOKIE_CONN != cookie - cookie % COOKIE_CONN)
		return;
	if (conn->what == CTL_VIFS && !page)
		memset(c->vif_has, 0, sizeof(c->vif_has));
	if (conn->what == CTL_VIFS && page && page->hdr.type == MSG_VIFS_PAGE &&
	    !ctl_take_vifs(c, &page->body.vifs_page, &conn->at))
		/* from ctl_work(): this answer is not over yet */
		conn->state = CTL_ASKING;
	else
		answer_with(c, conn, page);
}

/* ---- reading and writing --------------------------------------------------*/

static bool by_data(uint8_t what)
{
	return what == CTL_STATUS || what == CTL_FLOWS || what == CTL_VIFS ||
	       what == CTL_METRICS || what == CTL_KILL;
}

static void request(struct ctl *c, struct ctl_conn *conn, size_t len)
{
	struct ctl_request r;
	const char *why = ctl_parse(&r, c->apply, conn->in, len);

	memmove(conn->in, conn->in + len + 1, conn->in_len - len - 1);
	conn->in_len -= len + 1;
	if (why) {
		refuse(conn, why);
		return;
	}
	conn->what = r.what;
	conn->client = r.client;
	conn->from = r.from;
	conn->at = 0;
	if (by_data(r.what))
		ask(c, conn);
	else
		answer(c, conn, &r);
}

/* #syscalls control: read recvfrom */
static void fill(struct ctl *c, struct ctl_conn *conn)
{
	const char *nl = memchr(conn->in, '\n', conn->in_len);
	ssize_t n;

	if (!nl) {
		n = recv(conn->fd, conn->in + conn->in_len,
			 sizeof(conn->in) - conn->in_len, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			drop(conn);
			return;
		}
		conn->since = c->now;
		conn->in_len += (size_t)n;
		nl = memchr(conn->in, '\n', conn->in_len);
	}
	if (nl) {
		request(c, conn, (size_t)(nl - conn->in));
	} else if (conn->in_len == sizeof(conn->in)) {
		/* where the next one begins can't be known */
		conn->last = true;
		refuse(conn, "the request is too long");
	}
}

/* #syscalls control: sendto */
static void flush(struct ctl *c, struct ctl_conn *conn)
{
	ssize_t n =
		send(conn->fd, conn->out + conn->out_at,
		     conn->out_len - conn->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		drop(conn);
		return;
	}
	conn->since = c->now;
	conn->out_at += (size_t)n;
	if (conn->out_at < conn->out_len)
		return;
	conn->state = CTL_READING;
	if (conn->last)
		drop(conn);
}

/* One step at a time; true when the next can follow at once. */
static bool step(struct ctl *c, struct ctl_conn *conn)
{
	uint8_t was = conn->state;

	switch ((enum ctl_state)was) {
	case CTL_READING:
		fill(c, conn);
		break;
	case CTL_ASKING:
		ask(c, conn);
		break;
	case CTL_WRITING:
		flush(c, conn);
		break;
	case CTL_FREE:
	case CTL_ASKED:
		break;
	}
	return conn->state != was && conn->state != CTL_FREE;
}

void ctl_work(struct ctl *c, struct mono now)
{
	c->now = now;
	for (uint32_t i = 0; i < CTL_CONNS; i++) {
		struct ctl_conn *conn = &c->conn[i];

		if (conn->state == CTL_FREE)
			continue;
		/* two: an answer and the next request, not a whole stream */
		for (int k = 0; k < 4 && step(c, conn); k++)
			;
		if (conn->state != CTL_FREE &&
		    mono_diff_ms(conn->since, now) >= CTL_IDLE_MS)
			drop(conn);
	}
}

uint32_t ctl_wants(const struct ctl_conn *conn)
{
	if (conn->state == CTL_READING)
		return LOOP_IN;
	return conn->state == CTL_WRITING ? LOOP_OUT : 0;
}
