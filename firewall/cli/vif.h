/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CLI_VIF_H
#define VIFWALL_FIREWALL_CLI_VIF_H

#include "firewall/cli/ask.h"

/*
 * vif follow: "online vif5.0 vif 10.137.0.5" when a guest's interface has
 * connected, "offline" and the same when it has not any more, for each of its
 * addresses; one with other addresses is another one.  Until the daemon ends,
 * with which all go offline.  An enum cli_exit.
 */
int cli_vif_follow(struct ask *a);

#endif
