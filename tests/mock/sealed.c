/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/linux/mem.h"

static void *room(size_t n)
{
	void *mem = aligned_alloc(64, (n + 63) & ~(size_t)63);

	vw_assert(mem);
	return mem;
}

static int seal(const void *bytes, size_t n, uint32_t *len)
{
	int fd = mem_sealed("sealed", bytes, n);

	vw_assert(fd >= 0);
	*len = (uint32_t)n;
	return fd;
}

int sealed_rules(enum rule_family family, enum rule_action policy,
		 const struct rule *rules, uint32_t n, uint32_t *len)
{
	size_t size = ruleset_size(rules, n, NULL), used = 0;
	size_t scratch_size = ruleset_scratch_size(rules, n, NULL);
	void *mem = room(size), *scratch = room(scratch_size);
	int fd, err;

	err = ruleset_build(mem, size, &used, family, policy, rules, n, NULL,
			    scratch, scratch_size);
	vw_assert(!err);
	fd = seal(mem, used, len);
	free(scratch);
	free(mem);
	return fd;
}

static struct pkt_addr elsewhere(enum rule_family family, uint32_t i)
{
	const uint8_t four[] = { 198, (uint8_t)(18 + (i >> 16 & 1)),
				 (uint8_t)(i >> 8), (uint8_t)i };
	struct pkt_addr a = { { 0x20, 0x01, 0x0d, 0xb8 } };

	if (family == RULE_IP4)
		return pkt_addr_v4(four);
	memcpy(a.b + 12, four, sizeof(four));
	return a;
}

int sealed_elsewhere(enum rule_family family, enum rule_action policy,
		     uint32_t n, uint32_t *len)
{
	struct rule *rule = calloc(n + 1, sizeof(*rule));
	int fd;

	vw_assert(rule);
	for (uint32_t i = 0; i < n; i++) {
		rule[i] = (struct rule){ .number = i,
					 .family = (uint8_t)family,
					 .action = RULE_ACCEPT,
					 .dst = RULE_DST_PREFIX,
					 .proto = 6,
					 .icmp_type = -1,
					 .has_ports = true,
					 .port_lo = (uint16_t)i,
					 .port_hi = (uint16_t)(i + 7) };
		rule[i].prefix.addr = elsewhere(family, i);
		rule[i].prefix.len = 128;
	}
	fd = sealed_rules(family, policy, rule, n, len);
	free(rule);
	return fd;
}

static void read_rule(struct profiles_rule *r, const char *text)
{
	struct profile_error e;
	int err = profile_parse(&r->text, text, strlen(text), &e);

	vw_assert(!err);
}

/* Every other address, so that no two are one range. */
int sealed_profiles(uint32_t n, uint32_t *len)
{
	struct pkt_prefix *prefix = calloc(n, sizeof(*prefix));
	uint32_t *order = calloc(n, 2 * sizeof(*order)), bad;
	const struct profiles_set set = { .name = "s",
					  .prefix = prefix,
					  .n = n };
	struct profiles_rule rule[] = { { .profile = "all" },
					{ .profile = "some" } };
	const struct profiles_in in = { &set, 1, rule, 2 };
	void *mem = room(profiles_size(&in));
	size_t used = 0;
	int fd, err;

	vw_assert(prefix && order);
	for (uint32_t i = 0; i < n; i++) {
		prefix[i].addr =
			elsewhere(i & 1 ? RULE_IP6 : RULE_IP4, i & ~1u);
		prefix[i].len = 128;
	}
	read_rule(&rule[0], "action=drop");
	read_rule(&rule[1], "action=drop dst=s");
	err = profiles_build(mem, &used, &in, order, order + n, &bad);
	vw_assert(!err);
	fd = seal(mem, used, len);
	free(mem);
	free(order);
	free(prefix);
	return fd;
}

size_t sealed_mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	size_t sum = 0;

	vw_assert(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long lo, hi;

		if (strstr(line, "/memfd:sealed ") &&
		    sscanf(line, "%lx-%lx", &lo, &hi) == 2)
			sum += hi - lo;
	}
	fclose(maps);
	return sum;
}
