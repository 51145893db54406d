/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that clients are given.  One is taken note of when it comes in the
 * flow, with the id, the name and the type of a question that this client asked
 * one of our name servers a moment before; each question counts once.  How many
 * count is limited for each client, so that it can neither drown the questions
 * of others, which share the table, nor have much noted.  What an answer says
 * is read elsewhere.
 *
 * A client uses an address as soon as it knows it, and rules by that name would
 * not have it yet.  So an answer of which note is taken is kept back until they
 * do (fw_dns_pass), for a moment at most: then it goes on as if it came only
 * now.  Where there is no room for it, it passes at once.
 */
#include "firewall/path/dns_part.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_dns.h"

#define WAIT_MS 10000u
#define HOLD_MS 250u

static const struct bucket_rate notes = { .per_s = 20, .burst = 40 };

static bool watched(const struct fw *fw, uint16_t n)
{
	return n && n < FW_DNS_CLIENTS && fw->dns.watch[n / 8] & (1u << n % 8);
}

static uint64_t print_of(const struct fw *fw, const struct pkt *p,
			 const struct nat_hit *hit, bool answer)
{
	return fw_dns_print(fw, p->data + p->pay_off, pkt_end(p) - p->pay_off,
			    hit->flow, answer);
}

static struct dns_asked *place(struct fw *fw, uint64_t what)
{
	return &fw->dns_state->asked[what % FW_DNS_ASKED];
}

void fw_dns_asked(struct fw *fw, uint16_t n, const struct pkt *p,
		  const struct nat_hit *hit, struct mono now)
{
	uint64_t what = watched(fw, n) ? print_of(fw, p, hit, false) : 0;

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

static bool hold(struct dns *d, struct pkt *p, uint16_t client, struct mono now)
{
	for (uint32_t i = 0; i < FW_DNS_HELD; i++) {
		if (d->held[i].p)
			continue;
		d->held[i] = (struct dns_held){
			.p = p,
			.client = client,
			.ask = d->ask,
			.until = mono_add_ms(now, HOLD_MS),
		};
		d->held_n++;
		return true;
	}
	return false;
}

bool fw_dns_answered(struct fw *fw, struct pkt *p, const struct nat_hit *hit,
		     struct mono now)
{
	struct dns *d = fw->dns_state;
	struct dns_asked *q;
	uint64_t what;

	if (hit->quoted || !watched(fw, hit->to) || !is_server(fw, p) ||
	    !fw_dns_whole(p))
		return false;
	what = print_of(fw, p, hit, true);
	q = place(fw, what);
	if (!what || q->what != what)
		return false;
	q->what = 0;
	return !mono_past(q->until, now) &&
	       fw_dns_queue(fw, p, hit->to, ++d->ask) &&
	       hold(d, p, hit->to, now);
}

/* Its question does not count any more, so it is not kept back again. */
static void give(struct fw *fw, struct dns_held *h, struct mono now)
{
	struct pkt *p = h->p;

	h->p = NULL;
	fw->dns_state->held_n--;
	fw_input_again(fw, p, now);
}

void fw_dns_pass(struct fw *fw, uint16_t n, uint32_t ask, struct mono now)
{
	struct dns *d = fw->dns_state;

	for (uint32_t i = 0; d->held_n && i < FW_DNS_HELD; i++) {
		struct dns_held *h = &d->held[i];

		if (h->p && h->client == n && (int32_t)(ask - h->ask) >= 0)
			give(fw, h, now);
	}
}

void fw_dns_held_tick(struct fw *fw, struct mono now)
{
	struct dns *d = fw->dns_state;

	for (uint32_t i = 0; d->held_n && i < FW_DNS_HELD; i++)
		if (d->held[i].p && mono_past(d->held[i].until, now))
			give(fw, &d->held[i], now);
}
