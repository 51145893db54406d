/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_DATA_BED_H
#define VIFWALL_TESTS_MOCK_DATA_BED_H

#include <sys/types.h>

#include "firewall/data/data.h"
#include "rules/rule.h"

/*
 * The whole data process but its isolation, in this one; the test is control at
 * the other end of the link.  The cast:
 *
 *	client n  10.137.0.(10 + n)  ----  data  ---- 198.51.100.1  uplink
 *
 * What can't go wrong but by a mistake in the test panics.
 */
#define BED_CLIENTS 20u
#define BED_OUR_MAC "fe:ff:ff:ff:ff:ff"
#define BED_UPLINK_MAC "00:16:3e:00:00:f0"
#define BED_GATEWAY_MAC "00:16:3e:00:00:fe"
#define BED_OUTSIDE "198.51.100.1"
#define BED_SERVER "192.0.2.7"

struct data_bed {
	struct data d;
	struct fw_conf conf;
	struct view *view;
	void *block;
	int control; /* our end of the link */
	pid_t child; /* data_bed_fork(): data is there */
	uint32_t seq;
	struct msg got; /* the last message from data */
};

/* Two ends of a link that keeps records apart. */
void data_bed_pair(int pair[2]);

void data_bed_open(struct data_bed *b);
/* The same with a view that another one may have left; it is taken over. */
void data_bed_open_on(struct data_bed *b, struct view *view);
void data_bed_close(struct data_bed *b);

/*
 * Data goes on in a child that does @prepare first, and sleeps and wakes there
 * as ever; a turn here does nothing, and what is expected of it is waited for.
 */
void data_bed_fork(struct data_bed *b, int (*prepare)(void));
/* Its wait status, once it was told to stop. */
int data_bed_wait_child(struct data_bed *b);

/* One wake that does not sleep. */
void data_bed_turn(struct data_bed *b);
/* The next clock reading is @ms later than it would be; less than ten seconds.
 */
void data_bed_wait(struct data_bed *b, uint64_t ms);

/* Takes the next message from data into b->got. */
void data_bed_take(struct data_bed *b);
/* ... which is @type with @seq. */
void data_bed_expect(struct data_bed *b, uint32_t type, uint32_t seq);
/* Asks and has a turn; b->seq is the request's. */
void data_bed_say(struct data_bed *b, enum msg_type type, const void *body,
		  int fd);
/* ... and takes its MSG_DONE: the errno of that. */
int data_bed_ask(struct data_bed *b, enum msg_type type, const void *body,
		 int fd);

struct pkt_addr data_bed_addr(const char *text);
struct pkt_mac data_bed_mac(const char *text);
/* Client @n's, or those of one too many; in memory of the function. */
const char *data_bed_inside(uint16_t n);
const char *data_bed_client_mac(uint16_t n);

/* What control would say; the errno of the answer. */
int data_bed_uplink(struct data_bed *b);
/* @port: UINT16_MAX or @n */
struct msg_client data_bed_client_is(uint16_t n, uint16_t port);
int data_bed_client(struct data_bed *b, uint16_t n, uint16_t port);
/* No rule but this policy, for IPv4. */
int data_bed_rules(struct data_bed *b, uint16_t n, enum rule_action policy);

#endif
