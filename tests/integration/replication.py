"""
replication.py -- redis-server follows kvstore-server: full and partial syncs under writes from
several clients, and equal data sets at the end.

    python3 replication.py [--seconds N] [--rounds N] [--seed N] [--server PATH] [--only NAME]

Each round starts a master with some parameters (streamed or spooled snapshots, small backlogs),
lets several clients write random commands of all types to several databases, in pipelines and
transactions, and meanwhile adds replicas, kills their links, and takes replicas away for longer
than the backlog lasts. Then the writers stop, all replicas catch up, and DEBUG DIGEST tells whether
they have the same data; a replica that met a command it did not know, or that it could not apply,
has counted an error. After that come the cases that need a script: WAIT, min-replicas-to-write,
limits of output, timeouts, an end that waits, redis-cli --rdb and --replica.

Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if set: 40 rounds).
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
from commands import Generator
from promise import Failure, check, free_port
from wire import Connection, NoReply, encode, kvstore_server, parse, redis_server

WRITERS = 3
DATABASES = 4
IS_FULL = bool(os.environ.get('KVSTORE_TEST_FULL'))
# Of these the replicas are told nothing, or they are about the connection, or they wait.
UNWANTED = {b'CLIENT', b'CONFIG', b'DEBUG', b'SHUTDOWN', b'QUIT', b'RESET', b'HELLO', b'SUBSCRIBE',
            b'PSUBSCRIBE', b'SSUBSCRIBE', b'UNSUBSCRIBE', b'PUNSUBSCRIBE', b'SUNSUBSCRIBE', b'AUTH',
            b'SELECT', b'KEYS', b'COMMAND', b'INFO', b'SLOWLOG', b'MONITOR', b'SYNC', b'PSYNC',
            b'REPLICAOF', b'SLAVEOF', b'FAILOVER', b'REPLCONF', b'SAVE', b'BGSAVE', b'WAIT'}


def wait_until(condition, what, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline and not condition():  # this process may have been stopped
            raise Failure('%s: not within %g seconds' % (what, seconds))
        time.sleep(0.02)


class Node:
    """A server on a port, and a connection to ask it."""

    def __init__(self, server, port):
        self.server = server
        self.port = port
        server.start()
        self.asker = server.connect()

    def call(self, *arguments):
        return self.asker.call(*arguments).value

    def info(self, section):
        text = self.call('INFO', section).decode()
        return dict(line.split(':', 1) for line in text.split('\r\n') if ':' in line)

    def link_is_up(self):
        return self.info('replication').get('master_link_status') == 'up'

    def digest(self):
        return self.call('DEBUG', 'DIGEST')

    def stop(self):
        self.asker.close()
        if self.server.is_running():
            self.server.process.terminate()
            self.server.process.wait(20)
        text = self.server.log_text()
        self.server.stop()
        check('Sanitizer' not in text and 'runtime error' not in text, text[-5000:])


def start_master(program, *options):
    port = free_port()
    return Node(kvstore_server(program, ['--port', str(port), '--bind', '127.0.0.1', '--loglevel',
                                         'verbose', *options]), port)


def start_replica(master, *options):
    port = free_port()
    return Node(redis_server(['--port', str(port), '--bind', '127.0.0.1', '--repl-timeout', '20',
                              '--replicaof', '127.0.0.1', str(master.port), *options]), port)


class Writer(threading.Thread):
    """Random commands on one connection until it is told to stop."""

    def __init__(self, master, seed):
        super().__init__(daemon=True)
        self.connection = master.server.connect()
        self.random = random.Random(seed)
        self.generator = Generator(self.random)
        self.is_stopping = False
        self.count = 0
        self.problem = None

    def batch(self):
        commands = []
        if self.random.random() < 0.2:
            commands.append([b'SELECT', b'%d' % self.random.randrange(DATABASES)])
        is_transaction = self.random.random() < 0.3
        if is_transaction:
            commands.append([b'MULTI'])
        for _ in range(self.random.choice((1, 2, 10, 40))):
            arguments = self.generator.command().arguments
            if not arguments or arguments[0].upper() in UNWANTED | {b'MULTI', b'EXEC', b'DISCARD',
                                                                   b'WATCH'}:
                continue
            if arguments[0].upper() in (b'FLUSHDB', b'FLUSHALL', b'SWAPDB') and \
                    self.random.random() < 0.8:
                continue
            commands.append(arguments)
        if is_transaction:
            commands.append([b'EXEC'])
        return commands

    def run(self):
        try:
            while not self.is_stopping:
                commands = self.batch()
                self.connection.start(b''.join(encode(arguments) for arguments in commands))
                self.connection.read(len(commands))
                self.count += len(commands)
        except (NoReply, OSError) as problem:
            if not self.is_stopping:
                self.problem = problem


def settle(master, replicas):
    """Waits until all replicas are where the master is."""
    for replica in replicas:
        wait_until(replica.link_is_up, 'a replica is connected', 60.0)
    offset = int(master.info('replication')['master_repl_offset'])
    for replica in replicas:
        wait_until(lambda node=replica: int(node.info('replication')['slave_repl_offset']) >= offset,
                   'a replica catches up')


def drop_zeros(master):
    """
    Removes sorted sets with a score of 0, which is equal to -0 for everybody but the digest: as a
    command the one may become the other.
    """
    for database in range(16):
        master.call('SELECT', database)
        for key in master.call('KEYS', '*'):
            if master.call('TYPE', key.value) == b'zset' and master.call('ZCOUNT', key.value, 0, 0):
                master.call('DEL', key.value)
    master.call('SELECT', 0)


def differences(a, b):
    """The keys whose values differ, with what the two say of them."""
    lines = []
    for database in range(16):
        for node in (a, b):
            node.call('SELECT', database)
        keys = sorted({key.value for node in (a, b) for key in node.call('KEYS', '*')})
        for key in keys:
            asked = [node.call('DEBUG', 'DIGEST-VALUE', key)[0].value +
                     (b'' if node.call('PTTL', key) < 0 else b' expires') for node in (a, b)]
            if asked[0] != asked[1]:
                shown = [node.call('TYPE', key) + b' ' + (node.call('DUMP', key) or b'')
                         for node in (a, b)]
                lines.append('  %d %r: %r, %r' % (database, key, *shown))
    for node in (a, b):
        node.call('SELECT', 0)
    return '\n'.join(lines[:20])


def compare(master, replicas, what):
    settle(master, replicas)
    drop_zeros(master)
    settle(master, replicas)
    expected = master.digest()
    for replica in replicas:
        found = replica.digest()
        check(found == expected, '%s: the digest of the master is %s, that of a replica %s\n%s' % (
            what, expected, found, differences(master, replica)))
        errors = replica.info('stats').get('unexpected_error_replies', '0')
        check(errors == '0', '%s: a replica could not apply %s commands\n%s' % (
            what, errors, replica.server.log_text()[-3000:]))


# ---------------------------------------------------------------------------------------- rounds


def disturb(master, replicas, numbers):
    """Something that happens to a replica."""
    replica = numbers.choice(replicas)
    what = numbers.random()
    if what < 0.4:
        master.call('CLIENT', 'KILL', 'TYPE', 'replica')
    elif what < 0.7:
        replica.call('CLIENT', 'KILL', 'TYPE', 'master')
    elif what < 0.85:  # away for longer than a small backlog lasts
        replica.call('REPLICAOF', '127.0.0.1', '1')
        time.sleep(numbers.random() * 0.5)
        replica.call('REPLICAOF', '127.0.0.1', str(master.port))
    else:  # its own master for a moment: a full sync
        replica.call('REPLICAOF', 'NO', 'ONE')
        replica.call('REPLICAOF', '127.0.0.1', str(master.port))


def round_of(program, numbers, seconds):
    options = ['--repl-diskless-sync', numbers.choice(('yes', 'yes', 'no')),
               '--repl-diskless-sync-delay', numbers.choice(('0', '0', '1')),
               '--repl-backlog-size', numbers.choice(('16kb', '1mb', '16mb'))]
    if numbers.random() < 0.3:
        options += ['--appendonly', 'yes']
    print('  ' + ' '.join(options), flush=True)
    master = start_master(program, *options)
    replicas = []
    writers = []
    try:
        master.call('SET', 'before', 'the first replica')
        writers = [Writer(master, numbers.random()) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        diskless = ('disabled', 'on-empty-db', 'swapdb')
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if len(replicas) < 2 or (len(replicas) < 3 and numbers.random() < 0.1):
                replicas.append(start_replica(master, '--repl-diskless-load',
                                              numbers.choice(diskless)))
            time.sleep(numbers.random() * 0.6)
            disturb(master, replicas, numbers)
        for writer in writers:
            writer.is_stopping = True
        for writer in writers:
            writer.join(20)
            check(writer.problem is None, 'a writer: %r' % writer.problem)
        compare(master, replicas, 'after %d commands' % sum(w.count for w in writers))
        stats = master.info('stats')
        print('  %d commands, %s full and %s partial syncs' % (
            sum(w.count for w in writers), stats['sync_full'], stats['sync_partial_ok']),
            flush=True)
        check(int(stats['sync_full']) > 0, 'no replica had a full sync')
    except Exception:
        print(master.server.log_text()[-3000:])
        raise
    finally:
        for writer in writers:
            writer.is_stopping = True
        for node in replicas + [master]:
            node.stop()


# ----------------------------------------------------------------------------------------- cases


def all_types(master):
    for database in (0, 2):
        master.call('SELECT', database)
        master.call('SET', 'string', 'x' * 100)
        master.call('SET', 'number', 12345)
        master.call('SET', 'long', os.urandom(300000))
        master.call('SET', 'brief', 'x', 'PX', 10 ** 9)
        master.call('RPUSH', 'list', *range(300))
        master.call('HSET', 'hash', *range(40))
        master.call('HSET', 'large-hash', *range(3000))
        master.call('SADD', 'integers', *range(100))
        master.call('SADD', 'set', *('m%d' % i for i in range(500)))
        master.call('ZADD', 'zset', *range(1, 41))
        master.call('ZADD', 'large-zset', *range(1, 2001))
        master.call('PFADD', 'log', *range(1000))
        for i in range(250):
            master.call('XADD', 'stream', '%d-1' % (i + 1), 'f', i)
        master.call('XGROUP', 'CREATE', 'stream', 'group', 0)
        master.call('XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', 10, 'STREAMS', 'stream',
                    '>')
    master.call('SELECT', 0)


def case_of_types(program):
    for streamed in ('yes', 'no'):
        master = start_master(program, '--repl-diskless-sync', streamed,
                              '--repl-diskless-sync-delay', '0')
        all_types(master)
        replica = start_replica(master)
        try:
            compare(master, [replica], 'all types, repl-diskless-sync %s' % streamed)
            all_types(master)
            compare(master, [replica], 'all types once more')
        finally:
            replica.stop()
            master.stop()


def case_of_field_lifetimes(program):
    """What Redis 7.0 has no command for must not reach it; the data are right all the same."""
    master = start_master(program, '--repl-diskless-sync-delay', '0')
    replica = start_replica(master)
    try:
        settle(master, [replica])
        master.call('HSET', 'h', 'a', 1, 'b', 2, 'c', 3)
        master.call('HPEXPIRE', 'h', 200, 'FIELDS', 1, 'a')
        master.call('MULTI')
        master.call('HPEXPIRE', 'h', 10 ** 8, 'FIELDS', 1, 'b')
        master.call('HSET', 'h', 'd', 4)
        master.call('EXEC')
        master.call('HPERSIST', 'h', 'FIELDS', 1, 'b')
        wait_until(lambda: master.call('HLEN', 'h') == 3, 'a field passes')
        compare(master, [replica], 'lifetimes of fields')
        check(replica.call('HKEYS', 'h') and replica.call('HGET', 'h', 'a') is None, 'field a')
    finally:
        replica.stop()
        master.stop()


def case_of_wait(program):
    master = start_master(program, '--repl-diskless-sync-delay', '0', '--appendonly', 'yes')
    replica = start_replica(master, '--appendonly', 'no')
    try:
        settle(master, [replica])
        client = master.server.connect()
        check(client.call('WAIT', 0, 0).value >= 0, 'WAIT 0')
        for i in range(50):
            client.call('SET', 'k', i)
            check(client.call('WAIT', 1, 5000).value == 1, 'WAIT 1')
        client.call('SET', 'k', 'x')
        began = time.monotonic()
        check(client.call('WAIT', 2, 300).value == 1, 'WAIT 2 counts one')
        check(0.25 < time.monotonic() - began < 3, 'WAIT 2 took its time')
        client.call('SET', 'k', 'y')
        reply = client.call('WAITAOF', 1, 0, 5000).value
        check(reply[0].value == 1 and reply[1].value == 0, 'WAITAOF 1 0: %r' % (reply,))
        client.call('MULTI')
        client.call('SET', 'k', 'z')
        client.call('WAIT', 9, 0)
        check(client.call('EXEC').value is not None, 'WAIT in a transaction')
        role = client.call('ROLE').value
        check(role[0].value == b'master' and len(role[2].value) == 1, 'ROLE')
        # A client that waits for ever is let go by CLIENT UNBLOCK, and by the answer.
        check(client.call('WAIT', 1, 5000).value == 1, 'the replica has all')
        client.start(encode([b'WAIT', b'5', b'0']))
        wait_until(lambda: master.info('clients')['blocked_clients'] == '1', 'a client waits')
        ids = [line.split()[0][3:] for line in master.call('CLIENT', 'LIST').decode().split('\n')
               if ' cmd=wait ' in line]
        check(master.call('CLIENT', 'UNBLOCK', ids[0]) == 1, 'CLIENT UNBLOCK')
        check(parse(client.read(1)[0])[0].value == 1, 'WAIT unblocked')
        client.close()
    finally:
        replica.stop()
        master.stop()


def case_of_min_replicas(program):
    master = start_master(program, '--repl-diskless-sync-delay', '0', '--min-replicas-to-write',
                          '1', '--min-replicas-max-lag', '3')
    try:
        wait_until(lambda: master.call('SET', 'a', 1) ==
                   b'NOREPLICAS Not enough good replicas to write.', 'a write is refused')
        check(master.call('GET', 'a') is None, 'reads go on')
        replica = start_replica(master)
        wait_until(lambda: master.call('SET', 'a', 1) == b'OK', 'a write is taken')
        check(master.info('replication')['min_slaves_good_slaves'] == '1', 'INFO')
        replica.stop()
        wait_until(lambda: master.call('SET', 'a', 1) != b'OK', 'a write is refused again')
    finally:
        master.stop()


def case_of_limits(program):
    """A replica that does not read is closed; the master's memory stays within the limit."""
    master = start_master(program, '--repl-diskless-sync-delay', '0',
                          '--client-output-buffer-limit', 'replica 4mb 0 0',
                          '--repl-backlog-size', '64kb')
    try:
        lazy = Connection(address=('127.0.0.1', master.port))
        lazy.start(encode([b'PSYNC', b'?', b'-1']))
        wait_until(lambda: 'state=online' in master.call('INFO', 'replication').decode(),
                   'it is there')
        value = 'x' * 65536
        for _ in range(400):
            master.call('SET', 'k', value)
        wait_until(lambda: master.info('replication')['connected_slaves'] == '0',
                   'a replica that does not read is closed')
        check(int(master.info('stats')['client_output_buffer_limit_disconnections']) == 1, 'INFO')
        lazy.close()

        # One that says nothing for repl-timeout.
        master.call('CONFIG', 'SET', 'repl-timeout', 2)
        silent = Connection(address=('127.0.0.1', master.port))
        silent.start(encode([b'PSYNC', b'?', b'-1']))
        wait_until(lambda: master.info('replication')['connected_slaves'] == '1', 'it is there')
        wait_until(lambda: master.info('replication')['connected_slaves'] == '0',
                   'a silent replica is closed')
        silent.close()
    finally:
        master.stop()


def case_of_redis_cli(program):
    tool = shutil.which('redis-cli')
    if tool is None:
        return
    master = start_master(program, '--repl-diskless-sync-delay', '0')
    directory = children.new_directory('kvstore-test-')
    path = os.path.join(directory, 'dump.rdb')
    try:
        all_types(master)
        for streamed in ('yes', 'no'):
            master.call('CONFIG', 'SET', 'repl-diskless-sync', streamed)
            subprocess.run([tool, '-p', str(master.port), '--rdb', path], check=True, timeout=60,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            server = redis_server(['--dbfilename', 'dump.rdb'])
            shutil.copy(path, os.path.join(server.directory, 'dump.rdb'))
            server.start()
            asker = server.connect()
            check(asker.call('DEBUG', 'DIGEST').value == master.digest(), 'redis-cli --rdb')
            asker.close()
            server.stop()
        subprocess.run([tool, '-p', str(master.port), '--functions-rdb', path], check=True,
                       timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(path, 'rb') as file:
            end = file.read()[-9:]
        check(end[:1] == b'\xff' and any(end[1:]), 'redis-cli --functions-rdb ends with %r' % end)
        watcher = children.start([tool, '-p', str(master.port), '--replica'],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        wait_until(lambda: 'state=online' in master.call('INFO', 'replication').decode(),
                   'redis-cli --replica')
        master.call('SET', 'seen', 'by redis-cli')
        line = watcher.stdout.readline() + watcher.stdout.readline()
        watcher.kill()
        watcher.wait()
        check(b'by redis-cli' in line, 'redis-cli --replica: %r' % line)
    finally:
        master.stop()
        shutil.rmtree(directory, ignore_errors=True)


class Counter(threading.Thread):
    """Counts a key up until the connection ends, and knows what was answered last."""

    def __init__(self, master, key):
        super().__init__(daemon=True)
        self.connection = master.server.connect()
        self.key = key
        self.answered = 0
        self.start()

    def run(self):
        try:
            while True:
                self.answered = self.connection.call('INCR', self.key).value
        except NoReply:
            pass
        except OSError:
            pass
        self.connection.close()


def pause(replica, seconds=0.0):
    """Stops the replica's process; for good, if no seconds are given."""
    pid = replica.server.process.pid
    os.kill(pid, signal.SIGSTOP)
    if seconds > 0:
        threading.Timer(seconds, os.kill, (pid, signal.SIGCONT)).start()


def shutdown_is_aborted(master, replica):
    pause(replica)
    client, writer = master.server.connect(), master.server.connect()
    client.call('SET', 'k', 'aborted')
    client.start(encode([b'SHUTDOWN']))
    wait_until(lambda: 'shutdown_in_milliseconds' in master.info('server'), 'SHUTDOWN waits')
    writer.start(encode([b'SET', b'k', b'later']))
    wait_until(lambda: master.call('CLIENT', 'LIST').count(b'cmd=shutdown'), 'CLIENT LIST')
    check(master.call('GET', 'k') == b'aborted', 'a write was executed')
    check(master.call('SHUTDOWN', 'ABORT') == b'OK', 'SHUTDOWN ABORT')
    check(client.read(1)[0] == b'-ERR Errors trying to SHUTDOWN. Check logs.\r\n', 'its error')
    check(writer.read(1)[0] == b'+OK\r\n', 'the write goes on')
    os.kill(replica.server.process.pid, signal.SIGCONT)
    wait_until(lambda: replica.call('GET', 'k') == b'later', 'the replica has it')
    client.close()
    writer.close()


def end_with_writers(program, end, *options):
    """All that was answered is with the replica, which is slow to answer itself."""
    master = start_master(program, '--repl-diskless-sync-delay', '0', *options)
    replica = start_replica(master)
    try:
        settle(master, [replica])
        counters = [Counter(master, 'n%d' % i) for i in range(WRITERS)]
        wait_until(lambda: all(c.answered > 100 for c in counters), 'the writers write')
        pause(replica, 1.0)
        time.sleep(0.2)
        end(master)
        check(master.server.process.wait(20) == 0, 'the master has failed')
        for counter in counters:
            counter.join(10)
            found = int(replica.call('GET', counter.key))
            check(found >= counter.answered, '%s: %d was answered, the replica has %d' % (
                counter.key, counter.answered, found))
        check('1 of 1 replicas are in sync' in master.server.log_text(), 'the log of the master')
    finally:
        replica.stop()
        master.stop()


def case_of_shutdown(program):
    master = start_master(program, '--repl-diskless-sync-delay', '0', '--shutdown-timeout', '100')
    replica = start_replica(master)
    try:
        settle(master, [replica])
        shutdown_is_aborted(master, replica)
        check(master.call('CONFIG', 'SET', 'shutdown-timeout', 1) == b'OK', 'shutdown-timeout')
        pause(replica)
        master.call('SET', 'k', 'not received')
        began = time.monotonic()
        master.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: 'shutdown_in_milliseconds' in master.info('server'), 'SIGTERM waits')
        check(master.server.process.wait(20) == 0, 'the master has failed')
        check(0.9 < time.monotonic() - began < 5, 'it took its time')
        check('127.0.0.1:%d lags' % replica.port in master.server.log_text(), 'who lags is logged')
        check('0 of 1 replicas' in master.server.log_text(), 'none is in sync')
    finally:
        os.kill(replica.server.process.pid, signal.SIGCONT)
        replica.stop()
        master.stop()
    end_with_writers(program, lambda m: m.server.process.terminate())
    end_with_writers(program, lambda m: m.asker.start(encode([b'SHUTDOWN'])), '--save', '100 1')
    end_with_writers(program, lambda m: m.asker.start(encode([b'SHUTDOWN', b'NOSAVE'])),
                     '--appendonly', 'yes')


CASES = [case_of_types, case_of_field_lifetimes, case_of_wait, case_of_min_replicas,
         case_of_limits, case_of_shutdown, case_of_redis_cli]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=4.0)
    parser.add_argument('--rounds', type=int, default=40 if IS_FULL else 3)
    parser.add_argument('--seed', type=int, default=None)
    parser.add_argument('--server')
    parser.add_argument('--only')
    options = parser.parse_args()
    if not os.environ.get('REDIS_SERVER') and shutil.which('redis-server') is None:
        print('there is no redis-server')
        return 77
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10 ** 9)
    numbers = random.Random(seed)
    print('seed %d' % seed, flush=True)
    try:
        for case in CASES:
            if options.only is None or options.only in case.__name__:
                print(case.__name__, flush=True)
                case(options.server)
        for number in range(options.rounds):
            if options.only is None or options.only == 'rounds':
                print('round %d' % (number + 1), flush=True)
                round_of(options.server, numbers, options.seconds)
    except Failure as failure:
        print('FAILED (seed %d): %s' % (seed, failure))
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
