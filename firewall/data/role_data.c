/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "firewall/data/data.h"
#include "firewall/linux/isolate.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/rand.h"
#include "firewall/role/roles.h"

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

static void say_size(const struct data *d, const struct fw_conf *c, size_t len)
{
	struct nat_usage u;

	log_info("%zu KiB for %u flows, %u clients, %u+%u buffers",
		 (len + data_keep_size(c)) / 1024, c->nat.flows, c->clients,
		 c->small_n, c->large_n);
	if (!c->adopt)
		return;
	nat_usage(fw_nat(d->fw), UINT16_MAX, &u);
	log_info("%u flows of the process before this one go on", u.flows);
}

static int set_up(struct data *d, const struct role_conf *rc)
{
	struct fw_conf c = rc->fw;
	struct view *view =
		mem_map(ROLE_FD_VIEW, view_size(c.clients), MEM_WRITE);
	void *kept = mem_map_block(ROLE_FD_KEEP, data_keep_size(&c));
	struct data_keep keep = { 0 };
	void *mem = NULL;
	size_t len = 0;
	int err = view && kept ? draw_keys(&c) : -errno;

	if (!err) {
		data_keep_open(&keep, kept, &c);
		len = data_size(&c);
		mem = mem_block(len, 0);
		err = mem ? 0 : -errno;
	}
	if (!err)
		err = data_init(d, mem, len, &c, view, ROLE_FD_LINK);
	if (!err) {
		d->keep = keep;
		data_keep_begin(&d->keep, d->loop.now);
		err = take_signals(d);
	}
	if (!err)
		err = take_xen(d, rc);
	if (!err && rc->prefault)
		mem_prefault(mem, len);
	if (!err && !alone())
		d->loop.busy_ns = rc->busy_us * 1000;
	close(ROLE_FD_VIEW);
	close(ROLE_FD_KEEP);
	close(ROLE_FD_CONF);
	if (!err)
		say_size(d, &c, len);
	explicit_bzero(&c, sizeof(c));
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
	int err = isolate_early(ROLE_FD_KEEP + 1);

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
