/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_QREXEC_BED_H
#define VIFWALL_TESTS_MOCK_QREXEC_BED_H

#include "xen/qubes/qrexec.h"
#include "xen/qubes/qrexec_wire.h"

/*
 * Channels whose other end is the test, over pairs of sockets: what we sent
 * before we closed one is still there to be read.  Nobody is there before the
 * test says so, and time stands still but for what the test adds.
 */
#define QREXEC_BED_CHANS 64u
#define QREXEC_BED_BODY 66000u

struct qrexec_bed_chan {
	struct chan chan;
	bool closed; /* by us */
	uint32_t serial;
	bool served; /* we offer it; else we connect */
	uint16_t domid;
	uint32_t port;
	size_t read_min;
	enum chan_state state;
	int far; /* the test's end */
};

struct qrexec_bed {
	struct chan_net net;
	struct qrexec *q;
	struct mono now, next;
	int fail;     /* -errno: none can be made */
	size_t piece; /* bytes that we are given at a time; 0: all */
	uint32_t chans, serial;
	struct qrexec_bed_chan chan[QREXEC_BED_CHANS];
	int watched[QREXEC_PLACES + 1]; /* descriptor; -1: none */
	/* the last message that was heard */
	uint32_t type, len;
	uint8_t body[QREXEC_BED_BODY];
};

void qrexec_bed_open(struct qrexec_bed *b);
void qrexec_bed_close(struct qrexec_bed *b);
/* For struct qrexec_ops, with the bed first in what its ctx points to. */
void qrexec_bed_watch(void *bed, uint32_t place, int fd);
void qrexec_bed_unwatch(void *bed, uint32_t place, int fd);

/* We do all there is to do. */
void qrexec_bed_turn(struct qrexec_bed *b);
void qrexec_bed_wait(struct qrexec_bed *b, uint64_t ms);

/* Our newest channel there that has nobody yet gets its other end; NULL: none.
 */
struct qrexec_bed_chan *qrexec_bed_meet(struct qrexec_bed *b, uint16_t domid,
					uint32_t port);
/* The other end sends, hears one message (false: none is there), goes. */
void qrexec_bed_put(struct qrexec_bed_chan *c, const void *bytes, size_t len);
void qrexec_bed_say(struct qrexec_bed_chan *c, uint32_t type, const void *body,
		    size_t len);
void qrexec_bed_say_u32(struct qrexec_bed_chan *c, uint32_t type, uint32_t v);
bool qrexec_bed_hear(struct qrexec_bed *b, struct qrexec_bed_chan *c);
void qrexec_bed_leave(struct qrexec_bed_chan *c);

/* dom0 comes and both say hello; its control channel. */
struct qrexec_bed_chan *qrexec_bed_dom0(struct qrexec_bed *b, uint32_t version);
/* dom0 asks for that; EXEC_CMDLINE or JUST_EXEC. */
void qrexec_bed_exec(struct qrexec_bed_chan *control, uint32_t type,
		     uint32_t domain, uint32_t port, const char *line);
/* The same, and then both say hello; its data channel. */
struct qrexec_bed_chan *qrexec_bed_call(struct qrexec_bed *b,
					struct qrexec_bed_chan *control,
					uint32_t port, const char *line);
/* Is the next message that? */
bool qrexec_bed_hears(struct qrexec_bed *b, struct qrexec_bed_chan *c,
		      uint32_t type, const void *body, size_t len);
/*
 * All that the call has to say, up to its exit code, which is returned; -1:
 * that did not come, or not as it must.
 */
int qrexec_bed_end(struct qrexec_bed *b, struct qrexec_bed_chan *c, char *out,
		   char *err, size_t room);

#endif
