/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_CTL_BED_H
#define VIFWALL_TESTS_MOCK_CTL_BED_H

#include <stdbool.h>
#include <stddef.h>

#include "firewall/cli/jread.h"
#include "firewall/control/ctl/ctl.h"

/*
 * The operator's socket on a bench: the control side as it is, listening at a
 * real path, with three clients and a data process that always says yes.
 *
 *	work  10.0.0.5, fd00::5  allowed to reach nas
 *	nas   10.0.0.6
 *	lab   10.1.0.0/16, rules = accept
 *
 * Nothing happens but in ctl_bed_turn(), which the test calls.
 */
struct ctl_bed {
	struct conf conf;
	struct conf_errors errors;
	struct apply apply;
	struct tree *tree;
	struct ctl ctl;
	struct view *view;
	struct mono now;
	char path[64];		    /* of the socket */
	const char *reload_says;    /* NULL: reloading works */
	struct msg_flows_page page; /* data's answer to `flows` */
	struct msg_vifs_page vifs;  /* ... and to `vifs` */
	int data;		    /* -1: no data process */
	uint16_t ended;		    /* client whose flows data ended last */
	/* The last line that was heard, without its newline. */
	struct jdoc doc;
	char text[CTL_ANSWER_MAX];
};

void ctl_bed_open(struct ctl_bed *b);
void ctl_bed_close(struct ctl_bed *b);
void ctl_bed_data_down(struct ctl_bed *b);
/* Everybody works until nothing more is to be done. */
void ctl_bed_turn(struct ctl_bed *b);

/* Writes a key of the rule tree. */
void ctl_bed_key(struct ctl_bed *b, const char *name, const char *value);
/* Client work gets this rule, number 3, and the policy drop for IPv4. */
void ctl_bed_rule(struct ctl_bed *b, const char *rule);
/* Row @i of the refused packets: TCP to 198.51.100.9:443, @age_ms ago. */
void ctl_bed_block(struct ctl_bed *b, uint32_t i, uint16_t client,
		   enum pkt_reason reason, uint64_t age_ms);
/* Flow @i of the next page, and the last one: TCP to 198.51.100.9:443. */
struct nat_info *ctl_bed_flow(struct ctl_bed *b, uint32_t i, uint16_t from,
			      uint16_t to);

/* A peer of the socket; does not block. */
int ctl_bed_peer(struct ctl_bed *b);
void ctl_bed_tell(int fd, const char *line);
/* Reads one line into text and doc; false: there is none, or no more. */
bool ctl_bed_hear(struct ctl_bed *b, int fd);
/*
 * One request on a connection of its own: the answer, whose schema was checked.
 */
const struct jval *ctl_bed_ask(struct ctl_bed *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Is @member of @o that text?  Says so on stderr when it is another. */
bool ctl_bed_has(const struct ctl_bed *b, const struct jval *o,
		 const char *member, const char *want);

#endif
