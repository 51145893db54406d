# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2153
# seconds: 900
# The appliance: a kernel without an IP stack and vifwalld as its only program,
# as it would be installed, in 32 MiB, between four clients and a network domain
# with stock kernels.  The clients run before it; the first one waits for it to
# answer while it starts, so that it is seen how long that takes.
. /test/house.sh
MIB=${MIB:-32}
C4_3=10.137.0.13 C6_3=fd09:24ef:4179::a89:d MAC_3=00:16:3e:5e:6c:03
C4_4=10.137.0.14 C6_4=fd09:24ef:4179::a89:e MAC_4=00:16:3e:5e:6c:04
CLIENTS=${CLIENTS:-1 2 3 4}

# Settings by the kernel's command line, as kernelopts of a qube.
appliance() {
	local options="vifwall.uplink.ip=$OUT4/24 vifwall.uplink.ip6=$OUT6/64"
	options="$options vifwall.uplink.gateway=$UP4 vifwall.uplink.gateway6=$UP6"
	options="$options vifwall.xen.rules=on"
	cat >/run/fw.cfg <<END
name='fw'
type='pvh'
memory=$MIB
vcpus=1
kernel='/boot/vmlinuz'
ramdisk='/boot/initramfs'
extra='console=hvc0 ${TALK:-quiet} $options'
driver_domain=1
vif=['backend=netvm,mac=$MAC_FW,$SCRIPT']
tsc_mode='native'
on_poweroff='destroy'
on_crash='destroy'
on_reboot='destroy'
END
	note "creating fw (pvh, $MIB MiB), paused"
	xl create -q -p /run/fw.cfg || return 1
	domid fw >/run/fw.id
}

# rule N RULE: in our own directory of the XenStore, committed by the last write.
rule() {
	local n=$1 at ip ip6
	eval "ip=\$C4_$n ip6=\$C6_$n"
	for at in "$(echo "$ip" | tr . _)" "$(echo "$ip6" | tr : -)"; do
		at=/local/domain/$(cat /run/fw.id)/vifwall/qubes-firewall/$at
		xenstore-write "$at/policy" drop "$at/0000" "$2" && xenstore-write "$at" ''
	done
}

attach() {
	local n=$1 ip ip6 mac
	eval "ip=\$C4_$n ip6=\$C6_$n mac=\$MAC_$n"
	xl network-attach "c$n" "backend=fw" "ip=$ip $ip6" "mac=$mac" "$SCRIPT"
}
# ready N: an interface that appears is set up at once, and the server asked.
ready() {
	local ip ip6
	eval "ip=\$C4_$1 ip6=\$C6_$1"
	start "c$1" eth "sh -c '. /test/guest.sh; until wait_eth; do :; done; eth_up $ip $ip6 $OUT4 $OUT6; wait_ping $SRV4 300'"
}

fw_says() { grep -q "$1" /var/log/xen/console/guest-fw.log; }
# said PATTERN: the number in the line that says so.
said() { sed -n "s/.*$1.*/\\1/p" /var/log/xen/console/guest-fw.log | tail -n 1; }
fw_ended() { ! domid fw; }

netvm
up netvm
for n in $CLIENTS; do guest "c$n" pv 160; done
for n in $CLIENTS; do up "c$n"; done
yes 'the appliance is created in that memory' appliance || exit
tail -n +1 -F /var/log/xen/console/guest-fw.log 2>/dev/null |
	while IFS= read -r line; do echo "  fw| $line"; done &
for n in $CLIENTS; do rule "$n" action=accept; done
for n in $CLIENTS; do ready "$n"; done
attach 1 &
wait_for 60 store fw "backend/vif/$(cat /run/c1.id)/0/state"
xl unpause fw
yes 'it says when it forwarded its first packet' wait_for 60 fw_says 'first packet forwarded'
for n in $CLIENTS; do
	[ "$n" = 1 ] || yes "c$n is attached" attach "$n"
	yes "c$n pings the server" on "c$n" 30 "wait_ping $SRV4 20"
done
for n in $CLIENTS; do
	yes "c$n sends by TCP" on "c$n" 90 "peer up $SRV4 300000"
	yes "c$n receives by TCP over IPv6" on "c$n" 90 "peer down $SRV6 300000"
done
no 'c1 does not reach c2' on c1 10 "ping -c 1 -W 2 $C4_2"
rule 1 action=drop
sleep 1
no 'a rule written in dom0 binds' on c1 10 "ping -c 1 -W 2 $SRV4"
rule 1 action=accept
sleep 1
yes 'and one that is taken back' on c1 10 "ping -c 2 -W 5 $SRV4"

began=$(now)
xl shutdown fw
yes 'it obeys xl shutdown' wait_for 20 fw_ended
took=$(echo "$(now) $began" | awk '{ print int(($1 - $2) * 1000) }')
fw_says 'Kernel panic' && fail 'its kernel did not panic'
no 'it found no fault with itself' fw_says ': error '

# What it must reach, and does.
born=$(said 'the kernel began at \([0-9]*\) ms')
first=$(said 'first packet forwarded, \([0-9]*\) ms')
size=$(($(wc -c </boot/vmlinuz) + $(wc -c </boot/initramfs)))
figure "the appliance's memory, free at its start / at its end" \
	"$MIB MiB, $(said 'at the start: \([0-9]*\) ') / $(said 'at the end: \([0-9]*\) ') KiB"
figure 'its kernel and initramfs' "$size B"
[ -z "$born" ] || figure "its kernel's start to its first forwarded packet, by its clock" \
	"$((${first:-0} - born)) ms"
figure 'xl shutdown to the end of the domain' "$took ms"
least 'kernel and initramfs have 4 MiB at most, room left' $((4194304 - size)) 0
