# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# What commands in guests can use.

# job_start NAME COMMAND...: in the background, its output in /run/NAME.log.
job_start() {
	local name=$1
	shift
	"$@" >"/run/$name.log" 2>&1 </dev/null &
	echo $! >"/run/$name.pid"
}
# job_stop NAME SIGNAL: prints its output when it has ended.
job_stop() {
	local pid left=100
	pid=$(cat "/run/$1.pid")
	kill "-$2" "$pid" 2>/dev/null
	while [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status"; do
		left=$((left - 1))
		[ $left -gt 0 ] || {
			echo "$1 did not end"
			return 1
		}
		usleep 100000
	done
	cat "/run/$1.log"
}

# eth_up ADDRESS ADDRESS6 GATEWAY GATEWAY6: as a qube sets up its only interface,
# every address through the gateway.
eth_up() {
	local left=100
	until [ -e /sys/class/net/eth0 ]; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		usleep 100000
	done
	ip addr add "$1/32" dev eth0
	ip addr add "$2/128" dev eth0
	ip link set eth0 up
	ip route add "$3" dev eth0
	ip route add default via "$3"
	ip -6 route add "$4" dev eth0
	ip -6 route add default via "$4"
}
link_is() { [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = "$1" ]; }

# Checksum errors that the kernel itself counted.
csum_errors() {
	awk '/^(Ip|Tcp|Udp|Icmp):/ {
		if (!($1 in head)) { head[$1] = $0; next }
		n = split(head[$1], name)
		for (i = 2; i <= n; i++)
			if (name[i] ~ /CsumErrors/) sum += $i
	} END { print sum + 0 }' /proc/net/snmp
	awk '/CsumErrors/ { sum += $2 } END { print sum + 0 }' /proc/net/snmp6
}
