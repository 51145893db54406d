# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py [SECTION...]: figures beside the floor's and the peers'.

Sections: nat, instructions, rules, qubesdb, frag, tap, forward, vifs (all by
default).  The bare loops (floor_*) and ours (bench_*) run in turn on one core,
several times; the least of each counts, as every disturbance only adds.  Prints
what was measured with ratios and goals, and writes build/bench.json: flat keys,
plain numbers.  A goal of time that is missed is only said to be, as a busy
machine misses it, too; one of what is counted (instructions, bytes) ends it
with 1.

QUICK=1: fewer sizes and rounds, two minutes at most instead of ten.
Root: for TAP devices and namespaces.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
QUICK = os.environ.get("QUICK", "0") not in ("", "0")
CORE = max(os.sched_getaffinity(0))
BATCH = 32

figures = {}
missing = []


def have(name):
    if os.access(os.path.join(BUILD, name), os.X_OK):
        return True
    missing.append(name)
    return False


def run(name, *args, wrap=("taskset", "-c", str(CORE)), **env):
    """Runs a program of build/, on the core; its standard output and error."""
    cmd = [*wrap, os.path.join(BUILD, name), *map(str, args)]
    done = subprocess.run(cmd, text=True, check=False,
                          env=dict(os.environ, **{k: str(v) for k, v in env.items()}),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        sys.exit(f"run-bench: {' '.join(cmd)}: exit {done.returncode}")
    return done.stdout, done.stderr


def values(text):
    """name=number pairs of a line."""
    return {k: float(v) for k, v in re.findall(r"([\w.]+)=([\d.]+)\b", text)}


def keep(key, value, best=min):
    figures[key] = best(figures[key], value) if key in figures else value


def nat_pair(flows, size, rounds, programs):
    tag = f"flows{flows}"
    packets = 1_000_000 if QUICK else 2_000_000
    for _ in range(rounds):
        for name, ns, per_s, miss in programs:
            got = values(run(name, flows, size, packets, 3, BATCH)[0])
            if got.get(miss, 0):
                sys.exit(f"run-bench: {name}: {got[miss]:.0f} packets met no flow")
            keep(f"{ns}.{tag}.size{size}", got["ns_pkt_min"])
            keep(f"{per_s}.{tag}", got["setup_per_s"], max)
            if name == "bench_nat" and flows == 65536:
                figures["nat.bytes_per_flow"] = got["B_per_flow"]


def nat_rules():
    """Flows that are open do not ask the rules, however many there are."""
    for n in (10, 10000):
        for _ in range(2 if QUICK else 4):
            got = values(run("bench_nat", 1000, 64, 500_000, 3, BATCH, RULES=n)[0])
            keep(f"nat.rules{n}.ns", got["ns_pkt_min"])
            keep(f"nat.rules{n}.setup_per_s", got["setup_per_s"], max)


def nat_steps():
    """The longest that packets wait for something else in the data thread."""
    for line in run("bench_nat", 65536, 64, 32_000, 1, BATCH, STEPS=1)[0].splitlines():
        if line.startswith("step="):
            figures[f"nat.step_max_us.{line.split()[0][5:]}"] = values(line)["max_us"]
    for program in ("bench_steps", "bench_change"):
        for line in run(program)[0].splitlines() if have(program) else ():
            figures[f"step_max_us.{line.split()[0][5:]}"] = values(line)["max_us"]


def section_nat():
    """The NAT core, whole packets, and the least that it can cost."""
    programs = [("floor_nat", "nat.floor_ns", "nat.floor_setup_per_s", "miss")]
    if have("bench_nat"):
        programs.append(("bench_nat", "nat.ns_per_packet", "nat.setup_per_s", "miss"))
    for flows in (1000, 65536) if QUICK else (1, 1000, 65536, 500000):
        for size in (64,) if QUICK else (64, 1500):
            nat_pair(flows, size, 3 if QUICK else 5, programs)
    if "nat.setup_per_s.flows65536" in figures:
        figures["nat.setup_per_s"] = figures["nat.setup_per_s.flows65536"]
    if have("bench_nat"):
        nat_rules()
        nat_steps()
    for key in [k for k in figures if k.startswith("nat.ns_per_packet.")]:
        floor = figures[key.replace("ns_per_packet", "floor_ns")]
        figures[key.replace("ns_per_packet", "ratio_to_floor")] = figures[key] / floor
    for size in (64, 1500):
        ratio(f"nat.ratio_500000_to_1000_flows.size{size}",
              f"nat.ns_per_packet.flows500000.size{size}",
              f"nat.ns_per_packet.flows1000.size{size}")


def ratio(key, of, to):
    """Where both were measured."""
    if of in figures and to in figures:
        figures[key] = figures[of] / figures[to]


def instructions(name, flows, packets, rules):
    err = run(name, flows, 64, packets, 1, BATCH, RULES=rules,
              wrap=("valgrind", "--tool=cachegrind", "--cache-sim=no",
                    "--cachegrind-out-file=/dev/null"))[1]
    return int(re.search(r"I +refs: +([\d,]+)", err).group(1).replace(",", ""))


def section_instructions():
    """Instructions per packet: exact, whatever else the machine does.

    The difference of two packet counts; making the packets is in it, as it is
    in the floor's.  As many at once as there are processors.
    """
    few, many = 32_000, 96_000
    ours, floor = "nat.instructions_per_packet", "nat.floor_instructions_per_packet"
    cases = {f"{floor}.flows1000": ("floor_nat", 1000, 10)}
    if have("bench_nat"):
        cases[f"{ours}.flows1000"] = ("bench_nat", 1000, 10)
        cases[f"{ours}.flows65536"] = ("bench_nat", 65536, 10)
        cases[f"{ours}.rules10000"] = ("bench_nat", 1000, 10000)
    if not QUICK:
        cases[f"{floor}.flows65536"] = ("floor_nat", 65536, 10)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as at_once:
        runs = {key: [at_once.submit(instructions, name, flows, packets, rules)
                      for packets in (few, many)]
                for key, (name, flows, rules) in cases.items()}
        for key, (less, more) in runs.items():
            figures[key] = (more.result() - less.result()) / (many - few)
    ratio("nat.instructions_ratio_65536_to_1000_flows",
          f"{ours}.flows65536", f"{ours}.flows1000")
    ratio("nat.instructions_ratio_10000_to_10_rules",
          f"{ours}.rules10000", f"{ours}.flows1000")


def section_rules():
    """One look-up in sets of rules and of addresses, and building them."""
    for program in ("bench_rules", "bench_sets"):
        if have(program):
            for _ in range(1 if QUICK else 3):
                for key, value in values(run(program)[0]).items():
                    keep(key, value)


def section_qubesdb():
    """From the key that commits a set in QubesDB to rules in force."""
    if have("bench_qubesdb"):
        for _ in range(1 if QUICK else 3):
            for key, value in values(run("bench_qubesdb")[0]).items():
                keep(key, value)


def section_frag():
    """A fragment held, joined, or thrown at us."""
    if have("bench_frag"):
        for _ in range(1 if QUICK else 3):
            got = values(run("bench_frag", 3)[0])
            for key, value in got.items():
                keep("frag." + key, value)


def section_tap():
    """Frames from one TAP device to another, and the least that can cost."""
    rounds = 300 if QUICK else 1000
    for _ in range(1 if QUICK else 3):
        for name in ["floor_tap"] + (["bench_tap"] if have("bench_tap") else []):
            for line in run(name, rounds, 3)[0].splitlines():
                tag = "{}.size{}".format(*re.search(r"mode=(\w+) size=(\d+)", line).groups())
                got = values(line)
                if name == "floor_tap":
                    keep(f"tap.floor_alone_ns.{tag}", got["read_write_ns"])
                else:
                    keep(f"tap.floor_ns.{tag}", got["floor_ns"])
                    keep(f"tap.ns_per_packet.{tag}", got["ns"])
    for key in [k for k in figures if k.startswith("tap.ns_per_packet.")]:
        floor = figures[key.replace("ns_per_packet", "floor_ns")]
        figures[key.replace("ns_per_packet", "ratio_to_floor")] = figures[key] / floor
        if key == "tap.ns_per_packet.udp.size64":
            figures["forward.pps_ratio_to_floor"] = floor / figures[key]


def run_script(name):
    """A script of this folder that prints key=number among other lines."""
    script = os.path.join(ROOT, "tests", "bench", name)
    env = dict(os.environ, QUICK="1" if QUICK else "0")
    with subprocess.Popen([script], text=True, stdout=subprocess.PIPE, env=env) as sh:
        for line in sh.stdout:
            if re.fullmatch(r"[\w.]+=[\d.]+\n", line):
                figures.update(values(line))
            else:
                print("  " + line.rstrip())
    if sh.returncode:
        sys.exit(f"run-bench: {name}: exit {sh.returncode}")


def section_forward():
    """Client, firewall, server: beside the kernel with the same rules."""
    if have("vifwalld"):
        run_script("forward.sh")


def section_vifs():
    """The same between domains of a simulated Xen; a flood beside a ping."""
    if have("vifwalld") and have("vifwall-sim"):
        run_script("vifs.sh")


def read_peers():
    with open(os.path.join(ROOT, "tests", "bench", "peers.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    return [(key, who, float(value), source) for key, who, value, source in rows]


def more_is_better(key):
    return any(w in key for w in ("_per_s", "pps", "gbit"))


def number(v):
    return f"{v:,.0f}" if v >= 1000 else f"{v:.3g}" if v < 10 else f"{v:.1f}"


# What is to be reached, as (key, at most or at least, value).
TIMED = (
    (r"nat\.ratio_to_floor\.", "<=", 2.0),
    (r"nat\.ratio_500000_to_1000_flows\.", "<=", 2.2),
    (r"nat\.setup_per_s\.flows500000", ">=", 0.8e6),
    (r"nat\.setup_per_s\.flows(1000|65536)", ">=", 1.5e6),
    (r"(nat\.)?step_max_us\.", "<=", 50),
    (r"rules6?\.(\w+\.)?ratio_10000_to_10", "<=", 1.5),
    (r"rules6?\.(\w+\.)?ns\.10000", "<=", 300),
    (r"rules6?\.(\w+\.)?build_ms\.10000", "<=", 50),
    (r"qubesdb\.trigger_ms\.1000", "<=", 5),
    (r"tap\.ratio_to_floor\.", "<=", 1.25),
    (r"(forward|vifs)\.tcp_(down_)?ratio_to_kernel", ">=", 0.8),
    (r"forward\.tcp_nogso_(down_)?ratio_to_kernel", ">=", 1.0),
    (r"vifs\.rtt_flood_ratio_to_bound", "<=", 1.0),
)
# The same on any machine, however busy: a miss is a failure.
COUNTED = (
    (r"nat\.instructions_per_packet\.", "<=", 800),
    (r"nat\.instructions_ratio_", ">=", 0.95),
    (r"nat\.instructions_ratio_", "<=", 1.05),
    (r"nat\.bytes_per_flow", "<=", 128),
    (r"vifs\.kib_per_client", "<=", 1024),
    (r"vifs\.undrained_kib", ">=", 1),
    (r"vifs\.undrained_kib", "<=", 512),
)


def goals(key, table):
    """(text, whether it was met) of each goal that the figure has."""
    found = []
    for pattern, way, value in table:
        if re.match(pattern, key):
            met = figures[key] <= value if way == "<=" else figures[key] >= value
            found.append((f"goal {way} {number(value)}{'' if met else ' MISSED'}", met))
    return found


# Kept in the file, but not what one looks for first.
DETAIL = re.compile(r"\.(matched|scratch_bytes|bytes_max)\.|^rules6?\.apart\.")


def report():
    peers = read_peers()
    print(f"\n{'figure':<44}{'here':>12}   beside it (times better)")
    for key in sorted(k for k in figures if not DETAIL.search(k)):
        beside = []
        floor = figures.get(key.replace("ns_per_packet", "floor_ns"))
        if "ns_per_packet" in key and floor:
            beside.append(f"floor {number(floor)} ({floor / figures[key]:.2f}x)")
        beside += [text for text, _ in goals(key, TIMED + COUNTED)]
        for _, who, value, source in [p for p in peers if p[0] == key]:
            times = value / figures[key]
            if more_is_better(key):
                times = 1 / times
            mark = "*" if source.startswith("P") else ""
            beside.append(f"{who} {number(value)}{mark} ({number(times)}x)")
        print(f"{key:<44}{number(figures[key]):>12}   {'; '.join(beside)}")
    print("* published by its authors, measured on another machine")


SECTIONS = {
    "nat": section_nat,
    "instructions": section_instructions,
    "rules": section_rules,
    "qubesdb": section_qubesdb,
    "frag": section_frag,
    "tap": section_tap,
    "forward": section_forward,
    "vifs": section_vifs,
}


def verdict(measured):
    """How many goals were met; whether all that count were."""
    of = {name: [(key, met) for key in measured for _, met in goals(key, table)]
          for name, table in (("timed", TIMED), ("counted", COUNTED))}
    for name, found in of.items():
        missed = sorted({key for key, met in found if not met})
        print(f"{len(found)} {name} goals, {len(missed)} missed"
              f"{': ' if missed else ''}{', '.join(missed)}")
    return all(met for _, met in of["counted"])


def main():
    wanted = sys.argv[1:] or list(SECTIONS)
    unknown = [s for s in wanted if s not in SECTIONS]
    if unknown:
        sys.exit(f"run-bench: no section {unknown[0]}; there are {', '.join(SECTIONS)}")
    os.chdir(ROOT)
    if os.geteuid() and {"tap", "forward", "vifs"} & set(wanted):
        sys.exit("run-bench: tap, forward and vifs need root")
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    print(f"{cpu[1] if cpu else os.uname().machine}, {os.cpu_count()} cores, Linux "
          f"{os.uname().release}, on core {CORE}, load {os.getloadavg()[0]:.1f}")
    if os.getloadavg()[0] > 1:
        print("the machine is busy: of forward.*, only cpu_ns can be trusted")
    for name in wanted:
        print(f"== {name}: {SECTIONS[name].__doc__.splitlines()[0]}", flush=True)
        start = time.monotonic()
        SECTIONS[name]()
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
    report()
    measured = list(figures)
    out = os.path.join(BUILD, "bench.json")
    if sys.argv[1:] and os.path.exists(out):  # some sections: the others stay
        with open(out, encoding="utf-8") as f:
            figures.update({k: v for k, v in json.load(f).items() if k not in figures})
    with open(out, "w", encoding="utf-8") as f:
        json.dump(figures, f, indent=1, sort_keys=True)
        f.write("\n")
    print(f"{len(figures)} figures in build/bench.json")
    if missing:
        print("not built, so not measured: " + ", ".join(sorted(set(missing))))
    if not verdict(measured) or missing:
        sys.exit(1)


main()
