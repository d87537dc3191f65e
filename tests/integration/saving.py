"""
saving.py -- the RDB file: it moves between redis-server and kvstore-server, and survives what ends
a server.

    python3 saving.py [--rounds N] [--seed N] [--server PATH]

  1. Both ways: random values of every type in several databases, some with deadlines, are saved by
     one server and loaded by the other; DEBUG DIGEST, every value with what belongs to it and every
     deadline are compared, and redis-check-rdb has nothing to say.
     How long a key was not used goes along under an LRU policy, and only then.
  2. kill -9 while saves are under way and clients write: the file that is found is the old or the
     new one, whole, of one instant, and not older than the last save that was acknowledged.
  3. Ends: SIGTERM and SHUTDOWN save where there are save points, and say so if they cannot.
  4. Bad files: the offset and what was expected, exit status 1, the file as it was.
  5. Loading: clients are told, a signal ends it.
  6. Configuration: lines `save`, CONFIG REWRITE, errors as redis-server has them.

Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if set: more rounds).
Without redis-server the exit status is 77.
"""

import argparse
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import children
from moving import contents, configure, fill
from promise import Failure, check
from wire import NoReply, Server, kvstore_server, redis_server

IS_FULL = bool(os.environ.get('KVSTORE_TEST_FULL'))
PATIENCE_S = 20
PAUSE_S = 0.005


class Starter:
    """Starts either server in a given directory."""

    def __init__(self, program):
        self.program = program

    def server(self, name, directory, *options):
        server = (redis_server(options) if name == 'redis'
                  else kvstore_server(self.program, options))
        shutil.rmtree(server.directory)
        return Server(server.program, server.options, directory=directory, name=name)


def until(condition, message):
    """Counts steps, not the clock: a machine that stood still meanwhile has done nothing either."""
    for _ in range(int(PATIENCE_S / PAUSE_S)):
        if condition():
            return
        time.sleep(PAUSE_S)
    check(condition(), message)


def info(connection, name):
    text = connection.call('INFO', 'persistence').value.decode()
    return re.search(r'^%s:(.*?)\r$' % name, text, re.M)[1]


def await_save(connection):
    until(lambda: info(connection, 'rdb_bgsave_in_progress') == '0', 'BGSAVE does not end')


def save_in_background(connection):
    saved = connection.call('BGSAVE')
    check(saved.value == b'Background saving started', 'BGSAVE: %r' % (saved,))
    await_save(connection)
    check(info(connection, 'rdb_last_bgsave_status') == 'ok', 'BGSAVE failed')


# ------------------------------------------------------------------------------- 1. both ways


def fill_databases(connection, numbers, keys):
    """Some keys in some databases; returns their names by database."""
    made = {}
    for database in numbers.sample(range(16), 3):
        connection.call('SELECT', database)
        configure(connection, numbers)
        made[database] = ['k%d' % i for i in range(keys)]
        for key in made[database]:
            fill(connection, key, numbers)
            if numbers.random() < 0.3:
                connection.call('PEXPIREAT', key, int(time.time() * 1000) + 10**8)
        connection.call('SET', 'short', 'v', 'PX', 1)
    time.sleep(0.002)
    return made


def everything(connection, made):
    found = {}
    for database, keys in made.items():
        connection.call('SELECT', database)
        check(connection.call('EXISTS', 'short').value == 0, 'an expired key is there')
        for key in keys:
            found[database, key] = (contents(connection, key),
                                    connection.call('PEXPIRETIME', key).value)
    return found, connection.call('DEBUG', 'DIGEST').value


def check_file(path):
    tool = shutil.which('redis-check-rdb')
    if tool is None:
        return
    done = subprocess.run([tool, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(done.returncode == 0 and b'RDB looks OK' in done.stdout,
          'redis-check-rdb: %s' % done.stdout[-2000:].decode('utf-8', 'replace'))


def one_way(starter, names, directory, numbers, keys):
    options = ['--rdbcompression', numbers.choice(('yes', 'no')),
               '--rdbchecksum', numbers.choice(('yes', 'no'))]
    path = os.path.join(directory, 'dump.rdb')
    first = starter.server(names[0], directory, *options)
    try:
        connection = first.start().connect()
        made = fill_databases(connection, numbers, keys)
        expected = everything(connection, made)
        if numbers.random() < 0.5:
            save_in_background(connection)
        else:
            check(connection.call('SAVE').value == b'OK', 'SAVE failed')
    finally:
        first.kill()
    check_file(path)
    with open(path, 'rb') as file:
        saved = file.read()
    second = starter.server(names[1], directory)
    try:
        connection = second.start().connect()
        found = everything(connection, made)
        loaded = int(info(connection, 'rdb_last_load_keys_loaded'))
    finally:
        second.kill()
    for place, value in expected[0].items():
        check(found[0][place] == value, '%s to %s: %r holds %r, expected %r' % (
            *names, place, found[0][place], value))
    check(found[1] == expected[1], '%s to %s: DEBUG DIGEST differs' % names)
    check(loaded == len(expected[0]), '%d keys loaded' % loaded)
    with open(path, 'rb') as file:
        check(file.read() == saved, 'loading changed the file')
    os.unlink(path)
    return len(expected[0])


def idle_times(starter, names, directory, policy, is_told):
    """How long a key was not used, in a file that moves and in a DEBUG RELOAD."""
    def must_be_told(connection, where):
        found = connection.call('OBJECT', 'IDLETIME', 'key').value
        check((found >= 1000) == is_told, '%s to %s, %s, %s: OBJECT IDLETIME is %r' % (
            *names, policy, where, found))

    first = starter.server(names[0], directory, '--maxmemory-policy', policy)
    try:
        connection = first.start().connect()
        connection.call('SET', 'other', 'value')
        dumped = connection.call('DUMP', 'other').value
        restored = connection.call('RESTORE', 'key', 0, dumped, 'IDLETIME', 1000)
        check(restored.value == b'OK', 'RESTORE: %r' % (restored,))
        save_in_background(connection)
        connection.call('DEBUG', 'RELOAD')
        must_be_told(connection, 'DEBUG RELOAD')
    finally:
        first.kill()
    path = os.path.join(directory, 'dump.rdb')
    with open(path, 'rb') as file:
        told = re.search(rb'\xf8\x43.\x00\x03key', file.read(), re.S)
    check(bool(told) == is_told, '%s: the idle time under %s' % (names[0], policy))
    check_file(path)
    second = starter.server(names[1], directory)
    try:
        must_be_told(second.start().connect(), 'a file')
    finally:
        second.kill()
    os.unlink(path)


def both_ways(starter, directory, numbers, rounds):
    moved = 0
    for _ in range(rounds):
        for names in (('kvstore', 'redis'), ('redis', 'kvstore'), ('kvstore', 'kvstore')):
            moved += one_way(starter, names, directory, numbers, 60)
    for names in (('kvstore', 'redis'), ('redis', 'kvstore')):
        for policy, is_told in (('allkeys-lru', True), ('volatile-lru', True),
                                ('allkeys-random', False), ('noeviction', False)):
            idle_times(starter, names, directory, policy, is_told)
    print('%d keys moved in files' % moved, flush=True)


# --------------------------------------------------------------------------------- 2. kill -9

GROUP = 16
FILLING = 20000


class Writer(threading.Thread):
    """Sets all keys of its group to the next number, in one transaction, as fast as it can."""

    def __init__(self, server, name, first):
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.name_bytes = name
        self.number = first  # of the last transaction that was acknowledged

    def run(self):
        try:
            while True:
                number = self.number + 1
                self.connection.call('MULTI')
                for i in range(GROUP):
                    self.connection.call('SET', b'%s:%d' % (self.name_bytes, i), number)
                check(self.connection.call('EXEC').kind == '*', 'EXEC was refused')
                self.number = number
        except (NoReply, OSError):
            pass


def kill_round(starter, directory, numbers, saved):
    """One life of a server: returns the writers' numbers at the last acknowledged save."""
    server = starter.server('kvstore', directory)
    writers = []
    try:
        connection = server.start().connect()
        if connection.call('EXISTS', 'filling:0').value == 0:
            connection.call('DEBUG', 'POPULATE', FILLING, 'filling', 50)
        for name, least in saved.items():
            values = {connection.call('GET', b'%s:%d' % (name, i)).value for i in range(GROUP)}
            check(len(values) == 1, '%r is of more than one instant: %r' % (name, values))
            value = int(values.pop() or 0)
            check(value >= least, '%r has %d, but %d was saved' % (name, value, least))
            writers.append(Writer(server, name, value))
            writers[-1].start()
        end = time.monotonic() + numbers.random() * numbers.choice((0.05, 0.2))
        while time.monotonic() < end:
            before = {writer.name_bytes: writer.number for writer in writers}
            if connection.call('SAVE').value == b'OK':
                saved = before
        connection.call('BGSAVE')
        time.sleep(numbers.random() * 0.03)
    finally:
        server.kill()
    for writer in writers:
        writer.join()
        writer.connection.close()
    return saved


def kills(starter, directory, numbers, rounds):
    saved = {b'one': 0, b'two': 0}
    for _ in range(rounds):
        saved = kill_round(starter, directory, numbers, saved)
        for name in os.listdir(directory):
            if name.startswith('temp-'):
                os.unlink(os.path.join(directory, name))
    check(rounds < 20 or max(saved.values()) > 0, 'nothing was saved')
    print('%d times killed, %s transactions' % (rounds, sum(saved.values())), flush=True)


# ------------------------------------------------------------------------------------ 3. ends


def ends(starter, directory):
    path = os.path.join(directory, 'dump.rdb')

    def life(how, *options):
        server = starter.server('kvstore', directory, *options)
        connection = server.start().connect()
        was = connection.call('GET', 'a').value
        connection.call('SET', 'a', how)
        if how.startswith('SIG'):
            server.process.send_signal(getattr(signal, how))
        else:
            try:
                connection.call(*how.split())
            except (NoReply, OSError):
                pass
        check(server.process.wait(PATIENCE_S) == 0, '%s does not end it well' % how)
        return was

    points = ('--save', '900 1')
    check(life('SHUTDOWN', *points) is None, 'the directory is not empty')
    check(life('SIGTERM', *points) == b'SHUTDOWN', 'SHUTDOWN has not saved')
    check(life('SIGINT', *points) == b'SIGTERM', 'SIGTERM has not saved')
    check(life('SHUTDOWN NOSAVE', *points) == b'SIGINT', 'SIGINT has not saved')
    check(life('SHUTDOWN SAVE') == b'SIGINT', 'SHUTDOWN NOSAVE has saved')
    check(life('SHUTDOWN') == b'SHUTDOWN SAVE', 'SHUTDOWN SAVE has not saved')
    check(life('SHUTDOWN NOSAVE') == b'SHUTDOWN SAVE', 'SHUTDOWN without save points has saved')
    os.unlink(path)

    # No room: a signal and SHUTDOWN are refused, until there is.
    soft = resource.getrlimit(resource.RLIMIT_FSIZE)
    server = starter.server('kvstore', directory, *points)
    server.restore_signals = False  # Python ignores SIGXFSZ
    server.start()
    connection = server.connect()
    connection.call('SET', 'a', b'x' * 2000000)
    connection.call('CONFIG', 'SET', 'rdbcompression', 'no')
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1000000, soft[1]))
    server.process.terminate()
    until(lambda: 'signal is ignored' in server.log_text(), 'SIGTERM is not refused')
    check(connection.call('SHUTDOWN').value == b'ERR Errors trying to SHUTDOWN. Check logs.',
          'SHUTDOWN is not refused')
    check(connection.call('SAVE').kind == '-', 'SAVE without room')
    check(connection.call('SET', 'a', b'y' * 2000000).value == b'OK', 'writes are refused')
    left = [name for name in os.listdir(directory) if name.endswith('.rdb')]
    check(not left, '%r is left' % left)
    connection.call('BGSAVE')
    until(lambda: info(connection, 'rdb_last_bgsave_status') == 'err', 'BGSAVE without room')
    check(connection.call('SET', 'a', 1).value.startswith(b'MISCONF Redis is configured'), 'SET')
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, soft)
    server.process.terminate()
    check(server.process.wait(PATIENCE_S) == 0, 'SIGTERM with room')
    check_file(path)
    os.unlink(path)
    print('ends are orderly', flush=True)


# ------------------------------------------------------------------------------- 4. bad files


def refuses(starter, directory, path, bytes_of_file):
    with open(path, 'wb') as file:
        file.write(bytes_of_file)
    os.chmod(path, 0o600)
    before = os.stat(path)
    server = starter.server('kvstore', directory)
    if os.path.exists(server.log):
        os.unlink(server.log)
    server.launch()
    check(server.process.wait(PATIENCE_S) == 1, 'a bad file does not end it with 1')
    after = os.stat(path)
    check((before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino), 'touched')
    with open(path, 'rb') as file:
        check(file.read() == bytes_of_file, 'the bad file was changed')
    log = server.log_text()
    found = re.search(r'kvstore-server: .*dump.rdb: offset (\d+): ', log)
    check(found, 'no offset: %s' % log[-500:])
    check(int(found[1]) <= len(bytes_of_file), 'offset %s of %d' % (found[1], len(bytes_of_file)))


def bad_files(starter, directory, numbers, rounds):
    path = os.path.join(directory, 'dump.rdb')
    server = starter.server('kvstore', directory)
    connection = server.start().connect()
    fill_databases(connection, numbers, 10)
    connection.call('SAVE')
    server.kill()
    with open(path, 'rb') as file:
        good = file.read()
    for _ in range(rounds):
        refuses(starter, directory, path, good[:numbers.randrange(len(good))])
        at = numbers.randrange(9, len(good))
        bad = bytearray(good)
        bad[at] ^= 1 << numbers.randrange(8)
        refuses(starter, directory, path, bytes(bad))
    refuses(starter, directory, path, b'')
    refuses(starter, directory, path, b'*1\r\n$4\r\nPING\r\n')
    os.unlink(path)
    print('%d bad files refused' % (2 * rounds + 2), flush=True)


# --------------------------------------------------------------------------------- 5. loading


def connect(server):
    """A connection as soon as there can be one."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return server.connect()
        except OSError:
            check(time.monotonic() < deadline, 'it does not listen')
            time.sleep(0.005)


def loading(starter, directory):
    server = starter.server('kvstore', directory)
    connection = server.start().connect()
    connection.call('DEBUG', 'POPULATE', 2000)
    connection.call('SAVE')
    server.kill()
    slow = starter.server('kvstore', directory, '--key-load-delay', '1000', '--save', '900 1')
    slow.launch()
    connection = connect(slow)
    check(connection.call('GET', 'key:1').value
          == b'LOADING Redis is loading the dataset in memory', 'GET while loading')
    check(connection.call('SAVE').value.startswith(b'LOADING'), 'SAVE while loading')
    check(info(connection, 'loading') == '1', 'INFO while loading')
    check(connection.call('LASTSAVE').kind == ':', 'LASTSAVE while loading')
    until(lambda: connection.call('GET', 'key:1').value == b'value:1', 'it does not end')
    check(info(connection, 'rdb_changes_since_last_save') == '0', 'changes of loading')
    slow.kill()
    slow.launch()
    connect(slow)
    slow.process.terminate()
    check(slow.process.wait(PATIENCE_S) == 0, 'SIGTERM while loading')
    slow.launch()
    try:
        connect(slow).call('SHUTDOWN', 'SAVE')
    except (NoReply, OSError):
        pass
    check(slow.process.wait(PATIENCE_S) == 0, 'SHUTDOWN while loading')
    again = starter.server('kvstore', directory)
    connection = again.start().connect()
    check(connection.call('DBSIZE').value == 2000, 'half the data replaced the file')
    again.kill()
    os.unlink(os.path.join(directory, 'dump.rdb'))
    print('loading is told', flush=True)


# --------------------------------------------------------------------------- 6. configuration


def points(connection):
    return connection.call('CONFIG', 'GET', 'save').value[1].value


def configuration(starter, directory):
    path = os.path.join(directory, 'conf')
    cases = ((b'', (), b'3600 1 300 100 60 10000'),
             (b'save 900 1\nsave 300 10\n', (), b'900 1 300 10'),
             (b'save 900 1 300 10\nsave 60 5\n', (), b'900 1 300 10 60 5'),
             (b'save 900 1\nsave ""\n', (), b''),
             (b'save 900 1\n', ('--save', ''), b''),
             (b'save 900 1\n', ('--save', '60', '5'), b'900 1 60 5'),
             (b'save ""\n', (), b''))
    for lines, options, expected in cases:
        with open(path, 'wb') as file:
            file.write(lines)
        server = starter.server('kvstore', directory)
        process = children.start(
            [server.program, path, '--port', '0', '--unixsocket', server.path, '--dir', directory,
             *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=directory)
        try:
            connection = connect(server)
            until(lambda: connection.call('PING').kind == '+', 'it does not serve')
            check(points(connection) == expected, '%r %r: save is %r' % (
                lines, options, points(connection)))
            connection.call('CONFIG', 'SET', 'save', '77 7 88 8')
            check(connection.call('CONFIG', 'REWRITE').value == b'OK', 'CONFIG REWRITE')
        finally:
            process.kill()
            process.wait()
        with open(path, 'rb') as file:
            text = file.read()
        check(text.count(b'save 77 7 88 8\n') == 1 and text.count(b'\nsave') <= 1,
              'CONFIG REWRITE: %r' % text)
        os.unlink(server.path)
    print('save points are read and written', flush=True)


def same_errors(starter, directory):
    """One after another, what does not depend on the moment."""
    commands = ([['SAVE', 'x'], ['BGSAVE', 'x'], ['BGSAVE', 'SCHEDULE', 'x'], ['LASTSAVE', 'x'],
                 ['SAVE'], ['DEBUG', 'RELOAD', 'x'], ['DEBUG', 'RELOAD'],
                 ['DEBUG', 'RELOAD', 'NOSAVE'], ['DEBUG', 'RELOAD', 'NOFLUSH', 'MERGE'],
                 ['MULTI'], ['SAVE'], ['EXEC'], ['MULTI'], ['BGSAVE'], ['BGSAVE', 'SCHEDULE'],
                 ['BGSAVE', 'x'], ['EXEC'],
                 ['SHUTDOWN', 'ABORT'], ['SHUTDOWN', 'SAVE', 'NOSAVE'],
                 ['CONFIG', 'SET', 'dir', '/tmp'], ['CONFIG', 'SET', 'dbfilename', 'x'],
                 ['CONFIG', 'SET', 'rdbchecksum', 'no'], ['CONFIG', 'SET', 'rdbcompression', '1'],
                 ['CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'x'],
                 ['CONFIG', 'SET', 'sanitize-dump-payload', 'x'],
                 ['CONFIG', 'GET', 'rdb-key-save-delay'], ['CONFIG', 'GET', 'dbfilename'],
                 ['DBSIZE'], ['GET', 'a']]
                + [['CONFIG', 'SET', 'save', value] for value in (
                    '', '1', '1 1', '0 1', '1 -1', '1 0', '1  1', ' 1 1', '1 1 ', '1 1 2', 'x 1',
                    '2147483648 1', '1 2147483647', '1 2147483648', '+1 1', '01 1', '1 1 2 2 3 3')]
                + [['CONFIG', 'GET', 'save']])
    replies = []
    for name in ('redis', 'kvstore'):
        server = starter.server(name, directory)
        connection = server.start().connect()
        connection.call('SET', 'a', '1')
        replies.append([connection.call(*command) for command in commands])
        await_save(connection)
        server.kill()
        os.unlink(os.path.join(directory, 'dump.rdb'))
    for command, (theirs, ours) in zip(commands, zip(*replies)):
        check(theirs == ours, '%r: %r, redis-server: %r' % (command, ours, theirs))
    print('%d replies are those of redis-server' % len(commands), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--rounds', type=int, default=30 if IS_FULL else 3)
    parser.add_argument('--kills', type=int, default=500 if IS_FULL else 25)
    parser.add_argument('--seed', type=int, default=int.from_bytes(os.urandom(4), 'little'))
    parser.add_argument('--server')
    given = parser.parse_args()
    if not os.environ.get('REDIS_SERVER') and not shutil.which('redis-server'):
        print('there is no redis-server to move files from and to')
        return 77
    print('seed %d' % given.seed, flush=True)
    numbers = random.Random(given.seed)
    starter = Starter(given.server)
    directory = children.new_directory('kvstore-test-')
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        same_errors(starter, directory)
        both_ways(starter, directory, numbers, given.rounds)
        ends(starter, directory)
        bad_files(starter, directory, numbers, 4 * given.rounds)
        loading(starter, directory)
        configuration(starter, directory)
        kills(starter, directory, numbers, given.kills)
    except Failure as failure:
        print('FAILED: %s' % str(failure)[:4000])
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
