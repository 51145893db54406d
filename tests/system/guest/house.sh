# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034
# The house that most scenarios stand in, like that of tests/net but of domains:
#
#	c1 (PV)   eth0 --+
#	10.137.0.11      |  +----+  198.51.100.1     .254 +-------+
#	                 +--| fw |----- vif 0 ------------| netvm |  198.51.100.10
#	c2 (PVH)  eth0 --+  +----+                        +-------+
#	10.137.0.12
#
# c1, c2, netvm: stock kernels with their netfront and netback.  netvm has no
# route to the clients: what leaves untranslated gets no answer.  fw: what is
# tested, a driver domain of type $FW.
C4_1=10.137.0.11 C6_1=fd09:24ef:4179::a89:b MAC_1=00:16:3e:5e:6c:01
C4_2=10.137.0.12 C6_2=fd09:24ef:4179::a89:c MAC_2=00:16:3e:5e:6c:02
OUT4=198.51.100.1 OUT6=2001:db8:1::1
UP4=198.51.100.254 UP6=2001:db8:1::fe
SRV4=198.51.100.10 SRV6=2001:db8:1::10
MAC_FW=00:16:3e:5e:6c:f0
SCRIPT=script=/etc/xen/scripts/vif.sh
FW=${FW:-pv}

netvm() { guest netvm pv 160 "driver_domain=1"; }
fw() {
	guest fw "$FW" 192 "driver_domain=1" \
		"vif=['backend=netvm,mac=$MAC_FW,$SCRIPT']"
}
# client N TYPE [LINE...].  The stock netfront of Linux 6.1 loses a mebibyte with
# each interface that is taken away, whatever its backend: c1 has room for that.
client() {
	local n=$1 type=$2 ip ip6 mac
	shift 2
	eval "ip=\$C4_$n ip6=\$C6_$n mac=\$MAC_$n"
	guest "c$n" "$type" 288 "vif=['backend=fw,ip=$ip $ip6,mac=$mac,$SCRIPT']" "$@"
}
# client_eth N: its addresses, and the link.
client_eth() {
	local ip ip6
	eval "ip=\$C4_$1 ip6=\$C6_$1"
	on "c$1" 30 "eth_up $ip $ip6 $OUT4 $OUT6"
}

# Counting frames: tally_from WHO INTERFACE; then tally WHO prints what came, and
# counted WHO NAME is one of its numbers.
tally_from() { start "$1" tally "tally $2"; }
tally() {
	stop "$1" tally >"/run/$1.tally"
	cat "/run/$1.tally"
}
counted() { number "$2" "$(cat "/run/$1.tally")"; }
