/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_cursor.h"
#include "xen/qubes/qrexec_wire.h"

uint32_t qrexec_u32(const uint8_t b[4])
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

static void set_u32(uint8_t b[4], uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> 8 * i);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t qrexec_read(struct qrexec_reader *r, const uint8_t *bytes, size_t len,
		   struct qrexec_piece *piece, bool *is)
{
	struct cur c = cur_of(bytes, len);
	size_t n = least(QREXEC_HDR - r->hdr_n, len);
	uint32_t body;

	cur_copy(&c, r->hdr + r->hdr_n, n);
	r->hdr_n += (uint32_t)n;
	*is = false;
	if (r->hdr_n < QREXEC_HDR)
		return len;
	body = qrexec_u32(r->hdr + 4);
	*piece = (struct qrexec_piece){
		.type = qrexec_u32(r->hdr),
		.len = body,
		.at = r->body_n,
		.n = least(body - r->body_n, c.left),
	};
	piece->bytes = cur_take(&c, piece->n);
	r->body_n += (uint32_t)piece->n;
	piece->last = r->body_n == body;
	*is = piece->n || piece->last;
	if (piece->last)
		*r = (struct qrexec_reader){ .hdr_n = 0 };
	return len - c.left;
}

size_t qrexec_out_room(const struct qrexec_out *o)
{
	return o->room - qrexec_out_waits(o);
}

void qrexec_put(struct qrexec_out *o, uint32_t type, const void *a, size_t a_n,
		const void *b, size_t b_n)
{
	const size_t n = QREXEC_HDR + a_n + b_n;
	uint8_t *p;

	vw_assert(qrexec_out_room(o) >= n);
	if (o->room - o->len < n) {
		memmove(o->buf, o->buf + o->at, qrexec_out_waits(o));
		o->len -= o->at;
		o->at = 0;
	}
	p = o->buf + o->len;
	set_u32(p, type);
	set_u32(p + 4, (uint32_t)(a_n + b_n));
	if (a_n)
		memcpy(p + QREXEC_HDR, a, a_n);
	if (b_n)
		memcpy(p + QREXEC_HDR + a_n, b, b_n);
	o->len += n;
}

void qrexec_put_u32(struct qrexec_out *o, uint32_t type, uint32_t word)
{
	uint8_t b[4];

	set_u32(b, word);
	qrexec_put(o, type, b, sizeof(b), NULL, 0);
}

void qrexec_put_params(struct qrexec_out *o, uint32_t type,
		       const struct qrexec_params *p)
{
	uint8_t b[QREXEC_PARAMS];

	set_u32(b, p->domain);
	set_u32(b + 4, p->port);
	qrexec_put(o, type, b, sizeof(b), NULL, 0);
}
