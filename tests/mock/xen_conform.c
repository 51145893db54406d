/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/xen_conform.h"

bool conform_is(struct conform *c, bool holds, const char *what,
		const char *file, int line)
{
	if (!holds)
		c->wrong(c->ctx, what, file, line);
	return holds;
}

static void keep(struct conform *c, bool there)
{
	if (!there && !c->lost) {
		c->lost = true;
		conform_is(c, false, "the other end is there", __FILE__,
			   __LINE__);
	}
}

void conform_say(struct conform *c, uint32_t word)
{
	if (!c->lost)
		keep(c, c->say(c->ctx, word));
}

uint32_t conform_hear(struct conform *c)
{
	uint32_t word = 0;

	if (!c->lost)
		keep(c, c->hear(c->ctx, &word));
	return word;
}

void conform_meet(struct conform *c)
{
	static const uint32_t hello = 0x6d656574;

	conform_say(c, hello);
	CONFORM_IS(c, conform_hear(c) == hello);
}
