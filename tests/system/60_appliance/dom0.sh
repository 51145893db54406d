# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2153
# seconds: 900
# The appliance: a kernel without an IP stack and vifwalld as its only program,
# as it is installed in Qubes, in 32 MiB, between four clients and a network domain
# with stock kernels.  Addresses and rules come from QubesDB, dom0 calls it by
# qrexec.  The clients run before it; the first one waits for it to answer while it
# starts, so that it is seen how long that takes.  Then it begins again, as
# on a plain Xen, while its clients go on.
. /test/house.sh
. /test/qubes.sh
MIB=${MIB:-32}
C4_3=10.137.0.13 C6_3=fd09:24ef:4179::a89:d MAC_3=00:16:3e:5e:6c:03
C4_4=10.137.0.14 C6_4=fd09:24ef:4179::a89:e MAC_4=00:16:3e:5e:6c:04
CONSOLE=/var/log/xen/console/guest-fw.log

# appliance OPTIONS [INITRAMFS]: a qube with these kernelopts, paused.
appliance() {
	cat >/run/fw.cfg <<END
name='fw'
type='pvh'
memory=$MIB
vcpus=1
kernel='/boot/vmlinuz'
ramdisk='/boot/${2:-initramfs}'
extra='$1'
driver_domain=1
vif=['backend=netvm,mac=$MAC_FW,$SCRIPT']
tsc_mode='native'
on_poweroff='destroy'
on_crash='destroy'
on_reboot='destroy'
END
	note "creating fw (pvh, $MIB MiB), paused: $1"
	xl create -q -p /run/fw.cfg || return 1
	domid fw >/run/fw.id
}

attach() {
	local n=$1 ip ip6 mac
	eval "ip=\$C4_$n ip6=\$C6_$n mac=\$MAC_$n"
	xl network-attach "c$n" "backend=fw" "ip=$ip $ip6" "mac=$mac" "$SCRIPT"
}
detach() { xl network-detach "c$1" 0; }
# ready N: an interface that appears is set up at once, and the server asked.
ready() {
	local ip ip6
	eval "ip=\$C4_$1 ip6=\$C6_$1"
	start "c$1" eth "sh -c '. /test/guest.sh; until wait_eth; do :; done; eth_up $ip $ip6 $OUT4 $OUT6; wait_ping $SRV4 300'"
}
connected() { store_is fw "backend/vif/$(cat "/run/c$1.id")/0/state" 4; }
pings() { on "c$1" 30 "wait_ping $SRV4 20"; }

fw_says() { grep -q "$1" $CONSOLE; }
# said PATTERN: the number in the line that says so.
said() { sed -n "s/.*$1.*/\\1/p" $CONSOLE | tail -n 1; }
fw_ended() { ! domid fw; }

# ---- as a qube ----------------------------------------------------------------

# What dom0 has before it starts: all but the rules of c4.
dom0_knows() {
	dom0_has
	db write /qubes-ip "$OUT4"
	db write /qubes-ip6 "$OUT6"
	db write /qubes-gateway "$UP4"
	db write /qubes-gateway6 "$UP6"
	db write /qubes-netvm-gateway "$OUT4"
	db write /qubes-netvm-gateway6 "$OUT6"
	db write /connected-ips "$C4_1 $C4_2 $C4_3 $C4_4"
	for n in 1 2 3; do commit "$n" action=accept; done
	db serve
}

# While fw still begins: the tool stack gives a backend ten seconds, however slow the
# machine.
attach_1() {
	local left=$((6 * PATIENCE))
	until attach 1; do
		detach 1
		left=$((left - 1))
		[ $left -gt 0 ] || return
	done
}

first_packet() {
	for n in 1 2 3 4; do ready "$n"; done
	attach_1 &
	wait_for 60 store fw "backend/vif/$(cat /run/c1.id)/0/state"
	xl unpause fw
	yes 'it says when it forwarded its first packet' wait_for 60 fw_says 'first packet forwarded'
	yes 'c1 pings the server' pings 1
}

rules_count() {
	yes 'c4 is attached' attach 4
	yes 'c4 connects' wait_for 30 connected 4
	sleep 1
	no 'c4 gets nothing through before dom0 has committed rules' \
		on c4 10 "ping -c 2 -W 2 $SRV4"
	yes 'dom0 commits them' commit 4 action=accept
	yes '... and hears that they are in force' wait_for 20 handled 4 1
	yes 'c4 pings the server' pings 4
	no 'c1 does not reach c2' on c1 10 "ping -c 1 -W 2 $C4_2"
	yes 'dom0 commits that c1 may do nothing' commit 1 action=drop
	yes '... and hears that it is in force' wait_for 20 handled 1 2
	no 'c1 gets nothing through' on c1 10 "ping -c 1 -W 2 $SRV4"
	yes 'dom0 takes that back' commit 1 action=accept
	yes '... and hears that it did' wait_for 20 handled 1 3
	yes 'c1 pings the server again' on c1 10 "ping -c 2 -W 5 $SRV4"
}

# tells_time SECONDS: dom0 says what time it will be then.
tells_time() {
	date -u -d "@$(($(date +%s) + $1))" +%Y-%m-%dT%H:%M:%S+0000 | rpc qubes.SetDateTime
}
# Twice a day away, so what it says of the second time is what the first one did.
dom0_calls() {
	yes 'dom0 asks for its status' sh -c 'dom0rpc "$1" vifwall.Status </dev/null >/run/status' - "$(cat /run/fw.id)"
	sed 's/^/  | /' /run/status
	is '... which knows four clients' "$(cat /run/status)" '*clients *4 (room*'
	yes 'dom0 says that it is tomorrow' tells_time 86400
	yes '... and it is' wait_for 10 fw_says 'clock is set by 8[0-9]* s'
	yes 'dom0 says that it is today' tells_time 0
	yes '... and it is' wait_for 10 fw_says 'clock is set by -8[0-9]* s'
	yes 'tools could read QubesDB there' fw_says 'QubesDB is served at /run/qubes/qubesdb.sock'
}

# shut_down: an order of dom0's, and its end.
shut_down() {
	local began took
	began=$(now)
	xl shutdown fw
	yes 'it obeys xl shutdown' wait_for 20 fw_ended
	took=$(echo "$(now) $began" | awk '{ print int(($1 - $2) * 1000) }')
	figure 'xl shutdown to the end of the domain' "$took ms"
	took=$(said 'vifwalld ended \([0-9]*\) ms after it was told')
	figure '... of which vifwalld needed, by its clock' "${took:-?} ms"
	least 'vifwalld ended within a second, of a quiet machine' \
		$((1000 * PATIENCE - ${took:-1000000})) 0
	yes 'its end of QubesDB is closed' wait_for 20 heard gone
	no "nothing was said that dom0's daemon dies of" heard WRONG
	no 'its kernel did not panic' fw_says 'Kernel panic'
	no 'it found no fault with itself' fw_says ': error '
}

# What it must reach, and does.
figures() {
	local born first size
	born=$(said 'the kernel began at \([0-9]*\) ms')
	first=$(said 'first packet forwarded, \([0-9]*\) ms')
	size=$(($(wc -c </boot/vmlinuz) + $(wc -c </boot/initramfs)))
	figure "the appliance's memory, free at its start / at its end" \
		"$MIB MiB, $(said 'at the start: \([0-9]*\) ') / $(said 'at the end: \([0-9]*\) ') KiB"
	figure 'its kernel and initramfs' "$size B"
	yes 'it says when its kernel began, and when it forwarded' \
		test "${born:-0}" -gt 0 -a "${first:-0}" -gt "${born:-0}"
	figure "its kernel's start to its first forwarded packet, by its clock" \
		"$((${first:-0} - ${born:-0})) ms"
	least 'kernel and initramfs have 4 MiB at most, room left' $((4194304 - size)) 0
	least 'a mebibyte of memory is free at its end' "$(said 'at the end: \([0-9]*\) ')" 1024
}

# ---- again, while its clients go on ---------------------------------------------

# rule N RULE: in our own directory of the XenStore, committed by the last write.
rule() {
	local n=$1 at ip ip6
	eval "ip=\$C4_$n ip6=\$C6_$n"
	for at in "$(echo "$ip" | tr . _)" "$(echo "$ip6" | tr : -)"; do
		at=/local/domain/$(cat /run/fw.id)/vifwall/qubes-firewall/$at
		xenstore-write "$at/policy" drop "$at/0000" "$2" && xenstore-write "$at" ''
	done
}

# begins_again N [OPTIONS INITRAMFS]: as on a plain Xen; client N is attached to the
# new one.
begins_again() {
	: >$CONSOLE
	yes 'the appliance is created anew' appliance "console=hvc0 quiet vifwall.xen.rules=on \
vifwall.uplink.ip=$OUT4/24 vifwall.uplink.ip6=$OUT6/64 \
vifwall.uplink.gateway=$UP4 vifwall.uplink.gateway6=$UP6 $2" "$3" || exit
	rule "$1" action=accept
	ready "$1"
	xl unpause fw
	# the tool stack gives a backend ten seconds, however slow the machine
	yes '... and is ready' wait_for 60 fw_says 'info ready'
	yes "c$1 is attached to it" attach "$1"
	yes "c$1 pings the server" pings "$1"
}

# Acceptance 112 and 113, and 001 of a client that is paused meanwhile.
goes_and_comes() {
	yes 'c1 lets go of what is gone' detach 1
	begins_again 1
	rule 1 action=drop
	sleep 1
	no 'a rule written in the XenStore binds' on c1 10 "ping -c 1 -W 2 $SRV4"
	yes 'c2 lets go of what is gone' detach 2
	rule 2 action=accept
	ready 2
	yes 'c2 is paused' xl pause c2
	yes 'c2 is attached as it sleeps' attach 2
	yes 'c2 wakes up' xl unpause c2
	yes 'c2 pings the server' pings 2
	yes 'c1 is paused' xl pause c1
	yes 'the appliance is killed' destroy fw
	yes 'c1 loses it as it sleeps' detach 1
	yes 'c1 wakes up' xl unpause c1
	begins_again 1
}

# A list of 100,000 networks, UP4 among them, that its initramfs brings: in 48 MiB.
has_sets() {
	fw_ended || yes 'the appliance is killed again' destroy fw
	yes 'c1 lets go of it' detach 1
	MIB=48
	begins_again 1 'vifwall.profile=listed vifwall.set="listed /etc/vifwall/sets/listed.txt" vifwall.profile.rule="listed action=drop dst=listed"' initramfs-sets
	yes 'all of the list is in force' fw_says 'sets of 100[0-9]* ranges'
	no 'c1 does not reach what is in it' on c1 10 "ping -c 1 -W 2 $UP4"
	figure 'memory free at the start of an appliance with 100,000 prefixes' \
		"$(said 'at the start: \([0-9]*\) ') KiB of $MIB MiB"
	yes 'it obeys xl shutdown' xl shutdown fw
	yes '... and is gone' wait_for 20 fw_ended
	no 'its kernel did not panic' fw_says 'Kernel panic'
	figure '... and at its end' "$(said 'at the end: \([0-9]*\) ') KiB"
}

netvm
up netvm
for n in 1 2 3 4; do guest "c$n" pv 160; done
for n in 1 2 3 4; do up "c$n"; done
yes 'the appliance is created in that memory' appliance "$(cat /boot/kernelopts)" || exit
tail -n +1 -F $CONSOLE 2>/dev/null |
	while IFS= read -r line; do echo "  fw| $line"; done &
dom0_knows
first_packet
for n in 2 3; do
	yes "c$n is attached" attach "$n"
	yes "c$n pings the server" pings "$n"
done
rules_count
for n in 1 2 3 4; do
	yes "c$n sends by TCP" on "c$n" 90 "peer up $SRV4 300000"
	yes "c$n receives by TCP over IPv6" on "c$n" 90 "peer down $SRV6 300000"
done
dom0_calls
shut_down
figures
part again && goes_and_comes
part sets && has_sets
sed 's/^/  | /' /run/db.log | tail -n 20
