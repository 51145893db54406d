# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 900
# runs: FW=pv | FW=pvh
# vifwalld in a driver domain while everything around it, and itself, dies and
# comes back.
. /test/house.sh
. /test/life.sh
. /test/vifwalld.sh
house_stands

# Connections don't outlive this; that c1 is a connected client does.
all_killed() {
	yes 'all of vifwalld is killed' on fw 10 'kill -9 $(processes vifwalld)'
	sleep 1
	dut_start
	dut_ready
	yes 'c1 is connected still' connected c1
	yes 'the uplink connects' wait_for 60 uplink_connected
	yes 'c1 reaches the server' pings c1 "$SRV4" 20
}

yes 'c1 reaches the server' pings c1 "$SRV4"
part killed && life_killed
part paused && life_paused
part unbound && life_unbound
part added && life_added
part netvm && life_netvm
part all && all_killed
part rounds && life_rounds
dut_end
