/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mock/bus_ear.h"

__attribute__((format(printf, 2, 3))) static void say(struct bus_ear *e,
						      const char *fmt, ...)
{
	size_t n = strlen(e->said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->said + n, sizeof(e->said) - n, fmt, ap);
	va_end(ap);
}

void ear_tell(struct bus_ear *e, enum bus_tell_type type, struct bus_id id)
{
	bus_thread_tell(e->thread, &(struct bus_tell){ .type = (uint8_t)type,
						       .id = id,
						       .tx_ref = 8,
						       .rx_ref = 9,
						       .evt = 10 });
}

static void on_vif(void *ctx, const struct bus_vif *v)
{
	say(ctx, "vif%u.%u ", v->id.dom, v->id.handle);
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct bus_ear *e = ctx;

	say(e, "%s%u.%u ", r->resume ? "resume" : "connect", r->id.dom,
	    r->id.handle);
	e->rings = *r;
	if (e->answer)
		ear_tell(e, BUS_TELL_CONNECTED, r->id);
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	struct bus_ear *e = ctx;

	say(e, "disconnect%u.%u ", id.dom, id.handle);
	if (e->answer)
		ear_tell(e, BUS_TELL_DISCONNECTED, id);
}

static void on_gone(void *ctx, struct bus_id id)
{
	say(ctx, "gone%u.%u ", id.dom, id.handle);
}

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	struct bus_ear *e = ctx;

	say(e, "uplink%u ", u->id.dom);
	if (e->answer)
		ear_tell(e, BUS_TELL_UPLINK_KEYS, u->id);
}

static void on_uplink_down(void *ctx)
{
	struct bus_ear *e = ctx;

	say(e, "uplink_down ");
	if (e->answer)
		ear_tell(e, BUS_TELL_UPLINK_RELEASED, (struct bus_id){ 0 });
}

static void on_uplink_up(void *ctx)
{
	say(ctx, "uplink_up ");
}

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	if (value && strlen(value) != len)
		say(ctx, "a value with a NUL in it ");
	say(ctx, "%s%c%s ", path, value ? '=' : '-', value ? value : "");
}

void ear_open(struct bus_ear *e, struct bus_thread *t, struct store *dom0)
{
	*e = (struct bus_ear){
		.thread = t,
		.dom0 = dom0,
		.answer = true,
		.ops = { .vif = on_vif,
			 .connect = on_connect,
			 .disconnect = on_disconnect,
			 .gone = on_gone,
			 .uplink = on_uplink,
			 .uplink_down = on_uplink_down,
			 .uplink_up = on_uplink_up,
			 .key = on_key,
			 .ctx = e },
	};
}

uint64_t ear_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void hear(struct bus_ear *e, int ms)
{
	struct pollfd p = { .fd = bus_thread_fd(e->thread), .events = POLLIN };

	if (poll(&p, 1, ms) > 0)
		bus_thread_receive(e->thread, &e->ops);
}

bool ear_hears(struct bus_ear *e, const char *want)
{
	uint64_t end = ear_now_ms() + EAR_PATIENCE_MS;

	while (!strstr(e->said, want) && ear_now_ms() < end)
		hear(e, 20);
	if (strstr(e->said, want)) {
		e->said[0] = '\0';
		return true;
	}
	printf("\n    said:   %s\n    wanted: %s\n", e->said, want);
	return false;
}

bool ear_shows(struct bus_ear *e, const char *path, const char *want)
{
	uint64_t end = ear_now_ms() + EAR_PATIENCE_MS;
	char got[64] = "";

	do {
		hear(e, 10);
		if (e->dom0->ops->read(e->dom0, STORE_NONE, path, got,
				       sizeof(got) - 1) < 0)
			got[0] = '\0';
	} while (strcmp(got, want) && ear_now_ms() < end);
	return !strcmp(got, want);
}

void ear_wait(struct bus_ear *e, uint32_t ms)
{
	uint64_t end = ear_now_ms() + ms;

	while (ear_now_ms() < end)
		hear(e, 5);
}
