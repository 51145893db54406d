/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's writer and the tool's reader of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/cli/jread.h"
#include "firewall/control/ctl/json.h"
#include "unit.h"

static char buf[1024];
static struct json j;
static struct jdoc doc;

static void values_are_written_with_commas_between_them(void)
{
	json_init(&j, buf, sizeof(buf));
	json_object(&j, NULL);
	json_str(&j, "a", "x");
	json_array(&j, "b");
	json_num(&j, NULL, 0);
	json_num(&j, NULL, UINT64_MAX);
	json_object(&j, NULL);
	json_end_object(&j);
	json_end_array(&j);
	json_bool(&j, "c", true);
	json_bool(&j, "d", false);
	json_secs(&j, "f", 12045);
	json_end_object(&j);
	CU_ASSERT(!j.over);
	CU_ASSERT_STRING_EQUAL(buf,
			       "{\"a\":\"x\",\"b\":[0,18446744073709551615,{}],"
			       "\"c\":true,\"d\":false,"
			       "\"f\":12.045}");
	CU_ASSERT_EQUAL(j.len, strlen(buf));
}

static void D10_no_string_harms_a_terminal(void)
{
	json_init(&j, buf, sizeof(buf));
	json_strn(&j, NULL, "\x1b]0;x\x07\n% s%n\"\\\xff\0z", 17);
	CU_ASSERT_STRING_EQUAL(buf, "\"\\u001b]0;x\\u0007\\u000a% s%n\\\"\\\\"
				    "\\u00ff\\u0000z\"");
	for (const char *p = buf; *p; p++)
		CU_ASSERT(*p >= ' ' && *p <= '~');
}

static void what_does_not_fit_is_left_out_and_remembered(void)
{
	for (size_t room = 1; room < 30; room++) {
		memset(buf, '#', sizeof(buf));
		json_init(&j, buf, room);
		json_object(&j, NULL);
		json_str(&j, "key", "a longer value");
		json_end_object(&j);
		CU_ASSERT_EQUAL(j.over, room < 25);
		CU_ASSERT(strlen(buf) < room);
		CU_ASSERT_EQUAL(buf[room], '#');
	}
	json_init(&j, buf, 10);
	CU_ASSERT(json_fits(&j, 9));
	CU_ASSERT(!json_fits(&j, 10));
}

static int read_text(const char *text)
{
	return jread(&doc, text, strlen(text));
}

static void what_was_written_is_read(void)
{
	const struct jval *o, *list, *v;
	char t[JREAD_TEXT];

	CU_ASSERT_EQUAL_FATAL(
		read_text("{\"s\":\"a\\\"b\\\\c\\u001b\",\"n\":42,\"l\":[1,{"
			  "\"x\":"
			  "[]},\"z\"],\"t\":true,\"f\":false,\"q\":1.5}"),
		0);
	o = jroot(&doc);
	CU_ASSERT_STRING_EQUAL(jtext(&doc, jget(&doc, o, "s"), t),
			       "a\"b\\c\\u001b");
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, o, "n")), 42);
	CU_ASSERT(jtrue(&doc, jget(&doc, o, "t")));
	CU_ASSERT(!jtrue(&doc, jget(&doc, o, "f")));
	CU_ASSERT_EQUAL(jms(&doc, jget(&doc, o, "q")), 1500);
	CU_ASSERT_EQUAL(jms(&doc, jget(&doc, o, "n")), 42000);
	list = jget(&doc, o, "l");
	v = jfirst(&doc, list);
	CU_ASSERT_EQUAL(jnum(&doc, v), 1);
	v = jnext(&doc, list, v);
	CU_ASSERT_EQUAL(v->type, JREAD_OBJECT);
	CU_ASSERT_PTR_NULL(jfirst(&doc, jget(&doc, v, "x")));
	v = jnext(&doc, list, v);
	CU_ASSERT_STRING_EQUAL(jtext(&doc, v, t), "z");
	CU_ASSERT_PTR_NULL(jnext(&doc, list, v));
}

static void what_is_not_there_is_nothing(void)
{
	char t[JREAD_TEXT];

	CU_ASSERT_EQUAL_FATAL(read_text("{\"a\":[]}"), 0);
	CU_ASSERT_PTR_NULL(jget(&doc, jroot(&doc), "b"));
	CU_ASSERT_PTR_NULL(jget(&doc, NULL, "b"));
	CU_ASSERT_PTR_NULL(jget(&doc, jget(&doc, jroot(&doc), "a"), "b"));
	CU_ASSERT_PTR_NULL(jfirst(&doc, NULL));
	CU_ASSERT_STRING_EQUAL(jtext(&doc, NULL, t), "");
	CU_ASSERT_EQUAL(jnum(&doc, NULL), 0);
	CU_ASSERT_EQUAL(jms(&doc, NULL), 0);
	CU_ASSERT(!jtrue(&doc, NULL));
}

static void numbers_saturate(void)
{
	CU_ASSERT_EQUAL_FATAL(read_text("[18446744073709551615,"
					"99999999999999999999999,"
					"99999999999999999999.9999]"),
			      0);
	CU_ASSERT_EQUAL(jnum(&doc, &doc.val[1]), UINT64_MAX);
	CU_ASSERT_EQUAL(jnum(&doc, &doc.val[2]), UINT64_MAX);
	CU_ASSERT_EQUAL(jms(&doc, &doc.val[3]), UINT64_MAX);
}

static void what_is_no_json_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"}",
		"[1,]",
		"[1 2]",
		"{\"a\"}",
		"{a:1}",
		"{\"a\":}",
		"\"x",
		"\"\\n\"",
		"\"\\u00g0\"",
		"\"\t\"",
		"\"\xff\"",
		"tru",
		"nul",
		"-1",
		"1.",
		"[1]x",
		" 1",
		"{,}",
		"[,1]",
		"[1}",
		"{\"a\":[1,2}]",
		"\"\\u00",
		"{\"a\":1,}",
		"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_NOT_EQUAL(read_text(bad[i]), 0);
}

static void nesting_is_bounded(void)
{
	char text[2 * (JREAD_DEPTH + 1) + 1] = "";

	memset(text, '[', JREAD_DEPTH);
	memset(text + JREAD_DEPTH, ']', JREAD_DEPTH);
	CU_ASSERT_EQUAL(read_text(text), 0);
	CU_ASSERT_EQUAL(doc.n, JREAD_DEPTH);
	CU_ASSERT_EQUAL(doc.val[0].end, JREAD_DEPTH);
	memset(text, '[', JREAD_DEPTH + 1);
	memset(text + JREAD_DEPTH + 1, ']', JREAD_DEPTH + 1);
	CU_ASSERT_NOT_EQUAL(read_text(text), 0);
}

static void a_text_of_many_values_is_bounded(void)
{
	static char text[CTL_ANSWER_MAX + 2];

	memset(text, '[', sizeof(text) - 1);
	CU_ASSERT_NOT_EQUAL(read_text(text), 0);
	for (size_t i = 1; i + 1 < CTL_ANSWER_MAX; i++)
		text[i] = i % 2 ? '1' : ',';
	text[CTL_ANSWER_MAX - 2] = '1';
	text[CTL_ANSWER_MAX - 1] = ']';
	text[CTL_ANSWER_MAX] = '\0';
	CU_ASSERT_EQUAL(read_text(text), 0);
	text[CTL_ANSWER_MAX] = ' ';
	CU_ASSERT_NOT_EQUAL(read_text(text), 0);
}

/* Damage at each byte: read, or refused, and never more than that. */
static void damage_is_harmless(void)
{
	static const char whole[] = "{\"schema\":1,\"l\":[{\"a\":\"b\\u001b\"},"
				    "2.5,true,null],\"next\":7}";
	unsigned int seed = (unsigned int)unit_seed();
	char text[sizeof(whole)];

	for (int i = 0; i < 20000; i++) {
		memcpy(text, whole, sizeof(whole));
		for (int k = 0; k < 1 + i % 3; k++)
			text[(unsigned)rand_r(&seed) % (sizeof(whole) - 1)] =
				(char)(rand_r(&seed) % 128);
		if (jread(&doc, text, strlen(text)))
			continue;
		for (uint32_t n = 0; n < doc.n; n++) {
			char t[JREAD_TEXT];

			CU_ASSERT(doc.val[n].end > n &&
				  doc.val[n].end <= doc.n);
			(void)jtext(&doc, &doc.val[n], t);
			(void)jms(&doc, &doc.val[n]);
			(void)jget(&doc, &doc.val[n], "l");
		}
	}
}

UNIT_SUITE(json, UNIT(values_are_written_with_commas_between_them),
	   UNIT(D10_no_string_harms_a_terminal),
	   UNIT(what_does_not_fit_is_left_out_and_remembered),
	   UNIT(what_was_written_is_read), UNIT(what_is_not_there_is_nothing),
	   UNIT(numbers_saturate), UNIT(what_is_no_json_is_refused),
	   UNIT(nesting_is_bounded), UNIT(a_text_of_many_values_is_bounded),
	   UNIT(damage_is_harmless))
