/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkt_parse_quote(): the error ends where its object ends; known are only its
 * length and the shape of the quoted header.
 *
 * eva: -eva-split-return full
 */
#include "packet/pkt_parse.h"
#include "packet/pkt_parse_ip.h"
#include "tests/proof/proof.h"

#define ROOM 128u
#define AT 8u /* where the quote begins; what is before is not read */

static uint8_t room[ROOM];

/* An error with @len bytes of quote, whose first is @first. */
static struct pkt error(uint8_t l3, size_t len, uint8_t first)
{
	struct pkt p = { .data = room + ROOM - AT - len,
			 .len = (uint32_t)(AT + len),
			 .pay_off = AT,
			 .l3 = l3,
			 .kind = PKT_KIND_ICMP_ERROR };

	any_bytes(room, sizeof(room));
	if (len)
		p.data[AT] = first;
	return p;
}

static void read_quote(const struct pkt *p)
{
	struct pkt_quote q;

	if (!pkt_parse_quote(p, &q))
		return;
	vw_assert(q.l3_off == AT && q.l3 == p->l3);
	vw_assert(q.l4_off + 8u <= p->len);
	vw_assert(q.l4_off >= AT + 20u);
}

static void prove_ip4(void)
{
	for (unsigned int words = 0; words <= 15; words++)
		for (size_t len = 0; len <= words * 4 + 9; len++) {
			struct pkt p =
				error(PKT_L3_IP4, len, (uint8_t)(0x40 | words));

			read_quote(&p);
		}
}

static void prove_ip6(void)
{
	static const uint8_t next[] = { IP_TCP,	    IP_UDP,	 IP_ICMP6,
					IP_ROUTING, IP_FRAGMENT, IP_DSTOPTS,
					IP_NO_NEXT };

	for (size_t i = 0; i < sizeof(next); i++)
		for (size_t len = 37; len <= 40 + 17; len++) {
			struct pkt p = error(PKT_L3_IP6, len, 0x60);
			uint8_t *h = p.data + AT;

			h[6] = next[i];
			if (len > 40)
				h[40] = IP_UDP;
			if (len > 41)
				h[41] = 0;
			if (len > 43) {
				h[42] = 1;
				h[43] = 4;
			}
			read_quote(&p);
		}
}

int main(void)
{
	prove_ip4();
	for (size_t len = 0; len < 37; len++) {
		struct pkt p = error(PKT_L3_IP6, len, 0x60);

		read_quote(&p);
	}
	prove_ip6();
	return 0;
}
