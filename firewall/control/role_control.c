/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control process: rules, ports and the operator's socket.  It sees no
 * packet.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/apply/apply.h"
#include "firewall/control/ctl/ctl.h"
#include "firewall/control/source/source_dir.h"
#include "firewall/control/control_host.h"
#include "firewall/control/control_dns.h"
#include "firewall/control/control_qrexec.h"
#include "firewall/control/control_qubes.h"
#include "firewall/control/control_xen.h"
#include "firewall/linux/isolate.h"
#include "firewall/linux/log.h"
#include "firewall/linux/loop.h"
#include "firewall/linux/mem.h"
#include "firewall/role/roles.h"

#define EVENTS 16u
#define TREE_BYTES (64u << 20)

enum control_fd {
	CONTROL_NOTE,
	CONTROL_DATA,
	CONTROL_SOURCE,
	CONTROL_SIGNAL,
	CONTROL_LISTEN,
	CONTROL_BUS,
	CONTROL_HOST,
	CONTROL_QUBES,
	CONTROL_QREXEC, /* idx: enum control_qrexec_idx, or less */
	CONTROL_NAMES,	/* idx: descriptor */
	CONTROL_PEER,	/* idx: place */
};

/* How the loop knows a peer of the operator's socket. */
struct peer {
	uint32_t gen, wants; /* LOOP_*; 0: it does not */
};

struct control {
	struct loop loop;
	struct apply apply;
	struct tree *tree;
	struct source_dir source;
	bool has_source;
	int data; /* apply's socket as the loop knows it; -1: none */
	struct ctl ctl;
	struct peer peer[CTL_CONNS];
	struct control_xen xen;
	struct control_host host;
	struct control_qubes qubes;
	struct control_qrexec qrexec;
	struct control_dns names;
	uint32_t gaps; /* of the loop's, that are known */
	bool ready, stop;
	bool told; /* to stop, and nothing broke */
	int code;
};

static int open_port(void *ctx, const struct conf_port *p, struct link *l)
{
	const struct control *k = ctx;

	if (p->kind == CONF_PORT_TAP)
		return link_open_tap(l, p->name, true);
	return link_open_packet(l, p->name, true, &k->apply.conf.room);
}

/* ---- reload ---------------------------------------------------------------*/

/* Everything anew, or (false) nothing and why. */
static bool reload(void *ctx, char *said, size_t room)
{
	static struct conf next;
	static struct conf_errors errors;
	struct control *k = ctx;
	const struct conf_port *which;
	char fixed[256];
	int err;

	memset(&errors, 0, sizeof(errors));
	conf_again(&next, &k->apply.conf, &errors);
	if (errors.n) {
		snprintf(said, room, "%s", errors.text);
		return false;
	}
	if (conf_diff_fixed(&k->apply.conf, &next, fixed, sizeof(fixed))) {
		snprintf(said, room,
			 "these can't change while the daemon runs: %s", fixed);
		return false;
	}
	err = control_host_conf(&k->host, &k->apply.conf, &next);
	if (err) {
		snprintf(said, room,
			 "the host rules are not as these settings need "
			 "them (%s)",
			 log_errno(-err));
		return false;
	}
	apply_conf(&k->apply, &next);
	control_dns_conf(&k->names);
	if (apply_open_ports(&k->apply, &which))
		log_err("port %s can't be opened now; tried again",
			which->name);
	if (k->has_source)
		source_dir_again(&k->source, k->loop.now);
	log_info("settings and rules were read again");
	return true;
}

static void reload_and_log(struct control *k)
{
	char said[1024];

	if (!reload(k, said, sizeof(said)))
		log_err("settings stay as they were: %.*s",
			(int)strcspn(said, "\n"), said);
}

/* ---- start ----------------------------------------------------------------*/

static int open_ports(struct control *k)
{
	const struct conf_port *which;
	int err = apply_open_ports(&k->apply, &which);
	const char *why;

	switch (err) {
	case 0:
		return ROLE_OK;
	case -ENODEV:
		why = "there is no such interface";
		break;
	case -EBUSY:
		why = "somebody else has it open";
		break;
	case -EPERM:
		why = "not permitted; it takes CAP_NET_ADMIN and CAP_NET_RAW";
		break;
	case -EINVAL:
		why = "it is not a TAP device";
		break;
	case -EPROTOTYPE:
		why = "it is not Ethernet";
		break;
	default:
		why = "it can't be opened";
	}
	log_err("port %s: %s (%s)", which->name, why, log_errno(-err));
	return err == -EPERM ? ROLE_OS : ROLE_UNAVAILABLE;
}

static int open_source(struct control *k, const struct conf *c)
{
	int err;

	k->tree = tree_new(TREE_BYTES, apply_tree_changed, &k->apply);
	if (!k->tree)
		return -ENOMEM;
	k->apply.tree = k->tree;
	if (!c->rules[0])
		return 0;
	err = source_dir_open(&k->source, c->rules, k->tree, k->loop.now);
	if (err)
		return err;
	k->has_source = true;
	return loop_add(&k->loop, k->source.inotify, CONTROL_SOURCE, 0,
			LOOP_IN);
}

/* SIGTERM comes by a descriptor. */
static int take_signals(struct control *k)
{
	static const int term = SIGTERM;
	int fd = loop_signals(&term, 1);

	return fd < 0 ? fd : loop_add(&k->loop, fd, CONTROL_SIGNAL, 0, LOOP_IN);
}

static int open_ctl(struct control *k, const struct conf *c)
{
	int err;

	k->ctl.apply = &k->apply;
	k->ctl.source = k->has_source ? &k->source : NULL;
	k->ctl.host = &k->host.told;
	k->ctl.view = mem_map(ROLE_FD_VIEW, view_size(c->clients), MEM_READ);
	k->ctl.started = k->ctl.now = k->loop.now;
	k->ctl.reload = reload;
	k->ctl.ctx = k;
	if (!k->ctl.view)
		return -errno;
	err = ctl_open(&k->ctl, c->socket, c->socket_gid);
	if (err) {
		log_err("%s: %s", c->socket,
			err == -EADDRINUSE ? "another instance listens there"
					   : log_errno(-err));
		return err;
	}
	return loop_add(&k->loop, k->ctl.fd, CONTROL_LISTEN, 0, LOOP_IN);
}

static void answer(void *ctx, uint32_t cookie, const struct msg *page)
{
	struct control *k = ctx;

	ctl_answer(&k->ctl, cookie, page);
}

static void ring_up(void *ctx, uint16_t n, int err,
		    const struct msg_front_keys *keys)
{
	struct control *k = ctx;

	vifs_ring_up(&k->xen.vifs, n, err, keys);
}

static void ring_down(void *ctx, uint16_t n)
{
	struct control *k = ctx;

	vifs_ring_down(&k->xen.vifs, n);
}

static void ring_lost(void *ctx, uint16_t n, int err)
{
	struct control *k = ctx;

	vifs_ring_lost(&k->xen.vifs, n, err);
}

static void dns_came(void *ctx, const struct fw_dns_msg *m)
{
	struct control *k = ctx;

	control_dns_came(&k->names, m);
}

static int open_all(struct control *k, const struct conf *c)
{
	int err = loop_open(&k->loop);

	if (!err)
		err = take_signals(k);
	if (!err)
		err = loop_add(&k->loop, ROLE_FD_LINK, CONTROL_NOTE, 0,
			       LOOP_IN);
	if (!err)
		err = open_source(k, c);
	if (!err)
		err = open_ctl(k, c);
	if (!err && control_host_fd(&k->host) >= 0)
		err = loop_add(&k->loop, control_host_fd(&k->host),
			       CONTROL_HOST, 0, LOOP_IN);
	return err;
}

static int lock_in(struct control *k, const struct conf *c)
{
	int err = isolate_user(0, 0,
			       c->qubes_clock == CONF_CLOCK_DOM0
				       ? ISOLATE_NET_TIME_CAPS
				       : ISOLATE_NET_CAPS);

	if (!err)
		err = control_xen_open(&k->xen, c, &k->apply);
	if (!err && k->xen.bus) {
		k->ctl.xen = &k->xen.ctl;
		err = loop_add(&k->loop, bus_thread_fd(k->xen.bus), CONTROL_BUS,
			       0, LOOP_IN);
	}
	k->qubes.reload = reload;
	k->qubes.ctx = k;
	if (!err)
		err = control_qubes_open(&k->qubes, c, &k->apply, k->loop.now);
	k->ctl.qubesdb = k->qubes.net ? &k->qubes.db : NULL;
	if (!err)
		err = control_qrexec_open(&k->qrexec,
					  k->qubes.local ? NULL : k->qubes.net,
					  c, &k->ctl, &k->loop, CONTROL_QREXEC);
	k->names.publish = control_qubes_publish;
	k->names.ctx = &k->qubes;
	if (!err)
		err = control_dns_open(&k->names, &k->loop, &k->apply,
				       CONTROL_NAMES);
	return err ? err : isolate_control((enum isolate_mode)c->sandbox);
}

/* Said before anything is open; without it no right could be kept. */
static int check_clock(const struct conf *c)
{
	if (c->qubes_clock != CONF_CLOCK_DOM0 || isolate_may_set_clock())
		return ROLE_OK;
	log_err("qubes.clock = dom0 needs CAP_SYS_TIME, which this daemon was "
		"not given; let it be system, or give the service its "
		"clock.conf (vifwallctl doctor)");
	return ROLE_UNAVAILABLE;
}

static int set_up(struct control *k, const struct conf *c)
{
	static struct apply_ops ops = { .open_port = open_port,
					.answer = answer,
					.ring_up = ring_up,
					.ring_down = ring_down,
					.ring_lost = ring_lost,
					.dns_came = dns_came };
	int code, err;

	ops.ctx = k;
	apply_init(&k->apply, c, &ops);
	code = check_clock(c);
	if (!code)
		code = control_host_start(&k->host, c);
	if (!code)
		code = control_xen_check(c);
	if (!code)
		code = open_ports(k);
	if (code)
		return code;
	err = open_all(k, c);
	if (!err)
		err = lock_in(k, c);
	if (!err)
		return ROLE_OK;
	log_err("can't start (%s)", log_errno(-err));
	return err == -EADDRINUSE ? ROLE_SECOND : ROLE_OS;
}

/* ---- what can happen ------------------------------------------------------*/

/* The loop follows apply, which closes the socket of a data process that is
 * gone. */
static void watch_data(struct control *k)
{
	if (k->data == k->apply.sock)
		return;
	k->data = k->apply.sock;
	if (k->data >= 0 &&
	    loop_add(&k->loop, k->data, CONTROL_DATA, 0, LOOP_IN))
		k->stop = true;
}

/* The first one, or a successor: nobody has rings then. */
static void take_data(struct control *k, int fd)
{
	bool again = k->apply.seq;

	k->data = -1;
	apply_data(&k->apply, fd);
	if (again)
		control_xen_resume(&k->xen);
}

static void take_notes(struct control *k)
{
	int fd, type;

	while ((type = role_note_recv(ROLE_FD_LINK, &fd)) > 0)
		switch (type) {
		case ROLE_NOTE_DATA:
			take_data(k, fd);
			break;
		case ROLE_NOTE_RELOAD:
			reload_and_log(k);
			break;
		default:
			k->stop = true;
			k->told = type == ROLE_NOTE_STOP;
		}
	if (type < 0) {
		k->stop = true;
		k->code = ROLE_INTERNAL;
	}
}

static void handle(struct control *k, const struct loop_event *ev)
{
	switch ((enum control_fd)ev->type) {
	case CONTROL_NOTE:
		take_notes(k);
		break;
	case CONTROL_DATA:
		apply_receive(&k->apply, k->loop.now);
		control_xen_answered(&k->xen, &k->apply, k->ctl.view,
				     k->loop.now);
		break;
	case CONTROL_SOURCE:
		source_dir_events(&k->source, k->loop.now);
		break;
	case CONTROL_SIGNAL:
		k->stop = true;
		break;
	case CONTROL_LISTEN:
		ctl_accept(&k->ctl, k->loop.now);
		break;
	case CONTROL_BUS:
		control_xen_work(&k->xen);
		break;
	case CONTROL_HOST:
		control_host_news(&k->host, k->loop.now);
		break;
	case CONTROL_NAMES:
		control_dns_event(&k->names, (int)ev->idx, ev->what);
		break;
	case CONTROL_QREXEC:
		control_qrexec_event(&k->qrexec, ev->idx);
		break;
	case CONTROL_QUBES:
	case CONTROL_PEER:
		break; /* each turn looks at everybody */
	}
}

/*
 * The loop follows the peers.  One that is waited for nothing is not watched at
 * all: its hang-up would be reported again and again.
 */
static void watch_peer(struct control *k, uint32_t i)
{
	const struct ctl_conn *conn = &k->ctl.conn[i];
	struct peer *p = &k->peer[i];
	uint32_t wants = conn->fd < 0 ? 0 : ctl_wants(conn);

	/* closed since: the loop has forgotten it by itself */
	if (p->gen != conn->gen)
		p->wants = 0;
	p->gen = conn->gen;
	if (wants == p->wants)
		return;
	if (!wants)
		loop_del(&k->loop, conn->fd);
	else if (p->wants
			 ? loop_change(&k->loop, conn->fd, CONTROL_PEER, i,
				       wants)
			 : loop_add(&k->loop, conn->fd, CONTROL_PEER, i, wants))
		k->stop = true;
	p->wants = wants;
}

static void say_ready(struct control *k)
{
	if (k->ready || !apply_idle(&k->apply) ||
	    (k->has_source && !source_dir_settled(&k->source)) ||
	    !control_qubes_settled(&k->qubes, k->loop.now))
		return;
	k->ready = true;
	if (role_note_send(ROLE_FD_LINK, ROLE_NOTE_READY, -1))
		k->stop = true;
}

static void turn(struct control *k, struct mono *next)
{
	struct loop_event ev[EVENTS];
	int n = loop_wait(&k->loop, ev, EVENTS, *next);
	struct mono source = { UINT64_MAX }, host, qubes, qrexec, names;

	vw_assert(n >= 0);
	if (k->gaps != k->loop.gaps) {
		k->gaps = k->loop.gaps;
		log_info("the machine slept: names are asked for anew");
		apply_woke(&k->apply);
	}
	for (int i = 0; i < n; i++)
		handle(k, &ev[i]);
	if (k->has_source)
		source = source_dir_tick(&k->source, k->loop.now);
	qubes = control_qubes_work(&k->qubes, &k->loop, CONTROL_QUBES);
	control_qrexec_announce(&k->qrexec, control_qubes_described(&k->qubes));
	qrexec = control_qrexec_work(&k->qrexec);
	/* a peer may ask for settings to be read: they are told at once */
	ctl_work(&k->ctl, k->loop.now);
	names = control_dns_work(&k->names);
	*next = apply_work(&k->apply, k->loop.now);
	if (source.ns < next->ns)
		*next = source;
	host = control_host_tick(&k->host, k->loop.now);
	if (host.ns < next->ns)
		*next = host;
	if (qubes.ns < next->ns)
		*next = qubes;
	if (qrexec.ns < next->ns)
		*next = qrexec;
	if (names.ns < next->ns)
		*next = names;
	for (uint32_t i = 0; i < CTL_CONNS; i++)
		watch_peer(k, i);
	watch_data(k);
	control_xen_watch(&k->xen);
	say_ready(k);
}

int role_control(const struct conf *c)
{
	static struct control k;
	struct mono next = { 0 };
	int err = isolate_early(ROLE_FD_LINK + 1);

	role_begin("vifwall-control");
	if (log_open("control", (enum log_target)c->log_target,
		     (enum log_level)c->log_level))
		log_warn("no log but this one");
	if (err) {
		log_err("can't start (%s)", log_errno(-err));
		return ROLE_OS;
	}
	k.data = k.ctl.fd = -1;
	k.code = set_up(&k, c);
	while (!k.code && !k.stop)
		turn(&k, &next);
	ctl_close(&k.ctl);
	apply_stop(&k.apply);
	control_qrexec_close(&k.qrexec);
	control_qubes_close(&k.qubes);
	control_dns_close(&k.names);
	control_xen_stop(&k.xen);
	apply_fini(&k.apply);
	control_host_stop(&k.host, k.told    ? CONTROL_HOST_TOLD
				   : k.ready ? CONTROL_HOST_BROKE
					     : CONTROL_HOST_NO_START);
	return k.code;
}
