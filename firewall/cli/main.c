/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/cli/cli.h"

int main(int argc, char **argv)
{
	return cli_run(argc, argv);
}
