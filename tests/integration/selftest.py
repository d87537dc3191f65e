"""
selftest.py -- proof that the differential tester can fail: a proxy that spoils a reply.
"""

import os
import socket
import tempfile
import threading

from commands import Command
from differences import Differences
from pair import Disagreement, Pair
from wire import Connection


class CorruptingProxy:
    """Passes a server's replies on, but changes one byte of the first that holds the marker."""

    MARKER = b'a-value-to-spoil'

    def __init__(self, server):
        self.server = server
        self.directory = tempfile.TemporaryDirectory(prefix='kvstore-proxy-')
        self.path = os.path.join(self.directory.name, 's')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def connect(self, timeout=20.0):
        return Connection(path=self.path, timeout=timeout)

    def _serve(self):
        client, _ = self.listener.accept()
        behind = socket.socket(socket.AF_UNIX)
        behind.connect(self.server.path)
        while True:
            request = client.recv(1 << 16)
            if not request:
                break
            behind.sendall(request)
            client.sendall(behind.recv(1 << 16).replace(self.MARKER, self.MARKER.swapcase(), 1))
        client.close()
        behind.close()
        self.listener.close()


def corrupting_proxy_is_caught(server):
    """Whether one spoiled reply is noticed, at its command, and honest ones are not."""
    proxy = CorruptingProxy(server)
    both = Pair(server, proxy, Differences()).open()
    try:
        both.do('SET', 'spoiled', CorruptingProxy.MARKER)
        both.do('STRLEN', 'spoiled')
        try:
            both.run([Command([b'GET', b'spoiled'])])
        except Disagreement as difference:
            return difference.arguments == [b'GET', b'spoiled']
        return False
    finally:
        both.close()
        proxy.thread.join(5)
        proxy.directory.cleanup()
