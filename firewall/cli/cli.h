/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CLI_CLI_H
#define VIFWALL_FIREWALL_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/cli/ask.h"

/* What the command line said. */
struct cli {
	const char *socket;
	int fd; /* connected to the daemon; -1: by socket */
	bool json, follow;
	const char *client; /* --client, or the subcommand's argument */
	uint64_t since_ms;  /* --since; UINT64_MAX: all */
	int argc;	    /* arguments after the subcommand */
	char *const *argv;
};

/* The whole program; an enum cli_exit.  Reorders @argv, flushes stdout. */
int cli_run(int argc, char **argv);

/*
 * The same within the daemon, which gives a connection to itself (@fd, the
 * caller's) and says where to print.  What names files or never ends is
 * refused.
 */
int cli_ask(int argc, char **argv, int fd, FILE *out, FILE *err);

/* Subcommands; an enum cli_exit.  @a is open, but for those of
 * which `offline` is true in cli.c. */
int cli_status(const struct cli *c, struct ask *a);
int cli_clients(const struct cli *c, struct ask *a);
int cli_flows(const struct cli *c, struct ask *a);
int cli_rules(const struct cli *c, struct ask *a);
int cli_blocked(const struct cli *c, struct ask *a);
int cli_drops(const struct cli *c, struct ask *a);
int cli_metrics(const struct cli *c, struct ask *a);
int cli_kill(const struct cli *c, struct ask *a);
int cli_dns(const struct cli *c, struct ask *a);
int cli_vif(const struct cli *c, struct ask *a);
int cli_reload(const struct cli *c, struct ask *a);
int cli_forwards(const struct cli *c, struct ask *a);
int cli_explain(const struct cli *c, struct ask *a);
int cli_check(const struct cli *c, struct ask *a);
int cli_doctor(const struct cli *c, struct ask *a);
int cli_version(const struct cli *c, struct ask *a);
int cli_completion(const struct cli *c, struct ask *a);

/* The table of subcommands, for those that print it. */
struct cli_word {
	const char *name, *args, *help;
};
void cli_each_command(void (*each)(const struct cli_word *w, void *ctx),
		      void *ctx);
/* The options as --help prints them. */
const char *cli_options(void);

/* "10.0.0.1:80" or "[2001:db8::1]:80" of the end @o, under these two keys. */
#define END_MAX (JREAD_TEXT + 16)
const char *cli_end(const struct jdoc *d, const struct jval *o, const char *ip,
		    const char *port, char out[END_MAX]);
/* Request line with the client, if one was asked for. */
const char *cli_request(const struct cli *c, const char *what,
			char out[CTL_LINE_MAX]);

#endif
