#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds.py DIR: stories for the fuzz entries whose input is a list of steps.

Each story becomes DIR/NAME/story-*.  They lead to where random bytes seldom get:
a full queue, a resume in the middle of a frame, a device that comes and goes.
The numbers of the steps are those of the tables steps[] in fuzz_NAME.c.  What a
fuzzer made out of them is kept beside them, as the fewest inputs that reach the
same (fuzz_NAME -merge=1 -set_cover_merge=1).
"""
import os
import sys


def be16(n):
    return bytes([n >> 8 & 255, n & 255])


class Steps:
    """Bytes of steps by name: s.recv() or s.frame(be16(60), 0)."""

    def __init__(self, *names):
        self.names = names

    def __getattr__(self, name):
        number = self.names.index(name)

        def step(*args):
            out = bytes([number])
            for a in args:
                out += a if isinstance(a, bytes) else bytes([a])
            return out

        return step


def netback():
    s = Steps("request", "extra", "frame", "kick", "post", "poke", "plan", "flip", "recv",
              "send", "sleep", "fault", "grants", "connect", "death")
    conf = bytes([0x3f, 0])
    more, extra = 4, 8

    def slot(size, flags=0, ref=0, off=0):
        return s.request(ref, be16(off), flags, be16(size))

    turn = s.kick(0) + s.recv() + s.sleep(1)
    yield "frames", conf + b"".join(s.frame(be16(n), how) + turn for n, how in
                                    ((46, 0), (1486, 8), (4000, 3), (9000, 32), (19000, 0x78)))
    yield "both ways", bytes([0x3f, 1]) + s.post(255, 4) + b"".join(
        s.send(n, 1, be16(size)) + turn for n, size in ((3, 60), (70, 5000), (130, 9000),
                                                        (200, 9000), (64, 0)))
    chains = b""
    for n in (2, 18, 19, 20, 21):
        chains += slot(14 + 20 * (n - 1), more) + slot(20, more) * (n - 2) + slot(20) + turn
    yield "chains", conf + chains
    yield "chain too long", conf + slot(500, more) + slot(10, more) * 21 + slot(10) + turn
    yield "past the index", conf + slot(100, more) + turn
    yield "empty slots", conf + slot(100, more) + slot(0, more) * 5 + slot(0) + turn
    yield "sum", conf + slot(50, more) + slot(60) + turn + slot(13) + turn
    yield "page", conf + slot(97, 0, 0, 4000) + turn
    extras = b"".join(slot(60, extra) + s.extra(t, 0, be16(100), 1) + turn for t in (1, 2, 3, 4, 5))
    yield "extras", conf + extras + slot(60, extra) + s.extra(6, 0, be16(0), 0) + turn
    yield "extras without end", conf + slot(60, extra) + s.extra(4, 1, be16(0), 0) * 20 + turn
    yield "slow reader", conf + s.send(64, 1, be16(1486)) * 6 + s.sleep(38) + s.sleep(250) + \
        s.send(1, 1, be16(60)) + s.post(3, 4) + turn
    yield "large ones wait", conf + s.send(64, 1, be16(60000)) + s.post(20, 4) + turn + turn
    yield "no notify", bytes([0x1f, 0]) + s.send(5, 1, be16(60)) + s.sleep(8) + s.post(5, 4) + turn
    yield "rate", bytes([0x3f, 4]) + be16(100) + be16(1000) + s.frame(be16(4000), 3) * 6 + turn * 3
    for op in range(4, 8):
        body = s.frame(be16(9000), op) + s.kick(0) + s.post(9, 4) + s.send(2, 1, be16(5000))
        yield f"flip {op}", conf + body + s.flip(0x41 + op, op) + s.recv() + turn
        yield f"plan {op}", conf + body + s.plan(2, op, op, be16(257)) + s.recv() + turn
    yield "pages taken back", conf + s.frame(be16(9000), 0) + s.kick(0) + \
        s.plan(2, 1, 0, be16(0)) + s.recv() + s.grants(0) + turn
    yield "its own ring", conf + s.post(1, 0xf0) + s.send(1, 1, be16(4000)) + turn
    yield "copies fail", conf + s.frame(be16(4000), 0) + s.fault(0xbf, 0) + turn + \
        s.frame(be16(4000), 0) + s.fault(1, 0) + turn
    yield "index", conf + s.kick(0xe1) + be16(300) + s.recv()
    yield "storm", conf + (s.kick(0) + s.sleep(1) + s.recv()) * 8
    half = s.frame(be16(9000), 32) + s.post(9, 4) + s.kick(0)
    yield "resume", conf + half + s.connect(0x3f, 2) + turn + half + s.connect(0x3f, 3) + turn
    odd = slot(60, extra | more) + s.extra(0, 1, be16(0), 0) + slot(60, more)
    yield "resume of nonsense", conf + odd + s.kick(0) + s.connect(0x3f, 2) + turn
    yield "refused", conf + b"".join(s.connect(0x3f, how, 0xf0) for how in (0xff, 0x70, 0x60)) + \
        b"".join(s.fault(op, 0) + s.connect(0x3f, 1) for op in (0, 3)) + s.connect(0x3f, 0x58, 0, 9)
    yield "death", conf + half + s.send(3, 1, be16(60)) + s.death() + s.connect(0x3f, 0) + half + turn


def netfront():
    s = Steps("recv", "send", "sleep", "answer", "lie", "frame", "piece", "extra", "kick", "poke",
              "fill", "disturb", "connect")
    conf = bytes([0x1f, 0])
    turn = s.kick(0) + s.sleep(1) + s.recv()
    yield "frames", conf + b"".join(s.fill(f) + s.frame(be16(n), how) + turn for f, n, how in (
        (2, 46, 0), (10, 1486, 7), (0x5a, 9000, 7), (1, 60, 0x47), (0x2e, 9000, 0x2f)))
    yield "a full ring", conf + s.frame(be16(46), 1) * 100 + turn * 3
    yield "both ways", conf + b"".join(s.send(n, 1, be16(size)) + s.answer(255) + turn
                                       for n, size in ((3, 60), (65, 5000), (130, 9000), (70, 60000)))
    yield "never answers", conf + s.send(64, 1, be16(5000)) * 5 + (s.sleep(126) + s.recv()) * 12
    yield "lies", conf + s.send(2, 1, be16(60)) + s.lie(0, 0x80) + turn
    for status, id_ in ((0x80, 0xff), (0x81, 3), (0x7f, 254), (0x80, 254)):
        yield f"lie {status} {id_}", conf + s.send(2, 1, be16(60)) + s.lie(id_, status) + turn
    good = be16(0) + be16(60)
    for i, (flags, rest, n) in enumerate(((4, good, 1), (4, good, 17), (4, good, 20), (12, good, 1),
                                          (0, be16(4090) + be16(7), 1), (0, be16(0) + be16(65535), 1),
                                          (0, be16(0) + be16(13), 1))):
        yield f"pieces {i}", conf + s.piece(0, flags, rest) * n + s.piece(0, 0, good) + turn + \
            s.frame(be16(60), 1) + turn
    yield "id", conf + s.piece(0xff, be16(7), 0, good) + turn
    yield "extras", conf + b"".join(s.piece(0, 8, good) + s.extra(t, 0, be16(100), 1) + turn
                                    for t in (1, 2, 4, 0, 6))
    yield "extras without end", conf + s.piece(0, 8, good) + s.extra(4, 1, be16(0), 0) * 20 + turn
    for kind in (1, 2, 3):
        yield f"disturb {kind}", conf + s.send(3, 1, be16(9000)) + s.answer(9) + s.fill(0x2e) + \
            s.frame(be16(9000), 0x2f) + s.kick(0) + s.disturb(kind, 0x45) + s.recv() + turn
    yield "index", conf + s.kick(0xe0) + be16(300) + s.recv()
    yield "index back", conf + s.send(1, 1, be16(60)) + s.kick(0xe1) + be16(65535) + s.sleep(1)
    yield "storm", conf + (s.kick(0) + s.sleep(1) + s.recv()) * 8
    yield "connects", conf + b"".join(s.connect(0x1f, 0x80 | f) for f in range(8)) + \
        b"".join(s.connect(can, 0) + s.send(2, 1, be16(4000)) + s.send(130, 1, be16(4000))
                 for can in (0, 1, 3, 5, 0x1f))


def bus():
    s = Steps("attach", "detach", "force", "dom0", "client", "client2", "client3", "connects",
              "flap", "netvm", "netvm2", "uplink", "answer", "words", "trouble", "run", "restart",
              "rules", "stop")
    yes, no = s.answer(0x43), s.answer(0)
    up = s.attach(0) + s.connects(0) + yes + s.run(21)

    def state(n, who=0):
        return s.client(who, 0, n)

    yield "life", up + s.detach(0) + yes + s.run(101)
    yield "four", b"".join(s.attach(i) + s.connects(i) for i in range(4)) + yes + s.run(21) + yes
    for n in (1, 2, 3, 5, 6, 7, 8, 9):
        yield f"frontend {n}", up + state(n) + yes + state(1) + s.run(2) + s.connects(0) + yes + s.run(21)
    yield "refused", s.attach(0) + s.connects(0) + no + s.run(21) + state(6) + state(1) + s.connects(0) + yes
    for key, value in ((2, 11), (2, 14), (4, 15), (7, 0), (14, 2), (3, 0xff), (9, 0xfe)):
        yield f"key {key} {value}", s.attach(0) + s.client(0, key, value, 0xff) + s.connects(0) + yes
    yield "missing", s.attach(0) + s.connects(0) + s.client(0, 2, 0xff) + no + s.run(21)
    for key, value in ((2, 21), (3, 33), (4, 28), (5, 26), (5, 25), (6, 31), (7, 5), (1, 0)):
        yield f"dom0 {key} {value}", s.attach(0) + s.dom0(0, key, value) + up
    yield "broken", up + (s.words(0) + state(6) + state(1) + s.connects(0) + yes + s.run(21)) * 4
    yield "quarantine", up + s.words(8) + yes + s.words(40) + yes + s.run(21) + s.force(0) + up
    yield "data dies", up + s.words(40) + yes + s.run(21) + s.connects(1)
    yield "dies while asked", s.attach(0) + s.connects(0) + s.words(40) + s.words(40) + yes + s.run(21)
    yield "successor", up + s.restart(9) + yes + s.run(21) + s.restart(0) + state(5) + yes
    yield "flaps", up + s.flap(0, 0x15, 39) + yes + s.flap(0, 0x14, 39) + yes + s.run(251) + yes
    yield "taken away", up + s.force(4) + s.force(0) + s.attach(0) + yes + s.connects(0) + yes
    yield "anew at once", up + bytes([0xbe + 2, 0]) + s.attach(0) + yes + s.run(31)
    yield "trouble", s.trouble(0, 3, 9) + up + s.trouble(1, 0, 30) + state(5) + yes + s.run(251)
    for k in range(2, 20, 3):
        yield f"vanishes {k}", s.attach(0) + s.connects(0) + s.trouble(2 | 4, k, 0) + yes + s.run(21)
    yield "held", up + s.trouble(7) + b"\0\0" + s.flap(0, 0x15, 9) + s.trouble(3) + b"\0\0" + yes
    wire = s.uplink(5) + yes + s.netvm(0, 0, 4)
    yield "uplink", wire + s.run(21)
    for n in (5, 6, 2, 1, 9):
        yield f"backend {n}", wire + s.netvm(0, 0, n) + yes + s.run(101) + s.netvm(0, 0, 2) + yes
    yield "new netvm", wire + s.uplink(7) + yes + s.run(101) + yes + s.uplink(8) + yes
    yield "no copy", s.uplink(1) + s.netvm(0, 2, 0) + s.netvm(0, 0, 2) + s.run(101)
    yield "uplink breaks", wire + s.words(32) + s.run(101) + yes + s.words(40) + s.run(101) + yes
    yield "stop", up + wire + s.stop(0x57) + yes + s.run(101) + s.netvm(0, 0, 6) + s.run(101)
    yield "rules", b"".join(s.rules(p | 0x30) for p in range(8)) + s.run(201) + s.rules(3 | 8) + s.run(201)


def qdb_message(kind, path="", data=b"", length=None):
    n = len(data) if length is None else length
    return bytes([kind]) + path.encode().ljust(67, b"\0") + n.to_bytes(4, "little") + data


def in_pieces(data):
    return b"".join(bytes([len(data[i:i + 100])]) + data[i:i + 100] for i in range(0, len(data), 100))


def qubesdb():
    msg, feed = qdb_message, in_pieces

    def word(what, which, *args):
        return bytes([128 | which << 3 | what]) + b"".join(bytes([len(a)]) + a for a in args)

    write, removal, leave, meet, later, room, piece = 0, 2, 3, 4, 5, 6, 7
    rules = "/qubes-firewall/10.137.0.5"
    end = msg(11)
    ran = feed(msg(11, "/name", b"fw") + msg(11, "/a/b", b"x") + end)
    commit = feed(msg(4, rules + "/") + msg(1, rules + "/policy", b"drop") +
                  msg(1, rules + "/0000", b"action=accept") + msg(1, rules))
    yield "sync", ran
    yield "commit", ran + commit + commit
    yield "piecemeal", word(piece, 0) + ran + commit
    yield "ours", ran + word(write, 0, b"x") + word(write, 1) + word(removal, 0) + word(removal, 2) + feed(msg(7, "/a"))
    yield "refused", ran + word(write, 0, b"x\0y") + word(write, 4, b"") + word(removal, 5) + feed(msg(9, "/a"))
    yield "again", ran + word(leave, 0) + word(later, 0) + word(meet, 0) + ran + commit
    yield "full", ran + word(room, 1) + word(write, 0, b"y" * 200) * 200 + commit * 9 + word(room, 0) + commit
    for kind in (0, 2, 3, 5, 6, 8, 10, 11, 12, 13, 14, 255):
        yield f"type {kind}", ran + feed(msg(kind, "/a")) + word(later, 0) + word(meet, 0) + ran
    yield "long", ran + feed(msg(1, "/a", b"z" * 3071)) + feed(msg(1, "/a", b"", 3072))
    yield "nul", ran + feed(msg(1, "/a", b"x\0y") + msg(4, "/a", b"x"))
    yield "paths", ran + feed(msg(1, "a") + end) + word(later, 0) + word(meet, 0) + feed(end + msg(4, "/"))
    yield "early", feed(msg(1, "/a"))


def qubesdb_local():
    msg, feed = qdb_message, in_pieces

    def step(what, which=0, *args):
        return bytes([128 | which << 3 | what]) + b"".join(bytes([len(a)]) + a for a in args)

    message, end, write, removal, again, leave, full, piece = range(8)
    rules = "/qubes-firewall/1"
    news = 13
    ran = feed(msg(7, "/") + msg(11, "/name", b"fw") + msg(11, rules, b"")) + step(end)
    trigger = feed(msg(news, rules))
    answer = feed(msg(11, rules + "/0000", b"action=accept") + msg(11) + msg(10, rules))
    yield "sync", ran
    yield "commit", ran + trigger + answer
    yield "disturbed", ran + trigger + feed(msg(news, rules + "/") + msg(news, rules)) + answer + answer
    yield "gone", ran + trigger + feed(msg(11) + msg(8, rules) + msg(news, rules + "/") + msg(news, "/"))
    yield "ours", ran + step(write, 0, b"x") + step(removal, 0) + feed(msg(7, "/a") + msg(8, "/a"))
    yield "again", ran + step(leave) + step(again) + ran + trigger + answer
    yield "full", ran + step(full, 1) + step(write, 0, b"x") * 300 + trigger * 9 + step(full) + feed(msg(7, "/a"))
    yield "many", ran + b"".join(feed(msg(news, f"/{i}")) for i in range(260)) + step(again)
    yield "pieces", step(piece) + ran + trigger + answer
    for kind in (0, 8, 9, 10, 11, 12, 255):
        yield f"type {kind}", ran + trigger + feed(msg(kind, "/a", b"x"))


def qubesdb_peer():
    msg, feed = qdb_message, in_pieces
    read, write, multiread, listing, removal, watch, unwatch = range(7)

    def dom0(which, value=None):
        return bytes([128 | which << 3 | (3 if value is None else 2)]) + (
            b"" if value is None else bytes([len(value)]) + value)

    filled = dom0(0, b"x") + dom0(1, b"y" * 200)
    for may in (0, 1):
        begin = bytes([may]) + filled
        yield f"changes {may}", begin + feed(msg(write, "/n", b"v") + msg(removal, "/a") + msg(removal, "/c"))
    begin = b"\0" + filled
    yield "reads", begin + feed(msg(read, "/a") + msg(read, "/none") + msg(multiread, "/a") + msg(listing))
    yield "watches", begin + feed(msg(watch, "/") + msg(watch, "/a")) + dom0(0, b"") + dom0(2) + feed(
        msg(unwatch, "/a") + msg(unwatch, "/a"))
    yield "too many", begin + b"".join(feed(msg(watch, f"/{i}")) for i in range(18))
    for kind in (0, 1, 2, 5, 7, 255):
        yield f"wrong {kind}", begin + feed(msg(kind, "a b", b"x"))
    yield "long", begin + feed(msg(read, "/a", b"", 3072))


def qrexec():
    s = Steps("dom0", "exec", "bytes", "message", "meet", "leave", "time", "read", "shown",
              "trigger", "connect")
    control, call, unmet = 0, 1, 4
    stdin, exit_code, refused = be16(0x190), be16(0x193), be16(0x203)
    status, flows, rules, clear, clock, uplink, nothing, junk = 0, 1, 2, 4, 6, 7, 9, 11

    def say(who, kind, body=b""):
        return s.message(who, kind, len(body), body)

    def told(line, *text):
        return s.exec(0, line, 0) + b"".join(say(call, stdin, t) for t in text) + say(call, stdin) + s.read(call)

    yield "rules", told(rules, b"# x\n\naction=accept", b"\naction=drop\n") + s.exec(1, clear, 0)
    yield "mistake", told(rules, b"action=accept x=y\n") + told(rules, b"x" * 250, b"x" * 250, b"x" * 250)
    yield "clock", told(clock, b"2026-07-31T16:10:43+0000\n") + told(clock, b"2026\n") + told(clock)
    yield "shown", s.exec(0, status, 0) + s.exec(1, flows, 0) + s.shown(0) + s.read(1) + s.shown(1) + s.read(2)
    yield "gone", s.exec(0, status, 0) + s.exec(1, flows, 0) + s.leave(2) + s.leave(1)
    yield "uplink", s.exec(0, uplink, 0) + s.time(be16(4000)) * 3
    yield "refused", s.exec(0, nothing, 0) + s.exec(1, junk, 0) + s.exec(2, rules, 2) + s.exec(3, rules, 1)
    yield "absent", s.exec(0, status, unmet) + s.time(be16(8000)) + s.exec(0, status, unmet) + s.meet(1)
    yield "versions", s.dom0(2) + s.exec(0, status, 9) + s.dom0(1) + s.dom0(4) + s.trigger()
    yield "again", s.exec(0, uplink, 0) + s.leave(control) + s.dom0(3) + s.exec(0, uplink, 0)
    yield "many", b"".join(s.exec(n, uplink, 0) for n in range(18)) + s.time(be16(4000))
    yield "ours", s.trigger() + s.connect(1) + say(call, be16(0x191), b"x") + say(call, exit_code, bytes(4))
    yield "not ours", s.trigger() + say(control, refused, b"vifwall-1".ljust(32, b"\0")) + s.connect(2)
    yield "nonsense", say(control, be16(0x777), b"abc") + s.bytes(control, 8, b"\xff" * 8) + s.dom0(3)
    yield "chunks", s.exec(0, rules, 0) + s.bytes(call, 8, bytes([0x90, 1, 0, 0, 1, 0, 1, 0]))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for stories in (netback, netfront, bus, qubesdb, qubesdb_local, qubesdb_peer, qrexec):
        where = os.path.join(sys.argv[1], stories.__name__)
        os.makedirs(where, exist_ok=True)
        for name, data in stories():
            with open(os.path.join(where, "story-" + name.replace(" ", "-")), "wb") as f:
                f.write(data)


main()
