/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/cli/cli.h"

static const struct command {
	const char *name;
	int (*run)(const struct cli *c, struct ask *a);
	bool offline;
	bool client; /* its one argument is a client */
	const char *args, *help;
} commands[] = {
	{ "status", cli_status, false, false, "",
	  "the daemon, its tables and its clients" },
	{ "clients", cli_clients, false, false, "",
	  "clients with their counters" },
	{ "flows", cli_flows, false, true, "[CLIENT]", "open flows" },
	{ "rules", cli_rules, false, true, "[CLIENT]", "rules in force" },
	{ "blocked", cli_blocked, false, true, "[CLIENT]",
	  "what was refused lately, and how to allow it" },
	{ "drops", cli_drops, false, true, "[CLIENT]", "how often, by reason" },
	{ "forwards", cli_forwards, false, false, "",
	  "openings: what may come to clients from outside or across" },
	{ "explain", cli_explain, false, false, "CLIENT DST PROTO [PORT [SRC]]",
	  "what would become of such a packet" },
	{ "dns", cli_dns, false, true, "[CLIENT]",
	  "host names in rules, and their addresses" },
	{ "vif", cli_vif, false, false, "[list | follow | show DOM/NUMBER]",
	  "interfaces on Xen and their rings" },
	{ "kill", cli_kill, false, true, "CLIENT", "end all its flows" },
	{ "metrics", cli_metrics, false, false, "",
	  "all counters in the OpenMetrics format" },
	{ "reload", cli_reload, false, false, "",
	  "read settings and rules again" },
	{ "check", cli_check, true, false, "PATH",
	  "try a settings file, a rules directory or a rule" },
	{ "doctor", cli_doctor, true, false, "[/DIRECTORY]",
	  "is this machine as the daemon needs it, and what mends it" },
	{ "version", cli_version, true, false, "",
	  "this program, its build and its libraries" },
	{ "completion", cli_completion, true, false, "",
	  "what bash needs to complete these words" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char options[] =
	"  --json            one JSON object instead of text\n"
	"  --socket=PATH     the daemon's socket (" CTL_SOCKET ")\n"
	"  --client=CLIENT   flows, rules, blocked, drops: only this one\n"
	"  --since=TIME      blocked: only of the last 90s, 10m, 2h, 1d\n"
	"  --follow          blocked: go on with what is refused from now on\n"
	"  --help, --version\n";

void cli_each_command(void (*each)(const struct cli_word *w, void *ctx),
		      void *ctx)
{
	for (size_t i = 0; i < COMMANDS; i++)
		each(&(struct cli_word){ commands[i].name, commands[i].args,
					 commands[i].help },
		     ctx);
}

const char *cli_options(void)
{
	return options;
}

static void help(FILE *f)
{
	fputs("usage: vifwallctl [OPTION]... COMMAND [ARGUMENT]...\n\n", f);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(f, "  %-10s %-33s %s\n", commands[i].name,
			commands[i].args, commands[i].help);
	fprintf(f, "\n%s", options);
}

static int wrong(const char *what, const char *arg)
{
	fprintf(cli_err(),
		"vifwallctl: %s: %s\nvifwallctl --help shows what there is\n",
		arg, what);
	return CLI_USAGE;
}

static int wrong_args(const struct command *cmd)
{
	fprintf(cli_err(),
		"vifwallctl: %s: other arguments are needed\n"
		"usage: vifwallctl %s%s%s\n",
		cmd->name, cmd->name, cmd->args[0] ? " " : "", cmd->args);
	return CLI_USAGE;
}

/* "90s", "10m", "2h", "1d"; false: none of these. */
static bool parse_time(const char *s, uint64_t *ms)
{
	static const struct {
		char unit;
		uint64_t ms;
	} units[] = { { 's', 1000 },
		      { 'm', 60000 },
		      { 'h', 3600000 },
		      { 'd', 86400000 } };
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	for (int i = 0; i < 4; i++)
		if (end != s && s[0] >= '0' && s[0] <= '9' &&
		    end[0] == units[i].unit && !end[1] && n <= 1000000) {
			*ms = n * units[i].ms;
			return true;
		}
	return false;
}

/* An option; 0, or why not. */
static const char *option(struct cli *c, const char *arg)
{
	const char *eq = strchr(arg, '=');

	if (!strcmp(arg, "--json"))
		c->json = true;
	else if (!strcmp(arg, "--follow"))
		c->follow = true;
	else if (!strncmp(arg, "--socket=", 9))
		c->socket = eq + 1;
	else if (!strncmp(arg, "--client=", 9))
		c->client = eq + 1;
	else if (strncmp(arg, "--since=", 8))
		return "there is no such option";
	else if (!parse_time(eq + 1, &c->since_ms))
		return "not a time; allowed: 90s, 10m, 2h, 1d";
	return NULL;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Words that would not fit into a request are not sent. */
static bool word_ok(const char *s)
{
	size_t len = strlen(s);

	return len && len < 128 && !strpbrk(s, " \t\r\n");
}

static int run(const struct command *cmd, struct cli *c)
{
	static struct ask a;
	int code;

	if (cmd->client && c->argc == 1) {
		c->client = c->argv[0];
		c->argc = 0;
	}
	if (cmd->args[0] == '\0' || cmd->client
		    ? c->argc != 0
		    : !c->argc && cmd->args[0] != '[')
		return wrong_args(cmd);
	if (c->fd >= 0 && (cmd->offline || c->follow))
		return wrong("only as a command of the machine itself",
			     cmd->name);
	if (cmd->offline)
		return cmd->run(c, NULL);
	for (int i = 0; i < c->argc; i++)
		if (!word_ok(c->argv[i]))
			return wrong("not understood", c->argv[i]);
	if (c->client && !word_ok(c->client))
		return wrong("not the name of a client", c->client);
	code = c->fd < 0 ? ask_open(&a, c->socket) : ask_take(&a, c->fd);
	if (!code)
		code = cmd->run(c, &a);
	if (c->fd < 0)
		ask_close(&a);
	return code;
}

static int run_line(int argc, char **argv, int fd)
{
	struct cli c = { .socket = CTL_SOCKET,
			 .fd = fd,
			 .since_ms = UINT64_MAX };
	const struct command *cmd;
	int n = 0;

	/* what is no option moves to the front */
	for (int i = 1; i < argc; i++) {
		const char *why;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") ||
		    (!n && !strcmp(argv[i], "help"))) {
			help(cli_out());
			return CLI_OK;
		}
		if (!strcmp(argv[i], "--version")) {
			fputs("vifwallctl " VIFWALL_VERSION "\n", cli_out());
			return CLI_OK;
		}
		if (argv[i][0] != '-') {
			argv[n++] = argv[i];
			continue;
		}
		why = option(&c, argv[i]);
		if (why)
			return wrong(why, argv[i]);
	}
	if (!n) {
		help(cli_err());
		return CLI_USAGE;
	}
	cmd = find(argv[0]);
	if (!cmd)
		return wrong("there is no such command", argv[0]);
	c.argc = n - 1;
	c.argv = argv + 1;
	return run(cmd, &c);
}

int cli_run(int argc, char **argv)
{
	int code = run_line(argc, argv, -1);

	if (!fflush(cli_out()) && !ferror(cli_out()))
		return code;
	perror("vifwallctl: can't write");
	return CLI_OUTPUT;
}

int cli_ask(int argc, char **argv, int fd, FILE *out, FILE *err)
{
	int code;

	cli_to(out, err);
	code = run_line(argc, argv, fd);
	fflush(out);
	fflush(err);
	cli_to(NULL, NULL);
	return code;
}
