#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/examples/three-qubes, started as its first lines say: each machine may
# do what its rules' comment says and nothing else.  Over wires only: on Xen there
# are no clients in the settings, dom0 names them.
. "$(dirname "$0")/lib.sh"

[ "$DUT" = vifwall ] || {
	echo 'this test is about the example only' >&2
	exit 2
}
EXAMPLE=$ROOT/contrib/examples/three-qubes

topology_up
quiet fw sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 \
	net.ipv6.conf.all.disable_ipv6=1
for i in in1 in2 in3 out0; do ip -n "$NS-fw" link set $i up; done
mkdir -p "$RUN"
cp -r "$EXAMPLE/rules" "$RULES"

yes 'vifwallctl finds nothing wrong with the settings' \
	quiet fw $CTL check "$EXAMPLE/vifwall.conf"
yes '... nor with the rules' quiet fw $CTL check "$RULES"
spawn fw vifwalld.log "$ROOT/build/vifwalld" -c "$EXAMPLE/vifwall.conf" \
	--uplink.port=packet:out0 --client.work.port=packet:in1 \
	--client.personal.port=packet:in2 --client.untrusted.port=packet:in3 \
	--rules="$RULES" --control.socket="$RUN/ctl.sock" --run-dir="$RUN"
DAEMON=$SPAWNED
wait_for 10 grep -q ' ready' "$DIR/vifwalld.log" || {
	cat "$DIR/vifwalld.log"
	fail 'the example starts'
	finish
}
capture_start
for port in 22 53 80 443; do echo_server up $port; done
for port in 443 631; do echo_server c1 $port; done

# may|may_not WHO tcp|udp ADDRESS PORT
declare -A NUMBER=([work]=1 [personal]=2 [untrusted]=3)
may() { yes "$1 may reach $3 port $4 by $2" say "c${NUMBER[$1]}" "${@:2}"; }
may_not() {
	is "$1 may not reach $3 port $4 by $2, and is told" \
		"$(say "c${NUMBER[$1]}" "${@:2}")" 'E*'
}

may work tcp $SRV4 443
may work udp $SRV4 53
may_not work tcp $SRV4 22
may_not work tcp $SRV4B 443
yes 'work may ping' quiet c1 ping -c 1 -W 2 $SRV4B
may personal tcp $SRV4 22
may personal udp $SRV4B 53
may_not personal tcp 192.168.1.1 80
may personal tcp "${C4[1]}" 631
may_not personal tcp "${C4[1]}" 443
may_not work tcp "${C4[2]}" 631
may untrusted tcp $SRV4B 80
may untrusted udp $SRV4 53
may_not untrusted udp $SRV4B 53
may_not untrusted tcp $SRV4 22
no 'untrusted may not ping' quiet c3 ping -c 1 -W 1 $SRV4
may_not untrusted tcp "${C4[1]}" 631

SET=$RULES/qubes-firewall/${C4[3]}
echo 'action=accept proto=tcp dstports=22-22' >"$SET/0003"
sleep 0.3
may_not untrusted tcp $SRV4 22
touch "$SET"
wait_for 15 say c3 tcp $SRV4 22
may untrusted tcp $SRV4 22

capture_stop
capture_judge
reap "$DAEMON"
is 'it ends with 0' $? 0
finish
