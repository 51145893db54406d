/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_span.h"

#include <string.h>

static uint32_t range_end(const struct pkt_range *r)
{
	return (uint32_t)r->off + r->len;
}

/* The first range that does not lie before @off. */
static uint16_t find(const struct pkt_range *r, uint16_t n, uint16_t off)
{
	uint16_t lo = 0, hi = n;

	while (lo < hi) {
		uint16_t mid = (uint16_t)(lo + (hi - lo) / 2);

		if (r[mid].off < off)
			lo = (uint16_t)(mid + 1);
		else
			hi = mid;
	}
	return lo;
}

/* Do both sides agree on where the datagram ends? */
static bool end_agrees(const struct pkt_span *s, const struct pkt_range *r,
		       uint32_t end, bool last)
{
	if (s->end)
		return last ? end == s->end : end <= s->end;
	return !last || !s->n || range_end(&r[s->n - 1]) <= end;
}

enum pkt_piece pkt_span_judge(const struct pkt_span *s,
			      const struct pkt_range *r, uint16_t off,
			      uint16_t len, bool last, uint16_t *idx)
{
	uint32_t end = (uint32_t)off + len;
	uint16_t i = find(r, s->n, off);

	*idx = i;
	if (!end_agrees(s, r, end, last))
		return PKT_PIECE_CLASH;
	if (i < s->n && r[i].off == off && r[i].len == len)
		return last == (s->end == end) ? PKT_PIECE_SAME
					       : PKT_PIECE_CLASH;
	if (i < s->n && r[i].off < end)
		return PKT_PIECE_CLASH;
	if (i > 0 && range_end(&r[i - 1]) > off)
		return PKT_PIECE_CLASH;
	return PKT_PIECE_NEW;
}

void pkt_span_insert(struct pkt_span *s, struct pkt_range *r,
		     const struct pkt_range *piece, bool last, uint16_t idx)
{
	memmove(r + idx + 1, r + idx, (size_t)(s->n - idx) * sizeof(*r));
	r[idx] = *piece;
	s->n++;
	s->have += piece->len;
	if (last)
		s->end = range_end(piece);
}
