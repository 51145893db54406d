/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONF_CONF_H
#define VIFWALL_FIREWALL_CONTROL_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "firewall/linux/link.h"
#include "firewall/share/fw_forward.h"
#include "firewall/share/fw_types.h"
#include "nat/nat.h"
#include "packet/pkt_assert.h"
#include "packet/pkt_addr.h"
#include "rules/profile.h"
#include "xen/bus/bus.h"
#include "xen/qubes/chan_unix.h"

/*
 * The settings of the daemon.
 *
 * There is one table of them (conf_table.c).  It serves the command line
 * (--nat.flows=4096), the file (nat.flows = 4096, or flows = 4096 below
 * [nat]), the kernel command line (vifwall.nat.flows=4096), the built-in
 * values, --help, and the check of vifwall.conf(5).  Later sources win:
 * built-in, QubesDB (control/qubes/qubes_keys.h), file, kernel command line,
 * command line.
 *
 * struct conf is plain bytes without pointers, so that it can be handed to
 * another process as it is.
 */
#define CONF_CLIENTS 256u /* clients that can be configured */
#define CONF_ALLOWS 256u
#define CONF_FORWARDS 128u
#define CONF_DNS 4u
#define CONF_SETS 32u
#define CONF_PROFILE_RULES 128u
#define CONF_PROFILE_USES 128u
#define CONF_PROFILE_NONE "none" /* no profile, whatever others have */
#define CONF_PATH_MAX 108u	 /* with its NUL; as long as a Unix socket's */
#define CONF_RUN_DIR_MAX 64u
#define CONF_IF_MAX 16u /* IFNAMSIZ */
#define CONF_LINE_MAX 1024u
#define CONF_OPTIONS_MAX 4096u
#define CONF_TOLD_MAX 16384u
#define CONF_FILE_DEFAULT "/etc/vifwall/vifwall.conf"
#define CONF_FILE_MAX (1024u * 1024)

enum conf_port_kind {
	CONF_PORT_NONE,
	CONF_PORT_TAP,
	CONF_PORT_PACKET,
	CONF_PORT_VIF, /* of the uplink: our frontend device/vif/<handle> */
};

struct conf_port {
	uint16_t kind;		/* enum conf_port_kind */
	uint16_t handle;	/* CONF_PORT_VIF */
	char name[CONF_IF_MAX]; /* CONF_PORT_VIF: as it was given */
};

/* Which Xen our rings are in. */
enum conf_xen {
	CONF_XEN_OFF,
	CONF_XEN_ON,
	CONF_XEN_SIM, /* a simulated one (xen/sim_link.h) */
};

/* The client that is our network domain. */
struct conf_netvm {
	bool gateway; /* whoever has uplink.gateway; conf_check() fills in .is
		       */
	struct bus_netvm is;
};

/* Rules in this machine's own packet filter. */
enum conf_host_rules { CONF_HOST_OFF, CONF_HOST_ON, CONF_HOST_CHECK };

/* What carries our channels to dom0 and to other domains (xen/qubes/chan.h). */
enum conf_channel {
	CONF_CHANNEL_OFF,
	CONF_CHANNEL_VCHAN,
	CONF_CHANNEL_UNIX,
	CONF_CHANNEL_LOCAL, /* QubesDB alone, of a daemon in this machine */
};
#define CONF_QUBESDB "/var/run/qubes/qubesdb.sock"

/* Who keeps this machine's clock right (qubes.SetDateTime). */
enum conf_clock { CONF_CLOCK_SYSTEM, CONF_CLOCK_DOM0 };

struct conf_qubes {
	uint8_t channel; /* enum conf_channel */
	/* CONF_CHANNEL_UNIX: the directory; CONF_CHANNEL_LOCAL: the socket */
	char dir[CHAN_UNIX_DIR_MAX];
	uint16_t self; /* CONF_CHANNEL_UNIX: our domain */
};

enum conf_reject { CONF_REJECT_ICMP, CONF_REJECT_RST, CONF_REJECT_SILENT };

/* Where a client's rules come from. */
enum conf_rules {
	CONF_RULES_TREE,   /* the rules directory, by address */
	CONF_RULES_ACCEPT, /* none: it may open flows to anywhere outside */
};

/* Whose network name servers are asked by. */
enum conf_through {
	CONF_THROUGH_AUTO, /* the uplink's if that is on Xen's rings */
	CONF_THROUGH_HOST,
	CONF_THROUGH_UPLINK,
};

/* Host names in rules. */
struct conf_names {
	bool on;
	bool answers;	      /* what clients are told counts, too */
	bool pass_unresolved; /* see struct rule_env */
	uint8_t through;      /* enum conf_through */
	uint8_t server_n;     /* 0: those of conf.dns, or the machine's */
	uint32_t floor_ms, cap_ms, grace_ms;
	struct pkt_addr server[CONF_DNS];
};

struct conf_uplink {
	struct conf_port port;
	struct pkt_mac mac; /* ours; zero: the device's, or made from it */
	uint16_t mtu;	    /* 0: the device's */
	bool default_route; /* else the gateway is reached, and nothing by it */
	struct fw_uplink fw;
};

struct conf_client {
	struct conf_port port;
	struct pkt_mac our_mac; /* ours on its link */
	uint16_t mtu;		/* 0: the device's */
	uint8_t rules;		/* enum conf_rules */
	uint32_t line;		/* of the file, where it is first named */
	struct fw_client fw;
};

struct conf_allow {
	char from[FW_NAME_MAX], to[FW_NAME_MAX];
	uint32_t line;
};

struct conf_forward {
	struct fw_forward fw;
	uint32_t line; /* of the file; 0: of a command line */
};

/* A named set of addresses: a file's path, or the prefixes themselves. */
struct conf_set_of {
	char name[ADDR_SET_NAME_MAX];
	char text[256];
	uint32_t line;
};

struct conf_profile_rule {
	char profile[PROFILE_NAME_MAX];
	char text[PROFILE_TEXT_MAX + 1];
	uint32_t line;
};

struct conf_profile_use {
	char who[PKT_ADDR_TEXT]; /* a client's name or an address of its */
	char profile[PROFILE_NAME_MAX];
	uint32_t line;
};

struct conf {
	struct conf_uplink uplink;
	uint16_t client_n, allow_n, forward_n;
	uint8_t dns_n;
	uint8_t dns_virtual_n;
	struct pkt_addr dns[CONF_DNS];	       /* name servers */
	struct pkt_addr dns_virtual[CONF_DNS]; /* what clients take for them */
	struct conf_names names;
	char rules[CONF_PATH_MAX]; /* empty: no rules directory */
	struct nat_conf nat;	   /* keys and seeds stay zero */
	uint16_t clients;	   /* client numbers are 1 .. clients */
	uint8_t reject;		   /* enum conf_reject */
	bool hairpin;
	uint16_t mss; /* as fw_conf.mss; UINT16_MAX: only what fits */
	uint32_t answers_per_s, answers_burst;
	uint32_t small_n, large_n, neighbours;
	struct link_room room; /* of each packet socket */
	uint32_t busy_us;
	bool prefault;
	uint8_t xen_kind;	      /* enum conf_xen */
	char xen_path[CONF_PATH_MAX]; /* CONF_XEN_SIM: its directory */
	uint16_t xen_self;	      /* CONF_XEN_SIM: our domain there */
	struct conf_netvm xen_netvm;  /* the client that is our uplink */
	uint8_t xen_rules;	      /* 1: rules come from the XenStore too */
	uint16_t xen_quarantine;      /* crashes that close a vif; 0: none do */
	struct pkt_addr xen_gateway4, xen_gateway6; /* ours to vifs, or zero */
	struct conf_qubes qubes;
	uint8_t qubes_clock;		 /* enum conf_clock */
	char qubes_serve[CONF_PATH_MAX]; /* empty: nobody is served */
	bool qubes_serve_writes;
	uint64_t memory_kib; /* when the built-in sizes were made for it */
	/* lines that QubesDB says, below all other sources, for conf_again() */
	char told[CONF_TOLD_MAX];
	uint16_t told_len;
	char socket[CONF_PATH_MAX];
	uint32_t socket_gid; /* 0: none; its members may ask */
	uint8_t log_level;   /* enum log_level */
	uint8_t log_target;  /* enum log_target */
	uint32_t uid, gid;   /* what the data process becomes */
	uint8_t sandbox;     /* enum isolate_mode */
	uint8_t host_rules;  /* enum conf_host_rules */
	char run_dir[CONF_RUN_DIR_MAX];
	char file[CONF_PATH_MAX]; /* that was read; empty: none */
	/* NAME=VALUE, each with its NUL, as the command line had them */
	char option[CONF_OPTIONS_MAX];
	uint16_t option_len;
	struct conf_allow allow[CONF_ALLOWS];
	struct conf_forward forward[CONF_FORWARDS];
	char profile[PROFILE_NAME_MAX]; /* of all clients; empty: none */
	uint16_t set_n, profile_rule_n, profile_use_n;
	struct conf_set_of set[CONF_SETS];
	struct conf_profile_rule profile_rule[CONF_PROFILE_RULES];
	struct conf_profile_use profile_use[CONF_PROFILE_USES];
	struct conf_client client[CONF_CLIENTS];
};

/*
 * What was wrong, one line each:
 *
 *	FILE:LINE: NAME: 'VALUE' is not a number; allowed: 16 to 1048576
 *	FILE:LINE:COLUMN: NAME: what is allowed there
 *
 * Foreign bytes in it are escaped.  All errors of a source are collected.
 */
#define CONF_ERRORS_TEXT 8192u
struct conf_errors {
	uint32_t n;
	size_t len;
	char text[CONF_ERRORS_TEXT]; /* lines, NUL at the end */
};

/* What is built in; sizes are smaller where there is little memory. */
void conf_default(struct conf *c);

/*
 * Sources.  Each adds to @e and goes on; nothing was wrong when e->n stays as
 * it was.  @name stands for the source in the lines.
 */
void conf_read_file(struct conf *c, const char *path, struct conf_errors *e);
void conf_read_text(struct conf *c, const char *name, const char *text,
		    size_t len, struct conf_errors *e);
/*
 * Takes vifwall.NAME=VALUE words, "quoted" or not, and those of
 * qubes-mirage-firewall (conf_mirage.c); passes over all others.
 */
void conf_read_cmdline(struct conf *c, const char *text, size_t len,
		       struct conf_errors *e);
/* The one of the running kernel. */
void conf_read_kernel(struct conf *c, struct conf_errors *e);
/* Remembers it, too, for conf_again(). */
void conf_read_option(struct conf *c, const char *name, size_t name_len,
		      const char *value, struct conf_errors *e);

enum conf_use { CONF_RUN, CONF_REPLAY }; /* replay needs no ports */

/*
 * What no single setting can say: names that must exist, addresses that must
 * not be taken twice, ports that must be there.  Fills in what follows from
 * other settings; call it once, after the last source.
 */
void conf_check(struct conf *c, enum conf_use use, struct conf_errors *e);

/* Reads and checks all sources of @c once more. */
void conf_again(struct conf *out, const struct conf *c, struct conf_errors *e);

/* Number of the client named @name (@len bytes), 0 when there is none. */
uint16_t conf_client_find(const struct conf *c, const char *name, size_t len);

/*
 * Is @name (as "nat.flows" or "client.work.ip") a setting?  For the command
 * line, which has other words too.
 */
bool conf_is_setting(const char *name, size_t len);
/* Is it one that may be given many times? */
bool conf_is_repeated(const char *name, size_t len);

/*
 * Names of settings that differ between @a and @b and can't change while the
 * daemon runs, separated by ", "; how many.
 */
uint32_t conf_diff_fixed(const struct conf *a, const struct conf *b, char *out,
			 size_t room);

/* Are our rings, or our backend, the way outside? */
bool conf_uplink_on_xen(const struct conf *c);

#define CONF_LINKS (CONF_CLIENTS + 1)
/* The ports that are network devices of this machine; how many. */
size_t conf_links(const struct conf *c,
		  const struct conf_port *out[CONF_LINKS]);

/* One line per setting: name, allowed, default, help, separated by tabs. */
void conf_print_settings(FILE *f);
/* The same for people. */
void conf_print_help(FILE *f);

#endif
