# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# A client, c1 or c2: nothing but the stock netfront.
modprobe xen-netfront
