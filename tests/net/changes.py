#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""changes.py SAID HEARD CALM PORT ADDRESS...: did a datagram come in that no set
of rules let in?

SAID is the log of dom0.py, HEARD that of "peer.py hear" for what "peer.py spray"
sent, CALM has a line "FROM TO" for each time in which nothing else broke.  Each
set of an ADDRESS (one of each family) accepts PORT + n with an n of its own.  It
may be in force from its commit on, and until a later one is: which dom0 is told,
or a datagram shows that no other set can have let in.

A datagram was judged after it was sent and before the kernel of who heard it got
it: it is right when a set with its port may have been in force in between.  So
however long it waits on a machine that is busy, nothing is guessed; but one that
waits for long proves little, and is not sharp.  Prints

    CHANGES changes in SECONDS s; RIGHT datagrams right, SHARP of them sharp, WRONG
    wrong; LOST sets not confirmed; SLOWEST ms

in one line, and the first wrong ones.  Not confirmed are those that for all that
is known were never in force, nor any after them.  The slowest is the longest time
between a commit and that, of those that are CALM.
"""
import bisect
import re
import sys

# A set lasts for a tenth of a second: one that is on its way for half as long
# can hardly be that of another set.
SHARP = 0.05
# Confirmations come in the order of commits; one may be for several.  It is taken
# for the oldest only, unless others are so old that they must be meant, too.
MEANT = 1.0


def family(address):
    return 4 if re.search(r"\d\.\d", address) else 6


class Sets:
    """Those of one family."""

    def __init__(self, first):
        self.first = first
        self.commits = []  # (time, ports), in their order
        self.in_force = []  # it or a later one, since when at the latest; inf: never

    def commit(self, when, rules):
        ports = [int(p) for p in re.findall(r"dstports=(\d+)-", rules)]
        self.commits.append((when, [p for p in ports if p >= self.first]))
        self.in_force.append(float("inf"))

    def confirm(self, when):
        due = [i for i, then in enumerate(self.in_force) if then == float("inf")]
        for n, i in enumerate(due):
            if n == 0 or self.commits[i][0] < when - MEANT:
                self.in_force[i] = when

    def shown(self, i, when):
        while i >= 0 and self.in_force[i] > when:
            self.in_force[i] = when
            i -= 1

    def over(self, i):
        """When set number @i let the last datagram in."""
        return self.in_force[i + 1] if i + 1 < len(self.in_force) else float("inf")

    def judge(self, sent, got, port):
        """Whether a set let it in; to be asked in the order of @got."""
        found = []
        i = bisect.bisect_right(self.commits, (got, [1 << 16])) - 1
        while i >= 0 and self.over(i) >= sent:
            if port in self.commits[i][1]:
                found.append(i)
            i -= 1
        if len(found) == 1:
            self.shown(found[0], got)
        return bool(found)

    def lags(self, calm):
        """How long each set took that was committed in a calm time."""
        return [then - when for (when, _), then in zip(self.commits, self.in_force)
                if any(a <= when <= b for a, b in calm)]


def read_said(path, first, addresses):
    sets = {family(a): Sets(first) for a in addresses}
    for line in open(path):
        when, word, *rest = line.rstrip("\n").split(" ", 3)
        name = rest[0].rsplit("/", 1)[-1] if rest else ""
        if name not in addresses:
            continue
        if word == "commit":
            sets[family(name)].commit(float(when), rest[1])
        elif rest[0].startswith("/qubes-firewall-handled/"):
            sets[family(name)].confirm(float(when))
    return sets


def read_heard(path, first):
    """(got, sent, port, from) of each that rules vary about, in their order."""
    fields = (line.split() for line in open(path))
    return sorted((float(got), float(sent), int(port), peer)
                  for got, port, peer, _, sent in fields if int(port) >= first)


def main():
    said, heard, calm, first = *sys.argv[1:4], int(sys.argv[4])
    sets = read_said(said, first, sys.argv[5:])
    calm = [tuple(map(float, line.split())) for line in open(calm)]
    right, sharp, wrong = 0, 0, []
    for got, sent, port, peer in read_heard(heard, first):
        if sets[family(peer)].judge(sent, got, port):
            right += 1
            sharp += got - sent < SHARP
        else:
            wrong.append(f"{got:.6f} {port} {peer}, sent {sent:.6f}\n")
    times = [when for s in sets.values() for when, _ in s.commits]
    lost = sum(then == float("inf") for s in sets.values() for then in s.in_force)
    slowest = max(lag for s in sets.values() for lag in s.lags(calm))
    print(f"{len(times)} changes in {max(times) - min(times):.0f} s; {right} datagrams right, "
          f"{sharp} of them sharp, {len(wrong)} wrong; {lost} sets not confirmed; "
          f"{slowest * 1000:.0f} ms")
    sys.stdout.writelines(wrong[:5])


main()
