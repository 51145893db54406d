/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>

#include "firewall/linux/isolate.h"
#include "firewall/linux/log.h"

/* SECCOMP_DATA() and SECCOMP_CONTROL(): see tests/tools/gen-seccomp. */
#include "firewall/linux/seccomp_calls.h"

/*
 * What every process needs that the C library does on its own account.
 * #syscalls data control: exit_group rt_sigreturn restart_syscall
 */

/* One allowed call, and what its arguments must be. */
struct call {
	int nr;
	unsigned int n;
	struct scmp_arg_cmp must[2];
};

#define CALL(name, count, ...) \
	{ .nr = SCMP_SYS(name), .n = (count), .must = { __VA_ARGS__ } },
#define MASKED(a, mask, is)                                              \
	{                                                                \
		.arg = (a), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), \
		.datum_b = (scmp_datum_t)(is)                            \
	}

#define ALLOW(name) CALL(name, 0, { 0 })
/* mmap: a page that can be executed never comes to be */
#define NOEXEC(name) CALL(name, 1, MASKED(2, PROT_EXEC, 0))
/* ... nor one that was not there: it is of a file, and the file's own */
#define SHARED(name)                           \
	CALL(name, 2, MASKED(2, PROT_EXEC, 0), \
	     MASKED(3, MAP_TYPE | MAP_ANONYMOUS, MAP_SHARED))
/* fcntl, ioctl: the command is the second argument; socket: the first */
#define COMMAND(name, cmd)                                                   \
	CALL(name, 1,                                                        \
	     MASKED(SCMP_SYS(name) == SCMP_SYS(socket) ? 0 : 1, 0xffffffffu, \
		    cmd))

static const struct call data_calls[] = { SECCOMP_DATA(ALLOW, NOEXEC, SHARED,
						       COMMAND) };
static const struct call control_calls[] = { SECCOMP_CONTROL(ALLOW, NOEXEC,
							     SHARED, COMMAND) };

#ifndef VIFWALL_INSTRUMENTED
static int add_call(scmp_filter_ctx ctx, const struct call *c)
{
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, c->nr, c->n,
				      c->must);
}

static int filter(enum isolate_mode mode, const struct call *calls, size_t n)
{
	scmp_filter_ctx ctx;
	int err;

	if (mode == ISOLATE_OFF)
		return 0;
	ctx = seccomp_init(mode == ISOLATE_TRACE ? SCMP_ACT_LOG
						 : SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return -ENOMEM;
	err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
			       SCMP_ACT_KILL_PROCESS);
	/* threads that are there already, too */
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* a search tree instead of a list: the order costs nothing */
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < n && !err; i++)
		err = add_call(ctx, &calls[i]);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}
#else
static int filter(enum isolate_mode mode, const struct call *calls, size_t n)
{
	(void)calls;
	if (mode != ISOLATE_OFF)
		log_warn("sandbox: instrumented build, %zu calls not enforced",
			 n);
	return 0;
}
#endif

#define N(a) (sizeof(a) / sizeof((a)[0]))

int isolate_data(enum isolate_mode mode)
{
	return filter(mode, data_calls, N(data_calls));
}

int isolate_control(enum isolate_mode mode)
{
	return filter(mode, control_calls, N(control_calls));
}
