"""
clients.py -- redis-cli, redis-benchmark and python3-redis work on kvstore-server unchanged.

    /usr/bin/python3 clients.py [--server PATH] [--oracle]

--oracle runs the same on redis-server, which tests the test. A client that is not installed is
named and left out; when none is, the exit status is 77.
Environment: KVSTORE_SERVER, REDIS_SERVER (programs).
"""

import argparse
import shutil
import subprocess
import sys
import threading
import time

from promise import Failure, free_port
from wire import Connection, kvstore_server, redis_server

try:
    import redis
except ImportError:
    redis = None


def equal(found, expected):
    if found != expected:
        raise Failure('found %r, expected %r' % (found, expected))


class TcpServer:
    """The server under test on a TCP port beside its unix socket, as clients expect it."""

    def __init__(self, server):
        self.port = free_port()
        server.options += ['--port', str(self.port), '--bind', '127.0.0.1']
        self.server = server.start()
        Connection(address=('127.0.0.1', self.port)).close()


# ------------------------------------------------------------------------------------ redis-cli


def cli(server, *arguments, data=None, over_unix=False, protocol=()):
    where = ['-s', server.server.path] if over_unix else ['-p', str(server.port)]
    done = subprocess.run(['redis-cli', *where, *protocol, *arguments], input=data,
                          capture_output=True, timeout=60)
    return done.stdout.decode('latin1') + done.stderr.decode('latin1')


def redis_cli_one_shot(server):
    equal(cli(server, 'PING'), 'PONG\n')
    equal(cli(server, 'PING', over_unix=True), 'PONG\n')
    equal(cli(server, 'SET', 'greeting', 'hello world'), 'OK\n')
    equal(cli(server, 'GET', 'greeting'), 'hello world\n')
    equal(cli(server, '--no-raw', 'GET', 'greeting'), '"hello world"\n')
    equal(cli(server, '--no-raw', 'GET', 'none'), '(nil)\n')
    equal(cli(server, '--no-raw', 'RPUSH', 'list', 'a', 'b'), '(integer) 2\n')
    equal(cli(server, '--no-raw', 'LRANGE', 'list', '0', '-1'), '1) "a"\n2) "b"\n')
    equal(cli(server, '--no-raw', 'INCR', 'greeting'),
          '(error) ERR value is not an integer or out of range\n')
    equal(cli(server, '-n', '3', 'SET', 'in-three', '1'), 'OK\n')
    equal(cli(server, '-n', '3', 'DBSIZE'), '1\n')
    equal(cli(server, '-x', 'SET', 'from-stdin', data=b'a\nb'), 'OK\n')
    equal(cli(server, 'STRLEN', 'from-stdin'), '3\n')
    equal(cli(server, '-r', '3', 'INCR', 'counter'), '1\n2\n3\n')


def redis_cli_resp3(server):
    equal(cli(server, '--no-raw', 'CONFIG', 'GET', 'maxmemory', protocol=['-3']),
          '1# "maxmemory" => "0"\n')
    equal(cli(server, '--no-raw', 'GET', 'none', protocol=['-3']), '(nil)\n')
    equal(cli(server, '--json', 'LRANGE', 'list', '0', '-1'), '["a","b"]\n')


def redis_cli_lines(server):
    lines = b'SET typed "in a line"\nGET typed\nMULTI\nINCR n\nINCR n\nEXEC\nNOSUCH x\n'
    equal(cli(server, data=lines),
          'OK\nin a line\nOK\nQUEUED\nQUEUED\n1\n2\n'
          "ERR unknown command 'NOSUCH', with args beginning with: 'x' \n\n")


def redis_cli_pipe(server):
    requests = b''.join(b'*3\r\n$3\r\nSET\r\n$%d\r\npipe:%d\r\n$1\r\nx\r\n' % (5 + len(str(i)), i)
                        for i in range(10000))
    text = cli(server, '--pipe', data=requests)
    if 'errors: 0, replies: 10000' not in text:
        raise Failure(text)
    equal(len(cli(server, '--scan', '--pattern', 'pipe:*').split()), 10000)
    equal(len(cli(server, '--scan', '--pattern', 'pipe:12*').split()), 111)


def redis_cli_reports(server):
    for arguments, expected in ((['INFO', 'server'], 'redis_version:'),
                                (['--bigkeys', '-i', '0'], 'Sampled'),
                                (['CLIENT', 'LIST'], 'cmd=client|list'),
                                (['COMMAND', 'DOCS', 'get'], 'summary')):
        text = cli(server, *arguments)
        if expected not in text:
            raise Failure('%r is not in the answer of %s:\n%s' % (expected, arguments, text[:2000]))


def redis_benchmark(server):
    done = subprocess.run(
        ['redis-benchmark', '-p', str(server.port), '-n', '20000', '-P', '16', '-q', '--csv',
         '-t', 'ping,set,get,incr,lpush,rpush,lpop,rpop,lrange_100,mset'],
        capture_output=True, timeout=120)
    text = done.stdout.decode() + done.stderr.decode()
    for test in ('PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'LPUSH', 'RPUSH', 'LPOP',
                 'RPOP',
                 'LRANGE_100 (first 100 elements)', 'MSET (10 keys)'):
        if '"%s"' % test not in text:
            raise Failure('no line for %s:\n%s' % (test, text[-2000:]))
    if 'rror' in text:
        raise Failure(text[-2000:])
    done = subprocess.run(['redis-benchmark', '-s', server.server.path, '-n', '2000', '-q', '-r',
                           '1000',
                           'SET', 'key:__rand_int__', 'x'], capture_output=True, timeout=120)
    equal(done.returncode, 0)


# -------------------------------------------------------------------------------- python3-redis


def python_strings(server):
    with client(server) as r:
        equal(r.ping(), True)
        equal(r.set('k', 'v', ex=1000), True)
        equal(r.set('k', 'w', nx=True), None)
        equal(r.set('k', 'w', get=True), b'v')
        equal(r.get('k'), b'w')
        equal(r.get('none'), None)
        equal(r.mset({'a': 1, 'b': 2.5}), True)
        equal(r.mget('a', 'b', 'none'), [b'1', b'2.5', None])
        equal(r.incrbyfloat('b', 0.5), 3.0)
        equal(r.incrby('a', 41), 42)
        equal(r.append('k', 'xyz'), 4)
        equal(r.getrange('k', 1, 2), b'xy')
        equal(r.setrange('k', 1, 'X'), 4)
        equal(r.getdel('k'), b'wXyz')
        equal(r.exists('a', 'b', 'k'), 2)
        equal(r.delete('a', 'b', 'k'), 2)
        equal(r.lcs('none', 'none'), b'') if hasattr(r, 'lcs') else None
        try:
            r.rpush('l', 1)
            r.get('l')
            raise Failure('GET of a list is no error')
        except redis.ResponseError as error:
            equal(str(error), 'WRONGTYPE Operation against a key holding the wrong kind of value')


def python_keys(server):
    with client(server) as r:
        r.set('k', 'v')
        equal(r.expire('k', 100), True)
        equal(90 < r.ttl('k') <= 100, True)
        equal(r.pexpireat('k', 4102444800000), True)
        equal(r.expiretime('k'), 4102444800)
        equal(r.persist('k'), True)
        equal(r.ttl('k'), -1)
        equal(r.ttl('none'), -2)
        equal(r.rename('k', 'k2'), True)
        equal(r.copy('k2', 'k3'), True)
        equal(r.type('k3'), b'string')
        equal(r.object('encoding', 'k3'), b'embstr')
        equal(sorted(r.keys('k*')), [b'k2', b'k3'])
        equal(r.dbsize(), 2)
        equal(r.memory_usage('k3') > 0, True)
        for i in range(1000):
            r.set('scan:%d' % i, i)
        equal(len(set(r.scan_iter(match='scan:*', count=17))), 1000)
        equal(r.flushdb(), True)


def python_lists(server):
    with client(server) as r:
        equal(r.rpush('l', 'a', 'b', 'c', 'd'), 4)
        equal(r.lpush('l', 'z'), 5)
        equal(r.lrange('l', 0, -1), [b'z', b'a', b'b', b'c', b'd'])
        equal(r.lpos('l', 'c'), 3)
        equal(r.linsert('l', 'before', 'c', 'x'), 6)
        equal(r.lmove('l', 'm', 'LEFT', 'RIGHT'), b'z')
        equal(r.lpop('l', 2), [b'a', b'b'])
        equal(r.lmpop(2, 'none', 'l', direction='RIGHT', count=2), [b'l', [b'd', b'c']])
        equal(r.blpop(['none', 'm'], timeout=1), (b'm', b'z'))
        equal(r.blpop('none', timeout=0.05), None)


def python_pipelines_and_transactions(server):
    with client(server) as r:
        pipe = r.pipeline(transaction=False)
        for i in range(1000):
            pipe.set('p:%d' % i, i)
            pipe.get('p:%d' % i)
        equal(pipe.execute()[1::2], [b'%d' % i for i in range(1000)])
        with r.pipeline() as pipe:
            pipe.incr('n').incr('n').get('n')
            equal(pipe.execute(), [1, 2, b'2'])
            pipe.watch('n')
            r.set('n', 10)
            pipe.multi()
            pipe.incr('n')
            try:
                pipe.execute()
                raise Failure('EXEC went through though the key was changed')
            except redis.WatchError:
                pass
        with r.pipeline() as pipe:
            pipe.set('n', 'x').incr('n')
            equal([type(reply) for reply in pipe.execute(raise_on_error=False)],
                  [bool, redis.ResponseError])

        def add(pipe):
            value = int(pipe.get('total') or 0)
            pipe.multi()
            pipe.set('total', value + 1)
        threads = [threading.Thread(target=lambda: [r.transaction(add, 'total') for _ in range(25)])
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(r.get('total'), b'100')


def python_blocking(server):
    with client(server) as r:
        got = []
        waiters = [threading.Thread(target=lambda: got.append(r.blpop('jobs', timeout=10)))
                   for _ in range(5)]
        for waiter in waiters:
            waiter.start()
        until = time.monotonic() + 10
        while r.info('clients')['blocked_clients'] < 5:
            equal(time.monotonic() < until, True)
            time.sleep(0.005)
        r.rpush('jobs', 1, 2, 3, 4, 5)
        for waiter in waiters:
            waiter.join()
        equal(sorted(got), [(b'jobs', b'%d' % i) for i in range(1, 6)])
        lock = r.lock('lock', timeout=10)
        # The lock itself needs only SET NX PX; giving it back needs scripts, which are not here.
        equal(r.set('lock', 'token', nx=True, px=10000), True)
        equal(lock.locked(), True)


def python_server(server):
    with client(server) as r:
        info = r.info()
        for name in ('redis_version', 'uptime_in_seconds', 'connected_clients', 'used_memory',
                     'role',
                     'total_commands_processed', 'keyspace_hits', 'aof_enabled'):
            if name not in info:
                raise Failure('INFO lacks %s' % name)
        r.client_setname('tester')
        equal(r.client_getname(), 'tester')
        mine = [c for c in r.client_list() if c['id'] == str(r.client_id())]
        equal([c['name'] for c in mine], ['tester'])
        equal(r.client_info()['name'], 'tester')
        equal(r.config_get('maxmemory'), {'maxmemory': '0'})
        equal(r.config_set('timeout', 100), True)
        equal(r.config_get('timeout')['timeout'], '100')
        r.config_set('timeout', 0)
        commands = r.command()
        equal(commands['get']['arity'], 2)
        equal(commands['get']['first_key_pos'], 1)
        equal(isinstance(r.time(), tuple), True)
        equal(r.slowlog_len() >= 0, True)
        equal(r.echo('x'), b'x')
        r.set('k', 1)
        equal(r.info('keyspace')['db0']['keys'] >= 1, True)


def python_versions_and_databases(server):
    with client(server, db=5, decode_responses=True) as r:
        r.set('here', 'ü')
        equal(r.get('here'), 'ü')
        equal(client(server).exists('here'), 0)
    with redis.Redis(unix_socket_path=server.server.path) as r:
        equal(r.ping(), True)
    if hasattr(redis.connection, 'AbstractConnection'):  # 5.0 and later speak RESP3
        with client(server, protocol=3) as r:
            equal(r.set('k', 'v'), True)
            equal(r.config_get('maxmemory'), {'maxmemory': '0'})


def client(server, **options):
    r = redis.Redis(host='127.0.0.1', port=server.port, socket_timeout=20, **options)
    if not options:
        r.flushall()
    return r


# ------------------------------------------------------------------------------------------ main


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--server', help='the server under test')
    parser.add_argument('--oracle', action='store_true', help='test redis-server: tests the test')
    options = parser.parse_args()
    tests = []
    if shutil.which('redis-cli'):
        tests += [redis_cli_one_shot, redis_cli_resp3, redis_cli_lines, redis_cli_pipe,
                  redis_cli_reports]
    else:
        print('left out: redis-cli is not installed')
    if shutil.which('redis-benchmark'):
        tests += [redis_benchmark]
    else:
        print('left out: redis-benchmark is not installed')
    if redis:
        tests += [python_strings, python_keys, python_lists, python_pipelines_and_transactions,
                  python_blocking, python_server, python_versions_and_databases]
    else:
        print('left out: python3-redis is not installed')
    if not tests:
        return 77
    plain = redis_server() if options.oracle else kvstore_server(options.server)
    failed = 0
    try:
        server = TcpServer(plain)
        for test in tests:
            try:
                test(server)
                print('%-40s ok' % test.__name__, flush=True)
            except Exception as error:  # whatever a client raises is a finding
                failed += 1
                print('%-40s FAILED: %s: %s' % (test.__name__, type(error).__name__, error),
                      flush=True)
    finally:
        plain.stop()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
