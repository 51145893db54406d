/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xen/net/gate.h"

void gate_event(struct gate *g)
{
	g->masked = true;
	g->events++;
}

static void pause_for(struct gate *g, uint32_t ms, struct mono now)
{
	g->until = mono_add_ms(now, ms);
}

static void unmask(struct gate *g, struct xen *x, struct mono now)
{
	g->until.ns = 0;
	/* a channel that stays masked is deaf: try again */
	if (xen_evt_unmask(x, g->port, g->port_n) < 0)
		pause_for(g, 1, now);
	else
		g->masked = false;
}

bool gate_rest(struct gate *g, struct xen *x, struct mono now)
{
	uint32_t over;

	if (!g->masked)
		return false;
	if (g->useful) {
		g->useful = false;
		g->spurious = 0;
		unmask(g, x, now);
		return false;
	}
	if (g->until.ns)
		return false; /* judged before */
	if (g->spurious < UINT8_MAX)
		g->spurious++;
	if (g->spurious <= GATE_PATIENCE) {
		unmask(g, x, now);
		return true;
	}
	over = g->spurious - GATE_PATIENCE - 1u;
	pause_for(g, over < 10 ? 1u << over : GATE_PAUSE_MS, now);
	return true;
}

struct mono gate_tick(struct gate *g, struct xen *x, struct mono now)
{
	if (g->until.ns && mono_past(g->until, now))
		unmask(g, x, now);
	return g->until.ns ? g->until : (struct mono){ UINT64_MAX };
}

void gate_close(struct gate *g, struct xen *x)
{
	for (uint32_t i = 0; i < g->port_n; i++)
		xen_evt_close(x, g->port[i]);
	g->port_n = 0;
}
