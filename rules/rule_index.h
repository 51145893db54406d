/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_INDEX_H
#define VIFWALL_RULES_RULE_INDEX_H

#include <stdint.h>

#include "packet/pkt_arena.h"
#include "packet/pkt_assert.h"
#include "rules/rule_expand.h"
#include "rules/rule_map.h"

/*
 * From items to the records, maps and bases of a set (rule_block.h).
 *
 * Each distinct prefix is a node; node 0 is the shortest (any destination).
 * Nodes stand in order of address, shorter before longer, so that a prefix
 * comes before all that it holds; records stand in the same order.
 */
struct rule_node {
	uint32_t item, own; /* its items: place in order[], number */
	uint32_t parent;    /* next shorter prefix around it */
	uint32_t base;	    /* that its record names */
	uint32_t here;	    /* base for this prefix; RULE_LINK_NONE: not made */
	uint32_t cut_n;	    /* what its record holds, in cuts[] */
};

/* A map to be written: what stands below one value of an upper map. */
struct rule_job {
	uint32_t node, end; /* the nodes below */
	uint32_t rest;	    /* value where no node is */
	uint32_t where;	    /* offset of the value that names it; 0: none */
	uint8_t level;	    /* of the map */
};

struct rule_index {
	struct ruleset *set;
	struct rule_out out;
	struct rule_items items;
	uint16_t policy;
	uint32_t *order; /* items by prefix, then value */
	struct rule_node *node;
	uint32_t node_n;
	struct rule_cut *cuts;	 /* RULE_CUTS_MAX for each node */
	struct rule_cut *merged; /* room for all items and a record's cuts */
	struct rule_range *range;
	struct rule_paint paint;
	struct rule_steps below, both;
	struct rule_base *base;
	uint32_t base_n;
	struct rule_job *job; /* a ring with room for all nodes */
	uint32_t job_max;
};

/*
 * Memory for an index of at most @items items and for sorting @rules rules,
 * and the largest set that it can write behind its numbers.
 */
size_t rule_index_scratch(uint32_t items, uint32_t rules);
size_t rule_index_bound(uint32_t items);

/* -ENOSPC: the arena is too small. */
int VW_MUST_USE rule_index_init(struct rule_index *x, struct pkt_arena *a,
				uint32_t items, uint32_t rules);

/* Makes nodes of x->items. */
void rule_index_gather(struct rule_index *x);

/*
 * Writes records, maps and bases of nodes behind what x->out holds and fills
 * the offsets in x->set.  0 or -ENOSPC.
 */
int VW_MUST_USE rule_index_write(struct rule_index *x);

/*
 * An address map with more starts than so many is a bitmap; the one that all go
 * through, sooner.
 */
#define RULE_ADDRESS_LIST_MAX 1023u
#define RULE_ROOT_LIST_MAX 64u

/* Writes the address maps.  0 or -ENOSPC. */
int VW_MUST_USE rule_route(struct rule_index *x);

/*
 * Decides which cuts each record holds and which base it names, and writes the
 * bases' port maps.  0 or -ENOSPC.
 */
int VW_MUST_USE rule_layer(struct rule_index *x);

/* Bytes of a set of so many items in which the bases hold all they can. */
size_t rule_layer_budget(uint32_t items);

/* An item of a node: any, as far as the prefix is concerned.  Not for node 0.
 */
static inline const struct rule_item *rule_node_item(const struct rule_index *x,
						     uint32_t node)
{
	return &x->items.item[x->order[x->node[node].item]];
}

#endif
