/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "firewall/linux/log.h"
#include "packet/pkt_assert.h"

/* Nothing is flushed or undone: memory can't be trusted any more. */
_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	log_err("%s:%d: assertion failed: %s", file, line, what);
	_exit(70);
}
