#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Name servers: virtual ones lead to the real ones or nowhere, we ask by the
# uplink, and what a client is told about a name in its rules counts for it.
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

[ "$DUT" = vifwall ] || {
	echo 'this test is about rules with names' >&2
	exit 2
}
VIRT1=10.139.1.1
VIRT2=10.139.1.2
DNS="dns = $SRV4"
settings_of() {
	cat <<-CONF
		$DNS
		dns.virtual = $VIRT1 $VIRT2
		names.through = uplink
	CONF
}
. "$(dirname "$0")/named.sh"
# ask WHO SERVER [OPTION]: the addresses of www.test
ask() {
	quiet "$1" dig +short +time=1 +tries=1 "${@:3}" "@$2" www.test A 2>&1
}

topology_up
RULE[1]=$(printf '%s\n' 'action=accept specialtarget=dns' \
	'action=accept dsthost=www.test proto=tcp')
RULE[2]=${RULE[1]}
hosts "$SRV4B www.test"
named_start up $SRV4 600 || fail 'dnsmasq runs'
dut_start
echo_server up 7
echo_server far 7
spawn up tcpdump-leak.log tcpdump -Z root -U -n -i eth0 -w "$DIR/leak.pcap" \
	"host $VIRT1 or host $VIRT2"
LEAK=$SPAWNED
wait_for 10 grep -q listening "$DIR/tcpdump-leak.log" || fail 'tcpdump runs'

# ---- we ask by the uplink -------------------------------------------------------
yes 'a name is resolved by the uplink' wait_for 10 may c1 $SRV4B
no '... and opens nothing else' may c1 $FAR4
yes 'vifwallctl dns shows it' grep -q "www.test.*$SRV4B.*query" \
	<(quiet fw $CTL dns ${C4[1]})

# ---- virtual name servers ----------------------------------------------------------
is 'the first virtual name server answers' "$(ask c1 $VIRT1)" $SRV4B
is '... the second, with one real one, too' "$(ask c1 $VIRT2)" $SRV4B
is '... by TCP as well' "$(ask c1 $VIRT1 +tcp)" $SRV4B
is 'who may not ask is refused' "$(ask c3 $VIRT1)" '*no servers could be reached*'
yes 'what refused it is the policy' grep -q "$VIRT1" <(quiet fw $CTL blocked ${C4[3]})

# ---- what a client is told --------------------------------------------------------
hosts "$FAR4 www.test"
no 'a new address is not open before somebody was told of it' may c1 $FAR4
is 'the client is told, and connects at once' "$(quiet c1 "$PY" "$ROOT/tests/net/dns_then.py" $VIRT1 $FAR4 7)" connected
yes '... and it is open for it' may c1 $FAR4
no '... but not for another with the same rule' may c2 $FAR4
yes 'the address before stays' may c1 $SRV4B
yes 'vifwallctl dns shows it to be that client'"'"'s' \
	grep -q "www.test.*$FAR4.*seen" <(quiet fw $CTL dns ${C4[1]})
no '... and not the other'"'"'s' grep -q "$FAR4" <(quiet fw $CTL dns ${C4[2]})

# ---- the machine sleeps ---------------------------------------------------------------
spawn c1 talk.end $PEER talk tcp $SRV4B 7 "$DIR/talk" 60
wait_for 15 test -s "$DIR/talk" || fail 'c1 talks'
mapfile -t all < <(pgrep -P "$DAEMON")
kill -STOP "$DAEMON" "${all[@]}"
sleep 11 # more than the loop's LOOP_STEP_MS
kill -CONT "$DAEMON" "${all[@]}"
yes 'after a sleep names are asked for anew' wait_for 15 may c2 $FAR4
lines=$(wc -l <"$DIR/talk")
# The simulated guests' drivers give up a backend that is silent for so long.
if [ "$LINKS" != vif ]; then
	goes_on() { [ "$(wc -l <"$DIR/talk")" -gt "$lines" ]; }
	yes '... and connections go on' wait_for 30 goes_on # when TCP asks again
fi

# ---- the data process dies ------------------------------------------------------------
kill -9 "$(pgrep -P "$DAEMON" -f -- --role=data)"
yes 'a new data process knows the name servers' \
	wait_for 10 eval "[ \"\$(ask c1 $VIRT2)\" = $FAR4 ]"
yes '... and the addresses' may c1 $FAR4

# ---- a name server that lies, and whose answers are too long -----------------------------
reap "$DNSMASQ"
spawn up odd.log "$PY" "$ROOT/tests/net/dns_odd.py" $SRV4 $SRV4B $FAR4
wait_for 10 listening up udp 53 || fail 'the odd name server runs'
commit 1 'action=accept specialtarget=dns' 'action=accept dsthost=forged.test'
yes 'the real answer is taken' wait_for 15 may c1 $SRV4B
no '... and forged ones are not' may c1 $FAR4
commit 1 'action=accept specialtarget=dns' 'action=accept dsthost=part.test'
yes 'of a truncated answer there is what fitted' wait_for 15 may c1 $SRV4B
no '... and TCP was not tried' may c1 $FAR4

# ---- no name server --------------------------------------------------------------------
DNS=
conf_write
yes 'settings are read again' quiet fw $CTL reload
no 'without a real name server none answers' grep -q "$FAR4" <(ask c1 $VIRT1)
yes '... and the reason is told' grep -q no-resolver <(quiet fw $CTL drops ${C4[1]})
reap "$LEAK" INT
is 'nothing went to a virtual address outside' \
	"$(tshark -n -r "$DIR/leak.pcap" 2>/dev/null)" ''
is 'the daemon has no complaint but of that death' \
	"$(grep -E ' (error|panic) ' "$DIR/vifwalld.log" | grep -vE 'data|signal')" ''
finish
