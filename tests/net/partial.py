#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""partial.py PCAP large|all: which frames are wrong all the same?

Reads lines "NUMBER MALFORMED" of frames of PCAP that Wireshark takes for wrong,
and prints the numbers again but for those whose one fault is that their sum is
left to a device: of a TCP segment or a UDP datagram, it is that of the pseudo
header alone then.  With "large" that is granted to frames longer than 1514 bytes
only, which are to be cut; with "all" to each; and always to what an ICMP error
quotes.
"""
import struct
import sys

IP4, IP6 = b"\x08\0", b"\x86\xdd"
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
SUM_AT = {TCP: 16, UDP: 6}
ICMP_ERRORS = (3, 11, 12)
WIRE = 1514


def sum16(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet(ip, kind, whole=True):
    """(protocol, addresses, what IP carries, how long that is); None: no packet."""
    if kind == IP4 and len(ip) >= 20:
        head, size, proto = (ip[0] & 15) * 4, struct.unpack("!H", ip[2:4])[0], ip[9]
        cut = struct.unpack("!H", ip[6:8])[0] & 0x3FFF
        if cut or head < 20 or size < head or sum16(ip[:head]) != 0xFFFF:
            return None
        addresses = ip[12:20]
    elif kind == IP6 and len(ip) >= 40:
        size, proto = struct.unpack("!HB", ip[4:7])
        head, size, addresses = 40, size + 40, ip[8:40]
    else:
        return None
    if whole and size > len(ip):
        return None
    return proto, addresses, ip[head:size], size - head


def sum_is_of_headers(ip, kind):
    found = packet(ip, kind)
    if not found or found[0] not in SUM_AT or len(found[2]) < SUM_AT[found[0]] + 2:
        return False
    proto, addresses, data, size = found
    at = SUM_AT[proto]
    return struct.unpack("!H", data[at:at + 2])[0] == sum16(addresses + struct.pack("!2H", proto, size))


def quotes_one(ip, kind):
    """An ICMP error whose own sum is right, about a TCP segment or a UDP datagram:
    what that was sent with nobody can tell, once its addresses are translated."""
    found = packet(ip, kind)
    if not found or len(found[2]) < 8:
        return False
    proto, addresses, data, size = found
    if kind == IP4 and proto == ICMP and data[0] in ICMP_ERRORS:
        good = sum16(data) == 0xFFFF
    elif kind == IP6 and proto == ICMP6 and data[0] < 128:
        good = sum16(addresses + struct.pack("!2H", proto, size) + data) == 0xFFFF
    else:
        return False
    quoted = packet(data[8:], kind, whole=False)
    return good and quoted is not None and quoted[0] in SUM_AT


def frames(path, wanted):
    """(number, bytes) of the frames with these numbers."""
    with open(path, "rb") as f:
        order = "<" if f.read(24)[:1] in b"\xd4\x4d" else ">"
        number = 0
        while len(head := f.read(16)) == 16:
            number += 1
            size = struct.unpack(order + "4I", head)[2]
            if number in wanted:
                yield number, f.read(size)
            else:
                f.seek(size, 1)


def main():
    path, which = sys.argv[1:]
    lines = [line.rstrip("\n").split("\t") for line in sys.stdin]
    malformed = {int(number) for number, why in lines if why}
    for number, frame in frames(path, {int(number) for number, _ in lines}):
        kind, ip = frame[12:14], frame[14:]
        granted = which == "all" or len(frame) > WIRE
        left = granted and sum_is_of_headers(ip, kind) or quotes_one(ip, kind)
        if number in malformed or not left:
            print(number)


main()
