/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Xen as the data process finds it, while files can still be opened. */
#include <errno.h>

#include "firewall/role/roles.h"
#include "firewall/linux/log.h"
#include "xen/sim_link.h"
#include "xen/xen_libs.h"

/*
 * Pages that the machine's processes may share: a frontend has 514, and those
 * of one that was given up count until its backend lets go of them.
 */
#define SHARED_PAGES 4096u

static void line(void *ctx, const char *text)
{
	(void)ctx;
	log_warn("%s", text);
}

static struct xen *open_real(void)
{
	static const struct xen_libs_log log = { .line = line };
	int err = xen_libs_raise_limit(SHARED_PAGES);

	if (err)
		log_warn("xen_gntalloc.limit can't be raised to %u (%s)",
			 SHARED_PAGES, log_errno(-err));
	return xen_libs_open(&log);
}

int role_xen_open(struct xen **out, const struct role_conf *rc)
{
	int err;

	*out = NULL;
	switch ((enum role_xen)rc->xen) {
	case ROLE_XEN_OFF:
		return 0;
	case ROLE_XEN_ON:
		*out = open_real();
		break;
	case ROLE_XEN_SIM:
	default:
		*out = xen_sim_link(rc->xen_path, rc->xen_self);
	}
	if (*out)
		return 0;
	err = -errno;
	if (rc->xen == ROLE_XEN_ON)
		log_err("Xen can't be reached (%s); it takes the kernel's "
			"modules xen_gntdev, xen_gntalloc and xen_evtchn",
			log_errno(-err));
	else
		log_err("no simulated Xen in %s takes us as domain %u (%s)",
			rc->xen_path, rc->xen_self, log_errno(-err));
	return err;
}
