# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# seconds: 600
# What our seams promise, asked of the real Xen: the same checks that the
# simulations pass.
. /test/talk.sh

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

# ---- channels -----------------------------------------------------------------

echo 0 >/run/dom0.id
# at NAME SECONDS COMMAND: like on, and NAME may be dom0.
at() {
	if [ "$1" = dom0 ]; then
		timeout $(($2 * PATIENCE)) sh -c ". /test/guest.sh; $3"
	else
		on "$@"
	fi
}
# channel SERVER CLIENT: bytes there and back, for one client, for one that dies,
# for another one, and for two that lie about where they are in the ring.
channel() {
	local server client talk where port=512
	server=$(cat "/run/$1.id")
	client=$(cat "/run/$2.id")
	talk="chantest talk $server $port"
	at "$1" 10 "job_start echo chantest echo $client $port 5"
	yes "$2 hears from $1 what it said" at "$2" 60 "$talk 100000"
	figure "bytes from $2 to $1 and back, by vchan" "$(rate) kB/s"
	at "$2" 10 "job_start talk $talk 1000000000"
	sleep 2
	yes "$2's program is killed as it talks" at "$2" 20 'job_stop talk KILL'
	yes "another one is heard" at "$2" 60 "$talk 100000"
	for where in 0 1; do
		yes "$1 leaves $2, who wrote a position that can't be ($where)" \
			at "$2" 30 "chantest spoil $server $port $where"
	done
	is "$1 served five" "$(at "$1" 30 'job_wait echo 25' | xargs)" \
		'echoed 100000 bytes echoed [1-9]* bytes echoed 100000 bytes echoed 0 bytes echoed 0 bytes'
	yes "$1 leaves nothing in the XenStore" wait_for 10 gone "$1" "data/vchan/$client"
}
channel dom0 b
channel a dom0
channel b a
