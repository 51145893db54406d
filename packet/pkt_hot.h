/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_HOT_H
#define VIFWALL_PACKET_PKT_HOT_H

/*
 * What the compiler can't know: which way packets go.  For what every packet
 * runs, and what was measured, only.
 */

/* A part of a function that every packet runs, whatever its size. */
#define PKT_INLINE static inline __attribute__((always_inline))
/* Seldom run: kept out of the way of what every packet runs. */
#define PKT_RARE __attribute__((cold, noinline))
/* Run often, but not by all: its locals are not to burden who does not. */
#define PKT_APART __attribute__((noinline))

#endif
