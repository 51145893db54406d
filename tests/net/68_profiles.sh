#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Profiles and sets of addresses: what they refuse though a client's own rules
# accept it, what they can't allow, what people are told, and that no packet
# passes that neither the old nor the new ones allow while they change.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

[ "$DUT" = vifwall ] || {
	echo 'this test is about settings of ours' >&2
	exit 2
}
VIRT=10.139.1.1
NEAR4=203.0.113.1 # up's other side
SETTINGS=
settings_of() { printf 'dns = %s\ndns.virtual = %s\n%s\n' $SRV4 $VIRT "$SETTINGS"; }
# set_file FILE PREFIX...: at once, so that no half of it is read
set_file() {
	local f=$1
	shift
	printf '%s\n' "$@" >"$f.new"
	mv "$f.new" "$f"
}
# settings TEXT: in force when it returns
settings() {
	SETTINGS=$1
	conf_write
	quiet fw $CTL reload >"$DIR/last" 2>&1
}
declare -A RULE
rules_of() { printf '%s\n' "${RULE[$1]:-action=accept}"; }

# ---- what a profile refuses -------------------------------------------------

ONE="profile = no-lan
profile.use = ${C4[1]} narrow, ${C4[3]} none
set = listed $DIR/listed
profile.rule = narrow action=drop dst=listed
profile.rule = narrow action=pass dst=$SRV4; action=drop proto=tcp dstports=8"
SETTINGS=$ONE
LISTED=("# a comment" "$SRV4B, 192.0.2.0/24" "2001:db8:2::/64")
set_file "$DIR/listed" "${LISTED[@]}"
topology_up
dut_start
beat_start fw
capture_start
echo_server up 7
echo_server up 8
echo_server up 53
echo_server far 7

while read -r who proto addr port want what; do
	is "$what" "$(say "$who" "$proto" "$addr" "$port" 3)" "$want"
done <<-WAYS
	c1 tcp $SRV4B 7 EHOSTUNREACH a set in its profile is refused to c1, and it is told
	c1 udp $SRV4B 7 EHOSTUNREACH ... by UDP too
	c1 tcp $FAR6 7 EACCES ... and its IPv6 networks
	c1 tcp $SRV4 7 answered what is not in the set is for its rules, which accept
	c1 tcp $FAR4 7 answered ... far away too
	c1 tcp $SRV6 7 answered ... and by IPv6
	c1 tcp $FAR4 8 EHOSTUNREACH a rule for a port refuses
	c1 tcp $SRV4 8 answered ... but not where one before it passes
	c2 tcp $SRV4B 7 answered who has another profile reaches the set
	c2 tcp $FAR6 7 answered ... by IPv6 too
	c2 udp 192.168.7.7 7 EHOSTUNREACH the profile of all keeps it from what is near
	c2 udp fd77::7 7 EACCES ... by IPv6
	c2 udp 2002:c0a8:0707::7 7 EACCES ... and by 6to4
	c2 udp $VIRT 53 answered ... but not from the name server that it is told to ask
	c2 udp $VIRT 54 EHOSTUNREACH ... at another port it is near, and refused
	c3 tcp $SRV4B 7 answered a client may be without one
WAYS

RULE[2]=action=drop
rules_write 2
closed() { ! say c2 tcp $SRV4 7 0.3; }
yes 'what a profile lets pass is still for the rules to refuse' wait_for 15 closed
RULE[2]=action=accept
rules_write 2
capture_stop
capture_judge
is 'nothing that was refused went outside' "$(tshark_on "$DIR/up.pcap" \
	"ip.dst == 192.168.0.0/16 || ip.dst == $VIRT || ipv6.dst == fc00::/7 || ipv6.dst == 2002::/16")" ''

# ---- people ask -------------------------------------------------------------

is 'explain names the rule of the profile' \
	"$(quiet fw $CTL explain "${C4[1]}" $SRV4B tcp 7)" \
	'*REFUSED*by rule 1 of the profile narrow (action=drop dst=listed)*'
is '... and the own one that decides where it lets pass' \
	"$(quiet fw $CTL explain "${C4[1]}" $SRV4 tcp 7)" '*ACCEPTED by rule 0000*'
is 'rules show the profile before a client'"'"'s own' \
	"$(quiet fw $CTL rules "${C4[1]}")" \
	'*profile narrow: asked first*1  action=drop dst=listed*2  action=pass*3  action=drop proto=tcp*action=accept*'
is 'status counts profiles, sets and ranges' "$(quiet fw $CTL status)" \
	'*profiles 2, with 2 sets of * ranges in * KiB*'
is 'what a profile refused has its own reason' "$(quiet fw $CTL drops)" '*profile *'
is '... also in what was blocked lately' "$(quiet fw $CTL blocked "${C4[1]}")" \
	"*$SRV4B*profile*"

# ---- what is wrong changes nothing ------------------------------------------

set_file "$DIR/listed" 10.0.0.0/8 'nonsense'
no 'a set that can not be read is refused' settings "$ONE"
is '... with file, line and column' "$(cat "$DIR/last")" \
	"*$DIR/listed:2:1: set listed: an address*"
is '... and check says the same' "$(quiet fw $CTL check "$CONF" 2>&1)" \
	"*$DIR/listed:2:1: set listed: an address*"
set_file "$DIR/listed" "${LISTED[@]}"
no 'so is a rule with a set that is not there' settings "$ONE; action=drop dst=unknown"
is '... which is named' "$(cat "$DIR/last")" "*there is no set 'unknown'*"
no 'and a client with a profile that is not there' settings "$ONE
profile.use = ${C4[2]} unknown"
is '... which is named' "$(cat "$DIR/last")" "*there is no profile 'unknown'*"
is 'all the while the old set is in force' "$(say c1 tcp $SRV4B 7 1)" EHOSTUNREACH
is '... and nothing else' "$(say c1 tcp $SRV4 7 1)" answered

# ---- a set changes under connections ----------------------------------------

spawn c1 goes.end $PEER talk tcp $FAR4 7 "$DIR/goes.talk" 50
spawn c1 stays.end $PEER talk tcp $SRV4 7 "$DIR/stays.talk" 50
spawn c2 other.end $PEER talk tcp $FAR4 7 "$DIR/other.talk" 50
for f in goes stays other; do
	yes "the connection $f is there" wait_for 15 grep -q ' 5$' "$DIR/$f.talk"
done
set_file "$DIR/listed" $FAR4
yes 'the set is read again' settings "$ONE"
T=$EPOCHREALTIME
for f in stays other; do
	n=$(tail -n 1 "$DIR/$f.talk" | cut -d' ' -f2)
	yes "the connection $f goes on" \
		wait_for 15 grep -q " $((n + 50))\$" "$DIR/$f.talk"
done
g=$(awk -v t="$T" '$1 > t { g = $1 - t } END { printf "%.3f", g }' "$DIR/goes.talk")
yes "the one to what the set has now ended within 100 ms ($g s)" \
	within "$g" 0.1 "$T" "$EPOCHREALTIME"
is 'what it had before is open' "$(say c1 tcp $SRV4B 7 1)" answered

# ---- never a packet that no settings allow ----------------------------------

# c3 sends to four addresses at once, all the time, a port each: UP4 is refused
# by old and new, SRV4B by the old, NEAR4 by the new, SRV4 by none.  In the old,
# a set of 100,000 prefixes of which these are some is in profile a, in the new
# another one is in b, whose c3 is by then; a says nothing any more.
many() { # PREFIX...: every other /24 of 11/8 to 14/8, and these
	awk 'BEGIN { for (i = 0; i < 100000; i++)
		printf "%d.%d.%d.0/24\n", 11 + int(i / 32768), int(i / 128) % 256, i % 128 * 2 }'
	printf '%s\n' "$@"
}
many $UP4 $SRV4B >"$DIR/many-old"
many $NEAR4 $UP4 >"$DIR/many-new"
OLD="set = many $DIR/many
profile.rule = a action=drop dst=many
profile.rule = b action=pass
profile.use = ${C4[3]} a"
NEW="set = many $DIR/many
profile.rule = a action=pass
profile.rule = b action=drop dst=many
profile.use = ${C4[3]} b"
# turn old|new: T is the time when that was in force
turn() {
	local text=$OLD
	[ "$1" = old ] || text=$NEW
	ln -sf "$DIR/many-$1" "$DIR/many"
	settings "$text" || fail "settings are read: $(cat "$DIR/last")"
	T=$EPOCHREALTIME
}
turn old
note "$(quiet fw $CTL status | grep '^profiles')"
spawn up hear.log $PEER hear "$DIR/heard" 666 15001 16001 17001
wait_for 15 listening up udp 17001
SPRAYS=()
while read -r addr port; do
	spawn c3 "spray-$port.log" $PEER spray "$addr" 200 120 "$port"
	SPRAYS+=("$SPAWNED")
done <<-TO
	$UP4 666
	$SRV4B 15001
	$NEAR4 16001
	$SRV4 17001
TO
# heard PORT FROM TO: how many came in that time
heard() {
	awk -v p="$1" -v a="$2" -v b="$3" '$2 == p && $1 > a && $1 <= b { n++ } END { print n + 0 }' "$DIR/heard"
}
flows() { [ "$(heard 17001 0 9999999999)" -gt 20 ]; }
yes 'c3 is heard' wait_for 15 flows
sleep 0.5
A=$EPOCHREALTIME
sleep 1
B=$EPOCHREALTIME
is 'under the old ones 666 and 15001 do not pass' "$(heard 666 "$A" "$B") $(heard 15001 "$A" "$B")" '0 0'
yes '... and 16001 and 17001 do' test "$(heard 16001 "$A" "$B")" -gt 50 -a "$(heard 17001 "$A" "$B")" -gt 50

START=$EPOCHREALTIME
slowest=0
# bound PORT: what came in on it after the change at $T came in soon
bound() {
	local g
	g=$(awk -v p="$1" -v t="$T" '$2 == p && $1 > t { g = $1 - t } END { printf "%.3f", g }' "$DIR/heard")
	within "$g" 0.1 "$T" "$EPOCHREALTIME" || slow="$slow $g"
	slowest=$(awk -v a="$slowest" -v b="$g" 'BEGIN { print (a > b) ? a : b }')
}
slow=''
for _ in $(seq 8); do
	turn new
	sleep 0.4
	bound 16001
	turn old
	sleep 0.4
	bound 15001
done
B=$EPOCHREALTIME
is "16 changes bound within 100 ms each (the slowest took $slowest s)" "$slow" ''
is 'what both refuse never passed' "$(heard 666 "$START" "$B")" 0
yes 'what one refuses passed under the other' test "$(heard 15001 "$START" "$B")" -gt 50
g=$(awk -v a="$START" -v b="$B" '$2 == 17001 && $1 > a && $1 < b { if (p && $1 - p > g) g = $1 - p; p = $1 } END { printf "%.3f", g }' "$DIR/heard")
yes "what both allow never stopped (longest silence $g s)" \
	within "$g" 0.25 "$START" "$B"

# ---- the process with the packets dies --------------------------------------

data_pid() { pgrep -P "$DAEMON" -f -- '--role=data'; }
DATA=$(data_pid)
A=$EPOCHREALTIME
kill -9 "$DATA"
back() { [ "$(heard 17001 "$A" 9999999999)" -gt 200 ]; }
yes 'service is back after the data process was killed' wait_for 10 back
B=$EPOCHREALTIME
is '... and what the profile refuses never passed' "$(heard 666 "$A" "$B") $(heard 15001 "$A" "$B")" '0 0'

for p in "${SPRAYS[@]}"; do reap "$p"; done
reap "$DAEMON"
is 'it ends with 0' $? 0
finish
