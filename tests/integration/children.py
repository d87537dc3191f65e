"""
children.py -- the processes and directories of a test: whichever way it ends, they do not outlive it.

A test ends what it started when it is done with it, and this the rest: after a promise that was not
kept, an exception anywhere, Ctrl-C or SIGTERM, as of a runner whose patience is over.
"""

import atexit
import shutil
import signal
import subprocess
import sys
import tempfile

_processes = []
_directories = []


def start(arguments, **options):
    """A process, as subprocess.Popen makes it."""
    process = subprocess.Popen(arguments, **options)
    _processes.append(process)
    return process


def new_directory(prefix, parent=None):
    """The path of a new directory for temporary files."""
    path = tempfile.mkdtemp(prefix=prefix, dir=parent)
    _directories.append(path)
    return path


def end_all():
    """Kills what still runs; then nobody writes to the directories, which are removed."""
    for process in _processes:
        if process.poll() is None:
            process.kill()
            process.wait()
    for path in _directories:
        shutil.rmtree(path, ignore_errors=True)
    _processes.clear()
    _directories.clear()


def _exit(number, _):
    sys.exit(128 + number)


atexit.register(end_all)
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, _exit)
