/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How settings of address sets and profiles are read, and what they must be to
 * each other.
 */
#include <errno.h>
#include <string.h>

#include "firewall/control/conf/conf_table.h"
#include "firewall/control/conf/profiles.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes the first word of a text and the blanks behind it. */
static size_t first_word(const char **text, size_t *len, const char **word)
{
	size_t n = 0, skip;

	while (*len && is_blank(**text)) {
		++*text;
		--*len;
	}
	*word = *text;
	while (n < *len && !is_blank((*text)[n]))
		n++;
	for (skip = n; skip < *len && is_blank((*text)[skip]); skip++)
		;
	*text += skip;
	*len -= skip;
	return n;
}

/* A set of the settings, or one that is built in. */
static bool has_set(const struct conf *c, const char *name, size_t len)
{
	for (uint32_t i = 0; i < ADDR_SET_BUILTINS; i++)
		if (conf_is_word(name, len, addr_set_builtin_name(i)))
			return true;
	for (uint16_t i = 0; i < c->set_n; i++)
		if (conf_is_word(name, len, c->set[i].name))
			return true;
	return false;
}

static int parse_set(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	struct conf *c = base;
	struct conf_set_of *s = &c->set[c->set_n];
	const char *name;
	size_t n = first_word(&text, &len, &name);
	struct addr_set_error e;
	uint32_t count;

	(void)row;
	if (!addr_set_name_ok(name, n) || !len || has_set(c, name, n))
		return -EINVAL;
	if (len >= sizeof(s->text) || c->set_n == CONF_SETS)
		return -ENOSPC;
	if (text[0] != '/' && addr_set_parse(NULL, &count, text, len, &e))
		return -EINVAL;
	*s = (struct conf_set_of){ .line = 0 };
	memcpy(s->name, name, n);
	memcpy(s->text, text, len);
	c->set_n++;
	return 0;
}

static int parse_profile(const struct conf_row *row, void *base,
			 const char *text, size_t len)
{
	char *out = conf_at(row, base);

	if (!addr_set_name_ok(text, len))
		return -EINVAL;
	memset(out, 0, PROFILE_NAME_MAX);
	memcpy(out, text, len);
	return 0;
}

/* Up to the @c that ends one of several; what is left begins behind it. */
static size_t until(const char **text, size_t *len, char c, const char **item)
{
	const char *end = memchr(*text, c, *len);
	size_t n = end ? (size_t)(end - *text) : *len;

	*item = *text;
	*text += n + (end != NULL);
	*len -= n + (end != NULL);
	while (n && is_blank((*item)[n - 1]))
		n--;
	while (n && is_blank((*item)[0])) {
		++*item;
		n--;
	}
	return n;
}

/* NAME RULE; RULE: each rule of @text, up to the first that is none. */
static int each_rule(struct conf_profile_rule *out, uint32_t room, uint32_t *n,
		     const char *text, size_t len, uint32_t *column,
		     const char **why)
{
	const char *begin = text, *name, *rule;
	size_t name_len = first_word(&text, &len, &name);

	*n = 0;
	*column = 1;
	*why = "the name of a profile (a-z 0-9 -, not none) comes first";
	if (!addr_set_name_ok(name, name_len) ||
	    conf_is_word(name, name_len, CONF_PROFILE_NONE))
		return -EBADMSG;
	do {
		size_t rule_len = until(&text, &len, ';', &rule);
		struct profile_error e;
		struct profile_text t;

		if (profile_parse(&t, rule, rule_len, &e)) {
			*column = (uint32_t)(rule - begin) + e.column;
			*why = e.why;
			return -EBADMSG;
		}
		if (*n == room)
			return -ENOSPC;
		memset(&out[*n], 0, sizeof(out[*n]));
		memcpy(out[*n].profile, name, name_len);
		memcpy(out[*n].text, rule, rule_len);
		++*n;
	} while (len);
	return 0;
}

static int parse_rule(const struct conf_row *row, void *base, const char *text,
		      size_t len)
{
	struct conf *c = base;
	uint32_t n, column;
	const char *why;
	int err = each_rule(c->profile_rule + c->profile_rule_n,
			    CONF_PROFILE_RULES - c->profile_rule_n, &n, text,
			    len, &column, &why);

	(void)row;
	if (!err)
		c->profile_rule_n = (uint16_t)(c->profile_rule_n + n);
	return err;
}

static void rule_why(const char *text, size_t len, uint32_t *column,
		     const char **why)
{
	static struct conf_profile_rule room[CONF_PROFILE_RULES];
	uint32_t n;
	int err =
		each_rule(room, CONF_PROFILE_RULES, &n, text, len, column, why);

	vw_assert(err);
}

static int parse_use(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	struct conf *c = base;
	uint16_t n = c->profile_use_n;
	const char *item, *who;

	(void)row;
	do {
		size_t left = until(&text, &len, ',', &item);
		size_t who_len = first_word(&item, &left, &who);
		struct conf_profile_use *u = &c->profile_use[n];

		if (!who_len || who_len >= sizeof(u->who) ||
		    !addr_set_name_ok(item, left))
			return -EINVAL;
		if (n == CONF_PROFILE_USES)
			return -ENOSPC;
		*u = (struct conf_profile_use){ .line = 0 };
		memcpy(u->who, who, who_len);
		memcpy(u->profile, item, left);
		n++;
	} while (len);
	c->profile_use_n = n;
	return 0;
}

CONF_TYPE(conf_set_of, parse_set, 0, "a new set of addresses",
	  "NAME FILE, or NAME with prefixes between blanks or commas; a name "
	  "(a-z 0-9 -) that is not taken");
CONF_TYPE(conf_profile, parse_profile, PROFILE_NAME_MAX, "a profile's name",
	  "none, no-lan, or a profile of profile.rule (a-z 0-9 -)");
CONF_TYPE(conf_profile_use, parse_use, 0, "clients with their profile",
	  "CLIENT PROFILE or ADDRESS PROFILE, several between commas");
const struct conf_type conf_profile_rule = {
	.noun = "a profile's rule",
	.allowed = "PROFILE action=drop|pass with dst=, proto=, dstports=, "
		   "icmptype=, specialtarget=dns; several between ;",
	.parse = parse_rule,
	.why = rule_why,
};

/* ---- what must be to each other ------------------------------------------ */

static bool exists(const struct conf *c, const char *profile)
{
	return !profile[0] || !strcmp(profile, CONF_PROFILE_NONE) ||
	       profiles_text(c, profile, 1);
}

static void named(const struct conf *c, struct conf_errors *e, uint32_t line,
		  const char *who, const char *profile)
{
	const struct conf_where at = { .source = line ? c->file : "settings",
				       .line = line };

	if (!exists(c, profile))
		conf_error(e, &at, "%s: there is no profile '%s'", who,
			   profile);
}

void conf_check_profiles(const struct conf *c, struct conf_errors *e)
{
	struct profiles_made made;
	struct profiles_fault f;

	named(c, e, 0, "profile", c->profile);
	for (uint16_t i = 0; i < c->profile_use_n; i++)
		named(c, e, c->profile_use[i].line, "profile.use",
		      c->profile_use[i].profile);
	for (uint16_t i = 0; i < c->client_n; i++)
		named(c, e, c->client[i].line, c->client[i].fw.name,
		      c->client[i].fw.profile);
	if (!profiles_wanted(c))
		return;
	if (profiles_make(&made, c, &f)) {
		const struct conf_where at = {
			.source = f.line ? c->file : "settings",
			.line = f.line,
		};

		conf_error(e, &at, "%s", f.text);
	}
	profiles_clear(&made);
}
