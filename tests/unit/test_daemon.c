/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwalld's command line, as far as no device is needed: words, checks, and
 * captures played with settings that are made up.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/daemon.h"
#include "firewall/linux/pcap.h"
#include "firewall/role/roles.h"
#include "mock/cli_bed.h"
#include "mock/frames.h"
#include "unit.h"

static struct cli_bed t;
static char dir[] = "/tmp/vifwall-daemon-XXXXXX";

static void start(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
}

static void stop(void)
{
	char line[64];

	CU_ASSERT(cli_bed_harmless(&t));
	snprintf(line, sizeof(line), "rm -r %s", dir);
	CU_ASSERT_EQUAL(system(line), 0);
}

static int run(void *arg)
{
	char *word[16] = { (char[]){ "vifwalld" } }, *save = NULL;
	int n = 1;

	for (char *p = strtok_r(arg, " ", &save); p && n < 15;
	     p = strtok_r(NULL, " ", &save))
		word[n++] = p;
	return chdir(dir) ? 99 : daemon_run(n, word);
}

static int vifwalld(const char *words)
{
	char line[512];

	snprintf(line, sizeof(line), "%s", words);
	return cli_bed_call(&t, NULL, run, line);
}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

#define GOOD                                                          \
	"uplink.port = tap:o\nuplink.ip = 192.0.2.2/24\nrules = /r\n" \
	"[client work]\nport = tap:w\nip = 10.0.0.5\n"                \
	"mac = 00:16:3e:00:00:05\n"

/* ---- words ----------------------------------------------------------------*/

static const struct {
	const char *words;
	const char *err;
} wrong[] = {
	{ "--nonsense", "vifwalld: --nonsense: not understood\nusage: " },
	{ "nonsense", "nonsense: not understood" },
	{ "-x=1", "not understood" },
	{ "--=1", "not understood" },
	{ "-c", "-c: needs a value" },
	{ "--config", "--config: needs a value" },
	{ "--nat.flows", "--nat.flows: needs a value" },
	{ "--replay=x.pcap", "--replay: needs -o OUT.pcap" },
	{ "-c none.conf", "/none.conf: can't be read: No such file" },
	{ "-c good.conf --nat.flowz=1", "there is no such setting" },
	{ "-c good.conf --nat.flows=1 --nat.ports=9", "vifwalld: 2 errors" },
	{ "-c good.conf --nat.flows 1 --check", "nat.flows: '1' is out of" },
	{ "-c good.conf --nat.flows=\x9b --check", "nat.flows: '\\x9b'" },
	{ "-c good.conf --uplink.ip=10.0.0.5 --check", "our own outside" },
	{ "-c bad.conf --check", "/bad.conf:1: " },
	{ "--role=data", "--role: is for the daemon's own use" },
	{ "--role=control", "--role: is for the daemon's own use" },
	{ "--replay=none.pcap -o out.pcap", "none.pcap: No such file" },
	{ "--replay=text.pcap -o out.pcap", "text.pcap: no capture file" },
	{ "--rules=none --replay=text.pcap -o out.pcap", "/none: No such" },
	{ "--nat.flows=x --replay=text.pcap -o out.pcap", "is not a number" },
	{ "-c nomac.conf --replay=text.pcap -o out.pcap", "mac is not set" },
};

static void what_is_wrong_with_its_words_is_said(void)
{
	start();
	put("good.conf", GOOD);
	put("bad.conf", "nonsense = 1\n");
	put("nomac.conf", "uplink.ip = 192.0.2.2\n[client work]\n"
			  "rules = accept\nip = 10.0.0.5\n");
	put("text.pcap", "this is no capture, but long enough to be one");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CU_ASSERT_EQUAL(vifwalld(wrong[i].words), ROLE_USAGE);
		CU_ASSERT(cli_bed_err_has(&t, wrong[i].err));
		CU_ASSERT(cli_bed_said(&t, ""));
	}
	stop();
}

static void help_settings_and_version_need_nothing(void)
{
	start();
	CU_ASSERT_EQUAL(vifwalld("--version"), ROLE_OK);
	CU_ASSERT(cli_bed_said(&t, "vifwalld " VIFWALL_VERSION "\n"));
	CU_ASSERT_EQUAL(vifwalld("-c none.conf --settings"), ROLE_OK);
	CU_ASSERT(!strncmp(t.out, "uplink.port\t", 12));
	CU_ASSERT_EQUAL(vifwalld("--help"), ROLE_OK);
	CU_ASSERT(cli_bed_has(&t, "usage: vifwalld [-c FILE]"));
	CU_ASSERT(cli_bed_has(&t, "nat.flows"));
	CU_ASSERT_EQUAL(vifwalld("-h"), ROLE_OK);
	CU_ASSERT_STRING_EQUAL(t.err, "");
	/* tabs part the fields of --settings */
	t.out_len = 0;
	stop();
}

static void check_reads_everything_and_starts_nothing(void)
{
	static const char *const lines[] = {
		"-c good.conf --check",
		"--check --config good.conf",
		"--config=good.conf --check --nat.flows 4096",
	};
	char want[128];

	start();
	put("good.conf", GOOD);
	snprintf(want, sizeof(want), "%s/good.conf: 1 clients, no error\n",
		 dir);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(vifwalld(lines[i]), ROLE_OK);
		CU_ASSERT(cli_bed_said(&t, want));
	}
	stop();
}

/* ---- captures -------------------------------------------------------------*/

#define MAC_A "00:16:3e:00:00:0a"
#define MAC_B "00:16:3e:00:00:0b"
#define OURS "fe:ff:ff:ff:ff:ff"

static void capture(const struct frame_spec *specs, size_t n)
{
	static uint8_t bytes[FRAME_MAX];
	struct pcap_out out;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/in.pcap", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	pcap_out_begin(&out, fd);
	for (size_t i = 0; i < n; i++)
		pcap_out_frame(&out, bytes,
			       (uint32_t)frame_write(bytes, &specs[i]),
			       (struct mono){ (1000 + i) * MONO_S });
	CU_ASSERT_EQUAL(pcap_out_end(&out), 0);
	close(fd);
}

/* How many frames of out.pcap have this source? */
static int frames_from(const char *text)
{
	static uint8_t bytes[64 * 1024];
	struct pkt_addr want, src;
	struct pcap_rec rec;
	struct pcap_in in;
	char path[256];
	int fd, n = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/out.pcap", dir);
	CU_ASSERT_EQUAL(pkt_addr_parse(&want, text, strlen(text)), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = read(fd, bytes, sizeof(bytes));
	close(fd);
	CU_ASSERT_EQUAL_FATAL(pcap_begin(&in, bytes, (size_t)len), 0);
	while (pcap_next(&in, &rec) == 1) {
		src = rec.bytes[12] == 0x08 ? pkt_addr_v4(rec.bytes + 26)
					    : pkt_addr_v6(rec.bytes + 22);
		n += pkt_addr_eq(&src, &want);
	}
	return n;
}

static const struct frame_spec frames[] = {
	{ .src_mac = MAC_A,
	  .dst_mac = OURS,
	  .src = "10.0.0.5",
	  .dst = "198.51.100.9",
	  .dport = 53 },
	{ .src_mac = MAC_A,
	  .dst_mac = OURS,
	  .src = "fd00::5",
	  .dst = "2001:db8:5::1",
	  .dport = 53 },
	{ .src_mac = MAC_B,
	  .dst_mac = OURS,
	  .src = "10.0.0.6",
	  .dst = "198.51.100.9",
	  .dport = 53 },
};

/* Clients out of the rules, their MAC addresses out of the frames. */
static void a_capture_is_played_with_nothing_but_rules(void)
{
	start();
	put("r/connected-ips", "10.0.0.77");
	put("r/qubes-firewall/10.0.0.5/policy", "accept");
	put("r/qubes-firewall/fd00::5/policy", "accept");
	put("r/qubes-firewall/10.0.0.6/policy", "accept");
	put("r/qubes-firewall/10.0.0.6/0000", "action=drop");
	capture(frames, 3);
	CU_ASSERT_EQUAL(vifwalld("--rules=r --replay=in.pcap -o out.pcap"),
			ROLE_OK);
	CU_ASSERT_EQUAL(frames_from("192.0.2.2"), 2); /* and the error to B */
	CU_ASSERT_EQUAL(frames_from("2001:db8::2"), 1);
	stop();
}

static void a_capture_is_played_with_settings(void)
{
	start();
	put("play.conf", "uplink.ip = 203.0.113.7/24\n"
			 "allow = work -> nas\nallow = nas -> work\n"
			 "[client work]\nrules = accept\nip = 10.0.0.5\n"
			 "mac = " MAC_A "\n"
			 "[client nas]\nrules = accept\nkind = network\n"
			 "net = 10.1.0.0/16\ngateway = 10.1.0.1\n");
	capture(frames, 1);
	CU_ASSERT_EQUAL(vifwalld("-c play.conf --replay in.pcap -o out.pcap"),
			ROLE_OK);
	CU_ASSERT_EQUAL(frames_from("203.0.113.7"), 1);
	stop();
}

static void a_rule_that_is_none_is_told_and_closes_its_client(void)
{
	start();
	put("r/qubes-firewall/10.0.0.5/policy", "accept");
	put("r/qubes-firewall/10.0.0.5/0000", "action=maybe");
	capture(frames, 1);
	CU_ASSERT_EQUAL(vifwalld("--rules r --replay=in.pcap -o out.pcap"),
			ROLE_OK);
	CU_ASSERT(cli_bed_err_has(&t, "vifwalld: client 10-0-0-5: rule 0000: "
				      "column 8: "));
	CU_ASSERT_EQUAL(frames_from("192.0.2.2"), 1); /* the error */
	stop();
}

UNIT_SUITE(daemon, UNIT(what_is_wrong_with_its_words_is_said),
	   UNIT(help_settings_and_version_need_nothing),
	   UNIT(check_reads_everything_and_starts_nothing),
	   UNIT(a_capture_is_played_with_nothing_but_rules),
	   UNIT(a_capture_is_played_with_settings),
	   UNIT(a_rule_that_is_none_is_told_and_closes_its_client))
