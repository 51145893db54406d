/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client's profile is asked before its rules: what it refuses, what it can't
 * allow, and what becomes of flows when it changes.
 */
#include <string.h>

#include "firewall/control/conf/profiles.h"
#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;
static struct profiles_made made, before;
static struct conf conf;

#define CLIENTS LAB_PORTS
static const char *needs[CLIENTS]; /* what each was given */

static uint8_t number_of(const char *profile)
{
	uint16_t n;

	if (!profile || !profile[0])
		return FW_PROFILE_NONE;
	n = profiles_find(made.built, profile);
	return n == PROFILE_NONE ? FW_PROFILE_CLOSED : (uint8_t)n;
}

/* The profiles of these settings, built and in force. */
static void use(const char *settings)
{
	static struct conf_errors errors;
	struct profiles_fault f;
	uint8_t of[CLIENTS];

	memset(&errors, 0, sizeof(errors));
	conf_default(&conf);
	conf_read_text(&conf, "profiles", settings, strlen(settings), &errors);
	CU_ASSERT_EQUAL_FATAL(errors.n, 0);
	before = made;
	CU_ASSERT_EQUAL_FATAL(profiles_make(&made, &conf, &f), 0);
	for (int n = 0; n < CLIENTS; n++)
		of[n] = number_of(needs[n]);
	CU_ASSERT_PTR_EQUAL(fw_profiles_set(l->fw, made.built, of, CLIENTS),
			    before.built);
	profiles_clear(&before);
}

static void give(uint16_t n, const char *profile)
{
	struct fw_client c = lab_client(n);

	needs[n] = profile;
	snprintf(c.profile, sizeof(c.profile), "%s", profile);
	CU_ASSERT_EQUAL(fw_client_set(l->fw, n, &c, l->now), 0);
}

static void start(void)
{
	l = lab_new();
	made = before = (struct profiles_made){ .fd = -1 };
	memset(needs, 0, sizeof(needs));
}

static void stop(void)
{
	lab_free(l);
	profiles_clear(&made);
}

static enum pkt_reason syn(int who, const char *dst, uint16_t dport)
{
	enum pkt_reason r = lab_send(l, who,
				     &(struct frame_spec){ .dst = dst,
							   .proto = IP_TCP,
							   .dport = dport,
							   .flags = TCP_SYN,
							   .seq = 100 });

	lab_hush(l);
	return r;
}

static enum pkt_reason udp(int who, const char *dst, uint16_t dport)
{
	struct frame_spec s = { .src = strchr(dst, ':') ? LAB_A6 : NULL,
				.dst = dst,
				.proto = IP_UDP,
				.dport = dport };
	enum pkt_reason r = lab_send(l, who, &s);

	lab_hush(l);
	return r;
}

static void what_a_profile_refuses_is_refused_before_any_rule(void)
{
	start();
	use("profile = no-lan\n");
	give(LAB_A, "no-lan");
	CU_ASSERT_EQUAL(udp(LAB_A, "192.168.1.1", 80), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(udp(LAB_A, "fd00::1", 80), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(udp(LAB_A, "2002:c0a8:101::1", 80), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(udp(LAB_B, "192.168.1.1", 80), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].drop[PKT_REASON_PROFILE], 3);
	stop();
}

static void the_sender_is_told_and_people_see_the_rule(void)
{
	const struct pkt *p;

	start();
	use("profile.rule = p action=pass dst=192.0.2.99; "
	    "action=drop dst=192.0.2.0/24\n");
	give(LAB_A, "p");
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = "192.0.2.77" }),
			PKT_REASON_PROFILE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT(lab_is_error(p, 3, 13, LAB_A4, "192.0.2.77"));
	CU_ASSERT_EQUAL(l->view->blocked[0].rule, 2);
	CU_ASSERT_EQUAL(l->view->blocked[0].reason, PKT_REASON_PROFILE);
	stop();
}

static void what_a_profile_passes_is_for_the_rules_to_judge(void)
{
	static const char *const none[] = { NULL };

	start();
	use("profile.rule = p action=pass\n");
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, none);
	give(LAB_A, "p");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_POLICY);
	lab_close(l, LAB_A, RULE_IP4);
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_CLOSED);
	stop();
}

static void a_client_whose_profile_is_not_there_is_closed(void)
{
	start();
	give(LAB_A, "p");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_CLOSED);
	CU_ASSERT(!l->view->client[LAB_A].open4);
	use("profile.rule = q action=pass\n");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_CLOSED);
	use("profile.rule = p action=pass\n");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_NONE);
	CU_ASSERT(l->view->client[LAB_A].open4);
	use("profile.rule = q action=pass\n");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_CLOSED);
	give(LAB_A, "");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_NONE);
	stop();
}

static void flows_are_judged_again_by_a_new_profile(void)
{
	struct frame_spec data = { .proto = IP_UDP, .dport = 80 };

	start();
	use("profile.rule = p action=drop dst=203.0.113.0/24\n");
	give(LAB_A, "p");
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &data), PKT_REASON_NONE);
	use("profile.rule = p action=drop dst=198.51.100.0/24 proto=tcp\n");
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &data), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_opened, 1);
	use("profile.rule = p action=drop dst=198.51.100.0/24\n");
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &data), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 1);
	stop();
}

static void
rules_that_move_to_another_profile_with_its_clients_bind_all_along(void)
{
	struct frame_spec data = { .proto = IP_UDP, .dport = 80 };

	start();
	use("profile.rule = p action=drop dst=192.168.0.0/16\n");
	give(LAB_A, "p");
	CU_ASSERT_EQUAL(udp(LAB_A, "192.168.1.1", 80), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &data), PKT_REASON_NONE);
	needs[LAB_A] = "q";
	use("profile.rule = p action=drop\n"
	    "profile.rule = q action=drop dst=192.168.0.0/16\n");
	/* its own settings still say p */
	CU_ASSERT_EQUAL(udp(LAB_A, "192.168.1.1", 80), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &data), PKT_REASON_NONE);
	give(LAB_A, "q");
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &data), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_opened, 1);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 0);
	stop();
}

static void a_number_that_is_none_closes(void)
{
	static const uint8_t bad[] = { FW_PROFILE_NONE, 2, 2, 2 };

	start();
	use("profile.rule = p action=pass\n");
	give(LAB_A, "");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_NONE);
	(void)fw_profiles_set(l->fw, made.built, bad, CLIENTS);
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_CLOSED);
	use("profile.rule = p action=pass\n");
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_NONE);
	(void)fw_profiles_set(l->fw, made.built, NULL, 0);
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_CLOSED);
	(void)fw_profiles_set(l->fw, NULL, bad, CLIENTS);
	CU_ASSERT_EQUAL(udp(LAB_A, LAB_SERVER4, 80), PKT_REASON_CLOSED);
	profiles_clear(&made);
	stop();
}

static void name_servers_inside_a_refused_network_are_asked(void)
{
	struct fw_dns d = { .virt_n = 1, .server_n = 1 };

	start();
	CU_ASSERT_EQUAL(pkt_addr_parse(&d.virt[0], "10.139.1.1", 10), 0);
	CU_ASSERT_EQUAL(pkt_addr_parse(&d.server[0], LAB_SERVER4,
				       strlen(LAB_SERVER4)),
			0);
	use("profile = no-lan\n");
	give(LAB_A, "no-lan");
	CU_ASSERT_EQUAL(udp(LAB_A, "10.139.1.1", 53), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(fw_dns_set(l->fw, &d), 0);
	CU_ASSERT_EQUAL(udp(LAB_A, "10.139.1.1", 53), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(syn(LAB_A, "10.139.1.1", 53), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(udp(LAB_A, "10.139.1.1", 54), PKT_REASON_PROFILE);
	CU_ASSERT_EQUAL(udp(LAB_A, "10.139.1.2", 53), PKT_REASON_PROFILE);
	stop();
}

static void clients_that_may_meet_do_not_where_a_profile_refuses(void)
{
	start();
	use("profile = no-lan\n");
	CU_ASSERT_EQUAL(
		fw_pairs_set(l->fw, &(struct fw_pair){ LAB_A, LAB_B }, 1), 0);
	CU_ASSERT_EQUAL(syn(LAB_A, LAB_B4, 22), PKT_REASON_NONE);
	give(LAB_A, "no-lan");
	CU_ASSERT_EQUAL(syn(LAB_A, LAB_B4, 22), PKT_REASON_PROFILE);
	stop();
}

UNIT_SUITE(
	fw_profile, UNIT(what_a_profile_refuses_is_refused_before_any_rule),
	UNIT(the_sender_is_told_and_people_see_the_rule),
	UNIT(what_a_profile_passes_is_for_the_rules_to_judge),
	UNIT(a_client_whose_profile_is_not_there_is_closed),
	UNIT(flows_are_judged_again_by_a_new_profile),
	UNIT(rules_that_move_to_another_profile_with_its_clients_bind_all_along),
	UNIT(a_number_that_is_none_closes),
	UNIT(name_servers_inside_a_refused_network_are_asked),
	UNIT(clients_that_may_meet_do_not_where_a_profile_refuses))
