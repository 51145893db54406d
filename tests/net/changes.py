#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""changes.py SAID HEARD PORT ADDRESS...: did a datagram come in that no set of
rules let in?

SAID is the log of dom0.py, HEARD that of "peer.py hear".  Each set of an ADDRESS
(one of each family) accepts PORT + n with an n of its own, so a datagram to such
a port is right from the commit of a set with that port until a later one is in
force, which dom0 is told, and no longer.  Prints

    CHANGES changes, RIGHT datagrams right, WRONG wrong, SLOWEST ms

and the first wrong ones.  The slowest is the longest time between a commit and a
datagram that the set before it let in.
"""
import bisect
import re
import sys

# How long a datagram may be on its way, and in the queue of who hears it.  A
# port's turn comes again after longer than this.
ON_ITS_WAY = 0.6


def family(address):
    return 4 if re.search(r"\d\.\d", address) else 6


class Sets:
    """Those of one family."""

    def __init__(self, first):
        self.first = first
        self.commits = []  # (time, port), in their order
        self.handled = []

    def commit(self, when, rules):
        ports = re.findall(r"dstports=(\d+)-", rules)
        self.commits.append((when, [int(p) for p in ports if int(p) >= self.first]))

    def over(self, i):
        """When the set number @i let the last datagram in."""
        if i + 1 == len(self.commits):
            return float("inf")
        at = bisect.bisect_left(self.handled, self.commits[i + 1][0])
        return self.handled[at] + ON_ITS_WAY if at < len(self.handled) else float("inf")

    def why(self, when, port):
        """None: nothing lets it in; otherwise for how long another set was there."""
        last = bisect.bisect_right(self.commits, (when, [1 << 16])) - 1
        for i in range(last, -1, -1):
            if self.over(i) < when:
                return None
            if port in self.commits[i][1]:
                return when - self.commits[i + 1][0] if i < last else 0.0
        return None


def main():
    said, heard, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sets = {family(a): Sets(first) for a in sys.argv[4:]}
    for line in open(said):
        when, word, *rest = line.rstrip("\n").split(" ", 3)
        name = rest[0].rsplit("/", 1)[-1] if rest else ""
        if name not in sys.argv[4:]:
            continue
        if word == "commit":
            sets[family(name)].commit(float(when), rest[1])
        elif rest[0].startswith("/qubes-firewall-handled/"):
            sets[family(name)].handled.append(float(when))
    right, wrong, slowest = 0, [], 0.0
    for line in open(heard):
        when, port, peer, _ = line.split(" ")
        if int(port) < first:
            continue
        lag = sets[family(peer)].why(float(when), int(port))
        if lag is None:
            wrong.append(line)
        else:
            right += 1
            slowest = max(slowest, lag)
    changes = sum(len(s.commits) for s in sets.values())
    print(f"{changes} changes, {right} datagrams right, {len(wrong)} wrong, {slowest * 1000:.0f} ms")
    sys.stdout.writelines(wrong[:5])


main()
