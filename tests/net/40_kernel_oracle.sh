#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same odd packets through the kernel's NAT and through vifwall: what comes
# out of both is the same, but for the differences that oracle.py lists with
# their reasons.  Over wires only: frames are forged as no netfront of a kernel
# sends them, and the path behind the ports is the same.
. "$(dirname "$0")/lib.sh"

UNCAPTURED='some of what comes out is to be odd; oracle.py compares all of it'

rules_of() {
	printf '%s\n' 'action=drop proto=udp dstports=9-9' \
		'action=drop proto=tcp dstports=9-9' 'action=accept'
}
settings_of() {
	echo 'nat.ports = 30000-60000'
	echo 'answers.rate = 100000'
	echo 'answers.burst = 100000'
}

# The stacks of c1 and up say nothing but ARP and neighbour discovery.
hush() {
	local n
	for n in c1 up; do
		quiet $n sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
		ip netns exec "$NS-$n" nft -f - <<-NFT || exit 2
			table inet hush {
				chain in { type filter hook input priority filter; policy drop;
					icmpv6 type { 135, 136 } accept; }
				chain out { type filter hook output priority filter; policy drop;
					icmpv6 type { 135, 136 } accept; }
			}
		NFT
	done
}

ask() { # DUT
	DUT=$1
	NS=vw$$$1
	topology_up
	dut_start
	if [ "$DUT" = kernel ]; then
		# As the rules above; and no limit on how often it says so.
		quiet fw nft insert rule inet vw forward iifname in1 meta l4proto '{ tcp, udp }' \
			th dport 9 reject with icmpx type admin-prohibited
		quiet fw sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
			net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=100000
	fi
	if ! quiet c1 ping -c 1 -W 2 $SRV4 || ! quiet c1 ping -c 1 -W 2 $SRV6; then
		fail "$DUT forwards"
		finish
	fi >/dev/null
	GWMAC=$(neighbour c1 $GW4)
	export GWMAC
	hush
	n=$($PY "$ROOT/tests/net/oracle.py" run "$NS" "$DIR/$DUT.json" 2>"$DIR/last") || {
		cat "$DIR/last"
		fail "the oracle runs on $DUT"
		finish
	}
	note "$n cases through $DUT"
	[ "$DUT" = kernel ] || reap "$DAEMON"
	topology_down
}

[ "$DUT" = kernel ] || THEN=vifwall
ask kernel
ask ${THEN:-kernel}
$PY "$ROOT/tests/net/oracle.py" compare "$DIR/kernel.json" "$DIR/${THEN:-kernel}.json"
