/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What wakes the ports on rings: event channels, which all come by one
 * descriptor, and time.
 */
#include <errno.h>

#include "firewall/data/data.h"
#include "firewall/linux/log.h"

/* Channels of one turn; what is left makes the descriptor readable again. */
#define TAKE 64u
/* Turns in a row in which Xen would not say what came: it never will. */
#define FAILURES 16u
/* How late a deadline may be noticed that began after the last look. */
#define LOOK_MS 1u

#define NEVER ((struct mono){ UINT64_MAX })

int data_xen_use(struct data *d, struct xen *x)
{
	int err = loop_add(&d->loop, x->evt_fd, DATA_EVENT, 0, LOOP_IN);

	if (!err)
		d->xen = x;
	return err;
}

static struct gate *gate_of(struct data_port *dp)
{
	return dp->kind == DATA_VIF ? &dp->u.vif.gate : &dp->u.front.gate;
}

/* ---- event channels ------------------------------------------------------ */

int data_events_expect(struct data *d, uint16_t id)
{
	const struct gate *g = gate_of(&d->port[id]);

	for (uint32_t i = 0; i < g->port_n; i++)
		if (g->port[i] >= DATA_CHANNELS)
			return -ERANGE;
	for (uint32_t i = 0; i < g->port_n; i++)
		d->channel[g->port[i]] = (uint16_t)(id + 1);
	d->rings++;
	return 0;
}

void data_events_forget(struct data *d, uint16_t id)
{
	const struct gate *g = gate_of(&d->port[id]);

	for (uint32_t i = 0; i < g->port_n; i++)
		d->channel[g->port[i]] = 0;
	d->rings--;
}

/* An event came; @channel may be one that was closed since. */
static void dispatch(struct data *d, uint32_t channel)
{
	uint16_t who = channel < DATA_CHANNELS ? d->channel[channel] : 0;
	struct data_port *dp;

	if (!who)
		return;
	dp = &d->port[who - 1];
	if (dp->kind == DATA_VIF)
		netback_event(&dp->u.vif);
	else
		netfront_event(&dp->u.front);
	fw_port_wake(d->fw, &dp->u.port);
}

/* Deaf we are of no use: another process may hear. */
static void deaf(struct data *d, int err)
{
	if (d->deaf++ == 0)
		log_warn("event channels can't be read (%s)", log_errno(-err));
	if (d->deaf < FAILURES)
		return;
	log_err("event channels can't be read: this process gives up");
	data_close_ports(d);
	d->stop = true;
}

void data_events(struct data *d)
{
	uint32_t channel[TAKE];
	int n = xen_evt_take(d->xen, channel, TAKE);

	if (n < 0) {
		deaf(d, n);
		return;
	}
	d->deaf = 0;
	for (int i = 0; i < n; i++)
		dispatch(d, channel[i]);
}

/* ---- time ---------------------------------------------------------------- */

/* When the port wants to be called again; wakes it when it is to be polled. */
static struct mono tick(struct data *d, uint16_t id)
{
	struct data_port *dp = &d->port[id];
	uint16_t was = view_serve(d->view, id);
	bool wake = false;
	struct mono next;

	if (dp->kind == DATA_VIF)
		next = netback_tick(&dp->u.vif, d->loop.now, &wake);
	else
		next = netfront_tick(&dp->u.front, d->loop.now, &wake);
	(void)view_serve(d->view, was);
	if (wake) {
		fw_port_wake(d->fw, &dp->u.port);
		d->busy = true;
	}
	return next;
}

static void look(struct data *d)
{
	d->rings_looked = d->loop.now;
	d->rings_due = NEVER;
	for (uint16_t id = 0; id <= d->clients; id++) {
		struct mono next;

		if (!d->port[id].used || !data_on_rings(&d->port[id]))
			continue;
		next = tick(d, id);
		if (next.ns < d->rings_due.ns)
			d->rings_due = next;
	}
}

/*
 * Deadlines come and go with every frame, and are milliseconds away at least.
 * So all are looked at now and then instead of being kept: at once after a
 * silence, else a little later.
 */
void data_events_tick(struct data *d)
{
	struct mono soon = mono_add_ms(d->rings_looked, LOOK_MS);

	if (!d->rings)
		d->rings_due = NEVER;
	else if (mono_past(soon, d->loop.now))
		look(d);
	else if (soon.ns < d->rings_due.ns)
		d->rings_due = soon;
}
