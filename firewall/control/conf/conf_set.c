/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One setting: from its name and text to its place in struct conf.
 */
#include <errno.h>
#include <string.h>

#include "firewall/control/conf/conf_table.h"

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool client_name_ok(const char *name, size_t len)
{
	if (!len || len >= FW_NAME_MAX || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!name_char(name[i]))
			return false;
	return true;
}

static const struct conf_row *row_find(const struct conf_row *row, uint32_t n,
				       size_t skip, const char *name,
				       size_t len)
{
	for (uint32_t i = 0; i < n; i++)
		if (strlen(row[i].name) - skip == len &&
		    !memcmp(row[i].name + skip, name, len))
			return &row[i];
	return NULL;
}

/*
 * The row of @name, with the client's part of it in *@client (NULL: none).
 */
static const struct conf_row *lookup(const char *name, size_t len,
				     const char **client, size_t *client_len)
{
	const size_t prefix = strlen(CONF_CLIENT_PREFIX);
	const char *dot;

	*client = NULL;
	*client_len = 0;
	if (len <= prefix || memcmp(name, CONF_CLIENT_PREFIX, prefix))
		return row_find(conf_global, conf_global_n, 0, name, len);
	name += prefix;
	len -= prefix;
	dot = memchr(name, '.', len);
	if (!dot)
		return NULL;
	*client = name;
	*client_len = (size_t)(dot - name);
	return row_find(conf_client, conf_client_n, strlen(CONF_CLIENT_PATTERN),
			dot + 1, len - *client_len - 1);
}

bool conf_is_setting(const char *name, size_t len)
{
	const char *client;
	size_t client_len;

	return lookup(name, len, &client, &client_len);
}

bool conf_is_repeated(const char *name, size_t len)
{
	const char *client;
	size_t client_len;
	const struct conf_row *row = lookup(name, len, &client, &client_len);

	return row && row->flags & CONF_F_REPEAT;
}

uint16_t conf_client_find(const struct conf *c, const char *name, size_t len)
{
	for (uint16_t i = 0; i < c->client_n; i++)
		if (strlen(c->client[i].fw.name) == len &&
		    !memcmp(c->client[i].fw.name, name, len))
			return (uint16_t)(i + 1);
	return 0;
}

/* The client of that name, made when it is new; NULL: said why. */
struct conf_client *conf_client_get(struct conf_load *l, const char *name,
				    size_t len)
{
	char shown[CONF_SHOW_ROOM];
	uint16_t n = conf_client_find(l->c, name, len);
	struct conf_client *cl;

	if (n)
		return &l->c->client[n - 1];
	if (!client_name_ok(name, len)) {
		conf_error(l->e, &l->where,
			   "client: '%s' is not a name; allowed: 1 to %u "
			   "letters, digits, - and _",
			   conf_show(shown, name, len), FW_NAME_MAX - 1);
		return NULL;
	}
	if (l->c->client_n == CONF_CLIENTS) {
		conf_error(l->e, &l->where,
			   "client: '%s' is one too many; allowed: %u",
			   conf_show(shown, name, len), CONF_CLIENTS);
		return NULL;
	}
	cl = &l->c->client[l->c->client_n++];
	*cl = (struct conf_client){ .line = l->where.line };
	memcpy(cl->fw.name, name, len);
	cl->fw.port = UINT16_MAX;
	for (uint32_t i = 0; i < conf_client_n; i++)
		conf_row_default(&conf_client[i], cl);
	return cl;
}

void conf_unknown(struct conf_load *l, const char *name, size_t len)
{
	char shown[CONF_SHOW_ROOM], near[128], near_shown[CONF_SHOW_ROOM];

	conf_show(shown, name, len);
	/* A suggestion keeps the client's name, which is foreign too. */
	if (conf_suggest(near, sizeof(near), name, len))
		conf_error(l->e, &l->where,
			   "%s: there is no such setting; did you mean %s?",
			   shown, conf_show(near_shown, near, strlen(near)));
	else
		conf_error(l->e, &l->where,
			   "%s: there is no such setting; vifwalld --settings "
			   "lists them",
			   shown);
}

/* A value with items has its own sentences, and a place in the line. */
static void refused_item(struct conf_load *l, const struct conf_row *row,
			 const char *name, const char *value, size_t len)
{
	char allowed[CONF_ALLOWED_MAX], place[24] = "";
	struct conf_where at = l->where;
	uint32_t column = 1;
	const char *why = "";

	row->type->why(value, len, &column, &why);
	if (l->value_at)
		at.column = l->value_at + column - 1;
	else
		snprintf(place, sizeof(place), "column %u: ", column);
	conf_error(l->e, &at, "%s: %s%s; allowed: %s", name, place, why,
		   conf_allowed(allowed, row));
}

static void refused(struct conf_load *l, const struct conf_row *row,
		    const char *name, const char *value, size_t len, int err)
{
	char allowed[CONF_ALLOWED_MAX], shown[CONF_SHOW_ROOM];
	const char *is = "is not", *what = row->type->noun;

	if (err == -EBADMSG) {
		refused_item(l, row, name, value, len);
		return;
	}
	if (err != -EINVAL) {
		is = "is";
		what = err == -ERANGE ? "out of range" : "too long";
	}
	conf_error(l->e, &l->where, "%s: '%s' %s %s; allowed: %s", name,
		   conf_show(shown, value, len), is, what,
		   conf_allowed(allowed, row));
}

/* True when @row was given before in this source; says so. */
static bool again(struct conf_load *l, const struct conf_row *row,
		  const struct conf_client *cl, const char *name)
{
	uint32_t *line =
		cl ? &l->seen_client[cl - l->c->client][row - conf_client]
		   : &l->seen[row - conf_global];

	if (!l->once || row->flags & CONF_F_REPEAT)
		return false;
	if (*line) {
		conf_error(l->e, &l->where, "%s: given twice; first in line %u",
			   name, *line);
		return true;
	}
	*line = l->where.line;
	return false;
}

/* What a setting added to a list; the counts are those of before. */
static void note_lines(struct conf_load *l, const struct conf *c,
		       const uint16_t was[5])
{
	uint32_t line = l->where.line;

	for (uint16_t i = was[0]; i < c->allow_n; i++)
		l->c->allow[i].line = line;
	for (uint16_t i = was[1]; i < c->forward_n; i++)
		l->c->forward[i].line = line;
	for (uint16_t i = was[2]; i < c->set_n; i++)
		l->c->set[i].line = line;
	for (uint16_t i = was[3]; i < c->profile_rule_n; i++)
		l->c->profile_rule[i].line = line;
	for (uint16_t i = was[4]; i < c->profile_use_n; i++)
		l->c->profile_use[i].line = line;
}

void conf_set(struct conf_load *l, const char *name, size_t len,
	      const char *value, size_t value_len)
{
	const char *client;
	char shown[CONF_SHOW_ROOM];
	size_t client_len;
	const struct conf_row *row = lookup(name, len, &client, &client_len);
	struct conf_client *cl = NULL;
	const uint16_t was[5] = { l->c->allow_n, l->c->forward_n, l->c->set_n,
				  l->c->profile_rule_n, l->c->profile_use_n };
	int err;

	if (!row) {
		conf_unknown(l, name, len);
		return;
	}
	if (client) {
		cl = conf_client_get(l, client, client_len);
		if (!cl)
			return;
	}
	conf_show(shown, name, len);
	if (again(l, row, cl, shown))
		return;
	err = row->type->parse(row, cl ? (void *)cl : (void *)l->c, value,
			       value_len);
	if (err)
		refused(l, row, shown, value, value_len, err);
	else
		note_lines(l, l->c, was);
}

void conf_built_in(struct conf *c, uint64_t kib)
{
	memset(c, 0, sizeof(*c));
	c->memory_kib = kib;
	/* some of its fields are no settings */
	nat_conf_default(&c->nat);
	for (uint32_t i = 0; i < conf_global_n; i++)
		conf_row_default(&conf_global[i], c);
	conf_fit(c, kib);
	c->uplink.fw.port = UINT16_MAX;
}

void conf_default(struct conf *c)
{
	conf_built_in(c, conf_memory_kib());
}
