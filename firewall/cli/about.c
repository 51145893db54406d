/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * version and completion: what the program says of itself.
 */
#include <elf.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "firewall/cli/cli.h"
#include "firewall/control/ctl/json.h"

/* ---- version --------------------------------------------------------------*/

#define ID_MAX 20u /* bytes of a build id */
#define LIBS 16u

struct build {
	char id[2 * ID_MAX + 1];
	const char *lib[LIBS];
	size_t libs;
};

/* The build id among the notes of a segment, as text. */
static void find_id(char out[2 * ID_MAX + 1], const char *at, size_t len)
{
	while (len > sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *n = (const void *)at;
		size_t name = (n->n_namesz + 3u) & ~3u;
		size_t desc = (n->n_descsz + 3u) & ~3u;
		const uint8_t *id = (const uint8_t *)(n + 1) + name;

		if (name > len || desc > len || sizeof(*n) + name + desc > len)
			return;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_descsz <= ID_MAX)
			for (uint32_t i = 0; i < n->n_descsz; i++)
				snprintf(out + 2 * (size_t)i, 3, "%02x", id[i]);
		at += sizeof(*n) + name + desc;
		len -= sizeof(*n) + name + desc;
	}
}

/* The first is the program itself. */
static int each_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const char *slash = strrchr(info->dlpi_name, '/');
	struct build *b = ctx;

	(void)size;
	for (int i = 0;
	     !b->id[0] && !info->dlpi_name[0] && i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			find_id(b->id,
				(const char *)info->dlpi_addr +
					info->dlpi_phdr[i].p_vaddr,
				info->dlpi_phdr[i].p_memsz);
	if (slash && b->libs < LIBS)
		b->lib[b->libs++] = slash + 1;
	return 0;
}

int cli_version(const struct cli *c, struct ask *a)
{
	static char text[4096];
	struct build b = { .libs = 0 };
	struct json j;

	(void)a;
	dl_iterate_phdr(each_object, &b);
	json_init(&j, text, sizeof(text));
	json_object(&j, NULL);
	json_num(&j, "schema", CTL_SCHEMA);
	json_str(&j, "version", VIFWALL_VERSION);
	json_str(&j, "build_id", b.id);
	json_str(&j, "compiler", __VERSION__);
	json_array(&j, "libraries");
	for (size_t i = 0; i < b.libs; i++)
		json_str(&j, NULL, b.lib[i]);
	json_end_array(&j);
	json_end_object(&j);
	if (c->json) {
		fprintf(cli_out(), "%s\n", text);
		return CLI_OK;
	}
	fprintf(cli_out(), "vifwallctl %s\nbuild      %s\ncompiler   %s\n",
		VIFWALL_VERSION, b.id[0] ? b.id : "without an id", __VERSION__);
	for (size_t i = 0; i < b.libs; i++)
		fprintf(cli_out(), "%s %s\n", i ? "          " : "libraries ",
			b.lib[i]);
	return CLI_OK;
}

/* ---- completion -----------------------------------------------------------*/

/* What a command's first argument is, in bash. */
static const char *words_for(const char *args)
{
	if (strstr(args, "PATH") || strstr(args, "/DIRECTORY"))
		return "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
	if (strstr(args, "CLIENT"))
		return "mapfile -t COMPREPLY < <(compgen -W \"$(vifwallctl "
		       "--json clients 2>/dev/null | grep -o "
		       "'\"name\":\"[^\"]*' | cut -d'\"' -f4)\" -- \"$cur\")";
	if (strstr(args, "list"))
		return "mapfile -t COMPREPLY < <(compgen -W 'list follow show' "
		       "-- "
		       "\"$cur\")";
	return NULL;
}

static void print_name(const struct cli_word *w, void *ctx)
{
	(void)ctx;
	fprintf(cli_out(), " %s", w->name);
}

static void print_case(const struct cli_word *w, void *ctx)
{
	const char *words = words_for(w->args);

	(void)ctx;
	if (words)
		fprintf(cli_out(), "\t%s) %s ;;\n", w->name, words);
}

/* "  --name" and "  --name=WHAT" at the begin of a line, or after ", ". */
static void print_options(const char *text)
{
	for (const char *at = strstr(text, "--"); at; at = strstr(at, "--")) {
		size_t len = strcspn(at, "= ,\n");

		fprintf(cli_out(), " %.*s%s", (int)len, at,
			at[len] == '=' ? "=" : "");
		at += len;
	}
}

int cli_completion(const struct cli *c, struct ask *a)
{
	(void)c;
	(void)a;
	fprintf(cli_out(), "# bash completion for vifwallctl, made by "
			   "`vifwallctl completion`\n"
			   "_vifwallctl()\n{\n"
			   "\tlocal cur=${COMP_WORDS[COMP_CWORD]} i cmd=\n"
			   "\tlocal commands='");
	cli_each_command(print_name, NULL);
	fprintf(cli_out(), "'\n\tlocal options='");
	print_options(cli_options());
	fprintf(cli_out(),
		"'\n\tCOMPREPLY=()\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\t[[ ${COMP_WORDS[i]} == -* ]] || cmd=${cmd:-${COMP_WORDS"
		"[i]}}\n\tdone\n"
		"\tif [[ $cur == -* ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- "
		"\"$cur\")\n\t\treturn\n\tfi\n"
		"\tcase $cmd in\n"
		"\t'') mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- "
		"\"$cur\") ;;\n");
	cli_each_command(print_case, NULL);
	fprintf(cli_out(), "\tesac\n}\ncomplete -F _vifwallctl vifwallctl\n");
	return CLI_OK;
}
