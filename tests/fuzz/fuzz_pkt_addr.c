/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of addresses, prefixes and MACs: what is read prints to text that reads
 * the same, and the C library reads the same where it reads at all.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "packet/pkt_addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_addr(const char *s, size_t len)
{
	char out[PKT_ADDR_TEXT], nul[PKT_ADDR_TEXT + 16] = "";
	struct pkt_addr a = { { 0 } }, b, theirs = { { 0 } };
	bool ours = pkt_addr_parse(&a, s, len) == 0, lib;

	if (ours) {
		pkt_addr_print(out, &a);
		vw_assert(strlen(out) < sizeof(out));
		vw_assert(pkt_addr_parse(&b, out, strlen(out)) == 0);
		vw_assert(pkt_addr_eq(&a, &b));
	}
	if (len >= sizeof(nul) || memchr(s, '\0', len))
		return;
	memcpy(nul, s, len);
	lib = inet_pton(AF_INET6, nul, theirs.b) == 1 &&
	      !pkt_addr_is_v4(&theirs);
	if (!lib && inet_pton(AF_INET, nul, theirs.b + 12) == 1) {
		theirs = pkt_addr_v4(theirs.b + 12);
		lib = true;
	}
	vw_assert(ours == lib);
	vw_assert(!ours || pkt_addr_eq(&a, &theirs));
}

static void check_prefix(const char *s, size_t len)
{
	char out[PKT_ADDR_TEXT + 4];
	struct pkt_prefix p, q;

	if (pkt_prefix_parse(&p, s, len) == 0) {
		vw_assert(p.len <= 128);
		vw_assert(p.len >= 96 || !pkt_addr_is_v4(&p.addr));
		vw_assert(pkt_prefix_has(&p, &p.addr));
		pkt_prefix_print(out, &p);
		vw_assert(strlen(out) < sizeof(out));
		vw_assert(pkt_prefix_parse(&q, out, strlen(out)) == 0);
		vw_assert(pkt_addr_eq(&p.addr, &q.addr) && p.len == q.len);
	}
	if (pkt_prefix6_parse(&p, s, len) == 0)
		vw_assert(p.len <= 128);
}

static void check_mac(const char *s, size_t len)
{
	struct pkt_mac m, n;
	char out[18];

	if (pkt_mac_parse(&m, s, len))
		return;
	pkt_mac_print(out, &m);
	vw_assert(strlen(out) == 17);
	vw_assert(pkt_mac_parse(&n, out, 17) == 0);
	vw_assert(!memcmp(&m, &n, sizeof(m)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Of exactly its size and without a NUL behind it. */
	char *s = malloc(len ? len : 1);

	vw_assert(s != NULL);
	memcpy(s, data, len);
	check_addr(s, len);
	check_prefix(s, len);
	check_mac(s, len);
	free(s);
	return 0;
}
