#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains of a simulated Xen with the daemon between them, beside the kernel's
# forwarding over wires, in two houses that stand at the same time, so that each
# round measures both.  All drivers share the machine's cores with the daemon:
# only ratios mean something.  Best of the rounds; lines are key=number.
#
#   vifs.tcp_gbit, .tcp_down_gbit, .kernel_...   iperf3, offloads on
#   vifs.tcp_ratio_to_kernel, .tcp_down_...      more is better
#   vifs.rtt_us, .rtt_flood_us         median ping of c2, and while c1 sends
#                                      64-byte UDP of 1000 flows as fast as it can
#   vifs.rtt_flood_ratio_to_quiet      less is better
#   vifs.rtt_flood_bound_us            what fairness allows the flood to add: a turn
#                                      of each client (firewall/path/ports.c)
#   vifs.rtt_flood_ratio_to_bound      what it added, to that
#   vifs.rtt_flood_cores_us            what the three that a ping passes (c2's drivers,
#                                      the data process, the server's drivers) waited
#                                      for a core meanwhile, there and back: nobody's
#                                      fairness but the kernel's, where cores are few
#   vifs.ns_per_packet                 of the data process, under the flood
#   vifs.kib_per_client                what the data process has more when c3 comes
#   vifs.undrained_kib                 what waits for c3 when its domain stands still
#   vifs.syscalls_per_frame            of the data process, under bulk TCP (strace)
export PORTS=vif
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
OFFLOAD=on # for lib.sh
UNCAPTURED='it costs time'
BASE=$NS
if [ "${QUICK:-0}" != 0 ]; then
	ROUNDS=2 LENGTH=1
else
	ROUNDS=3 LENGTH=3
fi
BATCH=$(sed -n 's/^#define PKT_BATCH \([0-9]*\).*/\1/p' "$ROOT/packet/pkt_buf.h")
CLIENTS=3
declare -A BEST

# use vifwall|kernel: lib.sh's functions mean that house from here on.
use() {
	DUT=$1
	NS=$BASE$1
	LINKS=vif PORTS=(none vif vif vif)
	[ "$DUT" = vifwall ] || LINKS=tap PORTS=(none packet packet packet)
}

# Both houses come down at the end.
topology_down() {
	local d n
	machine_down
	for d in kernel vifwall; do
		for n in c1 c2 c3 fw up far; do
			ip netns del "$BASE$d-$n" 2>/dev/null
		done
	done
}

house_up() {
	use "$1"
	topology_up >/dev/null
	PORTS[3]=none # comes later, where anybody does
	[ "$DUT" = vifwall ] || PORTS[3]=packet
	dut_start >/dev/null
	wait_for 10 quiet c2 ping -c 1 -W 1 "$SRV4" || fail "$DUT: c2 reaches the server"
	spawn up "iperf-$DUT.log" iperf3 -s >/dev/null
	wait_for 10 listening up tcp 5201
}

# keep KEY VALUE [less]: the best so far.
keep() {
	local better='>'
	[ "${3:-}" = less ] && better='<'
	[ -n "$2" ] || return
	if [ -z "${BEST[$1]:-}" ] || [ "$(bc <<<"$2 $better ${BEST[$1]}")" = 1 ]; then
		BEST[$1]=$2
	fi
}

gbit() { # [-R]
	quiet c1 iperf3 -c "$SRV4" -t $LENGTH -O 0.5 -J "$@" | $PY -c '
import json, sys
print("%.3f" % (json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"] / 1e9))'
}

tcp_round() {
	local key=vifs.
	use "$1"
	[ "$DUT" = vifwall ] || key=vifs.kernel_
	keep ${key}tcp_gbit "$(gbit)"
	keep ${key}tcp_down_gbit "$(gbit -R)"
}

rtt() { # median of pings while the time lasts, in microseconds
	quiet c2 ping -i 0.005 -w $LENGTH "$SRV4" |
		sed -n 's/.* time=\([0-9.]*\) ms$/\1/p' | sort -n |
		awk '{ t[NR] = $1 } END { if (NR) printf "%.0f", t[int((NR + 1) / 2)] * 1000 }'
}

# What the next hop's netback took from the daemon so far.
taken() {
	kill -USR1 "$UP_PID"
	sleep 0.2
	sed -n 's/.* back 1\/0: received \([0-9]*\) frames.*/\1/p' "$DIR/domain-up.log" | tail -n 1
}
cpu_ns() { cut -d' ' -f1 <"/proc/$(data_pid)/schedstat"; }

# waits: of those three, the nanoseconds each waited for a core and how often it ran.
waits() {
	local p
	for p in "${DOMAIN_PID[2]}" "$(data_pid)" "$UP_PID"; do
		cut -d' ' -f2,3 <"/proc/$p/schedstat"
	done
}
# wait_us BEFORE AFTER: of each way through all three, twice
wait_us() {
	paste -d' ' <(echo "$1") <(echo "$2") |
		awk '$4 > $2 { us += 2 * ($3 - $1) / ($4 - $2) / 1000 } END { printf "%.0f", us }'
}

# The time of a packet is that of the data process in which one came out.
rtt_round() {
	local gw frames ns us before
	keep vifs.rtt_us "$(rtt)" less
	gw=$(neighbour c1 "$GW4")
	frames=$(taken) ns=$(cpu_ns)
	spawn c1 flood.log "$ROOT/build/bench_send" eth0 "$gw" "$(cmac 1)" "${C4[1]}" "$SRV4" \
		1000 64 $((LENGTH + 1)) >/dev/null
	sleep 0.5
	before=$(waits)
	us=$(rtt)
	if [ "$us" -lt "${BEST[vifs.rtt_flood_us]:-999999999}" ]; then
		BEST[vifs.rtt_flood_us]=$us
		BEST[vifs.rtt_flood_cores_us]=$(wait_us "$before" "$(waits)")
	fi
	wait "$SPAWNED"
	ns=$(($(cpu_ns) - ns)) frames=$(($(taken) - frames))
	[ $frames -le 0 ] || keep vifs.ns_per_packet $((ns / frames)) less
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

# over KEY A B: A / B
over() {
	[ -z "$2" ] || [ -z "$3" ] || BEST[$1]=$(bc <<<"scale=3; $2 / $3" | sed 's/^\(-\{0,1\}\)\./\10./')
}

house_up kernel
house_up vifwall
for _ in $(seq $ROUNDS); do
	for d in kernel vifwall; do tcp_round $d; done
done
use vifwall
KIB=$(data_kib)
guest_up 3 >/dev/null
wait_for 10 quiet c3 ping -c 1 -W 1 "$SRV4" || fail 'c3 reaches the server'
BEST[vifs.kib_per_client]=$(($(data_kib) - KIB))
undrained 3 9001 >/dev/null
BEST[vifs.undrained_kib]=$(((QUEUED + 1023) / 1024))
BEST[vifs.syscalls_per_frame]=$(syscalls_per_frame)
wait_for 2 quiet c1 ping -c 1 -W 1 "$GW4"
for _ in $(seq $ROUNDS); do rtt_round; done

for k in tcp tcp_down; do
	over vifs.${k}_ratio_to_kernel "${BEST[vifs.${k}_gbit]:-}" "${BEST[vifs.kernel_${k}_gbit]:-}"
done
ADDED=$((${BEST[vifs.rtt_flood_us]} - ${BEST[vifs.rtt_us]}))
BEST[vifs.rtt_flood_bound_us]=$((BATCH * CLIENTS * ${BEST[vifs.ns_per_packet]} / 1000))
over vifs.rtt_flood_ratio_to_quiet "${BEST[vifs.rtt_flood_us]}" "${BEST[vifs.rtt_us]}"
over vifs.rtt_flood_ratio_to_bound $((ADDED > 0 ? ADDED : 0)) "${BEST[vifs.rtt_flood_bound_us]}"
for k in "${!BEST[@]}"; do echo "$k=${BEST[$k]}"; done
[ $FAILED -eq 0 ]
