/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MODEL_MODEL_FRAG_H
#define VIFWALL_TESTS_MODEL_MODEL_FRAG_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_verdict.h"

/*
 * Reassembly, slow and obviously right: one list of datagrams in order of
 * creation, each with a mark for every byte.  It knows datagrams by number, not
 * by header, and is told what a piece costs in memory.
 */
struct model_frag_limit {
	uint32_t datagrams, bytes;
};

struct model_frag_conf {
	uint32_t owners;
	struct model_frag_limit uplink, client, all;
	uint32_t pieces;
	uint32_t max_len; /* of any datagram */
};

struct model_piece {
	uint32_t owner, name; /* name: which of the owner's datagrams */
	uint32_t off, len;
	bool last;
	uint32_t cost;
	uint64_t life_ns; /* of the datagram, if this begins it */
	const uint8_t *bytes;
};

enum model_frag_result { MODEL_HELD, MODEL_WHOLE, MODEL_DROP };

struct model_frag;

struct model_frag *model_frag_new(const struct model_frag_conf *c);
void model_frag_free(struct model_frag *m);

/*
 * WHOLE: *@whole has *@whole_len bytes, until the next call.  DROP: *@why.
 */
enum model_frag_result model_frag_add(struct model_frag *m,
				      const struct model_piece *p, uint64_t now,
				      const uint8_t **whole,
				      uint32_t *whole_len,
				      enum pkt_reason *why);
/* All that are over time; how many. */
uint32_t model_frag_expire(struct model_frag *m, uint64_t now);
void model_frag_forget(struct model_frag *m, uint32_t owner);
void model_frag_held(const struct model_frag *m, uint32_t owner,
		     uint32_t *datagrams, uint32_t *bytes);
/* Pieces of @owner that were held and then lost for @why, so far. */
uint64_t model_frag_lost(const struct model_frag *m, uint32_t owner,
			 enum pkt_reason why);

#endif
