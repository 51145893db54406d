/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/daemon.h"

int main(int argc, char **argv)
{
	return daemon_run(argc, argv);
}
