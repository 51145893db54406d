# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# dom0 of Qubes, for fw: its QubesDB (prog/dom0db.c), which is told what to do by
# db and says in /run/db.log what happens, and its qrexec (prog/dom0rpc.c).

# dom0_has: what is there before fw begins; db serve lets it in.
dom0_has() {
	[ -e /run/db ] || mkfifo /run/db
	dom0db "$(cat /run/fw.id)" </run/db >/run/db.log 2>&1 &
	exec 5>/run/db
	db write /name fw
	db write /type AppVM
	db write /qubes-netvm-primary-dns 10.139.1.1
	db write /connected-ips "$C4_1 $C4_2"
}
db() { echo "$*" >&5; }
db_end() { exec 5>&-; }
heard() { grep -q "^$1" /run/db.log; }
how_often() { grep -c "^$1" /run/db.log; }

# set_of ADDRESS RULE...: a set, without its trigger.
set_of() {
	local dir=/qubes-firewall/$1 at=1000 rule
	shift
	db rm "$dir/"
	db write "$dir/policy" drop
	for rule in "$@"; do
		db write "$dir/0${at#1}" "$rule"
		at=$((at + 1))
	done
}
# commit N RULE...: those of client N in both families.
commit() {
	local ip ip6
	eval "ip=\$C4_$1 ip6=\$C6_$1"
	shift
	set_of "$ip" "$@"
	db write "/qubes-firewall/$ip"
	set_of "$ip6" "$@"
	db write "/qubes-firewall/$ip6"
}
# handled N TIMES: fw says that so many commits of client N are in force.
handled() {
	local ip
	eval "ip=\$C4_$1"
	heard "theirs /qubes-firewall-handled/$ip $2\$"
}

# rpc SERVICE[+ARGUMENT] [CALLER] <INPUT: as dom0 calls fw, whatever the policy.
rpc() { dom0rpc "$(cat /run/fw.id)" "$@"; }
# answers CODE COMMAND...: that is its exit code.
answers() {
	local code=$1 rc=0
	shift
	"$@" </dev/null || rc=$?
	[ $rc -eq "$code" ]
}
