/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling data.  One pass over the slots sends what can be sent; what has to
 * wait for an answer (a client for its port, rules for their client) is left
 * for the pass after that answer.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"

#define RULES_BITS ((unsigned int)APPLY_RULES4 | APPLY_RULES6)

struct apply_wait *apply_wait_first(struct apply *a)
{
	return a->wait_n ? &a->wait[a->wait_at] : NULL;
}

void apply_wait_pop(struct apply *a)
{
	apply_past_close(a->wait[a->wait_at].past, 2);
	a->wait_at = (a->wait_at + 1) % APPLY_WINDOW;
	a->wait_n--;
}

static void no_answers(struct apply *a)
{
	for (struct apply_wait *w; (w = apply_wait_first(a)); apply_wait_pop(a))
		if (w->kind == APPLY_ASKED && a->ops->answer)
			a->ops->answer(a->ops->ctx, w->cookie, NULL);
}

void apply_data_lost(struct apply *a, bool broken)
{
	if (broken)
		log_err("data says what it can't: its socket is closed");
	a->broken = broken;
	close(a->sock);
	a->sock = -1;
	no_answers(a);
}

/* One message with its place in the ring of answers due; false: not now. */
static bool post(struct apply *a, uint32_t type, const void *body, int fd,
		 struct apply_wait w)
{
	int err;

	if (a->sock < 0 || a->wait_n == APPLY_WINDOW)
		return false;
	w.seq = a->seq + 1;
	w.past[0] = w.past[1] = -1;
	err = msg_send(a->sock, type, w.seq, body, fd);
	if (err == -EAGAIN || err == -ENOBUFS)
		return false;
	if (err) {
		apply_data_lost(a, err != -EPIPE);
		return false;
	}
	a->seq++;
	a->wait[(a->wait_at + a->wait_n++) % APPLY_WINDOW] = w;
	return true;
}

int apply_ask(struct apply *a, uint32_t type, const void *body, uint32_t cookie)
{
	struct apply_wait w = { .kind = APPLY_ASKED, .cookie = cookie };

	if (a->sock < 0)
		return -ENOTCONN;
	if (post(a, type, body, -1, w))
		return 0;
	return a->sock < 0 ? -ENOTCONN : -EAGAIN;
}

int apply_dns_ask(struct apply *a, const struct fw_dns_msg *m)
{
	struct apply_wait w = { .kind = APPLY_DNS_ASK };

	if (a->sock < 0)
		return -ENOTCONN;
	if (post(a, MSG_DNS_ASK, m, -1, w))
		return 0;
	return a->sock < 0 ? -ENOTCONN : -EAGAIN;
}

int apply_dns_pass(struct apply *a, uint16_t n, uint32_t ask)
{
	struct apply_wait w = { .kind = APPLY_DNS_PASS };
	struct msg_dns_pass m = { .n = n, .ask = ask };

	if (a->sock < 0)
		return -ENOTCONN;
	if (!(a->slot[n].todo & RULES_BITS) && post(a, MSG_DNS_PASS, &m, -1, w))
		return 0;
	return a->sock < 0 ? -ENOTCONN : -EAGAIN;
}

/* ---- lists ----------------------------------------------------------------*/

/* A list in a sealed file; true when it was sent, or can't ever be. */
static bool send_list(struct apply *a, uint32_t type, enum apply_kind kind,
		      const void *list, uint32_t n, size_t each)
{
	struct apply_wait w = { .kind = (uint8_t)kind };
	struct msg_guard m = { .n = n };
	int fd;
	bool sent;

	if (a->sock < 0 || a->wait_n == APPLY_WINDOW)
		return false;
	fd = mem_sealed("vifwall-list", list, n * each);
	if (fd < 0) {
		log_err("a list can't be handed over (%s)", log_errno(-fd));
		return false;
	}
	sent = post(a, type, &m, fd, w);
	close(fd);
	return sent;
}

static uint32_t pairs_of(const struct apply *a, struct fw_pair out[CONF_ALLOWS])
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < a->conf.allow_n; i++) {
		const struct conf_allow *al = &a->conf.allow[i];

		out[n].from = apply_find(a, al->from, strlen(al->from));
		out[n].to = apply_find(a, al->to, strlen(al->to));
		if (out[n].from && out[n].to)
			n++;
	}
	return n;
}

static bool send_forwards(struct apply *a)
{
	struct fw_forward list[FW_FORWARDS];

	for (uint32_t i = 0; i < a->forward_n; i++)
		list[i] = a->forward[i].fw;
	return send_list(a, MSG_FORWARDS, APPLY_FORWARDS, list, a->forward_n,
			 sizeof(list[0]));
}

/* A number that data is to forget first may be somebody else's there. */
static uint8_t profile_of(const struct apply *a, uint16_t n)
{
	const struct apply_slot *s = &a->slot[n];
	uint16_t found;

	if (s->todo & APPLY_CLIENT_DEL)
		return FW_PROFILE_CLOSED;
	if (!s->fw.profile[0])
		return FW_PROFILE_NONE;
	found = profiles_find(a->profiles.built, s->fw.profile);
	return found == PROFILE_NONE ? FW_PROFILE_CLOSED : (uint8_t)found;
}

static_assert(APPLY_SLOTS <= MSG_PROFILES_CLIENTS, "every client is told");

static bool send_profiles(struct apply *a)
{
	struct msg_profiles m = { .len = (uint32_t)a->profiles.len };

	for (uint16_t n = 0; n < APPLY_SLOTS; n++)
		m.of[n] = profile_of(a, n);
	if (!post(a, MSG_PROFILES, &m, a->profiles.fd,
		  (struct apply_wait){ .kind = APPLY_PROFILES }))
		return false;
	apply_past_sent(a, 0, &a->profiles_past);
	return true;
}

static void lists_work(struct apply *a)
{
	struct fw_pair pair[CONF_ALLOWS];

	if (a->profiles_todo && send_profiles(a))
		a->profiles_todo = false;
	if (a->guard_todo && send_list(a, MSG_GUARD, APPLY_GUARD, a->guard,
				       a->guard_n, sizeof(a->guard[0])))
		a->guard_todo = false;
	if (a->pairs_todo && send_list(a, MSG_PAIRS, APPLY_PAIRS, pair,
				       pairs_of(a, pair), sizeof(pair[0])))
		a->pairs_todo = false;
	if (a->forward_todo && send_forwards(a))
		a->forward_todo = false;
	if (a->dns_todo && post(a, MSG_DNS, &a->dns, -1,
				(struct apply_wait){ .kind = APPLY_DNS }))
		a->dns_todo = false;
}

/* ---- slots ----------------------------------------------------------------*/

static bool slot_send(struct apply *a, uint16_t n, enum apply_bit bit,
		      uint32_t type, const void *body, int fd)
{
	struct apply_wait w = { .kind = APPLY_SLOT,
				.slot = n,
				.bit = (uint8_t)bit };

	if (!post(a, type, body, fd, w))
		return false;
	a->slot[n].todo &= (uint8_t) ~(unsigned int)bit;
	return true;
}

/*
 * Frames may go as soon as our rings are there: a backend that has not come to
 * them yet finds them then.  What is to be heard by others waits for it.
 */
static bool send_uplink(struct apply *a, enum apply_bit bit, bool up)
{
	const struct apply_ring *r = &a->slot[0].ring;
	struct msg_uplink m = { .uplink = a->uplink,
				.announce = up && (!r->is || r->live) };

	m.uplink.up = up;
	m.uplink.port = up ? 0 : UINT16_MAX;
	return slot_send(a, 0, bit, MSG_UPLINK, &m, -1);
}

static bool send_client_del(struct apply *a, uint16_t n)
{
	struct msg_id m = { .id = n };

	if (n ? !slot_send(a, n, APPLY_CLIENT_DEL, MSG_CLIENT_DEL, &m, -1)
	      : !send_uplink(a, APPLY_CLIENT_DEL, false))
		return false;
	a->slot[n].sent = a->slot[n].told = false;
	for (int f = 0; f < 2; f++)
		apply_past_sent(a, f, &a->slot[n].past[f]);
	return true;
}

static bool send_port_del(struct apply *a, uint16_t n)
{
	struct msg_id m = { .id = n };

	if (!slot_send(a, n, APPLY_PORT_DEL, MSG_PORT_DEL, &m, -1))
		return false;
	a->slot[n].port_sent = a->slot[n].port_told = false;
	return true;
}

/* Ours on the link: what the settings say, else by what the device has. */
static struct pkt_mac our_mac(const struct apply_slot *s)
{
	static const struct pkt_mac none;
	struct pkt_mac m = s->mac;

	if (memcmp(&m, &none, sizeof(m)))
		return m;
	m = s->link.mac;
	/* a TAP device's own address is the kernel's end of the link */
	if (s->port.kind == CONF_PORT_TAP) {
		m.b[0] |= 2;
		m.b[5] ^= 1;
	}
	return m;
}

static bool send_ring(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];
	struct apply_ring *r = &s->ring;

	if (!r->wanted) {
		s->todo &= (uint8_t)~APPLY_PORT;
		return true;
	}
	if (r->front ? !slot_send(a, n, APPLY_PORT, MSG_FRONT_ADD,
				  &r->add.front, -1)
		     : !slot_send(a, n, APPLY_PORT, MSG_VIF_ADD, &r->add.vif,
				  -1))
		return false;
	s->port_sent = true;
	s->todo &= (uint8_t)~APPLY_LIMITS; /* it was in there */
	return true;
}

static bool send_limits(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];
	struct msg_vif_limits m = {
		.id = n,
		.mtu = s->ring.add.vif.mtu,
		.rate_bytes = s->ring.add.vif.rate_bytes,
		.rate_us = s->ring.add.vif.rate_us,
	};

	if (s->port_sent)
		return slot_send(a, n, APPLY_LIMITS, MSG_VIF_LIMITS, &m, -1);
	s->todo &= (uint8_t)~APPLY_LIMITS;
	return true;
}

static bool send_port(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];
	uint16_t mtu = s->mtu && s->mtu < s->link.mtu ? s->mtu : s->link.mtu;
	struct msg_port m = {
		.id = n,
		.mtu = mtu,
		.kind = s->port.kind == CONF_PORT_TAP ? MSG_PORT_TAP
						      : MSG_PORT_PACKET,
		.caps = s->link.caps,
		.mac = our_mac(s),
		.ifindex = s->link.ifindex,
		.ring = s->link.ring,
	};

	if (s->ring.is)
		return send_ring(a, n);
	if (s->link.fd < 0) {
		s->todo &= (uint8_t)~APPLY_PORT;
		return true;
	}
	if (!slot_send(a, n, APPLY_PORT, MSG_PORT_ADD, &m, s->link.fd))
		return false;
	s->port_sent = true;
	return true;
}

/* As in Qubes, our address towards a client is our outside one. */
static struct fw_client client_now(const struct apply *a, uint16_t n)
{
	struct fw_client fw = a->slot[n].fw;

	fw.port = a->slot[n].port_told ? n : UINT16_MAX;
	if (fw.kind == FW_QUBE && pkt_addr_is_zero(&fw.gateway4))
		fw.gateway4 = a->uplink.addr4;
	if (fw.kind == FW_QUBE && pkt_addr_is_zero(&fw.gateway6))
		fw.gateway6 = a->uplink.addr6;
	apply_seen_alone(&fw);
	return fw;
}

static bool send_client(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];
	struct msg_client m = { .n = n, .client = client_now(a, n) };
	bool on_way = s->ring.is ? s->ring.wanted : s->link.fd >= 0;

	/* a client whose profile is not there is closed, and loses flows */
	if ((on_way && !s->port_told) || (n && a->profiles_todo))
		return false;
	if (n ? !slot_send(a, n, APPLY_CLIENT, MSG_CLIENT, &m, -1)
	      : !send_uplink(a, APPLY_CLIENT, s->port_told))
		return false;
	s->sent = true;
	return true;
}

static bool send_rules(struct apply *a, uint16_t n, int family,
		       enum apply_bit bit)
{
	struct apply_slot *s = &a->slot[n];
	const struct set *set = &s->set[family];
	struct msg_rules m = {
		.n = n,
		.family = (uint16_t)family,
		.len = (uint32_t)set->len,
	};

	if (!s->told)
		return false;
	if (!set->built) {
		s->todo &= (uint8_t) ~(unsigned int)bit;
		return true;
	}
	if (!slot_send(a, n, bit, MSG_RULES, &m, set->fd))
		return false;
	apply_past_sent(a, family, &s->past[family]);
	return true;
}

static bool slot_work(struct apply *a, uint16_t n, struct mono now)
{
	const struct apply_slot *s = &a->slot[n];

	if (s->todo & APPLY_CLIENT_DEL && !send_client_del(a, n))
		return false;
	if (s->todo & APPLY_PORT_DEL && !send_port_del(a, n))
		return false;
	if (!s->used || s->err || s->clash ||
	    (s->wait.ns && !mono_past(s->wait, now)))
		return true;
	if (s->todo & APPLY_PORT && !send_port(a, n))
		return false;
	if (s->todo & APPLY_LIMITS && !send_limits(a, n))
		return false;
	if (s->todo & APPLY_CLIENT && !send_client(a, n))
		return false;
	if (a->held)
		return true;
	if (s->todo & APPLY_RULES4 && !send_rules(a, n, RULE_IP4, APPLY_RULES4))
		return false;
	return !(s->todo & APPLY_RULES6) ||
	       send_rules(a, n, RULE_IP6, APPLY_RULES6);
}

static void stamp(struct apply_slot *s, struct mono now)
{
	for (int f = 0; f < 2; f++)
		if (s->used && s->set[f].built && !s->since[f].ns)
			s->since[f] = now;
}

/* Tries a port that was lost, or is new. */
static void reopen(struct apply *a, uint16_t n, struct mono now)
{
	struct apply_slot *s = &a->slot[n];

	if (!s->used || s->ring.is || s->link.fd >= 0)
		return;
	if (!mono_past(s->reopen, now))
		return;
	s->reopen = (struct mono){ 0 };
	if (apply_open_port(a, n) == 0)
		log_info("%s: %s is back", n ? s->fw.name : "uplink",
			 s->port.name);
	else
		s->reopen = mono_add_ms(now, APPLY_REOPEN_MS);
}

/* What is stuck, or has to wait, is no reason for others to wait. */
static void settled_work(struct apply *a)
{
	struct apply_wait w = { .kind = APPLY_SETTLED };

	if (a->settled_todo && apply_idle(a) &&
	    post(a, MSG_SETTLED, NULL, -1, w))
		a->settled_todo = false;
}

struct mono apply_work(struct apply *a, struct mono now)
{
	struct mono next = { UINT64_MAX };

	lists_work(a);
	for (uint16_t n = 0; n < APPLY_SLOTS; n++) {
		struct apply_slot *s = &a->slot[n];

		stamp(s, now);
		reopen(a, n, now);
		if (s->todo)
			(void)slot_work(a, n, now);
		if (s->used && s->todo && s->wait.ns > now.ns &&
		    s->wait.ns < next.ns)
			next = s->wait;
		if (s->used && s->reopen.ns && s->reopen.ns < next.ns)
			next = s->reopen;
	}
	settled_work(a);
	return next;
}

/* Is @n to be told something that it may be told? */
static bool is_due(const struct apply *a, uint16_t n)
{
	const struct apply_slot *s = &a->slot[n];
	unsigned int kept = a->held ? RULES_BITS : 0u;

	return s->todo & ~kept && !s->stuck && !s->err && !s->clash;
}

void apply_hold(struct apply *a, const char *why)
{
	a->held = why;
}

bool apply_idle(const struct apply *a)
{
	if (a->sock < 0 || a->wait_n || a->guard_todo || a->pairs_todo ||
	    a->forward_todo || a->profiles_todo || a->dns_todo)
		return false;
	for (uint16_t n = 0; n < APPLY_SLOTS; n++)
		if (is_due(a, n))
			return false;
	return true;
}

void apply_data(struct apply *a, int sock)
{
	static const struct fw_dns no_dns;

	if (a->seq)
		a->restarts++;
	if (a->sock >= 0)
		apply_data_lost(a, false);
	a->sock = sock;
	a->broken = a->answered = false;
	a->guard_todo = a->guard_n > 0;
	a->pairs_todo = true;
	a->forward_todo = a->forward_n > 0;
	a->profiles_todo = a->profiles.built;
	a->dns_todo = memcmp(&a->dns, &no_dns, sizeof(no_dns)) != 0;
	a->settled_todo = a->restarts > 0;
	apply_past_close(&a->profiles_past, 1);
	for (uint16_t n = 0; n < APPLY_SLOTS; n++) {
		struct apply_slot *s = &a->slot[n];

		s->sent = s->port_sent = s->told = s->port_told = false;
		/* nobody asks again for what the first one is to have */
		if (a->restarts)
			apply_ring_forget(a, n);
		s->todo = 0;
		s->wait = (struct mono){ 0 };
		apply_past_close(s->past, 2);
		if (!s->used)
			continue;
		/* its ring had a reader */
		if (s->port.kind == CONF_PORT_PACKET && a->restarts &&
		    apply_renew_port(a, n))
			log_err("%s: %s can't be opened again",
				n ? s->fw.name : "uplink", s->port.name);
		apply_mark(a, n,
			   APPLY_PORT | APPLY_CLIENT | (n ? RULES_BITS : 0u));
	}
}

void apply_stop(struct apply *a)
{
	if (a->sock >= 0)
		apply_data_lost(a, false);
	for (uint16_t n = 0; n < APPLY_SLOTS; n++)
		apply_ring_deleted(a, n);
}
