#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dom0 writes other rules ten times a second, under traffic without pause, while
# everything else breaks: the connection to dom0's QubesDB, its daemon, the
# process that forwards, the whole daemon, the network domain.  Not one packet
# passes that neither the rules of before nor those of now allow, and what all
# of them allow goes on.
# PORTS: vif
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ] || [ "$LINKS" != vif ]; then
	echo 'this test is about the daemon over vifs only (PORTS=vif)' >&2
	exit 2
fi
SAID=$DIR/dom0.log
TELL=$DIR/dom0.fifo
CHAN=$DIR/chan
rules_from() { echo "qubes.channel = unix:$CHAN,domid=5"; }
rules_write() { :; } # dom0 does

dom0_start() {
	spawn fw dom0.out $PY "$ROOT/tests/net/dom0.py" "$CHAN" 5 "$TELL" "$SAID"
	DOM0=$SPAWNED
	wait_for 15 test -S "$CHAN/vchan.0.5.111.sock"
}
child() { pgrep -P "$DAEMON" -f -- "--role=$1"; }
now() { echo "$EPOCHREALTIME"; }

# ---- rules that change ------------------------------------------------------------
# All sets accept 1001 and an echo; set number i accepts FIRST + i % COUNT, too.
# 666 is of none.
FIRST=20000
COUNT=16
VARY=()
for ((i = 0; i < COUNT; i++)); do VARY+=($((FIRST + i))); done
set_of() { echo "action=accept dstports=$1-$1 proto=udp|action=accept dstports=1001-1001 proto=udp|action=accept dstports=7-7"; }
change() { # until it is killed
	local i=0 left next=${EPOCHREALTIME/./}
	trap 'exit 0' TERM
	trap '' PIPE # dom0's daemon dies
	while :; do
		printf 'rules %s %s\n' "${C4[1]}" "$(set_of "${VARY[i % COUNT]}")" \
			"${C6[1]}" "$(set_of "${VARY[(i + 5) % COUNT]}")" >"$TELL"
		i=$((i + 1)) next=$((next + 100000))
		left=$((next - ${EPOCHREALTIME/./}))
		if [ $left -gt 0 ]; then
			sleep "$(printf '0.%06d' $left)"
		else
			next=${EPOCHREALTIME/./} # not two at once to make up for it
		fi
	done 2>/dev/null
}
changes() { grep -c ' commit ' "$SAID"; }
more_changes() { [ "$(changes)" -ge "$1" ]; }

# ---- what comes of it ---------------------------------------------------------------
# heard PORT FAMILY TIME: since then?
heard() {
	tail -n 2000 "$DIR/heard" | awk -v p="$1" -v f="$2" -v t="$3" \
		'$1 > t && $2 == p && (f == 4) == ($3 ~ /[0-9]\./) { n++ } END { exit !n }'
}
both_heard() { heard 1001 4 "$1" && heard 1001 6 "$1"; }
# silence TIME: the longest between two datagrams to 1001 that ended after it
silence() {
	awk -v t="$1" '$2 == 1001 && $3 ~ /[0-9]\./ { if (p && $1 > t && $1 - p > g) g = $1 - p; p = $1 }
		END { printf "%.2f", g }' "$DIR/heard"
}
# goes_on WHAT: what all rules allow passes (again) in both families; BROKE is
# when something broke
goes_on() {
	local since
	since=$(now)
	yes "$1" wait_for 15 both_heard "$since"
	note "... silent for $(silence "$BROKE") s at most"
}
# under_fire COUNT: so many changes more, while nothing else breaks
under_fire() {
	local since
	since=$(now)
	wait_for 120 more_changes $(($(changes) + $1)) || fail 'dom0 goes on'
	echo "$since $(now)" >>"$DIR/calm"
}
# nothing_passes WHAT: of what is sent from now on
nothing_passes() {
	local since
	since=$(now)
	sleep 0.5
	is "$1" "$(awk -v t="$since" '$5 > t' "$DIR/heard")" ''
}
answers() { grep -vc '^#' "$DIR/talk"; }
more_answers() { [ "$(answers)" -gt "$1" ]; }
judge() { $PY "$ROOT/tests/net/changes.py" "$SAID" "$1" "$DIR/calm" $FIRST "${C4[1]}" "${C6[1]}"; }

mkdir -p "$CHAN"
mkfifo "$TELL"
topology_up
dom0_start
dut_start
echo_server up 7
spawn up hear.log $PEER hear "$DIR/heard" 666 1001 "${VARY[@]}"
wait_for 15 listening up udp 1001
for a in $SRV4 $SRV6; do spawn c1 "spray-$a" $PEER spray $a 25 600 666 1001 "${VARY[@]}"; done
sleep 0.5
is 'before the first rules nothing passes' "$(cat "$DIR/heard")" ''

change &
CHANGE=$! BROKE=$(now)
PIDS+=("$CHANGE")
goes_on 'with the first ones 1001 does'
wait_for 15 say c1 tcp $SRV4 7
spawn c1 talk.end $PEER talk tcp $SRV4 7 "$DIR/talk" 50
under_fire 740
note "1001 was silent for $(silence "$BROKE") s at most while nothing broke"

BROKE=$(now)
echo hang-up >"$TELL"
sleep 0.2
goes_on 'the connection to dom0 breaks: 1001 passes'
asked() { [ "$(grep -c ' asked' "$SAID")" -ge "$1" ]; }
yes '... and dom0 is asked again' wait_for 15 asked 2
under_fire 50

BROKE=$(now)
reap "$DOM0" KILL
sleep 1
goes_on 'the daemon of dom0 dies: 1001 passes'
dom0_start
yes '... and the next one is asked' wait_for 15 asked 3
under_fire 50

BROKE=$(now)
DATA=$(child data)
kill -9 "$DATA"
new_data() { [ -n "$(child data)" ] && [ "$(child data)" != "$DATA" ]; }
yes 'the process that forwards dies, and another takes its place' wait_for 15 new_data
goes_on '... by which 1001 passes again'
under_fire 100

BROKE=$(now)
yes 'the network domain dies' netvm_kill
yes '... and another takes its place' netvm_boot
goes_on '... by which 1001 passes again'
n=$(answers)
yes 'one TCP connection went on through all that' wait_for 20 more_answers $((n + 20))
under_fire 100

BROKE=$(now)
reap "$DAEMON"
is 'the daemon ends with 0' $? 0
nothing_passes 'without it nothing passes'
vifwalld_start
goes_on 'started again, it lets 1001 pass'
under_fire 100

BROKE=$(now)
OF_IT=$(pgrep -d' ' -P "$DAEMON")
reap "$DAEMON" KILL
all_gone() { ! kill -0 $OF_IT; }
yes 'the daemon is killed, and all of it is gone' wait_for 15 all_gone
nothing_passes '... by which nothing passes'
vifwalld_start
goes_on 'started again, it lets 1001 pass'
under_fire 100

# ---- the judgement --------------------------------------------------------------------
reap "$CHANGE"
sleep 0.5
SUM=$(judge "$DIR/heard")
note "$SUM"
is 'no datagram passed that no rules allowed then' "$SUM" '* changes in * right, * sharp, 0 wrong; *'
read -r n _ _ took _ right _ _ sharp _ _ _ _ _ lost _ _ _ slowest _ <<<"$SUM"
yes 'rules changed for a minute and more, under traffic all the time' \
	test "$n" -ge 1200 -a "$took" -ge 60 -a "$right" -ge 1200
yes '... of which enough came through at once to prove it' test "$sharp" -ge 600
is '... and each set was confirmed, or one after it' "$lost" 0
yes '... in five seconds at most, while nothing broke' test "$slowest" -le 5000
is 'what all sets refuse never passed' "$(awk '$2 == 666' "$DIR/heard")" ''
awk '{ printf "%.6f %s %s %s %.6f\n", $1 + 0.1, $2, $3, $4, $5 + 0.1 }' "$DIR/heard" >"$DIR/late"
no '... and had they passed 0.1 s later, it would show' grep -q ' 0 wrong' <<<"$(judge "$DIR/late")"
no 'dom0 never got what it would die of' grep ' died of ' "$SAID"
finish
