/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vif follow: a line when a guest's interface comes and when it goes, for
 * programs (contrib/systemd/vifwall-hooks).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/vif.h"

#define PAUSE_NS 500000000L
#define PLACES 1024u
#define ADDRS 8u
#define VIF_NAME_MAX 24u
#define ADDR_MAX 46u

struct place {
	bool used, seen, told;
	char name[VIF_NAME_MAX]; /* "vif5.0" */
	char addr[ADDRS][ADDR_MAX];
	uint32_t addrs;
};

struct follow {
	struct place place[PLACES];
};

/* The rest of the line names what it is only by what these can hold. */
static bool is_made_of(const char *text, const char *of)
{
	return text[0] && text[strspn(text, of)] == '\0';
}

/* "5/0" -> "vif5.0" */
static bool name_of(char out[VIF_NAME_MAX], const char *vif)
{
	const char *slash = strchr(vif, '/');

	if (!slash || !is_made_of(vif, "0123456789/") ||
	    strlen(vif) + 4 > VIF_NAME_MAX)
		return false;
	snprintf(out, VIF_NAME_MAX, "vif%.*s.%s", (int)(slash - vif), vif,
		 slash + 1);
	return true;
}

static void tell(const char *what, const struct place *p)
{
	for (uint32_t i = 0; i < p->addrs; i++)
		fprintf(cli_out(), "%s %s vif %s\n", what, p->name, p->addr[i]);
	if (!p->addrs)
		fprintf(cli_out(), "%s %s vif\n", what, p->name);
}

static bool same(const struct place *a, const struct place *b)
{
	return !strcmp(a->name, b->name) && a->addrs == b->addrs &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

/* Known already, or new; with other addresses it is another one. */
static void take(struct follow *f, const struct place *now)
{
	struct place *free = NULL;

	for (uint32_t i = 0; i < PLACES; i++) {
		struct place *p = &f->place[i];

		if (p->used && same(p, now)) {
			p->seen = true;
			return;
		}
		if (!p->used && !free)
			free = p;
	}
	if (!free)
		return;
	*free = *now;
	free->used = free->seen = true;
}

static void each(const struct ask *a, const struct jval *v, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct jval *list = jget(d, v, "addresses");
	struct place now = { .used = false };
	char t[JREAD_TEXT];

	if (strcmp(jtext(d, jget(d, v, "role"), t), "backend") ||
	    !jtrue(d, jget(d, v, "connected")) ||
	    !name_of(now.name, jtext(d, jget(d, v, "vif"), t)))
		return;
	for (const struct jval *e = jfirst(d, list); e && now.addrs < ADDRS;
	     e = jnext(d, list, e)) {
		jtext(d, e, t);
		if (strlen(t) < ADDR_MAX && is_made_of(t, "0123456789abcdef.:"))
			memcpy(now.addr[now.addrs++], t, strlen(t) + 1);
	}
	take(ctx, &now);
}

/* What was not seen has gone; tells of that first, then of what came. */
static void tell_all(struct follow *f)
{
	for (uint32_t i = 0; i < PLACES; i++) {
		struct place *p = &f->place[i];

		if (!p->used || p->seen)
			continue;
		tell("offline", p);
		memset(p, 0, sizeof(*p));
	}
	for (uint32_t i = 0; i < PLACES; i++)
		if (f->place[i].used && !f->place[i].told) {
			f->place[i].told = true;
			tell("online", &f->place[i]);
		}
	fflush(cli_out());
}

int cli_vif_follow(struct ask *a)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	static struct follow f;
	int code;

	do {
		for (uint32_t i = 0; i < PLACES; i++)
			f.place[i].seen = false;
		code = ask_all(a, "vifs", "vifs", NULL, each, &f);
		/* without the daemon nobody is online */
		tell_all(&f);
		if (!code)
			nanosleep(&pause, NULL);
	} while (!code && !ferror(cli_out()));
	return code;
}
