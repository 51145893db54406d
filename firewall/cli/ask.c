/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/cli/ask.h"

#define TIMEOUT_S 10

static FILE *to_out, *to_err;

FILE *cli_out(void)
{
	return to_out ? to_out : stdout;
}

FILE *cli_err(void)
{
	return to_err ? to_err : stderr;
}

void cli_to(FILE *out, FILE *err)
{
	to_out = out;
	to_err = err;
}

static void why_unreachable(const char *path, int err)
{
	fprintf(cli_err(), "vifwallctl: %s: %s: ", path, strerror(err));
	if (err == EACCES)
		fputs("be root, or in the group that control.group names\n",
		      cli_err());
	else
		fputs("vifwalld does not run here, or listens elsewhere "
		      "(control.socket; --socket=PATH)\n",
		      cli_err());
}

int ask_take(struct ask *a, int fd)
{
	const struct timeval tv = { .tv_sec = TIMEOUT_S };

	a->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	return CLI_OK;
}

int ask_open(struct ask *a, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sa.sun_path)) {
		why_unreachable(path, ENAMETOOLONG);
		return CLI_UNREACHABLE;
	}
	memcpy(sa.sun_path, path, strlen(path));
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (a->fd < 0 ||
	    connect(a->fd, (const struct sockaddr *)&sa, sizeof(sa))) {
		why_unreachable(path, errno);
		ask_close(a);
		return CLI_UNREACHABLE;
	}
	return ask_take(a, a->fd);
}

void ask_close(struct ask *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

/* One line, without its newline. */
static bool read_line(struct ask *a)
{
	a->len = 0;
	while (a->len < sizeof(a->text)) {
		ssize_t n = recv(a->fd, a->text + a->len,
				 sizeof(a->text) - a->len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		a->len += (size_t)n;
		if (a->text[a->len - 1] == '\n') {
			a->len--;
			return true;
		}
	}
	return false;
}

static int not_understood(void)
{
	fputs("vifwallctl: not understood: is vifwalld of another version?\n",
	      cli_err());
	return CLI_INTERNAL;
}

int ask(struct ask *a, const char *fmt, ...)
{
	char line[CTL_LINE_MAX], text[JREAD_TEXT];
	const struct jval *error;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(line) - 1 || strchr(line, '\n')) {
		fputs("vifwallctl: too long, or more than one line\n",
		      cli_err());
		return CLI_USAGE;
	}
	line[n] = '\n';
	if (send(a->fd, line, (size_t)n + 1, MSG_NOSIGNAL) != n + 1 ||
	    !read_line(a)) {
		fputs("vifwallctl: vifwalld does not answer\n", cli_err());
		return CLI_UNREACHABLE;
	}
	if (jread(&a->doc, a->text, a->len) ||
	    jnum(&a->doc, jget(&a->doc, jroot(&a->doc), "schema")) !=
		    CTL_SCHEMA)
		return not_understood();
	error = jget(&a->doc, jroot(&a->doc), "error");
	if (!error)
		return CLI_OK;
	fprintf(cli_err(), "vifwallctl: %s\n", jtext(&a->doc, error, text));
	return CLI_NO;
}

static int ask_page(struct ask *a, const char *request, uint64_t from)
{
	if (!from)
		return ask(a, "%s", request);
	return ask(a, "%s from=%llu", request, (unsigned long long)from);
}

int ask_all(struct ask *a, const char *request, const char *name,
	    void (*head)(const struct ask *a, void *ctx),
	    void (*each)(const struct ask *a, const struct jval *v, void *ctx),
	    void *ctx)
{
	uint64_t from = 0, next;

	for (;;) {
		int code = ask_page(a, request, from);
		const struct jval *root = jroot(&a->doc), *list;

		if (code)
			return code;
		if (!from && head)
			head(a, ctx);
		list = jget(&a->doc, root, name);
		for (const struct jval *v = jfirst(&a->doc, list); v;
		     v = jnext(&a->doc, list, v))
			each(a, v, ctx);
		next = jnum(&a->doc, jget(&a->doc, root, "next"));
		if (!next)
			return CLI_OK;
		if (next <= from)
			return not_understood();
		from = next;
	}
}

/* ---- as JSON --------------------------------------------------------------*/

static bool is_key(const struct jdoc *d, const struct jval *k, const char *name)
{
	return k->len == strlen(name) && !memcmp(d->text + k->at, name, k->len);
}

struct joined {
	const char *name;
	bool comma;
	void (*head)(const struct ask *a, void *ctx);
	bool (*keep)(const struct ask *a, const struct jval *v, void *ctx);
	void *ctx;
};

/* All members but the list and what leads to the next page. */
static void print_members(const struct ask *a, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct joined *join = ctx;
	const struct jval *o = jroot(d);

	if (join->head)
		join->head(a, join->ctx);
	fprintf(cli_out(), "{");
	for (const struct jval *k = jfirst(d, o); k;) {
		const struct jval *v = jnext(d, o, k);
		const char *quote = v->type == JREAD_STR ? "\"" : "";

		if (!is_key(d, k, join->name) && !is_key(d, k, "next"))
			fprintf(cli_out(), "\"%.*s\":%s%.*s%s,", (int)k->len,
				d->text + k->at, quote, (int)v->len,
				d->text + v->at, quote);
		k = jnext(d, o, v);
	}
	fprintf(cli_out(), "\"%s\":[", join->name);
}

static void print_element(const struct ask *a, const struct jval *v, void *ctx)
{
	const char *quote = v->type == JREAD_STR ? "\"" : "";
	struct joined *join = ctx;

	if (join->keep && !join->keep(a, v, join->ctx))
		return;
	fprintf(cli_out(), "%s%s%.*s%s", join->comma ? "," : "", quote,
		(int)v->len, a->doc.text + v->at, quote);
	join->comma = true;
}

int ask_json_some(struct ask *a, const char *request, const char *name,
		  void (*head)(const struct ask *a, void *ctx),
		  bool (*keep)(const struct ask *a, const struct jval *v,
			       void *ctx),
		  void *ctx)
{
	struct joined join = {
		.name = name, .head = head, .keep = keep, .ctx = ctx
	};
	int code =
		ask_all(a, request, name, print_members, print_element, &join);

	if (!code)
		fprintf(cli_out(), "]}\n");
	return code;
}

int ask_json(struct ask *a, const char *request, const char *name)
{
	return ask_json_some(a, request, name, NULL, NULL, NULL);
}
