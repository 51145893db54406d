/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the keys of a vif say.  dom0's are trusted but checked all the same; the
 * other end's may be anything, and one that makes no sense refuses the whole.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen/bus/bus_in.h"

#define TEXT_MAX 512u /* eight IPv6 addresses fit */
#define MTU_MIN 68u

bool bus_read_is_theirs(int err)
{
	return err == -ENOENT || err == -EACCES || err == -EINVAL ||
	       err == -EMSGSIZE;
}

int bus_read_state(struct store *s, const char *dir, enum xenbus_state *out)
{
	char path[STORE_PATH_MAX], text[16];
	ssize_t n;

	bus_path_join(path, dir, "state");
	n = store_read(s, path, text, sizeof(text) - 1);
	if (n < 0 && n != -EMSGSIZE)
		return (int)n;
	*out = n < 0 ? XENBUS_UNKNOWN : xenbus_parse(text, (size_t)n);
	return 0;
}

static int fail(char why[BUS_TROUBLE], const char *key, int err)
{
	const char *what = "unreadable";

	if (err == -ENOENT)
		what = "missing";
	else if (err == -EINVAL || err == -EMSGSIZE)
		what = "makes no sense";
	else if (err == -EACCES)
		what = "not for us to read";
	bus_note(why, "key %s: %s", key, what);
	return err;
}

/* Printable text; @absent: a missing key is an empty one. */
static int text_of(struct store *s, const char *dir, const char *key,
		   bool absent, char *out, char why[BUS_TROUBLE])
{
	char path[STORE_PATH_MAX];
	int err;

	bus_path_join(path, dir, key);
	err = store_read_text(s, path, out, TEXT_MAX);
	if (err == -ENOENT && absent) {
		out[0] = '\0';
		return 0;
	}
	return err ? fail(why, key, err) : 0;
}

/* A key that must be there. */
static int number(struct store *s, const char *dir, const char *key,
		  uint32_t max, uint32_t *out, char why[BUS_TROUBLE])
{
	char path[STORE_PATH_MAX];
	int err;

	bus_path_join(path, dir, key);
	err = store_read_u32(s, path, max, out);
	return err ? fail(why, key, err) : 0;
}

static int number_or(struct store *s, const char *dir, const char *key,
		     uint32_t max, uint32_t absent, uint32_t *out,
		     char why[BUS_TROUBLE])
{
	char path[STORE_PATH_MAX];
	int err;

	bus_path_join(path, dir, key);
	err = store_read_or(s, path, max, absent, out);
	return err ? fail(why, key, err) : 0;
}

static int read_mac(struct store *s, const char *dir, struct pkt_mac *out,
		    char why[BUS_TROUBLE])
{
	char text[TEXT_MAX];
	int err = text_of(s, dir, "mac", false, text, why);

	if (err)
		return err;
	if (pkt_mac_parse(out, text, strlen(text)) || out->b[0] & 1)
		return fail(why, "mac", -EINVAL);
	return 0;
}

static int read_mtu(struct store *s, const char *dir, uint16_t *out,
		    char why[BUS_TROUBLE])
{
	uint32_t mtu;
	int err = number_or(s, dir, "mtu", UINT16_MAX, 0, &mtu, why);

	if (err)
		return err;
	if (mtu && mtu < MTU_MIN)
		return fail(why, "mtu", -EINVAL);
	*out = (uint16_t)mtu;
	return 0;
}

/* "10.137.0.5 fd09:24ef:4179::a89:5": one blank between them. */
static int read_ip(struct store *s, const char *dir, struct pkt_addr *addr,
		   uint8_t *addr_n, char why[BUS_TROUBLE])
{
	char text[TEXT_MAX];
	int err = text_of(s, dir, "ip", true, text, why);
	const char *at = text;
	uint8_t n = 0;

	if (err)
		return err;
	while (*at) {
		size_t len = strcspn(at, " ");

		if (n == BUS_ADDRS || pkt_addr_parse(&addr[n], at, len))
			return fail(why, "ip", -EINVAL);
		n++;
		at += len;
		if (*at && !*++at)
			return fail(why, "ip", -EINVAL);
	}
	*addr_n = n;
	return 0;
}

/* "bytes,microseconds" */
static int read_rate(struct store *s, const char *dir, struct bus_vif *v,
		     char why[BUS_TROUBLE])
{
	char text[TEXT_MAX];
	int err = text_of(s, dir, "rate", true, text, why);
	size_t len = strcspn(text, ",");
	uint32_t bytes, us;

	if (err || !*text)
		return err;
	if (text[len] != ',' ||
	    !store_parse_u32(text, len, UINT32_MAX, &bytes) ||
	    !store_parse_u32(text + len + 1, strlen(text + len + 1), UINT32_MAX,
			     &us) ||
	    !us != !bytes)
		return fail(why, "rate", -EINVAL);
	v->rate_bytes = bytes;
	v->rate_us = us;
	return 0;
}

/* dom0 must mean the directory that we would look in. */
static int check_front(struct store *s, const char *dir, struct bus_id id,
		       char why[BUS_TROUBLE])
{
	char text[TEXT_MAX], front[BUS_DIR_MAX];
	uint32_t dom;
	int err = number(s, dir, "frontend-id", UINT16_MAX, &dom, why);

	if (!err)
		err = text_of(s, dir, "frontend", false, text, why);
	if (err)
		return err;
	bus_path_front(front, id);
	if (dom != id.dom)
		return fail(why, "frontend-id", -EINVAL);
	return strcmp(text, front) ? fail(why, "frontend", -EINVAL) : 0;
}

/* The vif's number in its own words, where dom0 gives it. */
static int check_handle(struct store *s, const char *dir, struct bus_id id,
			char why[BUS_TROUBLE])
{
	uint32_t handle;
	int err = number_or(s, dir, "handle", UINT16_MAX, id.handle, &handle,
			    why);

	if (!err && handle != id.handle)
		err = fail(why, "handle", -EINVAL);
	return err;
}

static bool has_addr(const struct bus_vif *v, const struct pkt_addr *addr)
{
	for (uint8_t i = 0; i < v->addr_n; i++)
		if (pkt_addr_eq(&v->addr[i], addr))
			return true;
	return false;
}

static bool is_netvm(const struct bus_netvm *c, const struct bus_vif *v)
{
	switch ((enum bus_netvm_by)c->by) {
	case BUS_NETVM_NONE:
		break;
	case BUS_NETVM_DOM:
		return c->dom == v->id.dom;
	case BUS_NETVM_ADDR:
		return has_addr(v, &c->addr);
	case BUS_NETVM_MAC:
		return !memcmp(&c->mac, &v->mac, sizeof(v->mac));
	}
	return false;
}

int bus_read_vif(struct store *s, const struct bus_conf *c, struct bus_vif *v,
		 char why[BUS_TROUBLE])
{
	struct bus_vif got = { .id = v->id };
	char dir[BUS_DIR_MAX];
	int err;

	bus_path_back(dir, v->id);
	err = check_front(s, dir, v->id, why);
	if (!err)
		err = check_handle(s, dir, v->id, why);
	if (!err)
		err = read_mac(s, dir, &got.mac, why);
	if (!err)
		err = read_ip(s, dir, got.addr, &got.addr_n, why);
	if (!err)
		err = read_mtu(s, dir, &got.mtu, why);
	if (!err)
		err = read_rate(s, dir, &got, why);
	if (err)
		return err;
	got.uplink = is_netvm(&c->netvm, &got);
	*v = got;
	return 0;
}

/* A key that says 0, or is missing, or says something else. */
struct flag {
	const char *key;
	uint8_t bit;
	bool when; /* set the bit when the key says so */
};

static int read_flags(struct store *s, const char *dir, const struct flag *f,
		      size_t n, uint8_t *can, char why[BUS_TROUBLE])
{
	*can = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t v;
		int err = number_or(s, dir, f[i].key, UINT32_MAX, 0, &v, why);

		if (err)
			return err;
		if (!!v == f[i].when)
			*can |= f[i].bit;
	}
	return 0;
}

/* One channel for both rings, or two. */
static int read_channels(struct store *s, const char *dir, struct bus_rings *r,
			 char why[BUS_TROUBLE])
{
	int err =
		number(s, dir, "event-channel-tx", UINT32_MAX, &r->tx_evt, why);

	if (!err)
		err = number(s, dir, "event-channel-rx", UINT32_MAX, &r->rx_evt,
			     why);
	if (err != -ENOENT)
		return err;
	err = number(s, dir, "event-channel", UINT32_MAX, &r->tx_evt, why);
	r->rx_evt = r->tx_evt;
	return err;
}

int bus_read_rings(struct store *s, struct bus_rings *r, char why[BUS_TROUBLE])
{
	static const struct flag flags[] = {
		{ "feature-sg", BUS_SG, true },
		{ "feature-gso-tcpv4", BUS_GSO4, true },
		{ "feature-gso-tcpv6", BUS_GSO6, true },
		{ "feature-no-csum-offload", BUS_CSUM4, false },
		{ "feature-ipv6-csum-offload", BUS_CSUM6, true },
		{ "feature-rx-notify", BUS_RX_NOTIFY, true },
	};
	struct bus_rings got = { .id = r->id };
	char dir[BUS_DIR_MAX];
	uint32_t n;
	int err;

	bus_path_front(dir, r->id);
	err = number_or(s, dir, "multi-queue-num-queues", 1, 1, &n, why);
	if (!err && n != 1)
		err = fail(why, "multi-queue-num-queues", -EINVAL);
	if (!err)
		err = number(s, dir, "tx-ring-ref", UINT32_MAX, &got.tx_ref,
			     why);
	if (!err)
		err = number(s, dir, "rx-ring-ref", UINT32_MAX, &got.rx_ref,
			     why);
	if (!err)
		err = read_channels(s, dir, &got, why);
	if (!err)
		err = number(s, dir, "request-rx-copy", UINT32_MAX, &n, why);
	if (!err && !n)
		err = fail(why, "request-rx-copy", -EINVAL);
	if (!err)
		err = read_flags(s, dir, flags, sizeof(flags) / sizeof(*flags),
				 &got.can, why);
	if (!err)
		*r = got;
	return err;
}

int bus_read_uplink_id(struct store *s, const struct bus_conf *c,
		       struct bus_id *id, char why[BUS_TROUBLE])
{
	char dir[BUS_DIR_MAX], text[TEXT_MAX], want[BUS_DIR_MAX];
	uint32_t dom;
	int err;

	snprintf(dir, sizeof(dir), "device/vif/%u", c->uplink_handle);
	err = number(s, dir, "backend-id", UINT16_MAX, &dom, why);
	if (!err)
		err = text_of(s, dir, "backend", false, text, why);
	if (err)
		return err;
	*id = (struct bus_id){ .dom = (uint16_t)dom,
			       .handle = c->uplink_handle };
	bus_path_netvm(want, *id, c->self);
	return strcmp(text, want) ? fail(why, "backend", -EINVAL) : 0;
}

int bus_read_uplink(struct store *s, const char *back, struct bus_uplink *u,
		    char why[BUS_TROUBLE])
{
	static const struct flag flags[] = {
		{ "feature-sg", BUS_SG, true },
		{ "feature-gso-tcpv4", BUS_GSO4, true },
		{ "feature-gso-tcpv6", BUS_GSO6, true },
		{ "feature-ipv6-csum-offload", BUS_CSUM6, true },
	};
	struct bus_uplink got = { .id = u->id };
	char dir[BUS_DIR_MAX];
	uint32_t n;
	int err;

	snprintf(dir, sizeof(dir), "device/vif/%u", u->id.handle);
	err = read_mac(s, dir, &got.mac, why);
	if (!err)
		err = read_mtu(s, dir, &got.mtu, why);
	if (!err)
		err = number(s, back, "feature-rx-copy", UINT32_MAX, &n, why);
	if (!err && !n)
		err = fail(why, "feature-rx-copy", -EINVAL);
	if (!err)
		err = read_flags(s, back, flags, sizeof(flags) / sizeof(*flags),
				 &got.can, why);
	if (!err)
		err = read_ip(s, back, got.addr, &got.addr_n, why);
	if (!err)
		*u = got;
	return err;
}
