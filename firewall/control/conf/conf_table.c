/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "firewall/control/conf/conf_table.h"
#include "firewall/linux/isolate.h"
#include "firewall/linux/log.h"

static_assert(offsetof(struct conf, gid) == offsetof(struct conf, uid) + 4,
	      "conf_user writes both");
static_assert(offsetof(struct conf, xen_path) ==
		      offsetof(struct conf, xen_kind) + 1,
	      "conf_xen writes both");
static_assert(offsetof(struct nat_conf, port_hi) ==
		      offsetof(struct nat_conf, port_lo) + 2,
	      "conf_port_range writes both");

static const struct conf_word reject_words[] = {
	{ "icmp", CONF_REJECT_ICMP },
	{ "rst", CONF_REJECT_RST },
	{ "silent", CONF_REJECT_SILENT },
	{ NULL, 0 },
};
static const struct conf_word kind_words[] = {
	{ "qube", FW_QUBE },
	{ "network", FW_NETWORK },
	{ NULL, 0 },
};
static const struct conf_word rules_words[] = {
	{ "tree", CONF_RULES_TREE },
	{ "accept", CONF_RULES_ACCEPT },
	{ NULL, 0 },
};
static const struct conf_word switch_words[] = {
	{ "off", 0 },
	{ "on", 1 },
	{ NULL, 0 },
};
static const struct conf_word clock_words[] = {
	{ "system", CONF_CLOCK_SYSTEM },
	{ "dom0", CONF_CLOCK_DOM0 },
	{ NULL, 0 },
};
static const struct conf_word through_words[] = {
	{ "auto", CONF_THROUGH_AUTO },
	{ "host", CONF_THROUGH_HOST },
	{ "uplink", CONF_THROUGH_UPLINK },
	{ NULL, 0 },
};
static const struct conf_word unresolved_words[] = {
	{ "closed", 0 },
	{ "pass", 1 },
	{ NULL, 0 },
};
static const struct conf_word level_words[] = {
	{ "err", LOG_LEVEL_ERR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DBG },
	{ NULL, 0 },
};
static const struct conf_word target_words[] = {
	{ "stderr", LOG_TO_STDERR },
	{ "syslog", LOG_TO_SYSLOG },
	{ "kmsg", LOG_TO_KMSG },
	{ NULL, 0 },
};
static const struct conf_word sandbox_words[] = {
	{ "on", ISOLATE_ON },
	{ "trace", ISOLATE_TRACE },
	{ "off", ISOLATE_OFF },
	{ NULL, 0 },
};

static const struct conf_word host_words[] = {
	{ "on", CONF_HOST_ON },
	{ "check", CONF_HOST_CHECK },
	{ "off", CONF_HOST_OFF },
	{ NULL, 0 },
};

#define AT(field) offsetof(struct conf, field)
#define LIVE CONF_F_LIVE

/* name, type, offset, built-in value, lowest, highest, words, flags, help */
#define ROW(n, t, o, d, l, h, w, f, text)                                 \
	{                                                                 \
		.name = (n), .type = &(t), .dflt = (d), .help = (text),   \
		.off = (uint32_t)(o), .lo = (l), .hi = (h), .words = (w), \
		.flags = (f)                                              \
	}
#define NUM32(n, o, d, l, h, text) \
	ROW(n, conf_u32, AT(o), d, l, h, NULL, 0, text)
#define TIME(n, i, d, text)                                                    \
	ROW("nat.timeout." n, conf_duration, AT(nat.timeout_ms[NAT_T_##i]), d, \
	    1, 30 * 86400, NULL, 0, text)
#define HOST(n, t, o, net, text)                                        \
	{                                                               \
		.name = (n), .type = &(t), .help = (text),              \
		.off = (uint32_t)AT(o), .count_off = (uint32_t)AT(net), \
		.flags = LIVE                                           \
	}

const struct conf_row conf_global[] = {
	ROW("uplink.port", conf_port, AT(uplink.port), NULL, 0, 0, NULL, 0,
	    "Where the outside is."),
	HOST("uplink.ip", conf_host4, uplink.fw.addr4, uplink.fw.net4,
	     "Our IPv4 address outside, with its network's length; without "
	     "a length the link is point to point."),
	HOST("uplink.ip6", conf_host6, uplink.fw.addr6, uplink.fw.net6,
	     "Our IPv6 address outside, with its network's length."),
	ROW("uplink.gateway", conf_addr4, AT(uplink.fw.gateway4), NULL, 0, 0,
	    NULL, LIVE, "Next hop for IPv4 that is not on the link."),
	ROW("uplink.gateway6", conf_addr6, AT(uplink.fw.gateway6), NULL, 0, 0,
	    NULL, LIVE, "Next hop for IPv6 that is not on the link."),
	ROW("uplink.default-route", conf_bool, AT(uplink.default_route), "yes",
	    0, 0, NULL, LIVE,
	    "Whether anything beyond the link is reached, by the next hop."),
	ROW("uplink.gateway-mac", conf_mac_auto, AT(uplink.fw.gateway_mac),
	    "auto", 0, 0, NULL, LIVE,
	    "The next hop's MAC address; auto asks for it by ARP and ND."),
	ROW("uplink.mac", conf_mac_auto, AT(uplink.mac), "auto", 0, 0, NULL, 0,
	    "Our MAC address outside; auto takes the interface's, or makes "
	    "one from the TAP device's."),
	ROW("uplink.mtu", conf_mtu, AT(uplink.mtu), "auto", 576, 65535, NULL, 0,
	    "Largest IP packet sent outside; auto is the device's."),

	ROW("rules", conf_path, AT(rules), NULL, 0, 0, NULL, 0,
	    "Directory with the clients' rules, laid out as in QubesDB; not "
	    "beside qubes.channel."),
	ROW("allow", conf_allow_pair, 0, NULL, 0, 0, NULL, LIVE | CONF_F_REPEAT,
	    "The first client may open flows to the second; may be given "
	    "many times."),
	ROW("forward", conf_forward, 0, NULL, 0, 0, NULL, LIVE | CONF_F_REPEAT,
	    "Lets somebody reach a client who asks for a port of our outside "
	    "address, or one client another; may be given many times."),
	ROW("set", conf_set_of, 0, NULL, 0, 0, NULL, LIVE | CONF_F_REPEAT,
	    "A named set of addresses, from a file or as it stands here, for "
	    "rules of profiles; may be given many times."),
	ROW("profile", conf_profile, AT(profile), NULL, 0, 0, NULL, LIVE,
	    "The profile of all clients of which nothing else is said: rules "
	    "that are asked before a client's own and can only refuse."),
	ROW("profile.rule", conf_profile_rule, 0, NULL, 0, 0, NULL,
	    LIVE | CONF_F_REPEAT,
	    "Adds to a profile; may be given many times."),
	ROW("profile.use", conf_profile_use, 0, NULL, 0, 0, NULL,
	    LIVE | CONF_F_REPEAT,
	    "The profile of clients, by name or address; may be given many "
	    "times, the last that names a client counts."),
	{ .name = "dns",
	  .type = &conf_addrs,
	  .help = "Name servers; with dns.virtual what specialtarget=dns "
		  "stands "
		  "for.",
	  .off = (uint32_t)AT(dns),
	  .count_off = (uint32_t)AT(dns_n),
	  .hi = CONF_DNS,
	  .flags = LIVE },
	{ .name = "dns.virtual",
	  .type = &conf_addrs,
	  .help = "Addresses that clients take for name servers: what they "
		  "send "
		  "there goes to those of dns, and is refused when there are "
		  "none.",
	  .off = (uint32_t)AT(dns_virtual),
	  .count_off = (uint32_t)AT(dns_virtual_n),
	  .hi = CONF_DNS,
	  .flags = LIVE },
	ROW("names", conf_word, AT(names.on), "on", 0, 0, switch_words, 0,
	    "Host names in rules (dsthost) are resolved."),
	{ .name = "names.servers",
	  .type = &conf_addrs,
	  .help = "Name servers that are asked; those of dns unless set, else "
		  "those of the machine.",
	  .off = (uint32_t)AT(names.server),
	  .count_off = (uint32_t)AT(names.server_n),
	  .hi = CONF_DNS,
	  .flags = LIVE },
	ROW("names.through", conf_word, AT(names.through), "auto", 0, 0,
	    through_words, LIVE,
	    "Name servers are asked by the machine's own network, or by the "
	    "uplink; auto is the uplink if that is on Xen."),
	ROW("names.answers", conf_word, AT(names.answers), "on", 0, 0,
	    switch_words, LIVE,
	    "What our name servers tell a client about a name in its rules "
	    "counts for that client."),
	ROW("names.unresolved-drop", conf_word, AT(names.pass_unresolved),
	    "closed", 0, 0, unresolved_words, LIVE,
	    "A drop rule whose name has no known address refuses every "
	    "address, or none."),
	ROW("names.ttl-min", conf_duration, AT(names.floor_ms), "30s", 1, 86400,
	    NULL, LIVE, "An address is good for at least that long."),
	ROW("names.ttl-max", conf_duration, AT(names.cap_ms), "24h", 1,
	    30 * 86400, NULL, LIVE,
	    "After that long a name is asked for again, whatever its TTL."),
	ROW("names.grace", conf_duration, AT(names.grace_ms), "1h", 1,
	    30 * 86400, NULL, LIVE,
	    "How long an address stays good after its TTL."),
	ROW("clients", conf_u16, AT(clients), "64", 1, 1023, NULL, 0,
	    "Clients that there may be at one time, now and after reloads."),

	ROW("reject", conf_word, AT(reject), "icmp", 0, 0, reject_words, 0,
	    "Answer to a client whose packet a rule refuses: an ICMP error, "
	    "a TCP reset (ICMP for the rest), or none."),
	NUM32("answers.rate", answers_per_s, "100", 1, 100000,
	      "Errors and resets sent to one client in a second."),
	NUM32("answers.burst", answers_burst, "50", 1, 100000,
	      "Errors and resets sent to one client at once."),

	ROW("hairpin", conf_bool, AT(hairpin), "no", 0, 0, NULL, 0,
	    "Clients that are allowed both ways may also reach each other by "
	    "our outside address, at ports that each opened to the other."),

	ROW("mss.clamp", conf_mss, AT(mss), "path", 536, 65495, NULL, 0,
	    "Largest TCP segment that a SYN may ask for: path is what fits "
	    "the links of both ends, a number at most that, too."),

	NUM32("nat.flows", nat.flows, "65536", 16, 1u << 20,
	      "Flows in the table, of all clients together."),
	ROW("nat.ports", conf_port_range, AT(nat.port_lo), "1024-65535", 1,
	    65535, NULL, 0, "Outside ports that flows may be given."),
	ROW("nat.preserve", conf_bool, AT(nat.preserve), "no", 0, 0, NULL, 0,
	    "Give a flow the outside port that it has inside, when free; "
	    "lets clients guess each other's ports."),
	ROW("nat.overload-udp", conf_bool, AT(nat.overload_udp), "no", 0, 0,
	    NULL, 0,
	    "Share outside UDP ports between remote ends when none is left."),
	TIME("tcp-syn", TCP_SYN, "240s", "A TCP flow that is not yet open."),
	TIME("tcp", TCP_EST, "86400s", "An open TCP flow."),
	TIME("tcp-fin", TCP_FIN_ONE, "900s", "A TCP flow closed by one end."),
	TIME("tcp-closed", TCP_CLOSED, "240s",
	     "A TCP flow closed by both ends, or reset."),
	TIME("udp-oneway", UDP_ONEWAY, "120s", "A UDP flow without answer."),
	TIME("udp", UDP_BOTH, "300s", "A UDP flow with packets both ways."),
	TIME("udp-dns", UDP_DNS, "30s", "A UDP flow to port 53, answered."),
	TIME("icmp", ICMP, "60s", "An ICMP query."),
	TIME("port-hold", PORT_HOLD, "120s",
	     "How long a freed outside port is kept from other clients."),

	NUM32("quota.flows", nat.quota.flows, "0", 0, 1u << 20,
	      "Flows of one client; 0: as many as the table's shares allow."),
	NUM32("quota.half-open", nat.quota.half_open, "1024", 1, 1u << 20,
	      "TCP flows of one client that are not yet open."),
	NUM32("quota.udp-oneway", nat.quota.udp_oneway, "4096", 1, 1u << 20,
	      "UDP flows of one client without answer."),
	NUM32("quota.icmp", nat.quota.icmp, "256", 1, 1u << 20,
	      "ICMP queries of one client."),
	ROW("quota.ports", conf_u16, AT(nat.quota.ports), "0", 0, 65535, NULL,
	    0,
	    "Outside ports of one client; 0: as many as their shares allow."),
	NUM32("quota.new-rate", nat.quota.new_per_s, "1000", 1, 10000000,
	      "Flows that one client may open in a second."),
	NUM32("quota.new-burst", nat.quota.new_burst, "4096", 1, 10000000,
	      "Flows that one client may open at once."),

	NUM32("buffers.small", small_n, "2048", 256, 1u << 20,
	      "Packet buffers of 2 KiB."),
	NUM32("buffers.large", large_n, "64", 16, 1u << 16,
	      "Packet buffers of 66 KiB."),
	NUM32("buffers.ring", room.ring, "1024", 32, 65536,
	      "Frames of 2 KiB in the receive ring of each packet socket."),
	NUM32("buffers.queue", room.queue, "8192", 256, 1u << 20,
	      "KiB of larger frames that may wait in a packet socket, each "
	      "way; taken when they come."),
	ROW("buffers.prefault", conf_bool, AT(prefault), "no", 0, 0, NULL, 0,
	    "Take the memory of all buffers at start, not when they are first "
	    "used."),
	NUM32("busy-poll", busy_us, "50", 0, 1000,
	      "Microseconds that the data process looks for more packets "
	      "before it sleeps, when they come in quick succession; does "
	      "nothing on a machine with one processor."),
	NUM32("neighbours", neighbours, "1024", 16, 65536,
	      "Neighbours kept for the uplink and for networks."),

	{ .name = "xen",
	  .type = &conf_xen,
	  .dflt = "off",
	  .help = "Whether clients come by Xen's virtual interfaces; sim is a "
		  "simulated Xen that is hosted in that directory.",
	  .off = (uint32_t)AT(xen_kind) },
	ROW("xen.netvm", conf_netvm, AT(xen_netvm), "none", 0, 32751, NULL, 0,
	    "The client that is our uplink, in place of uplink.port: by an "
	    "address or the MAC address that dom0 gives its vif; gateway: "
	    "by uplink.gateway; or by its number, which is another one after "
	    "each start of it."),
	ROW("xen.rules", conf_word, AT(xen_rules), "off", 0, 0, switch_words, 0,
	    "Rules come from vifwall/ in our own directory of the XenStore."),
	ROW("xen.gateway", conf_addr4, AT(xen_gateway4), NULL, 0, 0, NULL, LIVE,
	    "Our IPv4 address towards clients on Xen; our outside address "
	    "unless set."),
	ROW("xen.gateway6", conf_addr6, AT(xen_gateway6), NULL, 0, 0, NULL,
	    LIVE, "Our IPv6 address towards clients on Xen, likewise."),
	ROW("xen.quarantine", conf_u16, AT(xen_quarantine), "3", 0, 1000, NULL,
	    0,
	    "A client on Xen whose frames or rings were being handled so often "
	    "when packet handling crashed, with a minute between two at most, "
	    "stays closed; 0: never."),

	{ .name = "qubes.channel",
	  .type = &conf_channel,
	  .dflt = "off",
	  .help = "How dom0 is reached, in whose QubesDB our rules are then: "
		  "by Xen's rings; by the qubesdb-daemon of a Linux qube, at "
		  "its socket; or for tests by Unix sockets, as domain N.",
	  .off = (uint32_t)AT(qubes) },

	ROW("qubes.serve", conf_path, AT(qubes_serve), NULL, 0, 0, NULL, 0,
	    "Where everybody in this machine may read what we know of "
	    "QubesDB, as from the qubesdb-daemon of a Linux qube; nothing is "
	    "served without qubes.channel."),
	ROW("qubes.serve-writes", conf_bool, AT(qubes_serve_writes), "no", 0, 0,
	    NULL, 0, "Everybody there may change it, too."),

	ROW("qubes.clock", conf_word, AT(qubes_clock), "system", 0, 0,
	    clock_words, 0,
	    "Who keeps this machine's clock: its own system, or dom0, which "
	    "then sets it by qrexec."),

	ROW("control.socket", conf_path, AT(socket), "/run/vifwall/ctl.sock", 0,
	    0, NULL, 0, "Where vifwallctl finds the daemon."),
	ROW("control.group", conf_group, AT(socket_gid), NULL, 0, 0, NULL, 0,
	    "Group that may use the socket beside the owner."),
	ROW("log.level", conf_word, AT(log_level), "info", 0, 0, level_words, 0,
	    "Least important kind of line that is logged."),
	ROW("log.target", conf_word, AT(log_target), "stderr", 0, 0,
	    target_words, 0, "Where log lines go."),
	ROW("user", conf_user, AT(uid), "65534:65534", 0, 0, NULL, 0,
	    "Who handles packets; does nothing unless started as root."),
	ROW("sandbox", conf_word, AT(sandbox), "on", 0, 0, sandbox_words, 0,
	    "Kill a process that makes a system call it never needs; trace "
	    "only logs it."),
	ROW("host.rules", conf_word, AT(host_rules), "on", 0, 0, host_words, 0,
	    "Rules in this machine's own packet filter, so that its kernel "
	    "does not act beside us: keep them in force, only check that they "
	    "are there, or neither."),
	ROW("run-dir", conf_run_dir, AT(run_dir), "/run/vifwall", 0, 0, NULL, 0,
	    "Directory of the lock that keeps a second instance out."),
};

#undef AT
#define AT(field) offsetof(struct conf_client, field)
#define QUOTA(n, t, o, h, text)                                               \
	ROW(CONF_CLIENT_PATTERN n, t, AT(fw.quota.o), NULL, 1, h, NULL, LIVE, \
	    text)
#define LIST(n, t, o, count, text)                                           \
	{                                                                    \
		.name = CONF_CLIENT_PATTERN n, .type = &(t), .help = (text), \
		.off = (uint32_t)AT(o), .count_off = (uint32_t)AT(count),    \
		.hi = FW_CLIENT_ADDRS, .flags = LIVE                         \
	}

const struct conf_row conf_client[] = {
	ROW(CONF_CLIENT_PATTERN "port", conf_port, AT(port), NULL, 0, 0, NULL,
	    LIVE, "Where the client is."),
	ROW(CONF_CLIENT_PATTERN "kind", conf_word, AT(fw.kind), "qube", 0, 0,
	    kind_words, LIVE,
	    "One machine with addresses of its own, or a network of many."),
	LIST("ip", conf_addrs, fw.addr, fw.addr_n,
	     "A qube's addresses; the first of each family names its rules."),
	LIST("net", conf_nets, fw.net, fw.net_n,
	     "A network's prefixes; the first of each family names its "
	     "rules."),
	ROW(CONF_CLIENT_PATTERN "gateway", conf_addr4, AT(fw.gateway4), NULL, 0,
	    0, NULL, LIVE,
	    "Our IPv4 address on the client's link; a qube's is our "
	    "outside address unless set."),
	ROW(CONF_CLIENT_PATTERN "gateway6", conf_addr6, AT(fw.gateway6), NULL,
	    0, 0, NULL, LIVE,
	    "Our IPv6 address on the client's link, likewise."),
	ROW(CONF_CLIENT_PATTERN "mac", conf_mac, AT(fw.mac), NULL, 0, 0, NULL,
	    LIVE, "The MAC address that a qube must use."),
	ROW(CONF_CLIENT_PATTERN "our-mac", conf_mac, AT(our_mac),
	    "fe:ff:ff:ff:ff:ff", 0, 0, NULL, LIVE,
	    "Our MAC address on the client's link."),
	ROW(CONF_CLIENT_PATTERN "mtu", conf_mtu, AT(mtu), "auto", 576, 65535,
	    NULL, LIVE,
	    "Largest IP packet sent to the client; auto is the device's."),
	ROW(CONF_CLIENT_PATTERN "rules", conf_word, AT(rules), "tree", 0, 0,
	    rules_words, LIVE,
	    "By the rules directory, or none: all may go outside."),
	ROW(CONF_CLIENT_PATTERN "profile", conf_profile, AT(fw.profile), NULL,
	    0, 0, NULL, LIVE,
	    "Its profile, whatever profile and profile.use say; none is "
	    "none."),
	QUOTA("flows", conf_u32, flows, 1u << 20, "As quota.flows."),
	QUOTA("half-open", conf_u32, half_open, 1u << 20,
	      "As quota.half-open."),
	QUOTA("udp-oneway", conf_u32, udp_oneway, 1u << 20,
	      "As quota.udp-oneway."),
	QUOTA("icmp", conf_u32, icmp, 1u << 20, "As quota.icmp."),
	QUOTA("ports", conf_u16, ports, 65535, "As quota.ports."),
	QUOTA("new-rate", conf_u32, new_per_s, 10000000, "As quota.new-rate."),
	QUOTA("new-burst", conf_u32, new_burst, 10000000,
	      "As quota.new-burst."),
};

const uint32_t conf_global_n = sizeof(conf_global) / sizeof(conf_global[0]);
const uint32_t conf_client_n = sizeof(conf_client) / sizeof(conf_client[0]);

static_assert(sizeof(conf_global) / sizeof(conf_global[0]) <= CONF_GLOBAL_MAX,
	      "room to remember where each was set");
static_assert(sizeof(conf_client) / sizeof(conf_client[0]) <= CONF_CLIENT_MAX,
	      "room to remember where each was set");

static const char *word_list(char out[CONF_ALLOWED_MAX],
			     const struct conf_word *w)
{
	size_t n = 0;

	for (; w->word; w++)
		n += (size_t)snprintf(out + n, CONF_ALLOWED_MAX - n, "%s%s",
				      n ? ", " : "", w->word);
	return out;
}

const char *conf_allowed(char out[CONF_ALLOWED_MAX], const struct conf_row *row)
{
	const struct conf_type *t = row->type;
	const char *before = "", *between = " to ", *after = "";

	if (t->allowed)
		return t->allowed;
	if (row->words)
		return word_list(out, row->words);
	if (t == &conf_duration) {
		between = "s to ";
		after = "s; units s, m, h, d";
	} else if (t == &conf_port_range) {
		before = "LOW-HIGH within ";
		between = "-";
	} else if (t == &conf_mtu) {
		before = "auto, ";
	} else if (t == &conf_mss) {
		before = "path, off, ";
	}
	snprintf(out, CONF_ALLOWED_MAX, "%s%" PRIu64 "%s%" PRIu64 "%s", before,
		 row->lo, between, row->hi, after);
	return out;
}

void conf_row_default(const struct conf_row *row, void *base)
{
	int err;

	if (!row->dflt)
		return;
	err = row->type->parse(row, base, row->dflt, strlen(row->dflt));
	vw_assert(!err);
}
