/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What name servers say: the bytes are a message, read as an answer to our own
 * question and as one that a client was given.  Whatever it says, only names
 * that rules have get addresses, and those are such as a host can have.
 */
#include "packet/pkt_dns.h"
#include "rules/rule_names.h"
#include "tests/fuzz/fuzz.h"

#define CLIENT 3u
#define MAX 65

static const char *const wanted[] = { "a.test", "www.example.org", "x" };
#define N (sizeof(wanted) / sizeof(wanted[0]))

static struct rule_names *table(void)
{
	static struct rule_names *t;
	static void *mem;
	const struct mono now = { MONO_S };
	struct rule_names_conf c;

	if (!mem)
		mem = fuzz_room(rule_names_size());
	rule_names_conf_default(&c);
	t = rule_names_init(mem, rule_names_size(), &c);
	rule_names_forget(t, CLIENT);
	rule_names_settle(t);
	for (size_t i = 0; i < N; i++) {
		int err = rule_names_want(t, CLIENT, wanted[i], now);

		vw_assert(!err);
	}
	return t;
}

static void sound(const struct pkt_dns *d)
{
	size_t n = strnlen(d->name, sizeof(d->name));

	vw_assert(n < sizeof(d->name));
	for (size_t i = 0; i < n; i++)
		vw_assert((d->name[i] >= 'a' && d->name[i] <= 'z') ||
			  (d->name[i] >= '0' && d->name[i] <= '9') ||
			  strchr("-_.?", d->name[i]));
}

static void take(struct rule_names *t, const struct pkt_dns *d,
		 const struct pkt_dns_addr *a, uint16_t n)
{
	enum rule_family f = d->type == PKT_DNS_A ? RULE_IP4 : RULE_IP6;
	struct rule_names_of of = { .t = t, .n = CLIENT };
	struct pkt_addr out[RULE_ADDR_MAX];
	bool known = false;
	int got;

	for (size_t i = 0; i < N; i++)
		known |= !strcmp(wanted[i], d->name);
	(void)rule_names_answer(t, CLIENT, d->name, f,
				d->truncated ? RULE_NAME_PART : RULE_NAME_ADDRS,
				a, n, (struct mono){ 2 * MONO_S });
	got = rule_names_resolve(&of, d->name, f, out, RULE_ADDR_MAX);
	vw_assert(known ? got > 0 : got < 0);
	for (int i = 0; i < rule_addr_written(got); i++)
		vw_assert(pkt_addr_ok_dst(&out[i]) &&
			  pkt_addr_is_v4(&out[i]) == (f == RULE_IP4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct pkt_dns_addr a[MAX];
	uint8_t *msg = malloc(len ? len : 1);
	struct rule_names *t = table();
	struct pkt_dns d;
	int n;

	vw_assert(msg);
	if (len)
		memcpy(msg, data, len);
	if (!pkt_dns_parse(&d, msg, len)) {
		sound(&d);
		vw_assert(d.end <= len);
		n = pkt_dns_addrs(&d, msg, len, a, MAX);
		vw_assert(n <= (int)PKT_DNS_RECORDS);
		if (n > 0)
			take(t, &d, a, (uint16_t)(n < MAX ? n : MAX));
	}
	free(msg);
	return 0;
}
