/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_DAEMON_H
#define VIFWALL_FIREWALL_DAEMON_H

/* All of vifwalld, from its command line on; an enum role_exit. */
int daemon_run(int argc, char **argv);

#endif
