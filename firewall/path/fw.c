/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/path/fw.h"

#include <errno.h>

#include "firewall/path/dns_part.h"

#define TICK_MS 100u
#define TICK_AGAIN_MS 4u /* while there are flows to be freed */
/* Slices of one tick: together some ten microseconds. */
#define NAT_SLICE 128u
#define FRAG_SLICE 16u
#define NEIGH_SLICE 256u

void fw_conf_default(struct fw_conf *c)
{
	*c = (struct fw_conf){
		.clients = 64,
		.ports = 65,
		.small_n = 2048,
		.large_n = 64,
		.neighbours = 256,
		.guard = 1024,
		.reply_per_s = 100,
		.reply_burst = 50,
	};
	nat_conf_default(&c->nat);
	pkt_frag_conf_default(&c->frag);
}

/* What the modules below need to know, in their words. */
static struct fw_conf spelt_out(const struct fw_conf *c)
{
	struct fw_conf out = *c;

	out.nat.owners = (uint16_t)(c->clients + 1);
	out.frag.owners = (uint16_t)(c->clients + 1);
	return out;
}

/* Addresses and networks of all clients, their gateways, ours, the guard's. */
static uint32_t places_n(const struct fw_conf *c)
{
	return c->clients * (FW_CLIENT_ADDRS + 2u) + 2u + c->guard;
}

static size_t pairs_size(const struct fw_conf *c)
{
	return ((size_t)c->clients + 1) * (c->clients + 1u) / 8 + 1;
}

size_t fw_table_size(const struct fw_conf *conf)
{
	struct fw_conf c = spelt_out(conf);

	return nat_size(&c.nat);
}

size_t fw_size(const struct fw_conf *conf)
{
	struct fw_conf c = spelt_out(conf);
	size_t n = pkt_arena_cost(sizeof(struct fw));

	n += pkt_arena_cost(c.ports * sizeof(struct slot));
	n += pkt_arena_cost((c.clients + 1u) * sizeof(struct party));
	n += pkt_arena_cost(c.guard * sizeof(struct pkt_addr));
	n += pkt_arena_cost(pairs_size(&c));
	n += pkt_arena_cost(FW_FORWARDS * sizeof(struct fw_forward));
	n += pkt_arena_cost(c.ports * sizeof(uint16_t));
	n += pkt_arena_cost(place_size(places_n(&c)));
	n += pkt_arena_cost(neigh_size(c.neighbours));
	n += pkt_arena_cost(blocked_size(c.clients));
	n += pkt_arena_cost(sizeof(struct dns));
	n += pkt_arena_cost(pkt_pool_size(c.small_n, c.large_n));
	if (!c.table)
		n += pkt_arena_cost(nat_size(&c.nat));
	n += pkt_arena_cost(pkt_frag_size(&c.frag));
	return n;
}

/* Pieces of a datagram that will never be whole (pkt_frag's lost()). */
static void lost(void *ctx, uint16_t owner, enum pkt_reason why, uint32_t n)
{
	fw_row(ctx, owner)->drop[why] += n;
}

static struct pkt_hash_key new_key(struct fw *fw)
{
	struct pkt_hash_key k = { .k0 = pkt_rand_u64(&fw->rand) };

	k.k1 = pkt_rand_u64(&fw->rand);
	return k;
}

static void *take(struct pkt_arena *a, size_t n)
{
	void *mem = pkt_arena_take(a, n);

	vw_assert(mem); /* fw_size() counted it */
	return mem;
}

/* For a module that clears what it needs cleared itself. */
static void *room(struct pkt_arena *a, size_t n)
{
	void *mem = pkt_arena_room(a, n);

	vw_assert(mem);
	return mem;
}

static void init_tables(struct fw *fw, struct pkt_arena *a)
{
	const struct fw_conf *c = &fw->conf;
	struct pkt_hash_key key;
	size_t n;

	fw->slot = take(a, c->ports * sizeof(struct slot));
	fw->party = take(a, (c->clients + 1u) * sizeof(struct party));
	fw->guard = take(a, c->guard * sizeof(struct pkt_addr));
	fw->pairs = take(a, pairs_size(c));
	fw->forward = take(a, FW_FORWARDS * sizeof(struct fw_forward));
	fw->dirty = take(a, c->ports * sizeof(uint16_t));
	key = new_key(fw);
	n = place_size(places_n(c));
	fw->place = place_init(take(a, n), n, places_n(c), &key);
	key = new_key(fw);
	n = neigh_size(c->neighbours);
	fw->neigh = neigh_init(take(a, n), n, c->neighbours, &key);
	key = new_key(fw);
	n = blocked_size(c->clients);
	fw->blocked = blocked_init(take(a, n), n, c->clients, fw->view->blocked,
				   &key);
	fw->dns_state = take(a, sizeof(struct dns));
	fw->dns_state->key = new_key(fw);
	n = pkt_pool_size(c->small_n, c->large_n);
	fw->pool = pkt_pool_init(room(a, n), n, c->small_n, c->large_n);
	n = pkt_frag_size(&c->frag);
	fw->frag = pkt_frag_init(room(a, n), n, &c->frag);
}

static int init_table(struct fw *fw, struct pkt_arena *a, struct mono now)
{
	const struct nat_conf *c = &fw->conf.nat;
	size_t n = nat_size(c);
	void *mem = fw->conf.table ? fw->conf.table : room(a, n);

	if (!fw->conf.table || !fw->conf.adopt)
		return nat_init(&fw->nat, mem, n, c);
	fw->settling = fw->strangers = true;
	fw->settle_by = mono_add_ms(now, FW_SETTLE_MS);
	return nat_adopt(&fw->nat, mem, n, c, now);
}

/* It may hold what a process that died left there. */
static void init_view(struct view *view, uint16_t clients)
{
	bool first = view->magic != VIEW_MAGIC;
	uint16_t served = first ? VIEW_NOBODY : view->serving;
	uint16_t sent = first ? VIEW_NOBODY : view->sending;

	memset(view, 0, view_size(clients));
	view->clients = clients;
	view->serving = VIEW_NOBODY;
	view->served = served;
	view->sending = VIEW_NOBODY;
	view->sent = sent;
	view->magic = VIEW_MAGIC;
}

int fw_init(struct fw **out, void *mem, size_t len, const struct fw_conf *conf,
	    struct view *view, struct mono now)
{
	struct pkt_arena a;
	struct fw *fw;
	int err;

	if (!conf->clients || !conf->ports || conf->ports == FW_NO_PORT ||
	    conf->clients == UINT16_MAX)
		return -EINVAL;
	if (len < fw_size(conf))
		return -ENOSPC;
	pkt_arena_init(&a, mem, len);
	fw = take(&a, sizeof(*fw));
	fw->conf = spelt_out(conf);
	fw->conf.frag.lost = lost;
	fw->conf.frag.lost_ctx = fw;
	fw->view = view;
	init_view(view, conf->clients);
	pkt_rand_seed(&fw->rand, conf->seed);
	ipid_init(&fw->ipid, &fw->rand);
	err = init_table(fw, &a, now);
	if (err)
		return err;
	init_tables(fw, &a);
	for (uint32_t i = 0; i < conf->ports; i++)
		fw->slot[i].owner = FW_NOBODY;
	for (uint32_t i = 0; i <= conf->clients; i++) {
		fw->party[i].slot = FW_NO_PORT;
		fw->party[i].gen = 1; /* adopted flows have 0 */
	}
	fw->uplink.port = FW_NO_PORT;
	bucket_init(&fw->party[NAT_UPLINK].reply,
		    &(struct bucket_rate){ conf->reply_per_s,
					   conf->reply_burst },
		    now);
	view->client[NAT_UPLINK].used = 1;
	view->now_ns = now.ns;
	*out = fw;
	return 0;
}

struct pkt_pool *fw_pool(struct fw *fw)
{
	return fw->pool;
}

struct nat *fw_nat(struct fw *fw)
{
	return fw->nat;
}

struct mono fw_tick(struct fw *fw, struct mono now)
{
	struct view *v = fw->view;

	bool more = nat_expire(fw->nat, NAT_SLICE, now);

	if (fw->settling && mono_past(fw->settle_by, now))
		fw_settle(fw);
	pkt_frag_expire(fw->frag, FRAG_SLICE, now);
	fw_dns_own_tick(fw, now);
	fw_dns_held_tick(fw, now);
	fw_neigh_tick(fw, NEIGH_SLICE, now);
	v->now_ns = now.ns;
	v->pool_small = fw->conf.small_n;
	v->pool_large = fw->conf.large_n;
	pkt_pool_free_n(fw->pool, &v->pool_small_free, &v->pool_large_free);
	return mono_add_ms(now, more ? TICK_AGAIN_MS : TICK_MS);
}
