/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_BYTES_H
#define VIFWALL_PACKET_PKT_BYTES_H

#include <stdint.h>

/*
 * Numbers in network order at places that are known to lie inside the packet:
 * in what cur_take() returned, or behind an offset that pkt_parse() set.
 */
static inline uint16_t be16_at(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t be32_at(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

static inline void be16_set(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static inline void be32_set(uint8_t *b, uint32_t v)
{
	be16_set(b, (uint16_t)(v >> 16));
	be16_set(b + 2, (uint16_t)v);
}

#endif
