/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_CHECK_H
#define VIFWALL_RULES_CHECK_H

#include <stdint.h>

/*
 * A block that another process built is believed when all of it was looked at,
 * and that takes longer than a packet may wait.  So it is looked at in steps,
 * from front to back, by whoever has packets to see to in between:
 *
 *	thing_check_begin(&walk, mem, len);
 *	do
 *		budget = ...;
 *	while (thing_check_step(&walk, &budget) == CHECK_ON);
 *
 * A budget is in bytes of the block that are read.  A step takes from it what
 * it has read, goes on while there is any left, and exceeds it by less than
 * CHECK_OVER.  Nobody may write to the block from begin on.
 */
enum check_state { CHECK_ON, CHECK_SOUND, CHECK_BAD };

#define CHECK_OVER 4096u

static inline void check_pay(uint32_t *budget, uint32_t n)
{
	*budget -= n < *budget ? n : *budget;
}

/* How many of @n things of @size bytes the budget is good for; pays them. */
static inline uint32_t check_afford(uint32_t *budget, uint32_t n, uint32_t size)
{
	uint32_t most = *budget / size + (*budget % size != 0);

	n = n < most ? n : most;
	check_pay(budget, n * size);
	return n;
}

#endif
