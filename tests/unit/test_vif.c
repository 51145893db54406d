/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control side of vifs whole: a bus over a XenStore in memory, apply, and a
 * data process of our own at the other end of a socket pair, which writes down
 * what it is told.  All in one thread, so that each order can be had.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/control_xen.h"
#include "firewall/linux/log.h"
#include "mock/bus_world.h"
#include "unit.h"

#define TREE_BYTES 65536u
#define STEP_MS 10u
#define RULES "/qubes-firewall/10.137.0.5"

static struct conf conf;
static struct conf_errors errors;
static struct apply apply;
static struct vifs vifs;
static struct tree *tree;
static struct mock_tree *store_tree;
static struct store *store;
static struct bus *bus;
static struct mono now;
static int data = -1; /* the fake's end */
static char told[4096];

static uint32_t silent_type; /* no answer to these, until it is 0 */
static uint32_t silent_seq;
static uint32_t refuse_type;
static int refuse_err;
static struct msg_vif last_vif;
static struct fw_client last_client;
static struct fw_uplink last_uplink;
static int quiet = -1; /* where the log goes */

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	size_t n = strlen(told);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told + n, sizeof(told) - n, fmt, ap);
	va_end(ap);
}

/* ---- the data process -----------------------------------------------------*/

static void write_down(const struct msg *m)
{
	const union msg_body *b = &m->body;

	switch (m->hdr.type) {
	case MSG_VIF_ADD:
		last_vif = b->vif;
		say("+ring%u%s ", b->vif.id, b->vif.resume ? "r" : "");
		break;
	case MSG_FRONT_ADD:
		say("+front%u ", b->front.id);
		break;
	case MSG_VIF_LIMITS:
		say("limits%u=%llu,%u,%u ", b->vif_limits.id,
		    (unsigned long long)b->vif_limits.rate_bytes,
		    b->vif_limits.rate_us, b->vif_limits.mtu);
		break;
	case MSG_PORT_DEL:
		say("-ring%u ", b->id.id);
		break;
	case MSG_UPLINK:
		last_uplink = b->uplink.uplink;
		say("uplink%s%s ", last_uplink.up ? "+" : "-",
		    b->uplink.announce ? "*" : "");
		break;
	case MSG_CLIENT:
		last_client = b->client.client;
		say("+%s@%u%s ", last_client.name, b->client.n,
		    last_client.port == UINT16_MAX ? "!" : "");
		break;
	case MSG_CLIENT_DEL:
		say("-@%u ", b->id.id);
		break;
	case MSG_RULES:
		say("rules%u.%c ", b->rules.n, b->rules.family ? '6' : '4');
		break;
	case MSG_PAIRS:
	case MSG_GUARD:
	case MSG_SETTLED:
		break;
	default:
		say("?%u ", m->hdr.type);
	}
}

static void reply(uint32_t type, uint32_t seq)
{
	struct msg_front_keys keys = { .tx_ref = 8, .rx_ref = 9, .evt = 10 };
	struct msg_done d = { .err = 0 };

	if (type == refuse_type)
		d.err = refuse_err;
	if (type == MSG_FRONT_ADD && !d.err)
		CU_ASSERT_EQUAL(msg_send(data, MSG_FRONT_KEYS, seq, &keys, -1),
				0);
	CU_ASSERT_EQUAL(msg_send(data, MSG_DONE, seq, &d, -1), 0);
}

/* Answers are in order, so one that is due holds up those behind it. */
static void data_work(void)
{
	struct msg m;

	while (data >= 0 && !silent_seq && !msg_recv(data, MSG_TO_DATA, &m)) {
		if (m.fd >= 0)
			close(m.fd);
		write_down(&m);
		if (m.hdr.type == silent_type)
			silent_seq = m.hdr.seq;
		else
			reply(m.hdr.type, m.hdr.seq);
	}
}

/* The answer that was due comes. */
static void speak(void)
{
	uint32_t type = silent_type;

	CU_ASSERT(silent_seq != 0);
	silent_type = 0;
	if (silent_seq)
		reply(type, silent_seq);
	silent_seq = 0;
}

static void fails(uint16_t id, int err)
{
	struct msg_done d = { .id = id, .err = err };

	CU_ASSERT_EQUAL(msg_send(data, MSG_PORT_FAILED, 0, &d, -1), 0);
}

static void new_data(void)
{
	int s[2];

	if (data >= 0)
		close(data);
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX,
			   SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s),
		0);
	data = s[1];
	silent_type = silent_seq = 0;
	apply_data(&apply, s[0]);
}

/* ---- the bus --------------------------------------------------------------*/

static void tell_bus(void *ctx, const struct bus_tell *w)
{
	(void)ctx;
	switch ((enum bus_tell_type)w->type) {
	case BUS_TELL_CONNECTED:
		bus_connected(bus, w->id, w->err);
		break;
	case BUS_TELL_DISCONNECTED:
		bus_disconnected(bus, w->id);
		break;
	case BUS_TELL_BROKEN:
		bus_broken(bus, w->id);
		break;
	case BUS_TELL_QUARANTINE:
		bus_quarantine(bus, w->id);
		break;
	case BUS_TELL_UPLINK_KEYS:
		bus_uplink_keys(bus, w->err, w->tx_ref, w->rx_ref, w->evt);
		break;
	case BUS_TELL_UPLINK_RELEASED:
		bus_uplink_released(bus);
		break;
	case BUS_TELL_UPLINK_BROKEN:
		bus_uplink_broken(bus);
		break;
	}
}

static void ring_up(void *ctx, uint16_t n, int err,
		    const struct msg_front_keys *keys)
{
	(void)ctx;
	vifs_ring_up(&vifs, n, err, keys);
}

static void ring_down(void *ctx, uint16_t n)
{
	(void)ctx;
	vifs_ring_down(&vifs, n);
}

static void ring_lost(void *ctx, uint16_t n, int err)
{
	(void)ctx;
	vifs_ring_lost(&vifs, n, err);
}

static int open_port(void *ctx, const struct conf_port *p, struct link *l)
{
	(void)ctx, (void)p, (void)l;
	return -ENODEV;
}

static const struct apply_ops ops = { .open_port = open_port,
				      .ring_up = ring_up,
				      .ring_down = ring_down,
				      .ring_lost = ring_lost };

/* ---- all of it ------------------------------------------------------------*/

static void run(uint32_t ms)
{
	struct mono end = mono_add_ms(now, ms);

	do {
		CU_ASSERT_EQUAL(bus_events(bus, now), 0);
		(void)bus_tick(bus, now);
		(void)apply_work(&apply, now);
		data_work();
		apply_receive(&apply, now);
		now = mono_add_ms(now, STEP_MS);
	} while (!mono_past(end, now));
}

/* Data was told @want since the last time. */
static bool was_told(const char *want)
{
	bool same = !strcmp(told, want);

	if (!same)
		printf("\n    told:   %s\n    wanted: %s\n", told, want);
	told[0] = '\0';
	return same;
}

/* Data is dead, and a successor there. */
static void restart(void)
{
	new_data();
	bus_resume(bus);
}

static void settings(const char *text)
{
	memset(&errors, 0, sizeof(errors));
	conf_default(&conf);
	conf_read_text(&conf, "text", text, strlen(text), &errors);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL_FATAL(errors.n, 0);
}

#define SETTINGS                                                       \
	"xen = on\nxen.rules = on\nclients = 9\nuplink.port = vif:0\n" \
	"uplink.gateway = 10.137.0.1\n"

/* All but a data process. */
static void prepare(const char *text)
{
	struct bus_conf c = { .self = WORLD_SELF };

	settings(text);
	c.uplink = conf.uplink.port.kind == CONF_PORT_VIF;
	c.netvm = conf.xen_netvm.is;
	c.rules = conf.xen_rules;
	quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to_fd(quiet);
	now = (struct mono){ MONO_S };
	told[0] = '\0';
	silent_type = silent_seq = refuse_type = 0;
	apply_init(&apply, &conf, &ops);
	tree = tree_new(TREE_BYTES, apply_tree_changed, &apply);
	apply.tree = tree;
	vifs_init(&vifs, &apply, tell_bus, NULL);
	store_tree = mock_tree_new();
	mock_set(store_tree, "/local/domain/2", "");
	mock_perm(store_tree, "/local/domain/2", 2, 'n', 0, 'n');
	store = mock_store_open(store_tree, WORLD_SELF);
	bus = bus_new(store, &c, &vifs.ops);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bus);
}

static void begin(const char *text)
{
	prepare(text);
	new_data();
	run(100);
	told[0] = '\0';
}

static void end(void)
{
	apply_fini(&apply);
	tree_free(tree);
	bus_free(bus);
	store->ops->close(store);
	mock_tree_free(store_tree);
	close(data);
	data = -1;
	log_to_fd(STDERR_FILENO);
	close(quiet);
}

static void rules(const char *value)
{
	CU_ASSERT_EQUAL(tree_write(tree, RULES "/policy", "drop", 4), 0);
	CU_ASSERT_EQUAL(tree_write(tree, RULES "/0000", value, strlen(value)),
			0);
	CU_ASSERT_EQUAL(tree_write(tree, RULES, "", 0), 0);
}

static void guest(uint16_t dom)
{
	world_attach(store_tree, dom, 0);
	run(100);
	world_front_connects(store_tree, dom);
	run(100);
}

/* A guest with an address of its own, 10.137.0.<dom>. */
static void other_guest(uint16_t dom)
{
	char ip[16];

	snprintf(ip, sizeof(ip), "10.137.0.%u", dom);
	world_attach(store_tree, dom, 0);
	world_back(store_tree, dom, "ip", ip);
	run(100);
	world_front_connects(store_tree, dom);
	run(100);
}

static void front_begins_anew(uint16_t dom)
{
	world_front(store_tree, dom, "state", "6");
	run(100);
	world_front(store_tree, dom, "state", "1");
	run(100);
}

static void two_guests(void)
{
	guest(5);
	other_guest(6);
	CU_ASSERT_EQUAL(vifs_find(&vifs, (struct bus_id){ 6, 0 }), 2);
}

/* ---- clients --------------------------------------------------------------*/

static void a_vif_is_a_client_with_the_rules_that_were_there_before_it(void)
{
	begin(SETTINGS);
	rules("action=accept");
	world_attach(store_tree, 5, 0);
	run(100);
	CU_ASSERT(was_told("+vif5.0@1! rules1.4 "));
	CU_ASSERT_EQUAL(last_client.addr_n, 2);
	CU_ASSERT(last_client.proxy_arp);
	world_front_connects(store_tree, 5);
	run(100);
	CU_ASSERT(was_told("+ring1 +vif5.0@1 "));
	CU_ASSERT_EQUAL(last_vif.dom, 5);
	CU_ASSERT_EQUAL(last_vif.tx_ref, 768);
	CU_ASSERT_EQUAL(last_vif.mtu, VIF_MTU);
	run(2000);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	CU_ASSERT(was_told(""));
	end();
}

static void rules_that_come_later_bind_then(void)
{
	begin(SETTINGS);
	guest(5);
	CU_ASSERT(was_told("+vif5.0@1! +ring1 +vif5.0@1 "));
	/* a set that is being written counts for nobody */
	CU_ASSERT_EQUAL(tree_write(tree, RULES "/policy", "accept", 6), 0);
	run(100);
	CU_ASSERT(was_told(""));
	rules("action=accept");
	run(100);
	CU_ASSERT(was_told("rules1.4 "));
	CU_ASSERT_EQUAL(tree_write(tree, RULES "/0001", "action=drop", 11), 0);
	world_attach(store_tree, 6, 0); /* has the same addresses */
	run(100);
	CU_ASSERT_EQUAL(apply.slot[2].clash, 1);
	CU_ASSERT_EQUAL(apply.slot[2].set[0].state, SET_NONE);
	end();
}

static void rules_from_the_xenstore_bind(void)
{
	static const char dir[] = "/local/domain/2/vifwall/qubes-firewall/";
	char path[128];

	begin(SETTINGS);
	guest(5);
	told[0] = '\0';
	snprintf(path, sizeof(path), "%s10_137_0_5/policy", dir);
	mock_set(store_tree, path, "accept");
	snprintf(path, sizeof(path), "%s10_137_0_5", dir);
	mock_set(store_tree, path, "");
	run(200);
	CU_ASSERT(was_told("rules1.4 "));
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_GOOD);
	mock_rm(store_tree, path);
	run(200);
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_NONE);
	end();
}

static void a_key_that_is_not_taken_spoils_its_set(void)
{
	char big[TREE_VALUE_MAX + 1];

	begin(SETTINGS);
	guest(5);
	rules("action=accept");
	run(50);
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_GOOD);
	memset(big, 'a', sizeof(big));
	vifs.ops.key(vifs.ops.ctx, RULES "/0000", big, sizeof(big));
	vifs.ops.key(vifs.ops.ctx, RULES, "", 0);
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_BAD);
	end();
}

static void a_client_that_goes_is_forgotten(void)
{
	begin(SETTINGS);
	guest(5);
	run(1000);
	told[0] = '\0';
	world_detach(store_tree, 5, 0);
	run(100);
	CU_ASSERT(was_told("-ring1 +vif5.0@1! "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '6');
	run(4000);
	CU_ASSERT(was_told("-@1 "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '-');
	CU_ASSERT(!apply.slot[1].used);
	guest(6);
	CU_ASSERT(was_told("+vif6.0@1! +ring1 +vif6.0@1 "));
	end();
}

static void one_that_begins_anew_keeps_its_number_and_rules(void)
{
	begin(SETTINGS);
	rules("action=accept");
	two_guests();
	run(1000);
	told[0] = '\0';
	world_front(store_tree, 5, "state", "1");
	run(100);
	CU_ASSERT(was_told("-ring1 +vif5.0@1! "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '2');
	world_front_connects(store_tree, 5);
	run(100);
	CU_ASSERT(was_told("+ring1 +vif5.0@1 "));
	CU_ASSERT(!last_vif.resume);
	end();
}

static void one_that_goes_while_its_rings_are_being_made_leaves_nothing(void)
{
	begin(SETTINGS);
	silent_type = MSG_VIF_ADD;
	guest(5);
	CU_ASSERT(was_told("+vif5.0@1! +ring1 "));
	mock_rm(store_tree, "/local/domain/2/backend/vif/5/0");
	run(100);
	CU_ASSERT(apply.slot[1].used);
	speak();
	run(100);
	CU_ASSERT(was_told("-ring1 +vif5.0@1! -@1 "));
	CU_ASSERT(!apply.slot[1].used);
	CU_ASSERT_EQUAL(vifs_find(&vifs, (struct bus_id){ 5, 0 }), UINT16_MAX);
	end();
}

static void rings_that_can_not_be_close_it(void)
{
	begin(SETTINGS);
	refuse_type = MSG_VIF_ADD;
	refuse_err = EPROTO;
	guest(5);
	CU_ASSERT(was_told("+vif5.0@1! +ring1 +vif5.0@1! "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '5');
	CU_ASSERT_EQUAL(apply.slot[1].port_err, EPROTO);
	end();
}

static void rings_that_break_close_it(void)
{
	struct bus_row row;
	uint32_t cursor = 1;

	begin(SETTINGS);
	guest(5);
	run(1000);
	told[0] = '\0';
	fails(1, EPROTO);
	run(100);
	CU_ASSERT(was_told("+vif5.0@1! "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '5');
	CU_ASSERT_EQUAL(bus_rows(bus, &cursor, &row, 1, now), 1);
	CU_ASSERT_EQUAL(row.strikes, 1);
	/* it goes through 6 and 1, as a driver that is loaded anew does */
	world_front(store_tree, 5, "state", "6");
	run(100);
	world_front(store_tree, 5, "state", "1");
	run(100);
	world_front_connects(store_tree, 5);
	run(1200);
	CU_ASSERT(was_told("+ring1 +vif5.0@1 "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	end();
}

static void rings_that_break_while_they_are_let_go_are_gone_once(void)
{
	begin(SETTINGS);
	guest(5);
	run(1000);
	told[0] = '\0';
	silent_type = MSG_PORT_DEL;
	world_front(store_tree, 5, "state", "5");
	run(50);
	CU_ASSERT(was_told("-ring1 "));
	fails(1, EPROTO);
	run(50);
	speak();
	run(100);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '5');
	CU_ASSERT(!strstr(told, "ring"));
	CU_ASSERT(!apply.slot[1].port_sent);
	end();
}

static void what_dom0_says_of_a_link_is_told_with_its_rings(void)
{
	begin(SETTINGS);
	world_attach(store_tree, 5, 0);
	world_back(store_tree, 5, "rate", "100000,50000");
	world_back(store_tree, 5, "mtu", "1280");
	run(100);
	world_front_connects(store_tree, 5);
	run(100);
	CU_ASSERT_EQUAL(last_vif.mtu, 1280);
	CU_ASSERT_EQUAL(last_vif.rate_bytes, 100000);
	CU_ASSERT_EQUAL(last_vif.rate_us, 50000);
	end();
}

static void limits_that_change_are_told(void)
{
	begin(SETTINGS);
	guest(5);
	run(1000);
	told[0] = '\0';
	world_back(store_tree, 5, "rate", "100000,50000");
	run(100);
	CU_ASSERT(was_told("limits1=100000,50000,1500 "));
	world_back(store_tree, 5, "mtu", "1280");
	run(100);
	CU_ASSERT(was_told("limits1=100000,50000,1280 "));
	world_back(store_tree, 5, "mac", "00:16:3e:00:00:77");
	run(100);
	CU_ASSERT(was_told("+vif5.0@1 "));
	CU_ASSERT_EQUAL(last_client.mac.b[5], 0x77);
	/* without rings they come with the next ones */
	front_begins_anew(5);
	told[0] = '\0';
	world_back(store_tree, 5, "rate", "");
	run(100);
	CU_ASSERT(was_told(""));
	world_front_connects(store_tree, 5);
	run(100);
	CU_ASSERT_EQUAL(last_vif.rate_bytes, 0);
	CU_ASSERT_EQUAL(last_vif.mtu, 1280);
	end();
}

/* dom0 removes it and makes it anew before we look again. */
static void XSA_322_one_made_anew_has_nothing_of_before(void)
{
	begin(SETTINGS);
	rules("action=accept");
	world_attach(store_tree, 5, 0);
	world_back(store_tree, 5, "rate", "100000,50000");
	world_back(store_tree, 5, "mtu", "1280");
	run(100);
	world_front_connects(store_tree, 5);
	run(1500);
	vifs_crashed(&vifs, 1, VIEW_NOBODY, now);
	CU_ASSERT(was_told("+vif5.0@1! rules1.4 +ring1 +vif5.0@1 "));
	CU_ASSERT_EQUAL(last_client.mac.b[5], 5);
	mock_rm(store_tree, "/local/domain/2/backend/vif/5/0");
	mock_rm(store_tree, "/local/domain/5/device/vif/0");
	world_attach(store_tree, 5, 0);
	world_back(store_tree, 5, "ip", "10.137.0.77");
	world_back(store_tree, 5, "mac", "00:16:3e:00:00:77");
	run(100);
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_NONE);
	CU_ASSERT(!!strstr(told, "-ring1 "));
	CU_ASSERT(!strstr(told, "limits"));
	world_front_connects(store_tree, 5);
	run(1500);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	CU_ASSERT_EQUAL(last_client.mac.b[5], 0x77);
	CU_ASSERT_EQUAL(last_client.addr_n, 1);
	CU_ASSERT_EQUAL(last_client.addr[0].b[15], 77);
	CU_ASSERT_EQUAL(last_vif.mtu, VIF_MTU);
	CU_ASSERT_EQUAL(last_vif.rate_bytes, 0);
	CU_ASSERT(!last_vif.resume);
	end();
}

/* ---- one address, two vifs ------------------------------------------------*/

static bool has_it(uint16_t n)
{
	return apply.slot[n].told && !apply.slot[n].clash;
}

/* A stub domain's vif lies idle while the machine's own driver connects. */
static void one_that_is_idle_holds_no_address(void)
{
	begin(SETTINGS);
	rules("action=accept");
	world_attach(store_tree, 5, 0);
	run(100);
	CU_ASSERT(was_told("+vif5.0@1! rules1.4 "));
	world_attach(store_tree, 6, 0);
	run(100);
	CU_ASSERT(was_told("")); /* neither is there: the first one has it */
	world_front_connects(store_tree, 6);
	run(2000);
	CU_ASSERT(was_told("-@1 +ring2 +vif6.0@2 rules2.4 "));
	CU_ASSERT_EQUAL(apply.slot[1].clash, 2);
	CU_ASSERT_EQUAL(world_shows(store_tree, 6), '4');
	CU_ASSERT(apply_idle(&apply));
	end();
}

static void one_that_is_idle_takes_none_away(void)
{
	begin(SETTINGS);
	rules("action=accept");
	guest(5);
	told[0] = '\0';
	world_attach(store_tree, 6, 0);
	run(2000);
	CU_ASSERT(was_told(""));
	CU_ASSERT_EQUAL(apply.slot[2].clash, 1);
	CU_ASSERT(apply_idle(&apply));
	/* what there was of rules is its own when it comes to that */
	mock_rm(store_tree, "/local/domain/2/backend/vif/5/0");
	run(100);
	CU_ASSERT(was_told("-ring1 +vif5.0@1! -@1 +vif6.0@2! rules2.4 "));
	end();
}

static void who_connected_last_has_the_address_until_it_goes(void)
{
	begin(SETTINGS);
	rules("action=accept");
	guest(5);
	told[0] = '\0';
	guest(6);
	/* its flows end with its number, and its frames are nobody's */
	CU_ASSERT(was_told("-@1 +ring2 +vif6.0@2 rules2.4 "));
	CU_ASSERT(!has_it(1) && has_it(2));
	run(2000);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	CU_ASSERT_EQUAL(world_shows(store_tree, 6), '4');
	mock_rm(store_tree, "/local/domain/2/backend/vif/6/0");
	run(100);
	CU_ASSERT(!!strstr(told, "-@2 "));
	CU_ASSERT(!!strstr(told, "+vif5.0@1 "));
	CU_ASSERT(has_it(1) && !apply.slot[2].used);
	CU_ASSERT(!strstr(told, "ring1")); /* it has not noticed */
	end();
}

static void who_lets_go_of_its_rings_gives_the_address_back(void)
{
	begin(SETTINGS);
	rules("action=accept");
	guest(5);
	guest(6);
	CU_ASSERT(has_it(2));
	run(1500);
	front_begins_anew(6);
	CU_ASSERT(has_it(1) && !has_it(2));
	world_front_connects(store_tree, 6);
	run(100);
	CU_ASSERT(!has_it(1) && has_it(2));
	front_begins_anew(5);
	CU_ASSERT(has_it(2));
	world_front_connects(store_tree, 5);
	run(100);
	CU_ASSERT(has_it(1) && !has_it(2));
	/* rings that broke are none */
	fails(1, EPROTO);
	run(100);
	CU_ASSERT(!has_it(1) && has_it(2));
	end();
}

static void rings_that_can_not_be_hold_no_address(void)
{
	begin(SETTINGS);
	guest(5);
	refuse_type = MSG_VIF_ADD;
	refuse_err = EPROTO;
	guest(6);
	run(100);
	CU_ASSERT(has_it(1) && !has_it(2));
	end();
}

/* Both rings are asked for again, in the order of the bus. */
static void a_new_data_process_gives_the_address_to_the_same_one(void)
{
	begin(SETTINGS);
	rules("action=accept");
	guest(5);
	guest(6);
	run(1500);
	front_begins_anew(5);
	world_front_connects(store_tree, 5);
	run(100);
	CU_ASSERT(has_it(1) && !has_it(2));
	told[0] = '\0';
	restart();
	run(200);
	CU_ASSERT(has_it(1) && !has_it(2));
	CU_ASSERT(!strstr(told, "@2"));
	end();
}

static void of_three_with_addresses_in_common_as_many_as_can_have_theirs(void)
{
	begin(SETTINGS);
	guest(5);
	world_attach(store_tree, 6, 0);
	world_back(store_tree, 6, "ip", "10.137.0.5 10.137.0.7");
	world_attach(store_tree, 7, 0);
	world_back(store_tree, 7, "ip", "10.137.0.7");
	run(100);
	world_front_connects(store_tree, 6);
	run(100);
	CU_ASSERT(!has_it(1) && has_it(2) && !has_it(3));
	world_front_connects(store_tree, 7);
	run(100);
	CU_ASSERT(has_it(1) && !has_it(2) && has_it(3));
	end();
}

static void a_client_of_the_settings_has_its_address_before_any_guest(void)
{
	begin(SETTINGS);
	guest(5);
	CU_ASSERT(has_it(1));
	settings(SETTINGS "[client box]\nport = tap:b\nip = 10.137.0.5\n"
			  "mac = 00:16:3e:00:00:99\nrules = accept\n");
	apply_conf(&apply, &conf);
	run(100);
	CU_ASSERT(apply.slot[1].clash == 2 && !apply.slot[2].clash);
	end();
}

/* ---- ... and its number ---------------------------------------------------*/

static void without_a_number_it_stays_closed(void)
{
	begin("xen = on\nxen.rules = on\nclients = 1\nuplink.port = vif:0\n");
	guest(5);
	world_attach(store_tree, 6, 0);
	world_back(store_tree, 6, "ip", "10.137.0.6");
	told[0] = '\0';
	world_front_connects(store_tree, 6);
	run(100);
	CU_ASSERT(was_told(""));
	CU_ASSERT_EQUAL(world_shows(store_tree, 6), '5');
	end();
}

static void new_settings_leave_it_alone(void)
{
	begin(SETTINGS);
	rules("action=accept");
	guest(5);
	told[0] = '\0';
	settings(SETTINGS "[client box]\nport = tap:b\nip = 10.9.9.9\n"
			  "mac = 00:16:3e:00:00:99\nrules = accept\n");
	apply_conf(&apply, &conf);
	run(50);
	CU_ASSERT(!strstr(told, "@1"));
	CU_ASSERT(!strstr(told, "ring"));
	CU_ASSERT(apply.slot[1].used && apply.slot[1].port_told);
	CU_ASSERT_EQUAL(apply_find(&apply, "box", 3), 2);
	end();
}

/* ---- the log --------------------------------------------------------------*/

static void one_that_flaps_leaves_no_lines_about_others_out(void)
{
	char text[16384];
	int file = memfd_create("log", MFD_CLOEXEC);
	ssize_t n;

	begin(SETTINGS);
	two_guests();
	log_to_fd(file);
	for (int i = 0; i < 1000; i++) {
		vifs_ring_lost(&vifs, 1, -EPROTO);
		vifs_ring_up(&vifs, 1, -EPROTO, NULL);
		vifs_ring_up(&vifs, 1, 0, NULL);
		vifs_ring_down(&vifs, 1);
	}
	n = pread(file, text, sizeof(text) - 1, 0);
	CU_ASSERT(n > 0 && n < 3000);
	vifs_ring_lost(&vifs, 2, -EPROTO);
	vifs_ring_up(&vifs, 2, -EPROTO, NULL);
	vifs_ring_up(&vifs, 2, 0, NULL);
	vifs_ring_down(&vifs, 2);
	n = pread(file, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "vif6.0: its other end broke"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "vif6.0: its rings can't"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "vif6.0: connected"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "vif6.0: disconnected"));
	end();
	close(file);
}

/* ---- a data process that dies ---------------------------------------------*/

static void a_successor_takes_the_rings_up_and_nobody_sees_it(void)
{
	begin(SETTINGS);
	rules("action=accept");
	guest(5);
	run(1500);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	told[0] = '\0';
	restart();
	run(200);
	CU_ASSERT(was_told("uplink- +ring1r +vif5.0@1 rules1.4 "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	end();
}

/* At a start on a busy machine the XenStore may be faster than it. */
static void what_is_there_before_the_first_data_process_waits_for_it(void)
{
	prepare(SETTINGS);
	world_uplink(store_tree, WORLD_NETVM);
	world_netvm_waits(store_tree, WORLD_NETVM);
	guest(5);
	new_data();
	run(1500);
	CU_ASSERT(!!strstr(told, "+front0 "));
	CU_ASSERT(!!strstr(told, "+ring1 "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	CU_ASSERT_EQUAL(world_uplink_shows(store_tree), '4');
	end();
}

static void one_that_dies_before_it_answers_is_succeeded(void)
{
	begin(SETTINGS);
	silent_type = MSG_VIF_ADD;
	guest(5);
	told[0] = '\0';
	restart();
	run(1500);
	CU_ASSERT(was_told("uplink- +ring1r +vif5.0@1 "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	silent_type = MSG_PORT_DEL;
	world_front(store_tree, 5, "state", "5");
	run(50);
	CU_ASSERT(was_told("-ring1 "));
	restart();
	run(100);
	CU_ASSERT(was_told("uplink- +vif5.0@1! "));
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '5');
	end();
}

static void without_a_data_process_rings_are_let_go_at_once(void)
{
	begin(SETTINGS);
	guest(5);
	run(1500);
	close(data);
	data = -1;
	run(50);
	world_front(store_tree, 5, "state", "5");
	run(50);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '5');
	new_data();
	end();
}

/* Data dies so often within a minute; is the client shut out then? */
struct crash {
	uint16_t served, sent;
	int times;
	uint32_t pause_ms;
	bool shut[3]; /* clients 1 and 2 */
};

static const struct crash crashes[] = {
	{ 1, VIEW_NOBODY, 2, 200, { 0, false, false } },
	{ 1, VIEW_NOBODY, 3, 200, { 0, true, false } },
	/* who has sent it, not who was to have it */
	{ 1, 2, 3, 200, { 0, false, true } },
	{ 0, 2, 3, 200, { 0, false, true } },
	{ 2, 2, 3, 200, { 0, false, true } },
	/* the uplink is not shut out, and makes whom it sends to suspect */
	{ 0, VIEW_NOBODY, 4, 200, { 0, false, false } },
	{ 0, 0, 4, 200, { 0, false, false } },
	{ 1, 0, 3, 200, { 0, false, false } },
	{ 1, 0, 4, 200, { 0, true, false } },
	{ 1, VIEW_SEVERAL, 3, 200, { 0, false, false } },
	/* nobody knows them */
	{ 7, VIEW_NOBODY, 4, 200, { 0, false, false } },
	{ VIEW_NOBODY, VIEW_NOBODY, 4, 200, { 0, false, false } },
	{ VIEW_NOBODY, VIEW_SEVERAL, 4, 200, { 0, false, false } },
	{ UINT16_MAX - 2, 8, 4, 200, { 0, false, false } },
	/* far apart */
	{ 1, VIEW_NOBODY, 3, VIF_CALM_MS - 1000, { 0, true, false } },
	{ 1, VIEW_NOBODY, 5, VIF_CALM_MS + 1000, { 0, false, false } },
};

static void whoever_crashed_us_three_times_is_closed(void)
{
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		const struct crash *c = &crashes[i];

		begin(SETTINGS);
		two_guests();
		run(1500);
		for (int k = 0; k < c->times; k++) {
			restart();
			vifs_crashed(&vifs, c->served, c->sent, now);
			run(200);
			now = mono_add_ms(now, c->pause_ms - 200);
		}
		for (uint16_t n = 1; n <= 2; n++) {
			char shows = world_shows(store_tree, (uint16_t)(4 + n));

			CU_ASSERT_EQUAL(apply.slot[n].port_told, !c->shut[n]);
			CU_ASSERT_EQUAL(shows, c->shut[n] ? '5' : '4');
		}
		end();
	}
}

static void zero_shuts_nobody_out(void)
{
	begin(SETTINGS "xen.quarantine = 0\n");
	guest(5);
	run(1500);
	for (int i = 0; i < 5; i++) {
		restart();
		vifs_crashed(&vifs, 1, VIEW_NOBODY, now);
		run(200);
	}
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	end();
}

/* What the data process left in the view is looked at once, when it counts. */
static void who_was_served_is_read_from_the_view(void)
{
	static struct control_xen x;
	struct view view = { .served = 1, .sent = VIEW_NOBODY };

	begin(SETTINGS);
	guest(5);
	x = (struct control_xen){ .crashed = true };
	vifs_init(&x.vifs, &apply, tell_bus, NULL);
	x.vifs.place[1] = vifs.place[1];
	apply.answered = false; /* it may not have moved it there yet */
	control_xen_answered(&x, &apply, &view, now);
	CU_ASSERT_EQUAL(x.vifs.place[1].crashes, 0);
	apply.answered = true;
	control_xen_answered(&x, &apply, &view, now);
	control_xen_answered(&x, &apply, &view, now);
	CU_ASSERT_EQUAL(x.vifs.place[1].crashes, 1);
	x.crashed = true;
	view.sent = 0;
	view.served = 0;
	control_xen_answered(&x, &apply, &view, now);
	CU_ASSERT_EQUAL(x.vifs.place[1].crashes, 1);
	end();
}

/* ---- the uplink -----------------------------------------------------------*/

static void netvm_is_there(void)
{
	world_uplink(store_tree, WORLD_NETVM);
	world_netvm(store_tree, WORLD_NETVM, "ip", "10.137.0.9");
	world_netvm_waits(store_tree, WORLD_NETVM);
	run(200);
}

static void our_frontend_is_the_uplink(void)
{
	char text[PKT_ADDR_TEXT];

	begin(SETTINGS);
	netvm_is_there();
	/* frames may go; whether anybody hears them is not known yet */
	CU_ASSERT(!!strstr(told, "+front0 "));
	CU_ASSERT(!!strstr(told, "uplink+ "));
	CU_ASSERT(!strstr(told, "uplink+*"));
	CU_ASSERT_EQUAL(world_uplink_shows(store_tree), '4');
	told[0] = '\0';
	world_netvm(store_tree, WORLD_NETVM, "state", "4");
	run(100);
	CU_ASSERT(was_told("uplink+* "));
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &last_uplink.addr4),
			       "10.137.0.9");
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &last_uplink.gateway4),
			       "10.137.0.1");
	CU_ASSERT_EQUAL(last_uplink.port, 0);
	/* towards a client ours is the same */
	guest(5);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &last_client.gateway4),
			       "10.137.0.9");
	end();
}

static void an_uplink_that_goes_comes_again_and_keeps_our_address(void)
{
	char text[PKT_ADDR_TEXT];

	begin(SETTINGS);
	netvm_is_there();
	world_netvm(store_tree, WORLD_NETVM, "state", "4");
	guest(5);
	told[0] = '\0';
	world_netvm(store_tree, WORLD_NETVM, "state", "5");
	run(50);
	CU_ASSERT(was_told("-ring0 uplink- "));
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &last_uplink.addr4),
			       "10.137.0.9");
	world_netvm(store_tree, WORLD_NETVM, "state", "6");
	run(300);
	world_netvm(store_tree, WORLD_NETVM, "state", "2");
	run(6000);
	world_netvm(store_tree, WORLD_NETVM, "state", "4");
	run(100);
	CU_ASSERT(!!strstr(told, "+front0 "));
	CU_ASSERT(!!strstr(told, "uplink+* "));
	CU_ASSERT(!strstr(told, "@1"));
	end();
}

static void a_successor_makes_the_uplink_anew(void)
{
	begin(SETTINGS);
	netvm_is_there();
	world_netvm(store_tree, WORLD_NETVM, "state", "4");
	run(100);
	told[0] = '\0';
	restart();
	run(50);
	CU_ASSERT(was_told("uplink- "));
	CU_ASSERT_EQUAL(world_uplink_shows(store_tree), '5');
	world_netvm(store_tree, WORLD_NETVM, "state", "5");
	run(100);
	world_netvm(store_tree, WORLD_NETVM, "state", "6");
	run(300);
	world_netvm(store_tree, WORLD_NETVM, "state", "2");
	run(6000);
	CU_ASSERT(!!strstr(told, "+front0 "));
	CU_ASSERT_EQUAL(world_uplink_shows(store_tree), '4');
	end();
}

static void a_client_can_be_the_uplink(void)
{
	char text[PKT_ADDR_TEXT];

	begin("xen = on\nxen.rules = on\nxen.netvm = 5\nclients = 9\n"
	      "uplink.ip = 10.137.0.9\n");
	guest(5);
	run(100);
	CU_ASSERT(!!strstr(told, "+ring0 "));
	CU_ASSERT(!!strstr(told, "uplink+* "));
	CU_ASSERT(!strstr(told, "vif5"));
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &last_uplink.gateway4),
			       "10.137.0.5");
	CU_ASSERT_EQUAL(last_uplink.gateway_mac.b[5], 5);
	told[0] = '\0';
	mock_rm(store_tree, "/local/domain/2/backend/vif/5/0");
	run(100);
	CU_ASSERT(was_told("-ring0 uplink- "));
	end();
}

#define NETVM(by)                                                     \
	"xen = on\nxen.rules = on\nclients = 9\nxen.netvm = " by "\n" \
	"uplink.ip = 10.137.0.9\n"

static void limits_of_a_client_that_is_the_uplink_are_told(void)
{
	begin(NETVM("5"));
	guest(5);
	run(1000);
	told[0] = '\0';
	world_back(store_tree, 5, "rate", "100000,50000");
	run(100);
	CU_ASSERT(was_told("limits0=100000,50000,1500 "));
	end();
}

static void a_second_vif_of_the_netvm_waits(void)
{
	begin(NETVM("5"));
	guest(5);
	run(1500);
	CU_ASSERT(last_uplink.up);
	told[0] = '\0';
	world_attach(store_tree, 5, 1);
	run(100);
	for (size_t i = 0; i < 3; i++) {
		static const char *const keys[][2] = {
			{ "tx-ring-ref", "800" },
			{ "rx-ring-ref", "801" },
			{ "event-channel", "12" },
		};
		char path[64];

		snprintf(path, sizeof(path), "/local/domain/5/device/vif/1/%s",
			 keys[i][0]);
		mock_set(store_tree, path, keys[i][1]);
	}
	mock_set(store_tree, "/local/domain/5/device/vif/1/request-rx-copy",
		 "1");
	mock_set(store_tree, "/local/domain/5/device/vif/1/state", "4");
	run(1500);
	CU_ASSERT(was_told(""));
	CU_ASSERT(last_uplink.up);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	CU_ASSERT_EQUAL(*mock_get(store_tree,
				  "/local/domain/2/backend/vif/5/1/state"),
			'5');
	/* the first one goes on as ever, and may go and come */
	front_begins_anew(5);
	world_front_connects(store_tree, 5);
	run(1500);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	CU_ASSERT(last_uplink.up);
	/* it goes: the second one is the uplink when it comes again */
	mock_rm(store_tree, "/local/domain/2/backend/vif/5/0");
	run(100);
	CU_ASSERT(!last_uplink.up);
	mock_set(store_tree, "/local/domain/5/device/vif/1/state", "6");
	run(100);
	mock_set(store_tree, "/local/domain/5/device/vif/1/state", "1");
	run(100);
	mock_set(store_tree, "/local/domain/5/device/vif/1/state", "4");
	run(1500);
	CU_ASSERT(last_uplink.up);
	CU_ASSERT_EQUAL(last_vif.tx_ref, 800);
	end();
}

static void one_that_is_not_connected_gives_way_to_another(void)
{
	begin(NETVM("5"));
	world_attach(store_tree, 5, 1);
	run(100);
	guest(5);
	CU_ASSERT(last_uplink.up);
	CU_ASSERT_EQUAL(vifs_find(&vifs, (struct bus_id){ 5, 0 }), 0);
	mock_rm(store_tree, "/local/domain/2/backend/vif/5/1");
	run(1500);
	CU_ASSERT(last_uplink.up);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	end();
}

/* Each start of a domain gives it another number. */
static void a_netvm_that_comes_back_has_another_number(void)
{
	static const char *const known_by[] = {
		NETVM("10.137.0.5"),
		NETVM("fd09:24ef:4179::a89:5"),
		NETVM("00:16:3e:5e:6c:05"),
		NETVM("gateway") "uplink.gateway = 10.137.0.5\n",
	};

	for (size_t i = 0; i < sizeof(known_by) / sizeof(known_by[0]); i++) {
		begin(known_by[i]);
		other_guest(6);
		guest(5);
		CU_ASSERT(last_uplink.up && last_vif.dom == 5);
		mock_rm(store_tree, "/local/domain/2/backend/vif/5/0");
		run(100);
		CU_ASSERT(!last_uplink.up);
		world_attach(store_tree, 9, 0);
		world_back(store_tree, 9, "mac", "00:16:3e:5e:6c:05");
		run(100);
		world_front_connects(store_tree, 9);
		run(1500);
		CU_ASSERT(last_uplink.up && last_vif.dom == 9);
		CU_ASSERT_EQUAL(vifs_find(&vifs, (struct bus_id){ 9, 0 }), 0);
		CU_ASSERT_EQUAL(world_shows(store_tree, 9), '4');
		CU_ASSERT(apply.slot[1].used && !apply.slot[2].used);
		end();
	}
}

/* dom0 gives a client's vif the address of the network domain, and back. */
static void a_vif_that_changes_its_role_is_another_one(void)
{
	begin(NETVM("10.137.0.1"));
	guest(5);
	run(1500);
	told[0] = '\0';
	world_back(store_tree, 5, "ip", "10.137.0.1");
	run(1500);
	CU_ASSERT(!!strstr(told, "-ring1 "));
	CU_ASSERT(!!strstr(told, "-@1 "));
	CU_ASSERT(!!strstr(told, "+ring0r "));
	CU_ASSERT(last_uplink.up);
	CU_ASSERT(!apply.slot[1].used);
	world_back(store_tree, 5, "ip", "10.137.0.5");
	run(1500);
	CU_ASSERT(!last_uplink.up);
	CU_ASSERT(apply.slot[1].used && apply.slot[1].port_told);
	CU_ASSERT_EQUAL(world_shows(store_tree, 5), '4');
	end();
}

UNIT_SUITE(vif,
	   UNIT(a_vif_is_a_client_with_the_rules_that_were_there_before_it),
	   UNIT(rules_that_come_later_bind_then),
	   UNIT(rules_from_the_xenstore_bind),
	   UNIT(a_key_that_is_not_taken_spoils_its_set),
	   UNIT(a_client_that_goes_is_forgotten),
	   UNIT(one_that_begins_anew_keeps_its_number_and_rules),
	   UNIT(one_that_goes_while_its_rings_are_being_made_leaves_nothing),
	   UNIT(rings_that_can_not_be_close_it),
	   UNIT(rings_that_break_close_it),
	   UNIT(rings_that_break_while_they_are_let_go_are_gone_once),
	   UNIT(what_dom0_says_of_a_link_is_told_with_its_rings),
	   UNIT(limits_that_change_are_told),
	   UNIT(XSA_322_one_made_anew_has_nothing_of_before),
	   UNIT(one_that_is_idle_holds_no_address),
	   UNIT(one_that_is_idle_takes_none_away),
	   UNIT(who_connected_last_has_the_address_until_it_goes),
	   UNIT(who_lets_go_of_its_rings_gives_the_address_back),
	   UNIT(rings_that_can_not_be_hold_no_address),
	   UNIT(a_new_data_process_gives_the_address_to_the_same_one),
	   UNIT(of_three_with_addresses_in_common_as_many_as_can_have_theirs),
	   UNIT(a_client_of_the_settings_has_its_address_before_any_guest),
	   UNIT(without_a_number_it_stays_closed),
	   UNIT(new_settings_leave_it_alone),
	   UNIT(one_that_flaps_leaves_no_lines_about_others_out),
	   UNIT(a_successor_takes_the_rings_up_and_nobody_sees_it),
	   UNIT(what_is_there_before_the_first_data_process_waits_for_it),
	   UNIT(one_that_dies_before_it_answers_is_succeeded),
	   UNIT(without_a_data_process_rings_are_let_go_at_once),
	   UNIT(whoever_crashed_us_three_times_is_closed),
	   UNIT(zero_shuts_nobody_out),
	   UNIT(who_was_served_is_read_from_the_view),
	   UNIT(our_frontend_is_the_uplink),
	   UNIT(an_uplink_that_goes_comes_again_and_keeps_our_address),
	   UNIT(a_successor_makes_the_uplink_anew),
	   UNIT(a_client_can_be_the_uplink),
	   UNIT(limits_of_a_client_that_is_the_uplink_are_told),
	   UNIT(a_second_vif_of_the_netvm_waits),
	   UNIT(one_that_is_not_connected_gives_way_to_another),
	   UNIT(a_netvm_that_comes_back_has_another_number),
	   UNIT(a_vif_that_changes_its_role_is_another_one))
