/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that clients are given.  One is taken note of when it comes in the
 * flow, with the id, the name and the type of a question that this client asked
 * one of our name servers a moment before; each question counts once.  How many
 * count is limited for each client, so that it can neither drown the questions
 * of others, which share the table, nor have much noted.  What an answer says
 * is read elsewhere.
 */
#include "firewall/path/shard.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_dns.h"

#define WAIT_MS 10000u

static const struct bucket_rate notes = { .per_s = 20, .burst = 40 };

static bool watched(const struct fw *fw, uint16_t n)
{
	return n && n < FW_DNS_CLIENTS && fw->dns.watch[n / 8] & (1u << n % 8);
}

/* What question and answer have in common; 0: it is neither. */
static uint64_t fingerprint(const struct fw *fw, const struct pkt *p,
			    const struct nat_hit *hit, bool answer)
{
	struct {
		uint32_t flow;
		uint16_t id, type;
		char name[PKT_DNS_NAME];
	} what;
	struct pkt_dns d;
	uint64_t hash;

	if (pkt_dns_parse(&d, p->data + p->pay_off, pkt_end(p) - p->pay_off) ||
	    d.answer != answer ||
	    (d.type != PKT_DNS_A && d.type != PKT_DNS_AAAA))
		return 0;
	memset(&what, 0, sizeof(what));
	what.flow = hit->flow;
	what.id = d.id;
	what.type = d.type;
	memcpy(what.name, d.name, strlen(d.name));
	hash = pkt_siphash13(&fw->dns_state->key, &what, sizeof(what));
	return hash ? hash : 1;
}

static struct dns_asked *place(struct fw *fw, uint64_t what)
{
	return &fw->dns_state->asked[what % FW_DNS_ASKED];
}

void fw_dns_asked(struct fw *fw, uint16_t n, const struct pkt *p,
		  const struct nat_hit *hit, struct mono now)
{
	uint64_t what = watched(fw, n) ? fingerprint(fw, p, hit, false) : 0;

	if (what && bucket_take(&fw->party[n].dns, &notes, &fw->rand, now))
		*place(fw, what) = (struct dns_asked){
			.what = what, .until = mono_add_ms(now, WAIT_MS)
		};
}

static bool is_server(const struct fw *fw, const struct pkt *p)
{
	struct pkt_addr src = pkt_src(p);

	for (uint8_t i = 0; i < fw->dns.server_n; i++)
		if (pkt_addr_eq(&fw->dns.server[i], &src))
			return true;
	return false;
}

void fw_dns_answered(struct fw *fw, const struct pkt *p,
		     const struct nat_hit *hit, struct mono now)
{
	struct dns_asked *q;
	uint64_t what;

	if (hit->quoted || !watched(fw, hit->to) || !is_server(fw, p) ||
	    !fw_dns_whole(p))
		return;
	what = fingerprint(fw, p, hit, true);
	q = place(fw, what);
	if (!what || q->what != what)
		return;
	q->what = 0;
	if (!mono_past(q->until, now))
		(void)fw_dns_queue(fw, p, hit->to, 0);
}
