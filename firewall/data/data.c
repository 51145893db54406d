/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "firewall/data/data.h"
#include "firewall/linux/log.h"

#define EVENTS 64u
/* Frames from one port in a round, and requests of control in a wake. */
#define FRAME_BUDGET 256u
#define REQUEST_BUDGET 6u

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
	void *path;
	int err;

	memset(d, 0, sizeof(*d));
	d->clients = c->clients;
	d->link = link;
	d->view = view;
	d->rings_due.ns = UINT64_MAX;
	nat.owners = (uint16_t)ports;
	d->table_bytes = nat_size(&nat);
	pkt_arena_init(&a, mem, len);
	/* first: the huge pages are for its table of flows */
	path = pkt_arena_room(&a, fw_size(c));
	d->port = pkt_arena_take(&a, ports * sizeof(*d->port));
	d->rules = pkt_arena_take(&a, 2 * ports * sizeof(*d->rules));
	/* zeroed by the caller, and touched where there are channels only */
	d->channel = pkt_arena_room(&a, DATA_CHANNELS * sizeof(*d->channel));
	if (!path || !d->port || !d->rules || !d->channel)
		return -ENOSPC;
	err = loop_open(&d->loop);
	if (err)
		return err;
	err = fw_init(&d->fw, path, fw_size(c), c, view, d->loop.now);
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

/* Without control there is nobody to forward for. */
static void control_gone(struct data *d, const char *why)
{
	log_warn("control is gone (%s)", why);
	data_close_ports(d);
	d->stop = true;
}

/* False: none waits. */
static bool next_request(struct data *d)
{
	int err = msg_recv(d->link, MSG_TO_DATA, &d->in);

	if (err == -EAGAIN)
		return false;
	if (err == -EBADMSG) {
		log_warn("a message of control is none");
		d->answer.page = 0;
		data_answer(d, err);
	} else if (err) {
		control_gone(d, log_errno(-err));
	} else {
		data_obey(d);
	}
	return true;
}

/*
 * What is done in slices ends the wake for requests: frames wait for some
 * microseconds of it, and not for several.  None is read while that goes on, or
 * while an answer can't be sent.
 */
static void serve_link(struct data *d, uint32_t what)
{
	uint32_t n = 0;

	if (d->change.step != DATA_IDLE) {
		if (what & LOOP_ERR)
			control_gone(d, "in the midst of a change");
		return;
	}
	while (n++ < REQUEST_BUDGET && d->change.step == DATA_IDLE &&
	       !d->stop && data_tell(d) && next_request(d))
		;
	watch_link(d, !data_tell(d));
}

static void handle(struct data *d, const struct loop_event *ev)
{
	switch ((enum data_fd)ev->type) {
	case DATA_LINK:
		serve_link(d, ev->what);
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
	if (d->busy || d->change.step != DATA_IDLE)
		return d->loop.now;
	return d->rings_due.ns < d->tick.ns ? d->rings_due : d->tick;
}

/*
 * Once: from here on the machine is of use.  The kernel's clock began when it
 * did, so where we start with it this is how long that takes.
 */
static void look_for_first(struct data *d)
{
	for (uint16_t i = 1; i <= d->clients && !d->passed; i++)
		d->passed = d->view->client[i].from_packets > 0;
	if (d->passed)
		log_info(
			"first packet forwarded, %llu ms by the kernel's clock",
			(unsigned long long)(d->loop.raw_ns / MONO_MS));
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
	if (d->change.step != DATA_IDLE)
		data_change_go_on(d);
	d->busy = fw_round(d->fw, FRAME_BUDGET, d->loop.now);
	if (mono_past(d->tick, d->loop.now)) {
		d->tick = fw_tick(d->fw, d->loop.now);
		data_keep_tick(&d->keep, d->loop.now);
		fw_flush(d->fw, d->loop.now);
	}
	if (!d->passed)
		look_for_first(d);
	data_ports_reap(d);
	watch_link(d, !data_tell(d));
	data_events_tick(d);
	if (!d->busy)
		d->busy = fw_arm(d->fw);
}
