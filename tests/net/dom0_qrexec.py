#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dom0 for tests: its ends of qrexec over Unix sockets; QubesDB is dom0.py's.

    dom0_qrexec.py DIR call LINE   has LINE run, as qrexec-daemon and
                                   qrexec-client do: standard streams and exit
                                   code are its own
    dom0_qrexec.py DIR stuck LINE  the same, and never reads what is printed
    dom0_qrexec.py DIR features    waits for our call of qubes.FeaturesRequest
    dom0_qrexec.py DIR refuses     the same, is told no by its policy, and goes
    dom0_qrexec.py DIR many LINE N has N run that all wait for input, and then
                                   one more, which it does as "call"

We are domain 5 there.  What must not happen ends it with 99.
"""
import os
import socket
import struct
import sys
import time

US = 5
STDIN, STDOUT, STDERR, EXIT = 0x190, 0x191, 0x192, 0x193
EXEC, CONNECT, REFUSED, TERMINATED, TRIGGER3, HELLO = 0x200, 0x202, 0x203, 0x211, 0x212, 0x300
PATIENCE = 20


def wrong(what):
    print("dom0:", what, file=sys.stderr)
    sys.exit(99)


def name(directory, server, client, port):
    return f"{directory}/vchan.{server}.{client}.{port}.sock"


def connect(path):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        try:
            s.connect(path)
            return s
        except (FileNotFoundError, ConnectionRefusedError):
            s.close()
            time.sleep(0.02)
    wrong(f"nobody listens at {path}")


def serve(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.bind(path)
    s.listen(1)
    return s


def accept(s, path):
    peer, _ = s.accept()
    peer.settimeout(PATIENCE)
    s.close()
    os.unlink(path)
    return peer


def say(s, kind, body=b""):
    s.sendall(struct.pack("<II", kind, len(body)) + body)


def some(s, n):
    """b"" at the end, also when it is one with words of ours unread."""
    try:
        return s.recv(n)
    except ConnectionResetError:
        return b""


def exactly(s, n):
    got = b""
    while len(got) < n:
        more = some(s, n - len(got))
        if not more:
            return None
        got += more
    return got


def hear(s):
    head = exactly(s, 8)
    if head is None:
        return None, None
    kind, n = struct.unpack("<II", head)
    return kind, exactly(s, n)


def greet(s):
    kind, body = hear(s)
    if kind != HELLO or struct.unpack("<I", body) != (3,):
        wrong(f"not a hello: {kind} {body}")
    say(s, HELLO, struct.pack("<I", 3))


def control(directory):
    s = connect(name(directory, US, 0, 512))
    greet(s)
    return s


def terminated(c, port):
    if hear(c) != (TERMINATED, struct.pack("<II", 0, port)):
        wrong("not the end of the call")
    c.settimeout(0.2)
    try:
        wrong(f"more than the end of the call: {hear(c)}")
    except socket.timeout:
        pass


def begin(directory, c, line, port):
    path = name(directory, 0, US, port)
    listener = serve(path)
    say(c, EXEC, struct.pack("<II", 0, port) + line.encode() + b"\0")
    data = accept(listener, path)
    greet(data)
    return data


def outcome(data):
    ended = set()
    while True:
        kind, body = hear(data)
        if kind == EXIT:
            break
        if kind not in (STDOUT, STDERR) or kind in ended:
            wrong(f"not output: {kind} {body}")
        if not body:
            ended.add(kind)
        (sys.stdout if kind == STDOUT else sys.stderr).buffer.write(body)
    if ended != {STDOUT, STDERR} or some(data, 1):
        wrong("an exit code that is not the last word")
    return struct.unpack("<i", body)[0]


def call(directory, line, reads=True):
    c = control(directory)
    data = begin(directory, c, line, 513)
    if not reads:
        time.sleep(3)
        return 0
    text = sys.stdin.buffer.read()
    try:
        if text:
            say(data, STDIN, text)
        say(data, STDIN)
    except BrokenPipeError:
        pass  # it knew enough
    code = outcome(data)
    terminated(c, 513)
    return code


def many(directory, line, n):
    c = control(directory)
    held = [begin(directory, c, line, 513 + i) for i in range(n)]
    code = outcome(begin(directory, c, line, 513 + n))
    terminated(c, 513 + n)
    for data in held:
        data.close()
    return code


def features(directory, takes):
    c = control(directory)
    kind, body = hear(c)
    if kind != TRIGGER3 or body[96:] != b"qubes.FeaturesRequest\0":
        wrong(f"not qubes.FeaturesRequest: {kind} {body}")
    if body[:64].rstrip(b"\0") != b"dom0":
        wrong("not for dom0")
    if not takes:
        say(c, REFUSED, body[64:96])
        return 0
    say(c, CONNECT, struct.pack("<II", 0, 600) + body[64:96])
    data = connect(name(directory, US, 0, 600))
    greet(data)
    if hear(data) != (STDIN, b""):
        wrong("it has input")
    say(data, STDOUT)
    say(data, EXIT, struct.pack("<i", 0))
    if some(data, 1):
        wrong("more after the end")
    terminated(c, 600)
    return 0


where, what = sys.argv[1:3]
if what in ("features", "refuses"):
    sys.exit(features(where, what == "features"))
if what == "many":
    sys.exit(many(where, sys.argv[3], int(sys.argv[4])))
sys.exit(call(where, sys.argv[3], what == "call"))
