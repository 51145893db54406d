/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How settings that name addresses, ports and clients are read.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "firewall/control/conf/conf_table.h"
#include "firewall/control/conf/forward_text.h"

static int parse_mac(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	struct pkt_mac m, zero = { .b = { 0 } };

	if (pkt_mac_parse(&m, text, len))
		return -EINVAL;
	/* A group address, or none, is nobody's. */
	if (m.b[0] & 1 || !memcmp(&m, &zero, sizeof(m)))
		return -ERANGE;
	*(struct pkt_mac *)conf_at(row, base) = m;
	return 0;
}

static int parse_mac_auto(const struct conf_row *row, void *base,
			  const char *text, size_t len)
{
	if (!conf_is_word(text, len, "auto"))
		return parse_mac(row, base, text, len);
	memset(conf_at(row, base), 0, sizeof(struct pkt_mac));
	return 0;
}

static bool if_name_ok(const char *name, size_t len)
{
	if (!len || len >= CONF_IF_MAX || conf_is_word(name, len, ".") ||
	    conf_is_word(name, len, ".."))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)name[i]) || name[i] == '/' ||
		    name[i] == ':' || name[i] == '%')
			return false;
	return true;
}

/* "vif:" and the number that dom0 gave our frontend. */
static int parse_vif(struct conf_port *out, const char *text, size_t len)
{
	uint32_t handle = 0;

	if (!len || len > 5 || (len > 1 && text[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		handle = handle * 10 + (uint32_t)(text[i] - '0');
	}
	if (handle > UINT16_MAX)
		return -ERANGE;
	*out = (struct conf_port){ .kind = CONF_PORT_VIF,
				   .handle = (uint16_t)handle };
	snprintf(out->name, sizeof(out->name), "vif:%u", handle);
	return 0;
}

static int parse_port(const struct conf_row *row, void *base, const char *text,
		      size_t len)
{
	struct conf_port p = { .kind = CONF_PORT_NONE };
	const char *colon = memchr(text, ':', len);
	size_t kind_len, n;

	if (!colon)
		return -EINVAL;
	kind_len = (size_t)(colon - text);
	n = len - kind_len - 1;
	if (conf_is_word(text, kind_len, "vif"))
		return parse_vif(conf_at(row, base), colon + 1, n);
	if (conf_is_word(text, kind_len, "tap"))
		p.kind = CONF_PORT_TAP;
	else if (conf_is_word(text, kind_len, "packet"))
		p.kind = CONF_PORT_PACKET;
	else
		return -EINVAL;
	if (!if_name_ok(colon + 1, n))
		return -EINVAL;
	memcpy(p.name, colon + 1, n);
	*(struct conf_port *)conf_at(row, base) = p;
	return 0;
}

static int family_addr(struct pkt_addr *out, const char *text, size_t len,
		       bool v4)
{
	struct pkt_addr a;

	if (pkt_addr_parse(&a, text, len) || pkt_addr_is_v4(&a) != v4)
		return -EINVAL;
	if (!pkt_addr_ok_src(&a) || pkt_addr_is_zero(&a))
		return -ERANGE;
	*out = a;
	return 0;
}

static int parse_addr4(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	return family_addr(conf_at(row, base), text, len, true);
}

static int parse_addr6(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	return family_addr(conf_at(row, base), text, len, false);
}

/* "none", "gateway", or what a vif is known by. */
static int parse_netvm(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	const struct conf_row dom = { .hi = row->hi }, mac = { .off = 0 };
	struct conf_netvm n;
	int err = 0;

	memset(&n, 0, sizeof(n)); /* settings are compared as they lie there */
	if (conf_is_word(text, len, "gateway")) {
		n.gateway = true;
	} else if (!pkt_addr_parse(&n.is.addr, text, len)) {
		n.is.by = BUS_NETVM_ADDR;
		if (!pkt_addr_ok_src(&n.is.addr) ||
		    pkt_addr_is_zero(&n.is.addr))
			err = -ERANGE;
	} else if (memchr(text, ':', len)) {
		n.is.by = BUS_NETVM_MAC;
		err = parse_mac(&mac, &n.is.mac, text, len);
	} else if (!conf_is_word(text, len, "none")) {
		n.is.by = BUS_NETVM_DOM;
		err = conf_u16.parse(&dom, &n.is.dom, text, len);
	}
	if (!err)
		memcpy(conf_at(row, base), &n, sizeof(n));
	return err;
}

/*
 * "address" or "address/length": the address goes to the row's offset, the
 * prefix (without a length: the address alone) to the count's.
 */
static int family_host(const struct conf_row *row, void *base, const char *text,
		       size_t len, bool v4)
{
	const char *slash = memchr(text, '/', len);
	struct pkt_prefix p;
	int err;

	err = family_addr(&p.addr, text, slash ? (size_t)(slash - text) : len,
			  v4);
	if (err)
		return err;
	if (pkt_prefix_parse(&p, text, len))
		return -EINVAL;
	*(struct pkt_addr *)conf_at(row, base) = p.addr;
	*(struct pkt_prefix *)(void *)conf_count_at(row, base) = p;
	return 0;
}

static int parse_host4(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	return family_host(row, base, text, len, true);
}

static int parse_host6(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	return family_host(row, base, text, len, false);
}

static bool is_gap(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* Next word of a list of words between blanks and commas; false: none. */
static bool next_word(const char **text, size_t *len, const char **word,
		      size_t *word_len)
{
	size_t i = 0, n = 0;

	while (i < *len && is_gap((*text)[i]))
		i++;
	while (i + n < *len && !is_gap((*text)[i + n]))
		n++;
	*word = *text + i;
	*word_len = n;
	*text += i + n;
	*len -= i + n;
	return n != 0;
}

static int parse_addrs(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	struct pkt_addr list[FW_CLIENT_ADDRS];
	uint8_t n = 0;
	const char *word;
	size_t word_len;

	while (next_word(&text, &len, &word, &word_len)) {
		if (n == row->hi)
			return -ENOSPC;
		if (pkt_addr_parse(&list[n], word, word_len))
			return -EINVAL;
		if (!pkt_addr_ok_src(&list[n]) || pkt_addr_is_zero(&list[n]))
			return -ERANGE;
		n++;
	}
	if (!n)
		return -EINVAL;
	memcpy(conf_at(row, base), list, n * sizeof(list[0]));
	*conf_count_at(row, base) = n;
	return 0;
}

static int parse_nets(const struct conf_row *row, void *base, const char *text,
		      size_t len)
{
	struct pkt_prefix list[FW_CLIENT_ADDRS];
	uint8_t n = 0;
	const char *word;
	size_t word_len;

	while (next_word(&text, &len, &word, &word_len)) {
		if (n == row->hi)
			return -ENOSPC;
		if (!memchr(word, '/', word_len) ||
		    pkt_prefix_parse(&list[n], word, word_len))
			return -EINVAL;
		n++;
	}
	if (!n)
		return -EINVAL;
	memcpy(conf_at(row, base), list, n * sizeof(list[0]));
	*conf_count_at(row, base) = n;
	return 0;
}

static int parse_forward(const struct conf_row *row, void *base,
			 const char *text, size_t len)
{
	struct forward_error why;
	struct fw_forward f;
	struct conf *c = base;

	(void)row;
	if (forward_parse(&f, text, len, &why))
		return -EBADMSG;
	if (c->forward_n == CONF_FORWARDS)
		return -ENOSPC;
	c->forward[c->forward_n++] = (struct conf_forward){ .fw = f };
	return 0;
}

static void forward_why(const char *text, size_t len, uint32_t *column,
			const char **why)
{
	struct forward_error err = { .column = 1, .why = "" };
	struct fw_forward f;

	if (forward_parse(&f, text, len, &err)) {
		*column = err.column;
		*why = err.why;
	}
}

static int parse_allow(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	struct conf *c = base;
	struct conf_allow a = { .line = 0 };
	const char *word[3];
	size_t n[3];

	if (len > 5 && !memcmp(text, "from=", 5))
		return parse_forward(row, base, text, len);
	for (int i = 0; i < 3; i++)
		if (!next_word(&text, &len, &word[i], &n[i]))
			return -EINVAL;
	if (!conf_is_word(word[1], n[1], "->") || len || n[0] >= FW_NAME_MAX ||
	    n[2] >= FW_NAME_MAX)
		return -EINVAL;
	if (c->allow_n == CONF_ALLOWS)
		return -ENOSPC;
	memcpy(a.from, word[0], n[0]);
	memcpy(a.to, word[2], n[2]);
	c->allow[c->allow_n++] = a;
	return 0;
}

CONF_TYPE(conf_mac, parse_mac, sizeof(struct pkt_mac), "a MAC address",
	  "six bytes of one station, such as 00:16:3e:5e:6c:00");
CONF_TYPE(conf_mac_auto, parse_mac_auto, sizeof(struct pkt_mac),
	  "a MAC address",
	  "auto, or six bytes of one station, such as 00:16:3e:5e:6c:00");
CONF_TYPE(conf_port, parse_port, sizeof(struct conf_port), "a port",
	  "tap:NAME, packet:INTERFACE (names of 1 to 15 characters), for the "
	  "uplink also vif:NUMBER");
CONF_TYPE(conf_netvm, parse_netvm, sizeof(struct conf_netvm),
	  "a domain's number or what its vif is known by",
	  "none, gateway, an address or MAC address of the vif, or a domain's "
	  "number up to 32751");
CONF_TYPE(conf_addr4, parse_addr4, sizeof(struct pkt_addr), "an IPv4 address",
	  "the address of a host, such as 192.0.2.1");
CONF_TYPE(conf_addr6, parse_addr6, sizeof(struct pkt_addr), "an IPv6 address",
	  "the address of a host, such as 2001:db8::1");
CONF_TYPE(conf_host4, parse_host4, sizeof(struct pkt_addr), "an IPv4 address",
	  "ADDRESS or ADDRESS/LENGTH of a host, such as 192.0.2.2/24");
CONF_TYPE(conf_host6, parse_host6, sizeof(struct pkt_addr), "an IPv6 address",
	  "ADDRESS or ADDRESS/LENGTH of a host, such as 2001:db8::2/64");
CONF_TYPE(conf_addrs, parse_addrs, 0, "a list of addresses",
	  "addresses of hosts, IPv4 or IPv6, between blanks or commas");
CONF_TYPE(conf_nets, parse_nets, 0, "a list of networks",
	  "ADDRESS/LENGTH, IPv4 or IPv6, between blanks or commas");
const struct conf_type conf_forward = {
	.noun = "an opening",
	.allowed = "in=uplink dport=PORT to=ADDRESS:PORT with proto=, src=, "
		   "clients=, or from=ADDRESS to=ADDRESS with proto=, dport=",
	.parse = parse_forward,
	.why = forward_why,
};
const struct conf_type conf_allow_pair = {
	.noun = "a pair of clients",
	.allowed = "CLIENT -> CLIENT, or from=ADDRESS to=ADDRESS with proto=, "
		   "dport=",
	.parse = parse_allow,
	.why = forward_why,
};
