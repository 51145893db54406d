/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "packet/pkt_cursor.h"
#include "rules/rule.h"

enum key {
	KEY_ACTION,
	KEY_DST4,
	KEY_DST6,
	KEY_DSTHOST,
	KEY_PROTO,
	KEY_SPECIALTARGET,
	KEY_DSTPORTS,
	KEY_ICMPTYPE,
	KEY_N
};

static const char key_name[KEY_N][16] = {
	[KEY_ACTION] = "action",     [KEY_DST4] = "dst4",
	[KEY_DST6] = "dst6",	     [KEY_DSTHOST] = "dsthost",
	[KEY_PROTO] = "proto",	     [KEY_SPECIALTARGET] = "specialtarget",
	[KEY_DSTPORTS] = "dstports", [KEY_ICMPTYPE] = "icmptype",
};

/* One text while it is read. */
struct reading {
	struct rule *rule;
	struct rule_error *err;
	uint32_t column[KEY_N]; /* of the key's item, 0: not seen */
};

static int refuse(struct rule_error *err, uint32_t column, const char *why)
{
	err->column = column;
	err->why = why;
	return -EBADMSG;
}

static bool is_word(const struct cur *c, const char *word)
{
	size_t n = strlen(word);

	return c->left == n && memcmp(c->p, word, n) == 0;
}

static enum key find_key(const struct cur *name)
{
	int k = 0;

	while (k < KEY_N && !is_word(name, key_name[k]))
		k++;
	return (enum key)k;
}

/* A decimal number from 0 to @max, without sign or leading zeros. */
static bool read_number(struct cur *c, uint32_t max, uint32_t *out)
{
	bool zero = c->left && c->p[0] == '0';
	size_t digits = 0;
	uint32_t v = 0;

	while (c->left && c->p[0] >= '0' && c->p[0] <= '9') {
		v = v * 10 + (uint32_t)(cur_u8(c) - '0');
		digits++;
		if (v > max || (zero && digits > 1))
			return false;
	}
	*out = v;
	return digits > 0;
}

static bool read_action(struct cur v, uint8_t *out)
{
	*out = is_word(&v, "accept") ? RULE_ACCEPT : RULE_DROP;
	return *out == RULE_ACCEPT || is_word(&v, "drop");
}

static bool read_prefix(struct rule *r, const struct cur *v)
{
	const char *text = (const char *)v->p;
	bool colon = v->left && memchr(text, ':', v->left);

	r->dst = RULE_DST_PREFIX;
	if (colon != (r->family == RULE_IP6))
		return false;
	return colon ? !pkt_prefix6_parse(&r->prefix, text, v->left)
		     : !pkt_prefix_parse(&r->prefix, text, v->left);
}

/* As dom0 allows it, lower case only; no label is empty or over 63 bytes. */
static bool read_name(struct rule *r, struct cur v)
{
	size_t n = v.left, label = 0;

	if (!n || n > RULE_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t ch = cur_u8(&v);
		bool dot = ch == '.';

		if (!dot && !(ch >= 'a' && ch <= 'z') &&
		    !(ch >= '0' && ch <= '9') && ch != '-' && ch != '_')
			return false;
		if (dot ? !label : label == 63)
			return false;
		label = dot ? 0 : label + 1;
		r->name[i] = (char)ch;
	}
	r->dst = RULE_DST_NAME;
	return true;
}

static bool read_proto(struct rule *r, const struct cur *v)
{
	if (is_word(v, "tcp"))
		r->proto = 6;
	else if (is_word(v, "udp"))
		r->proto = 17;
	else if (is_word(v, "icmp"))
		r->proto = r->family == RULE_IP6 ? 58 : 1;
	return r->proto != RULE_PROTO_ANY;
}

static bool read_ports(struct rule *r, struct cur v)
{
	uint32_t lo, hi;

	if (!read_number(&v, UINT16_MAX, &lo))
		return false;
	hi = lo;
	if (v.left && (cur_u8(&v) != '-' || !read_number(&v, UINT16_MAX, &hi)))
		return false;
	r->has_ports = true;
	r->port_lo = (uint16_t)lo;
	r->port_hi = (uint16_t)hi;
	return !v.left && lo <= hi;
}

static bool read_icmp_type(struct rule *r, struct cur v)
{
	uint32_t type;

	if (!read_number(&v, UINT8_MAX, &type) || v.left)
		return false;
	r->icmp_type = (int16_t)type;
	return true;
}

static bool read_value(struct rule *r, enum key k, struct cur v)
{
	switch (k) {
	case KEY_ACTION:
		return read_action(v, &r->action);
	case KEY_DST4:
	case KEY_DST6:
		return read_prefix(r, &v);
	case KEY_DSTHOST:
		return read_name(r, v);
	case KEY_PROTO:
		return read_proto(r, &v);
	case KEY_SPECIALTARGET:
		r->dns = is_word(&v, "dns");
		return r->dns;
	case KEY_DSTPORTS:
		return read_ports(r, v);
	case KEY_ICMPTYPE:
		return read_icmp_type(r, v);
	case KEY_N:
		break;
	}
	return false;
}

static const char *value_allowed(enum key k)
{
	switch (k) {
	case KEY_ACTION:
		return "action is accept or drop";
	case KEY_DST4:
		return "dst4 is an IPv4 address, or address/0 to address/32";
	case KEY_DST6:
		return "dst6 is an IPv6 address, or address/0 to address/128";
	case KEY_DSTHOST:
		return "dsthost is a name of a-z 0-9 - _ and single dots, at "
		       "most 253 bytes, 63 between dots";
	case KEY_PROTO:
		return "proto is tcp, udp or icmp";
	case KEY_SPECIALTARGET:
		return "specialtarget is dns";
	case KEY_DSTPORTS:
		return "dstports is a port or low-high, 0 to 65535";
	case KEY_ICMPTYPE:
		return "icmptype is 0 to 255";
	case KEY_N:
		break;
	}
	return "keys are action, dst4, dst6, dsthost, proto, specialtarget, "
	       "dstports and icmptype";
}

/* What forbids @k here, whatever its value; NULL: nothing does. */
static const char *key_forbidden(const struct reading *rd, enum key k)
{
	const uint32_t *seen = rd->column;

	if (k == KEY_N)
		return value_allowed(k);
	if (seen[k])
		return "a key may stand only once";
	if (k != KEY_DST4 && k != KEY_DST6 && k != KEY_DSTHOST)
		return NULL;
	if (seen[KEY_DST4] || seen[KEY_DST6] || seen[KEY_DSTHOST])
		return "only one of dst4, dst6 and dsthost may stand";
	if (k == KEY_DST4 && rd->rule->family != RULE_IP4)
		return "dst4 is for rules of an IPv4 address only";
	if (k == KEY_DST6 && rd->rule->family != RULE_IP6)
		return "dst6 is for rules of an IPv6 address only";
	return NULL;
}

static int read_item(struct reading *rd, struct cur item, uint32_t column)
{
	struct cur name;
	uint32_t value_at;
	const char *why;
	enum key k;

	if (!item.left)
		return refuse(rd->err, column,
			      "exactly one space stands between two items, and "
			      "none before or after them");
	if (!memchr(item.p, '=', item.left))
		return refuse(rd->err, column, "an item is key=value");
	name = cur_until(&item, '=', item.left);
	k = find_key(&name);
	why = key_forbidden(rd, k);
	if (why)
		return refuse(rd->err, column, why);
	rd->column[k] = column;
	value_at = column + (uint32_t)strlen(key_name[k]) + 1;
	if (!read_value(rd->rule, k, item))
		return refuse(rd->err, value_at, value_allowed(k));
	return 0;
}

/* What one item says about another, whichever came first. */
static int check_items(const struct reading *rd)
{
	const uint32_t *at = rd->column;
	uint8_t proto = rd->rule->proto;
	bool icmp = proto != RULE_PROTO_ANY && proto != 6 && proto != 17;

	if (!at[KEY_ACTION])
		return refuse(rd->err, 1, "every rule has an action");
	if (at[KEY_DSTPORTS] && icmp)
		return refuse(rd->err, at[KEY_DSTPORTS],
			      "dstports is for tcp and udp only");
	if (at[KEY_ICMPTYPE] && !icmp)
		return refuse(rd->err, at[KEY_ICMPTYPE],
			      "icmptype needs proto=icmp");
	if (at[KEY_SPECIALTARGET] && icmp)
		return refuse(rd->err, at[KEY_SPECIALTARGET],
			      "specialtarget=dns is for tcp and udp only");
	return 0;
}

int rule_parse(struct rule *out, uint32_t number, const char *text, size_t len,
	       enum rule_family family, struct rule_error *err)
{
	struct reading rd = { .rule = out, .err = err };
	struct cur c = cur_of(text, len);
	bool last;

	memset(out, 0, sizeof(*out));
	out->number = err->number = number;
	out->family = (uint8_t)family;
	out->icmp_type = -1;
	if (len > RULE_TEXT_MAX)
		return refuse(err, 1, "a rule has at most 3072 bytes");
	do {
		size_t at = len - c.left;
		struct cur item = cur_until(&c, ' ', len);
		int rc;

		last = at + item.left == len;
		rc = read_item(&rd, item, (uint32_t)at + 1);
		if (rc)
			return rc;
	} while (!last);
	return check_items(&rd);
}

int rule_policy_parse(enum rule_action *out, const char *text, size_t len,
		      struct rule_error *err)
{
	uint8_t action;

	err->number = RULE_NUMBER_POLICY;
	if (!read_action(cur_of(text, len), &action))
		return refuse(err, 1, "policy is accept or drop");
	*out = (enum rule_action)action;
	return 0;
}

int rule_number_parse(uint32_t *out, const char *text, size_t len)
{
	struct cur c = cur_of(text, len);
	uint32_t v = 0;

	if (len != 4 && !(len == 5 && text[0] != '0'))
		return -EBADMSG;
	while (c.left) {
		uint8_t ch = cur_u8(&c);

		if (ch < '0' || ch > '9')
			return -EBADMSG;
		v = v * 10 + (uint32_t)(ch - '0');
	}
	*out = v;
	return 0;
}
