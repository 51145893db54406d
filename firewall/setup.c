/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <string.h>

#include "firewall/control/apply/apply.h"
#include "firewall/setup.h"

static_assert(sizeof(((struct conf *)0)->run_dir) == ROLE_DIR_MAX,
	      "one length for the run directory");
static_assert(sizeof(((struct conf *)0)->xen_path) == ROLE_PATH_MAX,
	      "one length for the path of a simulated Xen");
static_assert(CONF_XEN_OFF == (int)ROLE_XEN_OFF &&
		      CONF_XEN_ON == (int)ROLE_XEN_ON &&
		      CONF_XEN_SIM == (int)ROLE_XEN_SIM,
	      "one list of Xens");

void setup_role(struct role_conf *rc, const struct conf *c)
{
	memset(rc, 0, sizeof(*rc));
	fw_conf_default(&rc->fw);
	rc->fw.clients = c->clients;
	rc->fw.ports = (uint16_t)(c->clients + 1);
	rc->fw.small_n = c->small_n;
	rc->fw.large_n = c->large_n;
	rc->fw.neighbours = c->neighbours;
	rc->fw.guard = APPLY_GUARD_MAX;
	rc->fw.nat = c->nat;
	rc->fw.reply_per_s = c->answers_per_s;
	rc->fw.reply_burst = c->answers_burst;
	rc->fw.reply_silent = c->reject == CONF_REJECT_SILENT;
	rc->fw.reject_rst = c->reject == CONF_REJECT_RST;
	rc->fw.hairpin = c->hairpin;
	rc->fw.mss = c->mss;
	rc->busy_us = c->busy_us;
	rc->prefault = c->prefault;
	rc->uid = c->uid;
	rc->gid = c->gid;
	rc->sandbox = c->sandbox;
	rc->log_target = c->log_target;
	rc->log_level = c->log_level;
	rc->xen = c->xen_kind;
	rc->xen_self = c->xen_self;
	memcpy(rc->xen_path, c->xen_path, sizeof(rc->xen_path));
	memcpy(rc->run_dir, c->run_dir, sizeof(rc->run_dir));
}
