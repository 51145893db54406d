#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends frames that no honest stack sends, from eth0 of this namespace.

  forge.py client     as client 1: other people's addresses of every kind
  forge.py uplink     as sys-net: clients' and our own addresses

Addresses come from the environment (lib.sh exports its house).  Each frame
carries the word SPOOF, the one honest frame in between the word HONEST.
"""
import os
import sys

from scapy.all import (ARP, Dot1Q, Ether, ICMP, ICMPv6DestUnreach,
                       ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                       ICMPv6ND_Redirect, ICMPv6NDOptDstLLAddr,
                       ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, IP, IPv6,
                       LLC, Raw, SNAP, TCP, UDP, conf)

E = os.environ
TAG = Raw(b"SPOOF" * 4)


def kinds4(src, dst, tag=TAG):
    ip = IP(src=src, dst=dst)
    return [ip / UDP(sport=4000, dport=7) / tag,
            ip / TCP(sport=4000, dport=7, flags="S") / tag,
            ip / TCP(sport=4000, dport=7, flags="A") / tag,
            ip / ICMP(type=8, id=77) / tag,
            ip / ICMP(type=0, id=77) / tag,
            ip / ICMP(type=3, code=1) / IP(src=dst, dst=src) / UDP(sport=7, dport=4000) / tag]


def kinds6(src, dst, tag=TAG):
    ip = IPv6(src=src, dst=dst)
    return [ip / UDP(sport=4000, dport=7) / tag,
            ip / TCP(sport=4000, dport=7, flags="S") / tag,
            ip / ICMPv6EchoRequest(id=77) / tag,
            ip / ICMPv6DestUnreach(code=0) / IPv6(src=dst, dst=src) / UDP(sport=7, dport=4000) / tag]


NOBODY4 = ["0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"]
NOBODY6 = ["::", "::1", "fe80::1234", "ff02::1", "::ffff:10.137.0.11"]


def client():
    me, gw = E["CMAC_1"], E["GWMAC"]
    right = Ether(src=me, dst=gw)
    for src in NOBODY4 + [E["C4_2"], E["C4_3"], E["SRV4"], E["OUT4"], E["GW4"], "10.137.0.99"]:
        for dst in (E["SRV4"], E["C4_2"], E["GW4"]):
            yield from (right / p for p in kinds4(src, dst))
    for src in NOBODY6 + [E["C6_2"], E["C6_3"], E["SRV6"], E["OUT6"], E["GW6"]]:
        for dst in (E["SRV6"], E["C6_2"], E["GW6"]):
            yield from (right / p for p in kinds6(src, dst))
    # The right address in the wrong frame.
    for p in kinds4(E["C4_1"], E["SRV4"]) + kinds6(E["C6_1"], E["SRV6"]):
        for mac in (E["CMAC_2"], gw, "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"):
            yield Ether(src=mac, dst=gw) / p
        for mac in (E["CMAC_2"], E["UPMAC"], "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"):
            yield Ether(src=me, dst=mac) / p
        yield right / Dot1Q(vlan=2) / p
        yield right / LLC() / SNAP() / p
    # Destinations that are nobody's.
    for dst in NOBODY4:
        yield from (right / p for p in kinds4(E["C4_1"], dst)[:3])
    for dst in NOBODY6:
        yield from (right / p for p in kinds6(E["C6_1"], dst)[:2])
    # Whose address is whose: ARP and ND.
    for ip in (E["C4_2"], E["GW4"], E["SRV4"], E["OUT4"], E["UP4"]):
        for mac in (me, E["CMAC_2"]):
            for op in (1, 2):
                yield Ether(src=me, dst="ff:ff:ff:ff:ff:ff") / ARP(op=op, hwsrc=mac, psrc=ip, pdst=ip) / TAG
                yield right / ARP(op=op, hwsrc=mac, psrc=ip, hwdst=gw, pdst=E["GW4"]) / TAG
    for ip in (E["C6_2"], E["GW6"], E["OUT6"], E["UP6"]):
        for src in (ip, E["C6_1"]):
            yield right / IPv6(src=src, dst="ff02::1") / ICMPv6ND_NA(tgt=ip, R=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=me)
            yield right / IPv6(src=src, dst=E["GW6"]) / ICMPv6ND_NS(tgt=ip) / ICMPv6NDOptSrcLLAddr(lladdr=me)
    yield right / IPv6(src="fe80::1", dst="ff02::1") / ICMPv6ND_RA(routerlifetime=1800) / ICMPv6NDOptPrefixInfo(prefix="2001:db8:66::", prefixlen=64)
    yield right / IPv6(src=E["GW6"], dst=E["C6_2"]) / ICMPv6ND_Redirect(tgt=E["C6_1"], dst=E["SRV6"])


def uplink():
    right = Ether(src=E["UPMAC"], dst=E["OUTMAC"])
    inside4 = [E["C4_1"], E["C4_2"], E["C4_3"], E["OUT4"], E["GW4"]]
    inside6 = [E["C6_1"], E["C6_2"], E["OUT6"], E["GW6"]]
    for src in NOBODY4 + inside4 + [E["SRV4"]]:
        for dst in inside4:
            yield from (right / p for p in kinds4(src, dst))
    for src in NOBODY6 + inside6 + [E["SRV6"]]:
        for dst in inside6:
            yield from (right / p for p in kinds6(src, dst))
    for p in kinds4(E["SRV4"], E["C4_1"]):
        yield Ether(src=E["UPMAC"], dst="ff:ff:ff:ff:ff:ff") / p
        yield Ether(src=E["UPMAC"], dst=E["CMAC_1"]) / p
        yield right / Dot1Q(vlan=2) / p
    for ip in (E["C4_1"], E["C4_2"], E["GW4"], E["OUT4"]):
        for op in (1, 2):
            yield Ether(src=E["UPMAC"], dst="ff:ff:ff:ff:ff:ff") / ARP(op=op, hwsrc=E["UPMAC"], psrc=ip, pdst=ip) / TAG
            yield right / ARP(op=op, hwsrc=E["UPMAC"], psrc=ip, hwdst=E["OUTMAC"], pdst=E["OUT4"]) / TAG
    for ip in (E["C6_1"], E["GW6"], E["OUT6"]):
        yield right / IPv6(src=ip, dst=E["OUT6"]) / ICMPv6ND_NA(tgt=ip, R=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=E["UPMAC"])
    yield right / IPv6(src="fe80::1", dst="ff02::1") / ICMPv6ND_RA(routerlifetime=1800) / ICMPv6NDOptPrefixInfo(prefix="2001:db8:66::", prefixlen=64)


def main():
    what = {"client": client, "uplink": uplink}[sys.argv[1]]
    wire = conf.L2socket(iface="eth0")
    n = 0
    for frame in what():
        wire.send(frame)
        n += 1
    if what is client:
        honest = Raw(b"HONEST")
        wire.send(Ether(src=E["CMAC_1"], dst=E["GWMAC"]) / IP(src=E["C4_1"], dst=E["SRV4"]) / TCP(sport=4001, dport=80, flags="S") / honest)
        wire.send(Ether(src=E["CMAC_1"], dst=E["GWMAC"]) / IPv6(src=E["C6_1"], dst=E["SRV6"]) / TCP(sport=4001, dport=80, flags="S") / honest)
    print(n)


if __name__ == "__main__":
    main()
