"""
appendonly.py -- an append-only file goes from redis-server to kvstore-server and back.

    python3 appendonly.py [--rounds N] [--seed N] [--server PATH]

  1. A directory goes round: each server in turn starts on it, must find what the other finds there,
     key by key with deadlines, changes much of it, now and then rewrites it, in each form a base can
     have, or turns it off and on, and ends, sometimes by kill -9. What it finds in its own files is
     what it had, but for what commands cannot tell of consumer groups.
  2. A load up to a second finds what there was then, and touches nothing.

  3. Turned on after `dir` was changed, the file is where a restart with the configuration that was
     rewritten looks for it. A file that is on stays, and the configuration is not rewritten as if
     it had not.

The seed is printed. Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if
set: more rounds). Without redis-server the exit status is 77.
"""

import argparse
import os
import random
import shutil
import sys
import time

import children
from moving import contents, fill
from promise import Failure
from wire import Server, kvstore_server, redis_server

DATABASES = (0, 1, 9)
FAR_FUTURE = 4102444800000
OPTIONS = ('--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0')


def start(model, directory, *options):
    """The server that `model` describes, on this directory."""
    shutil.rmtree(model.directory)
    server = Server(model.program, model.options + list(OPTIONS + options), directory=directory,
                    name=model.name)
    return server.start(60)


def state(connection):
    """All keys with values and deadlines."""
    found = {}
    for database in DATABASES:
        connection.call('SELECT', database)
        for key in connection.call('KEYS', '*').value:
            found[database, key.value] = (contents(connection, key.value),
                                          connection.call('PEXPIRETIME', key.value).value)
    return found


def narrow(a, b):
    """The first parts of two values that differ, and where they are."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                where, x, y = narrow(x, y)
                return [i] + where, x, y
    return [], a, b


def differences(expected, found):
    for name in sorted(set(expected) | set(found)):
        if expected.get(name) != found.get(name):
            return '%r differs at %r: was %.800r and is %.800r' % (
                (name,) + narrow(expected.get(name), found.get(name)))
    return None


def is_group(pairs):
    return any(pair[0] == b'last-delivered-id' for pair in pairs)


def is_consumer(pairs):
    return bool(pairs) and pairs[0][0] == b'name' and not is_group(pairs)


def told_by_commands(found):
    """
    Of streams what commands tell: neither consumers who have nothing pending, nor how many entries
    a group has read, are made anew by each version of XCLAIM.
    """
    told = {}
    for name, (value, deadline) in found.items():
        if value and value[0] == b'stream':
            parts = [part for part in value[1][2:] if not is_consumer(part)]
            parts = [[pair for pair in part if pair[0] in (b'name', b'pending', b'last-delivered-id')]
                     if part and is_group(part) else part for part in parts]
            value = (value[0], value[1][:2], parts)
        told[name] = (value, deadline)
    return told


def without_groups(found):
    """Of streams only the entries and what is known of them."""
    return {name: (value[:2] if value and value[0] == b'stream' else value, deadline)
            for name, (value, deadline) in told_by_commands(found).items()}


def change(connection, numbers, count):
    """Makes, replaces, changes and removes keys, alone and in transactions."""
    for _ in range(count):
        connection.call('SELECT', numbers.choice(DATABASES))
        key = 'k%d' % numbers.randrange(40)
        what = numbers.randrange(10)
        if what < 5:
            connection.call('DEL', key)
            fill(connection, key, numbers)
        elif what == 5:
            connection.call('DEL', key)
        elif what == 6:
            connection.call('PEXPIREAT', key, FAR_FUTURE + numbers.randrange(10**6))
        elif what == 7:
            connection.call('RENAME', key, 'k%d' % numbers.randrange(40))
        elif what == 8:
            connection.call('MULTI')
            for i in range(3):
                connection.call('INCR', 'counter:%d' % i)
            connection.call('EXEC')
        else:
            connection.call('APPEND', 'text', '%d,' % numbers.randrange(100))


def await_rewrite(connection):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        info = connection.call('INFO', 'persistence').value
        if b'aof_rewrite_in_progress:0' in info and b'aof_rewrite_scheduled:0' in info:
            if b'aof_last_bgrewrite_status:ok' not in info:
                raise Failure('a rewrite failed')
            return
        time.sleep(0.01)
    raise Failure('a rewrite does not end')


def work(connection, numbers):
    """One server's turn at the directory; it ends with no rewrite under way."""
    for name in ('aof-use-rdb-preamble', 'aof-timestamp-enabled'):
        connection.call('CONFIG', 'SET', name, numbers.choice(('yes', 'no')))
    change(connection, numbers, 30)
    for _ in range(numbers.randrange(3)):
        if numbers.random() < 0.3:
            connection.call('CONFIG', 'SET', 'appendonly', 'no')
            change(connection, numbers, 5)
            reply = connection.call('CONFIG', 'SET', 'appendonly', 'yes')
        else:
            reply = connection.call('BGREWRITEAOF')
        if reply.kind != '+':
            raise Failure('a rewrite is answered with %r' % (reply,))
        change(connection, numbers, 10)
        await_rewrite(connection)
    change(connection, numbers, 10)


def find(model, directory, *options):
    """What a server finds in a copy of the directory."""
    copy = children.new_directory('kvstore-appendonly-')
    try:
        shutil.copytree(os.path.join(directory, 'appendonlydir'),
                        os.path.join(copy, 'appendonlydir'))
        server = start(model, copy, *options)
        try:
            connection = server.connect()
            found = state(connection)
            connection.close()
            return found
        finally:
            server.stop()
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def take_turn(model, directory, expected, numbers):
    """Checks what is there, changes it, and returns what it was in the end."""
    server = start(model, directory)
    try:
        connection = server.connect()
        wrong = differences(told_by_commands(expected), told_by_commands(state(connection)))
        if wrong:
            raise Failure('%s: %s' % (server.name, wrong))
        work(connection, numbers)
        left = state(connection)
        connection.close()
        if numbers.random() < 0.3:
            server.kill()
        return left
    finally:
        server.stop()


def go_round(models, numbers, turns):
    directory = children.new_directory('kvstore-appendonly-')
    expected = {}
    try:
        for turn in range(turns):
            model = models[turn % 2]
            left = take_turn(model(), directory, expected, numbers)
            expected = find(model(), directory)
            wrong = differences(without_groups(left), without_groups(expected))
            if wrong:
                raise Failure('turn %d, its own files: %s' % (turn, wrong))
        return len(expected)
    except (Failure, RuntimeError) as error:
        kept = directory + '-kept'
        shutil.copytree(directory, kept)
        raise Failure('%s (files in %s)' % (error, kept))
    finally:
        shutil.rmtree(directory)


def load_until(models, directory):
    """What came by each second is there, and the files are as they were."""
    server = start(models[0](), directory, '--aof-timestamp-enabled', 'yes')
    moments = []
    for i in range(4):
        connection = server.connect()
        connection.call('RPUSH', 'list', i)
        moments.append(int(time.time()))
        connection.close()
        time.sleep(2.1)
    server.stop()
    folder = os.path.join(directory, 'appendonlydir')

    def files():
        return {name: open(os.path.join(folder, name), 'rb').read() for name in os.listdir(folder)}

    before = files()
    for i, moment in enumerate(moments):
        server = start(models[1](), directory, '--aof-load-until', str(moment))
        connection = server.connect()
        found = [one.value for one in connection.call('LRANGE', 'list', 0, -1).value]
        if found != [b'%d' % n for n in range(i + 1)]:
            raise Failure('up to second %d there is %r' % (i, found))
        reply = connection.call('RPUSH', 'list', 'x')
        if not reply.value.startswith(b'READONLY'):
            raise Failure('a write after a load of a part is answered with %r' % (reply,))
        connection.close()
        server.stop()
        if files() != before:
            raise Failure('a load up to a second changed the files')


class Configured(Server):
    """A server that is told everything by its configuration, `dir` too."""

    def arguments(self):
        return [self.configuration]


def configured(model, directory, parent):
    server = Configured(model.program, [], directory=directory, name=model.name)
    server.configuration = os.path.join(directory, 'conf')
    with open(server.configuration, 'w') as file:
        file.write('port 0\nunixsocket %s\ndir %s\nenable-protected-configs yes\nsave ""\n'
                   'appendfsync always\n' % (server.path, parent))
    return server


def expect(connection, reply, *words):
    found = connection.call(*words)
    if found.value != reply and not (isinstance(reply, bytes) and reply in (found.value or b'')):
        raise Failure('%r is answered with %r, not %r' % (words, found, reply))


def change_directory(model, directory):
    """Turns the file on elsewhere, rewrites the configuration, starts again by it."""
    old, new = (os.path.join(directory, name) for name in ('old', 'new'))
    os.mkdir(old)
    os.mkdir(new)
    server = configured(model, directory, old).start()
    connection = server.connect()
    expect(connection, b'OK', 'SET', 'before', 1)
    expect(connection, b'OK', 'CONFIG', 'SET', 'dir', new)
    expect(connection, b'OK', 'CONFIG', 'SET', 'appendonly', 'yes')
    await_rewrite(connection)
    expect(connection, b'OK', 'SET', 'after', 2)
    expect(connection, b'OK', 'CONFIG', 'REWRITE')
    if os.listdir(old) or os.listdir(new) != ['appendonlydir']:
        raise Failure('%s: the append-only file is not where dir is: %r, %r'
                      % (model.name, os.listdir(old), os.listdir(new)))
    server.kill()
    server.start()
    connection = server.connect()
    expect(connection, 2, 'DBSIZE')
    return server, connection, old


def stay_in_directory(model, directory):
    """Goes on with a file that is on and a `dir` that changes; a crash never finds less."""
    server, connection, other = change_directory(model, directory)
    expect(connection, b'OK', 'CONFIG', 'SET', 'dir', other)
    expect(connection, b'append-only file', 'CONFIG', 'REWRITE')
    connection.call('BGREWRITEAOF')
    await_rewrite(connection)
    expect(connection, b'OK', 'SET', 'third', 3)
    server.kill()
    server.start()
    connection = server.connect()
    expect(connection, 3, 'DBSIZE')

    # Where its directory cannot be made nothing is changed.
    expect(connection, b'OK', 'CONFIG', 'SET', 'appendonly', 'no')
    with open(os.path.join(other, 'appendonlydir'), 'w'):
        pass
    expect(connection, b'Unable to turn on AOF', 'CONFIG', 'SET', 'dir', other, 'appendonly', 'yes')
    expect(connection, b'CONFIG SET failed', 'CONFIG', 'SET', 'dir', other + '/absent')
    expect(connection, b'OK', 'CONFIG', 'SET', 'appendonly', 'yes')
    await_rewrite(connection)
    os.unlink(os.path.join(other, 'appendonlydir'))
    if os.listdir(other):
        raise Failure('the append-only file is in a directory that was refused')

    # Turned off and on, it moves.
    expect(connection, b'OK', 'CONFIG', 'SET', 'appendonly', 'no')
    expect(connection, b'OK', 'CONFIG', 'SET', 'dir', other)
    expect(connection, b'OK', 'CONFIG', 'SET', 'appendonly', 'yes')
    await_rewrite(connection)
    expect(connection, b'OK', 'SET', 'fourth', 4)
    expect(connection, b'OK', 'CONFIG', 'REWRITE')
    server.kill()
    server.start()
    connection = server.connect()
    expect(connection, 4, 'DBSIZE')
    server.stop()


def in_directory(step, model):
    directory = children.new_directory('kvstore-moves-')
    try:
        return step(model, directory)
    finally:
        shutil.rmtree(directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--rounds', type=int,
                        default=30 if os.environ.get('KVSTORE_TEST_FULL') else 1)
    parser.add_argument('--seed', type=int, default=int.from_bytes(os.urandom(4), 'little'))
    parser.add_argument('--server')
    given = parser.parse_args()
    if not os.environ.get('REDIS_SERVER') and not shutil.which('redis-server'):
        print('there is no redis-server to exchange files with')
        return 77
    print('seed %d' % given.seed, flush=True)
    numbers = random.Random(given.seed)
    models = [redis_server, lambda: kvstore_server(given.server)]
    try:
        keys = sum(go_round(models[::numbers.choice((1, -1))], numbers, 6)
                   for _ in range(given.rounds))
        print('%d keys came round' % keys, flush=True)
        for order in (models, models[1:] * 2):
            directory = children.new_directory('kvstore-until-')
            try:
                load_until(order, directory)
            finally:
                shutil.rmtree(directory)
        print('loads up to a second are right')
        in_directory(lambda *given: change_directory(*given)[0].stop(), redis_server())
        in_directory(stay_in_directory, kvstore_server(given.server))
        print('the directory may change')
    except (Failure, RuntimeError) as failure:
        print('FAILED: %s' % str(failure)[:4000])
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
