"""
durability.py -- what was acknowledged is there after kill -9, a torn file and a full disk.

    python3 durability.py [--rounds N] [--seed N] [--server PATH] [--oracle] [--every-byte]

  1. Rounds: writers on several connections, the server killed at a random moment (sometimes again
     while it loads, in half of the rounds while it rewrites its file again and again), started again
     and asked. With appendfsync always nothing acknowledged may be
     missing; with everysec at most the last two seconds. With both, what is found of each writer is
     a prefix of what it wrote, and a transaction is there wholly or not at all.
  2. Truncation: a small file cut at every point loads, up to the last whole command, or is refused;
     so is a file with a byte changed in the middle, with the offset in the log.
  3. A full disk: writes are refused with Redis's error, reads go on, and writes are taken again by
     themselves when there is room. A rewrite that finds none leaves the old files, and the next one
     that does succeeds.

--oracle runs all this on redis-server, which tests the test.
Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if set: 100 rounds, every
byte).
"""

import argparse
import os
import random
import resource
import shutil
import sys
import threading
import time

import children
from promise import Failure, check
from wire import NoReply, Server, encode, kvstore_server, parse, redis_server

WRITERS = 4
FRESH_DIRECTORY_EVERY = 10  # rounds; keeps loading short
EVERYSEC_LOSS = 2.5         # seconds of acknowledged writes: clients pause when the disk takes two
IS_FULL = bool(os.environ.get('KVSTORE_TEST_FULL'))


class Starter:
    """Starts the server under test, always with the same program."""

    def __init__(self, options):
        self.is_oracle = options.oracle
        self.program = options.server

    def server(self, directory, *options):
        server = redis_server(options) if self.is_oracle else kvstore_server(self.program, options)
        shutil.rmtree(server.directory)
        return Server(server.program, server.options, directory=directory, name=server.name)


# -------------------------------------------------------------------------------- 1. kill -9


class Rewriter(threading.Thread):
    """Asks for one rewrite after another, so that a kill finds any step of it."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.pause = 0.002

    def run(self):
        try:
            while True:
                self.connection.call('BGREWRITEAOF')
                time.sleep(self.pause)
        except (NoReply, OSError):
            pass  # killed
        finally:
            self.connection.close()


class Writer(threading.Thread):
    """
    One connection that writes the numbers from `first` on, each in four places, and notes for each
    number when it was acknowledged: a key of its own, the end of a list, a counter, and a pair of
    keys that change together.
    """

    def __init__(self, server, name, first, depth):
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.name_bytes = name
        self.next = first
        self.depth = depth
        self.acknowledged = []  # (number, time)
        self.problem = None

    def requests(self, number):
        name, n = self.name_bytes, b'%d' % number
        return b''.join(encode(request) for request in (
            [b'SET', name + b':' + n, b'value ' + n, b'PXAT', b'4102444800000'],
            [b'RPUSH', name + b':list', n],
            [b'INCR', name + b':count'],
            [b'MULTI'], [b'SET', name + b':left', n], [b'SET', name + b':right', n], [b'EXEC']))

    def run(self):
        try:
            while True:
                numbers = range(self.next, self.next + self.depth)
                self.connection.start(b''.join(self.requests(number) for number in numbers))
                for number in numbers:
                    replies = self.connection.read(7)
                    if any(reply[:1] == b'-' for reply in replies):
                        self.problem = replies
                        return
                    self.acknowledged.append((number, time.monotonic()))
                self.next += self.depth
        except (NoReply, OSError):
            pass  # killed
        finally:
            self.connection.close()


def found_numbers(connection, name):
    """The numbers of a writer that are there, as the list has them; all four places agree."""
    values = [member.value for member in connection.call('LRANGE', name + b':list', 0, -1).value]
    count = len(values)
    check(values == [b'%d' % n for n in range(count)], '%s: the list has a hole' % name)
    counter = int(connection.call('GET', name + b':count').value or 0)
    check(counter in (count, count - 1), '%s: %d elements but a counter of %d' % (name, count,
        counter))
    left, right = (connection.call('GET', name + b':' + side).value for side in (b'left', b'right'))
    check(left == right, '%s: half a transaction: %r and %r' % (name, left, right))
    pair = -1 if left is None else int(left)
    check(pair in (count - 1, count - 2), '%s: %d elements but the pair has %d' % (name, count,
        pair))
    for at in range(0, count + 1, 1000):
        names = [name + b':%d' % n for n in range(at, min(at + 1000, count + 1))]
        replies = connection.call('MGET', *names).value
        for n, reply in zip(range(at, at + 1000), replies):
            if n < count:
                check(reply.value == b'value %d' % n, '%s: %d is missing' % (name, n))
    return counter, pair, count


def kill_round(starter, directory, fsync, numbers, seconds):
    """One round; returns how many numbers are in the store at its end."""
    options = ['--appendonly', 'yes', '--appendfsync', fsync]
    server = starter.server(directory, *options).start()
    writers = []
    try:
        connection = server.connect()
        for i in range(WRITERS):
            name = b'w%d' % i
            # A number that was cut in half by the last kill is completed, so that all places agree.
            counter, pair, count = found_numbers(connection, name)
            if counter < count:
                connection.call('INCR', name + b':count')
            if pair < count - 1:
                connection.call('MSET', name + b':left', count - 1, name + b':right', count - 1)
            connection.call('DEL', name + b':%d' % count)  # SET came first, RPUSH did not
            writers.append(Writer(server, name, count, numbers.choice((1, 1, 5, 50))))
        connection.close()
        for writer in writers:
            writer.start()
        if numbers.random() < 0.5:
            Rewriter(server).start()
        time.sleep(seconds)
    finally:
        server.kill()
    for writer in writers:
        writer.join(30)
        check(writer.problem is None, 'a write was answered with %r' % (writer.problem,))

    if numbers.random() < 0.2:  # and once more, while it loads
        again = starter.server(directory, *options)
        again.launch()
        time.sleep(numbers.random() * 0.05)
        again.kill()

    server = starter.server(directory, *options).start()
    try:
        connection = server.connect()
        total = 0
        # As of the last word, not of the kill: the disk may have held everybody up for long before it.
        last_word = max((writer.acknowledged[-1][1] for writer in writers if writer.acknowledged), default=0)
        for writer in writers:
            _, pair, count = found_numbers(connection, writer.name_bytes)
            needed = [n for n, at in writer.acknowledged
                      if fsync == 'always' or at < last_word - EVERYSEC_LOSS]
            last = needed[-1] if needed else -1
            check(last < count and last <= pair,
                  '%s: %d was acknowledged, but the store ends at %d (pair %d)' % (
                      writer.name_bytes, last, count - 1, pair))
            total += len(writer.acknowledged)
        connection.close()
        return total
    finally:
        server.kill()


def rounds(starter, count, numbers):
    began, written = time.monotonic(), 0
    for fsync in ('always', 'everysec'):
        directory = None
        for turn in range(count):
            if turn % FRESH_DIRECTORY_EVERY == 0:
                if directory:
                    shutil.rmtree(directory)
                directory = children.new_directory('kvstore-durability-')
            # Under everysec a run must outlast the two seconds now and then to prove anything.
            is_long = fsync == 'everysec' and turn % FRESH_DIRECTORY_EVERY == 0
            seconds = 2.6 if is_long else numbers.uniform(0.02, 0.4)
            try:
                written += kill_round(starter, directory, fsync, numbers, seconds)
            except (Failure, RuntimeError) as failure:
                raise Failure('appendfsync %s, round %d (files in %s): %s' % (fsync, turn,
                    directory, failure))
        shutil.rmtree(directory)
    print('kill -9: %d rounds each of always and everysec, %d writes acknowledged, %.0f s' % (
        count, 4 * written, time.monotonic() - began), flush=True)


# ---------------------------------------------------------------------- 2. cut and damaged files


SAMPLE = [
    [b'SET', b'a', b'1'], [b'RPUSH', b'log', b'x'], [b'SET', b'binary',
        b'\x00\r\n$3\r\n*1\r\n\xff'], [b'RPUSH', b'log', b'x'],
    [b'MULTI'], [b'INCR', b'a'], [b'RPUSH', b'log', b'x'], [b'RPUSH', b'log', b'x'], [b'EXEC'],
    [b'SET', b'ttl', b'v', b'PX', b'100000000'], [b'SELECT', b'1'], [b'RPUSH', b'log', b'x'],
    [b'SELECT', b'0'], [b'DEL', b'binary'], [b'RPUSH', b'log', b'x', b'y'], [b'LPOP', b'log'],
]


def incremental_file(directory):
    """The file that holds the sample: the last one that the manifest names of type i."""
    folder = os.path.join(directory, 'appendonlydir')
    manifest = [name for name in os.listdir(folder) if name.endswith('.manifest')]
    check(len(manifest) == 1, 'the manifests of %s are %r' % (folder, manifest))
    with open(os.path.join(folder, manifest[0])) as lines:
        names = [line.split()[1] for line in lines if line.split()[5:6] == ['i']]
    check(names, 'the manifest names no incremental file')
    return os.path.join('appendonlydir', names[-1])


def units(data):
    """Where each unit of the file ends: a command, or all from MULTI to EXEC."""
    ends, at, in_transaction = [0], 0, False
    while at < len(data):
        if data[at:at + 1] == b'#':  # an annotation
            at = data.index(b'\n', at) + 1
        else:
            request, at = parse(data, at)
            name = request.value[0].value.upper()
            in_transaction = name == b'MULTI' or in_transaction and name != b'EXEC'
        if not in_transaction:
            ends.append(at)
    return ends


def state(server):
    """All keys of the two databases with their values and deadlines."""
    connection = server.connect()
    result = {}
    for database in (0, 1):
        connection.call('SELECT', database)
        for key in connection.call('KEYS', '*').value:
            kind = connection.call('TYPE', key.value).value
            value = connection.call(*(['LRANGE', key.value, 0, -1] if kind == b'list'
                                      else ['GET', key.value]))
            result[database, key.value] = (value, connection.call('PEXPIRETIME', key.value))
    connection.close()
    return result


class Laboratory:
    """Starts servers on altered copies of one append-only file."""

    def __init__(self, starter):
        self.starter = starter
        self.directory = children.new_directory('kvstore-sample-')
        server = starter.server(self.directory, '--appendonly', 'yes', '--appendfsync',
                                'always').start()
        connection = server.connect()
        for request in SAMPLE:
            reply = connection.call(*request)
            check(reply.kind != '-', '%r answers %r' % (request, reply))
        connection.close()
        self.state = state(server)
        server.stop()
        self.name = incremental_file(self.directory)
        with open(os.path.join(self.directory, self.name), 'rb') as sample:
            self.data = sample.read()

    def close(self):
        shutil.rmtree(self.directory)

    def try_start(self, data, *options):
        """
        The state after loading the data, and the file as it is then; None and the log if the
        server refused.
        """
        directory = children.new_directory('kvstore-altered-')
        try:
            shutil.copytree(os.path.join(self.directory, 'appendonlydir'),
                            os.path.join(directory, 'appendonlydir'))
            with open(os.path.join(directory, self.name), 'wb') as altered:
                altered.write(data)
            server = self.starter.server(directory, '--appendonly', 'yes', *options)
            try:
                server.start()
            except RuntimeError:
                check(server.process.poll() is not None, 'neither serves nor ends')
                check(server.process.returncode > 0, 'ended with %d' % server.process.returncode)
                return None, server.log_text()
            found = state(server)
            connection = server.connect()
            reply = connection.call('SET', 'written-after-loading', 1)
            check(reply.kind == '+', 'after loading, SET answers %r' % (reply,))
            connection.close()
            server.stop()
            if self.starter.is_oracle:  # leaves a MULTI without EXEC when it cuts a tail inside one
                return found, None
            # The file must be whole again: it loads a second time, with what was written since.
            server = self.starter.server(directory, '--appendonly', 'yes', '--aof-load-truncated',
                                         'no').start()
            again = state(server)
            again.pop((0, b'written-after-loading'), None)
            check(again == found, 'the second start finds another state than the first')
            server.stop()
            return found, None
        finally:
            if server.is_running():
                server.kill()
            shutil.rmtree(directory)


def log_length(found):
    return sum(len(value[0].value) for (_, key), value in found.items() if key == b'log')


def truncation(starter, every_byte, numbers):
    began = time.monotonic()
    laboratory = Laboratory(starter)
    data, tried = laboratory.data, 0
    try:
        whole, _ = laboratory.try_start(data)
        check(whole == laboratory.state,
              'the whole file loads, but not to the state that was written')
        ends = units(data)
        check(ends[-1] == len(data) and len(ends) >= 10, 'the sample has %d units' % len(ends))
        at_end = {}
        step = 1 if every_byte else 17
        cuts = sorted(set(range(numbers.randrange(step), len(data), step)) | set(ends))
        for cut in cuts:
            tried += 1
            try:
                found, log = laboratory.try_start(data[:cut])
            except Failure as failure:
                raise Failure('cut at %d of %d: %s' % (cut, len(data), failure))
            check(found is not None,
                  'cut at %d of %d: refused though only the tail is torn:\n%s' % (cut, len(data),
                      log))
            end = max(e for e in ends if e <= cut)
            if cut == end:
                at_end[end] = found
            elif end in at_end:
                check(found == at_end[end],
                      'cut at %d: not the state of the last whole command at %d' % (cut, end))
        lengths = [log_length(at_end[end]) for end in ends]
        check(lengths[0] == 0 and lengths[-1] == log_length(whole),
              'the states at the ends: %r' % lengths)
        check(3 not in lengths, 'a transaction was cut in two: %r' % lengths)
        for cut in numbers.sample([c for c in range(1, len(data)) if c not in ends], 5):
            found, log = laboratory.try_start(data[:cut], '--aof-load-truncated', 'no')
            check(found is None, 'cut at %d: loaded in spite of aof-load-truncated no' % cut)
            names_offset(starter, log, 'cut at %d' % cut)
        refused = 0
        for at in range(numbers.randrange(step), ends[-3], step):
            tried += 1
            damaged = bytearray(data)
            damaged[at] ^= numbers.choice((0x01, 0x08, 0x80, 0xff))
            try:
                found, log = laboratory.try_start(bytes(damaged))
            except Failure as failure:
                raise Failure('byte %d changed: %s' % (at, failure))
            if found is None:
                refused += 1
                names_offset(starter, log, 'byte %d changed' % at)
        check(refused > 0, 'no damaged file was refused')
        print('%d cut and damaged files, %d refused, %.0f s' % (tried, refused,
            time.monotonic() - began), flush=True)
    finally:
        laboratory.close()


def names_offset(starter, log, what):
    if not starter.is_oracle:  # redis-server does not always say where
        check('offset' in log.lower(), '%s: the log does not say where:\n%s' % (what, log[-2000:]))


# ------------------------------------------------------------------------------- 3. a full disk


def rewrite(connection):
    """The outcome of a rewrite: ok or err."""
    reply = connection.call('BGREWRITEAOF')
    if reply.kind == '-' and reply.value.startswith(b"ERR Can't execute"):
        return 'err'  # the log has an error already
    check(reply.kind == '+', 'BGREWRITEAOF is answered with %r' % (reply,))
    until = time.monotonic() + 20
    while time.monotonic() < until:
        info = connection.call('INFO', 'persistence').value
        if b'aof_rewrite_in_progress:0' in info and b'aof_rewrite_scheduled:0' in info:
            return info.split(b'aof_last_bgrewrite_status:')[1].split()[0].decode()
        time.sleep(0.01)
    raise Failure('a rewrite does not end')


def full_disk_for_rewrite(connection, pid):
    for i in range(20):
        connection.call('SET', 'rewritten:%d' % i, os.urandom(1000))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (10000, resource.RLIM_INFINITY))
    outcome = rewrite(connection)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    check(outcome == 'err', 'a rewrite on a full disk is %s' % outcome)
    until = time.monotonic() + 20
    while connection.call('SET', 'after a rewrite', 1).kind == '-':
        check(time.monotonic() < until, 'writes are still refused though there is room')
        time.sleep(0.05)
    outcome = rewrite(connection)
    check(outcome == 'ok', 'a rewrite on a disk with room is %s' % outcome)


def full_disk(starter):
    """A limit on the size of files plays the full disk: it needs no privilege and can be lifted."""
    directory = children.new_directory('kvstore-full-')
    options = ['--appendonly', 'yes', '--appendfsync', 'everysec']
    server = starter.server(directory, *options)
    server.restore_signals = False  # SIGXFSZ stays ignored, as Python has it: the limit is an error
    server.start()
    try:
        pid = server.process.pid
        connection = server.connect()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (200000, resource.RLIM_INFINITY))
        acknowledged, refused = 0, None
        until = time.monotonic() + 20
        while refused is None and time.monotonic() < until:
            reply = connection.call('SET', 'key:%d' % acknowledged, 'x' * 1000)
            if reply.kind == '-':
                refused = reply.value
            else:
                acknowledged += 1
                time.sleep(0.001)
        check(refused is not None, 'every write is accepted though the disk is full')
        check(refused.startswith(b'MISCONF'),
              'a write to a full disk is answered with %r' % refused)
        check(connection.call('GET', 'key:0').value == b'x' * 1000,
              'reads fail when the disk is full')
        check(b'aof_last_write_status:err' in connection.call('INFO', 'persistence').value,
              'INFO does not tell')
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,
            resource.RLIM_INFINITY))
        until = time.monotonic() + 20
        while connection.call('SET', 'after', 1).kind == '-':
            check(time.monotonic() < until, 'writes are still refused though there is room')
            time.sleep(0.05)
        check(b'aof_last_write_status:ok' in connection.call('INFO', 'persistence').value,
              'INFO does not tell')
        full_disk_for_rewrite(connection, pid)
        connection.close()
        server.stop()
        server = starter.server(directory, *options).start()
        connection = server.connect()
        found = connection.call('EXISTS', 'after', *('key:%d' % n
            for n in range(acknowledged))).value
        check(found == acknowledged + 1, '%d writes of %d are there' % (found, acknowledged + 1))
        connection.close()
        print('a full disk: refused after %d writes, recovered' % acknowledged, flush=True)
    finally:
        server.kill()
        shutil.rmtree(directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=100 if IS_FULL else 5)
    parser.add_argument('--seed', type=int, default=time.time_ns() % 10 ** 9)
    parser.add_argument('--server', help='the server under test')
    parser.add_argument('--oracle', action='store_true', help='test redis-server: tests the test')
    parser.add_argument('--every-byte', action='store_true',
                        default=IS_FULL)
    options = parser.parse_args()
    print('seed %d' % options.seed, flush=True)
    numbers = random.Random(options.seed)
    starter = Starter(options)
    try:
        rounds(starter, options.rounds, numbers)
        truncation(starter, options.every_byte, numbers)
        full_disk(starter)
    except Failure as failure:
        print('FAILED: %s' % failure)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
