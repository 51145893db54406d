#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Client, firewall, server: the daemon beside the kernel's own forwarding with
# the same rules, in two houses that stand at the same time (net/lib.sh), so
# that each round measures both.  Best of the rounds; lines are key=number.
#
#   forward.pps, .kernel_pps          64-byte UDP of 1000 flows, offered by one
#                                     core as fast as it can, forwarded by the
#                                     other (kernel: RPS), counted behind
#   forward.cpu_ns, .kernel_cpu_ns    processor time for each, wherever it is
#                                     spent, less what sending and dropping
#                                     it at the firewall's door costs
#   forward.ns_per_packet             the daemon's own part of that
#   forward.tcp_gbit, .tcp_down_gbit, .kernel_...       iperf3, offloads on
#   forward.tcp_nogso_gbit, .tcp_nogso_down_gbit, ...   offloads off
#   forward.rtt_us, .kernel_rtt_us    flood ping, average
#   forward.*_ratio_to_kernel         more is better (rtt: less)
#
# Rates need a quiet machine: the kernel forwards in interrupts, before any
# process, while the daemon has to share its core with what else runs.  Processor
# time per packet (cpu_ns) does not.  DUTS=kernel measures the kernel alone.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

UNCAPTURED='it costs time'
BASE=$NS
DUTS=${DUTS:-kernel vifwall}
SEND=$ROOT/build/bench_send
FLOWS=1000
if [ "${QUICK:-0}" != 0 ]; then
	: "${ROUNDS:=2}" "${LENGTH:=2}"
else
	: "${ROUNDS:=3}" "${LENGTH:=4}"
fi
CASES=${CASES:-pps tcp rtt nogso}
SEND_CPU=0
FORWARD_CPU=$(($(nproc) - 1))
declare -A BEST DATA

# Both houses come down at the end.
topology_down() {
	local d n
	for d in kernel vifwall; do
		for n in c1 c2 c3 fw up far; do
			ip netns del "$BASE$d-$n" 2>/dev/null
		done
	done
}

# use DUT: lib.sh's functions mean that one's house from here on.
use() {
	DUT=$1
	NS=$BASE$1
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

key() { # KEY: as named for the device under test
	[ "$DUT" = kernel ] && echo "forward.kernel_$1" || echo "forward.$1"
}

# Ten rules in the shape of Qubes' own, the last of which lets all pass.
rules_of() {
	local i
	for i in 1 2 3 4 5 6; do
		echo "action=accept dst4=192.0.2.$i/32 proto=tcp dstports=443-443"
	done
	echo 'action=accept dst4=10.139.1.1/32 proto=udp dstports=53-53'
	echo 'action=drop dst4=192.168.0.0/16'
	echo 'action=drop dst4=172.16.0.0/12'
	echo 'action=accept'
}

# The same for nftables: established first, then a chain for each client.
kernel_rules() {
	local i
	{
		echo 'flush chain inet vw forward'
		for i in 1 2 3; do
			echo "add chain inet vw c$i"
			rules_of $i | sed -E \
				-e 's/action=(\w+)(.*)/\2 \1/' \
				-e 's/dst4=/ip daddr /' \
				-e 's/proto=(\w+) dstports=([0-9]+)-[0-9]+/\1 dport \2/' \
				-e 's/drop$/reject with icmpx type admin-prohibited/' \
				-e "s/^/add rule inet vw c$i /"
		done
		echo 'add rule inet vw forward ct state invalid drop'
		echo 'add rule inet vw forward ct state established,related accept'
		for i in 1 2 3; do
			echo "add rule inet vw forward ip saddr ${C4[i]} jump c$i"
		done
		echo 'add rule inet vw forward reject with icmpx type admin-prohibited'
	} | ip netns exec "$NS-fw" nft -f - || fail 'the kernel takes the rules'
}

# The process that forwards: the one that used most time of the daemon's family.
data_process() {
	local pids=$DAEMON more=$DAEMON p
	while more=$(pgrep -d, -P "$more"); do pids+=,$more; done
	for p in ${pids//,/ }; do
		echo "$(cut -d' ' -f1 <"/proc/$p/schedstat") $p"
	done | sort -n | tail -n 1 | cut -d' ' -f2
}

cpu_ns() { cut -d' ' -f1 <"/proc/$1/schedstat"; }

# Frames that came out behind: at the server's end, dropped at once.
sink_on() { # WHO IFACE
	ip netns exec "$NS-$1" nft -f - <<-NFT || fail 'the sink drops'
		table netdev sink {
			chain in {
				type filter hook ingress device "$2" priority 0; policy accept;
				udp dport 9 drop
			}
		}
	NFT
}
sunk() { quiet "$1" cat "/sys/class/net/$2/statistics/rx_packets"; }

house_up() {
	use "$1"
	topology_up >/dev/null
	dut_start >/dev/null
	[ "$DUT" = vifwall ] || kernel_rules
	wait_for 10 quiet c1 ping -c 1 -W 1 "$SRV4" || {
		fail "$DUT: the client reaches the server"
		return
	}
	sink_on up eth0
	spawn up "iperf-$DUT.log" iperf3 -s >/dev/null
	wait_for 10 listening up tcp 5201
	if [ "$DUT" = vifwall ]; then
		quiet c1 ping -f -c 2000 -q "$SRV4" >/dev/null
		DATA[vifwall]=$(data_process)
	fi
}

# send: offers frames from client 1; the sender's time for each in $SENT_NS, what
# came out behind in $OUT.
send() {
	local gw n0
	gw=$(neighbour c1 "$GW4")
	n0=$(sunk up eth0)
	SENT_NS=$(quiet c1 taskset -c $SEND_CPU "$SEND" eth0 "$gw" "$(cmac 1)" \
		"${C4[1]}" "$SRV4" $FLOWS 64 $LENGTH | sed 's/.*cpu_ns=//')
	sleep 0.1
	OUT=$(($(sunk up eth0) - n0))
}

rps() { # MASK: the cores that forward what client 1 sends
	quiet fw sh -c "echo $1 >/sys/class/net/in1/queues/rx-0/rps_cpus"
}

# The kernel forwards inside the sender's own time, or on the other core.
measure_kernel() {
	door_shut
	send
	DOOR_NS=$SENT_NS
	door_open
	send
	keep forward.kernel_cpu_ns $((SENT_NS - DOOR_NS)) less
	rps "$(printf %x $((1 << FORWARD_CPU)))"
	send
	rps 0
	keep forward.kernel_pps $((OUT / LENGTH))
}

door_shut() {
	ip netns exec "$NS-fw" nft -f - <<-NFT
		table netdev door {
			chain in {
				type filter hook ingress device "in1" priority 0; policy drop;
			}
		}
	NFT
}
door_open() { quiet fw nft delete table netdev door; }

# The daemon has a core of its own; filling its ring is in the sender's time.
measure_daemon() {
	local p=${DATA[vifwall]} t0 own
	taskset -acp "$FORWARD_CPU" "$p" >/dev/null
	t0=$(cpu_ns "$p")
	send
	own=$(($(cpu_ns "$p") - t0))
	taskset -acp "0-$FORWARD_CPU" "$p" >/dev/null
	[ "$OUT" -gt 0 ] || return
	own=$((own / OUT))
	keep forward.pps $((OUT / LENGTH))
	keep forward.ns_per_packet $own less
	[ -z "${DOOR_NS:-}" ] || keep forward.cpu_ns $((own + SENT_NS - DOOR_NS)) less
}

measure_pps() {
	if [ "$DUT" = kernel ]; then measure_kernel; else measure_daemon; fi
}

# measure_tcp NAME [-R]
measure_tcp() {
	local gbit
	gbit=$(quiet c1 iperf3 -c "$SRV4" -t $LENGTH -O 0.5 -J "${@:2}" | $PY -c '
import json, sys
print("%.3f" % (json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"] / 1e9))')
	keep "$(key "$1")" "$gbit"
}

measure_rtt() {
	keep "$(key rtt_us)" "$(quiet c1 ping -f -q -c 5000 "$SRV4" |
		sed -n 's|^rtt .* = [^/]*/\([0-9.]*\)/.*|\1|p' |
		sed 's/$/ * 1000/' | bc)" less
}

each_round() {
	for _ in $(seq $ROUNDS); do
		for d in $DUTS; do
			use "$d"
			"$@"
		done
	done
}

houses() { # on|off
	export OFFLOAD=$1 # for lib.sh
	for d in $DUTS; do house_up "$d"; done
}

houses_down() {
	local p
	for p in "${PIDS[@]}"; do reap "$p"; done
	PIDS=()
	topology_down
}

ratios() {
	local k of
	for k in "${!BEST[@]}"; do
		of=forward.kernel_${k#forward.}
		[ -n "${BEST[$of]:-}" ] || continue
		echo "${k%_gbit}_ratio_to_kernel=$(bc <<<"scale=3; ${BEST[$k]} / ${BEST[$of]}")" |
			sed 's/=\./=0./'
	done
}

wanted() { # CASE...: one of them is
	local c
	for c; do [[ " $CASES " != *" $c "* ]] || return 0; done
	return 1
}

if wanted pps tcp rtt; then
	houses on
	! wanted pps || each_round measure_pps
	! wanted tcp || each_round measure_tcp tcp_gbit
	! wanted tcp || each_round measure_tcp tcp_down_gbit -R
	! wanted rtt || each_round measure_rtt
	houses_down
fi
if wanted nogso; then
	houses off
	each_round measure_tcp tcp_nogso_gbit
	each_round measure_tcp tcp_nogso_down_gbit -R
	houses_down
fi
for k in "${!BEST[@]}"; do echo "$k=${BEST[$k]}"; done
ratios
[ "$FAILED" -eq 0 ]
