#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Three clients and an uplink: everything that ordinary hosts do through the
# firewall, with their own stacks, in both families.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

topology_up
dut_start
capture_start
echo_server up 7
echo_server far 7
web_server up
head -c 20000000 /dev/urandom >"$DIR/www/big"
head -c 3000000 /dev/urandom >"$DIR/www/small"
spawn far web-far.log $PY -m http.server 80 --bind :: --directory "$DIR/www"
wait_for 10 listening far tcp 80

sum() { sha256sum <"$1" | cut -d' ' -f1; }
fetch() { # WHO URL: the SHA-256 of what came
	quiet "$1" curl -sS --max-time 60 "$2" | sha256sum | cut -d' ' -f1
}

for i in 1 2 3; do
	yes "c$i pings the server" quiet c$i ping -c 2 -i 0.2 -W 2 $SRV4
	yes "c$i pings the server over IPv6" quiet c$i ping -c 2 -i 0.2 -W 2 $SRV6
	for a in $SRV4 $FAR4 $SRV6 $FAR6; do
		yes "c$i talks TCP to $a" say c$i tcp $a 7
		yes "c$i talks UDP to $a" say c$i udp $a 7
	done
done
is 'the server saw the outside addresses only' \
	"$(cut -d' ' -f3 "$DIR/heard-up-7" | sort -u | xargs)" \
	"2001:db8:1::1 ::ffff:$OUT4"

yes 'the gateway answers a ping' quiet c1 ping -c 1 -W 2 $GW4
yes 'the gateway answers a ping over IPv6' quiet c1 ping -c 1 -W 2 $GW6
is 'TTL 1 ends at the gateway, which says so' \
	"$(quiet c1 ping -c 1 -t 1 -W 2 $FAR4)" "*From $GW4*Time to live exceeded*"
is 'TTL 2 ends at the next hop, and its answer comes back' \
	"$(quiet c1 ping -c 1 -t 2 -W 2 $FAR4)" "*From $UP4*Time to live exceeded*"
is 'hop limit 1 ends at the gateway' \
	"$(quiet c1 ping -c 1 -t 1 -W 2 $FAR6)" "*From $GW6*Time exceeded*"
is 'hop limit 2 ends at the next hop' \
	"$(quiet c1 ping -c 1 -t 2 -W 2 $FAR6)" "*From $UP6*Time exceeded*"

is 'a packet too big for a later link is reported, with its MTU' \
	"$(quiet c1 ping -c 1 -W 2 -M 'do' -s 1400 $FAR4)" '*mtu = 1280*'
is 'the same over IPv6' \
	"$(quiet c1 ping -c 1 -W 2 -M 'do' -s 1400 $FAR6)" '*mtu=1280*'
yes 'a 3 MB download through the small MTU is whole' \
	test "$(fetch c1 http://$FAR4/small)" = "$(sum "$DIR/www/small")"
yes 'the same over IPv6' \
	test "$(fetch c1 "http://[$FAR6]/small")" = "$(sum "$DIR/www/small")"

yes 'pings in three fragments come back' quiet c2 ping -c 2 -i 0.2 -W 2 -M dont -s 4000 $SRV4
yes 'the same over IPv6' quiet c2 ping -c 2 -i 0.2 -W 2 -s 4000 $SRV6
for a in $SRV4 $FAR4 $SRV6 $FAR6; do
	yes "8000 bytes of UDP to $a, in fragments both ways" say c2 udp $a 7 3 8000
done
yes 'a datagram of the largest size' say c2 udp $SRV4 7 3 65000

yes 'a 20 MB download is whole' \
	test "$(fetch c1 http://$SRV4/big)" = "$(sum "$DIR/www/big")"
yes 'the same over IPv6' \
	test "$(fetch c2 "http://[$SRV6]/big")" = "$(sum "$DIR/www/big")"
spawn up take.log $PEER take 9000
wait_for 15 listening up tcp 9000
sent=$(quiet c3 $PEER put $SRV4 9000 20000000)
wait_for 15 test -s "$DIR/take.log"
is 'a 20 MB upload is whole' "$sent" "$(cat "$DIR/take.log")"

for i in 2 3; do
	is "c1 may not ping c$i, and is told" \
		"$(quiet c1 ping -c 1 -W 2 "${C4[$i]}")" '*Packet filtered*'
	is "the same over IPv6 (c$i)" \
		"$(quiet c1 ping -c 1 -W 2 "${C6[$i]}")" '*dministratively prohibited*'
done
echo_server c2 7
is 'c1 may not open TCP to c2, and is told' "$(say c1 tcp "${C4[2]}" 7)" 'EHOSTUNREACH'
no 'c1 may not send UDP to c2' say c1 udp "${C4[2]}" 7
no 'c1 may not reach c2 over IPv6' say c1 tcp "${C6[2]}" 7
no 'c1 reaches nobody by the outside address' say c1 udp $OUT4 7 1
no 'up reaches no client by its inside address' say up udp "${C4[2]}" 7 1
is 'nobody from outside is answered at the outside address' \
	"$(say up tcp $OUT4 7 1)" 'silence'
is 'not even c2 heard any of that' "$(cat "$DIR/heard-c2-7" 2>/dev/null)" ''

capture_stop
is 'no frame of c1 reached c2' \
	"$(tshark_on "$DIR/c2.pcap" "ip.addr==${C4[1]} || ipv6.addr==${C6[1]} || eth.addr==$(cmac 1)" | head -n 3)" ''
capture_judge
finish
