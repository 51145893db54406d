# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 600
# The bed itself: the stock kernel forwards between its own netback and netfront
# in fw.  It shows that the tests are right about the world before they judge us.
. /test/house.sh

netvm
up netvm
fw
up fw
# Without translation netvm has to know the way back.
yes 'the stock netfront connects' on fw 20 "
	modprobe -a xen-netfront xen-netback
	printf '#!/bin/sh\nip addr add $OUT4/32 dev \$1\nip addr add $OUT6/128 dev \$1
		ip route add $C4_1 dev \$1\nip route add $C6_1 dev \$1\n' >/run/vif-online
	chmod +x /run/vif-online
	usleep 300000
	ip addr add $OUT4/24 dev eth0 && ip addr add $OUT6/64 dev eth0 && ip link set eth0 up
	sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	xl devd"
yes 'netvm can be told the way back' on netvm 10 "
	ip route add $C4_1 via $OUT4 && ip route add $C6_1 via $OUT6"
client 1 pv
up c1
yes 'c1 sets up its interface' client_eth 1
. /test/talk.sh
talk 1 vif"$(cat /run/fw.id)".0
