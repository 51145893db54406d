#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All kinds of port, TAP, packet sockets and Xen's, with the offloads of a real
# stack on (large segments, checksums left to the device) and off.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

[ "$LINKS" = vif ] || PORTS=(none tap packet packet)
[ "$DUT" = vifwall ] || [ "$LINKS" = vif ] || PORTS=(none packet packet packet)

sum() { sha256sum <"$1" | cut -d' ' -f1; }
fetch() { quiet "$1" curl -sS --max-time 60 "$2" | sha256sum | cut -d' ' -f1; }
# How many frames longer than the MTU did the server's side get in?
large() { tshark_on "$DIR/up.pcap" 'frame.len > 1514' | wc -l; }

whole_house() {
	local c fam host sent
	topology_up
	dut_start
	capture_start
	echo_server up 7
	web_server up
	head -c $1 /dev/urandom >"$DIR/www/big"
	for c in c1 c2 c3; do
		for fam in 4 6; do
			host=SRV$fam
			yes "$c talks TCP (IPv$fam)" say $c tcp ${!host} 7
			yes "$c talks UDP (IPv$fam)" say $c udp ${!host} 7
			yes "$c sends UDP in fragments (IPv$fam)" say $c udp ${!host} 7 3 9000
			yes "$c pings (IPv$fam)" quiet $c ping -c 1 -W 2 ${!host}
		done
		yes "$c downloads $1 bytes, all right" \
			test "$(fetch $c http://$SRV4/big)" = "$(sum "$DIR/www/big")"
		yes "$c downloads them over IPv6" \
			test "$(fetch $c "http://[$SRV6]/big")" = "$(sum "$DIR/www/big")"
		for fam in 4 6; do
			host=SRV$fam
			spawn up take.log $PEER take 9000
			wait_for 15 listening up tcp 9000
			sent=$(quiet $c $PEER put ${!host} 9000 $1)
			wait_for 15 test -s "$DIR/take.log"
			is "$c uploads $1 bytes, all right (IPv$fam)" "$sent" "$(cat "$DIR/take.log")"
		done
	done
	capture_stop
}

# A vif is never one that takes no aggregates: both its ends say so.
if [ "$LINKS" != vif ]; then
	note 'offloads off: every frame fits a wire, with its own checksums'
	OFFLOAD=off
	whole_house 5000000
	is 'no frame is longer than the MTU' "$(large)" 0
	capture_judge c2 c3 up
	# A TAP device takes aggregates at any time.
	LEFT=large
	capture_judge c1
	[ "$DUT" = kernel ] || reap "$DAEMON"
	topology_down
fi

note 'offloads on: large segments go through in one piece'
OFFLOAD=on
NS=${NS}o
whole_house 50000000
capture_judge
n=$(large)
yes "large frames reached the server's side ($n)" test "$n" -gt 100
echo_server c2 7
no 'c1 may not reach c2' say c1 udp "${C4[2]}" 7

# A wire is cut and nothing else is.
if [ "$DUT" = vifwall ] && [ "$LINKS" = tap ]; then
	ip -n "$NS-fw" link del in3
	yes 'with the interface of c3 gone, c1 goes on' say c1 tcp $SRV4 7
	yes '... and c2' say c2 tcp $SRV4 7
	reap "$DAEMON"
	is 'the daemon ends with 0' $? 0
	no 'its TAP device is gone' ip -n "$NS-c1" link show eth0
fi
finish
