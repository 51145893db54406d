/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl's side of the socket: each line of the input is what the daemon
 * answers to one request.  Whatever it says, the command ends, with one of its
 * exit codes, and prints nothing that a terminal might obey.
 *
 * First byte: which command (bits 0 to 3), as JSON (bit 4), with a client (bit
 * 5), with --since (bit 6).
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "tests/fuzz/fuzz.h"

static int (*const commands[])(const struct cli *c, struct ask *a) = {
	cli_status,  cli_clients, cli_flows,   cli_rules,
	cli_blocked, cli_drops,	  cli_explain, cli_reload,
};

static struct ask a;

/* Records, so that no answer comes together with the next. */
static int daemon_with(struct feed *f)
{
	int pair[2];
	int err = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);

	vw_assert(!err);
	while (f->left) {
		const uint8_t *nl = memchr(f->p, '\n', f->left);
		size_t n = nl ? (size_t)(nl - f->p) + 1 : f->left;

		if (send(pair[1], f->p, n, MSG_NOSIGNAL) < 0)
			break;
		f->p += n;
		f->left -= n;
	}
	shutdown(pair[1], SHUT_WR);
	a.fd = pair[0];
	return pair[1];
}

static void is_harmless(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		vw_assert(text[i] == '\n' ||
			  (text[i] >= ' ' && text[i] <= '~'));
}

static int run(uint8_t what)
{
	static char client[] = "work", dst[] = "1.2.3.4", proto[] = "tcp";
	static char port[] = "443", *words[] = { client, dst, proto, port };
	const struct cli c = {
		.json = what & 16,
		.client = what & 32 ? "work" : NULL,
		.since_ms = what & 64 ? 5000 : UINT64_MAX,
		.argc = 4,
		.argv = words,
	};

	return commands[what % (sizeof(commands) / sizeof(commands[0]))](&c,
									 &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FILE *was_out = stdout, *was_err = stderr;
	char *out = NULL, *err = NULL;
	struct feed f = { data, len };
	size_t out_len = 0, err_len = 0;
	uint8_t what = feed_u8(&f);
	int fd = daemon_with(&f), code;

	stdout = open_memstream(&out, &out_len);
	stderr = open_memstream(&err, &err_len);
	vw_assert(stdout && stderr);
	code = run(what);
	fclose(stdout);
	fclose(stderr);
	stdout = was_out;
	stderr = was_err;
	vw_assert(code == CLI_OK || code == CLI_NO || code == CLI_USAGE ||
		  code == CLI_UNREACHABLE || code == CLI_INTERNAL);
	/* what went wrong is said, what did not is no error */
	vw_assert((code == CLI_OK) == !err_len || code == CLI_NO);
	is_harmless(out, out_len);
	is_harmless(err, err_len);
	free(out);
	free(err);
	ask_close(&a);
	close(fd);
	return 0;
}
