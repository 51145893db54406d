#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules come from dom0's QubesDB: closed before the first commit, in force from
# the trigger, kept while dom0's daemon is away, and dom0 is told.  The daemon
# is a script that dies of whatever the real one dies of (dom0.py).
# PORTS: tap vif
. "$(dirname "$0")/lib.sh"

SAID=$DIR/dom0.log
TELL=$DIR/dom0.fifo
CHAN=$DIR/chan
rules_from() { echo "qubes.channel = unix:$CHAN,domid=5"; }
rules_write() { :; } # dom0 does, when it is there

dom0_start() {
	spawn fw dom0.out $PY "$ROOT/tests/net/dom0.py" "$CHAN" 5 "$TELL" "$SAID"
	DOM0=$SPAWNED
	wait_for 15 test -S "$CHAN/vchan.0.5.111.sock"
}
dom0() { echo "$*" >"$TELL"; }
# rules N RULE|RULE...: commits them for both families
rules() {
	local n=$1
	shift
	COUNT=$((COUNT + 1))
	dom0 "rules ${C4[n]} $*"
	dom0 "rules ${C6[n]} $*"
}
COUNT=0
told() { # PATH VALUE: is it the last that dom0 was told of it?
	[ "$(grep " wrote $1 " "$SAID" | tail -n 1 | cut -d' ' -f4-)" = "$2" ]
}
handled() { # N COUNT
	wait_for 15 told "/qubes-firewall-handled/${C4[$1]}" "$2" &&
		wait_for 15 told "/qubes-firewall-handled/${C6[$1]}" "$2"
}
lives() { ! grep ' died of ' "$SAID"; }
keys() { grep -c " $1" "$SAID"; }
asked() { [ "$(keys asked)" -ge "$1" ]; } # so often for everything
parted() { ! say c1 udp "${C4[2]}" 9; }

mkdir -p "$CHAN"
mkfifo "$TELL"
topology_up
dut_start
echo_server up 7

# ---- dom0 is not there yet -------------------------------------------------------
is 'without dom0 a client reaches nothing' "$(say c1 tcp $SRV4 7)" 'silence'
dom0_start
wait_for 12 grep -q ' asked' "$SAID" || fail 'everything is asked for'
is 'dom0 says nothing of the client: still nothing' "$(say c1 tcp $SRV4 7)" 'silence'

# ---- commits ------------------------------------------------------------------------
rules 1 'action=accept'
yes 'dom0 is told that the rules are in force' handled 1 1
yes 'the client reaches the server over IPv4' say c1 tcp $SRV4 7
yes 'the client reaches the server over IPv6' say c1 tcp $SRV6 7
is 'another client reaches nothing' "$(say c2 tcp $SRV4 7)" 'silence'

rules 1 'action=drop proto=tcp dstports=7-7|action=accept'
yes 'the next rules are in force' handled 1 2
is 'they bind' "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
yes 'for what they are about' say c1 udp $SRV4 7

dom0 "rm /qubes-firewall/${C4[1]}/"
dom0 "set /qubes-firewall/${C4[1]}/policy drop"
sleep 0.3
yes 'half of a set changes nothing' say c1 udp $SRV4 7

rules 1 'action=accept dstports=elephants'
yes 'rules that can not be read are handled, too' handled 1 3
is 'and let nothing pass' "$(say c1 udp $SRV4 7)" 'E*'
is 'dom0 is told why' "$(grep " wrote /vifwall-error/${C4[1]} " "$SAID" | tail -n 1)" '*rule 0000, column *'
rules 1 'action=accept'
yes 'good ones let it pass again' handled 1 4
yes '... it passes' say c1 udp $SRV4 7
yes '... and the complaint is taken back' told "/vifwall-error/${C4[1]}" ''

# ---- a client that knows itself otherwise -------------------------------------------
SEEN4=192.168.7.5
SEENGW4=192.168.7.1
mapped() { # VISIBLE-IP VISIBLE-GATEWAY
	dom0 "set /mapped-ip/${C4[1]}/visible-ip $1"
	dom0 "set /mapped-ip/${C4[1]}/visible-gateway $2"
}
lives_as() { # ADDRESS GATEWAY, instead of what c1 has
	ip -n "$NS-c1" -4 addr flush dev eth0
	ip -n "$NS-c1" neigh flush dev eth0
	ip -n "$NS-c1" addr add "$1/32" dev eth0
	ip -n "$NS-c1" route replace "$2" dev eth0 scope link
	ip -n "$NS-c1" route replace default via "$2" dev eth0 src "$1"
}
GWMAC=$(neighbour c1 $GW4)
lives_as $SEEN4 $SEENGW4
is 'an address that dom0 does not know is spoofed' "$(say c1 tcp $SRV4 7)" 'silence'
mapped $SEEN4 $SEENGW4
yes '200 one that dom0 says the client knows is its own' wait_for 15 say c1 tcp $SRV4 7
yes '... for UDP too' say c1 udp $SRV4 7
yes '... and to ask its gateway' on c1 ping -c 1 -W 2 $SEENGW4
is '... which is us' "$(neighbour c1 $SEENGW4)" "$GWMAC"
yes 'a large datagram goes there and back' on c1 ping -c 1 -W 2 -s 4000 $SRV4
is 'errors come from the gateway that it knows' "$(quiet c1 ping -c 1 -W 2 -t 1 $SRV4)" "*From $SEENGW4*exceeded*"
is 'IPv6 of such a client goes nowhere' "$(say c1 tcp $SRV6 7)" '[Es]*'
is 'the operator sees both addresses' "$($CTL clients)" "*${C4[1]} * as $SEEN4*"
rules 1 'action=drop proto=tcp dstports=7-7|action=accept'
yes '202 rules bind such a client, too' handled 1 5
is '... what they refuse' "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
yes '... and what they accept' say c1 udp $SRV4 7
rules 1 'action=accept'
handled 1 6 || fail 'all is accepted again'
lives_as $SEEN4 $GW4
mapped $SEEN4 $GW4
yes '201 it may know itself alone by another address' wait_for 15 say c1 tcp $SRV4 7
yes '... and us by ours' on c1 ping -c 1 -W 2 $GW4
echo_server c2 9
rules 2 'action=accept'
handled 2 1 || fail 'c2 has rules'
no 'it does not reach another client' say c1 udp "${C4[2]}" 9
dom0 "set /vm-config/vifwall-allow ${CNAME[1]} -> ${CNAME[2]}"
yes '203 it reaches one that it may reach' wait_for 15 say c1 udp "${C4[2]}" 9
yes '... which sees the address that we know' grep -q "${C4[1]}" "$DIR/heard-c2-9"
dom0 'rm /vm-config/vifwall-allow'
wait_for 15 parted || fail 'they are parted again'
lives_as "${C4[1]}" $GW4
is 'its own address is spoofed then' "$(say c1 tcp $SRV4 7)" 'silence'
mapped "${C4[1]}" $GW4
yes 'and its own again when dom0 says so' wait_for 15 say c1 tcp $SRV4 7
yes '... IPv6 too' wait_for 15 say c1 tcp $SRV6 7

# ---- settings -----------------------------------------------------------------------
no 'clients do not reach each other' say c1 udp "${C4[2]}" 9
dom0 "set /vm-config/vifwall-allow ${CNAME[1]} -> ${CNAME[2]}"
yes 'dom0 lets them, by a setting' wait_for 15 say c1 udp "${C4[2]}" 9
dom0 'rm /vm-config/vifwall-allow'
yes 'one that is removed is not set any more' wait_for 15 parted

# qvm-service OURS disable-default-route on
unrouted() { ! say c1 udp $FAR4 7; }
echo_server far 7
yes 'what is beyond the link is reached' say c1 udp $FAR4 7
dom0 'set /qubes-service/disable-default-route 1'
yes '... but not without a default route' wait_for 20 unrouted
yes '... when what is on it is' say c1 udp $SRV4 7
dom0 'rm /qubes-service/disable-default-route'
yes '... and again with one' wait_for 20 say c1 udp $FAR4 7

# A profile of several keys: of TCP nothing is near.
refused() { [ "$(say "$@")" = EHOSTUNREACH ]; }
dom0 "set /vm-config/vifwall-set-1 near $SRV4 $SRV6"
dom0 'set /vm-config/vifwall-profile.rule-01 strict action=pass dst=near proto=udp'
dom0 'set /vm-config/vifwall-profile.rule-02 strict action=drop dst=near'
dom0 'set /vm-config/vifwall-profile strict'
yes 'a profile that dom0 says in several keys binds' wait_for 15 refused c1 tcp $SRV4 7
yes '... as it says' say c1 udp $SRV4 7
for bad in 'allow elephants' 'log.level debug' 'dns 10.139.1.1 x' 'elephants 1'; do
	dom0 "set /vm-config/vifwall-$bad"
	sleep 0.3
	is "with $bad, which can not be, the profile stays" "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
	is '... and dom0 is told why' "$(grep ' wrote /vifwall-error/settings ' "$SAID" | tail -n 1)" "*${bad%% *}*"
	is '... so is the operator' "$($CTL status)" "*SETTINGS NOT IN FORCE: *${bad%% *}*"
	dom0 "rm /vm-config/vifwall-${bad%% *}"
	yes '... and that it is mended' wait_for 15 told /vifwall-error/settings ''
done

# ---- the first settings can not be --------------------------------------------------
dom0 'set /vm-config/vifwall-allow elephants'
wait_for 15 grep -q 'wrote /vifwall-error/settings .*elephants' "$SAID" || fail 'elephants are told'
reap "$DAEMON"
vifwalld_start
sleep 1
is 'a start with settings that can not be lets nobody out' "$(say c1 udp $SRV4 7)" 'silence'
is '... and the operator is told' "$($CTL status)" "*${CNAME[1]} IPv4 is closed: *elephants*"
dom0 'rm /vm-config/vifwall-allow'
yes 'when dom0 has mended them all is as before' wait_for 10 say c1 udp $SRV4 7
is '... with the profile' "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
dom0 'rm /vm-config/vifwall-profile'
yes '... until dom0 removes it' wait_for 15 say c1 tcp $SRV4 7
ASKED=$(keys asked)

# ---- dom0's daemon goes and comes ---------------------------------------------------
dom0 hang-up
yes 'a connection that ended is made again' wait_for 12 asked $((ASKED + 1))
yes 'rules are as they were' say c1 tcp $SRV4 7

reap "$DOM0"
sleep 0.3
yes 'without the daemon rules stay' say c1 tcp $SRV4 7
lives || fail 'the daemon was alive to the end'
dom0_start
wait_for 15 asked $((ASKED + 2)) || fail 'a new daemon is asked'
yes 'a new daemon without keys changes nothing' say c1 tcp $SRV4 7
rules 1 'action=drop proto=udp|action=accept'
yes 'until it is told to' handled 1 1
is 'then the new rules bind' "$(say c1 udp $SRV4 7)" 'EHOSTUNREACH'

# ---- the data process dies ------------------------------------------------------------
for p in $(pgrep -P "$DAEMON"); do
	! grep -qa data "/proc/$p/cmdline" || kill -SEGV "$p"
done
wait_for 10 say c1 tcp $SRV4 7 || fail 'the client is served again'
is 'its successor has the rules of dom0' "$(say c1 udp $SRV4 7)" 'E*'

# ---- another netvm, with other addresses ----------------------------------------------
# Over vifs alone: over wires there is no network domain that could go.
if [ "$LINKS" = vif ]; then
	. "$(dirname "$0")/named.sh"
	# addresses OUR4 OUR6 NEXT4 DNS: as dom0 writes them
	addresses() {
		dom0 "set /qubes-ip $1"
		dom0 "set /qubes-ip6 $2"
		dom0 "set /qubes-gateway $3"
		dom0 "set /qubes-gateway6 $UP6"
		dom0 "set /qubes-primary-dns $4"
	}
	comes_from() { # ADDRESS: as the server sees c1
		quiet c1 $PEER spray $SRV4 20 0.5 4242
		tail -n 1 "$DIR/heard" | grep -q " 4242 .*$1 "
	}
	says() { [[ $($CTL status) == *$1* ]]; }
	addresses $OUT4 $OUT6 $UP4 $SRV4
	rules 1 'action=accept dsthost=www.test proto=tcp|action=accept proto=udp|action=accept proto=tcp dstports=8-8'
	reap "$DAEMON"
	sed -i '/^uplink\.\(ip\|gateway\)/d' "$CONF"
	echo_server up 8
	spawn up hear.log $PEER hear "$DIR/heard" 4242
	hosts "$SRV4B www.test"
	named_start up $SRV4 600 --listen-address=$SRV4B || fail 'dnsmasq runs'
	vifwalld_start
	yes 'with the addresses of dom0 alone clients reach the server' wait_for 10 say c1 udp $SRV4 7
	yes '... from ours' comes_from $OUT4
	yes '... by the names that its name server knows' wait_for 10 may c1 $SRV4B
	spawn c1 talk.end $PEER talk tcp $SRV4 8 "$DIR/talk" 20
	wait_for 15 test -s "$DIR/talk" || fail 'c1 talks'

	yes 'the network domain goes' netvm_kill
	is '... the operator is told what is waited for' "$(wait_for 15 says DOWN; $CTL status)" '*uplink*DOWN*vif:0*uplink: *'
	OUT4=198.51.100.77 OUT6=2001:db8:1::77 NEXT4=198.51.100.253
	addresses $OUT4 $OUT6 $NEXT4 $SRV4B
	hosts "$SRV4 www.test"
	yes 'another one comes, and we have other addresses' netvm_boot
	ip -n "$NS-up" addr add $NEXT4/24 dev eth0
	yes 'c1 reaches the server again' wait_for 10 say c1 udp $SRV4 7
	yes '... over IPv6' wait_for 15 say c1 udp $SRV6 7
	yes '... from the new address' comes_from $OUT4
	yes '... by the new gateway' wait_for 15 says "uplink   up, vif:0, $OUT4 via $NEXT4, $OUT6 via $UP6"
	yes 'clients kept their vifs' test "$(sim list | grep -c 'domain 1[123]')" = 3
	yes 'what spoke from the old address has ended' wait_for 10 grep -q RESET "$DIR/talk.end"
	yes 'names were asked for anew' wait_for 10 may c1 $SRV4
fi

yes 'dom0 never got what it would die of' lives
finish
