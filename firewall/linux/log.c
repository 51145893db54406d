/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "firewall/linux/log.h"

#define NS_PER_S 1000000000ull
#define FACILITY_DAEMON (3 << 3)

static struct {
	int fd;
	enum log_target target;
	enum log_level level;
	bool prefixed; /* stderr goes to a journal that reads "<4>" */
	const char *role;
} out = { .fd = STDERR_FILENO, .level = LOG_LEVEL_INFO, .role = "?" };

/* Syslog severities and the words of our own lines. */
static const struct {
	int severity;
	const char *word;
} levels[] = {
	[LOG_LEVEL_ERR] = { 3, "error" },
	[LOG_LEVEL_WARN] = { 4, "warn" },
	[LOG_LEVEL_INFO] = { 6, "info" },
	[LOG_LEVEL_DBG] = { 7, "debug" },
};

static int open_syslog(void)
{
	static const struct sockaddr_un to = { AF_UNIX, "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int log_open(const char *role, enum log_target target, enum log_level level)
{
	int fd = STDERR_FILENO;

	out.role = role;
	out.level = level;
	out.target = LOG_TO_STDERR;
	out.fd = fd;
	out.prefixed = getenv("JOURNAL_STREAM") != NULL;
	if (target == LOG_TO_SYSLOG)
		fd = open_syslog();
	else if (target == LOG_TO_KMSG)
		fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		fd = -errno;
	if (fd < 0)
		return fd;
	out.fd = fd;
	out.target = target;
	return 0;
}

int log_fd(void)
{
	return out.fd;
}

void log_to_fd(int fd)
{
	out.fd = fd;
	out.target = LOG_TO_STDERR;
	out.prefixed = false;
}

/*
 * A bucket of LOG_BURST lines that gains one each LOG_REFILL_S, kept as the
 * time at which it would be full again.
 */
static bool may_log(struct log_site *site, uint64_t now_ns)
{
	const uint64_t each = LOG_REFILL_S * NS_PER_S;

	if (site->next_ns < now_ns)
		site->next_ns = now_ns;
	if (site->next_ns - now_ns > (LOG_BURST - 1) * each) {
		site->left_out++;
		return false;
	}
	site->next_ns += each;
	return true;
}

/* Appends to @line, never past its end; the new length. */
__attribute__((format(printf, 3, 0))) static size_t
add(char line[LOG_LINE_MAX], size_t len, const char *fmt, va_list args)
{
	int n = vsnprintf(line + len, LOG_LINE_MAX - len, fmt, args);

	if (n < 0)
		return len;
	return (size_t)n < LOG_LINE_MAX - len ? len + (size_t)n
					      : LOG_LINE_MAX - 1;
}

__attribute__((format(printf, 3, 4))) static size_t
addf(char line[LOG_LINE_MAX], size_t len, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	len = add(line, len, fmt, args);
	va_end(args);
	return len;
}

static size_t add_head(char line[LOG_LINE_MAX], enum log_level level)
{
	int severity = levels[level].severity;
	size_t len = 0;

	if (out.target != LOG_TO_STDERR)
		severity |= FACILITY_DAEMON;
	if (out.target != LOG_TO_STDERR || out.prefixed)
		len = addf(line, len, "<%d>", severity);
	return addf(line, len, "vifwalld[%s]: %s ", out.role,
		    levels[level].word);
}

/*
 * #syscalls data control: write clock_gettime
 */
void log_line(struct log_site *site, enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	struct timespec now;
	int saved = errno;
	va_list args;
	size_t len;

	if (level > out.level)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!may_log(site,
		     (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec))
		return;
	len = add_head(line, level);
	va_start(args, fmt);
	len = add(line, len, fmt, args);
	va_end(args);
	if (site->left_out)
		len = addf(line, len, " (%u like it left out)", site->left_out);
	site->left_out = 0;
	if (len > LOG_LINE_MAX - 2)
		len = LOG_LINE_MAX - 2;
	line[len++] = '\n';
	/* nobody is left to tell when this fails */
	(void)!write(out.fd, line, len);
	errno = saved;
}

const char *log_quote(char *to, const void *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *b = bytes;
	size_t shown = len < LOG_QUOTE_MAX ? len : LOG_QUOTE_MAX;
	char *at = to;

	for (size_t i = 0; i < shown; i++) {
		if (b[i] >= 0x20 && b[i] < 0x7f && b[i] != '"' &&
		    b[i] != '\'' && b[i] != '\\') {
			*at++ = (char)b[i];
			continue;
		}
		*at++ = '\\';
		*at++ = 'x';
		*at++ = hex[b[i] >> 4];
		*at++ = hex[b[i] & 15];
	}
	memcpy(at, "...", 4);
	if (shown == len)
		*at = 0;
	return to;
}

const char *log_errno(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
#define NAME(e) { e, #e }
		NAME(EPERM),	    NAME(ENOENT),	NAME(EINTR),
		NAME(EIO),	    NAME(ENXIO),	NAME(EBADF),
		NAME(EAGAIN),	    NAME(ENOMEM),	NAME(EACCES),
		NAME(EFAULT),	    NAME(EBUSY),	NAME(EEXIST),
		NAME(ENODEV),	    NAME(ENOTDIR),	NAME(EINVAL),
		NAME(ENFILE),	    NAME(EMFILE),	NAME(ENOTTY),
		NAME(ENOSPC),	    NAME(EROFS),	NAME(EPIPE),
		NAME(ERANGE),	    NAME(ENAMETOOLONG), NAME(ENOSYS),
		NAME(EBADMSG),	    NAME(EOVERFLOW),	NAME(EBADFD),
		NAME(EMSGSIZE),	    NAME(EPROTO),	NAME(EOPNOTSUPP),
		NAME(EAFNOSUPPORT), NAME(EADDRINUSE),	NAME(EADDRNOTAVAIL),
		NAME(ENETDOWN),	    NAME(ENETUNREACH),	NAME(ECONNRESET),
		NAME(ENOBUFS),	    NAME(ETIMEDOUT),	NAME(ECONNREFUSED),
		NAME(EHOSTUNREACH), NAME(EALREADY),	NAME(E2BIG),
#undef NAME
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].err == err)
			return names[i].name;
	return "?";
}
