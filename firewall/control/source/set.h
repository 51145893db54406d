/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_SOURCE_SET_H
#define VIFWALL_FIREWALL_CONTROL_SOURCE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/control/source/tree.h"
#include "rules/rule.h"

/*
 * A client's rules of one family: as text for people, and built, in sealed
 * memory, for the process that judges packets.
 *
 * A set is made anew and wholly from what stands in the tree at its commit;
 * what happens there afterwards does not change it.  Whatever is wrong in it
 * makes it a bad one, which lets nothing pass and says why (R120).
 */
enum set_state {
	SET_NONE, /* never committed, or removed: closed */
	SET_GOOD,
	SET_BAD, /* built closed; see error */
};

#define SET_KEY_MAX 24u
#define SET_WHY_MAX 128u
#define SET_LINE_MAX 512u /* canonical text of a rule with its NUL */

struct set_error {
	char key[SET_KEY_MAX]; /* "0003", "policy", or the odd one */
	uint32_t column;       /* from 1; 0: the whole */
	char why[SET_WHY_MAX];
};

struct set {
	uint8_t state;	/* enum set_state */
	uint8_t family; /* enum rule_family */
	uint8_t policy; /* enum rule_action */
	bool accept;	/* not from the tree: see set_accept() */
	uint32_t n;	/* rules */
	uint32_t names; /* of them with a host name */
	uint32_t error_n;
	struct set_error error; /* the first */
	int fd;			/* sealed; -1: none */
	size_t len;
	const struct ruleset *built; /* in fd, mapped */
	char *text;		     /* n lines, each with its NUL */
	uint32_t *text_off;
};

/* Told of each error; @text is what stands in the key. */
typedef void set_complain(void *ctx, const struct set_error *e,
			  const char *text, size_t len);

/*
 * Makes @out from what is below @base, which ends with '/'.  0, whether the set
 * is good or bad, or -errno when not even a bad one could be made; then @out is
 * SET_NONE.
 */
int VW_MUST_USE set_load(struct set *out, const struct tree *t,
			 const char *base, enum rule_family family,
			 const struct rule_env *env, set_complain *complain,
			 void *ctx);
/*
 * The rules of @s, which is good, built again because what names and targets
 * stand for has changed.  Nothing is read from the tree: what happened there
 * since the commit does not count.  0, or -errno with @out SET_NONE.
 */
int VW_MUST_USE set_again(struct set *out, const struct set *s,
			  const struct rule_env *env);
/* The set without rules whose policy lets everything pass. */
int VW_MUST_USE set_accept(struct set *out, enum rule_family family);
/* A bad set with a reason of our own. */
int VW_MUST_USE set_closed(struct set *out, enum rule_family family,
			   const char *key, const char *why);
void set_none(struct set *out, enum rule_family family);
/* Frees what it holds; it is SET_NONE afterwards. */
void set_clear(struct set *s);

/* Would judge every packet alike, with the same numbers (R124)? */
bool set_same(const struct set *a, const struct set *b);

/*
 * The next rule at place *@i or behind it that has a host name: true, with the
 * name in @out and *@i behind it.
 */
bool set_name(const struct set *s, uint32_t *i, char out[RULE_NAME_MAX + 1]);

/* The rule at place @i < n as text; @number is dom0's. */
const char *set_line(const struct set *s, uint32_t i, uint32_t *number);

#endif
