/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_NOTIFY_H
#define VIFWALL_FIREWALL_LINUX_NOTIFY_H

/*
 * Tells the service manager @state ("READY=1", "STOPPING=1") by the socket that
 * NOTIFY_SOCKET names, as sd_notify(3) does; without one, nothing.
 */
void notify(const char *state);

#endif
