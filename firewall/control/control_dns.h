/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONTROL_DNS_H
#define VIFWALL_FIREWALL_CONTROL_CONTROL_DNS_H

#include "firewall/control/names/names.h"
#include "firewall/control/names/resolver.h"
#include "firewall/linux/loop.h"

/* The control process' host names: who wants them meets who asks for them. */
struct control_dns {
	struct loop *loop;
	uint32_t type; /* of our descriptors in the loop; idx: which */
	struct names names;
	struct resolver resolver;
	uint32_t dns_gen; /* of the servers that are asked */
	bool open;
	/* What names stand for, as names_ops.publish; NULL: nobody asks. */
	void (*publish)(void *ctx, const char *path, const char *value);
	void *ctx;
};

/*
 * With publish and ctx set.  0 or -errno; does nothing when the settings want
 * no names.
 */
int VW_MUST_USE control_dns_open(struct control_dns *c, struct loop *l,
				 struct apply *a, uint32_t type);
void control_dns_close(struct control_dns *c);
/* The settings in force have changed. */
void control_dns_conf(struct control_dns *c);
/* A descriptor of ours is ready. */
void control_dns_event(struct control_dns *c, int fd, uint32_t what);
/* What data has seen (apply_ops.dns_came). */
void control_dns_came(struct control_dns *c, const struct fw_dns_msg *m);
/* In each turn, before apply_work(); when to call again. */
struct mono control_dns_work(struct control_dns *c);

#endif
