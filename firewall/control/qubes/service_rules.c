/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwall.SetRules and vifwall.ClearRules: rules that dom0 sets by hand, in
 * force until it commits others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/control/qubes/service.h"
#include "firewall/linux/log.h"

#define LINES_BYTES (1u << 20)
#define LINES "/rules/"
#define ERRORS_SHOWN 10u

/* The client, and the key of its rules of that family; 0: there is none. */
static uint16_t client(const struct services *s, const struct service *c,
		       int *family)
{
	const char *text = c->argv[2];
	struct pkt_addr addr;
	uint16_t n;

	if (pkt_addr_parse(&addr, text, strlen(text)))
		return 0;
	*family = pkt_addr_is_v4(&addr) ? RULE_IP4 : RULE_IP6;
	n = apply_find_addr(s->apply, &addr);
	if (!n || s->apply->slot[n].accept ||
	    !s->apply->slot[n].key[*family][0])
		return 0;
	return n;
}

static int no_client(char why[QREXEC_WHY])
{
	snprintf(why, QREXEC_WHY, "no client with rules has that address");
	return 1;
}

int service_begin_rules(struct services *s, struct service *c,
			char why[QREXEC_WHY])
{
	int family;

	if (!client(s, c, &family))
		return no_client(why);
	c->rules = tree_new(LINES_BYTES, NULL, NULL);
	if (c->rules && !tree_write(c->rules, LINES "policy", "drop", 4))
		return 0;
	snprintf(why, QREXEC_WHY, "not enough memory");
	return QREXEC_PROBLEM;
}

/* A line that is not empty is the rule of its number. */
void service_line_rules(struct services *s, struct service *c)
{
	char path[TREE_PATH_MAX + 1];
	int err = 0;

	if (!c->too_long && (!c->line_len || c->line[0] == '#'))
		return;
	snprintf(path, sizeof(path), LINES "%04u", c->lines);
	if (!c->too_long && c->lines <= SERVICE_LINES_MAX)
		err = tree_write(c->rules, path, c->line, c->line_len);
	if (!err && !c->too_long && c->lines <= SERVICE_LINES_MAX)
		return;
	service_say(s, c,
		    c->too_long ? "line %u, column %u: too long\n"
				: "line %u, column %u: too many rules\n",
		    c->lines, c->too_long ? SERVICE_LINE_MAX : 1);
	service_exit(s, c, 1);
}

struct check {
	struct services *s;
	struct service *c;
};

/* The key is the line's number; what is wrong is our own sentence. */
static void complain(void *ctx, const struct set_error *e, const char *text,
		     size_t len)
{
	const struct check *check = ctx;
	char *end;
	unsigned long line = strtoul(e->key, &end, 10);

	(void)text;
	(void)len;
	if (check->c->wrong++ >= ERRORS_SHOWN)
		return;
	if (end != e->key && !*end)
		service_say(check->s, check->c, "line %lu, column %u: %s\n",
			    line, e->column, e->why);
	else
		service_say(check->s, check->c, "%s: %s\n", e->key, e->why);
}

/* They are good as a whole, or nothing changes. */
void service_end_rules(struct services *s, struct service *c)
{
	struct check check = { s, c };
	char why[QREXEC_WHY];
	int family, err = 0;
	uint16_t n = client(s, c, &family);

	if (n)
		err = apply_by_hand(s->apply, n, family, c->rules, LINES,
				    complain, &check);
	if (n && !err) {
		log_info("client %s: these rules were set by dom0's hand",
			 s->apply->slot[n].fw.name);
		service_exit(s, c, QREXEC_OK);
		return;
	}
	(void)no_client(why);
	service_say(s, c, "%s\n",
		    !n ? why
		    : err == -EINVAL
			    ? "nothing was changed"
			    : "not enough memory: nothing was changed");
	service_exit(s, c, 1);
}

int service_begin_clear(struct services *s, struct service *c,
			char why[QREXEC_WHY])
{
	int family;
	uint16_t n = client(s, c, &family);

	if (!n)
		return no_client(why);
	apply_hand_end(s->apply, n, family);
	log_info("client %s: rules set by hand were taken back",
		 s->apply->slot[n].fw.name);
	service_exit(s, c, QREXEC_OK);
	return 0;
}
