"""
migrating.py -- MIGRATE says to the target and answers what redis-server's does, and loses nothing.

    python3 migrating.py [--seed N] [--server PATH] [--rounds N]

  1. Exchanges: a scripted target notes what it is sent and answers as the case has it; both servers are
     asked the same, and what they sent, what they answered and which keys are left must be equal.
  2. Values of all types go to a redis-server and come back.
  3. Writers: counters are counted up while they are migrated again and again; no count is lost, none twice.
  4. Others: clients of the same loop go on, a client that is killed, SHUTDOWN, kill -9 after the answer.

Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if set: more rounds). Without
redis-server the exit status is 77.
"""

import argparse
import os
import random
import re
import shutil
import socket
import sys
import threading
import time

from moving import contents, fill
from promise import Failure, check
from wire import Closed, kvstore_server, redis_server

IS_FULL = bool(os.environ.get('KVSTORE_TEST_FULL'))


# -------------------------------------------------------------------------------------- exchanges


EACH = object()


class Target:
    """
    Listens; to each connection, in turn, it sends one of `replies`, or closes it (None), or says OK to all
    it is asked (EACH).
    """

    used = set()  # ports: servers keep connections for a while, so none may come again

    def __init__(self, replies):
        self.port = None
        while self.port is None or self.port in Target.used:
            self.listener = socket.create_server(('127.0.0.1', 0))
            self.port = self.listener.getsockname()[1]
        Target.used.add(self.port)
        self.replies, self.got, self.sockets = replies, [], []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            number = len(self.got)
            self.got.append(b'')
            self.sockets.append(one)
            threading.Thread(target=self.serve, args=(one, number), daemon=True).start()

    def serve(self, one, number):
        reply = self.replies[number] if number < len(self.replies) else b''
        if reply is None:
            time.sleep(0.03)
            one.close()
            return
        try:
            while data := one.recv(1 << 16):
                self.got[number] += data
                if reply is EACH:
                    one.sendall(OK * (data.count(b'\r\nSELECT\r\n') + data.count(b'\r\nRESTORE\r\n')))
                elif reply:
                    time.sleep(0.01)
                    one.sendall(reply)
                    reply = b''
        except OSError:
            pass

    def close(self):
        self.listener.close()
        for one in self.sockets:
            one.close()


OK, ONE = b'+OK\r\n', (('SET', 'k', 'v'),)
TWO = (('SET', 'a', '1'), ('SET', 'b', '2'))
THREE = TWO + (('SET', 'c', '3'),)
PORT = object()         # that of the target
SHORT, LONG = 150, 20000  # milliseconds: of what will not come, and on a busy machine

# What comes after the host, what the target answers (each connection), keys before, in a transaction.
EXCHANGES = [
    ((PORT, 'none', 0, LONG), [2 * OK], ONE),
    ((PORT, 'k', 0, LONG), [2 * OK], ONE),
    ((PORT, 'k', 3, LONG), [2 * OK], ONE),
    ((PORT, 'k', 3, LONG, 'COPY', 'replace'), [2 * OK], ONE),
    ((PORT, 'k', 0, LONG, 'AUTH', 'pw'), [3 * OK], ONE),
    ((PORT, 'k', 0, LONG, 'AUTH2', 'user', 'pw'), [3 * OK], ONE),
    ((PORT, 'k', 0, LONG, 'AUTH2', 'user', 'pw', 'AUTH', 'other'), [3 * OK], ONE),
    ((PORT, 'k', 0, LONG, 'AUTH', 'pw'), [b'-WRONGPASS no\r\n' + OK + b'-NOAUTH x\r\n'], ONE),
    ((PORT, 'k', 0, LONG, 'AUTH', 'pw'), [b'-ERR no pass\r\n' + 2 * OK], ONE),
    ((PORT, 'k', 77, LONG), [b'-ERR DB index is out of range\r\n' + OK], ONE),
    ((PORT, 'k', 0, LONG), [OK + b'-BUSYKEY Target key name already exists.\r\n'], ONE),
    ((PORT, '', 0, LONG, 'KEYS', 'a', 'b', 'none', 'c'), [2 * OK + b'-BUSYKEY x\r\n' + OK], THREE),
    ((PORT, '', 0, LONG, 'KEYS', 'a', 'b'), [3 * OK], TWO),
    ((PORT, '', 0, LONG, 'COPY', 'KEYS', 'a', 'b'), [3 * OK], TWO),
    ((PORT, '', 0, LONG, 'KEYS', 'a', 'a'), [2 * OK + b'-BUSYKEY b\r\n'], TWO),
    ((PORT, '', 0, LONG, 'REPLACE', 'KEYS', 'a', 'a', 'a'), [4 * OK], TWO),
    ((PORT, '', 0, LONG, 'KEYS', 'a', 'b'), [OK + b'-ERR one\r\n-ERR two\r\n'], TWO),
    ((PORT, '', 0, LONG, 'KEYS', 'x', 'y'), [b''], ONE),
    ((PORT, '', 0, LONG, 'KEYS'), [b''], ONE),
    ((PORT, 'k', 0, LONG, 'KEYS', 'a'), [b''], ONE),
    ((PORT, '', 0, LONG), [2 * OK], (('SET', '', 'v'),)),
    ((PORT, '', 0, LONG, 'KEYS', 'k', 'COPY'), [2 * OK], ONE),
    ((PORT, 'k', 0, LONG, 'FOO'), [b''], ONE),
    ((PORT, 'k', 0, LONG, 'AUTH'), [b''], ONE),
    ((PORT, 'k', 0, LONG, 'AUTH2', 'u'), [b''], ONE),
    ((PORT, 'k', 'x', SHORT), [b''], ONE),
    ((PORT, 'k', 0, 'x'), [b''], ONE),
    ((PORT, 'k', 'x', 'y', 'FOO'), [b''], ONE),
    ((PORT, 'k', 0, 0), [2 * OK], ONE),
    ((PORT, 'k', 0, -5), [2 * OK], ONE),
    ((1, 'k', 0, LONG), None, ONE),
    (('x', 'k', 0, LONG), None, ONE),
    ((99999, 'k', 0, LONG), None, ONE),
    ((PORT, 'k', 0, SHORT), [b''], ONE),
    ((PORT, 'k', 0, SHORT), [OK], ONE),
    ((PORT, 'k', 0, SHORT), [OK + b'+O'], ONE),
    ((PORT, 'k', 0, SHORT), [None, None], ONE),
    ((PORT, 'k', 0, LONG), [None, 2 * OK], ONE),
    ((PORT, '', 0, SHORT, 'KEYS', 'a', 'b'), [2 * OK], TWO),
    ((PORT, 'k', 0, LONG), [b':1\r\n$-1\r\n'], ONE),
    ((PORT, 'k', 0, LONG), [b'HTTP/1.1 200 OK\r\n\r\n'], ONE),
    ((PORT, 'k', 0, LONG), [b'+OK\n-ERR x\n'], ONE),
    ((PORT, 'k', 0, LONG), [OK + b'-ERR ' + b'x' * 3000 + b'\r\n'], ONE),
    ((PORT, 'k', 0, LONG), [2 * OK], (('SET', 'k', 'v', 'PXAT', 4000000000000),)),
    ((PORT, 'k', 0), [b''], ONE),
]


def ask(connection, arguments, replies, before, in_transaction):
    connection.call('FLUSHALL')
    for command in before:
        connection.call(*command)
    target = Target(replies) if replies is not None else None
    arguments = ['127.0.0.1'] + [target.port if a is PORT else a for a in arguments]
    if in_transaction:
        connection.call('MULTI')
    answer = connection.call('MIGRATE', *arguments)
    if in_transaction:
        answer = connection.call('EXEC')
    left = sorted(key.value for key in connection.call('KEYS', '*').value)
    got = b''
    if target:
        deadline = time.monotonic() + 5  # for what was sent to be read, too
        while target.sockets and time.monotonic() < deadline and not (
                len(target.got) == 2 if replies == [None, None] else any(target.got)):
            time.sleep(0.001)
        got = [re.sub(rb'\$13\r\n22\d{11}\r\n', b'<ttl>', data) for data in target.got]
        target.close()
    return answer, left, got


def test_exchanges(redis, ours):
    for arguments, replies, before in EXCHANGES:
        for in_transaction in (False, True):
            said = [ask(one, arguments, replies, before, in_transaction) for one in (redis, ours)]
            shown = ['PORT' if a is PORT else a for a in arguments]
            check(said[0] == said[1], f'MIGRATE {shown} {replies}:\n  redis {said[0]}\n  ours  {said[1]}')
    answer = ours.call('MIGRATE', 'no such host', 1, 'none', 0, 100)
    check(answer.value == b'NOKEY', 'a key that is not there needs no host')


def test_links(redis, ours):
    """A connection is kept, and its database remembered."""
    target = Target([EACH])
    for connection in (redis, ours):
        connection.call('FLUSHALL')
    for database, expected in ((3, b'SELECT'), (3, b''), (4, b'SELECT'), (4, b'')):
        ours.call('SET', 'k', 'v')
        before = target.got[0] if target.got else b''
        check(ours.call('MIGRATE', '127.0.0.1', target.port, 'k', database, LONG).value == b'OK', 'OK')
        sent = target.got[0][len(before):]
        check((b'SELECT' in sent) == bool(expected) and b'RESTORE' in sent, f'{sent}')
    check(len(target.got) == 1, f'{len(target.got)} connections')
    check(b'migrate_cached_sockets:0\r\n' not in ours.call('INFO', 'stats').value, 'INFO')
    if IS_FULL:
        time.sleep(12)
        check(b'migrate_cached_sockets:0\r\n' in ours.call('INFO', 'stats').value, 'it is kept for ever')
    target.close()


# ------------------------------------------------------------------------------------------ values


def port_of(connection):
    return connection.call('CONFIG', 'GET', 'port').value[1].value


def test_values(redis, ours, numbers, count):
    for connection in (redis, ours):
        connection.call('FLUSHALL')
    for i in range(count):
        fill(ours, 'k%d' % i, numbers)
    ours.call('PEXPIRE', 'k0', 1000000)
    keys = ['k%d' % i for i in range(count)]
    expected = {key: contents(ours, key) for key in keys}
    for source, target in ((ours, redis), (redis, ours)):
        answer = source.call('MIGRATE', '127.0.0.1', port_of(target), '', 0, LONG, 'KEYS', *keys)
        check(answer.value == b'OK', f'{answer}')
        check(source.call('DBSIZE').value == 0 and target.call('DBSIZE').value == count, 'keys are left')
        for key in keys:
            check(contents(target, key) == expected[key], f'{key} is not the same')
        check(990000 < target.call('PTTL', 'k0').value <= 1000000, 'the deadline')


# ----------------------------------------------------------------------------------------- writers


class Counter(threading.Thread):
    def __init__(self, server, key):
        super().__init__(daemon=True)
        self.connection, self.key, self.count = server.connect(), key, 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            self.connection.call('INCR', self.key)
            self.count += 1
            time.sleep(0.0002)


def test_writers(server, redis, ours, rounds):
    ours.call('FLUSHALL')
    redis.call('FLUSHALL')
    keys = [b'counter:%d' % i for i in range(4)]
    writers = [Counter(server, key) for key in keys for _ in range(2)]
    for writer in writers:
        writer.start()
    counted, moved = dict.fromkeys(keys, 0), 0
    for _ in range(rounds):
        answer = ours.call('MIGRATE', '127.0.0.1', port_of(redis), '', 0, LONG, 'REPLACE', 'KEYS', *keys)
        check(answer.value in (b'OK', b'NOKEY'), f'{answer}')
        for key in keys:
            counted[key] += int(redis.call('GETDEL', key).value or 0)
        moved += 1
    for writer in writers:
        writer.is_over.set()
    for writer in writers:
        writer.join()
    for key in keys:
        total = counted[key] + int(ours.call('GET', key).value or 0)
        done = sum(writer.count for writer in writers if writer.key == key)
        check(total == done, f'{key}: counted to {done}, found {total}')
    check(all(counted.values()), 'nothing was moved')

    # A key that is deleted while it is sent is nowhere afterwards.
    target = Target([b''])
    ours.call('SET', 'gone', 'v')
    asker = server.connect()
    asker.start(b'MIGRATE 127.0.0.1 %d gone 0 5000\r\n' % target.port)
    while not any(target.got):
        time.sleep(0.001)
    check(ours.call('DEL', 'gone').value == 1, 'DEL')
    target.sockets[0].sendall(2 * OK)
    while b'DEL' not in target.got[0]:
        time.sleep(0.001)
    target.sockets[0].sendall(b':1\r\n')
    check(asker.read(1) == [OK], 'MIGRATE of what was deleted')
    target.close()


# ------------------------------------------------------------------------------------------ others


def test_others(program):
    server = kvstore_server(program, ['--io-threads', '1', '--appendonly', 'yes', '--appendfsync', 'always'])
    try:
        client = server.start().connect()
        target = Target([b''])
        client.call('SET', 'k', 'v')
        asker = server.connect()
        identity = asker.call('CLIENT', 'ID').value
        asker.start(b'MIGRATE 127.0.0.1 %d k 0 600\r\n' % target.port)
        began, slowest, rounds = time.monotonic(), 0, 0
        while time.monotonic() - began < 0.5:
            before = time.monotonic()
            client.call('GET', 'k')
            slowest = max(slowest, time.monotonic() - before)
            rounds += 1
        check(slowest < 0.45 and rounds > 3, f'others wait: {rounds} rounds, {slowest:.3f} s')
        check(client.call('CLIENT', 'UNBLOCK', identity).value == 0, 'UNBLOCK')
        check(b'IOERR' in asker.read(1)[0], 'no IOERR')
        check(client.call('GET', 'k').value == b'v', 'the key has gone')

        asker.start(b'MIGRATE 127.0.0.1 %d k 0 100000\r\nPING\r\n' % target.port)
        while b'cmd=migrate' not in client.call('CLIENT', 'LIST').value:
            time.sleep(0.001)
        check(b'blocked_clients:1\r\n' in client.call('INFO', 'clients').value, 'it is not blocked')
        client.call('CLIENT', 'KILL', 'ID', identity)
        try:
            asker.read(1)
            raise Failure('it is still there')
        except Closed:
            pass
        client.call('MULTI')  # in a transaction it is for the one thread to wait
        client.call('MIGRATE', '127.0.0.1', target.port, 'k', 0, 50)
        check(b'IOERR' in client.call('EXEC').value[0].value, 'in a transaction')
        target.close()

        target = Target([EACH])
        check(client.call('MIGRATE', '127.0.0.1', target.port, 'k', 0, LONG).value == b'OK', 'OK')
        server.kill()
        client = server.start().connect()
        check(client.call('EXISTS', 'k').value == 0, 'it is there again after kill -9')
        target.close()

        target = Target([b''])
        client.call('SET', 'k', 'v')
        asker = server.connect()
        asker.start(b'MIGRATE 127.0.0.1 %d k 0 1000000\r\n' % target.port)
        while not any(target.got):
            time.sleep(0.001)
        began = time.monotonic()
        server.process.terminate()
        check(server.process.wait(30) == 0 and time.monotonic() - began < 15, 'it does not end')
        target.close()
    finally:
        server.stop()


def test_keys_of(redis, ours):
    for words in ('h p k 0 1 copy', 'h p "" 0 1 KEYS a b', 'h p "" 0 1 AUTH KEYS KEYS a b',
                  'h p "" 0 1 AUTH2 keys x KEYS a b', 'h p "" 0 1 KEYS', 'h p "" 0 1 COPY keys c'):
        arguments = [word.strip('"') for word in words.split()]
        answers = [one.call('COMMAND', 'GETKEYSANDFLAGS', 'MIGRATE', *arguments) for one in (redis, ours)]
        check(answers[0] == answers[1], f'GETKEYS of {words}: {answers}')
    check(redis.call('COMMAND', 'INFO', 'migrate') == ours.call('COMMAND', 'INFO', 'migrate'), 'COMMAND INFO')


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    arguments.add_argument('--server')
    arguments.add_argument('--rounds', type=int, default=2000 if IS_FULL else 200)
    given = arguments.parse_args()
    redis = redis_server(['--bind', '127.0.0.1'])
    if not shutil.which(redis.program):
        print('migrating: skipped, as there is no redis-server')
        return 77
    with socket.create_server(('127.0.0.1', 0)) as one, socket.create_server(('127.0.0.1', 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
    redis.options += ['--port', str(ports[0])]
    ours = kvstore_server(given.server, ['--port', str(ports[1])])
    print(f'migrating: seed {given.seed}')
    try:
        a, b = redis.start().connect(), ours.start().connect()
        test_exchanges(a, b)
        test_links(a, b)
        test_keys_of(a, b)
        test_values(a, b, random.Random(given.seed), 40)
        test_writers(ours, a, b, given.rounds)
        test_others(given.server)
    except Failure as failure:
        print(f'migrating: {failure}')
        return 1
    finally:
        redis.stop()
        ours.stop()
    print('migrating: well')
    return 0


if __name__ == '__main__':
    sys.exit(main())
