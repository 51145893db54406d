/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events come in one queue, in the order in which things happened, whichever
 * watch they come from.  So it is known whether a file changed before or after
 * its directory was touched:
 *
 *	file, file, touch		commit
 *	file, touch, file		passed over
 *
 * But the event of a change follows the change, and we may read in between.  So
 * what was read after a touch counts only when no event came for a while after.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/control/source/source_dir.h"
#include "firewall/control/source/source_read.h"
#include "firewall/linux/log.h"

#define RULES_NAME SOURCE_RULES_NAME
#define READS_MAX 8 /* of one set in a row, while it keeps changing */

#define DIR_EVENTS                                             \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	 IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define RULES_EVENTS                                                       \
	(IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define SET_EVENTS                                                         \
	(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	 IN_ONLYDIR | IN_DONT_FOLLOW)

static bool is_set(struct mono t)
{
	return t.ns;
}

static void base_of(char out[TREE_PATH_MAX + 1], const struct source_set *set,
		    const char *end)
{
	snprintf(out, TREE_PATH_MAX + 1, "%s%s%s", TREE_RULES, set->name, end);
}

/* ---- the sets we know -----------------------------------------------------*/

static struct source_set *set_find(struct source_dir *s, const char *name)
{
	for (uint32_t i = 0; i < SOURCE_SETS; i++)
		if (s->set[i].used && !strcmp(s->set[i].name, name))
			return &s->set[i];
	return NULL;
}

static struct source_set *set_get(struct source_dir *s, const char *name)
{
	struct source_set *set = set_find(s, name);
	char shown[LOG_QUOTE_ROOM];

	if (set || source_is_scrap(name))
		return set;
	if (!source_is_set(name)) {
		log_warn("rules: %s/%s is no address as it is written "
			 "canonically: passed over",
			 RULES_NAME, log_quote(shown, name, strlen(name)));
		return NULL;
	}
	for (uint32_t i = 0; i < SOURCE_SETS && !set; i++)
		if (!s->set[i].used)
			set = &s->set[i];
	if (!set) {
		log_err("rules: more than %u sets: %s is passed over",
			SOURCE_SETS, name);
		return NULL;
	}
	*set = (struct source_set){ .used = true, .wd = -1 };
	memcpy(set->name, name, strlen(name));
	return set;
}

/*
 * Stops watching, unless another set has the directory by now (two names were
 * exchanged).
 * #syscalls control: inotify_rm_watch
 */
static void unwatch(struct source_dir *s, struct source_set *set)
{
	int wd = set->wd;

	set->wd = -1;
	for (uint32_t i = 0; i < SOURCE_SETS; i++)
		if (s->set[i].used && s->set[i].wd == wd)
			return;
	if (wd >= 0)
		inotify_rm_watch(s->inotify, wd);
}

/*
 * Watches the directory that has the name now.
 * #syscalls control: inotify_add_watch
 */
static void watch(struct source_dir *s, struct source_set *set)
{
	char path[CONF_PATH_MAX + sizeof("/" RULES_NAME "/") + PKT_ADDR_TEXT];
	int wd;

	snprintf(path, sizeof(path), "%s/%s/%s", s->path, RULES_NAME,
		 set->name);
	wd = inotify_add_watch(s->inotify, path, SET_EVENTS);
	if (wd == set->wd)
		return;
	unwatch(s, set);
	set->wd = wd;
	if (wd < 0)
		log_warn("rules: %s can't be watched (%s)", set->name,
			 log_errno(errno));
}

/* The directory is gone for good: no set, so the client is closed. */
static void set_drop(struct source_dir *s, struct source_set *set)
{
	char base[TREE_PATH_MAX + 1];

	unwatch(s, set);
	set->used = false;
	base_of(base, set, "/");
	tree_remove(s->tree, base);
	base_of(base, set, "");
	tree_remove(s->tree, base);
}

/* ---- events ---------------------------------------------------------------*/

/* Reads all anew when nothing happened for a while, but not for ever later. */
static void settle(struct source_dir *s, struct mono now)
{
	if (!s->settling)
		s->settle_end = mono_add_ms(now, SOURCE_RETRY_MS);
	s->settling = true;
	s->again = mono_add_ms(now, SOURCE_SETTLE_MS);
	if (s->again.ns > s->settle_end.ns)
		s->again = s->settle_end;
}

static void retry(struct source_dir *s, struct mono now)
{
	s->settling = false;
	s->again = mono_add_ms(now, SOURCE_RETRY_MS);
}

static void forget_dir(struct source_dir *s)
{
	int *const fd[] = { &s->dir, &s->rules };
	int *const wd[] = { &s->wd_dir, &s->wd_rules };

	for (int i = 0; i < 2; i++) {
		if (*fd[i] >= 0)
			close(*fd[i]);
		if (*wd[i] >= 0)
			inotify_rm_watch(s->inotify, *wd[i]);
		*fd[i] = *wd[i] = -1;
	}
}

static void trouble(struct source_dir *s, const char *what, int err)
{
	char text[sizeof(s->trouble)];

	snprintf(text, sizeof(text), "%s%s: %s", s->path, what, log_errno(err));
	if (!strcmp(text, s->trouble))
		return;
	memcpy(s->trouble, text, sizeof(text));
	log_err("rules: %s; committed rules stay in force", s->trouble);
}

static void guard_read(struct source_dir *s, const char *name)
{
	char key[TREE_PATH_MAX + 1];
	int err;

	snprintf(key, sizeof(key), "/%s", name);
	err = source_read_key(s->tree, s->dir, name, key);
	if (err && err != -ENOENT)
		log_err("rules: %s%s can't be read (%s): what it said before "
			"stays in force",
			s->path, key, log_errno(-err));
}

/* Something happened to the set's directory @e->name. */
static void rules_event(struct source_dir *s, const struct inotify_event *e,
			struct mono now)
{
	struct source_set *set;

	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
		settle(s, now);
		return;
	}
	if (!e->len || !(e->mask & IN_ISDIR))
		return;
	if (e->mask & (IN_DELETE | IN_MOVED_FROM)) {
		set = set_find(s, e->name);
		if (set)
			set->gone = mono_add_ms(now, SOURCE_GONE_MS);
		return;
	}
	set = set_get(s, e->name);
	if (!set)
		return;
	set->gone = (struct mono){ 0 };
	/* a new directory has a commit still to come */
	set->commit = !(e->mask & IN_CREATE);
	set->touched = !set->commit;
	set->moved = e->mask & IN_MOVED_TO;
	if (e->mask & (IN_CREATE | IN_MOVED_TO))
		watch(s, set);
}

static void dir_event(struct source_dir *s, const struct inotify_event *e,
		      struct mono now)
{
	const char *name = e->len ? e->name : ""; /* empty: the directory */

	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED) ||
	    !strcmp(name, RULES_NAME))
		settle(s, now);
	else if (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO) &&
		 (!strcmp(name, &TREE_GUARD4[1]) ||
		  !strcmp(name, &TREE_GUARD6[1])))
		guard_read(s, name);
}

static void one_event(struct source_dir *s, const struct inotify_event *e,
		      struct mono now)
{
	if (e->mask & IN_Q_OVERFLOW) {
		log_warn("rules: events were lost: reading all anew");
		settle(s, now);
		return;
	}
	if (e->wd == s->wd_dir) {
		dir_event(s, e, now);
	} else if (e->wd == s->wd_rules) {
		rules_event(s, e, now);
	} else if (e->len && !source_is_scrap(e->name)) {
		for (uint32_t i = 0; i < SOURCE_SETS; i++)
			if (s->set[i].used && s->set[i].wd == e->wd)
				s->set[i].touched = true;
	}
	if (s->settling)
		settle(s, now);
}

/* #syscalls control: read */
static void drain(struct source_dir *s, struct mono now)
{
	_Alignas(struct inotify_event) char buf[16 * 1024];
	ssize_t n;

	while ((n = read(s->inotify, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e =
				(const void *)(buf + at);

			one_event(s, e, now);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
}

/* ---- commits --------------------------------------------------------------*/

static void passed_over(struct source_set *set)
{
	set->verify = (struct mono){ 0 };
	log_warn("rules: %s changed again after its commit, which is passed "
		 "over",
		 set->name);
}

static void set_commit(struct source_dir *s, struct source_set *set)
{
	char key[TREE_PATH_MAX + 1];

	base_of(key, set, "");
	set->verify = (struct mono){ 0 };
	if (tree_write(s->tree, key, "", 0))
		tree_remove(s->tree, key);
}

/* Reads the files of a commit, again while newer commits come. */
static void set_read(struct source_dir *s, struct source_set *set,
		     struct mono now)
{
	char base[TREE_PATH_MAX + 1];

	base_of(base, set, "/");
	for (int i = 0; i < READS_MAX && set->commit && !set->touched; i++) {
		int err = source_read_set(s->tree, s->rules, set->name, base);

		set->commit = false;
		drain(s, now);
		if (set->commit || set->touched)
			continue;
		if (err == -ENOENT)
			return; /* we shall hear of it */
		if (err)
			source_mark_bad(s->tree, base, set->name, err);
		if (set->moved)
			set_commit(s, set);
		else
			set->verify = mono_add_ms(now, SOURCE_VERIFY_MS);
		return;
	}
	if (set->touched) {
		set->commit = false;
		passed_over(set);
	}
}

static bool is_there(const struct source_dir *s, const struct source_set *set)
{
	struct stat st;

	/* #syscalls control: newfstatat */
	return !fstatat(s->rules, set->name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

static void set_work(struct source_dir *s, struct source_set *set,
		     struct mono now)
{
	/* exchanged: the last we heard is that the old one left */
	if (is_set(set->gone) && is_there(s, set)) {
		set->gone = (struct mono){ 0 };
		set->commit = set->moved = true;
		set->touched = false;
		watch(s, set);
	}
	if (is_set(set->gone)) {
		if (mono_past(set->gone, now))
			set_drop(s, set);
	} else if (set->commit) {
		set_read(s, set, now);
	} else if (is_set(set->verify)) {
		if (set->touched)
			passed_over(set);
		else if (mono_past(set->verify, now))
			set_commit(s, set);
	}
}

static void work(struct source_dir *s, struct mono now)
{
	drain(s, now);
	for (uint32_t i = 0; i < SOURCE_SETS; i++)
		if (s->set[i].used && s->rules >= 0 && !is_set(s->again))
			set_work(s, &s->set[i], now);
}

/* ---- everything -----------------------------------------------------------*/

/*
 * Opens and watches both directories; the watch comes first, so that nothing
 * is missed.  False: said why.
 */
static bool open_dirs(struct source_dir *s)
{
	char path[CONF_PATH_MAX + sizeof("/" RULES_NAME)];

	forget_dir(s);
	s->wd_dir = inotify_add_watch(s->inotify, s->path, DIR_EVENTS);
	if (s->wd_dir >= 0)
		s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0) {
		trouble(s, "", errno);
		return false;
	}
	snprintf(path, sizeof(path), "%s/%s", s->path, RULES_NAME);
	s->wd_rules = inotify_add_watch(s->inotify, path,
					RULES_EVENTS | IN_DONT_FOLLOW);
	if (s->wd_rules >= 0)
		s->rules =
			openat(s->dir, RULES_NAME,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->rules < 0) {
		trouble(s, "/" RULES_NAME, errno);
		return false;
	}
	return true;
}

/* Every directory counts as committed; sets without one are dropped. */
static void read_all(struct source_dir *s, struct mono now)
{
	int fd = openat(s->rules, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (!dir) {
		trouble(s, "/" RULES_NAME, errno);
		if (fd >= 0)
			close(fd);
		retry(s, now);
		return;
	}
	for (uint32_t i = 0; i < SOURCE_SETS; i++)
		if (s->set[i].used)
			s->set[i].gone = now;
	while ((e = readdir(dir))) {
		struct source_set *set = set_get(s, e->d_name);

		if (!set)
			continue;
		set->gone = (struct mono){ 0 };
		set->commit = true;
		set->moved = set->touched = false;
		watch(s, set);
	}
	closedir(dir);
	work(s, now);
}

void source_dir_again(struct source_dir *s, struct mono now)
{
	bool open;

	s->again = (struct mono){ 0 };
	s->settling = false;
	open = open_dirs(s);
	if (s->dir >= 0) {
		guard_read(s, &TREE_GUARD4[1]);
		guard_read(s, &TREE_GUARD6[1]);
	}
	if (!open) {
		retry(s, now);
		return;
	}
	if (s->trouble[0])
		log_info("rules: %s is read again", s->path);
	s->trouble[0] = '\0';
	read_all(s, now);
}

/* #syscalls control: inotify_init1 */
int source_dir_open(struct source_dir *s, const char *path, struct tree *t,
		    struct mono now)
{
	memset(s, 0, sizeof(*s));
	s->tree = t;
	s->dir = s->rules = s->wd_dir = s->wd_rules = -1;
	snprintf(s->path, sizeof(s->path), "%s", path);
	s->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->inotify < 0)
		return -errno;
	source_dir_again(s, now);
	return 0;
}

void source_dir_close(struct source_dir *s)
{
	forget_dir(s);
	close(s->inotify);
	s->inotify = -1;
}

void source_dir_events(struct source_dir *s, struct mono now)
{
	work(s, now);
}

struct mono source_dir_tick(struct source_dir *s, struct mono now)
{
	struct mono next = { .ns = UINT64_MAX };

	if (is_set(s->again) && mono_past(s->again, now))
		source_dir_again(s, now);
	else
		work(s, now);
	if (is_set(s->again))
		return s->again;
	for (uint32_t i = 0; i < SOURCE_SETS; i++) {
		const struct source_set *set = &s->set[i];
		struct mono at = set->commit
					 ? mono_add_ms(now, SOURCE_VERIFY_MS)
					 : set->verify;

		if (set->used && is_set(set->gone))
			at = set->gone;
		if (set->used && is_set(at) && at.ns < next.ns)
			next = at;
	}
	return next;
}

bool source_dir_settled(const struct source_dir *s)
{
	for (uint32_t i = 0; i < SOURCE_SETS && s->rules >= 0; i++)
		if (s->set[i].used &&
		    (s->set[i].commit || is_set(s->set[i].verify)))
			return false;
	return !s->settling;
}

bool source_dir_touched(const struct source_dir *s, const char *name)
{
	for (uint32_t i = 0; i < SOURCE_SETS; i++)
		if (s->set[i].used && !strcmp(s->set[i].name, name))
			return s->set[i].touched;
	return false;
}
