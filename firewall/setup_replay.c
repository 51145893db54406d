/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/control/apply/apply.h"
#include "firewall/control/source/guard.h"
#include "firewall/control/source/set.h"
#include "firewall/control/source/source_read.h"
#include "firewall/linux/pcap.h"
#include "firewall/replay.h"
#include "firewall/setup.h"
#include "packet/pkt_cursor.h"

#define TREE_BYTES (64u << 20)
#define MTU 1500u

/* ---- settings that were not given -----------------------------------------*/

static void addr_of(struct pkt_addr *out, const char *text)
{
	int err = pkt_addr_parse(out, text, strlen(text));

	vw_assert(!err);
}

static void default_uplink(struct conf *c)
{
	static const struct pkt_mac ours = { { 2, 'v', 'i', 'f', 'w', 0 } };
	static const struct pkt_mac next = { { 2, 'v', 'i', 'f', 'w', 1 } };
	static const struct pkt_mac none;
	struct fw_uplink *u = &c->uplink.fw;

	if (!memcmp(&c->uplink.mac, &none, sizeof(none)))
		c->uplink.mac = ours;
	/* nobody there to ask */
	if (!memcmp(&u->gateway_mac, &none, sizeof(none)))
		u->gateway_mac = next;
	if (!pkt_addr_is_zero(&u->addr4) || !pkt_addr_is_zero(&u->addr6))
		return;
	addr_of(&u->addr4, "192.0.2.2");
	addr_of(&u->gateway4, "192.0.2.1");
	addr_of(&u->addr6, "2001:db8::2");
	addr_of(&u->gateway6, "2001:db8::1");
	u->net4 = (struct pkt_prefix){ u->addr4, 96 + 24 };
	u->net6 = (struct pkt_prefix){ u->addr6, 64 };
}

/* One client for the set below @key; its name is the address without dots. */
static void default_client(struct conf *c, const char *key)
{
	struct conf_client *cl;

	if (c->client_n == CONF_CLIENTS)
		return;
	cl = &c->client[c->client_n++];
	memset(cl, 0, sizeof(*cl));
	cl->fw.port = UINT16_MAX;
	addr_of(&cl->fw.addr[0], key);
	cl->fw.addr_n = 1;
	memset(&cl->our_mac, 0xff, sizeof(cl->our_mac));
	cl->our_mac.b[0] = 0xfe;
	/* until a frame says better: nobody's */
	cl->fw.mac =
		(struct pkt_mac){ { 2, 0, 0, 0, (uint8_t)(c->client_n >> 8),
				    (uint8_t)c->client_n } };
	snprintf(cl->fw.name, sizeof(cl->fw.name), "%.31s", key);
	for (char *p = cl->fw.name; *p; p++)
		if (*p == '.' || *p == ':')
			*p = '-';
}

static void default_clients(struct conf *c, const struct tree *t)
{
	struct tree_key k = { .path = NULL };

	while (tree_next(t, TREE_RULES, k.path, &k))
		if (!strchr(k.path + strlen(TREE_RULES), '/'))
			default_client(c, k.path + strlen(TREE_RULES));
	if (c->clients < c->client_n)
		c->clients = c->client_n;
}

/* The sender that a frame names: who it says it is, and its MAC. */
static bool sender(const struct pcap_rec *rec, struct pkt_mac *mac,
		   struct pkt_addr *addr)
{
	struct cur c = cur_of(rec->bytes, rec->len);
	uint8_t b[16];

	cur_skip(&c, 6);
	cur_copy(&c, mac->b, 6);
	switch (cur_be16(&c)) {
	case 0x0800:
		cur_skip(&c, 12);
		cur_copy(&c, b, 4);
		*addr = pkt_addr_v4(b);
		break;
	case 0x0806:
		cur_skip(&c, 14);
		cur_copy(&c, b, 4);
		*addr = pkt_addr_v4(b);
		break;
	case 0x86dd:
		cur_skip(&c, 8);
		cur_copy(&c, b, 16);
		*addr = pkt_addr_v6(b);
		break;
	default:
		return false;
	}
	return cur_ok(&c);
}

static void learn(struct conf *c, const struct pcap_rec *rec,
		  bool known[CONF_CLIENTS])
{
	struct pkt_addr addr;
	struct pkt_mac mac;

	if (!sender(rec, &mac, &addr))
		return;
	for (uint16_t i = 0; i < c->client_n; i++)
		if (!known[i] && pkt_addr_eq(&c->client[i].fw.addr[0], &addr)) {
			known[i] = true;
			c->client[i].fw.mac = mac;
		}
}

/* An IPv4 and an IPv6 address behind one MAC are one client's. */
static void join_families(struct conf *c)
{
	for (uint16_t i = 0; i < c->client_n; i++)
		for (uint16_t j = (uint16_t)(i + 1); j < c->client_n; j++) {
			struct fw_client *a = &c->client[i].fw;
			const struct fw_client *b = &c->client[j].fw;

			if (memcmp(&a->mac, &b->mac, sizeof(a->mac)) ||
			    a->addr_n > 1 ||
			    pkt_addr_is_v4(&a->addr[0]) ==
				    pkt_addr_is_v4(&b->addr[0]))
				continue;
			a->addr[a->addr_n++] = b->addr[0];
			memmove(&c->client[j], &c->client[j + 1],
				(size_t)(c->client_n - j - 1) *
					sizeof(c->client[0]));
			c->client_n--;
			break;
		}
}

/* What is wrong with the file will be said when it is played. */
static void learn_macs(struct conf *c, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool known[CONF_CLIENTS] = { false };
	struct pcap_in in;
	struct pcap_rec rec;
	struct stat st;
	void *file;

	if (fd < 0 || fstat(fd, &st) || st.st_size <= 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		return;
	if (!pcap_begin(&in, file, (size_t)st.st_size))
		while (pcap_next(&in, &rec) > 0)
			learn(c, &rec, known);
	munmap(file, (size_t)st.st_size);
	join_families(c);
}

/* ---- the run itself; rules
 * ----------------------------------------------------------------*/

static const struct pkt_addr *first_of(const struct fw_client *fw, int family)
{
	for (uint8_t i = 0; i < fw->addr_n; i++)
		if (pkt_addr_is_v4(&fw->addr[i]) == (family == RULE_IP4))
			return &fw->addr[i];
	for (uint8_t i = 0; i < fw->net_n; i++)
		if (pkt_addr_is_v4(&fw->net[i].addr) == (family == RULE_IP4))
			return &fw->net[i].addr;
	return NULL;
}

static void complain(void *ctx, const struct set_error *e, const char *text,
		     size_t len)
{
	(void)text;
	(void)len;
	fprintf(stderr, "vifwalld: client %s: rule %s: column %u: %s\n",
		(const char *)ctx, e->key, e->column, e->why);
}

static int load(struct set *out, struct conf *c, uint16_t i, int family,
		const struct tree *t)
{
	struct rule_env env = { .dns = c->dns, .dns_n = c->dns_n };
	struct conf_client *cl = &c->client[i];
	const struct pkt_addr *a = first_of(&cl->fw, family);
	char base[TREE_PATH_MAX + 2], text[PKT_ADDR_TEXT];
	struct tree_key k;

	set_none(out, (enum rule_family)family);
	if (!a)
		return 0;
	if (cl->rules == CONF_RULES_ACCEPT)
		return set_accept(out, (enum rule_family)family);
	pkt_addr_print(text, a);
	snprintf(base, sizeof(base), "%s%s", TREE_RULES, text);
	if (!tree_read(t, base, &k))
		return 0;
	snprintf(base, sizeof(base), "%s%s/", TREE_RULES, text);
	return set_load(out, t, base, (enum rule_family)family, &env, complain,
			cl->fw.name);
}

/* What replay_run() points to. */
struct stage {
	struct replay r;
	struct fw_client client[CONF_CLIENTS];
	struct set set[2 * CONF_CLIENTS];
	const struct ruleset *rules[2 * CONF_CLIENTS];
	struct pkt_addr guard[APPLY_GUARD_MAX];
	struct fw_pair pair[CONF_ALLOWS];
	struct fw_forward forward[CONF_FORWARDS];
	struct profiles_made profiles;
};

static int fill(struct stage *s, struct conf *c, const struct tree *t)
{
	struct profiles_fault fault;
	struct role_conf rc;
	uint32_t wrong;

	setup_role(&rc, c);
	s->r.fw = rc.fw;
	s->r.uplink = c->uplink.fw;
	s->r.uplink_mac = c->uplink.mac;
	s->r.client_mac = c->client[0].our_mac;
	s->r.mtu = c->uplink.mtu ? c->uplink.mtu : MTU;
	s->r.client_n = c->client_n;
	s->r.client = s->client;
	s->r.rules = s->rules;
	s->r.guard = s->guard;
	s->r.guard_n = guard_read(t, s->guard, APPLY_GUARD_MAX, &wrong);
	s->r.pair = s->pair;
	s->r.pair_n = c->allow_n;
	for (uint16_t i = 0; i < c->allow_n; i++) {
		const struct conf_allow *a = &c->allow[i];

		s->pair[i].from = conf_client_find(c, a->from, strlen(a->from));
		s->pair[i].to = conf_client_find(c, a->to, strlen(a->to));
	}
	s->r.forward = s->forward;
	s->r.forward_n = c->forward_n;
	for (uint16_t i = 0; i < c->forward_n; i++)
		s->forward[i] = c->forward[i].fw;
	if (profiles_wanted(c) && profiles_make(&s->profiles, c, &fault)) {
		fprintf(stderr, "vifwalld: %s\n", fault.text);
		return -EINVAL;
	}
	s->r.profiles = s->profiles.built;
	for (uint16_t i = 0; i < c->client_n; i++) {
		s->client[i] = c->client[i].fw;
		profiles_choose(c, &s->client[i]);
		for (int f = 0; f < 2; f++) {
			int err = load(&s->set[2 * i + f], c, i, f, t);

			if (err)
				return err;
			s->rules[2 * i + f] = s->set[2 * i + f].built;
		}
	}
	return 0;
}

static int run(struct conf *c, const struct tree *t, const char *in,
	       const char *out)
{
	static struct stage s;
	int err;

	memset(&s, 0, sizeof(s));
	s.profiles.fd = -1;
	s.r.in = in;
	s.r.out = out;
	err = fill(&s, c, t);
	if (err) {
		fprintf(stderr, "vifwalld: rules: %s\n", strerror(-err));
		return ROLE_OS;
	}
	err = replay_run(&s.r);
	for (uint32_t i = 0; i < 2u * c->client_n; i++)
		set_clear(&s.set[i]);
	profiles_clear(&s.profiles);
	return err;
}

int setup_replay(struct conf *c, const char *in, const char *out)
{
	static struct conf_errors errors;
	struct tree *t = tree_new(TREE_BYTES, NULL, NULL);
	int err = t ? 0 : -ENOMEM, code;

	if (!err && c->rules[0])
		err = source_read_all(t, c->rules);
	if (err) {
		fprintf(stderr, "vifwalld: %s: %s\n", c->rules, strerror(-err));
		tree_free(t);
		return ROLE_USAGE;
	}
	default_uplink(c);
	if (!c->client_n) {
		default_clients(c, t);
		learn_macs(c, in);
	}
	conf_check(c, CONF_REPLAY, &errors);
	if (errors.n)
		fputs(errors.text, stderr);
	code = errors.n ? ROLE_USAGE : run(c, t, in, out);
	tree_free(t);
	return code;
}
