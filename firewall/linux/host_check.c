/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/linux/host_check.h"
#include "firewall/linux/link.h"

/* Where the kernel keeps a family's switches, and the one for all of them. */
static const struct family {
	const char *name, *global;
} families[] = {
	{ "ipv4", "net.ipv4.ip_forward" },
	{ "ipv6", "net.ipv6.conf.all.forwarding" },
};

static bool name_ok(const char *name)
{
	size_t len = strnlen(name, LINK_NAME_MAX);

	return len && len < LINK_NAME_MAX && !strchr(name, '/') &&
	       strcmp(name, ".") && strcmp(name, "..");
}

/* The switch's value; 0 when there is none (family or interface absent). */
static int read_switch(const char *family, const char *name, const char *what)
{
	char path[96], text[16] = { 0 };
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family,
		 name, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	return text[0] != '0';
}

static bool has_address(const struct ifaddrs *list, const char *name)
{
	for (const struct ifaddrs *a = list; a; a = a->ifa_next)
		if (a->ifa_addr && !strcmp(a->ifa_name, name) &&
		    (a->ifa_addr->sa_family == AF_INET ||
		     a->ifa_addr->sa_family == AF_INET6))
			return true;
	return false;
}

/* The family in which the kernel forwards what comes in there, or NULL. */
static int forwards(const char *name, const struct family **family)
{
	*family = NULL;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		int on = read_switch(families[i].name, name, "forwarding");

		if (on < 0)
			return on;
		if (on)
			*family = &families[i];
	}
	return 0;
}

static int check_addresses(const struct host_if *ifs, size_t n,
			   char why[HOST_WHY_MAX])
{
	struct ifaddrs *list;
	int err = 0;

	if (getifaddrs(&list))
		return -errno;
	for (size_t i = 0; i < n && !err; i++) {
		if (!ifs[i].packet || !has_address(list, ifs[i].name))
			continue;
		snprintf(
			why, HOST_WHY_MAX,
			"interface %s has an address, so this host would "
			"answer beside the firewall; remove it (ip address "
			"flush dev %s; sysctl net.ipv6.conf.%s.disable_ipv6=1)",
			ifs[i].name, ifs[i].name, ifs[i].name);
		err = -EPERM;
	}
	freeifaddrs(list);
	return err;
}

int host_check(const struct host_if *ifs, size_t n, char why[HOST_WHY_MAX])
{
	size_t others = 0;

	why[0] = 0;
	for (size_t i = 0; i < n; i++)
		if (!name_ok(ifs[i].name)) {
			snprintf(why, HOST_WHY_MAX,
				 "no interface can have that name");
			return -EINVAL;
		}
	for (size_t i = 0; i < n; i++) {
		const struct family *family;
		int err = forwards(ifs[i].name, &family);

		if (err)
			return err;
		if (!family || (!ifs[i].packet && others++ == 0))
			continue;
		snprintf(why, HOST_WHY_MAX,
			 "the kernel itself forwards what comes in by %s; "
			 "switch that off (sysctl %s=0, or "
			 "net.%s.conf.%s.forwarding=0)",
			 ifs[i].name, family->global, family->name,
			 ifs[i].name);
		return -EPERM;
	}
	return check_addresses(ifs, n, why);
}
