/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CTL_CTL_H
#define VIFWALL_FIREWALL_CONTROL_CTL_CTL_H

#include "firewall/linux/host_nft.h"
#include "firewall/control/apply/apply.h"
#include "firewall/control/ctl/json.h"
#include "firewall/control/source/source_dir.h"
#include "firewall/control/qubes/source_qubesdb.h"
#include "firewall/share/ctl_proto.h"
#include "firewall/share/view.h"
#include "xen/bus/bus.h"

/*
 * The daemon's end of share/ctl_proto.h.
 *
 * Nothing here waits: a peer that does not read, or does not finish its line,
 * is dropped after CTL_IDLE_MS; one more than CTL_CONNS peers takes the place
 * of the one that was silent for longest.
 */
#define CTL_CONNS 8u
#define CTL_IDLE_MS 10000u

enum ctl_state {
	CTL_FREE,
	CTL_READING,
	CTL_ASKING, /* data has no room for the question yet */
	CTL_ASKED,  /* data was asked */
	CTL_WRITING,
};

struct vifs;

struct ctl_conn {
	int fd;
	uint8_t state; /* enum ctl_state */
	bool last;     /* after this answer it is closed */
	uint8_t what;  /* enum ctl_what: of the request being answered */
	uint16_t client;
	uint32_t from;
	uint32_t at;  /* CTL_VIFS: the port that data is asked about next */
	uint32_t gen; /* answers for an earlier peer of this place are late */
	struct mono since; /* last sign of life */
	size_t in_len, out_len, out_at;
	char in[CTL_LINE_MAX];
	char out[CTL_ANSWER_MAX];
};

/* What the XenStore's side has to show. */
struct ctl_xen_health {
	uint64_t stuck_ms; /* bus_thread_stuck_ms() and the like */
	int lost;
	char trouble[BUS_TROUBLE];
};

struct ctl_xen {
	const struct vifs *vifs;
	uint32_t (*rows)(void *ctx, uint32_t *cursor, struct bus_row *out,
			 uint32_t max);
	void (*health)(void *ctx, struct ctl_xen_health *out);
	void *ctx;
};

/* What the rules in this machine's own kernel are like. */
struct ctl_host {
	const char *mode; /* "on", "off", "check", "not needed" */
	bool in_force;
	uint32_t put_back;	/* how often they had to be */
	char who[HOST_WHO_MAX]; /* the last time because of; foreign bytes */
};

struct ctl {
	int fd; /* listens; -1: not open */
	char path[CONF_PATH_MAX];
	struct apply *apply;
	const struct source_dir *source;      /* NULL: none */
	const struct source_qubesdb *qubesdb; /* NULL: none */
	const struct ctl_xen *xen;	      /* NULL: we are not on Xen */
	const struct ctl_host *host;	      /* NULL: nobody looks after it */
	const struct view *view;
	/* what data said last of ports on rings, by number */
	bool vif_has[APPLY_SLOTS];
	struct msg_vif_row vif_row[APPLY_SLOTS];
	struct mono started, now;
	/*
	 * Reads settings and rules anew; true when that was done.  Says what
	 * was wrong, or what needs a restart, in @said.
	 */
	bool (*reload)(void *ctx, char *said, size_t room);
	void *ctx;
	struct ctl_conn conn[CTL_CONNS];
};

/*
 * Listens at @path; the owner may use it, and group @gid unless that is 0.
 * What is there already and has no listener is removed.  0, -EADDRINUSE when
 * somebody does listen there, or -errno.
 */
int VW_MUST_USE ctl_open(struct ctl *c, const char *path, uint32_t gid);
/* Closes and removes it. */
void ctl_close(struct ctl *c);

/* Somebody connected: takes them in. */
void ctl_accept(struct ctl *c, struct mono now);
/* The same with a connection of ours (@fd is taken), for what we run. */
void ctl_adopt(struct ctl *c, int fd, struct mono now);
/* Reads, answers and writes what is possible now, for everybody. */
void ctl_work(struct ctl *c, struct mono now);
/* Data's answer (apply_ops.answer); @page NULL: there is none. */
void ctl_answer(struct ctl *c, uint32_t cookie, const struct msg *page);
/* Can packets go outside? */
bool ctl_uplink_up(const struct ctl *c);
/* What the place's peer is waited for: LOOP_IN or LOOP_OUT; 0: nothing. */
uint32_t ctl_wants(const struct ctl_conn *conn);

/* ---- for the ctl_*.c family
 * -------------------------------------------------*/

enum ctl_what {
	CTL_STATUS,
	CTL_CLIENTS,
	CTL_RULES,
	CTL_BLOCKED,
	CTL_DROPS,
	CTL_FLOWS,
	CTL_EXPLAIN,
	CTL_RELOAD,
	CTL_VIFS,
	CTL_METRICS,
	CTL_KILL,
	CTL_FORWARDS,
	CTL_DNS,
	CTL_WHAT_N
};

struct ctl_request {
	uint8_t what;	 /* enum ctl_what */
	uint16_t client; /* 0: all */
	bool uplink;	 /* explain: from outside, not from .client */
	uint32_t from;
	bool has_src, has_dst, has_proto;
	struct pkt_addr src, dst;
	uint8_t proto; /* RULE_PROTO_ANY never */
	uint16_t port; /* or ICMP type */
};

/* Reads a line (@len bytes, foreign); NULL, or a sentence about what is wrong.
 */
const char *ctl_parse(struct ctl_request *r, const struct apply *a,
		      const char *line, size_t len);

/* Each writes the members of one object. */
void ctl_show_status(const struct ctl *c, struct json *j,
		     const struct msg_usage_page *usage);
void ctl_show_clients(const struct ctl *c, struct json *j, uint32_t from);
void ctl_show_rules(const struct ctl *c, struct json *j, uint16_t n,
		    uint32_t from);
void ctl_show_blocked(const struct ctl *c, struct json *j, uint16_t n,
		      uint32_t from);
void ctl_show_drops(const struct ctl *c, struct json *j, uint16_t n,
		    uint32_t from);
void ctl_show_flows(const struct ctl *c, struct json *j, uint16_t n,
		    const struct msg_flows_page *page);
void ctl_show_explain(const struct ctl *c, struct json *j,
		      const struct ctl_request *r);

/* @from: where in the list of metrics.c */
void ctl_show_metrics(const struct ctl *c, struct json *j, uint32_t from,
		      const struct msg_usage_page *usage);

void ctl_show_forwards(const struct ctl *c, struct json *j, uint32_t from);
void ctl_show_dns(const struct ctl *c, struct json *j, uint16_t n,
		  uint32_t from);
void ctl_show_vifs(const struct ctl *c, struct json *j, uint32_t from);
/* The member "xen" of the status. */
void ctl_show_xen(const struct ctl *c, struct json *j);
/* ... and "qubesdb". */
void ctl_show_qubesdb(const struct ctl *c, struct json *j);
/* Keeps data's page, which began at *@at; false: ask again, from *@at on. */
bool ctl_take_vifs(struct ctl *c, const struct msg_vifs_page *page,
		   uint32_t *at);

/* Name of client @n, or "uplink"; for numbers that came from data, too. */
const char *ctl_name(const struct ctl *c, uint32_t n);
void ctl_json_addr(struct json *j, const char *key, const struct pkt_addr *a);
/* "tcp", "udp", "icmp" or the number. */
void ctl_json_proto(struct json *j, const char *key, uint8_t proto);
/* Milliseconds from @from to now, in seconds; nothing when @from is 0. */
void ctl_json_age(const struct ctl *c, struct json *j, const char *key,
		  struct mono from);
void ctl_json_set(const struct ctl *c, struct json *j, const char *key,
		  uint16_t n, int family);
/* The counters' row of client @n; NULL when there is none. */
const struct view_client *ctl_row(const struct ctl *c, uint32_t n);

#endif
