# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# What a client of the house must be able to do, with every checksum looked at
# where the packets arrive.

# rate: kilobytes in a second, of the transfer that was just made.
rate() {
	sed -n 's/.*of \([0-9]*\) bytes right in \([0-9]*\) ms/\1 \2/p' /run/last |
		awk '{ print int($1 / ($2 + 1)) }'
}

# talk N VIF: client N, and netvm's interface towards fw.  BYTES=n: by TCP in each
# direction and family; a million in a PVH domain, in which each hypercall and each
# event is slow under this emulation.
talk() {
	local c=c$1 vif=$2 n=${BYTES:-4000000} fam srv up
	yes "$c pings the server" on "$c" 30 "ping -c 3 -W 5 $SRV4"
	yes "$c pings the server over IPv6" on "$c" 30 "ping6 -c 3 -W 5 $SRV6"
	tally_from netvm "$vif"
	tally_from "$c" eth0
	for fam in 4 6; do
		eval "srv=\$SRV$fam"
		yes "$c sends $n bytes by TCP over IPv$fam" on "$c" 90 "peer up $srv $n"
		up=$(rate)
		yes "$c receives $n bytes by TCP over IPv$fam" on "$c" 90 "peer down $srv $n"
		figure "TCP over IPv$fam, $c sends / receives" "$up / $(rate) kB/s"
		yes "$c exchanges datagrams over IPv$fam" on "$c" 60 "peer udp $srv 50 1400"
		yes "$c exchanges datagrams of 5000 bytes over IPv$fam" on "$c" 60 "peer udp $srv 5 5000"
	done
	tally netvm
	tally "$c"
	figure "longest frame that reached netvm / $c" \
		"$(counted netvm largest) / $(counted "$c" largest) B"
	for fam in netvm "$c"; do
		is "every checksum that reached $fam is right" "$(counted "$fam" bad)" 0
		is "nothing escaped the tally in $fam" "$(counted "$fam" missed)" 0
		least "aggregates reach $fam" "$(counted "$fam" ingso)" 10
		least "the longest frame that reached $fam" "$(counted "$fam" largest)" 2900
		least "unfinished checksums reach $fam" "$(counted "$fam" blank)" 50
	done
	is "$c's kernel found no wrong checksum" "$(on "$c" 10 csum_errors | xargs)" '0 0'
}
