/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen as JSON: what the XenStore shows of each vif, and what the data process
 * says of its rings.  Those numbers are written by the process that touches
 * guests' memory, and only shown.
 */
#include <stdio.h>
#include <string.h>

#include "firewall/control/ctl/ctl.h"
#include "firewall/control/vif/vif.h"
#include "xen/net/netback.h"
#include "xen/net/netfront.h"

#define ROW_ROOM 4096u /* one vif as JSON */

static const char *fault_name(bool front, uint32_t i)
{
	if (front)
		return i < NETFRONT_FAULT_N
			       ? netfront_fault_name((enum netfront_fault)i)
			       : NULL;
	return i < NETBACK_FAULT_N ? netback_fault_name((enum netback_fault)i)
				   : NULL;
}

static void rings_json(struct json *j, const struct msg_vif_row *r)
{
	json_object(j, "rings");
	json_num(j, "tx_prod", r->tx_prod);
	json_num(j, "tx_cons", r->tx_cons);
	json_num(j, "rx_prod", r->rx_prod);
	json_num(j, "rx_cons", r->rx_cons);
	json_num(j, "queued", r->queued);
	json_num(j, "queued_bytes", r->queued_bytes);
	json_bool(j, "masked", r->masked);
	json_num(j, "events", r->events);
	json_num(j, "syscalls", r->stats.syscalls);
	json_num(j, "dropped_in", r->stats.recv_dropped);
	json_num(j, "dropped_out", r->stats.send_dropped);
	json_object(j, "faults");
	for (uint32_t i = 0; i < MSG_VIF_FAULTS; i++) {
		const char *name = fault_name(r->front, i);

		if (name && r->fault[i])
			json_num(j, name, r->fault[i]);
	}
	json_end_object(j);
	json_end_object(j);
}

static void features_json(struct json *j, uint8_t can)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {
		{ BUS_SG, "sg" },	    { BUS_GSO4, "gso-tcpv4" },
		{ BUS_GSO6, "gso-tcpv6" },  { BUS_CSUM4, "csum-ipv4" },
		{ BUS_CSUM6, "csum-ipv6" }, { BUS_RX_NOTIFY, "rx-notify" },
	};

	json_array(j, "features");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (can & names[i].bit)
			json_str(j, NULL, names[i].name);
	json_end_array(j);
}

static void states_json(struct json *j, const struct bus_row *r)
{
	json_str(j, "ours", xenbus_name((enum xenbus_state)r->ours));
	json_secs(j, "ours_for", r->ours_ms);
	json_str(j, "theirs", xenbus_name((enum xenbus_state)r->theirs));
	json_secs(j, "theirs_for", r->theirs_ms);
	json_bool(j, "connected", r->connected);
}

/* What dom0 gave it. */
static void conf_json(struct json *j, const struct bus_vif *v)
{
	char text[PKT_ADDR_TEXT];

	json_str(j, "mac", pkt_mac_print(text, &v->mac));
	json_array(j, "addresses");
	for (uint8_t i = 0; i < v->addr_n; i++)
		ctl_json_addr(j, NULL, &v->addr[i]);
	json_end_array(j);
	json_num(j, "mtu", v->mtu ? v->mtu : VIF_MTU);
	if (v->rate_bytes) {
		json_num(j, "rate_bytes", v->rate_bytes);
		json_num(j, "rate_us", v->rate_us);
	}
}

/* Why it does not connect, as far as we know; empty: it is or will be. */
static const char *trouble(const struct ctl *c, const struct bus_row *r,
			   uint16_t n, char out[2 * BUS_TROUBLE])
{
	const bool known = n < APPLY_SLOTS;
	const uint16_t clash = known ? c->apply->slot[n].clash : 0;

	if (r->trouble[0])
		snprintf(out, 2 * BUS_TROUBLE, "%s", r->trouble);
	else if (clash)
		snprintf(out, 2 * BUS_TROUBLE,
			 "has an address of client %s, and waits for it",
			 c->apply->slot[clash].fw.name);
	else if (!r->frontend && !r->vif.uplink && !r->vif.addr_n && known)
		snprintf(out, 2 * BUS_TROUBLE,
			 "dom0 gave it no address (key ip)");
	else if (r->frontend && !r->connected && !r->ours)
		snprintf(out, 2 * BUS_TROUBLE,
			 "dom0 has not made device/vif/%u for us",
			 c->apply->conf.uplink.port.handle);
	else if (r->frontend && !r->connected)
		snprintf(out, 2 * BUS_TROUBLE,
			 "waits for its backend in domain %u, which shows %s",
			 r->vif.id.dom,
			 xenbus_name((enum xenbus_state)r->theirs));
	else
		out[0] = '\0';
	return out;
}

static uint16_t number_of(const struct ctl *c, const struct bus_row *r)
{
	return r->frontend ? 0 : vifs_find(c->xen->vifs, r->vif.id);
}

static void vif_json(const struct ctl *c, struct json *j,
		     const struct bus_row *r)
{
	const uint16_t n = number_of(c, r);
	char text[2 * BUS_TROUBLE];

	json_object(j, NULL);
	snprintf(text, sizeof(text), "%u/%u", r->vif.id.dom, r->vif.id.handle);
	json_str(j, "vif", text);
	json_str(j, "role", r->frontend ? "frontend" : "backend");
	json_str(j, "client", n < APPLY_SLOTS ? ctl_name(c, n) : "");
	states_json(j, r);
	conf_json(j, &r->vif);
	features_json(j, r->rings.can);
	json_num(j, "tx_ref", r->rings.tx_ref);
	json_num(j, "rx_ref", r->rings.rx_ref);
	json_num(j, "tx_channel", r->rings.tx_evt);
	json_num(j, "rx_channel", r->rings.rx_evt);
	json_num(j, "strikes", r->strikes);
	json_bool(j, "quarantined", r->quarantined);
	json_str(j, "trouble", trouble(c, r, n, text));
	if (n < APPLY_SLOTS && c->vif_has[n])
		rings_json(j, &c->vif_row[n]);
	json_end_object(j);
}

void ctl_show_vifs(const struct ctl *c, struct json *j, uint32_t from)
{
	struct bus_row row;
	uint32_t cursor = 0, i = 0;

	json_array(j, "vifs");
	while (c->xen && json_fits(j, ROW_ROOM) &&
	       c->xen->rows(c->xen->ctx, &cursor, &row, 1))
		if (i++ >= from)
			vif_json(c, j, &row);
	json_end_array(j);
	if (c->xen && c->xen->rows(c->xen->ctx, &cursor, &row, 1))
		json_num(j, "next", i);
}

/* Rows of data's page, by number; false: it wants to be asked for more. */
bool ctl_take_vifs(struct ctl *c, const struct msg_vifs_page *page,
		   uint32_t *from)
{
	if (!*from)
		memset(c->vif_has, 0, sizeof(c->vif_has));
	for (uint16_t i = 0; i < page->n; i++) {
		uint16_t id = page->row[i].id;

		if (id >= APPLY_SLOTS)
			continue;
		c->vif_has[id] = true;
		c->vif_row[id] = page->row[i];
	}
	/* data might turn in circles; each page takes us further */
	if (page->cursor <= *from || page->cursor >= APPLY_SLOTS)
		return true;
	*from = page->cursor;
	return false;
}

static const char *store_state(const struct ctl_xen_health *h)
{
	if (h->lost)
		return "lost";
	return h->stuck_ms >= BUS_THREAD_STUCK_MS ? "stuck" : "answers";
}

void ctl_show_xen(const struct ctl *c, struct json *j)
{
	struct ctl_xen_health h = { .lost = 0 };
	uint32_t cursor = 0, all = 0, connected = 0;
	char text[2 * BUS_TROUBLE], waits[2 * BUS_TROUBLE] = "";
	struct bus_row row;

	if (!c->xen)
		return;
	c->xen->health(c->xen->ctx, &h);
	while (c->xen->rows(c->xen->ctx, &cursor, &row, 1)) {
		uint16_t n = number_of(c, &row);

		if (!n)
			snprintf(waits, sizeof(waits), "%s",
				 trouble(c, &row, n, text));
		all += !row.frontend;
		connected += !row.frontend && row.connected;
	}
	json_object(j, "xen");
	json_bool(j, "simulated", c->apply->conf.xen_kind == CONF_XEN_SIM);
	json_str(j, "store", store_state(&h));
	if (h.stuck_ms >= BUS_THREAD_STUCK_MS)
		json_secs(j, "stuck_for", h.stuck_ms);
	json_str(j, "trouble", h.trouble);
	json_num(j, "vifs", all);
	json_num(j, "connected", connected);
	json_str(j, "uplink_trouble", waits);
	json_end_object(j);
}
