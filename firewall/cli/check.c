/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: what the daemon would say, without a daemon.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "firewall/control/conf/conf.h"
#include "firewall/control/source/guard.h"
#include "firewall/control/ctl/json.h"
#include "firewall/control/source/set.h"
#include "firewall/control/source/source_read.h"

#define TREE_BYTES (64u << 20)
#define GUARD_MAX 1024u

/* Everything that is wrong, as it is found; counted beyond what is kept. */
struct findings {
	struct json list; /* of strings, for --json */
	char text[CTL_ANSWER_MAX];
	bool json;
	uint32_t errors, sets, rules;
};

/* A set, for whom its errors are told. */
struct place {
	struct findings *f;
	const char *path; /* of the directory of sets */
	const char *name; /* of the set */
};

static void found(struct findings *f, const char *line)
{
	f->errors++;
	if (!f->json)
		fprintf(cli_err(), "%s\n", line);
	else if (json_fits(&f->list, 8 * strlen(line) + 16))
		json_str(&f->list, NULL, line);
}

static int finish(struct findings *f, const char *path, const char *what)
{
	if (f->json) {
		json_end_array(&f->list);
		json_num(&f->list, "errors_n", f->errors);
		json_bool(&f->list, "ok", !f->errors);
		json_end_object(&f->list);
		fprintf(cli_out(), "%s\n", f->text);
	} else if (f->errors) {
		fprintf(cli_err(), "%s: %u error%s\n", path, f->errors,
			f->errors == 1 ? "" : "s");
	} else {
		fprintf(cli_out(), "%s: no error in %s\n", path, what);
	}
	return f->errors ? CLI_NO : CLI_OK;
}

/* ---- rules ----------------------------------------------------------------*/

static void complain(void *ctx, const struct set_error *e, const char *text,
		     size_t len)
{
	const struct place *p = ctx;
	char line[2 * CONF_LINE_MAX];

	(void)text;
	(void)len;
	if (e->column)
		snprintf(line, sizeof(line), "%.900s/%s/%s:1:%u: %s", p->path,
			 p->name, e->key, e->column, e->why);
	else
		snprintf(line, sizeof(line), "%.900s/%s/%s: %s", p->path,
			 p->name, e->key, e->why);
	found(p->f, line);
}

static int check_set(struct place *p, const struct tree *t, const char *base,
		     enum rule_family family)
{
	struct set s;
	int err = set_load(&s, t, base, family, NULL, complain, p);

	if (err) {
		fprintf(cli_err(), "vifwallctl: %s: %s\n", base,
			strerror(-err));
		return CLI_INTERNAL;
	}
	p->f->sets++;
	p->f->rules += s.n;
	set_clear(&s);
	return CLI_OK;
}

static void check_guard(struct findings *f, const char *path,
			const struct tree *t)
{
	static struct pkt_addr guard[GUARD_MAX];
	uint32_t wrong;
	char line[CONF_LINE_MAX];

	guard_read(t, guard, GUARD_MAX, &wrong);
	if (!wrong)
		return;
	snprintf(line, sizeof(line),
		 "%.900s/connected-ips{,6}: %u words are no addresses, or too "
		 "many",
		 path, wrong);
	found(f, line);
}

/* All sets of a directory that is laid out as QubesDB. */
static int check_tree(struct findings *f, const char *path)
{
	struct tree *t = tree_new(TREE_BYTES, NULL, NULL);
	char rules[CONF_LINE_MAX], base[TREE_PATH_MAX + 2];
	struct place p = { .f = f, .path = rules };
	struct tree_key k = { .path = NULL };
	int err = t ? source_read_all(t, path) : -ENOMEM, code = CLI_OK;

	if (err) {
		fprintf(cli_err(), "vifwallctl: %s: %s\n", path,
			strerror(-err));
		tree_free(t);
		return CLI_USAGE;
	}
	check_guard(f, path, t);
	snprintf(rules, sizeof(rules), "%.900s/" SOURCE_RULES_NAME, path);
	while (!code && tree_next(t, TREE_RULES, k.path, &k)) {
		struct pkt_addr a;

		p.name = k.path + strlen(TREE_RULES);
		if (strchr(p.name, '/') ||
		    pkt_addr_parse(&a, p.name, strlen(p.name)))
			continue;
		snprintf(base, sizeof(base), "%s/", k.path);
		code = check_set(&p, t, base,
				 pkt_addr_is_v4(&a) ? RULE_IP4 : RULE_IP6);
	}
	tree_free(t);
	return code;
}

/* The last part of a path, without slashes at its end. */
static const char *last(const char *path, char out[CONF_LINE_MAX])
{
	size_t end = strlen(path), from;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (from = end; from && path[from - 1] != '/'; from--)
		;
	snprintf(out, CONF_LINE_MAX, "%.*s", (int)(end - from), path + from);
	return out;
}

/* A directory with one set; its name says which family, else IPv4. */
static int check_one_set(struct findings *f, const char *path)
{
	static const char base[] = TREE_RULES "0.0.0.0/";
	struct tree *t = tree_new(TREE_BYTES, NULL, NULL);
	struct place p = { .f = f, .path = path, .name = "." };
	char name[CONF_LINE_MAX], *full = realpath(path, NULL);
	enum rule_family family = RULE_IP4;
	struct pkt_addr a;
	int err, code;

	last(full ? full : path, name);
	free(full);
	if (!pkt_addr_parse(&a, name, strlen(name)) && !pkt_addr_is_v4(&a))
		family = RULE_IP6;
	err = t ? source_read_set(t, AT_FDCWD, path, base) : -ENOMEM;
	if (err) {
		fprintf(cli_err(), "vifwallctl: %s: %s\n", path,
			strerror(-err));
		tree_free(t);
		return CLI_USAGE;
	}
	code = check_set(&p, t, base, family);
	tree_free(t);
	return code;
}

/* ---- files ----------------------------------------------------------------*/

/* One rule, or policy: as its name says. */
static void check_key(struct findings *f, const char *path, const char *name,
		      const char *text, size_t len)
{
	struct rule_error e4 = { .why = "" }, e6 = { .why = "" };
	enum rule_action policy;
	char line[CONF_LINE_MAX];
	struct rule r;
	int err;

	if (!strcmp(name, "policy"))
		err = rule_policy_parse(&policy, text, len, &e4);
	else if (!rule_parse(&r, 0, text, len, RULE_IP4, &e4) ||
		 !rule_parse(&r, 0, text, len, RULE_IP6, &e6))
		err = 0;
	else
		err = -EBADMSG;
	if (!err)
		return;
	/* it may be meant for IPv6: the error that came later is the one */
	if (e6.column > e4.column)
		e4 = e6;
	snprintf(line, sizeof(line), "%.700s:1:%u: %s", path, e4.column,
		 e4.why);
	found(f, line);
}

static bool is_key_name(const char *name)
{
	uint32_t n;

	return !strcmp(name, "policy") ||
	       !rule_number_parse(&n, name, strlen(name));
}

static int check_rule_file(struct findings *f, const char *path)
{
	char text[RULE_TEXT_MAX + 2], name[CONF_LINE_MAX];
	char line[CONF_LINE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0) {
		fprintf(cli_err(), "vifwallctl: %s: %s\n", path,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return CLI_USAGE;
	}
	close(fd);
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if ((size_t)n > RULE_TEXT_MAX) {
		snprintf(line, sizeof(line),
			 "%.900s: longer than a rule can be", path);
		found(f, line);
	} else {
		check_key(f, path, last(path, name), text, (size_t)n);
	}
	return CLI_OK;
}

static void check_conf(struct findings *f, const char *path)
{
	static struct conf_errors e;
	static struct conf c;
	char *save = NULL;

	conf_default(&c);
	conf_read_file(&c, path, &e);
	if (!e.n)
		conf_check(&c, CONF_RUN, &e);
	for (char *line = strtok_r(e.text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		found(f, line);
	/* with those that were not kept */
	f->errors = e.n;
}

/* ---- which is it? ---------------------------------------------------------*/

static int check_directory(struct findings *f, const char *path,
			   const char **what)
{
	char rules[CONF_LINE_MAX];

	snprintf(rules, sizeof(rules), "%.900s/" SOURCE_RULES_NAME, path);
	*what = "these rules";
	return access(rules, F_OK) ? check_one_set(f, path)
				   : check_tree(f, path);
}

int cli_check(const struct cli *c, struct ask *a)
{
	static struct findings f;
	const char *path = c->argv[0], *what;
	char name[CONF_LINE_MAX];
	struct stat st;
	int code = CLI_OK;

	(void)a;
	if (c->argc != 1) {
		fputs("usage: vifwallctl check PATH\n", cli_err());
		return CLI_USAGE;
	}
	if (stat(path, &st)) {
		fprintf(cli_err(), "vifwallctl: %s: %s\n", path,
			strerror(errno));
		return CLI_USAGE;
	}
	f.json = c->json;
	json_init(&f.list, f.text, sizeof(f.text));
	json_object(&f.list, NULL);
	json_num(&f.list, "schema", CTL_SCHEMA);
	json_array(&f.list, "errors");
	if (S_ISDIR(st.st_mode)) {
		code = check_directory(&f, path, &what);
	} else if (is_key_name(last(path, name))) {
		what = "this rule";
		code = check_rule_file(&f, path);
	} else {
		what = "these settings";
		check_conf(&f, path);
	}
	return code ? code : finish(&f, path, what);
}
