/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_QDB_DOM0_H
#define VIFWALL_TESTS_MOCK_QDB_DOM0_H

#include "mock/mock_chan.h"
#include "xen/qubes/qdb_wire.h"

/*
 * dom0's daemon for one domain, as a script: it sends what the test says, and
 * looks at everything that it gets as the real one does.  What the real one
 * would not survive is remembered in @died.
 */
#define QDB_DOM0_KEYS 256u

struct qdb_dom0 {
	struct mock_chans *net;
	struct mock_chan *chan; /* NULL: nobody is connected */
	const char *died;	/* of what; NULL: lives */
	bool asked;		/* for everything, once */
	bool mute;		/* does not answer changes */
	uint32_t oks, errors;	/* answers to what we sent */
	uint32_t writes, removals;
	uint32_t n;
	char path[QDB_DOM0_KEYS][QDB_PATH_MAX + 1];
	char value[QDB_DOM0_KEYS][QDB_VALUE_MAX + 1];
	size_t in_n;
	uint8_t in[1u << 20];
};

void qdb_dom0_init(struct qdb_dom0 *d, struct mock_chans *net);

/* Takes up the connection that is waited for, if there is one. */
bool qdb_dom0_accept(struct qdb_dom0 *d);
/* Looks at all that came. */
void qdb_dom0_work(struct qdb_dom0 *d);
/* Ends, and forgets everything if it is to be a new one. */
void qdb_dom0_end(struct qdb_dom0 *d, bool forget);

/* Its own hand; told to us when there is a connection that was synced. */
void qdb_dom0_set(struct qdb_dom0 *d, const char *path, const char *value);
void qdb_dom0_rm(struct qdb_dom0 *d, const char *path);
/* A client's whole set, as dom0 writes it: NULL ends the rules. */
void qdb_dom0_rules(struct qdb_dom0 *d, const char *address,
		    const char *const *rule);
/* NULL: none. */
const char *qdb_dom0_get(const struct qdb_dom0 *d, const char *path);

/* Any message, right or wrong. */
void qdb_dom0_send(struct qdb_dom0 *d, uint8_t type, const char *path,
		   const void *data, size_t len);

#endif
