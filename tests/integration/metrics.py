"""
metrics.py -- what Prometheus reads is well formed, says what happened, and is there under load.

    python3 metrics.py [--server PATH]

Scrapes a kvstore-server while clients work, by a strict reader of the format (prometheus.py), and compares
with what was done and with INFO. Sees that only GET /metrics is answered, that a port in use is an error at
the start, that examples/grafana/kvstore.json uses no metric that is not there, and that docs/metrics.md
names each. A server that was built without libmicrohttpd must say so; the exit status is 77 then.

Environment: KVSTORE_SERVER (program).
"""

import argparse
import http.client
import json
import os
import re
import socket
import sys
import threading
import time

import prometheus
from promise import Failure, check, free_port
from wire import encode, kvstore_server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TYPE = 'text/plain; version=0.0.4; charset=utf-8'


def request(port, method, path, body=None):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def scrape(port):
    status, headers, text = request(port, 'GET', '/metrics')
    check(status == 200 and headers['Content-Type'] == TYPE, f'{status} {headers}')
    return prometheus.parse(text)


def is_without_http(program):
    """Whether the server was built without it; then it has to say so, and not to start."""
    server = kvstore_server(program, ['--metrics-port', str(free_port())])
    try:
        server.start()
        return False
    except RuntimeError as error:
        check('built without' in str(error), str(error))
        return True
    finally:
        server.stop()


# ---------------------------------------------------------------------------------------- content


def test_content(port, client):
    for i in range(100):
        client.call('SET', f'string:{i}', 'x' * 50)
        client.call('GET', f'string:{i}')
        client.call('GET', f'nothing:{i}')
    client.call('RPUSH', 'list', *range(1000))
    client.call('HSET', 'hash', 'field', 'value')
    client.call('SADD', 'set', 'a', 'b')
    client.call('ZADD', 'zset', 1, 'a')
    client.call('XADD', 'stream', '*', 'field', 'value')
    client.call('LPUSH', 'string:1', 'x')
    client.call('GET')
    client.call('SELECT', 3)
    client.call('SET', 'other', 'x', 'PX', 1)
    client.call('SET', 'other2', 'x', 'EX', 1000)
    client.call('SELECT', 0)
    time.sleep(0.3)
    families = scrape(port)

    def value(name, **labels):
        return families['kvstore_' + name].value(**labels)

    check(value('up') == 1, 'up')
    for kind, keys in (('string', 101), ('list', 1), ('hash', 1), ('set', 1), ('zset', 1), ('stream', 1)):
        check(value('type_keys', type=kind) == keys, f'{kind}: {value("type_keys", type=kind)} keys')
        check(value('type_memory_bytes', type=kind) > 0, f'{kind} has no bytes')
    usage = client.call('MEMORY', 'USAGE', 'list').value
    check(value('type_memory_bytes', type='list') == usage, f'a list of {usage} bytes')
    check(value('type_sampled_keys') == 106, 'keys sampled')
    check(value('commands_total', cmd='set') == 102, 'calls of SET')
    check(value('commands_total', cmd='get') == 200, 'calls of GET')
    check(value('commands_rejected_calls_total', cmd='get') == 1, 'rejected GET')
    check(value('commands_failed_calls_total', cmd='lpush') == 1, 'failed LPUSH')
    check(value('errors_total', err='WRONGTYPE') == 1, 'errors')
    check(value('keyspace_hits_total') == 100 and value('keyspace_misses_total') == 100, 'hits and misses')
    check(value('expired_keys_total') == 1, 'expired keys')
    check(value('db_keys', db='db0') == 105 and value('db_keys_expiring', db='db3') == 1, 'databases')
    check(0 < value('db_avg_ttl_seconds', db='db3') <= 1000, 'time left')
    check(value('connected_clients') == 1, 'clients')
    check(value('aof_enabled') == 1 and value('aof_last_write_status') == 1, 'append-only file')
    check(value('aof_current_size_bytes') > 0, 'its size')
    check(value('memory_used_rss_bytes') > value('memory_used_bytes') > 0, 'memory')
    histogram = families['kvstore_command_duration_seconds']
    check(histogram.samples[('kvstore_command_duration_seconds_count', (('cmd', 'get'),))] == 200, 'histogram')
    total = value('commands_duration_seconds_total', cmd='get')
    check(histogram.samples[('kvstore_command_duration_seconds_sum', (('cmd', 'get'),))] == total, 'its sum')
    client.call('CONFIG', 'RESETSTAT')
    check('get' not in str(scrape(port)['kvstore_commands_total'].samples), 'RESETSTAT')
    client.call('CONFIG', 'SET', 'latency-tracking', 'no')
    check('kvstore_command_duration_seconds' not in scrape(port), 'histograms without tracking')
    client.call('CONFIG', 'SET', 'latency-tracking', 'yes')


def test_info_is_all_there(port, client):
    """Each number that is a line of INFO and a metric of the same name is the same."""
    client.call('CONFIG', 'RESETSTAT')
    families = scrape(port)
    lines = dict(line.split(':', 1) for line in client.call('INFO').value.decode().split('\r\n') if ':' in line)
    same = [name for name in lines if 'kvstore_' + name in families]
    check(len(same) > 25, f'only {len(same)} names of INFO')
    steady = [name for name in same if re.fullmatch(r'[a-z]*_?(?:clients|channels|patterns|aof_.*|slaves)', name)]
    for name in steady:
        if lines[name].lstrip('-').isdigit() and name != 'aof_current_size':
            check(families['kvstore_' + name].value() == float(lines[name]), f'{name}:{lines[name]}')


# ------------------------------------------------------------------------------------------- HTTP


def test_http(port):
    for method, path, status in (('GET', '/', 404), ('GET', '/metrics/', 404), ('GET', '/metricsx', 404),
                                 ('POST', '/', 404), ('POST', '/metrics', 405), ('HEAD', '/metrics', 200),
                                 ('DELETE', '/metrics', 405), ('GET', '/metrics?a=b', 200)):
        got, headers, _ = request(port, method, path, 'x' * 100000 if method == 'POST' else None)
        check(got == status, f'{method} {path}: {got}')
        check(status != 405 or headers['Allow'] == 'GET, HEAD', 'Allow')
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    for _ in range(3):  # one connection, several requests
        connection.request('GET', '/metrics')
        prometheus.parse(connection.getresponse().read().decode())
    connection.close()
    for nonsense in (b'\r\n\r\n', b'GET\r\n\r\n', b'\x00' * 5000, b'GET /metrics HTTP/1.1\r\n' + b'a: b\r\n' * 9999):
        with socket.create_connection(('127.0.0.1', port), timeout=3) as lone:
            try:
                lone.sendall(nonsense)
                lone.shutdown(socket.SHUT_WR)
                while lone.recv(65536):
                    pass
            except OSError:
                pass
    idle = [socket.create_connection(('127.0.0.1', port)) for _ in range(20)]  # who say nothing
    scrape(port)
    for lone in idle:
        lone.close()


def test_under_load(server, port):
    stop = threading.Event()

    def work(number):
        connection = server.connect()
        batch = b''.join(encode(arguments) for i in range(200) for arguments in (
            (b'SET', b'load:%d:%d' % (number, i), b'x'), (b'GET', b'load:%d:%d' % (number, i)),
            (b'HINCRBY', b'hash:%d' % number, b'%d' % i, b'1')))
        while not stop.is_set():
            connection.start(batch)
            connection.read(600)
        connection.close()

    workers = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for worker in workers:
        worker.start()
    last = 0
    try:
        for _ in range(30):
            families = scrape(port)
            calls = families['kvstore_commands_processed_total'].value()
            check(calls >= last, 'a counter went back')
            last = calls
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    check(last > 1000, 'no load')


def test_replication(program):
    """A master tells how far its replica is, and a replica how its link stands."""
    ports, doors = (free_port(), free_port()), (free_port(), free_port())
    servers = [kvstore_server(program, ['--port', str(ports[0]), '--metrics-port', str(doors[0]),
                                        '--repl-diskless-sync-delay', '0']),
               kvstore_server(program, ['--port', str(ports[1]), '--metrics-port', str(doors[1]),
                                        '--replicaof', '127.0.0.1', str(ports[0])])]
    try:
        master, replica = (server.start().connect() for server in servers)
        deadline = time.monotonic() + 60
        while b'master_link_status:up' not in replica.call('INFO', 'replication').value:
            check(time.monotonic() < deadline, 'the replica does not come up')
            time.sleep(0.05)
        for i in range(100):
            master.call('SET', f'key:{i}', 'x')
        check(master.call('WAIT', 1, 60000).value == 1, 'WAIT')
        of_master, of_replica = (scrape(door) for door in doors)
        labels = {'slave_ip': '127.0.0.1', 'slave_port': str(ports[1]), 'slave_state': 'online'}
        check(of_master['kvstore_is_master'].value() == 1 and of_replica['kvstore_is_master'].value() == 0, 'role')
        check(of_master['kvstore_connected_slaves'].value() == 1, 'replicas')
        end = of_master['kvstore_connected_slave_offset_bytes'].value(**labels)
        check(0 < end <= of_master['kvstore_master_repl_offset'].value(), 'offset')
        check(of_master['kvstore_connected_slave_lag_seconds'].value(**labels) <= 60, 'lag')
        check(of_master['kvstore_net_repl_output_bytes_total'].value() > 100, 'bytes sent')
        check(of_replica['kvstore_master_link_up'].value() == 1, 'link')
        check(of_replica['kvstore_slave_repl_offset'].value() >= end, 'offset of the replica')
    finally:
        for server in servers:
            server.stop()


# ------------------------------------------------------------------------------- dashboard, manual


def names_used(expression):
    return set(re.findall(r'\b(kvstore_[a-z_]+)', expression))


def test_dashboard(families):
    with open(os.path.join(ROOT, 'examples', 'grafana', 'kvstore.json'), encoding='utf-8') as file:
        dashboard = json.load(file)
    panels = [panel for panel in dashboard['panels'] if panel['type'] != 'row']
    ids = [panel['id'] for panel in dashboard['panels']]
    check(len(ids) == len(set(ids)) and len(panels) > 20, 'panels')
    there = set(families)
    for name, family in families.items():
        if family.kind == 'histogram':
            there |= {name + '_bucket', name + '_sum', name + '_count'}
    for panel in panels:
        used = set().union(*(names_used(target['expr']) for target in panel['targets']))
        check(used and used <= there, f'panel "{panel["title"]}" uses {used - there}')
    for variable in dashboard['templating']['list']:
        check(names_used(variable.get('definition', '')) <= there, 'a variable')


def test_manual(families):
    with open(os.path.join(ROOT, 'docs', 'metrics.md'), encoding='utf-8') as file:
        manual = file.read()
    missing = [name for name in families if f'`{name[len("kvstore_"):]}`' not in manual]
    check(not missing, f'docs/metrics.md does not name {missing}')


# ------------------------------------------------------------------------------------------ start


def test_start(program, port):
    for options, words in ((['--metrics-port', str(port)], 'Address already in use'),
                           (['--metrics-port', str(free_port()), '--metrics-prefix', 'a b'], 'no metric may'),
                           (['--metrics-port', '65536'], 'must be between'),
                           (['--metrics-port', str(free_port()), '--metrics-bind', '192.0.2.1'], 'requested address')):
        server = kvstore_server(program, options)
        try:
            server.start()
            raise Failure(f'{options}: it has started')
        except RuntimeError as error:
            check(words in str(error), str(error))
        finally:
            server.stop()
    port = free_port()
    server = kvstore_server(program, ['--metrics-port', str(port), '--metrics-prefix', 'redis_'])
    try:
        client = server.start().connect()
        _, _, text = request(port, 'GET', '/metrics')
        check(prometheus.parse(text)['redis_connected_clients'].value() >= 1, 'another prefix')
        check([r.value for r in client.call('CONFIG', 'GET', 'metrics-p*').value] ==
              [b'metrics-port', str(port).encode(), b'metrics-prefix', b'redis_'], 'CONFIG GET')
        client.close()
    finally:
        server.stop()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('--server')
    program = arguments.parse_args().server or os.environ['KVSTORE_SERVER']
    if is_without_http(program):
        print('metrics: skipped, as the server was built without libmicrohttpd')
        return 77
    port = free_port()
    server = kvstore_server(program, ['--metrics-port', str(port), '--appendonly', 'yes', '--io-threads', '2'])
    try:
        client = server.start().connect()
        test_content(port, client)
        test_info_is_all_there(port, client)
        test_http(port)
        test_under_load(server, port)
        families = scrape(port)
        test_dashboard(families)
        test_manual(families)
        test_start(program, port)
        test_replication(program)
        client.close()
        server.process.terminate()
        check(server.process.wait(20) == 0, 'it did not end well')
    except Failure as failure:
        print(f'metrics: {failure}')
        return 1
    finally:
        server.stop()
    print('metrics: well')
    return 0


if __name__ == '__main__':
    sys.exit(main())
