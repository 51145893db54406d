/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments, then settings, then a role.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/conf/conf.h"
#include "firewall/daemon.h"
#include "firewall/linux/init.h"
#include "firewall/role/roles.h"
#include "firewall/setup.h"

static struct conf conf;
static struct conf_errors errors;

struct args {
	const char *config; /* NULL: the default, if it is there */
	const char *in, *out;
	bool check;
};

static const char usage[] =
	"usage: vifwalld [-c FILE] [--SETTING=VALUE]...\n"
	"       vifwalld [-c FILE] [--SETTING=VALUE]... --check\n"
	"       vifwalld [-c FILE] [--SETTING=VALUE]... --replay=IN.pcap "
	"-o OUT.pcap\n"
	"       vifwalld --help | --settings | --version\n"
	"-c FILE is short for --config=FILE.\n";

static int wrong(const char *what, const char *arg)
{
	fprintf(stderr, "vifwalld: %s: %s\n%s", arg, what, usage);
	return ROLE_USAGE;
}

static int print_and_exit(const char *arg)
{
	if (!strcmp(arg, "--version"))
		puts("vifwalld " VIFWALL_VERSION);
	else if (!strcmp(arg, "--settings"))
		conf_print_settings(stdout);
	else {
		fputs(usage, stdout);
		puts("\nSettings come from the file (built "
		     "in: " CONF_FILE_DEFAULT
		     "), the kernel command\nline (vifwall.SETTING=VALUE) and "
		     "the command line; later ones win.\n");
		conf_print_help(stdout);
	}
	return ROLE_OK;
}

/* In a path on the command line, what does not begin with / is below here. */
static const char *absolute(const char *path)
{
	static char out[2 * CONF_LINE_MAX];
	char here[CONF_LINE_MAX];

	if (path[0] == '/' || !getcwd(here, sizeof(here)))
		return path;
	snprintf(out, sizeof(out), "%s/%s", strcmp(here, "/") ? here : "",
		 path);
	return out;
}

static bool is_option(const char *arg, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(arg, name, len);
}

/* One argument with its value; a setting is kept for after the file. */
static int take(struct args *a, const char *name, size_t len, const char *value)
{
	if (is_option(name, len, "-c") || is_option(name, len, "--config"))
		a->config = absolute(value);
	else if (is_option(name, len, "--replay"))
		a->in = value;
	else if (is_option(name, len, "-o"))
		a->out = value;
	else if (len < 3 || memcmp(name, "--", 2))
		return wrong("not understood", name);
	return ROLE_OK;
}

/* Is @arg complete, or is its value the next argument? */
static bool takes_next(const char *arg)
{
	size_t len = strlen(arg);

	if (!strcmp(arg, "-c") || !strcmp(arg, "-o"))
		return true;
	if (len < 3 || memcmp(arg, "--", 2) || strchr(arg, '='))
		return false;
	return !strcmp(arg, "--config") || !strcmp(arg, "--replay") ||
	       conf_is_setting(arg + 2, len - 2);
}

/* Walks the arguments; @each gets name, its length and value. */
static int walk(struct args *a, int argc, char **argv,
		int (*each)(struct args *a, const char *name, size_t len,
			    const char *value))
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *eq = strchr(arg, '=');
		int code;

		if (!strcmp(arg, "--check")) {
			a->check = true;
			continue;
		}
		if (takes_next(arg)) {
			if (++i == argc)
				return wrong("needs a value", arg);
			code = each(a, arg, strlen(arg), argv[i]);
		} else if (eq) {
			code = each(a, arg, (size_t)(eq - arg), eq + 1);
		} else {
			return wrong("not understood", arg);
		}
		if (code)
			return code;
	}
	return ROLE_OK;
}

static int take_setting(struct args *a, const char *name, size_t len,
			const char *value)
{
	(void)a;
	if (name[1] != '-' || is_option(name, len, "--config") ||
	    is_option(name, len, "--replay"))
		return ROLE_OK;
	if (is_option(name, len, "--rules"))
		value = absolute(value);
	conf_read_option(&conf, name + 2, len - 2, value, &errors);
	return ROLE_OK;
}

static int read_settings(struct args *a, int argc, char **argv)
{
	conf_default(&conf);
	if (a->config)
		conf_read_file(&conf, a->config, &errors);
	else if (!access(CONF_FILE_DEFAULT, F_OK))
		conf_read_file(&conf, CONF_FILE_DEFAULT, &errors);
	conf_read_kernel(&conf, &errors);
	return walk(a, argc, argv, take_setting);
}

static int refuse(void)
{
	fputs(errors.text, stderr);
	if (errors.n > 1)
		fprintf(stderr, "vifwalld: %u errors\n", errors.n);
	return ROLE_USAGE;
}

static int start(struct args *a, int argc, char **argv)
{
	struct role_conf rc;
	int code = walk(a, argc, argv, take);

	if (!code)
		code = read_settings(a, argc, argv);
	if (code)
		return code;
	if (a->in) {
		if (!a->out)
			return wrong("needs -o OUT.pcap", "--replay");
		return errors.n ? refuse() : setup_replay(&conf, a->in, a->out);
	}
	/* what was refused would only be missed again */
	if (!errors.n)
		conf_check(&conf, CONF_RUN, &errors);
	if (errors.n)
		return refuse();
	if (a->check) {
		printf("%s: %u clients, no error\n",
		       conf.file[0] ? conf.file : "settings", conf.client_n);
		return ROLE_OK;
	}
	setup_role(&rc, &conf);
	return role_parent(&rc, &conf, sizeof(conf));
}

static int run_role(const char *role)
{
	struct role_conf rc;

	if (role_conf_read(&conf, sizeof(conf)))
		return wrong("is for the daemon's own use", "--role");
	setup_role(&rc, &conf);
	if (!strcmp(role, "control"))
		return role_control(&conf);
	return role_data(&rc);
}

int daemon_run(int argc, char **argv)
{
	struct args a = { .config = NULL };
	const enum init_role first = init_role(argv[0]);

	switch (first) {
	case INIT_FIRST:
		return init_run(&init_daemon) ? ROLE_OS : ROLE_OK;
	case INIT_POWEROFF:
	case INIT_REBOOT:
		return init_ask(first);
	case INIT_NONE:
		break;
	}
	if (argc == 2 && !strncmp(argv[1], "--role=", 7))
		return run_role(argv[1] + 7);
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") ||
		    !strcmp(argv[i], "--version") ||
		    !strcmp(argv[i], "--settings"))
			return print_and_exit(argv[i]);
	return start(&a, argc, argv);
}
