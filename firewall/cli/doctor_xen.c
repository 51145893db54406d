/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preconditions of a domain on Xen, beside those of any machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "firewall/cli/doctor.h"
#include "firewall/linux/xen_check.h"

#define PAGES_SHARED 1024 /* by a frontend with full rings, and channels */
#define PAGES_MAPPED 2	  /* of each client: its rings */

void doctor_xen_type(const struct doctor *d, struct finding *f)
{
	char text[16];

	if (doctor_read(d, "/sys/hypervisor/type", text, sizeof(text)) &&
	    !strncmp(text, "xen", 3)) {
		doctor_say(f, DOCTOR_OK, "this is a domain on Xen");
		return;
	}
	doctor_say(f, DOCTOR_BAD, "this is no domain on Xen");
	doctor_mend(f, "xen = off in " CONF_FILE_DEFAULT
		       ", or start the daemon in a domain");
}

void doctor_xen_devices(const struct doctor *d, struct finding *f)
{
	static const struct {
		const char *path, *module;
	} all[] = {
		{ "/dev/xen/xenbus", "xenfs" },
		{ "/dev/xen/evtchn", "xen-evtchn" },
		{ "/dev/xen/gntdev", "xen-gntdev" },
		{ "/dev/xen/gntalloc", "xen-gntalloc" },
	};
	char path[DOCTOR_PATH];

	doctor_say(f, DOCTOR_OK, "all of /dev/xen are there");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!doctor_has(d, all[i].path)) {
			doctor_say(f, DOCTOR_BAD, "%s is missing", all[i].path);
			doctor_mend(f, "modprobe %s", all[i].module);
			return;
		}
		if (access(doctor_path(d, all[i].path, path), R_OK | W_OK)) {
			doctor_say(f, DOCTOR_SKIP, "%s: ask as root",
				   all[i].path);
			return;
		}
	}
}

void doctor_xen_backend(const struct doctor *d, struct finding *f)
{
	char driver[DOCTOR_PATH], proc[DOCTOR_PATH], why[HOST_WHY_MAX];
	const struct xen_check_paths paths = {
		.driver = doctor_path(d, xen_check_system.driver, driver),
		.proc = doctor_path(d, xen_check_system.proc, proc),
	};
	int err = xen_check(&paths, why);

	if (!err) {
		doctor_say(f, DOCTOR_OK,
			   "neither the kernel's nor xl devd is there");
		return;
	}
	if (err == -EPERM)
		doctor_bad(f, why);
	else
		doctor_say(f, DOCTOR_SKIP, "they can't be looked at");
}

/* One request that every domain may make of any XenStore. */
bool doctor_store_answers(int fd)
{
	static const char key[] = "domid";
	struct {
		struct xsd_sockmsg head;
		char key[sizeof(key)];
	} __attribute__((packed)) ask = {
		.head = { .type = XS_READ, .len = sizeof(key) },
		.key = "domid",
	};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct xsd_sockmsg said = { .type = XS_ERROR };

	if (write(fd, &ask, sizeof(ask)) != (ssize_t)sizeof(ask) ||
	    poll(&p, 1, 1000) != 1)
		return false;
	return read(fd, &said, sizeof(said)) == (ssize_t)sizeof(said) &&
	       said.type == XS_READ;
}

void doctor_xen_store(const struct doctor *d, struct finding *f)
{
	char path[DOCTOR_PATH];
	bool yes;
	int fd;

	if (!doctor_here(d)) {
		doctor_say(f, DOCTOR_SKIP, "not this machine");
		return;
	}
	fd = open(doctor_path(d, "/dev/xen/xenbus", path), O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		doctor_say(f, DOCTOR_SKIP, "%s can't be opened", path);
		return;
	}
	yes = doctor_store_answers(fd);
	close(fd);
	doctor_say(f, yes ? DOCTOR_OK : DOCTOR_BAD,
		   yes ? "it answers" : "it does not answer within a second");
	if (!yes)
		doctor_mend(f, "look at xenstored in dom0: systemctl status "
			       "xenstored");
}

void doctor_xen_limits(const struct doctor *d, struct finding *f)
{
	const struct {
		const char *module;
		int64_t least;
	} all[] = {
		{ "xen_gntdev", PAGES_MAPPED * d->conf->clients },
		{ "xen_gntalloc", PAGES_SHARED },
	};
	char path[64];

	doctor_say(f, DOCTOR_OK, "enough pages may be mapped and shared");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int64_t n;

		snprintf(path, sizeof(path), "/sys/module/%s/parameters/limit",
			 all[i].module);
		n = doctor_number(d, path);
		if (n < 0 || n >= all[i].least)
			continue; /* a kernel without a limit, or enough */
		doctor_say(f, DOCTOR_BAD,
			   "%s allows %" PRId64 " pages, %" PRId64
			   " are needed",
			   all[i].module, n, all[i].least);
		doctor_mend(f, "echo %" PRId64 " >%s", all[i].least, path);
		return;
	}
}

void doctor_xen_memory(const struct doctor *d, struct finding *f)
{
	if (!doctor_has(d, "/run/qubes-service/meminfo-writer")) {
		doctor_say(f, DOCTOR_OK, "dom0 takes no memory away");
		return;
	}
	doctor_say(f, DOCTOR_HINT, "dom0 moves this qube's memory about");
	doctor_mend(f, "in dom0: qvm-prefs NAME maxmem 0");
}
