/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/port_pcap.h"
#include "firewall/replay.h"
#include "firewall/role/roles.h"

/* More than one batch can't come of one frame, but what it set free may. */
#define ROUND_BUDGET 256u

struct run {
	const struct replay *r;
	struct fw *fw;
	struct view *view;
	struct port_pcap *port; /* [client_n + 1], 0 the uplink */
	struct pcap_in in;
	struct pcap_out out;
	const void *file;
	size_t file_len;
	int out_fd;
	struct mono now, tick;
	uint64_t frames, own, cut_off;
};

static int map_file(struct run *run)
{
	int fd = open(run->r->in, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || !st.st_size)
		err = -EBADMSG;
	if (!err) {
		run->file_len = (size_t)st.st_size;
		run->file = mmap(NULL, run->file_len, PROT_READ, MAP_PRIVATE,
				 fd, 0);
		err = run->file == MAP_FAILED ? -errno : 0;
	}
	close(fd);
	return err;
}

static const char *why(int err)
{
	switch (err) {
	case -EBADMSG:
		return "no capture file";
	case -EPROTONOSUPPORT:
		return "pcapng; convert it (editcap -F pcap IN OUT)";
	case -EPROTOTYPE:
		return "its frames are not Ethernet";
	default:
		return strerror(-err);
	}
}

static int open_files(struct run *run)
{
	int err = map_file(run);

	if (!err)
		err = pcap_begin(&run->in, run->file, run->file_len);
	if (err) {
		fprintf(stderr, "vifwalld: %s: %s\n", run->r->in, why(err));
		return ROLE_USAGE;
	}
	run->out_fd = open(run->r->out,
			   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (run->out_fd < 0) {
		fprintf(stderr, "vifwalld: %s: %s\n", run->r->out,
			strerror(errno));
		return ROLE_USAGE;
	}
	pcap_out_begin(&run->out, run->out_fd);
	return ROLE_OK;
}

/* Memory for the path and its ports, as a data process would have it. */
static int make_path(struct run *run)
{
	struct fw_conf c = run->r->fw;
	uint16_t n = run->r->client_n;
	size_t len;
	void *mem;

	if (c.clients < n)
		c.clients = n;
	if (c.ports <= n)
		c.ports = (uint16_t)(n + 1);
	len = fw_size(&c);
	mem = mem_block(len, 0);
	run->view = calloc(1, view_size(c.clients));
	run->port = calloc((size_t)n + 1, sizeof(*run->port));
	if (!mem || !run->view || !run->port)
		return -ENOMEM;
	return fw_init(&run->fw, mem, len, &c, run->view, run->now);
}

static int add_port(struct run *run, uint16_t n, const struct pkt_mac *mac)
{
	struct port_pcap *f = &run->port[n];

	port_pcap_init(f, &run->out);
	f->port.mac = *mac;
	f->port.mtu = run->r->mtu;
	return fw_port_add(run->fw, &f->port);
}

static int add_uplink(struct run *run)
{
	struct fw_uplink u = run->r->uplink;
	int err = add_port(run, 0, &run->r->uplink_mac);

	u.port = run->port[0].port.id;
	u.up = true;
	return err ? err : fw_uplink_set(run->fw, &u, run->now);
}

static int add_client(struct run *run, uint16_t n)
{
	struct fw_client c = run->r->client[n - 1];
	int err = add_port(run, n, &run->r->client_mac);

	c.port = run->port[n].port.id;
	if (!err)
		err = fw_client_set(run->fw, n, &c, run->now);
	for (int family = RULE_IP4; !err && family <= RULE_IP6; family++) {
		const struct ruleset *old;

		err = fw_client_rules(run->fw, n, (enum rule_family)family,
				      run->r->rules[2 * (n - 1) + family], &old,
				      run->now);
	}
	return err;
}

static int add_parties(struct run *run)
{
	const struct replay *r = run->r;
	int err = add_uplink(run);

	(void)fw_profiles_set(run->fw, r->profiles, NULL, 0);
	for (uint16_t n = 1; !err && n <= r->client_n; n++) {
		err = add_client(run, n);
		if (err)
			fprintf(stderr, "vifwalld: client %s: %s\n",
				r->client[n - 1].name, strerror(-err));
	}
	if (!err)
		err = fw_guard_set(run->fw, r->guard, r->guard_n);
	if (!err)
		err = fw_pairs_set(run->fw, r->pair, r->pair_n);
	return err ? err : fw_forwards_set(run->fw, r->forward, r->forward_n);
}

static bool same_mac(const struct pcap_rec *rec, const struct pkt_mac *m)
{
	return rec->len >= PKT_ETH_LEN && !memcmp(rec->bytes + 6, m->b, 6);
}

/* The port that a frame came in by; NULL for what we sent ourselves. */
static struct port_pcap *port_of(struct run *run, const struct pcap_rec *rec)
{
	const struct replay *r = run->r;

	if (same_mac(rec, &r->uplink_mac) || same_mac(rec, &r->client_mac))
		return NULL;
	for (uint16_t i = 0; i < r->client_n; i++)
		if (same_mac(rec, &r->client[i].mac))
			return &run->port[i + 1];
	return &run->port[0];
}

/* The file's time, which does not run backwards here. */
static void set_clock(struct run *run, struct mono at)
{
	if (at.ns > run->now.ns)
		run->now = at;
	if (!mono_past(run->tick, run->now))
		return;
	run->tick = fw_tick(run->fw, run->now);
	fw_flush(run->fw, run->now);
}

static void play(struct run *run, const struct pcap_rec *rec)
{
	struct port_pcap *f = port_of(run, rec);

	run->frames++;
	if (!f) {
		run->own++;
		return;
	}
	run->cut_off += rec->len < rec->wire_len;
	set_clock(run, rec->at);
	port_pcap_offer(f, rec);
	fw_port_wake(run->fw, &f->port);
	while (fw_round(run->fw, ROUND_BUDGET, run->now))
		;
	(void)fw_arm(run->fw);
}

static void print_row(const struct view_client *row, const char *name)
{
	printf("%s: forwarded %llu, got %llu, answered %llu\n", name,
	       (unsigned long long)row->from_packets,
	       (unsigned long long)row->to_packets,
	       (unsigned long long)row->answered);
	for (int i = 0; i < PKT_REASON_N; i++)
		if (row->drop[i])
			printf("  dropped %llu: %s\n",
			       (unsigned long long)row->drop[i],
			       pkt_reason_text((enum pkt_reason)i));
}

static void print_summary(const struct run *run)
{
	const struct replay *r = run->r;

	printf("%llu frames read, %llu written\n",
	       (unsigned long long)run->frames,
	       (unsigned long long)run->out.frames);
	if (run->own)
		printf("%llu of them were our own, passed over\n",
		       (unsigned long long)run->own);
	if (run->cut_off)
		printf("%llu of them were captured in part\n",
		       (unsigned long long)run->cut_off);
	print_row(&run->view->client[0], "uplink");
	for (uint16_t i = 0; i < r->client_n; i++)
		print_row(&run->view->client[i + 1], r->client[i].name);
}

static int play_all(struct run *run)
{
	struct pcap_rec rec;
	int more, err;

	while ((more = pcap_next(&run->in, &rec)) > 0)
		play(run, &rec);
	err = pcap_out_end(&run->out);
	if (err)
		fprintf(stderr, "vifwalld: %s: %s\n", run->r->out,
			strerror(-err));
	print_summary(run);
	if (more < 0)
		fprintf(stderr, "vifwalld: %s: broken at byte %zu\n",
			run->r->in, pcap_offset(&run->in));
	if (err)
		return ROLE_OS;
	return more < 0 ? ROLE_USAGE : ROLE_OK;
}

int replay_run(const struct replay *r)
{
	static struct run run;
	int code, err;

	memset(&run, 0, sizeof(run));
	run.r = r;
	run.out_fd = -1;
	code = open_files(&run);
	if (code)
		return code;
	err = make_path(&run);
	if (!err)
		err = add_parties(&run);
	if (err)
		fprintf(stderr, "vifwalld: replay: %s\n", strerror(-err));
	else
		code = play_all(&run);
	mem_unmap(run.file, run.file_len);
	free(run.port);
	free(run.view);
	close(run.out_fd);
	return err ? ROLE_USAGE : code;
}
