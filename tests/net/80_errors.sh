#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong says so: which message, which exit code, and nothing is left
# behind.  Over wires only: they are what goes wrong; 27_vifs.sh has Xen's.
. "$(dirname "$0")/lib.sh"

[ "$DUT" = vifwall ] || {
	echo 'this test is about the daemon only' >&2
	exit 2
}
VIFWALLD=$ROOT/build/vifwalld
topology_up
dut_start
reap "$DAEMON"
is 'SIGTERM ends it with 0' $? 0

# start: runs the daemon for at most 10 s; sets RC and SAID.
start() {
	SAID=$(timeout -k 2 10 ip netns exec "$NS-fw" "$VIFWALLD" "$@" </dev/null 2>&1)
	RC=$?
}
clean() {
	is "... and leaves nothing behind" \
		"$(ip netns pids "$NS-fw") $(find "$RUN" -type s) $(quiet fw ip -br link | grep -c tap)" '  0'
}
# refuses SENTENCE CODE PATTERN OPTION...
refuses() {
	local what=$1 code=$2 want=$3
	shift 3
	start "$@"
	is "$what: exit $code" $RC "$code"
	is '... with a message' "$SAID" "$want"
	clean
}

refuses 'an unknown option' 2 '*nonsense*' --config="$CONF" --nonsense
refuses 'no such file' 2 "*$DIR/none*" --config="$DIR/none"
cp "$CONF" "$DIR/good"
# with NAME VALUE: the settings with that one changed or added; LINE is where.
with() {
	{
		grep -v "^$1 = " "$DIR/good"
		printf '%s = %s\n' "$1" "$2"
	} >"$CONF"
	LINE=$(wc -l <"$CONF")
}
with nat.flowz 5
refuses 'an unknown setting' 2 "*$CONF:$LINE: *nat.flowz*nat.flows*" --config="$CONF"
with nat.flows many
refuses 'a value that is none' 2 "*$CONF:$LINE: *nat.flows*many*16*1048576*" --config="$CONF"
with client.c1.ip 10.137.0.256
refuses 'an address that is none' 2 "*$CONF:$LINE: *10.137.0.256*" --config="$CONF"
with nat.flows $'\xe2\x80\xae\x9b0;x'
refuses 'bytes that a terminal might obey' 2 '*\\xe2*\\x9b*' --config="$CONF"
no 'they are not printed as they are' grep -q $'\x9b' <<<"$SAID"
with client.c2.ip "${C4[1]}"
refuses 'an address given twice' 2 "*${C4[1]}*" --config="$CONF"
with uplink.port packet:nowhere0
refuses 'a missing interface' 69 '*nowhere0*' --config="$CONF"
cp "$DIR/good" "$CONF"
quiet fw sysctl -qw net.ipv4.ip_forward=1
refuses 'a kernel that would forward beside it' 69 '*the kernel*forwards*ip_forward*' --config="$CONF"
# Control may have said so and be gone before the parent has told it of data.
SAID=$(timeout -k 2 10 ip netns exec "$NS-fw" strace -qq -o /dev/null -e trace=sendmsg \
	-e inject=sendmsg:delay_enter=300000 "$VIFWALLD" --config="$CONF" </dev/null 2>&1)
is 'the same exit code when the parent is slow' $? 69
quiet fw sysctl -qw net.ipv4.ip_forward=0

vifwalld_start
start --config="$CONF"
is 'a second instance: exit 75' $RC 75
is '... with a message' "$SAID" "*another instance*"
echo_server up 7
yes 'the first one goes on' say c1 tcp $SRV4 7

# Rules that can't be read close their client, and status says why.
printf 'action=accept dstports=zebra\n' >"$RULES/qubes-firewall/${C4[2]}/0000"
touch "$RULES/qubes-firewall/${C4[2]}"
closed() { ! say c2 tcp $SRV4 7; }
yes 'a client with unreadable rules is closed' wait_for 15 closed
yes '... and no other' say c1 tcp $SRV4 7
is '... and the log says which rule and where' "$(cat "$DIR/vifwalld.log")" '*c2*dstports*'
reap "$DAEMON"
clean

# A full table refuses new flows, tells the client, and keeps what is open.
settings_of() {
	echo 'clients = 3'
	echo 'nat.flows = 256'
}
conf_write
rules_write 2
vifwalld_start
spawn c1 talk.log $PEER talk tcp $SRV4 7 "$DIR/talk" 50
wait_for 15 test -s "$DIR/talk"
# One-way flows make room for newer ones of the same client; open connections
# do not.
quiet c1 $PEER burst $SRV4 9 500
yes 'after 500 datagrams to nobody c1 may still open flows' say c1 udp $SRV4 7
read -r n why < <(quiet c1 $PEER hold $SRV4 7 300)
yes "c1 may hold so many connections and no more ($n)" test "$n" -gt 60 -a "$n" -lt 256
is '... and is told' "$why" EHOSTUNREACH
is '... for a reason of its own' "$(quiet fw $CTL blocked)" '*c1*nat-*'
n=$(tail -n 1 "$DIR/talk")
sleep 0.5
no 'what was open before goes on' test "$n" = "$(tail -n 1 "$DIR/talk")"
yes 'another client may still open a flow' say c2 udp $SRV4 7
reap "$DAEMON"
clean
finish
