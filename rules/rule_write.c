/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "rules/rule_index.h"

static void put_record(struct rule_record *r, const struct rule_index *x,
		       uint32_t i)
{
	const struct rule_node *nd = &x->node[i];
	const struct rule_cut *c = x->cuts + i * RULE_CUTS_MAX;

	if (i) { /* record 0 holds everything */
		const struct rule_item *it = rule_node_item(x, i);

		r->addr[0] = rule_half(it->addr.b);
		r->addr[1] = rule_half(it->addr.b + 8);
	}
	r->base = nd->base;
	for (uint32_t k = 0; k < nd->cut_n; k++) {
		r->cut_lo[k] = c[k].lo;
		r->cut_span[k] = rule_turned(c[k].span);
		r->cut_value[k] = rule_turned(c[k].value);
		r->cut_where[k] = (int16_t)c[k].where;
	}
}

static void *take(struct rule_index *x, uint32_t *offset, size_t n)
{
	*offset = (uint32_t)x->out.used;
	return rule_out_take(&x->out, n);
}

int rule_index_write(struct rule_index *x)
{
	struct ruleset *s = x->set;
	struct rule_record *record;
	struct rule_base *base;
	int rc;

	record = take(x, &s->records, x->node_n * sizeof(*record));
	if (!record)
		return -ENOSPC;
	s->maps = (uint32_t)x->out.used;
	rc = rule_route(x);
	if (rc)
		return rc;
	s->ports = (uint32_t)x->out.used;
	rc = rule_layer(x);
	if (rc)
		return rc;
	base = take(x, &s->bases, x->base_n * sizeof(*base));
	if (!base)
		return -ENOSPC;
	memcpy(base, x->base, x->base_n * sizeof(*base));
	for (uint32_t i = 0; i < x->node_n; i++)
		put_record(&record[i], x, i);
	return 0;
}
