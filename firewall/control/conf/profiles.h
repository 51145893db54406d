/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONF_PROFILES_H
#define VIFWALL_FIREWALL_CONTROL_CONF_PROFILES_H

#include "firewall/control/conf/conf.h"
#include "rules/profile.h"

/*
 * Profiles and address sets, from settings and the files that they name, built
 * in sealed memory for the process that judges packets.
 *
 * Beside those of the settings there is one profile, `no-lan`, unless the
 * settings have rules for one of that name: nothing near is reached, but for
 * the name servers that clients are told to ask.
 */
#define PROFILES_FILE_MAX (8u * 1024 * 1024)

struct profiles_made {
	int fd; /* sealed; -1: none */
	size_t len;
	const struct profiles *built; /* in fd, mapped; NULL: none */
};

struct profiles_fault {
	uint32_t line;	/* of the settings; 0: of no file */
	char text[400]; /* what is wrong; escaped */
};

/* Do settings say anything of profiles or sets? */
bool profiles_wanted(const struct conf *c);

/*
 * 0, or -errno with @f set and @out empty: also where sets need more memory
 * than this machine has available.
 */
int VW_MUST_USE profiles_make(struct profiles_made *out, const struct conf *c,
			      struct profiles_fault *f);
/* The same, where @kib are available. */
int VW_MUST_USE profiles_make_in(struct profiles_made *out,
				 const struct conf *c, uint64_t kib,
				 struct profiles_fault *f);
void profiles_clear(struct profiles_made *p);

/*
 * Which profile is that client's: what was said of it by itself (@fw->profile),
 * by its name or address, or else of all.  Writes it there; empty: none.
 */
void profiles_choose(const struct conf *c, struct fw_client *fw);

/*
 * The text of rule @rule (from 1) of that profile; NULL: there is no such.
 */
const char *profiles_text(const struct conf *c, const char *profile,
			  uint32_t rule);

#endif
