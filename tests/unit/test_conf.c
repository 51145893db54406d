/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/conf/conf.h"
#include "firewall/control/conf/conf_table.h"
#include "firewall/linux/isolate.h"
#include "firewall/linux/log.h"
#include "unit.h"
#include "xen/sim_link.h"

static struct conf conf;
static struct conf_errors errors;

static void start(void)
{
	conf_default(&conf);
	memset(&errors, 0, sizeof(errors));
}

static void read_file_text(const char *text)
{
	start();
	conf_read_text(&conf, "f.conf", text, strlen(text), &errors);
}

static bool says(const char *part)
{
	bool yes = strstr(errors.text, part) != NULL;

	if (!yes)
		fprintf(stderr, "no '%s' in: %s\n", part, errors.text);
	return yes;
}

/* ---- every setting --------------------------------------------------------*/

/* A value that is taken and one that is refused, for each row of the table. */
static const struct {
	const char *name, *good, *bad, *why;
} values[] = {
	{ "uplink.port", "packet:eth0", "eth0", "not a port" },
	{ "uplink.port", "tap:up", "tap:", "not a port" },
	{ "uplink.port", "tap:fifteen-letters", "tap:sixteen-letters-",
	  "port" },
	{ "uplink.port", "tap:a", "tap:a/b", "not a port" },
	{ "uplink.port", "tap:a", "tap:..", "not a port" },
	{ "uplink.ip", "192.0.2.2/24", "192.0.2", "not an IPv4 address" },
	{ "uplink.ip", "192.0.2.2", "2001:db8::1", "not an IPv4 address" },
	{ "uplink.ip", "192.0.2.2/32", "192.0.2.2/33", "not an IPv4" },
	{ "uplink.ip", "192.0.2.2", "224.0.0.1", "out of range" },
	{ "uplink.ip6", "2001:db8::2/64", "192.0.2.2", "not an IPv6 address" },
	{ "uplink.gateway", "192.0.2.1", "192.0.2.1/24", "not an IPv4" },
	{ "uplink.gateway", "192.0.2.1", "0.0.0.0", "out of range" },
	{ "uplink.gateway6", "fe80::1", "fe80::g", "not an IPv6 address" },
	{ "uplink.default-route", "no", "none", "allowed: yes, no" },
	{ "uplink.gateway-mac", "auto", "any", "not a MAC address" },
	{ "uplink.gateway-mac", "00:16:3e:01:02:03", "ff:ff:ff:ff:ff:ff",
	  "out of range" },
	{ "uplink.mac", "00:16:3e:01:02:03", "00:00:00:00:00:00", "range" },
	{ "uplink.mtu", "1500", "575", "auto, 576 to 65535" },
	{ "uplink.mtu", "auto", "automatic", "not a number or auto" },
	{ "rules", "/etc/vifwall/rules", "rules", "not an absolute path" },
	{ "allow", "work -> printer", "work printer", "CLIENT -> CLIENT" },
	{ "allow", "work -> printer", "a -> b -> c", "not a pair" },
	{ "allow", "from=10.0.0.5 to=10.0.0.6 dport=22", "from=10.0.0.5",
	  "allow: column 1: to=ADDRESS is missing" },
	{ "forward", "in=uplink dport=443 to=10.0.0.5:8443", "in=eth0 to=a",
	  "forward: column 4: in is uplink" },
	{ "dns", "10.139.1.1, 10.139.1.2", "resolver", "list of addresses" },
	{ "dns", "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4",
	  "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5", "too long" },
	{ "dns.virtual", "10.139.1.1 10.139.1.2", "::", "out of range" },
	{ "names", "off", "no", "not one of the words" },
	{ "names.servers", "192.0.2.53", "127.0.0.1", "out of range" },
	{ "names.through", "uplink", "tcp", "allowed: auto, host, uplink" },
	{ "names.answers", "off", "no", "not one of the words" },
	{ "names.unresolved-drop", "pass", "open", "allowed: closed, pass" },
	{ "names.ttl-min", "30s", "0s", "out of range" },
	{ "names.ttl-max", "24h", "31d", "out of range" },
	{ "names.grace", "1h", "forever", "not a time" },
	{ "clients", "1023", "0", "allowed: 1 to 1023" },
	{ "reject", "rst", "RST", "allowed: icmp, rst, silent" },
	{ "hairpin", "yes", "on", "allowed: yes, no" },
	{ "answers.rate", "1", "-1", "not a number" },
	{ "answers.burst", "100000", "100001", "allowed: 1 to 100000" },
	{ "mss.clamp", "path", "auto", "path, off, 536 to 65495" },
	{ "mss.clamp", "off", "535", "out of range" },
	{ "mss.clamp", "1400", "65496", "out of range" },
	{ "nat.flows", "16", "15", "allowed: 16 to 1048576" },
	{ "nat.flows", "1048576", "99999999999999999999999", "out of range" },
	{ "nat.ports", "2000-2999", "2999-2000", "LOW-HIGH within 1-65535" },
	{ "nat.ports", "1-65535", "0-65535", "out of range" },
	{ "nat.ports", "1-65535", "80", "not a range LOW-HIGH" },
	{ "nat.ports", "1-65535", "80-", "not a range LOW-HIGH" },
	{ "nat.preserve", "yes", "true", "not yes or no; allowed: yes, no" },
	{ "nat.overload-udp", "no", "", "not yes or no" },
	{ "nat.timeout.tcp-syn", "4m", "0", "1s to 2592000s; units s, m" },
	{ "nat.timeout.tcp", "1d", "1w", "not a time" },
	{ "nat.timeout.tcp-fin", "15m", "m", "not a time" },
	{ "nat.timeout.tcp-closed", "240", "1 m", "not a time" },
	{ "nat.timeout.udp-oneway", "120s", "31d", "out of range" },
	{ "nat.timeout.udp", "2h", "2.5h", "not a time" },
	{ "nat.timeout.udp-dns", "10s", "0s", "out of range" },
	{ "nat.timeout.icmp", "60s", "99999999999999999d", "out of range" },
	{ "nat.timeout.port-hold", "120s", "never", "not a time" },
	{ "quota.flows", "0", "2000000", "out of range" },
	{ "quota.half-open", "1", "0", "out of range" },
	{ "quota.udp-oneway", "1", "0", "out of range" },
	{ "quota.icmp", "1", "0", "out of range" },
	{ "quota.ports", "65535", "65536", "out of range" },
	{ "quota.new-rate", "1", "0x10", "not a number" },
	{ "quota.new-burst", "1", "1k", "not a number" },
	{ "buffers.small", "256", "255", "out of range" },
	{ "buffers.large", "16", "15", "out of range" },
	{ "buffers.ring", "32", "31", "out of range" },
	{ "buffers.queue", "256", "255", "out of range" },
	{ "buffers.prefault", "yes", "maybe", "not yes or no" },
	{ "busy-poll", "0", "1001", "out of range" },
	{ "neighbours", "16", "15", "out of range" },
	{ "control.socket", "/run/x/ctl.sock", "ctl.sock", "absolute path" },
	{ "control.group", "0", "no-such-group", "not a group" },
	{ "control.group", "root", "a-name-that-is-longer-than-any-name-is",
	  "not a group" },
	{ "log.level", "debug", "verbose", "allowed: err, warn, info, debug" },
	{ "log.target", "kmsg", "file", "allowed: stderr, syslog, kmsg" },
	{ "user", "1000:1001", "1000:", "not a user" },
	{ "user", "root", "no-such-user", "not a user" },
	{ "user", "7", "a-name-that-is-longer-than-any-name-is", "not a user" },
	{ "sandbox", "trace", "strict", "allowed: on, trace, off" },
	{ "host.rules", "check", "yes", "allowed: on, check, off" },
	{ "run-dir", "/run/vifwall", "", "not an absolute path" },
	{ "run-dir", "/run/vifwall",
	  "/a/path/that/is/longer/than/the/sixty-three/characters/allowed/here",
	  "too long" },
	{ "uplink.port", "vif:0", "vif:00", "not a port" },
	{ "uplink.port", "vif:65535", "vif:65536", "out of range" },
	{ "uplink.port", "vif:7", "vif:", "not a port" },
	{ "uplink.port", "vif:7", "vif:7a", "not a port" },
	{ "xen", "on", "yes", "not one of the words" },
	{ "xen", "sim:/run/sim", "sim:sim", "not one of the words" },
	{ "xen", "sim:/run/sim", "sim:", "not one of the words" },
	{ "xen.netvm", "7", "32752", "out of range" },
	{ "xen.netvm", "none", "-1", "not a domain's number" },
	{ "xen.netvm", "gateway", "gateways", "not a domain's number" },
	{ "xen.netvm", "10.137.0.5", "10.137.0", "not a domain's number" },
	{ "xen.netvm", "fd00::5", "ff02::5", "out of range" },
	{ "xen.netvm", "10.137.0.5", "0.0.0.0", "out of range" },
	{ "xen.netvm", "00:16:3e:00:00:05", "00:16:3e:00:00",
	  "not a domain's number" },
	{ "xen.netvm", "00:16:3e:00:00:05", "01:16:3e:00:00:05",
	  "out of range" },
	{ "xen.rules", "on", "yes", "not one of the words" },
	{ "xen.gateway", "10.137.0.9", "fd00::9", "not an IPv4" },
	{ "xen.gateway6", "fd00::9", "10.137.0.9", "not an IPv6" },
	{ "xen.quarantine", "0", "1001", "out of range" },
	{ "qubes.channel", "vchan", "xen", "not one of the words" },
	{ "qubes.channel", "unix:/run/q,domid=5", "unix:/run/q",
	  "not one of the words" },
	{ "qubes.channel", "off", "unix:/run/q,domid=65536", "out of range" },
	{ "qubes.channel", "local", "locally", "not one of the words" },
	{ "qubes.channel", "local:/run/q.sock",
	  "local:", "not one of the words" },
	{ "qubes.channel", "local:/run/q.sock", "local:q.sock",
	  "not one of the words" },
	{ "qubes.serve", "/run/q.sock", "q.sock", "absolute" },
	{ "qubes.serve-writes", "yes", "1", "yes or no" },
	{ "qubes.clock", "dom0", "on", "not one of the words" },
	{ "client.w.port", "tap:w", "vif:w", "not a port" },
	{ "client.w.kind", "network", "vm", "allowed: qube, network" },
	{ "client.w.ip", "10.137.0.5 fd00::5", "10.137.0.5/32", "not a list" },
	{ "client.w.ip", "10.137.0.5", "127.0.0.1", "out of range" },
	{ "client.w.ip", "10.137.0.5", ",", "not a list" },
	{ "client.w.net", "192.168.0.0/16", "192.168.0.1", "not a list" },
	{ "client.w.net", "fd00::/64", "fd00::/129", "not a list" },
	{ "client.w.net", "fd00::/64", "", "not a list" },
	{ "client.w.net", "10.0.0.0/24",
	  "10.0.0.0/24 10.0.1.0/24 10.0.2.0/24 10.0.3.0/24 10.0.4.0/24 "
	  "10.0.5.0/24 10.0.6.0/24 10.0.7.0/24 10.0.8.0/24",
	  "too long" },
	{ "client.w.gateway", "10.137.0.1", "fd00::1", "not an IPv4" },
	{ "client.w.gateway6", "fd00::1", "10.137.0.1", "not an IPv6" },
	{ "client.w.mac", "00:16:3e:5e:6c:01", "auto", "not a MAC" },
	{ "client.w.our-mac", "fe:ff:ff:ff:ff:ff", "01:00:5e:00:00:01",
	  "out of range" },
	{ "client.w.mtu", "auto", "70000", "out of range" },
	{ "set", "s 10.0.0.0/8 fd00::/8", "s 10.0.0.0/99", "not a new set" },
	{ "profile", "no-lan", "No Lan", "not a profile's name" },
	{ "profile.rule", "p action=drop dst=lan", "p action=accept",
	  "action is drop or pass" },
	{ "profile.use", "10.0.0.5 p, work none", "10.0.0.5",
	  "not clients with their profile" },
	{ "client.w.profile", "none", "", "not a profile's name" },
	{ "client.w.rules", "accept", "drop", "allowed: tree, accept" },
	{ "client.w.flows", "1", "0", "out of range" },
	{ "client.w.half-open", "1", "0", "out of range" },
	{ "client.w.udp-oneway", "1", "0", "out of range" },
	{ "client.w.icmp", "1", "0", "out of range" },
	{ "client.w.ports", "1", "0", "out of range" },
	{ "client.w.new-rate", "1", "0", "out of range" },
	{ "client.w.new-burst", "1", "0", "out of range" },
};
#define VALUES_N (sizeof(values) / sizeof(values[0]))

static void every_setting_takes_good_values_and_refuses_bad_ones(void)
{
	for (size_t i = 0; i < VALUES_N; i++) {
		struct conf before;

		start();
		conf_read_option(&conf, values[i].name, strlen(values[i].name),
				 values[i].good, &errors);
		CU_ASSERT_EQUAL(errors.n, 0);
		if (errors.n)
			fprintf(stderr, "%s", errors.text);
		before = conf;
		conf_read_option(&conf, values[i].name, strlen(values[i].name),
				 values[i].bad, &errors);
		CU_ASSERT_EQUAL(errors.n, 1);
		CU_ASSERT(says(values[i].why));
		CU_ASSERT(says(values[i].name));
		CU_ASSERT(says("; allowed: "));
		/* a refused value changes nothing */
		CU_ASSERT(!memcmp(&before, &conf, sizeof(conf)));
	}
}

static bool has_case(const char *name)
{
	char as_client[64];

	snprintf(as_client, sizeof(as_client), "client.w.%s",
		 strrchr(name, '.') ? strrchr(name, '.') + 1 : name);
	for (size_t i = 0; i < VALUES_N; i++)
		if (!strcmp(values[i].name, name) ||
		    (strstr(name, "NAME") &&
		     !strcmp(values[i].name, as_client)))
			return true;
	fprintf(stderr, "no case for %s\n", name);
	return false;
}

static void no_setting_is_left_out_of_that_table(void)
{
	for (uint32_t i = 0; i < conf_global_n; i++)
		CU_ASSERT(has_case(conf_global[i].name));
	for (uint32_t i = 0; i < conf_client_n; i++)
		CU_ASSERT(has_case(conf_client[i].name));
}

static void every_setting_has_a_sentence_and_says_what_it_takes(void)
{
	const struct conf_row *part[] = { conf_global, conf_client };
	const uint32_t n[] = { conf_global_n, conf_client_n };
	char allowed[CONF_ALLOWED_MAX];

	for (int p = 0; p < 2; p++)
		for (uint32_t i = 0; i < n[p]; i++) {
			size_t len = strlen(part[p][i].help);

			CU_ASSERT(len > 10 && part[p][i].help[len - 1] == '.');
			CU_ASSERT(strlen(conf_allowed(allowed, &part[p][i])) >
				  3);
		}
}

/* ---- values that matter ---------------------------------------------------*/

static void built_in_values_are_those_of_the_translator(void)
{
	struct nat_conf nat;

	start();
	/* only what the table sets counts */
	for (uint32_t i = 0; i < conf_global_n; i++)
		if (!strncmp(conf_global[i].name, "nat.", 4) ||
		    !strncmp(conf_global[i].name, "quota.", 6)) {
			memset((char *)&conf + conf_global[i].off, 0xee,
			       conf_global[i].type->size);
			conf_row_default(&conf_global[i], &conf);
		}
	nat_conf_default(&nat);
	CU_ASSERT_EQUAL(conf.nat.flows, nat.flows);
	CU_ASSERT_EQUAL(conf.nat.port_lo, nat.port_lo);
	CU_ASSERT_EQUAL(conf.nat.port_hi, nat.port_hi);
	CU_ASSERT_EQUAL(conf.nat.preserve, nat.preserve);
	CU_ASSERT_EQUAL(conf.nat.overload_udp, nat.overload_udp);
	for (int i = 0; i < NAT_T_N; i++)
		CU_ASSERT_EQUAL(conf.nat.timeout_ms[i], nat.timeout_ms[i]);
	CU_ASSERT_EQUAL(conf.nat.quota.flows, nat.quota.flows);
	CU_ASSERT_EQUAL(conf.nat.quota.half_open, nat.quota.half_open);
	CU_ASSERT_EQUAL(conf.nat.quota.udp_oneway, nat.quota.udp_oneway);
	CU_ASSERT_EQUAL(conf.nat.quota.icmp, nat.quota.icmp);
	CU_ASSERT_EQUAL(conf.nat.quota.ports, nat.quota.ports);
	CU_ASSERT_EQUAL(conf.nat.quota.new_per_s, nat.quota.new_per_s);
	CU_ASSERT_EQUAL(conf.nat.quota.new_burst, nat.quota.new_burst);
}

static void built_in_values_are_the_documented_ones(void)
{
	start();
	CU_ASSERT_EQUAL(conf.answers_per_s, 100);
	CU_ASSERT_EQUAL(conf.answers_burst, 50);
	CU_ASSERT_EQUAL(conf.clients, 64);
	CU_ASSERT_EQUAL(conf.reject, CONF_REJECT_ICMP);
	CU_ASSERT_EQUAL(conf.sandbox, ISOLATE_ON);
	CU_ASSERT_EQUAL(conf.log_level, LOG_LEVEL_INFO);
	CU_ASSERT_EQUAL(conf.uid, 65534);
	CU_ASSERT_EQUAL(conf.gid, 65534);
	CU_ASSERT_STRING_EQUAL(conf.socket, "/run/vifwall/ctl.sock");
	CU_ASSERT_EQUAL(conf.client_n, 0);
}

static const char three[] =
	"# a host with two machines and a network behind it\n"
	"rules = /etc/vifwall/rules\n"
	"allow = work -> printer   # scans go the other way\n"
	"dns = 10.139.1.1\n"
	"\n"
	"[uplink]\n"
	"port = packet:eth0\r\n"
	"ip = 192.0.2.2/24\n"
	"gateway = 192.0.2.1\n"
	"ip6 = 2001:db8::2/64\n"
	"gateway6 = fe80::1\n"
	"[nat]\n"
	"flows = 4096\n"
	"timeout.udp = 2m\n"
	"[client work]\n"
	"port = tap:work\n"
	"ip = 10.137.0.5 fd00::5\n"
	"mac = 00:16:3e:5e:6c:05\n"
	"flows = 100\n"
	"[client printer]\n"
	"\tport=tap:printer\n"
	"ip = 10.137.0.6\n"
	"mac = 00:16:3e:5e:6c:06\n"
	"[ client lab ]\n"
	"kind = network\n"
	"port = packet:eth1\n"
	"net = 192.168.7.0/24, fd07::/64\n"
	"gateway = 192.168.7.1\n"
	"gateway6 = fd07::1\n"
	"rules = accept\n";

static void a_whole_file_is_understood(void)
{
	const struct conf_client *work = &conf.client[0], *lab;
	char text[PKT_ADDR_TEXT + 4];

	read_file_text(three);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	if (errors.n)
		fprintf(stderr, "%s", errors.text);
	CU_ASSERT_EQUAL(conf.uplink.port.kind, CONF_PORT_PACKET);
	CU_ASSERT_STRING_EQUAL(conf.uplink.port.name, "eth0");
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &conf.uplink.fw.addr4),
			       "192.0.2.2");
	CU_ASSERT_EQUAL(conf.uplink.fw.net4.len, 96 + 24);
	CU_ASSERT_EQUAL(conf.nat.flows, 4096);
	CU_ASSERT_EQUAL(conf.nat.timeout_ms[NAT_T_UDP_BOTH], 120000);
	CU_ASSERT_EQUAL(conf.nat.owners, 65);
	CU_ASSERT_EQUAL(conf.client_n, 3);
	CU_ASSERT_STRING_EQUAL(work->fw.name, "work");
	CU_ASSERT_EQUAL(work->fw.addr_n, 2);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &work->fw.addr[1]),
			       "fd00::5");
	CU_ASSERT(work->fw.proxy_arp);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &work->fw.gateway4),
			       "192.0.2.2");
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &work->fw.gateway6),
			       "2001:db8::2");
	CU_ASSERT_EQUAL(work->fw.quota.flows, 100);
	CU_ASSERT_EQUAL(work->fw.quota.half_open, 1024);
	CU_ASSERT_EQUAL(conf.client[1].fw.quota.half_open, 0);
	lab = &conf.client[conf_client_find(&conf, "lab", 3) - 1];
	CU_ASSERT_EQUAL(lab->fw.kind, FW_NETWORK);
	CU_ASSERT_EQUAL(lab->fw.net_n, 2);
	CU_ASSERT_EQUAL(lab->rules, CONF_RULES_ACCEPT);
	CU_ASSERT(!lab->fw.proxy_arp);
	CU_ASSERT_EQUAL(conf.allow_n, 1);
	CU_ASSERT_STRING_EQUAL(conf.allow[0].to, "printer");
	CU_ASSERT_EQUAL(conf_client_find(&conf, "nobody", 6), 0);
}

/* ---- errors ---------------------------------------------------------------*/

static void errors_name_the_file_and_the_line(void)
{
	read_file_text("\n[nat]\nflows = many\n");
	CU_ASSERT_STRING_EQUAL(errors.text,
			       "f.conf:3: nat.flows: 'many' is not a number; "
			       "allowed: 16 to 1048576\n");
}

static void all_errors_of_a_file_are_reported(void)
{
	read_file_text("clients = 0\n"
		       "nonsense\n"
		       "= 3\n"
		       "[nowhere]\n"
		       "port = tap:x\n"
		       "[nat]\n"
		       "flows = 1\n");
	CU_ASSERT_EQUAL(errors.n, 5);
	CU_ASSERT(says("f.conf:1: clients: '0' is out of range"));
	CU_ASSERT(says("f.conf:2: 'nonsense' is not a line of settings"));
	CU_ASSERT(says("f.conf:3: '= 3' is not a line of settings"));
	CU_ASSERT(says("f.conf:4: '[nowhere]' is not a section"));
	CU_ASSERT(says("f.conf:7: nat.flows: '1' is out of range"));
}

static void more_errors_than_fit_are_counted(void)
{
	static char text[200000];
	size_t n = 0;

	while (n + 32 < sizeof(text))
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "nonsense and no setting\n");
	read_file_text(text);
	CU_ASSERT(errors.n > 1000);
	CU_ASSERT(errors.len < sizeof(errors.text));
	CU_ASSERT_EQUAL(strlen(errors.text), errors.len);
	CU_ASSERT_EQUAL(errors.text[errors.len - 1], '\n');
}

static void an_unknown_setting_gets_the_nearest_name(void)
{
	static const struct {
		const char *typed, *meant;
	} near[] = {
		{ "uplink.prot", "uplink.port" },
		{ "uplink.gatway", "uplink.gateway" },
		{ "natflows", "nat.flows" },
		{ "flows", "nat.flows" },
		{ "client.work.prot", "client.work.port" },
		{ "client.work.gatewya6", "client.work.gateway6" },
		{ "sandbox.", "sandbox" },
		{ "log-level", "log.level" },
	};

	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		char want[128];

		start();
		conf_read_option(&conf, near[i].typed, strlen(near[i].typed),
				 "1", &errors);
		snprintf(want, sizeof(want),
			 "command line: %s: there is no such setting; did you "
			 "mean %s?\n",
			 near[i].typed, near[i].meant);
		CU_ASSERT_STRING_EQUAL(errors.text, want);
	}
}

static void a_far_name_gets_no_suggestion(void)
{
	static const char *const far[] = {
		"xyzzy-plugh",
		"client.work.xyzzy-plugh",
		"client.work",
		"",
		"a-name-that-is-much-longer-than-any-setting-has",
		"client.a-client-name-that-is-longer-than-any-may-be.prot",
	};

	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		start();
		conf_read_option(&conf, far[i], strlen(far[i]), "1", &errors);
		CU_ASSERT(says("no such setting; vifwalld --settings"));
	}
}

static void a_setting_given_twice_in_a_file_is_refused(void)
{
	read_file_text("clients = 3\n[client a]\nport = tap:a\n"
		       "[client b]\nport = tap:b\n[client a]\nport = tap:c\n");
	CU_ASSERT_EQUAL(errors.n, 1);
	CU_ASSERT(
		says("f.conf:7: client.a.port: given twice; first in line 3"));
	CU_ASSERT_STRING_EQUAL(conf.client[0].port.name, "a");
}

static void allow_may_be_given_many_times(void)
{
	read_file_text("allow = a -> b\nallow = b -> a\n");
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_EQUAL(conf.allow_n, 2);
	CU_ASSERT_EQUAL(conf.allow[1].line, 2);
}

static void openings_are_kept_with_their_lines(void)
{
	read_file_text("forward = in=uplink dport=443 to=10.0.0.5\n"
		       "# and across\n"
		       "allow = from=10.0.0.5 to=10.0.0.6 dport=22\n");
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_EQUAL(conf.forward_n, 2);
	CU_ASSERT_EQUAL(conf.allow_n, 0);
	CU_ASSERT_EQUAL(conf.forward[0].fw.kind, FW_FORWARD_IN);
	CU_ASSERT_EQUAL(conf.forward[0].line, 1);
	CU_ASSERT_EQUAL(conf.forward[1].fw.kind, FW_FORWARD_ACROSS);
	CU_ASSERT_EQUAL(conf.forward[1].line, 3);
}

static void what_is_wrong_in_an_opening_has_line_and_column(void)
{
	read_file_text("\n  forward =  in=uplink dport=x to=10.0.0.5\n");
	CU_ASSERT_EQUAL(errors.n, 1);
	CU_ASSERT(says(":2:30: forward: dport is a port or low-high"));
}

static void openings_come_by_the_kernel_command_line_too(void)
{
	static const char text[] =
		"quiet \"vifwall.forward=in=uplink dport=443 to=10.0.0.5\" "
		"vifwall.forward=\"from=10.0.0.5 to=10.0.0.6\"";

	start();
	conf_read_cmdline(&conf, text, strlen(text), &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_EQUAL(conf.forward_n, 2);
	CU_ASSERT_EQUAL(conf.forward[1].line, 0);
}

static void too_many_openings_are_refused(void)
{
	static char text[64 * 1024];
	size_t n = 0;

	for (unsigned i = 0; i <= CONF_FORWARDS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "forward = in=uplink dport=%u "
				      "to=10.0.0.5\n",
				      i + 1);
	read_file_text(text);
	CU_ASSERT_EQUAL(errors.n, 1);
	CU_ASSERT(says(":129: forward: "));
	CU_ASSERT(says("is too long"));
	CU_ASSERT_EQUAL(conf.forward_n, CONF_FORWARDS);
}

static void too_many_pairs_and_clients_are_refused(void)
{
	static char text[64 * 1024];
	size_t n = 0;

	for (unsigned i = 0; i <= CONF_ALLOWS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "allow = a -> b\n");
	for (unsigned i = 0; i <= CONF_CLIENTS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "[client c%u]\nport = tap:c%u\n", i, i);
	read_file_text(text);
	CU_ASSERT_EQUAL(errors.n, 2);
	CU_ASSERT(says("allow: 'a -> b' is too long"));
	CU_ASSERT(says("client: 'c256' is one too many; allowed: 256"));
	CU_ASSERT_EQUAL(conf.client_n, CONF_CLIENTS);
}

static void D10_foreign_bytes_in_errors_are_escaped(void)
{
	read_file_text("\x1b]0;x\x07 = 1\n"
		       "clients = \"\xff%s%n\"\n"
		       "clients = 1\x01"
		       "2\n"
		       "client.\x9b!.por = tap:x\n"
		       "[client a b]\n[client -x]\n[client ]\n[]\n[\n");
	for (size_t i = 0; i < errors.len; i++)
		CU_ASSERT(errors.text[i] == '\n' ||
			  (errors.text[i] >= ' ' && errors.text[i] <= '~'));
	CU_ASSERT(says("clients = 1\\x012' has control characters"));
	CU_ASSERT(says("\\xff%s%n"));
	CU_ASSERT(says("did you mean client.\\x9b!.port?"));
	CU_ASSERT(says("client: 'a b' is not a name; allowed: 1 to 31 "));
	CU_ASSERT(says("client: '-x' is not a name"));
	CU_ASSERT_EQUAL(conf.client_n, 0);
}

static void a_line_without_end_is_refused_and_the_next_is_read(void)
{
	static char text[4096];

	memset(text, 'x', sizeof(text));
	memcpy(text + 3000, "\nclients = 5\n", 14);
	read_file_text(text);
	CU_ASSERT_EQUAL(errors.n, 1);
	CU_ASSERT(says("f.conf:1: longer than 1024 bytes"));
	CU_ASSERT_EQUAL(conf.clients, 5);
}

/* ---- sources --------------------------------------------------------------*/

static void later_sources_win(void)
{
	static const char cmdline[] =
		"quiet vifwall.clients=12 root=/dev/xvda vifwall.nat.flows=32";
	static const char file[] = "clients = 11\nanswers.rate = 7\n"
				   "[nat]\nflows = 31\n";

	read_file_text(file);
	CU_ASSERT_EQUAL(conf.clients, 11);
	conf_read_cmdline(&conf, cmdline, strlen(cmdline), &errors);
	CU_ASSERT_EQUAL(conf.clients, 12);
	conf_read_option(&conf, "clients", 7, "13", &errors);
	CU_ASSERT_EQUAL(conf.clients, 13);
	CU_ASSERT_EQUAL(conf.nat.flows, 32);
	CU_ASSERT_EQUAL(conf.answers_per_s, 7);
	CU_ASSERT_EQUAL(conf.answers_burst, 50);
	CU_ASSERT_EQUAL(errors.n, 0);
}

static void quotes_on_the_kernel_command_line_group_blanks(void)
{
	static const char text[] =
		"vifwall.dns=\"1.1.1.1 1.1.1.2\" \"vifwall.allow=a -> b\"\n";

	start();
	conf_read_cmdline(&conf, text, strlen(text), &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_EQUAL(conf.dns_n, 2);
	CU_ASSERT_STRING_EQUAL(conf.allow[0].to, "b");
}

/* N7.9: kernelopts of a qube that ran qubes-mirage-firewall. */
static void the_kernel_command_line_of_mirage_is_understood(void)
{
	static const char text[] =
		"console=hvc0 --ipv4=10.137.0.5 --ipv4-gw=10.137.0.1 "
		"--ipv4-dns=10.139.1.1 --ipv4-dns2=10.139.1.2 "
		"--nat-table-size=5000 -l *:debug --ipv40=1 --ipv4";
	char addr[PKT_ADDR_TEXT];

	start();
	conf_read_cmdline(&conf, text, strlen(text), &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(addr, &conf.uplink.fw.addr4),
			       "10.137.0.5");
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(addr, &conf.uplink.fw.gateway4),
			       "10.137.0.1");
	CU_ASSERT_EQUAL_FATAL(conf.dns_n, 2);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(addr, &conf.dns[0]),
			       "10.139.1.1");
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(addr, &conf.dns[1]),
			       "10.139.1.2");
	CU_ASSERT_EQUAL(conf.nat.flows, 5000);
}

static void options_of_mirage_replace_what_the_file_said_and_are_checked(void)
{
	static const char file[] = "dns = 9.9.9.9 8.8.8.8\n";
	static const char text[] = "--ipv4-dns=10.139.1.1 --ipv4=10.0.0.x "
				   "--nat-table-size=3";

	read_file_text(file);
	conf_read_cmdline(&conf, text, strlen(text), &errors);
	CU_ASSERT_EQUAL(conf.dns_n, 1);
	CU_ASSERT_EQUAL(errors.n, 2);
	CU_ASSERT(says("kernel command line: uplink.ip: '10.0.0.x'"));
	CU_ASSERT(says("kernel command line: nat.flows: '3' is out of range"));
}

static void a_small_machine_has_small_tables_built_in(void)
{
	static const struct {
		uint64_t mib;
		uint32_t flows, small, large;
	} sizes[] = {
		{ 4096, 65536, 2048, 64 }, { 128, 65536, 2048, 64 },
		{ 96, 49152, 1536, 48 },   { 64, 32768, 1024, 32 },
		{ 24, 12288, 1024, 24 },   { 1, 4096, 1024, 24 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		conf_default(&conf);
		conf.nat.flows = 65536;
		conf.small_n = 2048;
		conf.large_n = 64;
		conf_fit(&conf, sizes[i].mib * 1024);
		CU_ASSERT_EQUAL(conf.nat.flows, sizes[i].flows);
		CU_ASSERT_EQUAL(conf.small_n, sizes[i].small);
		CU_ASSERT_EQUAL(conf.large_n, sizes[i].large);
	}
	CU_ASSERT(conf_memory_kib() > 0);
}

/* What dom0 says of us comes when the daemon runs, in 32 MB, where sizes were
 * made for the memory that there was at the start. */
static void dom0_may_say_who_we_are_while_we_run(void)
{
	static const char told[] = "uplink.ip = 10.137.0.8\n"
				   "uplink.ip6 = fd09::8\n"
				   "uplink.gateway = 10.137.0.1\n"
				   "uplink.gateway6 = fe80::1\n"
				   "xen.gateway = 10.137.0.8\n"
				   "xen.gateway6 = fd09::8\n"
				   "dns = 10.139.1.1\n"
				   "dns.virtual = 10.139.1.1 10.139.1.2\n";
	static const char *const option[] = { "xen=on", "uplink.port=vif:0",
					      "qubes.channel=vchan" };
	static struct conf was, is;
	static struct conf_errors e;
	char fixed[256];

	conf_built_in(&was, 21340);
	for (size_t i = 0; i < sizeof(option) / sizeof(option[0]); i++)
		conf_read_option(&was, option[i], strcspn(option[i], "="),
				 strchr(option[i], '=') + 1, &e);
	memcpy(was.told, told, sizeof(told));
	was.told_len = sizeof(told) - 1;
	conf_again(&is, &was, &e);
	CU_ASSERT_EQUAL(e.n, 0);
	CU_ASSERT_EQUAL(is.uplink.fw.addr4.b[15], 8);
	CU_ASSERT_EQUAL(is.xen_gateway4.b[15], 8);
	CU_ASSERT_EQUAL(conf_diff_fixed(&was, &is, fixed, sizeof(fixed)), 0);
	CU_ASSERT_STRING_EQUAL(fixed, "");
}

static void errors_on_the_kernel_command_line_name_it(void)
{
	static const char text[] = "vifwall.clients vifwall.clients=x "
				   "vifwall.nix=1 vifwall. vifwalls=1";

	start();
	conf_read_cmdline(&conf, text, strlen(text), &errors);
	CU_ASSERT_EQUAL(errors.n, 3);
	CU_ASSERT(says("kernel command line: clients: there is no such"));
	CU_ASSERT(says("kernel command line: clients: 'x' is not a number"));
	CU_ASSERT(says("kernel command line: nix: there is no such setting"));
}

static void a_file_is_read_from_disk(void)
{
	char path[] = "/tmp/vifwall-conf-XXXXXX";
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, three, sizeof(three) - 1),
			(ssize_t)sizeof(three) - 1);
	close(fd);
	start();
	conf_read_file(&conf, path, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_EQUAL(conf.client_n, 3);
	CU_ASSERT_STRING_EQUAL(conf.file, path);
	CU_ASSERT_EQUAL(truncate(path, CONF_FILE_MAX + 1), 0);
	conf_read_file(&conf, path, &errors);
	CU_ASSERT(says("can't be read: File too large"));
	unlink(path);
	start();
	conf_read_file(&conf, path, &errors);
	CU_ASSERT(says("can't be read: No such file"));
	start();
	conf_read_file(&conf, "/", &errors);
	CU_ASSERT(says("/: can't be read: Is a directory"));
}

/* ---- what must fit together -----------------------------------------------*/

#define UP "[uplink]\nport = tap:up\nip = 192.0.2.2/24\n"
#define RULES "rules = /r\n"
#define WORK                                                     \
	"[client work]\nport = tap:w\nip = 10.137.0.5 fd00::5\n" \
	"mac = 00:16:3e:00:00:05\n"

static const struct {
	const char *text, *says; /* NULL: nothing wrong */
} fits[] = {
	{ RULES UP WORK, NULL },
	{ "", "settings: uplink.port is not set" },
	{ "[uplink]\nport = tap:up\n", "neither uplink.ip nor uplink.ip6" },
	{ UP "gateway = 192.0.3.1\n",
	  "uplink.gateway: 192.0.3.1 is not in 192.0.2.2/24 of uplink.ip" },
	{ UP "gateway = 192.0.2.2\n", "192.0.2.2 is uplink.ip, our own" },
	{ UP "gateway6 = fe80::1\n", "uplink.gateway6 needs uplink.ip6" },
	{ "[uplink]\nport = tap:up\nip = 10.137.0.9\n"
	  "gateway = 10.138.5.1\n",
	  NULL },
	{ UP WORK, "f.conf:4: client work: needs the rules directory" },
	{ RULES UP "[client work]\nip = 10.0.0.1\n",
	  "f.conf:5: client work: port is not set" },
	{ RULES UP "[client work]\nip = 10.0.0.1\n",
	  "client work: mac is not set" },
	{ RULES UP "[client work]\nport = tap:w\n", "work: ip is not set" },
	{ RULES UP WORK "net = 10.0.0.0/8\n", "net is for kind = network" },
	{ RULES UP WORK "gateway = 10.137.0.5\n",
	  "10.137.0.5 is both its address and our gateway's" },
	{ RULES UP WORK "[client b]\nport = tap:w\nip = 10.0.0.1\n",
	  "client b: port: w is client work's already" },
	{ RULES UP WORK "[client b]\nport = tap:up\nip = 10.0.0.1\n",
	  "client b: port: up is the uplink's already" },
	{ RULES UP WORK "[client b]\nip = 10.0.0.1 fd00::5\n",
	  "client b: fd00::5 is client work's already" },
	{ RULES UP WORK "[client b]\nkind = network\nnet = 10.137.0.0/16\n",
	  "client b: 10.137.0.0/16 is client work's already" },
	{ RULES UP "[client b]\nip = 192.0.2.2\n",
	  "192.0.2.2 has our own outside address in it" },
	{ RULES UP WORK "[client b]\nip = 10.0.0.1\ngateway = 10.137.0.5\n",
	  "client b: its gateway is in client work's 10.137.0.5" },
	{ RULES UP WORK "gateway = 10.0.0.1\n[client b]\nip = 10.0.0.1\n",
	  "client b: 10.0.0.1 has client work's gateway in it" },
	{ RULES UP "[client b]\nip = 10.0.0.1 10.0.0.2 10.0.0.1\n",
	  "client b: 10.0.0.1 is there twice" },
	{ RULES UP "[client b]\nkind = network\n", "client b: net is not set" },
	{ RULES UP "[client b]\nkind = network\nip = 10.0.0.1\n",
	  "client b: ip is for kind = qube" },
	{ RULES UP "[client b]\nkind = network\nnet = 10.0.0.0/8\n",
	  "client b: gateway is not set" },
	{ RULES UP "[client b]\nkind = network\nnet = 10.0.0.0/8\n"
		   "gateway = 11.0.0.1\n",
	  "gateway: 11.0.0.1 is in none of its networks" },
	{ RULES UP "[client b]\nkind = network\nnet = fd00::/64\n",
	  "client b: gateway6 is not set" },
	{ "allow = work -> nas\n" RULES UP WORK,
	  "f.conf:1: allow: there is no client 'nas'" },
	{ "allow = work -> work\n" RULES UP WORK,
	  "f.conf:1: allow: a client needs no leave to reach itself" },
	{ "clients = 1\n" RULES UP WORK "[client b]\nip = 10.0.0.1\n",
	  "clients = 1, but 2 are described" },
	{ RULES "uplink.port = vif:0\nxen = on\n", NULL },
	{ RULES "uplink.port = vif:0\nuplink.gateway = 10.0.0.1\n"
		"xen = sim:/run/sim\n",
	  NULL },
	{ RULES "uplink.port = vif:0\n", "uplink.port: vif:0 needs xen = on" },
	/* as the appliance's settings have it, whatever the channel */
	{ RULES "qubes.serve = /run/q.sock\n" UP WORK, NULL },
	{ "xen = on\n" UP, "clients on Xen need rules: set rules = " },
	{ "qubes.channel = vchan\n" UP WORK, NULL },
	{ RULES "qubes.channel = vchan\n" UP WORK,
	  "(qubes.channel) or from a directory (rules), not from both" },
	{ RULES "qubes.channel = local\n" UP WORK, "remove one" },
	{ "xen = on\nxen.rules = on\nqubes.channel = vchan\n" UP,
	  "or from the XenStore (xen.rules), not from both" },
	{ "xen = on\nxen.rules = on\n" UP WORK, NULL },
	{ "xen = on\nxen.rules = on\nxen.netvm = 3\n", NULL },
	{ "xen = on\nxen.rules = on\nxen.netvm = 3\n" UP,
	  "xen.netvm and uplink.port are two uplinks" },
	{ RULES "xen.netvm = 3\n", "uplink.port is not set" },
	{ "xen = on\nxen.rules = on\nxen.netvm = gateway\n",
	  "xen.netvm = gateway needs uplink.gateway" },
	{ "xen = on\nxen.rules = on\nxen.netvm = gateway\n"
	  "uplink.gateway = 10.137.0.5\n",
	  NULL },
	{ "xen = on\nxen.rules = on\nxen.netvm = gateway\n"
	  "uplink.gateway6 = fe80::5\n",
	  NULL },
	{ "xen = on\nxen.rules = on\nxen.netvm = 10.137.0.5\n" UP,
	  "xen.netvm and uplink.port are two uplinks" },
	{ RULES "xen = on\n" UP "[client a]\nport = vif:1\n",
	  "clients on Xen are not described" },
	{ RULES "xen = on\nallow = vif3.0 -> vif4.0\n" UP, NULL },
	{ RULES "allow = vif3.0 -> vif4.0\n" UP,
	  "there is no client 'vif3.0'" },
};

static void settings_must_fit_together(void)
{
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		read_file_text(fits[i].text);
		snprintf(conf.file, sizeof(conf.file), "f.conf");
		CU_ASSERT_EQUAL(errors.n, 0);
		conf_check(&conf, CONF_RUN, &errors);
		CU_ASSERT_EQUAL(errors.n > 0, fits[i].says != NULL);
		if (fits[i].says)
			CU_ASSERT(says(fits[i].says));
	}
}

static void the_netvm_is_known_by_what_is_said(void)
{
	static const struct {
		const char *text;
		enum bus_netvm_by by;
		const char *addr;
	} row[] = {
		{ "", BUS_NETVM_NONE, NULL },
		{ "xen.netvm = none\n", BUS_NETVM_NONE, NULL },
		{ "xen.netvm = 7\n", BUS_NETVM_DOM, NULL },
		{ "xen.netvm = 10.137.0.5\n", BUS_NETVM_ADDR, "10.137.0.5" },
		{ "xen.netvm = fd00::5\n", BUS_NETVM_ADDR, "fd00::5" },
		{ "xen.netvm = 00:16:3e:00:00:05\n", BUS_NETVM_MAC, NULL },
		{ "xen.netvm = gateway\nuplink.gateway = 10.137.0.6\n"
		  "uplink.gateway6 = fd00::6\n",
		  BUS_NETVM_ADDR, "10.137.0.6" },
		{ "xen.netvm = gateway\nuplink.gateway6 = fd00::6\n",
		  BUS_NETVM_ADDR, "fd00::6" },
	};
	char text[512];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct bus_netvm *is = &conf.xen_netvm.is;

		snprintf(text, sizeof(text), "xen = on\nxen.rules = on\n%s",
			 row[i].text);
		read_file_text(text);
		CU_ASSERT_EQUAL(errors.n, 0);
		conf_check(&conf, CONF_RUN, &errors);
		CU_ASSERT_EQUAL(is->by, row[i].by);
		if (row[i].by == BUS_NETVM_DOM)
			CU_ASSERT_EQUAL(is->dom, 7);
		if (row[i].by == BUS_NETVM_MAC)
			CU_ASSERT_EQUAL(is->mac.b[5], 5);
		if (row[i].addr)
			CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &is->addr),
					       row[i].addr);
	}
}

static void in_a_simulated_xen_our_domain_is_known(void)
{
	read_file_text("xen = sim:/run/x\n" RULES UP);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_EQUAL(conf.xen_kind, CONF_XEN_SIM);
	CU_ASSERT_STRING_EQUAL(conf.xen_path, "/run/x");
	CU_ASSERT_EQUAL(conf.xen_self, XEN_SIM_FIREWALL);
}

static void a_replay_needs_no_ports(void)
{
	read_file_text("rules = /r\nuplink.ip = 192.0.2.2\n[client a]\n"
		       "ip = 10.0.0.1\nmac = 00:16:3e:00:00:01\n");
	conf_check(&conf, CONF_REPLAY, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL(errors.n, 2);
}

static void what_needs_a_restart_is_named(void)
{
	static struct conf was;
	char names[64];

	read_file_text(RULES UP WORK);
	was = conf;
	CU_ASSERT_EQUAL(conf_diff_fixed(&was, &conf, names, sizeof(names)), 0);
	CU_ASSERT_STRING_EQUAL(names, "");
	/* these may change while it runs */
	conf.client_n = 0;
	conf.uplink.fw.addr4.b[15]++;
	CU_ASSERT_EQUAL(conf_diff_fixed(&was, &conf, names, sizeof(names)), 0);
	conf.nat.flows++;
	conf.gid++;
	CU_ASSERT_EQUAL(conf_diff_fixed(&was, &conf, names, sizeof(names)), 2);
	CU_ASSERT_STRING_EQUAL(names, "nat.flows, user");
	CU_ASSERT_EQUAL(conf_diff_fixed(&was, &conf, names, 4), 2);
}

/* ---- what it prints -------------------------------------------------------*/

static char *printed(void (*print)(FILE *f))
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CU_ASSERT_FATAL(f != NULL);
	print(f);
	fclose(f);
	return text;
}

static void every_setting_is_printed_once(void)
{
	char *text = printed(conf_print_settings);
	uint32_t lines = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	CU_ASSERT_EQUAL(lines, conf_global_n + conf_client_n);
	CU_ASSERT(!!strstr(text, "nat.flows\t16 to 1048576\t65536\tFlows"));
	CU_ASSERT(!!strstr(text, "\nclient.NAME.port\ttap:NAME, "));
	free(text);
}

static void help_fits_a_terminal(void)
{
	char *text = printed(conf_print_help);

	CU_ASSERT(!!strstr(text, "  --client.NAME.kind=\n"));
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");

		CU_ASSERT(len <= 80);
		p += len + 1;
	}
	free(text);
}

static void names_are_told_from_other_words(void)
{
	CU_ASSERT(conf_is_setting("nat.flows", 9));
	CU_ASSERT(conf_is_setting("client.x.ip", 11));
	CU_ASSERT(!conf_is_setting("help", 4));
	CU_ASSERT(!conf_is_setting("client.x.", 9));
	CU_ASSERT(!conf_is_setting("client.", 7));
}

/* ---- what we ship ---------------------------------------------------------*/

static void starts_with(const char *kernelopts, size_t len)
{
	start();
	conf_read_file(&conf, "contrib/appliance/vifwall.conf", &errors);
	conf_read_cmdline(&conf, kernelopts, len, &errors);
	conf_check(&conf, CONF_RUN, &errors);
	if (errors.n)
		fprintf(stderr, "%.*s: %s\n", (int)len, kernelopts,
			errors.text);
	CU_ASSERT_EQUAL(errors.n, 0);
}

/* Tries what stands between quotes behind each "kernelopts"; how many. */
static uint32_t try_kernelopts(const char *path)
{
	static const char word[] = "kernelopts";
	static char text[1u << 16];
	FILE *f = fopen(path, "r");
	uint32_t n = 0;

	CU_ASSERT_FATAL(f != NULL);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (char *at = text; (at = strstr(at, word)) != NULL;) {
		char *value, *end;

		at += strlen(word);
		/* kernelopts='...' in a shell, 'kernelopts': '...' in Salt */
		value = at + strspn(at, "=': ");
		end = value + strcspn(value, "'\n");
		if (value == at || value[-1] != '\'' || *end != '\'')
			continue;
		starts_with(value, (size_t)(end - value));
		n++;
		at = end;
	}
	return n;
}

static void the_appliance_starts_as_its_documents_and_salt_install_it(void)
{
	CU_ASSERT_EQUAL(try_kernelopts("contrib/salt/vifwall/map.jinja"), 1);
	CU_ASSERT_EQUAL(try_kernelopts("docs/INSTALL-qubes.md"), 2);
	/* a plain Xen */
	starts_with("vifwall.xen.rules=on", 20);
}

UNIT_SUITE(conf, UNIT(every_setting_takes_good_values_and_refuses_bad_ones),
	   UNIT(no_setting_is_left_out_of_that_table),
	   UNIT(every_setting_has_a_sentence_and_says_what_it_takes),
	   UNIT(built_in_values_are_those_of_the_translator),
	   UNIT(built_in_values_are_the_documented_ones),
	   UNIT(a_whole_file_is_understood),
	   UNIT(errors_name_the_file_and_the_line),
	   UNIT(all_errors_of_a_file_are_reported),
	   UNIT(more_errors_than_fit_are_counted),
	   UNIT(an_unknown_setting_gets_the_nearest_name),
	   UNIT(a_far_name_gets_no_suggestion),
	   UNIT(a_setting_given_twice_in_a_file_is_refused),
	   UNIT(allow_may_be_given_many_times),
	   UNIT(openings_are_kept_with_their_lines),
	   UNIT(what_is_wrong_in_an_opening_has_line_and_column),
	   UNIT(openings_come_by_the_kernel_command_line_too),
	   UNIT(too_many_openings_are_refused),
	   UNIT(too_many_pairs_and_clients_are_refused),
	   UNIT(D10_foreign_bytes_in_errors_are_escaped),
	   UNIT(a_line_without_end_is_refused_and_the_next_is_read),
	   UNIT(later_sources_win),
	   UNIT(quotes_on_the_kernel_command_line_group_blanks),
	   UNIT(the_kernel_command_line_of_mirage_is_understood),
	   UNIT(options_of_mirage_replace_what_the_file_said_and_are_checked),
	   UNIT(a_small_machine_has_small_tables_built_in),
	   UNIT(dom0_may_say_who_we_are_while_we_run),
	   UNIT(errors_on_the_kernel_command_line_name_it),
	   UNIT(a_file_is_read_from_disk), UNIT(settings_must_fit_together),
	   UNIT(the_netvm_is_known_by_what_is_said),
	   UNIT(in_a_simulated_xen_our_domain_is_known),
	   UNIT(a_replay_needs_no_ports), UNIT(what_needs_a_restart_is_named),
	   UNIT(every_setting_is_printed_once), UNIT(help_fits_a_terminal),
	   UNIT(names_are_told_from_other_words),
	   UNIT(the_appliance_starts_as_its_documents_and_salt_install_it))
