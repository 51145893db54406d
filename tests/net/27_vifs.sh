#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains come, go and die while others talk: guests, the network domain, the
# process that has the rings.
# PORTS: vif
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ] || [ "$LINKS" != vif ]; then
	echo 'this test is about the daemon over vifs only (PORTS=vif)' >&2
	exit 2
fi
OFFLOAD=on # as real domains have it

child() { pgrep -P "$DAEMON" -f -- "--role=$1"; }
told() { quiet fw $CTL clients 2>&1; }
# alive LOG: still gets answers, 20 within two seconds from now
answers() { grep -vc '^#' "$1" 2>/dev/null; }
alive() {
	local n
	n=$(answers "$1")
	more() { [ "$(answers "$1")" -gt $((n + 20)) ]; }
	wait_for 15 more "$1"
}
# silence FILE: longest time between two answers
silence() { awk '$1 !~ /^#/ { if (p && $1 - p > g) g = $1 - p; p = $1 } END { printf "%.3f", g }' "$1"; }

topology_up
# The daemon comes to the XenStore by a way that can be cut.
XEN_WAY=$DIR/way
mkdir "$XEN_WAY"
ln -s "$MACHINE/xen" "$XEN_WAY/xen"
way_open() {
	spawn fw way.log $PEER relay "$XEN_WAY/socket" "$MACHINE/socket"
	WAY=$SPAWNED
	wait_for 15 test -S "$XEN_WAY/socket"
}
way_open
THIRD=${DOM[3]}
PORTS[3]=none # comes later
dut_start
PORTS[3]=vif
echo_server up 7
web_server up
head -c 60000000 /dev/urandom >"$DIR/www/big"
SUM=$(sha256sum <"$DIR/www/big" | cut -d' ' -f1)

yes 'c1 talks' say c1 tcp $SRV4 7
yes 'c2 talks, over IPv6' say c2 tcp $SRV6 7
spawn c1 talk.end $PEER talk tcp $SRV4 7 "$DIR/talk" 50
wait_for 15 test -s "$DIR/talk"

# at_most KIB BEFORE NOW
at_most() { [ $(($3 - $2)) -le "$1" ]; }

# ---- a guest comes, goes, and comes back ------------------------------------------
KIB=$(data_kib)
no 'c3 has no vif yet' has_link c3 eth0
yes 'dom0 gives a running c3 a vif' guest_up 3
yes 'c3 talks' wait_for 15 say c3 tcp $SRV4 7
n=$(data_kib)
yes "... and costs a mebibyte at most ($((n - KIB)) KiB)" at_most 1024 "$KIB" "$n"
is '... and the daemon lists it' "$(told)" "*$THIRD*"
yes 'dom0 takes it away, and the daemon removes its directory in time' sim detach "$THIRD"
no 'c3 has no carrier any more' has_carrier c3
no 'the daemon has forgotten it' grep -q "vif$THIRD.0" <<<"$(told)"
yes 'dom0 gives it another, for small packets and slow' attach 3 --mtu=1280 --rate=100000,50000
yes '... and c3 talks again' wait_for 15 say c3 tcp $SRV4 7
spawn c3 small.log tcpdump -Z root -vlni eth0 -Q in "ip and src $SRV4 and udp"
TAP=$SPAWNED
wait_for 10 grep -q listening "$DIR/small.log"
yes '... in fragments' say c3 udp $SRV4 7 3 3000
sleep 0.2
reap "$TAP" INT
is '... of which none is larger than its link' \
	"$(sed -n 's/.*proto UDP.*, length \([0-9]*\).*/\1/p' "$DIR/small.log" | awk '$1 > 1280 { n++ } END { print n + 0, (NR > 1) }')" '0 1'
spawn up slow.log $PEER take 9001
wait_for 15 listening up tcp 9001
AT=$EPOCHREALTIME
quiet c3 $PEER put $SRV4 9001 2000000 >"$DIR/put-slow"
wait_for 10 test -s "$DIR/slow.log"
yes 'what c3 sends comes as slowly as dom0 said' \
	awk -v a="$AT" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a > 0.5) }'
is '... and whole' "$(cat "$DIR/put-slow")" "$(cat "$DIR/slow.log")"
yes 'c1 has not noticed' alive "$DIR/talk"
g=$(silence "$DIR/talk")
yes "... and was never silent for long ($g s)" awk -v g="$g" 'BEGIN { exit !(g < 0.25) }'

# ---- a guest takes nothing any more ------------------------------------------------
# In the middle of a download, and with datagrams coming all the time.
spawn c3 load.log curl -sS --max-time 30 --limit-rate 2M http://$SRV4/big -o /dev/null
LOAD=$SPAWNED
undrained 3 9001
yes 'something waits for c3, whose domain stands still' test "$QUEUED" -gt 0
yes "... in 512 KiB at most ($QUEUED bytes)" test "$QUEUED" -le 524288
yes 'c1 has not noticed' alive "$DIR/talk"
yes 'c3 goes on where it was' kill -0 "$LOAD"
yes '... and talks' wait_for 15 say c3 tcp $SRV4 7
reap "$LOAD"

# ---- a guest dies, under load ------------------------------------------------------
spawn c2 spray.log $PEER spray $SRV4 2000 60 9
sleep 0.3
yes 'c2 is killed, and cleaned up after' guest_kill 2
no 'c2 has no device any more' has_link c2 eth0
yes 'c1 has not noticed' alive "$DIR/talk"
yes 'c2 boots again' guest_boot 2
yes '... and talks' wait_for 15 say c2 tcp $SRV4 7
yes '... and over IPv6' wait_for 15 say c2 tcp $SRV6 7

# ---- another domain has its address next --------------------------------------------
no 'c2 is refused something' say c2 udp "${C4[1]}" 7 0.3
yes '... which is shown' grep -q "${C4[1]}" <<<"$(quiet fw $CTL blocked vif12.0)"
yes 'c2 dies' guest_kill 2
rm -r "$RULES/qubes-firewall/${C4[2]}" "$RULES/qubes-firewall/${C6[2]}"
DOM[2]=15
yes 'a domain of another number is given its address' guest_boot 2
no '... and nothing passes before it has rules' say c2 udp $SRV4 7 0.5
no '... nor is it shown with what the other did' \
	grep -q "${C4[1]}" <<<"$(quiet fw $CTL blocked)"
is '... or with its flows' "$(quiet fw $CTL flows --json --client=vif15.0 | grep -c '"proto"')" 0
rules_write 2
yes '... and then it talks' wait_for 15 say c2 tcp $SRV4 7

# ---- two domains have one address ---------------------------------------------------
# As a machine and its stub domain have: whoever connected last is meant.
waits() { quiet fw $CTL vif list | grep -q "vif$1.*waits"; }
yes 'c3 dies' guest_kill 3
sim create 14 --name=stub
yes 'its address is given to one that never connects' \
	sim attach 14 --backend=$FWDOM --mac="$(cmac 1)" --ip="${C4[3]} ${C6[3]}"
yes 'c3 boots again' guest_boot 3
yes '... and talks: who is idle holds nothing' wait_for 15 say c3 tcp $SRV4 7
yes '... and is cleaned up after' sim destroy 14
yes 'c2 dies' guest_kill 2
C2=("${C4[2]}" "${C6[2]}")
C4[2]=${C4[3]} C6[2]=${C6[3]}
yes 'another domain boots with the address of c3' guest_boot 2
yes '... and has it' wait_for 15 say c2 tcp $SRV4 7
no '... and c3 has not' say c3 udp $SRV4 7 0.5
yes 'it dies' guest_kill 2
yes '... and c3 has its address back' wait_for 15 say c3 tcp $SRV4 7
C4[2]=${C2[0]} C6[2]=${C2[1]} DOM[2]=12
yes 'c2 boots again' guest_boot 2
yes '... and talks' wait_for 15 say c2 tcp $SRV4 7

# ---- the connection to the XenStore breaks ------------------------------------------
logged() { grep -q "$1" "$DIR/vifwalld.log"; }
reap "$WAY" KILL
yes 'the daemon says that the XenStore is gone' wait_for 15 logged 'XenStore is gone'
is '... and its status, too' "$(quiet fw $CTL status)" '*XENSTORE IS GONE*'
yes 'c2 dies meanwhile, and is cleaned up after' guest_kill 2
yes 'c1 has not noticed anything' alive "$DIR/talk"
rm "$XEN_WAY/socket"
way_open
yes 'the daemon says that it is back' wait_for 10 logged 'XenStore is back'
forgotten() { ! told | grep -q "vif${DOM[2]}.0"; }
yes '... and forgets c2' wait_for 15 forgotten
yes 'c2 boots again' guest_boot 2
yes '... and talks' wait_for 15 say c2 tcp $SRV4 7
yes 'c1 has not noticed' alive "$DIR/talk"

# ---- the process with the rings dies under a transfer -------------------------------
transfer() { # WHO: in the background; what came is in $DIR/came-WHO
	(quiet "$1" curl -sS --max-time 20 --limit-rate 30M http://$SRV4/big 2>"$DIR/err-$1" |
		sha256sum | cut -d' ' -f1 >"$DIR/came-$1") &
	TRANSFERS+=($!)
}
TRANSFERS=()
transfer c1
transfer c2
spawn up take.log $PEER take 9000
wait_for 15 listening up tcp 9000
quiet c3 $PEER put $SRV4 9000 60000000 >"$DIR/put-c3" &
TRANSFERS+=($!)
sleep 0.5
DATA=$(child data)
kill -9 "$DATA"
new_data() { [ -n "$(child data)" ] && [ "$(child data)" != "$DATA" ]; }
yes 'a killed data process is replaced' wait_for 15 new_data
yes 'c1 goes on talking on the same connection' alive "$DIR/talk"
for p in "${TRANSFERS[@]}"; do wait "$p"; done
is 'a download through the crash is whole (c1)' "$(cat "$DIR/came-c1" "$DIR/err-c1")" "$SUM"
is '... and the one of c2' "$(cat "$DIR/came-c2" "$DIR/err-c2")" "$SUM"
wait_for 15 test -s "$DIR/take.log"
is '... and an upload of c3' "$(cat "$DIR/put-c3")" "$(cat "$DIR/take.log")"
note "c1's talk was silent for $(silence "$DIR/talk") s at most"
connected() { [ "$(sim list | grep -c 'states 4 4')" = "$1" ]; }
yes 'all vifs stay connected for their domains' wait_for 15 connected 4

# ---- the network domain dies, and another takes its place ---------------------------
yes 'up is killed, and cleaned up after' netvm_kill
no 'nobody reaches the server now' say c1 udp $SRV4 7 1
yes 'the gateway answers all the same' quiet c1 ping -c 1 -W 2 $GW4
yes 'up boots again, with a new vif for the daemon' netvm_boot
yes 'c1 reaches the server again' wait_for 10 say c1 udp $SRV4 7
yes '... over IPv6' wait_for 15 say c1 udp $SRV6 7
wait_for 10 alive "$DIR/talk"
yes '... and goes on talking on the same connection' alive "$DIR/talk"

# ---- the daemon stops, and starts again ----------------------------------------------
reap "$DAEMON"
is 'the daemon ends with 0' $? 0
no 'nothing passes then' say c1 udp $SRV4 7 1
yes 'the guests keep their vifs' test "$(sim list | grep -c 'domain 1[123]')" = 3
yes '... and their carriers' has_carrier c1
spawn up said.log tcpdump -Z root -lne -i eth0 -Q in \
	'arp[14:4] = arp[24:4] or (icmp6 and ip6[40] = 136 and dst ff02::1)'
TAP=$SPAWNED
wait_for 10 grep -q listening "$DIR/said.log"
vifwalld_start
yes 'started again, it takes them up' wait_for 10 say c1 udp $SRV4 7
wait_for 10 grep -q "tgt is $OUT6" "$DIR/said.log"
reap "$TAP" INT
is 'up is told where our address is, once' \
	"$(grep -c "^[0-9:.]* $OUTMAC > ff:ff:ff:ff:ff:ff, .* $OUT4" "$DIR/said.log")" 1
is '... in both families' \
	"$(grep -c "^[0-9:.]* $OUTMAC > 33:33:00:00:00:01, .* tgt is $OUT6" "$DIR/said.log")" 1
yes '... all of them (c2)' wait_for 15 say c2 tcp $SRV4 7
yes '... all of them (c3)' wait_for 15 say c3 tcp $SRV4 7

# ---- all of the daemon is killed under load -------------------------------------------
changes() { quiet "$1" cat /sys/class/net/eth0/carrier_changes; }
guests_are_connected() { [ "$(sim list | grep -c 'backend 1, states 4 4')" = 3 ]; }
told_so() { [ "$(cat "$DIR"/end-c[123].log | grep -c '^ECONNRESET')" = 3 ]; }
spawn c2 spray2.log $PEER spray $SRV4 2000 60 30
BEFORE="$(changes c1) $(changes c2) $(changes c3)"
for c in c1 c2 c3; do
	spawn $c end-$c.log $PEER talk tcp $SRV4 7 "$DIR/talk-$c" 20 30
	spawn $c pull.log curl -sS --max-time 20 --limit-rate 5M http://$SRV4/big -o /dev/null
done
sleep 1
mapfile -t ALL < <(pgrep -P "$DAEMON")
kill -9 "$DAEMON" "${ALL[@]}"
reap "$DAEMON" KILL
no 'nothing passes then' say c1 udp $SRV4 7 0.5
yes 'the guests see nothing of it' guests_are_connected
AT=$EPOCHREALTIME
vifwalld_start
yes 'started again, it lets c1 open a connection' wait_for 10 say c1 tcp $SRV4 7
yes '... within five seconds' \
	awk -v a="$AT" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a < 5) }'
yes '... and c2, which has not stopped to send' wait_for 15 say c2 tcp $SRV4 7
yes '... and c3' wait_for 15 say c3 tcp $SRV4 7
yes 'connections of before are told that they are none' wait_for 15 told_so
yes 'the guests stay connected' guests_are_connected
is '... and no carrier has changed' "$(changes c1) $(changes c2) $(changes c3)" "$BEFORE"

# ---- rules from the XenStore ----------------------------------------------------------
reap "$DAEMON"
sed -i 's|^rules = .*|xen.rules = on|' "$CONF"
vifwalld_start
# rule_is N TEXT: dom0 gives client N a set of one rule for IPv4.
rule_is() {
	local set=/local/domain/$FWDOM/vifwall/qubes-firewall/${C4[$1]//./_}
	quiet fw $PEER store "$MACHINE/socket" "$set/policy" drop "$set/0000" "$2" "$set" ''
}
c1_passes() { say c1 udp $SRV4 7 0.3; }
c1_is_closed() { ! c1_passes; }
yes 'the uplink is there' wait_for 10 uplink_is_up
no 'without rules in the XenStore nothing passes' say c1 udp $SRV4 7 1
yes 'dom0 writes rules for c1' rule_is 1 action=accept
yes '... which bind' wait_for 15 c1_passes
no '... and are not those of c2' say c2 udp $SRV4 7 1
yes 'dom0 writes others' rule_is 1 'action=accept proto=tcp'
yes '... which bind, too' wait_for 15 c1_is_closed
yes '... and allow what they say' wait_for 15 say c1 tcp $SRV4 7

# ---- without a machine -----------------------------------------------------------------
reap "$DAEMON"
reap "$WAY" KILL
rm "$XEN_WAY/socket"
reap "$MACHINE_PID"
SAID=$(timeout -k 2 20 ip netns exec "$NS-fw" "$ROOT/build/vifwalld" --config="$CONF" </dev/null 2>&1)
is 'without Xen the daemon does not start' $? 71
is '... and says what it misses' "$SAID" '*XenStore*xen = off*'
finish
