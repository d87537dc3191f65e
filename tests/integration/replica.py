"""
replica.py -- kvstore-server as a replica: of a master that is a script, honest or not, and of a real
redis-server while it is written to.

    python3 replica.py [--rounds N] [--seed N] [--server PATH] [NAME ...]

A scripted master counts the bytes of its stream itself, so that offsets are compared to the byte.
What a lying or slow one does must end the link with a reason in the log, and leave the data as they
were. With redis-server: random commands of every type, links cut again and again, so that there are
full and partial syncs, and equal digests at the end.

Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if set: more rounds).
"""

import argparse
import os
import random
import socket
import sys
import tempfile
import threading
import time

from commands import Generator
from moving import fill
from promise import Failure, free_port
from replication import UNWANTED as NOT_WRITTEN
from wire import Closed, NoReply, encode, kvstore_server, parse, redis_server, reply_end

ID = b'0123456789abcdef0123456789abcdef01234567'
OTHER_ID = b'fedcba9876543210fedcba9876543210fedcba98'
MARK = b'm' * 40
ACK = [b'REPLCONF', b'GETACK', b'*']
PATIENCE = 10.0
PAUSE = 0.01
UNWANTED = NOT_WRITTEN | {b'MULTI', b'EXEC', b'DISCARD', b'WATCH', b'FLUSHALL', b'FLUSHDB', b'SWAPDB'}


def expect(condition, *what):
    if not condition:
        raise Failure(' '.join(str(w) for w in what))


def until(condition, what, seconds=PATIENCE):
    """Waits for something to become true. It counts steps: a machine may stand still meanwhile."""
    for _ in range(int(seconds / PAUSE)):
        if condition():
            return
        time.sleep(PAUSE)
    expect(condition(), 'waited in vain for', what)


# --------------------------------------------------------------------------------- a scripted master


def rdb_length(size):
    return bytes((size,)) if size < 64 else bytes((0x40 | size >> 8, size & 255))


def rdb_text(text):
    return rdb_length(len(text)) + text


def rdb(keys, extra=b''):
    """An RDB file of strings; without a sum, which is allowed."""
    body = b''.join(b'\x00' + rdb_text(k) + rdb_text(v) for k, v in keys.items())
    return b'REDIS0010' + extra + b'\xfe\x00' + body + b'\xff' + bytes(8)


class Link:
    """A connection of the replica to the scripted master."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        self.buffer = bytearray()
        self.sent = 0  # bytes of the stream

    def request(self):
        """The next request of the replica: a list of texts. Empty lines are signs of life."""
        while True:
            while self.buffer[:1] in (b'\n', b'\r'):
                del self.buffer[:1]
            if self.buffer[:1] == b'*':
                end = reply_end(self.buffer, 0)
                if end > 0:
                    reply, _ = parse(bytes(self.buffer[:end]))
                    del self.buffer[:end]
                    return [element.value for element in reply.value]
            elif b'\n' in self.buffer:
                line, _, rest = bytes(self.buffer).partition(b'\n')
                self.buffer = bytearray(rest)
                return line.split()
            data = self.socket.recv(65536)
            if not data:
                raise Closed()
            self.buffer += data

    def send(self, data):
        self.socket.sendall(data)

    def stream(self, *commands):
        for command in commands:
            data = command if isinstance(command, bytes) else encode(
                [w if isinstance(w, bytes) else str(w).encode() for w in command])
            self.sent += len(data)
            self.send(data)

    def shake_hands(self):
        """Up to PSYNC, which is returned."""
        while True:
            request = self.request()
            name = request[0].lower()
            if name in (b'psync', b'sync'):
                return request
            self.send(b'+PONG\r\n' if name == b'ping' else b'+OK\r\n')

    def full_sync(self, keys, offset=0, ident=ID):
        request = self.shake_hands()
        data = rdb(keys)
        self.send(b'+FULLRESYNC %s %d\r\n\n\n$%d\r\n%s' % (ident, offset, len(data), data))
        return request

    def ack(self, offset):
        """Waits until the replica has acknowledged this offset; none may be greater."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            request = self.request()
            expect(request[:2] == [b'REPLCONF', b'ACK'], 'no acknowledgement:', request)
            expect(int(request[2]) <= offset, 'acknowledges', request[2], 'of', offset)
            if int(request[2]) == offset:
                return
        raise Failure('never acknowledged %d' % offset)

    def closed(self):
        """Waits until the replica hangs up."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass

    def close(self):
        self.socket.close()


class Master:
    """A listener whose connections are handled by the test itself, one after another."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix='kvstore-master-')
        self.path = os.path.join(self.directory.name, 'm')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.listener.settimeout(PATIENCE)

    def accept(self):
        return Link(self.listener.accept()[0])

    def close(self):
        self.listener.close()
        self.directory.cleanup()


class Stage:
    """A scripted master and a replica of it that has a key, `old`."""

    def __init__(self, program, options=()):
        self.master = Master()
        self.server = kvstore_server(program, options).start()
        self.client = self.server.connect()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.client.close()
        self.server.stop()
        self.master.close()

    def follow(self):
        self.expect_reply('+OK', 'REPLICAOF', self.master.path, 0)

    def synced(self, keys=None, offset=0):
        """A link on which a first full sync is done."""
        self.follow()
        link = self.master.accept()
        link.full_sync(keys or {b'old': b'1'}, offset)
        link.ack(offset)
        return link

    def expect_reply(self, expected, *arguments):
        reply = self.client.call(*arguments)
        shown = reply.kind + (reply.value or b'').decode() if reply.kind in '+-$' else reply.value
        expect(shown == expected, arguments, 'gives', shown, 'and not', expected)

    def info(self):
        lines = self.client.call('INFO', 'replication').value.decode().split('\r\n')
        return dict(line.split(':', 1) for line in lines if ':' in line)

    def logged(self, text, seconds=PATIENCE):
        until(lambda: text in self.server.log_text(), 'the log to say "%s":\n%s' % (
            text, self.server.log_text()[-1500:]), seconds)


# --------------------------------------------------------------------------------- honest masters


def follows_to_the_byte(program):
    with Stage(program) as stage:
        link = stage.synced(offset=1000)
        link.sent = 1000
        stage.expect_reply('$1', 'GET', 'old')
        stage.expect_reply("-READONLY You can't write against a read only replica.", 'SET', 'a', 1)
        link.stream(['SELECT', 0], ['SET', 'a', 1], ['PING'], ['SET', 'b', 'x' * 100000], ACK)
        link.ack(link.sent)
        stage.expect_reply('$1', 'GET', 'a')
        # A transaction counts when it is whole.
        before = link.sent
        link.stream(['MULTI'], ['INCR', 'a'])
        link.stream(['INCR', 'a'])
        time.sleep(0.1)
        stage.expect_reply('$1', 'GET', 'a')
        link.send(encode(ACK)[:5])
        link.sent += 5
        rest = encode(ACK)[5:]
        link.ack(before)
        link.sent += len(rest)
        link.send(rest)
        link.stream(['EXEC'], ACK)
        link.ack(link.sent)
        stage.expect_reply('$3', 'GET', 'a')
        # Another database, and a command in two pieces with the link lost between them.
        link.stream(['SELECT', 3], ['SET', 'c', 1], ACK)
        link.ack(link.sent)
        link.send(encode([b'INCR', b'c'])[:9])
        time.sleep(0.05)
        at = link.sent
        link.close()
        again = stage.master.accept()
        request = again.shake_hands()
        expect(request == [b'PSYNC', ID, b'%d' % (at + 1)], 'asks for', request)
        again.sent = at
        again.send(b'+CONTINUE ' + OTHER_ID + b'\r\n')
        again.stream(['INCR', 'c'], ACK)
        again.ack(again.sent)
        stage.client.call('SELECT', 3)
        stage.expect_reply('$2', 'GET', 'c')
        # The other id from now on.
        again.close()
        third = stage.master.accept()
        request = third.shake_hands()
        expect(request == [b'PSYNC', OTHER_ID, b'%d' % (again.sent + 1)], 'asks for', request)
        third.close()


def takes_both_forms_of_a_full_sync(program):
    with Stage(program) as stage:
        for size in (0, 1, 63, 5000):
            keys = {b'k%d' % i: b'v%d' % i for i in range(size)}
            stage.client.call('REPLICAOF', 'NO', 'ONE')
            stage.follow()
            link = stage.master.accept()
            link.shake_hands()
            data = rdb(keys)
            link.send(b'+FULLRESYNC %s 7\r\n$EOF:%s\r\n' % (ID, MARK))
            for at in range(0, len(data), 977):
                link.send(data[at:at + 977])
                if size == 63:
                    time.sleep(0.01)
            link.send(MARK[:11])
            time.sleep(0.02)
            rest = encode([b'SET', b'last', b'1'])
            link.send(MARK[11:] + rest)  # the stream may follow at once
            link.ack(7 + len(rest))
            stage.expect_reply(size + 1, 'DBSIZE')
            stage.expect_reply('$1', 'GET', 'last')
            link.close()


def old_data_are_seen_until_the_new_are_there(program):
    with Stage(program) as stage:
        link = stage.synced()
        link.close()
        link = stage.master.accept()
        link.shake_hands()
        data = rdb({b'new': b'2'})
        link.send(b'+FULLRESYNC %s 0\r\n$%d\r\n%s' % (OTHER_ID, len(data), data[:-1]))
        time.sleep(0.2)
        stage.expect_reply('$1', 'GET', 'old')
        stage.expect_reply('$', 'GET', 'new')
        link.send(data[-1:])
        link.ack(0)
        stage.expect_reply('$', 'GET', 'old')
        stage.expect_reply('$2', 'GET', 'new')


def only_the_master_lets_keys_expire(program):
    with Stage(program) as stage:
        link = stage.synced()
        soon = int(time.time() * 1000) + 300
        link.stream(['SET', 'k', 'v', 'PXAT', soon], ['SET', 'past', 'v', 'PXAT', 1000], ACK)
        link.ack(link.sent)
        stage.expect_reply('$v', 'GET', 'k')
        stage.expect_reply('$', 'GET', 'past')
        time.sleep(0.4)
        stage.expect_reply('$', 'GET', 'k')
        stage.expect_reply(0, 'EXISTS', 'k', 'past')
        stage.expect_reply(3, 'DBSIZE')
        # It was alive where it was changed.
        link.stream(['APPEND', 'k', 'w'], ['PERSIST', 'k'], ACK)
        link.ack(link.sent)
        stage.expect_reply('$vw', 'GET', 'k')
        link.stream(['DEL', 'past'], ACK)
        link.ack(link.sent)
        stage.expect_reply(2, 'DBSIZE')
        link.close()


def appended(server):
    """The bytes of a server's append-only files but the base."""
    folder = os.path.join(server.directory, 'appendonlydir')
    data = b''
    for name in sorted(os.listdir(folder)):
        if name.endswith('.incr.aof'):
            with open(os.path.join(folder, name), 'rb') as file:
                data += file.read()
    return data


def own_deadlines_are_the_replica_s(program):
    """Of a replica that may be written: what it gave a deadline itself, and nothing else, goes."""
    options = ('--replica-read-only', 'no', '--appendonly', 'yes', '--notify-keyspace-events', 'Ex')
    with Stage(program, options) as stage:
        link = stage.synced()
        events = stage.server.connect()
        events.call('SUBSCRIBE', '__keyevent@0__:expired')
        soon = int(time.time() * 1000) + 300
        for key in ('own', 'both', 'taken'):
            stage.expect_reply('+OK', 'SET', key, 'v', 'PXAT', soon)
        link.stream(['SET', 'both', 'v', 'PXAT', soon], ['SET', 'theirs', 'v', 'PXAT', soon],
                    ['PERSIST', 'taken'], ACK)
        link.ack(link.sent)
        until(lambda: stage.client.call('DBSIZE').value == 4, 'the key to go')
        stage.expect_reply(0, 'EXISTS', 'own', 'both', 'theirs')
        stage.expect_reply(0, 'COPY', 'theirs', 'copy')
        statistics = stage.client.call('INFO', 'stats').value
        expect(b'expired_keys:1\r\n' in statistics, statistics.decode())
        expect(events.read(1)[0].endswith(b':expired\r\n$3\r\nown\r\n'), 'no event of the key')
        until(lambda: b'DEL\r\n$3\r\nown\r\n' in appended(stage.server), 'the file to have the DEL')
        expect(appended(stage.server).count(b'DEL\r\n') == 1, appended(stage.server))
        link.stream(['DEL', 'both', 'theirs'], ACK)
        link.ack(link.sent)
        stage.expect_reply(2, 'DBSIZE')
        events.close()
        link.close()


def serves_stale_data_or_does_not(program):
    with Stage(program) as stage:
        link = stage.synced()
        stage.client.call('CONFIG', 'SET', 'replica-serve-stale-data', 'no')
        stage.expect_reply('$1', 'GET', 'old')
        link.close()
        down = ("-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to "
                "'no'.")
        until(lambda: stage.client.call('GET', 'old').value == down[1:].encode(), 'MASTERDOWN')
        expect(stage.client.call('INFO', 'server').kind == '$', 'INFO is refused')
        stage.client.call('CONFIG', 'SET', 'replica-serve-stale-data', 'yes')
        stage.expect_reply('$1', 'GET', 'old')
        # A replica that may be written to.
        stage.client.call('CONFIG', 'SET', 'replica-read-only', 'no')
        stage.expect_reply('+OK', 'SET', 'mine', 1)


def blocked_clients_are_let_go(program):
    with Stage(program) as stage:
        other = stage.server.connect()
        other.start(encode([b'BLPOP', b'list', b'0']))
        time.sleep(0.1)
        link = stage.synced()
        reply = parse(other.read(1)[0])[0]
        expect(reply.value == b'UNBLOCKED force unblock from blocking operation, instance state '
               b'changed (master -> replica?)', reply)
        try:
            other.read(1)
            raise Failure('still connected')
        except Closed:
            pass
        link.close()


def logs_in(program):
    with Stage(program) as stage:
        stage.client.call('CONFIG', 'SET', 'masterauth', 'secret', 'masteruser', 'somebody')
        stage.client.call('CONFIG', 'SET', 'replica-announce-ip', '10.1.2.3',
                          'replica-announce-port', '777')
        stage.follow()
        link = stage.master.accept()
        expect(link.request() == [b'PING'], 'no PING')
        link.send(b'-NOAUTH Authentication required.\r\n')
        expect(link.request() == [b'AUTH', b'somebody', b'secret'], 'no AUTH')
        link.send(b'+OK\r\n')
        expect(link.request() == [b'REPLCONF', b'listening-port', b'777'], 'no port')
        link.send(b'-ERR what?\r\n')
        expect(link.request() == [b'REPLCONF', b'ip-address', b'10.1.2.3'], 'no address')
        link.send(b'+OK\r\n')
        expect(link.request()[:5] == [b'REPLCONF', b'capa', b'eof', b'capa', b'psync2'], 'no capa')
        link.send(b'+OK\r\n')
        expect(link.request() == [b'PSYNC', b'?', b'-1'], 'no PSYNC')
        # Not ready yet.
        link.send(b'-LOADING Redis is loading the dataset in memory\r\n')
        link.closed()
        link = stage.master.accept()
        link.shake_hands()
        # An old master.
        link.send(b"-ERR unknown command 'PSYNC'\r\n")
        expect(link.request() == [b'SYNC'], 'no SYNC')
        data = rdb({b'old': b'1'})
        link.send(b'$%d\r\n%s' % (len(data), data))
        link.stream(['INCR', 'old'])
        until(lambda: stage.client.call('GET', 'old').value == b'2', 'the change')
        link.close()
        # It has a history now, of its own making.
        link = stage.master.accept()
        request = link.shake_hands()
        expect(request[0] == b'PSYNC' and request[2] == b'24', 'asks an old master for', request)
        link.close()


def a_transaction_changes_the_role(program):
    """As Sentinel does it."""
    with Stage(program) as stage:
        link = stage.synced()
        client = stage.server.connect()
        client.call('CLIENT', 'SETNAME', 'sentinel-x')
        client.start(b''.join(encode(c) for c in (
            [b'MULTI'], [b'SLAVEOF', b'NO', b'ONE'], [b'SET', b'k', b'v'], [b'EXEC'])))
        replies = client.read(4)
        expect(replies[1] == b'+QUEUED\r\n', replies)
        # The write was queued on a replica: Redis refuses such a transaction.
        expect(replies[2].startswith(b'-READONLY'), replies)
        client.start(b''.join(encode(c) for c in (
            [b'MULTI'], [b'SLAVEOF', b'NO', b'ONE'], [b'CONFIG', b'REWRITE'],
            [b'CLIENT', b'KILL', b'TYPE', b'pubsub'], [b'EXEC'])))
        replies = client.read(5)
        expect(replies[4].startswith(b'*3\r\n+OK\r\n'), replies)
        link.closed()
        stage.expect_reply('+OK', 'SET', 'k', 'v')
        # And back again, while its thread is at it.
        for _ in range(50):
            client.start(b''.join(encode(c) for c in (
                [b'MULTI'], [b'SLAVEOF', stage.master.path.encode(), b'0'], [b'EXEC'],
                [b'SLAVEOF', b'NO', b'ONE'])))
            client.read(4)
        stage.expect_reply('+OK', 'SET', 'k', 'v')


def acknowledges_until_the_stream_begins(program):
    """A master may not have noticed yet that its data set is sent when the first word comes."""
    with Stage(program) as stage:
        link = stage.synced()
        begin = time.monotonic()
        for _ in range(4):
            link.ack(0)
        expect(time.monotonic() - begin < 0.6, 'the fifth comes after', time.monotonic() - begin)
        link.stream(['PING'])
        begin = time.monotonic()
        link.ack(link.sent)
        link.ack(link.sent)
        expect(time.monotonic() - begin > 0.9, 'goes on as fast:', time.monotonic() - begin)


def the_master_is_no_user(program):
    with Stage(program) as stage:
        link = stage.synced()
        lines = stage.client.call('CLIENT', 'LIST').value.decode().splitlines()
        users = sorted(line.split(' user=')[1].split()[0] for line in lines)
        expect(users == ['(superuser)', 'default'], users)
        stage.expect_reply(0, 'CLIENT', 'KILL', 'USER', 'default', 'SKIPME', 'yes')
        link.stream(['PING'], ACK)
        link.ack(link.sent)


HONEST = [follows_to_the_byte, takes_both_forms_of_a_full_sync,
          acknowledges_until_the_stream_begins, the_master_is_no_user,
          old_data_are_seen_until_the_new_are_there, only_the_master_lets_keys_expire,
          own_deadlines_are_the_replica_s, serves_stale_data_or_does_not,
          blocked_clients_are_let_go, logs_in, a_transaction_changes_the_role]


# ----------------------------------------------------------------------------------- lying masters


GOOD = rdb({b'new': b'2'})


def full(payload, head=None):
    """A full sync whose data set is this."""
    begin = b'+FULLRESYNC %s 5\r\n' % OTHER_ID
    return begin + (b'$%d\r\n' % len(payload) if head is None else head) + payload


def damaged(at, byte):
    return GOOD[:at] + bytes((byte,)) + GOOD[at + 1:]


# What it says in answer to PSYNC, and what the log says then.
LIES = {
    'nothing': (b'', 'closed the connection'),
    'a word': (b'HELLO\r\n', 'answers PSYNC with'),
    'a line without an end': (b'+' + b'x' * 5000, 'a line without an end'),
    'zero bytes': (b'+FULL\0RESYNC\r\n', 'no line of text'),
    'no id': (b'+FULLRESYNC\r\n', 'answer to PSYNC is wrong'),
    'a short id': (b'+FULLRESYNC abc 5\r\n', 'answer to PSYNC is wrong'),
    'no offset': (b'+FULLRESYNC %s\r\n' % OTHER_ID, 'answer to PSYNC is wrong'),
    'an offset below zero': (b'+FULLRESYNC %s -7\r\n' % OTHER_ID, 'answer to PSYNC is wrong'),
    'an offset beyond all': (b'+FULLRESYNC %s 9223372036854775807\r\n' % OTHER_ID,
                             'answer to PSYNC is wrong'),
    'a wrong id to go on with': (b'+CONTINUE 12345\r\n', 'answer to PSYNC is wrong'),
    'no data set': (full(b'', b'hello\r\n'), 'a full sync begins with'),
    'an error for a data set': (full(b'', b'-ERR no memory\r\n'), 'gave up a full sync'),
    'a size below zero': (full(b'', b'$-5\r\n'), 'a full sync begins with'),
    'a size beyond all': (full(b'', b'$99999999999999999999\r\n'), 'a full sync begins with'),
    'a short mark': (full(b'', b'$EOF:abc\r\n'), 'a full sync begins with'),
    'garbage': (full(bytes(range(256)) * 40), 'data set is not sound'),
    'garbage up to a mark': (full(bytes(range(256)) * 40 + MARK, b'$EOF:%s\r\n' % MARK),
                             'data set is not sound'),
    'the half of it': (full(GOOD[:-12], b'$%d\r\n' % len(GOOD)), 'closed the connection'),
    'all but a byte': (full(GOOD[:-1], b'$%d\r\n' % len(GOOD)), 'closed the connection'),
    'a wrong mark': (full(GOOD + b'n' * 40, b'$EOF:%s\r\n' % MARK), 'closed the connection'),
    'no mark': (full(GOOD, b'$EOF:%s\r\n' % MARK), 'closed the connection'),
    'an unknown type': (full(damaged(11, 200)), 'data set is not sound'),
    'an endless text': (full(damaged(12, 0x7f)), 'data set is not sound'),
    'a wrong sum': (full(GOOD[:-1] + b'\x01'), 'data set is not sound'),
    'a size that is too small': (full(GOOD, b'$%d\r\n' % (len(GOOD) - 9)),
                                 'data set is not sound'),
}

# What it says in the stream, and what the log says then.
STREAMS = {
    'a line': (b'SET a 1\r\n', 'no stream of changes'),
    'a reply': (b'+OK\r\n', 'no stream of changes'),
    'letters for a count': (b'*x\r\n', 'no stream of changes'),
    'a count beyond all': (b'*99999999999\r\n', 'no stream of changes'),
    'letters for a size': (b'*2\r\n$3\r\nGET\r\n$x\r\n', 'no stream of changes'),
    'a size beyond all': (b'*2\r\n$3\r\nGET\r\n$99999999999\r\n', 'no stream of changes'),
    'another database': (encode([b'SELECT', b'99']), 'uses database 99'),
    'an unknown change': (encode([b'PING', b'kvstore *1\r\n$7\r\nNOTHING\r\n']), 'not known here'),
}

# What is no change is not executed, and the link stays.
NO_CHANGES = ([b'SHUTDOWN', b'NOSAVE'], [b'CONFIG', b'SET', b'maxclients', b'1'],
              [b'REPLICAOF', b'NO', b'ONE'], [b'DEBUG', b'SLEEP', b'100'],
              [b'CLIENT', b'PAUSE', b'100000'], [b'SUBSCRIBE', b'x'], [b'QUIT'], [b'NONSENSE'],
              [b'GET', b'old'], [b'FAILOVER'], [b'MONITOR'], [b'BLPOP', b'list', b'0'],
              [b'PING', b'hello'])


def lies_in_answer_to_psync(program):
    with Stage(program) as stage:
        stage.synced().close()
        for name, (answer, reason) in LIES.items():
            print('    ' + name)
            link = stage.master.accept()
            link.shake_hands()
            begin = len(stage.server.log_text())
            try:
                link.send(answer)
                link.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            link.closed()
            link.close()
            until(lambda: reason in stage.server.log_text()[begin:] or
                  'closed the connection' == reason, 'the log to say "%s", but it says:\n%s' % (
                      reason, stage.server.log_text()[begin:]))
            stage.expect_reply('$1', 'GET', 'old')
            stage.expect_reply(1, 'DBSIZE')
        link = stage.master.accept()
        link.full_sync({b'at last': b'1'}, 12)
        link.ack(12)
        stage.expect_reply('$1', 'GET', 'at last')


def lies_in_the_handshake(program):
    with Stage(program) as stage:
        stage.synced().close()
        for answer in (b'', b'-ERR no\r\n', b'*1\r\n', b'x' * 5000, b'\0\0\0\r\n', b'$3\r\nabc\r\n'):
            link = stage.master.accept()
            link.send(answer)
            link.socket.shutdown(socket.SHUT_WR)
            link.closed()
            stage.expect_reply('$1', 'GET', 'old')
        stage.logged("answers PING with '-ERR no'")


def lies_in_the_stream(program):
    with Stage(program) as stage:
        stage.synced().close()
        for name, (lie, reason) in STREAMS.items():
            print('    ' + name)
            link = stage.master.accept()
            link.full_sync({b'old': b'1'})
            link.ack(0)
            link.stream(['SET', 'a', '1'])
            begin = len(stage.server.log_text())
            link.send(lie)
            link.closed()
            until(lambda: reason in stage.server.log_text()[begin:], 'the log to say ' + reason)
            stage.expect_reply('$1', 'GET', 'a')
            link.close()


def commands_that_are_no_changes(program):
    with Stage(program) as stage:
        link = stage.synced()
        for command in NO_CHANGES:
            link.stream(command)
        link.stream(['MULTI'], *NO_CHANGES[:4])
        link.stream(['INCR', 'old'], ['EXEC'], ACK)
        link.ack(link.sent)
        stage.expect_reply('$2', 'GET', 'old')
        stage.expect_reply("-READONLY You can't write against a read only replica.", 'SET', 'a', 1)
        link.close()


def masters_that_say_nothing(program):
    """Each phase ends by repl-timeout."""
    with Stage(program, ['--repl-timeout', '1']) as stage:
        stage.synced().close()
        data = rdb({b'new': b'2'})
        half = b'+FULLRESYNC %s 5\r\n$%d\r\n%s' % (OTHER_ID, len(data), data[:-5])
        for steps in range(4):
            link = stage.master.accept()
            began = time.monotonic()
            if steps > 0:
                link.shake_hands()
            if steps == 2:
                link.send(b'+FULLRESYNC %s 5\r\n' % OTHER_ID)
            if steps == 3:
                link.send(half)
            link.closed()
            took = time.monotonic() - began
            expect(0.8 < took < 3, 'step', steps, 'ended after', took)
            stage.expect_reply('$1', 'GET', 'old')
            link.close()
        link = stage.master.accept()
        link.full_sync({b'old': b'1'})
        began = time.monotonic()
        link.closed()
        expect(0.8 < time.monotonic() - began < 3, 'the stream')
        stage.logged('nothing came from the master in 1 seconds')


def a_role_ends_in_the_middle_of_a_sync(program):
    """REPLICAOF NO ONE is answered at once, and what comes after it changes nothing."""
    with Stage(program) as stage:
        stage.synced().close()
        data = rdb({b'new': b'2'})
        for cut in range(0, len(data), 3):
            link = stage.master.accept()
            link.shake_hands()
            link.send(full(data[:cut], b'$%d\r\n' % len(data)))
            if cut % 2:
                time.sleep(0.02)
            began = time.monotonic()
            stage.expect_reply('+OK', 'REPLICAOF', 'NO', 'ONE')
            expect(time.monotonic() - began < 1, 'REPLICAOF NO ONE took its time')
            try:
                link.send(data[cut:])
            except OSError:
                pass
            link.closed()
            stage.expect_reply('+OK', 'SET', 'mine', cut)
            stage.expect_reply('$', 'GET', 'new')
            stage.expect_reply('$1', 'GET', 'old')
            stage.follow()
            link.close()


LYING = [lies_in_the_handshake, lies_in_answer_to_psync, lies_in_the_stream,
         commands_that_are_no_changes, masters_that_say_nothing,
         a_role_ends_in_the_middle_of_a_sync]


# ------------------------------------------------------------------------------------ real masters


def digest(connection):
    return connection.call('DEBUG', 'DIGEST').value


def is_silent_in_redis(arguments):
    """
    Whether Redis may change a key by this and tell no replica: a BITFIELD whose steps all fail has
    made the string longer by then, so that Redis's own replicas differ too.
    """
    return arguments[0].upper() == b'BITFIELD' and b'FAIL' in [a.upper() for a in arguments]


class Writer(threading.Thread):
    """Writes to a server what the generators of moving.py make, until it is stopped."""

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.numbers = random.Random(seed)
        self.generator = Generator(self.numbers)
        self.master_is_redis = server.name == 'redis'
        self.is_over = False
        self.error = None
        self.count = 0
        self.start()

    def run(self):
        try:
            while not self.is_over:
                self.write()
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def write(self):
        numbers, connection = self.numbers, self.connection
        key = b'k%d' % numbers.randrange(300)
        choice = numbers.randrange(40)
        if choice >= 20:
            self.write_anything()
        elif choice == 0:
            connection.call('SELECT', numbers.randrange(4))
        elif choice < 6:
            connection.call('DEL', key)
            fill(connection, key, numbers)
        elif choice == 6:
            connection.call('PEXPIRE', key, numbers.choice((1, 30, 100000)))
        elif choice == 7:
            connection.start(b''.join(encode(c) for c in (
                [b'MULTI'], [b'INCR', b'n'], [b'SET', key, b'x'], [b'DEL', b'k1', b'k2', b'k3'],
                [b'EXEC'])))
            connection.read(5)
        elif choice == 8:
            connection.call('SPOP', key, 3)
        elif choice == 9:
            connection.call('RENAME', key, b'k%d' % numbers.randrange(300))
        else:
            connection.start(b''.join(encode([b'INCR', b'c%d' % numbers.randrange(1000)])
                                      for _ in range(50)))
            connection.read(50)
        self.count += 1

    def write_anything(self):
        """Random commands of all types, in a pipeline, some of them in a transaction."""
        commands = []
        for _ in range(self.numbers.choice((1, 3, 20))):
            arguments = self.generator.command().arguments
            if not arguments or arguments[0].upper() in UNWANTED:
                continue
            if not (self.master_is_redis and is_silent_in_redis(arguments)):
                commands.append(arguments)
        if self.numbers.random() < 0.3:
            commands = [[b'MULTI']] + commands + [[b'EXEC']]
        self.connection.start(b''.join(encode(command) for command in commands))
        self.connection.read(len(commands))

    def stop(self):
        self.is_over = True
        self.join(PATIENCE)
        if self.error is not None:
            raise self.error
        self.connection.close()
        return self.count


def are_equal_scores(m, r, key):
    """Whether a sorted set differs in nothing but the sign of zeros.

    A skiplist has -0, a listpack has 0 for it. What has become small stays a skiplist for the master,
    while a snapshot makes it a listpack for the replica: so two of Redis's own differ, from that
    snapshot on. Where they do and where not is compared by signs_of_zero().
    """
    if m.call('TYPE', key).value != b'zset':
        return False

    def scores(connection):
        texts = [text.value for text in connection.call('ZRANGE', key, 0, -1, 'WITHSCORES').value]
        return {member: float(score) for member, score in zip(texts[::2], texts[1::2])}
    return scores(m) == scores(r)


def caught_up(master, replica):
    """Waits until the replica has the master's offset, and compares all data."""
    m, r = master.connect(), replica.connect()

    def offset(connection, name):
        text = connection.call('INFO', 'replication').value.decode()
        fields = dict(line.split(':', 1) for line in text.split('\r\n') if ':' in line)
        return fields.get(name)

    m.call('DEBUG', 'SET-ACTIVE-EXPIRE', 0)
    try:
        until(lambda: offset(r, 'master_link_status') == 'up' and
              offset(m, 'master_repl_offset') == offset(r, 'slave_repl_offset'),
              'the replica to catch up:\n' + replica.log_text()[-1500:], 30)
        for database in range(4):
            m.call('SELECT', database)
            r.call('SELECT', database)
            keys = set(key.value for key in m.call('KEYS', '*').value)
            others = set(key.value for key in r.call('KEYS', '*').value)
            # A key may expire between the two.
            expect(len(keys ^ others) <= 3, 'database', database, 'differs:', keys ^ others)
            for key in keys & others:
                a, b = m.call('DEBUG', 'DIGEST-VALUE', key), r.call('DEBUG', 'DIGEST-VALUE', key)
                if a != b and not are_equal_scores(m, r, key):
                    expect(m.call('PTTL', key).value < 0, 'key', key, 'differs', a, b)
                    raise Failure('key %r of database %d differs' % (key, database))
    finally:
        m.call('DEBUG', 'SET-ACTIVE-EXPIRE', 1)
        m.close()
        r.close()


def of_a_real_master(program, rounds, seed, diskless=True):
    options = ['--repl-diskless-sync', 'yes' if diskless else 'no',
               '--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb']
    master, replica = redis_server(options).start(), kvstore_server(program).start()
    try:
        control, client = master.connect(), replica.connect()
        writer = Writer(master, seed)
        time.sleep(0.3)
        expect(client.call('REPLICAOF', master.path, 0).value == b'OK', 'REPLICAOF')
        numbers = random.Random(seed + 1)
        for _ in range(rounds):
            time.sleep(numbers.random() * 0.5)
            choice = numbers.randrange(4)
            if choice == 0:
                client.call('CLIENT', 'KILL', 'TYPE', 'master')
            elif choice == 1:
                control.call('CLIENT', 'KILL', 'TYPE', 'replica')
            elif choice == 2:
                client.call('REPLICAOF', 'NO', 'ONE')
                client.call('SET', 'mine', 1)
                client.call('REPLICAOF', master.path, 0)
            else:
                control.call('DEBUG', 'CHANGE-REPL-ID')
                control.call('CLIENT', 'KILL', 'TYPE', 'replica')
        count = writer.stop()
        caught_up(master, replica)
        text = client.call('INFO', 'replication').value.decode()
        expect('role:slave' in text, text)
        print('    %d writes, %d times all data, %d times a part' % (
            count, replica.log_text().count('are in the place of the old'),
            replica.log_text().count('goes on where this store was')))
        expect('answered with an error' not in replica.log_text(), replica.log_text()[-3000:])
    finally:
        master.stop()
        replica.stop()


def deadlines_of_a_real_master(program):
    """A key that expires has a deadline on the replica too, in a snapshot and in the stream."""
    last = (1 << 63) - 1
    expected = {b'k%d' % at: min(at, last - 1) for at in (last, last - 1, last - 1000, 1 << 62)}
    expected[b'kept'] = -1
    master, replica = launch(redis_server), launch(kvstore_server, program)
    try:
        control, client = master.connect(), replica.connect()

        def write_and_compare(what):
            for key, deadline in expected.items():
                control.call('SET', key, what)
                if deadline > 0:
                    control.call('PEXPIREAT', key, key[1:])
            if what == 'snapshot':
                follow(replica, master)
            caught_up(master, replica)
            found = {key: client.call('PEXPIRETIME', key).value for key in expected}
            expect(found == expected, what, 'has the deadlines', found, 'and not', expected)

        write_and_compare('snapshot')
        write_and_compare('stream')
    finally:
        master.stop()
        replica.stop()


def own_deadlines_are_as_redis_has_them(program):
    """The same calls on a replica of each kind, which has a replica: what is left on all of them."""
    master = launch(redis_server)
    try:
        control = master.connect()
        control.call('DEBUG', 'SET-ACTIVE-EXPIRE', 0)
        of_redis, ours = (
            what_is_left_on_a_replica(master, control, kind, program)
            for kind in (redis_server, kvstore_server))
        expect(of_redis[0] == 2, 'Redis has', of_redis)
        expect(of_redis == ours, 'Redis has', of_redis, 'and kvstore', ours)
    finally:
        master.stop()


def what_is_left_on_a_replica(master, control, kind, program):
    control.call('FLUSHALL')
    replica = launch(kind, program if kind is kvstore_server else None,
                     ['--replica-read-only', 'no'])
    leaf = launch(redis_server)
    try:
        client, below = replica.connect(), leaf.connect()
        follow(replica, master, by_path=False)
        follow(leaf, replica, by_path=False)
        control.call('SET', 'theirs', 'v', 'PX', 2000)
        until(lambda: below.call('EXISTS', 'theirs').value == 1, 'the key')
        client.call('SELECT', 2)
        client.call('SET', 'own', 'v', 'PX', 100)
        client.call('SELECT', 0)
        for i in range(200):
            client.call('SET', 'own%d' % i, 'v', 'PX', 100)
        client.call('RPUSH', 'list', 'v')
        client.call('PEXPIRE', 'list', 100)
        client.call('SET', 'kept', 'v', 'PX', 100)
        client.call('PERSIST', 'kept')
        until(lambda: client.call('DBSIZE').value == 2, 'own keys to go')
        client.call('SELECT', 2)
        until(lambda: client.call('DBSIZE').value == 0, 'that of database 2 to go')
        client.call('SELECT', 0)
        until(lambda: client.call('EXISTS', 'theirs').value == 0, 'the time to pass')
        time.sleep(0.3)
        left = [client.call(*words).value for words in (
            ('DBSIZE',), ('COPY', 'theirs', 'copy'), ('EXISTS', 'theirs', 'kept'), ('DBSIZE',))]
        control.call('SET', 'last', 'v')
        until(lambda: below.call('EXISTS', 'last').value == 1, 'the last key')
        return left + [below.call('DBSIZE').value]
    finally:
        leaf.stop()
        replica.stop()


def follow(server, master, by_path=True):
    """Makes a server the replica of another, whoever they are."""
    connection = server.connect()
    by_path = by_path and server.name == 'kvstore'
    host, port = (master.path, 0) if by_path else ('127.0.0.1', master.port)
    reply = connection.call('REPLICAOF', host, port)
    expect(reply.value.startswith(b'OK'), 'REPLICAOF gives', reply)
    connection.close()


def scores_of(connection, keys):
    return [[connection.call('OBJECT', 'ENCODING', key).value] +
            [text.value for text in connection.call('ZRANGE', key, 0, -1, 'WITHSCORES').value]
            for key in keys]


def write_zeros(call, keys):
    """Zeros of both signs: in sets that are large, small, or were large, and in what is made of them."""
    for key, count in ((b'large', 200), (b'small', 5), (b'shrunk', 200)):
        for number in range(count):
            call('ZADD', key, 1000 + number, b'x%d' % number)
        call('ZADD', key, '-0', 'a', '0', 'b', '-0', 'c')
        call('ZADD', key, '0', 'a', '-0', 'b')
    call('ZREMRANGEBYSCORE', b'shrunk', 500, '+inf')
    call('ZADD', b'grows', '-0', 'a', 5, b'y' * 100, '-0', 'c')
    call('ZADD', b'grew', 5, b'y' * 100, '-0', 'c')
    call('ZREM', b'grew', b'y' * 100)
    call('ZADD', b'grew', '-0', 'd')
    call('ZINCRBY', b'grew', '-0', 'd')
    for key in keys[:5]:
        call('COPY', key, b'copy:' + key)
        call('ZUNIONSTORE', b'union:' + key, 1, key)
        call('ZUNIONSTORE', b'minus:' + key, 2, key, b'large', 'WEIGHTS', -1, 0, 'AGGREGATE', 'MIN')
        call('ZINTERSTORE', b'inter:' + key, 2, key, b'shrunk', 'WEIGHTS', -1, -1)
        call('ZDIFFSTORE', b'diff:' + key, 2, key, b'none')
        call('ZRANGESTORE', b'range:' + key, key, 0, -1)


def signs_of_zero(program, kind):
    """A master has two replicas, one of them Redis's: they are equal to the bit, whoever is the master."""
    keys = [b'large', b'small', b'shrunk', b'grows', b'grew']
    keys += [what + key for key in keys
             for what in (b'copy:', b'union:', b'minus:', b'inter:', b'diff:', b'range:')]
    servers = [launch(kvstore_server, program) if which == 'k' else launch(redis_server)
               for which in kind + 'kr']
    try:
        master, replicas = servers[0].connect(), [server.connect() for server in servers[1:]]

        def compare(what, also_with_the_master):
            for replica, server in zip(replicas, servers[1:]):
                until(lambda: info_of(replica)['master_link_status'] == 'up' and
                      info_of(replica)['slave_repl_offset'] == info_of(master)['master_repl_offset'],
                      'the replica to catch up: ' + server.log_text()[-1500:], 20)
            mine, first, second = [scores_of(one, keys) for one in [master] + replicas]
            for key, *three in zip(keys, mine, first, second):
                expect(three[1] == three[2], what, key, 'differs', three[1:])
                if also_with_the_master:
                    expect(three[0] == three[1], what, key, 'is not the master\'s', three[:2])
            return mine, first

        write_zeros(master.call, keys)
        for server in servers[1:]:
            follow(server, servers[0])
        mine, theirs = compare('a snapshot', False)
        expect(mine[keys.index(b'shrunk')] == [b'skiplist', b'a', b'-0', b'b', b'0', b'c', b'-0'], mine)
        expect(theirs[keys.index(b'shrunk')] == [b'listpack', b'a', b'0', b'b', b'0', b'c', b'0'],
               theirs)
        write_zeros(master.call, keys)
        compare('a change after a snapshot', False)
        master.call('FLUSHALL')
        write_zeros(master.call, keys)
        return compare('a change', True)[0]
    finally:
        for server in servers:
            server.stop()


def signs_of_zero_are_redis_s(program):
    ours, theirs = (signs_of_zero(program, kind) for kind in 'kr')
    expect(ours == theirs, 'the masters differ:', [pair for pair in zip(ours, theirs)
                                                   if pair[0] != pair[1]])


def launch(make, program=None, options=()):
    """A server that listens on TCP as well, as redis-server can follow nothing else."""
    port = free_port()
    options = list(options) + ['--port', str(port), '--repl-diskless-sync-delay', '0',
                               '--repl-backlog-size', '64mb']
    server = make(program, options) if program is not None or make is kvstore_server else make(
        options)
    server.port = port
    return server.start()


def a_chain(program, rounds, seed, kinds):
    """
    A chain of servers, each the replica of the one before; links are cut, and in the end the first
    goes and the second is promoted: the others follow it with a partial sync.
    """
    servers = [launch(kvstore_server, program) if kind == 'k' else launch(redis_server)
               for kind in kinds]
    try:
        writer = Writer(servers[0], seed)
        time.sleep(0.2)
        for master, replica in zip(servers, servers[1:]):
            follow(replica, master)
        controls = [server.connect() for server in servers]
        numbers = random.Random(seed + 1)
        for _ in range(rounds):
            time.sleep(numbers.random() * 0.4)
            at = numbers.randrange(len(servers) - 1)
            controls[at].call('CLIENT', 'KILL', 'TYPE', 'replica')
        writer.stop()
        for replica in servers[1:]:
            caught_up(servers[0], replica)
        if len(servers) < 3:
            return
        offset = int(info_of(controls[0])['master_repl_offset'])
        controls[1].call('REPLICAOF', 'NO', 'ONE')
        follow(servers[0], servers[1])
        controls[1].call('SET', 'promoted', 1)
        for replica in (servers[0], servers[2]):
            caught_up(servers[1], replica)
        expect(int(info_of(controls[1])['master_repl_offset']) > offset, 'history went back')
        expect(int(info_of(controls[1])['second_repl_offset']) > 0, 'no second id')
        partial = [int(info_of(controls[1], 'stats')['sync_partial_ok'])]
        expect(partial[0] >= 2, 'all data again after a promotion:', partial)
    finally:
        for server in servers:
            server.stop()


def pushed(connection, kind, *words):
    """The next push of a subscriber is this one."""
    reply, _ = parse(connection.read(1)[0])
    found = [element.value for element in reply.value]
    expect(found == [kind, *words], 'received', str(found)[:200], 'and not', str(words)[:200])


def messages_reach_replicas(program, kinds):
    """
    A chain of servers: who is subscribed at the end of it receives what is published at its begin,
    of any size and any bytes, and in transactions; and what is published at the end stays there.
    """
    servers = [launch(kvstore_server, program, ['--appendonly', 'yes']) if kind == 'k' else
               launch(redis_server) for kind in kinds]
    try:
        for master, replica in zip(servers, servers[1:]):
            follow(replica, master)
            control = replica.connect()
            until(lambda: info_of(control)['master_link_status'] == 'up', 'the link', 20)
        first, last = servers[0].connect(), servers[-1].connect()
        binary, large = bytes(range(256)), os.urandom(1 << 20)
        hearers = [server.connect() for server in (servers[-1], servers[-1], servers[0])]
        by_channel, by_pattern, at_first = hearers
        for hearer in (by_channel, at_first):
            for kind, name in (('SUBSCRIBE', 'c'), ('SUBSCRIBE', binary), ('SSUBSCRIBE', 's')):
                hearer.call(kind, name)
        by_pattern.call('PSUBSCRIBE', '[cd]*')
        expect(first.call('PUBLISH', 'd', 1).value == 0, 'somebody receives it at the first')
        first.call('SET', 'a', 1)
        first.call('PUBLISH', 'c', 2)
        first.call('SPUBLISH', 's', 3)
        for arguments in (['MULTI'], ['PUBLISH', 'c', 4], ['SET', 'a', 2], ['SELECT', 2],
                          ['PUBLISH', binary, binary], ['SET', 'b', large], ['EXEC']):
            first.call(*arguments)
        first.call('PUBLISH', 'c', large)
        pushed(by_pattern, b'pmessage', b'[cd]*', b'd', b'1')
        by_pattern.close()  # who does not read the rest would hold up the end of the server
        for hearer in (by_channel, at_first):
            pushed(hearer, b'message', b'c', b'2')
            pushed(hearer, b'smessage', b's', b'3')
            pushed(hearer, b'message', b'c', b'4')
            pushed(hearer, b'message', binary, binary)
            pushed(hearer, b'message', b'c', large)
        expect(first.call('WAIT', 1, 5000).value == 1, 'the message is acknowledged')
        caught_up(servers[0], servers[-1])
        # What is published at the end: the subscriber of the first receives only what follows.
        expect(last.call('PUBLISH', 'c', 'here').value >= 1, 'it is received at the last')
        pushed(by_channel, b'message', b'c', b'here')
        first.call('PUBLISH', 'c', 'there')
        pushed(by_channel, b'message', b'c', b'there')
        pushed(at_first, b'message', b'c', b'there')
        for server, kind in zip(servers, kinds):
            expect(kind == 'r' or b'PUBLISH' not in append_only_bytes(server), 'a file has messages')
    finally:
        for server in servers:
            server.stop()


def append_only_bytes(server):
    data = b''
    for directory, _, names in os.walk(server.directory):
        for name in names:
            if '.aof' in name and 'manifest' not in name:
                with open(os.path.join(directory, name), 'rb') as file:
                    data += file.read()
    return data


def info_of(connection, section='replication'):
    text = connection.call('INFO', section).value.decode()
    return dict(line.split(':', 1) for line in text.split('\r\n') if ':' in line)


def restart(server):
    """Ends a server with a snapshot, and starts it from there."""
    connection = server.connect()
    connection.start(encode([b'SHUTDOWN', b'SAVE']))
    try:
        connection.read(1)
    except NoReply:
        pass
    server.process.wait(10)
    server.start()


def a_restart_goes_on(program, master_kind):
    """What a snapshot says of the history lets a replica go on where it was, and a master's go on."""
    master = launch(kvstore_server, program) if master_kind == 'k' else launch(redis_server)
    replica = launch(kvstore_server, program)
    replica.options += ['--replicaof', '127.0.0.1 %d' % master.port]
    try:
        control = master.connect()
        follow(replica, master)
        for i in range(100):
            control.call('SELECT', i % 4)
            control.call('SET', 'k%d' % i, i)
        caught_up(master, replica)
        restart(replica)
        control.call('SET', 'after', 1)
        caught_up(master, replica)
        expect('goes on where this store was' in replica.log_text(), replica.log_text())
        expect(replica.log_text().count('are in the place of the old') == 1, replica.log_text())
        if master_kind != 'k':
            return
        restart(master)
        control = master.connect()
        control.call('SET', 'again', 1)
        caught_up(master, replica)
        expect(replica.log_text().count('are in the place of the old') == 1, replica.log_text())
    finally:
        master.stop()
        replica.stop()


def has_new_base(client):
    now = info_of(client, 'persistence')
    return now['aof_rewrites'] == '1' and now['aof_rewrite_in_progress'] == '0' and \
        now['aof_rewrite_scheduled'] == '0'


def the_append_only_file_begins_anew(program):
    """After a full sync the file is that of the new data: what a power cut leaves is all of them."""
    master = launch(kvstore_server, program)
    replica = launch(kvstore_server, program, ['--appendonly', 'yes', '--appendfsync', 'always'])
    try:
        control, client = master.connect(), replica.connect()
        client.call('SET', 'mine', 'old')
        for i in range(500):
            control.call('SET', 'k%d' % i, i)
        follow(replica, master)
        caught_up(master, replica)
        until(lambda: has_new_base(client), 'a new base')
        for i in range(100):
            control.call('INCR', 'k%d' % i)
        caught_up(master, replica)
        expected = digest(control)
        expect(control.call('WAITAOF', 0, 1, 20000).value[1].value == 1, 'the replica has no file')
        master.kill()
        replica.kill()
        replica.start()
        expect(digest(replica.connect()) == expected, 'other data after a restart')
    finally:
        master.stop()
        replica.stop()


def places_are_changed(program, kinds, seed):
    """FAILOVER, again and again, under a writer who goes wherever the master is: nothing is lost."""
    servers = [launch(kvstore_server, program) if kind == 'k' else launch(redis_server)
               for kind in kinds]
    counts = [0]
    is_over = []

    def write():
        at = 0
        while not is_over:
            connection = servers[at].connect()
            try:
                while not is_over and connection.call('INCR', 'n').kind == ':':
                    counts[0] += 1
            except NoReply:
                pass
            connection.close()
            at = 1 - at

    try:
        follow(servers[1], servers[0], by_path=False)
        controls = [server.connect() for server in servers]
        until(lambda: info_of(controls[1]).get('master_link_status') == 'up', 'the link')
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        numbers = random.Random(seed)
        for i in range(4):
            master, other = controls[i % 2], controls[1 - i % 2]
            time.sleep(0.2 + numbers.random() * 0.3)
            until(lambda: info_of(master).get('slave0', '').find('state=online') > 0, 'a replica')
            reply = master.call('FAILOVER')
            expect(reply.value == b'OK', 'FAILOVER gives', reply)
            until(lambda: info_of(other)['role'] == 'master' and
                  info_of(master).get('master_link_status') == 'up' and
                  info_of(master)['master_failover_state'] == 'no-failover', 'other places', 20)
        is_over.append(True)
        writer.join(10)
        first, second = (0, 1) if info_of(controls[0])['role'] == 'master' else (1, 0)
        caught_up(servers[first], servers[second])
        value = int(controls[first].call('GET', 'n').value)
        # One more may have been done in each change whose answer did not come.
        expect(counts[0] <= value <= counts[0] + 8, value, 'is there of', counts[0])
    finally:
        is_over.append(True)
        for server in servers:
            server.stop()


CHAINS = ('kk', 'rk', 'kr', 'kkk', 'rkk', 'rkr', 'kkr', 'krk')


# --------------------------------------------------------------------------------------------- main


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rounds', type=int, default=None)
    parser.add_argument('--seed', type=int, default=None)
    parser.add_argument('--server', default=None)
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    rounds = options.rounds or (60 if os.environ.get('KVSTORE_TEST_FULL') else 8)
    print('seed', seed)
    tests = {test.__name__: test for test in HONEST + LYING}
    if os.environ.get('REDIS_SERVER', '/usr/bin/redis-server'):
        for diskless in (True, False):
            name = 'of_a_real_master' + ('' if diskless else '_with_a_disk')
            tests[name] = lambda program, d=diskless: of_a_real_master(program, rounds, seed, d)
        tests['signs_of_zero'] = signs_of_zero_are_redis_s
        tests['deadlines_of_a_real_master'] = deadlines_of_a_real_master
        tests['own_deadlines_are_as_redis_has_them'] = own_deadlines_are_as_redis_has_them
    for kinds in CHAINS:
        if 'r' not in kinds or os.environ.get('REDIS_SERVER', '/usr/bin/redis-server'):
            tests['a_chain_' + kinds] = lambda program, k=kinds: a_chain(program, rounds, seed, k)
    for kinds in ('kk', 'kr', 'rk', 'krk'):
        if 'r' not in kinds or os.environ.get('REDIS_SERVER', '/usr/bin/redis-server'):
            tests['messages_reach_replicas_' + kinds] = lambda program, k=kinds: (
                messages_reach_replicas(program, k))
    tests['the_append_only_file_begins_anew'] = the_append_only_file_begins_anew
    for kinds in ('kk', 'kr', 'rk'):
        if 'r' not in kinds or os.environ.get('REDIS_SERVER', '/usr/bin/redis-server'):
            tests['places_are_changed_' + kinds] = lambda program, k=kinds: places_are_changed(
                program, k, seed)
    for kind in 'kr':
        if kind == 'k' or os.environ.get('REDIS_SERVER', '/usr/bin/redis-server'):
            tests['a_restart_goes_on_' + kind] = lambda program, k=kind: a_restart_goes_on(
                program, k)
    failed = []
    for name, test in tests.items():
        if options.names and name not in options.names:
            continue
        print(name, flush=True)
        try:
            test(options.server)
        except (Failure, NoReply, OSError, RuntimeError) as error:
            print('    FAILED: %s: %s' % (type(error).__name__, error))
            failed.append(name)
    print('%d tests, %d failed: %s' % (len(tests), len(failed), ' '.join(failed)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
