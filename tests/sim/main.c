/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/sim.h"
#include "xen/bus/store.h"

static const char usage[] =
	"usage: vifwall-sim COMMAND DIR [DOM[/HANDLE]] [OPTION...]\n"
	"\n"
	"A machine with a simulated Xen in directory DIR, which is made:\n"
	"  machine DIR --xenstored=BIN   hosts it, until SIGTERM\n"
	"What dom0 does in it:\n"
	"  create DIR DOM [--name=N] [--driver]     a domain (a network "
	"domain)\n"
	"  attach DIR DOM[/HANDLE] --backend=DOM --mac=MAC [--ip='V4 V6']\n"
	"         [--rate=BYTES,USEC] [--mtu=N] [--now]       gives it a vif\n"
	"  detach DIR DOM[/HANDLE] [--now]          takes the vif away\n"
	"  destroy DIR DOM               kills the domain, and what is left of "
	"it\n"
	"  list DIR                      domains, vifs and their states\n"
	"What runs in a domain, each in a network namespace of its own:\n"
	"  domain DIR DOM [--like=linux|windows|mirage]\n"
	"                   its drivers: eth0 is its vif 0, vifD.H the other "
	"end\n"
	"                   of domain D's vif H; --like: whose frontend its "
	"own\n"
	"                   behaves like\n"
	"--now: does not wait for the other side.  BIN is what\n"
	"tests/tools/get-xenstored prints.  vifwalld is domain 1:\n"
	"xen = sim:DIR.\n";

static const struct command {
	const char *name;
	int (*run)(const struct sim_args *a);
	bool dom; /* it is about one */
} commands[] = {
	{ "machine", sim_machine, false }, { "create", sim_create, true },
	{ "attach", sim_attach, true },	   { "detach", sim_detach, true },
	{ "destroy", sim_destroy, true },  { "list", sim_list, false },
	{ "domain", sim_domain, true },
};

_Noreturn void sim_die(int err, const char *fmt, ...)
{
	va_list a;

	fflush(stdout);
	fputs("vifwall-sim: ", stderr);
	va_start(a, fmt);
	vfprintf(stderr, fmt, a);
	va_end(a);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
	exit(1);
}

void sim_say(const char *fmt, ...)
{
	struct timespec t;
	va_list a;

	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("%lld.%03ld ", (long long)t.tv_sec, t.tv_nsec / 1000000);
	va_start(a, fmt);
	vprintf(fmt, a);
	va_end(a);
	putchar('\n');
	fflush(stdout);
}

_Noreturn static void misused(const char *what, const char *word)
{
	fprintf(stderr, "vifwall-sim: %s: %s\n%s", what, word, usage);
	exit(2);
}

static uint16_t number(const char *text, size_t len, uint32_t max,
		       const char *what)
{
	uint32_t n;

	if (!store_parse_u32(text, len, max, &n))
		misused(what, text);
	return (uint16_t)n;
}

static void place(struct sim_args *a, const char *text)
{
	size_t len = strcspn(text, "/");

	a->dom = number(text, len, SIM_DOMAINS - 1, "no domain of a machine");
	if (!text[len])
		return;
	text += len + 1;
	a->handle = number(text, strlen(text), 255, "no handle of a vif");
	a->handle_given = true;
}

static void option(struct sim_args *a, const char *word)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{ "--name=", &a->name }, { "--mac=", &a->mac },
		{ "--ip=", &a->ip },	 { "--rate=", &a->rate },
		{ "--mtu=", &a->mtu },	 { "--xenstored=", &a->xenstored },
		{ "--like=", &a->like },
	};
	static const char backend[] = "--backend=";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i].name);

		if (!strncmp(word, texts[i].name, len)) {
			*texts[i].text = word + len;
			return;
		}
	}
	if (!strncmp(word, backend, strlen(backend))) {
		word += strlen(backend);
		a->backend = number(word, strlen(word), SIM_DOMAINS - 1,
				    "no domain of a machine");
	} else if (!strcmp(word, "--driver")) {
		a->driver = true;
	} else if (!strcmp(word, "--now")) {
		a->now = true;
	} else {
		misused("no such option", word);
	}
}

int main(int argc, char **argv)
{
	struct sim_args a = { 0 };
	const struct command *c = NULL;
	int words = 0;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 2)
		misused("there is no command", "see below");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			c = &commands[i];
	if (!c)
		misused("no such command", argv[1]);
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] == '-')
			option(&a, argv[i]);
		else if (++words == 1)
			a.dir = argv[i];
		else if (words == 2 && c->dom)
			place(&a, argv[i]);
		else
			misused("one word too many", argv[i]);
	}
	if (words < (c->dom ? 2 : 1))
		misused(c->dom && words ? "it needs a domain"
					: "it needs a directory",
			argv[1]);
	return c->run(&a);
}
