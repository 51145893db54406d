#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The integration tests that Qubes OS has for its networks, by their numbers,
# in this house: c1 is their client, c2 one with addresses of its own choice
# (210, 710), the daemon their proxy and firewall, up their netvm.
# docs/ACCEPTANCE.md says what of each is checked where.
# PORTS: vif
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ] || [ "$LINKS" != vif ]; then
	echo 'this test is about the daemon over vifs only (PORTS=vif)' >&2
	exit 2
fi
C4[2]=192.168.1.1
C6[2]=2000:cafe::1
VIRT4=10.139.1.1
VIRT6=fd53::1
SERVERS="$SRV4 $SRV6"
settings_of() {
	cat <<-CONF
		dns = $SERVERS
		dns.virtual = $VIRT4 $VIRT6
	CONF
}

# Rules of client N, for both families; "dst4=" and "dst6=" for the one alone.
RULE=(none action=accept action=accept action=accept)
rules_of() { # N ADDRESS
	local other=dst6=
	[[ $2 != *:* ]] || other=dst4=
	printf '%s\n' "${RULE[$1]}" | grep -v "$other"
}
in_force() { # N: what vifwallctl shows is what was written
	local four=${C4[$1]} six=${C6[$1]}
	diff <(quiet fw $CTL rules "$four" | grep -o 'action=.*' | sort) \
		<({ rules_of "$1" "$four" && rules_of "$1" "$six"; } | sort)
}
commit() { # N RULE...
	RULE[$1]=$(printf '%s\n' "${@:2}")
	rules_write "$1"
	wait_for 15 in_force "$1" || fail "the rules of c$1 come into force"
}

ping4() { quiet "$1" ping -nqc 1 -W 1 $SRV4; }
ping6() { quiet "$1" ping -nqc 1 -W 1 $SRV6; }
asked() { quiet "$1" dig +short +time=1 +tries=1 "@$2" www.test "$3"; }
name4() { [ "$(asked "$1" $VIRT4 A)" = $SRV4 ] && ping4 "$1"; }
name6() { [ "$(asked "$1" $VIRT6 AAAA)" = $SRV6 ] && ping6 "$1"; }
tcp4() { say "$1" tcp $SRV4 "$2" 1; }
tcp6() { say "$1" tcp $SRV6 "$2" 1; }
pause() { kill -STOP "${DOMAIN_PID[$1]}"; }
unpause() { kill -CONT "${DOMAIN_PID[$1]}"; }
gone() { ! has_carrier "$1"; }

reaches() { wait_for 10 has_carrier "$1" && wait_for 10 ping4 "$1"; }
takes_up() { unpause "$1" && reaches "c$1"; }

topology_up
PORTS[3]=none # has no vif at first
dut_start
PORTS[3]=vif
spawn up dnsmasq.log dnsmasq --keep-in-foreground --conf-file=/dev/null \
	--no-resolv --no-hosts --local=/test/ --bind-interfaces \
	--host-record=www.test,$SRV4,$SRV6 --user=root --pid-file= \
	--listen-address=$SRV4,$SRV4B,$SRV6 --log-facility=-
echo_server up 1234
echo_server up 4321
wait_for 10 listening up udp 53 || fail 'dnsmasq runs'

# ---- 000, 010: who is there reaches the world -------------------------------------
yes '000 an address is reached' ping4 c1
yes '000 a name is reached' name4 c1
yes '500 an address is reached over IPv6' ping6 c1
yes '500 a name is reached over IPv6' name6 c1
yes '210 a client with an address of its own choice reaches an address' ping4 c2
yes '210 ... and a name' name4 c2
yes '710 with IPv6, too' ping6 c2
yes '710 ... and a name' name6 c2

OUT4=198.51.100.2
OUT6=2001:db8:1::2
SERVERS="$SRV4B $SRV6"
conf_write
yes '010 our own addresses and name servers change' quiet fw $CTL reload
yes '010 an address is reached' wait_for 15 ping4 c1
yes '010 a name is reached, by the new name server' wait_for 15 name4 c1
yes '510 likewise over IPv6' wait_for 15 name6 c1
yes '211 by the client with an address of its own choice' name4 c2
yes '711 by it over IPv6' name6 c2

# ---- 030: rules, one step after the other -------------------------------------------
# 030 and 530 are c1's, 212 and 712 those of c2.
firewall() { # N FOUR SIX
	local n=$1 c=c$1
	commit "$n" 'action=drop'
	no "$2 drop all: no ping" ping4 "$c"
	no "$3 drop all: no ping" ping6 "$c"
	no "$2 drop all: no connection" tcp4 "$c" 1234
	no "$3 drop all: no connection" tcp6 "$c" 1234

	commit "$n" 'action=accept proto=icmp'
	yes "$2 ICMP: a ping" ping4 "$c"
	yes "$3 ICMP: a ping" ping6 "$c"
	no "$2 ICMP: no name" name4 "$c"
	no "$3 ICMP: no name" name6 "$c"
	no "$2 ICMP: no connection" tcp4 "$c" 1234

	commit "$n" 'action=accept proto=icmp' 'action=accept specialtarget=dns'
	yes "$2 and DNS: a name" name4 "$c"
	yes "$3 and DNS: a name" name6 "$c"
	no "$2 and DNS: no connection" tcp4 "$c" 1234
	no "$3 and DNS: no connection" tcp6 "$c" 1234

	commit "$n" "action=accept dst4=$SRV4/32 proto=tcp dstports=1234-1234" \
		"action=accept dst6=$SRV6/128 proto=tcp dstports=1234-1234"
	yes "$2 one target: it is reached" tcp4 "$c" 1234
	yes "$3 one target: it is reached" tcp6 "$c" 1234
	no "$2 one target: no ping" ping4 "$c"
	no "$3 one target: no other port" tcp6 "$c" 4321

	commit "$n" "action=drop dst4=$SRV4/32 proto=tcp dstports=1234-1234" \
		"action=drop dst6=$SRV6/128 proto=tcp dstports=1234-1234" \
		'action=accept'
	no "$2 all but one target: it is not reached" tcp4 "$c" 1234
	no "$3 all but one target: it is not reached" tcp6 "$c" 1234
	yes "$2 all but one target: a name" name4 "$c"
	yes "$3 all but one target: another port" tcp6 "$c" 4321
}
firewall 1 030 530
firewall 2 212 712

# ---- 031: a rule ends one of two connections -------------------------------------------
commit 1 'action=accept'
spawn c1 talk-1234.end $PEER talk tcp $SRV4 1234 "$DIR/talk-1234" 50
spawn c1 talk-4321.end $PEER talk tcp $SRV4 4321 "$DIR/talk-4321" 50
wait_for 15 test -s "$DIR/talk-1234" || fail 'one connection is there'
wait_for 15 test -s "$DIR/talk-4321" || fail 'another connection is there'
commit 1 'action=drop proto=tcp dstports=1234-1234' 'action=accept'
answers() { grep -vc '^#' "$DIR/talk-$1"; }
WAS=$(answers 4321)
BLOCKED=$(answers 1234)
more() { [ "$(answers 4321)" -gt $((WAS + 10)) ]; }
yes '031 the connection that is still allowed goes on' wait_for 15 more
is '031 the one that is blocked gets nothing more' "$(answers 1234)" "$BLOCKED"
commit 1 'action=accept'

# ---- 040, 050: to each other, and as somebody else --------------------------------------
no '040 clients do not reach each other' quiet c1 ping -nqc 1 -W 1 "${C4[2]}"
no '540 ... over IPv6' quiet c1 ping -nqc 1 -W 1 "${C6[2]}"
ip -n "$NS-c1" addr add 10.137.1.128/32 dev eth0
ip -n "$NS-c1" addr add fd09:24ef:4179::a89:280/128 dev eth0 nodad
spawn up spoof.log tcpdump -Z root -ln -i eth0 -Q in icmp or 'icmp6 and ip6[40] = 128'
TAP=$SPAWNED
wait_for 10 grep -q listening "$DIR/spoof.log"
no '050 a source of somebody else gets no answer' \
	quiet c1 ping -nqc 3 -i 0.1 -W 1 -I 10.137.1.128 $SRV4
no '550 ... over IPv6' \
	quiet c1 ping -nqc 3 -i 0.1 -W 1 -I fd09:24ef:4179::a89:280 $SRV6
reap "$TAP" INT
is '050, 550 and nothing of it reaches up' "$(grep -c 'echo request' "$DIR/spoof.log")" 0
ip -n "$NS-c1" addr del 10.137.1.128/32 dev eth0
ip -n "$NS-c1" addr del fd09:24ef:4179::a89:280/128 dev eth0

# ---- 001, 110, 111: dom0 gives and takes vifs --------------------------------------------
yes '110 a running client gets a vif' guest_up 3
yes '110 ... and reaches the world' reaches c3
pause 3
yes '001 a paused client loses its vif' sim detach "${DOM[3]}"
unpause 3
yes '001 ... and has none when it goes on' wait_for 15 gone c3
pause 3
yes '001, 111 a paused client gets a vif again' attach 3
yes '001, 111 ... and reaches the world when it goes on' takes_up 3
pause 3
yes '001 a paused client is given to another: first it is taken away' sim detach "${DOM[3]}"
yes '001 ... then it is the other'"'"'s' \
	sim attach "${DOM[3]}" --backend=$UPDOM --mac="$(cmac 3)" --ip="${C4[3]}"
no '001 ... and none of our clients any more' grep -q "vif${DOM[3]}.0" <<<"$(quiet fw $CTL clients)"

# ---- 100, 112 to 114: the provider ends, and is there again -------------------------------
provider_ends() { # SIGNAL: with its domain
	reap "$DAEMON" "$1"
	sim destroy $FWDOM
}
provider_starts() {
	sim create $FWDOM --name=fw --driver &&
		sim attach $FWDOM --backend=$UPDOM --mac="$OUTMAC" --ip="$OUT4 $OUT6" &&
		wait_for 10 has_link up vif$FWDOM.0 || return 1
	ip -n "$NS-up" link set vif$FWDOM.0 down
	ip -n "$NS-up" link set vif$FWDOM.0 name eth0 address $UPMAC
	plain up eth0
	uplink_up
}

provider_ends TERM
yes '112 a provider that shuts down takes its vifs along' wait_for 15 gone c1
yes '112 it starts again' provider_starts
pause 2
yes '100 a client gets its vif before the daemon runs' attach 1 --now
vifwalld_start
yes '112, 100 ... and reaches the world when it does' reaches c1
yes '112 ... over IPv6' wait_for 15 ping6 c1
yes '001 a paused client of a provider that shut down gets a vif again' attach 2
yes '001 ... and reaches the world when it goes on' takes_up 2

pause 2
provider_ends KILL
yes '113 a provider that is killed takes its vifs along' wait_for 15 gone c1
unpause 2
yes '001 ... also those of a paused client' wait_for 15 gone c2
yes '113 it starts again' provider_starts
vifwalld_start
yes '113 dom0 gives the client its vif again' attach 1
yes '113 ... and it reaches the world' reaches c1

provider_ends SEGV
yes '114 a provider that crashes takes its vifs along' wait_for 15 gone c1
yes '114 it starts again' provider_starts
vifwalld_start
yes '114 dom0 gives the client its vif again' attach 1
yes '114 ... and it reaches the world' reaches c1
finish
