#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dom0.py DIR DOMID COMMANDS LOG: dom0's QubesDB daemon for one domain.

It serves the channel of domain DOMID in directory DIR and dies, as the real one
does, of what it does not like.  COMMANDS is a fifo with one command in each line:

    set PATH VALUE      rm PATH         rules ADDRESS RULE|RULE|...
    hang-up             (the connection ends; it listens again)

LOG gets a line for each commit and for each key that the domain writes, with the
time, and "died".
"""
import os
import re
import select
import socket
import struct
import sys
import time

WRITE, MULTIREAD, RM, OK, ERROR, ENTRY = 1, 2, 4, 7, 9, 11
KEY = re.compile(rb"/[a-zA-Z0-9_/.:@-]*[a-zA-Z0-9_.:@-]")


class Died(Exception):
    pass


class Daemon:
    def __init__(self, where, domid, log):
        self.path = f"{where}/vchan.0.{domid}.111.sock"
        self.log = open(log, "a", buffering=1)
        self.keys = {}
        self.peer = None
        self.listen()

    def say(self, *words):
        print(f"{time.time():.6f}", *words, file=self.log)

    def listen(self):
        self.hang_up()
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(self.path)
        self.server.listen(1)

    def hang_up(self):
        if self.peer:
            self.peer.close()
        self.peer, self.asked, self.got = None, False, b""

    def accept(self):
        self.peer, _ = self.server.accept()
        self.server.close()
        self.server = None
        os.unlink(self.path)

    def send(self, kind, path=b"", data=b""):
        head = struct.pack("<B64s3xI", kind, path, len(data))
        try:
            if self.peer:
                self.peer.sendall(head + data)
        except OSError:
            self.listen()

    def tell(self, kind, path, data=b""):
        if self.peer and self.asked:
            self.send(kind, path, data)

    def set(self, path, value=b""):
        self.keys[path] = value
        self.tell(WRITE, path, value)

    def rm(self, path):
        gone = [k for k in self.keys if (k.startswith(path) if path.endswith(b"/") else k == path)]
        for key in gone:
            del self.keys[key]
        if gone:
            self.tell(RM, path)
        return gone

    def rules(self, address, rules):
        base = b"/qubes-firewall/" + address
        self.rm(base + b"/")
        self.set(base + b"/policy", b"drop")
        for i, rule in enumerate(rules):
            self.set(base + b"/%04d" % i, rule)
        self.say("commit", address.decode(), b"|".join(rules).decode())
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
        elif word == b"hang-up":
            self.listen()

    def obey(self, kind, path, data):
        if kind == MULTIREAD:
            if self.asked or path or data:
                raise Died("a reading that is not the first, or of a part")
            for key in sorted(self.keys, reverse=True):
                self.send(ENTRY, key, self.keys[key])
            self.send(ENTRY)
            self.asked = self.peer is not None
            self.say("asked")
        elif kind == WRITE:
            if not KEY.fullmatch(path) or b"\0" in data:
                raise Died(f"a write of {path} {data}")
            self.keys[path] = data
            self.say("wrote", path.decode(), data.decode())
            self.send(OK, path)
        elif kind == RM:
            if not self.rm(path):
                raise Died(f"a removal of nothing, {path}")
            self.send(OK, path)
        elif kind not in (OK, ERROR) or data:
            raise Died(f"a message of type {kind}")

    def read(self):
        try:
            got = self.peer.recv(65536)
        except ConnectionResetError:  # it left something unread
            got = b""
        if not got:
            if not self.asked:
                raise Died("a peer that never asked")
            self.listen()
            return
        self.got += got
        while self.peer and len(self.got) >= 72:
            kind, path, size = struct.unpack("<B64s3xI", self.got[:72])
            if size > 3071 or b"\0" not in path:
                raise Died("a message that is too long")
            if len(self.got) < 72 + size:
                return
            data, self.got = self.got[72:72 + size], self.got[72 + size:]
            self.obey(kind, path.split(b"\0")[0], data)


def main():
    where, domid, commands, log = sys.argv[1:]
    daemon = Daemon(where, domid, log)
    fifo = os.open(commands, os.O_RDWR)
    said = b""
    daemon.say("listens")
    try:
        while True:
            wait = [fifo, daemon.peer or daemon.server]
            ready, _, _ = select.select(wait, [], [])
            if daemon.server in ready:
                daemon.accept()
            elif daemon.peer in ready:
                daemon.read()
            if fifo in ready:
                said += os.read(fifo, 65536)
                *lines, said = said.split(b"\n")
                for line in lines:
                    daemon.command(line)
    except Died as why:
        daemon.say("died of", why)
        sys.exit(1)


main()
