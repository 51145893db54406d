/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/linux/log.h"
#include "unit.h"

static int ends[2];
static char text[65536];

/* From here on lines go to a pipe. */
static void catch_lines(enum log_level level)
{
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(log_open("test", LOG_TO_STDERR, level), 0);
	log_to_fd(ends[1]);
}

/* All lines since, as one string. */
static const char *caught(void)
{
	ssize_t n;

	log_to_fd(STDERR_FILENO);
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	close(ends[0]);
	return text;
}

static void a_line_says_role_and_level_and_ends(void)
{
	catch_lines(LOG_LEVEL_INFO);
	log_err("port %d: gone", 3);
	log_warn("late");
	log_info("ready");
	CU_ASSERT_STRING_EQUAL(caught(), "vifwalld[test]: error port 3: gone\n"
					 "vifwalld[test]: warn late\n"
					 "vifwalld[test]: info ready\n");
}

static void lines_above_the_level_are_left_out(void)
{
	catch_lines(LOG_LEVEL_WARN);
	log_info("no");
	log_dbg("no");
	log_warn("yes");
	CU_ASSERT_STRING_EQUAL(caught(), "vifwalld[test]: warn yes\n");
}

static void a_long_line_is_cut_and_still_ends(void)
{
	char word[2 * LOG_LINE_MAX];
	const char *got;

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = 0;
	catch_lines(LOG_LEVEL_INFO);
	log_info("%s", word);
	got = caught();
	CU_ASSERT(strlen(got) < LOG_LINE_MAX);
	CU_ASSERT(strlen(got) > LOG_LINE_MAX - 8);
	CU_ASSERT_EQUAL(got[strlen(got) - 1], '\n');
	CU_ASSERT_PTR_NULL(memchr(got, '\n', strlen(got) - 1));
}

static uint32_t lines_in(const char *s)
{
	uint32_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void one_line_of_code_has_a_burst_and_no_more(void)
{
	catch_lines(LOG_LEVEL_INFO);
	for (int i = 0; i < 1000; i++)
		log_info("storm %d", i);
	log_info("another line of code is not silenced");
	CU_ASSERT_EQUAL(lines_in(caught()), LOG_BURST + 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "not silenced"));
}

static void what_was_left_out_is_counted_when_it_goes_on(void)
{
	struct log_site site = { 0 };

	catch_lines(LOG_LEVEL_INFO);
	for (uint32_t i = 0; i < LOG_BURST + 7; i++)
		log_line(&site, LOG_LEVEL_INFO, "x");
	site.next_ns = 0; /* long ago */
	log_line(&site, LOG_LEVEL_INFO, "again");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(caught(), "again (7 like it left out)\n"));
	CU_ASSERT_EQUAL(site.left_out, 0);
}

static void errno_is_as_it_was_before(void)
{
	catch_lines(LOG_LEVEL_INFO);
	errno = ENOTTY;
	log_info("x");
	CU_ASSERT_EQUAL(errno, ENOTTY);
	log_to_fd(-1);
	errno = EXDEV;
	log_info("lost");
	CU_ASSERT_EQUAL(errno, EXDEV);
	log_to_fd(ends[1]);
	caught();
}

static void R136_foreign_bytes_are_quoted(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain-name_1.example", "plain-name_1.example" },
		{ "a b", "a b" },
		{ "new\nline", "new\\x0aline" },
		{ "\033[31mred", "\\x1b[31mred" },
		{ "q\"'\\", "q\\x22\\x27\\x5c" },
		{ "\x7f\xff", "\\x7f\\xff" },
		{ "", "" },
	};
	char out[LOG_QUOTE_ROOM];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_STRING_EQUAL(log_quote(out, cases[i].in,
						 strlen(cases[i].in)),
				       cases[i].out);
	CU_ASSERT_STRING_EQUAL(log_quote(out, "\0x", 2), "\\x00x");
}

static void R136_a_long_quote_is_cut_and_marked(void)
{
	char in[LOG_QUOTE_MAX + 1], out[LOG_QUOTE_ROOM + 1];

	memset(in, 0xee, sizeof(in));
	out[LOG_QUOTE_ROOM] = '!';
	log_quote(out, in, sizeof(in));
	CU_ASSERT_EQUAL(strlen(out), 4 * LOG_QUOTE_MAX + 3);
	CU_ASSERT_STRING_EQUAL(out + 4 * LOG_QUOTE_MAX, "...");
	CU_ASSERT_EQUAL(out[LOG_QUOTE_ROOM], '!');
	log_quote(out, in, LOG_QUOTE_MAX);
	CU_ASSERT_EQUAL(strlen(out), 4 * LOG_QUOTE_MAX);
}

static void a_target_that_can_not_be_opened_is_told_and_stderr_stays(void)
{
	int err = log_open("test", LOG_TO_SYSLOG, LOG_LEVEL_INFO);

	CU_ASSERT_EQUAL(log_fd() == STDERR_FILENO, err != 0);
	if (!err)
		close(log_fd());
	CU_ASSERT_EQUAL(log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO), 0);
	CU_ASSERT_EQUAL(log_fd(), STDERR_FILENO);
}

static void a_journal_gets_the_level_as_a_number(void)
{
	int copy = dup(STDERR_FILENO);
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	setenv("JOURNAL_STREAM", "8:1", 1);
	CU_ASSERT_EQUAL(log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO), 0);
	unsetenv("JOURNAL_STREAM");
	dup2(ends[1], STDERR_FILENO);
	log_warn("late");
	dup2(copy, STDERR_FILENO);
	close(copy);
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	close(ends[0]);
	CU_ASSERT_STRING_EQUAL(text, "<4>vifwalld[test]: warn late\n");
	CU_ASSERT_EQUAL(log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO), 0);
}

static void an_errno_has_its_name(void)
{
	CU_ASSERT_STRING_EQUAL(log_errno(ENODEV), "ENODEV");
	CU_ASSERT_STRING_EQUAL(log_errno(EBADFD), "EBADFD");
	CU_ASSERT_STRING_EQUAL(log_errno(0), "?");
	CU_ASSERT_STRING_EQUAL(log_errno(99999), "?");
}

UNIT_SUITE(log, UNIT(a_line_says_role_and_level_and_ends),
	   UNIT(lines_above_the_level_are_left_out),
	   UNIT(a_long_line_is_cut_and_still_ends),
	   UNIT(one_line_of_code_has_a_burst_and_no_more),
	   UNIT(what_was_left_out_is_counted_when_it_goes_on),
	   UNIT(errno_is_as_it_was_before), UNIT(R136_foreign_bytes_are_quoted),
	   UNIT(R136_a_long_quote_is_cut_and_marked),
	   UNIT(a_target_that_can_not_be_opened_is_told_and_stderr_stays),
	   UNIT(a_journal_gets_the_level_as_a_number),
	   UNIT(an_errno_has_its_name))
