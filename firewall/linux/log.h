/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_LOG_H
#define VIFWALL_FIREWALL_LINUX_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Log lines of the daemon's processes: one line per event,
 *
 *	vifwalld[data]: warn port 3: device is gone (errno 77 EBADFD)
 *
 * Lines are made in a buffer on the stack and leave in one write.  Nothing here
 * allocates, and after log_open() nothing opens a file, so it works inside the
 * sandbox.  Every line of code that logs has a token bucket of its own: a burst
 * of LOG_BURST lines, then one each LOG_REFILL_S seconds; the next line that
 * passes tells how many were left out.
 *
 * Words that somebody outside this machine could choose go through
 * log_quote(), never through %s.
 */
enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DBG };

enum log_target {
	LOG_TO_STDERR,
	LOG_TO_SYSLOG, /* /dev/log, RFC 3164 form */
	LOG_TO_KMSG,   /* /dev/kmsg */
};

#define LOG_LINE_MAX 512u
#define LOG_BURST 20u
#define LOG_REFILL_S 5u

/*
 * @role is a constant word.  0, or -errno when the target can't be opened
 * (stderr is used then).
 */
int log_open(const char *role, enum log_target target, enum log_level level);
/* The descriptor lines go to, so that it is kept open. */
int log_fd(void);
/* Tests: lines go to @fd as they would to stderr. */
void log_to_fd(int fd);

/* State of one line of code; zero at first. */
struct log_site {
	uint64_t next_ns; /* when the bucket would be full again */
	uint32_t left_out;
};

/*
 * Use the macros; or a site of one's own for each of those who can cause a
 * line, where one of them must not leave out what is about another.
 */
void log_line(struct log_site *site, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_at(level, ...)                                  \
	do {                                                \
		static struct log_site log_site_;           \
		log_line(&log_site_, (level), __VA_ARGS__); \
	} while (0)
#define log_err(...) log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_dbg(...) log_at(LOG_LEVEL_DBG, __VA_ARGS__)

/*
 * @len foreign bytes made harmless: printable ASCII stays, everything else,
 * quotes and backslash become \xNN, at most LOG_QUOTE_MAX bytes of input are
 * shown ("..." marks more).  Returns @to, which holds LOG_QUOTE_ROOM bytes.
 */
#define LOG_QUOTE_MAX 64u
#define LOG_QUOTE_ROOM (4u * LOG_QUOTE_MAX + 4u)
const char *log_quote(char *to, const void *bytes, size_t len);

/* Name of an errno ("ENODEV"), or "?": strerror(3) may allocate. */
const char *log_errno(int err);

#endif
