/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the settings say of ports, for those who look at the machine. */
#include "firewall/control/conf/conf.h"

bool conf_uplink_on_xen(const struct conf *c)
{
	return c->uplink.port.kind == CONF_PORT_VIF ||
	       (c->xen_kind && (c->xen_netvm.gateway || c->xen_netvm.is.by));
}

static bool is_link(const struct conf_port *p)
{
	return p->kind == CONF_PORT_TAP || p->kind == CONF_PORT_PACKET;
}

size_t conf_links(const struct conf *c, const struct conf_port *out[CONF_LINKS])
{
	size_t n = 0;

	if (is_link(&c->uplink.port))
		out[n++] = &c->uplink.port;
	for (uint16_t i = 0; i < c->client_n; i++)
		if (is_link(&c->client[i].port))
			out[n++] = &c->client[i].port;
	return n;
}
