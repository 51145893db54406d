#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PORTS: tap vif
# Openings: from outside to a client, from a client to another, and to one by
# our outside address; who may not; what ends when one is removed, and what does
# not.  With DUT=kernel the same openings stand in nftables, and everything up
# to there must be answered alike.
. "$(dirname "$0")/lib.sh"

WEB="in=uplink proto=tcp dport=443 to=${C4[1]}:8443 clients=yes"
OTHERS=(
	"in=uplink proto=tcp dport=443 to=[${C6[1]}]:8443 clients=yes"
	"in=uplink dport=5000-5009 src=$UP4 to=${C4[2]}:6000"
	"in=uplink proto=udp dport=53 to=[${C6[2]}]"
	"in=uplink proto=tcp dport=99 to=10.137.0.99"
	"from=${C4[1]} to=${C4[2]} proto=tcp dport=6001"
	"from=${C6[1]} to=${C6[2]} proto=tcp dport=6001"
)
settings_of() {
	local o
	for o in ${WEB:+"$WEB"} "${OTHERS[@]}"; do echo "forward = $o"; done
}

# The same as an administrator would write it for the kernel.
kernel_openings() {
	ip netns exec "$NS-fw" nft -f - <<-NFT
		insert rule inet vw forward ct status dnat accept
		insert rule inet vw forward ip saddr ${C4[1]} ip daddr ${C4[2]} tcp dport 6001 accept
		insert rule inet vw forward ip6 saddr ${C6[1]} ip6 daddr ${C6[2]} tcp dport 6001 accept
		add chain ip vw4 pre { type nat hook prerouting priority dstnat; }
		add rule ip vw4 pre ip daddr $OUT4 tcp dport 443 dnat to ${C4[1]}:8443
		add rule ip vw4 pre iifname out0 ip saddr $UP4 meta l4proto { tcp, udp } th dport 5000 dnat to ${C4[2]}:6000
		add rule ip vw4 pre iifname out0 ip saddr $UP4 meta l4proto { tcp, udp } th dport 5001 dnat to ${C4[2]}:6001
		add rule ip vw4 pre iifname out0 tcp dport 99 dnat to 10.137.0.99
		add rule ip vw4 post ct status dnat iifname "in*" oifname "in*" snat to $OUT4
		add chain ip6 vw6 pre { type nat hook prerouting priority dstnat; }
		add rule ip6 vw6 pre ip6 daddr $OUT6 tcp dport 443 dnat to [${C6[1]}]:8443
		add rule ip6 vw6 pre iifname out0 udp dport 53 dnat to ${C6[2]}
		add rule ip6 vw6 post ct status dnat iifname "in*" oifname "in*" snat to $OUT6
	NFT
}

heard() { cut -d' ' -f2,3 "$DIR/heard-$1-$2" | sort -u | paste -sd' '; }

topology_up
dut_start
[ "$DUT" = vifwall ] || yes 'the kernel takes the same openings' kernel_openings
capture_start
echo_server c1 8443
echo_server c2 6000
echo_server c2 6001
echo_server c2 53
echo_server c3 443
echo_server up 7000

# WHO PROTOCOL ADDRESS PORT: who may, and where it leads
while read -r who proto addr port what; do
	is "$what" "$(say "$who" "$proto" "$addr" "$port" 2)" answered
done <<-WAYS
	up tcp $OUT4 443 from outside to a port that leads to c1
	far tcp $OUT4 443 ... also from far away
	up tcp $OUT6 443 ... and by IPv6
	far tcp $OUT6 443 ... from far away
	up udp $OUT4 5000 the first of a range of ports, to c2
	up tcp $OUT4 5001 the second of them, by TCP
	far udp $OUT6 53 UDP by IPv6 to c2
	c2 tcp $OUT4 443 a client by our outside address
	c2 tcp $OUT6 443 ... and by IPv6
	c1 tcp $OUT4 443 ... even the one that it leads to
	c1 tcp ${C4[2]} 6001 a client straight to another
	c1 tcp ${C6[2]} 6001 ... and by IPv6
WAYS
is 'c1 saw who came from outside as they are, and clients as us' \
	"$(heard c1 8443)" \
	"tcp $OUT6 tcp $UP6 tcp $FAR6 tcp ::ffff:$OUT4 tcp ::ffff:$UP4 tcp ::ffff:$FAR4"
is 'c2 saw c1 as it is' "$(heard c2 6001)" \
	"tcp ::ffff:${C4[1]} tcp ::ffff:$UP4 tcp ${C6[1]}"

while read -r who proto addr port what; do
	no "$what" say "$who" "$proto" "$addr" "$port" 1
done <<-CLOSED
	up tcp $OUT4 444 a port beside it is closed
	up udp $OUT4 443 so is the port of another protocol
	far udp $OUT4 5000 nobody else reaches what is for one alone
	up udp $OUT4 4999 the port below a range is closed
	up udp $OUT4 5010 so is the one above
	up tcp $OUT4 99 nobody is behind an opening that waits
	c3 udp $OUT4 5000 a client does not reach what is for the outside
	c2 tcp ${C4[1]} 8443 what leads to c1 does not open its own address
	c3 tcp ${C4[2]} 6001 a client reaches no other if not asked for
	c2 tcp ${C4[1]} 6001 ... nor the other way
	c1 tcp ${C4[2]} 6000 ... nor at another port
	c1 udp ${C4[2]} 6001 ... nor by another protocol
CLOSED
capture_stop
is 'nothing of c1 to c2 went outside' \
	"$(tshark_on "$DIR/up.pcap" "ip.addr == ${C4[1]} || ip.addr == ${C4[2]} || ipv6.addr == ${C6[1]} || ipv6.addr == ${C6[2]}")" ''
[ "$DUT" = vifwall ] || finish
capture_judge

# ---- people ask -------------------------------------------------------------

is 'forwards lists them' "$(quiet fw $CTL forwards)" '*line *open *in=uplink proto=tcp dport=443*'
is '... with the one that waits' "$(quiet fw $CTL forwards)" '*waits for its client *dport=99*'
is 'status counts them' "$(quiet fw $CTL status)" '*openings 7*'
is 'explain names the one that lets it in' \
	"$(quiet fw $CTL explain uplink $OUT4 tcp 443 $FAR4)" \
	"*ACCEPTED by the opening line *dport=443*leaves by * to ${C4[1]}:8443*"
is '... and says that there is none' \
	"$(quiet fw $CTL explain uplink $OUT4 tcp 444 $FAR4)" '*REFUSED*no-flow*nothing*'
is '... or not for this one' \
	"$(quiet fw $CTL explain uplink $OUT4 udp 5000 $FAR4)" '*REFUSED*'
is '... also between clients' \
	"$(quiet fw $CTL explain "${C4[1]}" "${C4[2]}" tcp 6001)" \
	'*ACCEPTED by rule 0000*by the opening line *from=*leaves by *'

# ---- a change binds at once, and cuts nothing else --------------------------

spawn up cut.log $PEER talk tcp $OUT4 443 "$DIR/cut.talk" 20 30
spawn far six.log $PEER talk tcp $OUT6 443 "$DIR/six.talk" 20 30
spawn c1 across.log $PEER talk tcp "${C4[2]}" 6001 "$DIR/across.talk" 20 30
spawn c3 out.log $PEER talk tcp $SRV4 7000 "$DIR/out.talk" 20 30
for f in cut six across out; do
	yes "the connection $f is there" wait_for 15 grep -q ' 5$' "$DIR/$f.talk"
done
is 'flows name the opening' "$(quiet fw $CTL flows)" '*uplink *tcp *:443 *line *'
WEB=
conf_write
yes 'the settings are read again' quiet fw $CTL reload
yes 'the connection by the opening that is gone ends' \
	wait_for 15 grep -q ECONNRESET "$DIR/cut.log"
for f in six across out; do
	n=$(tail -n 1 "$DIR/$f.talk" | cut -d' ' -f2)
	yes "the connection $f goes on" \
		wait_for 15 grep -q " $((n + 20))\$" "$DIR/$f.talk"
done
no 'nobody comes in by it any more' say up tcp $OUT4 443 1
is '... but by the other family' "$(say up tcp $OUT6 443)" answered

# ---- the process with the packets dies --------------------------------------

DATA=$(pgrep -P "$DAEMON" -f -- '--role=data')
yes 'there is a data process to kill' [ -n "$DATA" ]
kill -9 "$DATA"
n=$(tail -n 1 "$DIR/six.talk" | cut -d' ' -f2)
yes 'what came in by an opening goes on when it dies' \
	wait_for 10 grep -q " $((n + 40))\$" "$DIR/six.talk"
no '... and what was closed stays closed' say up tcp $OUT4 443 1


OTHERS+=('in=uplink proto=tcp dport=0 to=10.0.0.1')
conf_write
no 'an opening that is none is refused' quiet fw $CTL reload
is '... with file, line and column' "$(cat "$DIR/last")" \
	"*vifwall.conf:*:*: forward: dport is a port or low-high, 1 to 65535*"
is '... and check says the same' "$(quiet fw $CTL check "$CONF" 2>&1)" \
	'*vifwall.conf:*:*: forward: dport is*'

reap "$DAEMON"
is 'it ends with 0' $? 0
finish
