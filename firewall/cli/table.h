/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CLI_TABLE_H
#define VIFWALL_FIREWALL_CLI_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Columns as wide as what is in them, two blanks between; numbers to the right.
 * The last column is not filled up.
 */
#define TABLE_COLS 10u

struct table {
	bool headless;
	bool cut; /* no memory for all of it, and says so */
	uint32_t cols, cells, room;
	char **cell;
	const char *head[TABLE_COLS]; /* '>' before a head: to the right */
};

void table_init(struct table *t, const char *const *head, uint32_t cols);
void table_add(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Prints it, unless it has no row, and frees what it holds. */
void table_print(struct table *t, FILE *f);

/* "1.2 MB", "3 min", for people; each returns @out. */
#define UNIT_MAX 24u
const char *unit_bytes(char out[UNIT_MAX], uint64_t n);
const char *unit_ms(char out[UNIT_MAX], uint64_t ms);

#endif
