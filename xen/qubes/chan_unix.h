/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_CHAN_UNIX_H
#define VIFWALL_XEN_QUBES_CHAN_UNIX_H

#include "xen/qubes/chan.h"

/*
 * Channels over Unix sockets, as Qubes' daemons speak when they are built for
 * them: the stream is the channel's, and closing is disconnecting.  A server
 * listens at
 *
 *	DIR/vchan.SERVER.CLIENT.PORT.sock
 *
 * (domain numbers), takes one peer and removes that name at once.  Who connects
 * tries again every CHAN_UNIX_RETRY_MS until somebody listens.  The sizes of
 * rings that chan_serve() names mean nothing here.
 */
#define CHAN_UNIX_RETRY_MS 50u
#define CHAN_UNIX_DIR_MAX                                  \
	73u /* with the longest name it is a socket's path \
	     */

/* We are domain @self.  NULL: *err; -ENAMETOOLONG for the directory. */
struct chan_net *chan_unix_open(const char *dir, uint16_t self, int *err);
/*
 * All that is connected to is the socket @path, as long as CHAN_UNIX_DIR_MAX
 * lets it be; nothing is served.
 */
struct chan_net *chan_unix_open_at(const char *path, int *err);

#endif
