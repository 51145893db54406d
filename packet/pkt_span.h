/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_SPAN_H
#define VIFWALL_PACKET_PKT_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which bytes of one datagram are there: ranges, sorted by offset and disjoint
 * at all times.  The rules of RFC 5722 and RFC 815 without their packets: what
 * a new piece is to the ones that came before.  Ranges and limit are the
 * caller's memory.
 */
struct pkt_range {
	uint16_t off;
	uint16_t len; /* never 0 */
	uint32_t at;  /* the caller's: where the bytes are kept */
};

struct pkt_span {
	uint32_t end;  /* the datagram's length; 0: last piece not seen */
	uint32_t have; /* bytes in all ranges */
	uint16_t n;    /* ranges */
};

enum pkt_piece {
	PKT_PIECE_NEW,	/* touches none that is there */
	PKT_PIECE_SAME, /* exactly the place of one that is there */
	PKT_PIECE_CLASH /* overlaps, or disagrees about the end */
};

/*
 * What the piece [@off, @off + @len) is; @len is not 0 and the sum at most
 * 65535.  @last: it says that it ends the datagram.  *@idx: where it goes
 * (NEW) or the range that it equals (SAME; whether the bytes are the same is
 * the caller's to see).  At most 2 log n steps.
 */
enum pkt_piece pkt_span_judge(const struct pkt_span *s,
			      const struct pkt_range *ranges, uint16_t off,
			      uint16_t len, bool last, uint16_t *idx);

/*
 * Puts @piece, judged NEW, at *@idx.  @ranges has room for one more.
 */
void pkt_span_insert(struct pkt_span *s, struct pkt_range *ranges,
		     const struct pkt_range *piece, bool last, uint16_t idx);

/* Every byte from 0 to the end is there. */
static inline bool pkt_span_complete(const struct pkt_span *s)
{
	return s->end && s->have == s->end;
}

#endif
