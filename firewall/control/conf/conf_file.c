/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources that are read as text: the file and the command lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/control/conf/conf_table.h"

static void trim(const char **s, size_t *len)
{
	while (*len && (**s == ' ' || **s == '\t')) {
		(*s)++;
		(*len)--;
	}
	while (*len && ((*s)[*len - 1] == ' ' || (*s)[*len - 1] == '\t' ||
			(*s)[*len - 1] == '\r'))
		(*len)--;
}

/* Is there a setting that begins with @name and a dot? */
static bool is_group(const char *name, size_t len)
{
	for (uint32_t i = 0; i < conf_global_n; i++)
		if (strlen(conf_global[i].name) > len &&
		    !memcmp(conf_global[i].name, name, len) &&
		    conf_global[i].name[len] == '.')
			return len > 0;
	return false;
}

/* "[uplink]" or "[client work]"; @s is what stands between the brackets. */
static void section(struct conf_load *l, const char *s, size_t len)
{
	static const char word[] = "client";
	const size_t word_len = sizeof(word) - 1;
	char shown[CONF_SHOW_ROOM];

	trim(&s, &len);
	l->skip = true;
	if (len > word_len && !memcmp(s, word, word_len) &&
	    (s[word_len] == ' ' || s[word_len] == '\t')) {
		s += word_len;
		len -= word_len;
		trim(&s, &len);
		if (!conf_client_get(l, s, len))
			return;
		snprintf(l->section, sizeof(l->section), "%s%.*s.",
			 CONF_CLIENT_PREFIX, (int)len, s);
	} else if (is_group(s, len)) {
		snprintf(l->section, sizeof(l->section), "%.*s.", (int)len, s);
	} else {
		conf_error(l->e, &l->where,
			   "'[%s]' is not a section; allowed: [client NAME], "
			   "or what stands before the dot of a setting, such "
			   "as [uplink]",
			   conf_show(shown, s, len));
		return;
	}
	l->skip = false;
}

static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' && s[i] != '\t')
			return true;
	return false;
}

static void line(struct conf_load *l, const char *s, size_t len)
{
	char name[CONF_LINE_MAX + sizeof(l->section)], shown[CONF_SHOW_ROOM];
	const char *eq, *value, *begin = s;
	size_t n, value_len;

	/* "#" at the start or after a blank begins a comment. */
	for (size_t i = 0; i < len; i++)
		if (s[i] == '#' &&
		    (!i || s[i - 1] == ' ' || s[i - 1] == '\t')) {
			len = i;
			break;
		}
	trim(&s, &len);
	if (!len)
		return;
	if (len > CONF_LINE_MAX) {
		conf_error(l->e, &l->where, "longer than %u bytes",
			   CONF_LINE_MAX);
		return;
	}
	if (has_control(s, len)) {
		conf_error(l->e, &l->where, "'%s' has control characters",
			   conf_show(shown, s, len));
		return;
	}
	if (s[0] == '[' && s[len - 1] == ']') {
		section(l, s + 1, len - 2);
		return;
	}
	if (l->skip)
		return;
	eq = memchr(s, '=', len);
	if (!eq || eq == s) {
		conf_error(l->e, &l->where,
			   "'%s' is not a line of settings; allowed: NAME = "
			   "VALUE, [SECTION], # comment",
			   conf_show(shown, s, len));
		return;
	}
	value = eq + 1;
	value_len = len - (size_t)(value - s);
	n = (size_t)(eq - s);
	trim(&s, &n);
	trim(&value, &value_len);
	l->value_at = (uint32_t)(value - begin) + 1;
	n = (size_t)snprintf(name, sizeof(name), "%s%.*s", l->section, (int)n,
			     s);
	conf_set(l, name, n, value, value_len);
}

void conf_read_text(struct conf *c, const char *name, const char *text,
		    size_t len, struct conf_errors *e)
{
	struct conf_load l = {
		.c = c, .e = e, .where = { .source = name }, .once = true
	};

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		l.where.line++;
		line(&l, text, n);
		text += n + (end ? 1 : 0);
		len -= n + (end ? 1 : 0);
	}
}

/*
 * #syscalls control: openat fstat newfstatat read close
 */
char *conf_slurp(const char *path, size_t max, size_t *len, int *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *out = NULL;
	struct stat st;
	ssize_t got;

	*len = 0;
	if (fd < 0) {
		*err = errno;
		return NULL;
	}
	*err = EISDIR;
	if (fstat(fd, &st) || S_ISDIR(st.st_mode))
		goto err_close;
	*err = ENOMEM;
	out = malloc(max + 1);
	if (!out)
		goto err_close;
	do {
		got = read(fd, out + *len, max + 1 - *len);
		if (got > 0)
			*len += (size_t)got;
	} while (*len <= max && (got > 0 || (got < 0 && errno == EINTR)));
	if (!got) {
		close(fd);
		return out;
	}
	*err = got < 0 ? errno : EFBIG;
	free(out);
err_close:
	close(fd);
	return NULL;
}

void conf_read_file(struct conf *c, const char *path, struct conf_errors *e)
{
	struct conf_where where = { .source = path };
	size_t len;
	int err;
	char *text = conf_slurp(path, CONF_FILE_MAX, &len, &err);

	if (!text) {
		conf_error(e, &where, "can't be read: %s", strerror(err));
		return;
	}
	conf_read_text(c, path, text, len, e);
	free(text);
	snprintf(c->file, sizeof(c->file), "%s", path);
}

static void keep_option(struct conf *c, const char *name, size_t name_len,
			const char *value, struct conf_errors *e)
{
	size_t room = sizeof(c->option) - c->option_len;
	int n = snprintf(c->option + c->option_len, room, "%.*s=%s",
			 (int)name_len, name, value);

	if (n < 0 || (size_t)n >= room) {
		const struct conf_where at = { .source = "command line" };

		conf_error(e, &at, "longer than %u bytes in all",
			   CONF_OPTIONS_MAX);
		return;
	}
	c->option_len = (uint16_t)(c->option_len + n + 1);
}

void conf_read_option(struct conf *c, const char *name, size_t name_len,
		      const char *value, struct conf_errors *e)
{
	struct conf_load l = { .c = c,
			       .e = e,
			       .where = { .source = "command line" } };
	uint32_t errors = e->n;

	conf_set(&l, name, name_len, value, strlen(value));
	if (e->n == errors)
		keep_option(c, name, name_len, value, e);
}

/*
 * One word of the kernel command line; quotes group blanks and are no part of
 * the value, wherever they stand, as the kernel reads them.
 */
static size_t next_param(const char **text, size_t *len, char *out, size_t room)
{
	bool quoted = false;
	size_t n = 0;

	while (*len && (**text == ' ' || **text == '\t' || **text == '\n')) {
		(*text)++;
		(*len)--;
	}
	for (; *len; (*text)++, (*len)--) {
		char ch = **text;

		if (!quoted && (ch == ' ' || ch == '\t' || ch == '\n'))
			break;
		if (ch == '"')
			quoted = !quoted;
		else if (n < room)
			out[n++] = ch;
	}
	return n;
}

void conf_read_cmdline(struct conf *c, const char *text, size_t len,
		       struct conf_errors *e)
{
	static const char prefix[] = "vifwall.";
	const size_t skip = sizeof(prefix) - 1;
	struct conf_load l = { .c = c,
			       .e = e,
			       .where = { .source = "kernel command line" } };
	char word[CONF_LINE_MAX];

	while (len) {
		size_t n = next_param(&text, &len, word, sizeof(word));
		const char *eq;

		if (conf_mirage(&l, word, n) || n <= skip ||
		    memcmp(word, prefix, skip))
			continue;
		eq = memchr(word + skip, '=', n - skip);
		if (!eq) {
			conf_unknown(&l, word + skip, n - skip);
			continue;
		}
		conf_set(&l, word + skip, (size_t)(eq - word) - skip, eq + 1,
			 n - (size_t)(eq - word) - 1);
	}
}

void conf_read_kernel(struct conf *c, struct conf_errors *e)
{
	size_t len;
	int err;
	char *text = conf_slurp("/proc/cmdline", CONF_FILE_MAX, &len, &err);

	/* without /proc there is nothing to obey */
	if (!text)
		return;
	conf_read_cmdline(c, text, len, e);
	free(text);
}

void conf_again(struct conf *out, const struct conf *c, struct conf_errors *e)
{
	conf_built_in(out, c->memory_kib);
	conf_read_text(out, "QubesDB", c->told, c->told_len, e);
	memcpy(out->told, c->told, sizeof(out->told));
	out->told_len = c->told_len;
	if (c->file[0])
		conf_read_file(out, c->file, e);
	conf_read_kernel(out, e);
	for (uint16_t at = 0; at < c->option_len;) {
		const char *option = c->option + at;
		size_t len = strlen(option), name = strcspn(option, "=");

		conf_read_option(out, option, name, option + name + 1, e);
		at = (uint16_t)(at + len + 1);
	}
	conf_check(out, CONF_RUN, e);
}
