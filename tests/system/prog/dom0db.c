/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0db DOMID: dom0's end of QubesDB for one domain, over libxenvchan.  It is
 *as strict as the daemon that it stands for, which dies of what it does not
 *expect: then it says "WRONG: why", and ends with 1.
 *
 * What is to happen comes as lines on standard input:
 *
 *	write PATH [VALUE]	sets a key, here and there
 *	rm PATH			removes a key, or all keys below PATH/
 *	serve			listens, with all that was written until now
 *	restart			closes the channel and listens anew, with
 *nothing
 *
 * Its end is the program's.  What happens is said in lines on standard output:
 *
 *	connected; dumped N; gone	the other end came, asked for all, went
 *	acked N				that it answered so many of our messages
 *	theirs PATH VALUE		a key that it wrote; removed PATH
 */
#include <errno.h>
#include <libxenvchan.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#define PORT 111
#define RING 4096
#define PATH_SIZE 64
#define DATA_MAX 3071
#define KEYS 4096
#define ALPHABET \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.:@-"

enum type {
	WRITE = 1,
	MULTIREAD = 2,
	RM = 4,
	OK = 7,
	ERROR = 9,
	DUMPED = 11,
};

struct message {
	uint8_t type;
	char path[PATH_SIZE];
	uint8_t pad[3];
	uint32_t len;
};

struct key {
	char path[PATH_SIZE];
	char *value;
};

static struct {
	int domid;
	struct xs_handle *xs;
	struct libxenvchan *chan;
	bool open, dumped;    /* the other end is there; it has asked for all */
	struct key key[KEYS]; /* sorted by path */
	unsigned int n, sent, acked;
} me;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list a;

	va_start(a, fmt);
	vprintf(fmt, a);
	va_end(a);
	putchar('\n');
	fflush(stdout);
}

static _Noreturn void wrong(const char *what, const char *path)
{
	say("WRONG: %s: %s", what, path);
	exit(1);
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- the keys -------------------------------------------------------------*/

/* Where @path is, or would be. */
static unsigned int place(const char *path)
{
	unsigned int i = 0;

	while (i < me.n && strcmp(me.key[i].path, path) < 0)
		i++;
	return i;
}

static void store(const char *path, const char *value)
{
	unsigned int i = place(path);

	if (i == me.n || strcmp(me.key[i].path, path) != 0) {
		if (me.n == KEYS)
			wrong("too many keys", path);
		memmove(&me.key[i + 1], &me.key[i],
			(me.n - i) * sizeof(me.key[0]));
		me.n++;
		memset(&me.key[i], 0, sizeof(me.key[i]));
		memcpy(me.key[i].path, path, strlen(path));
	}
	free(me.key[i].value);
	me.key[i].value = strdup(value);
	if (!me.key[i].value)
		die("memory");
}

/* How many keys it was: @path itself, or all below it when it ends with '/'. */
static unsigned int discard(const char *path)
{
	size_t len = strlen(path);
	size_t same = path[len - 1] == '/' ? len : PATH_SIZE;
	unsigned int kept = 0, was = me.n;

	for (unsigned int i = 0; i < was; i++) {
		if (!strncmp(me.key[i].path, path, same))
			free(me.key[i].value);
		else
			me.key[kept++] = me.key[i];
	}
	me.n = kept;
	return was - kept;
}

/* ---- the channel ----------------------------------------------------------*/

static void keys_of_channel(char *path, size_t size)
{
	snprintf(path, size, "/local/domain/0/data/vchan/%d/%d", me.domid,
		 PORT);
}

static void listen_anew(void)
{
	char path[64];

	if (me.chan)
		libxenvchan_close(me.chan);
	me.open = me.dumped = false;
	me.sent = me.acked = 0;
	keys_of_channel(path, sizeof(path));
	me.chan = libxenvchan_server_init(NULL, me.domid, path, RING, RING);
	if (!me.chan)
		die("vchan");
	me.chan->blocking = -1; /* its one bit has a sign */
}

static void send_message(enum type type, const char *path, const char *data)
{
	struct message m = { .type = (uint8_t)type,
			     .len = (uint32_t)strlen(data) };

	memcpy(m.path, path, strlen(path));
	if (libxenvchan_send(me.chan, &m, sizeof(m)) != sizeof(m) ||
	    (m.len && libxenvchan_send(me.chan, data, m.len) != (int)m.len))
		say("not sent: %s", path);
	else if (type != DUMPED && type != OK)
		me.sent++;
}

/* All keys, the last one first, and the mark of their end. */
static void dump(void)
{
	for (unsigned int i = me.n; i > 0; i--)
		send_message(DUMPED, me.key[i - 1].path, me.key[i - 1].value);
	send_message(DUMPED, "", "");
	me.dumped = true;
	say("dumped %u", me.n);
}

static void theirs(const struct message *m, const char *data)
{
	size_t len = strlen(m->path);

	if (m->path[0] != '/' || strspn(m->path, ALPHABET) != len ||
	    (m->type == WRITE && m->path[len - 1] == '/'))
		wrong("a path that can't be", m->path);
	if (m->type == WRITE) {
		store(m->path, data);
		say("theirs %s %s", m->path, data);
	} else {
		if (!discard(m->path))
			wrong("removes what is not there", m->path);
		say("removed %s", m->path);
	}
	send_message(OK, m->path, "");
}

static void obey(const struct message *m, const char *data)
{
	switch (m->type) {
	case MULTIREAD:
		if (me.dumped || m->len)
			wrong("asks for all of it again", m->path);
		dump();
		break;
	case WRITE:
	case RM:
		theirs(m, data);
		break;
	case OK:
	case ERROR:
		if (m->len || ++me.acked > me.sent)
			wrong("answers what was not asked", m->path);
		if (me.acked == me.sent)
			say("acked %u", me.acked);
		break;
	default:
		wrong("a message that can't be", m->path);
	}
}

static bool take_message(void)
{
	char data[DATA_MAX + 1];
	struct message m;

	if (libxenvchan_data_ready(me.chan) < (int)sizeof(m) ||
	    libxenvchan_recv(me.chan, &m, sizeof(m)) != sizeof(m))
		return false;
	if (!memchr(m.path, 0, sizeof(m.path)))
		wrong("a path without an end", "");
	if (m.len > DATA_MAX)
		wrong("a value that is too long", m.path);
	if (m.len && libxenvchan_recv(me.chan, data, m.len) != (int)m.len)
		return false;
	data[m.len] = '\0';
	obey(&m, data);
	return true;
}

static void hear_channel(void)
{
	char path[64];

	libxenvchan_wait(me.chan);
	if (!me.open && libxenvchan_is_open(me.chan) == 1) {
		me.open = true;
		say("connected");
		keys_of_channel(path, sizeof(path));
		xs_rm(me.xs, XBT_NULL, path);
	}
	while (me.open && take_message())
		;
	if (me.open && !libxenvchan_is_open(me.chan)) {
		say("gone");
		listen_anew();
	}
}

/* ---- what it is told ------------------------------------------------------*/

static void command(char *line)
{
	const char *word = strsep(&line, " ");
	const char *path = line ? strsep(&line, " ") : "";
	const char *value = line ? line : "";

	if (!strcmp(word, "serve")) {
		listen_anew();
	} else if (!strcmp(word, "restart")) {
		discard("/");
		listen_anew();
	} else if (!*path || strlen(path) >= PATH_SIZE ||
		   strlen(value) > DATA_MAX) {
		wrong("no such command", word);
	} else if (!strcmp(word, "write")) {
		store(path, value);
		if (me.dumped)
			send_message(WRITE, path, value);
	} else if (!strcmp(word, "rm")) {
		/* Nobody is told of what was not there. */
		if (discard(path) && me.dumped)
			send_message(RM, path, "");
	} else {
		wrong("no such command", word);
	}
}

/* False at the end of them. */
static bool hear_commands(void)
{
	static char line[8192];
	static size_t have;
	ssize_t n = read(0, line + have, sizeof(line) - 1 - have);
	char *at = line, *end;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	have += (size_t)n;
	line[have] = '\0';
	while ((end = strchr(at, '\n'))) {
		*end = '\0';
		command(at);
		at = end + 1;
	}
	have -= (size_t)(at - line);
	memmove(line, at, have);
	return have < sizeof(line) - 1;
}

int main(int argc, char **argv)
{
	bool more = true;

	if (argc != 2) {
		fprintf(stderr, "usage: dom0db DOMID <COMMANDS\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	me.domid = (int)strtol(argv[1], NULL, 10);
	me.xs = xs_open(0);
	if (!me.xs)
		die("XenStore");
	while (more) {
		struct pollfd p[2] = {
			{ .fd = 0, .events = POLLIN },
			{ .fd = me.chan ? libxenvchan_fd_for_select(me.chan)
					: -1,
			  .events = POLLIN },
		};

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			hear_channel();
		if (p[0].revents)
			more = hear_commands();
	}
	if (me.chan)
		libxenvchan_close(me.chan);
	xs_close(me.xs);
	return 0;
}
