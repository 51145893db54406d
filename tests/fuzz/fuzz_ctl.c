/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operator's socket: any bytes from a peer, in any pieces, while the
 * process that handles packets shows and says what it likes.  Each answer is a
 * line of JSON as our reader takes it, with a schema, and another peer is
 * always answered.
 *
 * First byte: bits 0 to 2 the size of the pieces; bit 3: what data shows comes
 * next (a refused packet, a row of counters, a flow), then what the peer says.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mock/ctl_bed.h"
#include "tests/fuzz/fuzz.h"

#define HEARD_MAX (4u * CTL_ANSWER_MAX)

static struct ctl_bed b;
static char heard[HEARD_MAX];

static void begin(void)
{
	if (b.view && b.apply.sock >= 0)
		return;
	if (b.view)
		ctl_bed_close(&b);
	ctl_bed_open(&b);
	ctl_bed_rule(&b, "action=accept proto=tcp dstports=443-443");
}

/* The next bytes of @f, as far as they go. */
static void fill(struct feed *f, void *out, size_t len)
{
	size_t got;
	const uint8_t *bytes = feed_bytes(f, len, &got);

	memcpy(out, bytes, got);
}

static void data_shows(struct feed *f)
{
	fill(f, &b.view->blocked[0], sizeof(b.view->blocked[0]));
	fill(f, &b.view->client[1], 64);
	fill(f, &b.page.flow[0], sizeof(b.page.flow[0]));
	b.page.n = 1;
	b.page.cursor = feed_u8(f) & 1;
}

static void is_an_answer(const char *line, size_t len)
{
	static struct jdoc doc;
	int err = jread(&doc, line, len);

	vw_assert(!err);
	vw_assert(jnum(&doc, jget(&doc, jroot(&doc), "schema")) == CTL_SCHEMA);
}

/* What is there by now; the rest of a line is kept at the front. */
static size_t hear(int fd, size_t have)
{
	ssize_t n = recv(fd, heard + have, sizeof(heard) - have, 0);
	size_t from = 0;
	const char *nl;

	if (n <= 0)
		return have;
	have += (size_t)n;
	while ((nl = memchr(heard + from, '\n', have - from))) {
		is_an_answer(heard + from, (size_t)(nl - heard) - from);
		from = (size_t)(nl - heard) + 1;
	}
	memmove(heard, heard + from, have - from);
	vw_assert(have - from < CTL_ANSWER_MAX);
	return have - from;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };
	uint8_t how = feed_u8(&f);
	size_t piece = 1u << (how & 7) << (how & 4), rest = 0, got;
	int fd;

	begin();
	memset(&b.page, 0, sizeof(b.page));
	if (how & 8)
		data_shows(&f);
	fd = ctl_bed_peer(&b);
	while (f.left) {
		const uint8_t *bytes = feed_bytes(&f, piece, &got);

		if (send(fd, bytes, got, MSG_NOSIGNAL) < 0 && errno == EPIPE)
			break;
		ctl_work(&b.ctl, b.now);
		rest = hear(fd, rest);
	}
	for (int i = 0; i < 2; i++) {
		ctl_bed_turn(&b);
		rest = hear(fd, rest);
	}
	close(fd);
	/* clients is answered without data */
	(void)ctl_bed_ask(&b, "drops");
	return 0;
}
