#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The far ends of the network tests.

  peer.py echo PORT [LOG]        TCP and UDP echo on all addresses; each UDP
                                 datagram and TCP connection is logged
  peer.py talk udp|tcp HOST PORT LOG [PER_SECOND [SECONDS]]
                                 sends numbered lines and logs each answer as
                                 "time number"; ends with the reason on stdout
  peer.py say udp|tcp HOST PORT [TIMEOUT [BYTES]]
                                 one line, one answer; exit 0 when it came
  peer.py spray HOST PER_SECOND SECONDS PORT...
                                 datagrams "number time" to each port in turn
  peer.py pour PORT BYTES PER_SECOND
                                 sends datagrams of BYTES, without pause, to
                                 whoever first sent one there
  peer.py burst HOST PORT COUNT  so many datagrams, each from a new socket
  peer.py hold HOST PORT COUNT   so many connections at once: how many came about,
                                 and why the first one did not
  peer.py hear LOG PORT...       logs datagrams as "time port from text"; the time
                                 is the kernel's, that each came in
  peer.py put HOST PORT BYTES    sends so many bytes over TCP, prints the SHA-256
  peer.py take PORT              takes one TCP stream, prints its SHA-256
  peer.py match PORT             tells each two who come, by UDP or by TCP, the
                                 other's address and port, as it sees them
  peer.py meet udp|tcp HOST PORT [TIMEOUT]
                                 is matched there, then both send to each other
                                 from the same port; exit 0 when they met
  peer.py relay HERE THERE       passes streams from the Unix socket HERE, which
                                 it makes, on to THERE
  peer.py store SOCKET PATH VALUE...
                                 writes to the XenStore, each PATH its VALUE

Times in logs are seconds since the epoch, as in bash's $EPOCHREALTIME.
"""
import errno
import hashlib
import os
import random
import selectors
import socket
import struct
import sys
import threading
import time


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listen(kind, port):
    s = socket.socket(socket.AF_INET6, kind)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        s.listen(64)
    return s


def take_in(s):
    """A datagram, who sent it, and how to answer from where it was sent to."""
    data, anc, _, peer = s.recvmsg(65535, 256)
    keep = [a for a in anc if a[:2] == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)]
    # Only the address: by which interface is for the routes to say.
    keep = [(level, kind, info[:16] + bytes(4)) for level, kind, info in keep]

    def reply(text):
        try:
            s.sendmsg([text], keep, 0, peer)
        except OSError:
            pass

    return data, peer, reply


def echo(port, log=None):
    out = open(log, "a", buffering=1) if log else None
    poll = selectors.DefaultSelector()
    udp = listen(socket.SOCK_DGRAM, port)
    tcp = listen(socket.SOCK_STREAM, port)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    poll.register(udp, selectors.EVENT_READ)
    poll.register(tcp, selectors.EVENT_READ)
    while True:
        for key, _ in poll.select():
            s = key.fileobj
            if s is udp:
                data, peer, reply = take_in(s)
                reply(data)
                if out:
                    word = data.strip()
                    word = word.decode() if word.isalnum() else f"{len(data)} bytes"
                    out.write(f"{time.time():.4f} udp {peer[0]} {peer[1]} {word}\n")
            elif s is tcp:
                c, peer = s.accept()
                if out:
                    out.write(f"{time.time():.4f} tcp {peer[0]} {peer[1]}\n")
                poll.register(c, selectors.EVENT_READ)
            else:
                try:
                    data = s.recv(65536)
                    s.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    poll.unregister(s)
                    s.close()


def why(e):
    if isinstance(e, socket.timeout) and not e.errno:
        return "silence"
    return errno.errorcode.get(e.errno, "?") if e.errno else type(e).__name__


def talk(proto, host, port, log, rate=100.0, seconds=3600.0):
    """Sends on the beat whether or not answers come, so that silence shows."""
    out = open(log, "w", buffering=1)
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    s = socket.socket(family(host), kind)
    s.settimeout(5)
    try:
        s.connect((host, port))
    except OSError as e:
        print(f"not connected: {why(e)}")
        return 1
    ended = []

    def hear():
        rest = b""
        while True:
            try:
                data = s.recv(65536)
                if not data and proto == "tcp":
                    ended.append("closed by the peer")
                    return
            except socket.timeout:
                continue
            except OSError as e:
                if proto == "udp" and e.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES):
                    out.write(f"# {time.time():.4f} {why(e)}\n")
                    continue
                ended.append(why(e))
                return
            *lines, rest = (rest + data).split(b"\n")
            now = time.time()
            for line in lines:
                out.write(f"{now:.4f} {line.decode()}\n")

    threading.Thread(target=hear, daemon=True).start()
    start = time.monotonic()
    n = 0
    while not ended and time.monotonic() - start < seconds:
        try:
            s.sendall(b"%d\n" % n)
        except OSError as e:
            if proto == "tcp":
                ended.append(why(e))
                break
        n += 1
        time.sleep(max(0.0, start + n / rate - time.monotonic()))
    if not ended:
        time.sleep(0.3)
    print(ended[0] if ended else f"sent {n}")
    return 1 if ended else 0


def say(proto, host, port, timeout=2.0, size=20.0):
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    word = random.randbytes(int(size))
    s = socket.socket(family(host), kind)
    s.settimeout(timeout)
    try:
        s.connect((host, port))
        s.sendall(word)
        try:
            got = s.recv(65535)
        except OSError as e:
            if e.errno != errno.EMSGSIZE:
                raise
            s.sendall(word)  # the path's MTU is known now
            got = s.recv(65535)
        while proto == "tcp" and got and len(got) < len(word):
            got += s.recv(65535)
    except OSError as e:
        print(why(e))
        return 1
    print("answered" if got == word else "wrong answer")
    return 0 if got == word else 1


def spray(host, rate, seconds, ports):
    """From one socket, whatever errors come back."""
    s = socket.socket(family(host), socket.SOCK_DGRAM)
    start = time.monotonic()
    n = 0
    while (now := time.monotonic() - start) < seconds:
        for port in ports:
            try:
                s.sendto(b"%d %.6f" % (n, time.time()), (host, port))
            except OSError:
                pass
        n += 1
        time.sleep(max(0.0, n / rate - now))
    print(n)
    return 0


def beat(log):
    """Sleeps for 5 ms again and again; writes when, and by how much, it woke late."""
    out = open(log, "w", buffering=1)
    due = time.monotonic() + 0.005
    while True:
        time.sleep(max(0.0, due - time.monotonic()))
        now = time.monotonic()
        if now - due > 0.005:
            out.write(f"{time.time():.4f} {now - due:.4f}\n")
        due = now + 0.005


def pour(port, size, rate):
    s = listen(socket.SOCK_DGRAM, port)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    _, _, reply = take_in(s)
    start = time.monotonic()
    n = 0
    while True:
        reply(bytes(size))
        n += 1
        time.sleep(max(0.0, start + n / rate - time.monotonic()))


def burst(host, port, count):
    keep = []
    for _ in range(count):
        s = socket.socket(family(host), socket.SOCK_DGRAM)
        try:
            s.sendto(b"burst", (host, port))
        except OSError:
            pass
        keep.append(s)
    return 0


def hold(host, port, count):
    keep, reason = [], "none"
    for _ in range(count):
        s = socket.socket(family(host), socket.SOCK_STREAM)
        s.settimeout(2)
        try:
            s.connect((host, port))
        except OSError as e:
            reason = why(e)
            break
        keep.append(s)
    print(len(keep), reason)
    return 0


SO_TIMESTAMPNS = 35  # asm-generic/socket.h


def came_in(s):
    """A datagram, who sent it, and when the kernel got it."""
    data, anc, _, peer = s.recvmsg(2048, 64)
    for level, kind, stamp in anc:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            sec, nsec = struct.unpack("@ll", stamp)
            return data, peer, sec + nsec / 1e9
    raise SystemExit("hear: the kernel does not say when datagrams come in")


def hear(log, ports):
    out = open(log, "w", buffering=1)
    poll = selectors.DefaultSelector()
    for port in ports:
        s = listen(socket.SOCK_DGRAM, port)
        s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        poll.register(s, selectors.EVENT_READ, port)
    while True:
        for key, _ in poll.select():
            data, peer, when = came_in(key.fileobj)
            out.write(f"{when:.6f} {key.data} {peer[0]} {data.decode()}\n")


def put(host, port, count):
    digest = hashlib.sha256()
    s = socket.socket(family(host), socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect((host, port))
    block = random.randbytes(1 << 16)
    while count > 0:
        part = block[: min(count, len(block))]
        s.sendall(part)
        digest.update(part)
        count -= len(part)
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
    print(digest.hexdigest())
    return 0


def take(port):
    digest = hashlib.sha256()
    s, _ = listen(socket.SOCK_STREAM, port).accept()
    while True:
        data = s.recv(1 << 16)
        if not data:
            break
        digest.update(data)
    print(digest.hexdigest(), flush=True)
    s.close()
    return 0


def match(port):
    poll = selectors.DefaultSelector()
    udp = listen(socket.SOCK_DGRAM, port)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    poll.register(udp, selectors.EVENT_READ, "udp")
    poll.register(listen(socket.SOCK_STREAM, port), selectors.EVENT_READ, "tcp")
    waiting = {"udp": [], "tcp": []}
    while True:
        for key, _ in poll.select():
            s, two = key.fileobj, waiting[key.data]
            if key.data == "udp":
                _, peer, reply = take_in(s)
                two.append((reply, peer))
            else:
                c, peer = s.accept()
                two.append((c.sendall, peer))
            if len(two) == 2:
                for (tell, _), (_, other) in (two, two[::-1]):
                    tell(f"{other[0].replace('::ffff:', '')} {other[1]}\n".encode())
                two.clear()


def own_port(kind, host, port=0):
    s = socket.socket(family(host), kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("", port))
    return s


def meet_udp(s, other, until):
    s.connect(other)
    s.settimeout(0.1)
    heard = False
    while not heard and time.monotonic() < until:
        try:
            s.send(b"hello")
            heard = s.recv(2048) == b"hello"
        except OSError:
            time.sleep(0.05)
    s.send(b"hello")  # the first that was sent came too early
    return heard


def meet_tcp(s, other, until):
    s.settimeout(until - time.monotonic())
    s.connect(other)  # so does the other, at the same time
    s.sendall(b"hello")
    return s.recv(5) == b"hello"


def meet(proto, host, port, timeout=5.0):
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    until = time.monotonic() + timeout
    s = own_port(kind, host)
    s.settimeout(timeout)
    try:
        s.connect((host, port))
        if proto == "udp":
            s.send(b"here")
        addr, outside = s.recv(2048).decode().split()
    except OSError as e:
        print(f"not matched: {why(e)}")
        return 1
    try:
        t = own_port(kind, host, s.getsockname()[1])
        if proto == "udp":
            s.close()
        met = (meet_tcp if proto == "tcp" else meet_udp)(t, (addr, int(outside)), until)
    except OSError as e:
        print(why(e))
        return 1
    print(f"met {addr}" if met else "silence")
    return 0 if met else 1


def pass_on(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_RDWR)


def relay(here, there):
    if os.path.exists(here):
        os.unlink(here)
    s = socket.socket(socket.AF_UNIX)
    s.bind(here)
    s.listen(8)
    while True:
        a, _ = s.accept()
        b = socket.socket(socket.AF_UNIX)
        b.connect(there)
        for pair in (a, b), (b, a):
            threading.Thread(target=pass_on, args=pair, daemon=True).start()


def store(path, pairs):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    for n, (key, value) in enumerate(zip(pairs[::2], pairs[1::2])):
        body = key.encode() + b"\0" + value.encode()
        s.sendall(struct.pack("<4I", 11, n, 0, len(body)) + body)
        head = s.recv(16, socket.MSG_WAITALL)
        kind, _, _, size = struct.unpack("<4I", head)
        said = s.recv(size, socket.MSG_WAITALL)
        if kind != 11:
            sys.exit(f"{key}: {said.decode()}")


def main(a):
    if a[0] == "echo":
        return echo(int(a[1]), *a[2:3])
    if a[0] == "talk":
        return talk(a[1], a[2], int(a[3]), a[4], *map(float, a[5:]))
    if a[0] == "say":
        return say(a[1], a[2], int(a[3]), *map(float, a[4:]))
    if a[0] == "spray":
        return spray(a[1], float(a[2]), float(a[3]), [int(p) for p in a[4:]])
    if a[0] == "beat":
        return beat(a[1])
    if a[0] == "pour":
        return pour(int(a[1]), int(a[2]), float(a[3]))
    if a[0] == "burst":
        return burst(a[1], int(a[2]), int(a[3]))
    if a[0] == "hold":
        return hold(a[1], int(a[2]), int(a[3]))
    if a[0] == "hear":
        return hear(a[1], [int(p) for p in a[2:]])
    if a[0] == "put":
        return put(a[1], int(a[2]), int(a[3]))
    if a[0] == "take":
        return take(int(a[1]))
    if a[0] == "match":
        return match(int(a[1]))
    if a[0] == "store":
        return store(a[1], a[2:])
    if a[0] == "relay":
        return relay(a[1], a[2])
    if a[0] == "meet":
        return meet(a[1], a[2], int(a[3]), *map(float, a[4:]))
    print(__doc__)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:] or [""]))
    except KeyboardInterrupt:
        sys.exit(130)
