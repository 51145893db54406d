#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The three processes: what the one that sees packets may still do, and what
# happens when each of them breaks.  Over wires only: 27_vifs.sh has the deaths of
# processes with rings.
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ]; then
	echo 'the kernel has no processes'
	exit 0
fi
PORTS=(none tap packet packet)

child() { pgrep -P "$DAEMON" -f -- "--role=$1"; }
# status PID FIELD: of /proc/PID/status
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
# A zombie is gone: only its parent has not heard of it yet.
gone() { case $(status "$1" State 2>/dev/null) in '' | Z*) ;; *) return 1 ;; esac }
ends() { # SECONDS: waits for the daemon; its exit code in $CODE
	wait_for "$1" gone "$DAEMON" || return 1
	wait "$DAEMON"
	CODE=$?
}
again() {
	topology_down
	NS=${NS}r
	topology_up
	dut_start
}

topology_up
dut_start
echo_server up 7
yes 'packets pass' say c1 udp $SRV4 7

# ---- locked in -----------------------------------------------------------------
DATA=$(child data)
CONTROL=$(child control)
is 'data is nobody' "$(status "$DATA" Uid)" '65534*65534*65534*65534'
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	is "data has no capability ($set)" "$(status "$DATA" $set)" 0000000000000000
done
is 'data gets no new privileges' "$(status "$DATA" NoNewPrivs)" 1
is 'data has a list of system calls' "$(status "$DATA" Seccomp)" 2
is 'control has one too' "$(status "$CONTROL" Seccomp)" 2
is 'data sees no file' "$(find "/proc/$DATA/root/" -mindepth 1 2>/dev/null | wc -l)" 0
no 'data is in no network that has links' test \
	"$(readlink "/proc/$DATA/ns/net")" = "$(readlink "/proc/$CONTROL/ns/net")"
is 'data has one link: lo' "$(nsenter -t "$DATA" -n ip -o link | wc -l)" 1
is 'data writes no core' "$(sed -n 's/^Max core file size *//p' "/proc/$DATA/limits" | cut -d' ' -f1)" 0
held() { find "/proc/$DATA/fd" -type l -printf '%l\n'; }
# log, link, epoll, signals, and a port for each client and the uplink
note "data holds: $(held | sort | uniq -c | tr -s '\n ' '  ')"
is 'data holds nothing that has a path' \
	"$(held | grep '^/' | grep -cvxE '/dev/net/tun|/dev/null|.*vifwalld.log')" 0

# ---- data breaks ----------------------------------------------------------------
kill -9 "$DATA"
new_data() { [ -n "$(child data)" ] && [ "$(child data)" != "$DATA" ]; }
yes 'a killed data process is replaced' wait_for 15 new_data
yes '... and packets pass again, also from a TAP device' wait_for 10 say c1 udp $SRV4 7
yes '... and from a packet socket' wait_for 10 say c2 udp $SRV4 7
is '... with the same control' "$(child control)" "$CONTROL"

kill -STOP "$(child data)"
DATA=$(child data)
no 'a data process that stands still forwards nothing' say c1 udp $SRV4 7
yes '... and is replaced' wait_for 30 new_data
yes '... so packets pass again' wait_for 10 say c1 udp $SRV4 7

next_or_none() { new_data || [ -z "$(child control)" ]; }
for _ in 1 2 3 4 5 6; do
	DATA=$(child data)
	[ -n "$DATA" ] || break
	kill -9 "$DATA"
	wait_for 15 next_or_none || break
done
yes 'broken too often, the daemon ends' ends 5
is '... with 70' "$CODE" 70
no 'no packet passes then' say c2 udp $SRV4 7
is '... and its lock is gone' "$(find "$RUN" -mindepth 1)" ''

# ---- control breaks ---------------------------------------------------------------
again
kill -9 "$(child control)"
yes 'without control the daemon ends' ends 5
is '... with 70' "$CODE" 70

# ---- the parent is killed -----------------------------------------------------------
again
DATA=$(child data)
CONTROL=$(child control)
kill -9 "$DAEMON"
yes 'data does not outlive its parent' wait_for 15 gone "$DATA"
yes 'nor does control' wait_for 15 gone "$CONTROL"
wait "$DAEMON" 2>/dev/null
vifwalld_start
pass 'the lock of a killed daemon does not keep the next one out'

# ---- signals --------------------------------------------------------------------------
kill -INT "$DAEMON" "$(child data)" "$(child control)"
yes "a terminal's interrupt ends it" ends 5
is '... with 0' "$CODE" 0
is 'nothing is left in the run directory' "$(find "$RUN" -mindepth 1)" ''
yes 'no word of its own was an error' test -z "$(grep -E ' error ' "$DIR/vifwalld.log")"

# ---- told to end, in the middle of everything ---------------------------------------
again
ms() { echo $(($(date +%s%N) / 1000000)); }
echo_server up 7
spawn up take.sum $PEER take 9
wait_for 15 listening up tcp 9
spawn c1 put.sum $PEER put $SRV4 9 1000000000
for who in c1 c2 c1 c2; do
	yes 'packets pass' say $who udp $SRV4 7
done
beat_start up
FROM=$(ms) AT=$EPOCHREALTIME
kill -TERM "$DAEMON"
yes 'a daemon with clients and flows ends when it is told to' ends 5
MS=$(($(ms) - FROM))
is '... with 0' "$CODE" 0
note "it took $MS ms"
yes '... within a second' within "$(awk -v ms=$MS 'BEGIN { print ms / 1000 }')" 1 "$AT" "$EPOCHREALTIME"
finish
