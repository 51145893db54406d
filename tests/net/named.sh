# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A name server in the house of lib.sh, which is sourced first, and clients
# whose rules follow it.
declare -A RULE # client -> its rules, a line each; none: all is dropped
rules_of() { # N ADDRESS: those of its family
	local other=dst6=
	[[ $2 != *:* ]] || other=dst4=
	printf '%s\n' "${RULE[$1]:-action=drop}" | grep -v "$other"
}
commit() { # N RULE...
	local n=$1
	shift
	RULE[$n]=$(printf '%s\n' "$@")
	rules_write "$n"
}
may() { say "$1" tcp "$2" 7 1; }
hosts() { # "ADDRESS NAME"...: all that the name server knows
	printf '%s\n' "$@" >"$DIR/hosts"
	[ -z "${DNSMASQ:-}" ] || kill -HUP "$DNSMASQ"
}
named_start() { # WHO ADDRESS TTL [OPTION]...
	spawn "$1" dnsmasq.log dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--no-resolv --no-hosts --addn-hosts="$DIR/hosts" --local=/test/ \
		--listen-address="$2" --bind-interfaces --local-ttl="$3" \
		--user=root --pid-file= --log-facility=- "${@:4}"
	DNSMASQ=$SPAWNED
	wait_for 10 listening "$1" udp 53
}
