# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 900
# needs: xen
# runs: FW=pv | FW=pvh PARTS=talk,rules,killed,two
# vifwalld in a driver domain: its clients' kernels and the network domain's are
# stock ones.
. /test/house.sh
. /test/talk.sh
. /test/life.sh

DUT=vifwalld
dut_start() {
	on fw 10 "cat >/run/vifwall.conf <<END
xen = on
rules = /rules
[uplink]
port = vif:0
ip = $OUT4/24
ip6 = $OUT6/64
gateway = $UP4
gateway6 = $UP6
END
	job_start vifwalld vifwalld -c /run/vifwall.conf"
}
# Its parent starts another one at once.
dut_again() { on fw 10 'kill -9 $(process data)'; }
client_net() { client_eth "$1"; }
# rules N RULE...
rules() {
	local n=$1 text='' rule ip ip6
	shift
	eval "ip=\$C4_$n ip6=\$C6_$n"
	for rule in "$@"; do text="$text '$rule'"; done
	on fw 10 "rules_write $ip $ip6 $text"
}
ctl() { on fw 20 "vifwallctl $*"; }

rules_bind() {
	yes 'port 7 is open' on c1 20 "peer open $SRV4 7"
	yes 'a rule against it is written' rules 1 'action=drop proto=tcp dstports=7-7' 'action=accept'
	sleep 1
	yes 'port 7 is refused at once' on c1 20 "peer refused $SRV4 7"
	yes 'and over IPv6' on c1 20 "peer refused $SRV6 7"
	yes 'another port is not' on c1 20 "peer up $SRV4 1000"
	yes 'vifwallctl says what was blocked' on fw 20 "vifwallctl blocked | grep -q '$SRV4.*7'"
	yes 'the rule is taken back' rules 1 action=accept
	sleep 1
	yes 'port 7 is open again' on c1 20 "peer open $SRV4 7"
	no "an address that is not c1's goes nowhere" on c1 20 "
		ip addr add 10.137.0.99/32 dev eth0
		ping -c 2 -W 2 -I 10.137.0.99 $SRV4
		rc=\$?
		ip addr del 10.137.0.99/32 dev eth0
		exit \$rc"
}

netvm
up netvm
fw
up fw
rules 1 action=accept
rules 2 action=accept
dut_start
yes 'vifwalld is ready' on fw 20 'wait_line ready /run/vifwalld.log 15' || {
	on fw 10 'cat /run/vifwalld.log'
	exit
}
yes 'the uplink connects' wait_for 30 uplink_connected || exit
client 1 pv
up c1
yes 'c1 connects' wait_for 30 connected c1 || exit
yes 'c1 sets up its interface' client_net 1
is 'status says so' "$(ctl status --json)" '*"clients"*'
is 'vifwallctl vif knows the client by its address' "$(ctl vif)" "*$C4_1*"
part talk && talk 1 "vif$(cat /run/fw.id).0"
part rules && rules_bind
part killed && life_killed
part unbound && life_unbound
part netvm && life_netvm
part rounds && life_rounds
part two && {
	client 2 pvh
	up c2
	yes 'c2 connects' wait_for 60 connected c2
	yes 'c2 sets up its interface' client_net 2
	talk 2 "vif$(cat /run/fw.id).0"
	no 'c1 does not reach c2' on c1 10 "ping -c 1 -W 2 $C4_2"
	life_destroyed 2
}
yes 'vifwalld ends when it is told to' stop fw vifwalld
on fw 10 'grep -E " (error|warning) " /run/vifwalld.log'
is 'no word of its own was an error' "$(on fw 10 'grep -c " error " /run/vifwalld.log')" 0
