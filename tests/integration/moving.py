"""
moving.py -- values move between redis-server and kvstore-server by DUMP and RESTORE, both ways.

    python3 moving.py [--rounds N] [--seed N] [--server PATH]

Random values of every type, of sizes around the limits of the small encodings, of texts that can
be compressed and others, are made on one server, moved to the other, and read on both; from there
they are moved back. The limits differ from round to round, so that what is small on one side is
large on the other. Then RESTORE's options and errors are compared. The seed is printed.

Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if set: more rounds).
Without redis-server the exit status is 77.
"""

import argparse
import os
import random
import shutil
import sys
import time

from promise import Failure
from wire import kvstore_server, redis_server

LIMITS = ('hash-max-listpack-entries', 'hash-max-listpack-value', 'zset-max-listpack-entries',
          'zset-max-listpack-value', 'set-max-intset-entries', 'list-max-listpack-size',
          'stream-node-max-entries')
READING = {
    b'string': lambda key: ('GET', key),
    b'list': lambda key: ('LRANGE', key, 0, -1),
    b'hash': lambda key: ('HGETALL', key),
    b'set': lambda key: ('SMEMBERS', key),
    b'zset': lambda key: ('ZRANGE', key, 0, -1, 'WITHSCORES'),
    b'stream': lambda key: ('XRANGE', key, '-', '+'),
}
SIZES = (1, 2, 3, 15, 16, 17, 31, 33, 100, 127, 128, 129, 500, 511, 512, 513, 2000)


def text(numbers):
    """A text: short, long, an integer of any width, one that can be compressed."""
    kind = numbers.randrange(8)
    if kind == 0:
        bits = numbers.randrange(64)
        return b'%d' % numbers.randint(-(1 << bits), (1 << bits) - 1)
    if kind == 1:
        return numbers.choice((b'', b'0', b'-0', b'01', b'+1', b'-9223372036854775808',
                               b'9223372036854775808', b'2147483647', b'2147483648', b'-129'))
    if kind == 2:
        return numbers.choice((b'a', b'ab', b'abc ')) * numbers.choice((5, 6, 7, 20, 64, 100))
    if kind == 3:
        words = [numbers.choice((b'user', b'name', b'value', b'%d' % numbers.randrange(100)))
                 for _ in range(numbers.randrange(30))]
        return b':'.join(words)
    return numbers.randbytes(numbers.choice((1, 3, 8, 19, 20, 21, 63, 64, 65)))


def large_text(numbers):
    unit = numbers.randbytes(numbers.choice((1, 7, 300, 9000)))
    return unit * (numbers.choice((70, 5000, 17000, 70000)) // len(unit) + 1)


def score(numbers):
    return numbers.choice((
        b'0', b'1', b'-1', b'inf', b'-inf', b'1.5', b'1e100', b'-3.25e-9', b'3', b'9007199254740993',
        b'%d' % numbers.randint(-10**12, 10**12), b'%.17g' % numbers.gauss(0, 1e6)))


def numbers_only(numbers, count):
    width = numbers.choice((10, 14, 30, 33, 60, 63))
    return [b'%d' % numbers.randint(-(1 << width), (1 << width) - 1) for _ in range(count)]


def texts(numbers, count):
    made = [text(numbers) for _ in range(count)]
    if numbers.random() < 0.2:
        made[numbers.randrange(count)] = large_text(numbers)
    return made


def fill_stream(connection, key, numbers, count):
    """Entries, some of them deleted, and groups whose consumers have some pending."""
    ms = numbers.randrange(10**6)
    for i in range(count):
        ms += numbers.choice((0, 1, 1, 300, 10**10))
        pairs = [text(numbers) for _ in range(2 * numbers.choice((1, 1, 2, 5)))]
        if numbers.random() < 0.7:
            pairs = [b'name', text(numbers), b'value', text(numbers)]
        connection.call('XADD', key, '%d-%d' % (ms, i + 1), *pairs)
    ids = [entry.value[0].value for entry in connection.call('XRANGE', key, '-', '+').value]
    for group in range(numbers.choice((0, 1, 2, 3))):
        connection.call('XGROUP', 'CREATE', key, 'g%d' % group, numbers.choice(ids + [b'0', b'$']))
        connection.call('XGROUP', 'CREATECONSUMER', key, 'g%d' % group, 'idle')
        for _ in range(numbers.randrange(4)):
            connection.call('XREADGROUP', 'GROUP', 'g%d' % group, 'c%d' % numbers.randrange(3),
                            'COUNT', numbers.randrange(1, 20), 'STREAMS', key, '>')
        connection.call('XACK', key, 'g%d' % group, *numbers.choices(ids, k=5))
    for one in numbers.sample(ids, numbers.choice((0, len(ids) // 3, len(ids)))):
        connection.call('XDEL', key, one)


def fill(connection, key, numbers):
    """Makes a value of random type and size; several calls, so that no request is too long."""
    count = numbers.choice(SIZES)
    kind = numbers.choice(('string', 'list', 'set', 'integers', 'hash', 'zset', 'stream'))
    if kind == 'string':
        connection.call('SET', key, numbers.choice((text, large_text))(numbers))
        return
    if kind == 'stream':
        fill_stream(connection, key, numbers, min(count, 600))
        return
    if kind == 'list':
        words, command = texts(numbers, count), 'RPUSH'
    elif kind == 'set':
        words, command = texts(numbers, count), 'SADD'
    elif kind == 'integers':
        words, command = numbers_only(numbers, count), 'SADD'
    elif kind == 'hash':
        words, command = texts(numbers, 2 * count), 'HSET'
    else:
        members = texts(numbers, count)
        words, command = [word for m in members for word in (score(numbers), m)], 'ZADD'
    for at in range(0, len(words), 100):
        connection.call(command, key, *words[at:at + 100])
    if kind == 'list' and numbers.random() < 0.3:  # as it is after changes in the middle
        for _ in range(20):
            connection.call('LREM', key, 1, numbers.choice(words))
            connection.call('LINSERT', key, 'BEFORE', numbers.choice(words), text(numbers))
        connection.call('RPUSH', key, 'x')


def without(reply, names):
    """A flat map as a list of pairs, but for some names."""
    words = [member.value for member in reply.value]
    return [pair for pair in zip(words[::2], words[1::2]) if pair[0] not in names]


def stream_contents(connection, key, entries):
    """All that belongs to a stream, but how long ago something was."""
    found = [entries, without(connection.call('XINFO', 'STREAM', key), (
        b'radix-tree-keys', b'radix-tree-nodes'))]
    for group in connection.call('XINFO', 'GROUPS', key).value:
        found.append(without(group, ()))
        name = group.value[1].value
        for consumer in connection.call('XINFO', 'CONSUMERS', key, name).value:
            found.append(without(consumer, (b'idle', b'inactive')))
        pending = connection.call('XPENDING', key, name, '-', '+', 10000).value
        found.append([(p.value[0], p.value[1], p.value[3]) for p in pending])
    return found


def contents(connection, key):
    kind = connection.call('TYPE', key).value
    if kind == b'none':
        return None
    reply = connection.call(*READING[kind](key)).value
    if kind == b'string':
        return kind, reply
    if kind == b'stream':
        return kind, stream_contents(connection, key, reply)
    words = [member.value for member in reply]
    if kind == b'set':
        words.sort()
    if kind == b'hash':
        words = sorted(zip(words[::2], words[1::2]))
    if kind == b'zset':  # the one writes 17 digits where the other writes as few as will do
        words = list(zip(words[::2], map(float, words[1::2])))
    return kind, words


def move(source, target, key, new_key):
    payload = source.call('DUMP', key).value
    reply = target.call('RESTORE', new_key, 0, payload)
    if reply.value != b'OK':
        raise Failure('RESTORE of %r from %s gave %r: %s' % (
            contents(source, key)[0], source.name, reply, payload[:2000].hex()))


def configure(connection, numbers):
    for name in LIMITS:
        usual = {'list-max-listpack-size': (-2, -1, 1, 16, 128),
                 'stream-node-max-entries': (0, 1, 7, 100)}.get(name, (0, 5, 64, 128, 512))
        connection.call('CONFIG', 'SET', name, numbers.choice(usual))


def there_and_back(a, b, numbers, keys):
    for connection in (a, b):
        connection.call('FLUSHALL')
        configure(connection, numbers)
    for i in range(keys):
        key = 'k%d' % i
        source, target = (a, b) if i % 2 else (b, a)
        fill(source, key, numbers)
        expected = contents(source, key)
        move(source, target, key, 'there')
        if contents(target, 'there') != expected:
            raise Failure('%r moved from %s is not the same' % (expected, source.name))
        move(target, source, 'there', 'back')
        if contents(source, 'back') != expected:
            raise Failure('%r moved from %s and back is not the same' % (expected, source.name))
        source.call('DEL', 'back')
        target.call('DEL', 'there')
    return keys


# ----------------------------------------------------------------------------- options and errors


def same(a, b, *command):
    """Both servers give the same reply."""
    replies = [connection.call(*command) for connection in (a, b)]
    if replies[0] != replies[1]:
        raise Failure('%r: %r and %r' % (command, *replies))
    return replies[0]


def options_and_errors(a, b):
    for connection in (a, b):
        connection.call('FLUSHALL')
    a.call('RPUSH', 'list', *range(20))
    good = a.call('DUMP', 'list').value
    later = int(time.time() * 1000) + 10**7
    past = int(time.time() * 1000) - 1000
    same(a, b, 'DUMP', 'absent')
    a.call('DEL', 'list')
    for ttl in (0, 10**7, later, past, 1, -1, 'x', '', '9223372036854775808'):
        for words in ((), ('REPLACE',), ('absttl',), ('ABSTTL', 'replace'), ('IDLETIME', 3000),
                      ('FREQ', 200), ('IDLETIME', -1), ('IDLETIME', 'x'), ('IDLETIME',),
                      ('FREQ', 256), ('FREQ', -1), ('FREQ', 'x'), ('FREQ',), ('NOSUCH',),
                      ('FREQ', 1, 'IDLETIME', 1), ('IDLETIME', 1, 'FREQ', 1), ('IDLETIME', 0),
                      ('REPLACE', 'IDLETIME', 100, 'ABSTTL')):
            if ttl == 1 and 'absttl' not in [str(word).lower() for word in words]:
                continue  # it would be chance whether the key is there yet
            for payload in (good, good[:-1], good[:-1] + b'\xff', b'', b'x', good[:9],
                            good[:-10] + b'\x51\x00' + good[-8:]):
                same(a, b, 'RESTORE', 'k', ttl, payload, *words)
                same(a, b, 'LRANGE', 'k', 0, -1)
                idle = [connection.call('OBJECT', 'IDLETIME', 'k').value for connection in (a, b)]
                if idle.count(None) == 1 or None not in idle and abs(idle[0] - idle[1]) > 8:
                    raise Failure('RESTORE k %s %r: OBJECT IDLETIME %r' % (ttl, words, idle))
                near = [connection.call('PTTL', 'k').value for connection in (a, b)]
                if abs(near[0] - near[1]) > 8000 or min(near) < 0 and near[0] != near[1]:
                    raise Failure('RESTORE k %s %r: PTTL %r' % (ttl, words, near))
            same(a, b, 'DEL', 'k')
            same(a, b, 'SET', 'k', 'v')
            same(a, b, 'RESTORE', 'k', ttl, good, *words)
            same(a, b, 'TYPE', 'k')
            same(a, b, 'DEL', 'k')
    for command in ((), ('k',), ('k', 0)):
        same(a, b, 'RESTORE', *command)
    same(a, b, 'DUMP')
    same(a, b, 'DUMP', 'k', 'l')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--rounds', type=int,
                        default=100 if os.environ.get('KVSTORE_TEST_FULL') else 4)
    parser.add_argument('--seed', type=int, default=int.from_bytes(os.urandom(4), 'little'))
    parser.add_argument('--server')
    given = parser.parse_args()
    if not os.environ.get('REDIS_SERVER') and not shutil.which('redis-server'):
        print('there is no redis-server to move values from and to')
        return 77
    print('seed %d' % given.seed, flush=True)
    numbers = random.Random(given.seed)
    servers = [redis_server(), kvstore_server(given.server)]
    try:
        a, b = (server.start().connect() for server in servers)
        a.name, b.name = 'redis', 'kvstore'
        moved = sum(there_and_back(a, b, numbers, 100) for _ in range(given.rounds))
        print('%d values moved there and back' % moved)
        options_and_errors(a, b)
    except Failure as failure:
        print('FAILED: %s' % str(failure)[:4000])
        return 1
    finally:
        for server in servers:
            server.stop()
    return 0


if __name__ == '__main__':
    sys.exit(main())
