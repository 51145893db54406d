# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced by every network test.  The house that they all stand in:
#
#   c1 eth0 -------- in1 +------+
#   10.137.0.11          |      |                +------+               +-----+
#   c2 eth0 -------- in2 |  fw  | out0 ---- eth0 |  up  | eth1 --- eth0 | far |
#   10.137.0.12          |      |                |      |   MTU 1280    |     |
#   c3 eth0 -------- in3 +------+                +------+               +-----+
#   10.137.0.13
#
#   clients  10.137.0.11-13, fd09:24ef:4179::a89:b-d, each alone on its link
#   fw       10.137.0.1, fd09:24ef:4179::a89:1 to every client;
#            198.51.100.1, 2001:db8:1::1 outside: the device under test
#   up       198.51.100.254, 2001:db8:1::fe: the next hop, a router;
#            198.51.100.10 and .11, 2001:db8:1::10 and ::11: servers
#   far      203.0.113.10, 2001:db8:2::10: a server behind a small MTU
#
# up has no route to the clients: what leaves untranslated gets no answer.
# DUT=vifwall (the default) or DUT=kernel (nftables masquerade: the oracle, and
# the proof that a test is right about the world) says what forwards in fw.
#
# PORTS=tap (the default): c1-c3 and up are at the other end of wires and TAP
# devices that the daemon opens.  PORTS=vif: they are domains of a machine with
# a simulated Xen (vif.sh), the daemon is their backend, up's domain is its own.
# A script that runs over both says so in a line "# PORTS: tap vif".
set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

LINKS=${PORTS:-tap}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NS=vw$$
DUT=${DUT:-vifwall}
OFFLOAD=${OFFLOAD:-off}
DIR=$(mktemp -d "${TMPDIR:-/tmp}/vifwall-net.XXXXXX") || exit 2
# The packaged one: another python3 may stand first in PATH without scapy.
PY=/usr/bin/python3
PEER="$PY $ROOT/tests/net/peer.py"
PIDS=()
PASSED=0
FAILED=0

C4=(none 10.137.0.11 10.137.0.12 10.137.0.13)
C6=(none fd09:24ef:4179::a89:b fd09:24ef:4179::a89:c fd09:24ef:4179::a89:d)
GW4=10.137.0.1
GW6=fd09:24ef:4179::a89:1
OUT4=198.51.100.1
OUT6=2001:db8:1::1
UP4=198.51.100.254
UP6=2001:db8:1::fe
SRV4=198.51.100.10
SRV4B=198.51.100.11
SRV6=2001:db8:1::10
FAR4=203.0.113.10
FAR6=2001:db8:2::10
# What a test may change before topology_up: names, and how a client's frames
# come to the daemon (packet: the other end of its wire; tap: its own device;
# vif: its netfront).
CNAME=(none c1 c2 c3)
MORE=('' '' '' '') # further addresses of a client
PORTS=(none packet packet packet)
OUTPORT=packet:out0
cmac() { echo "00:16:3e:5e:6c:0$1"; }
OUTMAC=00:16:3e:5e:6c:f0
UPMAC=00:16:3e:5e:6c:fe
# For the Python programs.
export GW4 GW6 OUT4 OUT6 UP4 UP6 SRV4 SRV4B SRV6 FAR4 FAR6 OUTMAC UPMAC
for i in 1 2 3; do
	declare -x "C4_$i=${C4[i]}" "C6_$i=${C6[i]}" "CMAC_$i=$(cmac $i)"
done

# ---- running things ---------------------------------------------------------

# on WHO COMMAND...: prints and runs it in a namespace; its standard input is
# empty so that no tool waits for a person.
on() {
	local who=$1
	shift
	printf '[%s] %s\n' "$who" "$*"
	ip netns exec "$NS-$who" "$@" </dev/null
}
# quiet WHO COMMAND...: the same without the line, for use in $( ).
quiet() {
	local who=$1
	shift
	ip netns exec "$NS-$who" "$@" </dev/null
}
c1() { on c1 "$@"; }
c2() { on c2 "$@"; }
c3() { on c3 "$@"; }
fw() { on fw "$@"; }
up() { on up "$@"; }
far() { on far "$@"; }

# spawn WHO LOG COMMAND...: in the background; its pid in $SPAWNED, its output
# in $DIR/LOG; killed at the end.
spawn() {
	local who=$1 log=$DIR/$2
	shift 2
	printf '[%s] %s &\n' "$who" "$*"
	ip netns exec "$NS-$who" "$@" </dev/null >"$log" 2>&1 &
	SPAWNED=$!
	PIDS+=("$SPAWNED")
}

# reap PID [SIGNAL]: ends one of ours and waits for it.
reap() {
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# wait_for SECONDS COMMAND...: polls until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

listening() { # WHO tcp|udp PORT
	local flag=-Hltn
	[ "$2" = udp ] && flag=-Hlun
	quiet "$1" ss $flag "sport = :$3" | grep -q .
}

# ---- how late the machine is ----------------------------------------------------

# What is measured in real time is no better than the machine it runs on, which
# may pause any process for as long as it likes.  From beat_start on, one that
# ought to wake each 5 ms writes down how late it did.
beat_start() { # WHO
	spawn "$1" beat.log $PEER beat "$DIR/beat"
}
# within SECONDS LIMIT FROM TO: is that below LIMIT, or would it be if each of the
# four that a packet needs (who sends, who forwards, who hears and the kernel) had
# not been as late as the beat was at its worst between the two times?
within() {
	awk -v g="${1:-0}" -v limit="$2" -v a="$3" -v b="$4" '
		$1 > a && $1 - $2 < b && $2 > late { late = $2 }
		END { exit !(g < limit + 4 * late) }' "$DIR/beat"
}

# ---- saying what was found ----------------------------------------------------

pass() {
	PASSED=$((PASSED + 1))
	printf 'ok   %s\n' "$*"
}
fail() {
	FAILED=$((FAILED + 1))
	printf 'not ok   %s\n' "$*"
}
note() { printf '# %s\n' "$*"; }

# yes SENTENCE COMMAND...: the command must succeed.  no: it must fail.
yes() {
	local what=$1
	shift
	if "$@" >"$DIR/last" 2>&1; then
		pass "$what"
	else
		printf '  exit %d: %s\n' $? "$*"
		sed 's/^/  | /' "$DIR/last"
		fail "$what"
	fi
}
no() {
	local what=$1
	shift
	if "$@" >"$DIR/last" 2>&1; then
		printf '  succeeded, and must not: %s\n' "$*"
		sed 's/^/  | /' "$DIR/last"
		fail "$what"
	else
		pass "$what"
	fi
}
# is SENTENCE GOT WANTED (a pattern of the shell's)
is() {
	# shellcheck disable=SC2053
	if [[ $2 == $3 ]]; then
		pass "$1"
	else
		printf '  got:    %s\n  wanted: %s\n' "$2" "$3"
		fail "$1"
	fi
}

# The closing line, after what was captured is judged; also the exit code.
finish() {
	judge_rest
	printf '%d passed, %d failed\n' $PASSED $FAILED
	[ $FAILED -eq 0 ] && [ $PASSED -gt 0 ]
	exit
}

cleanup() {
	local rc=$? p
	trap - EXIT INT TERM
	# The closing line is the last: bash would tell after it who was killed.
	[ -n "${KEEP_LOGS:-}" ] || exec 2>/dev/null
	for p in "${PIDS[@]:-}"; do [ -z "$p" ] || kill "$p"; done
	for p in "${PIDS[@]:-}"; do
		[ -z "$p" ] || timeout 3 tail --pid="$p" -f /dev/null || kill -9 "$p"
	done
	wait
	PIDS=()
	topology_down
	if [ -n "${KEEP_LOGS:-}" ]; then
		echo "logs in $DIR" >&2
	else
		rm -rf "$DIR"
	fi
	exit $rc
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the house ------------------------------------------------------------------

# wire NS_A IF_A MAC_A NS_B IF_B MAC_B
wire() {
	ip link add "$2" netns "$NS-$1" address "$3" type veth \
		peer name "$5" netns "$NS-$4" address "$6" || exit 2
	plain "$1" "$2"
	plain "$4" "$5"
}

# A wire knows no offloads: senders finish their checksums and cut their
# segments, unless the test is about offloads.
plain() {
	[ "$OFFLOAD" = on ] || quiet "$1" ethtool -K "$2" \
		tx off rx off sg off tso off gso off gro off >/dev/null 2>&1
}

# client_up NUMBER: a host with its addresses and one way out, through fw.
client_up() {
	local c=c$1
	ip -n "$NS-$c" addr add "${C4[$1]}/32" dev eth0
	ip -n "$NS-$c" addr add "${C6[$1]}/128" dev eth0 nodad
	ip -n "$NS-$c" link set eth0 up
	ip -n "$NS-$c" route add $GW4 dev eth0 scope link
	ip -n "$NS-$c" route add default via $GW4 dev eth0 src "${C4[$1]}"
	ip -n "$NS-$c" route add $GW6 dev eth0
	ip -n "$NS-$c" route add default via $GW6 dev eth0 src "${C6[$1]}"
}

# uplink_up: up's side of the way to fw.
uplink_up() {
	ip -n "$NS-up" addr add $UP4/24 dev eth0
	ip -n "$NS-up" addr add $SRV4/24 dev eth0
	ip -n "$NS-up" addr add $SRV4B/24 dev eth0
	ip -n "$NS-up" addr add $UP6/64 dev eth0 nodad
	# Deprecated: the router speaks from its own address.
	ip -n "$NS-up" addr add $SRV6/64 dev eth0 nodad preferred_lft 0
	ip -n "$NS-up" addr add 2001:db8:1::11/64 dev eth0 nodad preferred_lft 0
	ip -n "$NS-up" link set eth0 up
}

topology_up() {
	local n i
	for n in c1 c2 c3 fw up far; do
		ip netns add "$NS-$n" || exit 2
		quiet "$n" sysctl -qw net.ipv6.conf.all.accept_ra=0 \
			net.ipv6.conf.default.accept_ra=0 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv4.ping_group_range='0 2147483647' \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
		ip -n "$NS-$n" link set lo up
	done
	for i in 1 2 3; do
		[ "${PORTS[i]}" != packet ] ||
			wire c$i eth0 "$(cmac $i)" fw in$i "fe:ff:ff:ff:ff:0$i"
	done
	if [ "$LINKS" = vif ]; then machine_up; else wire up eth0 $UPMAC fw out0 $OUTMAC; fi
	wire up eth1 00:16:3e:5e:6c:e1 far eth0 00:16:3e:5e:6c:e2

	[ "${NETVM:-}" = client ] || uplink_up
	ip -n "$NS-up" addr add 203.0.113.1/24 dev eth1
	ip -n "$NS-up" addr add 2001:db8:2::1/64 dev eth1 nodad
	ip -n "$NS-up" link set eth1 mtu 1280 up
	quiet up sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$NS-far" addr add $FAR4/24 dev eth0
	ip -n "$NS-far" addr add $FAR6/64 dev eth0 nodad
	ip -n "$NS-far" link set eth0 mtu 1280 up
	ip -n "$NS-far" route add default via 203.0.113.1
	ip -n "$NS-far" route add default via 2001:db8:2::1
	for i in 1 2 3; do
		[ "${PORTS[i]}" != packet ] || client_up $i
	done
}

# tap_up NUMBER: gives client NUMBER the TAP device that the daemon made.
tap_up() {
	[ $LEFT != none ] || LEFT=large # and leaves its own sums to the device
	wait_for 15 ip -n "$NS-fw" link show "in$1" || return 1
	ip -n "$NS-fw" link set "in$1" netns "$NS-c$1" &&
		ip -n "$NS-c$1" link set "in$1" name eth0 address "$(cmac "$1")" &&
		client_up "$1"
}

topology_down() {
	local n
	capture_end
	[ "$LINKS" != vif ] || machine_down
	for n in c1 c2 c3 fw up far; do ip netns del "$NS-$n" 2>/dev/null; done
}

# echo_server WHO PORT: TCP and UDP echo on every address of WHO.
echo_server() {
	spawn "$1" "echo-$1-$2.log" $PEER echo "$2" "$DIR/heard-$1-$2"
	wait_for 10 listening "$1" tcp "$2"
}

# web_server WHO: files of $DIR/www at port 80, both families.
web_server() {
	mkdir -p "$DIR/www"
	spawn "$1" "web-$1.log" $PY -m http.server 80 --bind :: --directory "$DIR/www"
	wait_for 10 listening "$1" tcp 80
}

# say WHO udp|tcp HOST PORT [TIMEOUT]
say() {
	local who=$1
	shift
	quiet "$who" $PEER say "$@"
}

# neighbour WHO ADDRESS: the MAC address that it is known by.
neighbour() {
	ip -n "$NS-$1" neigh get "$2" dev eth0 2>/dev/null |
		sed -n 's/.* lladdr \([0-9a-f:]*\).*/\1/p'
}

# ---- wire tapping -------------------------------------------------------------------

# Everything that the device under test emits, as its neighbours receive it, is
# captured from dut_start on, and judged by finish.  A script that wants to look
# into it, or to judge a part of it, stops that part before: it is $DIR/WHO.pcap
# then, and what comes after is another.  One that can't have its packets judged
# says why: UNCAPTURED='why'.
UNCAPTURED=''
TAPS=()    # pids
TAPPED=''  # the house that they are in
TO_JUDGE=() # parts that are over, and were not judged

# capture_on WHO: unless that interface is not there (yet), or nothing is captured.
capture_on() {
	local log=$DIR/tcpdump-$1.log
	[ "$TAPPED" = "$NS" ] && ip -n "$NS-$1" link show eth0 >/dev/null 2>&1 || return 0
	rm -f "$log"
	spawn "$1" "tcpdump-$1.log" tcpdump -Z root -U -i eth0 -Q in -s 0 \
		-w "$(part "$1")" >/dev/null
	TAPS+=("$SPAWNED")
}
# part WHO: a name for another part of what WHO receives
part() {
	local n=0
	while [ -e "$DIR/$1.$n.part" ]; do n=$((n + 1)); done
	: >"$DIR/$1.$n.part"
	echo "$DIR/$1.$n.part"
}

capture_start() {
	local n
	[ "$TAPPED" != "$NS" ] || return 0
	capture_end
	TAPPED=$NS
	for n in c1 c2 c3 up; do capture_on $n; done
	for n in c1 c2 c3 up; do
		[ ! -e "$DIR/tcpdump-$n.log" ] ||
			wait_for 10 grep -q listening "$DIR/tcpdump-$n.log" ||
			fail "tcpdump runs in $n"
	done
}

# capture_end: no more of it; all parts are to be judged.
capture_end() {
	local p
	TAPPED=''
	[ ${#TAPS[@]} -gt 0 ] || return 0
	sleep 0.3
	for p in "${TAPS[@]}"; do reap "$p" INT; done
	TAPS=()
	for p in "$DIR"/*.part; do
		[ -s "$p" ] || continue
		TO_JUDGE+=("${p%.part}.pcap")
		mv "$p" "${p%.part}.pcap"
	done
}

# capture_stop: what came until now is $DIR/WHO.pcap; and it goes on.
capture_stop() {
	local n f was=$TAPPED all=()
	capture_end
	for n in c1 c2 c3 up; do
		all=()
		for f in "${TO_JUDGE[@]}"; do
			[[ $f != "$DIR/$n."* ]] || all+=("$f")
		done
		[ ${#all[@]} -eq 0 ] || mergecap -F pcap -w "$DIR/$n.pcap" "${all[@]}"
	done
	[ "$was" != "$NS" ] || capture_start
}

# In TCP 0xffff is as good a sum as 0, and what the kernel writes for it, too.
WRONG='_ws.malformed || ip.checksum.status==0 || (tcp.checksum.status==0 && !tcp.checksum.ffff) || udp.checksum.status==0 || icmp.checksum.status==0 || icmpv6.checksum.status==0'

# tshark_on PCAP FILTER [FIELD...]: outside ports are random, so now and then one
# is that of a protocol that Wireshark knows; what TCP and UDP carry is data.
tshark_on() {
	local f=$1 y=$2
	shift 2
	tshark -n -r "$f" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
		-o udp.check_checksum:TRUE -d tcp.port==1-65535,data \
		-d udp.port==1-65535,data -Y "$y" "$@" 2>/dev/null
}

# Wireshark's dissectors are the judge of every packet that was emitted.
# wrong PCAP: the first frames that are.  Which sums may be left to a device is
# what LEFT says: none, those of aggregates (large) or all; with offloads, all.
LEFT=none
wrong() {
	local f=$1 left=$LEFT found
	[ "$OFFLOAD" = off ] || left=all
	tshark_on "$f" "$WRONG" -T fields -e frame.number -e _ws.malformed >"$DIR/wrong"
	[ -s "$DIR/wrong" ] || return 0
	if [ $left = none ]; then
		found=$(cut -f 1 "$DIR/wrong")
	else
		found=$($PY "$ROOT/tests/net/partial.py" "$f" $left <"$DIR/wrong")
	fi
	found=$(head -n 5 <<<"$found" | paste -sd,)
	[ -z "$found" ] || tshark_on "$f" "frame.number in {$found}"
}

# capture_judge [WHO...]: of what capture_stop ended, all or what these received
capture_judge() {
	local n all f keep=()
	[ $# -gt 0 ] || set -- c1 c2 c3 up
	for n in "$@"; do
		[ -e "$DIR/$n.pcap" ] || continue
		all=$(capinfos -M -c "$DIR/$n.pcap" | sed -n 's/.*packets: *//p')
		is "$all packets to $n are well formed, with right checksums" \
			"$(wrong "$DIR/$n.pcap")" ''
		for f in "${TO_JUDGE[@]}"; do
			[[ $f == "$DIR/$n."* ]] || keep+=("$f")
		done
		TO_JUDGE=("${keep[@]}")
		keep=()
	done
}

# All that was captured and not judged yet.
judge_rest() {
	local all
	capture_end
	[ -z "$UNCAPTURED" ] || note "not captured: $UNCAPTURED"
	[ ${#TO_JUDGE[@]} -gt 0 ] || return 0
	mergecap -F pcap -w "$DIR/rest.pcap" "${TO_JUDGE[@]}"
	TO_JUDGE=()
	all=$(capinfos -M -c "$DIR/rest.pcap" | sed -n 's/.*packets: *//p')
	[ "$all" -gt 0 ] || return 0
	is "all $all packets that came out are well formed, with right checksums" \
		"$(wrong "$DIR/rest.pcap")" ''
}

# ---- devices under test ---------------------------------------------------------------

# rules_of N: lines of rules of client N in the Qubes grammar; tests redefine
# it.  accept_all is everybody's default.
rules_of() { echo 'action=accept'; }
# The setting that says where rules come from; whoever redefines it has rules of
# its own to write.
rules_from() { echo "rules = $RULES"; }

dut_start() {
	"dut_$DUT"
	[ -n "$UNCAPTURED" ] || capture_start
}

dut_kernel() {
	local i
	[ "$LINKS" != vif ] || kernel_vifs || fail 'the kernel has its vifs'
	quiet fw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for i in 1 2 3; do
		ip -n "$NS-fw" addr add $GW4/32 dev in$i
		ip -n "$NS-fw" addr add $GW6/128 dev in$i nodad
		ip -n "$NS-fw" link set in$i up
		ip -n "$NS-fw" route add "${C4[$i]}" dev in$i src $GW4
		ip -n "$NS-fw" route add "${C6[$i]}" dev in$i src $GW6
	done
	ip -n "$NS-fw" addr add $OUT4/24 dev out0
	ip -n "$NS-fw" addr add $OUT6/64 dev out0 nodad
	ip -n "$NS-fw" link set out0 up
	ip -n "$NS-fw" route add default via $UP4
	ip -n "$NS-fw" route add default via $UP6
	ip netns exec "$NS-fw" nft -f - <<-NFT || exit 2
		table inet vw {
			set spoof4 { type ifname . ipv4_addr; elements = { "in1" . ${C4[1]}, "in2" . ${C4[2]}, "in3" . ${C4[3]} }; }
			set spoof6 { type ifname . ipv6_addr; elements = { "in1" . ${C6[1]}, "in2" . ${C6[2]}, "in3" . ${C6[3]} }; }
			chain raw {
				type filter hook prerouting priority raw; policy accept;
				iifname "in*" meta nfproto ipv4 iifname . ip saddr != @spoof4 drop
				iifname "in*" ip6 saddr != fe80::/10 iifname . ip6 saddr != @spoof6 drop
				iifname "out0" ip saddr 10.137.0.0/24 drop
				iifname "out0" ip daddr 10.137.0.0/24 drop
				iifname "out0" ip6 saddr fd09:24ef:4179::/48 drop
				iifname "out0" ip6 daddr fd09:24ef:4179::/48 drop
			}
			chain input {
				type filter hook input priority filter; policy accept;
				iifname "out0" meta l4proto { tcp, udp } ct state new,invalid drop
				iifname "out0" icmp type echo-request drop
				iifname "out0" icmpv6 type echo-request drop
			}
			chain forward {
				type filter hook forward priority filter; policy drop;
				ct state invalid drop
				ct state established,related accept
				iifname "in*" oifname "out0" accept
				reject with icmpx type admin-prohibited
			}
		}
		table ip vw4 {
			chain post { type nat hook postrouting priority srcnat; oifname "out0" masquerade; }
		}
		table ip6 vw6 {
			chain post { type nat hook postrouting priority srcnat; oifname "out0" masquerade; }
		}
	NFT
}

# settings_of: lines for vifwall.conf(5) beside the house itself; tests
# redefine it.
settings_of() { :; }

RULES=$DIR/rules
RUN=$DIR/run
CONF=$DIR/vifwall.conf
CTL="$ROOT/build/vifwallctl --socket=$RUN/ctl.sock"

# rules_write N: rules_of N for both families, in the layout of QubesDB: the
# values first, then the base key as the commit.  COMMITTED is the time before
# the first commit.
rules_write() {
	local a d n line dirs=()
	for a in "${C4[$1]}" "${C6[$1]}"; do
		d=$RULES/qubes-firewall/$a
		mkdir -p "$d"
		rm -f "$d"/[0-9]*
		echo drop >"$d/policy"
		n=0
		while read -r line; do
			printf '%s\n' "$line" >"$d/$(printf %04d $n)"
			n=$((n + 1))
		done < <(rules_of "$1" "$a")
		dirs+=("$d")
	done
	COMMITTED=$EPOCHREALTIME
	touch "${dirs[@]}"
}

conf_write() {
	local i
	{
		cat <<-CONF
			${OUTPORT:+uplink.port = $OUTPORT}
			uplink.ip = $OUT4/24
			uplink.gateway = $UP4
			uplink.ip6 = $OUT6/64
			uplink.gateway6 = $UP6
			$(rules_from)
			control.socket = $RUN/ctl.sock
			run-dir = $RUN
		CONF
		for i in 1 2 3; do
			[[ ${PORTS[i]} == @(packet|tap) ]] || continue
			cat <<-CONF
				client.${CNAME[i]}.port = ${PORTS[i]}:in$i
				client.${CNAME[i]}.ip = ${C4[i]}${MORE[i]} ${C6[i]}
				client.${CNAME[i]}.mac = $(cmac $i)
				client.${CNAME[i]}.gateway = $GW4
				client.${CNAME[i]}.gateway6 = $GW6
			CONF
		done
		if [ "$LINKS" = vif ]; then vif_settings; fi
		settings_of
	} >"$CONF"
}

# The kernel of fw carries frames to the daemon and says nothing itself.
dut_vifwall() {
	local i
	mkdir -p "$RUN" "$RULES"
	chmod 755 "$DIR" "$RUN"
	quiet fw sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 \
		net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	for i in in1 in2 in3 out0; do
		! ip -n "$NS-fw" link show $i >/dev/null 2>&1 || ip -n "$NS-fw" link set $i up
	done
	for i in 1 2 3; do rules_write $i; done
	conf_write
	vifwalld_start
	for i in 1 2 3; do
		[ "${PORTS[i]}" != tap ] || tap_up $i || fail "c$i has its TAP device"
		[ "${PORTS[i]}" != vif ] || guest_up $i || fail "c$i has its vif"
	done
	[ "${NETVM:-}" != client ] || netvm_vif || fail 'up has its vif'
	[ "$LINKS" != vif ] || wait_for 10 uplink_is_up || fail 'up has its vif'
}

vifwalld_start() {
	rm -f "$DIR/vifwalld.log"
	spawn fw vifwalld.log "$ROOT/build/vifwalld" --config="$CONF"
	DAEMON=$SPAWNED
	wait_for 10 grep -q ' ready' "$DIR/vifwalld.log" || {
		cat "$DIR/vifwalld.log"
		fail 'vifwalld starts'
		finish
	}
}

if [ "$LINKS" = vif ]; then
	# shellcheck source=tests/net/vif.sh
	. "$ROOT/tests/net/vif.sh"
fi
