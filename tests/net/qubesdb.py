#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""QubesDB inside a Linux qube: its daemon, and the tools that ask it.

    qubesdb.py serve SOCKET COMMANDS LOG
    qubesdb.py ask SOCKET read|list|multiread|write|rm|watch PATH [VALUE]

The daemon answers as the real one does: requests in their order, a change with
OK before who watches it is told, and whoever makes no sense is closed.
COMMANDS is a fifo with one command in each line, which stand for what comes
from dom0:

    set PATH VALUE      rm PATH         rules ADDRESS RULE|RULE|...
    refuse PREFIX       (changes below it get ERROR from now on)
    overtake ADDRESS RULE|RULE|...
                        (these rules are committed in the middle of the next
                        answer about that address, which is still the old one)

LOG gets a line for each key that a client writes, each reading of everything,
and for who is closed.

The tools print what Qubes' tools of these names print, and end with 1 when they
fail, with 3 when the daemon closed; "watch" waits for one event.
"""
import os
import re
import select
import socket
import struct
import sys
import time

READ, WRITE, MULTIREAD, LIST, RM, WATCH, UNWATCH = range(7)
OK, NOENT, ERROR, IS_READ, IS_MULTIREAD, IS_LIST, IS_WATCH = range(7, 14)
PATH = re.compile(rb"/[a-zA-Z0-9_/.:@-]*")
SETS = b"/qubes-firewall/"


def message(kind, path=b"", data=b""):
    return struct.pack("<B64s3xI", kind, path, len(data)) + data


def take(got):
    """(kind, path, data), and the rest; None while it is not whole."""
    if len(got) < 72:
        return None, got
    kind, path, size = struct.unpack("<B64s3xI", got[:72])
    if len(got) < 72 + size:
        return None, got
    return (kind, path.split(b"\0")[0], got[72:72 + size]), got[72 + size:]


def covers(what, path):
    return path.startswith(what) if what.endswith(b"/") else path == what


class Nonsense(Exception):
    pass


class Client:
    def __init__(self, sock):
        self.sock, self.got, self.watches = sock, b"", set()


class Daemon:
    def __init__(self, path, log):
        self.log = open(log, "a", buffering=1)
        self.keys, self.clients, self.refused = {}, [], []
        self.overtaking = {}
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        self.say("listens")

    def say(self, *words):
        print(f"{time.time():.6f}", *words, file=self.log)

    def send(self, client, *what):
        try:
            client.sock.sendall(message(*what))
        except OSError:
            pass  # the next reading says so

    # ---- keys ----------------------------------------------------------------

    def tell(self, path):
        for client in self.clients:
            if any(covers(w, path) for w in client.watches):
                self.send(client, IS_WATCH, path)

    def set(self, path, value=b""):
        self.keys[path] = value
        self.tell(path)

    def cut(self, path):
        gone = [k for k in self.keys if covers(path, k)]
        for key in gone:
            del self.keys[key]
        return bool(gone)

    def rm(self, path):
        if self.cut(path):
            self.tell(path)

    def rules(self, address, rules):
        base = SETS + address
        self.rm(base + b"/")
        self.set(base + b"/policy", b"drop")
        for i, rule in enumerate(rules):
            self.set(base + b"/%04d" % i, rule)
        self.set(base)

    def command(self, line):
        word, _, rest = line.partition(b" ")
        name, _, value = rest.partition(b" ")
        if word == b"set":
            self.set(name, value)
        elif word == b"rm":
            self.rm(name)
        elif word == b"rules":
            self.rules(name, value.split(b"|"))
        elif word == b"refuse":
            self.refused.append(name)
        elif word == b"overtake":
            self.overtaking[SETS + name + b"/"] = (name, value.split(b"|"))

    # ---- clients -------------------------------------------------------------

    def dump(self, client, kind, what):
        keys = sorted(k for k in self.keys if k.startswith(what or b"/"))
        entries = [(k, b"" if kind == IS_LIST else self.keys[k]) for k in keys]
        half = len(entries) // 2
        for path, value in entries[:half]:
            self.send(client, kind, path, value)
        if kind == IS_MULTIREAD and what in self.overtaking:
            self.say("overtaken", what.decode())
            self.rules(*self.overtaking.pop(what))
        for path, value in entries[half:]:
            self.send(client, kind, path, value)
        self.send(client, kind)
        if kind == IS_MULTIREAD and what == b"/":
            self.say("asked")

    def change(self, client, kind, path, data):
        if any(path.startswith(p) for p in self.refused):
            self.say("refused", path.decode())
            self.send(client, ERROR, path)
        elif kind == WRITE:
            self.keys[path] = data
            self.say("wrote", path.decode(), data.decode())
            self.send(client, OK, path)
            self.tell(path)
        elif self.cut(path):
            self.say("removed", path.decode())
            self.send(client, OK, path)
            self.tell(path)
        else:
            self.send(client, NOENT, path)

    def obey(self, client, kind, path, data):
        if len(data) > 3071 or (path or kind not in (MULTIREAD, LIST)) and not PATH.fullmatch(path):
            raise Nonsense(f"a path that can not be, {path}")
        if data and kind != WRITE or b"\0" in data:
            raise Nonsense(f"data of type {kind}")
        if kind in (READ, WRITE) and path.endswith(b"/"):
            raise Nonsense(f"no key, {path}")
        if kind == READ and path in self.keys:
            self.send(client, IS_READ, path, self.keys[path])
        elif kind == READ:
            self.send(client, NOENT, path)
        elif kind in (WRITE, RM):
            self.change(client, kind, path, data)
        elif kind in (MULTIREAD, LIST):
            self.dump(client, IS_MULTIREAD if kind == MULTIREAD else IS_LIST, path)
        elif kind == WATCH:
            client.watches.add(path)
            self.send(client, OK, path)
        elif kind == UNWATCH:
            self.send(client, OK if path in client.watches else NOENT, path)
            client.watches.discard(path)
        else:
            raise Nonsense(f"a message of type {kind}")

    def drop(self, client):
        client.sock.close()
        self.clients.remove(client)

    def read(self, client):
        try:
            got = client.sock.recv(65536)
        except ConnectionResetError:
            got = b""
        if not got:
            self.drop(client)
            return
        client.got += got
        try:
            what, client.got = take(client.got)
            while what:
                self.obey(client, *what)
                what, client.got = take(client.got)
        except Nonsense as why:
            self.say("closed because of", why)
            self.drop(client)

    def run(self, commands):
        fifo = os.open(commands, os.O_RDWR)
        said = b""
        while True:
            ready, _, _ = select.select([fifo, self.listener] + [c.sock for c in self.clients], [], [])
            if self.listener in ready:
                self.clients.append(Client(self.listener.accept()[0]))
            for client in [c for c in self.clients if c.sock in ready]:
                self.read(client)
            if fifo in ready:
                *lines, said = (said + os.read(fifo, 65536)).split(b"\n")
                for line in lines:
                    self.command(line)


# ---- tools -------------------------------------------------------------------

class Tool:
    def __init__(self, path):
        self.sock, self.got = socket.socket(socket.AF_UNIX), b""
        self.sock.settimeout(60)
        self.sock.connect(path)

    def next(self):
        while True:
            what, self.got = take(self.got)
            if what:
                return what
            more = self.sock.recv(65536)
            if not more:
                sys.exit(3)
            self.got += more

    def answer(self, *request):
        self.sock.sendall(message(*request))
        return self.next()

    def entries(self, request, path):
        kind, name, data = self.answer(request, path)
        while kind in (IS_MULTIREAD, IS_LIST) and name:
            yield name[len(path):].decode(), data.decode()
            kind, name, data = self.next()
        if kind not in (IS_MULTIREAD, IS_LIST):
            sys.exit(1)

    def run(self, word, path, value=b""):
        if word == "read":
            kind, _, data = self.answer(READ, path)
            if kind == IS_READ:
                print(data.decode())
            return kind == IS_READ
        if word == "multiread":
            for name, data in self.entries(MULTIREAD, path):
                print(f"{name} = {data}")
            return True
        if word == "list":
            for name, _ in self.entries(LIST, path):
                print(name)
            return True
        if word == "watch":
            if self.answer(WATCH, path)[0] != OK:
                return False
            print("watches", flush=True)
            print(self.next()[1].decode())
            return True
        return self.answer(WRITE if word == "write" else RM, path, value)[0] == OK


if sys.argv[1] == "serve":
    Daemon(sys.argv[2], sys.argv[4]).run(sys.argv[3])
word, *rest = sys.argv[3:]
sys.exit(not Tool(sys.argv[2]).run(word, *(a.encode() for a in rest)))
