/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preconditions of any machine; those of Xen are in doctor_xen.c.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/cli/doctor.h"
#include "firewall/linux/host_check.h"
#include "firewall/linux/host_nft.h"
#include "packet/pkt_buf.h"

#define FLOW_BYTES 128u		/* of the table and its indices */
#define FIXED_BYTES (16u << 20) /* programs, settings, rules */
#define CLOCK_SANE 1700000000	/* a day in 2023, before the first release */

void doctor_settings(const struct doctor *d, struct finding *f)
{
	char first[200];

	if (!doctor_has(d, CONF_FILE_DEFAULT)) {
		doctor_say(f, DOCTOR_BAD, "there is no " CONF_FILE_DEFAULT);
		doctor_mend(f, "cp /usr/share/doc/vifwall/examples/simple-nat/"
			       "vifwall.conf /etc/vifwall/, and edit it");
	} else if (d->errors->n) {
		snprintf(first, sizeof(first), "%.*s",
			 (int)strcspn(d->errors->text, "\n"), d->errors->text);
		doctor_say(f, DOCTOR_BAD, "%u errors: %s", d->errors->n, first);
		doctor_mend(f, "vifwallctl check " CONF_FILE_DEFAULT);
	} else {
		doctor_say(f, DOCTOR_OK, CONF_FILE_DEFAULT ", %u clients",
			   d->conf->client_n);
	}
}

static void check_daemon(const struct doctor *d, struct finding *f)
{
	if (!doctor_here(d))
		doctor_say(f, DOCTOR_SKIP, "not this machine");
	else if (d->running)
		doctor_say(f, DOCTOR_OK, "it answers at %s", d->socket);
	else {
		doctor_say(f, DOCTOR_BAD, "nobody answers at %s", d->socket);
		doctor_mend(f, "systemctl start vifwall; journalctl -u vifwall "
			       "says why it ended");
	}
}

static void check_run_dir(const struct doctor *d, struct finding *f)
{
	const char *dir = d->conf->run_dir;
	char path[DOCTOR_PATH];

	if (!doctor_has(d, dir))
		doctor_say(f, DOCTOR_OK, "%s is made at the start", dir);
	else if (!access(doctor_path(d, dir, path), W_OK))
		doctor_say(f, DOCTOR_OK, "%s can be written", dir);
	else if (geteuid() != 0)
		doctor_say(f, DOCTOR_SKIP, "%s: ask as root", dir);
	else {
		doctor_say(f, DOCTOR_BAD, "%s can't be written", dir);
		doctor_mend(f, "mount -o remount,rw /run");
	}
}

static void check_forwarding(const struct doctor *d, struct finding *f)
{
	static const struct {
		const char *path, *name;
	} all[] = {
		{ "/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward" },
		{ "/proc/sys/net/ipv6/conf/all/forwarding",
		  "net.ipv6.conf.all.forwarding" },
	};

	doctor_say(f, DOCTOR_OK, "the kernel forwards nothing");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (doctor_number(d, all[i].path) > 0) {
			doctor_say(f, DOCTOR_BAD,
				   "the kernel forwards by itself (%s)",
				   all[i].name);
			doctor_mend(f,
				    "sysctl -w %s=0, and no file in "
				    "/etc/sysctl.d that says otherwise",
				    all[i].name);
			return;
		}
}

static void check_links(const struct doctor *d, struct finding *f)
{
	const struct conf_port *links[CONF_LINKS];
	size_t n = conf_links(d->conf, links);
	char path[64];
	bool tap = false;

	for (size_t i = 0; i < n; i++) {
		tap = tap || links[i]->kind == CONF_PORT_TAP;
		snprintf(path, sizeof(path), "/sys/class/net/%s",
			 links[i]->name);
		if (links[i]->kind == CONF_PORT_TAP || doctor_has(d, path))
			continue;
		doctor_say(f, DOCTOR_BAD, "there is no interface %s",
			   links[i]->name);
		doctor_mend(f, "ip link lists what there is; name one of them "
			       "in " CONF_FILE_DEFAULT);
		return;
	}
	if (tap && !doctor_has(d, "/dev/net/tun")) {
		doctor_say(f, DOCTOR_BAD, "there are no TAP devices");
		doctor_mend(f, "modprobe tun");
		return;
	}
	doctor_say(f, DOCTOR_OK, "%zu are there", n);
}

/* The kernel must not answer on them. */
static void check_quiet(const struct doctor *d, struct finding *f)
{
	const struct conf_port *links[CONF_LINKS];
	struct host_if ifs[CONF_LINKS];
	size_t n = conf_links(d->conf, links);
	char why[HOST_WHY_MAX];
	int err;

	if (!doctor_here(d)) {
		doctor_say(f, DOCTOR_SKIP, "not this machine");
		return;
	}
	for (size_t i = 0; i < n; i++)
		ifs[i] = (struct host_if){ .name = links[i]->name,
					   .packet = links[i]->kind ==
						     CONF_PORT_PACKET };
	err = host_check(ifs, n, why);
	if (!err)
		doctor_say(f, DOCTOR_OK, "no address of this machine on them");
	else if (err == -EPERM)
		doctor_bad(f, why);
	else
		doctor_say(f, DOCTOR_SKIP, "they can't be looked at");
}

static int look_at_rules(const struct doctor *d)
{
	static struct host_nft h;
	const struct conf_port *links[CONF_LINKS];
	const char *names[CONF_LINKS];
	size_t n = conf_links(d->conf, links);
	int state = host_nft_open(&h);

	if (state)
		return state;
	for (size_t i = 0; i < n; i++)
		names[i] = links[i]->name;
	state = host_nft_want(&h, names, n);
	if (!state)
		state = host_nft_look(&h);
	host_nft_close(&h);
	return state;
}

static void check_rules(const struct doctor *d, struct finding *f)
{
	int state;

	if (!doctor_here(d) || d->conf->host_rules == CONF_HOST_OFF) {
		doctor_say(f, DOCTOR_SKIP,
			   doctor_here(d) ? "host.rules = off"
					  : "not this machine");
		return;
	}
	state = look_at_rules(d);
	if (state == -EPERM || state == -EACCES) {
		doctor_say(f, DOCTOR_SKIP, "ask as root");
	} else if (state < 0) {
		doctor_say(f, DOCTOR_BAD, "this kernel has no nf_tables");
		doctor_mend(f, "modprobe nf_tables; host.rules = off does "
			       "without");
	} else if (state == HOST_NFT_SAME) {
		doctor_say(f, DOCTOR_OK, "table vifwall is in force");
	} else if (!d->running && d->conf->host_rules == CONF_HOST_ON) {
		doctor_say(f, DOCTOR_OK, "the daemon sets them at its start");
	} else {
		doctor_say(f, DOCTOR_BAD,
			   "table vifwall is not as it should "
			   "be");
		doctor_mend(f, d->conf->host_rules == CONF_HOST_ON
				       ? "systemctl restart vifwall"
				       : "load the tables that vifwall.conf(5) "
					 "shows");
	}
}

void doctor_memory(const struct doctor *d, struct finding *f)
{
	const struct conf *c = d->conf;
	uint64_t need = FIXED_BYTES + (uint64_t)c->nat.flows * FLOW_BYTES +
			(uint64_t)c->small_n * PKT_SMALL +
			(uint64_t)c->large_n * PKT_LARGE;
	char text[4096];
	const char *at = NULL;
	uint64_t kib = 0;

	if (doctor_read(d, "/proc/meminfo", text, sizeof(text)))
		at = strstr(text, "MemAvailable:");
	if (at)
		kib = strtoull(at + strlen("MemAvailable:"), NULL, 10);
	if (!kib) {
		doctor_say(f, DOCTOR_SKIP, "/proc/meminfo does not say");
		return;
	}
	need >>= 20;
	doctor_say(f, DOCTOR_OK,
		   "%" PRIu64 " MiB available, about %" PRIu64 " needed%s",
		   kib >> 10, need, d->running ? " (and taken)" : "");
	if (!d->running && kib >> 10 < need) {
		f->verdict = DOCTOR_BAD;
		doctor_mend(f, "more memory for this machine, or less for "
			       "nat.flows, buffers.small and buffers.large");
	}
}

static void check_landlock(const struct doctor *d, struct finding *f)
{
	char text[256];

	if (!doctor_read(d, "/sys/kernel/security/lsm", text, sizeof(text))) {
		doctor_say(f, DOCTOR_SKIP, "the kernel does not say");
		return;
	}
	if (strstr(text, "landlock")) {
		doctor_say(f, DOCTOR_OK,
			   "it closes file systems to the "
			   "process that handles packets");
		return;
	}
	doctor_say(f, DOCTOR_HINT, "this kernel's Landlock is off");
	doctor_mend(f, "add lsm=landlock,%.*s to the kernel's command line",
		    (int)strcspn(text, "\n"), text);
}

/* Does a process run with that word in its command line? */
static bool runs(const struct doctor *d, const char *word)
{
	char path[DOCTOR_PATH], line[514] = { 0 };
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir(doctor_path(d, "/proc", path));

	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.32s/cmdline", e->d_name);
		/* the program, or the script that an interpreter runs */
		memset(line, 0, sizeof(line));
		if (doctor_read(d, path, line, sizeof(line) - 1))
			found = strstr(line, word) ||
				strstr(line + strlen(line) + 1, word);
	}
	closedir(dir);
	return found;
}

static void check_services(const struct doctor *d, struct finding *f)
{
	if (!runs(d, "/qubes-firewall")) {
		doctor_say(f, DOCTOR_OK, "no other firewall of qubes runs");
		return;
	}
	doctor_say(f, DOCTOR_BAD, "qubes-firewall runs beside the daemon");
	doctor_mend(f, "systemctl disable --now qubes-firewall; in dom0: "
		       "qvm-service --disable NAME qubes-firewall");
}

static void check_qubesdb(const struct doctor *d, struct finding *f)
{
	if (!doctor_has(d, "/usr/share/qubes/marker-vm"))
		doctor_say(f, DOCTOR_SKIP, "this is no qube");
	else if (doctor_has(d, "/run/qubes/qubesdb.sock"))
		doctor_say(f, DOCTOR_OK, "its daemon listens");
	else {
		doctor_say(f, DOCTOR_BAD, "its daemon does not run");
		doctor_mend(f, "systemctl restart qubes-db");
	}
}

/* The unit's own condition, of which systemd does not complain. */
static void check_qube_service(const struct doctor *d, struct finding *f)
{
	if (!doctor_has(d, "/usr/share/qubes/marker-vm"))
		doctor_say(f, DOCTOR_SKIP, "this is no qube");
	else if (doctor_has(d, "/run/qubes-service/vifwall"))
		doctor_say(f, DOCTOR_OK, "dom0 wants it here");
	else {
		doctor_say(f, DOCTOR_BAD,
			   "dom0 has not said that it belongs into this qube, "
			   "so the service does not start");
		doctor_mend(f, "in dom0: qvm-service NAME vifwall on; then "
			       "start the qube anew");
	}
}

/* By which the unit lets its user open what is root's. */
static void check_setfacl(const struct doctor *d, struct finding *f)
{
	if (!doctor_has(d, "/usr/lib/systemd/system/vifwall.service"))
		doctor_say(f, DOCTOR_SKIP, "there is no service");
	else if (doctor_has(d, "/usr/bin/setfacl"))
		doctor_say(f, DOCTOR_OK, "there");
	else {
		doctor_say(f, DOCTOR_BAD,
			   "missing: the service's user can't open Xen's "
			   "devices");
		doctor_mend(f, "apt-get install acl");
	}
}

#define CLOCK_CONF "/etc/systemd/system/vifwall.service.d/clock.conf"

/* A clock of dom0's is set by us, with a right that the unit does not give. */
static void check_clock(const struct doctor *d, struct finding *f)
{
	if (d->conf->qubes_clock == CONF_CLOCK_DOM0 &&
	    doctor_has(d, "/usr/lib/systemd/system/vifwall.service") &&
	    !doctor_has(d, CLOCK_CONF)) {
		doctor_say(f, DOCTOR_BAD,
			   "the service may not set it, so with qubes.clock = "
			   "dom0 it does not start");
		doctor_mend(
			f,
			"install -Dm644 /usr/lib/vifwall/clock.conf " CLOCK_CONF
			"; systemctl daemon-reload; or "
			"leave qubes.clock to the system");
		return;
	}
	if (d->now >= CLOCK_SANE) {
		doctor_say(f, DOCTOR_OK, "set");
		return;
	}
	doctor_say(f, DOCTOR_HINT, "it is not set: times in the log are wrong");
	doctor_mend(f, "timedatectl set-ntp true; in a qube: qvm-sync-clock");
}

const struct doctor_check doctor_checks[] = {
	{ "settings", doctor_settings, false },
	{ "daemon", check_daemon, false },
	{ "run-dir", check_run_dir, false },
	{ "forwarding", check_forwarding, false },
	{ "links", check_links, false },
	{ "addresses", check_quiet, false },
	{ "host-rules", check_rules, false },
	{ "memory", doctor_memory, false },
	{ "landlock", check_landlock, false },
	{ "services", check_services, false },
	{ "qube-service", check_qube_service, false },
	{ "qubesdb", check_qubesdb, false },
	{ "clock", check_clock, false },
	{ "uplink", doctor_uplink, false },
	{ "dom0", doctor_dom0, false },
	{ "hypervisor", doctor_xen_type, true },
	{ "devices", doctor_xen_devices, true },
	{ "setfacl", check_setfacl, true },
	{ "backends", doctor_xen_backend, true },
	{ "xenstore", doctor_xen_store, true },
	{ "limits", doctor_xen_limits, true },
	{ "balloon", doctor_xen_memory, true },
};
const size_t doctor_check_n = sizeof(doctor_checks) / sizeof(doctor_checks[0]);
