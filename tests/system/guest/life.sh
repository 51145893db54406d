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
	local what=$1 c=$2
	shift 2
	start "$c" transfer "peer down $SRV4 6553600 50"
	sleep 2
	"$@"
	is "$what" "$(on "$c" 150 'job_wait transfer 140')" \
		'*6553600 of 6553600 bytes right*'
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

# Further interfaces of c1: attach N, the Nth.  Two at once would be given the
# same number by xl, so only those that go may do so together.
attach() {
	xl network-attach c1 backend=fw "mac=00:16:3e:5e:6d:0$1" \
		"ip=10.137.1.$1" "$SCRIPT"
}
extra() { echo "backend/vif/$(cat /run/c1.id)/$1"; }
extra_connected() { store_is fw "$(extra "$1")/state" 4; }
detach() {
	local n pid pids='' bad=0
	for n in "$@"; do
		xl network-detach c1 "$n" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid" || bad=$((bad + 1))
	done
	return $bad
}

# round N...: those interfaces come, connect, and go.
round() {
	local n bad=0
	for n in "$@"; do attach "$n" || bad=$((bad + 1)); done
	for n in "$@"; do wait_for 60 extra_connected "$n" || bad=$((bad + 1)); done
	detach "$@" || bad=$((bad + 1))
	for n in "$@"; do wait_for 60 gone fw "$(extra "$n")" || bad=$((bad + 1)); done
	return $bad
}

# What the program holds, and its domain: names and numbers.
holds() {
	local id
	id=$(cat /run/fw.id)
	on fw 20 "held $DUT" | tr '\n' ' '
	echo "nodes $(xenstore-ls "/local/domain/$id/backend" | wc -l)" \
		"ports $(lsevtchn "$id" | wc -l)" \
		"$(xenstore-control quota "$id" | sed -n 's/.*watches: *\([0-9]*\).*/watches \1/p')"
}

# A hundred interfaces come and go, five at a time.
life_rounds() {
	local i=0 bad=0 before after what
	yes 'five interfaces come to c1 and go' round 1 2 3 4 5
	before=$(holds)
	while [ $i -lt 19 ]; do
		round 1 2 3 4 5 || bad=$((bad + 1))
		i=$((i + 1))
	done
	is 'they do so nineteen times more' "$bad" 0
	sleep 1
	after=$(holds)
	note "before: $before"
	note "after:  $after"
	for what in files maps channels nodes ports watches; do
		is "no more $what after it" "$(number $what "$after")" \
			"$(number $what "$before")"
	done
	least 'not a mebibyte of memory more' \
		$(($(number kib "$before") + 1024)) "$(number kib "$after")"
	yes 'c1 reaches the server as before' pings c1 "$SRV4"
}

# life_destroyed N: a client vanishes in the middle of a transfer.
life_destroyed() {
	local c=c$1 be
	be=$(vif_of "$c")
	start "$c" transfer "peer down $SRV4 100000000 50"
	sleep 2
	yes "$c is destroyed under a transfer" destroy "$c"
	yes 'nothing is left of its backend' wait_for 20 gone fw "$be"
}

# As dom0 of Qubes does it: off the old network domain, on to the new one.
life_netvm() {
	yes 'the network domain is destroyed' destroy netvm
	no 'the server is gone' on c1 10 "ping -c 1 -W 2 $SRV4"
	yes 'the uplink is taken from fw' xl network-detach fw 0
	yes 'a new network domain is created' netvm
	yes 'it is up' up netvm
	yes 'it becomes the uplink of fw' \
		xl network-attach fw backend=netvm "mac=$MAC_FW" "$SCRIPT"
	yes 'which connects' wait_for 30 uplink_connected
	yes 'c1 reaches the server' pings c1 "$SRV4" 20
}
