/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "packet/pkt_port.h"
#include "sim/habits.h"
#include "xen/xen_ops.h"

#define ON(state) (1u << XENBUS_##state)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct bus_key windows_keys[] = {
	{ "multi-queue-num-queues", 1 },    { "request-rx-copy", 1 },
	{ "request-multicast-control", 1 }, { "feature-sg", 1 },
	{ "feature-gso-tcpv4", 1 },	    { "feature-gso-tcpv6", 1 },
	{ "feature-no-csum-offload", 0 },   { "feature-ipv6-csum-offload", 1 },
	{ "feature-rx-notify", 1 },
};

static const struct bus_key mirage_keys[] = {
	{ "request-rx-copy", 1 },    { "feature-rx-notify", 1 },
	{ "feature-sg", 1 },	     { "feature-gso-tcpv4", 0 },
	{ "feature-smart-poll", 0 },
};

static const struct habits all[] = {
	{
		.name = "windows",
		/* first it closes whatever a predecessor left, step by step */
		.begin = { { XENBUS_CLOSING,
			     ON(CLOSING) | ON(CLOSED) | ON(UNKNOWN) },
			   { XENBUS_CLOSED, ON(CLOSED) | ON(UNKNOWN) },
			   { XENBUS_INITIALISING, ON(INIT_WAIT) } },
		.end = { { XENBUS_CLOSING,
			   ON(CLOSING) | ON(CLOSED) | ON(UNKNOWN) },
			 { XENBUS_CLOSED, ON(CLOSED) | ON(UNKNOWN) } },
		.keeps_rings = true,
		.split = true,
		.key = windows_keys,
		.key_n = COUNT(windows_keys),
		.leaves = PORT_CSUM | PORT_GSO4 | PORT_GSO6,
		.block = XEN_PAGE,
		.lean = 566, /* a payload lies where the program had it */
		.headers_apart = true,
		.cuts = true,
	},
	{
		.name = "mirage",
		/* it knows two states, and waits for as few */
		.begin = { { 0, ON(INIT_WAIT) | ON(CLOSED) } },
		.end = { { XENBUS_CLOSED, UINT16_MAX } },
		.key = mirage_keys,
		.key_n = COUNT(mirage_keys),
		.block = XEN_PAGE / 2,
		.counts_ids = true,
		.strict = true,
	},
};

const struct habits *habits_of(const char *name)
{
	for (size_t i = 0; i < COUNT(all); i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

uint8_t habits_can(const struct habits *h)
{
	static const struct {
		const char *key;
		uint8_t bit;
	} bits[] = {
		{ "feature-sg", BUS_SG },
		{ "feature-gso-tcpv4", BUS_GSO4 },
		{ "feature-gso-tcpv6", BUS_GSO6 },
		{ "feature-ipv6-csum-offload", BUS_CSUM6 },
	};
	uint8_t can = 0;

	for (size_t i = 0; i < h->key_n; i++)
		for (size_t k = 0; k < COUNT(bits); k++)
			if (h->key[i].value &&
			    !strcmp(h->key[i].name, bits[k].key))
				can |= bits[k].bit;
	return can;
}
