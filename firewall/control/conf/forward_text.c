/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/conf/forward_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "packet/pkt_cursor.h"

enum key {
	KEY_IN,
	KEY_FROM,
	KEY_TO,
	KEY_PROTO,
	KEY_DPORT,
	KEY_SRC,
	KEY_CLIENTS,
	KEY_N
};

static const char key_name[KEY_N][8] = {
	[KEY_IN] = "in",	   [KEY_FROM] = "from",	  [KEY_TO] = "to",
	[KEY_PROTO] = "proto",	   [KEY_DPORT] = "dport", [KEY_SRC] = "src",
	[KEY_CLIENTS] = "clients",
};

/* One text while it is read. */
struct reading {
	struct fw_forward *f;
	struct forward_error *err;
	uint32_t column[KEY_N]; /* of the key's value, 0: not seen */
	bool icmp, to_port;
};

static int refuse(const struct reading *rd, uint32_t column, const char *why)
{
	*rd->err = (struct forward_error){ .column = column, .why = why };
	return -EBADMSG;
}

static bool is_word(const struct cur *c, const char *word)
{
	size_t n = strlen(word);

	return c->left == n && memcmp(c->p, word, n) == 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* A port in decimal; the rest of @c is what stands behind it. */
static bool read_port(struct cur *c, uint16_t *out)
{
	uint32_t v = 0;
	size_t digits = 0;

	while (c->left && c->p[0] >= '0' && c->p[0] <= '9') {
		v = v * 10 + (uint32_t)(cur_u8(c) - '0');
		if (++digits > 5)
			return false;
	}
	*out = (uint16_t)v;
	return v && v <= UINT16_MAX;
}

static bool read_dport(struct fw_forward *f, struct cur v)
{
	if (!read_port(&v, &f->lo))
		return false;
	f->hi = f->lo;
	if (v.left && (cur_u8(&v) != '-' || !read_port(&v, &f->hi)))
		return false;
	return !v.left && f->lo <= f->hi;
}

static bool read_prefix(struct pkt_prefix *out, const struct cur *v)
{
	return !pkt_prefix_parse(out, (const char *)v->p, v->left);
}

/* ADDRESS, IPV4:PORT or [IPV6]:PORT; the brackets also without a port. */
static bool read_to(struct reading *rd, struct cur v)
{
	struct pkt_addr *to = &rd->f->to;
	const uint8_t *colon = v.left ? memchr(v.p, ':', v.left) : NULL;
	bool one = colon &&
		   !memchr(colon + 1, ':', v.left - (size_t)(colon + 1 - v.p));
	struct cur addr = v;

	if (v.left && v.p[0] == '[') {
		if (!memchr(v.p, ']', v.left))
			return false;
		(void)cur_u8(&v);
		addr = cur_until(&v, ']', v.left);
		if (!addr.left || !memchr(addr.p, ':', addr.left))
			return false;
		rd->to_port = v.left != 0;
		if (rd->to_port && cur_u8(&v) != ':')
			return false;
	} else if (one) {
		addr = cur_until(&v, ':', v.left);
		rd->to_port = true;
	}
	if (rd->to_port && (!read_port(&v, &rd->f->to_port) || v.left))
		return false;
	return !pkt_addr_parse(to, (const char *)addr.p, addr.left) &&
	       pkt_addr_ok_src(to) && !pkt_addr_is_zero(to) &&
	       !pkt_addr_is_linklocal(to);
}

static bool read_proto(struct reading *rd, const struct cur *v)
{
	rd->icmp = is_word(v, "icmp");
	if (is_word(v, "tcp"))
		rd->f->proto = IP_TCP;
	else if (is_word(v, "udp"))
		rd->f->proto = IP_UDP;
	return rd->icmp || rd->f->proto;
}

static bool read_value(struct reading *rd, enum key k, struct cur v)
{
	struct fw_forward *f = rd->f;

	switch (k) {
	case KEY_IN:
		return is_word(&v, "uplink");
	case KEY_FROM:
	case KEY_SRC:
		return read_prefix(&f->src, &v);
	case KEY_TO:
		return read_to(rd, v);
	case KEY_PROTO:
		return read_proto(rd, &v);
	case KEY_DPORT:
		return read_dport(f, v);
	case KEY_CLIENTS:
		f->clients = is_word(&v, "yes");
		return f->clients || is_word(&v, "no");
	case KEY_N:
		break;
	}
	return false;
}

static const char *value_allowed(enum key k)
{
	switch (k) {
	case KEY_IN:
		return "in is uplink";
	case KEY_FROM:
		return "from is an address or address/length of clients";
	case KEY_TO:
		return "to is the address of a client, or with a port "
		       "IPV4:PORT or [IPV6]:PORT";
	case KEY_PROTO:
		return "proto is tcp, udp or (with from) icmp";
	case KEY_DPORT:
		return "dport is a port or low-high, 1 to 65535";
	case KEY_SRC:
		return "src is an address or address/length";
	case KEY_CLIENTS:
		return "clients is yes or no";
	case KEY_N:
		break;
	}
	return "keys are in, from, to, proto, dport, src and clients";
}

static int read_item(struct reading *rd, struct cur item, uint32_t column)
{
	struct cur name;
	int k = 0;

	if (!memchr(item.p, '=', item.left))
		return refuse(rd, column, "an item is key=value");
	name = cur_until(&item, '=', item.left);
	while (k < KEY_N && !is_word(&name, key_name[k]))
		k++;
	if (k == KEY_N)
		return refuse(rd, column, value_allowed(KEY_N));
	if (rd->column[k])
		return refuse(rd, column, "a key may stand only once");
	rd->column[k] = column + (uint32_t)strlen(key_name[k]) + 1;
	if (!read_value(rd, (enum key)k, item))
		return refuse(rd, rd->column[k], value_allowed((enum key)k));
	return 0;
}

/* in=uplink; the port of the target, and that a range ends within 65535. */
static int check_in(struct reading *rd)
{
	const uint32_t *at = rd->column;
	struct fw_forward *f = rd->f;

	f->kind = FW_FORWARD_IN;
	if (rd->icmp)
		return refuse(rd, at[KEY_PROTO],
			      "with in=uplink proto is tcp or udp");
	if (!at[KEY_DPORT])
		return refuse(rd, 1, "in=uplink needs a dport");
	if (!rd->to_port)
		f->to_port = f->lo;
	if (f->to_port + (f->hi - f->lo) > UINT16_MAX)
		return refuse(rd, at[KEY_TO],
			      "the last of so many ports would be over 65535");
	return 0;
}

static int check_across(struct reading *rd)
{
	const uint32_t *at = rd->column;
	struct fw_forward *f = rd->f;

	f->kind = FW_FORWARD_ACROSS;
	if (at[KEY_SRC])
		return refuse(rd, at[KEY_SRC],
			      "src is for in=uplink; from says who may");
	if (at[KEY_CLIENTS])
		return refuse(rd, at[KEY_CLIENTS], "clients is for in=uplink");
	if (rd->to_port)
		return refuse(rd, at[KEY_TO],
			      "a port behind to is for in=uplink; use dport");
	if (at[KEY_DPORT] && rd->icmp)
		return refuse(rd, at[KEY_DPORT], "dport is for tcp and udp");
	if (rd->icmp)
		f->proto = pkt_addr_is_v4(&f->to) ? IP_ICMP : IP_ICMP6;
	if (!at[KEY_DPORT]) {
		f->lo = 0;
		f->hi = UINT16_MAX;
	}
	return 0;
}

/* What one item says about another, whichever came first. */
static int check_items(struct reading *rd)
{
	static const struct pkt_prefix any6;
	const uint32_t *at = rd->column;
	struct fw_forward *f = rd->f;
	bool v4;
	int rc;

	if (!at[KEY_IN] == !at[KEY_FROM])
		return refuse(rd, 1, "either in=uplink or from=ADDRESS");
	if (!at[KEY_TO])
		return refuse(rd, 1, "to=ADDRESS is missing");
	v4 = pkt_addr_is_v4(&f->to);
	if (!at[KEY_FROM] && !at[KEY_SRC]) {
		static const uint8_t zero[4];

		f->src = v4 ? (struct pkt_prefix){ pkt_addr_v4(zero), 96 }
			    : any6;
	}
	if (pkt_addr_is_v4(&f->src.addr) != v4)
		return refuse(rd, at[at[KEY_FROM] ? KEY_FROM : KEY_SRC],
			      "it is not of the same family as to");
	rc = at[KEY_IN] ? check_in(rd) : check_across(rd);
	if (!rc)
		vw_assert(fw_forward_ok(f));
	return rc;
}

int forward_parse(struct fw_forward *out, const char *text, size_t len,
		  struct forward_error *err)
{
	struct reading rd = { .f = out, .err = err };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < len;) {
		size_t n = 0;
		int rc;

		if (is_blank((uint8_t)text[i])) {
			i++;
			continue;
		}
		while (i + n < len && !is_blank((uint8_t)text[i + n]))
			n++;
		rc = read_item(&rd, cur_of(text + i, n), (uint32_t)i + 1);
		if (rc)
			return rc;
		i += n;
	}
	return check_items(&rd);
}

static const char *proto_name(uint8_t proto)
{
	return proto == IP_TCP	 ? " proto=tcp"
	       : proto == IP_UDP ? " proto=udp"
	       : proto		 ? " proto=icmp"
				 : "";
}

static bool is_anybody(const struct pkt_prefix *p)
{
	return p->len == (pkt_addr_is_v4(&p->addr) ? 96 : 0);
}

const char *forward_print(char out[FORWARD_TEXT_MAX],
			  const struct fw_forward *f)
{
	char src[PKT_ADDR_TEXT + 4], to[PKT_ADDR_TEXT], ports[20] = "";
	bool v4 = pkt_addr_is_v4(&f->to), any = is_anybody(&f->src);
	const char *proto = proto_name(f->proto);

	if (f->src.len == 128)
		pkt_addr_print(src, &f->src.addr);
	else
		pkt_prefix_print(src, &f->src);
	pkt_addr_print(to, &f->to);
	if (!fw_forward_any_port(f) && f->lo != f->hi)
		snprintf(ports, sizeof(ports), " dport=%u-%u", f->lo, f->hi);
	else if (!fw_forward_any_port(f))
		snprintf(ports, sizeof(ports), " dport=%u", f->lo);
	if (f->kind == FW_FORWARD_ACROSS)
		snprintf(out, FORWARD_TEXT_MAX, "from=%s to=%s%s%s", src, to,
			 proto, ports);
	else
		snprintf(out, FORWARD_TEXT_MAX,
			 "in=uplink%s%s%s%s to=%s%s%s:%u%s", proto, ports,
			 any ? "" : " src=", any ? "" : src, v4 ? "" : "[", to,
			 v4 ? "" : "]", f->to_port,
			 f->clients ? " clients=yes" : "");
	return out;
}
