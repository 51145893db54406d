#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clients meet at our outside address, as programs do that were told of each
# other by a server outside: only with hairpin = yes, only who may reach each
# other, only as long as their rules accept it.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

[ "$DUT" = vifwall ] || {
	echo 'this test is about a setting of vifwall only' >&2
	exit 2
}
HAIRPIN=no
settings_of() {
	echo "hairpin = $HAIRPIN"
	echo "allow = ${CNAME[1]} -> ${CNAME[2]}"
	echo "allow = ${CNAME[2]} -> ${CNAME[1]}"
}

# two WHO WHO udp|tcp ADDRESS: what they say, one after the other.
two() {
	local other
	spawn "$2" other.log $PEER meet "$3" "$4" 9000 3 >/dev/null
	other=$SPAWNED
	quiet "$1" $PEER meet "$3" "$4" 9000 3
	wait "$other"
	cat "$DIR/other.log"
}

topology_up
spawn up match.log $PEER match 9000
wait_for 10 listening up tcp 9000
dut_start
capture_start

is 'without the setting nobody meets' \
	"$(two c1 c2 udp $SRV4)" $'silence\nsilence'

reap "$DAEMON"
HAIRPIN=yes
conf_write
vifwalld_start
for addr in $SRV4 $SRV6; do
	[ $addr = $SRV4 ] && out=$OUT4 || out=$OUT6
	for proto in udp tcp; do
		is "two clients meet at $out by $proto" \
			"$(two c1 c2 $proto $addr)" "met $out"$'\n'"met $out"
	done
done
is 'no client meets one that it may not reach' \
	"$(two c1 c3 udp $SRV4)" $'silence\nsilence'
is '... nor by TCP' "$(two c3 c2 tcp $SRV4)" $'silence\nsilence'
is '... and is shown as lost for that' "$(quiet fw $CTL drops)" '*hairpin*'

rules_of() {
	[ "$1 $2" != "2 ${C4[2]}" ] || echo "action=drop dst4=${C4[1]}/32"
	echo 'action=accept'
}
rules_write 2
sleep 0.3
is 'a rule of one against the other ends it' \
	"$(two c1 c2 udp $SRV4)" $'silence\nsilence'
is '... in that family' "$(two c1 c2 udp $SRV6)" "met $OUT6"$'\n'"met $OUT6"

capture_stop
is 'what they said to each other did not go outside' \
	"$(tshark_on "$DIR/up.pcap" 'frame contains "hello"')" ''
is '... and it came to them from our outside address' \
	"$(tshark_on "$DIR/c2.pcap" 'frame contains "hello" && ip && !icmp' -T fields -e ip.src | sort -u)" $OUT4
capture_judge
reap "$DAEMON"
is 'it ends with 0' $? 0
finish
