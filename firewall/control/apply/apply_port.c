/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "firewall/control/apply/apply_part.h"

void apply_close_old(struct apply *a)
{
	for (uint16_t n = 0; n < APPLY_SLOTS; n++) {
		struct apply_slot *s = &a->slot[n];

		if (s->old_fd >= 0)
			close(s->old_fd);
		s->old_fd = -1;
	}
}

void apply_close_port(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];

	if (s->old_fd >= 0)
		close(s->old_fd);
	s->old_fd = -1;
	if (s->link.fd >= 0)
		close(s->link.fd);
	s->link = (struct link){ .fd = -1 };
	s->port_err = 0;
	if (s->port_sent)
		apply_mark(a, n, APPLY_PORT_DEL);
}

int apply_open_port(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];
	int err;

	if (s->link.fd >= 0 || s->ring.is)
		return 0;
	err = a->ops->open_port(a->ops->ctx, &s->port, &s->link);
	if (err) {
		s->link.fd = -1;
		s->port_err = -err;
		return err;
	}
	s->port_err = 0;
	apply_mark(a, n, APPLY_PORT | APPLY_CLIENT);
	return 0;
}

int apply_renew_port(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];
	int old = s->link.fd;

	s->link.fd = -1;
	apply_close_port(a, n);
	s->old_fd = old;
	return apply_open_port(a, n);
}

int apply_open_ports(struct apply *a, const struct conf_port **which)
{
	for (uint16_t n = 0; n < APPLY_SLOTS; n++) {
		int err = a->slot[n].used ? apply_open_port(a, n) : 0;

		if (err) {
			*which = &a->slot[n].port;
			return err;
		}
	}
	return 0;
}
