# SPDX-License-Identifier: GPL-2.0-or-later
#
# vifwall: `make help` lists the targets.  One file, no recursion, no configure.
# Folder -> archive; programs, tests, fuzzers and benches link archives, and the
# order in which they are linked is the order of the layers.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

# What these need is there before anything is compiled for them.
NEEDY := $(filter net bench fuzz check system appliance%,$(MAKECMDGOALS))
ifneq ($(NEEDY),)
ifneq ($(shell tests/tools/install-deps $(patsubst %-check,%,$(filter-out system,$(NEEDY))) >&2 && echo yes),yes)
$(error packages are missing)
endif
endif

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0)

PREFIX  ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR  ?= $(PREFIX)/share/man
DOCDIR  ?= $(PREFIX)/share/doc/vifwall
LIBDIR  ?= $(PREFIX)/lib/vifwall
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
BASHDIR ?= $(PREFIX)/share/bash-completion/completions

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
CLANG ?= clang
SAN ?=
WERROR ?= 1
B := build$(addprefix -,$(SAN))$(if $(findstring clang,$(CC)),-clang)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wundef -Wvla \
	-Wpointer-arith -Wformat=2 -Wswitch-enum $(if $(filter 1,$(WERROR)),-Werror)
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -fPIE
# gcc's instrumentation widens types, so conversions are left to plain builds.
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -O1 -U_FORTIFY_SOURCE \
	-Wno-conversion -Wno-sign-conversion
# gcc warns that fences are not modelled; the one there is (share/view.h) is
# tested by itself.
SAN_tsan := -fsanitize=thread -O1 -Wno-tsan
# Threads share the counters.
SAN_cov := --coverage -fprofile-update=atomic -O0 -U_FORTIFY_SOURCE

# What is shipped and measured is optimised across files.  gcc's objects hold
# machine code too: tests are linked without it, in no time, and ar and nm read
# them as ever.  clang's don't, but its links remember what they compiled.
LTO ?= $(if $(SAN),,1)
ifneq ($(LTO),1)
else ifeq ($(findstring clang,$(CC)),)
LTO_CFLAGS := -flto -ffat-lto-objects
LTO_LDFLAGS := -flto=auto
TEST_LDFLAGS := -fno-lto
else ifneq ($(shell command -v ld.lld),)
AR := llvm-ar
LTO_CFLAGS := -flto=thin
LTO_LDFLAGS := -flto=thin -fuse-ld=lld -Wl,--thinlto-cache-dir=$(B)/lto
TEST_LDFLAGS := $(LTO_LDFLAGS)
endif

# Vectors of narrow struct members cost more to gather than they save.
ALL_CFLAGS = -std=c11 -O2 -fno-tree-slp-vectorize -g -I. -D_GNU_SOURCE -DVIFWALL_VERSION='"$(VERSION)"' \
	$(WARN) $(HARDEN) $(LTO_CFLAGS) $(SAN_$(SAN)) $(if $(SAN),-DVIFWALL_INSTRUMENTED) $(CFLAGS)
LINK_LTO = $(TEST_LDFLAGS)
# The link compiles too: what a packager tells the compiler (as which directory
# to write for the one it is built in) counts there.
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(LINK_LTO) \
	$(SAN_$(SAN)) $(CFLAGS) $(LDFLAGS)

CUNIT_LIBS := -lcunit
XEN_LIBS := -l:libxenvchan.a -lxengnttab -lxenevtchn -lxenstore
NFT_LIBS := -lnftnl -lmnl
# libxenstore's xs_close() cancels a thread, for which glibc loads libgcc_s: by
# then a locked-in process can't, and the appliance must have it.
PROG_LIBS := -Wl,--push-state,--no-as-needed -lgcc_s -Wl,--pop-state -lseccomp -lcap-ng -lcares $(NFT_LIBS) $(XEN_LIBS)

# ---- archives, lowest layer first -----------------------------------------

PACKET_SRC  := $(wildcard packet/*.c)
NAT_SRC     := $(wildcard nat/*.c)
RULES_SRC   := $(wildcard rules/*.c)
XEN_SRC     := $(wildcard xen/*.c xen/*/*.c)
SHARE_SRC   := $(wildcard firewall/share/*.c)
PATH_SRC    := $(wildcard firewall/path/*.c)
LINUX_SRC   := $(wildcard firewall/linux/*.c)
CONTROL_SRC := $(wildcard firewall/control/*/*.c)
ROLES_SRC   := $(filter-out firewall/main.c,$(wildcard firewall/*.c $(addprefix firewall/,role/*.c control/*.c data/*.c)))
CLI_SRC     := $(filter-out firewall/cli/main.c,$(wildcard firewall/cli/*.c))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

ARCHIVES := packet nat rules xen share path linux control roles cli
lib = $(patsubst %,$(B)/lib%.a,$(1))
# Link order: users first.
LIBS_ALL := $(call lib,roles cli control linux path share nat rules xen packet)

$(B)/libpacket.a:  $(call obj,$(PACKET_SRC))
$(B)/libnat.a:     $(call obj,$(NAT_SRC))
$(B)/librules.a:   $(call obj,$(RULES_SRC))
$(B)/libxen.a:     $(call obj,$(XEN_SRC))
$(B)/libshare.a:   $(call obj,$(SHARE_SRC))
$(B)/libpath.a:    $(call obj,$(PATH_SRC))
$(B)/liblinux.a:   $(call obj,$(LINUX_SRC))
$(B)/libcontrol.a: $(call obj,$(CONTROL_SRC))
$(B)/libroles.a:   $(call obj,$(ROLES_SRC))
$(B)/libcli.a:     $(call obj,$(CLI_SRC))

$(B)/lib%.a:
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

# The system calls of each process, from the "#syscalls" lines beside them.
SECCOMP_SRC := $(sort $(XEN_SRC) $(SHARE_SRC) $(LINUX_SRC) $(CONTROL_SRC) $(ROLES_SRC))
%/gen/firewall/linux/seccomp_calls.h: $(SECCOMP_SRC) tests/tools/gen-seccomp
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tests/tools/gen-seccomp $(SECCOMP_SRC) > $@.new
	$(Q)cmp -s $@.new $@ && rm $@.new && touch $@ || mv $@.new $@
$(B)/obj/firewall/linux/seccomp.o: EXTRA_CFLAGS = -I$(B)/gen
$(B)/obj/firewall/linux/seccomp.o: $(B)/gen/firewall/linux/seccomp_calls.h

# What names the version is built anew when it changes.
.PHONY: always
$(B)/gen/version: always
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
$(call obj,$(addprefix firewall/,daemon.c control/ctl/ctl_show.c control/ctl/metrics.c cli/cli.c cli/about.c) \
	$(patsubst %,tests/unit/test_%.c,ctl cli cli_about daemon)): $(B)/gen/version

# ---- programs --------------------------------------------------------------

PROGRAMS := $(if $(wildcard firewall/main.c),$(B)/vifwalld) \
	$(if $(CLI_SRC),$(B)/vifwallctl)

$(PROGRAMS): LINK_LTO = $(LTO_LDFLAGS)
.PHONY: all
all: $(PROGRAMS) ## build the daemon and the operator's tool

$(B)/vifwalld: $(call obj,firewall/main.c) $(LIBS_ALL)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PROG_LIBS)

$(B)/vifwallctl: $(call obj,firewall/cli/main.c) $(call lib,cli control linux share nat rules packet)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(NFT_LIBS)

# ---- unit tests ------------------------------------------------------------

UNIT_TESTS := $(wildcard tests/unit/test_*.c)
# Suites that must pass over the slow table too (tests/model/nat_table_slow.c).
SLOW_TESTS := $(wildcard tests/unit/test_nat*.c)
# Suites of the pure folders alone: no thread and no process can share what is
# not there (check-pure), so the thread sanitizer is spared them.
PURE_TESTS := $(wildcard $(patsubst %,tests/unit/test_%.c,pkt_* nat* rule_* fw_* five_hops reasons))
ifeq ($(SAN),tsan)
UNIT_TESTS := $(filter-out $(PURE_TESTS),$(UNIT_TESTS))
SLOW_TESTS :=
endif
UNIT_HELP  := $(wildcard tests/mock/*.c) tests/unit/store_conform.c $(filter-out tests/model/nat_table_slow.c,$(wildcard tests/model/*.c))
UNIT_CFLAGS := -Itests/unit -Wno-missing-prototypes

$(call obj,tests/unit/main.c tests/unit/store_conform.c $(UNIT_TESTS) $(wildcard tests/mock/*.c tests/model/*.c tests/bench/*.c)): EXTRA_CFLAGS = -Itests/unit -Itests -I$(B)/gen -Wno-missing-field-initializers
$(call obj,tests/unit/main.c): $(B)/gen/unit_suites.h
$(B)/obj/tests/unit/main-slow.o: $(B)/gen-slow/unit_suites.h

define suites_h
	$(Q)mkdir -p $(@D)
	$(Q)printf '#define UNIT_SUITES(X)%s\n' "$(patsubst tests/unit/test_%.c, X(%),$(1))" > $@.new
	$(Q)cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endef
$(B)/gen/unit_suites.h: always
	$(call suites_h,$(UNIT_TESTS))
$(B)/gen-slow/unit_suites.h: always
	$(call suites_h,$(SLOW_TESTS))

$(B)/obj/tests/unit/main-slow.o: tests/unit/main.c Makefile
	$(call say,CC,$< '(slow table)')
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit -I$(B)/gen-slow -MMD -MP -c -o $@ $<

$(B)/unit: $(call obj,tests/unit/main.c $(UNIT_TESTS) $(UNIT_HELP)) $(LIBS_ALL)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CUNIT_LIBS) $(PROG_LIBS)

$(B)/unit-slow: $(B)/obj/tests/unit/main-slow.o $(call obj,$(SLOW_TESTS) $(UNIT_HELP) $(wildcard tests/model/nat_table_slow.c)) \
		$(filter-out %/nat_table.o,$(call obj,$(NAT_SRC))) $(call lib,roles cli control linux path share rules xen packet)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CUNIT_LIBS) $(PROG_LIBS)

# One suite without building the others: make unit-pkt_addr (links what it needs)
$(B)/one/%: $(B)/obj/tests/unit/main-one-%.o $(B)/obj/tests/unit/test_%.o $(call obj,$(UNIT_HELP)) $(LIBS_ALL)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CUNIT_LIBS) $(PROG_LIBS)
$(B)/obj/tests/unit/main-one-%.o: tests/unit/main.c
	$(Q)mkdir -p $(@D) $(B)/gen-one-$*
	$(Q)echo '#define UNIT_SUITES(X) X($*)' > $(B)/gen-one-$*/unit_suites.h
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit -I$(B)/gen-one-$* -c -o $@ $<
unit-%: $(B)/one/%
	$<

# ---- targets ---------------------------------------------------------------

.PHONY: deps test unit units
deps: ## install what building and testing needs (Debian, root)
	$(Q)tests/tools/install-deps

test: ## set up, build, run every unit suite; closing line "N passed, N failed"
	$(Q)tests/tools/run-tests

UNITS := $(B)/unit $(if $(SLOW_TESTS),$(B)/unit-slow)
units: $(UNITS)
unit: $(UNITS) ## run the unit suites (SAN=asan, SAN=tsan: under a sanitizer)
	$(Q)for u in $(UNITS); do tests/tools/run-units $$u || exit 1; done

.PHONY: net demo system system-programs bench fuzz fuzz-build replay replays prove cover
net: sim ## network tests against the real kernel, in namespaces (root)
	$(Q)tests/tools/run-net $(NET)

demo: ## three clients, rules, spoofing, live changes: watch it work (root)
	$(Q)KEEP="$(KEEP)" PORTS="$(or $(PORTS),vif)" tests/net/demo.sh

# ---- a machine with a simulated Xen -------------------------------------------

$(B)/vifwall-sim: $(call obj,$(wildcard tests/sim/*.c)) $(call lib,linux share rules xen packet)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PROG_LIBS)
$(B)/vifwall-sim: LINK_LTO = $(LTO_LDFLAGS)
$(call obj,$(wildcard tests/sim/*.c)): EXTRA_CFLAGS = -Itests
.PHONY: sim
sim: all $(B)/vifwall-sim ## vifwall-sim: domains without Xen, for tests and demo

# ---- real Xen under QEMU: what guests run beside the daemon -----------------

SYSTEM_PROGRAMS := $(patsubst tests/system/prog/%.c,$(B)/system/%,$(wildcard tests/system/prog/*.c)) \
	$(patsubst $(B)/%,$(B)/system/%,$(PROGRAMS))
$(B)/system/%: $(B)/obj/tests/system/prog/%.o $(LIBS_ALL)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PROG_LIBS) $(SYSTEM_LIBS)
$(call obj,tests/system/prog/xentest.c tests/system/prog/storetest.c): EXTRA_CFLAGS = -Itests -Itests/unit
$(B)/system/xentest: $(call obj,$(wildcard tests/mock/xen_conform*.c))
$(B)/system/storetest: $(call obj,tests/unit/store_conform.c)
$(B)/system/storetest: SYSTEM_LIBS = $(CUNIT_LIBS)
$(patsubst $(B)/%,$(B)/system/%,$(PROGRAMS)): $(B)/system/%: $(B)/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@
system-programs: $(SYSTEM_PROGRAMS)
system: system-programs ## system tests on real Xen, which QEMU emulates (packages: root)
	$(Q)PROGRAMS=$(B)/system tests/tools/run-system $(SYSTEM)

# ---- the appliance: a kernel, and the daemon as its only program ---------------

APPLIANCE := $(B)/appliance
APPLIANCE_MAX := 4194304
$(APPLIANCE)/vmlinuz: contrib/appliance/kernel.config contrib/appliance/build-kernel
	$(call say,LINUX,$@)
	$(Q)contrib/appliance/build-kernel $@
$(APPLIANCE)/initramfs: $(B)/vifwalld contrib/appliance/build-initramfs contrib/appliance/vifwall.conf
	$(call say,CPIO,$@)
	$(Q)contrib/appliance/build-initramfs $< $@
.PHONY: appliance appliance-check
appliance: $(APPLIANCE)/vmlinuz $(APPLIANCE)/initramfs ## kernel and initramfs of a qube in which vifwalld is all there is
	$(Q)cd $(APPLIANCE) && sha256sum vmlinuz initramfs >SHA256SUMS && stat -c '  %s bytes  %n' vmlinuz initramfs && \
		[ $$(cat vmlinuz initramfs | wc -c) -le $(APPLIANCE_MAX) ] || { echo 'appliance: larger than $(APPLIANCE_MAX) bytes'; exit 1; }
appliance-check: ## the appliance built twice, in two places: the same bytes
	$(Q)contrib/appliance/check-twice '$(VERSION)'

# ---- benches ---------------------------------------------------------------

BENCHES := $(patsubst tests/bench/%.c,$(B)/%,$(wildcard tests/bench/bench_*.c tests/bench/floor_*.c))
$(BENCHES): LINK_LTO = $(LTO_LDFLAGS)
$(B)/bench_% $(B)/floor_%: ALL_LDFLAGS += -lm
$(B)/bench_%: $(B)/obj/tests/bench/bench_%.o $(LIBS_ALL)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PROG_LIBS)
$(B)/bench_rules: $(call obj,tests/mock/rule_gen.c tests/mock/rule_shape.c)
$(B)/bench_qubesdb: $(call obj,tests/mock/mock_chan.c)
$(B)/bench_steps: $(call obj,tests/mock/nat_bed.c tests/mock/frames.c tests/mock/frames_pool.c)
$(B)/bench_change: $(call obj,$(patsubst %,tests/mock/%.c,data_bed rule_gen rule_shape sealed))
$(B)/floor_%: $(B)/obj/tests/bench/floor_%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

.PHONY: benches
benches: $(BENCHES)
bench: sim $(BENCHES) ## figures beside the peers'; writes build/bench.json (root)
	$(Q)tests/tools/run-bench

# ---- fuzzing: make fuzz T=60 [FUZZ="pkt_parse rule"] -------------------------

FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZ ?= $(FUZZ_ALL)
T ?= 60
FB := build-fuzz
FUZZ_CFLAGS = -std=c11 -g -O1 -I. -Itests -D_GNU_SOURCE -DVIFWALL_VERSION='"$(VERSION)"' -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(FB)/obj/firewall/linux/seccomp.o: FUZZ_CFLAGS += -I$(FB)/gen -DVIFWALL_INSTRUMENTED
$(FB)/obj/firewall/linux/seccomp.o: $(FB)/gen/firewall/linux/seccomp_calls.h
FUZZ_HELP := $(patsubst %,tests/mock/%.c,bus_judge bus_world ctl_bed frames frames_alike frames_pool lab lab_watch mock_chan mock_port \
	mock_store netif_oracle netif_watch qdb_keys qrexec_bed sealed xen_spy) tests/model/nat_check.c
FUZZ_LIBSRC = $(PACKET_SRC) $(NAT_SRC) $(RULES_SRC) $(XEN_SRC) $(SHARE_SRC) $(PATH_SRC) \
	$(LINUX_SRC) $(CONTROL_SRC) $(ROLES_SRC) $(CLI_SRC) $(FUZZ_HELP)
FUZZ_OBJ = $(patsubst %.c,$(FB)/obj/%.o,$(FUZZ_LIBSRC))
$(FB)/obj/%.o: %.c Makefile
	$(call say,FUZZC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<
$(FB)/fuzz.a: $(FUZZ_OBJ)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^
# panic.o comes before the archive: a failed assertion is a crash to be found.
$(FB)/fuzz_%: $(FB)/obj/tests/fuzz/fuzz_%.o $(FB)/obj/tests/fuzz/panic.o $(FB)/fuzz.a
	$(call say,LD,$@)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(PROG_LIBS)
fuzz: $(patsubst %,$(FB)/fuzz_%,$(FUZZ)) ## fuzz each parser for T seconds
	$(Q)tests/tools/run-fuzz $(T) $(FUZZ)
fuzz-build: $(patsubst %,$(FB)/fuzz_%,$(FUZZ_ALL))

# The same entries over their stored inputs, with any compiler and no fuzzer:
# make SAN=asan replay
$(call obj,$(FUZZ_SRC)): EXTRA_CFLAGS = -Itests -Wno-missing-prototypes
$(B)/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o $(call obj,tests/fuzz/replay.c tests/fuzz/panic.c $(FUZZ_HELP)) $(LIBS_ALL)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PROG_LIBS)
REPLAYS := $(patsubst %,$(B)/replay_%,$(FUZZ_ALL))
replays: $(REPLAYS)
replay: $(REPLAYS) ## each fuzz entry over its stored corpus
	$(Q)tests/tools/run-replay $(REPLAYS)

prove: ## Frama-C and SPIN
	$(Q)tests/tools/run-prove

cover: ## line coverage of packet/, nat/, rules/
	$(Q)tests/tools/run-cover

# ---- checks ----------------------------------------------------------------

.PHONY: check check-salt check-service check-layers check-pure check-headers check-docs format format-check lint
check: check-layers check-pure check-headers check-docs check-salt check-service format-check lint ## all static checks

check-layers:
	$(Q)tests/tools/check-layers
# What xen/net calls of Xen it calls through struct xen_ops.
$(B)/libxennet.a:  $(call obj,$(wildcard xen/net/*.c))
check-pure: $(call lib,packet nat rules path xennet)
	$(Q)tests/tools/check-pure $^
check-headers:
	$(Q)tests/tools/check-headers "$(CC)" $(WARN)
check-docs: all
	$(Q)tests/tools/check-docs
check-salt:
	$(Q)tests/tools/check-salt
check-service:
	$(Q)tests/tools/check-service
C_FILES = $(shell git ls-files '*.c' '*.h')
format: ## clang-format over all C files
	$(Q)clang-format -i $(C_FILES)
format-check:
	$(Q)clang-format --dry-run -Werror $(C_FILES)
lint:
	$(Q)tests/tools/run-lint

# ---- the rest --------------------------------------------------------------

.PHONY: install uninstall deb check-deb dist size clean help
MAN8 := $(wildcard docs/man/*.8)
MAN5 := $(wildcard docs/man/*.5)
install: all ## into DESTDIR, PREFIX
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(DOCDIR)
	install -m 755 $(PROGRAMS) $(DESTDIR)$(SBINDIR)
	install -m 644 $(MAN8) $(DESTDIR)$(MANDIR)/man8
	install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5
	install -m 644 README.md CHANGELOG.md LICENSE $(wildcard docs/*.md) $(DESTDIR)$(DOCDIR)
	cp -r contrib/examples $(DESTDIR)$(DOCDIR)
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(BASHDIR)
	install -m 644 contrib/systemd/modprobe.conf contrib/systemd/clock.conf $(DESTDIR)$(LIBDIR)
	install -m 644 contrib/systemd/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/vifwall.conf
	sed -e 's|/usr/sbin|$(SBINDIR)|; s|/usr/lib/vifwall|$(LIBDIR)|' contrib/systemd/vifwall.service \
		> $(DESTDIR)$(UNITDIR)/vifwall.service
	sed -e 's|/usr/lib/vifwall|$(LIBDIR)|' contrib/systemd/vifwall-hooks.service \
		> $(DESTDIR)$(UNITDIR)/vifwall-hooks.service
	chmod 644 $(DESTDIR)$(UNITDIR)/vifwall.service $(DESTDIR)$(UNITDIR)/vifwall-hooks.service
	install -m 755 contrib/systemd/vifwall-hooks $(DESTDIR)$(LIBDIR)
	$(B)/vifwallctl completion > $(DESTDIR)$(BASHDIR)/vifwallctl
	chmod 644 $(DESTDIR)$(BASHDIR)/vifwallctl
uninstall:
	rm -f $(patsubst $(B)/%,$(DESTDIR)$(SBINDIR)/%,$(PROGRAMS))
	rm -f $(patsubst docs/man/%,$(DESTDIR)$(MANDIR)/man8/%,$(MAN8))
	rm -f $(patsubst docs/man/%,$(DESTDIR)$(MANDIR)/man5/%,$(MAN5))
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(LIBDIR)
	rm -f $(DESTDIR)$(UNITDIR)/vifwall.service $(DESTDIR)$(UNITDIR)/vifwall-hooks.service $(DESTDIR)$(SYSUSERSDIR)/vifwall.conf $(DESTDIR)$(BASHDIR)/vifwallctl
deb: ## the Debian package of the last commit, in build/deb
	$(Q)tests/tools/make-deb build/deb
check-deb: all ## ... the same bytes twice, lintian, and what is in it
	$(Q)tests/tools/check-deb
dist: ## source tarball from the last commit
	$(Q)mkdir -p build
	git archive --prefix=vifwall-$(VERSION)/ -o build/vifwall-$(VERSION).tar.gz HEAD
size: all ## lines per folder, size of the programs
	$(Q)tests/tools/report-size $(PROGRAMS)
clean:
	rm -rf build build-*
help:
	$(Q)sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

-include $(shell find $(B) $(FB) -name '*.d' 2>/dev/null)
