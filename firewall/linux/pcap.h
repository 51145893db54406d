/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_PCAP_H
#define VIFWALL_FIREWALL_LINUX_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_cursor.h"
#include "packet/pkt_time.h"

/*
 * Classic capture files of Ethernet frames: read in either byte order with
 * micro- or nanoseconds, written with nanoseconds.  The bytes are as foreign as
 * any packet's.
 */
#define PCAP_FRAME_MAX (256u * 1024u)

struct pcap_in {
	struct cur left; /* records not read yet */
	size_t len;	 /* of the whole file */
	bool little, nano;
};

struct pcap_rec {
	struct mono at;
	const uint8_t *bytes; /* of the file's memory */
	uint32_t len;	      /* that were captured */
	uint32_t wire_len;    /* that the frame had */
};

/*
 * @mem stays the caller's.  0, -EBADMSG when it is no capture file,
 * -EPROTONOSUPPORT for the newer format (pcapng), -EPROTOTYPE when its frames
 * are not Ethernet.
 */
int VW_MUST_USE pcap_begin(struct pcap_in *in, const void *mem, size_t len);
/* 1: *@rec is the next record.  0: that was all.  -EBADMSG: the rest is broken.
 */
int VW_MUST_USE pcap_next(struct pcap_in *in, struct pcap_rec *rec);
/* Where in the file the next record begins. */
size_t pcap_offset(const struct pcap_in *in);

#define PCAP_OUT_BUF (64u * 1024u)

struct pcap_out {
	int fd;
	int err; /* first failure; nothing is written after it */
	size_t used;
	uint64_t frames;
	uint8_t buf[PCAP_OUT_BUF];
};

/* @fd stays the caller's. */
void pcap_out_begin(struct pcap_out *out, int fd);
void pcap_out_frame(struct pcap_out *out, const void *bytes, uint32_t len,
		    struct mono at);
/* Writes what is left; 0, or the first failure as -errno. */
int VW_MUST_USE pcap_out_end(struct pcap_out *out);

#endif
