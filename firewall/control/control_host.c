/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/control_host.h"
#include "firewall/linux/host_check.h"
#include "firewall/linux/log.h"
#include "firewall/role/roles.h"

#define LOOK_MS 100u   /* between two looks, however much changes */
#define RETRY_MS 1000u /* when they could not be put back */
#define NEVER ((struct mono){ UINT64_MAX })

static_assert(CONF_LINKS <= HOST_NFT_IFS, "every port has its rules");

/* ---- what is there ----------------------------------------------------------
 */

static int check(const struct conf *c)
{
	const struct conf_port *link[CONF_LINKS];
	struct host_if ifs[CONF_LINKS];
	size_t n = conf_links(c, link);
	char why[HOST_WHY_MAX];
	int err;

	for (size_t i = 0; i < n; i++)
		ifs[i] = (struct host_if){
			.name = link[i]->name,
			.packet = link[i]->kind == CONF_PORT_PACKET,
		};
	err = host_check(ifs, n, why);
	if (err == -EPERM) {
		log_err("%s", why);
		return ROLE_UNAVAILABLE;
	}
	if (err)
		log_err("the host can't be looked at (%s)", log_errno(-err));
	return err ? ROLE_OS : ROLE_OK;
}

/* A kernel without IP answers and forwards nothing. */
static bool has_ip(void)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return errno != EAFNOSUPPORT;
	close(s);
	return true;
}

static int want(struct control_host *h, const struct conf *c)
{
	const struct conf_port *link[CONF_LINKS];
	const char *names[CONF_LINKS];
	size_t n = conf_links(c, link);

	for (size_t i = 0; i < n; i++)
		names[i] = link[i]->name;
	return host_nft_want(&h->nft, names, n);
}

/* ---- start ----------------------------------------------------------------*/

static const char *why_not(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return "not permitted; it takes CAP_NET_ADMIN";
	case -EPROTONOSUPPORT:
	case -EOPNOTSUPP:
	case -EAFNOSUPPORT:
		return "this kernel has no nf_tables for both inet and arp "
		       "(modprobe nf_tables, or build it with "
		       "CONFIG_NF_TABLES_INET and CONFIG_NF_TABLES_ARP)";
	case -EBADMSG:
		return "they do not read back as they were set";
	default:
		return "the kernel refused them";
	}
}

static int refuse(int err)
{
	log_err("host rules: %s; host.rules = off does without (%s)",
		why_not(err), log_errno(-err));
	return ROLE_OS;
}

static int begin_put(struct control_host *h)
{
	int err = host_nft_put(&h->nft);

	if (err)
		return refuse(err);
	h->told.in_force = true;
	return ROLE_OK;
}

static void say_missing(int state)
{
	log_err("host rules: %s; load tables inet and arp vifwall as "
		"vifwall.conf(5) shows them, or let us (host.rules = on)",
		state == HOST_NFT_NONE
			? "there are none"
			: "table vifwall has others than these settings need");
}

static int begin_check(struct control_host *h, int state)
{
	h->told.in_force = state == HOST_NFT_SAME;
	if (h->told.in_force)
		return ROLE_OK;
	say_missing(state);
	return ROLE_UNAVAILABLE;
}

static int begin(struct control_host *h, const struct conf *c)
{
	int err = host_nft_open(&h->nft), state;

	if (err)
		return refuse(err);
	h->running = true;
	err = want(h, c);
	state = err ? err : host_nft_look(&h->nft);
	/* what can't be read may be there, and is not ours to remove */
	h->found = state != HOST_NFT_NONE;
	if (state < 0)
		return refuse(state);
	return h->rules == CONF_HOST_ON ? begin_put(h) : begin_check(h, state);
}

int control_host_start(struct control_host *h, const struct conf *c)
{
	int code = check(c);

	*h = (struct control_host){ .rules = c->host_rules, .due = NEVER };
	h->told.mode = h->rules == CONF_HOST_ON	   ? "on"
		       : h->rules == CONF_HOST_OFF ? "off"
						   : "check";
	if (code || h->rules == CONF_HOST_OFF)
		return code;
	if (has_ip())
		return begin(h, c);
	h->told.mode = "not needed";
	log_info("host rules: this kernel has no IP, and needs none");
	return ROLE_OK;
}

/* ---- while it runs --------------------------------------------------------*/

int control_host_fd(const struct control_host *h)
{
	return h->running ? host_nft_fd(&h->nft) : -1;
}

void control_host_news(struct control_host *h, struct mono now)
{
	struct mono soonest = mono_add_ms(h->last, LOOK_MS);

	if (!h->running || !host_nft_news(&h->nft, h->who))
		return;
	h->due = h->last.ns && soonest.ns > now.ns ? soonest : now;
}

static void say(const struct control_host *h, const char *what)
{
	char who[LOG_QUOTE_ROOM];

	log_quote(who, h->who, strlen(h->who));
	log_warn("host rules: %s changed ours; %s",
		 who[0] ? who : "another program", what);
}

static void mend(struct control_host *h, struct mono now)
{
	int err;

	if (h->rules == CONF_HOST_CHECK) {
		say(h, "nothing keeps this kernel from acting beside us");
		return;
	}
	err = host_nft_put(&h->nft);
	h->told.in_force = !err;
	if (err) {
		log_err("host rules: they can't be put back (%s): %s",
			log_errno(-err), why_not(err));
		h->due = mono_add_ms(now, RETRY_MS);
		return;
	}
	say(h, "they are back");
	h->told.put_back++;
	memcpy(h->told.who, h->who, sizeof(h->told.who));
}

struct mono control_host_tick(struct control_host *h, struct mono now)
{
	bool was = h->told.in_force;

	if (!h->running || !mono_past(h->due, now))
		return h->due;
	h->due = NEVER;
	h->last = now;
	/* what can't be read is not known to be there */
	h->told.in_force = host_nft_look(&h->nft) == HOST_NFT_SAME;
	if (!h->told.in_force && (was || h->rules == CONF_HOST_ON))
		mend(h, now);
	return h->due;
}

/* What @c needs is in force from now on; or, with CONF_HOST_CHECK, was before.
 */
static int go_to(struct control_host *h, const struct conf *c)
{
	int err = want(h, c), state;

	if (!err && h->rules == CONF_HOST_ON)
		err = host_nft_put(&h->nft);
	if (err)
		return err;
	state = host_nft_look(&h->nft);
	h->told.in_force = state == HOST_NFT_SAME;
	if (h->told.in_force)
		return 0;
	if (state >= 0 && h->rules == CONF_HOST_CHECK)
		say_missing(state);
	return state < 0 ? state : -EBADMSG;
}

/* What is in force for @is stays, or comes back as soon as it can. */
static void stay(struct control_host *h, const struct conf *is)
{
	int err = want(h, is);

	h->told.in_force = !err && host_nft_look(&h->nft) == HOST_NFT_SAME;
	if (!h->told.in_force && h->rules == CONF_HOST_ON)
		h->due = (struct mono){ 0 };
}

int control_host_conf(struct control_host *h, const struct conf *is,
		      const struct conf *next)
{
	int err;

	if (!h->running)
		return 0;
	err = go_to(h, next);
	if (err)
		stay(h, is);
	return err;
}

void control_host_stop(struct control_host *h, enum control_host_end how)
{
	int err = 0;

	if (!h->running)
		return;
	if (h->rules == CONF_HOST_ON &&
	    (how == CONTROL_HOST_TOLD ||
	     (how == CONTROL_HOST_NO_START && !h->found)))
		err = host_nft_remove(&h->nft);
	if (err)
		log_err("host rules: they can't be removed (%s); nft delete "
			"table inet vifwall, and arp vifwall",
			log_errno(-err));
	host_nft_close(&h->nft);
	h->running = false;
}
