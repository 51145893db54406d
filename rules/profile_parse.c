/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "packet/pkt_cursor.h"
#include "rules/profile.h"

enum key {
	KEY_ACTION,
	KEY_DST,
	KEY_PROTO,
	KEY_DSTPORTS,
	KEY_ICMPTYPE,
	KEY_SPECIALTARGET,
	KEY_N
};

static const char *const key_name[KEY_N] = {
	[KEY_ACTION] = "action",     [KEY_DST] = "dst",
	[KEY_PROTO] = "proto",	     [KEY_DSTPORTS] = "dstports",
	[KEY_ICMPTYPE] = "icmptype", [KEY_SPECIALTARGET] = "specialtarget",
};

static const char *const value_allowed[KEY_N + 1] = {
	[KEY_ACTION] = "action is drop or pass",
	[KEY_DST] = "dst is an address, address/length or the name of a set",
	[KEY_PROTO] = "proto is tcp, udp or icmp",
	[KEY_DSTPORTS] = "dstports is a port or low-high, 0 to 65535",
	[KEY_ICMPTYPE] = "icmptype is 0 to 255",
	[KEY_SPECIALTARGET] = "specialtarget is dns",
	[KEY_N] = "keys: action, dst, proto, dstports, icmptype, specialtarget",
};

/* Names change what they stand for; what a profile refuses must not. */
static const char no_names[] =
	"a profile knows no host names: dst= takes an address, "
	"address/length or the name of a set; names are for a client's own "
	"rules";

struct reading {
	struct profile_text *out;
	struct profile_error *err;
	uint32_t column[KEY_N]; /* of the key's item, 0: not seen */
};

static int refuse(struct profile_error *err, uint32_t column, const char *why)
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

/* A decimal number up to @max, without sign or leading zeros. */
static bool read_number(struct cur *c, uint32_t max, uint32_t *out)
{
	bool zero = c->left && c->p[0] == '0';
	uint32_t digits = 0, v = 0;

	while (c->left && c->p[0] >= '0' && c->p[0] <= '9') {
		v = v * 10 + (uint32_t)(cur_u8(c) - '0');
		if (v > max || (zero && digits))
			return false;
		digits++;
	}
	*out = v;
	return digits > 0;
}

static bool read_action(struct profile_rule *r, const struct cur *v)
{
	r->action = is_word(v, "pass") ? PROFILE_PASS : PROFILE_DROP;
	return r->action == PROFILE_PASS || is_word(v, "drop");
}

/* A name has a letter where an address has none, or it is refused. */
static bool read_dst(struct profile_text *t, const struct cur *v)
{
	const char *text = (const char *)v->p;

	if (!pkt_prefix_parse(&t->rule.prefix, text, v->left)) {
		t->rule.dst = PROFILE_DST_PREFIX;
		return true;
	}
	if (!addr_set_name_ok(text, v->left))
		return false;
	t->rule.dst = PROFILE_DST_SET;
	memcpy(t->set, text, v->left);
	return true;
}

/* Neither an address nor a set's name, but letters with dots between. */
static bool is_host(const struct cur *v)
{
	bool letter = false;

	for (size_t i = 0; i < v->left; i++)
		letter |= (v->p[i] | 0x20) >= 'a' && (v->p[i] | 0x20) <= 'z';
	return letter && memchr(v->p, '.', v->left) &&
	       !memchr(v->p, ':', v->left) && !memchr(v->p, '/', v->left);
}

static bool read_proto(struct profile_rule *r, const struct cur *v)
{
	if (is_word(v, "tcp"))
		r->proto = 6;
	else if (is_word(v, "udp"))
		r->proto = 17;
	else if (is_word(v, "icmp"))
		r->proto = 1;
	return r->proto != RULE_PROTO_ANY;
}

static bool read_ports(struct profile_rule *r, struct cur v)
{
	uint32_t lo, hi;

	if (!read_number(&v, UINT16_MAX, &lo))
		return false;
	hi = lo;
	if (v.left && (cur_u8(&v) != '-' || !read_number(&v, UINT16_MAX, &hi)))
		return false;
	r->port_lo = (uint16_t)lo;
	r->port_hi = (uint16_t)hi;
	return !v.left && lo <= hi;
}

static bool read_value(struct profile_text *t, enum key k, struct cur v)
{
	uint32_t type;

	switch (k) {
	case KEY_ACTION:
		return read_action(&t->rule, &v);
	case KEY_DST:
		return read_dst(t, &v);
	case KEY_PROTO:
		return read_proto(&t->rule, &v);
	case KEY_DSTPORTS:
		return read_ports(&t->rule, v);
	case KEY_ICMPTYPE:
		if (!read_number(&v, UINT8_MAX, &type) || v.left)
			return false;
		t->rule.icmp_type = (int16_t)type;
		return true;
	case KEY_SPECIALTARGET:
		t->rule.dns = is_word(&v, "dns");
		return t->rule.dns;
	case KEY_N:
		break;
	}
	return false;
}

static int read_item(struct reading *rd, struct cur item, uint32_t column)
{
	struct cur name;
	int k = 0;

	if (!memchr(item.p, '=', item.left))
		return refuse(rd->err, column, "an item is key=value");
	name = cur_until(&item, '=', item.left);
	while (k < KEY_N && !is_word(&name, key_name[k]))
		k++;
	if (k == KEY_N)
		return refuse(rd->err, column,
			      is_word(&name, "dsthost") ? no_names
							: value_allowed[k]);
	if (rd->column[k])
		return refuse(rd->err, column, "a key may stand only once");
	rd->column[k] = column;
	if (!read_value(rd->out, (enum key)k, item))
		return refuse(rd->err,
			      column + (uint32_t)strlen(key_name[k]) + 1,
			      k == KEY_DST && is_host(&item)
				      ? no_names
				      : value_allowed[k]);
	return 0;
}

/* What one item says about another, whichever came first. */
static int check_items(const struct reading *rd)
{
	const uint32_t *at = rd->column;
	bool icmp = rd->out->rule.proto == 1;

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

int profile_parse(struct profile_text *out, const char *text, size_t len,
		  struct profile_error *err)
{
	struct reading rd = { .out = out, .err = err };
	struct cur c = cur_of(text, len);

	memset(out, 0, sizeof(*out));
	out->rule.icmp_type = -1;
	out->rule.port_hi = UINT16_MAX;
	if (len > PROFILE_TEXT_MAX)
		return refuse(err, 1, "a rule has at most 256 bytes");
	while (c.left) {
		uint32_t column = (uint32_t)(len - c.left) + 1;
		struct cur item = cur_until(&c, ' ', len);
		int rc;

		if (!item.left) /* more than one blank, or around it all */
			continue;
		rc = read_item(&rd, item, column);
		if (rc)
			return rc;
	}
	return check_items(&rd);
}
