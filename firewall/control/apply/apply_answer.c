/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What data answers, in the order in which it was asked, and what it says by
 * itself.
 */
#include <errno.h>
#include <string.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/linux/log.h"

static void client_answer(struct apply *a, uint16_t n, int err, struct mono now)
{
	struct apply_slot *s = &a->slot[n];
	bool again =
		(err == EBUSY || err == EEXIST) && s->tries < APPLY_RETRIES;

	s->told = !err;
	s->wait = (struct mono){ 0 };
	if (!err) {
		s->tries = 0;
		s->stuck = false;
	}
	if (!err || !s->used)
		return;
	apply_mark(a, n,
		   APPLY_CLIENT | (n ? (APPLY_RULES4 | APPLY_RULES6) : 0u));
	/* one of that number, or with that address, is still to go: soon */
	s->wait = mono_add_ms(now, again ? APPLY_RETRY_MS : APPLY_REOPEN_MS);
	if (again) {
		s->tries++;
		return;
	}
	s->stuck = true;
	log_err("%s: refused by data (%s)", n ? s->fw.name : "uplink",
		log_errno(err));
}

static void port_answer(struct apply *a, uint16_t n, int err, struct mono now)
{
	struct apply_slot *s = &a->slot[n];

	s->port_told = !err && s->link.fd >= 0;
	if (!err)
		return;
	log_err("%s: port %s refused by data (%s)", n ? s->fw.name : "uplink",
		s->port.name, log_errno(err));
	apply_close_port(a, n);
	s->port_err = err;
	s->reopen = mono_add_ms(now, APPLY_REOPEN_MS);
	if (s->used)
		apply_mark(a, n, APPLY_CLIENT);
}

/* A set that was ours to build, and is refused, is closed; and if even that
 * is refused there is no client any more. */
static void rules_answer(struct apply *a, uint16_t n, int family, int err)
{
	struct apply_slot *s = &a->slot[n];

	if (!err || !s->used)
		return;
	if (!s->told)
		apply_mark(a, n, family ? APPLY_RULES6 : APPLY_RULES4);
	else if (s->set[family].state == SET_GOOD)
		apply_close_set(a, n, family,
				"refused by the process that handles packets");
	else
		apply_shut(a, n, -err);
}

static void slot_answer(struct apply *a, const struct apply_wait *w, int err,
			struct mono now)
{
	switch ((enum apply_bit)w->bit) {
	case APPLY_PORT:
		if (a->slot[w->slot].ring.is)
			apply_ring_answer(a, w->slot, err);
		else
			port_answer(a, w->slot, err, now);
		break;
	case APPLY_CLIENT:
		client_answer(a, w->slot, err, now);
		break;
	case APPLY_RULES4:
		rules_answer(a, w->slot, RULE_IP4, err);
		break;
	case APPLY_RULES6:
		rules_answer(a, w->slot, RULE_IP6, err);
		break;
	case APPLY_PORT_DEL:
		apply_ring_deleted(a, w->slot);
		break; /* gone, or was not there */
	case APPLY_CLIENT_DEL:
	case APPLY_LIMITS:
		break;
	}
}

static const char *list_name(enum apply_kind kind)
{
	return kind == APPLY_GUARD   ? "clients that could be"
	       : kind == APPLY_PAIRS ? "allowed pairs"
				     : "openings";
}

static void done(struct apply *a, const struct apply_wait *w, int err,
		 struct mono now)
{
	switch ((enum apply_kind)w->kind) {
	case APPLY_SLOT:
		slot_answer(a, w, err, now);
		break;
	case APPLY_GUARD:
	case APPLY_PAIRS:
	case APPLY_FORWARDS:
		if (err)
			log_err("data refused the list of %s (%s)",
				list_name((enum apply_kind)w->kind),
				log_errno(err));
		break;
	case APPLY_PROFILES:
		if (err)
			log_err("data refused the profiles (%s)",
				log_errno(err));
		break;
	case APPLY_DNS:
		if (err)
			log_err("data refused the name servers (%s)",
				log_errno(err));
		break;
	case APPLY_DNS_ASK:
	case APPLY_DNS_PASS:
		break; /* who asked waits for the answer, and not for ever */
	case APPLY_SETTLED:
		apply_close_old(a);
		break;
	case APPLY_ASKED:
		/* a page has been answered already */
		if (w->bit == 0 && a->ops->answer)
			a->ops->answer(a->ops->ctx, w->cookie, NULL);
		break;
	}
}

static void port_failed(struct apply *a, const struct msg_done *m,
			struct mono now)
{
	struct apply_slot *s;

	if (m->id >= APPLY_SLOTS || !a->slot[m->id].used)
		return;
	s = &a->slot[m->id];
	if (s->ring.is) {
		apply_ring_failed(a, m->id, m->err);
		return;
	}
	log_err("%s: port %s is lost (%s)", m->id ? s->fw.name : "uplink",
		s->port.name, log_errno(m->err));
	s->port_sent = s->port_told = false; /* it has forgotten it */
	apply_close_port(a, m->id);
	s->port_err = m->err;
	s->reopen = mono_add_ms(now, APPLY_REOPEN_MS);
	apply_mark(a, m->id, APPLY_CLIENT);
}

/* False: nonsense. */
static bool take(struct apply *a, const struct msg *m, struct mono now)
{
	struct apply_wait *first = apply_wait_first(a), w;

	if (m->hdr.type == MSG_PORT_FAILED) {
		port_failed(a, &m->body.done, now);
		return true;
	}
	if (m->hdr.type == MSG_DNS_CAME) {
		if (a->ops->dns_came)
			a->ops->dns_came(a->ops->ctx, &m->body.dns_msg);
		return true;
	}
	if (!first || m->hdr.seq != first->seq)
		return false;
	if (m->hdr.type == MSG_DONE) {
		w = *first;
		apply_wait_pop(a);
		a->answered = true;
		done(a, &w, m->body.done.err, now);
		return true;
	}
	/* a page: its MSG_DONE follows, and says nothing new */
	if (m->hdr.type == MSG_FRONT_KEYS && first->kind == APPLY_SLOT &&
	    first->bit == APPLY_PORT && a->slot[first->slot].ring.front) {
		a->slot[first->slot].ring.keys = m->body.front_keys;
		return true;
	}
	if (m->hdr.type == MSG_FRONT_KEYS || first->kind != APPLY_ASKED ||
	    first->bit)
		return false;
	first->bit = 1;
	if (a->ops->answer)
		a->ops->answer(a->ops->ctx, first->cookie, m);
	return true;
}

void apply_receive(struct apply *a, struct mono now)
{
	struct msg m;

	while (a->sock >= 0) {
		int err = msg_recv(a->sock, MSG_TO_CONTROL, &m);

		if (err == -EAGAIN)
			return;
		if (err == 0 && take(a, &m, now))
			continue;
		apply_data_lost(a, err == 0 || err == -EBADMSG);
	}
}
