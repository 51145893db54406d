# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 900
# runs: FW=pv | FW=pvh BYTES=1000000
# What clients see of vifwalld in a driver domain: theirs and the network domain's
# kernels are stock ones.
. /test/house.sh
. /test/talk.sh
. /test/life.sh
. /test/vifwalld.sh

# Nobody else may be the backend of fw's vifs.  refuses WHY BEFORE AFTER: while
# that is so between two commands.
refuses() {
	is "it does not start beside $1" \
		"$(on fw 30 "$2; vifwalld -c /run/vifwall.conf 2>&1; echo exit \$?; $3")" \
		"*$1*exit 69*"
}
dut_before() {
	dut_settings
	refuses 'xl devd runs here, and takes away vifs' 'xl devd' 'kill $(pidof xl)'
	refuses 'the kernel is the backend of this domain' 'modprobe xen-netback' \
		'modprobe -r xen-netback'
}
house_stands

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

is 'status says so' "$(ctl status --json)" '*"clients"*'
is 'vifwallctl vif knows the client' "$(ctl vif)" "*$(cat /run/c1.id)/0 *connected*"
part talk && talk 1 "vif$(cat /run/fw.id).0"
part rules && rules_bind
part two && {
	client 2 pvh
	up c2
	yes 'c2 connects' wait_for 60 connected c2
	yes 'c2 sets up its interface' client_net 2
	talk 2 "vif$(cat /run/fw.id).0"
	no 'c1 does not reach c2' on c1 10 "ping -c 1 -W 2 $C4_2"
	life_destroyed 2
}
dut_end
is 'no word of its own was an error' \
	"$(on fw 10 'grep -c " error " /run/vifwalld.log')" 0
