/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "xen/qubes/qrexec_call.h"

#define RPC "QUBESRPC "
#define NOGUI "nogui:"

/* Ends the word at @s there, and gives the next; NULL: that was the last. */
static char *cut(char *s, char at)
{
	char *p = strchr(s, at);

	if (!p)
		return NULL;
	*p = '\0';
	return p + 1;
}

static bool is_word(const char *s)
{
	return s && *s && !strchr(s, ' ');
}

/* "SERVICE[+ARGUMENT] SOURCE[ TYPE TARGET]" */
static bool parse_rpc(struct qrexec_call *c, char *text)
{
	char *source = cut(text, ' '), *rest = source ? cut(source, ' ') : NULL;
	char *target = rest ? cut(rest, ' ') : NULL;
	char *arg = cut(text, '+');

	if (!*text || !is_word(source))
		return false;
	if (rest && (!*rest || !is_word(target)))
		return false;
	c->rpc = true;
	c->service = text;
	c->arg = arg ? arg : "";
	c->source = source;
	return true;
}

bool qrexec_call_parse(struct qrexec_call *c, char *text, size_t len)
{
	char *rest;

	if (!len || memchr(text, '\0', len) != text + len - 1)
		return false;
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return false;
	rest = cut(text, ':');
	if (!rest)
		return false;
	c->rpc = false;
	c->user = text;
	c->service = c->source = c->arg = "";
	if (!strncmp(rest, NOGUI, strlen(NOGUI)))
		rest += strlen(NOGUI);
	if (strncmp(rest, RPC, strlen(RPC)))
		return true;
	return parse_rpc(c, rest + strlen(RPC));
}
