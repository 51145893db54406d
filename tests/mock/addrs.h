/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_ADDRS_H
#define VIFWALL_TESTS_MOCK_ADDRS_H

#include <string.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_assert.h"

/* Addresses as tests write them; a text that is none is a bug of the test. */
static inline struct pkt_addr addr(const char *text)
{
	struct pkt_addr a;
	int err = pkt_addr_parse(&a, text, strlen(text));

	vw_assert(!err);
	return a;
}

static inline struct pkt_prefix prefix(const char *text)
{
	struct pkt_prefix p;
	int err = pkt_prefix_parse(&p, text, strlen(text));

	vw_assert(!err);
	return p;
}

static inline struct pkt_mac mac(const char *text)
{
	struct pkt_mac m;
	int err = pkt_mac_parse(&m, text, strlen(text));

	vw_assert(!err);
	return m;
}

#endif
