/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/control/source/source_read.h"
#include "firewall/linux/log.h"
#include "packet/pkt_addr.h"
#include "rules/rule.h"

/* More keys than a set can have are not worth reading. */
#define FILES_MAX (RULE_SET_MAX + 16u)

bool source_is_set(const char *name)
{
	struct pkt_addr a;
	char text[PKT_ADDR_TEXT];

	return !pkt_addr_parse(&a, name, strlen(name)) &&
	       !strcmp(pkt_addr_print(text, &a), name);
}

bool source_is_scrap(const char *name)
{
	size_t len = strlen(name);

	return !len || name[0] == '.' || name[0] == '#' || name[len - 1] == '~';
}

/*
 * The first @room bytes; how many, or -errno.  Never waits: what is no regular
 * file is refused.
 * #syscalls control: openat newfstatat fstat read close
 */
static ssize_t slurp(int dir_fd, const char *name, char *out, size_t room)
{
	int fd = openat(dir_fd, name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
				O_NOCTTY);
	struct stat st;
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	do {
		got = read(fd, out + n, room - n);
		if (got > 0)
			n += (size_t)got;
		else if (got < 0 && errno != EINTR) {
			int err = errno;

			close(fd);
			return -err;
		}
	} while (got && n < room);
	close(fd);
	return (ssize_t)n;
}

int source_read_key(struct tree *t, int dir_fd, const char *name,
		    const char *key)
{
	char value[TREE_VALUE_MAX + 2]; /* a newline, and one too many */
	ssize_t n = slurp(dir_fd, name, value, sizeof(value));

	if (n < 0)
		return (int)n;
	if (n > 0 && value[n - 1] == '\n')
		n--;
	return tree_write(t, key, value, (size_t)n);
}

static const char *why(int err)
{
	switch (err) {
	case -EMSGSIZE:
		return "is longer than 3072 bytes";
	case -ENOSPC:
		return "does not fit: the memory for rules is full";
	case -EINVAL:
		return "is no regular file, or its name can't be a key";
	default:
		return NULL;
	}
}

void source_mark_bad(struct tree *t, const char *base, const char *name,
		     int err)
{
	char key[TREE_PATH_MAX + sizeof(TREE_ERROR)], text[128];
	char shown[LOG_QUOTE_ROOM];

	snprintf(key, sizeof(key), "%s%s", base, TREE_ERROR);
	log_quote(shown, name, strlen(name));
	if (why(err))
		snprintf(text, sizeof(text), "%.40s %s", shown, why(err));
	else
		snprintf(text, sizeof(text), "%.40s can't be read (%s)", shown,
			 log_errno(-err));
	if (tree_write(t, key, text, strlen(text)) == 0)
		return;
	tree_remove(t, base);
	if (tree_write(t, key, text, strlen(text)) == 0)
		return;
	snprintf(key, sizeof(key), "%.*s", (int)strlen(base) - 1, base);
	tree_remove(t, key);
}

/* #syscalls control: openat fcntl/F_GETFL fcntl/F_SETFD getdents64 lseek close
 */
int source_read_set(struct tree *t, int rules_fd, const char *name,
		    const char *base)
{
	int fd = openat(rules_fd, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const struct dirent *e;
	uint32_t files = 0;
	DIR *dir;
	int err;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	tree_remove(t, base);
	while (errno = 0, (e = readdir(dir))) {
		char key[2 * TREE_PATH_MAX + 2];

		if (source_is_scrap(e->d_name))
			continue;
		/* a key that is too long is cut here and refused there */
		snprintf(key, sizeof(key), "%s%.*s", base, (int)TREE_PATH_MAX,
			 e->d_name);
		err = ++files > FILES_MAX
			      ? -ENOSPC
			      : source_read_key(t, fd, e->d_name, key);
		if (err)
			source_mark_bad(t, base, e->d_name, err);
		if (files > FILES_MAX)
			break;
	}
	err = -errno;
	if (err && !e)
		source_mark_bad(t, base, name, err);
	closedir(dir);
	return 0;
}

static int read_guard(struct tree *t, int dir, const char *name)
{
	char key[TREE_PATH_MAX + 1];
	int err;

	snprintf(key, sizeof(key), "/%s", name);
	err = source_read_key(t, dir, name, key);
	return err == -ENOENT ? 0 : err;
}

static int commit(struct tree *t, int rules, const char *name)
{
	char base[TREE_PATH_MAX + 1];
	int err;

	snprintf(base, sizeof(base), "%s%.*s/", TREE_RULES, PKT_ADDR_TEXT,
		 name);
	err = source_read_set(t, rules, name, base);
	if (err)
		source_mark_bad(t, base, name, err);
	base[strlen(base) - 1] = '\0';
	return tree_write(t, base, "", 0);
}

int source_read_all(struct tree *t, const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rules, err;
	const struct dirent *e;
	DIR *d;

	if (dir < 0)
		return -errno;
	err = read_guard(t, dir, &TREE_GUARD4[1]);
	if (!err)
		err = read_guard(t, dir, &TREE_GUARD6[1]);
	rules = openat(dir, SOURCE_RULES_NAME,
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (!err && rules < 0)
		err = -errno;
	close(dir);
	d = rules < 0 ? NULL : fdopendir(rules);
	while (!err && d && (e = readdir(d)))
		if (source_is_set(e->d_name))
			err = commit(t, rules, e->d_name);
	if (d)
		closedir(d);
	return err;
}
