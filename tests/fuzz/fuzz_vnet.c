/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame with the header that the kernel puts before it: what vnet_recv()
 * makes of it is something that the parser understands or refuses, and what is
 * sent again says the same.
 */
#include "firewall/linux/vnet.h"
#include "packet/pkt_parse.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct virtio_net_hdr h;
	struct pkt p;

	if (len < sizeof(h) || len > 65536)
		return 0;
	memcpy(&h, data, sizeof(h));
	p = fuzz_pkt(data + sizeof(h), len - sizeof(h));
	if (vnet_recv(&p, &h) && pkt_parse(&p) == PKT_FORWARD &&
	    p.l3 != PKT_L3_ARP && !(p.flags & PKT_F_FRAG)) {
		struct pkt again;
		struct virtio_net_hdr out;

		vnet_send(&out, &p);
		again = fuzz_pkt(p.data, p.len);
		vw_assert(vnet_recv(&again, &out));
		vw_assert(again.gso_type == p.gso_type);
		vw_assert(again.gso_size == p.gso_size);
		vw_assert(pkt_parse(&again) == PKT_FORWARD);
		vw_assert((again.flags & PKT_F_CSUM_PARTIAL) ==
			  (p.flags & PKT_F_CSUM_PARTIAL));
		free(again.data);
	}
	free(p.data);
	return 0;
}
