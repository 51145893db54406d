/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONF_CONF_TABLE_H
#define VIFWALL_FIREWALL_CONTROL_CONF_CONF_TABLE_H

#include "firewall/control/conf/conf.h"
#include "firewall/linux/log.h"

/*
 * The table of settings, for the conf_*.c family only.
 *
 * A row says where the value lives and which type reads it; a type is a parser
 * with the words that describe what it takes.  Rows of clients have names that
 * begin with "client.NAME." and offsets into struct conf_client.
 */
struct conf_row;

struct conf_word {
	const char *word;
	uint8_t value;
};

struct conf_type {
	const char *noun;    /* "an IPv4 address": 'x' is not ... */
	const char *allowed; /* NULL: made from the row's range or words */
	uint16_t size;	     /* bytes at the row's offset; 0: see count_off */
	/*
	 * Reads the @len bytes at @text, all of them, into @base + offset.
	 * 0; -EINVAL it is not what the noun says, -ERANGE out of range,
	 * -ENOSPC too long or too many, -EBADMSG ask .why.  On error nothing
	 * was written.
	 */
	int (*parse)(const struct conf_row *row, void *base, const char *text,
		     size_t len);
	/* For values with items: what is wrong in a @text that was refused,
	 * and where. */
	void (*why)(const char *text, size_t len, uint32_t *column,
		    const char **why);
};

#define CONF_F_LIVE 0x1u   /* may change while the daemon runs */
#define CONF_F_REPEAT 0x2u /* each mention adds one */

struct conf_row {
	const char *name;
	const struct conf_type *type;
	const char *dflt; /* as one would write it; NULL: unset */
	const char *help; /* one sentence */
	uint32_t off;
	uint32_t count_off; /* lists: of their uint8_t count */
	uint64_t lo, hi;    /* numbers; hi of a list: its room */
	const struct conf_word *words;
	uint32_t flags;
};

#define CONF_CLIENT_PREFIX "client."
#define CONF_CLIENT_PATTERN "client.NAME."

extern const struct conf_row conf_global[];
extern const struct conf_row conf_client[];
extern const uint32_t conf_global_n, conf_client_n;

#define CONF_GLOBAL_MAX 128u /* asserted: rows of each part */
#define CONF_CLIENT_MAX 24u

/* What @row takes, in words; returns @out. */
#define CONF_ALLOWED_MAX 200u
const char *conf_allowed(char out[CONF_ALLOWED_MAX],
			 const struct conf_row *row);

/* Reads @row's built-in value into @base. */
void conf_row_default(const struct conf_row *row, void *base);

/* Makes built-in sizes smaller on a machine with only @kib of memory. */
void conf_fit(struct conf *c, uint64_t kib);
/*
 * The machine's memory.  It does not stay the same: the kernel gives back what
 * it needed to start, and dom0 may take and give.
 */
uint64_t conf_memory_kib(void);
/*
 * Memory that this machine could still give; UINT64_MAX: it does not say.  The
 * second one reads /proc/meminfo as it was read.
 */
uint64_t conf_available_kib(void);
uint64_t conf_available_of(const char *meminfo, size_t len);
/* As conf_default(), of a machine with @kib. */
void conf_built_in(struct conf *c, uint64_t kib);

/* A sentence about @where; @fmt has no newline. */
struct conf_where {
	const char *source;
	uint32_t line;	 /* 0: none */
	uint32_t column; /* 0: none */
};
void conf_error(struct conf_errors *e, const struct conf_where *where,
		const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A source being read. */
struct conf_load {
	struct conf *c;
	struct conf_errors *e;
	struct conf_where where;
	/* Prefix for names in this section, "uplink." or "client.work." */
	char section[FW_NAME_MAX + sizeof(CONF_CLIENT_PREFIX) + 1];
	bool skip; /* the section's head was wrong: errors there are noise */
	bool once; /* a setting may be given once */
	bool mirage_dns;   /* the list of name servers is conf_mirage()'s */
	uint32_t value_at; /* column of the value in its line, 0: no line */
	uint32_t seen[CONF_GLOBAL_MAX]; /* line */
	uint32_t seen_client[CONF_CLIENTS][CONF_CLIENT_MAX];
};

/* Sets @name, given as it would be on the command line; errors go to @l->e. */
void conf_set(struct conf_load *l, const char *name, size_t len,
	      const char *value, size_t value_len);
/* The client of that name, made when it is new; NULL: said why. */
struct conf_client *conf_client_get(struct conf_load *l, const char *name,
				    size_t len);
/*
 * Takes a word of the kernel command line if it is one of
 * qubes-mirage-firewall's (--ipv4=ADDRESS and so on).
 */
bool conf_mirage(struct conf_load *l, const char *text, size_t len);
void conf_unknown(struct conf_load *l, const char *name, size_t len);

/* Foreign bytes for a message; returns @out. */
#define CONF_SHOW_ROOM LOG_QUOTE_ROOM
const char *conf_show(char out[CONF_SHOW_ROOM], const char *text, size_t len);

/*
 * The known name nearest to @name, whose client part (if it has one) is
 * kept; NULL when none is near.  Returns @out.
 */
const char *conf_suggest(char *out, size_t room, const char *name, size_t len);

/* For the types' parsers: where @row's value is, and its list's count. */
static inline void *conf_at(const struct conf_row *row, void *base)
{
	return (char *)base + row->off;
}

static inline uint8_t *conf_count_at(const struct conf_row *row, void *base)
{
	return (uint8_t *)base + row->count_off;
}

bool conf_is_word(const char *text, size_t len, const char *word);

#define CONF_TYPE(name, parser, bytes, what, takes)                \
	const struct conf_type name = { .noun = (what),            \
					.allowed = (takes),        \
					.size = (uint16_t)(bytes), \
					.parse = (parser) }

/* The types. */
extern const struct conf_type conf_u16, conf_u32, conf_bool, conf_word,
	conf_duration, conf_port_range, conf_mtu, conf_mss, conf_mac,
	conf_mac_auto, conf_port, conf_xen, conf_channel, conf_netvm, conf_path,
	conf_run_dir, conf_addr4, conf_addr6, conf_host4, conf_host6,
	conf_addrs, conf_nets, conf_allow_pair, conf_forward, conf_user,
	conf_group, conf_set_of, conf_profile, conf_profile_rule,
	conf_profile_use;

/* For conf_check(): profiles that must exist, sets that must be readable. */
void conf_check_profiles(const struct conf *c, struct conf_errors *e);

/*
 * A whole file of up to @max bytes in malloc()ed memory; NULL: *@err says why,
 * an errno.
 */
char *conf_slurp(const char *path, size_t max, size_t *len, int *err);

#endif
