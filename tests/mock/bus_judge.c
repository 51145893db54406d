/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "mock/bus_judge.h"

static struct judge *judge; /* of the store that is spied on */
static struct store_ops spy;
static const struct store_ops *mock;

struct judge_vif *judge_vif(struct judge *j, struct bus_id id)
{
	uint32_t dom = id.dom - JUDGE_DOM; /* wraps below */

	return dom < JUDGE_DOMS && id.handle < JUDGE_HANDLES
		       ? &j->vif[dom][id.handle]
		       : NULL;
}

static struct judge_vif *known(struct judge *j, struct bus_id id)
{
	struct judge_vif *v = judge_vif(j, id);

	vw_assert(v);
	return v;
}

/* ---- what it says ---------------------------------------------------------
 */

static void ask(struct judge *j, struct bus_id id, enum judge_link link,
		bool uplink)
{
	vw_assert(j->question_n < 64);
	j->question[j->question_n++] =
		(struct judge_question){ id, (uint8_t)link, uplink };
}

static void on_vif(void *ctx, const struct bus_vif *v)
{
	struct judge_vif *k = known(ctx, v->id);

	vw_assert(v->addr_n <= BUS_ADDRS);
	vw_assert(!(v->mac.b[0] & 1));
	vw_assert(!v->mtu || v->mtu >= 68);
	vw_assert(!v->rate_bytes == !v->rate_us);
	k->told = true;
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct judge *j = ctx;
	struct judge_vif *k = known(j, r->id);
	struct mono *oldest = &k->asked[k->asked_n % BUS_CONNECTS];

	vw_assert(k->told);
	if (j->resuming) {
		vw_assert(r->resume);
		vw_assert(k->link == JUDGE_ASKED || k->link == JUDGE_UP);
	} else {
		vw_assert(k->link == JUDGE_NONE);
		vw_assert(k->asked_n++ < BUS_CONNECTS ||
			  mono_diff_ms(*oldest, j->now) >= BUS_CONNECTS_MS);
		*oldest = j->now;
	}
	k->link = JUDGE_ASKED;
	ask(j, r->id, JUDGE_ASKED, false);
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	struct judge_vif *k = known(ctx, id);

	vw_assert(k->link == JUDGE_ASKED || k->link == JUDGE_UP);
	k->link = JUDGE_DROPPING;
	ask(ctx, id, JUDGE_DROPPING, false);
}

static void on_gone(void *ctx, struct bus_id id)
{
	struct judge_vif *k = known(ctx, id);

	vw_assert(k->told && k->link == JUDGE_NONE);
	*k = (struct judge_vif){ .made = k->made };
}

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	struct judge *j = ctx;

	vw_assert(j->up.link == JUDGE_NONE && u->addr_n <= BUS_ADDRS);
	j->up.link = JUDGE_ASKED;
	j->up.told = false; /* that it is up */
	ask(j, u->id, JUDGE_ASKED, true);
}

static void on_uplink_down(void *ctx)
{
	struct judge *j = ctx;

	vw_assert(j->up.link == JUDGE_ASKED || j->up.link == JUDGE_UP);
	j->up.link = JUDGE_DROPPING;
	ask(j, (struct bus_id){ 0 }, JUDGE_DROPPING, true);
}

static void on_uplink_up(void *ctx)
{
	struct judge *j = ctx;

	vw_assert(j->up.link == JUDGE_UP && !j->up.told);
	j->up.told = true;
}

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	(void)ctx;
	vw_assert(path[0] == '/' && strlen(path) < 2 * BUS_KEY_PATH);
	vw_assert(!value || len <= BUS_KEY_VALUE);
}

/* ---- what it writes -------------------------------------------------------
 */

static bool is_ours(const char *path, const char **key, struct bus_id *id,
		    bool *uplink)
{
	unsigned int dom, handle;
	int at = 0;

	*uplink = !strncmp(path, "device/vif/0/", 13);
	if (*uplink) {
		*key = path + 13;
		return true;
	}
	if (sscanf(path, "backend/vif/%u/%u%n", &dom, &handle, &at) != 2)
		return false;
	*id = (struct bus_id){ (uint16_t)dom, (uint16_t)handle };
	*key = path + at + (path[at] == '/');
	return true;
}

static bool is_key(const char *key, bool uplink)
{
	static const char *const keys[] = { "state", "feature-sg",
					    "feature-gso-tcpv4",
					    "feature-gso-tcpv6",
					    "feature-ipv6-csum-offload" };
	static const char *const ups[] = { "tx-ring-ref", "rx-ring-ref",
					   "event-channel", "request-rx-copy",
					   "feature-rx-notify" };

	for (uint32_t i = 0; i < 5; i++)
		if (!strcmp(key, keys[i]) || (uplink && !strcmp(key, ups[i])))
			return true;
	return !uplink && !strcmp(key, "feature-rx-copy");
}

static int spy_begin(struct store *s, uint32_t *t)
{
	int err = mock->begin(s, t);

	if (!err) {
		vw_assert(!judge->transaction);
		judge->transaction = *t;
		judge->said_n = 0;
		judge->removes[0] = '\0';
	}
	return err;
}

static int spy_write(struct store *s, uint32_t t, const char *path,
		     const char *value, size_t len)
{
	const char *key;
	struct bus_id id;
	bool uplink;
	int err;

	vw_assert(t && t == judge->transaction && judge->said_n < 16);
	vw_assert(is_ours(path, &key, &id, &uplink) && is_key(key, uplink));
	vw_assert(uplink || known(judge, id));
	vw_assert(len == strspn(value, "0123456789") && len && len <= 10);
	err = mock->write(s, t, path, value, len);
	if (!err)
		snprintf(judge->said[judge->said_n++], sizeof(judge->said[0]),
			 "%s=%s", path, value);
	return err;
}

static int spy_rm(struct store *s, uint32_t t, const char *path)
{
	const char *key;
	struct bus_id id;
	bool uplink;

	vw_assert(t && t == judge->transaction);
	vw_assert(is_ours(path, &key, &id, &uplink) && !uplink && !*key);
	snprintf(judge->removes, STORE_PATH_MAX, "%s", path);
	return mock->rm(s, t, path);
}

static void shown(struct judge *j, struct bus_id id, unsigned int state)
{
	struct judge_vif *v = known(j, id);

	switch (state) {
	case 2:
	case 5:
	case 6:
		vw_assert(v->link == JUDGE_NONE);
		break;
	case 4:
		vw_assert(v->link == JUDGE_UP);
		vw_assert(!v->waits.ns ||
			  mono_diff_ms(v->waits, j->now) >= BUS_CONNECTED_MS);
		break;
	case 8:
		vw_assert(v->link == JUDGE_ASKED || v->link == JUDGE_UP);
		break;
	default:
		vw_assert(false);
	}
	v->waits.ns = state == 2 ? j->now.ns : 0;
}

static void uplink_shown(struct judge *j, unsigned int state)
{
	if (state == 4)
		vw_assert(j->up.link == JUDGE_UP && j->said_n == 10);
	else
		vw_assert(j->up.link == JUDGE_NONE &&
			  (state == 1 || state == 5 || state == 6));
}

/* It is done: what of it is a state? */
static void committed(struct judge *j)
{
	const char *key;
	struct bus_id id;
	bool uplink;

	for (uint32_t i = 0; i < j->said_n; i++) {
		unsigned int state;
		char *value = strchr(j->said[i], '=');

		*value++ = '\0';
		vw_assert(is_ours(j->said[i], &key, &id, &uplink));
		if (strcmp(key, "state") != 0)
			continue;
		vw_assert(sscanf(value, "%u", &state) == 1);
		if (uplink)
			uplink_shown(j, state);
		else
			shown(j, id, state);
	}
	if (!j->removes[0])
		return;
	vw_assert(is_ours(j->removes, &key, &id, &uplink));
	vw_assert(known(j, id)->link == JUDGE_NONE);
	known(j, id)->made = false;
}

static int spy_end(struct store *s, uint32_t t, bool abort)
{
	int err = mock->end(s, t, abort);

	vw_assert(t == judge->transaction);
	judge->transaction = 0;
	if (!err && !abort)
		committed(judge);
	return err;
}

/* ---- what the test does ---------------------------------------------------
 */

void judge_open(struct judge *j, struct mock_tree *t, const struct bus_conf *c)
{
	struct bus_ops ops = { on_vif,	     on_connect, on_disconnect,
			       on_gone,	     on_uplink,	 on_uplink_down,
			       on_uplink_up, on_key,	 j };

	j->t = t;
	j->s = mock_store_open(t, JUDGE_SELF);
	mock = j->s->ops;
	spy = *mock;
	spy.begin = spy_begin;
	spy.write = spy_write;
	spy.rm = spy_rm;
	spy.end = spy_end;
	j->s->ops = &spy;
	judge = j;
	j->transaction = j->question_n = 0;
	j->resuming = false;
	for (uint32_t i = 0; i < JUDGE_DOMS * JUDGE_HANDLES; i++) {
		struct judge_vif *v =
			&j->vif[i / JUDGE_HANDLES][i % JUDGE_HANDLES];

		*v = (struct judge_vif){ .made = v->made };
	}
	j->up = (struct judge_vif){ 0 };
	j->b = bus_new(j->s, c, &ops);
	vw_assert(j->b);
}

void judge_close(struct judge *j)
{
	bus_free(j->b);
	vw_assert(!j->transaction);
	j->s->ops->close(j->s);
}

/* An answer to what was asked of a data process that died is none. */
bool judge_answer(struct judge *j, int err)
{
	struct judge_question q = j->question[0];
	struct judge_vif *v = q.uplink ? &j->up : judge_vif(j, q.id);
	bool asked = q.link == JUDGE_ASKED;

	if (!j->question_n)
		return false;
	memmove(&j->question[0], &j->question[1], --j->question_n * sizeof(q));
	if (v->link == q.link)
		v->link = asked && !err ? JUDGE_UP : JUDGE_NONE;
	if (q.uplink && asked)
		bus_uplink_keys(j->b, err, 11, 12, 13);
	else if (q.uplink)
		bus_uplink_released(j->b);
	else if (asked)
		bus_connected(j->b, q.id, err);
	else
		bus_disconnected(j->b, q.id);
	return true;
}

void judge_broken(struct judge *j, struct bus_id id)
{
	struct judge_vif *v = judge_vif(j, id);

	if (v && v->link != JUDGE_UP)
		return;
	if (v)
		v->link = JUDGE_NONE;
	bus_broken(j->b, id);
}

/* Who was not asked for again has no rings: what held them is gone. */
void judge_resume(struct judge *j)
{
	j->question_n = 0;
	j->resuming = true;
	j->up.link = JUDGE_NONE;
	bus_resume(j->b);
	j->resuming = false;
	for (uint32_t i = 0; i < JUDGE_DOMS * JUDGE_HANDLES; i++)
		j->vif[i / JUDGE_HANDLES][i % JUDGE_HANDLES].link = JUDGE_NONE;
	for (uint32_t i = 0; i < j->question_n; i++)
		known(j, j->question[i].id)->link = JUDGE_ASKED;
}

void judge_check(struct judge *j)
{
	for (uint32_t i = 0; i < JUDGE_DOMS * JUDGE_HANDLES; i++) {
		char path[STORE_PATH_MAX];

		snprintf(path, sizeof(path),
			 "/local/domain/%u/backend/vif/%u/%u", JUDGE_SELF,
			 JUDGE_DOM + i / JUDGE_HANDLES, i % JUDGE_HANDLES);
		vw_assert(j->vif[i / JUDGE_HANDLES][i % JUDGE_HANDLES].made ||
			  !mock_get(j->t, path));
	}
}
