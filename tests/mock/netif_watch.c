/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "mock/netif_watch.h"
#include "packet/pkt_assert.h"

#define PAGE 4096u

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)

#define FLAG_TRAP 0x100u
#define ERROR_WRITE 0x2u

static struct watch *now;
static uint32_t word;
static bool write_access;
static struct sigaction old_segv, old_trap;

static void allow(int prot)
{
	int err = mprotect(now->page, PAGE, prot);

	vw_assert(!err);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)now->page;

	(void)sig;
	vw_assert(at < PAGE);
	word = (uint32_t)at / 4;
	write_access = c->uc_mcontext.gregs[REG_ERR] & ERROR_WRITE;
	if (write_access)
		now->writes[word]++;
	else
		now->reads[word]++;
	allow(PROT_READ | PROT_WRITE);
	c->uc_mcontext.gregs[REG_EFL] |= FLAG_TRAP;
}

static void on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)sig;
	(void)info;
	if (now->after)
		now->after(now, word, write_access);
	allow(PROT_NONE);
	c->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)FLAG_TRAP;
}

bool watch_begin(struct watch *w, void *page,
		 void (*after)(struct watch *w, uint32_t word, bool write))
{
	struct sigaction segv = { .sa_sigaction = on_fault,
				  .sa_flags = SA_SIGINFO };
	struct sigaction trap = { .sa_sigaction = on_step,
				  .sa_flags = SA_SIGINFO };

	memset(w, 0, sizeof(*w));
	w->page = page;
	w->after = after;
	now = w;
	sigaction(SIGSEGV, &segv, &old_segv);
	sigaction(SIGTRAP, &trap, &old_trap);
	allow(PROT_NONE);
	return true;
}

void watch_end(struct watch *w)
{
	vw_assert(now == w);
	allow(PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGTRAP, &old_trap, NULL);
	now = NULL;
}

#else

bool watch_begin(struct watch *w, void *page,
		 void (*after)(struct watch *w, uint32_t word, bool write))
{
	(void)w;
	(void)page;
	(void)after;
	return false;
}

void watch_end(struct watch *w)
{
	(void)w;
}

#endif
