/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor: is this machine as the daemon needs it?
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/doctor.h"
#include "firewall/control/ctl/json.h"

static struct conf conf;
static struct conf_errors errors;

/* ---- for checks -----------------------------------------------------------*/

__attribute__((format(printf, 3, 0))) static void
print_into(char *out, size_t room, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, room, fmt, ap);

	if (n < 0)
		out[0] = '\0';
}

void doctor_say(struct finding *f, enum doctor_verdict v, const char *fmt, ...)
{
	va_list ap;

	f->verdict = v;
	va_start(ap, fmt);
	print_into(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

void doctor_mend(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_into(f->mend, sizeof(f->mend), fmt, ap);
	va_end(ap);
}

void doctor_bad(struct finding *f, const char *sentence)
{
	size_t wrong = strcspn(sentence, ";");
	const char *mend = sentence + wrong + strspn(sentence + wrong, "; ");

	doctor_say(f, DOCTOR_BAD, "%.*s", (int)wrong, sentence);
	if (*mend)
		doctor_mend(f, "%s", mend);
}

const char *doctor_path(const struct doctor *d, const char *path,
			char out[DOCTOR_PATH])
{
	snprintf(out, DOCTOR_PATH, "%s%s", d->root, path);
	return out;
}

bool doctor_has(const struct doctor *d, const char *path)
{
	char full[DOCTOR_PATH];

	return !access(doctor_path(d, path, full), F_OK);
}

bool doctor_read(const struct doctor *d, const char *path, char *out,
		 size_t room)
{
	char full[DOCTOR_PATH];
	FILE *f = fopen(doctor_path(d, path, full), "re");
	size_t n;

	out[0] = '\0';
	if (!f)
		return false;
	n = fread(out, 1, room - 1, f);
	out[n] = '\0';
	fclose(f);
	return true;
}

int64_t doctor_number(const struct doctor *d, const char *path)
{
	char text[32], *end;
	long long n;

	if (!doctor_read(d, path, text, sizeof(text)))
		return -1;
	n = strtoll(text, &end, 10);
	return end == text || n < 0 ? -1 : n;
}

bool doctor_here(const struct doctor *d)
{
	return !d->root[0];
}

/* ---- the whole ------------------------------------------------------------*/

/* What the daemon says of itself; NULL: nobody is there, or it says nothing. */
static const struct jdoc *status(const char *socket, bool *running)
{
	static struct ask a;
	static char ignored[256];
	FILE *out = cli_out(), *err = cli_err(),
	     *quiet = fmemopen(ignored, sizeof(ignored), "w");
	const struct jdoc *doc = NULL;

	if (!quiet)
		return NULL;
	cli_to(out, quiet);
	*running = ask_open(&a, socket) == CLI_OK;
	if (*running && ask(&a, "status") == CLI_OK)
		doc = &a.doc;
	ask_close(&a);
	cli_to(out, err);
	fclose(quiet);
	return doc;
}

static const char *const verdicts[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_HINT] = "hint",
	[DOCTOR_BAD] = "bad",
	[DOCTOR_SKIP] = "skip",
};

static void print_text(const char *name, const struct finding *f)
{
	fprintf(cli_out(), "%-4s  %-12s %s\n", verdicts[f->verdict], name,
		f->what);
	if (f->mend[0])
		fprintf(cli_out(), "                   > %s\n", f->mend);
}

static void print_json(struct json *j, const char *name,
		       const struct finding *f)
{
	json_object(j, NULL);
	json_str(j, "name", name);
	json_str(j, "verdict", verdicts[f->verdict]);
	json_str(j, "found", f->what);
	if (f->mend[0])
		json_str(j, "mend", f->mend);
	json_end_object(j);
}

static int look(const struct doctor *d, bool as_json)
{
	static char text[CTL_ANSWER_MAX];
	uint32_t n[DOCTOR_SKIP + 1] = { 0 };
	struct json j;

	json_init(&j, text, sizeof(text));
	json_object(&j, NULL);
	json_num(&j, "schema", CTL_SCHEMA);
	json_array(&j, "checks");
	for (size_t i = 0; i < doctor_check_n; i++) {
		const struct doctor_check *c = &doctor_checks[i];
		struct finding f = { .verdict = DOCTOR_SKIP };

		if (c->xen && d->conf->xen_kind != CONF_XEN_ON)
			continue;
		c->look(d, &f);
		n[f.verdict]++;
		if (as_json)
			print_json(&j, c->name, &f);
		else
			print_text(c->name, &f);
	}
	json_end_array(&j);
	json_num(&j, "bad", n[DOCTOR_BAD]);
	json_bool(&j, "ok", !n[DOCTOR_BAD]);
	json_end_object(&j);
	if (as_json)
		fprintf(cli_out(), "%s\n", text);
	else
		fprintf(cli_out(), "%u ok, %u bad, %u hints\n", n[DOCTOR_OK],
			n[DOCTOR_BAD], n[DOCTOR_HINT]);
	return n[DOCTOR_BAD] ? CLI_NO : CLI_OK;
}

int cli_doctor(const struct cli *c, struct ask *a)
{
	struct doctor d = { .root = "",
			    .socket = c->socket,
			    .conf = &conf,
			    .errors = &errors,
			    .now = time(NULL) };
	char path[DOCTOR_PATH];

	(void)a;
	if (c->argc > 1 || (c->argc && c->argv[0][0] != '/')) {
		fprintf(cli_err(), "usage: vifwallctl doctor [/DIRECTORY]\n");
		return CLI_USAGE;
	}
	if (c->argc && strcmp(c->argv[0], "/"))
		d.root = c->argv[0];
	conf_default(&conf);
	memset(&errors, 0, sizeof(errors));
	if (doctor_has(&d, CONF_FILE_DEFAULT)) {
		conf_read_file(&conf, doctor_path(&d, CONF_FILE_DEFAULT, path),
			       &errors);
		if (!errors.n)
			conf_check(&conf, CONF_RUN, &errors);
	}
	if (doctor_here(&d))
		d.status = status(d.socket, &d.running);
	return look(&d, c->json);
}
