# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# vifwalld in fw, for the scenarios that test it.  After house_stands there is the
# house of house.sh with c1 in it.  A scenario may say before it
#
#	DUT_CONF	settings: where rules come from
#	dut_before	what has to be there before vifwalld starts
#	rules		how a client's rules are made

DUT=vifwalld
DUT_CONF='rules = /rules'
dut_before() { :; }
dut_settings() {
	on fw 10 "cat >/run/vifwall.conf <<END
xen = on
host.rules = off
$DUT_CONF
[uplink]
port = vif:0
ip = $OUT4/24
ip6 = $OUT6/64
gateway = $UP4
gateway6 = $UP6
END"
}
dut_start() {
	dut_settings
	start fw vifwalld 'vifwalld -c /run/vifwall.conf'
}
dut_ready() {
	yes 'vifwalld is ready' on fw 30 'wait_line vifwalld ready 25' || {
		on fw 10 'cat /run/vifwalld.log'
		exit
	}
}
# Its parent starts another one at once, which has the flows of the one before.
dut_again() { on fw 10 'processes vifwalld data; kill -9 $(processes vifwalld data)' >/run/killed; }
dut_is_another() {
	is 'a data process was killed' "$(cat /run/killed)" '[1-9]*'
	now_there=$(on fw 10 'processes vifwalld data')
	is 'another one is there' "$now_there" '[1-9]*'
	no '... and not the same' test "$now_there" = "$(cat /run/killed)"
	yes '... whose flows go on' on fw 10 \
		"grep -q '[1-9][0-9]* flows of the process before this one go on' /run/vifwalld.log"
}
EXTRA4=10.137.1.1
extra_net() {
	on fw 10 "rules_write $EXTRA4 $EXTRA4 action=accept"
	on c1 20 "extra_up $EXTRA4 $OUT4"
}
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
# What it said, and that it ends in order.
dut_end() {
	yes 'vifwalld ends when it is told to' stop fw vifwalld
	on fw 10 'tail -c 1700 /run/vifwalld.log'
}

house_stands() {
	local from
	netvm
	up netvm
	fw
	up fw
	dut_before
	rules 1 action=accept
	rules 2 action=accept
	dut_start
	dut_ready
	yes 'the uplink connects' wait_for 60 uplink_connected || exit
	from=$(now)
	client 1 pv
	up c1
	yes 'c1 connects' wait_for 60 connected c1 || exit
	figure "from creating a client to state Connected, fw is $FW" "$(since "$from")"
	yes 'c1 sets up its interface' client_net 1
}
