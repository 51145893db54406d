/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data process' ports: taken over, given up, lost. */
#include <errno.h>
#include <unistd.h>

#include "firewall/data/data.h"
#include "firewall/linux/log.h"

int data_port_room(struct data *d, uint16_t id, enum data_kind kind)
{
	struct data_port *dp;

	if (id > d->clients)
		return -EINVAL;
	dp = &d->port[id];
	if (dp->used)
		return -EEXIST;
	/* what was lost here before need not be told any more */
	if (dp->failed)
		d->failed_n--;
	*dp = (struct data_port){ .kind = (uint8_t)kind };
	return 0;
}

/* Nothing wakes it any more, then it is closed. */
static void shut(struct data *d, uint16_t id)
{
	struct data_port *dp = &d->port[id];
	struct port *port = &dp->u.port;

	if (data_on_rings(dp))
		data_events_forget(d, id);
	else
		loop_del(&d->loop, port->wake_fd);
	port->ops->close(port);
	dp->used = false;
}

int data_port_begin(struct data *d, uint16_t id)
{
	struct data_port *dp = &d->port[id];
	int err = fw_port_add(d->fw, &dp->u.port);

	if (err)
		shut(d, id);
	else
		dp->used = true;
	return err;
}

static int open_device(struct data_port *dp, const struct msg_port *m, int fd)
{
	struct port *port = &dp->u.port;

	port->mac = m->mac;
	port->mtu = m->mtu;
	port->caps = m->caps;
	if (m->kind != MSG_PORT_TAP)
		return port_packet_init(&dp->u.packet, fd, m->ring);
	port_tap_init(&dp->u.tap, fd);
	return 0;
}

/* Takes @fd over, also when it fails. */
int data_port_add(struct data *d, const struct msg_port *m, int fd)
{
	int err = data_port_room(d, m->id, (enum data_kind)m->kind);

	if (!err)
		err = open_device(&d->port[m->id], m, fd);
	if (err) {
		close(fd);
		return err;
	}
	err = loop_add(&d->loop, fd, DATA_PORT, m->id, LOOP_IN);
	if (err) {
		shut(d, m->id);
		return err;
	}
	return data_port_begin(d, m->id);
}

static void close_port(struct data *d, uint16_t id)
{
	fw_port_remove(d->fw, &d->port[id].u.port, d->loop.now);
	shut(d, id);
}

int data_port_del(struct data *d, uint16_t id)
{
	if (id > d->clients || !d->port[id].used)
		return -ENOENT;
	close_port(d, id);
	return 0;
}

void data_close_ports(struct data *d)
{
	for (uint16_t i = 0; i <= d->clients; i++)
		if (d->port[i].used)
			close_port(d, i);
}

static void lose(struct data *d, uint16_t id, int err)
{
	log_warn("port %u: %s (%s)", id,
		 data_on_rings(&d->port[id]) ? "its rings are closed"
					     : "device is gone",
		 log_errno(-err));
	close_port(d, id);
	d->port[id].failed = err;
	d->failed_n++;
}

void data_port_event(struct data *d, uint16_t id, uint32_t what)
{
	struct data_port *dp;
	int err = 0;

	if (id > d->clients || !d->port[id].used)
		return;
	dp = &d->port[id];
	if ((what & LOOP_ERR) && dp->kind == MSG_PORT_PACKET)
		err = port_packet_check(&dp->u.packet);
	if (err)
		lose(d, id, err);
	else
		fw_port_wake(d->fw, &dp->u.port);
}

void data_ports_reap(struct data *d)
{
	struct port *port;
	int err;

	while ((port = fw_port_failed(d->fw, &err)))
		for (uint16_t i = 0; i <= d->clients; i++)
			if (&d->port[i].u.port == port)
				lose(d, i, err);
}
