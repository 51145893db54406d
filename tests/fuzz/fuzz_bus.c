/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bus in a world where everybody else is the input: dom0 makes, changes and
 * removes devices, clients and the network domain write what they like where
 * they may, the store fails, rings are made or not, the data process dies.
 *
 * The judge (tests/mock/bus_judge.h) panics at what may not be said or written;
 * here it is seen that each look costs a bounded number of calls, that the bus
 * comes to rest, keeps its quotas, and lets go of everything in the end.
 *
 * Records: what (1 byte), then what that needs, see steps[].
 */
#include <errno.h>
#include <stdio.h>

#include "mock/bus_judge.h"
#include "mock/bus_world.h"
#include "tests/fuzz/fuzz.h"

#define STEPS_MAX 60u
#define NETVMS 2u /* domains 1 and 3 */
#define LOOKS_MAX 300u
#define CALLS_MAX                                                   \
	4000u /* of one look: ten tries of three states of each vif \
	       */
#define FIXED_WATCHES 3u

static struct judge j;
static struct store *client[JUDGE_DOMS], *netvm[NETVMS];
static const struct bus_conf conf = { .uplink = true, .rules = true };
static uint16_t current_netvm; /* 0: we have no uplink */
static bool troubled;	       /* calls of the store failed */

static struct {
	uint32_t at; /* call */
	uint8_t what, where;
} plan;

static const char *const values[] = {
	"0",
	"1",
	"2",
	"3",
	"4",
	"5",
	"6",
	"7",
	"8",
	"9",
	"",
	"-1",
	"01",
	"4294967295",
	"4294967296",
	"1e9",
	" 1",
	"32752",
	"65536",
	"768",
	"00:16:3e:00:00:01",
	"01:00:5e:00:00:01",
	"10.0.0.1",
	"10.0.0.1 fd00::1",
	"10.0.0.1  ",
	"1000,50000",
	"1000,0",
	",",
	"67",
	"1500",
	"/local/domain/5/device/vif/0",
	"/local/domain/0",
	"1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8",
	"::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9",
};
#define VALUES (sizeof(values) / sizeof(values[0]))

static const char *const back_keys[] = {
	"state", "online",   "mac",	    "ip",     "mtu",
	"rate",	 "frontend", "frontend-id", "handle", "feature-sg",
};
static const char *const front_keys[] = {
	"state",
	"state",
	"tx-ring-ref",
	"rx-ring-ref",
	"event-channel",
	"event-channel-tx",
	"event-channel-rx",
	"request-rx-copy",
	"feature-rx-notify",
	"feature-sg",
	"feature-gso-tcpv4",
	"feature-gso-tcpv6",
	"feature-no-csum-offload",
	"feature-ipv6-csum-offload",
	"multi-queue-num-queues",
	"mac",
};
static const char *const netvm_keys[] = {
	"state",
	"state",
	"feature-rx-copy",
	"feature-sg",
	"feature-gso-tcpv4",
	"feature-gso-tcpv6",
	"feature-ipv6-csum-offload",
	"ip",
	"mac",
};
#define ONE(list, byte) ((list)[(byte) % (sizeof(list) / sizeof((list)[0]))])

/* ---- the bus, and how far it may go ----------------------------------------
 */

static void on_call(void *ctx, struct mock_tree *t, uint32_t call)
{
	char path[STORE_PATH_MAX];

	(void)ctx;
	if (call != plan.at)
		return;
	snprintf(path, sizeof(path), "/local/domain/%u/backend/vif/%u/%u",
		 JUDGE_SELF, JUDGE_DOM + (plan.where & 1), plan.where >> 1 & 1);
	if (plan.what & 1) {
		mock_rm(t, path);
		j.vif[plan.where & 1][plan.where >> 1 & 1].made = false;
	} else if (mock_get(t, path)) {
		strcat(path, "/state");
		mock_set(t, path, ONE(values, plan.what >> 1));
	}
}

/* All that is due now; the bus must come to rest. */
static struct mono settle(void)
{
	struct mono next = j.now;

	for (uint32_t n = 0; n < LOOKS_MAX; n++) {
		uint32_t calls = mock_calls(j.s);

		(void)!bus_events(j.b, j.now);
		next = bus_tick(j.b, j.now);
		/* events that were taken were made by somebody else */
		vw_assert(mock_calls(j.s) - calls < CALLS_MAX);
		if (next.ns > j.now.ns)
			break;
	}
	vw_assert(next.ns > j.now.ns);
	judge_check(&j);
	return next;
}

static void run(uint32_t ms)
{
	struct mono until = mono_add_ms(j.now, ms), next = settle();

	for (uint32_t n = 0; next.ns < until.ns; n++) {
		vw_assert(n < LOOKS_MAX);
		j.now = next;
		next = settle();
	}
	j.now = until;
}

/* ---- steps -----------------------------------------------------------------
 */

static struct bus_id an_id(uint8_t b)
{
	return (struct bus_id){ .dom = (uint16_t)(JUDGE_DOM + (b & 1)),
				.handle = b >> 1 & 1 };
}

static void back_path(char out[STORE_PATH_MAX], struct bus_id id,
		      const char *key)
{
	snprintf(out, STORE_PATH_MAX, "/local/domain/%u/backend/vif/%u/%u%s%s",
		 JUDGE_SELF, id.dom, id.handle, *key ? "/" : "", key);
}

static void front_path(char out[STORE_PATH_MAX], struct bus_id id,
		       const char *key)
{
	snprintf(out, STORE_PATH_MAX, "/local/domain/%u/device/vif/%u%s%s",
		 id.dom, id.handle, *key ? "/" : "", key);
}

static void step_attach(struct feed *f)
{
	struct bus_id id = an_id(feed_u8(f));

	world_attach(j.t, id.dom, id.handle);
	judge_vif(&j, id)->made = true;
}

static void step_detach(struct feed *f)
{
	struct bus_id id = an_id(feed_u8(f));

	if (judge_vif(&j, id)->made)
		world_detach(j.t, id.dom, id.handle);
}

static void step_force(struct feed *f)
{
	uint8_t how = feed_u8(f);
	struct bus_id id = an_id(how);
	char path[STORE_PATH_MAX];

	back_path(path, id, "");
	if (!(how & 4)) {
		mock_rm(j.t, path);
		judge_vif(&j, id)->made = false;
	}
	front_path(path, id, "");
	if (!(how & 8))
		mock_rm(j.t, path);
}

static void step_dom0(struct feed *f)
{
	struct bus_id id = an_id(feed_u8(f));
	const char *key = ONE(back_keys, feed_u8(f));
	uint8_t value = feed_u8(f);
	char path[STORE_PATH_MAX];

	back_path(path, id, key);
	if (!judge_vif(&j, id)->made)
		return;
	if (value == 0xff)
		mock_rm(j.t, path);
	else
		mock_set(j.t, path, ONE(values, value));
}

/* By its own hand: the store lets it write where it may. */
static void write_as(struct store *s, const char *path, struct feed *f)
{
	static char garbage[STORE_VALUE_MAX];
	uint8_t value = feed_u8(f);
	size_t len;
	const uint8_t *bytes;

	if (value == 0xff) {
		(void)s->ops->rm(s, STORE_NONE, path);
	} else if (value == 0xfe) {
		memset(garbage, feed_u8(f), sizeof(garbage));
		(void)s->ops->write(s, STORE_NONE, path, garbage, 2048);
	} else if (value >= 0xf0) {
		bytes = feed_bytes(f, value & 15, &len);
		(void)s->ops->write(s, STORE_NONE, path, (const char *)bytes,
				    len);
	} else {
		const char *text = ONE(values, value);

		(void)s->ops->write(s, STORE_NONE, path, text, strlen(text));
	}
}

static void step_client(struct feed *f)
{
	uint8_t who = feed_u8(f);
	const char *key = ONE(front_keys, feed_u8(f));
	char path[STORE_PATH_MAX];

	front_path(path, an_id(who), who & 4 ? "" : key);
	write_as(client[who & 1], path, f);
}

static void step_connects(struct feed *f)
{
	static const char *const say[][2] = {
		{ "tx-ring-ref", "768" },     { "rx-ring-ref", "769" },
		{ "event-channel", "9" },     { "request-rx-copy", "1" },
		{ "feature-rx-notify", "1" }, { "state", "4" },
	};
	uint8_t who = feed_u8(f);
	struct store *s = client[who & 1];
	char path[STORE_PATH_MAX];

	for (uint32_t i = 0; i < 6; i++) {
		front_path(path, an_id(who), say[i][0]);
		(void)s->ops->write(s, STORE_NONE, path, say[i][1],
				    strlen(say[i][1]));
	}
}

/* A flood of its states. */
static void step_flap(struct feed *f)
{
	uint8_t who = feed_u8(f), a = feed_u8(f), n = feed_u8(f);
	struct store *s = client[who & 1];
	char path[STORE_PATH_MAX];

	front_path(path, an_id(who), "state");
	for (uint32_t i = 0; i < n % 40u; i++) {
		const char *text = ONE(values, i & 1 ? a >> 4 : a & 15);

		(void)s->ops->write(s, STORE_NONE, path, text, strlen(text));
		if (i % 8 == 7)
			run(0);
	}
}

static void step_netvm(struct feed *f)
{
	uint8_t who = feed_u8(f) & 1;
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "/local/domain/%u/backend/vif/%u/0/%s",
		 1 + 2 * who, JUDGE_SELF, ONE(netvm_keys, feed_u8(f)));
	write_as(netvm[who], path, f);
}

static void step_uplink(struct feed *f)
{
	uint8_t how = feed_u8(f);

	if (how & 1) {
		current_netvm = how & 2 ? 3 : 1;
		world_uplink(j.t, current_netvm);
		if (how & 4)
			world_netvm_waits(j.t, current_netvm);
	} else if (how & 8) {
		mock_rm(j.t, "/local/domain/2/device/vif/0");
		current_netvm = 0;
	} else if (current_netvm) {
		mock_set(j.t, "/local/domain/2/device/vif/0/state",
			 ONE(values, how >> 4));
	}
}

static void step_answer(struct feed *f)
{
	uint8_t how = feed_u8(f);

	for (uint32_t i = 0; i <= (how & 3u); i++)
		(void)judge_answer(&j, how & 0xc0 ? 0 : -EPROTO);
}

/* Words about what was not asked, or is not there. */
static void step_words(struct feed *f)
{
	uint8_t how = feed_u8(f);
	struct bus_id id = an_id(how);
	struct judge_vif *v;

	if (how & 4)
		id.dom = 9;
	v = judge_vif(&j, id);
	switch (how >> 3 & 7) {
	case 0:
		judge_broken(&j, id);
		break;
	case 1:
		bus_quarantine(j.b, id);
		break;
	case 2:
		if (!v || v->link != JUDGE_ASKED)
			bus_connected(j.b, id, 0);
		break;
	case 3:
		if (!v || v->link != JUDGE_DROPPING)
			bus_disconnected(j.b, id);
		break;
	case 4:
		if (j.up.link == JUDGE_UP) {
			j.up.link = JUDGE_NONE;
			bus_uplink_broken(j.b);
		}
		break;
	case 5:
		judge_resume(&j);
		break;
	default:
		break;
	}
}

static void step_trouble(struct feed *f)
{
	static const int errs[] = { -ENOSPC, -EIO,    -EACCES,
				    -ENOENT, -EAGAIN, -E2BIG };
	uint8_t how = feed_u8(f), k = feed_u8(f), n = feed_u8(f);

	switch (how & 3) {
	case 0:
		troubled = true;
		mock_fail(j.s, 1u + k, n & 31, ONE(errs, how >> 2));
		break;
	case 1:
		mock_conflict(j.s, n & 31);
		break;
	case 2:
		plan.at = mock_calls(j.s) + 1u + k;
		plan.what = how >> 2;
		plan.where = n;
		break;
	default:
		mock_hold(j.s, how & 4);
	}
}

static void step_run(struct feed *f)
{
	uint8_t t = feed_u8(f);

	run(t & 1 ? t * 100u : t);
}

static void open_bus(void)
{
	struct bus_conf c = conf;

	c.self = JUDGE_SELF;
	judge_open(&j, j.t, &c);
	mock_hook(j.s, on_call, NULL);
	plan.at = 0;
}

static void step_restart(struct feed *f)
{
	judge_close(&j);
	j.now = mono_add_ms(j.now, feed_u8(f) * 20u);
	open_bus();
}

static void step_rules(struct feed *f)
{
	static const char *const paths[] = {
		"",
		"/connected-ips",
		"/qubes-firewall",
		"/qubes-firewall/10_0_0_5",
		"/qubes-firewall/10_0_0_5/policy",
		"/qubes-firewall/10_0_0_5/0000",
		"/qubes-firewall/fd00--5/0000/a/b/c/d/e",
		"/qubes-firewall/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	uint8_t what = feed_u8(f);
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "/local/domain/2/vifwall%s",
		 ONE(paths, what & 7));
	if (what & 8)
		mock_rm(j.t, path);
	else
		mock_set(j.t, path, ONE(values, what >> 4));
}

static void step_stop(struct feed *f)
{
	if (feed_u8(f) == 0x57) /* rarely: little happens after it */
		bus_stop(j.b);
}

static void (*const steps[])(struct feed *f) = {
	step_attach, step_detach,  step_force,	  step_dom0,  step_client,
	step_client, step_client,  step_connects, step_flap,  step_netvm,
	step_netvm,  step_uplink,  step_answer,	  step_words, step_trouble,
	step_run,    step_restart, step_rules,	  step_stop,
};

/* What the operator sees, also while everything is half done. */
static void check_rows(void)
{
	struct bus_row row[3];
	uint32_t cursor = 0, rows = 0, n;

	do {
		n = bus_rows(j.b, &cursor, row, 3, j.now);
		vw_assert(n <= 3);
		for (uint32_t i = 0; i < n; i++) {
			vw_assert(row[i].ours < XENBUS_N &&
				  row[i].theirs < XENBUS_N);
			vw_assert(memchr(row[i].trouble, 0, BUS_TROUBLE));
			vw_assert(!row[i].connected || !row[i].frontend ||
				  j.up.link == JUDGE_UP);
		}
		rows += n;
	} while (n);
	vw_assert(rows <= 1 + JUDGE_DOMS * JUDGE_HANDLES);
	vw_assert(strlen(bus_trouble(j.b)) < BUS_TROUBLE);
}

/* ---- beginning and end -----------------------------------------------------
 */

static void begin(void)
{
	memset(&j, 0, sizeof(j));
	j.t = mock_tree_new();
	j.now.ns = 1000 * MONO_S;
	mock_set(j.t, "/local/domain/2/data", "");
	mock_perm(j.t, "/local/domain/2", 0, 'n', JUDGE_SELF, 'r');
	for (uint16_t i = 0; i < JUDGE_DOMS; i++)
		client[i] = mock_store_open(j.t, (uint16_t)(JUDGE_DOM + i));
	for (uint16_t i = 0; i < NETVMS; i++)
		netvm[i] = mock_store_open(j.t, (uint16_t)(1 + 2 * i));
	current_netvm = 0;
	troubled = false;
	open_bus();
}

/* Everybody keeps still, and dom0 takes all away: nothing may stay. */
static void end(void)
{
	plan.at = 0;
	mock_fail(j.s, 1, 0, 0);
	mock_conflict(j.s, 0);
	mock_hold(j.s, false);
	for (uint8_t i = 0; i < 4; i++)
		if (judge_vif(&j, an_id(i))->made)
			world_detach(j.t, an_id(i).dom, an_id(i).handle);
	mock_rm(j.t, "/local/domain/2/device/vif/0");
	for (uint32_t i = 0; i < 40; i++) {
		run(1000);
		while (judge_answer(&j, 0))
			;
	}
	for (uint8_t i = 0; i < 4; i++) {
		const struct judge_vif *v = judge_vif(&j, an_id(i));

		vw_assert(!v->made && !v->told && v->link == JUDGE_NONE);
	}
	vw_assert(j.up.link == JUDGE_NONE);
	/* a watch that the store would not end may stay */
	vw_assert(troubled || mock_watches(j.t, JUDGE_SELF) == FIXED_WATCHES);
	judge_close(&j);
	for (uint32_t i = 0; i < JUDGE_DOMS; i++)
		client[i]->ops->close(client[i]);
	for (uint32_t i = 0; i < NETVMS; i++)
		netvm[i]->ops->close(netvm[i]);
	mock_tree_free(j.t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };

	begin();
	for (uint32_t i = 0; i < STEPS_MAX && f.left; i++) {
		uint8_t what = feed_u8(&f);

		ONE(steps, what)(&f);
		if (what < 0xb0) /* else more happens before we look */
			run(0);
		check_rows();
		vw_assert(mock_watches(j.t, JUDGE_SELF) <=
			  FIXED_WATCHES + 1 + JUDGE_DOMS * JUDGE_HANDLES);
	}
	end();
	return 0;
}
