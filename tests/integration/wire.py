"""
wire.py -- the servers under test and raw connections to them.

A reply is kept as the bytes that came: two servers agree when the bytes are equal. parse() turns
them into a tree only where a rule has to look inside.
"""

import os
import select
import shutil
import socket
import subprocess
import time

import children


class NoReply(Exception):
    """A reply that was waited for did not come; `replies` holds those that did before it."""

    replies = ()


class Closed(NoReply):
    """The server closed the connection."""


class Late(NoReply):
    """The server said nothing for too long."""


class Garbled(NoReply):
    """What the server said is no reply."""


# ------------------------------------------------------------------------------------ requests


def encode(arguments):
    """A request as an array of bulk strings."""
    parts = [b'*%d\r\n' % len(arguments)]
    for argument in arguments:
        parts.append(b'$%d\r\n%s\r\n' % (len(argument), argument))
    return b''.join(parts)


PLAIN = frozenset(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:*?')
ESCAPES = {0x0a: b'\\n', 0x0d: b'\\r', 0x09: b'\\t', 0x07: b'\\a', 0x08: b'\\b', 0x22: b'\\"',
           0x5c: b'\\\\'}


def encode_inline(arguments):
    """A request as a line, quoted where need be."""
    words = []
    for argument in arguments:
        if argument and PLAIN.issuperset(argument):
            words.append(argument)
        else:
            quoted = b''.join(
                ESCAPES.get(byte) or (bytes((byte,)) if 32 <= byte < 127 else b'\\x%02x' % byte)
                for byte in argument)
            words.append(b'"' + quoted + b'"')
    return b' '.join(words) + b'\r\n'


# ------------------------------------------------------------------------------------- replies


def reply_end(buffer, at):
    """Where the reply that begins at `at` ends, or -1 if it is not complete."""
    left = 1
    find = buffer.find
    while left:
        line_end = find(b'\r\n', at)
        if line_end < 0:
            return -1
        kind = buffer[at]
        left -= 1
        if kind in b'$=!':
            size = int(buffer[at + 1:line_end])
            at = line_end + 2
            if size >= 0:
                at += size + 2
                if at > len(buffer):
                    return -1
            continue
        if kind in b'*~>':
            left += max(0, int(buffer[at + 1:line_end]))
        elif kind == 0x25:  # %
            left += 2 * int(buffer[at + 1:line_end])
        elif kind == 0x7c:  # |, an attribute before the reply proper
            left += 2 * int(buffer[at + 1:line_end]) + 1
        elif kind not in b'+-:_,#(':
            raise Garbled('no reply begins with %r' % bytes(buffer[at:at + 40]))
        at = line_end + 2
    return at


class Reply(tuple):
    """(kind, value): kind is the first byte as text; aggregates hold lists, nulls hold None."""

    kind = property(lambda self: self[0])
    value = property(lambda self: self[1])


def parse(raw, at=0):
    """The reply at `at` as a Reply, and where it ends."""
    line_end = raw.index(b'\r\n', at)
    kind = chr(raw[at])
    line = raw[at + 1:line_end]
    at = line_end + 2
    if kind in '$=!':
        size = int(line)
        if size < 0:
            return Reply((kind, None)), at
        return Reply((kind, bytes(raw[at:at + size]))), at + size + 2
    if kind in '*~>%|':
        count = int(line)
        if count < 0:
            return Reply((kind, None)), at
        elements = []
        for _ in range(2 * count if kind in '%|' else count):
            element, at = parse(raw, at)
            elements.append(element)
        return Reply((kind, elements)), at
    if kind == ':':
        return Reply((kind, int(line))), at
    return Reply((kind, None if kind == '_' else bytes(line))), at


# --------------------------------------------------------------------------------- connections


class Connection:
    """One raw connection; replies are read as bytes."""

    def __init__(self, path=None, address=None, timeout=20.0):
        if path is not None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection(address)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.socket.setblocking(False)
        self.buffer = bytearray()
        self.sending = b''

    def close(self):
        self.socket.close()

    def start(self, data):
        """Queues bytes; they leave while replies are read, so that neither side can choke."""
        self.sending += data
        self._send()

    def _send(self):
        try:
            self.sending = self.sending[self.socket.send(self.sending):]
        except BlockingIOError:
            pass
        except OSError:
            self.sending = b''  # closed by the server: reading tells

    def _wait(self, deadline):
        """Moves bytes both ways until something was read."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late()
            writers = [self.socket] if self.sending else []
            readable, writable, _ = select.select([self.socket], writers, [], left)
            if writable:
                self._send()
            if readable:
                try:
                    data = self.socket.recv(1 << 18)
                except ConnectionError:
                    data = b''
                if not data:
                    raise Closed()
                self.buffer += data
                return

    def read(self, count, timeout=None):
        """The next `count` replies, each as bytes."""
        replies = []
        deadline = time.monotonic() + (timeout or self.timeout)
        at = 0
        try:
            while len(replies) < count:
                end = reply_end(self.buffer, at)
                if end < 0:
                    self._wait(deadline)
                    continue
                replies.append(bytes(self.buffer[at:end]))
                at = end
        except NoReply as end:
            end.replies = replies
            raise
        finally:
            del self.buffer[:at]
        return replies

    def drain(self, quiet, enough=None):
        """
        All that comes until the server closes or is silent for `quiet` seconds, and whether it
        closed. With `enough` bytes there is no need to wait longer than a moment.
        """
        closed = False
        try:
            while True:
                done = enough is not None and len(self.buffer) >= enough
                self._wait(time.monotonic() + (0.01 if done else quiet))
        except Late:
            pass
        except Closed:
            closed = True
        data = bytes(self.buffer)
        self.buffer.clear()
        return data, closed

    def call(self, *arguments):
        """One request, its reply as a Reply. Texts may be given for bytes."""
        arguments = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
        self.start(encode(arguments))
        return parse(self.read(1)[0])[0]


# ------------------------------------------------------------------------------------- servers


class Server:
    """A server process of its own, on a unix socket in a directory of its own."""

    def __init__(self, program, options, directory=None, name=None):
        self.program = program
        self.name = name or os.path.basename(program)
        self.options = list(options)
        self.owns_directory = directory is None
        self.directory = directory or children.new_directory('kvstore-test-')
        self.path = os.path.join(self.directory, 's')
        self.log = os.path.join(self.directory, 'log')
        self.process = None
        self.restore_signals = True
        self.configuration = None  # a file
        self.environment = None    # that of the test

    def arguments(self):
        return (([self.configuration] if self.configuration else [])
                + ['--port', '0', '--unixsocket', self.path, '--dir', self.directory]
                + self.options)

    def launch(self):
        """Starts the process without waiting until it serves."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        with open(self.log, 'ab') as log:
            self.process = children.start(
                [self.program] + self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory, restore_signals=self.restore_signals, env=self.environment)

    def start(self, seconds=20.0):
        self.launch()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError('%s ended with %d:\n%s' % (
                    self.name, self.process.returncode, self.log_text()[-2000:]))
            try:
                connection = self.connect()
            except OSError:
                time.sleep(0.005)
                continue
            try:
                if connection.call('PING').kind == '+':
                    return self
            except Closed:
                pass
            finally:
                connection.close()
            time.sleep(0.005)  # still loading
        raise RuntimeError('%s does not answer:\n%s' % (self.name, self.log_text()[-2000:]))

    def connect(self, timeout=20.0):
        return Connection(path=self.path, timeout=timeout)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """Ends the process at once, as a power cut would end it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log_text(self):
        with open(self.log, 'rb') as log:
            return log.read().decode('utf-8', 'replace')


def redis_server(options=()):
    """Debian's own server, the oracle."""
    program = os.environ.get('REDIS_SERVER') or shutil.which('redis-server') or 'redis-server'
    return Server(program, ['--save', '', '--enable-debug-command', 'yes'] + list(options),
                  name='redis')


def kvstore_server(program=None, options=()):
    """Ours."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    program = (program or os.environ.get('KVSTORE_SERVER')
               or os.path.join(root, 'build', 'examples', 'kvstore-server'))
    return Server(program, ['--save', '', '--enable-debug-command', 'yes'] + list(options),
                  name='kvstore')
