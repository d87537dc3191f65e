"""
sentinel.py -- three of Redis's sentinels watch over a pair of kvstore-servers and fail over.

    python3 sentinel.py [--rounds N] [--seed N] [--server PATH]

A client writes all the time to whoever the sentinels say is the master, and notes what at least one
replica has acknowledged (WAIT 1). In each round the master is killed, hangs, or gives up its place
on request; the sentinels have their configured time for a new one. No acknowledged write may be
missing then. The old master comes back, is made a replica, and ends with the same data.

Environment: KVSTORE_SERVER, REDIS_SENTINEL (programs), KVSTORE_TEST_FULL (if set: more rounds).
Without redis-sentinel the exit status is 77.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import children
from promise import Failure, free_port
from replica import expect, info_of, until
from wire import Closed, Connection, NoReply, kvstore_server

DOWN_AFTER_MS = 1000
FAILOVER_TIMEOUT_MS = 3000
# A master counts as down after the first; then sentinels vote, one of them chooses, and tells. If the
# vote is split they try again, after twice the second.
LIMIT_S = (DOWN_AFTER_MS + 2 * FAILOVER_TIMEOUT_MS) / 1000 + 4
NAME = 'pair'


class Node:
    """A kvstore-server with a file that CONFIG REWRITE changes, so that it comes back as it was."""

    def __init__(self, program, master=None):
        self.port = free_port()
        self.server = kvstore_server(program)
        self.config = os.path.join(self.server.directory, 'kvstore.conf')
        with open(self.config, 'w') as config:
            config.write('port %d\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n'
                         % self.port)
            if master is not None:
                config.write('replicaof 127.0.0.1 %d\n' % master.port)
        self.start()

    def start(self):
        with open(self.server.log, 'ab') as log:
            self.server.process = children.start(
                [self.server.program, self.config, '--unixsocket', self.server.path,
                 '--dir', self.server.directory], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.answers, 'a server to answer:\n' + self.server.log_text()[-1000:])

    def answers(self):
        try:
            connection = self.connect()
        except OSError:
            return False
        try:
            return connection.call('PING').kind == '+'
        except NoReply:
            return False
        finally:
            connection.close()

    def connect(self, timeout=2.0):
        return Connection(address=('127.0.0.1', self.port), timeout=timeout)

    def role(self):
        """A sentinel that changes roles has all clients of the node killed: then it is asked again."""
        for _ in range(10):
            connection = self.connect()
            try:
                return connection.call('ROLE').value
            except Closed:
                time.sleep(0.02)
            finally:
                connection.close()
        raise Failure('a node closes each connection')


class Sentinel:
    """A redis-sentinel of its own."""

    def __init__(self, program, master):
        self.port = free_port()
        self.directory = children.new_directory('kvstore-sentinel-')
        self.log = os.path.join(self.directory, 'log')
        path = os.path.join(self.directory, 'sentinel.conf')
        with open(path, 'w') as config:
            config.write(
                'port {port}\nbind 127.0.0.1\ndir {dir}\nlogfile {log}\n'
                'sentinel monitor {name} 127.0.0.1 {master} 2\n'
                'sentinel down-after-milliseconds {name} {down}\n'
                'sentinel failover-timeout {name} {timeout}\n'
                'sentinel parallel-syncs {name} 1\n'.format(
                    port=self.port, dir=self.directory, log=self.log, name=NAME,
                    master=master.port, down=DOWN_AFTER_MS, timeout=FAILOVER_TIMEOUT_MS))
        self.process = children.start([program, path], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def call(self, *arguments):
        connection = Connection(address=('127.0.0.1', self.port), timeout=2.0)
        try:
            return connection.call(*arguments)
        finally:
            connection.close()

    def master_port(self):
        reply = self.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
        return int(reply.value[1].value) if reply.value else -1

    def knows(self, replicas, sentinels):
        try:
            reply = self.call('SENTINEL', 'MASTER', NAME).value
        except (NoReply, OSError):
            return False
        fields = {reply[i].value: reply[i + 1].value for i in range(0, len(reply), 2)}
        return (int(fields.get(b'num-slaves', 0)) >= replicas and
                int(fields.get(b'num-other-sentinels', 0)) >= sentinels)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def text(self):
        with open(self.log) as log:
            return log.read()


class Writer(threading.Thread):
    """Writes numbered keys and remembers those that a replica has acknowledged."""

    def __init__(self, sentinels):
        super().__init__(daemon=True)
        self.sentinels = sentinels
        self.acknowledged = []
        self.number = 0
        self.is_over = False
        self.last_success = time.monotonic()
        self.longest = 0.0
        self.start()

    def run(self):
        while not self.is_over:
            try:
                self.write_to(self.sentinels[0].master_port())
            except (NoReply, OSError, IndexError):
                time.sleep(0.02)

    def write_to(self, port):
        connection = Connection(address=('127.0.0.1', port), timeout=2.0)
        try:
            while not self.is_over:
                self.number += 1
                key = 'w%d' % self.number
                if connection.call('SET', key, self.number).kind != '+':
                    return
                if connection.call('WAIT', 1, 500).value < 1:
                    return
                self.acknowledged.append(self.number)
                now = time.monotonic()
                self.longest = max(self.longest, now - self.last_success)
                self.last_success = now
        finally:
            connection.close()

    def stop(self):
        self.is_over = True
        self.join(10)
        return self.acknowledged


def missing(node, numbers):
    """Which of the acknowledged numbers a node does not hold."""
    connection = node.connect(20)
    gone = []
    for at in range(0, len(numbers), 500):
        some = numbers[at:at + 500]
        values = connection.call('MGET', *['w%d' % n for n in some]).value
        gone += [n for n, v in zip(some, values) if v.value != str(n).encode()]
    connection.close()
    return gone


def is_synced(replica, master):
    """Whether a node follows another and has all of it."""
    r, m = replica.connect(), master.connect()
    try:
        ours, theirs = info_of(r), info_of(m)
        return (ours.get('role') == 'slave' and ours.get('master_link_status') == 'up' and
                ours.get('master_port') == str(master.port) and
                theirs.get('connected_slaves') == '1' and
                ours.get('slave_repl_offset') == theirs.get('master_repl_offset'))
    except NoReply:
        return False
    finally:
        r.close()
        m.close()


def await_master(sentinels, port, seconds, why):
    until(lambda: all(s.master_port() == port for s in sentinels), 'another master after %s:\n%s' % (
        why, sentinels[0].text()[-2500:]), seconds)


def one_round(way, nodes, sentinels):
    """The master loses its place; returns how long it took until the other had it."""
    master, other = nodes if nodes[0].role()[0].value == b'master' else nodes[::-1]
    until(lambda: is_synced(other, master) or way == 'load', 'the pair to be in step', 20)
    time.sleep(0.5)
    began = time.monotonic()
    if way == 'kill':
        master.server.kill()
    elif way == 'hang':
        master.server.process.send_signal(signal.SIGSTOP)
    else:
        # A sentinel looks at a replica every ten seconds, and wants to have seen it as one.
        until(lambda: sentinels[0].call('SENTINEL', 'FAILOVER', NAME).kind == '+',
              'a sentinel to begin', 15)
        began = time.monotonic()
    await_master(sentinels, other.port, LIMIT_S + 3, way)
    until(lambda: other.role()[0].value == b'master', 'the other to be the master', LIMIT_S)
    took = time.monotonic() - began
    expect(took < LIMIT_S, way, 'took', took, 'seconds')
    time.sleep(0.3)
    if way == 'kill':
        master.start()
    elif way == 'hang':
        master.server.process.send_signal(signal.SIGCONT)
    until(lambda: master.role()[0].value == b'slave', 'the old master to be a replica', 30)
    return took, other, master


def run(program, sentinel_program, rounds, seed):
    first = Node(program)
    nodes = [first, Node(program, first)]
    sentinels = [Sentinel(sentinel_program, first) for _ in range(3)]
    try:
        until(lambda: all(s.knows(1, 2) for s in sentinels), 'the sentinels to know each other', 30)
        writer = Writer(sentinels)
        numbers = random.Random(seed)
        ways = ['kill', 'hang', 'asked']
        for i in range(rounds):
            way = ways[i] if i < len(ways) else numbers.choice(ways)
            took, master, replica = one_round(way, nodes, sentinels)
            gone = missing(master, list(writer.acknowledged))
            expect(not gone, len(gone), 'acknowledged writes are missing after', way, gone[:10])
            print('    %s: %.1f s, %d acknowledged writes' % (way, took, len(writer.acknowledged)),
                  flush=True)
        acknowledged = writer.stop()
        until(lambda: is_synced(replica, master), 'the pair to be in step at the end', 20)
        for node in nodes:
            gone = missing(node, acknowledged)
            expect(not gone, len(gone), 'are missing at the end', gone[:10])
        digests = [node.connect(20).call('DEBUG', 'DIGEST').value for node in nodes]
        expect(digests[0] == digests[1], 'digests differ', digests)
        with open(replica.config) as config:
            text = config.read()
        expect('replicaof 127.0.0.1 %d' % master.port in text, 'the file says', text)
        with open(master.config) as config:
            expect('replicaof' not in config.read(), 'the master has a master in its file')
        print('    longest time without an acknowledged write: %.1f s' % writer.longest)
    except Failure:
        for node in nodes:
            print(node.server.log_text()[-2500:])
        print(sentinels[0].text()[-2500:])
        raise
    finally:
        for sentinel in sentinels:
            sentinel.stop()
        for node in nodes:
            if node.server.process is not None:
                node.server.process.send_signal(signal.SIGCONT)
            node.server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rounds', type=int, default=None)
    parser.add_argument('--seed', type=int, default=None)
    parser.add_argument('--server', default=None)
    options = parser.parse_args()
    sentinel = os.environ.get('REDIS_SENTINEL') or shutil.which('redis-sentinel')
    if not sentinel:
        print('there is no redis-sentinel')
        return 77
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    rounds = options.rounds or (20 if os.environ.get('KVSTORE_TEST_FULL') else 3)
    print('seed', seed, flush=True)
    try:
        run(options.server, sentinel, rounds, seed)
    except (Failure, NoReply, OSError) as error:
        print('FAILED: %s: %s' % (type(error).__name__, error))
        return 1
    print('%d failovers, nothing lost' % rounds)
    return 0


if __name__ == '__main__':
    sys.exit(main())
