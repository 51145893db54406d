#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dns_then.py SERVER ADDRESS PORT: asks SERVER until ADDRESS is that of www.test,
and connects to it there right away, once.  Says "connected", or why not."""
import os
import socket
import sys
import time

QUESTION = b"\1\0\0\1\0\0\0\0\0\0\3www\4test\0\0\1\0\1"


def main(server, address, port):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(1)
    tcp = socket.socket()
    tcp.settimeout(3)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        udp.sendto(os.urandom(2) + QUESTION, (server, 53))
        if udp.recv(512).endswith(socket.inet_aton(address)):
            tcp.connect((address, port))
            return "connected"
        time.sleep(0.1)
    return "was never told"


try:
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
except OSError as e:
    print(e)
