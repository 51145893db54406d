/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_QREXEC_WIRE_H
#define VIFWALL_XEN_QUBES_QREXEC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * qrexec on the wire: messages in a stream, each a type, a length and so many
 * bytes.  All numbers are little-endian.
 */
enum qrexec_type {
	QREXEC_STDIN = 0x190, /* data: bytes; none: the end */
	QREXEC_STDOUT = 0x191,
	QREXEC_STDERR = 0x192,
	QREXEC_EXIT_CODE = 0x193,	/* data, the last: int32 */
	QREXEC_EXEC_CMDLINE = 0x200,	/* params, command line */
	QREXEC_JUST_EXEC = 0x201,	/* the same, without streams */
	QREXEC_SERVICE_CONNECT = 0x202, /* params, ident[32] */
	QREXEC_SERVICE_REFUSED = 0x203, /* ident[32] */
	QREXEC_TRIGGER2 = 0x210,	/* service[64], target[32], ident[32] */
	QREXEC_TERMINATED = 0x211,
	QREXEC_TRIGGER3 = 0x212, /* target[64], ident[32], service */
	QREXEC_HELLO = 0x300,	 /* uint32: version */
};

#define QREXEC_VERSION 3u     /* what we speak, to all who speak more, too */
#define QREXEC_VERSION_MIN 2u /* what we understand */
#define QREXEC_PORT 512u      /* of the control channel */
#define QREXEC_HDR 8u
#define QREXEC_PARAMS 8u /* uint32 domain, uint32 port */
#define QREXEC_IDENT 32u
#define QREXEC_TARGET 64u
#define QREXEC_NAME 64u /* of our own calls, with its NUL */
/* Largest chunk that a peer of that version may send, and takes. */
#define QREXEC_CHUNK(version) ((version) < 3 ? 4096u : 65536u)
/* A control message that says it is longer is none. */
#define QREXEC_LEN_MAX (1u << 20)

struct qrexec_params {
	uint32_t domain, port;
};

/* The next piece of a message. */
struct qrexec_piece {
	uint32_t type, len; /* of the whole message */
	uint32_t at;	    /* where in its body this piece begins */
	const uint8_t *bytes;
	size_t n;
	bool last; /* the message is complete */
};

/* Where in a stream of messages we are; zeros at its beginning. */
struct qrexec_reader {
	uint8_t hdr[QREXEC_HDR];
	uint32_t hdr_n; /* bytes of it that are there */
	uint32_t body_n;
};

/*
 * Takes some of @len bytes: how many.  True in *@is when they make a piece,
 * false when more are needed; a message without a body is one empty piece.  The
 * length is the sender's claim, and the caller's to judge at the first piece.
 */
size_t qrexec_read(struct qrexec_reader *r, const uint8_t *bytes, size_t len,
		   struct qrexec_piece *piece, bool *is);

uint32_t qrexec_u32(const uint8_t b[4]);

/* Bytes that wait to be sent; they never move while there is room behind. */
struct qrexec_out {
	uint8_t *buf;
	size_t room, at, len; /* buf[at .. len) waits */
};

size_t qrexec_out_room(const struct qrexec_out *o);
static inline size_t qrexec_out_waits(const struct qrexec_out *o)
{
	return o->len - o->at;
}

/*
 * Each appends one message and wants room for all of it.  qrexec_put() takes a
 * body in two parts.
 */
void qrexec_put(struct qrexec_out *o, uint32_t type, const void *a, size_t a_n,
		const void *b, size_t b_n);
void qrexec_put_u32(struct qrexec_out *o, uint32_t type, uint32_t word);
void qrexec_put_params(struct qrexec_out *o, uint32_t type,
		       const struct qrexec_params *p);

#endif
