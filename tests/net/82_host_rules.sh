#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel beside the daemon: its own packet filter keeps it out, whatever
# others do to that filter.
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ] || [ "$LINKS" != tap ]; then
	echo 'this test is about the daemon over wires only (PORTS=tap)' >&2
	exit 2
fi
NFT='quiet fw nft'
MODE=on
settings_of() { echo "host.rules = $MODE"; }

# One line for a rule, without what changes from reading to reading.
listed() { $NFT list table "$1" vifwall 2>/dev/null | tr -s ' \t' ' ' | sed 's/^ //'; }
in_force() { quiet fw $CTL status | grep -q '^host     rules on$\|^host     rules on, put back'; }
there() { [[ $(listed inet) == *'hook forward'*'policy drop'* && $(listed arp) == *'hook output'* ]]; }
gone() { ! $NFT list tables | grep -qw vifwall; }
put_back() { quiet fw $CTL --json status | grep -o '"put_back":[0-9]*' | cut -d: -f2; }
child() { pgrep -P "$DAEMON" -f -- "--role=$1"; }

# Everything that the kernel of fw would do by itself, were there no rules: it
# has an address on a client's link, routes and forwards.  Counters look at what
# gets by at a later priority.
tempt() {
	quiet fw sysctl -qw net.ipv4.ip_forward=1
	ip -n "$NS-fw" addr add 10.137.0.200/32 dev in1
	ip -n "$NS-fw" route replace "${C4[1]}" dev in1
	ip -n "$NS-fw" addr add 198.51.100.200/24 dev out0
	ip -n "$NS-c1" route replace 10.137.0.200 dev eth0
	ip -n "$NS-c1" neigh replace 10.137.0.200 lladdr fe:ff:ff:ff:ff:01 dev eth0
	ip -n "$NS-fw" neigh replace "${C4[1]}" lladdr "$(cmac 1)" dev in1
}
resist() {
	quiet fw sysctl -qw net.ipv4.ip_forward=0
	ip -n "$NS-fw" addr flush dev in1
	ip -n "$NS-fw" addr flush dev out0
}
COUNTERS='table inet spy {
	chain in { type filter hook input priority 10; iifname "in1" counter name got; }
	chain through { type filter hook forward priority 10; iifname "in1" counter name through; }
	chain out { type filter hook output priority 10; oifname "in1" counter name sent; }
	counter got { }
	counter through { }
	counter sent { }
}'
spy() { echo "$COUNTERS" | ip netns exec "$NS-fw" nft -f -; }
counted() { $NFT list counter inet spy "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }

topology_up
echo "table inet theirs { chain c { type filter hook input priority 5; udp dport 9 drop; }; }" |
	ip netns exec "$NS-fw" nft -f -
THEIRS=$($NFT list table inet theirs)
yes 'before the daemon there is no table of ours' gone

# ---- set, and what for -------------------------------------------------------
dut_start
echo_server up 7
yes 'the daemon sets its rules before it is ready' there
is 'nft shows what is dropped of in1' "$(listed inet)" \
	'*chain input*iifname "lo" accept*iifname "out0" drop*iifname "in1" drop*iifname "in3" drop*chain forward*policy drop*chain output*oifname "in1" drop*'
is '... and of ARP' "$(listed arp)" '*chain input*iifname "in1" drop*chain output*oifname "in1" drop*'
yes 'status says so' in_force
yes 'clients reach the world through the daemon' say c1 tcp $SRV4 7
is 'the table of others is as it was' "$($NFT list table inet theirs)" "$THEIRS"

spy
tempt
no 'the kernel does not answer for an address of its own on our link' \
	quiet c1 ping -c 3 -i 0.2 -W 1 10.137.0.200
no 'the kernel reaches nobody by our link' quiet fw ping -c 2 -i 0.2 -W 1 "${C4[1]}"
ip -n "$NS-c1" route replace default via 10.137.0.200 dev eth0
no 'the kernel forwards nothing that is sent to its MAC address' say c1 udp $SRV4 7 1
ip -n "$NS-c1" route replace default via $GW4 dev eth0 src "${C4[1]}"
is 'not one packet gets past our rules' "$(counted got) $(counted through) $(counted sent)" '0 0 0'

# The proof that the temptation is one.
reap "$DAEMON"
is 'told to stop, the daemon ends with 0' $? 0
yes '... and takes its rules away' gone
is '... and no others' "$($NFT list table inet theirs)" "$THEIRS"
yes 'without rules the kernel would have answered' \
	quiet c1 ping -c 3 -i 0.2 -W 1 10.137.0.200
is '... and was seen to' "$([ "$(counted got)" -gt 0 ] && echo seen)" seen
resist
quiet fw nft delete table inet spy
vifwalld_start
yes 'started again, it sets them again' there

# ---- others change them -------------------------------------------------------
$NFT flush ruleset
yes 'flushed, they are back at once' wait_for 15 there
yes '... exactly' wait_for 15 in_force
is 'the log says who it was' "$(cat "$DIR/vifwalld.log")" '*host rules: nft changed ours; they are back*'
n=$(put_back)
$NFT delete table arp vifwall
yes 'one table deleted is made again' wait_for 15 there
$NFT add rule inet vifwall input accept
added() { ! listed inet | grep -q '^accept'; }
yes 'a rule added is taken out' wait_for 15 added
$NFT insert rule inet vifwall forward accept
yes '... in each chain' wait_for 15 added
$NFT 'add chain inet vifwall forward { policy accept; }'
yes 'a policy changed is changed back' wait_for 15 there
$NFT 'add chain inet vifwall more'
more() { ! listed inet | grep -q more; }
yes 'a chain added is taken out' wait_for 15 more
$NFT 'add table inet vifwall { flags dormant; }'
awake() { ! listed inet | grep -q dormant; }
yes 'put to sleep, they are woken' wait_for 15 awake
wait_for 15 in_force
m=$(put_back)
yes "status counts them ($n, then $m)" test "$m" -ge $((n + 6))
echo "table inet other { }" | ip netns exec "$NS-fw" nft -f -
sleep 0.3
is 'a change elsewhere is not ours to mend' "$(put_back)" "$m"
storm() {
	local i
	for i in $(seq 100); do echo 'flush ruleset'; done >"$DIR/storm"
	for i in 1 2 3 4 5; do $NFT -f "$DIR/storm"; done
	wait_for 15 there
}
yes 'flushed five hundred times, they are back' storm
yes 'clients did not notice' say c2 tcp $SRV4 7

# ---- reload, crash, start -------------------------------------------------------
sed -i '/^client.c3/d' "$CONF"
yes 'a reload without c3' quiet fw $CTL reload
no 'has no rule for its link' grep -q in3 <<<"$(listed inet)"
conf_write
yes 'a reload with c3' quiet fw $CTL reload
yes '... has it again' grep -q in3 <<<"$(listed inet)"

kill -9 "$(child data)"
yes 'a data process that dies changes nothing' there
kill -9 "$(child control)"
wait "$DAEMON"
is 'without its control process the daemon ends' $? 70
yes '... and its rules stay: nothing passes' there
vifwalld_start
yes 'the next one takes them over' in_force
kill -9 "$DAEMON"
wait "$DAEMON" 2>/dev/null
yes 'killed, it leaves them too' there
ended() { ! pgrep -f "config=$CONF"; }
wait_for 15 ended

# ---- check, off, and what is missing ------------------------------------------------
refused() { timeout -k 2 20 ip netns exec "$NS-fw" "$@" "$ROOT/build/vifwalld" --config="$CONF" </dev/null 2>&1; }
MODE=check
conf_write
vifwalld_start
yes 'check: rules that are there will do' grep -q 'rules check$' <<<"$(quiet fw $CTL status)"
$NFT delete table inet vifwall
lost() { quiet fw $CTL status | grep -q 'NOT IN FORCE'; }
yes '... and when they go, status says so' wait_for 15 lost
no '... but they are not put back' there
reap "$DAEMON"
said=$(refused env)
is 'check: without rules there is no start' $? 69
is '... and it says what to do' "$said" '*host rules: *vifwall*host.rules = on*'
yes '... and does not touch what it found' $NFT list table arp vifwall
$NFT delete table arp vifwall

MODE=off
conf_write
vifwalld_start
yes 'off: there are none' gone
is '... and status says so' "$(quiet fw $CTL status | grep '^host')" 'host     rules off'
reap "$DAEMON"

MODE=on
conf_write
said=$(refused setpriv --bounding-set=-net_admin --inh-caps=-net_admin)
is 'without CAP_NET_ADMIN there is no start' $? 71
is '... and it says what it takes' "$said" '*host rules: *CAP_NET_ADMIN*host.rules = off*'
sed -i 's/packet:in2/packet:nosuch/' "$CONF"
said=$(refused env)
is 'a start that fails for another reason' $? 69
yes '... leaves no rules behind' gone
finish
