/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host rules across a reload, in a network namespace of its own.  Needs root;
 * without it these tests say so and do nothing.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/control_host.h"
#include "unit.h"

static int home = -1;
static struct control_host host;
static struct host_nft other; /* somebody beside us */
static struct conf one, two;  /* two has another link */
static const struct mono now = { MONO_S }, later = { 2 * MONO_S };

static void set_links(struct conf *c, uint8_t rules, uint16_t clients)
{
	memset(c, 0, sizeof(*c));
	c->host_rules = rules;
	c->uplink.port.kind = CONF_PORT_PACKET;
	strcpy(c->uplink.port.name, "up0");
	for (c->client_n = 0; c->client_n < clients; c->client_n++) {
		struct conf_port *p = &c->client[c->client_n].port;

		p->kind = CONF_PORT_TAP;
		snprintf(p->name, sizeof(p->name), "tap%u", c->client_n);
	}
}

static bool begin(uint8_t rules)
{
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || unshare(CLONE_NEWNET)) {
		puts("    (needs root: left out)");
		close(home);
		return false;
	}
	set_links(&one, rules, 1);
	set_links(&two, rules, 2);
	CU_ASSERT_EQUAL_FATAL(host_nft_open(&other), 0);
	return true;
}

static void end(void)
{
	control_host_stop(&host, CONTROL_HOST_TOLD);
	CU_ASSERT_EQUAL(host_nft_remove(&other), 0);
	host_nft_close(&other);
	CU_ASSERT_EQUAL(setns(home, CLONE_NEWNET), 0);
	close(home);
}

static void others_want(uint16_t clients)
{
	static const char *const names[] = { "up0", "tap0", "tap1" };

	CU_ASSERT_EQUAL(host_nft_want(&other, names, 1u + clients), 0);
}

/* Are the rules in the kernel those of that many clients? */
static bool are_of(uint16_t clients)
{
	others_want(clients);
	return host_nft_look(&other) == HOST_NFT_SAME;
}

static void may_change_rules(bool yes)
{
	capng_get_caps_process();
	capng_update(yes ? CAPNG_ADD : CAPNG_DROP, CAPNG_EFFECTIVE,
		     CAP_NET_ADMIN);
	CU_ASSERT_EQUAL_FATAL(capng_apply(CAPNG_SELECT_CAPS), 0);
}

static void other_links_have_rules_before_they_are_used(void)
{
	if (!begin(CONF_HOST_ON))
		return;
	CU_ASSERT_EQUAL_FATAL(control_host_start(&host, &one), 0);
	CU_ASSERT(are_of(1));
	CU_ASSERT_EQUAL(control_host_conf(&host, &one, &two), 0);
	CU_ASSERT(are_of(2));
	end();
}

static void settings_that_are_refused_leave_the_rules_of_before(void)
{
	if (!begin(CONF_HOST_ON))
		return;
	CU_ASSERT_EQUAL_FATAL(control_host_start(&host, &two), 0);
	may_change_rules(false);
	CU_ASSERT_EQUAL(control_host_conf(&host, &two, &one), -EPERM);
	may_change_rules(true);
	control_host_tick(&host, now);
	CU_ASSERT(are_of(2));
	CU_ASSERT(host.told.in_force);
	/* and they are what comes back */
	CU_ASSERT_EQUAL(host_nft_remove(&other), 0);
	control_host_news(&host, later);
	control_host_tick(&host, later);
	CU_ASSERT(are_of(2));
	end();
}

static void rules_that_others_load_are_there_before_a_link_is_used(void)
{
	if (!begin(CONF_HOST_CHECK))
		return;
	others_want(1);
	CU_ASSERT_EQUAL_FATAL(host_nft_put(&other), 0);
	CU_ASSERT_EQUAL_FATAL(control_host_start(&host, &one), 0);
	CU_ASSERT_EQUAL(control_host_conf(&host, &one, &two), -EBADMSG);
	CU_ASSERT(host.told.in_force); /* for what we have */
	others_want(2);
	CU_ASSERT_EQUAL(host_nft_put(&other), 0);
	CU_ASSERT_EQUAL(control_host_conf(&host, &one, &two), 0);
	end();
}

UNIT_SUITE(control_host, UNIT(other_links_have_rules_before_they_are_used),
	   UNIT(settings_that_are_refused_leave_the_rules_of_before),
	   UNIT(rules_that_others_load_are_there_before_a_link_is_used))
