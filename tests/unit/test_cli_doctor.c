/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl doctor over machines that are made of files.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "firewall/cli/ask.h"
#include "firewall/cli/doctor.h"
#include "firewall/cli/jread.h"
#include "mock/cli_bed.h"
#include "unit.h"

static struct cli_bed t;
static struct jdoc doc;
static char root[] = "/tmp/vifwall-doctor-XXXXXX";

/* Writes @text to @name below the root, and its folders. */
static void put(const char *name, const char *text, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(text, 1, len, f);
	fclose(f);
}
#define PUT(name, text) put(name, text, sizeof(text) - 1)

#define CLIENT                                                \
	"client.a.port = tap:in1\nclient.a.ip = 10.137.0.5\n" \
	"client.a.mac = 00:16:3e:5e:6c:05\n"
#define OUT "rules = /r\nuplink.ip = 192.0.2.2/24\n"
#define LINKS OUT "uplink.port = packet:out0\n" CLIENT
#define XEN OUT "xen = on\nuplink.port = vif:0\n"

/* A machine on which the daemon could work, with these settings. */
static void begin(const char *settings)
{
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	put("/etc/vifwall/vifwall.conf", settings, strlen(settings));
	PUT("/proc/sys/net/ipv4/ip_forward", "0\n");
	PUT("/proc/sys/net/ipv6/conf/all/forwarding", "0\n");
	PUT("/proc/meminfo", "MemTotal: 999 kB\nMemAvailable: 900000 kB\n");
	PUT("/proc/1/cmdline", "/sbin/init");
	PUT("/sys/kernel/security/lsm", "landlock,yama\n");
	PUT("/sys/class/net/out0/mtu", "1500\n");
	PUT("/dev/net/tun", "");
	PUT("/sys/hypervisor/type", "xen\n");
	PUT("/dev/xen/xenbus", "");
	PUT("/dev/xen/evtchn", "");
	PUT("/dev/xen/gntdev", "");
	PUT("/dev/xen/gntalloc", "");
	PUT("/sys/module/xen_gntdev/parameters/limit", "65536\n");
	PUT("/sys/module/xen_gntalloc/parameters/limit", "1024\n");
}

static void end(void)
{
	char line[64];

	CU_ASSERT(cli_bed_harmless(&t));
	snprintf(line, sizeof(line), "rm -r %s", root);
	CU_ASSERT_EQUAL(system(line), 0);
}

static int ask_doctor(void)
{
	char line[64];

	snprintf(line, sizeof(line), "doctor %s", root);
	return cli_bed_run(&t, NULL, line);
}

static void a_machine_as_it_should_be_has_nothing_bad(void)
{
	static const char *const settings[] = { LINKS, XEN };

	for (int i = 0; i < 2; i++) {
		begin(settings[i]);
		CU_ASSERT_EQUAL(ask_doctor(), CLI_OK);
		CU_ASSERT(cli_bed_has(&t, "ok    settings"));
		CU_ASSERT(cli_bed_has(&t, " 0 bad, 0 hints\n"));
		CU_ASSERT_EQUAL(!!strstr(t.out, "hypervisor"), i == 1);
		end();
	}
}

static const struct fault {
	const char *settings, *file, *text, *verdict, *mend;
} faults[] = {
	{ LINKS, "/proc/sys/net/ipv4/ip_forward", "1\n", "bad   forwarding",
	  "sysctl -w net.ipv4.ip_forward=0" },
	{ LINKS, "/proc/sys/net/ipv6/conf/all/forwarding", "1\n",
	  "bad   forwarding", "sysctl -w net.ipv6.conf.all.forwarding=0" },
	{ LINKS, "/proc/meminfo", "MemAvailable: 9000 kB\n", "bad   memory",
	  "buffers.small" },
	{ LINKS, "/sys/kernel/security/lsm", "yama\n", "hint  landlock",
	  "lsm=landlock,yama" },
	{ LINKS, "/proc/17/cmdline", "python3\0/usr/bin/qubes-firewall",
	  "bad   services", "qvm-service --disable" },
	{ LINKS, "/etc/vifwall/vifwall.conf", "nonsense = 1\n",
	  "bad   settings", "vifwallctl check" },
	{ LINKS, "/etc/vifwall/vifwall.conf",
	  OUT "uplink.port = packet:nosuch\n" CLIENT, "bad   links",
	  "ip link" },
	{ LINKS, "/usr/share/qubes/marker-vm", "4\n", "bad   qubesdb",
	  "systemctl restart qubes-db" },
	{ LINKS, "/usr/share/qubes/marker-vm", "4\n", "bad   qube-service",
	  "qvm-service NAME vifwall on" },
	{ LINKS "qubes.clock = dom0\n",
	  "/usr/lib/systemd/system/vifwall.service", "", "bad   clock",
	  "/usr/lib/vifwall/clock.conf" },
	{ XEN, "/usr/lib/systemd/system/vifwall.service", "", "bad   setfacl",
	  "apt-get install acl" },
	{ XEN, "/sys/hypervisor/type", "kvm\n", "bad   hypervisor",
	  "xen = off" },
	{ XEN, "/sys/bus/xen-backend/drivers/vif/bind", "", "bad   backends",
	  "modprobe -r xen-netback" },
	{ XEN, "/proc/18/cmdline", "xl\0devd", "bad   backends",
	  "systemctl disable --now xendriverdomain" },
	{ XEN, "/sys/module/xen_gntdev/parameters/limit", "8\n", "bad   limits",
	  ">/sys/module/xen_gntdev/parameters/limit" },
	{ XEN, "/sys/module/xen_gntalloc/parameters/limit", "64\n",
	  "bad   limits", "echo 1024 >" },
	{ XEN, "/run/qubes-service/meminfo-writer", "", "hint  balloon",
	  "maxmem 0" },
};

static size_t len_of(const char *text)
{
	size_t first = strlen(text);

	/* of two words with a NUL between them, as in a command line */
	return !strcmp(text, "xl") || !strcmp(text, "python3")
		       ? first + 1 + strlen(text + first + 1)
		       : first;
}

static void each_fault_is_found_and_names_what_mends_it(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct fault *f = &faults[i];

		begin(f->settings);
		put(f->file, f->text, len_of(f->text));
		CU_ASSERT_EQUAL(ask_doctor(),
				f->verdict[0] == 'b' ? CLI_NO : CLI_OK);
		CU_ASSERT(cli_bed_has(&t, f->verdict));
		CU_ASSERT(cli_bed_has(&t, f->mend));
		end();
	}
}

static void a_sentence_is_what_is_wrong_and_what_to_do(void)
{
	static const struct {
		const char *sentence, *what, *mend;
	} all[] = {
		{ "it rains; stay inside", "it rains", "stay inside" },
		{ "it rains (much)", "it rains (much)", "" },
		{ "it rains;", "it rains", "" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct finding f = { .verdict = DOCTOR_SKIP };

		doctor_bad(&f, all[i].sentence);
		CU_ASSERT_EQUAL(f.verdict, DOCTOR_BAD);
		CU_ASSERT_STRING_EQUAL(f.what, all[i].what);
		CU_ASSERT_STRING_EQUAL(f.mend, all[i].mend);
	}
}

static void what_is_missing_is_found(void)
{
	static const char *const xen[] = { "/dev/xen/xenbus", "/dev/xen/evtchn",
					   "/dev/xen/gntdev",
					   "/dev/xen/gntalloc" };
	char path[256];

	for (size_t i = 0; i < 4; i++) {
		begin(XEN);
		snprintf(path, sizeof(path), "%s%s", root, xen[i]);
		unlink(path);
		CU_ASSERT_EQUAL(ask_doctor(), CLI_NO);
		CU_ASSERT(cli_bed_has(&t, "bad   devices"));
		CU_ASSERT(cli_bed_has(&t, xen[i]));
		CU_ASSERT(cli_bed_has(&t, "modprobe "));
		end();
	}
	begin(LINKS);
	snprintf(path, sizeof(path), "%s/etc/vifwall/vifwall.conf", root);
	unlink(path);
	CU_ASSERT_EQUAL(ask_doctor(), CLI_NO);
	CU_ASSERT(cli_bed_has(&t, "bad   settings"));
	end();
	begin(LINKS);
	snprintf(path, sizeof(path), "%s/dev/net/tun", root);
	unlink(path);
	CU_ASSERT_EQUAL(ask_doctor(), CLI_NO);
	CU_ASSERT(cli_bed_has(&t, "modprobe tun"));
	end();
}

static void json_says_the_same(void)
{
	const struct jval *list, *v;
	char line[64], text[JREAD_TEXT];
	uint64_t bad = 0;

	begin(LINKS);
	PUT("/proc/sys/net/ipv4/ip_forward", "1\n");
	snprintf(line, sizeof(line), "--json doctor %s", root);
	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, line), CLI_NO);
	CU_ASSERT_EQUAL_FATAL(jread(&doc, t.out, t.out_len - 1), 0);
	list = jget(&doc, jroot(&doc), "checks");
	for (v = jfirst(&doc, list); v; v = jnext(&doc, list, v)) {
		if (strcmp(jtext(&doc, jget(&doc, v, "verdict"), text), "bad"))
			continue;
		bad++;
		CU_ASSERT_STRING_EQUAL(jtext(&doc, jget(&doc, v, "name"), text),
				       "forwarding");
		CU_ASSERT(jget(&doc, v, "mend") != NULL);
	}
	CU_ASSERT_EQUAL(bad, 1);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, jroot(&doc), "bad")), 1);
	CU_ASSERT(!jtrue(&doc, jget(&doc, jroot(&doc), "ok")));
	end();
}

static void what_the_daemon_says_is_judged(void)
{
	static const struct {
		const char *says; /* NULL: no daemon */
		enum doctor_verdict uplink, dom0;
		const char *of_uplink, *of_dom0;
	} row[] = {
		{ NULL, DOCTOR_SKIP, DOCTOR_SKIP, "no daemon", "no daemon" },
		{ "{\"uplink\":{\"up\":true,\"port\":\"vif:0\","
		  "\"ip\":\"10.0.0.1\"}}",
		  DOCTOR_OK, DOCTOR_SKIP, "vif:0 is up, with 10.0.0.1",
		  "do not come from it" },
		{ "{\"uplink\":{\"up\":false,\"port\":\"vif:0\","
		  "\"ip6\":\"fd00::1\"},"
		  "\"qubesdb\":{\"connected\":true}}",
		  DOCTOR_BAD, DOCTOR_OK, "with fd00::1, leads nowhere",
		  "was read" },
		{ "{\"uplink\":{\"up\":false,\"port\":\"vif:0\"},"
		  "\"qubesdb\":{\"connected\":false,"
		  "\"trouble\":\"nobody is there\"}}",
		  DOCTOR_BAD, DOCTOR_BAD, "vif:0 has no address",
		  "is not there: nobody is there" },
		{ "[]", DOCTOR_BAD, DOCTOR_SKIP, "has no address", "" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct finding up = { 0 }, dom0 = { 0 };
		struct doctor d = { .status = row[i].says ? &doc : NULL };

		if (row[i].says)
			CU_ASSERT_EQUAL_FATAL(jread(&doc, row[i].says,
						    strlen(row[i].says)),
					      0);
		doctor_uplink(&d, &up);
		doctor_dom0(&d, &dom0);
		CU_ASSERT_EQUAL(up.verdict, row[i].uplink);
		CU_ASSERT_EQUAL(dom0.verdict, row[i].dom0);
		CU_ASSERT(strstr(up.what, row[i].of_uplink) != NULL);
		CU_ASSERT(strstr(dom0.what, row[i].of_dom0) != NULL);
		CU_ASSERT_EQUAL(up.verdict == DOCTOR_BAD, !!up.mend[0]);
		CU_ASSERT_EQUAL(dom0.verdict == DOCTOR_BAD, !!dom0.mend[0]);
	}
}

/* This machine, whatever is wrong with it, with a daemon and without. */
static void a_daemon_that_runs_is_asked(void)
{
	static const struct cli_daemon nobody = { .path = "/nowhere/sock" };
	static struct ctl_bed b;
	int code;

	ctl_bed_open(&b);
	code = cli_bed_ask(&t, &b, "doctor");
	CU_ASSERT(code == CLI_OK || code == CLI_NO);
	CU_ASSERT(cli_bed_has(&t, "ok    daemon"));
	CU_ASSERT(cli_bed_has(&t, "ok    uplink       packet:eth0 is up"));
	CU_ASSERT(cli_bed_has(&t, "skip  dom0"));
	CU_ASSERT_EQUAL(t.err_len, 0);
	ctl_bed_close(&b);
	code = cli_bed_run(&t, &nobody, "doctor");
	CU_ASSERT(code == CLI_OK || code == CLI_NO);
	CU_ASSERT(cli_bed_has(&t, "skip  uplink       no daemon answers"));
	CU_ASSERT_EQUAL(t.err_len, 0);
}

static void other_words_are_refused(void)
{
	static const char *const lines[] = { "doctor relative",
					     "doctor /a /b" };

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, lines[i]), CLI_USAGE);
		CU_ASSERT(cli_bed_err_has(&t, "usage: vifwallctl doctor"));
	}
}

static void a_xenstore_answers_or_does_not(void)
{
	static const struct {
		enum xsd_sockmsg_type type;
		size_t len;
		bool is;
	} answers[] = {
		{ XS_READ, sizeof(struct xsd_sockmsg), true },
		{ XS_ERROR, sizeof(struct xsd_sockmsg), false },
		{ XS_READ, 3, false },
		{ XS_READ, 0, false }, /* none within a second */
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct xsd_sockmsg head = { .type = answers[i].type }, asked;
		int pair[2];

		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair),
				      0);
		CU_ASSERT_EQUAL(write(pair[1], &head, answers[i].len),
				(ssize_t)answers[i].len);
		CU_ASSERT_EQUAL(doctor_store_answers(pair[0]), answers[i].is);
		CU_ASSERT_EQUAL(read(pair[1], &asked, sizeof(asked)),
				(ssize_t)sizeof(asked));
		CU_ASSERT_EQUAL(asked.type, XS_READ);
		CU_ASSERT_EQUAL(asked.len, sizeof("domid"));
		close(pair[0]);
		close(pair[1]);
	}
}

UNIT_SUITE(cli_doctor, UNIT(a_machine_as_it_should_be_has_nothing_bad),
	   UNIT(each_fault_is_found_and_names_what_mends_it),
	   UNIT(a_sentence_is_what_is_wrong_and_what_to_do),
	   UNIT(what_is_missing_is_found), UNIT(json_says_the_same),
	   UNIT(what_the_daemon_says_is_judged),
	   UNIT(a_daemon_that_runs_is_asked), UNIT(other_words_are_refused),
	   UNIT(a_xenstore_answers_or_does_not))
