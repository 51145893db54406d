/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firewall/control/control_qrexec.h"
#include "firewall/linux/log.h"

#define PIECE 4096u

/* ---- for services ---------------------------------------------------------*/

/* #syscalls control: socketpair setsockopt close */
static int show(void *ctx, uint32_t id, int argc, const char *const *argv)
{
	struct control_qrexec *c = ctx;
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	err = show_run(c->show, pair[0], argc, argv);
	if (err) {
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	ctl_adopt(c->ctl, pair[1], c->loop->now);
	c->showing = (int)id;
	return 0;
}

static void hide(void *ctx, uint32_t id)
{
	struct control_qrexec *c = ctx;

	(void)id;
	c->showing = -1;
	show_drop(c->show);
}

static bool uplink_up(void *ctx)
{
	const struct control_qrexec *c = ctx;

	return ctl_uplink_up(c->ctl);
}

static int64_t get_clock(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

/* #syscalls control: clock_gettime clock_settime */
static int set_clock(void *ctx, int64_t s)
{
	const struct timespec t = { .tv_sec = s };

	(void)ctx;
	return clock_settime(CLOCK_REALTIME, &t) ? -errno : 0;
}

/* ---- for the agent --------------------------------------------------------*/

static int on_call(void *ctx, uint32_t id, const struct qrexec_call *call,
		   char why[QREXEC_WHY])
{
	struct control_qrexec *c = ctx;

	return services_call(&c->services, id, call, why);
}

static void on_input(void *ctx, uint32_t id, const void *bytes, size_t len)
{
	struct control_qrexec *c = ctx;

	services_input(&c->services, id, bytes, len);
}

/* What the command has printed goes out, as far as there is room. */
static void pump(struct control_qrexec *c)
{
	enum show_stream stream;
	char buf[PIECE];
	size_t n, taken;

	while (c->showing >= 0 &&
	       (n = show_peek(c->show, &stream, buf, sizeof(buf))) > 0) {
		taken = qrexec_write(c->q, (uint32_t)c->showing,
				     stream == SHOW_OUT ? QREXEC_TO_STDOUT
							: QREXEC_TO_STDERR,
				     buf, n);
		show_take(c->show, taken);
		if (!taken)
			return;
	}
}

static void on_room(void *ctx, uint32_t id)
{
	struct control_qrexec *c = ctx;

	if ((int)id == c->showing)
		pump(c);
}

static void on_gone(void *ctx, uint32_t id)
{
	struct control_qrexec *c = ctx;

	services_gone(&c->services, id);
}

static void on_ended(void *ctx, uint32_t id, int code)
{
	struct control_qrexec *c = ctx;

	(void)id;
	if (announce_ended(&c->announce, code, c->loop->now))
		log_warn("dom0 did not take up what we said of ourselves "
			 "(qubes.FeaturesRequest: %d); see its policy%s",
			 code,
			 c->announce.state == ANNOUNCE_OVER
				 ? "; it is not asked any more"
				 : "");
}

static void on_ready(void *ctx)
{
	(void)ctx;
	log_info("qrexec: dom0 is there");
}

static void on_watch(void *ctx, uint32_t place, int fd)
{
	const struct control_qrexec *c = ctx;

	if (loop_add(c->loop, fd, c->type, place, LOOP_IN))
		log_err("qrexec: a channel can't be watched");
}

static void on_unwatch(void *ctx, uint32_t place, int fd)
{
	const struct control_qrexec *c = ctx;

	(void)place;
	loop_del(c->loop, fd);
}

static void on_complain(void *ctx, const char *sentence)
{
	(void)ctx;
	log_warn("%s", sentence);
}

/* ---- for the process ------------------------------------------------------*/

static struct qrexec_ops qrexec_ops = {
	.call = on_call,
	.input = on_input,
	.room = on_room,
	.gone = on_gone,
	.ended = on_ended,
	.ready = on_ready,
	.watch = on_watch,
	.unwatch = on_unwatch,
	.complain = on_complain,
};

static struct service_ops service_ops = {
	.show = show,
	.hide = hide,
	.uplink_up = uplink_up,
	.clock = get_clock,
};

int control_qrexec_open(struct control_qrexec *c, struct chan_net *net,
			const struct conf *k, struct ctl *ctl,
			struct loop *loop, uint32_t type)
{
	int err;

	c->showing = -1;
	if (!net)
		return 0;
	c->ctl = ctl;
	c->loop = loop;
	c->type = type;
	qrexec_ops.ctx = service_ops.ctx = c;
	service_ops.set_clock =
		k->qubes_clock == CONF_CLOCK_DOM0 ? set_clock : NULL;
	c->show = show_start(&err);
	if (!c->show)
		return err;
	err = loop_add(loop, show_fd(c->show), type, CONTROL_QREXEC_SHOW,
		       LOOP_IN);
	if (err)
		return err;
	c->q = qrexec_new(net, &qrexec_ops);
	c->services = (struct services){ .q = c->q,
					 .apply = ctl->apply,
					 .ops = &service_ops,
					 .now = loop->now };
	return c->q ? 0 : -ENOMEM;
}

static void take_shown(struct control_qrexec *c)
{
	int code, id;

	show_woken(c->show);
	pump(c);
	if (!show_over(c->show, &code))
		return;
	id = c->showing;
	c->showing = -1; /* who is next may set it */
	if (id >= 0)
		services_shown(&c->services, (uint32_t)id, code);
	else
		services_next(&c->services);
}

void control_qrexec_event(struct control_qrexec *c, uint32_t idx)
{
	if (idx == CONTROL_QREXEC_SHOW)
		take_shown(c);
	else
		qrexec_event(c->q, idx, c->loop->now);
}

struct mono control_qrexec_work(struct control_qrexec *c)
{
	struct mono next = { UINT64_MAX }, agent, again;

	if (!c->q)
		return next;
	take_shown(c);
	next = services_work(&c->services, c->loop->now);
	agent = qrexec_work(c->q, c->loop->now);
	again = announce_next(&c->announce, c->loop->now);
	next = agent.ns < next.ns ? agent : next;
	return again.ns < next.ns ? again : next;
}

void control_qrexec_announce(struct control_qrexec *c, bool known)
{
	if (!c->q || !known || !qrexec_is_ready(c->q) ||
	    !announce_is_due(&c->announce, c->loop->now))
		return;
	if (qrexec_trigger(c->q, "qubes.FeaturesRequest", "dom0",
			   c->loop->now) >= 0)
		announce_asked(&c->announce);
}

void control_qrexec_close(struct control_qrexec *c)
{
	for (uint32_t i = 0; c->q && i < QREXEC_CALLS; i++)
		services_gone(&c->services, i);
	show_stop(c->show);
	qrexec_free(c->q);
	c->show = NULL;
	c->q = NULL;
}
