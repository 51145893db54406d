/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a client can't open flows, for whoever asks: the operator, and dom0.
 */
#include "firewall/control/apply/apply_part.h"

static enum apply_closed by_slot(const struct apply *a,
				 const struct apply_slot *s, int family)
{
	if (!s->key[family][0])
		return APPLY_CLOSED_FAMILY;
	if (a->sock < 0)
		return APPLY_CLOSED_DATA;
	if (a->held)
		return APPLY_CLOSED_HELD;
	if (s->err)
		return APPLY_CLOSED_REFUSED;
	if (s->clash)
		return APPLY_CLOSED_CLASH;
	if (s->port_err)
		return APPLY_CLOSED_PORT;
	if (s->ring.is && !s->port_told)
		return APPLY_CLOSED_VIF;
	return s->told ? APPLY_OPEN : APPLY_CLOSED_UNTOLD;
}

enum apply_closed apply_closed(const struct apply *a, uint16_t n, int family)
{
	const struct apply_slot *s = &a->slot[n];
	enum apply_closed why = by_slot(a, s, family);

	if (why)
		return why;
	if (s->set[family].state == SET_NONE)
		return APPLY_CLOSED_NO_RULES;
	if (s->set[family].state == SET_BAD)
		return APPLY_CLOSED_BAD_RULES;
	if (!apply_profile_ok(a, n))
		return APPLY_CLOSED_PROFILE;
	if (family == RULE_IP4 && pkt_addr_is_zero(&a->uplink.addr4))
		return APPLY_CLOSED_UPLINK4;
	if (family == RULE_IP6 && pkt_addr_is_zero(&a->uplink.addr6))
		return APPLY_CLOSED_UPLINK6;
	return APPLY_OPEN;
}

const char *apply_closed_why(const struct apply *a, uint16_t n, int family)
{
	switch (apply_closed(a, n, family)) {
	case APPLY_OPEN:
		break;
	case APPLY_CLOSED_FAMILY:
		return "it has no address of this family";
	case APPLY_CLOSED_DATA:
		return "the process that handles packets is being restarted";
	case APPLY_CLOSED_HELD:
		return a->held;
	case APPLY_CLOSED_REFUSED:
		return "refused by the process that handles packets";
	case APPLY_CLOSED_CLASH:
		return "it has an address of another client, and waits";
	case APPLY_CLOSED_PORT:
		return "its port is not there";
	case APPLY_CLOSED_VIF:
		return "its vif is not connected";
	case APPLY_CLOSED_UNTOLD:
		return "the process that handles packets was not told of it "
		       "yet";
	case APPLY_CLOSED_NO_RULES:
		return "no rules were committed";
	case APPLY_CLOSED_BAD_RULES:
		return "its rules could not be read";
	case APPLY_CLOSED_PROFILE:
		return "its profile is not there";
	case APPLY_CLOSED_UPLINK4:
		return "uplink.ip is not set";
	case APPLY_CLOSED_UPLINK6:
		return "uplink.ip6 is not set";
	}
	return NULL;
}
