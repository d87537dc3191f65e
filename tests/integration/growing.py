"""
growing.py -- docs/growing.md, done: a store moves into a Redis Cluster, and several servers stand behind a
proxy.

    python3 growing.py [--seed N] [--server PATH] [--keys N] [cluster | proxy]...

  cluster  Three redis-servers in cluster mode on loopback. redis-cli --cluster import first copies a store
           while clients read and write others of its keys, then moves it; all keys are compared, and the
           store is empty.
  proxy    nutcracker before three kvstore-servers: each key is on one of them, all of them have some, and
           what goes through the proxy comes back.

Environment: KVSTORE_SERVER, REDIS_SERVER (programs). What needs a program that is not there (redis-server,
redis-cli, nutcracker) is skipped; if nothing is left, the exit status is 77.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import children
from moving import contents, fill
from promise import Failure, check, free_port
from wire import Connection, kvstore_server

PATIENCE = 60.0


def await_true(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < deadline, f'{what}: not within {PATIENCE:.0f} s')
        time.sleep(0.05)


def run(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, errors='replace',
                          timeout=3 * PATIENCE, stdin=subprocess.DEVNULL, check=False)
    check(done.returncode == 0, f'{arguments}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}')
    return done.stdout


def is_listening(port):
    try:
        socket.create_connection(('127.0.0.1', port), timeout=1).close()
        return True
    except OSError:
        return False


class Programs:
    """Processes of this test, in a directory of their own; ended one by one."""

    def __init__(self):
        self.directory = children.new_directory('kvstore-growing-')
        self.running = []

    def start(self, name, port, *arguments):
        directory = os.path.join(self.directory, name)
        os.mkdir(directory)
        with open(os.path.join(directory, 'log'), 'wb') as log:
            process = children.start(arguments, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.running.append(process)
        await_true(f'{name} listens', lambda: process.poll() is not None or is_listening(port))
        if process.poll() is not None:
            with open(os.path.join(directory, 'log'), encoding='utf-8', errors='replace') as log:
                raise Failure(f'{name} ended: {log.read()[-2000:]}')
        return process

    def stop(self):
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


# ---------------------------------------------------------------------------------------- cluster


def slot_of(key):
    """Which of 16384 slots a key belongs to: CRC16 (XMODEM) of it, or of its hash tag."""
    begin = key.find(b'{')
    end = key.find(b'}', begin + 1)
    if begin >= 0 and end > begin + 1:
        key = key[begin + 1:end]
    crc = 0
    for byte in key:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xffff
    return crc % 16384


class Cluster:
    def __init__(self, programs, redis):
        self.nodes = {}
        for i in range(3):
            port = free_port(beside=10000)
            programs.start(f'node{i}', port, redis, '--port', str(port), '--bind', '127.0.0.1',
                           '--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf',
                           '--cluster-node-timeout', '5000', '--save', '', '--appendonly', 'no')
            self.nodes[port] = Connection(address=('127.0.0.1', port))
        addresses = [f'127.0.0.1:{port}' for port in self.nodes]
        run('redis-cli', '--cluster', 'create', *addresses, '--cluster-yes')
        for node in self.nodes.values():
            await_true('the cluster is well',
                       lambda node=node: b'cluster_state:ok' in node.call('CLUSTER', 'INFO').value)
        self.ranges = []
        for row in next(iter(self.nodes.values())).call('CLUSTER', 'SLOTS').value:
            first, last, node = row.value[:3]
            self.ranges.append((first.value, last.value, self.nodes[node.value[1].value]))

    def node_of(self, key):
        slot = slot_of(key)
        return next(node for first, last, node in self.ranges if first <= slot <= last)

    def any_address(self):
        return f'127.0.0.1:{next(iter(self.nodes))}'

    def count(self):
        return sum(node.call('DBSIZE').value for node in self.nodes.values())


class Clients(threading.Thread):
    """Clients of the store that is being copied: they read its keys, and count on others."""

    def __init__(self, port, keys):
        super().__init__(daemon=True)
        self.connection = Connection(address=('127.0.0.1', port))
        self.keys = keys
        self.is_over = threading.Event()
        self.rounds, self.slowest, self.problem = 0, 0.0, None

    def run(self):
        while not self.is_over.is_set() and self.problem is None:
            began = time.monotonic()
            if self.connection.call('EXISTS', self.keys[self.rounds % len(self.keys)]).value != 1:
                self.problem = 'a key is not there while it is being copied'
            if self.connection.call('INCR', 'counter:%d' % (self.rounds % 7)).kind != ':':
                self.problem = 'a counter does not count'
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.rounds += 1


def compare(source_contents, cluster):
    for key, expected in source_contents.items():
        found = contents(cluster.node_of(key), key)
        check(found == expected, f'{key!r} is {str(found)[:300]} in the cluster, and was {str(expected)[:300]}')


def test_cluster(programs, redis, server, seed, count):
    numbers = random.Random(seed)
    port = free_port()
    programs.start('store', port, server, '--port', str(port), '--requirepass', 'secret')
    source = Connection(address=('127.0.0.1', port))
    source.call('AUTH', 'secret')
    for i in range(count):
        fill(source, 'key:%d' % i, numbers)
    source.call('SET', b'{tag}: \r\n\xff', 'binary')
    source.call('SET', 'expires', 'v', 'PX', 3600 * 1000)
    expected = {key.value: contents(source, key.value) for key in source.call('KEYS', '*').value}
    cluster = Cluster(programs, redis)
    command = ['redis-cli', '--cluster', 'import', cluster.any_address(), '--cluster-from', f'127.0.0.1:{port}',
               '--cluster-from-pass', 'secret']

    clients = Clients(port, list(expected))
    clients.connection.call('AUTH', 'secret')
    clients.start()
    run(*command, '--cluster-copy')
    clients.is_over.set()
    clients.join()
    check(clients.problem is None, clients.problem)
    check(clients.rounds > 10, f'clients came by {clients.rounds} times only')
    check(source.call('DBSIZE').value >= len(expected), 'the copy has taken keys away')
    compare(expected, cluster)
    print(f'    copied {len(expected)} keys; meanwhile {clients.rounds} rounds of a client, the slowest '
          f'{1000 * clients.slowest:.1f} ms')

    for i in range(7):  # the clients are gone now: what they wrote since goes along
        if source.call('EXISTS', 'counter:%d' % i).value:
            expected[b'counter:%d' % i] = contents(source, 'counter:%d' % i)
    run(*command, '--cluster-replace')
    check(source.call('DBSIZE').value == 0, 'keys are left')
    check(cluster.count() == len(expected), f'{cluster.count()} keys have come of {len(expected)}')
    compare(expected, cluster)
    left_ms = cluster.node_of(b'expires').call('PTTL', 'expires').value
    check(0 < left_ms <= 3600 * 1000, f'it lives for {left_ms} ms')
    run('redis-cli', '--cluster', 'check', cluster.any_address())


# ------------------------------------------------------------------------------------------ proxy


def test_proxy(programs, nutcracker, server, count):
    ports = [free_port() for _ in range(3)]
    for i, port in enumerate(ports):
        programs.start(f'shard{i}', port, server, '--port', str(port), '--requirepass', 'secret')
    front, statistics = free_port(), free_port()
    path = os.path.join(programs.directory, 'nutcracker.yml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f"""kvstore:
  listen: 127.0.0.1:{front}
  redis: true
  redis_auth: secret
  hash: murmur
  hash_tag: "{{}}"
  distribution: ketama
  auto_eject_hosts: false
  timeout: 5000
  servers:
""" + ''.join(f'   - 127.0.0.1:{port}:1 shard{i}\n' for i, port in enumerate(ports)))
    programs.start('proxy', front, nutcracker, '-c', path, '-s', str(statistics))
    proxy = Connection(address=('127.0.0.1', front))
    check(proxy.call('AUTH', 'secret').value == b'OK', 'AUTH')
    shards = [Connection(address=('127.0.0.1', port)) for port in ports]
    for shard in shards:
        shard.call('AUTH', 'secret')

    for i in range(count):
        check(proxy.call('SET', f'key:{i}', i).value == b'OK', 'SET')
    sizes = [shard.call('DBSIZE').value for shard in shards]
    check(sum(sizes) == count and min(sizes) > count / 10, f'keys are spread as {sizes}')
    names = [f'key:{i}' for i in range(count)]
    found = proxy.call('MGET', *names).value
    check([reply.value for reply in found] == [b'%d' % i for i in range(count)], 'MGET over all shards')
    check(proxy.call('DEL', *names[:10]).value == 10, 'DEL over all shards')
    for i in range(50):  # what has the same tag is on the same shard
        proxy.call('RPUSH', f'{{user{i}}}:list', *range(10))
        proxy.call('ZADD', f'{{user{i}}}:set', 1, 'a', 2, 'b')
        homes = [n for n, shard in enumerate(shards)
                 if shard.call('EXISTS', f'{{user{i}}}:list', f'{{user{i}}}:set').value]
        check(len(homes) == 1, f'{homes} have keys of one tag')
        check(proxy.call('LLEN', f'{{user{i}}}:list').value == 10, 'LLEN')
    requests = b''.join(b'*2\r\n$4\r\nINCR\r\n$%d\r\nn:%d\r\n' % (len(b'n:%d' % (i % 100)), i % 100)
                        for i in range(10000))
    proxy.start(requests)
    replies = proxy.read(10000)
    check(sorted(int(reply[1:]) for reply in replies) == sorted(list(range(1, 101)) * 100), 'a pipeline')
    print(f'    {count} keys behind the proxy, on three shards: {sizes}')


# -------------------------------------------------------------------------------------------- all


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    arguments.add_argument('--server')
    arguments.add_argument('--keys', type=int, default=6000 if os.environ.get('KVSTORE_TEST_FULL') else 2500)
    arguments.add_argument('parts', nargs='*', default=[])
    given = arguments.parse_args()
    server = os.path.abspath(given.server or kvstore_server().program)
    redis = os.environ.get('REDIS_SERVER') or shutil.which('redis-server')
    nutcracker = shutil.which('nutcracker') or shutil.which('/usr/sbin/nutcracker')
    parts = {'cluster': (redis and shutil.which('redis-cli'),
                         lambda programs: test_cluster(programs, redis, server, given.seed, given.keys)),
             'proxy': (nutcracker, lambda programs: test_proxy(programs, nutcracker, server, 3000))}
    print(f'growing: seed {given.seed}')
    done = 0
    for name, (is_there, test) in parts.items():
        if given.parts and name not in given.parts:
            continue
        if not is_there:
            print(f'growing: {name} skipped, as its programs are not installed')
            continue
        programs = Programs()
        try:
            test(programs)
        except Failure as failure:
            print(f'growing: {name}: {failure}')
            return 1
        finally:
            programs.stop()
        print(f'growing: {name}: well')
        done += 1
    return 0 if done else 77


if __name__ == '__main__':
    sys.exit(main())
