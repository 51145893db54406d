/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/linux/xen_check.h"
#include "unit.h"

static char dir[64], proc[96], driver[96], one[128], cmdline[160];
static struct xen_check_paths paths;

static void begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/vifwall-xen-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(proc, sizeof(proc), "%s/proc", dir);
	snprintf(one, sizeof(one), "%s/17", proc);
	snprintf(cmdline, sizeof(cmdline), "%s/cmdline", one);
	snprintf(driver, sizeof(driver), "%s/vif", dir);
	CU_ASSERT_EQUAL_FATAL(mkdir(proc, 0700), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(one, 0700), 0);
	paths = (struct xen_check_paths){ .driver = driver, .proc = proc };
}

static void end(void)
{
	unlink(cmdline);
	rmdir(one);
	rmdir(proc);
	rmdir(driver);
	rmdir(dir);
}

static void runs(const char *words, size_t len)
{
	FILE *f = fopen(cmdline, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(words, 1, len, f), len);
	fclose(f);
}

static void the_kernels_backend_keeps_us_out(void)
{
	char why[HOST_WHY_MAX];

	begin();
	CU_ASSERT_EQUAL(xen_check(&paths, why), 0);
	CU_ASSERT_STRING_EQUAL(why, "");
	CU_ASSERT_EQUAL(mkdir(driver, 0700), 0);
	CU_ASSERT_EQUAL(xen_check(&paths, why), -EPERM);
	CU_ASSERT(!!strstr(why, "modprobe -r xen-netback"));
	CU_ASSERT_EQUAL(why[strlen(why) - 1], ')');
	end();
}

static const struct {
	const char *words;
	size_t len;
	bool is;
} lines[] = {
#define LINE(text, yes)                 \
	{                               \
		text, sizeof(text), yes \
	}
	LINE("xl\0devd", true),
	LINE("/usr/lib/xen-4.17/bin/xl\0-v\0devd\0-F", true),
	LINE("xl\0list", false),
	LINE("/bin/sh\0-c\0xl devd", false),
	LINE("vi\0/usr/sbin/xl\0devd", false),
	LINE("", false),
};

static void xl_devd_keeps_us_out(void)
{
	char why[HOST_WHY_MAX];

	begin();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		runs(lines[i].words, lines[i].len);
		CU_ASSERT_EQUAL(xen_check(&paths, why),
				lines[i].is ? -EPERM : 0);
		CU_ASSERT_EQUAL(!!strstr(why, "xendriverdomain"), lines[i].is);
	}
	end();
}

static void a_machine_that_can_not_be_looked_at_is_an_error(void)
{
	char why[HOST_WHY_MAX];

	paths = (struct xen_check_paths){ .driver = "/nonexistent/driver",
					  .proc = "/nonexistent/proc" };
	CU_ASSERT_EQUAL(xen_check(&paths, why), -ENOENT);
}

UNIT_SUITE(xen_check, UNIT(the_kernels_backend_keeps_us_out),
	   UNIT(xl_devd_keeps_us_out),
	   UNIT(a_machine_that_can_not_be_looked_at_is_an_error))
