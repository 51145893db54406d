/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "firewall/linux/port_pcap.h"
#include "mock/frames.h"
#include "unit.h"

static struct pcap_out out;
static uint8_t file[300 * 1024];

/* One record of 4 bytes, as four kinds of machines would write it. */
static const struct {
	const char *hex;
	uint64_t ns;
} kinds[] = {
	{ "a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001"
	  "00000005 00000007 00000004 00000040 61626364",
	  5 * MONO_S + 7000 },
	{ "a1b23c4d 0002 0004 00000000 00000000 0000ffff 00000001"
	  "00000005 00000007 00000004 00000040 61626364",
	  5 * MONO_S + 7 },
	{ "d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000"
	  "05000000 07000000 04000000 40000000 61626364",
	  5 * MONO_S + 7000 },
	{ "4d3cb2a1 0200 0400 00000000 00000000 ffff0000 01000000"
	  "05000000 07000000 04000000 40000000 61626364",
	  5 * MONO_S + 7 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t unhex(const char *hex)
{
	return frame_unhex(file, sizeof(file), hex);
}

static void a_file_of_any_byte_order_and_resolution_is_read(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		struct pcap_in in;
		struct pcap_rec rec;
		size_t len = unhex(kinds[i].hex);

		CU_ASSERT_EQUAL_FATAL(pcap_begin(&in, file, len), 0);
		CU_ASSERT_EQUAL(pcap_offset(&in), 24);
		CU_ASSERT_EQUAL_FATAL(pcap_next(&in, &rec), 1);
		CU_ASSERT_EQUAL(rec.at.ns, kinds[i].ns);
		CU_ASSERT_EQUAL(rec.len, 4);
		CU_ASSERT_EQUAL(rec.wire_len, 64);
		CU_ASSERT_EQUAL(memcmp(rec.bytes, "abcd", 4), 0);
		CU_ASSERT_EQUAL(pcap_next(&in, &rec), 0);
		CU_ASSERT_EQUAL(pcap_next(&in, &rec), 0);
		CU_ASSERT_EQUAL(pcap_offset(&in), len);
	}
}

static void a_file_cut_off_anywhere_is_broken_there(void)
{
	size_t len = unhex(kinds[0].hex);

	for (size_t cut = 0; cut < len; cut++) {
		struct pcap_in in;
		struct pcap_rec rec;
		int err = pcap_begin(&in, file, cut);

		if (cut < 24) {
			CU_ASSERT_EQUAL(err, -EBADMSG);
			continue;
		}
		CU_ASSERT_EQUAL(err, 0);
		CU_ASSERT_EQUAL(pcap_next(&in, &rec), cut == 24 ? 0 : -EBADMSG);
		CU_ASSERT_EQUAL(pcap_next(&in, &rec), cut == 24 ? 0 : -EBADMSG);
	}
}

static void other_files_are_told_apart(void)
{
	static const struct {
		const char *hex;
		int err;
	} cases[] = {
		{ "0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffff ffffffff 1c",
		  -EPROTONOSUPPORT },
		/* Linux cooked capture; raw IP, with upper bits */
		{ "a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000071",
		  -EPROTOTYPE },
		{ "d4c3b2a1 0200 0400 00000000 00000000 ffff0000 65000000",
		  -EPROTOTYPE },
		{ "7f454c46 0002 0004 00000000 00000000 0000ffff 00000001",
		  -EBADMSG },
		/* Ethernet that tells of check sequences */
		{ "a1b2c3d4 0002 0004 00000000 00000000 0000ffff f0000001", 0 },
	};
	struct pcap_in in;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(pcap_begin(&in, file, unhex(cases[i].hex)),
				cases[i].err);
}

static void a_record_longer_than_any_frame_is_broken(void)
{
	struct pcap_in in;
	struct pcap_rec rec;

	memset(file, 0, sizeof(file));
	unhex("a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001"
	      "00000005 00000007 00040001 00040001");
	CU_ASSERT_EQUAL_FATAL(pcap_begin(&in, file, sizeof(file)), 0);
	CU_ASSERT_EQUAL(pcap_next(&in, &rec), -EBADMSG);
	file[24 + 11] = 0; /* one less is allowed */
	CU_ASSERT_EQUAL_FATAL(pcap_begin(&in, file, sizeof(file)), 0);
	CU_ASSERT_EQUAL(pcap_next(&in, &rec), 1);
	CU_ASSERT_EQUAL(rec.len, PCAP_FRAME_MAX);
}

static void what_is_written_is_read_again(void)
{
	int fd = memfd_create("pcap", 0);
	uint8_t frame[1000];
	struct pcap_in in;
	struct pcap_rec rec;
	ssize_t len;

	memset(frame, 0xab, sizeof(frame));
	pcap_out_begin(&out, fd);
	for (uint32_t i = 0; i < 250; i++) /* more than the buffer */
		pcap_out_frame(&out, frame, i * 4,
			       (struct mono){ i * MONO_S + i });
	CU_ASSERT_EQUAL(pcap_out_end(&out), 0);
	CU_ASSERT_EQUAL(out.frames, 250);
	len = pread(fd, file, sizeof(file), 0);
	CU_ASSERT_EQUAL(len, 24 + 250 * 16 + 4 * 249 * 250 / 2);
	CU_ASSERT_EQUAL_FATAL(pcap_begin(&in, file, (size_t)len), 0);
	for (uint32_t i = 0; i < 250; i++) {
		CU_ASSERT_EQUAL_FATAL(pcap_next(&in, &rec), 1);
		CU_ASSERT_EQUAL(rec.len, i * 4);
		CU_ASSERT_EQUAL(rec.wire_len, i * 4);
		CU_ASSERT_EQUAL(rec.at.ns, i * MONO_S + i);
		CU_ASSERT_EQUAL(memcmp(rec.bytes, frame, rec.len), 0);
	}
	CU_ASSERT_EQUAL(pcap_next(&in, &rec), 0);
	close(fd);
}

static void a_file_that_can_not_be_written_is_told_at_the_end(void)
{
	int full = open("/dev/full", O_WRONLY);

	pcap_out_begin(&out, full);
	pcap_out_frame(&out, file, 100000, (struct mono){ 0 });
	CU_ASSERT_EQUAL(out.err, -ENOSPC);
	CU_ASSERT_EQUAL(pcap_out_end(&out), -ENOSPC);
	close(full);
}

static void a_port_receives_what_was_offered_once(void)
{
	struct port_pcap f = { .port = { .id = 9 } };
	struct pkt_pool *pool = frame_pool_new(1, 1);
	struct pkt_batch b = { 0 };
	struct pcap_rec rec = { .bytes = file, .len = 60 };
	struct mono now = { 0 };

	memset(file, 0x5a, 60);
	port_pcap_init(&f, &out);
	CU_ASSERT(!f.port.ops->arm(&f.port));
	port_pcap_offer(&f, &rec);
	CU_ASSERT(f.port.ops->arm(&f.port));
	b.n = PKT_BATCH;
	CU_ASSERT_EQUAL(f.port.ops->recv(&f.port, pool, &b, now), 0);
	b.n = 0;
	CU_ASSERT_EQUAL(f.port.ops->recv(&f.port, pool, &b, now), 0);
	CU_ASSERT_EQUAL_FATAL(b.n, 1);
	CU_ASSERT_EQUAL(b.p[0]->in, 9);
	CU_ASSERT_EQUAL(b.p[0]->len, 60);
	CU_ASSERT_EQUAL(memcmp(b.p[0]->data, file, 60), 0);
	CU_ASSERT_EQUAL(f.port.ops->recv(&f.port, pool, &b, now), 0);
	CU_ASSERT_EQUAL(b.n, 1);
	/* the pool is empty now; and a frame that no buffer can hold */
	port_pcap_offer(&f, &rec);
	CU_ASSERT_EQUAL(f.port.ops->recv(&f.port, pool, &b, now), 0);
	rec.len = PCAP_FRAME_MAX;
	port_pcap_offer(&f, &rec);
	CU_ASSERT_EQUAL(f.port.ops->recv(&f.port, pool, &b, now), 0);
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(f.port.stats.recv_dropped, 2);
	CU_ASSERT_EQUAL(f.port.stats.recv_starved, 1);
	port_pcap_offer(&f, &rec);
	f.port.ops->close(&f.port);
	CU_ASSERT(!f.port.ops->arm(&f.port));
	pkt_put(pool, b.p[0]);
	frame_pool_free(pool);
}

static void a_port_writes_what_it_sends_at_the_time_of_sending(void)
{
	int fd = memfd_create("pcap", 0);
	struct port_pcap f = { .port = { .id = 9 } };
	struct pkt_pool *pool = frame_pool_new(2, 1);
	struct pkt_batch b = { 0 };
	struct pcap_in in;
	struct pcap_rec rec;
	ssize_t len;

	pcap_out_begin(&out, fd);
	port_pcap_init(&f, &out);
	b.p[b.n++] = frame_parsed(pool, &(struct frame_spec){ .proto = 17 });
	b.p[b.n++] = frame_parsed(pool, &(struct frame_spec){ .proto = 6 });
	CU_ASSERT_EQUAL(f.port.ops->send(&f.port, pool, &b,
					 (struct mono){ 77 * MONO_S }),
			0);
	CU_ASSERT_EQUAL(b.n, 0);
	CU_ASSERT_EQUAL(f.port.stats.send_packets, 2);
	CU_ASSERT_EQUAL(pcap_out_end(&out), 0);
	len = pread(fd, file, sizeof(file), 0);
	CU_ASSERT_EQUAL_FATAL(pcap_begin(&in, file, (size_t)len), 0);
	CU_ASSERT_EQUAL_FATAL(pcap_next(&in, &rec), 1);
	CU_ASSERT_EQUAL(rec.at.ns, 77 * MONO_S);
	CU_ASSERT(frame_sums_ok(rec.bytes, rec.len));
	CU_ASSERT_EQUAL(rec.bytes[23], 17);
	CU_ASSERT_EQUAL_FATAL(pcap_next(&in, &rec), 1);
	CU_ASSERT_EQUAL(rec.bytes[23], 6);
	CU_ASSERT_EQUAL(pcap_next(&in, &rec), 0);
	close(fd);
	frame_pool_free(pool);
}

UNIT_SUITE(port_pcap, UNIT(a_file_of_any_byte_order_and_resolution_is_read),
	   UNIT(a_file_cut_off_anywhere_is_broken_there),
	   UNIT(other_files_are_told_apart),
	   UNIT(a_record_longer_than_any_frame_is_broken),
	   UNIT(what_is_written_is_read_again),
	   UNIT(a_file_that_can_not_be_written_is_told_at_the_end),
	   UNIT(a_port_receives_what_was_offered_once),
	   UNIT(a_port_writes_what_it_sends_at_the_time_of_sending))
