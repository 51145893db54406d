#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules change under running connections, and the firewall starts, reloads,
# crashes and stops under fire: a changed rule binds within 100 ms, cuts what it
# refuses and nothing else, and no packet ever passes that neither the old nor
# the new rules allow.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

declare -A RULE
rules_of() { printf '%s\n' "${RULE[$1]:-action=accept}"; }
now() { echo "$EPOCHREALTIME"; } # the clock that peer.py logs by
# commit N RULE...: new rules of client N; sets T to the time of that.
commit() {
	local n=$1
	shift
	RULE[$n]=$(printf '%s\n' "$@")
	rules_write "$n"
	T=$COMMITTED
}
# last FILE: time of its last answer.  later A B SECONDS: is A > B + SECONDS?
last() { grep -v '^#' "$1" | tail -n 1 | cut -d' ' -f1; }
later() { awk -v a="${1:-0}" -v b="$2" -v s="$3" 'BEGIN { exit !(a > b + s) }'; }
# longest silence between two answers since time T
gap() { awk -v t="$2" '$1 !~ /^#/ && $1 > t { if (p && $1 - p > g) g = $1 - p; p = $1 } END { printf "%.3f", g }' "$1"; }

# goes_on FILE SECONDS: there are answers so long after T
goes_on() { later "$(last "$1")" "$T" "$2"; }
# is_past FILE: how long after T its last answer came
is_past() { awk -v a="$(last "$1")" -v b="$T" 'BEGIN { printf "%.3f", (a > b) ? a - b : 0 }'; }

topology_up
dut_start
beat_start fw
capture_start
echo_server up 7
echo_server up 8

# ---- one connection goes, the other stays -------------------------------------
talk() { # LOG WHO PROTO HOST PORT: 100 lines a second
	spawn "$2" "$1.end" $PEER talk "$3" "$4" "$5" "$DIR/$1" 100
}
for fam in 4 6; do
	host=SRV$fam
	talk tcp7-$fam c1 tcp ${!host} 7
	talk tcp8-$fam c1 tcp ${!host} 8
	talk udp7-$fam c1 udp ${!host} 7
	talk udp8-$fam c1 udp ${!host} 8
	talk c2tcp7-$fam c2 tcp ${!host} 7
done
spawn c1 ping.log ping -i 0.1 -D $SRV4
for f in tcp7 tcp8 udp7 udp8 c2tcp7; do
	for fam in 4 6; do wait_for 15 test -s "$DIR/$f-$fam" || fail "$f-$fam talks"; done
done
sleep 1

commit 1 'action=drop proto=tcp dstports=7-7' 'action=accept'
sleep 2
for fam in 4 6; do
	f=$DIR/tcp7-$fam
	g=$(is_past "$f")
	yes "TCP to port 7 is cut within 100 ms of the new rule (IPv$fam: $g s)" \
		within "$g" 0.1 "$T" "$(now)"
	for f in tcp8 udp7 udp8 c2tcp7; do
		yes "$f goes on (IPv$fam)" wait_for 15 goes_on "$DIR/$f-$fam" 1.5
		g=$(gap "$DIR/$f-$fam" "$T")
		yes "... without a stop (longest silence $g s)" within "$g" 0.25 "$T" "$(now)"
	done
done
is 'a new connection to port 7 is refused, and the client is told' "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
yes 'c2 may still open one' say c2 tcp $SRV4 7

commit 1 'action=drop proto=icmp' 'action=drop proto=udp dstports=7-7' 'action=accept'
sleep 1.5
yes 'UDP to port 7 is cut too' within "$(is_past "$DIR/udp7-4")" 0.1 "$T" "$(now)"
yes 'the same over IPv6' within "$(is_past "$DIR/udp7-6")" 0.1 "$T" "$(now)"
yes 'TCP to port 8 does not notice' wait_for 15 goes_on "$DIR/tcp8-4" 1
no 'a running ping is cut' quiet c1 ping -c 2 -i 0.2 -W 1 $SRV4
yes 'port 7 is open again for TCP' say c1 tcp $SRV4 7

T0=$T
for _ in 1 2 3 4 5; do
	rules_write 1
	sleep 0.1
done
sleep 0.5
g=$(gap "$DIR/tcp8-4" "$T0")
yes "rewriting the same rules disturbs nothing (longest silence $g s)" \
	within "$g" 0.25 "$T0" "$(now)"

# ---- what can't be read closes its client alone -----------------------------------
commit 1 'action=accept' 'action=accept dstports=elephants'
sleep 1.5
yes 'a rule that can not be read closes its client' \
	within "$(is_past "$DIR/tcp8-4")" 0.1 "$T" "$(now)"
yes '... and no other' wait_for 5 goes_on "$DIR/c2tcp7-4" 1
commit 1 'action=accept'
wait_for 15 say c1 udp $SRV4 8
yes 'readable rules open it again' say c1 udp $SRV4 8

# ---- as many rules as a person would never write -------------------------------------
many=()
for i in $(seq 500); do many+=("action=drop proto=tcp dstports=$((20000 + i))-$((20000 + i))"); done
commit 1 "${many[@]}" 'action=drop proto=udp dstports=8-8' 'action=accept'
refused() { ! say c1 udp $SRV4 8 0.2; }
yes '502 rules are taken while the daemon runs' wait_for 15 refused
yes '... the last of them too' say c1 udp $SRV4 7
commit 1 'action=accept'
wait_for 15 say c1 udp $SRV4 8

# ---- never a packet that no rules allow ---------------------------------------------
# c3 sends to four ports at once, all the time.  666 is refused by every set,
# 15001 is allowed by the old set, 16001 by the new one, 17001 by both.
old=('action=accept proto=udp dstports=15000-15999' 'action=accept proto=udp dstports=17001-17001')
new=('action=accept proto=udp dstports=16000-16999' 'action=accept proto=udp dstports=17001-17001')
commit 3 "${old[@]}"
spawn up hear.log $PEER hear "$DIR/heard" 666 15001 16001 17001
wait_for 15 listening up udp 17001
spawn c3 spray4.log $PEER spray $SRV4 300 120 666 15001 16001 17001
SPRAY=$SPAWNED
spawn c3 spray6.log $PEER spray $SRV6 100 120 666 15001 16001 17001
SPRAY6=$SPAWNED
heard() { # PORT FROM TO: how many came in that time
	awk -v p="$1" -v a="$2" -v b="$3" '$2 == p && $1 > a && $1 <= b { n++ } END { print n + 0 }' "$DIR/heard"
}
sleep 1
A=$(now)
sleep 1
B=$(now)
is 'under the old rules 666 and 16001 do not pass' "$(heard 666 "$A" "$B") $(heard 16001 "$A" "$B")" '0 0'
yes '... and 15001 and 17001 do' test "$(heard 15001 "$A" "$B")" -gt 100 -a "$(heard 17001 "$A" "$B")" -gt 100

START=$(now)
slowest=0
# bound PORT: what came in on it after the change at $T came in soon
bound() {
	local g
	g=$(awk -v p="$1" -v t="$T" '$2 == p && $1 > t { g = $1 - t } END { printf "%.3f", g }' "$DIR/heard")
	within "$g" 0.1 "$T" "$(now)" || slow="$slow $g"
	slowest=$(awk -v a="$slowest" -v b="$g" 'BEGIN { print (a > b) ? a : b }')
}
slow=''
for _ in $(seq 10); do
	commit 3 "${new[@]}"
	sleep 0.4
	bound 15001
	commit 3 "${old[@]}"
	sleep 0.4
	bound 16001
done
B=$(now)
is "20 changes bound within 100 ms each (the slowest took $slowest s)" "$slow" ''
is 'what both sets refuse never passed' "$(heard 666 "$START" "$B")" 0
g=$(awk -v a="$START" -v b="$B" '$2 == 17001 && $1 > a && $1 < b { if (p && $1 - p > g) g = $1 - p; p = $1 } END { printf "%.3f", g }' "$DIR/heard")
yes "what both sets allow never stopped (longest silence $g s)" \
	within "$g" 0.25 "$START" "$B"

# A crash: the process that forwards is killed while c3 sends.
data_pid() { pgrep -P "$DAEMON" -f -- '--role=data'; }
DATA=$(data_pid)
A=$(now)
kill -9 "$DATA"
new_data() {
	local p
	p=$(data_pid) && [ "$p" != "$DATA" ]
}
yes 'a killed data process is replaced' wait_for 15 new_data
flows_again() { [ "$(heard 17001 "$A" 9999999999)" -gt 300 ]; }
yes 'service is back' wait_for 15 flows_again
g=$(awk -v a="$A" '$2 == 17001 && $1 > a - 0.2 { if (p && $1 - p > g) g = $1 - p; p = $1 } END { printf "%.3f", g }' "$DIR/heard")
note "17001 was silent for $g s around the crash"
sleep 0.5
B=$(now)
is 'through the crash nothing passed that the rules refuse' "$(heard 666 "$A" "$B") $(heard 16001 "$A" "$B")" '0 0'

A=$(now)
kill -HUP "$DAEMON"
sleep 1
B=$(now)
yes 'a reload does not stop what is allowed' test "$(heard 17001 "$A" "$B")" -gt 200
is '... and passes nothing else' "$(heard 666 "$A" "$B") $(heard 16001 "$A" "$B")" '0 0'

# Stop, and start again, under fire.
A=$(now)
reap "$DAEMON"
is 'the daemon ends with 0' $? 0
B=$(now)
sleep 1
C=$(now)
is 'while it stopped nothing passed that the rules refuse' "$(heard 666 "$A" "$C") $(heard 16001 "$A" "$C")" '0 0'
g=$(awk -v b="$B" '$1 > b { g = $1 - b } END { printf "%.3f", g }' "$DIR/heard")
yes 'after it stopped nothing passes at all' within "$g" 0.02 "$A" "$C"
A=$(now)
vifwalld_start
flows_again
yes 'started again, it forwards' wait_for 15 flows_again
B=$(now)
is 'while it started nothing passed that the rules refuse' "$(heard 666 "$A" "$B") $(heard 16001 "$A" "$B")" '0 0'
is 'over all that time, 666 was never heard' "$(heard 666 0 9999999999)" 0

reap "$SPRAY"
reap "$SPRAY6"
capture_stop
capture_judge
finish
