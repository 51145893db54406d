/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_CTL_PROTO_H
#define VIFWALL_FIREWALL_SHARE_CTL_PROTO_H

/*
 * The operator's socket: a Unix stream on which each line is a request and each
 * answer is one line of JSON, in order.
 *
 *	status
 *	clients [from=N]
 *	rules client=NAME [from=N]
 *	blocked [client=NAME] [from=N]
 *	drops [client=NAME] [from=N]
 *	flows [client=NAME] [from=N]
 *	forwards [from=N]
 *	explain client=NAME dst=ADDRESS proto=PROTO [port=N] [src=ADDRESS]
 *	reload
 *	vifs [from=N]
 *	dns [client=NAME] [from=N]
 *	metrics [from=N]
 *	kill client=NAME
 *
 * NAME may also be one of the client's addresses.
 *
 * Every answer is an object with "schema": CTL_SCHEMA, and with "error", a
 * sentence, when something was wrong.  A long list comes in pages: "next": N
 * says what to ask for next; without it that was all.  Times are seconds,
 * "..._ago" counts from now.  Members may be added without a new schema.
 */
#define CTL_SCHEMA 1u
#define CTL_LINE_MAX 512u	    /* of a request, with its newline */
#define CTL_ANSWER_MAX (64u * 1024) /* of an answer, with its newline */
#define CTL_SOCKET "/run/vifwall/ctl.sock"

#endif
