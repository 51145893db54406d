# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# What scenarios are written in; sourced in dom0 before scenario/dom0.sh.
#
#	guest NAME TYPE MIB [LINE...]	creates a guest; LINEs of its xl file
#	up NAME				waits for it
#	on NAME SECONDS COMMAND		runs a command there: output, exit code
#	start NAME JOB COMMAND		the same in the background
#	stop NAME JOB [SIGNAL]		ends it and prints what it said
#	yes SENTENCE COMMAND...		it must succeed; no: it must fail.  Where
#					nothing makes sense after it: || exit
#	is SENTENCE GOT WANT		WANT is a pattern
#	figure WHAT VALUE		for the table at the end of all runs
#	part NAME && ...		unless the run leaves it out (PARTS=...)
#	least SENTENCE GOT NUMBER	GOT is at least NUMBER
#
# Commands in guests find what guest.sh defines.  All SECONDS are those of a quiet
# machine; on a busy one they take PATIENCE times as long before it is a failure.
PATIENCE=${PATIENCE:-5}
PASSED=0
FAILED=0
# shellcheck disable=SC1091
. /test/env

# part NAME: is it wanted?  PARTS=a,b wants a and b only.
part() {
	case ,${PARTS:-$1}, in
	*,"$1",*) note "part $1" ;;
	*) return 1 ;;
	esac
}

now() { cut -d' ' -f1 /proc/uptime; }
since() { now | awk -v from="$1" '{ printf "%.1f s", $1 - from }'; }
note() { echo "# [$(now)] $*"; }
figure() { echo "figure: $1 = $2"; }
pass() {
	PASSED=$((PASSED + 1))
	echo "ok: $*"
}
fail() {
	FAILED=$((FAILED + 1))
	echo "NOT OK: $*"
	return 1
}
trap 'echo "CLOSING: $PASSED passed, $FAILED failed"' EXIT

yes() {
	what=$1
	shift
	if "$@" >/run/last 2>&1; then
		pass "$what"
	else
		echo "  exit $?: $*"
		sed 's/^/  | /' /run/last
		fail "$what"
	fi
}
no() {
	what=$1
	shift
	if "$@" >/run/last 2>&1; then
		echo "  succeeded, and must not: $*"
		sed 's/^/  | /' /run/last
		fail "$what"
	else
		pass "$what"
	fi
}
is() {
	# shellcheck disable=SC2254
	case $2 in
	$3) pass "$1" ;;
	*)
		echo "  got '$2', wanted '$3'"
		fail "$1"
		;;
	esac
}
least() {
	if [ "${2:-0}" -ge "$3" ]; then
		pass "$1 ($2)"
	else
		echo "  got '$2', wanted $3 or more"
		fail "$1"
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local left=$(($1 * 5 * PATIENCE))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		usleep 200000
	done
}

# ---- guests -------------------------------------------------------------------

domid() { xl domid "$1" 2>/dev/null; }

guest() {
	local name=$1 type=$2 mib=$3
	shift 3
	{
		echo "name='$name'"
		echo "type='$type'"
		echo "memory=$mib"
		echo "vcpus=1"
		echo "kernel='/boot/vmlinux'"
		echo "ramdisk='/boot/guest.cpio'"
		echo "extra='console=hvc0 mitigations=off loglevel=4 role=$name'"
		for event in poweroff crash reboot; do
			echo "on_$event='destroy'"
		done
		# Left to Xen, RDTSCP is intercepted, and TCG says the wrong
		# thing about the instruction.
		[ "$type" != pvh ] || echo "tsc_mode='native'"
		for line in "$@"; do echo "$line"; done
	} >"/run/$name.cfg"
	note "creating $name ($type)"
	# The tool stack gives a backend ten seconds, however slow the machine.
	xl create -q "/run/$name.cfg" || xl create -q "/run/$name.cfg" || {
		fail "$name is created"
		exit
	}
	domid "$name" >"/run/$name.id"
	[ -e "/run/$name.seen" ] || {
		: >"/run/$name.seen"
		tail -n +1 -F "/var/log/xen/console/guest-$name.log" 2>/dev/null |
			while IFS= read -r line; do echo "  $name| $line"; done &
	}
}
up() { agent wait "$(cat "/run/$1.id")" $((60 * PATIENCE)); }
on() {
	echo "  $1> $3" | head -n 3 >/dev/console
	agent ask "$(cat "/run/$1.id")" $(($2 * PATIENCE)) ". /test/guest.sh; $3"
}
start() { on "$1" 10 "job_start $2 $3"; }
stop() { on "$1" 20 "job_stop $2 ${3:-TERM}"; }
destroy() {
	note "destroying $1"
	xl destroy "$1"
}

# store DOMAIN PATH: a value below /local/domain/<its id>/.
store() { xenstore-read "/local/domain/$(cat "/run/$1.id")/$2" 2>/dev/null; }
store_is() { [ "$(store "$1" "$2")" = "$3" ]; }
gone() { ! xenstore-exists "/local/domain/$(cat "/run/$1.id")/$2"; }

# number NAME TEXT: the value behind NAME in "name value name value ...".
number() { echo "$2" | tr -s ' ' '\n' | sed -n "/^$1\$/{n;p;q}"; }
