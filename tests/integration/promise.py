"""
promise.py -- what a test of whole programs does when a promise is not kept, and ports for those that
need one.
"""

import socket


class Failure(Exception):
    """A promise that was not kept."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def free_port(beside=0):
    """A port that nobody has; with `beside`, one so far above it is free, too."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(('127.0.0.1', 0))
            port = one.getsockname()[1]
            try:
                if beside == 0 or port + beside < 65536 and other.bind(('127.0.0.1', port + beside)) is None:
                    return port
            except OSError:
                continue
