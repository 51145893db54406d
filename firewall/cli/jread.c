/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "firewall/cli/jread.h"

struct reader {
	struct jdoc *d;
	const char *text;
	size_t len, at;
	struct jval *open[JREAD_DEPTH]; /* lists that have not ended */
	uint32_t depth;
};

static int peek(const struct reader *r)
{
	return r->at < r->len ? (unsigned char)r->text[r->at] : -1;
}

static bool eat(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static bool word(struct reader *r, const char *w)
{
	size_t n = strlen(w);

	if (r->len - r->at < n || memcmp(r->text + r->at, w, n))
		return false;
	r->at += n;
	return true;
}

static struct jval *node(struct reader *r, enum jtype type)
{
	struct jval *v;

	if (r->d->n == JREAD_NODES)
		return NULL;
	v = &r->d->val[r->d->n++];
	*v = (struct jval){ .type = (uint8_t)type, .at = (uint32_t)r->at };
	return v;
}

static bool done(struct reader *r, struct jval *v)
{
	v->len = (uint32_t)r->at - v->at;
	v->end = r->d->n;
	return true;
}

static bool is_hex(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool escape(struct reader *r)
{
	if (eat(r, '"') || eat(r, '\\'))
		return true;
	if (!eat(r, 'u'))
		return false;
	for (int i = 0; i < 4; i++, r->at++)
		if (!is_hex(peek(r)))
			return false;
	return true;
}

static bool string(struct reader *r)
{
	struct jval *v;

	if (!eat(r, '"'))
		return false;
	v = node(r, JREAD_STR);
	if (!v)
		return false;
	while (peek(r) != '"') {
		int c = peek(r);

		if (c < ' ' || c > '~')
			return false;
		r->at++;
		if (c == '\\' && !escape(r))
			return false;
	}
	done(r, v);
	r->at++;
	return true;
}

static bool digits(struct reader *r)
{
	size_t from = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at > from;
}

static bool number(struct reader *r)
{
	struct jval *v = node(r, JREAD_NUM);

	if (!v || !digits(r) || (eat(r, '.') && !digits(r)))
		return false;
	return done(r, v);
}

static bool constant(struct reader *r)
{
	struct jval *v = node(r, peek(r) == 'n' ? JREAD_NULL : JREAD_BOOL);

	if (!v || !(word(r, "true") || word(r, "false") || word(r, "null")))
		return false;
	return done(r, v);
}

/* An array or an object begins. */
static bool begin(struct reader *r, enum jtype type)
{
	struct jval *v = node(r, type);

	if (!v || r->depth == JREAD_DEPTH)
		return false;
	r->at++;
	r->open[r->depth++] = v;
	return true;
}

/* A value, or the beginning of one that has others in it. */
static bool value(struct reader *r)
{
	switch (peek(r)) {
	case '{':
		return begin(r, JREAD_OBJECT);
	case '[':
		return begin(r, JREAD_ARRAY);
	case '"':
		return string(r);
	case 't':
	case 'f':
	case 'n':
		return constant(r);
	default:
		return number(r);
	}
}

/* All that end here. */
static void ends(struct reader *r)
{
	while (r->depth) {
		struct jval *v = r->open[r->depth - 1];

		if (!eat(r, v->type == JREAD_OBJECT ? '}' : ']'))
			return;
		done(r, v);
		r->depth--;
	}
}

/* What stands before the next value of the innermost: a comma and a key. */
static bool next(struct reader *r)
{
	const struct jval *v = r->open[r->depth - 1];
	bool first = v == &r->d->val[r->d->n - 1];

	if (!first && !eat(r, ','))
		return false;
	return v->type != JREAD_OBJECT || (string(r) && eat(r, ':'));
}

static bool document(struct reader *r)
{
	while (value(r)) {
		ends(r);
		if (!r->depth)
			return true;
		if (!next(r))
			return false;
	}
	return false;
}

int jread(struct jdoc *d, const char *text, size_t len)
{
	struct reader r = { .d = d, .text = text, .len = len };

	d->text = text;
	d->n = 0;
	if (len > CTL_ANSWER_MAX || !document(&r))
		return -EBADMSG;
	return r.at == len ? 0 : -EBADMSG;
}

const struct jval *jroot(const struct jdoc *d)
{
	return &d->val[0];
}

static const struct jval *inside(const struct jdoc *d, const struct jval *o,
				 uint32_t i)
{
	return i < o->end ? &d->val[i] : NULL;
}

static uint32_t index_of(const struct jdoc *d, const struct jval *v)
{
	return (uint32_t)(v - d->val);
}

const struct jval *jfirst(const struct jdoc *d, const struct jval *a)
{
	if (!a || (a->type != JREAD_ARRAY && a->type != JREAD_OBJECT))
		return NULL;
	return inside(d, a, index_of(d, a) + 1);
}

const struct jval *jnext(const struct jdoc *d, const struct jval *a,
			 const struct jval *v)
{
	return inside(d, a, v->end);
}

const struct jval *jget(const struct jdoc *d, const struct jval *o,
			const char *key)
{
	if (!o || o->type != JREAD_OBJECT)
		return NULL;
	for (const struct jval *k = jfirst(d, o); k;) {
		const struct jval *v = jnext(d, o, k);

		if (k->len == strlen(key) &&
		    !memcmp(d->text + k->at, key, k->len))
			return v;
		k = jnext(d, o, v);
	}
	return NULL;
}

const char *jtext(const struct jdoc *d, const struct jval *v,
		  char out[JREAD_TEXT])
{
	size_t n = 0;

	for (uint32_t i = 0; v && i < v->len && n + 1 < JREAD_TEXT; i++) {
		char c = d->text[v->at + i];

		/* of escapes only these two stand for what can be shown */
		if (c == '\\' && d->text[v->at + i + 1] != 'u')
			c = d->text[v->at + ++i];
		out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

/* Up to a point; saturates. */
static uint64_t whole(const struct jdoc *d, const struct jval *v, uint32_t *i)
{
	uint64_t n = 0;

	for (*i = 0; v && v->type == JREAD_NUM && *i < v->len; ++*i) {
		char c = d->text[v->at + *i];

		if (c == '.')
			break;
		if (n > (UINT64_MAX - 9) / 10)
			return UINT64_MAX;
		n = n * 10 + (uint64_t)(c - '0');
	}
	return n;
}

uint64_t jnum(const struct jdoc *d, const struct jval *v)
{
	uint32_t i;

	return whole(d, v, &i);
}

uint64_t jms(const struct jdoc *d, const struct jval *v)
{
	uint32_t i;
	uint64_t n = whole(d, v, &i), unit = 1000;

	if (n > UINT64_MAX / 2000)
		return UINT64_MAX;
	n *= 1000;
	for (i++; v && i < v->len && unit > 1; i++) {
		unit /= 10;
		n += (uint64_t)(d->text[v->at + i] - '0') * unit;
	}
	return n;
}

bool jtrue(const struct jdoc *d, const struct jval *v)
{
	return v && v->type == JREAD_BOOL && d->text[v->at] == 't';
}
