#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The plain NAT of contrib/examples/simple-nat, as its first lines say to start
# it: a private network of hosts behind one public address.
#
# Over wires only: behind a vif there is one domain, never a network.
#
#   c1 192.168.7.11 ---.
#                       c3 (a switch) ---- in1 fw out0 ---- up
#   c2 192.168.7.12 ---'
. "$(dirname "$0")/lib.sh"

[ "$DUT" = vifwall ] || {
	echo 'this test is about the example only' >&2
	exit 2
}
EXAMPLE=$ROOT/contrib/examples/simple-nat/vifwall.conf
GATEWAY=192.168.7.1
HOST=(none 192.168.7.11 192.168.7.12)

PORTS=(none none none none)
topology_up
wire c3 trunk 00:16:3e:5e:6c:d0 fw in1 00:16:3e:5e:6c:d1
ip -n "$NS-c3" link add br0 type bridge
for i in 1 2; do
	wire c3 to$i 00:16:3e:5e:6c:d$((i + 1)) c$i eth0 "$(cmac $i)"
	ip -n "$NS-c3" link set to$i master br0 up
	ip -n "$NS-c$i" addr add "${HOST[i]}/24" dev eth0
	ip -n "$NS-c$i" link set eth0 up
	ip -n "$NS-c$i" route add default via $GATEWAY
done
ip -n "$NS-c3" link set trunk master br0 up
ip -n "$NS-c3" link set br0 up
quiet fw sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 \
	net.ipv6.conf.all.disable_ipv6=1
ip -n "$NS-fw" link set in1 up
ip -n "$NS-fw" link set out0 up
mkdir -p "$RUN"

spawn fw vifwalld.log "$ROOT/build/vifwalld" -c "$EXAMPLE" \
	--uplink.port=packet:out0 --uplink.ip=$OUT4/24 --uplink.gateway=$UP4 \
	--client.private.port=packet:in1 --client.private.net=192.168.7.0/24 \
	--control.socket="$RUN/ctl.sock" --run-dir="$RUN"
DAEMON=$SPAWNED
wait_for 10 grep -q ' ready' "$DIR/vifwalld.log" || {
	cat "$DIR/vifwalld.log"
	fail 'the example starts'
	finish
}
for n in c1 c2 up; do
	spawn $n "tcpdump-$n.log" tcpdump -Z root -U -i eth0 -Q in -s 0 -w "$DIR/$n.pcap"
	TAPS+=("$SPAWNED")
	wait_for 10 grep -q listening "$DIR/tcpdump-$n.log"
done
echo_server up 7
echo_server far 7
echo_server c2 7
web_server up
head -c 5000000 /dev/urandom >"$DIR/www/file"

for i in 1 2; do
	yes "host $i pings the gateway" quiet c$i ping -c 1 -W 2 $GATEWAY
	yes "host $i pings a server" quiet c$i ping -c 1 -W 2 $SRV4
	yes "host $i talks TCP" say c$i tcp $SRV4 7
	yes "host $i talks UDP, in fragments" say c$i udp $SRV4 7 3 5000
	yes "host $i talks through the small MTU" say c$i tcp $FAR4 7 3 20000
	is "host $i downloads a file, all right" \
		"$(quiet c$i curl -sS -m 30 http://$SRV4/file | sha256sum | cut -d' ' -f1)" \
		"$(sha256sum <"$DIR/www/file" | cut -d' ' -f1)"
done
is 'the server saw one address' \
	"$(cut -d' ' -f3 "$DIR/heard-up-7" | sort -u)" "::ffff:$OUT4"
yes 'the hosts reach each other by their own network' say c1 tcp "${HOST[2]}" 7
no 'nobody outside reaches a host by its address' say up tcp "${HOST[2]}" 7 1
is 'nobody outside is answered at ours' "$(say up tcp $OUT4 7 1)" silence
no 'a host does not come back in by our outside address' say c1 tcp $OUT4 7 1

# A host that calls itself by an address of another network.
ip -n "$NS-c1" addr add 10.9.9.9/32 dev lo
no 'an address that is not of the network gets nothing through' \
	quiet c1 ping -I 10.9.9.9 -c 1 -W 1 $SRV4
is '... and is shown as blocked' "$(quiet fw $CTL blocked)" '*private*spoof-client*'
is 'flows are listed with their hosts' "$(quiet fw $CTL flows)" "*${HOST[1]}:*${HOST[2]}:*"

capture_stop
is 'no packet with the other address came out' \
	"$(tshark_on "$DIR/up.pcap" 'ip.addr==10.9.9.9 || ip.addr==192.168.7.0/24')" ''
capture_judge c1 c2 up
reap "$DAEMON"
is 'it ends with 0' $? 0
finish
