"""programs.py -- kvstore-server and other programs as children of a test."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import children  # noqa: E402

PATIENCE_S = 20


class Directory:
    """A directory of the test's own; short, as the path of a unix socket must fit in 107 bytes."""

    def __init__(self):
        self.path = children.new_directory("kv-", "/tmp")

    def __truediv__(self, name):
        return os.path.join(self.path, name)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Server:
    """A kvstore-server on a free port, with its log on a pipe until it says that it is ready, or `until`."""

    def __init__(self, program, *options, directory=None, stdin=None, until=b"Ready to accept connections",
                 before=None):
        self.process = children.start(
            [program, *(["--port", "0"] if "--port" not in options else []),
             *options, *(["--save", ""] if "--save" not in options else [])],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0,
            stderr=subprocess.STDOUT, cwd=directory, preexec_fn=before)
        if stdin is not None:
            self.process.stdin.write(stdin)
            self.process.stdin.close()
            self.process.stdin = None  # communicate() would flush it
        self.log = b""
        self.await_line(until)
        found = re.search(rb"127\.0\.0\.1:(\d+)", self.log)
        self.port = int(found[1]) if found else None

    def await_line(self, words):
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.log:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.process.kill()
                raise AssertionError("the server is not ready: %r" % self.log)
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError("the server has ended: %r" % self.log)
            self.log += line

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def stop(self, number=signal.SIGTERM):
        """Ends it and returns its exit status; the rest of the log is added."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.log += self.process.communicate(timeout=PATIENCE_S)[0] or b""
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode


def ask(connection, request, expected):
    """Sends bytes and reads exactly the reply expected."""
    connection.sendall(request)
    reply = b""
    while len(reply) < len(expected):
        more = connection.recv(len(expected) - len(reply))
        if not more:
            break
        reply += more
    assert reply == expected, (request, reply, expected)


def run(*arguments, stdin=b"", environment=None, directory=None):
    """Runs a program to its end: (exit status, standard output, standard error)."""
    done = subprocess.run(arguments, input=stdin, capture_output=True, timeout=PATIENCE_S, cwd=directory,
                          env={**os.environ, **(environment or {})}, check=False)
    return done.returncode, done.stdout, done.stderr
