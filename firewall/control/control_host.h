/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONTROL_HOST_H
#define VIFWALL_FIREWALL_CONTROL_CONTROL_HOST_H

#include "firewall/control/conf/conf.h"
#include "firewall/control/ctl/ctl.h"
#include "firewall/linux/host_nft.h"

/*
 * This machine's own kernel, kept from acting beside us: the part of the
 * control process that looks at it before the start and keeps the rules of
 * linux/host_nft.h in force (host.rules).
 *
 * They are put before the first link is opened, changed before a link is opened
 * at a reload, put back when somebody took them away, and removed when the
 * daemon was told to stop.  A process that is killed, or that ends because
 * something broke, leaves them: what is left forwards nothing.
 */
struct control_host {
	struct host_nft nft;
	uint8_t rules; /* enum conf_host_rules */
	bool running;
	bool found;	  /* at the start there were tables of that name */
	struct mono due;  /* next look */
	struct mono last; /* look before that */
	char who[HOST_WHO_MAX];
	struct ctl_host told; /* for status */
};

/* An enum role_exit; otherwise than with 0 the log has said why. */
int control_host_start(struct control_host *h, const struct conf *c);

/* To wait for; -1: nothing. */
int control_host_fd(const struct control_host *h);
/* It was readable. */
void control_host_news(struct control_host *h, struct mono now);
/* Looks and mends, when it is time to; when to come again. */
struct mono control_host_tick(struct control_host *h, struct mono now);

/*
 * Settings @next are to come into force in place of @is.  0: the rules are
 * those of @next.  -errno: those of @is stay the ones that are kept in force,
 * and @next must not be used; -EBADMSG: with host.rules = check others are
 * loaded than it needs, and the log has said so.
 */
int VW_MUST_USE control_host_conf(struct control_host *h, const struct conf *is,
				  const struct conf *next);

enum control_host_end {
	CONTROL_HOST_TOLD,     /* somebody asked us to stop: rules go */
	CONTROL_HOST_BROKE,    /* rules stay */
	CONTROL_HOST_NO_START, /* as they were before: there, or not */
};
void control_host_stop(struct control_host *h, enum control_host_end how);

#endif
