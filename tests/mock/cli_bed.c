/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/cli_bed.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "packet/pkt_assert.h"

#define WORDS 16
#define PATIENCE_MS 20000

struct words {
	int n;
	char *word[WORDS];
	char text[1024];
};

static void split(struct words *w, const struct cli_daemon *d, const char *line)
{
	char *save = NULL;

	snprintf(w->text, sizeof(w->text), "vifwallctl %s%s%s", line,
		 d && d->path ? " --socket=" : "", d && d->path ? d->path : "");
	for (char *p = strtok_r(w->text, " ", &save); p && w->n + 1 < WORDS;
	     p = strtok_r(NULL, " ", &save))
		w->word[w->n++] = p;
	w->word[w->n] = NULL;
}

static int run_words(void *arg)
{
	struct words *w = arg;

	return cli_run(w->n, w->word);
}

static void in_child(int out, int err, int (*fn)(void *arg), void *arg)
{
	int code;

	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	code = fn(arg);
	fflush(NULL);
	exit(code); /* so that coverage is counted */
}

/* -1: it was killed, by us when it took too long. */
static int wait_for(pid_t pid, const struct cli_daemon *d)
{
	int status = 0;

	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		vw_assert(got >= 0);
		if (got)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (d && d->turn)
			d->turn(d->ctx);
		poll(NULL, 0, 1);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

static size_t read_all(int fd, char *out, size_t room)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < room &&
	       (n = pread(fd, out + len, room - 1 - len, (off_t)len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fd);
	return len;
}

int cli_bed_call(struct cli_bed *t, const struct cli_daemon *d,
		 int (*fn)(void *arg), void *arg)
{
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	pid_t pid;

	vw_assert(out >= 0 && err >= 0);
	fflush(NULL);
	pid = fork();
	vw_assert(pid >= 0);
	if (!pid)
		in_child(out, err, fn, arg);
	t->code = wait_for(pid, d);
	t->out_len = read_all(out, t->out, sizeof(t->out));
	t->err_len = read_all(err, t->err, sizeof(t->err));
	return t->code;
}

int cli_bed_run(struct cli_bed *t, const struct cli_daemon *d, const char *line)
{
	struct words w = { .n = 0 };

	split(&w, d, line);
	return cli_bed_call(t, d, run_words, &w);
}

static void serve(void *ctx)
{
	struct ctl_bed *b = ctx;

	ctl_accept(&b->ctl, b->now);
	ctl_bed_turn(b);
}

bool cli_bed_answered(struct ctl_bed *b)
{
	struct ctl_conn *c = &b->ctl.conn[0];
	uint8_t was = c->state;

	serve(b);
	if (b->ctl.fd < 0 || was != CTL_READING || !c->out_at || !c->out_len)
		return false;
	c->out_len = 0; /* seen */
	return true;
}

int cli_bed_ask(struct cli_bed *t, struct ctl_bed *b, const char *line)
{
	const struct cli_daemon d = { b->path, serve, b };

	return cli_bed_run(t, &d, line);
}

/* ---- what it said ---------------------------------------------------------*/

bool cli_bed_said(const struct cli_bed *t, const char *want)
{
	if (!strcmp(t->out, want))
		return true;
	fprintf(stderr, "it said:\n%s-- and not:\n%s--\n", t->out, want);
	return false;
}

static bool has(const char *text, const char *part)
{
	if (strstr(text, part))
		return true;
	fprintf(stderr, "'%s' is not in:\n%s--\n", part, text);
	return false;
}

bool cli_bed_has(const struct cli_bed *t, const char *part)
{
	return has(t->out, part);
}

bool cli_bed_err_has(const struct cli_bed *t, const char *part)
{
	return has(t->err, part);
}

static bool harmless(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
			return false;
	return true;
}

bool cli_bed_harmless(const struct cli_bed *t)
{
	return harmless(t->out, t->out_len) && harmless(t->err, t->err_len);
}
