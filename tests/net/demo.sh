#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make demo: vifwall at work.  Three clients and an uplink, each an ordinary
# Linux host in a network namespace of its own, and the real daemon between
# them.  Every step says what is expected; the exit code is 0 only when all of
# it happened.  make demo KEEP=1 leaves everything running to play with.
#
# They are domains of a machine with a simulated Xen and the daemon is a network
# domain of it, or (make demo PORTS=tap) at the other end of wires.
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.." || exit 2
[ "$(id -u)" = 0 ] || {
	echo 'The demo makes network namespaces: please run it as root (sudo make demo).' >&2
	exit 2
}
tests/tools/install-deps demo || exit 1
make --no-print-directory -s -j2 sim || exit 1
SKIPPED=''
if [ "${PORTS:=vif}" = vif ] && ! why=$(tests/tools/get-xenstored); then
	SKIPPED="the rings of a simulated Xen; no xenstored: $why"
	printf 'The demo runs over wires, without %s.\n\n' "$SKIPPED"
	PORTS=tap
fi
export PORTS
. "$HERE/lib.sh"

CALLED=(none work personal untrusted)
if [ "$LINKS" = tap ]; then
	CNAME=("${CALLED[@]}")
	PORTS=(none packet packet tap)
fi
OFFLOAD=on # as real hosts have it
UNCAPTURED='it is to be watched'

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	B=$'\e[1m' D=$'\e[2m' G=$'\e[32m' R=$'\e[31m' N=$'\e[0m'
else
	B='' D='' G='' R='' N=''
fi

# ---- saying ------------------------------------------------------------------

declare -A NUMBER=([work]=1 [personal]=2 [untrusted]=3)
chapter() { printf '\n%s%s%s\n' "$B" "$*" "$N"; }
tell() { printf '  %s%s%s\n' "$D" "$*" "$N"; }
# verdict COMMAND RESULT GOOD
verdict() {
	local mark="${G}ok$N"
	if [ "$3" = 0 ]; then
		PASSED=$((PASSED + 1))
	else
		FAILED=$((FAILED + 1))
		mark="${R}NOT AS EXPECTED$N"
	fi
	printf '  %-58s %-42s %s\n' "$1" "$2" "$mark"
}
# took SINCE: milliseconds
took() { echo $((($(date +%s%N) - $1) / 1000000)); }
# try WHO PATTERN COMMAND...: runs it as that client; its last line must match.
try() {
	local who=$1 want=$2 out
	shift 2
	out=$(quiet "c${NUMBER[$who]}" "$@" 2>&1 | grep . | tail -n 1)
	# shellcheck disable=SC2053
	[[ $out == $want ]]
	verdict "$who\$ ${SHOW:-$*}" "${out:0:42}" $?
}
allowed() { try "$@"; }
refused() { try "$@"; }

# ---- the stage ------------------------------------------------------------------

rules_of() {
	case ${CALLED[$1]} in
	work)
		printf '%s\n' \
			'action=accept proto=icmp' \
			"action=accept dst4=$SRV4/32 proto=tcp dstports=80-80" \
			"action=accept dst4=$SRV4/32 proto=tcp dstports=81-8081" \
			'action=accept specialtarget=dns' |
			if [[ $2 == *:* ]]; then sed "s|dst4=$SRV4/32|dst6=$SRV6/128|"; else cat; fi
		;;
	personal) echo 'action=accept' ;;
	untrusted) printf '%s\n' 'action=drop proto=udp dstports=53-53' 'action=accept proto=tcp dstports=80-80' ;;
	esac
}
settings_of() { echo "dns = $SRV4 $SRV6"; }

servers() {
	mkdir -p "$DIR/www"
	echo 'Hello from the Internet.' >"$DIR/www/hello"
	head -c 300000000 /dev/zero >"$DIR/www/big"
	local port
	for port in 80 22; do
		spawn up "web-$port.log" $PY -m http.server $port --bind :: --directory "$DIR/www"
	done
	echo_server up 81
	echo_server up 8081
	spawn up dns.log dnsmasq --keep-in-foreground --no-resolv --no-hosts --user=root \
		--pid-file="$DIR/dns.pid" --conf-file=/dev/null --bind-interfaces \
		--listen-address=$SRV4,$SRV6 \
		--address=/www.example/$SRV4 --address=/www.example/$SRV6
	for port in 80 22; do wait_for 10 listening up tcp $port; done
	wait_for 10 listening up udp 53
}

printf '%s\n' "${B}vifwall: three clients, one uplink, one firewall$N" '' \
	'   work       10.137.0.11 ----.' \
	'   personal   10.137.0.12 -----+-- vifwalld -- 198.51.100.1 ---- the Internet' \
	"   untrusted  10.137.0.13 ----'   (no kernel forwarding)        web, DNS" ''
[ "$LINKS" = tap ] || printf '%s\n' \
	'   Domains of a simulated Xen: work is domain 11, personal 12, untrusted 13, the' \
	'   firewall 1, and the Internet is behind 2.  Each ---- is a pair of rings.' ''
{
	topology_up
	servers
	dut_start
} >"$DIR/start.log" 2>&1
[ $FAILED -eq 0 ] || {
	cat "$DIR/start.log"
	exit 1
}

chapter '1  Their rules, as Qubes writes them'
for i in 1 2 3; do
	printf '  %-10s %s\n' "${CALLED[i]}" "$(rules_of $i 10 | sed '2,$s/^/             /')"
done
tell 'Whatever no rule accepts is refused.  Clients never reach each other.'

chapter '2  What is allowed'
allowed work 'Hello*' curl -s -m 5 http://$SRV4/hello
allowed work 'Hello*' curl -s -m 5 "http://[$SRV6]/hello"
SHOW="dig www.example" allowed work "$SRV4" dig +short +time=2 +tries=1 @$SRV4 www.example
SHOW="dig AAAA www.example (over IPv6)" allowed work "$SRV6" dig +short +time=2 +tries=1 @$SRV6 AAAA www.example
SHOW="ping $SRV4" allowed work '*bytes from*' sh -c "ping -c 1 -W 2 $SRV4 | grep from"
SHOW="ping $SRV6" allowed personal '*bytes from*' sh -c "ping -c 1 -W 2 $SRV6 | grep from"
allowed untrusted 'Hello*' curl -s -m 5 http://$SRV4/hello
# download URL: all of a large file, and how fast it came.
download() {
	echo "curl -s -m 60 -o /dev/null -w '%{size_download} %{speed_download}' '$1' |
		awk '{ printf \"%d MB, %.1f Gbit/s\", \$1 / 1e6, \$2 * 8 / 1e9 }'"
}
SHOW="curl http://$SRV4/big" allowed personal '300 MB*' sh -c "$(download "http://$SRV4/big")"
SHOW="curl http://[$SRV6]/big" allowed untrusted '300 MB*' sh -c "$(download "http://[$SRV6]/big")"

chapter '3  What is refused, and told so at once'
SHOW="connect $SRV4 port 22" refused work 'EHOSTUNREACH' $PEER say tcp $SRV4 22
SHOW="connect $SRV6 port 22" refused work 'EACCES' $PEER say tcp $SRV6 22
SHOW="dig www.example" refused untrusted '*no servers could be reached*' dig +short +time=1 +tries=1 @$SRV4 www.example
SHOW="ping $SRV4" refused untrusted '*Packet filtered*' sh -c "ping -c 1 -W 2 $SRV4 | grep From"
SHOW="ping ${C4[1]} (work)" refused personal '*Packet filtered*' sh -c "ping -c 1 -W 2 ${C4[1]} | grep From"
SHOW="ping ${C6[1]} (work)" refused untrusted '*rohibited*' sh -c "ping -c 1 -W 2 ${C6[1]} | grep From"

chapter '4  A rule changes while two connections run'
for port in 81 8081; do
	spawn c1 "chat-$port.end" $PEER talk tcp $SRV4 $port "$DIR/chat-$port" 50 >/dev/null
done
lines() { grep -c . "$DIR/chat-$1" 2>/dev/null; }
both() { [ "$(lines 81)" -gt 25 ] && [ "$(lines 8081)" -gt 25 ]; }
wait_for 15 both
ok=$?
verdict 'work$ chat with port 81 &   chat with port 8081 &' "$(lines 81) and $(lines 8081) answers" $ok
rules_of() {
	printf '%s\n' 'action=drop proto=tcp dstports=8081-8081' 'action=accept'
}
rules_write 1
tell 'dom0: qvm-firewall work add --before 0 drop proto=tcp dstports=8081'
sleep 0.2
kept=$(lines 81) cut=$(lines 8081)
sleep 1
[ "$(lines 81)" -gt $((kept + 25)) ]
ok=$?
verdict 'the connection to port 81' "goes on: $kept, now $(lines 81) answers" $ok
[ "$(lines 8081)" = "$cut" ]
ok=$?
verdict 'the connection to port 8081' "is cut: $(cat "$DIR/chat-8081.end")" $ok

chapter '5  Lies'
tell 'untrusted sends packets with the addresses of work, of the uplink, of nobody'
spawn up lies.log tcpdump -Z root -U -i eth0 -w "$DIR/lies.pcap" >/dev/null
TAP=$SPAWNED
wait_for 15 grep -q listening "$DIR/lies.log"
sent=$(CMAC_1=$(cmac 3) C4_1=${C4[3]} C6_1=${C6[3]} C4_3=${C4[1]} C6_3=${C6[1]} \
	GWMAC=$(neighbour c3 $GW4) quiet c3 $PY "$ROOT/tests/net/forge.py" client 2>&1 | tail -n 1)
both_honest() { [ "$(grep -ao HONEST "$DIR/lies.pcap" | wc -l)" -ge 2 ]; }
wait_for 15 both_honest
reap $TAP INT
through=$(grep -ao SPOOF "$DIR/lies.pcap" | wc -l)
[ "$through" = 0 ] && [ "$sent" -gt 300 ]
verdict "untrusted\$ forge ($sent kinds of packets)" "$through came out" $?
honest=$(grep -ao HONEST "$DIR/lies.pcap" | wc -l)
[ "$honest" -ge 2 ]
verdict '... and 2 honest ones, as a control' "$honest came out" $?

chapter '6  What was refused, and why: vifwallctl blocked'
for who in "${CNAME[@]:1}"; do
	quiet fw $CTL blocked $who | head -n 4 | sed 's/^/  /'
	echo
done
tell '... and so on.  What work was refused, it could be allowed by:'
quiet fw $CTL blocked ${CNAME[1]} | grep qvm-firewall | head -n 1 | sed 's/^ */    /'
quiet fw $CTL blocked | grep -q spoof-client
verdict 'vifwallctl blocked' 'names the liar' $?

chapter '7  A crash'
data_pid() { pgrep -P "$DAEMON" -f -- '--role=data'; }
was=$(data_pid)
kill -9 "$was"
start=$(date +%s%N)
back() { quiet c2 ping -c 1 -W 0.1 $SRV4; }
wait_for 10 back
ok=$?
verdict 'kill -9 of the process that handles packets' "back after $(took "$start") ms" $ok
[ "$(data_pid)" != "$was" ]
ok=$?
verdict '... in a new process, behind the same rules' "pid $was, now $(data_pid)" $ok
SHOW="connect $SRV4 port 8081" refused work 'EHOSTUNREACH' $PEER say tcp $SRV4 8081

domains() {
	reaches() { quiet "$1" curl -s -m 0.3 -o /dev/null http://$SRV4/hello; }
	local start ok
	chapter '8  Domains come and go'
	sim list | sed 's/^/  /'
	start=$(date +%s%N)
	sim detach "${DOM[3]}"
	ok=$?
	verdict 'dom0$ xl network-detach untrusted' "gone after $(took "$start") ms" $ok
	start=$(date +%s%N)
	attach 3 && wait_for 15 reaches c3
	ok=$?
	verdict 'dom0$ xl network-attach untrusted' "online after $(took "$start") ms" $ok
	guest_kill 2
	verdict 'dom0$ xl destroy personal' 'gone' $?
	start=$(date +%s%N)
	guest_boot 2 >/dev/null && wait_for 15 reaches c2
	ok=$?
	verdict 'dom0$ xl create personal' "online after $(took "$start") ms" $ok
	netvm_kill
	ok=$?
	reaches c1 && ok=1
	verdict 'dom0$ xl destroy sys-net' 'gone, and with it the Internet' $ok
	start=$(date +%s%N)
	netvm_boot >/dev/null && wait_for 10 reaches c1
	ok=$?
	verdict 'dom0$ xl create sys-net' "back after $(took "$start") ms" $ok
	# packets pass as soon as there are rings; its backend says so a second later
	wait_for 15 uplink_shown
	verdict 'vifwallctl status' 'shows the uplink' $?
}
uplink_shown() { quiet fw $CTL status | grep -q '^uplink *up,'; }
[ "$LINKS" = tap ] || domains

echo
quiet fw $CTL status | sed 's/^/  /'

if [ -n "${KEEP:-}" ]; then
	SHELL_IN="ip netns exec $NS"
	cat <<-TEXT

		${B}Left running.${N}  Try:
		  $SHELL_IN-c1 bash                 a shell in work (-c2 personal, -c3 untrusted, -up outside)
		  $SHELL_IN-fw $CTL blocked
		  $SHELL_IN-fw $CTL flows
		  ls $RULES/qubes-firewall/${C4[1]}      rules of work; touch it after a change
		  ${SIM:+$SIM list $MACHINE}
		Stop it with:
		  kill ${PIDS[*]} 2>/dev/null; for n in c1 c2 c3 fw up far; do ip netns del $NS-\$n; done; rm -rf $DIR
	TEXT
	trap - EXIT
else
	reap "$DAEMON"
	verdict 'stop' "exit $?" $?
fi

echo
[ -z "$SKIPPED" ] || echo "SKIPPED: $SKIPPED"
if [ $FAILED -eq 0 ]; then
	printf '%sAll %d steps did what they said.%s\n' "$G" $PASSED "$N"
else
	printf '%s%d of %d steps did not do what they said.%s\n' "$R" $FAILED $((PASSED + FAILED)) "$N"
fi
exit $((FAILED > 0))
