/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>

#include "firewall/control_xen.h"
#include "firewall/linux/log.h"
#include "firewall/linux/xen_check.h"
#include "firewall/roles.h"
#include "xen/bus/store_sim.h"

#define STOP_MS 3000u /* for the XenStore to hear that we go */
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

static void health(void *ctx, struct ctl_xen_health *out)
{
	const struct control_xen *x = ctx;

	out->stuck_ms = bus_thread_stuck_ms(x->bus);
	out->lost = bus_thread_lost(x->bus);
	bus_thread_trouble(x->bus, out->trouble);
}

/* In the bus' thread, too, when it is lost. */
static struct store *connect_store(void *ctx, int *err)
{
	const struct control_xen *x = ctx;

	return x->kind == CONF_XEN_SIM ? store_sim_open(x->dir, x->self, err)
				       : store_libs_open(err);
}

static struct store *open_store(struct control_xen *x, int *err)
{
	struct store *s = connect_store(x, err);
	uint32_t dom = x->self;

	if (s && x->kind == CONF_XEN_ON)
		*err = store_read_u32(s, "domid", UINT16_MAX, &dom);
	if (*err)
		log_err("the XenStore can't be used (%s); is this a domain on "
			"Xen, and xenstored there? (xen = off does without)",
			log_errno(-*err));
	x->self = (uint16_t)dom;
	return *err ? NULL : s;
}

int control_xen_open(struct control_xen *x, const struct conf *c,
		     struct apply *a)
{
	const struct conf_port *up = &c->uplink.port;
	struct bus_conf bc = {
		.uplink = up->kind == CONF_PORT_VIF,
		.uplink_handle = up->handle,
		.netvm = c->xen_netvm.is,
		.rules = c->xen_rules,
	};
	const struct bus_opener again = { .open = connect_store, .ctx = x };
	struct store *s;
	int err = 0;

	if (!c->xen_kind)
		return 0;
	x->kind = c->xen_kind;
	x->self = c->xen_self;
	x->dir = c->xen_path;
	vifs_init(&x->vifs, a, tell_bus, x);
	x->ctl = (struct ctl_xen){
		.vifs = &x->vifs,
		.rows = rows,
		.health = health,
		.ctx = x,
	};
	s = open_store(x, &err);
	if (!s)
		return err;
	bc.self = x->self;
	x->bus = bus_thread_start(s, &again, &bc, &err);
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
	int lost;

	if (!x->bus)
		return;
	lost = bus_thread_lost(x->bus);
	stuck = bus_thread_stuck_ms(x->bus) >= BUS_THREAD_STUCK_MS;
	if (lost && !x->said_lost)
		log_err("the XenStore is gone (%s): vifs stay as they are, no "
			"other one connects until it is back",
			log_errno(-lost));
	if (!lost && x->said_lost)
		log_info("the XenStore is back");
	if (stuck && !x->said_stuck)
		log_warn("the XenStore does not answer; vifs stay as they are");
	if (!stuck && x->said_stuck)
		log_info("the XenStore answers again");
	x->said_lost = lost;
	x->said_stuck = stuck;
}

void control_xen_stop(struct control_xen *x)
{
	if (x->bus && !bus_thread_stop(x->bus, &x->vifs.ops, STOP_MS))
		log_warn("the XenStore does not answer: our uplink stays as "
			 "it is there");
}
