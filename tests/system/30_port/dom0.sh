# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 900
# runs: FW=pv PARTS=talk,killed,unbound,two | FW=pvh BYTES=1000000 PARTS=talk,killed,unbound,two
# xen/ alone against stock kernels: fw is a switch made of our backend, our
# frontend and our bus (prog/xenport.c).  All are in one network.
. /test/house.sh
. /test/talk.sh
. /test/life.sh

DUT=xenport
dut_start() { start fw xenport xenport; }
dut_again() {
	on fw 10 'kill -9 $(pidof xenport)' || return 1
	sleep 1
	dut_start
}
# Its flows are the kernels': there is nothing that a successor could have.
dut_is_another() { yes 'another one is there' on fw 10 'job_runs xenport'; }
EXTRA4=198.51.100.31
extra_net() { on c1 20 "extra_up $EXTRA4 $UP4"; }
client_net() {
	on "c$1" 30 "wait_eth && ip addr add 198.51.100.2$1/24 dev eth0 &&
		ip addr add 2001:db8:1::2$1/64 dev eth0 && ip link set eth0 up"
}

netvm
up netvm
fw
up fw
dut_start
yes 'the uplink connects' wait_for 30 uplink_connected || exit
client 1 pv
up c1
yes 'c1 connects' wait_for 30 connected c1 || exit
yes 'c1 sets up its interface' client_net 1
part talk && talk 1 "vif$(cat /run/fw.id).0"
part killed && life_killed
part unbound && life_unbound
part added && life_added
part netvm && life_netvm
part rounds && life_rounds
part two && {
	client 2 pvh
	up c2
	yes 'c2 sets up its interface' client_net 2
	yes 'c2 serves' start c2 peer 'peer serve'
	tally_from c2 eth0
	yes 'c1 sends to c2' on c1 90 'peer up 198.51.100.22 2000000'
	yes 'c1 receives from c2 over IPv6' on c1 90 'peer down 2001:db8:1::22 2000000'
	tally c2
	is 'every checksum that reached c2 is right' "$(counted c2 bad)" 0
	least 'aggregates reach c2' "$(counted c2 ingso)" 10
	life_destroyed 2
}
stop fw xenport
