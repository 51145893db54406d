/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/linux/mem.h"
#include "firewall/linux/rand.h"
#include "unit.h"

/* How a child ends that writes one byte at @p. */
static int write_dies_by(volatile uint8_t *p)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		*p = 1;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_block_is_zeroed_aligned_and_guarded(void)
{
	size_t len = 3 * 4096;
	uint8_t *p = mem_block(len - 100, 0);
	uint8_t any = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL((uintptr_t)p % (2u << 20), 0);
	for (size_t i = 0; i < len; i++)
		any |= p[i];
	CU_ASSERT_EQUAL(any, 0);
	memset(p, 1, len);
	CU_ASSERT_EQUAL(write_dies_by(p - 1), SIGSEGV);
	CU_ASSERT_EQUAL(write_dies_by(p + len), SIGSEGV);
}

static uint32_t present(void *p, uint32_t pages)
{
	unsigned char in[64];
	uint32_t n = 0;

	CU_ASSERT_EQUAL_FATAL(mincore(p, pages * 4096ul, in), 0);
	for (uint32_t i = 0; i < pages; i++)
		n += in[i] & 1;
	return n;
}

static void a_block_is_present_where_it_was_touched(void)
{
	uint8_t *p = mem_block(64 * 4096, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(present(p, 64), 0);
	p[5 * 4096] = 7;
	CU_ASSERT_EQUAL(present(p, 64), 1);
	mem_prefault(p, 64 * 4096);
	CU_ASSERT_EQUAL(present(p, 64), 64);
	CU_ASSERT_EQUAL(p[5 * 4096], 7);
}

static void a_block_too_large_is_refused(void)
{
	CU_ASSERT_PTR_NULL(mem_block(SIZE_MAX, 0));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	CU_ASSERT_PTR_NULL(mem_block(SIZE_MAX - 4096, 0));
	CU_ASSERT_PTR_NULL(mem_block((size_t)1 << 62, 0));
}

static void shared_memory_is_seen_by_both_and_keeps_its_size(void)
{
	int fd = mem_shared("test", 8192);
	uint8_t *a, *b;

	CU_ASSERT_FATAL(fd >= 0);
	a = mem_map(fd, 8192, MEM_WRITE);
	b = mem_map(fd, 8192, MEM_READ);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	a[8191] = 7;
	CU_ASSERT_EQUAL(b[8191], 7);
	CU_ASSERT_EQUAL(ftruncate(fd, 4096), -1);
	CU_ASSERT_EQUAL(ftruncate(fd, 16384), -1);
	CU_ASSERT_PTR_NULL(mem_map(fd, 8193, MEM_READ));
	CU_ASSERT_PTR_NULL(mem_map(fd, 0, MEM_READ));
	mem_unmap(a, 8192);
	mem_unmap(b, 8192);
	close(fd);
}

static void a_shared_block_is_present_guarded_and_lives_on(void)
{
	size_t len = 5u << 20;
	int fd = mem_shared("test", len - 100);
	uint8_t *a, *b;

	CU_ASSERT_FATAL(fd >= 0);
	a = mem_map_block(fd, len - 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_EQUAL((uintptr_t)a % (2u << 20), 0);
	CU_ASSERT_EQUAL(present(a, 64), 64);
	memset(a, 7, len);
	CU_ASSERT_EQUAL(write_dies_by(a - 1), SIGSEGV);
	CU_ASSERT_EQUAL(write_dies_by(a + len), SIGSEGV);
	b = mem_map_block(fd, len - 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_PTR_NOT_EQUAL(a, b);
	CU_ASSERT_EQUAL(memcmp(a, b, len), 0);
	CU_ASSERT_PTR_NULL(mem_map_block(fd, len + 1));
	CU_ASSERT_EQUAL(errno, EBADF);
	CU_ASSERT_PTR_NULL(mem_map_block(-1, len));
	mem_unmap(a, len);
	mem_unmap(b, len);
	close(fd);
}

static void a_read_only_descriptor_can_not_be_mapped_for_writing(void)
{
	int fd = mem_shared("test", 4096);
	int ro = mem_read_only(fd);
	void *p;

	CU_ASSERT_FATAL(ro >= 0);
	CU_ASSERT_PTR_NULL(mem_map(ro, 4096, MEM_WRITE));
	p = mem_map(ro, 4096, MEM_READ);
	CU_ASSERT_PTR_NOT_NULL(p);
	mem_unmap(p, 4096);
	close(ro);
	close(fd);
	CU_ASSERT(mem_read_only(fd) < 0);
}

static void sealed_memory_holds_what_was_given_and_no_one_changes_it(void)
{
	static const char words[] = "these words";
	int fd = mem_sealed("test", words, sizeof(words));
	const char *p;

	CU_ASSERT_FATAL(fd >= 0);
	p = mem_map_sealed(fd, sizeof(words));
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_STRING_EQUAL(p, words);
	CU_ASSERT_EQUAL(pwrite(fd, "T", 1, 0), -1);
	CU_ASSERT_PTR_NULL(mem_map_sealed(fd, sizeof(words) + 1));
	mem_unmap(p, sizeof(words));
	close(fd);
}

static void memory_that_could_change_is_not_taken_for_sealed(void)
{
	int open_fd = memfd_create("test", MFD_ALLOW_SEALING);
	int shared = mem_shared("test", 4096);
	int null = open("/dev/null", O_RDWR);

	CU_ASSERT_EQUAL(ftruncate(open_fd, 4096), 0);
	CU_ASSERT_PTR_NULL(mem_map_sealed(open_fd, 4096));
	CU_ASSERT_PTR_NULL(mem_map(open_fd, 4096, MEM_READ));
	CU_ASSERT_PTR_NULL(mem_map_sealed(shared, 4096));
	CU_ASSERT_PTR_NULL(mem_map_sealed(null, 1));
	CU_ASSERT_PTR_NULL(mem_map_sealed(-1, 1));
	close(open_fd);
	close(shared);
	close(null);
}

static void random_bytes_differ_and_fill_all(void)
{
	uint8_t a[1000] = { 0 }, b[1000] = { 0 };
	int zeros = 0;

	CU_ASSERT_EQUAL(rand_bytes(a, sizeof(a)), 0);
	CU_ASSERT_EQUAL(rand_bytes(b, sizeof(b)), 0);
	CU_ASSERT(memcmp(a, b, sizeof(a)) != 0);
	for (size_t i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	CU_ASSERT(zeros < 50);
	CU_ASSERT_EQUAL(rand_bytes(a, 0), 0);
}

UNIT_SUITE(mem, UNIT(a_block_is_zeroed_aligned_and_guarded),
	   UNIT(a_block_is_present_where_it_was_touched),
	   UNIT(a_block_too_large_is_refused),
	   UNIT(a_shared_block_is_present_guarded_and_lives_on),
	   UNIT(shared_memory_is_seen_by_both_and_keeps_its_size),
	   UNIT(a_read_only_descriptor_can_not_be_mapped_for_writing),
	   UNIT(sealed_memory_holds_what_was_given_and_no_one_changes_it),
	   UNIT(memory_that_could_change_is_not_taken_for_sealed),
	   UNIT(random_bytes_differ_and_fill_all))
