/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Openings: those of the settings first, in their order, then those of the
 * tree in the order of their keys.  One that can't be read is passed over, so
 * it opens nothing, and the others hold.
 */
#include <string.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/control/conf/forward_text.h"
#include "firewall/control/apply/same.h"
#include "firewall/linux/log.h"

struct list {
	struct apply_forward at[FW_FORWARDS];
	uint32_t n, bad;
};

static void take_conf(struct list *l, const struct conf *c)
{
	static_assert(CONF_FORWARDS <= FW_FORWARDS, "they fit");

	for (uint16_t i = 0; i < c->forward_n; i++) {
		const struct conf_forward *f = &c->forward[i];
		struct apply_forward *to = &l->at[l->n++];

		to->fw = f->fw;
		if (f->line)
			snprintf(to->name, sizeof(to->name), "line %u",
				 f->line);
		else
			snprintf(to->name, sizeof(to->name), "option %u",
				 i + 1u);
	}
}

static void pass_over(struct list *l, const struct tree_key *k, uint32_t column,
		      const char *why)
{
	char shown[LOG_QUOTE_ROOM];

	l->bad++;
	log_err("%s: column %u: %s; it opens nothing",
		log_quote(shown, k->path, strlen(k->path)), column, why);
}

static void take_key(struct list *l, const struct tree_key *k)
{
	struct apply_forward *to = &l->at[l->n];
	const char *name = strrchr(k->path, '/') + 1;
	struct forward_error err;

	if (l->n == FW_FORWARDS) {
		pass_over(l, k, 1, "more openings than there may be");
		return;
	}
	if (forward_parse(&to->fw, k->value, k->len, &err)) {
		pass_over(l, k, err.column, err.why);
		return;
	}
	snprintf(to->name, sizeof(to->name), "%.*s", (int)sizeof(to->name) - 1,
		 name);
	l->n++;
}

static bool same_list(const struct apply *a, const struct list *l)
{
	if (a->forward_n != l->n)
		return false;
	for (uint32_t i = 0; i < l->n; i++)
		if (!same_forward(&a->forward[i].fw, &l->at[i].fw))
			return false;
	return true;
}

void apply_forwards(struct apply *a)
{
	static struct list next; /* large; nothing here waits */
	struct tree_key k = { .path = NULL };

	memset(&next, 0, sizeof(next));
	take_conf(&next, &a->conf);
	while (a->tree && tree_next(a->tree, TREE_FORWARD, k.path, &k))
		take_key(&next, &k);
	if (!same_list(a, &next)) {
		log_info("%u openings in force", next.n);
		a->forward_todo = true;
	}
	memcpy(a->forward, next.at, sizeof(a->forward));
	a->forward_n = next.n;
	a->forward_bad = next.bad;
}
