/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table lies in memory of the parent's, so that it is there when a
 * data process dies, and this tells the next one what it finds.
 *
 *	EMPTY   nothing, or a table that was not finished
 *	GOOD    a table of a process that worked
 *	TRIED   one that was adopted lately: if that killed its process, or what
 *	        is in it did, it is not tried a second time
 */
#include "firewall/data/data.h"

#define MAGIC 0x7677666c6f777331ull /* "vwflows1" */
#define TRUST_MS 10000u

enum state { EMPTY, GOOD, TRIED };

struct data_keep_head {
	uint64_t magic;
	uint64_t table; /* its size */
	uint32_t state; /* enum state */
};

size_t data_keep_size(const struct fw_conf *c)
{
	return pkt_arena_cost(fw_table_size(c)) + sizeof(struct data_keep_head);
}

void data_keep_open(struct data_keep *k, void *mem, struct fw_conf *c)
{
	size_t table = fw_table_size(c);
	struct data_keep_head *h;

	h = (void *)((uint8_t *)mem + pkt_arena_cost(table));
	c->table = mem;
	c->adopt = h->magic == MAGIC && h->table == table && h->state == GOOD;
	*k = (struct data_keep){ .head = h, .adopted = c->adopt };
	h->state = c->adopt ? TRIED : EMPTY;
	h->magic = MAGIC;
	h->table = table;
}

void data_keep_begin(struct data_keep *k, struct mono now)
{
	k->trust = mono_add_ms(now, k->adopted ? TRUST_MS : 0);
	data_keep_tick(k, now);
}

void data_keep_tick(struct data_keep *k, struct mono now)
{
	if (k->head && mono_past(k->trust, now)) {
		k->head->state = GOOD;
		k->head = NULL;
	}
}
