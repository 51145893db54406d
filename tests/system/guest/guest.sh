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
# job_runs NAME: what has ended may be a zombie, as nobody waits for it.
job_runs() { grep -qs '^State:.[^Z]' "/proc/$(cat "/run/$1.pid")/status"; }
# job_stop NAME SIGNAL: prints its output when it has ended.
job_stop() {
	local left=100
	kill "-$2" "$(cat "/run/$1.pid")" 2>/dev/null
	while job_runs "$1"; do
		left=$((left - 1))
		[ $left -gt 0 ] || {
			echo "$1 did not end"
			return 1
		}
		usleep 100000
	done
	cat "/run/$1.log"
}

wait_eth() {
	local left=100
	until [ -e "/sys/class/net/${1:-eth0}" ]; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		usleep 100000
	done
}

# eth_up ADDRESS ADDRESS6 GATEWAY GATEWAY6: as a qube sets up its only interface,
# every address through the gateway.
eth_up() {
	wait_eth || return 1
	ip addr add "$1/32" dev eth0
	ip addr add "$2/128" dev eth0
	ip link set eth0 up
	ip route add "$3" dev eth0
	ip route add default via "$3"
	ip -6 route add "$4" dev eth0
	ip -6 route add default via "$4"
}
# extra_up ADDRESS GATEWAY: a second interface, for what is from that address.
extra_up() {
	wait_eth eth1 || return 1
	# an address is answered for where it is, and nowhere else
	sysctl -q -w net.ipv4.conf.all.arp_ignore=1
	ip addr add "$1/32" dev eth1
	ip link set eth1 up
	ip route add "$2" dev eth1 table 7
	ip route add default via "$2" dev eth1 table 7
	ip rule add from "$1" table 7
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

# job_wait NAME SECONDS: prints its output when it has ended by itself.
job_wait() {
	local left=$(($2 * 5))
	while job_runs "$1"; do
		left=$((left - 1))
		[ $left -gt 0 ] || break
		usleep 200000
	done
	cat "/run/$1.log"
}
# wait_line NAME TEXT SECONDS: until the job NAME says that.
wait_line() {
	local left=$(($3 * 5))
	until grep -q "$2" "/run/$1.log"; do
		job_runs "$1" || return 1
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		usleep 200000
	done
}

# wait_ping ADDRESS SECONDS [SOURCE]: until one is answered.
wait_ping() {
	local left=$2
	until ping -c 1 -W 1 ${3:+-I "$3"} "$1"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
	done
}

# processes PROGRAM [ROLE]: their numbers; of vifwalld, those with that role.
processes() {
	local p
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/exe")" = "/test/bin/$1" ] || continue
		[ -z "${2:-}" ] || grep -q -- "--role=$2" "$p/cmdline" || continue
		echo "${p#/proc/}"
	done
}
# held PROGRAM: what its processes have open, mapped, bound and in memory.
held() {
	local p files=0 maps=0 kib=0
	for p in $(processes "$1"); do
		files=$((files + $(find "/proc/$p/fd" -type l | wc -l)))
		maps=$((maps + $(wc -l <"/proc/$p/maps")))
		kib=$((kib + $(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$p/status")))
	done
	echo "files $files maps $maps kib $kib channels $(grep -c evtchn /proc/interrupts)"
}
# rules_write ADDRESS ADDRESS6 RULE...: as QubesDB has them, committed at once.
rules_write() {
	local dir at rule addresses="$1 $2"
	shift 2
	for dir in $addresses; do
		dir=/rules/qubes-firewall/$dir
		at=1000
		mkdir -p "$dir"
		rm -f "$dir"/[0-9]*
		echo drop >"$dir/policy"
		for rule in "$@"; do
			echo "$rule" >"$dir/0${at#1}"
			at=$((at + 1))
		done
		touch "$dir"
	done
}
