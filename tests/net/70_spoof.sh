#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Lies about who one is, from a client and from the uplink: addresses, MACs,
# ARP, neighbour discovery.  None of it arrives anywhere, nobody is answered,
# and honest traffic does not notice.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

topology_up
dut_start
capture_start
echo_server up 7
echo_server c2 7

for i in 1 2 3; do
	yes "c$i reaches the server" say c$i udp $SRV4 7
	yes "c$i reaches it over IPv6" say c$i udp $SRV6 7
done
yes 'up knows the firewall' quiet up ping -c 1 -W 1 $FAR4
GWMAC=$(neighbour c1 $GW4)
export GWMAC
before=$(for w in "c2 $GW4" "c2 $GW6" "c3 $GW4" "up $OUT4" "up $OUT6"; do
	# shellcheck disable=SC2086
	echo "$w $(neighbour ${w% *} ${w#* })"
done)
: >"$DIR/heard-up-7"

spawn c2 alive.log $PEER talk udp $SRV4 7 "$DIR/alive" 50
ALIVE=$SPAWNED
n=$(quiet c1 $PY "$ROOT/tests/net/forge.py" client 2>"$DIR/last") || cat "$DIR/last"
note "$n forged frames from c1"
m=$(quiet up $PY "$ROOT/tests/net/forge.py" uplink 2>"$DIR/last") || cat "$DIR/last"
note "$m forged frames from the uplink"
yes 'several hundred lies were told' test "$n" -gt 300 -a "$m" -gt 300
sleep 0.5
reap "$ALIVE"

capture_stop
for who in c1 c2 c3 up; do
	is "no forged byte reached $who" \
		"$(tshark_on "$DIR/$who.pcap" 'frame contains "SPOOF"' | head -n 5)" ''
done
is 'the honest frames of the same sender arrived' \
	"$(tshark_on "$DIR/up.pcap" 'frame contains "HONEST" && !icmp && !icmpv6' -T fields -e ip.src -e ipv6.src | xargs)" \
	"$OUT4 $OUT6"
is 'nobody heard of a router or redirect of the liar' \
	"$(for w in c2 c3 up; do tshark_on "$DIR/$w.pcap" 'icmpv6.type==134 || icmpv6.type==137 || icmp.type==5'; done)" ''
after=$(for w in "c2 $GW4" "c2 $GW6" "c3 $GW4" "up $OUT4" "up $OUT6"; do
	# shellcheck disable=SC2086
	echo "$w $(neighbour ${w% *} ${w#* })"
done)
is 'nobody believes another MAC address than before' "$after" "$before"
lost=$(awk '$1 !~ /^#/ { if (n && $2 != p + 1) l += $2 - p - 1; p = $2; n++ } END { print l + 0 }' "$DIR/alive")
is 'c2 lost no datagram meanwhile' "$lost" 0
yes 'c1 still reaches the server' say c1 tcp $SRV4 7
yes 'c3 still reaches it over IPv6' say c3 tcp $SRV6 7
if [ "$DUT" = vifwall ]; then
	is 'the blocked list names the lies of c1' "$(quiet fw $CTL blocked)" "*${CNAME[1]}*spoof-client*"
	is '... and those of the uplink' "$(quiet fw $CTL blocked)" '*uplink*spoof-uplink*'
fi
capture_judge
finish
