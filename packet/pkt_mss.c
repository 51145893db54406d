/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_mss.h"

#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_cursor.h"
#include "packet/pkt_hot.h"
#include "packet/pkt_ip.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_MSS_LEN = 4 };

/* Where the option's number stands, or NULL. */
static uint8_t *find(const struct pkt *p)
{
	uint8_t *tcp = pkt_l4(p);
	struct cur c = cur_of(tcp + TCP_HLEN,
			      (size_t)(p->pay_off - p->l4_off) - TCP_HLEN);

	while (cur_ok(&c) && c.left) {
		uint8_t kind = cur_u8(&c), len;

		if (kind == OPT_END)
			return NULL;
		if (kind == OPT_NOP)
			continue;
		len = cur_u8(&c);
		if (len < 2 || c.left < len - 2u)
			return NULL;
		if (kind == OPT_MSS)
			return len == OPT_MSS_LEN ? tcp + (c.p - tcp) : NULL;
		cur_skip(&c, len - 2u);
	}
	return NULL;
}

/* What fits beside headers without options. */
static uint16_t room(const struct pkt *p, uint16_t mtu)
{
	uint16_t headers =
		(p->l3 == PKT_L3_IP6 ? IP6_HLEN : IP4_HLEN) + TCP_HLEN;

	return mtu > headers ? (uint16_t)(mtu - headers) : 1;
}

PKT_RARE bool pkt_mss_clamp(struct pkt *p, uint16_t mtu, uint16_t most)
{
	uint16_t max = room(p, mtu), was, is;
	struct pkt_csum_delta d = { 0 };
	uint8_t *at = find(p);

	if (most < max)
		max = most;
	if (!at || be16_at(at) <= max)
		return false;
	was = be16_at(at);
	is = max;
	be16_set(at, max);
	/* the sum to be completed is of addresses alone */
	if (p->flags & PKT_F_CSUM_PARTIAL)
		return true;
	/* at an odd place its bytes count the other way round */
	if ((at - pkt_l4(p)) & 1) {
		was = (uint16_t)(was << 8 | was >> 8);
		is = (uint16_t)(is << 8 | is >> 8);
	}
	pkt_csum_change16(&d, was, is);
	pkt_csum_apply(&d, pkt_l4(p) + 16);
	return true;
}
