# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# What happens to the guests of a driver domain in its life, whatever forwards
# there.  The scenario defines
#
#	DUT		the program's name in fw
#	dut_again	ends by SIGKILL what holds the rings, and has it back
#	dut_is_another	what has the rings now is not what was killed
#	client_net N	client N sets up its interface
#	extra_net	c1 sets up another one, eth1, from whose address $EXTRA4
#			the server can be reached by nothing else
#
# and may ask for any of the functions life_*, in any order, while c1 runs.

vif_of() { echo "backend/vif/$(cat "/run/$1.id")/0"; }
connected() { store_is fw "$(vif_of "$1")/state" 4; }
uplink_connected() { store_is netvm "$(vif_of fw)/state" 4; }
pings() { on "$1" 40 "wait_ping $2 ${3:-10}"; }
not() { ! "$@"; }

# A transfer of eight seconds or more, and what is done to it meanwhile:
# under_transfer SENTENCE CLIENT COMMAND...
under_transfer() {
	local sentence=$1 c=$2 what_came
	shift 2
	start "$c" transfer "peer down $SRV4 6553600 80"
	sleep 2
	"$@" || fail "$sentence: $*"
	yes "... and was not over by then" on "$c" 10 'job_runs transfer'
	what_came=$(on "$c" 150 'job_wait transfer 140')
	is "$sentence" "$what_came" '*6553600 of 6553600 bytes right*'
	LONGEST=$(echo "$what_came" | awk '/longest pause/ { print $3 }')
	figure "$sentence: longest pause" "${LONGEST:-?} ms"
}

# What is in PAUSE_S is gone for everybody, and came late, but it came.
PAUSE_S=4
pause() {
	xl pause "$1" && sleep $PAUSE_S && xl unpause "$1"
}
life_paused() {
	for who in fw netvm; do
		under_transfer "a transfer outlives that $who is paused" c1 pause $who
		least '... and noticed it, in ms' "$LONGEST" $((PAUSE_S * 900))
	done
	yes 'c1 reaches the server as before' pings c1 "$SRV4"
}

life_killed() {
	under_transfer "a transfer outlives kill -9 of $DUT" c1 dut_again
	dut_is_another
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

ETH1=/sys/class/net/eth1/statistics
extra() { echo "backend/vif/$(cat /run/c1.id)/1"; }
extra_connected() { store_is fw "$(extra)/state" 4; }

# Another interface of c1, by the tool stack.
life_added() {
	yes 'an interface is added to c1 as it runs' xl network-attach c1 backend=fw \
		"mac=00:16:3e:5e:6d:01" "ip=$EXTRA4" "$SCRIPT"
	yes 'which connects' wait_for 60 extra_connected
	yes 'c1 sets it up' extra_net
	yes 'c1 reaches the server by it' on c1 30 "
		wait_ping $SRV4 20 $EXTRA4 && [ \$(cat $ETH1/rx_packets) -gt 0 ]"
	start c1 ping "ping -I $EXTRA4 $SRV4"
	sleep 1
	yes 'it is taken away under a ping' xl network-detach c1 1
	yes 'and nothing is left of it' wait_for 60 gone fw "$(extra)"
	stop c1 ping INT >/run/ping
	sed 's/^/  | /' /run/ping | tail -n 3
	yes '... which was answered before' grep -q 'bytes from' /run/ping
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
	for what in nodes ports watches grants; do
		least "there are $what to be counted" "$(number $what "$before")" 1
	done
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
	start c1 seen "peer seen $SRV4"
	yes 'the server says from which port c1 asks it' on c1 20 'wait_line seen port 15'
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
	on c1 10 'wc -l </run/seen.log' >/run/asked
	yes 'the new server, too, says from which port c1 asks' \
		on c1 30 "until [ \$(wc -l </run/seen.log) -gt $(($(cat /run/asked) + 1)) ]; do sleep 1; done"
	stop c1 seen >/run/seen
	is '... which is the same' "$(sort -u /run/seen | wc -l)" 1
}
