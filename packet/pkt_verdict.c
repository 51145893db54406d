/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_verdict.h"

static const char *const reason_name[PKT_REASON_N] = {
#define X(id, name, text) [PKT_REASON_##id] = (name),
	PKT_REASONS(X)
#undef X
};

static const char *const reason_text[PKT_REASON_N] = {
#define X(id, name, text) [PKT_REASON_##id] = (text),
	PKT_REASONS(X)
#undef X
};

const char *pkt_reason_name(enum pkt_reason reason)
{
	return (unsigned)reason < PKT_REASON_N ? reason_name[reason] : "?";
}

const char *pkt_reason_text(enum pkt_reason reason)
{
	return (unsigned)reason < PKT_REASON_N ? reason_text[reason] : "?";
}
