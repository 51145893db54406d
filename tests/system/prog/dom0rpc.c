/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0rpc DOMID SERVICE[+ARGUMENT] [CALLER]: dom0's end of qrexec, for one call
 * over libxenvchan: what the service is to read comes from standard input (at
 * most a chunk), what it says goes to standard output and error, and its exit
 * code is ours.  CALLER is who asks, dom0 when it is not given.
 *
 * Everything is as strict as the daemon that it stands for; what that would not
 * take is "WRONG: why" and exit code 254.  What the other end asks dom0 for
 * meanwhile is done and says nothing, but for a line "asks: SERVICE" on
 * standard error.
 */
#include <libxenvchan.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#define CONTROL 512
#define DATA 513
#define THEIRS 514 /* for what it asks dom0 for */
#define RING 65536
#define CHUNK 65536u
#define VERSION 3u
#define PATIENCE_S 100
#define IDENT 32
#define TARGET 64

enum type {
	STDIN = 0x190,
	STDOUT = 0x191,
	STDERR = 0x192,
	EXIT_CODE = 0x193,
	EXEC = 0x200,
	CONNECT = 0x202,
	TERMINATED = 0x211,
	TRIGGER3 = 0x212,
	HELLO = 0x300,
};

struct header {
	uint32_t type, len;
};

struct params {
	uint32_t domain, port;
};

static uint8_t body[CHUNK + 1]; /* of the message that came last, and a NUL */

static _Noreturn void wrong(const char *what)
{
	fprintf(stderr, "WRONG: %s\n", what);
	exit(254);
}

/* False: nobody takes it any more. */
static bool offer(struct libxenvchan *c, enum type type, const void *data,
		  size_t len)
{
	struct header h = { (uint32_t)type, (uint32_t)len };

	return libxenvchan_send(c, &h, sizeof(h)) == sizeof(h) &&
	       (!len || libxenvchan_send(c, data, len) == (int)len);
}

static void put(struct libxenvchan *c, enum type type, const void *data,
		size_t len)
{
	if (!offer(c, type, data, len))
		wrong("it does not listen");
}

/* The next message, into body. */
static struct header take(struct libxenvchan *c)
{
	struct header h;

	if (libxenvchan_recv(c, &h, sizeof(h)) != sizeof(h))
		wrong("it went without a word");
	if (h.len > CHUNK)
		wrong("a message that is too long");
	if (h.len && libxenvchan_recv(c, body, h.len) != (int)h.len)
		wrong("half a message");
	body[h.len] = 0;
	return h;
}

static struct libxenvchan *blocking(struct libxenvchan *c)
{
	if (!c) {
		perror("vchan");
		exit(254);
	}
	c->blocking = -1; /* its one bit has a sign */
	return c;
}

/* As soon as @domid offers it. */
static struct libxenvchan *connect_to(unsigned int domid, int port)
{
	struct xs_handle *xs = xs_open(0);
	struct libxenvchan *c;
	char dir[64], key[96], *value = NULL;
	unsigned int len;

	snprintf(dir, sizeof(dir), "/local/domain/%u/data/vchan/0/%d", domid,
		 port);
	snprintf(key, sizeof(key), "%s/event-channel", dir);
	while (xs && !(value = xs_read(xs, XBT_NULL, key, &len)))
		usleep(50000);
	free(value);
	c = blocking(libxenvchan_client_init(NULL, (int)domid, dir));
	xenevtchn_notify(c->event, c->event_port);
	xs_close(xs);
	return c;
}

static struct libxenvchan *serve_data(unsigned int domid)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "/local/domain/0/data/vchan/%u/%d", domid,
		 DATA);
	return blocking(
		libxenvchan_server_init(NULL, (int)domid, dir, RING, RING));
}

/* Both ends say a version first; the lower one counts. */
static void hello(struct libxenvchan *c, bool first)
{
	const uint32_t ours = VERSION;
	struct header h;

	if (first)
		put(c, HELLO, &ours, sizeof(ours));
	h = take(c);
	if (h.type != HELLO || h.len != 4 || body[0] < 2)
		wrong("no hello");
	if (!first)
		put(c, HELLO, &ours, sizeof(ours));
}

static void ask(struct libxenvchan *c, const char *service, const char *caller)
{
	const struct params p = { 0, DATA };
	char line[512];
	int n;

	memcpy(line, &p, sizeof(p));
	n = snprintf(line + sizeof(p), sizeof(line) - sizeof(p),
		     "root:QUBESRPC %s%s %s", service,
		     strchr(service, '+') ? "" : "+", caller);
	put(c, EXEC, line, sizeof(p) + (size_t)n + 1);
}

/*
 * The whole conversation with the service; its exit code.  It need not read its
 * input, and may be gone before that comes.
 */
static int converse(struct libxenvchan *c)
{
	static uint8_t input[CHUNK];
	bool out_ended = false;
	ssize_t n = read(0, input, sizeof(input));

	hello(c, true);
	if (n <= 0 || offer(c, STDIN, input, (size_t)n))
		(void)offer(c, STDIN, NULL, 0);
	for (;;) {
		struct header h = take(c);
		int32_t code;

		switch (h.type) {
		case STDOUT:
			if (out_ended)
				wrong("more after the end of its output");
			out_ended = !h.len;
			fwrite(body, 1, h.len, stdout);
			break;
		case STDERR:
			fwrite(body, 1, h.len, stderr);
			break;
		case EXIT_CODE:
			if (h.len != sizeof(code) || !out_ended)
				wrong("an exit code before the output's end");
			memcpy(&code, body, sizeof(code));
			return code;
		default:
			wrong("what no service says");
		}
	}
}

/* What it asks dom0 for: a service that reads everything and says nothing. */
static void serve(struct libxenvchan *control, unsigned int domid)
{
	const struct params p = { 0, THEIRS };
	const int32_t code = 0;
	uint8_t reply[sizeof(p) + IDENT];
	struct libxenvchan *c;
	struct header h;

	fprintf(stderr, "asks: %s\n", body + TARGET + IDENT);
	memcpy(reply, &p, sizeof(p));
	memcpy(reply + sizeof(p), body + TARGET, IDENT);
	put(control, CONNECT, reply, sizeof(reply));
	c = connect_to(domid, THEIRS);
	hello(c, false);
	do {
		h = take(c);
		if (h.type != STDIN)
			wrong("what no caller says");
	} while (h.len);
	put(c, STDOUT, NULL, 0);
	put(c, STDERR, NULL, 0);
	put(c, EXIT_CODE, &code, sizeof(code));
	while (libxenvchan_is_open(c))
		libxenvchan_wait(c);
	libxenvchan_close(c);
}

/* Until it has said of each conversation that it is over, once. */
static void end_of_calls(struct libxenvchan *c, unsigned int domid)
{
	bool ours = true, theirs = false;

	while (ours || theirs) {
		struct header h = take(c);
		struct params p;

		if (h.type == TRIGGER3 && h.len > TARGET + IDENT && !theirs) {
			theirs = true;
			serve(c, domid);
			continue;
		}
		if (h.type != TERMINATED || h.len != sizeof(p))
			wrong("what no agent says");
		memcpy(&p, body, sizeof(p));
		if (p.domain == 0 && p.port == DATA && ours)
			ours = false;
		else if (p.domain == 0 && p.port == THEIRS && theirs)
			theirs = false;
		else
			wrong("ends what was not begun");
	}
}

int main(int argc, char **argv)
{
	unsigned int domid = argc > 1 ? (unsigned int)atol(argv[1]) : 0;
	struct libxenvchan *control, *data;
	int code;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: dom0rpc DOMID SERVICE[+ARGUMENT] "
				"[CALLER] <INPUT\n");
		return 2;
	}
	alarm(PATIENCE_S);
	control = connect_to(domid, CONTROL);
	hello(control, false);
	data = serve_data(domid);
	ask(control, argv[2], argc > 3 ? argv[3] : "dom0");
	code = converse(data);
	libxenvchan_close(data);
	end_of_calls(control, domid);
	libxenvchan_close(control);
	return code;
}
