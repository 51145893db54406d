/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How dom0 runs commands in guests that have no network yet: over two XenStore
 * nodes of the guest.
 *
 *	data/ask	"SEQUENCE SECONDS COMMAND", by dom0
 *	data/reply	"SEQUENCE EXITCODE OUTPUT", by the guest; at the start
 *			"0 0 ", so that dom0 knows it is up
 *
 * agent serve				in a guest
 * agent ask DOMID SECONDS COMMAND	in dom0: the output, and the exit code
 *					(124: it took too long)
 * agent wait DOMID SECONDS		in dom0: until the guest serves
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define OUTPUT "/run/agent.out"
#define OUTPUT_MAX 1800 /* a guest's node has 2048 bytes with all around it */
#define LATE 124

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for any watch to fire, at most until @end. */
static bool wait_change(struct xs_handle *xs, uint64_t end)
{
	struct pollfd p = { .fd = xs_fileno(xs), .events = POLLIN };
	uint64_t now = now_ms();
	char **event;

	if (now >= end || poll(&p, 1, (int)(end - now)) <= 0)
		return false;
	while ((event = xs_check_watch(xs)))
		free(event);
	return true;
}

/* Runs @command with its output in OUTPUT; its exit code. */
static int run(const char *command, unsigned long seconds)
{
	uint64_t end = now_ms() + seconds * 1000;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int out = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		int in = open("/dev/null", O_RDONLY);

		setpgid(0, 0);
		dup2(in, 0);
		dup2(out, 1);
		dup2(out, 2);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	while (pid > 0) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status)
						 : 128 + WTERMSIG(status);
		if (ended < 0)
			break;
		if (now_ms() > end) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return LATE;
		}
		poll(NULL, 0, 20);
	}
	return 126;
}

static bool reply(struct xs_handle *xs, uint64_t sequence, int rc)
{
	char text[64 + OUTPUT_MAX];
	int len = snprintf(text, 64, "%" PRIu64 " %d ", sequence, rc);
	int fd = open(OUTPUT, O_RDONLY);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st)) {
		ssize_t n;

		if (st.st_size > OUTPUT_MAX)
			lseek(fd, -OUTPUT_MAX, SEEK_END);
		n = read(fd, text + len, OUTPUT_MAX);
		len += n > 0 ? (int)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return xs_write(xs, XBT_NULL, "data/reply", text, (unsigned int)len);
}

static int serve(struct xs_handle *xs)
{
	uint64_t done = 0;

	if (!xs_watch(xs, "data/ask", "ask") || !reply(xs, 0, 0))
		return 1;
	for (;;) {
		unsigned int len;
		char *ask = xs_read(xs, XBT_NULL, "data/ask", &len);
		unsigned long seconds = 0;
		uint64_t sequence = 0;
		char *at;

		if (ask) {
			sequence = strtoull(ask, &at, 10);
			seconds = strtoul(at, &at, 10);
		}
		if (sequence && sequence != done) {
			done = sequence;
			if (!reply(xs, sequence, run(at, seconds)))
				return 1;
			unlink(OUTPUT);
		}
		free(ask);
		wait_change(xs, now_ms() + 10000);
	}
}

/* The reply to @sequence, printed; LATE when it does not come. */
static int hear(struct xs_handle *xs, const char *path, uint64_t sequence,
		unsigned long seconds)
{
	uint64_t end = now_ms() + seconds * 1000;

	if (!xs_watch(xs, path, "reply"))
		return 1;
	do {
		unsigned int len;
		char *text = xs_read(xs, XBT_NULL, path, &len), *at;

		if (text && *text && strtoull(text, &at, 10) == sequence) {
			long rc = strtol(at, &at, 10);

			at += *at == ' ';
			fwrite(at, 1, len - (size_t)(at - text), stdout);
			free(text);
			return (int)rc;
		}
		free(text);
	} while (wait_change(xs, end));
	fprintf(stderr, "agent: no answer on %s\n", path);
	return LATE;
}

static int ask(struct xs_handle *xs, const char *dom, unsigned long seconds,
	       const char *command)
{
	/* Never twice the same, and never 0. */
	uint64_t sequence = now_ms() * 100000 + (uint64_t)getpid();
	char path[64], text[4096];
	int len = snprintf(text, sizeof(text), "%" PRIu64 " %lu %s", sequence,
			   seconds, command);

	if (len >= (int)sizeof(text))
		return 2;
	snprintf(path, sizeof(path), "/local/domain/%s/data/ask", dom);
	if (!xs_write(xs, XBT_NULL, path, text, (unsigned int)len)) {
		perror(path);
		return 1;
	}
	snprintf(path, sizeof(path), "/local/domain/%s/data/reply", dom);
	return hear(xs, path, sequence, seconds + 10);
}

int main(int argc, char **argv)
{
	struct xs_handle *xs = xs_open(0);
	char path[64];

	if (!xs) {
		perror("agent: xenstore");
		return 1;
	}
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve(xs);
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(xs, argv[2], strtoul(argv[3], NULL, 10), argv[4]);
	if (argc == 4 && !strcmp(argv[1], "wait")) {
		snprintf(path, sizeof(path), "/local/domain/%s/data/reply",
			 argv[2]);
		return hear(xs, path, 0, strtoul(argv[3], NULL, 10));
	}
	fprintf(stderr, "usage: agent serve | ask DOMID SECONDS COMMAND | "
			"wait DOMID SECONDS\n");
	return 2;
}
