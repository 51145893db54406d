#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make demo: vifwall at work.  Three clients and an uplink, each an ordinary
# Linux host in a network namespace of its own, and the real daemon between
# them.  Every step says what is expected; the exit code is 0 only when all of
# it happened.  make demo KEEP=1 leaves everything running to play with.
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.." || exit 2
[ "$(id -u)" = 0 ] || {
	echo 'The demo makes network namespaces: please run it as root (sudo make demo).' >&2
	exit 2
}
tests/tools/install-deps demo || exit 1
make --no-print-directory -s -j2 all || exit 1
. "$HERE/lib.sh"

CNAME=(none work personal untrusted)
PORTS=(none packet packet tap)

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
	local mark=${G}ok$N
	if [ "$3" = 0 ]; then
		PASSED=$((PASSED + 1))
	else
		FAILED=$((FAILED + 1))
		mark=${R}NOT AS EXPECTED$N
	fi
	printf '  %-58s %-42s %s\n' "$1" "$2" "$mark"
}
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
	case ${CNAME[$1]} in
	work)
		printf '%s\n' \
			'action=accept proto=icmp' \
			"action=accept dst4=$SRV4/32 proto=tcp dstports=80-80" \
			"action=accept dst4=$SRV4/32 proto=tcp dstports=8080-8080" \
			'action=accept specialtarget=dns' |
			if [[ $2 == *:* ]]; then sed "s|dst4=$SRV4/32|dst6=$SRV6/128|; s/proto=icmp/&v6/"; else cat; fi
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
	for port in 80 8080 22; do
		spawn up "web-$port.log" $PY -m http.server $port --bind :: --directory "$DIR/www"
	done
	spawn up dns.log dnsmasq --keep-in-foreground --no-resolv --no-hosts --user=root \
		--pid-file="$DIR/dns.pid" --conf-file=/dev/null --bind-interfaces \
		--listen-address=$SRV4,$SRV6 \
		--address=/www.example/$SRV4 --address=/www.example/$SRV6
	for port in 80 8080 22; do wait_for 10 listening up tcp $port; done
	wait_for 10 listening up udp 53
}

printf '%s\n' "${B}vifwall: three clients, one uplink, one firewall$N" '' \
	'   work       10.137.0.11 ----.' \
	'   personal   10.137.0.12 -----+-- vifwalld -- 198.51.100.1 ---- the Internet' \
	"   untrusted  10.137.0.13 ----'   (no kernel forwarding)        web, DNS" ''
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
	printf '  %-10s %s\n' "${CNAME[i]}" "$(rules_of $i 10 | sed '2,$s/^/             /')"
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
SHOW="curl http://$SRV4/big     (300 MB)" allowed personal '300000000 bytes*' \
	curl -s -m 60 -o /dev/null -w '%{size_download} bytes, %{speed_download} bytes/s' http://$SRV4/big
SHOW="curl http://[$SRV6]/big  (300 MB)" allowed untrusted '300000000 bytes*' \
	curl -s -m 60 -o /dev/null -w '%{size_download} bytes, %{speed_download} bytes/s' "http://[$SRV6]/big"

chapter '3  What is refused, and told so at once'
SHOW="connect $SRV4 port 22" refused work 'EHOSTUNREACH' $PEER say tcp $SRV4 22
SHOW="connect $SRV6 port 22" refused work 'EACCES' $PEER say tcp $SRV6 22
SHOW="dig www.example" refused untrusted '*no servers could be reached*' dig +short +time=1 +tries=1 @$SRV4 www.example
SHOW="ping $SRV4" refused untrusted '*Packet filtered*' sh -c "ping -c 1 -W 2 $SRV4 | grep From"
SHOW="ping ${C4[1]} (work)" refused personal '*Packet filtered*' sh -c "ping -c 1 -W 2 ${C4[1]} | grep From"
SHOW="ping ${C6[1]} (work)" refused untrusted '*rohibited*' sh -c "ping -c 1 -W 2 ${C6[1]} | grep From"

chapter '4  A rule changes while two downloads run'
for port in 80 8080; do
	spawn c1 "curl-$port.log" curl -s --limit-rate 2M -o "$DIR/got-$port" "http://$SRV4:$port/big"
done
size() { stat -c %s "$DIR/got-$1" 2>/dev/null || echo 0; }
growing() { # PORT: does the file grow within a second?
	local a
	a=$(size "$1")
	wait_for 1 sh -c "[ \$(stat -c %s $DIR/got-$1) -gt $((a + 100000)) ]"
}
running() { growing 80 && growing 8080; }
wait_for 5 running
verdict 'work$ curl :80/big &   curl :8080/big &' 'both run' $?
NEW=drop-8080
rules_of() {
	printf '%s\n' "action=drop proto=tcp dstports=8080-8080" 'action=accept'
}
rules_write 1
tell "dom0: qvm-firewall work add --before 0 drop proto=tcp dstports=8080"
sleep 0.5
growing 80
verdict 'the download from port 80' 'goes on' $?
! growing 8080
verdict 'the download from port 8080' 'has stopped' $?

chapter '5  Lies'
tell 'untrusted sends packets with the addresses of work, of the uplink, of nobody'
quiet up tcpdump -Z root -U -i eth0 -w "$DIR/lies.pcap" >"$DIR/lies.log" 2>&1 &
PIDS+=($!)
TAP=$!
wait_for 5 grep -q listening "$DIR/lies.log"
sent=$(CMAC_1=$(cmac 3) C4_1=${C4[3]} C6_1=${C6[3]} C4_3=${C4[1]} C6_3=${C6[1]} \
	GWMAC=$(neighbour c3 $GW4) quiet c3 $PY "$ROOT/tests/net/forge.py" client 2>&1 | tail -n 1)
sleep 0.3
reap $TAP INT
through=$(tcpdump -r "$DIR/lies.pcap" -A 2>/dev/null | grep -c SPOOF)
[ "$through" = 0 ] && [ "$sent" -gt 300 ]
verdict "untrusted\$ forge ($sent kinds of packets)" "$through came out" $?
honest=$(tcpdump -r "$DIR/lies.pcap" -A 2>/dev/null | grep -c HONEST)
[ "$honest" -ge 2 ]
verdict '... and 2 honest ones, as a control' "$honest came out" $?

chapter '6  A crash'
data_pid() { pgrep -P "$DAEMON" -f -- '--role=data'; }
was=$(data_pid)
kill -9 "$was"
start=$(date +%s%N)
back() { quiet c2 curl -s -m 1 http://$SRV4/hello; }
wait_for 10 back
verdict 'kill -9 of the process that handles packets' "back after $((($(date +%s%N) - start) / 1000000)) ms" $?
[ "$(data_pid)" != "$was" ]
verdict '... in a new process, behind the same rules' "pid $was, now $(data_pid)" $?
refused work 'EHOSTUNREACH' $PEER say tcp $SRV4 8080

chapter '7  What was refused, and why: vifwallctl blocked'
quiet fw $CTL blocked | head -n 14 | sed 's/^/  /'
quiet fw $CTL blocked | grep -q spoof-client
verdict 'vifwallctl blocked' 'names the liar' $?
echo
quiet fw $CTL status | sed 's/^/  /'

if [ -n "${KEEP:-}" ]; then
	SHELL_IN="ip netns exec $NS"
	cat <<-TEXT

		${B}Left running.${N}  Try:
		  $SHELL_IN-c1 bash                 a shell in work (-c2 personal, -c3 untrusted, -up outside)
		  $SHELL_IN-fw $CTL blocked
		  $SHELL_IN-fw $CTL flows
		  $EDITOR $RULES/qubes-firewall/${C4[1]}/      rules of work; then touch the directory
		Stop it with:
		  kill $DAEMON ${PIDS[*]}; for n in c1 c2 c3 fw up far; do ip netns del $NS-\$n; done; rm -rf $DIR
	TEXT
	trap - EXIT
else
	reap "$DAEMON"
	verdict 'stop' "exit $?" $?
fi

echo
if [ $FAILED -eq 0 ]; then
	printf '%sAll %d steps did what they said.%s\n' "$G" $PASSED "$N"
else
	printf '%s%d of %d steps did not do what they said.%s\n' "$R" $FAILED $((PASSED + FAILED)) "$N"
fi
exit $((FAILED > 0))
