/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_SIM_SIM_H
#define VIFWALL_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * vifwall-sim: a machine with Xen, for whoever has none.  Grants and events are
 * simulated (xen/sim_link.h), the XenStore is a stock xenstored, domains are
 * processes in network namespaces with ordinary Linux stacks.
 *
 *	main.c		commands, and what they have in common
 *	machine.c	hosts the simulation, and runs xenstored
 *	toolstack.c	dom0: what libxl does when a domain or a vif comes or
 *			goes
 *	libxl.c		... the XenStore's part of that
 *	domain.c	a domain's network drivers: netfront and netback
 *	leg.c		one vif of those: rings on one side, a TAP device on the
 *			other
 *	habits.c	... and what a frontend of another system does otherwise
 *	walk.c		... by which it connects
 *	card.c		... and has rings
 *
 * Each is a process of its own, and dies like one.
 */
#define SIM_DOMAINS 64u

/* One line on stderr, and exit code 1; @err: an errno, or 0. */
_Noreturn void sim_die(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* One line on stdout, with the time. */
void sim_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct sim_args {
	const char *dir;
	uint16_t dom, handle; /* DOM or DOM/HANDLE */
	bool handle_given;
	uint16_t backend;	/* --backend= */
	const char *name;	/* --name= */
	const char *mac, *ip;	/* --mac=, --ip= */
	const char *rate, *mtu; /* --rate=, --mtu=; NULL: none */
	const char
		*xenstored; /* --xenstored=: directory of it and its helper */
	const char *like;   /* --like=; NULL: linux */
	bool driver;	    /* --driver: it may be a backend */
	bool now;	    /* --now: do not wait */
};

/* Each ends with an exit code; errors that they can't go on from end it too. */
int sim_machine(const struct sim_args *a);
int sim_create(const struct sim_args *a);
int sim_destroy(const struct sim_args *a);
int sim_attach(const struct sim_args *a);
int sim_detach(const struct sim_args *a);
int sim_list(const struct sim_args *a);
int sim_domain(const struct sim_args *a);

#endif
