/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "xen/bus/bus_in.h"

#define DOM_MAX 32751u /* the ids above are Xen's own */
#define TOP "backend/vif"

void bus_path_back(char out[BUS_DIR_MAX], struct bus_id id)
{
	snprintf(out, BUS_DIR_MAX, TOP "/%u/%u", id.dom, id.handle);
}

void bus_path_front(char out[BUS_DIR_MAX], struct bus_id id)
{
	snprintf(out, BUS_DIR_MAX, "/local/domain/%u/device/vif/%u", id.dom,
		 id.handle);
}

void bus_path_netvm(char out[BUS_DIR_MAX], struct bus_id id, uint16_t self)
{
	snprintf(out, BUS_DIR_MAX, "/local/domain/%u/" TOP "/%u/%u", id.dom,
		 self, id.handle);
}

void bus_path_join(char *out, const char *dir, const char *name)
{
	int len = snprintf(out, STORE_PATH_MAX, "%s/%s", dir, name);

	vw_assert(len > 0 && len < (int)STORE_PATH_MAX);
}

bool bus_path_parse_dom(const char *text, size_t len, uint16_t *out)
{
	uint32_t n;

	if (!store_parse_u32(text, len, DOM_MAX, &n))
		return false;
	*out = (uint16_t)n;
	return true;
}

/* The length of the piece before the next '/'. */
static size_t piece(const char *text)
{
	return strcspn(text, "/");
}

bool bus_path_parse_id(const char *text, struct bus_id *id)
{
	size_t len = piece(text);
	uint32_t handle;

	if (!bus_path_parse_dom(text, len, &id->dom) || text[len] != '/')
		return false;
	text += len + 1;
	if (!store_parse_u32(text, strlen(text), UINT16_MAX, &handle))
		return false;
	id->handle = (uint16_t)handle;
	return true;
}

/* Ours, mostly; none of them is about who the client is. */
static bool is_state_key(const char *key)
{
	return !strcmp(key, "state") || !strcmp(key, "online") ||
	       !strncmp(key, "feature-", 8);
}

enum bus_path_kind bus_path_parse(const char *path, struct bus_id *id)
{
	uint32_t handle;
	size_t len;

	if (strncmp(path, TOP, sizeof(TOP) - 1) != 0)
		return BUS_PATH_OTHER;
	path += sizeof(TOP) - 1;
	if (!*path)
		return BUS_PATH_TOP;
	if (*path++ != '/')
		return BUS_PATH_OTHER;
	len = piece(path);
	if (!bus_path_parse_dom(path, len, &id->dom))
		return BUS_PATH_OTHER;
	path += len;
	if (!*path)
		return BUS_PATH_TOP;
	path++;
	len = piece(path);
	if (!store_parse_u32(path, len, UINT16_MAX, &handle))
		return BUS_PATH_OTHER;
	id->handle = (uint16_t)handle;
	path += len;
	return *path && is_state_key(path + 1) ? BUS_PATH_STATE : BUS_PATH_VIF;
}
