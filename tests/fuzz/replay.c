/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one fuzz entry over stored inputs, without a fuzzer: each file as it
 * is, and cut short at every length (at CUTS_MAX lengths of a longer one).  The
 * bytes stand in a block of exactly their size, so that the address sanitizer
 * sees a read past their end.
 *
 *	replay_NAME file...
 *
 * Prints "NAME: R runs"; a crash is the failure.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1u << 20)
#define CUTS_MAX 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, bytes, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static unsigned long replay(const char *name, uint8_t *room)
{
	FILE *f = fopen(name, "rb");
	size_t len, step;
	unsigned long runs = 0;

	if (!f) {
		perror(name);
		exit(2);
	}
	len = fread(room, 1, INPUT_MAX, f);
	fclose(f);
	step = len / CUTS_MAX + 1;
	for (size_t cut = 0; cut < len; cut += step, runs++)
		run(room, cut);
	run(room, len);
	return runs + 1;
}

int main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/');
	uint8_t *room = malloc(INPUT_MAX);
	unsigned long runs = 0;

	if (!room)
		return 2;
	for (int i = 1; i < argc; i++)
		runs += replay(argv[i], room);
	free(room);
	printf("%s: %lu runs of %d files\n", base ? base + 1 : argv[0], runs,
	       argc - 1);
	return argc > 1 ? 0 : 2;
}
