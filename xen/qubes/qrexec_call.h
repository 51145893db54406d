/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_QREXEC_CALL_H
#define VIFWALL_XEN_QUBES_QREXEC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * A command line as dom0 sends it:
 *
 *	USER:[nogui:]QUBESRPC SERVICE[+ARGUMENT] SOURCE[ TYPE TARGET]
 *	USER:[nogui:]COMMAND
 *
 * SOURCE is "dom0" or the name of the calling qube, which dom0 vouches for.
 */
#define QREXEC_TEXT_MAX 1024u /* of one that we look at, with its NUL */

struct qrexec_call {
	bool rpc;	 /* a service; else only user is set */
	bool streams;	 /* false: nobody listens, and nothing comes in */
	uint32_t domain; /* the other end of the data channel */
	const char *user, *service, *source;
	const char *arg; /* empty: none */
};

/*
 * Takes apart @text (@len bytes with its NUL, foreign), which is changed and
 * pointed into.  False: not one of these.
 */
bool VW_MUST_USE qrexec_call_parse(struct qrexec_call *c, char *text,
				   size_t len);

#endif
