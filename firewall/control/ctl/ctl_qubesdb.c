/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the status says of QubesDB. */
#include "firewall/control/ctl/ctl.h"

static const char *channel_name(const struct conf *c)
{
	switch ((enum conf_channel)c->qubes.channel) {
	case CONF_CHANNEL_VCHAN:
		return "vchan";
	case CONF_CHANNEL_UNIX:
		return "unix";
	case CONF_CHANNEL_LOCAL:
		return "local";
	case CONF_CHANNEL_OFF:
		break;
	}
	return "off";
}

/* Families of clients that dom0 was told are closed. */
static uint32_t errors(const struct source_qubesdb *s)
{
	struct tree_key key = { .path = NULL };
	uint32_t n = 0;

	while (tree_next(s->mirror, SOURCE_QUBESDB_ERROR, key.path, &key))
		n += key.len > 0;
	return n;
}

void ctl_show_qubesdb(const struct ctl *c, struct json *j)
{
	const struct source_qubesdb *s = c->qubesdb;

	if (!s)
		return;
	json_object(j, "qubesdb");
	json_str(j, "channel", channel_name(&c->apply->conf));
	json_bool(j, "connected", s->connected);
	ctl_json_age(c, j, "since_ago", s->since);
	json_num(j, "readings", s->db.syncs);
	json_num(j, "keys", tree_keys(s->mirror));
	json_num(j, "commits", s->commits);
	ctl_json_age(c, j, "last_commit_ago", s->committed);
	json_num(j, "error_keys", errors(s));
	json_num(j, "refused", s->db.refused);
	json_str(j, "trouble", s->db.trouble);
	json_str(j, "settings_trouble", s->wrong);
	json_end_object(j);
}
