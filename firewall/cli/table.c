/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/cli/table.h"
#include "packet/pkt_assert.h"

void table_init(struct table *t, const char *const *head, uint32_t cols)
{
	*t = (struct table){ .cols = cols };
	for (uint32_t i = 0; i < cols; i++)
		t->head[i] = head[i];
}

static bool room_for_one(struct table *t)
{
	uint32_t room = t->room ? 2 * t->room : 64;
	char **more;

	if (t->cells < t->room)
		return true;
	more = realloc(t->cell, room * sizeof(*more));
	if (!more) {
		t->cut = true;
		return false;
	}
	t->cell = more;
	t->room = room;
	return true;
}

void table_add(struct table *t, const char *fmt, ...)
{
	va_list ap;

	if (t->cut || !room_for_one(t))
		return;
	va_start(ap, fmt);
	t->cut = vasprintf(&t->cell[t->cells], fmt, ap) < 0;
	va_end(ap);
	t->cells += !t->cut;
}

static void print_cell(const struct table *t, FILE *f, uint32_t col,
		       const char *text, int width)
{
	if (t->head[col][0] == '>')
		fprintf(f, "%*s", width, text);
	else if (col + 1 < t->cols)
		fprintf(f, "%-*s", width, text);
	else
		fputs(text, f);
	fputs(col + 1 < t->cols ? "  " : "\n", f);
}

void table_print(struct table *t, FILE *f)
{
	int width[TABLE_COLS] = { 0 };

	vw_assert(t->cols || !t->cells);
	for (uint32_t i = 0; i < t->cols; i++)
		width[i] = (int)strlen(t->head[i]) - (t->head[i][0] == '>');
	for (uint32_t i = 0; i < t->cells; i++)
		if ((int)strlen(t->cell[i]) > width[i % t->cols])
			width[i % t->cols] = (int)strlen(t->cell[i]);
	for (uint32_t i = 0; t->cells && !t->headless && i < t->cols; i++)
		print_cell(t, f, i, t->head[i] + (t->head[i][0] == '>'),
			   width[i]);
	for (uint32_t i = 0; i < t->cells; i++) {
		print_cell(t, f, i % t->cols, t->cell[i], width[i % t->cols]);
		free(t->cell[i]);
	}
	if (t->cut)
		fputs("\n(not enough memory for all of it)\n", f);
	free(t->cell);
	*t = (struct table){ .cols = 0 };
}

const char *unit_bytes(char out[UNIT_MAX], uint64_t n)
{
	static const char *const unit[] = { "B",  "kB", "MB", "GB",
					    "TB", "PB", "EB" };
	double d = (double)n;
	int u = 0;

	/* 999.95 would be shown as 1000.0 */
	for (; d >= 999.95 && u < 6; u++)
		d /= 1000;
	if (u)
		snprintf(out, UNIT_MAX, "%.1f %s", d, unit[u]);
	else
		snprintf(out, UNIT_MAX, "%u B", (unsigned int)n);
	return out;
}

const char *unit_ms(char out[UNIT_MAX], uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 1)
		snprintf(out, UNIT_MAX, "%u ms", (unsigned int)ms);
	else if (s < 120)
		snprintf(out, UNIT_MAX, "%u s", (unsigned int)s);
	else if (s < 2 * 3600)
		snprintf(out, UNIT_MAX, "%u min", (unsigned int)(s / 60));
	else if (s < 48 * 3600)
		snprintf(out, UNIT_MAX, "%u h", (unsigned int)(s / 3600));
	else
		snprintf(out, UNIT_MAX, "%llu d",
			 (unsigned long long)(s / 86400));
	return out;
}
