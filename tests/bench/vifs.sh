#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains of a simulated Xen with the daemon between them, beside the kernel's
# forwarding over wires: all drivers share the machine's cores with it, so only
# ratios mean something.  Lines are key=number.
#
#   vifs.tcp_gbit, .tcp_down_gbit, .kernel_veth_...   iperf3, offloads on
#   vifs.rtt_us, .rtt_flood_us         ping of c2, and while c1 sends 64-byte UDP
#                                      of 1000 flows as fast as it can
#   vifs.rtt_flood_ratio_to_quiet      less is better
#   vifs.kib_per_client                what the data process has more when c3 comes
#   vifs.syscalls_per_frame            of the data process, under bulk TCP (strace)
case ${1:-} in
'')
	PORTS=vif DUT=vifwall "$0" measure vifs. || exit 1
	PORTS=tap DUT=kernel "$0" measure vifs.kernel_veth_ || exit 1
	exit
	;;
esac
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
KEY=$2
OFFLOAD=on # for lib.sh
LENGTH=3
[ "${QUICK:-0}" = 0 ] || LENGTH=1

gbit() { # [-R]
	quiet c1 iperf3 -c "$SRV4" -t $LENGTH -O 0.5 -J "$@" | $PY -c '
import json, sys
print("%.3f" % (json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"] / 1e9))'
}
rtt() { # average of pings while the time lasts, in microseconds
	quiet c2 ping -q -i 0.005 -w $LENGTH "$SRV4" |
		sed -n 's|^rtt .* = [^/]*/\([0-9.]*\)/.*|\1 * 1000|p' | bc
}
# What the next hop's netback took from the daemon so far.
taken() {
	kill -USR1 "$UP_PID"
	sleep 0.2
	sed -n 's/.* back 1\/0: received \([0-9]*\) frames.*/\1/p' "$DIR/domain-up.log" | tail -n 1
}

syscalls_per_frame() {
	local before after calls
	spawn c1 bulk.log iperf3 -c "$SRV4" -t 4 >/dev/null
	sleep 1
	before=$(taken)
	timeout -s INT 1 strace -qq -c -U calls,name -o "$DIR/calls" -p "$(data_pid)"
	after=$(taken)
	calls=$(awk '$2 == "total" { print $1 }' "$DIR/calls")
	wait "$SPAWNED"
	[ "$after" -gt "$before" ] && bc <<<"scale=2; $calls / ($after - $before)" | sed 's/^\./0./'
}

flood() {
	local gw
	wait_for 2 quiet c1 ping -c 1 -W 1 "$GW4"
	gw=$(neighbour c1 "$GW4")
	spawn c1 flood.log "$ROOT/build/bench_send" eth0 "$gw" "$(cmac 1)" "${C4[1]}" "$SRV4" \
		1000 64 $((LENGTH + 1)) >/dev/null
	sleep 0.5
}

topology_up >/dev/null
PORTS[3]=none # comes later
dut_start >/dev/null
wait_for 10 quiet c2 ping -c 1 -W 1 "$SRV4" || fail 'c2 reaches the server'
spawn up iperf.log iperf3 -s >/dev/null
wait_for 10 listening up tcp 5201
echo "${KEY}tcp_gbit=$(gbit)"
echo "${KEY}tcp_down_gbit=$(gbit -R)"
if [ "$LINKS" = vif ]; then
	kib=$(data_kib)
	guest_up 3 >/dev/null
	wait_for 10 quiet c3 ping -c 1 -W 1 "$SRV4" || fail 'c3 reaches the server'
	echo "${KEY}kib_per_client=$(($(data_kib) - kib))"
	echo "${KEY}syscalls_per_frame=$(syscalls_per_frame)"
	quietly=$(rtt)
	flood
	flooded=$(rtt)
	echo "${KEY}rtt_us=$quietly"
	echo "${KEY}rtt_flood_us=$flooded"
	echo "${KEY}rtt_flood_ratio_to_quiet=$(bc <<<"scale=2; $flooded / $quietly")"
fi
[ $FAILED -eq 0 ]
