#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What kind of NAT do strangers see?  coturn's server with two addresses, and
# three clients that were not written for us: turnutils_natdiscovery (RFC 5780),
# turnutils_stunclient and stun (RFC 3489).  The kind of NAT is not one of links,
# so over wires only.
#
# It takes as long as a mapping with the default times has to be seen to live and
# to end: five minutes, of waiting.
# BESIDE: the others
. "$(dirname "$0")/lib.sh"

topology_up
# A second address for the same client, to collide with itself.
ip -n "$NS-c1" addr add 10.137.0.21/32 dev eth0
if [ "$DUT" = kernel ]; then
	ip -n "$NS-fw" link set in1 up
	dut_start
	ip -n "$NS-fw" route add 10.137.0.21 dev in1
	quiet fw nft add element inet vw spoof4 '{ "in1" . 10.137.0.21 }'
else
	MORE[1]=' 10.137.0.21'
	dut_start
fi
capture_start

spawn up turnserver.log turnserver -n --no-cli --no-tls --no-dtls --no-auth \
	-L $SRV4 -L $SRV4B --listening-port=3478 --alt-listening-port=3479 \
	--log-file=stdout --simple-log --pidfile="$DIR/turn.pid" --userdb="$DIR/turndb"
stun_ready() { quiet up ss -Hlun "sport = :3479" | grep -q "$SRV4B"; }
wait_for 20 stun_ready || fail 'coturn listens'

# turnutils_natdiscovery exits 0 even when nothing answered: read what it says.
discover() { timeout -k 2 "${LIMIT:-40}" ip netns exec "$NS-c1" turnutils_natdiscovery "$@" </dev/null 2>&1; }

# Runs beside the rest: the mapping is used, left alone for the time, and asked
# for again from another socket.
discover_life() { LIMIT=$(($1 + 70)) discover -t -T "$1" -L "${C4[1]}" $SRV4 >"$DIR/life-$1"; }
[ "$DUT" = kernel ] && times='60' || times='110 310'
lives=()
for t in $times; do
	discover_life "$t" &
	lives+=($!)
done

out=$(discover -m -L "${C4[1]}" $SRV4)
is 'mapping: endpoint independent' "$out" '*NAT with Endpoint Independent Mapping!*'
is 'no ALG: the payload is not touched' "$out" '*No ALG*'
is 'filtering: by address and port' \
	"$(discover -f -L "${C4[1]}" $SRV4)" '*NAT with Address and Port Dependent Filtering!*'
out=$(discover -m -f -P -L "${C4[1]}" $SRV4)
is 'both again with padding, in fragments' "$out" \
	'*NAT with Endpoint Independent Mapping!*NAT with Address and Port Dependent Filtering!*'
is 'no hairpin' "$(discover -H -L "${C4[1]}" $SRV4)" '*receive timeout*'

out=$(discover -c -L "${C4[1]}" -l 40000 -A 10.137.0.21 $SRV4)
ports=$(sed -n 's/.*reflexive addr: .*:\([0-9]*\)$/\1/p' <<<"$out" | sort -u | wc -l)
is 'two inside addresses with one port get two outside ports' "$ports" 2

out=$(timeout -k 2 60 ip netns exec "$NS-c1" stun $SRV4 -p 41000 </dev/null 2>&1)
if [ "$DUT" = kernel ]; then
	is 'stun: the kernel keeps ports' "$out" \
		'*Independent Mapping, Port Dependent Filter, preserves ports, no hairpin*'
else
	is 'stun: independent mapping, port dependent filter, random port, no hairpin' \
		"$out" '*Independent Mapping, Port Dependent Filter, random port, no hairpin*'
fi

wait "${lives[@]}"
tail -n 6 "$DIR/life-${times%% *}"
if [ "$DUT" = kernel ]; then
	is 'the kernel forgets a UDP mapping within 60 s' "$(cat "$DIR/life-60")" '*receive timeout*'
else
	is 'a UDP mapping lives for 110 s' "$(cat "$DIR/life-110")" '*response 2*'
	no '... and does so without a time-out' grep -q 'receive timeout' "$DIR/life-110"
	is 'after 310 s it is gone' "$(cat "$DIR/life-310")" '*receive timeout*'
fi
capture_stop
capture_judge
finish
