/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>

#include "firewall/control/control_xen.h"
#include "firewall/linux/log.h"
#include "firewall/linux/xen_check.h"
#include "firewall/role/roles.h"
#include "xen/bus/store_sim.h"

#define START_MS 3000u /* for the XenStore to answer at all, or we go on */
#define STOP_MS 3000u  /* for the XenStore to hear that we go */
static_assert(STOP_MS < ROLE_STOP_MS, "or the parent kills us meanwhile");

int control_xen_check(const struct conf *c)
{
	char why[HOST_WHY_MAX];
	int err;

	if (c->xen_kind != CONF_XEN_ON)
		return ROLE_OK;
	err = xen_check(&xen_check_system, why);
	if (err == -EPERM)
		log_err("%s", why);
	else if (err)
		log_err("the host can't be looked at (%s)", log_errno(-err));
	if (!err)
		return ROLE_OK;
	return err == -EPERM ? ROLE_UNAVAILABLE : ROLE_OS;
}

static void tell_bus(void *ctx, const struct bus_tell *what)
{
	const struct control_xen *x = ctx;

	bus_thread_tell(x->bus, what);
}

static uint32_t rows(void *ctx, uint32_t *cursor, struct bus_row *out,
		     uint32_t max)
{
	const struct control_xen *x = ctx;

	return bus_thread_rows(x->bus, cursor, out, max);
}

/* One that has not answered yet is not lost, but stuck. */
static int lost(const struct control_xen *x)
{
	int err = bus_thread_lost(x->bus);

	return err == -EINPROGRESS ? 0 : err;
}

static void health(void *ctx, struct ctl_xen_health *out)
{
	const struct control_xen *x = ctx;

	out->stuck_ms = bus_thread_stuck_ms(x->bus);
	out->lost = lost(x);
	bus_thread_trouble(x->bus, out->trouble);
}

/* In the bus' thread: the XenStore may make it wait for any time. */
static struct store *open_store(void *ctx, uint16_t *self, int *err)
{
	const struct control_xen *x = ctx;
	struct store *s = x->kind == CONF_XEN_SIM
				  ? store_sim_open(x->dir, *self, err)
				  : store_libs_open(err);
	uint32_t dom = *self;

	if (s && x->kind == CONF_XEN_ON)
		*err = store_read_u32(s, "domid", UINT16_MAX, &dom);
	if (s && *err) {
		s->ops->close(s);
		return NULL;
	}
	*self = (uint16_t)dom;
	return s;
}

int control_xen_open(struct control_xen *x, const struct conf *c,
		     struct apply *a)
{
	const struct conf_port *up = &c->uplink.port;
	const struct bus_conf bc = {
		.self = c->xen_self,
		.uplink = up->kind == CONF_PORT_VIF,
		.uplink_handle = up->handle,
		.netvm = c->xen_netvm.is,
		.rules = c->xen_rules,
	};
	const struct bus_opener opener = { .open = open_store, .ctx = x };
	int err = 0;

	if (!c->xen_kind)
		return 0;
	x->kind = c->xen_kind;
	x->dir = c->xen_path;
	vifs_init(&x->vifs, a, tell_bus, x);
	x->ctl = (struct ctl_xen){
		.vifs = &x->vifs,
		.rows = rows,
		.health = health,
		.ctx = x,
	};
	x->bus = bus_thread_start(&opener, &bc, START_MS, &err);
	if (err)
		log_err("the XenStore can't be used (%s); is this a domain on "
			"Xen, and xenstored there? (xen = off does without)",
			log_errno(-err));
	return err;
}

void control_xen_work(struct control_xen *x)
{
	bus_thread_receive(x->bus, &x->vifs.ops);
}

void control_xen_resume(struct control_xen *x)
{
	if (!x->bus)
		return;
	x->crashed = true;
	bus_thread_resume(x->bus);
}

/* view.served and .sent are valid from the first answer on. */
void control_xen_answered(struct control_xen *x, const struct apply *a,
			  const struct view *view, struct mono now)
{
	if (!x->crashed || !a->answered)
		return;
	x->crashed = false;
	vifs_crashed(&x->vifs, view->served, view->sent, now);
}

void control_xen_watch(struct control_xen *x)
{
	bool stuck;
	int err;

	if (!x->bus)
		return;
	err = lost(x);
	stuck = bus_thread_stuck_ms(x->bus) >= BUS_THREAD_STUCK_MS;
	if (err && !x->said_lost)
		log_err("the XenStore is gone (%s): vifs stay as they are, no "
			"other one connects until it is back",
			log_errno(-err));
	if (!err && x->said_lost)
		log_info("the XenStore is back");
	if (stuck && !x->said_stuck)
		log_warn("the XenStore does not answer; vifs stay as they are");
	if (!stuck && x->said_stuck)
		log_info("the XenStore answers again");
	x->said_lost = err;
	x->said_stuck = stuck;
}

void control_xen_stop(struct control_xen *x)
{
	if (x->bus && !bus_thread_stop(x->bus, &x->vifs.ops, STOP_MS))
		log_warn("the XenStore does not answer: our uplink stays as "
			 "it is there");
}
