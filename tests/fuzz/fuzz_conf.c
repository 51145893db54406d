/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A settings file, then the same bytes as a kernel command line.  Errors come
 * as printable lines; a second reading says the same.
 */
#include "firewall/control/conf/conf.h"
#include "tests/fuzz/fuzz.h"

static void printable(const struct conf_errors *e)
{
	vw_assert(e->len < sizeof(e->text) && !e->text[e->len]);
	for (size_t i = 0; i < e->len; i++)
		vw_assert(e->text[i] == '\n' ||
			  (e->text[i] >= ' ' && e->text[i] < 0x7f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct conf one, two;
	static struct conf_errors e1, e2;
	char *text = malloc(len ? len : 1);

	vw_assert(text);
	if (len)
		memcpy(text, data, len);
	memset(&e1, 0, sizeof(e1));
	memset(&e2, 0, sizeof(e2));
	conf_default(&one);
	conf_default(&two);
	conf_read_text(&one, "fuzz", text, len, &e1);
	conf_read_text(&two, "fuzz", text, len, &e2);
	conf_check(&one, CONF_REPLAY, &e1);
	conf_check(&two, CONF_REPLAY, &e2);
	printable(&e1);
	vw_assert(e1.n == e2.n && !strcmp(e1.text, e2.text));
	if (!e1.n) {
		char diff[256];

		vw_assert(!conf_diff_fixed(&one, &two, diff, sizeof(diff)));
	}
	conf_read_cmdline(&two, text, len, &e2);
	printable(&e2);
	free(text);
	return 0;
}
