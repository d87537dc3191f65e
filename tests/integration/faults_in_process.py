"""
faults_in_process.py -- kv_save() of a program that has the store in its own process, disturbed. Run by
itself it is that program.

    python3 faults_in_process.py FILE VALUE
"""

import ctypes
import errno
import os
import shutil
import subprocess
import sys

import children
from faults_control import FILES, Control
from promise import check


class Slice(ctypes.Structure):
    _fields_ = [('data', ctypes.c_char_p), ('size', ctypes.c_size_t)]

    @staticmethod
    def of(text):
        return Slice(text, len(text))


KV_OK, KV_IOERROR = 0, -16


def save_in_process(path, value):
    """A program that has the store in its own process: it saves, waits for a line, saves again."""
    library = ctypes.CDLL(os.environ['KVSTORE_LIBRARY'], use_errno=True)
    library.kv_set.argtypes = [ctypes.c_void_p, Slice, Slice, ctypes.c_void_p]
    library.kv_save.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    db = ctypes.c_void_p()
    if library.kv_open(None, ctypes.byref(db)) != KV_OK:
        return 1
    if library.kv_set(db, Slice.of(b'key'), Slice.of(value.encode()), None) != KV_OK:
        return 1
    while True:
        ctypes.set_errno(0)
        status = library.kv_save(db, path.encode(), None)
        print(status, ctypes.get_errno(), flush=True)
        if not sys.stdin.readline():
            return 0


class InProcess:
    """kv_save() of a process of its own."""

    rules = [(FILES, '*')]

    def __init__(self, starter, numbers):
        del starter, numbers
        self.directory = os.path.realpath(children.new_directory('kvstore-faults-'))
        self.path = os.path.join(self.directory, 'store.rdb')
        self.control = Control(self.directory)
        self.turn = 0
        self.process = None

    def close(self):
        self.end()
        self.control.close()
        shutil.rmtree(self.directory)

    def end(self):
        if self.process is not None:
            self.process.communicate()
        self.process = None

    def log(self):
        return ''

    def read(self):
        with open(self.path, 'rb') as file:
            return file.read()

    def begin(self):
        self.turn += 1
        self.process = children.start(
            [sys.executable, __file__, self.path, 'value-%d' % self.turn],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.control.environment())

    def result(self):
        """(status, errno) of a save; None: the process has ended."""
        line = self.process.stdout.readline()
        return tuple(int(word) for word in line.split()) if line else None

    def is_saved(self):
        return b'value-%d' % self.turn in self.read()

    def undisturbed(self):
        self.control.watch(self.rules)
        self.begin()
        check(self.result()[0] == KV_OK and self.is_saved(), 'kv_save() fails undisturbed')
        self.end()
        return self.control.steps()

    def round(self, fault):
        before = self.read()
        self.control.arm(self.rules, fault)
        self.begin()
        result = self.result()
        if not fault.is_kill:
            self.check_result(fault, result, before)
            self.control.disarm()
            self.process.stdin.write(b'\n')
            self.process.stdin.flush()
            check(self.result()[0] == KV_OK and self.is_saved(), 'it does not go well again')
        self.control.disarm()
        self.end()
        check(self.read() == before or self.is_saved(), 'neither the old file nor the new one')
        for name in os.listdir(self.directory):
            check(name == 'store.rdb' or fault.is_kill or fault.lasts, 'left over: ' + name)
            if name != 'store.rdb':
                os.unlink(os.path.join(self.directory, name))
        return self.control.fired() > 0

    def check_result(self, fault, result, before):
        if fault.is_harmless:
            check(result[0] == KV_OK and self.is_saved(), 'kv_save() gives %r' % (result,))
            return
        expected = errno.ENOSPC if fault.what == 'full' else getattr(errno, fault.what)
        check(result == (KV_IOERROR, expected), 'kv_save() gives %r' % (result,))
        check(self.control.hit() == 'dirsync' or self.read() == before, 'the old file is changed')


if __name__ == '__main__':
    sys.exit(save_in_process(*sys.argv[1:]))
