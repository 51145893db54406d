/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl vif, and what status says of Xen: against the control side as it
 * is, with a XenStore that says what each test wants.
 */
#include <stdio.h>
#include <string.h>

#include "firewall/cli/ask.h"
#include "firewall/control/vif/vif.h"
#include "mock/cli_bed.h"
#include "unit.h"
#include "xen/net/netback.h"

#define ROWS 80u

static struct ctl_bed b;
static struct cli_bed t;
static struct jdoc doc;
static struct vifs vifs;
static struct bus_row row[ROWS];
static uint32_t row_n;
static struct ctl_xen_health sick;

static uint32_t rows(void *ctx, uint32_t *cursor, struct bus_row *out,
		     uint32_t max)
{
	uint32_t n = 0;

	(void)ctx;
	while (n < max && *cursor < row_n)
		out[n++] = row[(*cursor)++];
	return n;
}

static void health(void *ctx, struct ctl_xen_health *out)
{
	(void)ctx;
	*out = sick;
}

static const struct ctl_xen xen = { .vifs = &vifs,
				    .rows = rows,
				    .health = health };

static int tool(const char *line)
{
	return cli_bed_ask(&t, &b, line);
}

static struct bus_row *add(uint16_t dom, uint16_t n)
{
	struct bus_row *r = &row[row_n++];

	*r = (struct bus_row){
		.vif = { .id = { dom, 0 },
			 .mac = { { 0, 0x16, 0x3e, 0, 0, (uint8_t)dom } },
			 .addr_n = 1 },
		.ours = XENBUS_CONNECTED,
		.theirs = XENBUS_CONNECTED,
		.ours_ms = 65000,
		.theirs_ms = 64000,
		.rings = { .tx_ref = 768,
			   .rx_ref = 769,
			   .tx_evt = 9,
			   .rx_evt = 9,
			   .can = BUS_SG | BUS_GSO4 },
		.connected = true,
	};
	r->vif.addr[0] = pkt_addr_v4((const uint8_t[]){ 10, 0, 0, 5 });
	vifs.place[n].used = true;
	vifs.place[n].vif.id = r->vif.id;
	return r;
}

static void start(void)
{
	ctl_bed_open(&b);
	memset(&vifs, 0, sizeof(vifs));
	memset(&sick, 0, sizeof(sick));
	vifs.apply = &b.apply;
	row_n = 0;
	b.ctl.xen = &xen;
}

static void stop(void)
{
	CU_ASSERT(cli_bed_harmless(&t));
	ctl_bed_close(&b);
}

/* A ring port as data has it. */
static void on_rings(uint16_t id)
{
	struct msg_vif_row *r = &b.vifs.row[b.vifs.n++];

	*r = (struct msg_vif_row){
		.id = id,
		.tx_prod = 1000,
		.tx_cons = 998,
		.rx_prod = 256,
		.rx_cons = 44,
		.queued = 3,
		.queued_bytes = 4500,
		.masked = true,
		.events = 77,
		.stats = { .recv_dropped = 2, .send_dropped = 1 },
	};
	r->fault[NETBACK_GSO] = 2;
	r->fault[NETBACK_QUEUE_FULL] = 1;
}

static void the_list_has_both_ends_states(void)
{
	struct bus_row *r;

	start();
	CU_ASSERT_EQUAL(tool("vif"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "no vifs\n"));
	add(5, 1);
	on_rings(1);
	r = add(6, 2);
	r->ours = XENBUS_CLOSING;
	r->theirs = XENBUS_FOREIGN;
	r->strikes = 3;
	snprintf(r->trouble, sizeof(r->trouble),
		 "the frontend shows an impossible state");
	r->connected = false;
	CU_ASSERT_EQUAL(tool("vif list"), CLI_OK);
	CU_ASSERT(cli_bed_said(
		&t, "VIF  CLIENT  OURS            THEIRS          STRIKES  "
		    "QUEUED  ADDRESSES\n"
		    "5/0  work    connected 65 s  connected 64 s        0  "
		    "     3  10.0.0.5\n"
		    "6/0  nas     closing 65 s    foreign 64 s          3  "
		    "     0  10.0.0.5\n"
		    "\n"
		    "6/0: the frontend shows an impossible state\n"));
	stop();
}

static void one_is_shown_with_its_rings(void)
{
	start();
	add(5, 1);
	add(6, 2);
	on_rings(1);
	CU_ASSERT_EQUAL(tool("vif show 5/0"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "vif 5/0, we are the backend\n"
				   "  client      work\n"
				   "  ours        connected, for 65 s\n"
				   "  theirs      connected, for 64 s\n"
				   "  mac         00:16:3e:00:00:05\n"
				   "  addresses   10.0.0.5\n"
				   "  mtu         1500\n"
				   "  features    sg gso-tcpv4\n"
				   "  strikes     0\n"
				   "  tx requests 1000 came, 998 taken\n"
				   "  rx requests 256 posted, 44 used\n"
				   "  queue       3 frames, 4500 bytes\n"
				   "  events      77, masked now\n"
				   "  dropped     2 coming in, 1 going out\n"
				   "  fault       gso, 2 times\n"
				   "  fault       queue-full, 1 times\n"));
	CU_ASSERT_EQUAL(tool("vif show 7/0"), CLI_NO);
	CU_ASSERT(cli_bed_err_has(&t, "there is no vif 7/0"));
	CU_ASSERT_EQUAL(tool("vif hide 5/0"), CLI_USAGE);
	CU_ASSERT(cli_bed_err_has(&t, "show DOMAIN/NUMBER"));
	stop();
}

static void rates_and_closed_ones_are_shown(void)
{
	struct bus_row *r;

	start();
	r = add(5, 1);
	r->vif.rate_bytes = 100000;
	r->vif.rate_us = 50000;
	r->quarantined = true;
	r->rings.can = 0;
	CU_ASSERT_EQUAL(tool("vif show 5/0"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "rate        100000 bytes in 50000 us\n"));
	CU_ASSERT(cli_bed_has(&t, "closed until dom0 makes it anew\n"));
	CU_ASSERT(cli_bed_has(&t, "features    none\n"));
	stop();
}

static const struct jval *json(void)
{
	CU_ASSERT_EQUAL_FATAL(jread(&doc, t.out, strcspn(t.out, "\n")), 0);
	return jroot(&doc);
}

static uint32_t count(const struct jval *list)
{
	uint32_t n = 0;

	for (const struct jval *v = jfirst(&doc, list); v;
	     v = jnext(&doc, list, v))
		n++;
	return n;
}

static void json_has_them_all_page_by_page(void)
{
	const struct jval *v;

	start();
	for (uint16_t i = 0; i < ROWS; i++)
		add((uint16_t)(i + 10), (uint16_t)(i + 1));
	on_rings(1);
	CU_ASSERT_EQUAL(tool("vif --json"), CLI_OK);
	CU_ASSERT_EQUAL(count(jget(&doc, json(), "vifs")), ROWS);
	CU_ASSERT_EQUAL(tool("vif show 10/0 --json"), CLI_OK);
	v = jget(&doc, json(), "vifs");
	CU_ASSERT_EQUAL(count(v), 1);
	v = jget(&doc, jget(&doc, jfirst(&doc, v), "rings"), "faults");
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, v, "gso")), 2);
	stop();
}

static void without_data_the_rings_are_left_out(void)
{
	start();
	add(5, 1);
	on_rings(1);
	CU_ASSERT_EQUAL(tool("vif show 5/0"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "tx requests"));
	ctl_bed_data_down(&b);
	CU_ASSERT_EQUAL(tool("vif show 5/0"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "theirs      connected"));
	CU_ASSERT(!strstr(t.out, "tx requests"));
	stop();
}

static void status_says_what_the_uplink_waits_for(void)
{
	struct bus_row *up;

	start();
	up = add(0, 9);
	up->frontend = true;
	up->connected = false;
	up->ours = XENBUS_INITIALISING;
	up->theirs = XENBUS_CLOSED;
	add(5, 1);
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "\nxen      1 vifs, 1 connected\n"
				  "         uplink: waits for its backend in "
				  "domain 0, which shows closed\n"));
	up->ours = XENBUS_UNKNOWN;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "uplink: dom0 has not made device/vif/0 "
				  "for us\n"));
	up->connected = true;
	sick.stuck_ms = 3000;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, ", XENSTORE DOES NOT ANSWER for 3 s\n"));
	CU_ASSERT(!strstr(t.out, "uplink:"));
	sick.lost = -5;
	snprintf(sick.trouble, sizeof(sick.trouble), "more than 256 vifs");
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, ", XENSTORE IS GONE"));
	CU_ASSERT(cli_bed_has(&t, "         more than 256 vifs\n"));
	stop();
}

static void a_client_that_waits_for_an_address_says_so(void)
{
	start();
	add(5, 1)->connected = false;
	b.apply.slot[1].clash = 2;
	CU_ASSERT_EQUAL(tool("vif"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "5/0: has an address of client nas, and "
				  "waits for it\n"));
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "work IPv4 is closed: it has an address of "
				  "another client, and waits\n"));
	stop();
}

/* ---- follow ---------------------------------------------------------------*/

static uint32_t answers;

/* Each answer that was read is followed by a change. */
static void serve_follow(void *ctx)
{
	(void)ctx;
	if (!cli_bed_answered(&b))
		return;
	switch (++answers) {
	case 1: /* one connects, one is made */
		row[0].connected = true;
		add(7, 3)->connected = false;
		break;
	case 2: /* one has another address, one goes */
		row[0].vif.addr[0].b[15] = 9;
		row[1].connected = false;
		break;
	case 3:
		break; /* nothing new */
	default:
		ctl_close(&b.ctl);
	}
}

static void follow_tells_of_each_guest_that_comes_and_goes(void)
{
	const struct cli_daemon d = { .path = b.path, .turn = serve_follow };
	struct bus_row *r;

	start();
	answers = 0;
	add(5, 1)->connected = false;
	r = add(6, 2);
	r->vif.addr_n = 2;
	CU_ASSERT_EQUAL(0, pkt_addr_parse(&r->vif.addr[1], "fd09::6", 7));
	add(0, 4)->frontend = true;
	CU_ASSERT_EQUAL(cli_bed_run(&t, &d, "vif follow"), CLI_UNREACHABLE);
	CU_ASSERT(cli_bed_said(&t, "online vif6.0 vif 10.0.0.5\n"
				   "online vif6.0 vif fd09::6\n"
				   "online vif5.0 vif 10.0.0.5\n"
				   "offline vif6.0 vif 10.0.0.5\n"
				   "offline vif6.0 vif fd09::6\n"
				   "offline vif5.0 vif 10.0.0.5\n"
				   "online vif5.0 vif 10.0.0.9\n"
				   "offline vif5.0 vif 10.0.0.9\n"));
	stop();
}

UNIT_SUITE(cli_vif, UNIT(the_list_has_both_ends_states),
	   UNIT(one_is_shown_with_its_rings),
	   UNIT(rates_and_closed_ones_are_shown),
	   UNIT(json_has_them_all_page_by_page),
	   UNIT(without_data_the_rings_are_left_out),
	   UNIT(status_says_what_the_uplink_waits_for),
	   UNIT(a_client_that_waits_for_an_address_says_so),
	   UNIT(follow_tells_of_each_guest_that_comes_and_goes))
