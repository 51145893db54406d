/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONTROL_QREXEC_H
#define VIFWALL_FIREWALL_CONTROL_CONTROL_QREXEC_H

#include "firewall/control/ctl/ctl.h"
#include "firewall/control/qubes/announce.h"
#include "firewall/control/qubes/service.h"
#include "firewall/linux/loop.h"
#include "firewall/control/show_thread.h"

/*
 * The control process' part in qrexec: services (control/qubes/service.h) by
 * its agent (xen/qubes/qrexec.h), and the operator's commands for those that
 * only show something.
 */
enum control_qrexec_idx {
	CONTROL_QREXEC_SHOW = QREXEC_PLACES + 1, /* below: the agent's places */
};

struct control_qrexec {
	struct qrexec *q; /* NULL: nobody calls us */
	struct services services;
	struct show *show;
	int showing; /* call; -1: none, or it is gone */
	struct ctl *ctl;
	struct loop *loop;
	uint32_t type; /* of all descriptors in the loop */
	struct announce announce;
};

/*
 * Before the process is locked in.  @ctl and @loop stay the caller's; @net
 * NULL: nothing is done, here and below.  0 or -errno.
 */
int VW_MUST_USE control_qrexec_open(struct control_qrexec *c,
				    struct chan_net *net, const struct conf *k,
				    struct ctl *ctl, struct loop *loop,
				    uint32_t type);
/* A descriptor of ours is readable. */
void control_qrexec_event(struct control_qrexec *c, uint32_t idx);
/* Does what is due; when to call it again.  Before ctl_work(). */
struct mono control_qrexec_work(struct control_qrexec *c);
/*
 * dom0 can know what we are by now, @known: so it is asked to look, until it
 * does (control/qubes/announce.h).  Before control_qrexec_work().
 */
void control_qrexec_announce(struct control_qrexec *c, bool known);
/* Before its struct chan_net goes. */
void control_qrexec_close(struct control_qrexec *c);

#endif
