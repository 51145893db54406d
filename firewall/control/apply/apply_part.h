/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_APPLY_APPLY_PART_H
#define VIFWALL_FIREWALL_CONTROL_APPLY_APPLY_PART_H

/* What the files of apply.h know of each other, and nobody else needs. */

#include "firewall/control/apply/apply.h"

/* The oldest question without an answer, NULL when there is none; forgets it.
 */
struct apply_wait *apply_wait_first(struct apply *a);
void apply_wait_pop(struct apply *a);
/* Data is gone, or not worth listening to any more; a new one will come. */
void apply_data_lost(struct apply *a, bool broken);
/* Data has to be told that about @n. */
void apply_mark(struct apply *a, uint16_t n, unsigned int bits);
/* The slot's set of @family, or the profiles, should not hold any more. */
void apply_past_set(struct apply_slot *s, int family);
void apply_past_profiles(struct apply *a);
/* Closes *@past when the question that was sent last is answered. */
void apply_past_sent(struct apply *a, int i, int *past);
/* Nobody uses them any more. */
void apply_past_close(int *past, uint32_t n);
/* Closes client @n, whose rules can't be had, until the next ones. */
void apply_shut(struct apply *a, uint16_t n, int err);
/* Swaps in a set that lets nothing pass, because data refused the last one. */
void apply_close_set(struct apply *a, uint16_t n, int family, const char *why);
/* What a client's place is: its addresses, and where its rules come from. */
void apply_client(struct apply *a, uint16_t n, const struct fw_client *fw,
		  bool accept);
/* Builds the client's set of @family from the tree, or without it. */
void apply_commit(struct apply *a, uint16_t n, int family);
/*
 * How client @fw, whose IPv4 rules are those of @client, knows itself and us:
 * from the tree below TREE_MAPPED.  A key there changed.  What remains of it
 * for data when it does: the one address that it knows otherwise.
 */
void apply_seen(const struct apply *a, const char *client,
		struct fw_client *fw);
void apply_seen_changed(struct apply *a, const char *path);
void apply_seen_alone(struct fw_client *fw);
/* Openings anew, from the settings and from the tree below TREE_FORWARD. */
void apply_forwards(struct apply *a);
/* Profiles anew, from the settings. */
void apply_profiles(struct apply *a);
/* What the settings say of our addresses towards guests. */
void apply_guests_conf(struct apply *a);
/* A number for a new client, 0 when none is left. */
uint16_t apply_free(const struct apply *a);
/* The client goes; its number is free once data was told. */
void apply_drop(struct apply *a, uint16_t n);
/* Which name servers hold, from settings and what was told. */
void apply_dns_conf(struct apply *a);
/* What holds for the uplink, from settings and what was told; marks it. */
void apply_uplink(struct apply *a);
/* Data's answers about a port on rings. */
void apply_ring_answer(struct apply *a, uint16_t n, int err);
void apply_ring_deleted(struct apply *a, uint16_t n);
void apply_ring_failed(struct apply *a, uint16_t n, int err);
/* A new data process has none. */
void apply_ring_forget(struct apply *a, uint16_t n);
/* Takes the slot's port if it is not there; 0 or -errno. */
int VW_MUST_USE apply_open_port(struct apply *a, uint16_t n);
void apply_close_port(struct apply *a, uint16_t n);
/*
 * Opens it anew; what was open stays so until apply_close_old(), because the
 * kernel takes its time to close a packet socket, and the new data process
 * waits for us.
 */
int VW_MUST_USE apply_renew_port(struct apply *a, uint16_t n);
void apply_close_old(struct apply *a);

#endif
