/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "firewall/linux/pcap.h"
#include "firewall/replay.h"
#include "firewall/role/roles.h"
#include "mock/addrs.h"
#include "mock/frames.h"
#include "unit.h"

#define CLIENT_MAC "00:16:3e:00:00:01"
#define OUR_MAC "fe:ff:ff:ff:ff:ff"
#define UPLINK_MAC "00:16:3e:00:00:f0"
#define GATEWAY_MAC "00:16:3e:00:00:fe"
#define INSIDE "10.137.0.11"
#define OUTSIDE "198.51.100.1"
#define SERVER "192.0.2.7"

static struct pcap_out out;
static int in_fd, out_fd, null_fd, stdout_fd, stderr_fd;
static char in_name[32], out_name[32];
static uint8_t bytes[64 * 1024], before[64 * 1024];
static struct fw_client client;
static struct replay replay;
static alignas(64) uint8_t set[8192];
static const struct ruleset *rules[2];

/* Files that have names only as long as they are open here. */
static void begin(enum rule_action policy)
{
	static alignas(64) uint8_t scratch[8192];
	size_t used;

	in_fd = memfd_create("in", 0);
	out_fd = memfd_create("out", 0);
	snprintf(in_name, sizeof(in_name), "/proc/self/fd/%d", in_fd);
	snprintf(out_name, sizeof(out_name), "/proc/self/fd/%d", out_fd);
	pcap_out_begin(&out, in_fd);
	CU_ASSERT_EQUAL_FATAL(ruleset_build(set, sizeof(set), &used, RULE_IP4,
					    policy, NULL, 0, NULL, scratch,
					    sizeof(scratch)),
			      0);
	rules[RULE_IP4] = ruleset_check(set, used);
	client = (struct fw_client){ .name = "work",
				     .kind = FW_QUBE,
				     .mac = mac(CLIENT_MAC),
				     .addr = { addr(INSIDE) },
				     .addr_n = 1,
				     .gateway4 = addr("10.137.0.1") };
	replay = (struct replay){
		.in = in_name,
		.out = out_name,
		.uplink = { .addr4 = addr(OUTSIDE),
			    .gateway4 = addr("198.51.100.254"),
			    .net4 = { addr("198.51.100.0"), 120 },
			    .gateway_mac = mac(GATEWAY_MAC) },
		.uplink_mac = mac(UPLINK_MAC),
		.client_mac = mac(OUR_MAC),
		.mtu = 1500,
		.client_n = 1,
		.client = &client,
		.rules = rules,
	};
	fw_conf_default(&replay.fw);
	replay.fw.clients = 1;
	replay.fw.ports = 2;
	replay.fw.small_n = 256;
	replay.fw.large_n = 8;
	replay.fw.nat.flows = 256;
}

static void end(void)
{
	close(in_fd);
	close(out_fd);
}

static void put(const struct frame_spec *spec, uint64_t ms)
{
	uint8_t frame[2048];
	size_t n = frame_write(frame, spec);

	pcap_out_frame(&out, frame, (uint32_t)n,
		       (struct mono){ 1000 * MONO_S + ms * MONO_MS });
}

static const struct frame_spec ask = { .src_mac = CLIENT_MAC,
				       .dst_mac = OUR_MAC,
				       .src = INSIDE,
				       .dst = SERVER,
				       .sport = 4000,
				       .dport = 53 };
static const struct frame_spec stray = { .src_mac = GATEWAY_MAC,
					 .dst_mac = UPLINK_MAC,
					 .src = SERVER,
					 .dst = OUTSIDE,
					 .sport = 53,
					 .dport = 1 };
static const struct frame_spec ours = { .src_mac = UPLINK_MAC,
					.dst_mac = GATEWAY_MAC };

/* Its words go nowhere; the code is returned. */
static int run(void)
{
	int code;

	CU_ASSERT_EQUAL(pcap_out_end(&out), 0);
	fflush(stdout);
	null_fd = open("/dev/null", O_WRONLY);
	stdout_fd = dup(1);
	stderr_fd = dup(2);
	dup2(null_fd, 1);
	dup2(null_fd, 2);
	code = replay_run(&replay);
	fflush(stdout);
	dup2(stdout_fd, 1);
	dup2(stderr_fd, 2);
	close(null_fd);
	close(stdout_fd);
	close(stderr_fd);
	return code;
}

/* The frames that were written; the last one's source and time. */
static int written(struct pkt_addr *src, uint64_t *ms)
{
	ssize_t len = pread(out_fd, bytes, sizeof(bytes), 0);
	struct pcap_in in;
	struct pcap_rec rec;
	int n = 0;

	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(pcap_begin(&in, bytes, (size_t)len), 0);
	while (pcap_next(&in, &rec) == 1) {
		n++;
		*src = pkt_addr_v4(rec.bytes + 26);
		*ms = (rec.at.ns - 1000 * MONO_S) / MONO_MS;
		CU_ASSERT(frame_sums_ok(rec.bytes, rec.len));
	}
	return n;
}

static void a_client_s_packet_leaves_translated_at_the_file_s_time(void)
{
	struct pkt_addr src = { { 0 } }, want = addr(OUTSIDE);
	uint64_t ms = 0;

	begin(RULE_ACCEPT);
	put(&ask, 0);
	put(&ask, 250);
	CU_ASSERT_EQUAL(run(), ROLE_OK);
	CU_ASSERT_EQUAL(written(&src, &ms), 2);
	CU_ASSERT(pkt_addr_eq(&src, &want));
	CU_ASSERT_EQUAL(ms, 250);
	end();
}

static void what_the_rules_refuse_is_answered_and_does_not_leave(void)
{
	struct pkt_addr src = { { 0 } }, want = addr("10.137.0.1");
	uint64_t ms;

	begin(RULE_DROP);
	put(&ask, 0);
	CU_ASSERT_EQUAL(run(), ROLE_OK);
	CU_ASSERT_EQUAL(written(&src, &ms), 1);
	CU_ASSERT(pkt_addr_eq(&src, &want)); /* an ICMP error of ours */
	end();
}

static void R98_a_client_without_rules_is_closed(void)
{
	struct pkt_addr src;
	uint64_t ms;

	begin(RULE_ACCEPT);
	rules[RULE_IP4] = NULL;
	put(&ask, 0);
	CU_ASSERT_EQUAL(run(), ROLE_OK);
	CU_ASSERT_EQUAL(written(&src, &ms), 0);
	end();
}

static void strays_and_our_own_frames_lead_to_nothing(void)
{
	struct pkt_addr src;
	uint64_t ms;

	begin(RULE_ACCEPT);
	put(&stray, 0);
	put(&ours, 1);
	pcap_out_frame(&out, "short", 5, (struct mono){ 0 });
	CU_ASSERT_EQUAL(run(), ROLE_OK);
	CU_ASSERT_EQUAL(written(&src, &ms), 0);
	end();
}

static void the_same_file_gives_the_same_file(void)
{
	ssize_t n, again;

	begin(RULE_ACCEPT);
	for (uint16_t i = 0; i < 100; i++) {
		struct frame_spec spec = ask;

		spec.sport = (uint16_t)(4000 + i);
		put(&spec, i * 10u);
	}
	CU_ASSERT_EQUAL(run(), ROLE_OK);
	n = pread(out_fd, before, sizeof(before), 0);
	pcap_out_begin(&out, open("/dev/null", O_WRONLY));
	CU_ASSERT_EQUAL(run(), ROLE_OK);
	close(out.fd);
	again = pread(out_fd, bytes, sizeof(bytes), 0);
	CU_ASSERT(n > 100 * 42);
	CU_ASSERT_EQUAL(n, again);
	CU_ASSERT_EQUAL(memcmp(before, bytes, (size_t)n), 0);
	end();
}

static void time_that_runs_backwards_stands_still(void)
{
	struct pkt_addr src;
	uint64_t ms = 0;

	begin(RULE_ACCEPT);
	put(&ask, 500);
	put(&ask, 100);
	CU_ASSERT_EQUAL(run(), ROLE_OK);
	CU_ASSERT_EQUAL(written(&src, &ms), 2);
	CU_ASSERT_EQUAL(ms, 500);
	end();
}

static void a_file_broken_in_the_middle_is_played_up_to_there(void)
{
	struct pkt_addr src;
	uint64_t ms;

	begin(RULE_ACCEPT);
	put(&ask, 0);
	put(&ask, 1);
	CU_ASSERT_EQUAL(pcap_out_end(&out), 0);
	CU_ASSERT_EQUAL(ftruncate(in_fd, lseek(in_fd, 0, SEEK_CUR) - 1), 0);
	CU_ASSERT_EQUAL(run(), ROLE_USAGE);
	CU_ASSERT_EQUAL(written(&src, &ms), 1);
	end();
}

static void files_that_can_not_be_used_are_refused(void)
{
	begin(RULE_ACCEPT);
	put(&ask, 0);
	replay.in = "/nowhere/in.pcap";
	CU_ASSERT_EQUAL(run(), ROLE_USAGE);
	replay.in = "/proc/self";
	CU_ASSERT_EQUAL(run(), ROLE_USAGE);
	replay.in = "/proc/self/exe"; /* no capture */
	CU_ASSERT_EQUAL(run(), ROLE_USAGE);
	replay.in = in_name;
	replay.out = "/nowhere/out.pcap";
	CU_ASSERT_EQUAL(run(), ROLE_USAGE);
	replay.out = "/dev/full";
	CU_ASSERT_EQUAL(run(), ROLE_OS);
	end();
}

static void settings_that_can_not_be_are_refused(void)
{
	struct fw_client twins[2];
	const struct ruleset *both[4] = { NULL };

	begin(RULE_ACCEPT);
	twins[0] = twins[1] = client; /* one address for two */
	replay.client = twins;
	replay.client_n = 2;
	replay.rules = both;
	CU_ASSERT_EQUAL(run(), ROLE_USAGE);
	end();
}

UNIT_SUITE(replay, UNIT(a_client_s_packet_leaves_translated_at_the_file_s_time),
	   UNIT(what_the_rules_refuse_is_answered_and_does_not_leave),
	   UNIT(R98_a_client_without_rules_is_closed),
	   UNIT(strays_and_our_own_frames_lead_to_nothing),
	   UNIT(the_same_file_gives_the_same_file),
	   UNIT(time_that_runs_backwards_stands_still),
	   UNIT(a_file_broken_in_the_middle_is_played_up_to_there),
	   UNIT(files_that_can_not_be_used_are_refused),
	   UNIT(settings_that_can_not_be_are_refused))
