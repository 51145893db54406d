/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_QUBES_SERVICE_H
#define VIFWALL_FIREWALL_CONTROL_QUBES_SERVICE_H

#include "firewall/control/apply/apply.h"
#include "xen/qubes/qrexec.h"

/*
 * What may be asked of us by qrexec.  dom0's policy says which qube may call
 * what; which of it is for dom0 alone is said here, in one table.
 *
 *	service.c		the table, and each call's way through it
 *	service_qubes.c		services that every qube of Qubes has
 *	service_rules.c		rules that dom0 sets by hand
 *
 * What is only shown is shown by the operator's own commands, so it looks the
 * same; struct service_ops runs them elsewhere, one at a time.
 */
#define SERVICE_WORDS 8	      /* of a command, with its name */
#define SERVICE_ARG_MAX 256u  /* of a call, with its NUL */
#define SERVICE_LINE_MAX 512u /* of input, with its newline */
#define SERVICE_LINES_MAX 9999u
#define SERVICE_INPUT_MS 60000u	 /* for input to come to its end */
#define SERVICE_UPLINK_MS 60000u /* to wait for the uplink */
#define SERVICE_SHOW_MS 60000u	 /* to read what is shown */
#define SERVICE_LOOK_MS 200u	 /* how often it is looked at */

struct services;
struct service_row;

struct service_ops {
	/*
	 * Runs a command of vifwallctl, whose text and exit code go to the call
	 * @id until services_shown(), or services_gone().  -EBUSY: another one
	 * runs; services_next() tells that it is over.
	 */
	int (*show)(void *ctx, uint32_t id, int argc, const char *const *argv);
	/* The caller is gone: nobody reads it any more. */
	void (*hide)(void *ctx, uint32_t id);
	bool (*uplink_up)(void *ctx);
	/* Seconds since 1970; setting it is 0, or -errno. */
	int64_t (*clock)(void *ctx);
	int (*set_clock)(void *ctx, int64_t s); /* NULL: not ours to set */
	void *ctx;
};

enum service_state {
	SERVICE_FREE,
	SERVICE_READING, /* lines of input */
	SERVICE_UPLINK,	 /* waits for the uplink */
	SERVICE_QUEUED,	 /* waits for its turn to be shown */
	SERVICE_SHOWING,
};

/* One call. */
struct service {
	uint8_t state; /* enum service_state */
	uint32_t id;
	const struct service_row *row;
	struct mono until;
	int argc;
	const char *argv[SERVICE_WORDS]; /* into arg, or constant */
	char arg[SERVICE_ARG_MAX];
	/* SERVICE_READING */
	struct tree *rules; /* lines, by number */
	uint32_t lines, wrong;
	bool too_long;
	size_t line_len;
	char line[SERVICE_LINE_MAX];
};

struct services {
	struct qrexec *q;
	struct apply *apply;
	const struct service_ops *ops;
	struct mono now;
	struct service call[QREXEC_CALLS];
};

/* For struct qrexec_ops; @ctx is the struct services. */
int services_call(void *ctx, uint32_t id, const struct qrexec_call *c,
		  char why[QREXEC_WHY]);
void services_input(void *ctx, uint32_t id, const void *bytes, size_t len);
void services_gone(void *ctx, uint32_t id);

/* All was shown to @id, and that is the exit code. */
void services_shown(struct services *s, uint32_t id, int code);
/* Nothing is shown now: the call that waits for it is next. */
void services_next(struct services *s);
/* Does what is due; when to call it again. */
struct mono services_work(struct services *s, struct mono now);

/* ---- for the service_*.c family -------------------------------------------*/

struct service_row {
	const char *name;
	bool dom0_only;
	/* How it begins: 0, or an exit code at once, with a sentence. */
	int (*begin)(struct services *s, struct service *c,
		     char why[QREXEC_WHY]);
	const char *command;	      /* of vifwallctl; NULL: none */
	uint8_t words_min, words_max; /* that it takes */
	const char *usage;	      /* the argument; NULL: none */
	/* Input, line by line (without its newline), and its end. */
	void (*line)(struct services *s, struct service *c);
	void (*end)(struct services *s, struct service *c);
};

/* Text for the caller's standard error; foreign bytes must not be in it. */
void service_say(struct services *s, const struct service *c, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));
/* It is done. */
void service_exit(struct services *s, struct service *c, int code);

/* Seconds since 1970 of "2026-07-31T16:10:43+0000" (@len bytes, foreign), as
 * date(1) writes it; false: it is something else. */
bool service_time(int64_t *out, const char *text, size_t len);

int service_begin_time(struct services *s, struct service *c,
		       char why[QREXEC_WHY]);
void service_line_time(struct services *s, struct service *c);
void service_end_time(struct services *s, struct service *c);
int service_begin_ok(struct services *s, struct service *c,
		     char why[QREXEC_WHY]);
int service_begin_woke(struct services *s, struct service *c,
		       char why[QREXEC_WHY]);
int service_begin_uplink(struct services *s, struct service *c,
			 char why[QREXEC_WHY]);

int service_begin_rules(struct services *s, struct service *c,
			char why[QREXEC_WHY]);
void service_line_rules(struct services *s, struct service *c);
void service_end_rules(struct services *s, struct service *c);
int service_begin_clear(struct services *s, struct service *c,
			char why[QREXEC_WHY]);

#endif
