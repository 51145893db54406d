/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a capture file.  Every record must lie inside; what is written
 * from them must read back the same.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "firewall/linux/pcap.h"
#include "tests/fuzz/fuzz.h"

static struct pcap_out out;
static uint8_t again[1u << 20];
static int fd = -1;

static uint32_t sum(const struct pcap_rec *rec)
{
	uint32_t s = rec->len;

	for (uint32_t i = 0; i < rec->len; i++)
		s = s * 31 + rec->bytes[i];
	return s;
}

/* How many records could be read; their bytes go into *@s. */
static uint64_t read_all(const uint8_t *mem, size_t len, uint32_t *s,
			 bool write_them)
{
	struct pcap_in in;
	struct pcap_rec rec;
	uint64_t n = 0;
	size_t at;

	*s = 0;
	if (pcap_begin(&in, mem, len))
		return 0;
	at = pcap_offset(&in);
	while (pcap_next(&in, &rec) > 0) {
		vw_assert(pcap_offset(&in) == at + 16 + rec.len);
		at = pcap_offset(&in);
		vw_assert(at <= len);
		*s = *s * 7 + sum(&rec);
		n++;
		if (write_them)
			pcap_out_frame(&out, rec.bytes, rec.len, rec.at);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t first, second;
	uint64_t n;
	ssize_t got;

	if (fd < 0)
		fd = memfd_create("pcap", 0);
	vw_assert(fd >= 0 && !ftruncate(fd, 0) && !lseek(fd, 0, SEEK_SET));
	pcap_out_begin(&out, fd);
	n = read_all(data, len, &first, true);
	vw_assert(pcap_out_end(&out) == 0 && out.frames == n);
	got = pread(fd, again, sizeof(again), 0);
	if (got == (ssize_t)sizeof(again))
		return 0;
	vw_assert(got > 0 && read_all(again, (size_t)got, &second, false) == n);
	vw_assert(first == second);
	return 0;
}
