/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/linux/mem.h"

#ifndef MADV_COLLAPSE /* glibc 2.37 */
#define MADV_COLLAPSE 25
#endif

#define PAGE 4096u
#define HUGE_PAGE (2u << 20)
#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Pages that nobody may touch yet, for *@room bytes and a guard at each end. */
static uint8_t *reserve(size_t len, size_t *room, size_t *all, uint8_t **base)
{
	uint8_t *at;

	*room = (len + PAGE - 1) & ~(size_t)(PAGE - 1);
	*all = *room + HUGE_PAGE + 2 * PAGE;
	if (*room < len || *all < *room) {
		errno = ENOMEM;
		return NULL;
	}
	*base = mmap(NULL, *all, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (*base == MAP_FAILED)
		return NULL;
	at = *base + PAGE;
	return at + (-(uintptr_t)at & (HUGE_PAGE - 1));
}

void *mem_block(size_t len, size_t huge)
{
	size_t room, all;
	uint8_t *base, *at = reserve(len, &room, &all, &base);

	if (!at)
		return NULL;
	if (mprotect(at, room, PROT_READ | PROT_WRITE)) {
		munmap(base, all);
		return NULL;
	}
	/* advice: worth having, not worth failing for */
	(void)madvise(at, room, MADV_NOHUGEPAGE);
	(void)madvise(at, huge < room ? huge & ~(size_t)(HUGE_PAGE - 1) : room,
		      MADV_HUGEPAGE);
	(void)madvise(at, room, MADV_DONTDUMP);
	return at;
}

void mem_prefault(void *p, size_t len)
{
	volatile uint8_t *byte = p;

	if (madvise(p, len, MADV_POPULATE_WRITE) == 0)
		return;
	for (size_t i = 0; i < len; i += PAGE) {
		uint8_t same = byte[i];

		byte[i] = same;
	}
}

static int seal(int fd, int seals)
{
	int err;

	if (fcntl(fd, F_ADD_SEALS, seals) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int mem_shared(const char *name, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)len) == 0)
		return seal(fd, SIZE_SEALS);
	err = errno;
	close(fd);
	return -err;
}

int mem_read_only(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

int mem_sealed(const char *name, const void *bytes, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const uint8_t *at = bytes;

	if (fd < 0)
		return -errno;
	while (len) {
		ssize_t n = write(fd, at, len);
		int err = errno;

		if (n < 0 && err == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return -err;
		}
		at += n;
		len -= (size_t)n;
	}
	return seal(fd, SIZE_SEALS | F_SEAL_WRITE);
}

/*
 * #syscalls control: memfd_create ftruncate mmap/noexec close
 */
int mem_draft(const char *name, size_t len, void **at)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)len)) {
		*at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
		if (*at != MAP_FAILED)
			return fd;
	}
	err = errno;
	close(fd);
	return -err;
}

/*
 * Nobody may have it mapped to write when it is sealed.
 * #syscalls control: ftruncate munmap fcntl/F_ADD_SEALS close
 */
int mem_draft_end(int fd, void *at, size_t len, size_t used)
{
	int err;

	munmap(at, len);
	if (!used)
		err = ECANCELED;
	else if (!ftruncate(fd, (off_t)used))
		return seal(fd, SIZE_SEALS | F_SEAL_WRITE);
	else
		err = errno;
	close(fd);
	return -err;
}

/*
 * #syscalls data: fcntl/F_GET_SEALS newfstatat fstat
 */
static bool is_whole(int fd, size_t len, int seals)
{
	struct stat st;
	int have = fcntl(fd, F_GET_SEALS);

	if (have < 0)
		return false;
	if ((have & seals) == seals && !fstat(fd, &st) && st.st_size >= 0 &&
	    (uint64_t)st.st_size >= len && len)
		return true;
	errno = EBADF;
	return false;
}

/*
 * #syscalls data: mmap/shared
 */
static void *map(int fd, size_t len, int prot, int seals)
{
	void *p;

	if (!is_whole(fd, len, seals))
		return NULL;
	p = mmap(NULL, len, prot, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

void *mem_map(int fd, size_t len, enum mem_access access)
{
	int prot = access == MEM_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;

	return map(fd, len, prot, F_SEAL_SHRINK);
}

void *mem_map_block(int fd, size_t len)
{
	size_t room, all;
	uint8_t *base, *at;

	if (!is_whole(fd, len, F_SEAL_SHRINK))
		return NULL;
	at = reserve(len, &room, &all, &base);
	if (!at)
		return NULL;
	if (mmap(at, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED) {
		munmap(base, all);
		return NULL;
	}
	(void)madvise(at, room, MADV_HUGEPAGE);
	(void)madvise(at, room, MADV_DONTDUMP);
	mem_prefault(at, room);
	/* what the kernel does not give by itself, if it can at all (6.1) */
	(void)madvise(at, room & ~(size_t)(HUGE_PAGE - 1), MADV_COLLAPSE);
	return at;
}

const void *mem_map_sealed(int fd, size_t len)
{
	return map(fd, len, PROT_READ, F_SEAL_SHRINK | F_SEAL_WRITE);
}

/*
 * #syscalls data: munmap
 */
void mem_unmap(const void *p, size_t len)
{
	void *at;

	memcpy(&at, &p, sizeof(at));
	munmap(at, len);
}
