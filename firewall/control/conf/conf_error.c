/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>

#include "firewall/control/conf/conf_table.h"

void conf_error(struct conf_errors *e, const struct conf_where *where,
		const char *fmt, ...)
{
	size_t room = sizeof(e->text) - e->len;
	va_list ap;
	int n;

	e->n++;
	if (where->line && where->column)
		n = snprintf(e->text + e->len, room,
			     "%s:%u:%u: ", where->source, where->line,
			     where->column);
	else if (where->line)
		n = snprintf(e->text + e->len, room, "%s:%u: ", where->source,
			     where->line);
	else
		n = snprintf(e->text + e->len, room, "%s: ", where->source);
	if (n > 0 && (size_t)n < room) {
		int m;

		va_start(ap, fmt);
		m = vsnprintf(e->text + e->len + n, room - (size_t)n, fmt, ap);
		va_end(ap);
		n = m < 0 ? m : n + m;
	}
	/* A line that does not fit whole is counted, not shown. */
	if (n < 0 || (size_t)n + 2 > room) {
		e->text[e->len] = '\0';
		return;
	}
	e->len += (size_t)n;
	e->text[e->len++] = '\n';
	e->text[e->len] = '\0';
}

const char *conf_show(char out[CONF_SHOW_ROOM], const char *text, size_t len)
{
	return log_quote(out, text, len);
}
