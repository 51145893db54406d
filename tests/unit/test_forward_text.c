/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Openings as text: what is read, what is printed, what is refused where. */
#include <string.h>

#include "firewall/control/conf/forward_text.h"
#include "unit.h"

static int parse(struct fw_forward *f, const char *text,
		 struct forward_error *err)
{
	return forward_parse(f, text, strlen(text), err);
}

static void what_is_read_is_printed_in_one_way(void)
{
	static const struct {
		const char *text, *canonical;
	} row[] = {
		{ "in=uplink proto=tcp dport=443 src=192.168.1.0/24 "
		  "to=10.137.0.34:443",
		  "in=uplink proto=tcp dport=443 src=192.168.1.0/24 "
		  "to=10.137.0.34:443" },
		{ "  to=10.137.0.34\tdport=80 in=uplink  ",
		  "in=uplink dport=80 to=10.137.0.34:80" },
		{ "in=uplink dport=8000-8009 proto=udp to=10.137.0.34:9000",
		  "in=uplink proto=udp dport=8000-8009 to=10.137.0.34:9000" },
		{ "in=uplink dport=22 to=[fd09::22] clients=yes",
		  "in=uplink dport=22 to=[fd09::22]:22 clients=yes" },
		{ "in=uplink dport=22 to=fd09::22 clients=no",
		  "in=uplink dport=22 to=[fd09::22]:22" },
		{ "in=uplink dport=22 to=[fd09::22]:2222 src=2001:db8::7",
		  "in=uplink dport=22 src=2001:db8::7 to=[fd09::22]:2222" },
		{ "in=uplink dport=65535 to=10.0.0.2:1",
		  "in=uplink dport=65535 to=10.0.0.2:1" },
		{ "in=uplink dport=1-65535 to=10.0.0.2",
		  "in=uplink dport=1-65535 to=10.0.0.2:1" },
		{ "from=10.137.0.5 to=10.137.0.6 proto=tcp dport=22",
		  "from=10.137.0.5 to=10.137.0.6 proto=tcp dport=22" },
		{ "dport=1-9 from=10.137.0.0/24 to=10.137.0.6",
		  "from=10.137.0.0/24 to=10.137.0.6 dport=1-9" },
		{ "from=10.137.0.5 to=10.137.0.6",
		  "from=10.137.0.5 to=10.137.0.6" },
		{ "from=fd09::5 to=fd09::6 proto=icmp",
		  "from=fd09::5 to=fd09::6 proto=icmp" },
		{ "from=10.137.0.5 to=10.137.0.6 proto=icmp",
		  "from=10.137.0.5 to=10.137.0.6 proto=icmp" },
	};
	char out[FORWARD_TEXT_MAX];
	struct forward_error err;
	struct fw_forward f, again;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(parse(&f, row[i].text, &err), 0);
		CU_ASSERT(fw_forward_ok(&f));
		CU_ASSERT_STRING_EQUAL(forward_print(out, &f),
				       row[i].canonical);
		CU_ASSERT_EQUAL(parse(&again, out, &err), 0);
		CU_ASSERT_EQUAL(memcmp(&f, &again, sizeof(f)), 0);
	}
}

static void what_is_wrong_is_told_with_its_place(void)
{
	static const struct {
		const char *text;
		uint32_t column;
		const char *part; /* of the sentence */
	} row[] = {
		{ "", 1, "either in=uplink or from=" },
		{ "to=10.0.0.2 dport=1", 1, "either in=uplink or from=" },
		{ "in=uplink from=10.0.0.1 to=10.0.0.2", 1, "either" },
		{ "in=uplink dport=1", 1, "to=ADDRESS is missing" },
		{ "in=uplink to=10.0.0.2", 1, "needs a dport" },
		{ "in=eth0 dport=1 to=10.0.0.2", 4, "in is uplink" },
		{ "in=uplink  nonsense", 12, "key=value" },
		{ "in=uplink =5", 11, "keys are" },
		{ "in=uplink dports=1", 11, "keys are in, from, to" },
		{ "in=uplink in=uplink", 11, "only once" },
		{ "in=uplink dport=0 to=10.0.0.2", 17, "dport is" },
		{ "in=uplink dport=65536 to=10.0.0.2", 17, "dport is" },
		{ "in=uplink dport=00001x to=10.0.0.2", 17, "dport is" },
		{ "in=uplink dport=9-8 to=10.0.0.2", 17, "dport is" },
		{ "in=uplink dport=1- to=10.0.0.2", 17, "dport is" },
		{ "in=uplink dport= to=10.0.0.2", 17, "dport is" },
		{ "in=uplink dport=100000 to=10.0.0.2", 17, "dport is" },
		{ "in=uplink dport=1 to=10.0.0.2:", 22, "to is" },
		{ "in=uplink dport=1 to=10.0.0.2:0", 22, "to is" },
		{ "in=uplink dport=1 to=10.0.0", 22, "to is" },
		{ "in=uplink dport=1 to=[fd09::1", 22, "to is" },
		{ "in=uplink dport=1 to=[fd09::1]5", 22, "to is" },
		{ "in=uplink dport=1 to=[10.0.0.2]:5", 22, "to is" },
		{ "in=uplink dport=1 to=[]", 22, "to is" },
		{ "in=uplink dport=1 to=", 22, "to is" },
		{ "in=uplink dport=1 to=0.0.0.0", 22, "to is" },
		{ "in=uplink dport=1 to=224.0.0.1", 22, "to is" },
		{ "in=uplink dport=1 to=fe80::1", 22, "to is" },
		{ "in=uplink dport=1-9 to=10.0.0.2:65530", 24, "over 65535" },
		{ "in=uplink proto=icmp dport=1 to=10.0.0.2", 17,
		  "with in=uplink proto" },
		{ "in=uplink proto=sctp dport=1 to=10.0.0.2", 17, "proto is" },
		{ "in=uplink dport=1 to=10.0.0.2 src=10.0.0.0/33", 35,
		  "src is" },
		{ "in=uplink dport=1 to=10.0.0.2 src=fd09::/64", 35,
		  "same family" },
		{ "in=uplink dport=1 to=10.0.0.2 clients=maybe", 39,
		  "clients is" },
		{ "from=10.0.0.1 to=fd09::2", 6, "same family" },
		{ "from=10.0.0.1 to=10.0.0.2:5", 18, "use dport" },
		{ "from=10.0.0.1 to=10.0.0.2 src=10.0.0.3", 31, "from says" },
		{ "from=10.0.0.1 to=10.0.0.2 clients=yes", 35,
		  "clients is for in=uplink" },
		{ "from=10.0.0.1 to=10.0.0.2 proto=icmp dport=1", 44,
		  "tcp and udp" },
		{ "from=work to=10.0.0.2", 6, "from is" },
	};
	struct forward_error err;
	struct fw_forward f;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(parse(&f, row[i].text, &err), -EBADMSG);
		if (err.column != row[i].column ||
		    !strstr(err.why, row[i].part))
			printf("%s: %u: %s\n", row[i].text, err.column,
			       err.why);
		CU_ASSERT_EQUAL(err.column, row[i].column);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.why, row[i].part));
	}
}

/* Each byte of a good text, cut off or changed, gives a good one or an error.
 */
static void no_text_gives_an_opening_that_can_not_be(void)
{
	static const char good[] = "in=uplink proto=tcp dport=8000-8009 "
				   "src=fd09::/64 to=[fd09::22]:9 clients=yes";
	char text[sizeof(good)];
	struct forward_error err;
	struct fw_forward f;

	for (size_t i = 0; i < sizeof(good); i++)
		if (!forward_parse(&f, good, i, &err))
			CU_ASSERT(fw_forward_ok(&f));
	for (size_t i = 0; i + 1 < sizeof(good); i++)
		for (int c = 0; c < 256; c++) {
			memcpy(text, good, sizeof(good));
			text[i] = (char)c;
			if (!parse(&f, text, &err))
				CU_ASSERT(fw_forward_ok(&f));
		}
}

UNIT_SUITE(forward_text, UNIT(what_is_read_is_printed_in_one_way),
	   UNIT(what_is_wrong_is_told_with_its_place),
	   UNIT(no_text_gives_an_opening_that_can_not_be))
