/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "xen/sim.h"

void xen_sim_fail(struct xen *x, enum xen_sim_op op, uint32_t after, int err)
{
	sim_of(x)->fault = (struct sim_fault){
		.armed = err != 0, .op = op, .after = after, .err = err
	};
}

void xen_sim_fail_seg(struct xen *x, uint32_t after, int16_t status)
{
	sim_of(x)->fault = (struct sim_fault){ .armed = status != XEN_OKAY,
					       .after = after,
					       .status = status };
}

bool xen_sim_failed(const struct xen *x)
{
	const struct sim_handle *h = (const void *)x;

	return h->fault.done;
}

void xen_sim_hook(struct xen *x, const struct xen_sim_hook *hook)
{
	sim_of(x)->hook = hook ? *hook : (struct xen_sim_hook){ 0 };
}

/* One of those that the fault counts: whether it is the one. */
static bool due(struct sim_fault *f)
{
	if (f->after) {
		f->after--;
		return false;
	}
	f->armed = false;
	f->done = true;
	return true;
}

int sim_enter(struct sim_handle *h, enum xen_sim_op op)
{
	struct sim_fault *f = &h->fault;

	if (__atomic_load_n(&h->slot->life, __ATOMIC_ACQUIRE) != h->life)
		return -EBADF;
	sim_call_hook(h, op, 0, false);
	if (f->armed && f->err && (f->op == op || f->op == XEN_SIM_ANY) &&
	    due(f))
		return -f->err;
	return 0;
}

int sim_leave(struct sim_handle *h, enum xen_sim_op op, int result)
{
	sim_call_hook(h, op, 0, true);
	return result;
}

bool sim_fault_seg(struct sim_handle *h, int16_t *status)
{
	struct sim_fault *f = &h->fault;

	if (!f->armed || f->err || !due(f))
		return false;
	*status = f->status;
	return true;
}
