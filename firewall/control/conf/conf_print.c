/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "firewall/control/conf/conf_table.h"

static void setting(FILE *f, const struct conf_row *row)
{
	char allowed[CONF_ALLOWED_MAX];

	fprintf(f, "%s\t%s\t%s\t%s\n", row->name, conf_allowed(allowed, row),
		row->dflt ? row->dflt : "-", row->help);
}

void conf_print_settings(FILE *f)
{
	for (uint32_t i = 0; i < conf_global_n; i++)
		setting(f, &conf_global[i]);
	for (uint32_t i = 0; i < conf_client_n; i++)
		setting(f, &conf_client[i]);
}

/* @text in lines of at most 78 columns, @indent deep. */
static void fill(FILE *f, int indent, const char *text)
{
	const size_t width = 78 - (size_t)indent;

	while (*text) {
		size_t n = strlen(text), cut = n;

		if (n > width) {
			cut = width;
			while (cut && text[cut] != ' ')
				cut--;
			if (!cut)
				cut = n;
		}
		fprintf(f, "%*s%.*s\n", indent, "", (int)cut, text);
		text += cut;
		while (*text == ' ')
			text++;
	}
}

static void help(FILE *f, const struct conf_row *row)
{
	char allowed[CONF_ALLOWED_MAX], text[CONF_ALLOWED_MAX + 64];

	fprintf(f, "  --%s=\n", row->name);
	fill(f, 8, row->help);
	snprintf(text, sizeof(text), "(%s%s%s)", conf_allowed(allowed, row),
		 row->dflt ? "; built in: " : "", row->dflt ? row->dflt : "");
	fill(f, 8, text);
}

void conf_print_help(FILE *f)
{
	for (uint32_t i = 0; i < conf_global_n; i++)
		help(f, &conf_global[i]);
	fputs("\nEach client has a NAME of letters, digits, - and _:\n", f);
	for (uint32_t i = 0; i < conf_client_n; i++)
		help(f, &conf_client[i]);
}
