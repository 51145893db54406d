# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 900
# runs: FW=pv | FW=pvh PARTS=killed,unbound,netvm
# vifwalld in a driver domain while everything around it, and itself, dies and
# comes back.
. /test/house.sh
. /test/life.sh
. /test/vifwalld.sh

yes 'c1 reaches the server' pings c1 "$SRV4"
part killed && life_killed
part unbound && life_unbound
part added && life_added
part netvm && life_netvm
part rounds && life_rounds
dut_end
