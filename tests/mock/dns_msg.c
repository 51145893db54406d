/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/dns_msg.h"

#include <string.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_dns.h"

static void put(struct dns_msg *m, const void *bytes, size_t len)
{
	vw_assert(len <= sizeof(m->b) - m->len);
	memcpy(m->b + m->len, bytes, len);
	m->len += len;
}

static void put16(struct dns_msg *m, uint32_t v)
{
	const uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(m, b, 2);
}

static void put32(struct dns_msg *m, uint32_t v)
{
	put16(m, v >> 16);
	put16(m, v);
}

static void put_name(struct dns_msg *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");
		uint8_t len = (uint8_t)n;

		put(m, &len, 1);
		put(m, name, n);
		name += n + (name[n] == '.');
	}
	put(m, "", 1);
}

void dns_msg_begin(struct dns_msg *m, uint16_t id, uint16_t flags,
		   const char *name, uint16_t type)
{
	m->len = 0;
	put16(m, id);
	put16(m, flags);
	put16(m, 1);
	put16(m, 0);
	put32(m, 0);
	put_name(m, name);
	put16(m, type);
	put16(m, 1);
}

void dns_msg_raw(struct dns_msg *m, const void *bytes, size_t len)
{
	uint32_t n = (uint32_t)(m->b[6] << 8 | m->b[7]) + 1;

	put(m, bytes, len);
	m->b[6] = (uint8_t)(n >> 8);
	m->b[7] = (uint8_t)n;
}

static void head(struct dns_msg *m, const char *name, uint16_t type,
		 uint32_t ttl)
{
	dns_msg_raw(m, "", 0);
	put_name(m, name);
	put16(m, type);
	put16(m, 1);
	put32(m, ttl);
}

void dns_msg_addr(struct dns_msg *m, const char *name, uint32_t ttl,
		  const char *addr)
{
	struct pkt_addr a;
	int err = pkt_addr_parse(&a, addr, strlen(addr));
	bool v4;

	vw_assert(!err);
	v4 = pkt_addr_is_v4(&a);
	head(m, name, v4 ? PKT_DNS_A : PKT_DNS_AAAA, ttl);
	put16(m, v4 ? 4 : 16);
	put(m, a.b + (v4 ? 12 : 0), v4 ? 4 : 16);
}

void dns_msg_cname(struct dns_msg *m, const char *name, uint32_t ttl,
		   const char *target)
{
	size_t at;

	head(m, name, PKT_DNS_CNAME, ttl);
	at = m->len;
	put16(m, 0);
	put_name(m, target);
	m->b[at] = (uint8_t)((m->len - at - 2) >> 8);
	m->b[at + 1] = (uint8_t)(m->len - at - 2);
}
