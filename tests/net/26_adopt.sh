#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The process that forwards is killed under load, and the next one adopts its
# flows: connections pause and go on, by TAP devices, packet sockets and vifs, in
# both families; what the rules refuse meanwhile is cut; a table that kills who
# adopts it is not adopted twice.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ]; then
	echo 'the kernel is not killed'
	exit 0
fi
[ "$LINKS" != tap ] || PORTS=(none tap packet packet)
declare -A RULE
rules_of() { printf '%s\n' "${RULE[$1]:-action=accept}"; }

child() { pgrep -P "$DAEMON" -f -- "--role=$1"; }
new_data() { [ -n "$(child data)" ] && [ "$(child data)" != "$DATA" ]; }
kill_data() {
	DATA=$(child data)
	A=$EPOCHREALTIME
	kill -9 "$DATA"
}
adopted() { grep -c 'of the process before this one go on' "$DIR/vifwalld.log"; }
last() { grep -v '^#' "$1" | tail -n 1 | cut -d' ' -f1; }
later() { awk -v a="${1:-0}" -v b="$2" -v s="$3" 'BEGIN { exit !(a > b + s) }'; }
# goes_on LOG TIME: there are answers for long after that time
goes_on() { later "$(last "$DIR/$1")" "$2" 1.5; }
# gap LOG: the silence after $A, in seconds
gap() { awk -v t="$A" '$1 !~ /^#/ && $1 > t - 0.1 { if (p && $1 - p > g) g = $1 - p; p = $1 } END { printf "%.3f", g }' "$1"; }
talk() { spawn "$2" "$1.end" $PEER talk "$3" "$4" "$5" "$DIR/$1" 200; }

topology_up
dut_start
echo_server up 7
echo_server up 8

# ---- a pause, no more ----------------------------------------------------------
for c in 1 2; do
	for fam in 4 6; do
		host=SRV$fam
		talk tcp-$c-$fam c$c tcp ${!host} 7
		talk udp-$c-$fam c$c udp ${!host} 7
	done
done
talk tcp8 c1 tcp $SRV4 8
talk udp8 c1 udp $SRV4 8
for f in {tcp,udp}-{1,2}-{4,6} tcp8 udp8; do
	wait_for 15 test -s "$DIR/$f" || fail "$f talks"
done
spawn up take.sum $PEER take 9
wait_for 15 listening up tcp 9
# 40 MB at 160 Mbit/s: two seconds with a death in their midst
quiet c3 tc qdisc add dev eth0 root tbf rate 160mbit burst 64k latency 50ms
spawn c3 put.sum $PEER put $SRV4 9 40000000
PUT=$SPAWNED
sleep 1
kill -0 "$PUT" || fail 'the transfer still runs'
kill_data
yes 'a killed data process is replaced' wait_for 15 new_data
sleep 1.5
is '... by one that adopts its flows' "$(adopted)" 1
for f in {tcp,udp}-{1,2}-{4,6}; do
	yes "$f goes on" wait_for 15 goes_on "$f" "$A"
	note "... after $(gap "$DIR/$f") s"
done
wait "$PUT"
is 'a transfer comes through whole' "$(cat "$DIR/put.sum")" '????????????????????????????????????????????????????????????????'
wait_for 15 test -s "$DIR/take.sum"
is '... byte for byte' "$(cat "$DIR/take.sum")" "$(cat "$DIR/put.sum")"

# ---- what is adopted is judged --------------------------------------------------
sleep 9 # until it counts as a table that does no harm
CONTROL=$(child control)
kill -STOP "$CONTROL"
kill_data
wait_for 15 new_data
RULE[1]=$(printf '%s\n' 'action=drop dstports=8-8 proto=tcp' 'action=drop dstports=8-8 proto=udp' 'action=accept')
rules_write 1
sleep 0.5
for f in tcp-1-4 udp-1-4 tcp8 udp8; do
	no "nothing of $f passes before rules are known" later "$(last "$DIR/$f")" "$A" 0.05
done
B=$EPOCHREALTIME
kill -CONT "$CONTROL"
adopted_twice() { [ "$(adopted)" = 2 ]; }
yes 'flows are adopted a second time' wait_for 15 adopted_twice
sleep 2
for f in tcp8 udp8; do
	no "$f, which the new rules refuse, does not go on" later "$(last "$DIR/$f")" "$B" 0.1
done
# when it tries again, which is the later the longer it was not answered
wait_for 10 test -s "$DIR/tcp8.end"
is "... and its client is told" "$(cat "$DIR/tcp8.end")" '*ECONNRESET*'
for f in {tcp,udp}-{1,2}-{4,6}; do
	# TCP waits ever longer before it tries again.
	yes "$f goes on" wait_for 15 goes_on "$f" "$B"
done

# ---- not twice in a row -----------------------------------------------------------
kill_data
yes 'a process that dies soon after it adopted is replaced' wait_for 15 new_data
yes '... and packets pass' wait_for 15 say c1 udp $SRV4 7
is '... but its table is begun anew' "$(adopted)" 2
sleep 1
is '... so that connections end, and know it' "$(cat "$DIR/tcp-2-6.end")" '*ECONNRESET*'

finish
