#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The network domain is one of our clients (xen.netvm), as one that has no
# backend of its own: everybody's way out is its netfront.
# PORTS: vif
export NETVM=client
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ] || [ "$LINKS" != vif ]; then
	echo 'this test is about the daemon over vifs only (PORTS=vif)' >&2
	exit 2
fi
# shellcheck disable=SC2034
OUTPORT='' # it is not given a frontend
OUTMAC=fe:ff:ff:ff:ff:ff
settings_of() { echo "xen.netvm = $UP4"; }

topology_up
dut_start
capture_start
echo_server up 7
echo_server far 7
for a in $SRV4 $SRV6 $FAR4 $FAR6; do
	yes "c1 talks TCP to $a" say c1 tcp $a 7
	yes "c2 talks UDP to $a, in fragments" say c2 udp $a 7 3 5000
done
is 'the server saw the outside addresses only' \
	"$(cut -d' ' -f3 "$DIR/heard-up-7" | sort -u | xargs)" "2001:db8:1::1 ::ffff:$OUT4"
spawn up take.log $PEER take 9000
wait_for 15 listening up tcp 9000
sent=$(quiet c3 $PEER put $SRV4 9000 10000000)
wait_for 15 test -s "$DIR/take.log"
is 'an upload is whole' "$sent" "$(cat "$DIR/take.log")"
is 'up knows us by the address of a backend' "$(neighbour up $OUT4)" $OUTMAC

# ---- it is the outside, not a client -------------------------------------------
no 'up reaches no client by its inside address' say up udp "${C4[1]}" 7 1
is 'nor is it answered at the outside one' "$(say up tcp $OUT4 7 1)" silence
no 'no client has its name' grep -q "vif$UPDOM.0" <<<"$(quiet fw $CTL clients)"
no 'no client may lie that it is up' quiet c1 ping -I $UP4 -c 1 -W 1 $SRV4
capture_stop
capture_judge

# ---- it dies, and another takes its place ------------------------------------------
spawn c1 talk.end $PEER talk tcp $SRV4 7 "$DIR/talk" 20
wait_for 15 test -s "$DIR/talk"
yes 'up is killed, and cleaned up after' netvm_kill
no 'nobody reaches the server now' say c1 udp $SRV4 7 1
yes 'the gateway answers all the same' quiet c1 ping -c 1 -W 2 $GW4
UPDOM=5 # no start of a domain has the number of another
yes 'up boots again, under another number' netvm_boot
yes 'c1 reaches the server again' wait_for 10 say c1 udp $SRV4 7
yes '... over IPv6' wait_for 10 say c1 udp $SRV6 7
n=$(wc -l <"$DIR/talk")
more() { [ "$(wc -l <"$DIR/talk")" -gt $((n + 5)) ]; }
yes '... and goes on talking on the same connection' wait_for 20 more
no 'up is not a client now' grep -q "vif$UPDOM.0" <<<"$(quiet fw $CTL clients)"

# ---- a second vif of it ------------------------------------------------------------
yes 'dom0 gives up a second vif' sim attach $UPDOM/1 --backend=$FWDOM --mac=00:16:3e:5e:6c:77 --ip=$UP4
yes '... which is said to be one too many' wait_for 15 grep -q "vif$UPDOM.1: .*waits until" "$DIR/vifwalld.log"
yes '... and changes nothing' say c1 udp $SRV4 7
reap "$DAEMON"
is 'the daemon ends with 0' $? 0
finish
