/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/ctl_bed.h"
#include "mock/addrs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/linux/log.h"

static int open_port(void *ctx, const struct conf_port *p, struct link *l)
{
	(void)ctx;
	(void)p;
	*l = (struct link){ .fd = open("/dev/null", O_RDWR | O_CLOEXEC),
			    .mtu = 1500 };
	return 0;
}

static void on_answer(void *ctx, uint32_t cookie, const struct msg *page)
{
	struct ctl_bed *b = ctx;

	ctl_answer(&b->ctl, cookie, page);
}

static bool reload(void *ctx, char *said, size_t room)
{
	const struct ctl_bed *b = ctx;

	if (b->reload_says)
		snprintf(said, room, "%s", b->reload_says);
	return !b->reload_says;
}

/* ---- data -----------------------------------------------------------------*/

static void say(struct ctl_bed *b, uint32_t type, uint32_t seq,
		const void *body)
{
	int err = msg_send(b->data, type, seq, body, -1);

	vw_assert(!err);
}

static bool data_does_one(struct ctl_bed *b)
{
	const struct msg_usage_page usage = {
		.all = { .flows = 5, .capacity = 64, .tcp = 3, .udp = 2 },
	};
	const struct msg_done done = { .err = 0 };
	struct msg m;

	if (b->data < 0 || msg_recv(b->data, MSG_TO_DATA, &m))
		return false;
	if (m.fd >= 0)
		close(m.fd);
	if (m.hdr.type == MSG_FLOWS_END)
		b->ended = m.body.id.id;
	if (m.hdr.type == MSG_USAGE)
		say(b, MSG_USAGE_PAGE, m.hdr.seq, &usage);
	if (m.hdr.type == MSG_FLOWS)
		say(b, MSG_FLOWS_PAGE, m.hdr.seq, &b->page);
	if (m.hdr.type == MSG_VIFS)
		say(b, MSG_VIFS_PAGE, m.hdr.seq, &b->vifs);
	say(b, MSG_DONE, m.hdr.seq, &done);
	return true;
}

void ctl_bed_turn(struct ctl_bed *b)
{
	for (int i = 0; i < 4; i++) {
		(void)apply_work(&b->apply, b->now);
		while (data_does_one(b))
			;
		apply_receive(&b->apply, b->now);
		ctl_work(&b->ctl, b->now);
	}
}

static void data_up(struct ctl_bed *b)
{
	int pair[2];
	int err = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);

	vw_assert(!err);
	b->data = pair[1];
	apply_data(&b->apply, pair[0]);
	ctl_bed_turn(b);
	vw_assert(apply_idle(&b->apply));
}

void ctl_bed_data_down(struct ctl_bed *b)
{
	close(b->data);
	b->data = -1;
	apply_receive(&b->apply, b->now);
}

/* ---- stage ----------------------------------------------------------------*/

static const char settings[] =
	"rules = /r\nclients = 8\nuplink.port = packet:eth0\n"
	"uplink.ip = 192.0.2.2/24\nuplink.gateway = 192.0.2.1\n"
	"allow = work -> nas\n"
	"[client work]\nport = tap:w\nip = 10.0.0.5 fd00::5\n"
	"mac = 00:16:3e:00:00:05\ngateway = 10.0.0.1\n"
	"[client nas]\nport = tap:n\nip = 10.0.0.6\n"
	"mac = 00:16:3e:00:00:06\ngateway = 10.0.0.1\n"
	"[client lab]\nport = packet:l\nkind = network\n"
	"net = 10.1.0.0/16\ngateway = 10.1.0.1\nrules = accept\n";

static void read_settings(struct ctl_bed *b)
{
	conf_default(&b->conf);
	conf_read_text(&b->conf, "test", settings, strlen(settings),
		       &b->errors);
	conf_check(&b->conf, CONF_RUN, &b->errors);
	vw_assert(!b->errors.n);
}

static void quiet(void)
{
	static int null_fd = -1;

	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to_fd(null_fd);
}

void ctl_bed_open(struct ctl_bed *b)
{
	static struct apply_ops ops = { .open_port = open_port,
					.answer = on_answer };
	const struct conf_port *which;
	int err;

	memset(b, 0, sizeof(*b));
	quiet();
	b->now.ns = 100 * MONO_S;
	b->data = -1;
	read_settings(b);
	ops.ctx = b;
	apply_init(&b->apply, &b->conf, &ops);
	b->tree = tree_new(1u << 20, apply_tree_changed, &b->apply);
	b->apply.tree = b->tree;
	err = apply_open_ports(&b->apply, &which);
	vw_assert(!err);
	b->view = calloc(1, view_size(b->conf.clients));
	vw_assert(b->tree && b->view);
	b->view->uplink_up = 1;
	b->ctl.apply = &b->apply;
	b->ctl.view = b->view;
	b->ctl.reload = reload;
	b->ctl.ctx = b;
	b->ctl.started = b->now;
	snprintf(b->path, sizeof(b->path), "/tmp/vifwall-ctl-%d.sock",
		 getpid());
	err = ctl_open(&b->ctl, b->path, 0);
	vw_assert(!err);
	b->now.ns += 7 * MONO_S;
	data_up(b);
}

void ctl_bed_close(struct ctl_bed *b)
{
	ctl_close(&b->ctl);
	vw_assert(access(b->path, F_OK));
	apply_fini(&b->apply);
	tree_free(b->tree);
	free(b->view);
	if (b->data >= 0)
		close(b->data);
	log_to_fd(STDERR_FILENO);
}

/* ---- what there is to be told ---------------------------------------------*/

void ctl_bed_key(struct ctl_bed *b, const char *name, const char *value)
{
	int err = tree_write(b->tree, name, value, strlen(value));

	vw_assert(!err);
}

void ctl_bed_rule(struct ctl_bed *b, const char *rule)
{
	ctl_bed_key(b, "/qubes-firewall/10.0.0.5/policy", "drop");
	ctl_bed_key(b, "/qubes-firewall/10.0.0.5/0003", rule);
	ctl_bed_key(b, "/qubes-firewall/10.0.0.5", "");
	ctl_bed_turn(b);
}

void ctl_bed_block(struct ctl_bed *b, uint32_t i, uint16_t client,
		   enum pkt_reason reason, uint64_t age_ms)
{
	uint64_t last = b->now.ns - age_ms * MONO_MS;

	b->view->blocked[i] = (struct view_blocked){
		.count = i + 1,
		.first_ns = last - MONO_S,
		.last_ns = last,
		.src = addr("10.0.0.5"),
		.dst = addr("198.51.100.9"),
		.client = client,
		.dport = 443,
		.rule = reason == PKT_REASON_RULE ? 7 : UINT32_MAX,
		.proto = 6,
		.reason = (uint8_t)reason,
	};
}

struct nat_info *ctl_bed_flow(struct ctl_bed *b, uint32_t i, uint16_t from,
			      uint16_t to)
{
	struct nat_info *f = &b->page.flow[i];

	*f = (struct nat_info){
		.real = { addr("10.0.0.5"), addr("198.51.100.9") },
		.stand = { [1] = addr("192.0.2.2") },
		.real_port = { 1000, 443 },
		.stand_port = { [1] = 40000 },
		.owner = { from, to },
		.proto = 6,
		.state = NAT_TCP_EST,
		.expires_ms = 5500,
	};
	b->page.n = i + 1;
	return f;
}

/* ---- peers ----------------------------------------------------------------*/

int ctl_bed_peer(struct ctl_bed *b)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	strcpy(sa.sun_path, b->path);
	err = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
	vw_assert(!err);
	ctl_accept(&b->ctl, b->now);
	return fd;
}

void ctl_bed_tell(int fd, const char *line)
{
	ssize_t n = send(fd, line, strlen(line), MSG_NOSIGNAL);

	vw_assert(n == (ssize_t)strlen(line));
}

/* What has come; what follows the line is left for later.  0: nothing more. */
static ssize_t take_line(struct ctl_bed *b, int fd, size_t len)
{
	ssize_t n = recv(fd, b->text + len, sizeof(b->text) - len, MSG_PEEK);
	const char *nl;

	if (n <= 0)
		return n;
	nl = memchr(b->text + len, '\n', (size_t)n);
	if (nl)
		n = nl + 1 - (b->text + len);
	return recv(fd, b->text + len, (size_t)n, 0);
}

bool ctl_bed_hear(struct ctl_bed *b, int fd)
{
	size_t len = 0;

	for (int idle = 0; idle < 20 && len < sizeof(b->text);) {
		ssize_t n = take_line(b, fd, len);

		if (n == 0)
			return false;
		if (n < 0) {
			idle++;
			ctl_bed_turn(b);
			continue;
		}
		len += (size_t)n;
		if (b->text[len - 1] == '\n') {
			b->text[len - 1] = '\0';
			/* every line is what the tool can read */
			n = jread(&b->doc, b->text, len - 1);
			vw_assert(!n);
			return true;
		}
	}
	return false;
}

const struct jval *ctl_bed_ask(struct ctl_bed *b, const char *fmt, ...)
{
	char line[CTL_LINE_MAX];
	int fd = ctl_bed_peer(b);
	bool heard;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	ctl_bed_tell(fd, line);
	ctl_bed_tell(fd, "\n");
	heard = ctl_bed_hear(b, fd);
	vw_assert(heard);
	close(fd);
	ctl_bed_turn(b);
	vw_assert(jnum(&b->doc, jget(&b->doc, jroot(&b->doc), "schema")) ==
		  CTL_SCHEMA);
	return jroot(&b->doc);
}

bool ctl_bed_has(const struct ctl_bed *b, const struct jval *o,
		 const char *member, const char *want)
{
	char t[JREAD_TEXT];

	jtext(&b->doc, jget(&b->doc, o, member), t);
	if (strcmp(t, want))
		fprintf(stderr, "%s is '%s', not '%s'\n", member, t, want);
	return !strcmp(t, want);
}
