/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CLI_ASK_H
#define VIFWALL_FIREWALL_CLI_ASK_H

#include <stdbool.h>
#include <stdio.h>

#include "firewall/cli/jread.h"

/* Exit codes of vifwallctl. */
enum cli_exit {
	CLI_OK = 0,
	CLI_NO = 1, /* refused: explain says drop, check found errors, the
		       daemon would not */
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 69,
	CLI_INTERNAL = 70, /* the answer is none */
	CLI_OUTPUT = 74,   /* stdout could not be written */
};

/*
 * Where commands print: the program's own two streams, or those that cli_to()
 * named last (NULL: the own one again).  Of the whole process: one command runs
 * at a time.
 */
FILE *cli_out(void);
FILE *cli_err(void);
void cli_to(FILE *out, FILE *err);

/* A connection to the daemon and its last answer. */
struct ask {
	int fd;
	size_t len;	 /* of text */
	struct jdoc doc; /* what text says */
	char text[CTL_ANSWER_MAX];
};

/* An enum cli_exit, and what was wrong on stderr. */
int ask_open(struct ask *a, const char *path);
/* The same with a connection that is there; always CLI_OK. */
int ask_take(struct ask *a, int fd);
void ask_close(struct ask *a);

/* Sends the line and reads the answer into a->doc.  An enum cli_exit: CLI_NO
 * when the answer is an error, which is on stderr then. */
int ask(struct ask *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Asks @request, page by page, and calls @each for every element of the
 * answers' list @name; @head (or NULL) sees the first page before that.
 */
int ask_all(struct ask *a, const char *request, const char *name,
	    void (*head)(const struct ask *a, void *ctx),
	    void (*each)(const struct ask *a, const struct jval *v, void *ctx),
	    void *ctx);

/*
 * Prints the answers to @request as one object, their lists @name joined.
 * ask_json_some() leaves out elements that @keep does not want; @head sees the
 * first page before that.
 */
int ask_json(struct ask *a, const char *request, const char *name);
int ask_json_some(struct ask *a, const char *request, const char *name,
		  void (*head)(const struct ask *a, void *ctx),
		  bool (*keep)(const struct ask *a, const struct jval *v,
			       void *ctx),
		  void *ctx);

#endif
