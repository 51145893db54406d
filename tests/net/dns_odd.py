#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server that misbehaves, by the first label of what it is asked for.

dns_odd.py ADDRESS GOOD FORGED: serves UDP and TCP port 53 of ADDRESS.
  servfail    rcode 2, with FORGED all the same
  silent      no answer
  forged      answers with FORGED that are none (other id, other question,
              other sender), then the real one with GOOD
  big         over UDP truncated and empty, over TCP GOOD
  part        over UDP truncated with GOOD, over TCP FORGED
  moody       GOOD and servfail's answer by turns, for a second each
  turns       GOOD and FORGED by turns, for a second each
  other       GOOD
All other names are not there.
"""
import socket
import struct
import sys
import threading


def record(addr, ttl=5):
    return (b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, ttl, 4)
            + socket.inet_aton(addr))


def reply(query, rcode=0, records=(), flags=0, number=None, question=None):
    number = query[:2] if number is None else number
    question = asked(query)[1] if question is None else question
    head = struct.pack("!HHHHH", 0x8180 | flags | rcode, 1, len(records), 0, 0)
    return number + head + question + b"".join(records)


def asked(query):
    """The first label, and the bytes of the question."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    return labels[0].decode().lower(), query[12:at + 5]


turn = {}  # name -> how often its IPv4 addresses were asked for


def answer(query, good, forged, tcp):
    name, question = asked(query)
    fails = name == "servfail"
    if name not in ("servfail", "forged", "big", "part", "moody", "turns", "other"):
        return reply(query, 3)
    if question[-4:-2] != b"\0\x01":  # only IPv4 has addresses
        return reply(query, 2 if fails else 0)
    if name == "big" and not tcp:
        return reply(query, flags=0x200)
    if name == "part":
        return reply(query, 0, [record(forged if tcp else good)], 0 if tcp else 0x200)
    turn[name] = turn.get(name, 0) + 1
    odd = turn[name] % 2
    fails = fails or name == "moody" and not odd
    is_forged = fails or name == "turns" and not odd
    ttl = 1 if name in ("moody", "turns") else 5
    return reply(query, 2 if fails else 0, [record(forged if is_forged else good, ttl)])


def forge(sock, query, who, forged):
    other = bytes([query[0] ^ 1, query[1]])
    lie = [record(forged)]
    sock.sendto(reply(query, 0, lie, number=other), who)
    sock.sendto(reply(query, 0, lie, question=b"\5other\4test\0\0\1\0\1"), who)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.sendto(reply(query, 0, lie), who)
    stranger.close()


def udp(addr, good, forged):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((addr, 53))
    while True:
        query, who = sock.recvfrom(2048)
        name = asked(query)[0]
        if name == "silent":
            continue
        if name == "forged":
            forge(sock, query, who, forged)
        sock.sendto(answer(query, good, forged, False), who)


def whole(conn, size):
    data = b""
    while len(data) < size:
        more = conn.recv(size - len(data))
        if not more:
            raise OSError("cut short")
        data += more
    return data


def tcp(addr, good, forged):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((addr, 53))
    sock.listen(5)
    while True:
        conn, _ = sock.accept()
        try:
            conn.settimeout(2)
            while True:
                query = whole(conn, struct.unpack("!H", whole(conn, 2))[0])
                out = answer(query, good, forged, True)
                conn.sendall(struct.pack("!H", len(out)) + out)
        except OSError:
            pass
        conn.close()


def main():
    addr, good, forged = sys.argv[1:]
    threading.Thread(target=tcp, args=(addr, good, forged), daemon=True).start()
    udp(addr, good, forged)


main()
