# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 600
# What our seams promise, asked of the real Xen: the same checks that the
# simulations pass.

storetest >/run/storetest 2>&1
sed 's/^/  | /' /run/storetest
is 'the XenStore does as store.h says' "$(tail -n 1 /run/storetest)" '[1-9]* checks, 0 failed'

guest a pv 144
up a
guest b pvh 144
up b
A=$(cat /run/a.id)
B=$(cat /run/b.id)

# words_between: each end's words, for the other to read.
words_between() {
	local dir
	for pair in "$A $B" "$B $A"; do
		dir=/local/domain/${pair% *}/data/xentest
		xenstore-rm "$dir" 2>/dev/null
		xenstore-write "$dir" ''
		xenstore-chmod "$dir" "n${pair% *}" "r${pair#* }"
	done
}
# both FRONT ITSID BACK ITSID
both() {
	words_between
	start "$1" xentest "xentest front $4"
	is "grants and events do as xen_ops.h says: $1 the front, $3 the back" \
		"$(on "$3" 120 "xentest back $2" | tee /dev/console | tail -n 1)" '[1-9]* checks, 0 failed'
	is "... and as $1 saw it" \
		"$(on "$1" 60 'job_wait xentest 50' | tee /dev/console | tail -n 1)" '[1-9]* checks, 0 failed'
}
both a "$A" b "$B"
both b "$B" a "$A"
