#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Odd packets through the device under test, and what came out of it.

  oracle.py run NAMESPACE_PREFIX OUT.json    sends every case, notes what came
  oracle.py compare KERNEL.json VIFWALL.json

Two sockets, one as client 1 and one as the server outside, both below the
stacks of their namespaces (which are kept silent).  What comes out is written
down without what may differ by right: the outside port or id that was chosen,
and the identification of whole datagrams.

`compare` prints one line per case, in the form of the shell tests.  A case that
is listed in DIFFERENT must differ and says why; every other must be equal.
"""
import ctypes
import json
import os
import select
import socket
import sys
import time

from scapy.all import (Ether, ICMP, ICMPv6DestUnreach, ICMPv6EchoReply,
                       ICMPv6EchoRequest, ICMPv6PacketTooBig,
                       ICMPv6ParamProblem, ICMPv6TimeExceeded, IP, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, IPerror, PadN,
                       Raw, RouterAlert, TCP, UDP, conf, fragment, fragment6)

E = os.environ
SRV4, SRV4B, SRV6 = (E.get(k, "") for k in ("SRV4", "SRV4B", "SRV6"))
C4, C6, OUT4, OUT6 = (E.get(k, "") for k in ("C4_1", "C6_1", "OUT4", "OUT6"))
QUIET = 0.03  # seconds without a frame: nothing more will come

# ---- sockets and time -------------------------------------------------------------


def wire(ns):
    """An AF_PACKET socket on eth0 of a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    if libc.setns(there, 0x40000000):
        raise OSError(ctypes.get_errno(), ns)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind(("eth0", 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    libc.setns(home, 0x40000000)
    os.close(there)
    os.close(home)
    return s


class Bench:
    """One case at a time: sends from either side, writes down what comes."""

    def __init__(self, prefix):
        self.sock = {"c": wire(f"{prefix}-c1"), "up": wire(f"{prefix}-up")}
        self.eth = {"c": Ether(src=E["CMAC_1"], dst=E["GWMAC"]),
                    "up": Ether(src=E["UPMAC"], dst=E["OUTMAC"])}
        self.said = []
        self.port = 20000

    def fresh(self):
        """An inside port or id that no case used before."""
        self.port += 1
        return self.port

    def send(self, side, *packets, pad=b""):
        """Frames from @side; returns the packets that came out opposite."""
        for p in packets:
            eth = self.eth[side].copy()
            eth.type = 0x86DD if bytes(p)[0] >> 4 == 6 else 0x0800
            self.sock[side].send(bytes(eth) + bytes(p) + pad)
        seen = {"c": [], "up": []}
        while True:
            ready, _, _ = select.select(self.sock.values(), [], [], QUIET)
            if not ready:
                break
            for s in ready:
                frame, where = s.recvfrom(65535)
                if where[2] == socket.PACKET_OUTGOING:
                    continue
                here = "c" if s is self.sock["c"] else "up"
                p = Ether(frame)
                if p.type in (0x0800, 0x86DD) and not gossip(p):
                    seen[here].append(p.payload)
        for here in ("c", "up"):
            self.said += sorted(f"{here}: {show(here, p)}{how}" for p, how in joined(seen[here]))
        return seen["up" if side == "c" else "c"]

    def c(self, *packets, **more):
        return self.send("c", *packets, **more)

    def up(self, *packets, **more):
        return self.send("up", *packets, **more)


def gossip(p):
    """Neighbour discovery and group reports of the stacks."""
    return IPv6 in p and (p[IPv6].nh == 0 or (p[IPv6].nh == 58 and bytes(p[IPv6].payload)[0] >= 130))


# ---- writing down -------------------------------------------------------------------


def piece(p):
    """(key, offset, more, bytes) of a fragment, or None."""
    if p.version == 4:
        if not p.frag and not int(p.flags) & 1:
            return None
        raw = bytes(p.original)
        return (p.src, p.dst, p.id), p.frag * 8, int(p.flags) & 1, raw[(raw[0] & 15) * 4:]
    if IPv6ExtHdrFragment not in p:
        return None
    f = p[IPv6ExtHdrFragment]
    if not f.offset and not f.m:
        return None
    return (p.src, p.dst, f.id), f.offset * 8, f.m, bytes(p.original)[48:]


def joined(packets):
    """Fragments as the datagram that they make: how it is cut up is for each
    link to say, as long as the pieces fit it."""
    sets = {}
    for p in packets:
        cut = piece(p)
        if not cut:
            yield p, ""
        else:
            sets.setdefault(cut[0], []).append((cut[1], cut[2], cut[3], p))
    for pieces in sets.values():
        pieces.sort(key=lambda x: x[0])
        first, body = pieces[0][3], b"".join(x[2] for x in pieces)
        whole = pieces[-1][1] == 0 and all(a[0] + len(a[2]) == b[0] for a, b in zip(pieces, pieces[1:])) and pieces[0][0] == 0
        if not whole:
            yield from ((x[3], " (a piece that fits no whole)") for x in pieces)
            continue
        if any(len(x[3].original) > 1500 for x in pieces):
            yield from ((x[3], " (too large for the link)") for x in pieces)
            continue
        if first.version == 4:
            again = IP(src=first.src, dst=first.dst, tos=first.tos, ttl=first.ttl, proto=first.proto) / Raw(body)
        else:
            again = IPv6(src=first.src, dst=first.dst, tc=first.tc, fl=first.fl, hlim=first.hlim, nh=first[IPv6ExtHdrFragment].nh) / Raw(body)
        yield again.__class__(bytes(again)), " in pieces"


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s


def l4_sum(ip, proto, body):
    """good, bad or none: the transport checksum as it stands."""
    if proto == 17 and body[6:8] == b"\0\0":
        return "none"
    pseudo = b""
    if proto != 1:
        src = socket.inet_pton(socket.AF_INET6 if IPv6 in ip else socket.AF_INET, ip.src)
        dst = socket.inet_pton(socket.AF_INET6 if IPv6 in ip else socket.AF_INET, ip.dst)
        pseudo = src + dst + len(body).to_bytes(4, "big") + proto.to_bytes(4, "big")
    return "good" if checksum(pseudo + body) == 0xFFFF else "bad"


def number(side, n):
    """A port or id: those chosen outside are not comparable."""
    return "-" if side == "up" and n >= 1024 else str(n)


def show(side, p, quoted=""):
    """One line of all that must be alike."""
    out = [f"{p.src}>{p.dst}"]
    raw = bytes(p.original or bytes(p))
    # In what the firewall itself says, and quotes, some fields are its own
    # business: how it marks its packets, and whether it has counted the hop.
    ours = quoted == "ours" or p.src in (E["GW4"], E["GW6"])
    if p.version == 4:
        hlen = (raw[0] & 15) * 4
        total = int.from_bytes(raw[2:4], "big")
        proto, body = p.proto, raw[hlen:total]
        out += [f"tos {p.tos} ttl {p.ttl} {p.flags}" if not ours else ""]
        if hlen > 20:
            out.append(f"options {raw[20:hlen].hex()}")
        if checksum(raw[:hlen]) != 0xFFFF:
            out.append("header sum bad")
        if len(raw) > total and len(raw) > 46:
            out.append(f"{len(raw) - total} bytes behind")
        offset, more = p.frag * 8, bool(int(p.flags) & 1)
    else:
        proto, body, offset, more = p.nh, raw[40:40 + p.plen], 0, False
        out += [f"class {p.tc} flow {p.fl} limit {p.hlim}" if not ours else ""]
        while proto in (0, 43, 60, 44):
            if proto == 44:
                word = int.from_bytes(body[2:4], "big")
                offset, more = word & 0xFFF8, bool(word & 1)
                n = 8
            else:
                n = (body[1] + 1) * 8
            out.append(f"header {proto}")
            proto, body = body[0], body[n:]
    if offset or more:
        out.append(f"fragment {offset}+{len(body)} {'more' if more else 'last'}")
        return " ".join(out)
    name = {1: "icmp", 58: "icmp6", 6: "tcp", 17: "udp"}.get(proto, f"proto {proto}")
    out.append(name)
    if proto in (6, 17) and len(body) >= 8:
        ports = [int.from_bytes(body[i:i + 2], "big") for i in (0, 2)]
        out.append("%s>%s" % tuple(number(side, n) for n in ports))
    if proto == 6 and len(body) >= 20:
        out.append(f"head {body[4:16].hex()} urg {body[18:20].hex()} {body[20:(body[12] >> 4) * 4].hex()}")
        body_rest = body[(body[12] >> 4) * 4:]
    elif proto == 17:
        body_rest = body[8:]
    elif proto in (1, 58):
        out.append(f"{body[0]}/{body[1]}")
        error = body[0] in ((3, 4, 5, 11, 12) if proto == 1 else (1, 2, 3, 4))
        if error:
            out.append(body[4:8].hex())
            inner = IP(body[8:]) if proto == 1 else IPv6(body[8:])
            out.append("[" + show(side, inner, "ours" if ours else "theirs") + "]")
            body_rest = b""
        else:
            out.append(number(side, int.from_bytes(body[4:6], "big")) + " " + body[6:8].hex())
            body_rest = body[8:]
    else:
        body_rest = body
    if not quoted:
        out.append(f"sum {l4_sum(p, proto, body)}" if proto in (1, 58, 6, 17) else "")
        out.append(f"data {len(body_rest)} {body_rest[:16].hex()}")
    return " ".join(out)


# ---- cases ----------------------------------------------------------------------------

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def plain(name, build):
    """A case of one packet (or list) from the client."""
    CASES[name] = lambda t: t.c(*(lambda x: x if isinstance(x, list) else [x])(build(t.fresh())))


def ip(**more):
    return IP(src=C4, dst=SRV4, id=0x1234, **more)


def ip6(**more):
    return IPv6(src=C6, dst=SRV6, **more)


def syn(port, **more):
    return TCP(sport=port, dport=80, flags="S", seq=1000, window=64240,
               options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)], **more)


DATA = Raw(bytes(range(64)))

for fam, net in ((4, ip), (6, ip6)):
    plain(f"udp{fam}", lambda n, net=net: net() / UDP(sport=n, dport=53) / DATA)
    plain(f"udp{fam}_empty", lambda n, net=net: net() / UDP(sport=n, dport=53))
    plain(f"udp{fam}_wrong_sum", lambda n, net=net: net() / UDP(sport=n, dport=53, chksum=0x1234) / DATA)
    plain(f"udp{fam}_no_sum", lambda n, net=net: net() / UDP(sport=n, dport=53, chksum=0) / DATA)
    plain(f"udp{fam}_length_7", lambda n, net=net: net() / UDP(sport=n, dport=53, len=7, chksum=1) / DATA)
    plain(f"udp{fam}_length_beyond", lambda n, net=net: net() / UDP(sport=n, dport=53, len=900, chksum=1) / DATA)
    plain(f"udp{fam}_low_source_port", lambda n, net=net: net() / UDP(sport=123, dport=123) / DATA)
    plain(f"udp{fam}_refused", lambda n, net=net: net() / UDP(sport=n, dport=9) / DATA)
    plain(f"tcp{fam}_syn", lambda n, net=net: net() / syn(n))
    plain(f"tcp{fam}_syn_data", lambda n, net=net: net() / syn(n) / DATA)
    plain(f"tcp{fam}_syn_wrong_sum", lambda n, net=net: net() / syn(n, chksum=0x1234))
    plain(f"tcp{fam}_syn_ece_cwr", lambda n, net=net: net() / TCP(sport=n, dport=80, flags="SEC", seq=9))
    plain(f"tcp{fam}_syn_reserved", lambda n, net=net: net() / TCP(sport=n, dport=80, flags="S", reserved=5, seq=9))
    plain(f"tcp{fam}_refused", lambda n, net=net: net() / TCP(sport=n, dport=9, flags="S", seq=9))
    for flags in ("", "F", "SF", "SR", "FPU", "R", "A", "PA", "FA", "RA", "SA"):
        plain(f"tcp{fam}_flags_{flags or 'none'}", lambda n, net=net, flags=flags: net() / TCP(sport=n, dport=80, flags=flags, seq=5, ack=6))
    plain(f"tcp{fam}_header_16", lambda n, net=net: net() / TCP(sport=n, dport=80, flags="S", dataofs=4))
    plain(f"tcp{fam}_header_beyond", lambda n, net=net: net() / TCP(sport=n, dport=80, flags="S", dataofs=15))
    plain(f"tcp{fam}_short", lambda n, net=net: net(**({"proto": 6} if net is ip else {"nh": 6})) / Raw(b"\x30\x39\x00\x50"))
plain("ip_tos", lambda n: ip(tos=0xBA) / UDP(sport=n, dport=53) / DATA)
plain("ip_df", lambda n: ip(flags="DF") / UDP(sport=n, dport=53) / DATA)
plain("ip_evil_bit", lambda n: ip(flags=4) / UDP(sport=n, dport=53) / DATA)
plain("ip_wrong_sum", lambda n: ip(chksum=0x1234) / UDP(sport=n, dport=53) / DATA)
plain("ip_length_beyond", lambda n: ip(len=900) / UDP(sport=n, dport=53) / DATA)
plain("ip_version_5", lambda n: ip(version=5) / UDP(sport=n, dport=53) / DATA)
plain("ip_ihl_4", lambda n: ip(ihl=4) / UDP(sport=n, dport=53) / DATA)
for ttl in (0, 1, 2, 255):
    plain(f"ip_ttl_{ttl}", lambda n, ttl=ttl: ip(ttl=ttl) / UDP(sport=n, dport=53) / DATA)
    plain(f"ip6_hop_limit_{ttl}", lambda n, ttl=ttl: ip6(hlim=ttl) / UDP(sport=n, dport=53) / DATA)
plain("ip_ttl_1_tcp", lambda n: ip(ttl=1) / syn(n))
plain("ip_ttl_1_echo", lambda n: ip(ttl=1) / ICMP(id=n) / DATA)
plain("land", lambda n: IP(src=C4, dst=C4) / TCP(sport=80, dport=80, flags="S"))
plain("ip6_class_flow", lambda n: ip6(tc=0xB9, fl=0x12345) / UDP(sport=n, dport=53) / DATA)


def with_options(n, option):
    """Bytes as they are: some of these options no library would build."""
    b = bytearray(bytes(ip() / UDP(sport=n, dport=53) / DATA))
    b[20:20] = option
    b[0] += len(option) // 4
    b[2:4] = len(b).to_bytes(2, "big")
    b[10:12] = b"\0\0"
    b[10:12] = (checksum(bytes(b[:20 + len(option)])) ^ 0xFFFF).to_bytes(2, "big")
    return Raw(bytes(b))


for name, option in (("nop", b"\x01\x01\x01\x00"), ("router_alert", b"\x94\x04\x00\x00"),
                     ("record_route", b"\x07\x07\x04\x00\x00\x00\x00\x00"), ("timestamp", b"\x44\x08\x05\x00\x00\x00\x00\x00"),
                     ("loose_source", b"\x83\x07\x04\xc6\x33\x64\x0b\x00"), ("strict_source", b"\x89\x07\x04\xc6\x33\x64\x0b\x00"),
                     ("length_0", b"\x07\x00\x04\x00"), ("length_beyond", b"\x07\x40\x04\x00")):
    plain(f"ip_option_{name}", lambda n, option=option: with_options(n, option))
for proto in (2, 4, 41, 47, 50, 51, 132, 136, 253):
    plain(f"proto_{proto}", lambda n, proto=proto: ip(proto=proto) / Raw(bytes(32)))
STAMPS = {13: {"ts_ori": 1, "ts_rx": 2, "ts_tx": 3}}
for kind in (8, 13, 15, 17, 10, 9, 5, 30, 3, 11):
    plain(f"icmp_{kind}", lambda n, kind=kind: ip() / ICMP(type=kind, id=n, seq=7, **STAMPS.get(kind, {})) / DATA)
plain("icmp_wrong_sum", lambda n: ip() / ICMP(id=n, chksum=1) / DATA)
plain("icmp6_echo", lambda n: ip6() / ICMPv6EchoRequest(id=n, seq=7, data=bytes(40)))
plain("icmp6_wrong_sum", lambda n: ip6() / ICMPv6EchoRequest(id=n, seq=7, cksum=1))
plain("icmp6_reply_unasked", lambda n: ip6() / ICMPv6EchoReply(id=n, seq=7))
plain("ip6_hop_by_hop_pad", lambda n: ip6() / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / UDP(sport=n, dport=53) / DATA)
plain("ip6_router_alert", lambda n: ip6() / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / UDP(sport=n, dport=53) / DATA)
plain("ip6_destination_options", lambda n: ip6() / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / UDP(sport=n, dport=53) / DATA)
plain("ip6_hop_by_hop_second", lambda n: ip6() / IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop() / UDP(sport=n, dport=53) / DATA)
plain("ip6_routing_0", lambda n: ip6() / IPv6ExtHdrRouting(type=0, addresses=["2001:db8:1::11"], segleft=1) / UDP(sport=n, dport=53) / DATA)
plain("ip6_routing_4", lambda n: ip6() / IPv6ExtHdrRouting(type=4, addresses=["2001:db8:1::11"], segleft=0) / UDP(sport=n, dport=53) / DATA)
plain("ip6_unknown_header", lambda n: ip6(nh=140) / Raw(bytes(24)))
plain("ip6_atomic_fragment", lambda n: ip6() / IPv6ExtHdrFragment(id=n) / UDP(sport=n, dport=53) / DATA)
plain("ip6_two_fragment_headers", lambda n: ip6() / IPv6ExtHdrFragment(id=n) / IPv6ExtHdrFragment(id=n + 1) / UDP(sport=n, dport=53) / DATA)

BIG = Raw(bytes(i & 255 for i in range(3000)))


def pieces(n, size=1000):
    return fragment(IP(src=C4, dst=SRV4, id=n) / UDP(sport=n, dport=53) / BIG, fragsize=size)


def pieces6(n, size=1100):
    return fragment6(ip6() / IPv6ExtHdrFragment(id=n) / UDP(sport=n, dport=53) / BIG, size)


plain("fragments", pieces)
plain("fragments_reversed", lambda n: pieces(n)[::-1])
plain("fragments_twice", lambda n: [p for p in pieces(n)[:2] for _ in (1, 2)] + pieces(n)[2:])
plain("fragments_small", lambda n: pieces(n, 96))
plain("fragments_first_missing", lambda n: pieces(n)[1:])
plain("fragments_last_missing", lambda n: pieces(n)[:-1])
plain("fragments_tcp", lambda n: fragment(IP(src=C4, dst=SRV4, id=n) / TCP(sport=n, dport=80, flags="S") / BIG, fragsize=1000))
plain("fragments_tcp_offset_1", lambda n: fragment(IP(src=C4, dst=SRV4, id=n) / TCP(sport=n, dport=80, flags="S"), fragsize=8))
plain("fragments_icmp", lambda n: fragment(IP(src=C4, dst=SRV4, id=n) / ICMP(id=n) / BIG, fragsize=1000))
plain("fragments6", pieces6)
plain("fragments6_reversed", lambda n: pieces6(n)[::-1])
plain("fragments6_first_missing", lambda n: pieces6(n)[1:])


def overlapping(n):
    p = pieces(n)
    p[1].frag -= 1
    return p


def overlapping6(n):
    p = pieces6(n)
    p[1][IPv6ExtHdrFragment].offset -= 1
    return p


plain("fragments_overlap", overlapping)
plain("fragments6_overlap", overlapping6)
plain("fragment_past_64k", lambda n: [IP(src=C4, dst=SRV4, id=n, frag=8190, proto=17) / Raw(bytes(100))])
plain("fragment_odd_length", lambda n: [IP(src=C4, dst=SRV4, id=n, flags="MF", proto=17) / UDP(sport=n, dport=53, len=100) / Raw(bytes(13)),
                                        IP(src=C4, dst=SRV4, id=n, frag=3, proto=17) / Raw(bytes(71))])


@case
def padding_is_cut(t):
    t.c(ip() / UDP(sport=t.fresh(), dport=53) / Raw(b"ab"), pad=b"\xa5" * 20)


@case
def padding_is_cut6(t):
    t.c(ip6() / UDP(sport=t.fresh(), dport=53) / Raw(b"ab"), pad=b"\xa5" * 20)


def outside(seen, field="sport"):
    """The outside port or id of the packet that came out."""
    if not seen:
        return 0
    p = seen[0]
    for layer in (UDP, TCP):
        if layer in p:
            return getattr(p[layer], field)
    return p[ICMP].id if ICMP in p else p[ICMPv6EchoRequest].id


class Udp:
    """A UDP flow with its answer."""

    def __init__(self, t, fam=4):
        self.t, self.n = t, t.fresh()
        self.out, self.inn = (ip, lambda **m: IP(src=SRV4, dst=OUT4, **m)) if fam == 4 else (ip6, lambda **m: IPv6(src=SRV6, dst=OUT6, **m))
        self.m = outside(t.c(self.out() / UDP(sport=self.n, dport=53) / DATA))
        t.up(self.inn() / UDP(sport=53, dport=self.m) / DATA)


class Tcp:
    """An open TCP flow; c and s are the next sequence numbers."""

    def __init__(self, t, fam=4):
        self.t, self.n, self.fam = t, t.fresh(), fam
        self.c, self.s = 1001, 5001
        self.out, self.inn = (ip, lambda **m: IP(src=SRV4, dst=OUT4, **m)) if fam == 4 else (ip6, lambda **m: IPv6(src=SRV6, dst=OUT6, **m))
        self.m = outside(t.c(self.out() / TCP(sport=self.n, dport=80, flags="S", seq=1000, window=8000)))
        self.up("SA", 5000)
        self.cl("A")

    @staticmethod
    def segment(sport, dport, flags, seq, ack):
        return TCP(sport=sport, dport=dport, flags=flags, seq=seq % (1 << 32), ack=ack % (1 << 32), window=8000)

    def cl(self, flags, seq=None, ack=None, data=b""):
        return self.t.c(self.out() / self.segment(self.n, 80, flags, self.c if seq is None else seq, self.s if ack is None else ack) / Raw(data))

    def up(self, flags, seq=None, ack=None, data=b""):
        return self.t.up(self.inn() / self.segment(80, self.m, flags, self.s if seq is None else seq, self.c if ack is None else ack) / Raw(data))

    def alive(self):
        """Both directions still pass?"""
        self.cl("PA", data=b"still")
        self.c += 5
        self.up("PA", data=b"there")
        self.s += 5


for fam in (4, 6):
    def both(name, f, fam=fam):
        CASES[f"{name}{fam}"] = lambda t: f(t, fam)

    both("udp_answered", lambda t, fam: Udp(t, fam))

    def others(t, fam):
        u = Udp(t, fam)
        t.up(u.inn() / UDP(sport=54, dport=u.m) / DATA)
        other = IP(src=SRV4B, dst=OUT4) if fam == 4 else IPv6(src="2001:db8:1::11", dst=OUT6)
        t.up(other / UDP(sport=53, dport=u.m) / DATA)

    both("udp_from_others", others)

    def talk(t, fam):
        s = Tcp(t, fam)
        s.alive()
        s.cl("FA")
        s.c += 1
        s.up("A")
        s.up("FA")
        s.s += 1
        s.cl("A")

    both("tcp_whole_life", talk)

    def forged(t, fam, side, flags, dseq, dack=0):
        s = Tcp(t, fam)
        s.alive()
        if side == "up":
            s.up(flags, seq=s.s + dseq, ack=s.c + dack)
        else:
            s.cl(flags, seq=s.c + dseq, ack=s.s + dack)
        s.alive()

    for side in ("up", "c"):
        for what, flags, dseq, dack in (("rst_far", "R", 1 << 30, 0), ("rst_below", "R", -100000, 0), ("rst_in_window", "R", 100, 0),
                                        ("rst_exact", "R", 0, 0), ("fin_far", "FA", 1 << 30, 0), ("data_far", "PA", 1 << 30, 0),
                                        ("ack_far", "A", 0, 1 << 30), ("keepalive", "A", -1, 0), ("old_ack", "A", 0, -1)):
            both(f"tcp_{side}_{what}_", lambda t, fam, side=side, flags=flags, dseq=dseq, dack=dack: forged(t, fam, side, flags, dseq, dack))
    both("tcp_up_syn_on_open_", lambda t, fam: (lambda s: (s.up("S", seq=77), s.alive()))(Tcp(t, fam)))
    both("tcp_client_syn_on_open_", lambda t, fam: (lambda s: (s.cl("S", seq=77, ack=0), s.alive()))(Tcp(t, fam)))

    def refused(t, fam):
        n = t.fresh()
        net = ip() if fam == 4 else ip6()
        m = outside(t.c(net / TCP(sport=n, dport=80, flags="S", seq=1000)))
        back = IP(src=SRV4, dst=OUT4) if fam == 4 else IPv6(src=SRV6, dst=OUT6)
        t.up(back / TCP(sport=80, dport=m, flags="RA", seq=0, ack=1001))

    both("tcp_refused_by_server_", refused)

    def rst_bad(t, fam):
        n = t.fresh()
        net = ip() if fam == 4 else ip6()
        m = outside(t.c(net / TCP(sport=n, dport=80, flags="S", seq=1000)))
        back = IP(src=SRV4, dst=OUT4) if fam == 4 else IPv6(src=SRV6, dst=OUT6)
        t.up(back / TCP(sport=80, dport=m, flags="RA", seq=0, ack=99))
        t.up(back / TCP(sport=80, dport=m, flags="SA", seq=5, ack=1001))

    both("tcp_syn_sent_wrong_rst_", rst_bad)

    def unasked(t, fam):
        back = IP(src=SRV4, dst=OUT4) if fam == 4 else IPv6(src=SRV6, dst=OUT6)
        for p in (TCP(sport=80, dport=5555, flags="S"), TCP(sport=80, dport=5555, flags="A"), UDP(sport=53, dport=5555) / DATA,
                  ICMP(id=9) if fam == 4 else ICMPv6EchoRequest(id=9), ICMP(type=0, id=9) if fam == 4 else ICMPv6EchoReply(id=9)):
            t.up(back / p)

    both("unasked_from_outside_", unasked)


@case
def echo_answered(t):
    n = t.fresh()
    m = outside(t.c(ip() / ICMP(id=n, seq=1) / DATA))
    t.up(IP(src=SRV4, dst=OUT4) / ICMP(type=0, id=m, seq=1) / DATA)
    t.up(IP(src=SRV4B, dst=OUT4) / ICMP(type=0, id=m, seq=1) / DATA)


@case
def echo_answered6(t):
    n = t.fresh()
    m = outside(t.c(ip6() / ICMPv6EchoRequest(id=n, seq=1, data=bytes(20))))
    t.up(IPv6(src=SRV6, dst=OUT6) / ICMPv6EchoReply(id=m, seq=1, data=bytes(20)))


def quoting(name, build4, build6=None):
    """An ICMP error from a router about an open TCP flow."""
    def run4(t, cut=None):
        s = Tcp(t)
        about = bytes(IP(src=OUT4, dst=SRV4, id=7, ttl=60, len=1500) / TCP(sport=s.m, dport=80, flags="A", seq=s.c, ack=s.s) / Raw(bytes(40)))
        t.up(IP(src=E["UP4"], dst=OUT4) / build4() / Raw(about[:cut]))
        s.alive()
    CASES[f"{name}4"] = run4
    CASES[f"{name}4_28_bytes"] = lambda t: run4(t, 28)
    if build6:
        def run6(t):
            s = Tcp(t, 6)
            about = bytes(IPv6(src=OUT6, dst=SRV6, hlim=60, plen=1460) / TCP(sport=s.m, dport=80, flags="A", seq=s.c, ack=s.s) / Raw(bytes(40)))
            t.up(IPv6(src=E["UP6"], dst=OUT6) / build6() / Raw(about))
            s.alive()
        CASES[f"{name}6"] = run6


quoting("error_host_unreachable_", lambda: ICMP(type=3, code=1), lambda: ICMPv6DestUnreach(code=0))
quoting("error_port_unreachable_", lambda: ICMP(type=3, code=3), lambda: ICMPv6DestUnreach(code=4))
quoting("error_ttl_", lambda: ICMP(type=11, code=0), lambda: ICMPv6TimeExceeded(code=0))
quoting("error_parameter_", lambda: ICMP(type=12, code=0), lambda: ICMPv6ParamProblem(code=0))
quoting("error_mtu_", lambda: ICMP(type=3, code=4, nexthopmtu=68), lambda: ICMPv6PacketTooBig(mtu=1280))
quoting("error_source_quench_", lambda: ICMP(type=4, code=0))


def misquoting(name, **wrong):
    @case
    def run(t):
        s = Tcp(t)
        f = dict(src=OUT4, dst=SRV4, sport=s.m, dport=80, seq=s.c, outer=OUT4, sum=None)
        f.update({k: v(s) if callable(v) else v for k, v in wrong.items()})
        about = IP(src=f["src"], dst=f["dst"]) / TCP(sport=f["sport"], dport=f["dport"], flags="A", seq=f["seq"], ack=s.s)
        t.up(IP(src=E["UP4"], dst=f["outer"]) / ICMP(type=3, code=3, chksum=f["sum"]) / Raw(bytes(about)))
        s.alive()
    CASES[name] = CASES.pop("run")


misquoting("misquote_sequence_far", seq=lambda s: s.c + (1 << 30))
misquoting("misquote_other_flow", sport=lambda s: s.m ^ 1)
misquoting("misquote_other_server", dst=SRV4B)
misquoting("misquote_inside_address", src=C4)
misquoting("misquote_wrong_sum", sum=1)


@case
def error_from_client(t):
    """The client's own stack refuses a datagram of its flow."""
    u = Udp(t)
    t.c(IP(src=C4, dst=SRV4) / ICMP(type=3, code=3) / IPerror(bytes(IP(src=SRV4, dst=C4) / UDP(sport=53, dport=u.n) / DATA)))


@case
def error_from_client_about_nothing(t):
    t.c(IP(src=C4, dst=SRV4) / ICMP(type=3, code=3) / IPerror(bytes(IP(src=SRV4, dst=C4) / UDP(sport=53, dport=19999) / DATA)))


@case
def fragments_of_an_answer(t):
    u = Udp(t)
    t.up(*fragment(u.inn(id=77) / UDP(sport=53, dport=u.m) / BIG, fragsize=1000))


@case
def fragments_of_an_answer6(t):
    u = Udp(t, 6)
    t.up(*fragment6(IPv6(src=SRV6, dst=OUT6) / IPv6ExtHdrFragment(id=77) / UDP(sport=53, dport=u.m) / BIG, 1100))


# What differs on purpose, and why.
DIFFERENT = {}


def differs(why, *names):
    for name in names:
        for fam in ("4", "6") if name.endswith("*") else ("",):
            DIFFERENT[name.rstrip("*") + fam] = why


differs("transport checksums are the receiver's to judge, and are passed on as they are",
        "udp4_wrong_sum", "udp6_wrong_sum", "tcp4_syn_wrong_sum", "tcp6_syn_wrong_sum")
differs("a SYN asks for no larger segments than fit both links", "tcp6_syn", "tcp6_syn_data")
differs("UDP over IPv6 must have a checksum", "udp6_no_sum")
differs("outside ports are random, and not kept below 1024 either", "udp4_low_source_port", "udp6_low_source_port")
differs("TCP without a flow is told so, never picked up in mid-stream",
        *(f"tcp{fam}_flags_{flags}" for fam in (4, 6) for flags in ("A", "PA", "FA", "SA")))
differs("nobody is told about a packet from itself to itself", "land")
differs("IP options are not passed, and a malformed one is not answered",
        *(f"ip_option_{what}" for what in ("router_alert", "record_route", "timestamp", "length_0", "length_beyond")))
differs("only TCP, UDP and ICMP are translated; the client is told",
        *(f"proto_{n}" for n in (2, 4, 41, 47, 50, 51, 132, 136, 253)))
differs("address masks are asked of nobody outside", "icmp_17")
differs("an extension header in the wrong place, of routing, or unknown is not passed",
        "ip6_hop_by_hop_second", "ip6_routing_4", "ip6_unknown_header", "ip6_two_fragment_headers")
differs("the fragment header of an atomic fragment stays, under another id", "ip6_atomic_fragment")
differs("a first fragment must hold the whole transport header", "fragments_tcp_offset_1")
differs("after a reset nothing more comes from outside", "tcp_up_rst_exact_*", "tcp_c_rst_exact_*")
differs("a reset that answers no SYN of ours ends nothing", "tcp_syn_sent_wrong_rst_*")
differs("parameter problem code 0 is not passed (RFC 4890)", "error_parameter_6")
differs("source quench is obsolete (RFC 6633)", "error_source_quench_4", "error_source_quench_4_28_bytes")
differs("an error must quote what the flow could have sent (RFC 5927)", "misquote_sequence_far")


def run(prefix, out):
    conf.verb = 0
    bench = Bench(prefix)
    result = {}
    for name, f in CASES.items():
        bench.said = []
        try:
            f(bench)
        except Exception as e:  # the case itself is wrong: say which
            raise RuntimeError(f"case {name}") from e
        result[name] = bench.said
    with open(out, "w") as f:
        json.dump(result, f, indent=1)
    print(len(result))


def compare(kernel, vifwall):
    with open(kernel) as f:
        a = json.load(f)
    with open(vifwall) as f:
        b = json.load(f)
    bad = 0
    for name in CASES:
        why = DIFFERENT.get(name)
        same = a[name] == b[name]
        if same and not why:
            print(f"ok   {name}")
        elif not same and why:
            print(f"ok   {name} differs: {why}")
        else:
            bad += 1
            print(f"  listed as different, and is not: {why}" if same else "  the kernel:")
            if not same:
                print("".join(f"    {x}\n" for x in a[name]) + "  vifwall:\n" + "".join(f"    {x}\n" for x in b[name]), end="")
            print(f"not ok   {name}")
    print(f"{len(CASES) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    start = time.monotonic()
    if sys.argv[1] == "run":
        run(sys.argv[2], sys.argv[3])
    else:
        sys.exit(compare(sys.argv[2], sys.argv[3]))
