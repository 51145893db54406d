/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_MEM_H
#define VIFWALL_FIREWALL_LINUX_MEM_H

#include <stddef.h>

#include "packet/pkt_assert.h"

/*
 * Memory that is not malloc's: the one block that a process works in, and files
 * in memory that go from process to process.
 */

/*
 * @len zeroed bytes on a huge page's boundary, with a guard page at each end,
 * kept out of core files.  What is touched becomes present, the first @huge
 * bytes in huge pages where there are some.  NULL with errno set.  Stays until
 * exit.
 */
void *mem_block(size_t len, size_t huge);
/*
 * The first @len bytes of a file of mem_shared(), laid out the same way: all
 * present at once, in huge pages where there are some.
 */
void *mem_map_block(int fd, size_t len);
/* All of it becomes present now. */
void mem_prefault(void *p, size_t len);

/* A file in memory that can neither grow nor shrink any more, or -errno. */
int VW_MUST_USE mem_shared(const char *name, size_t len);
/* The same that is read only for whoever gets this descriptor, or -errno. */
int VW_MUST_USE mem_read_only(int fd);
/* A file in memory that holds @bytes and can't be changed any more, or -errno.
 */
int VW_MUST_USE mem_sealed(const char *name, const void *bytes, size_t len);
/*
 * The same for what is too much to be there twice: a file of @len zeroed bytes,
 * to be written at *@at.  mem_draft_end() takes *@at away, and @fd is a file as
 * of mem_sealed() with the first @used bytes; 0 of them: gives it up.  Both:
 * the file, or -errno and there is none.
 */
int VW_MUST_USE mem_draft(const char *name, size_t len, void **at);
int mem_draft_end(int fd, void *at, size_t len, size_t used);

enum mem_access { MEM_READ, MEM_WRITE };

/*
 * Maps the first @len bytes of a file of mem_shared().  NULL with errno set:
 * the file is shorter, or could still shrink under us.
 */
void *mem_map(int fd, size_t len, enum mem_access access);
/* The same, of mem_sealed(): also NULL when anybody could still write to it. */
const void *mem_map_sealed(int fd, size_t len);
void mem_unmap(const void *p, size_t len);

#endif
