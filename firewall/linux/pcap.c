/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "firewall/linux/pcap.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_PCAPNG 0x0a0d0d0au /* the same in both byte orders */
#define LINK_ETHERNET 1u
#define LINK_MASK 0x0fffffffu /* the upper bits tell about check sequences */
#define HEAD_LEN 24u
#define REC_LEN 16u

static uint32_t swap32(uint32_t v)
{
	return v >> 24 | (v >> 8 & 0xff00u) | (v & 0xff00u) << 8 | v << 24;
}

static uint32_t get32(struct cur *c, bool little)
{
	uint32_t v = cur_be32(c);

	return little ? swap32(v) : v;
}

int pcap_begin(struct pcap_in *in, const void *mem, size_t len)
{
	uint32_t magic, link;

	*in = (struct pcap_in){ .left = cur_of(mem, len), .len = len };
	magic = cur_be32(&in->left);
	if (magic == MAGIC_PCAPNG)
		return -EPROTONOSUPPORT;
	in->little =
		magic == swap32(MAGIC_MICRO) || magic == swap32(MAGIC_NANO);
	if (in->little)
		magic = swap32(magic);
	in->nano = magic == MAGIC_NANO;
	cur_skip(&in->left, HEAD_LEN - 8); /* version, zone, snap length */
	link = get32(&in->left, in->little) & LINK_MASK;
	if (!cur_ok(&in->left) || (!in->nano && magic != MAGIC_MICRO))
		return -EBADMSG;
	return link == LINK_ETHERNET ? 0 : -EPROTOTYPE;
}

int pcap_next(struct pcap_in *in, struct pcap_rec *rec)
{
	struct cur *c = &in->left;
	uint32_t sec, frac;

	if (!cur_ok(c))
		return -EBADMSG;
	if (!c->left)
		return 0;
	sec = get32(c, in->little);
	frac = get32(c, in->little);
	rec->len = get32(c, in->little);
	rec->wire_len = get32(c, in->little);
	if (rec->len > PCAP_FRAME_MAX)
		c->bad = true;
	rec->bytes = cur_take(c, rec->len);
	rec->at.ns = sec * MONO_S + (in->nano ? frac : frac * 1000ull);
	return rec->bytes ? 1 : -EBADMSG;
}

size_t pcap_offset(const struct pcap_in *in)
{
	return in->len - in->left.left;
}

static void flush(struct pcap_out *out)
{
	size_t done = 0;

	while (!out->err && done < out->used) {
		ssize_t n = write(out->fd, out->buf + done, out->used - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			out->err = -errno;
	}
	out->used = 0;
}

static void put(struct pcap_out *out, const uint8_t *bytes, size_t len)
{
	while (len) {
		size_t n = sizeof(out->buf) - out->used;

		if (n > len)
			n = len;
		memcpy(out->buf + out->used, bytes, n);
		out->used += n;
		bytes += n;
		len -= n;
		if (out->used == sizeof(out->buf))
			flush(out);
	}
}

void pcap_out_begin(struct pcap_out *out, int fd)
{
	uint8_t head[HEAD_LEN];
	struct wcur w = wcur_of(head, sizeof(head));

	out->fd = fd;
	out->err = 0;
	out->used = 0;
	out->frames = 0;
	wcur_be32(&w, MAGIC_NANO);
	wcur_be16(&w, 2);
	wcur_be16(&w, 4);
	wcur_be32(&w, 0);
	wcur_be32(&w, 0);
	wcur_be32(&w, PCAP_FRAME_MAX);
	wcur_be32(&w, LINK_ETHERNET);
	put(out, head, sizeof(head));
}

void pcap_out_frame(struct pcap_out *out, const void *bytes, uint32_t len,
		    struct mono at)
{
	uint8_t head[REC_LEN];
	struct wcur w = wcur_of(head, sizeof(head));

	wcur_be32(&w, (uint32_t)(at.ns / MONO_S));
	wcur_be32(&w, (uint32_t)(at.ns % MONO_S));
	wcur_be32(&w, len);
	wcur_be32(&w, len);
	put(out, head, sizeof(head));
	put(out, bytes, len);
	out->frames++;
}

int pcap_out_end(struct pcap_out *out)
{
	flush(out);
	return out->err;
}
