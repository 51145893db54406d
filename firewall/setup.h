/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SETUP_H
#define VIFWALL_FIREWALL_SETUP_H

#include "firewall/control/conf/conf.h"
#include "firewall/role/roles.h"

/* What settings mean for the roles. */
void setup_role(struct role_conf *rc, const struct conf *c);

/*
 * Runs the path on the capture file @in with these settings and the rules that
 * they name; an enum role_exit.  Settings without a client: every set of the
 * rules directory becomes one, whose MAC address is the source of the first
 * frame in @in with its address; settings without an address outside: 192.0.2.2
 * and 2001:db8::2 (RFC 5737, RFC 3849), each with a gateway that ends in 1.
 */
int setup_replay(struct conf *c, const char *in, const char *out);

#endif
