#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests of three systems beside each other: Linux', and frontends with the
# habits of Windows' and Mirage's (tests/sim/habits.c), each a whole domain.
# Does each do all that a host does, come and go as it does, and outlive us?
# PORTS: vif
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ] || [ "$LINKS" != vif ]; then
	echo 'this test is about the daemon over vifs only (PORTS=vif)' >&2
	exit 2
fi
OFFLOAD=on # as real domains have it
LIKE=(none linux windows mirage)
SIZE=10000000

child() { pgrep -P "$DAEMON" -f -- "--role=$1"; }
sum() { sha256sum <"$1" | cut -d' ' -f1; }
fetch() { quiet "c$1" curl -sS --max-time 60 "$2" | sha256sum | cut -d' ' -f1; }
# states N: of both ends of client N's vif
states() { sim list | awk -v d="${DOM[$1]}" '$1 == "domain" { at = $2 } at == d && /vif 0/ { print $(NF - 1), $NF }'; }
shows() { [ "$(states "$1")" = "$2" ]; }
answers() { grep -vc '^#' "$1" 2>/dev/null; }
# alive LOG: still gets answers, 20 from now on
alive() {
	local n
	n=$(answers "$1")
	more() { [ "$(answers "$1")" -gt $((n + 20)) ]; }
	wait_for 10 more "$1"
}
# odd N: what the driver of client N held against us since it connected; events
# with nothing behind them and wants of buffers of its own are no faults.
odd() {
	local log=$DIR/domain-c$1.log n
	n=$(grep -c notifications "$log")
	reported() { [ "$(grep -c notifications "$log")" -gt "$n" ]; }
	kill -USR1 "${DOMAIN_PID[$1]}"
	wait_for 10 reported || echo 'it says nothing'
	tac "$log" | sed '/ \(card\|front\) /q' |
		grep -E ' +(refused|answer|[rt]x-[a-z]+) [0-9]+$'
}
# same GOT WANTED: which is something
same() { [ -n "$1" ] && [ "$1" = "$2" ]; }

# works N: all that a host does, both families
works() {
	local c=c$1 fam host sent
	for fam in 4 6; do
		host=SRV$fam
		yes "$c (${LIKE[$1]}) pings (IPv$fam)" wait_for 10 quiet "$c" ping -c 1 -W 2 ${!host}
		yes "... talks UDP" wait_for 15 say "$c" udp ${!host} 7
		yes "... in fragments" wait_for 15 say "$c" udp ${!host} 7 3 9000
		yes "... and TCP" wait_for 15 say "$c" tcp ${!host} 7
	done
	is '... downloads, byte for byte' "$(fetch "$1" http://$SRV4/big)" "$SUM"
	is '... over IPv6' "$(fetch "$1" "http://[$SRV6]/big")" "$SUM"
	for fam in 4 6; do
		host=SRV$fam
		spawn up take.log $PEER take 9000
		wait_for 10 listening up tcp 9000
		sent=$(quiet "$c" $PEER put ${!host} 9000 $SIZE)
		wait_for 10 test -s "$DIR/take.log"
		yes "... and uploads (IPv$fam)" same "$sent" "$(cat "$DIR/take.log")"
	done
	is '... and its driver holds nothing against us' "$(odd "$1")" ''
}

topology_up
dut_start
echo_server up 7
web_server up
head -c $SIZE /dev/urandom >"$DIR/www/big"
SUM=$(sum "$DIR/www/big")

# ---- each as the others ------------------------------------------------------------
for i in 1 2 3; do
	yes "c$i (${LIKE[i]}) is connected" wait_for 10 shows $i '4 4'
	works $i
done
yes 'aggregates came out for the two that send them' \
	test "$(tshark_on "$DIR/up.0.part" 'frame.len > 1514' | wc -l)" -gt 100
no 'c2 may not reach c3' say c2 udp "${C4[3]}" 7 0.5

# ---- a driver is stopped and started, while another talks --------------------------
changes() { quiet "c$1" cat /sys/class/net/eth0/carrier_changes; }
carried() { [ "$(changes "$1")" -ge "$2" ] && has_carrier "c$1"; }
# restart N TIMES
restart() {
	local i=$1 n round
	for ((round = 1; round <= $2; round++)); do
		n=$(changes "$i")
		kill -USR2 "${DOMAIN_PID[i]}"
		yes "c$i (${LIKE[i]}) starts its driver again ($round)" wait_for 20 carried "$i" $((n + 2))
		yes '... is connected' wait_for 20 shows "$i" '4 4'
		yes '... and talks' wait_for 10 say "c$i" tcp $SRV4 7
		yes '... over IPv6' wait_for 10 say "c$i" udp $SRV6 7
	done
	is '... and its driver holds nothing against us' "$(odd "$i")" ''
}
restart 1 1
spawn c1 talk.end $PEER talk tcp $SRV4 7 "$DIR/talk" 50
wait_for 15 test -s "$DIR/talk"
for i in 2 3; do
	restart $i 3
	yes 'c1 goes on talking on the same connection' alive "$DIR/talk"
done

# ---- dom0 takes a vif away and gives another -----------------------------------------
for i in 2 3; do
	yes "dom0 takes c$i (${LIKE[i]}) its vif" sim detach "${DOM[i]}"
	no '... and it has no carrier' has_carrier c$i
	yes '... and gives it another' attach $i
	yes '... which it connects' wait_for 20 shows $i '4 4'
	yes '... and talks by' wait_for 10 say c$i tcp $SRV4 7
done
yes 'c1 goes on talking' alive "$DIR/talk"

# ---- the process with the rings dies under transfers of all --------------------------
TRANSFERS=()
head -c 60000000 /dev/urandom >"$DIR/www/huge" # more than buffers on the way hold
HUGE=$(sum "$DIR/www/huge")
for i in 1 2 3; do
	(quiet c$i curl -sS --max-time 60 --limit-rate 10M http://$SRV4/huge 2>"$DIR/err-$i" |
		sha256sum | cut -d' ' -f1 >"$DIR/came-$i") &
	TRANSFERS+=($!)
	spawn c$i talk-$i.end $PEER talk tcp $SRV6 7 "$DIR/talk-$i" 200
done
all_run() {
	[ "$(quiet up ss -Htn state established sport = :80 | wc -l)" = 3 ] &&
		[ -s "$DIR/talk-1" ] && [ -s "$DIR/talk-2" ] && [ -s "$DIR/talk-3" ]
}
yes 'all download and talk' wait_for 10 all_run
DATA=$(child data)
kill -9 "$DATA"
new_data() { [ -n "$(child data)" ] && [ "$(child data)" != "$DATA" ]; }
yes 'a killed data process is replaced' wait_for 10 new_data
for p in "${TRANSFERS[@]}"; do wait "$p"; done
for i in 1 2 3; do
	is "a download of c$i (${LIKE[i]}) through the crash is whole" \
		"$(cat "$DIR/came-$i" "$DIR/err-$i")" "$HUGE"
	yes '... it goes on talking on the same connection' alive "$DIR/talk-$i"
	is '... and its driver holds nothing against us' "$(odd $i)" ''
	yes '... and is connected' shows $i '4 4'
done
yes 'c1 goes on talking on the same connection' alive "$DIR/talk"

# ---- all of the daemon dies ------------------------------------------------------------
BEFORE="$(changes 1) $(changes 2) $(changes 3)"
spawn c2 spray.log $PEER spray $SRV4 500 60 30
spawn c3 spray3.log $PEER spray $SRV4 500 60 30
mapfile -t ALL < <(pgrep -P "$DAEMON")
kill -9 "$DAEMON" "${ALL[@]}"
reap "$DAEMON" KILL
vifwalld_start
for i in 1 2 3; do
	yes "with another daemon c$i (${LIKE[i]}) talks" wait_for 20 say c$i tcp $SRV4 7
	yes '... and is connected' shows $i '4 4'
done
is 'no carrier has changed' "$(changes 1) $(changes 2) $(changes 3)" "$BEFORE"
for i in 1 2 3; do works $i; done

# ---- a unikernel is made anew, with another number --------------------------------------
yes 'c3 (mirage) is killed, and cleaned up after' guest_kill 3
DOM[3]=23
yes '... boots again' guest_boot 3
yes '... and talks' wait_for 10 say c3 tcp $SRV4 7
yes 'c2 (windows) is killed under way' guest_kill 2
yes '... boots again' guest_boot 2
yes '... and talks' wait_for 10 say c2 tcp $SRV4 7

# ---- and they end -------------------------------------------------------------------------
for i in 2 3; do
	reap "${DOMAIN_PID[i]}"
	is "c$i (${LIKE[i]}) ends" $? 0
	yes '... and is closed at both ends' wait_for 10 shows $i '6 6'
done
finish
