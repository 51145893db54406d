/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_DNS_MSG_H
#define VIFWALL_TESTS_MOCK_DNS_MSG_H

#include <stddef.h>
#include <stdint.h>

/* Writes DNS messages for tests; too much for one message is a broken test. */
struct dns_msg {
	uint8_t b[2048];
	size_t len;
};

#define DNS_MSG_ANSWER 0x8180u
#define DNS_MSG_QUERY 0x0100u
#define DNS_MSG_TRUNCATED 0x0200u

/* Header and question; an answer's rcode goes into @flags. */
void dns_msg_begin(struct dns_msg *m, uint16_t id, uint16_t flags,
		   const char *name, uint16_t type);
/* A record of the answer section: A or AAAA by what @addr is. */
void dns_msg_addr(struct dns_msg *m, const char *name, uint32_t ttl,
		  const char *addr);
void dns_msg_cname(struct dns_msg *m, const char *name, uint32_t ttl,
		   const char *target);
/* One more record of bytes that somebody else wrote. */
void dns_msg_raw(struct dns_msg *m, const void *bytes, size_t len);

#endif
