/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CLI_DOCTOR_H
#define VIFWALL_FIREWALL_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/cli/jread.h"
#include "firewall/control/conf/conf.h"

/*
 * What must be true of a machine for the daemon to work on it: one function for
 * each precondition, which looks, says what it found, and names the command
 * that mends it.
 */
enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_HINT, /* it works; this would be better */
	DOCTOR_BAD,
	DOCTOR_SKIP, /* can't be looked at, or does not matter here */
};

/* The machine. */
struct doctor {
	const char *root;   /* before every path; "": this machine */
	const char *socket; /* the daemon's */
	struct conf *conf;
	struct conf_errors *errors; /* of the settings */
	bool running;		    /* a daemon answers */
	const struct jdoc *status;  /* what it says of itself; NULL: nothing */
	int64_t now; /* seconds since 1970, as the machine has it */
};

struct finding {
	enum doctor_verdict verdict;
	char what[300];
	char mend[300]; /* empty: nothing to mend */
};

struct doctor_check {
	const char *name;
	void (*look)(const struct doctor *d, struct finding *f);
	bool xen; /* matters with xen = on alone */
};

extern const struct doctor_check doctor_checks[]; /* in doctor_checks.c */
extern const size_t doctor_check_n;

/* Of any machine, and of a domain on Xen. */
void doctor_settings(const struct doctor *d, struct finding *f);
void doctor_memory(const struct doctor *d, struct finding *f);
void doctor_xen_type(const struct doctor *d, struct finding *f);
void doctor_xen_devices(const struct doctor *d, struct finding *f);
void doctor_xen_backend(const struct doctor *d, struct finding *f);
void doctor_xen_store(const struct doctor *d, struct finding *f);
void doctor_xen_limits(const struct doctor *d, struct finding *f);
void doctor_xen_memory(const struct doctor *d, struct finding *f);

/* Of a daemon that runs. */
void doctor_uplink(const struct doctor *d, struct finding *f);
void doctor_dom0(const struct doctor *d, struct finding *f);

/* Does the XenStore at the other end of @fd say who we are within a second? */
bool doctor_store_answers(int fd);

/* ---- for checks -----------------------------------------------------------*/

void doctor_say(struct finding *f, enum doctor_verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_mend(struct finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What the daemon would say at its start: "what is wrong; what to do", of which
 * the second may be missing. */
void doctor_bad(struct finding *f, const char *sentence);

#define DOCTOR_PATH 512u
/* @path on that machine; returns @out. */
const char *doctor_path(const struct doctor *d, const char *path,
			char out[DOCTOR_PATH]);
bool doctor_has(const struct doctor *d, const char *path);
/* The file's first @room - 1 bytes with a NUL; false: it can't be read. */
bool doctor_read(const struct doctor *d, const char *path, char *out,
		 size_t room);
/* The number that the file holds; -1: none. */
int64_t doctor_number(const struct doctor *d, const char *path);
/* Is it the machine that we run on? */
bool doctor_here(const struct doctor *d);

#endif
