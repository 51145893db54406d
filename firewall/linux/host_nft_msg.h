/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_HOST_NFT_MSG_H
#define VIFWALL_FIREWALL_LINUX_HOST_NFT_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"
#include "rules/host_policy.h"

/*
 * rules/host_policy.h as messages of nf_tables, and back.  No system call;
 * libnftnl allocates and frees what it needs in each call.
 *
 * All messages of a transaction are in one buffer, and only the last but one,
 * the last that does something, asks for an answer: the kernel takes all of
 * them or none.
 */
struct nlmsghdr;

/* Bytes that a transaction with @rules rules needs at most. */
size_t host_msg_room(size_t rules);

struct host_msg {
	char *buf;
	size_t room, used;
	uint32_t seq; /* in: of the first message; out: of the next one */
	uint32_t ack; /* the message that is answered */
};

/*
 * The transaction that makes our tables anew with these rules, or that removes
 * them; whether they are there, and what is in them, does not matter.  0 or
 * -ENOMEM.
 */
int VW_MUST_USE host_msg_put(struct host_msg *m, const struct host_rule *r,
			     size_t n);
int VW_MUST_USE host_msg_remove(struct host_msg *m);

/* What can be asked for. */
enum host_get { HOST_GET_TABLE, HOST_GET_CHAINS, HOST_GET_RULES };

/* One request about our table of that family; host_msg_room(0) is enough. */
void host_msg_get(struct host_msg *m, enum host_get what,
		  enum host_family family);

/* What was read back; all zero at first but @rule and @max. */
struct host_seen {
	struct host_rule *rule;
	size_t max, n;
	uint32_t chains; /* bit i: host_chains[i] is there as it should */
	bool foreign;	 /* there is something that is not ours */
};

/* An answer to such a request is added to @s.  0, -ENOMEM or -EBADMSG. */
int VW_MUST_USE host_msg_seen(struct host_seen *s, const struct nlmsghdr *nlh);

/* Is that exactly all chains with these rules? */
bool host_seen_same(const struct host_seen *s, const struct host_rule *r,
		    size_t n);

#endif
