#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dom0 and qubes that its policy lets call services of ours by qrexec: what
# they are shown, what dom0 alone may change, and what comes of a dom0 or of
# one of us that goes in the middle.  Over wires only: what is asked is answered
# from the same lists whatever kind of link a client has.
. "$(dirname "$0")/lib.sh"

if [ "$DUT" != vifwall ]; then
	echo 'the kernel knows no qrexec'
	exit 0
fi
CHANNELS=$DIR/channels
mkdir "$CHANNELS"
TELL=$DIR/dom0.fifo
SAID=$DIR/dom0.log
rules_from() { echo "qubes.channel = unix:$CHANNELS,domid=5"; }
rules_of() { echo 'action=accept proto=udp dstports=7-7'; }
rules_write() { # N: dom0 commits them
	local a
	for a in "${C4[$1]}" "${C6[$1]}"; do
		echo "rules $a $(rules_of "$1" "$a")" >"$TELL"
	done
}
DOM0=("$PY" "$ROOT/tests/net/dom0_qrexec.py" "$CHANNELS")
# call CALLER SERVICE: standard input is its own; out and err in $DIR
call() {
	timeout 60 "${DOM0[@]}" call "root:QUBESRPC $2 $1" >"$DIR/out" 2>"$DIR/err"
	CODE=$?
}
# calls SENTENCE CODE CALLER SERVICE
calls() {
	call "$3" "$4" </dev/null
	is "$1" "$CODE" "$2"
}
said() { is "$1" "$(cat "$DIR/$2")" "$3"; }

topology_up
mkfifo "$TELL"
spawn fw dom0.out "$PY" "$ROOT/tests/net/dom0.py" "$CHANNELS" 5 "$TELL" "$SAID"
dut_start
echo_server up 7
echo_server up 8

yes 'dom0 is told what we are' timeout 30 "${DOM0[@]}" features
yes '... after it was written' grep -q ' wrote /features-request/qubes-firewall 1$' "$SAID"

# ---- what is shown ---------------------------------------------------------------
calls 'dom0 asks how we are' 0 dom0 vifwall.Status
# figures differ between two moments, what they are of does not
words() { awk '{ print $1, (NF > 1) }' "$1"; }
$CTL status >"$DIR/status"
is '... and reads what vifwallctl prints' "$(words "$DIR/out")" "$(words "$DIR/status")"
calls 'so may a qube' 0 work vifwall.Status+--json
yes '... as JSON' "$PY" -c 'import json, sys; assert json.load(sys.stdin)["schema"] == 1' <"$DIR/out"
calls 'rules of one client' 0 dom0 "vifwall.Rules+${C4[1]}"
said '... are its rules' out '*0000  action=accept proto=udp dstports=7-7*'
calls 'its rules by IPv6, whose colons dom0 turns into underscores' 0 dom0 "vifwall.Rules+${C6[1]//:/_}"
calls 'what would be refused is explained' 1 dom0 "vifwall.Explain+c1+$SRV4+udp+8"
said '... in words' out "*c1 to $SRV4, udp port 8: REFUSED by the policy*"
calls 'metrics are for programs' 0 dom0 vifwall.Metrics
said '... and end as they must' out '*# EOF'
yes 'a packet passes' say c1 udp $SRV4 7
calls 'the flow is listed' 0 dom0 vifwall.Flows+c1
said '... with both ends' out "*${C4[1]}:*$SRV4:7*"
no 'a refused one does not' say c1 udp $SRV4 8
calls 'and is listed too' 0 work vifwall.Blocked
said '... with the cure' out "*qvm-firewall c1 add*$SRV4 proto=udp dstports=8-8*"
calls 'a client that there is not is an error' 1 dom0 vifwall.Flows+nobody
said '... that is told' err '*there is no client of that name*'

# ---- refused ---------------------------------------------------------------------
calls 'a service that there is not' 127 dom0 qubes.VMShell
said '... is told so' err '*no such service*'
calls 'an argument that is none' 125 dom0 vifwall.Status+x
calls 'what dom0 alone may, asked by a qube' 126 work "vifwall.SetRules+${C4[1]}"
said '... is told so' err '*for dom0 alone*'
calls 'so is Kill' 126 work vifwall.Kill+c1
calls 'so is SuspendPre' 126 work qubes.SuspendPre
calls 'which dom0 may' 0 dom0 qubes.SuspendPreAll
calls 'the uplink is up' 0 work qubes.WaitForNetworkUplink
call dom0 qubes.SetDateTime <<<'2001-01-01T00:00:00+0000'
is 'a clock that is not ours' "$CODE" 0
is '... is not set' "$(($(date +%Y) > 2020))" 1

# ---- rules by dom0's hand ----------------------------------------------------------
call dom0 "vifwall.SetRules+${C4[1]}" <<<'action=accept
action=accept proto=sctp'
is 'rules with a mistake' "$CODE" 1
said '... are refused with its place' err 'line 2, column 21: *'
yes '... and nothing changed' say c1 udp $SRV4 7
call dom0 "vifwall.SetRules+${C4[1]}" <<<'action=accept proto=udp dstports=8-8'
is 'dom0 sets rules' "$CODE" 0
yes '... which hold at once' wait_for 15 say c1 udp $SRV4 8
no '... in place of the others' say c1 udp $SRV4 7
yes '... for that client alone' say c2 udp $SRV4 7
calls 'the status' 0 dom0 vifwall.Status
said '... says so' out '*c1 IPv4: rules that dom0 set by hand*'
calls 'dom0 takes them back' 0 dom0 "vifwall.ClearRules+${C4[1]}"
yes '... and the others hold again' wait_for 15 say c1 udp $SRV4 7
no '... alone' say c1 udp $SRV4 8
call dom0 "vifwall.SetRules+${C4[1]}" <<<'action=accept'
yes 'rules set anew' wait_for 15 say c1 udp $SRV4 8
rules_write 1
ended() { no_more=$(say c1 udp $SRV4 8) && return 1 || return 0; }
yes '... hold until the next commit' wait_for 15 ended
yes '... whose rules hold then' say c1 udp $SRV4 7

# ---- flows are ended ----------------------------------------------------------------
flows() { $CTL flows c1 | grep -c "$SRV4:7"; }
yes 'a flow is there' test "$(flows)" -ge 1
calls 'dom0 ends it' 0 dom0 vifwall.Kill+c1
said '... and is told so' out 'all flows of c1 were ended'
is '... and it is gone' "$(flows)" 0
yes '... and may be opened again' say c1 udp $SRV4 7

# ---- who goes -------------------------------------------------------------------------
for _ in 1 2 3; do
	timeout 20 "${DOM0[@]}" stuck 'root:QUBESRPC vifwall.Metrics work' </dev/null
done
calls 'callers that went without reading hold nobody up' 0 dom0 vifwall.Status
timeout 60 "${DOM0[@]}" many "root:QUBESRPC vifwall.SetRules+${C4[1]} dom0" 16 >"$DIR/out" 2>"$DIR/err"
is 'one call more than there is room for' $? 125
said '... is told so' err '*too many calls at once*'
calls 'when those are gone there is room again' 0 dom0 vifwall.Status
kill -9 "$(pgrep -P "$DAEMON" -f -- --role=data)"
calls 'nor does a data process that died' 0 dom0 vifwall.Clients
reap "$DAEMON"
is 'no channel is left behind' "$(find "$CHANNELS" -name 'vchan.5.*')" ''
vifwalld_start
yes 'one that is started anew tells dom0 again' timeout 30 "${DOM0[@]}" refuses
yes '... and once more when dom0 does not listen' timeout 60 "${DOM0[@]}" features
calls 'and is called as ever' 0 dom0 vifwall.Status
no '... without saying it twice' timeout 3 "${DOM0[@]}" features
finish
