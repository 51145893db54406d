/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data process obeys control: one function for each kind of message. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firewall/data/data.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"

/* The path's number for control's port @id; UINT16_MAX stays "none". */
static int path_port(const struct data *d, uint16_t id, uint16_t *out)
{
	*out = UINT16_MAX;
	if (id == UINT16_MAX)
		return 0;
	if (id > d->clients || !d->port[id].used)
		return -ENODEV;
	*out = d->port[id].u.port.id;
	return 0;
}

static int set_uplink(struct data *d)
{
	struct fw_uplink u = d->in.body.uplink.uplink;
	int err = path_port(d, u.port, &u.port);

	if (!err)
		err = fw_uplink_set(d->fw, &u, d->loop.now);
	if (!err && d->in.body.uplink.announce)
		fw_uplink_announce(d->fw, d->loop.now);
	return err;
}

static int set_client(struct data *d)
{
	const struct msg_client *m = &d->in.body.client;
	struct fw_client c = m->client;
	int err = path_port(d, c.port, &c.port);

	if (!err && m->n > d->clients)
		err = -EINVAL;
	return err ? err : fw_client_set(d->fw, m->n, &c, d->loop.now);
}

/* All lists come as an array in a sealed file of @n times @each bytes. */
static int set_list(struct data *d, size_t each)
{
	uint32_t n = d->in.body.guard.n;
	const void *list = NULL;
	int err;

	if (n) {
		list = mem_map_sealed(d->in.fd, n * each);
		if (!list)
			return -EBADF;
	}
	if (d->in.hdr.type == MSG_GUARD)
		err = fw_guard_set(d->fw, list, n);
	else if (d->in.hdr.type == MSG_PAIRS)
		err = fw_pairs_set(d->fw, list, n);
	else
		err = fw_forwards_set(d->fw, list, n);
	if (list)
		mem_unmap(list, n * each);
	return err;
}

static int show_flows(struct data *d)
{
	struct msg_flows_page *page = &d->answer.body.flows_page;

	memset(page, 0, sizeof(*page));
	page->cursor = d->in.body.flows.cursor;
	page->n = nat_each(fw_nat(d->fw), &page->cursor, page->flow,
			   MSG_FLOWS_PER_PAGE, d->loop.now);
	d->answer.page = MSG_FLOWS_PAGE;
	return 0;
}

static int end_flows(struct data *d)
{
	if (d->in.body.id.id > d->clients)
		return -EINVAL;
	nat_owner_forget(fw_nat(d->fw), d->in.body.id.id);
	return 0;
}

static int show_usage(struct data *d)
{
	struct msg_usage_page *page = &d->answer.body.usage_page;

	memset(page, 0, sizeof(*page));
	nat_usage(fw_nat(d->fw), UINT16_MAX, &page->all);
	page->table_bytes = d->table_bytes;
	if (d->port[0].used)
		page->port0 = d->port[0].u.port.stats;
	d->answer.page = MSG_USAGE_PAGE;
	return 0;
}

static int take_port(struct data *d)
{
	int fd = d->in.fd;

	d->in.fd = -1;
	return data_port_add(d, &d->in.body.port, fd);
}

static int add_front(struct data *d)
{
	int err = data_front_add(d, &d->in.body.front,
				 &d->answer.body.front_keys);

	if (!err)
		d->answer.page = MSG_FRONT_KEYS;
	return err;
}

static int show_vifs(struct data *d)
{
	data_vifs(d, d->in.body.vifs.cursor, &d->answer.body.vifs_page);
	d->answer.page = MSG_VIFS_PAGE;
	return 0;
}

static int stop(struct data *d)
{
	data_close_ports(d);
	d->stop = true;
	return 0;
}

static int obey(struct data *d)
{
	switch (d->in.hdr.type) {
	case MSG_PORT_ADD:
		return take_port(d);
	case MSG_PORT_DEL:
		return data_port_del(d, d->in.body.id.id);
	case MSG_UPLINK:
		return set_uplink(d);
	case MSG_CLIENT:
		return set_client(d);
	case MSG_CLIENT_DEL:
		return data_change_remove(d);
	case MSG_RULES:
		return data_change_rules(d);
	case MSG_GUARD:
		return set_list(d, sizeof(struct pkt_addr));
	case MSG_PAIRS:
		return set_list(d, sizeof(struct fw_pair));
	case MSG_FORWARDS:
		return set_list(d, sizeof(struct fw_forward));
	case MSG_PROFILES:
		return data_change_profiles(d);
	case MSG_FLOWS:
		return show_flows(d);
	case MSG_FLOWS_END:
		return end_flows(d);
	case MSG_USAGE:
		return show_usage(d);
	case MSG_VIF_ADD:
		return data_vif_add(d, &d->in.body.vif);
	case MSG_VIF_LIMITS:
		return data_vif_limits(d, &d->in.body.vif_limits);
	case MSG_FRONT_ADD:
		return add_front(d);
	case MSG_VIFS:
		return show_vifs(d);
	case MSG_STOP:
		return stop(d);
	case MSG_DNS:
		return fw_dns_set(d->fw, &d->in.body.dns);
	case MSG_DNS_ASK:
		return fw_dns_ask(d->fw, &d->in.body.dns_msg, d->loop.now);
	case MSG_DNS_PASS:
		fw_dns_pass(d->fw, d->in.body.dns_pass.n,
			    d->in.body.dns_pass.ask, d->loop.now);
		return 0;
	case MSG_SETTLED:
		fw_settle(d->fw);
		return 0;
	default:
		return -EBADMSG;
	}
}

void data_answer(struct data *d, int err)
{
	if (err)
		log_dbg("request %u refused (%s)", d->in.hdr.type,
			log_errno(-err));
	d->answer.seq = d->in.hdr.seq;
	d->answer.done = (struct msg_done){ .err = -err };
	d->answer.waits = true;
}

void data_obey(struct data *d)
{
	int err;

	d->answer.page = 0;
	err = obey(d);
	if (d->in.fd >= 0)
		close(d->in.fd);
	if (err || d->change.step == DATA_IDLE)
		data_answer(d, err);
}

/* True when the message is gone: sent, or there is nobody to take it. */
static bool gone(int err)
{
	return err != -EAGAIN && err != -ENOBUFS && err != -ENOMEM;
}

static bool tell_answer(struct data *d)
{
	struct data_answer *a = &d->answer;

	if (!a->waits)
		return true;
	if (a->page && !gone(msg_send(d->link, a->page, a->seq, &a->body, -1)))
		return false;
	a->page = 0;
	if (!gone(msg_send(d->link, MSG_DONE, a->seq, &a->done, -1)))
		return false;
	a->waits = false;
	return true;
}

/* DNS messages that came; false: the socket is full. */
static bool tell_dns(struct data *d)
{
	const struct fw_dns_msg *m;

	while ((m = fw_dns_next(d->fw))) {
		if (!gone(msg_send(d->link, MSG_DNS_CAME, 0, m, -1)))
			return false;
		fw_dns_taken(d->fw);
	}
	return true;
}

bool data_tell(struct data *d)
{
	if (!tell_answer(d) || !tell_dns(d))
		return false;
	for (uint16_t i = 0; i <= d->clients && d->failed_n; i++) {
		struct data_port *dp = &d->port[i];
		struct msg_done m = { .id = i, .err = -dp->failed };

		if (!dp->failed)
			continue;
		if (!gone(msg_send(d->link, MSG_PORT_FAILED, 0, &m, -1)))
			return false;
		dp->failed = 0;
		d->failed_n--;
	}
	return true;
}
