/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_ASSERT_H
#define VIFWALL_PACKET_PKT_ASSERT_H

/*
 * Assertions about our own bugs.  They are always compiled in.  A condition
 * that bytes from a guest, sys-net or DNS can make false is never asserted:
 * it is a drop with a reason (pkt_verdict.h).
 *
 * vw_panic() is the one function that the pure archives leave undefined.  Each
 * program brings its own: the daemon logs and aborts, so that its parent
 * restarts it; the unit tests fail.
 */
_Noreturn void vw_panic(const char *file, int line, const char *what);

#define vw_assert(cond) ((cond) ? (void)0 : vw_panic(__FILE__, __LINE__, #cond))

#define VW_MUST_USE __attribute__((warn_unused_result))

#endif
