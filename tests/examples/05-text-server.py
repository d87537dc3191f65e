"""Drives 05-text-server over a socket. Arguments: the program."""

import re
import socket
import subprocess
import sys
import time

from programs import PATIENCE_S, ask, children


def main():
    process = children.start([sys.argv[1], "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(re.fullmatch(rb"listening on port (\d+)\n", process.stdout.readline())[1])
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client, \
             socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as other:
            ask(client, b"GET a\n", b"NONE\n")
            ask(client, b"SET a one two  three\n", b"OK\n")
            ask(other, b"GET a\r\n", b"one two  three\n")
            ask(other, b"DEL a\nDEL a\nGET a\n", b"OK\nNONE\nNONE\n")

            for byte in b"SET slow value\n":
                client.sendall(bytes([byte]))
            ask(client, b"GET slow\n", b"OK\nvalue\n")

            ask(client, b"SETEX short 1 gone soon\n", b"OK\n")
            ask(client, b"GET short\n", b"gone soon\n")
            time.sleep(1.1)
            ask(client, b"GET short\n", b"NONE\n")
            ask(client, b"SETEX k 0 v\n", b"ERROR a number of seconds is expected\n")
            ask(client, b"FLY k\n", b"ERROR unknown command\n")

            # Not a byte more than it takes in: what it leaves unread when it closes resets the connection.
            ask(other, (b"SET long " + b"x" * 4096)[:4095], b"ERROR the line is too long\n")
            ask(client, b"QUIT\n", b"")
            assert client.recv(1) == b""
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


main()
