/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that is counted, as text in the OpenMetrics format: families one
 * after the other, each with a line on what it is and then its samples.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/ctl/ctl.h"

#define LINE_MAX 256u
#define LINES_ROOM (PKT_REASON_N * LINE_MAX) /* of one client and family */

struct metrics {
	const struct ctl *c;
	struct json *j;
	const struct msg_usage_page *usage; /* NULL: data does not answer */
	const struct metric *m;
};

/* A value, or (@client) one for the uplink and each client. */
struct metric {
	const char *name, *type, *help;
	bool client;
	void (*show)(const struct metrics *x, uint16_t n);
};

/* One sample: the family's name, @suffix, {@labels}, @value. */
static void sample(const struct metrics *x, const char *suffix,
		   const char *labels, uint64_t value)
{
	char line[LINE_MAX];

	snprintf(line, sizeof(line), "%s%s%s%s%s %" PRIu64, x->m->name, suffix,
		 labels[0] ? "{" : "", labels, labels[0] ? "}" : "", value);
	json_str(x->j, NULL, line);
}

/* Names are the settings' and the XenStore's: only what needs no escape. */
static void of_client(const struct metrics *x, uint16_t n, const char *suffix,
		      const char *label, const char *is, uint64_t value)
{
	char labels[LINE_MAX / 2], name[FW_NAME_MAX];
	size_t i = 0;

	for (const char *p = ctl_name(x->c, n); *p && i < sizeof(name) - 1; p++)
		name[i++] = *p == '"' || *p == '\\' || *p < ' ' ? '_' : *p;
	name[i] = '\0';
	snprintf(labels, sizeof(labels), "client=\"%s\"%s%s%s%s%s", name,
		 label ? "," : "", label ? label : "", label ? "=\"" : "",
		 label ? is : "", label ? "\"" : "");
	sample(x, suffix, labels, value);
}

/* ---- of the whole ---------------------------------------------------------*/

static void build(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "_info", "version=\"" VIFWALL_VERSION "\"", 1);
}

static void uptime(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "", "", mono_diff_ms(x->c->started, x->c->now) / 1000);
}

static void uplink_up(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "", "", ctl_uplink_up(x->c));
}

static void data_up(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "", "", x->usage != NULL);
}

static void data_restarts(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "_total", "", x->c->apply->restarts);
}

#define USAGE(fn, suffix, field)                                    \
	static void fn(const struct metrics *x, uint16_t n)         \
	{                                                           \
		(void)n;                                            \
		if (x->usage)                                       \
			sample(x, suffix, "", x->usage->all.field); \
	}
USAGE(flow_capacity, "", capacity)
USAGE(flows_added, "_total", added)
USAGE(flows_refused, "_total", refused)
USAGE(flows_evicted, "_total", evicted)
USAGE(flows_expired, "_total", expired)

static void flows(const struct metrics *x, uint16_t n)
{
	(void)n;
	if (!x->usage)
		return;
	sample(x, "", "proto=\"tcp\"", x->usage->all.tcp);
	sample(x, "", "proto=\"udp\"", x->usage->all.udp);
	sample(x, "", "proto=\"icmp\"", x->usage->all.icmp);
}

static void buffers(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "", "size=\"small\"", x->c->view->pool_small);
	sample(x, "", "size=\"large\"", x->c->view->pool_large);
}

static void buffers_free(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "", "size=\"small\"", x->c->view->pool_small_free);
	sample(x, "", "size=\"large\"", x->c->view->pool_large_free);
}

static void neighbours(const struct metrics *x, uint16_t n)
{
	(void)n;
	sample(x, "", "", x->c->view->neighbours);
}

/* ---- of each client -------------------------------------------------------*/

static void packets(const struct metrics *x, uint16_t n)
{
	const struct view_client *row = ctl_row(x->c, n);

	of_client(x, n, "_total", "direction", "from", row->from_packets);
	of_client(x, n, "_total", "direction", "to", row->to_packets);
}

static void bytes(const struct metrics *x, uint16_t n)
{
	const struct view_client *row = ctl_row(x->c, n);

	of_client(x, n, "_total", "direction", "from", row->from_bytes);
	of_client(x, n, "_total", "direction", "to", row->to_bytes);
}

static void drops(const struct metrics *x, uint16_t n)
{
	const struct view_client *row = ctl_row(x->c, n);

	for (int r = 1; r < PKT_REASON_N; r++)
		if (row->drop[r])
			of_client(x, n, "_total", "reason",
				  pkt_reason_name((enum pkt_reason)r),
				  row->drop[r]);
}

static void answered(const struct metrics *x, uint16_t n)
{
	of_client(x, n, "_total", NULL, NULL, ctl_row(x->c, n)->answered);
}

static void flows_opened(const struct metrics *x, uint16_t n)
{
	of_client(x, n, "_total", NULL, NULL, ctl_row(x->c, n)->flows_opened);
}

static void flows_cut(const struct metrics *x, uint16_t n)
{
	of_client(x, n, "_total", NULL, NULL, ctl_row(x->c, n)->flows_cut);
}

static void is_open(const struct metrics *x, uint16_t n)
{
	const struct view_client *row = ctl_row(x->c, n);

	if (!n)
		return;
	of_client(x, n, "", "family", "ip4", row->open4);
	of_client(x, n, "", "family", "ip6", row->open6);
}

static const struct metric metrics[] = {
	{ "vifwall_build", "info", "What runs.", false, build },
	{ "vifwall_uptime_seconds", "gauge", "Since the daemon's start.", false,
	  uptime },
	{ "vifwall_uplink_up", "gauge", "1: packets can go outside.", false,
	  uplink_up },
	{ "vifwall_data_up", "gauge",
	  "1: the process that handles packets answers.", false, data_up },
	{ "vifwall_data_restarts", "counter",
	  "How often that process was started again.", false, data_restarts },
	{ "vifwall_flows", "gauge", "Flows in the table.", false, flows },
	{ "vifwall_flow_capacity", "gauge", "Flows that there is room for.",
	  false, flow_capacity },
	{ "vifwall_flows_added", "counter", "Flows that were opened.", false,
	  flows_added },
	{ "vifwall_flow_refusals", "counter",
	  "Flows that there was no room or no port for.", false,
	  flows_refused },
	{ "vifwall_flow_evictions", "counter",
	  "Flows that made room for another of their client.", false,
	  flows_evicted },
	{ "vifwall_flows_expired", "counter", "Flows that were idle too long.",
	  false, flows_expired },
	{ "vifwall_buffers", "gauge", "Packet buffers.", false, buffers },
	{ "vifwall_buffers_free", "gauge", "Packet buffers that are free.",
	  false, buffers_free },
	{ "vifwall_neighbours", "gauge", "Neighbours that are known.", false,
	  neighbours },
	{ "vifwall_client_packets", "counter",
	  "Packets that came from it and passed, or went to it.", true,
	  packets },
	{ "vifwall_client_bytes", "counter", "The bytes of these.", true,
	  bytes },
	{ "vifwall_drops", "counter",
	  "Packets from it that were dropped, by reason.", true, drops },
	{ "vifwall_client_answers", "counter",
	  "Errors, resets and echo replies that it was sent.", true, answered },
	{ "vifwall_client_flows_opened", "counter", "Flows that it opened.",
	  true, flows_opened },
	{ "vifwall_client_flows_cut", "counter",
	  "Flows of it that a change of rules ended.", true, flows_cut },
	{ "vifwall_client_open", "gauge", "1: its rules are in force.", true,
	  is_open },
};
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

static void head(const struct metrics *x)
{
	char line[LINE_MAX];

	snprintf(line, sizeof(line), "# TYPE %s %s", x->m->name, x->m->type);
	json_str(x->j, NULL, line);
	if (strstr(x->m->name, "_seconds")) {
		snprintf(line, sizeof(line), "# UNIT %s seconds", x->m->name);
		json_str(x->j, NULL, line);
	}
	snprintf(line, sizeof(line), "# HELP %s %s", x->m->name, x->m->help);
	json_str(x->j, NULL, line);
}

static bool is_somebody(const struct ctl *c, uint16_t n)
{
	return c->apply->slot[n].used && ctl_row(c, n);
}

/* @from counts through the clients of each family. */
void ctl_show_metrics(const struct ctl *c, struct json *j, uint32_t from,
		      const struct msg_usage_page *usage)
{
	struct metrics x = { .c = c, .j = j, .usage = usage };
	uint32_t i = from;

	json_array(j, "lines");
	while (i < METRICS * APPLY_SLOTS && json_fits(j, LINES_ROOM)) {
		uint16_t n = (uint16_t)(i % APPLY_SLOTS);

		x.m = &metrics[i / APPLY_SLOTS];
		if (!n)
			head(&x);
		if (x.m->client && is_somebody(c, n))
			x.m->show(&x, n);
		else if (!x.m->client && !n)
			x.m->show(&x, 0);
		i += x.m->client ? 1 : APPLY_SLOTS;
	}
	if (i >= METRICS * APPLY_SLOTS)
		json_str(j, NULL, "# EOF");
	json_end_array(j);
	if (i < METRICS * APPLY_SLOTS)
		json_num(j, "next", i);
}
