/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services that dom0 expects of every qube.
 */
#include <string.h>

#include "firewall/control/qubes/service.h"
#include "firewall/linux/log.h"

#define CLOCK_OFF_S 2 /* by so much it may be wrong */

int service_begin_ok(struct services *s, struct service *c,
		     char why[QREXEC_WHY])
{
	(void)why;
	service_exit(s, c, QREXEC_OK);
	return 0;
}

int service_begin_woke(struct services *s, struct service *c,
		       char why[QREXEC_WHY])
{
	apply_woke(s->apply);
	return service_begin_ok(s, c, why);
}

/* services_work() looks whether it is. */
int service_begin_uplink(struct services *s, struct service *c,
			 char why[QREXEC_WHY])
{
	(void)why;
	c->state = SERVICE_UPLINK;
	c->until = mono_add_ms(s->now, SERVICE_UPLINK_MS);
	return 0;
}

/* ---- qubes.SetDateTime ----------------------------------------------------*/

/* @n digits at *@p; false: there are none, or what they say is not in range. */
static bool digits(const char **p, int n, int lo, int hi, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + **p - '0';
	}
	return *out >= lo && *out <= hi;
}

static bool is_leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days from 1970-01-01; @y is 1970 or later. */
static bool days(int64_t *out, int y, int m, int d)
{
	static const int month[] = { 31, 28, 31, 30, 31, 30,
				     31, 31, 30, 31, 30, 31 };
	int64_t n = 0;

	for (int i = 1970; i < y; i++)
		n += is_leap(i) ? 366 : 365;
	for (int i = 0; i < m - 1; i++)
		n += month[i] + (i == 1 && is_leap(y));
	*out = n + d - 1;
	return d <= month[m - 1] + (m == 2 && is_leap(y));
}

bool service_time(int64_t *out, const char *text, size_t len)
{
	static const struct {
		char before;
		int digits, lo, hi;
	} part[] = {
		{ 0, 4, 1970, 9999 }, { '-', 2, 1, 12 }, { '-', 2, 1, 31 },
		{ 'T', 2, 0, 23 },    { ':', 2, 0, 59 }, { ':', 2, 0, 59 }
	};
	char copy[32];
	const char *p = copy;
	int64_t day;
	int v[6];

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (int i = 0; i < 6; i++) {
		if (part[i].before && *p++ != part[i].before)
			return false;
		if (!digits(&p, part[i].digits, part[i].lo, part[i].hi, &v[i]))
			return false;
	}
	if (strcmp(p, "+0000") != 0 && strcmp(p, "+00:00") != 0)
		return false;
	if (!days(&day, v[0], v[1], v[2]))
		return false;
	*out = ((day * 24 + v[3]) * 60 + v[4]) * 60 + v[5];
	return true;
}

int service_begin_time(struct services *s, struct service *c,
		       char why[QREXEC_WHY])
{
	(void)why;
	/* somebody else keeps it right, and need not be told */
	if (!s->ops->set_clock)
		service_exit(s, c, QREXEC_OK);
	return 0;
}

static void set_clock(struct services *s, struct service *c, int64_t t)
{
	int64_t off = t - s->ops->clock(s->ops->ctx);
	int err = 0;

	if (off > CLOCK_OFF_S || off < -CLOCK_OFF_S) {
		err = s->ops->set_clock(s->ops->ctx, t);
		if (!err)
			log_info("the clock is set by %lld s, as dom0 asked",
				 (long long)off);
	}
	if (err)
		service_say(s, c, "the clock can't be set (%s)\n",
			    log_errno(-err));
	service_exit(s, c, err ? 1 : QREXEC_OK);
}

/* The first line counts. */
void service_line_time(struct services *s, struct service *c)
{
	int64_t t;

	if (!c->too_long && service_time(&t, c->line, c->line_len)) {
		set_clock(s, c, t);
		return;
	}
	service_say(s, c, "no time; allowed: 2026-01-31T23:59:59+0000\n");
	service_exit(s, c, 1);
}

void service_end_time(struct services *s, struct service *c)
{
	service_say(s, c, "no time came\n");
	service_exit(s, c, 1);
}
