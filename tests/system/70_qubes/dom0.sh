# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 900
# vifwalld as the firewall of Qubes: its rules are dom0's, in QubesDB, and dom0 calls
# it by qrexec, over real vchans.  prog/dom0db.c and prog/dom0rpc.c are dom0's ends.
. /test/house.sh
. /test/life.sh
. /test/vifwalld.sh
. /test/qubes.sh

DUT_CONF='qubes.channel = vchan'
dut_before() {
	dom0_has
	db serve
}
rules() { commit "$@"; }
in_force() { handled 1 "$1"; }
port7_open() { on c1 20 "peer open $SRV4 7"; }
port7_refused() { on c1 20 "peer refused $SRV4 7"; }

rules_of_dom0() {
	local from
	yes 'port 7 is open' port7_open
	from=$(now)
	yes 'dom0 blocks it' rules 1 'action=drop proto=tcp dstports=7-7' 'action=accept'
	yes '... and hears that it is blocked' wait_for 20 in_force 2
	figure "from dom0's commit to its answer" "$(since "$from")"
	yes 'port 7 is refused at once' port7_refused
	yes 'and over IPv6' on c1 20 "peer refused $SRV6 7"
	yes 'another port is not' on c1 20 "peer up $SRV4 1000"
	yes 'dom0 writes another set, without an end' set_of "$C4_1" action=accept
	sleep 2
	yes 'port 7 is refused as before' port7_refused
	yes 'that was the end' db write "/qubes-firewall/$C4_1"
	yes '... and dom0 hears it' wait_for 20 in_force 3
	yes 'port 7 is open' port7_open
}

rules_that_are_wrong() {
	yes 'dom0 writes what is no rule' rules 1 'action=accept colour=blue'
	yes 'and hears why c1 is closed' wait_for 20 heard "theirs /vifwall-error/$C4_1 rule 0000, column"
	no 'c1 reaches nothing' on c1 20 "ping -c 1 -W 2 $SRV4"
	yes 'dom0 writes it right' rules 1 action=accept
	yes 'and hears that nothing is wrong any more' \
		wait_for 20 heard "theirs /vifwall-error/$C4_1 \$"
	yes 'c1 reaches the server' pings c1 "$SRV4"
}

connected_again() { [ "$(how_often connected)" -gt "$1" ]; }

# A daemon that is started anew knows nothing of what it had said.
daemon_restarts() {
	local n
	n=$(how_often connected)
	yes 'port 7 is blocked' rules 1 'action=drop proto=tcp dstports=7-7' 'action=accept'
	sleep 2
	yes "dom0's daemon is started anew, and has nothing" db restart
	yes 'vifwalld comes back to it' wait_for 30 connected_again "$n"
	yes 'c1 reaches the server meanwhile' pings c1 "$SRV4"
	yes 'port 7 is refused as before' port7_refused
	yes 'dom0 writes new rules' rules 1 action=accept
	yes 'which count' wait_for 20 port7_open
}

vifwalld_restarts() {
	local n
	n=$(how_often connected)
	yes 'port 7 is blocked' rules 1 'action=drop proto=tcp dstports=7-7' 'action=accept'
	sleep 2
	yes 'all of vifwalld is killed' on fw 10 'kill -9 $(processes vifwalld)'
	sleep 1
	dut_start
	dut_ready
	yes 'it asks dom0 for everything' wait_for 30 connected_again "$n"
	yes 'the uplink connects' wait_for 60 uplink_connected
	yes 'c1 reaches the server' pings c1 "$SRV4" 20
	yes 'port 7 is refused still' port7_refused
}

status_names_c1() { rpc vifwall.Clients </dev/null | grep -q "vif$(cat /run/c1.id)"; }
set_by_hand() { echo "$1" | rpc "vifwall.SetRules+$C4_1"; }

calls_of_dom0() {
	yes 'dom0 may ask who the clients are' status_names_c1
	is '... and was told what we are' "$(cat /run/last)" '*asks: qubes.FeaturesRequest*'
	yes 'nobody waits for a session here' answers 0 rpc qubes.WaitForSession
	yes 'the uplink is up, fw says' answers 0 rpc qubes.WaitForNetworkUplink
	yes 'there is no such service' answers 127 rpc x.Nothing
	yes 'a qube may not set rules' answers 126 rpc "vifwall.SetRules+$C4_1" work
	no 'what is no rule is not taken' set_by_hand 'action=drop colour=blue'
	is '... and it is said where that is' "$(cat /run/last)" '*line 1, column 13:*'
	yes '... and nothing changed' pings c1 "$SRV4"
	yes 'dom0 closes c1 by hand' set_by_hand action=drop
	sleep 1
	no 'c1 reaches nothing' on c1 20 "ping -c 1 -W 2 $SRV4"
	yes 'dom0 takes that back' answers 0 rpc "vifwall.ClearRules+$C4_1"
	yes 'c1 reaches the server' pings c1 "$SRV4"
}

house_stands
yes 'vifwalld read all that dom0 has' heard 'dumped'
yes 'dom0 hears that the rules of c1 are in force' wait_for 20 in_force 1
yes 'c1 reaches the server' pings c1 "$SRV4"
part rules && rules_of_dom0
part wrong && rules_that_are_wrong
part calls && calls_of_dom0
part daemon && daemon_restarts
part vifwalld && vifwalld_restarts
no "nothing was said that dom0's daemon dies of" heard WRONG
dut_end
yes 'its end of the channel is closed' wait_for 20 heard gone
sed 's/^/  | /' /run/db.log | tail -n 40
