#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a Linux qube rules come from its own qubesdb-daemon, of which we are one
# client of many (qubes.channel = local); where there is none, we serve what dom0
# says to the tools that would ask it (qubes.serve).  Daemon and tools are
# qubesdb.py.  Over wires only: whoever a set is for, it comes the same way.
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ]; then
	echo 'the kernel asks no QubesDB'
	exit 0
fi
SOCK=$DIR/qubesdb.sock
SERVED=$DIR/served.sock
TELL=$DIR/daemon.fifo
SAID=$DIR/daemon.log
CHAN=$DIR/chan
rules_from() { echo "qubes.channel = local:$SOCK"; }
rules_write() { :; } # the daemon has them, when it is there

daemon_start() {
	spawn fw daemon.out $PY "$ROOT/tests/net/qubesdb.py" serve "$SOCK" "$TELL" "$SAID"
	QDB=$SPAWNED
}
tell() { echo "$*" >"$TELL"; }
# rules N RULE|RULE...: committed for both families
rules() {
	local n=$1
	shift
	tell "rules ${C4[n]} $*"
	tell "rules ${C6[n]} $*"
}
# ask SOCKET COMMAND PATH...: as a tool does
ask() {
	timeout 60 "$PY" "$ROOT/tests/net/qubesdb.py" ask "$@"
}
asked() { [ "$(grep -c ' asked' "$SAID")" -ge "$1" ]; }
has() { [ "$(ask "$1" read "$2")" = "$3" ]; } # SOCKET PATH VALUE
handled() { # N COUNT
	wait_for 20 has "$SOCK" "/qubes-firewall-handled/${C4[$1]}" "$2" &&
		wait_for 20 has "$SOCK" "/qubes-firewall-handled/${C6[$1]}" "$2"
}
refused() { [ "$(say "$@")" = EHOSTUNREACH ]; }
silent() { [ "$(say "$@")" = silence ]; }
parted() { ! say c1 udp "${C4[2]}" 9; }

mkdir -p "$CHAN"
mkfifo "$TELL"
topology_up
dut_start
echo_server up 7

# ---- rules ---------------------------------------------------------------------------
is 'without its daemon a client reaches nothing' "$(say c1 tcp $SRV4 7)" 'silence'
daemon_start
wait_for 30 asked 1 || fail 'everything is asked for'
is 'a daemon that says nothing of it lets nothing pass' "$(say c1 tcp $SRV4 7)" 'silence'
rules 1 'action=accept'
yes 'the daemon is told that the rules are in force' handled 1 1
yes 'the client reaches the server over IPv4' say c1 tcp $SRV4 7
yes '... over IPv6' say c1 tcp $SRV6 7
is 'another client reaches nothing' "$(say c2 tcp $SRV4 7)" 'silence'
rules 1 'action=drop proto=tcp dstports=7-7|action=accept'
yes 'the next rules are in force' handled 1 2
is '... and bind' "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
yes '... for what they are about' say c1 udp $SRV4 7

tell "rm /qubes-firewall/${C4[1]}/"
tell "set /qubes-firewall/${C4[1]}/policy drop"
tell 'set /end 1'
yes 'half a set' wait_for 20 has "$SOCK" /end 1
yes '... changes nothing' say c1 udp $SRV4 7
rules 1 'action=accept dstports=elephants'
yes 'rules that can not be read are handled, too' handled 1 3
is '... let nothing pass' "$(say c1 udp $SRV4 7)" 'E*'
is '... and a tool in the qube reads why' "$(ask "$SOCK" read "/vifwall-error/${C4[1]}")" '*rule 0000, column *'

# The answer about the first set is still on its way when the second is there;
# it must not be taken for the second.
tell "overtake ${C4[1]} action=drop proto=udp|action=accept"
tell "rules ${C4[1]} action=drop proto=tcp|action=accept"
yes 'a set changes while it is read' wait_for 20 grep -q ' overtaken ' "$SAID"
yes '... the later one is in force' wait_for 20 refused c1 udp $SRV4 7
yes '... alone' say c1 tcp $SRV4 7

# ---- settings and names of the qube itself -------------------------------------------
rules 1 'action=accept'
rules 2 'action=accept'
echo_server c2 9
handled 2 1 || fail 'c2 has rules'
no 'clients do not reach each other' say c1 udp "${C4[2]}" 9
yes 'a tool in the qube writes a setting' ask "$SOCK" write /vm-config/vifwall-allow "${CNAME[1]} -> ${CNAME[2]}"
yes '... which binds' wait_for 20 say c1 udp "${C4[2]}" 9
yes 'and removes it' ask "$SOCK" rm /vm-config/vifwall-allow
yes '... which does, too' wait_for 20 parted
tell 'set /vm-config/vifwall-allow elephants'
complains() { ask "$SOCK" read /vifwall-error/settings | grep -q "$1"; }
yes 'one that can not be is said' wait_for 20 complains elephants
tell 'rm /vm-config/'
yes '... and that all of them are gone' wait_for 20 has "$SOCK" /vifwall-error/settings ''

# ---- the daemon goes and comes ---------------------------------------------------------
rules 1 'action=drop proto=udp|action=accept'
wait_for 20 refused c1 udp $SRV4 7 || fail 'c1 has rules'
reap "$QDB" KILL
yes 'without the daemon rules stay' say c1 tcp $SRV4 7
is '... all of them' "$(say c1 udp $SRV4 7)" 'EHOSTUNREACH'
is '... and the operator is told' "$($CTL status)" '*local, NOT connected for*'
daemon_start
wait_for 30 asked 2 || fail 'a new daemon is asked'
yes 'one without keys changes nothing' say c1 tcp $SRV4 7
is '... at all' "$(say c1 udp $SRV4 7)" 'EHOSTUNREACH'
rules 1 'action=drop proto=tcp|action=accept'
yes 'until it has other rules' handled 1 1
is '... which bind' "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
yes '... in place of the others' say c1 udp $SRV4 7
yes 'those of another client stay' say c2 udp $SRV4 7

tell 'set /name fw'
reap "$DAEMON"
vifwalld_start
yes 'one of us that starts anew reads them' wait_for 30 say c1 udp $SRV4 7
is '... as they were' "$(say c1 tcp $SRV4 7)" 'EHOSTUNREACH'
is 'a client that the daemon does not know is closed' "$(say c2 udp $SRV4 7)" 'silence'

tell 'refuse /qubes-firewall-handled/'
tell 'refuse /vifwall-error/'
rules 1 'action=drop proto=udp|action=accept'
yes 'a daemon that takes no word of ours' wait_for 20 grep -q ' refused ' "$SAID"
yes '... is believed' wait_for 20 refused c1 udp $SRV4 7
yes '... as ever' say c1 tcp $SRV4 7
no 'the daemon closed nobody for nonsense' grep ' closed ' "$SAID"

# ---- we serve its tools -----------------------------------------------------------------
reap "$DAEMON"
reap "$QDB"
rules_from() {
	echo "qubes.channel = unix:$CHAN,domid=5"
	echo "qubes.serve = $SERVED"
}
DOM0TELL=$DIR/dom0.fifo
DOM0SAID=$DIR/dom0.log
mkfifo "$DOM0TELL"
spawn fw dom0.out $PY "$ROOT/tests/net/dom0.py" "$CHAN" 5 "$DOM0TELL" "$DOM0SAID"
dom0() { echo "$*" >"$DOM0TELL"; }
dom0 'set /name fw'
dom0 'set /qubes-vm-type ProxyVM'
dom0 'set /empty'
dom0 'set /a/1 one'
dom0 'set /a/2 two words'
dom0 'set /ab three'
for i in 1 2; do
	dom0 "rules ${C4[i]} action=accept"
	dom0 "rules ${C6[i]} action=accept"
done
conf_write
vifwalld_start
wait_for 30 say c1 udp $SRV4 7 || fail "dom0's rules are in force"
yes 'a tool reads a key' has "$SERVED" /name fw
yes '... that no rule is about' has "$SERVED" /qubes-vm-type ProxyVM
yes '... that is empty' has "$SERVED" /empty ''
is 'a key that there is not' "$(ask "$SERVED" read /none; echo $?)" 1
is 'keys are listed, from there' "$(ask "$SERVED" list /a/)" $'1\n2'
is 'none are an empty list' "$(ask "$SERVED" list /none/; echo $?)" 0
is 'and read at once' "$(ask "$SERVED" multiread /a/)" $'1 = one\n2 = two words'
is 'rules are read as dom0 wrote them' "$(ask "$SERVED" multiread "/qubes-firewall/${C4[1]}/")" $'0000 = action=accept\npolicy = drop'
yes 'what we told dom0 is there, too' wait_for 20 has "$SERVED" "/qubes-firewall-handled/${C4[1]}" 1
no 'nobody may write' ask "$SERVED" write /vm-config/vifwall-allow "${CNAME[1]} -> ${CNAME[2]}"
no 'nobody may remove' ask "$SERVED" rm /name
yes '... and nothing was' has "$SERVED" /name fw
no '... nor told dom0' grep -E ' wrote /vm-config|died' "$DOM0SAID"
is 'what makes no sense is not answered' "$(ask "$SERVED" read name; echo $?)" 3

# watched PATH COMMAND...: what a tool that watches PATH prints when dom0 does that
watched() {
	local path=$1
	shift
	rm -f "$DIR/watch.out"
	"$PY" "$ROOT/tests/net/qubesdb.py" ask "$SERVED" watch "$path" >"$DIR/watch.out" &
	wait_for 20 grep -q watches "$DIR/watch.out"
	dom0 "$@"
	timeout 20 tail --pid=$! -f /dev/null || kill $!
	tail -n 1 "$DIR/watch.out"
}
is 'who watches a key is told' "$(watched /a/1 set /a/1 uno)" /a/1
yes '... when it can be read' has "$SERVED" /a/1 uno
is 'who watches all below is told which' "$(watched /a/ set /a/3 tres)" /a/3
is '... or that all are gone' "$(watched /a/ rm /a/)" /a/
is '... which they are' "$(ask "$SERVED" list /a/)" ''
is 'who watches a commit is told' "$(watched "/qubes-firewall/${C4[2]}" rules "${C4[2]}" action=drop)" "/qubes-firewall/${C4[2]}"

# More tools at a time than there are places, of which none asks anything.
idle=()
for _ in $(seq 40); do
	"$PY" -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); time.sleep(120)' "$SERVED" &
	idle+=($!)
	PIDS+=($!)
done
yes 'who only sits there keeps nobody out' wait_for 20 has "$SERVED" /name fw
for p in "${idle[@]}"; do reap "$p"; done

reap "$DAEMON"
no 'the socket goes with us' test -e "$SERVED"
settings_of() { echo 'qubes.serve-writes = yes'; }
conf_write
vifwalld_start
wait_for 30 say c1 udp $SRV4 7 || fail "dom0's rules are in force again"
yes 'where everybody may write' ask "$SERVED" write /vm-config/vifwall-allow "${CNAME[1]} -> ${CNAME[2]}"
yes '... dom0 is told' wait_for 20 grep -q ' wrote /vm-config/vifwall-allow ' "$DOM0SAID"
yes '... and removes' wait_for 20 ask "$SERVED" rm /vm-config/vifwall-allow
no '... but not what there is not' ask "$SERVED" rm /none
no 'dom0 never got what it would die of' grep ' died of ' "$DOM0SAID"
finish
