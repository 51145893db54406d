/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How each type of setting is read.  A parser gets all bytes of the value,
 * without blanks around them, and writes only when it takes them.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "firewall/control/conf/conf_table.h"

/* Decimal digits only: no sign, no blanks, no other base. */
static int number(uint64_t *out, const char *text, size_t len)
{
	uint64_t n = 0;

	if (!len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (n > (UINT64_MAX - 9) / 10)
			return -ERANGE;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*out = n;
	return 0;
}

static int number_in(const struct conf_row *row, uint64_t *out,
		     const char *text, size_t len)
{
	int err = number(out, text, len);

	if (err)
		return err;
	return *out < row->lo || *out > row->hi ? -ERANGE : 0;
}

static int parse_u16(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	uint64_t n;
	int err = number_in(row, &n, text, len);

	if (!err)
		*(uint16_t *)conf_at(row, base) = (uint16_t)n;
	return err;
}

static int parse_u32(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	uint64_t n;
	int err = number_in(row, &n, text, len);

	if (!err)
		*(uint32_t *)conf_at(row, base) = (uint32_t)n;
	return err;
}

bool conf_is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(text, word, len);
}

static int parse_bool(const struct conf_row *row, void *base, const char *text,
		      size_t len)
{
	bool yes = conf_is_word(text, len, "yes");

	if (!yes && !conf_is_word(text, len, "no"))
		return -EINVAL;
	*(bool *)conf_at(row, base) = yes;
	return 0;
}

static int parse_word(const struct conf_row *row, void *base, const char *text,
		      size_t len)
{
	for (const struct conf_word *w = row->words; w->word; w++)
		if (conf_is_word(text, len, w->word)) {
			*(uint8_t *)conf_at(row, base) = w->value;
			return 0;
		}
	return -EINVAL;
}

/* Seconds, or a number with s, m, h or d; kept in milliseconds. */
static int parse_duration(const struct conf_row *row, void *base,
			  const char *text, size_t len)
{
	uint64_t n, unit = 1;
	int err;

	switch (len ? text[len - 1] : '\0') {
	case 's':
		len--;
		break;
	case 'm':
		unit = 60;
		len--;
		break;
	case 'h':
		unit = 60 * 60;
		len--;
		break;
	case 'd':
		unit = 24 * 60 * 60;
		len--;
		break;
	default:
		break;
	}
	err = number(&n, text, len);
	if (err)
		return err;
	if (n > row->hi || n * unit < row->lo || n * unit > row->hi)
		return -ERANGE;
	*(uint32_t *)conf_at(row, base) = (uint32_t)(n * unit * 1000);
	return 0;
}

/* "LOW-HIGH" into two uint16_t that follow one another. */
static int parse_port_range(const struct conf_row *row, void *base,
			    const char *text, size_t len)
{
	const char *dash = memchr(text, '-', len);
	uint16_t *out = conf_at(row, base);
	uint64_t lo, hi;
	size_t left;
	int err;

	if (!dash)
		return -EINVAL;
	left = (size_t)(dash - text);
	err = number_in(row, &lo, text, left);
	if (!err)
		err = number_in(row, &hi, dash + 1, len - left - 1);
	if (err)
		return err;
	if (hi < lo)
		return -ERANGE;
	out[0] = (uint16_t)lo;
	out[1] = (uint16_t)hi;
	return 0;
}

/* "auto" is 0. */
static int parse_mtu(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	if (!conf_is_word(text, len, "auto"))
		return parse_u16(row, base, text, len);
	*(uint16_t *)conf_at(row, base) = 0;
	return 0;
}

static int parse_mss(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	uint16_t *mss = conf_at(row, base);

	if (conf_is_word(text, len, "path"))
		*mss = UINT16_MAX;
	else if (conf_is_word(text, len, "off"))
		*mss = 0;
	else
		return parse_u16(row, base, text, len);
	return 0;
}

static int absolute(char *out, size_t room, const char *text, size_t len)
{
	if (!len || text[0] != '/')
		return -EINVAL;
	if (len >= room)
		return -ENOSPC;
	memset(out, 0, room);
	memcpy(out, text, len);
	return 0;
}

static int parse_path(const struct conf_row *row, void *base, const char *text,
		      size_t len)
{
	return absolute(conf_at(row, base), CONF_PATH_MAX, text, len);
}

/* One byte for the kind, and behind it the path of "sim:PATH". */
static int parse_xen(const struct conf_row *row, void *base, const char *text,
		     size_t len)
{
	static const char sim[] = "sim:";
	const size_t n = sizeof(sim) - 1;
	uint8_t *kind = conf_at(row, base);
	char *path = (char *)kind + 1;
	int err;

	if (len > n && !memcmp(text, sim, n)) {
		err = absolute(path, CONF_PATH_MAX, text + n, len - n);
		if (!err)
			*kind = CONF_XEN_SIM;
		return err;
	}
	if (!conf_is_word(text, len, "on") && !conf_is_word(text, len, "off"))
		return -EINVAL;
	*kind = len == 2 ? CONF_XEN_ON : CONF_XEN_OFF;
	memset(path, 0, CONF_PATH_MAX);
	return 0;
}

/* "DIRECTORY,domid=N" */
static int channel_unix(struct conf_qubes *q, const char *text, size_t len)
{
	static const char domid[] = ",domid=";
	const struct conf_row number = { .hi = UINT16_MAX };
	const char *comma = memmem(text, len, domid, sizeof(domid) - 1);
	int err;

	if (!comma)
		return -EINVAL;
	err = absolute(q->dir, sizeof(q->dir), text, (size_t)(comma - text));
	if (err)
		return err;
	comma += sizeof(domid) - 1;
	q->channel = CONF_CHANNEL_UNIX;
	return parse_u16(&number, &q->self, comma,
			 len - (size_t)(comma - text));
}

/* What follows @word in the text; NULL: it begins with something else. */
static const char *after_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len > n && !memcmp(text, word, n) ? text + n : NULL;
}

/* "off", "vchan", "local", "local:PATH" or "unix:DIRECTORY,domid=N". */
static int parse_channel(const struct conf_row *row, void *base,
			 const char *text, size_t len)
{
	struct conf_qubes *out = conf_at(row, base);
	struct conf_qubes q = { .channel = CONF_CHANNEL_OFF };
	const char *rest;
	int err = 0;

	if (conf_is_word(text, len, "vchan")) {
		q.channel = CONF_CHANNEL_VCHAN;
	} else if (conf_is_word(text, len, "local")) {
		q.channel = CONF_CHANNEL_LOCAL;
		memcpy(q.dir, CONF_QUBESDB, sizeof(CONF_QUBESDB));
	} else if ((rest = after_word(text, len, "local:"))) {
		q.channel = CONF_CHANNEL_LOCAL;
		err = absolute(q.dir, sizeof(q.dir), rest,
			       len - (size_t)(rest - text));
	} else if ((rest = after_word(text, len, "unix:"))) {
		err = channel_unix(&q, rest, len - (size_t)(rest - text));
	} else if (!conf_is_word(text, len, "off")) {
		err = -EINVAL;
	}
	if (!err)
		memcpy(out, &q, sizeof(q));
	return err;
}

static int parse_run_dir(const struct conf_row *row, void *base,
			 const char *text, size_t len)
{
	return absolute(conf_at(row, base), CONF_RUN_DIR_MAX, text, len);
}

static int id_number(uint32_t *out, const char *text, size_t len)
{
	uint64_t n;
	int err = number(&n, text, len);

	if (!err && n >= UINT32_MAX)
		err = -ERANGE;
	if (!err)
		*out = (uint32_t)n;
	return err;
}

#define ID_NAME_MAX 32u

/*
 * Names come from the files alone: other name services open sockets and load
 * libraries, which is nothing for a process in a sandbox.
 * #syscalls control: openat fstat newfstatat read lseek close
 */
static bool find_user(const char *name, uint32_t out[2])
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;

	while (f && (pw = fgetpwent(f)) && strcmp(pw->pw_name, name))
		;
	if (pw) {
		out[0] = (uint32_t)pw->pw_uid;
		out[1] = (uint32_t)pw->pw_gid;
	}
	if (f)
		fclose(f);
	return pw;
}

static bool find_group(const char *name, uint32_t *out)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *gr = NULL;

	while (f && (gr = fgetgrent(f)) && strcmp(gr->gr_name, name))
		;
	if (gr)
		*out = (uint32_t)gr->gr_gid;
	if (f)
		fclose(f);
	return gr;
}

/* A name, or "UID" or "UID:GID": two uint32_t. */
static int parse_user(const struct conf_row *row, void *base, const char *text,
		      size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t uid_len = colon ? (size_t)(colon - text) : len;
	uint32_t id[2];
	char name[ID_NAME_MAX + 1] = "";

	if (!id_number(&id[0], text, uid_len)) {
		id[1] = id[0];
		if (colon && id_number(&id[1], colon + 1, len - uid_len - 1))
			return -EINVAL;
	} else {
		if (!len || len > ID_NAME_MAX)
			return -EINVAL;
		memcpy(name, text, len);
		if (!find_user(name, id))
			return -EINVAL;
	}
	memcpy(conf_at(row, base), id, sizeof(id));
	return 0;
}

static int parse_group(const struct conf_row *row, void *base, const char *text,
		       size_t len)
{
	char name[ID_NAME_MAX + 1] = "";
	uint32_t gid;

	if (id_number(&gid, text, len)) {
		if (!len || len > ID_NAME_MAX)
			return -EINVAL;
		memcpy(name, text, len);
		if (!find_group(name, &gid))
			return -EINVAL;
	}
	*(uint32_t *)conf_at(row, base) = gid;
	return 0;
}

CONF_TYPE(conf_u16, parse_u16, 2, "a number", NULL);
CONF_TYPE(conf_u32, parse_u32, 4, "a number", NULL);
CONF_TYPE(conf_bool, parse_bool, sizeof(bool), "yes or no", "yes, no");
CONF_TYPE(conf_word, parse_word, 1, "one of the words known here", NULL);
CONF_TYPE(conf_duration, parse_duration, 4, "a time", NULL);
CONF_TYPE(conf_port_range, parse_port_range, 4, "a range LOW-HIGH", NULL);
CONF_TYPE(conf_mtu, parse_mtu, 2, "a number or auto", NULL);
CONF_TYPE(conf_mss, parse_mss, 2, "a number, path or off", NULL);
CONF_TYPE(conf_xen, parse_xen, 1 + CONF_PATH_MAX, "one of the words known here",
	  "off, on, sim:DIRECTORY (of at most 101 characters)");
CONF_TYPE(conf_channel, parse_channel, sizeof(struct conf_qubes),
	  "one of the words known here",
	  "off, vchan, local, local:PATH (of at most 72 characters), "
	  "unix:DIRECTORY,domid=N (likewise)");
CONF_TYPE(conf_path, parse_path, CONF_PATH_MAX, "an absolute path",
	  "a path that begins with /, of at most 107 characters");
CONF_TYPE(conf_run_dir, parse_run_dir, CONF_RUN_DIR_MAX, "an absolute path",
	  "a path that begins with /, of at most 63 characters");
CONF_TYPE(conf_user, parse_user, 8, "a user of this machine",
	  "a name, UID or UID:GID");
CONF_TYPE(conf_group, parse_group, 4, "a group of this machine",
	  "a name or GID");
