/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LD_PRELOAD for a stock xenstored, so that it serves its socket on a machine
 * without Xen.  Every call that would reach the hypervisor succeeds and does
 * nothing; dom0's ring page is an empty page, and the two files that name it
 * are made up.
 *
 *	XENSTORED_RUNDIR=DIR LD_PRELOAD=xsd_preload.so xenstored -N
 *
 * (xenstored's own -D leaves out the table that it looks each domain up in.)
 * All who connect to the socket are dom0: access rights are not checked there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#define PAGE 4096u
#define SOME_PORT 10

static int handle; /* its address stands for every kind of handle */

xc_interface *xc_interface_open(xentoollog_logger *l, xentoollog_logger *d,
				unsigned int flags)
{
	(void)l, (void)d, (void)flags;
	return (xc_interface *)&handle;
}

int xc_interface_close(xc_interface *h)
{
	(void)h;
	return 0;
}

/* Each domain that is asked for is there and runs. */
int xc_domain_getinfo(xc_interface *h, uint32_t dom, unsigned int max,
		      xc_dominfo_t *info)
{
	(void)h, (void)max;
	memset(info, 0, sizeof(*info));
	info->domid = dom;
	info->running = 1;
	return 1;
}

xengnttab_handle *xengnttab_open(xentoollog_logger *l, unsigned int flags)
{
	(void)l, (void)flags;
	return (xengnttab_handle *)&handle;
}

int xengnttab_close(xengnttab_handle *h)
{
	(void)h;
	return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *h, uint32_t n)
{
	(void)h, (void)n;
	return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *h, uint32_t dom, uint32_t ref,
			      int prot)
{
	(void)h, (void)dom, (void)ref;
	return mmap(NULL, PAGE, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int xengnttab_unmap(xengnttab_handle *h, void *at, uint32_t n)
{
	(void)h;
	return munmap(at, (size_t)n * PAGE);
}

static int events = -1;

xenevtchn_handle *xenevtchn_open(xentoollog_logger *l, unsigned int flags)
{
	(void)l, (void)flags;
	events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return (xenevtchn_handle *)&handle;
}

int xenevtchn_close(xenevtchn_handle *h)
{
	(void)h;
	return close(events);
}

int xenevtchn_fd(xenevtchn_handle *h)
{
	(void)h;
	return events;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *h,
					      unsigned int virq)
{
	(void)h, (void)virq;
	return SOME_PORT;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h,
						     uint32_t dom,
						     evtchn_port_t port)
{
	(void)h, (void)dom, (void)port;
	return SOME_PORT + 1;
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h, (void)port;
	return 0;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h, (void)port;
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h, (void)port;
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
	(void)h;
	errno = EAGAIN;
	return -1;
}

/* The port and the page of dom0's own ring; -1: another file. */
static int made_up(const char *path)
{
	int fd;

	if (strstr(path, "xsd_port")) {
		fd = memfd_create("xsd_port", MFD_CLOEXEC);
		return write(fd, "1", 1) == 1 && !lseek(fd, 0, SEEK_SET) ? fd
									 : -1;
	}
	if (strstr(path, "xsd_kva")) {
		fd = memfd_create("xsd_kva", MFD_CLOEXEC);
		return ftruncate(fd, PAGE) ? -1 : fd;
	}
	return -1;
}

static int open_really(const char *name, const char *path, int flags,
		       unsigned int mode)
{
	int (*real)(const char *, int, ...);
	void *sym = dlsym(RTLD_NEXT, name);
	int fd = made_up(path);

	memcpy(&real, &sym, sizeof(real));
	return fd >= 0 ? fd : real(path, flags, mode);
}

#define OPEN(name)                                            \
	int name(const char *path, int flags, ...)            \
	{                                                     \
		va_list more;                                 \
		unsigned int mode;                            \
                                                              \
		va_start(more, flags);                        \
		mode = va_arg(more, unsigned int);            \
		va_end(more);                                 \
		return open_really(#name, path, flags, mode); \
	}

OPEN(open)
OPEN(open64)
