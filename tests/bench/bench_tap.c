/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What forwarding costs between two TAP devices, beside the least that it can
 * cost there: one read and one write for each frame (floor_tap).
 *
 *	bench_tap [ROUNDS [REPS]]		(root)
 *
 * The whole data process but its isolation, with one client, masquerading, and
 * one flow; both ways of moving frames take turns on the same frames, so that a
 * busy machine is unfair to neither.  Processor time of this thread; the least
 * of REPS repetitions.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firewall/data/data.h"
#include "firewall/linux/link.h"
#include "firewall/linux/link_ring.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/vnet.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"

#define BATCH PKT_BATCH
#define FRAME_MAX (66u * 1024u)
#define MSS 1448u
#define IP_LEN 20u
#define SYN 0x02u
#define ACK 0x10u

static const struct pkt_mac client_mac = { { 2, 0, 0, 0, 0, 0x66 } };
static const struct pkt_mac our_mac = { { 2, 0, 0, 0, 0, 0x55 } };
static const struct pkt_mac gateway_mac = { { 2, 0, 0, 0, 0, 0x77 } };
static const uint8_t client_ip[4] = { 10, 137, 0, 11 };
static const uint8_t our_ip[4] = { 198, 51, 100, 1 };
static const uint8_t server_ip[4] = { 192, 0, 2, 7 };

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_tap: %s: errno %d\n", what, errno);
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- frames ----------------------------------------------------------------
 */

static uint8_t frame[BATCH][VNET_LEN + FRAME_MAX];
static size_t frame_len[BATCH];

/* Everything before the transport header, which is @l4_len long. */
static uint8_t *put_ip(uint8_t *eth, const uint8_t *src, const uint8_t *dst,
		       uint8_t proto, uint32_t ip_len)
{
	uint8_t *ip = eth + PKT_ETH_LEN;

	memset(eth, 0, PKT_ETH_LEN + 60);
	memcpy(eth, our_mac.b, 6);
	memcpy(eth + 6, src == client_ip ? client_mac.b : gateway_mac.b, 6);
	be16_set(eth + 12, 0x0800);
	ip[0] = 0x45;
	be16_set(ip + 2, (uint16_t)ip_len);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, src, 4);
	memcpy(ip + 16, dst, 4);
	pkt_csum_ip_set(ip, IP_LEN);
	return ip + IP_LEN;
}

static size_t put_udp(uint8_t *b, uint32_t ip_len)
{
	uint8_t *udp = put_ip(b + VNET_LEN, client_ip, server_ip, 17, ip_len);

	memset(b, 0, VNET_LEN);
	be16_set(udp, 4000);
	be16_set(udp + 2, 9);
	be16_set(udp + 4, (uint16_t)(ip_len - IP_LEN));
	return VNET_LEN + PKT_ETH_LEN + ip_len;
}

/* Without its checksum, which the device would make. */
static size_t put_tcp(uint8_t *b, bool out, uint16_t port, uint8_t flags,
		      uint32_t seq, uint32_t ack, uint32_t data)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = PKT_ETH_LEN + IP_LEN,
				    .csum_offset = 16 };
	uint8_t *tcp = put_ip(b + VNET_LEN, out ? client_ip : server_ip,
			      out ? server_ip : our_ip, 6, IP_LEN + 20 + data);

	if (data > MSS) {
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		h.gso_size = MSS;
		h.hdr_len = PKT_ETH_LEN + IP_LEN + 20;
	}
	memcpy(b, &h, VNET_LEN);
	be16_set(tcp, out ? port : 80);
	be16_set(tcp + 2, out ? 80 : port);
	be32_set(tcp + 4, seq);
	be32_set(tcp + 8, ack);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	be16_set(tcp + 14, 65535);
	return VNET_LEN + PKT_ETH_LEN + IP_LEN + 20 + data;
}

/* ---- devices ---------------------------------------------------------------
 */

/* Two devices, and a way to put frames into the first. */
struct bench_pair {
	struct link from, to;
	int inject, inject_back;
};

static int open_injector(const char *name)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(name) };
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int on = 1, room = 64 << 20;

	if (s < 0 ||
	    setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    bind(s, (const struct sockaddr *)&a, sizeof(a)))
		die("packet socket");
	return s;
}

static void open_device(struct link *l, const char *name)
{
	struct ifreq r = { .ifr_qlen = 4096 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (link_open_tap(l, name, true))
		die("TAP device");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (s < 0 || ioctl(s, SIOCSIFTXQLEN, &r))
		die("SIOCSIFTXQLEN");
	r.ifr_flags = IFF_UP | IFF_NOARP;
	if (ioctl(s, SIOCSIFFLAGS, &r))
		die("SIOCSIFFLAGS");
	close(s);
}

static void open_pair(struct bench_pair *p, const char *from, const char *to)
{
	open_device(&p->from, from);
	open_device(&p->to, to);
	p->inject = open_injector(from);
	p->inject_back = open_injector(to);
}

static uint32_t inject(int s, uint32_t n)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	int sent;

	for (uint32_t i = 0; i < n; i++) {
		iov[i].iov_base = frame[i];
		iov[i].iov_len = frame_len[i];
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(s, m, n, 0);
	if (sent < 0)
		die("sendmmsg");
	return (uint32_t)sent;
}

/* ---- the data process ------------------------------------------------------
 */

static struct data d;
static int control;

static void ask(enum msg_type type, const void *body, int fd)
{
	static struct msg got;

	if (msg_send(control, type, 1, body, fd))
		die("msg_send");
	d.busy = true;
	data_turn(&d);
	if (msg_recv(control, MSG_TO_CONTROL, &got) || got.body.done.err)
		die("request");
}

static void add_port(uint16_t id, const struct link *l)
{
	struct msg_port m = { .id = id,
			      .mtu = l->mtu,
			      .kind = MSG_PORT_TAP,
			      .caps = l->caps,
			      .mac = our_mac };

	ask(MSG_PORT_ADD, &m, l->fd);
}

static void accept_all(void)
{
	static uint8_t mem[8192], scratch[8192];
	struct msg_rules m = { .n = 1, .family = RULE_IP4 };
	size_t used;

	if (ruleset_build(mem, sizeof(mem), &used, RULE_IP4, RULE_ACCEPT, NULL,
			  0, NULL, scratch, sizeof(scratch)))
		die("ruleset_build");
	m.len = (uint32_t)used;
	ask(MSG_RULES, &m, mem_sealed("rules", mem, used));
}

static void start_data(const struct bench_pair *p)
{
	struct msg_uplink u = { .uplink = {
					.addr4 = pkt_addr_v4(our_ip),
					.net4 = { pkt_addr_v4(our_ip), 128 },
					.gateway4 = pkt_addr_v4(server_ip),
					.gateway_mac = gateway_mac,
					.up = true } };
	struct msg_client c = { .n = 1,
				.client = { .name = "bench",
					    .port = 1,
					    .mac = client_mac,
					    .addr = { pkt_addr_v4(client_ip) },
					    .addr_n = 1 } };
	struct fw_conf conf;
	struct view *view;
	int sock[2];

	fw_conf_default(&conf);
	view = calloc(1, view_size(conf.clients));
	if (!view || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock))
		die("memory");
	control = sock[0];
	if (data_init(&d, mem_block(data_size(&conf), nat_size(&conf.nat)),
		      data_size(&conf), &conf, view, sock[1]))
		die("data_init");
	add_port(0, &p->to);
	add_port(1, &p->from);
	ask(MSG_UPLINK, &u, -1);
	ask(MSG_CLIENT, &c, -1);
	accept_all();
}

/* Frames that left by the uplink since it was asked last. */
static uint64_t sent_n(void)
{
	static uint64_t before;
	uint64_t now = d.port[0].u.port.stats.send_packets, n = now - before;

	before = now;
	return n;
}

static void wake(void)
{
	d.busy = false;
	data_turn(&d);
}

/* The outside port that the client's flow got: in the frame that left. */
static uint16_t outside_port(void)
{
	struct nat_info f;
	uint32_t cursor = 0;

	while (nat_each(fw_nat(d.fw), &cursor, &f, 1, d.loop.now))
		if (f.proto == 6)
			return f.stand_port[1];
	die("no flow");
}

static void handshake(const struct bench_pair *p)
{
	frame_len[0] = put_tcp(frame[0], true, 4000, SYN, 1000, 0, 0);
	inject(p->inject, 1);
	wake();
	frame_len[0] = put_tcp(frame[0], false, outside_port(), SYN | ACK, 2000,
			       1001, 0);
	inject(p->inject_back, 1);
	wake();
	frame_len[0] = put_tcp(frame[0], true, 4000, ACK, 1001, 2001, 0);
	inject(p->inject, 1);
	wake();
	(void)sent_n();
}

/* ---- the measurement --------------------------------------------------------
 */

struct variant {
	const char *name;
	uint32_t ip_len, n;
	bool tcp;
};

static const struct variant variants[] = {
	{ "udp", 64, BATCH, false },
	{ "udp", 1500, BATCH, false },
	{ "tso", 65000, BATCH / 4, true },
};

/* The window stays where it is: every segment is sent again. */
static void make_frames(const struct variant *v)
{
	for (uint32_t i = 0; i < v->n; i++)
		frame_len[i] = v->tcp ? put_tcp(frame[i], true, 4000, ACK, 1001,
						2001, v->ip_len - IP_LEN - 20)
				      : put_udp(frame[i], v->ip_len);
}

struct cost {
	double ns;
	uint64_t frames;
};

static void floor_round(const struct bench_pair *p, uint32_t n, struct cost *c)
{
	uint32_t got = 0, sent = inject(p->inject, n);
	double t = cpu_ns();

	while (got < sent) {
		ssize_t len = read(p->from.fd, frame[got], sizeof(frame[got]));

		if (len < 0)
			break;
		frame_len[got++] = (size_t)len;
	}
	for (uint32_t i = 0; i < got; i++)
		if (write(p->to.fd, frame[i], frame_len[i]) < 0)
			die("write");
	c->ns += cpu_ns() - t;
	c->frames += got;
}

static void our_round(const struct bench_pair *p, uint32_t n, struct cost *c)
{
	double t;

	inject(p->inject, n);
	t = cpu_ns();
	wake();
	c->ns += cpu_ns() - t;
	c->frames += sent_n();
}

static double least(double best, const struct cost *c)
{
	double each;

	if (!c->frames)
		die("nothing came through");
	each = c->ns / (double)c->frames;
	return best <= 0 || each < best ? each : best;
}

static void run(const struct bench_pair *bare, const struct bench_pair *ours,
		const struct variant *v, unsigned long rounds,
		unsigned long reps)
{
	double floor_ns = 0, our_ns = 0;

	for (unsigned long r = 0; r < reps; r++) {
		struct cost f = { 0 }, o = { 0 };

		for (unsigned long i = 0; i < rounds; i++) {
			make_frames(v);
			floor_round(bare, v->n, &f);
			make_frames(v);
			our_round(ours, v->n, &o);
		}
		floor_ns = least(floor_ns, &f);
		our_ns = least(our_ns, &o);
		if (o.frames != f.frames)
			fprintf(stderr, "bench_tap: %llu frames of %llu\n",
				(unsigned long long)o.frames,
				(unsigned long long)f.frames);
	}
	printf("bench_tap mode=%s size=%u floor_ns=%.0f ns=%.0f ratio=%.2f "
	       "mpps=%.2f gbit_s=%.1f\n",
	       v->name, v->ip_len, floor_ns, our_ns, our_ns / floor_ns,
	       1e3 / our_ns, (double)v->ip_len * 8 / our_ns);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000;
	unsigned long reps = argc > 2 ? strtoul(argv[2], NULL, 0) : 5;
	struct bench_pair bare, ours;

	if (!rounds || !reps || argc > 3) {
		fputs("usage: bench_tap [ROUNDS [REPS]]\n", stderr);
		return 2;
	}
	if (unshare(CLONE_NEWNET))
		die("unshare (are you root?)");
	open_pair(&bare, "bare0", "bare1");
	open_pair(&ours, "ours0", "ours1");
	start_data(&ours);
	handshake(&ours);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		run(&bare, &ours, &variants[i], rounds, reps);
	return 0;
}
