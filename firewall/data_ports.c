/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data process' ports: taken over, given up, lost. */
#include <errno.h>
#include <unistd.h>

#include "firewall/data.h"
#include "firewall/linux/log.h"

static int open_port(struct data *d, struct data_port *dp,
		     const struct msg_port *m, int fd)
{
	struct port *port = &dp->u.port;
	int err = 0;

	/* what was lost here before need not be told any more */
	if (dp->failed)
		d->failed_n--;
	*dp = (struct data_port){ .kind = m->kind };
	port->mac = m->mac;
	port->mtu = m->mtu;
	port->caps = m->caps;
	if (m->kind == MSG_PORT_TAP)
		port_tap_init(&dp->u.tap, fd);
	else
		err = port_packet_init(&dp->u.packet, fd, m->ring);
	return err;
}

/* Takes @fd over, also when it fails. */
int data_port_add(struct data *d, const struct msg_port *m, int fd)
{
	struct data_port *dp;
	struct port *port;
	int err;

	if (m->id > d->clients || d->port[m->id].used) {
		close(fd);
		return m->id > d->clients ? -EINVAL : -EEXIST;
	}
	dp = &d->port[m->id];
	port = &dp->u.port;
	err = open_port(d, dp, m, fd);
	if (err) {
		close(fd);
		return err;
	}
	err = loop_add(&d->loop, fd, DATA_PORT, m->id, LOOP_IN);
	if (err)
		goto err_close;
	err = fw_port_add(d->fw, port);
	if (err)
		goto err_loop;
	dp->used = true;
	return 0;
err_loop:
	loop_del(&d->loop, fd);
err_close:
	port->ops->close(port);
	return err;
}

static void close_port(struct data *d, struct data_port *dp)
{
	struct port *port = &dp->u.port;

	fw_port_remove(d->fw, port, d->loop.now);
	loop_del(&d->loop, port->wake_fd);
	port->ops->close(port);
	dp->used = false;
}

int data_port_del(struct data *d, uint16_t id)
{
	if (id > d->clients || !d->port[id].used)
		return -ENOENT;
	close_port(d, &d->port[id]);
	return 0;
}

void data_close_ports(struct data *d)
{
	for (uint32_t i = 0; i <= d->clients; i++)
		if (d->port[i].used)
			close_port(d, &d->port[i]);
}

static void lose(struct data *d, uint32_t id, int err)
{
	log_warn("port %u: device is gone (%s)", id, log_errno(-err));
	close_port(d, &d->port[id]);
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
		for (uint32_t i = 0; i <= d->clients; i++)
			if (&d->port[i].u.port == port)
				lose(d, i, err);
}
