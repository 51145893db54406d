/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_dns.h"

#include <errno.h>

#include "packet/pkt_cursor.h"

#define FLAG_ANSWER 0x8000u
#define FLAG_OPCODE 0x7800u
#define FLAG_TRUNCATED 0x0200u
#define CLASS_IN 1u
#define HEADER 12u
#define LABEL_MAX 63u
#define POINTER 0xc0u
#define JUMPS_MAX 32u /* pointers in one name */

/* A message, and where in it one stands. */
struct walk {
	const uint8_t *msg;
	size_t len;
	struct cur c;
};

static size_t place(const struct walk *w)
{
	return (size_t)(w->c.p - w->msg);
}

static char plain(uint8_t b)
{
	if (b >= 'A' && b <= 'Z')
		return (char)(b + ('a' - 'A'));
	if ((b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') || b == '-' ||
	    b == '_')
		return (char)b;
	return '?';
}

/*
 * Reads a name.  A pointer leads to before where the name, or the part of it
 * that it was in, begins: so there is an end.
 */
static bool take_name(struct walk *w, char out[PKT_DNS_NAME])
{
	struct cur at = w->c, after = w->c;
	size_t n = 0, before = place(w);
	uint32_t jumps = 0;

	for (;;) {
		uint8_t b = cur_u8(&at);

		if (!cur_ok(&at))
			return false;
		if (!jumps)
			after = at;
		if (!b)
			break;
		if (b >= POINTER) {
			size_t to = (size_t)(b & ~POINTER & 0xffu) << 8 |
				    cur_u8(&at);

			if (!cur_ok(&at) || to >= before || jumps == JUMPS_MAX)
				return false;
			if (!jumps++)
				after = at;
			before = to;
			at = cur_of(w->msg + to, w->len - to);
			continue;
		}
		if (b > LABEL_MAX || n + b + 2 > PKT_DNS_NAME)
			return false;
		if (n)
			out[n++] = '.';
		for (; b; b--)
			out[n++] = plain(cur_u8(&at));
	}
	out[n] = '\0';
	w->c = after;
	return cur_ok(&at);
}

int pkt_dns_parse(struct pkt_dns *out, const void *msg, size_t len)
{
	struct walk w = { .msg = msg, .len = len, .c = cur_of(msg, len) };
	uint16_t flags, questions;

	*out = (struct pkt_dns){ .id = cur_be16(&w.c) };
	flags = cur_be16(&w.c);
	questions = cur_be16(&w.c);
	out->records = cur_be16(&w.c);
	cur_skip(&w.c, 4);
	if (!cur_ok(&w.c) || flags & FLAG_OPCODE || questions != 1 ||
	    len > UINT16_MAX)
		return -EBADMSG;
	out->answer = flags & FLAG_ANSWER;
	out->truncated = flags & FLAG_TRUNCATED;
	out->rcode = flags & 0xf;
	if (!take_name(&w, out->name))
		return -EBADMSG;
	out->type = cur_be16(&w.c);
	if (cur_be16(&w.c) != CLASS_IN || !cur_ok(&w.c))
		return -EBADMSG;
	out->end = (uint16_t)place(&w);
	return 0;
}

struct record {
	char name[PKT_DNS_NAME];
	uint16_t type;
	uint32_t ttl;
	struct walk data; /* may look at the whole message, for names */
	uint16_t len;
};

static bool take_record(struct walk *w, struct record *r)
{
	uint16_t class;

	if (!take_name(w, r->name))
		return false;
	r->type = cur_be16(&w->c);
	class = cur_be16(&w->c);
	r->ttl = cur_be32(&w->c);
	if (r->ttl > INT32_MAX) /* RFC 2181: as if it were zero */
		r->ttl = 0;
	r->len = cur_be16(&w->c);
	r->data = *w;
	cur_skip(&w->c, r->len);
	if (class != CLASS_IN)
		r->type = 0;
	return cur_ok(&w->c);
}

static struct walk records_of(const struct pkt_dns *d, const void *msg,
			      size_t len)
{
	const uint8_t *b = msg;

	return (struct walk){ .msg = msg,
			      .len = len,
			      .c = cur_of(b + d->end, len - d->end) };
}

static uint32_t records_n(const struct pkt_dns *d)
{
	return d->records < PKT_DNS_RECORDS ? d->records : PKT_DNS_RECORDS;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * One step along the chain of aliases: -EBADMSG, 0 when @name is none, 1 when
 * it became what it stands for.
 */
static int follow(const struct pkt_dns *d, const void *msg, size_t len,
		  char name[PKT_DNS_NAME], uint32_t *ttl)
{
	struct walk w = records_of(d, msg, len);

	for (uint32_t i = 0; i < records_n(d); i++) {
		struct record r;

		if (!take_record(&w, &r))
			return -EBADMSG;
		if (r.type != PKT_DNS_CNAME || strcmp(r.name, name) != 0)
			continue;
		if (!take_name(&r.data, name))
			return -EBADMSG;
		*ttl = least(*ttl, r.ttl);
		return 1;
	}
	return 0;
}

static bool addr_of(struct pkt_addr *out, const struct record *r)
{
	struct cur c = r->data.c;

	if (r->type == PKT_DNS_A && r->len == 4)
		*out = pkt_addr_v4(cur_take(&c, 4));
	else if (r->type == PKT_DNS_AAAA && r->len == 16)
		*out = pkt_addr_v6(cur_take(&c, 16));
	else
		return false;
	/* an IPv4 address in IPv6's clothes is nobody's */
	return pkt_addr_is_v4(out) == (r->type == PKT_DNS_A) &&
	       !pkt_addr_is_zero(out) && !pkt_addr_is_linklocal(out) &&
	       pkt_addr_ok_dst(out);
}

int pkt_dns_addrs(const struct pkt_dns *d, const void *msg, size_t len,
		  struct pkt_dns_addr *out, uint16_t max)
{
	char name[PKT_DNS_NAME];
	uint32_t ttl = UINT32_MAX;
	struct walk w;
	int n = 0, more = 1;

	if (!d->answer || (d->type != PKT_DNS_A && d->type != PKT_DNS_AAAA))
		return 0;
	memcpy(name, d->name, sizeof(name));
	for (uint32_t i = 0; more && i < PKT_DNS_CHAIN; i++) {
		more = follow(d, msg, len, name, &ttl);
		if (more < 0)
			return more;
	}
	w = records_of(d, msg, len);
	for (uint32_t i = 0; i < records_n(d); i++) {
		struct pkt_addr a;
		struct record r;

		if (!take_record(&w, &r))
			return -EBADMSG;
		if (r.type != d->type || strcmp(r.name, name) != 0 ||
		    !addr_of(&a, &r))
			continue;
		if (n < max)
			out[n] = (struct pkt_dns_addr){
				.addr = a, .ttl = least(ttl, r.ttl)
			};
		n++;
	}
	return n;
}
