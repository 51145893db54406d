# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The house of lib.sh over Xen's virtual interfaces, in a machine with a
# simulated Xen (tests/sim): sourced by it when PORTS=vif.
#
#   domain 11, 12, 13   c1 c2 c3; eth0 is their netfront
#   domain 1            the daemon: their backend, and the frontend of up's
#   domain 2            up: vif1.0 is called eth0 there
#
# The daemon calls its clients vif11.0 and so on.  With NETVM=client up's domain
# is one of them (xen.netvm): the daemon is the backend there, too, and eth0 is
# up's netfront.
NETVM=${NETVM:-backend}
CNAME=(none vif11.0 vif12.0 vif13.0)
PORTS=(none vif vif vif)
OUTPORT=vif:0
MACHINE=$DIR/xen
SIM=$ROOT/build/vifwall-sim
LEFT=large
FWDOM=1
UPDOM=2
DOM=(none 11 12 13)
DOMAIN_PID=(none '' '' '') # of a guest's drivers
UP_PID=''
FW_PID='' # DUT=kernel: of its drivers
LIKE=(none linux linux linux) # whose netfront that of a guest behaves like
XEN_WAY='' # another directory by which the daemon comes to the machine

sim() { "$SIM" "$1" "$MACHINE" "${@:2}"; }

# domain_up WHO NUMBER [LIKE]: its drivers; the pid in $SPAWNED.
domain_up() {
	spawn "$1" "domain-$1.log" "$SIM" domain "$MACHINE" "$2" "--like=${3:-linux}"
}

has_carrier() { [ "$(quiet "$1" cat /sys/class/net/eth0/carrier)" = 1 ]; }
uplink_is_up() { grep -q 'uplink: connected' "$DIR/vifwalld.log"; }
has_link() { ip -n "$NS-$1" link show "$2"; }

machine_up() {
	local bin i
	bin=$("$ROOT/tests/tools/get-xenstored") || {
		echo "vifs need a stock xenstored: $bin" >&2
		exit 2
	}
	MACHINE=$DIR/xen$NS
	"$SIM" machine "$MACHINE" --xenstored="$bin" >"$DIR/machine.log" 2>&1 &
	MACHINE_PID=$!
	PIDS+=("$MACHINE_PID")
	wait_for 10 grep -q ready "$DIR/machine.log" || {
		cat "$DIR/machine.log" >&2
		exit 2
	}
	sim create $FWDOM --name=fw --driver || exit 2
	for i in 1 2 3; do
		[ "${PORTS[i]}" != vif ] || sim create "${DOM[i]}" --name="c$i" || exit 2
	done
	netvm_up || exit 2
	for i in 1 2 3; do
		[ "${PORTS[i]}" != vif ] || drivers_up $i
	done
}

# netvm_up: the domain of up, with the vif that it gives to the daemon's.
netvm_up() {
	local driver=--driver
	[ "$NETVM" != client ] || driver=''
	# shellcheck disable=SC2086
	sim create $UPDOM --name=up $driver && domain_up up $UPDOM || return 1
	UP_PID=$SPAWNED
	[ "$NETVM" != client ] || return 0 # its vif comes with the daemon
	sim attach $FWDOM --backend=$UPDOM --mac="$OUTMAC" --ip="$OUT4 $OUT6" &&
		wait_for 10 has_link up vif$FWDOM.0 || return 1
	ip -n "$NS-up" link set vif$FWDOM.0 down
	ip -n "$NS-up" link set vif$FWDOM.0 name eth0 address $UPMAC
	plain up eth0
}

# netvm_vif: NETVM=client: the vif that the daemon gives to up.
netvm_vif() {
	sim attach $UPDOM --backend=$FWDOM --mac=$UPMAC --ip="$UP4 $UP6" &&
		wait_for 10 has_link up eth0 || return 1
	plain up eth0
	uplink_up
	wait_for 10 has_carrier up
}

# drivers_up NUMBER: the processor of client NUMBER's domain begins to run.
drivers_up() {
	domain_up "c$1" "${DOM[$1]}" "${LIKE[$1]}"
	DOMAIN_PID[$1]=$SPAWNED
}

# attach NUMBER [OPTION...]: its vif, of the daemon's domain.
attach() {
	local i=$1
	shift
	sim attach "${DOM[i]}" --backend=$FWDOM --mac="$(cmac "$i")" \
		--ip="${C4[i]}${MORE[i]} ${C6[i]}" "$@"
}

# guest_up NUMBER: gives the client its vif and its addresses.
guest_up() {
	attach "$1" && wait_for 10 has_link "c$1" eth0 || return 1
	plain "c$1" eth0
	client_up "$1"
	wait_for 10 has_carrier "c$1" || return 1
	capture_on "c$1"
}

# guest_kill NUMBER: its domain dies where it stands, and dom0 cleans up.
guest_kill() {
	reap "${DOMAIN_PID[$1]}" KILL
	sim destroy "${DOM[$1]}"
}
# guest_boot NUMBER: another domain of the same number, with a new vif.
guest_boot() {
	sim create "${DOM[$1]}" --name="c$1" && drivers_up "$1" && guest_up "$1"
}

# netvm_kill, netvm_boot: the same of up's domain.
netvm_kill() {
	reap "$UP_PID" KILL
	sim destroy $UPDOM
}
netvm_boot() {
	netvm_up || return 1
	if [ "$NETVM" = client ]; then netvm_vif; else uplink_up; fi &&
		ip -n "$NS-up" route flush cache && capture_on up
}

# kernel_vifs: for DUT=kernel, drivers for the daemon's domain, whose devices
# have the names that they have in the other house.
kernel_vifs() {
	local i
	domain_up fw $FWDOM
	FW_PID=$SPAWNED
	for i in 1 2 3; do
		attach $i && wait_for 10 has_link fw "vif${DOM[i]}.0" || return 1
		ip -n "$NS-fw" link set "vif${DOM[i]}.0" down
		ip -n "$NS-fw" link set "vif${DOM[i]}.0" name in$i
		plain fw in$i
		wait_for 10 has_link c$i eth0 || return 1
		plain c$i eth0
		client_up $i
	done
	wait_for 10 has_link fw eth0 || return 1
	ip -n "$NS-fw" link set eth0 down
	ip -n "$NS-fw" link set eth0 name out0
	plain fw out0
}

# data_pid; data_kib: memory that the process with the rings has in use.
data_pid() { pgrep -P "$DAEMON" -f -- '--role=data'; }
data_kib() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(data_pid)/status"; }

# queued NUMBER: what waits for client NUMBER: bytes of memory
queued() {
	quiet fw $CTL vif show "${DOM[$1]}/0" --json |
		$PY -c 'import json, sys; print(json.load(sys.stdin)["vifs"][0]["rings"]["queued_bytes"])'
}
# undrained NUMBER PORT: client NUMBER stops where it stands while datagrams pour
# into it; QUEUED is the most that waits for it then.
undrained() {
	local n q
	spawn up "pour-$1.log" $PEER pour "$2" 1400 3000
	n=$SPAWNED
	wait_for 15 listening up udp "$2"
	quiet "c$1" $PEER spray $SRV4 1 0.5 "$2" >/dev/null
	kill -STOP "${DOMAIN_PID[$1]}"
	QUEUED=0
	for _ in {1..15}; do
		sleep 0.1
		q=$(queued "$1")
		[ "${q:-0}" -le "$QUEUED" ] || QUEUED=$q
	done
	kill -CONT "${DOMAIN_PID[$1]}"
	reap "$n"
}

vif_settings() {
	cat <<-CONF
		xen = sim:${XEN_WAY:-$MACHINE}
		xen.gateway = $GW4
		xen.gateway6 = $GW6
	CONF
}

machine_down() {
	local p
	[ -n "${MACHINE_PID:-}" ] || return 0
	for p in "${DOMAIN_PID[@]:1}" "$UP_PID" "$FW_PID" "$MACHINE_PID"; do
		[ -z "$p" ] || reap "$p"
	done
	MACHINE_PID='' FW_PID=''
}
