/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/data.h"
#include "firewall/linux/isolate.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/rand.h"
#include "firewall/roles.h"

#define EVENTS 64u
/* Frames from one port in a round, and requests of control in a wake. */
#define FRAME_BUDGET 256u
#define REQUEST_BUDGET 16u

size_t data_size(const struct fw_conf *c)
{
	size_t ports = (size_t)c->clients + 1;

	return pkt_arena_cost(ports * sizeof(struct data_port)) +
	       pkt_arena_cost(2 * ports * sizeof(struct data_rules)) +
	       pkt_arena_cost(DATA_CHANNELS * sizeof(uint16_t)) +
	       pkt_arena_cost(fw_size(c));
}

int data_init(struct data *d, void *mem, size_t len, const struct fw_conf *c,
	      struct view *view, int link)
{
	size_t ports = (size_t)c->clients + 1;
	struct nat_conf nat = c->nat;
	struct pkt_arena a;
	int err;

	memset(d, 0, sizeof(*d));
	d->clients = c->clients;
	d->link = link;
	d->view = view;
	d->rings_due.ns = UINT64_MAX;
	nat.owners = (uint16_t)ports;
	d->table_bytes = nat_size(&nat);
	pkt_arena_init(&a, mem, len);
	d->port = pkt_arena_take(&a, ports * sizeof(*d->port));
	d->rules = pkt_arena_take(&a, 2 * ports * sizeof(*d->rules));
	/* zeroed by the caller, and touched where there are channels only */
	d->channel = pkt_arena_room(&a, DATA_CHANNELS * sizeof(*d->channel));
	if (!d->port || !d->rules || !d->channel)
		return -ENOSPC;
	err = loop_open(&d->loop);
	if (err)
		return err;
	err = fw_init(&d->fw, pkt_arena_room(&a, fw_size(c)), fw_size(c), c,
		      view, d->loop.now);
	if (!err)
		err = loop_add(&d->loop, link, DATA_LINK, 0, LOOP_IN);
	if (err)
		loop_close(&d->loop);
	return err;
}

/*
 * While an answer can't be sent no request is read, so control's own socket
 * fills up and it has to read first.
 */
static void watch_link(struct data *d, bool full)
{
	if (full == d->link_full)
		return;
	if (loop_change(&d->loop, d->link, DATA_LINK, 0,
			full ? LOOP_OUT : LOOP_IN))
		d->stop = true;
	d->link_full = full;
}

/* Requests that wait.  Without control there is nobody to forward for. */
static void serve_link(struct data *d)
{
	for (uint32_t i = 0; i < REQUEST_BUDGET && !d->stop; i++) {
		int err;

		if (!data_tell(d))
			break;
		err = msg_recv(d->link, MSG_TO_DATA, &d->in);
		if (err == -EAGAIN)
			break;
		if (err == -EBADMSG) {
			log_warn("a message of control is none");
			d->answer = (struct data_answer){
				.seq = d->in.hdr.seq,
				.waits = true,
				.done = { .err = EBADMSG },
			};
		} else if (err) {
			log_warn("control is gone (%s)", log_errno(-err));
			data_close_ports(d);
			d->stop = true;
		} else {
			data_obey(d);
		}
	}
	watch_link(d, !data_tell(d));
}

static void handle(struct data *d, const struct loop_event *ev)
{
	switch ((enum data_fd)ev->type) {
	case DATA_LINK:
		serve_link(d);
		break;
	case DATA_PORT:
		data_port_event(d, (uint16_t)ev->idx, ev->what);
		break;
	case DATA_EVENT:
		data_events(d);
		break;
	case DATA_SIGNAL:
		data_close_ports(d);
		d->stop = true;
		break;
	}
}

/* How long there may be nothing to do. */
static struct mono until(const struct data *d)
{
	if (d->busy)
		return d->loop.now;
	return d->rings_due.ns < d->tick.ns ? d->rings_due : d->tick;
}

void data_turn(struct data *d)
{
	struct loop_event ev[EVENTS];
	int n = loop_wait(&d->loop, ev, EVENTS, until(d));

	vw_assert(n >= 0);
	for (int i = 0; i < n; i++)
		handle(d, &ev[i]);
	if (d->stop)
		return;
	d->busy = fw_round(d->fw, FRAME_BUDGET, d->loop.now);
	if (mono_past(d->tick, d->loop.now)) {
		d->tick = fw_tick(d->fw, d->loop.now);
		fw_flush(d->fw, d->loop.now);
	}
	data_ports_reap(d);
	watch_link(d, !data_tell(d));
	data_events_tick(d);
	if (!d->busy)
		d->busy = fw_arm(d->fw);
}

/* Secrets are this process' own: nobody else ever knows them. */
static int draw_keys(struct fw_conf *c)
{
	int err = rand_bytes(c->nat.hash_key, sizeof(c->nat.hash_key));

	if (!err)
		err = rand_bytes(c->nat.port_seed, sizeof(c->nat.port_seed));
	if (!err)
		err = rand_bytes(&c->frag.key, sizeof(c->frag.key));
	if (!err)
		err = rand_bytes(c->seed, sizeof(c->seed));
	return err;
}

/* SIGTERM comes by a descriptor. */
static int take_signals(struct data *d)
{
	static const int term = SIGTERM;
	int fd = loop_signals(&term, 1);

	return fd < 0 ? fd : loop_add(&d->loop, fd, DATA_SIGNAL, 0, LOOP_IN);
}

/* To look on is to keep everybody else from the only processor. */
static bool alone(void)
{
	cpu_set_t usable;

	return sched_getaffinity(0, sizeof(usable), &usable) == 0 &&
	       CPU_COUNT(&usable) == 1;
}

static int take_xen(struct data *d, const struct role_conf *rc)
{
	struct xen *x;
	int err = role_xen_open(&x, rc);

	return err || !x ? err : data_xen_use(d, x);
}

static int set_up(struct data *d, const struct role_conf *rc)
{
	struct fw_conf c = rc->fw;
	size_t len = data_size(&c);
	struct view *view =
		mem_map(ROLE_FD_VIEW, view_size(c.clients), MEM_WRITE);
	void *mem = mem_block(len, nat_size(&c.nat));
	int err = view && mem ? draw_keys(&c) : -errno;

	if (!err)
		err = data_init(d, mem, len, &c, view, ROLE_FD_LINK);
	if (!err)
		err = take_signals(d);
	if (!err)
		err = take_xen(d, rc);
	if (!err && rc->prefault)
		mem_prefault(mem, len);
	if (!err && !alone())
		d->loop.busy_ns = rc->busy_us * 1000;
	close(ROLE_FD_VIEW);
	close(ROLE_FD_CONF);
	explicit_bzero(&c, sizeof(c));
	if (!err)
		log_info("%zu KiB for %u flows, %u clients, %u+%u buffers",
			 len / 1024, rc->fw.nat.flows, rc->fw.clients,
			 rc->fw.small_n, rc->fw.large_n);
	return err;
}

static int lock_in(const struct role_conf *rc)
{
	int err = isolate_world();

	if (!err)
		err = isolate_user(rc->uid, rc->gid, ISOLATE_NO_CAPS);
	return err ? err : isolate_data((enum isolate_mode)rc->sandbox);
}

int role_data(const struct role_conf *rc)
{
	static struct data d;
	int err = isolate_early(ROLE_FD_LINK + 1);

	role_begin("vifwall-data");
	if (log_open("data", (enum log_target)rc->log_target,
		     (enum log_level)rc->log_level))
		log_warn("no log but this one");
	if (!err)
		err = set_up(&d, rc);
	if (!err)
		err = lock_in(rc);
	if (err) {
		log_err("can't start (%s)", log_errno(-err));
		return ROLE_OS;
	}
	while (!d.stop)
		data_turn(&d);
	return ROLE_OK;
}
