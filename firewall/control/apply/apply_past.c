/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets and profiles that should not hold any more, but that data has mapped
 * until it was told of the next ones.  Their files stay open here until it has
 * answered, so that the kernel frees their pages in this process: in data,
 * frames would wait for it.
 */
#include <unistd.h>

#include "firewall/control/apply/apply_part.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What is kept already was sent last: then what followed it never was. */
static void keep(int *past, int fd)
{
	if (*past < 0)
		*past = fd;
	else
		close_fd(&fd);
}

void apply_past_set(struct apply_slot *s, int family)
{
	struct set *old = &s->set[family];
	int fd = old->fd;

	old->fd = -1;
	set_clear(old);
	keep(&s->past[family], fd);
}

void apply_past_profiles(struct apply *a)
{
	int fd = a->profiles.fd;

	a->profiles.fd = -1;
	profiles_clear(&a->profiles);
	keep(&a->profiles_past, fd);
}

void apply_past_sent(struct apply *a, int i, int *past)
{
	uint32_t last = (a->wait_at + a->wait_n - 1) % APPLY_WINDOW;

	vw_assert(a->wait_n && a->wait[last].past[i] < 0);
	a->wait[last].past[i] = *past;
	*past = -1;
}

void apply_past_close(int *past, uint32_t n)
{
	while (n--)
		close_fd(&past[n]);
}
