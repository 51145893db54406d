#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Host names in rules follow a real name server: addresses that come and go,
# aliases, names that are not there, servers that fail, are silent or lie.  Over
# wires only: who resolves them does not know what kind of link a client has, and
# what clients are told is seen over vifs by 76_dns.sh.
. "$(dirname "$0")/lib.sh"

[ "$DUT" = vifwall ] || {
	echo 'this test is about rules with names' >&2
	exit 2
}
NAMED=192.0.2.53 # on the firewall's own machine
ODD=192.0.2.54
SERVER=$NAMED
settings_of() {
	cat <<-CONF
		names.servers = $SERVER
		names.ttl-min = 1s
		names.grace = 4s
	CONF
}
. "$(dirname "$0")/named.sh"

topology_up
ip -n "$NS-fw" addr add $NAMED/32 dev lo
ip -n "$NS-fw" addr add $ODD/32 dev lo
RULE[1]=$(printf '%s\n' 'action=accept dsthost=www.test proto=tcp' \
	"action=accept dst4=$SRV4B/32 proto=tcp")
dut_start
echo_server up 7
echo_server far 7

# ---- unresolved, and then not ---------------------------------------------------
no 'a name that is not resolved opens nothing' may c1 $SRV4
yes '... and the other rules work' may c1 $SRV4B
hosts "$SRV4 www.test" "$SRV4 rr.test" "$FAR4 rr.test" "$SRV6 www.test"
named_start fw $NAMED 1 --cname=deep.test,alias.test \
	--cname=alias.test,www.test --log-queries ||
	fail 'dnsmasq runs'
yes 'its address is open once there is an answer' wait_for 15 may c1 $SRV4
yes '... in IPv6 as well' wait_for 15 may c1 $SRV6
no '... and no other' may c1 $FAR4

# ---- aliases, several addresses ---------------------------------------------------
commit 2 'action=accept dsthost=alias.test'
yes 'an alias leads to the address' wait_for 15 may c2 $SRV4
commit 2 'action=accept dsthost=deep.test'
yes '... and so does an alias of it' wait_for 15 may c2 $SRV4
commit 2 'action=accept dsthost=rr.test'
yes 'of several addresses each is open' wait_for 15 may c2 $SRV4
yes '... the second, too' may c2 $FAR4

# ---- addresses that change ----------------------------------------------------------
commit 1 'action=accept dsthost=www.test proto=tcp'
wait_for 15 may c1 $SRV4 || fail 'a rule alone opens its address'
spawn c1 talk.end $PEER talk tcp $SRV4 7 "$DIR/talk" 20
wait_for 15 test -s "$DIR/talk" || fail 'c1 talks'
hosts "$SRV4B www.test"
yes 'a new address is open once the TTL of the old one is over' wait_for 15 may c1 $SRV4B
yes 'the one before stays for the grace' may c1 $SRV4
closed() { ! may "$@"; }
wait_for 12 closed c1 $SRV4
no '... and is closed after it' may c1 $SRV4
lines=$(wc -l <"$DIR/talk")
sleep 1
is 'a connection over it is cut then' "$(wc -l <"$DIR/talk")" "$lines"
yes 'the new one goes on' may c1 $SRV4B

# ---- names that are not there -------------------------------------------------------
commit 3 'action=accept dsthost=nowhere.test' "action=accept dst4=$SRV4/32"
yes 'an accept rule for no such name harms no other' wait_for 5 may c3 $SRV4
no '... and opens nothing' may c3 $SRV4B
commit 3 'action=drop dsthost=nowhere.test' 'action=accept'
sleep 1
no 'a drop rule for no such name closes' may c3 $SRV4

# ---- no server: what is known stays -----------------------------------------------------
reap "$DNSMASQ"
DNSMASQ=
sleep 8
yes 'when no server answers, addresses stay' may c1 $SRV4B

# ---- servers that fail and lie -------------------------------------------------------------
spawn fw odd.log "$PY" "$ROOT/tests/net/dns_odd.py" $ODD $SRV4 $SRV4B
wait_for 10 listening fw udp 53 || fail 'the odd name server runs'
SERVER=$ODD
conf_write
commit 1 'action=accept dsthost=servfail.test' 'action=accept dsthost=silent.test' \
	'action=accept dsthost=other.test'
yes 'settings are read again' quiet fw $CTL reload
yes 'the new server is asked' wait_for 15 may c1 $SRV4
no '... and what fails or is silent opens nothing' may c1 $SRV4B
commit 2 'action=accept dsthost=forged.test'
yes 'the real answer is taken' wait_for 15 may c2 $SRV4
no '... and forged ones are not' may c2 $SRV4B
commit 3 'action=accept dsthost=big.test'
yes 'a truncated answer is asked for again by TCP' wait_for 15 may c3 $SRV4
commit 2 'action=accept dsthost=moody.test'
wait_for 15 may c2 $SRV4 || fail 'a server in a good mood is believed'
kept() { for _ in {1..6}; do may c2 "$1" || return; sleep 0.5; done; }
yes 'an address stays when every second answer is a failure' kept $SRV4
no '... and what came with a failure is not taken' may c2 $SRV4B
commit 2 'action=accept dsthost=turns.test'
yes 'of addresses told by turns one is open' wait_for 15 may c2 $SRV4
yes '... then the other' wait_for 15 may c2 $SRV4B
yes '... and both stay' kept $SRV4
yes '... all the time' kept $SRV4B
no 'the daemon has no complaint' grep -E ' (error|panic) ' "$DIR/vifwalld.log"
finish
