/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xen/bus/xenbus.h"

/* clang-format off: tables, to be read against those of the protocol */
static const char *const names[XENBUS_N] = {
	[XENBUS_UNKNOWN] = "unknown",
	[XENBUS_INITIALISING] = "initialising",
	[XENBUS_INIT_WAIT] = "init-wait",
	[XENBUS_INITIALISED] = "initialised",
	[XENBUS_CONNECTED] = "connected",
	[XENBUS_CLOSING] = "closing",
	[XENBUS_CLOSED] = "closed",
	[XENBUS_RECONFIGURING] = "reconfiguring",
	[XENBUS_RECONFIGURED] = "reconfigured",
	[XENBUS_FOREIGN] = "foreign",
};

#define D XENBUS_DISCONNECT
#define CLOSING XENBUS_SAY_CLOSING
#define CLOSED XENBUS_SAY_CLOSED
#define INIT XENBUS_SAY_INIT
#define CONN XENBUS_CONNECT
#define RECONF XENBUS_SAY_RECONF
#define PROTEST XENBUS_PROTEST

/* Our states: what is in no column of its own counts as closed. */
enum column { NEW, WAIT, CONNECTED, IS_CLOSING, IS_CLOSED, COLUMNS };

/*
 * Backend.  The frontend shows the row, we are in the column.
 *
 * In row 1 it begins anew: after a reboot of its driver, a kexec, a resume.
 * Linux frontends wait for each state of 5, 6 and 2 in turn, so none is left
 * out.  dom0 waits for our first 2 whatever the frontend shows.
 */
static const uint8_t backend[XENBUS_N][COLUMNS] = {
	/*			   1		2		4 (8)
	   5			 6 */
	[XENBUS_UNKNOWN] = { CLOSED, CLOSED, D | CLOSED, CLOSED, 0 },
	[XENBUS_INITIALISING] = { INIT, 0, D | CLOSING | CLOSED | INIT,
				  CLOSED | INIT, INIT },
	[XENBUS_INIT_WAIT] = { INIT, 0, 0, 0, 0 },
	[XENBUS_INITIALISED] = { INIT, 0, 0, 0, 0 },
	[XENBUS_CONNECTED] = { INIT | CONN, CONN, 0, CLOSED | INIT | CONN,
			       INIT | CONN },
	[XENBUS_CLOSING] = { CLOSING, CLOSING, D | CLOSING, 0, CLOSING },
	[XENBUS_CLOSED] = { CLOSING | CLOSED, CLOSING | CLOSED,
			    D | CLOSING | CLOSED, CLOSED, 0 },
	[XENBUS_RECONFIGURING] = { INIT, 0, RECONF, 0, 0 },
	[XENBUS_RECONFIGURED] = { INIT, 0, 0, 0, 0 },
	[XENBUS_FOREIGN] = { CLOSING | PROTEST, CLOSING | PROTEST,
			     D | CLOSING | PROTEST, PROTEST, PROTEST },
};

/*
 * Frontend.  The backend shows the row, we are in the column (WAIT is the
 * backend's alone).
 *
 * Our 4 is written while the backend is in 2; it may take its time.  The rings
 * of a connection that broke are gone, so the way back is 5, 6, 1, each when
 * the backend has followed, or late.
 */
static const uint8_t frontend[XENBUS_N][COLUMNS] = {
	/*			   1	 -  4				 5
	 * 6
	 */
	[XENBUS_UNKNOWN] = { 0, 0, D | CLOSED, CLOSED, 0 },
	[XENBUS_INITIALISING] = { 0, 0, D | CLOSING | CLOSED | INIT,
				  CLOSED | INIT, INIT },
	[XENBUS_INIT_WAIT] = { CONN, 0, 0, 0, INIT },
	[XENBUS_INITIALISED] = { 0, 0, 0, 0, INIT },
	[XENBUS_CONNECTED] = { 0, 0, 0, 0, 0 },
	[XENBUS_CLOSING] = { 0, 0, D | CLOSED, CLOSED, 0 },
	[XENBUS_CLOSED] = { 0, 0, D | CLOSED, CLOSED, INIT },
	[XENBUS_RECONFIGURING] = { 0, 0, 0, 0, 0 },
	[XENBUS_RECONFIGURED] = { 0, 0, 0, 0, 0 },
	[XENBUS_FOREIGN] = { 0, 0, D | CLOSING | PROTEST, 0, 0 },
};

/* What is done instead of nothing when the backend did not move for long. */
static const uint8_t frontend_late[COLUMNS] = {
	[NEW] = INIT,
	[IS_CLOSING] = CLOSED,
	[IS_CLOSED] = INIT,
};
/* clang-format on */

const char *xenbus_name(enum xenbus_state s)
{
	return s < XENBUS_N ? names[s] : names[XENBUS_FOREIGN];
}

/* One digit, or a number of several; a guest decides what it reads as. */
enum xenbus_state xenbus_parse(const char *text, size_t len)
{
	if (!len || len > 10 || (len > 1 && text[0] == '0'))
		return XENBUS_UNKNOWN;
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return XENBUS_UNKNOWN;
	if (len > 1 || text[0] > '8')
		return XENBUS_FOREIGN;
	return (enum xenbus_state)(text[0] - '0');
}

static enum column column_of(enum xenbus_state ours)
{
	if (ours == XENBUS_INITIALISING)
		return NEW;
	if (ours == XENBUS_INIT_WAIT)
		return WAIT;
	if (ours == XENBUS_CONNECTED || ours == XENBUS_RECONFIGURED)
		return CONNECTED;
	return ours == XENBUS_CLOSING ? IS_CLOSING : IS_CLOSED;
}

unsigned int xenbus_backend_does(enum xenbus_state ours,
				 enum xenbus_state theirs)
{
	return backend[theirs][column_of(ours)];
}

unsigned int xenbus_frontend_does(enum xenbus_state ours,
				  enum xenbus_state theirs, bool late)
{
	enum column c =
		column_of(ours == XENBUS_INIT_WAIT ? XENBUS_CLOSED : ours);

	if (late && !frontend[theirs][c])
		return frontend_late[c];
	return frontend[theirs][c];
}

unsigned int xenbus_offline_does(enum xenbus_state ours)
{
	return ours == XENBUS_CLOSED ? 0 : D | CLOSED;
}

unsigned int xenbus_closed_does(enum xenbus_state ours,
				enum xenbus_state theirs)
{
	bool over = theirs == XENBUS_CLOSED || theirs == XENBUS_UNKNOWN;

	if (ours == XENBUS_CLOSED || (ours == XENBUS_CLOSING && !over))
		return 0;
	return over ? D | CLOSED : D | CLOSING;
}
