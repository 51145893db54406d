/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "firewall/control/show_thread.h"
#include "xen/thread.h"

/* One of a command's two streams. */
struct sink {
	struct show *show;
	FILE *file;
};

struct show {
	pthread_t thread;
	struct sink sink[2]; /* by enum show_stream */
	int wake;	     /* the owner's */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	bool running, dropped, over, stopping;
	int fd; /* of the command that runs; -1: none */
	int code;
	uint8_t stream; /* that the buffer is of */
	size_t at, len; /* buf[at .. len) waits */
	char buf[SHOW_BUFFER];
	int argc;
	char *argv[SHOW_WORDS + 1];
	char words[SHOW_TEXT];
};

/* #syscalls control: write */
static void tell_owner(const struct show *s)
{
	const uint64_t one = 1;

	(void)!write(s->wake, &one, sizeof(one));
}

/* ---- the thread -----------------------------------------------------------*/

/* Some of it, when there is room; how much. */
static size_t put(struct show *s, uint8_t stream, const char *text, size_t len)
{
	size_t room;

	while (!s->dropped && s->len &&
	       (s->stream != stream || s->len == sizeof(s->buf)))
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->dropped)
		return len; /* nobody will ever know */
	room = sizeof(s->buf) - s->len;
	len = len < room ? len : room;
	memcpy(s->buf + s->len, text, len);
	s->stream = stream;
	s->len += len;
	tell_owner(s);
	return len;
}

static ssize_t print(void *cookie, const char *text, size_t len)
{
	struct sink *k = cookie;
	struct show *s = k->show;
	size_t done = 0;

	pthread_mutex_lock(&s->lock);
	while (done < len)
		done += put(s, (uint8_t)(k - s->sink), text + done, len - done);
	pthread_mutex_unlock(&s->lock);
	return (ssize_t)len;
}

static void run_one(struct show *s)
{
	int code;

	pthread_mutex_unlock(&s->lock);
	code = cli_ask(s->argc, s->argv, s->fd, s->sink[SHOW_OUT].file,
		       s->sink[SHOW_ERR].file);
	pthread_mutex_lock(&s->lock);
	close(s->fd);
	s->fd = -1;
	s->code = code;
	s->over = true;
	tell_owner(s);
}

static void *run(void *arg)
{
	struct show *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		if (s->running && !s->over)
			run_one(s);
		else
			pthread_cond_wait(&s->changed, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- the owner ------------------------------------------------------------*/

static void free_it(struct show *s)
{
	for (int i = 0; i < 2; i++)
		if (s->sink[i].file)
			fclose(s->sink[i].file);
	if (s->wake >= 0)
		close(s->wake);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int open_sinks(struct show *s)
{
	const cookie_io_functions_t io = { .write = print };

	for (int i = 0; i < 2; i++) {
		s->sink[i].show = s;
		s->sink[i].file = fopencookie(&s->sink[i], "w", io);
		if (!s->sink[i].file)
			return -ENOMEM;
	}
	return 0;
}

struct show *show_start(int *err)
{
	struct show *s = calloc(1, sizeof(*s));

	*err = -ENOMEM;
	if (!s)
		return NULL;
	s->fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*err = s->wake < 0 ? -errno : open_sinks(s);
	if (!*err)
		*err = thread_start(&s->thread, run, s);
	if (!*err)
		return s;
	free_it(s);
	return NULL;
}

int show_fd(const struct show *s)
{
	return s->wake;
}

/* #syscalls control: read */
void show_woken(struct show *s)
{
	uint64_t times;

	(void)!read(s->wake, &times, sizeof(times));
}

/* With the lock.  #syscalls control: shutdown */
static void drop(struct show *s)
{
	s->dropped = true;
	s->at = s->len = 0;
	/* it gets no more answers */
	if (s->fd >= 0)
		(void)shutdown(s->fd, SHUT_RDWR);
	pthread_cond_broadcast(&s->changed);
}

void show_stop(struct show *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	drop(s);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	free_it(s);
}

static int copy_words(struct show *s, int argc, const char *const *argv)
{
	size_t at = 0;

	if (argc > (int)SHOW_WORDS)
		return -E2BIG;
	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;

		if (n > sizeof(s->words) - at)
			return -E2BIG;
		s->argv[i] = memcpy(s->words + at, argv[i], n);
		at += n;
	}
	s->argv[argc] = NULL;
	s->argc = argc;
	return 0;
}

int show_run(struct show *s, int fd, int argc, const char *const *argv)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = s->running ? -EBUSY : copy_words(s, argc, argv);
	if (!err) {
		s->fd = fd;
		s->running = true;
		s->dropped = s->over = false;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

void show_drop(struct show *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->running)
		drop(s);
	pthread_mutex_unlock(&s->lock);
}

size_t show_peek(struct show *s, enum show_stream *stream, void *buf,
		 size_t size)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->len - s->at;
	n = n < size ? n : size;
	memcpy(buf, s->buf + s->at, n);
	*stream = (enum show_stream)s->stream;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void show_take(struct show *s, size_t n)
{
	pthread_mutex_lock(&s->lock);
	vw_assert(n <= s->len - s->at);
	s->at += n;
	if (s->at == s->len) {
		s->at = s->len = 0;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
}

bool show_over(struct show *s, int *code)
{
	bool over;

	pthread_mutex_lock(&s->lock);
	over = s->running && s->over && s->at == s->len;
	*code = s->code;
	if (over)
		s->running = false;
	pthread_mutex_unlock(&s->lock);
	return over;
}
