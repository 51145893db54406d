/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Openings as JSON: what may come to clients that did not ask for it. */
#include "firewall/control/ctl/ctl.h"
#include "firewall/control/conf/forward_text.h"

#define ROW_ROOM 1024u

/* What becomes of who comes by it now. */
static const char *state(const struct apply *a, uint16_t n,
			 const struct pkt_addr *to)
{
	const struct apply_slot *s = &a->slot[n];

	if (!n)
		return "waits for its client";
	return s->told && s->set[!pkt_addr_is_v4(to)].built
		       ? "open"
		       : "closed, as its client is";
}

static void row_json(const struct ctl *c, struct json *j,
		     const struct apply_forward *f)
{
	uint16_t n = apply_find_addr(c->apply, &f->fw.to);
	char text[FORWARD_TEXT_MAX];

	json_object(j, NULL);
	json_str(j, "name", f->name);
	json_str(j, "text", forward_print(text, &f->fw));
	if (n)
		json_str(j, "client", ctl_name(c, n));
	json_str(j, "state", state(c->apply, n, &f->fw.to));
	json_end_object(j);
}

void ctl_show_forwards(const struct ctl *c, struct json *j, uint32_t from)
{
	uint32_t i = from;

	json_num(j, "bad", c->apply->forward_bad);
	json_array(j, "list");
	for (; i < c->apply->forward_n && json_fits(j, ROW_ROOM); i++)
		row_json(c, j, &c->apply->forward[i]);
	json_end_array(j);
	if (i < c->apply->forward_n)
		json_num(j, "next", i);
}
