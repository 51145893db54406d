/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/conf/conf_table.h"
#include "firewall/control/conf/profiles.h"
#include "firewall/linux/mem.h"

/* Whoever writes rules for a profile of that name has written it anew. */
static const struct {
	const char *profile, *text;
} builtin[] = {
	{ "no-lan", "action=pass specialtarget=dns" },
	{ "no-lan", "action=drop dst=lan" },
};

#define BUILTINS (sizeof(builtin) / sizeof(builtin[0]))
#define SETS (ADDR_SET_BUILTINS + CONF_SETS)

static bool has_rules(const struct conf *c, const char *profile)
{
	for (uint16_t i = 0; i < c->profile_rule_n; i++)
		if (!strcmp(c->profile_rule[i].profile, profile))
			return true;
	return false;
}

const char *profiles_text(const struct conf *c, const char *profile,
			  uint32_t rule)
{
	uint32_t at = 0;

	for (uint16_t i = 0; i < c->profile_rule_n; i++)
		if (!strcmp(c->profile_rule[i].profile, profile) &&
		    ++at == rule)
			return c->profile_rule[i].text;
	for (size_t i = 0; i < BUILTINS && !has_rules(c, profile); i++)
		if (!strcmp(builtin[i].profile, profile) && ++at == rule)
			return builtin[i].text;
	return NULL;
}

bool profiles_wanted(const struct conf *c)
{
	for (uint16_t i = 0; i < c->client_n; i++)
		if (c->client[i].fw.profile[0])
			return true;
	return c->profile[0] || c->profile_use_n || c->profile_rule_n ||
	       c->set_n;
}

static bool is_who(const struct conf_profile_use *u, const struct fw_client *fw)
{
	struct pkt_addr a;

	if (!strcmp(u->who, fw->name))
		return true;
	if (pkt_addr_parse(&a, u->who, strlen(u->who)))
		return false;
	for (uint8_t i = 0; i < fw->addr_n; i++)
		if (pkt_addr_eq(&fw->addr[i], &a))
			return true;
	for (uint8_t i = 0; i < fw->net_n; i++)
		if (pkt_prefix_has(&fw->net[i], &a))
			return true;
	return false;
}

void profiles_choose(const struct conf *c, struct fw_client *fw)
{
	const char *name = c->profile;

	for (uint16_t i = 0; i < c->profile_use_n; i++)
		if (is_who(&c->profile_use[i], fw))
			name = c->profile_use[i].profile;
	if (!fw->profile[0])
		memcpy(fw->profile, name, sizeof(fw->profile));
	if (!strcmp(fw->profile, CONF_PROFILE_NONE))
		memset(fw->profile, 0, sizeof(fw->profile));
}

/* ---- building -------------------------------------------------------------*/

/* What is gathered before it is built. */
struct gather {
	const struct conf *c;
	struct profiles_fault *fault;
	struct profiles_set set[SETS];
	struct pkt_prefix *prefix[SETS]; /* of each, malloc()ed */
	struct profiles_rule rule[PROFILES_RULES_MAX];
	uint32_t line[PROFILES_RULES_MAX]; /* of each rule */
	uint32_t set_n, rule_n;
	uint64_t prefix_n, room_kib; /* of all sets; memory for them */
};

/* While sets are built: prefixes, their order twice, ranges. */
#define PREFIX_BYTES                                        \
	(sizeof(struct pkt_prefix) + 2 * sizeof(uint32_t) + \
	 sizeof(struct addr_range))
/* What is to be left to others, packets above all. */
#define SPARE_KIB 1024u

__attribute__((format(printf, 4, 5))) static int
fault(struct gather *g, uint32_t line, int err, const char *fmt, ...)
{
	va_list ap;

	g->fault->line = line;
	va_start(ap, fmt);
	vsnprintf(g->fault->text, sizeof(g->fault->text), fmt, ap);
	va_end(ap);
	return err;
}

static struct pkt_prefix *next_set(struct gather *g, const char *name,
				   uint32_t n)
{
	struct pkt_prefix *p = calloc(n ? n : 1, sizeof(*p));

	g->prefix[g->set_n] = p;
	g->set[g->set_n++] =
		(struct profiles_set){ .name = name, .prefix = p, .n = n };
	return p;
}

static int take_builtins(struct gather *g)
{
	for (uint32_t i = 0; i < ADDR_SET_BUILTINS; i++) {
		struct pkt_prefix *p = next_set(g, addr_set_builtin_name(i),
						ADDR_SET_BUILTIN_MAX);

		if (!p)
			return fault(g, 0, -ENOMEM, "set: out of memory");
		g->set[i].n = addr_set_builtin(i, p);
	}
	return 0;
}

/*
 * What a machine has no memory for is refused here: once it is there, the
 * kernel would end us for it.
 */
static int fits(struct gather *g, const struct conf_set_of *s, uint32_t n)
{
	uint64_t kib;

	g->prefix_n += n;
	kib = (g->prefix_n * PREFIX_BYTES + 1023) / 1024;
	if (kib + SPARE_KIB <= g->room_kib)
		return 0;
	return fault(g, s->line, -ENOMEM,
		     "set %s: %" PRIu64 " prefixes with those before it need "
		     "%" PRIu64 " KiB while sets are built, and %" PRIu64
		     " are available: give this machine more memory, or name "
		     "fewer",
		     s->name, g->prefix_n, kib + SPARE_KIB, g->room_kib);
}

/* @where: the file; NULL: the settings themselves, which were read already. */
static int take_text(struct gather *g, const struct conf_set_of *s,
		     const char *where, const char *text, size_t len)
{
	struct addr_set_error e;
	struct pkt_prefix *p;
	uint32_t n;
	int err;

	if (addr_set_parse(NULL, &n, text, len, &e))
		return fault(g, where ? 0 : s->line, -EBADMSG,
			     "%s:%u:%u: set %s: %s", where ? where : "set",
			     e.line, e.column, s->name, e.why);
	err = fits(g, s, n);
	if (err)
		return err;
	p = next_set(g, s->name, n);
	if (!p)
		return fault(g, s->line, -ENOMEM, "set %s: out of memory",
			     s->name);
	return addr_set_parse(p, &n, text, len, &e);
}

static int take_set(struct gather *g, const struct conf_set_of *s)
{
	char shown[CONF_SHOW_ROOM];
	size_t len;
	char *text;
	int err;

	if (s->text[0] != '/')
		return take_text(g, s, NULL, s->text, strlen(s->text));
	conf_show(shown, s->text, strlen(s->text));
	text = conf_slurp(s->text, PROFILES_FILE_MAX, &len, &err);
	if (!text)
		return fault(g, s->line, -err, "set %s: %s can't be read: %s",
			     s->name, shown, strerror(err));
	err = take_text(g, s, shown, text, len);
	free(text);
	return err;
}

static int take_rule(struct gather *g, const char *profile, const char *text,
		     uint32_t line)
{
	struct profile_error e;

	if (g->rule_n == PROFILES_RULES_MAX)
		return fault(g, line, -E2BIG,
			     "profile.rule: more rules than there may be");
	g->line[g->rule_n] = line;
	g->rule[g->rule_n].profile = profile;
	if (profile_parse(&g->rule[g->rule_n++].text, text, strlen(text), &e))
		return fault(g, line, -EBADMSG, "profile %s: column %u: %s",
			     profile, e.column, e.why);
	return 0;
}

static int gather(struct gather *g)
{
	const struct conf *c = g->c;
	int err = take_builtins(g);

	for (uint16_t i = 0; i < c->set_n && !err; i++)
		err = take_set(g, &c->set[i]);
	for (size_t i = 0; i < BUILTINS && !err; i++)
		if (!has_rules(c, builtin[i].profile))
			err = take_rule(g, builtin[i].profile, builtin[i].text,
					0);
	for (uint16_t i = 0; i < c->profile_rule_n && !err; i++)
		err = take_rule(g, c->profile_rule[i].profile,
				c->profile_rule[i].text,
				c->profile_rule[i].line);
	return err;
}

/* As the other process will map it. */
static int map_sealed(struct profiles_made *out, int fd, size_t len)
{
	const void *map;

	if (fd < 0)
		return fd;
	out->fd = fd;
	map = mem_map_sealed(fd, len);
	if (!map)
		return -errno;
	out->len = len;
	out->built = profiles_check(map, len);
	vw_assert(out->built);
	return 0;
}

/* Where it stays, for there may be no memory to have it twice. */
static int build_sealed(struct profiles_made *out, const struct profiles_in *in,
			uint32_t *bad)
{
	size_t room = profiles_size(in), used = 0;
	uint32_t n = profiles_order(in);
	uint32_t *order = calloc(n, 2 * sizeof(*order));
	void *mem;
	int err, fd = mem_draft("vifwall-profiles", room, &mem);

	if (fd < 0) {
		free(order);
		return fd;
	}
	err = order ? profiles_build(mem, &used, in, order, order + n, bad)
		    : -ENOMEM;
	free(order);
	fd = mem_draft_end(fd, mem, room, err ? 0 : used);
	return err ? err : map_sealed(out, fd, used);
}

static int build(struct gather *g, struct profiles_made *out)
{
	const struct profiles_in in = { g->set, g->set_n, g->rule, g->rule_n };
	uint32_t bad = 0;
	int err = build_sealed(out, &in, &bad);

	if (err == -ENOENT)
		return fault(g, g->line[bad], err,
			     "profile %s: there is no set '%s'",
			     g->rule[bad].profile, g->rule[bad].text.set);
	if (err == -E2BIG)
		return fault(g, 0, err,
			     "profiles: at most %u, of %u rules each, with "
			     "sets of %u ranges in all",
			     PROFILES_MAX, PROFILE_RULES_MAX,
			     PROFILES_RANGES_MAX);
	if (err)
		return fault(g, 0, err, "profiles: can't be built: %s",
			     strerror(-err));
	return 0;
}

int profiles_make_in(struct profiles_made *out, const struct conf *c,
		     uint64_t kib, struct profiles_fault *f)
{
	struct gather *g = calloc(1, sizeof(*g));
	int err;

	*out = (struct profiles_made){ .fd = -1 };
	*f = (struct profiles_fault){ .line = 0 };
	if (!g)
		return -ENOMEM;
	g->c = c;
	g->fault = f;
	g->room_kib = kib;
	err = gather(g);
	if (!err)
		err = build(g, out);
	for (uint32_t i = 0; i < g->set_n; i++)
		free(g->prefix[i]);
	free(g);
	if (err)
		profiles_clear(out);
	return err;
}

int profiles_make(struct profiles_made *out, const struct conf *c,
		  struct profiles_fault *f)
{
	return profiles_make_in(out, c, conf_available_kib(), f);
}

void profiles_clear(struct profiles_made *p)
{
	if (p->built)
		mem_unmap(p->built, p->len);
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct profiles_made){ .fd = -1 };
}
