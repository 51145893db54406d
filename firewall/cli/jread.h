/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CLI_JREAD_H
#define VIFWALL_FIREWALL_CLI_JREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/share/ctl_proto.h"
#include "packet/pkt_assert.h"

/*
 * Reads the daemon's answers: JSON of printable ASCII, at most CTL_ANSWER_MAX
 * bytes, nested at most JREAD_DEPTH deep.  Nothing is copied: a value is a
 * slice of the text.
 */
#define JREAD_DEPTH 16u
#define JREAD_NODES (CTL_ANSWER_MAX / 2)

enum jtype {
	JREAD_NULL,
	JREAD_BOOL,
	JREAD_NUM,
	JREAD_STR,
	JREAD_ARRAY,
	JREAD_OBJECT
};

/* Members of an object come as pairs: a string, then its value. */
struct jval {
	uint8_t type;	  /* enum jtype */
	uint32_t at, len; /* in the text; of strings without the quotes */
	uint32_t end;	  /* number of the value after it and all in it */
};

struct jdoc {
	const char *text;
	uint32_t n;
	struct jval val[JREAD_NODES];
};

/* 0, or -EBADMSG.  @text must stay. */
int VW_MUST_USE jread(struct jdoc *d, const char *text, size_t len);

/* The value that the whole text is. */
const struct jval *jroot(const struct jdoc *d);
/* Member @key of @o; NULL when @o is no object (or NULL) or has none. */
const struct jval *jget(const struct jdoc *d, const struct jval *o,
			const char *key);
/* First element of array @a; the one after @v in it; NULL: no more. */
const struct jval *jfirst(const struct jdoc *d, const struct jval *a);
const struct jval *jnext(const struct jdoc *d, const struct jval *a,
			 const struct jval *v);

/*
 * For showing.  A value that is not there is "", 0 or false.  Text keeps its
 * \u00XX as it is, so that it can't harm a terminal.
 */
#define JREAD_TEXT 640u
const char *jtext(const struct jdoc *d, const struct jval *v,
		  char out[JREAD_TEXT]);
uint64_t jnum(const struct jdoc *d, const struct jval *v);
/* Seconds with a fraction, in milliseconds. */
uint64_t jms(const struct jdoc *d, const struct jval *v);
bool jtrue(const struct jdoc *d, const struct jval *v);

#endif
