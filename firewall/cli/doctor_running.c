/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon itself says, where one runs: its way out, and dom0. */
#include "firewall/cli/doctor.h"

void doctor_uplink(const struct doctor *d, struct finding *f)
{
	const struct jdoc *s = d->status;
	char port[JREAD_TEXT], ip[JREAD_TEXT], ip6[JREAD_TEXT];
	const struct jval *u;

	if (!s) {
		doctor_say(f, DOCTOR_SKIP, "no daemon answers");
		return;
	}
	u = jget(s, jroot(s), "uplink");
	jtext(s, jget(s, u, "port"), port);
	jtext(s, jget(s, u, "ip"), ip);
	jtext(s, jget(s, u, "ip6"), ip6);
	if (jtrue(s, jget(s, u, "up"))) {
		doctor_say(f, DOCTOR_OK, "%s is up, with %s", port,
			   ip[0] ? ip : ip6);
	} else if (!ip[0] && !ip6[0]) {
		doctor_say(f, DOCTOR_BAD, "%s has no address", port);
		doctor_mend(f,
			    "uplink.ip = ADDRESS/LENGTH in %s; in Qubes, in "
			    "dom0: qvm-prefs NAME netvm sys-net",
			    CONF_FILE_DEFAULT);
	} else {
		doctor_say(f, DOCTOR_BAD, "%s, with %s, leads nowhere", port,
			   ip[0] ? ip : ip6);
		doctor_mend(f, "start what is at its other end; vifwallctl "
			       "status and vif say what is missing");
	}
}

void doctor_dom0(const struct doctor *d, struct finding *f)
{
	const struct jdoc *s = d->status;
	char trouble[JREAD_TEXT];
	const struct jval *q = s ? jget(s, jroot(s), "qubesdb") : NULL;

	if (!q) {
		doctor_say(f, DOCTOR_SKIP,
			   s ? "rules do not come from it"
			     : "no daemon answers");
		return;
	}
	jtext(s, jget(s, q, "trouble"), trouble);
	if (jtrue(s, jget(s, q, "connected"))) {
		doctor_say(f, DOCTOR_OK, "its QubesDB was read");
		return;
	}
	doctor_say(f, DOCTOR_BAD, "its QubesDB is not there%s%s",
		   trouble[0] ? ": " : "", trouble);
	doctor_mend(f, "in dom0: qvm-start NAME begins its daemon; in a qube "
		       "that runs Linux: systemctl restart qubes-db");
}
