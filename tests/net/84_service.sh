#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon as contrib/systemd/vifwall.service starts it: another user, two
# capabilities, nothing else.
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ] || [ "$LINKS" != tap ]; then
	echo 'this test is about the daemon over wires only (PORTS=tap)' >&2
	exit 2
fi
UNIT=$ROOT/contrib/systemd/vifwall.service
says() { sed -n "s/^$1=//p" "$UNIT"; }
# CAP_NET_ADMIN CAP_NET_RAW -> +net_admin,+net_raw
caps() { says AmbientCapabilities | tr '[:upper:]' '[:lower:]' | sed 's/cap_/+/g; s/ /,/g'; }
CAPS=$(caps)
WHO=64999 # nobody has files of this one
child() { pgrep -P "$DAEMON" -f -- "--role=$1"; }
of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }

topology_up
mkdir -p "$RUN"
chown $WHO:$WHO "$RUN"
# what systemd listens at for READY=1
$PY - "$DIR/notify" "$DIR/told" <<-'PY' &
	import os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind(sys.argv[1])
	os.chmod(sys.argv[1], 0o777)
	while True:
	    with open(sys.argv[2], "ab") as f:
	        f.write(s.recv(200) + b"\n")
PY
PIDS+=($!)
wait_for 15 test -S "$DIR/notify"
is 'the unit gives two capabilities' "$CAPS" '+net_admin,+net_raw'
is '... and bounds all to them' "$(says CapabilityBoundingSet)" "$(says AmbientCapabilities)"

as_service() {
	rm -f "$DIR/vifwalld.log"
	spawn fw vifwalld.log env NOTIFY_SOCKET="$DIR/notify" setpriv --reuid $WHO --regid $WHO --clear-groups \
		--bounding-set=-all,$CAPS --inh-caps=-all,$CAPS --ambient-caps=-all,$CAPS \
		--no-new-privs "$ROOT/build/vifwalld" --config="$CONF"
	DAEMON=$SPAWNED
}
vifwalld_start() {
	as_service
	wait_for 10 grep -q ' ready' "$DIR/vifwalld.log" || {
		cat "$DIR/vifwalld.log"
		fail 'vifwalld starts'
		finish
	}
}
dut_start
echo_server up 7
yes 'it starts so, and tells the service manager' wait_for 10 grep -qx READY=1 "$DIR/told"
yes 'clients reach the world' say c1 tcp $SRV4 7
yes '... over IPv6' say c2 udp $SRV6 7
yes 'host rules are in force' $ROOT/build/vifwallctl --socket="$RUN/ctl.sock" status
is '... and seen from outside' "$(quiet fw nft list table inet vifwall)" '*iifname "in1" drop*'

is 'the parent is that user' "$(of "$DAEMON" Uid)" $WHO
is '... with those capabilities at most' "$(of "$DAEMON" CapBnd)" 0000000000003000
for role in control data; do
	is "$role is that user" "$(of "$(child $role)" Uid)" $WHO
	is '... under a list of system calls' "$(of "$(child $role)" Seccomp)" 2
done
is 'data has no capability' "$(of "$(child data)" CapEff)" 0000000000000000
is '... and may not get one' "$(of "$(child data)" NoNewPrivs)" 1

kill -9 "$(child data)"
yes 'a data process that dies is replaced' wait_for 15 say c1 tcp $SRV4 7
yes 'a reload opens links again' quiet fw $CTL reload
reap "$DAEMON"
is 'SIGTERM to the parent alone ends all in order' $? 0
yes '... and tells the service manager' grep -qx STOPPING=1 "$DIR/told"
is '... and takes the rules away' "$(quiet fw nft list tables)" ''

# A clock that is dom0's: a right more, which clock.conf gives.
settings_of() { echo 'qubes.clock = dom0'; }
conf_write
as_service
ended() { ! kill -0 "$DAEMON"; }
yes 'without the right to set the clock it ends' wait_for 20 ended
wait "$DAEMON"
is '... for it could not do what dom0 asks' $? 69
is '... and says what to do' "$(cat "$DIR/vifwalld.log")" '*needs CAP_SYS_TIME*clock.conf*'
UNIT=$ROOT/contrib/systemd/clock.conf
CAPS=$CAPS,$(caps)
is 'clock.conf gives one capability' "$(caps)" '+sys_time'
vifwalld_start
for role in control:0000000002003000 data:0000000000000000; do
	is "${role%:*} has that one too, if it is to have any" "$(of "$(child "${role%:*}")" CapEff)" "${role#*:}"
done
reap "$DAEMON"
is 'it ends in order' $? 0
finish
