/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firewall/linux/xen_check.h"

const struct xen_check_paths xen_check_system = {
	.driver = "/sys/bus/xen-backend/drivers/vif",
	.proc = "/proc",
};

/* Its words, each with its NUL; how many bytes, 0 when it is gone. */
static size_t words_of(const char *proc, const char *pid, char *out,
		       size_t room)
{
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/cmdline", proc, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, out, room - 1);
	close(fd);
	if (n <= 0)
		return 0;
	out[n] = '\0';
	return (size_t)n;
}

/* "xl devd", "/usr/sbin/xl -v devd -F" */
static bool is_devd(const char *words, size_t len)
{
	const char *end = words + len, *slash = strrchr(words, '/');

	if (strcmp(slash ? slash + 1 : words, "xl"))
		return false;
	for (const char *w = words; w < end; w += strlen(w) + 1)
		if (!strcmp(w, "devd"))
			return true;
	return false;
}

static int find_devd(const char *proc, bool *found)
{
	char words[256];
	struct dirent *e;
	DIR *d = opendir(proc);

	*found = false;
	if (!d)
		return -errno;
	while (!*found && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			*found = is_devd(words, words_of(proc, e->d_name, words,
							 sizeof(words)));
	closedir(d);
	return 0;
}

int xen_check(const struct xen_check_paths *p, char why[HOST_WHY_MAX])
{
	bool devd;
	int err;

	why[0] = '\0';
	if (!access(p->driver, F_OK)) {
		snprintf(why, HOST_WHY_MAX,
			 "the kernel is the backend of this domain's vifs "
			 "itself, and would forward beside us; take it away "
			 "for good (modprobe -r xen-netback; echo 'install "
			 "xen-netback /bin/false' > "
			 "/etc/modprobe.d/vifwall.conf)");
		return -EPERM;
	}
	err = find_devd(p->proc, &devd);
	if (err || !devd)
		return err;
	snprintf(why, HOST_WHY_MAX,
		 "xl devd runs here, and takes away vifs that are ours; end it "
		 "(systemctl disable --now xendriverdomain, or kill it)");
	return -EPERM;
}
