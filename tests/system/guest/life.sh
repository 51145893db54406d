# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# What happens to the guests of a driver domain in its life, whatever forwards
# there.  The scenario defines
#
#	DUT		the program's name in fw
#	dut_again	ends by SIGKILL what holds the rings, and has it back
#	client_net N	client N sets up its interface
#
# and may ask for any of the functions life_*, in any order, while c1 runs.

vif_of() { echo "backend/vif/$(cat "/run/$1.id")/0"; }
connected() { store_is fw "$(vif_of "$1")/state" 4; }
uplink_connected() { store_is netvm "$(vif_of fw)/state" 4; }
pings() { on "$1" 40 "wait_ping $2 ${3:-10}"; }
not() { ! "$@"; }

# A transfer of five seconds or more, and what is done to it meanwhile:
# under_transfer SENTENCE CLIENT COMMAND...
under_transfer() {
	local what=$1 c=$2 what_came
	shift 2
	start "$c" transfer "peer down $SRV4 6553600 50"
	sleep 2
	"$@"
	what_came=$(on "$c" 150 'job_wait transfer 140')
	is "$what" "$what_came" '*6553600 of 6553600 bytes right*'
	figure "$what: longest pause" \
		"$(echo "$what_came" | awk '/longest pause/ { print $3 }') ms"
}

life_killed() {
	under_transfer "a transfer outlives kill -9 of $DUT" c1 dut_again
	yes 'c1 is connected still' connected c1
	yes 'the uplink is up again' wait_for 20 uplink_connected
}

life_unbound() {
	local vif=/sys/bus/xen/drivers/vif
	yes 'c1 lets go of its interface' on c1 20 "echo vif-0 >$vif/unbind"
	yes 'its backend closes' wait_for 20 not connected c1
	yes 'c1 takes it again' on c1 20 "echo vif-0 >$vif/bind"
	yes 'its backend connects again' wait_for 30 connected c1
	yes 'c1 sets it up again' client_net 1
	yes 'c1 reaches the server again' pings c1 "$SRV4"
}

extra() { echo "backend/vif/$(cat /run/c1.id)/1"; }
extra_connected() { store_is fw "$(extra)/state" 4; }

# Another interface of c1, by the tool stack.
life_added() {
	yes 'an interface is added to c1 as it runs' xl network-attach c1 backend=fw \
		"mac=00:16:3e:5e:6d:01" "ip=10.137.1.1" "$SCRIPT"
	yes 'which connects' wait_for 60 extra_connected
	yes 'it is taken away again' xl network-detach c1 1
	yes 'and nothing is left of it' wait_for 60 gone fw "$(extra)"
	yes 'c1 reaches the server meanwhile' pings c1 "$SRV4"
}

# What the program and its domain hold, as names and numbers: by fw's own kernel,
# by the XenStore and by Xen.  The guests' own pages don't count: netfront of Linux
# 6.1 does not give all of its back.
holds() {
	local id
	id=$(cat /run/fw.id)
	on fw 20 "held $DUT" | tr '\n' ' '
	xenstore-control quota "$id" | tr -d ':' | tr -s ' \n' ' '
	xl dmesg -c >/dev/null
	xl debug-keys g
	sleep 1
	echo "ports $(lsevtchn "$id" | wc -l)" \
		"grants $(xl dmesg | grep -c '^(XEN) \[0x[0-9a-f]*\] ')"
}

rounds() { vifs "$(cat /run/fw.id)" "$(cat /run/c1.id)" "$1" 10 "$2"; }

# A hundred interfaces come and go, ten at a time.
life_rounds() {
	local before after what
	yes 'ten interfaces come to c1 and go' rounds 11 1
	before=$(holds)
	note "holds: $before"
	yes 'they do so nine times more' rounds 21 9
	sed 's/^/  | /' /run/last
	figure 'ten interfaces connect / are gone, the slowest round' \
		"$(awk '/vifs:/ { if ($5 > come) come = $5; if ($9 > go) go = $9 }
		END { print come " / " go " ms" }' /run/last)"
	sleep 1
	after=$(holds)
	note "holds: $after"
	for what in files maps channels nodes ports watches grants; do
		is "no more $what after it" "$(number $what "$after")" \
			"$(number $what "$before")"
		figure "$what held after 10 interfaces / after 100" \
			"$(number $what "$before") / $(number $what "$after")"
	done
	figure 'memory held after 10 interfaces / after 100' \
		"$(number kib "$before") / $(number kib "$after") KiB"
	least 'not a mebibyte of memory more' \
		$(($(number kib "$before") + 1024)) "$(number kib "$after")"
	yes 'c1 reaches the server as before' pings c1 "$SRV4"
}

# life_destroyed N: a client vanishes in the middle of a transfer.
life_destroyed() {
	local c=c$1 be from
	be=$(vif_of "$c")
	start "$c" transfer "peer down $SRV4 100000000 50"
	sleep 2
	from=$(now)
	yes "$c is destroyed under a transfer" destroy "$c"
	yes 'nothing is left of its backend' wait_for 20 gone fw "$be"
	figure 'from the destruction of a client to nothing left' "$(since "$from")"
}

# As dom0 of Qubes does it: off the old network domain, on to the new one.
life_netvm() {
	local from
	yes 'the network domain is destroyed' destroy netvm
	no 'the server is gone' on c1 10 "ping -c 1 -W 2 $SRV4"
	yes 'the uplink is taken from fw' xl network-detach fw 0
	from=$(now)
	yes 'a new network domain is created' netvm
	yes 'it is up' up netvm
	yes 'it becomes the uplink of fw' \
		xl network-attach fw backend=netvm "mac=$MAC_FW" "$SCRIPT"
	yes 'which connects' wait_for 30 uplink_connected
	yes 'c1 reaches the server' pings c1 "$SRV4" 20
	figure 'from creating a network domain to its first answer' "$(since "$from")"
}
