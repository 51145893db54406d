/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_QREXEC_DATA_H
#define VIFWALL_XEN_QUBES_QREXEC_DATA_H

#include "packet/pkt_time.h"
#include "xen/qubes/chan.h"
#include "xen/qubes/qrexec.h"
#include "xen/qubes/qrexec_wire.h"

/*
 * One data channel, of a call in either direction:
 *
 *	FREE -> [ASKED ->] CONNECTING -> HELLO -> RUNNING -> ENDING -> OVER
 *
 * Any state may lead to OVER: then the channel is closed, and the owner tells
 * dom0 (struct qrexec) and frees the place.
 */
enum qrexec_state {
	QREXEC_FREE,
	QREXEC_ASKED,	   /* our call: dom0 was asked for a channel */
	QREXEC_CONNECTING, /* the other end is not there yet */
	QREXEC_GREETING,   /* its hello has not come */
	QREXEC_RUNNING,
	QREXEC_ENDING, /* our last words wait to be sent */
	QREXEC_OVER,
};

enum qrexec_role {
	QREXEC_ROLE_SERVICE, /* we run it */
	QREXEC_ROLE_JUST,    /* the same, without streams */
	QREXEC_ROLE_CALLER,  /* the other end runs it */
};

struct qrexec_data {
	uint8_t state; /* enum qrexec_state */
	uint8_t role;  /* enum qrexec_role */
	bool told;     /* ops->call took it: the owner of services knows it */
	bool starved;  /* somebody had more to write than there was room */
	bool more;     /* there may be more to read */
	bool owes;     /* dom0 is to be told the end */
	bool away;     /* whoever has this place is turned away */
	uint32_t id;
	uint32_t control; /* number of the control channel that it came by */
	uint32_t serial;  /* of our own call */
	struct qrexec_params params;
	struct chan *chan;
	uint32_t version; /* agreed */
	uint8_t word[4];  /* body of a hello, or an exit code */
	struct mono until;
	struct qrexec_reader in;
	struct qrexec_out out;
	uint32_t text_len; /* of a command line; 0: too long to be looked at */
	char text[QREXEC_TEXT_MAX];
};

/* @d->chan was made; @d->role, params and text are set. */
void qrexec_data_begin(struct qrexec_data *d, const struct qrexec_ops *ops,
		       struct mono now);
/* Something happened to the channel. */
void qrexec_data_event(struct qrexec_data *d, const struct qrexec_ops *ops,
		       struct mono now);
/* Sends what is possible, and looks at the time. */
void qrexec_data_work(struct qrexec_data *d, const struct qrexec_ops *ops,
		      struct mono now);
/* It failed, or is not wanted: OVER.  The owner of services is told. */
void qrexec_data_drop(struct qrexec_data *d, const struct qrexec_ops *ops,
		      int code);
size_t qrexec_data_write(struct qrexec_data *d, enum qrexec_stream stream,
			 const void *bytes, size_t len);
void qrexec_data_exit(struct qrexec_data *d, int code);

#endif
