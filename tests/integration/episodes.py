"""
episodes.py -- what a stream of random commands does not reach: scripts for several connections.

Each episode begins with empty databases. do() and run() compare the replies of the two servers;
what only one server can be asked (is a client waiting yet?) is asked of both and not compared.
"""

import time

from commands import Command, Generator
from differences import ARITY_OF_7_2, CONFIG_NOT_HERE, CONFIG_REFUSED, INFO_NOT_HERE, WATCH_GOES_ON
from pair import Disagreement
from wire import encode, encode_inline, parse


# --------------------------------------------------------------------------------------- tools


def wait_for_blocked(pair, count):
    """Until both servers have that many waiting clients."""
    for server in (pair.a, pair.b):
        asker = server.connect()
        until = time.monotonic() + 10
        while b'blocked_clients:%d\r\n' % count not in asker.call('INFO', 'clients').value:
            if time.monotonic() > until:
                raise Disagreement([b'(waiting for blocked_clients:%d)' % count], b'reached',
                                   server.name.encode() + b' did not get there')
            time.sleep(0.002)
        asker.close()


def wait_for_clients(both, count):
    """Until both servers have noticed who has left, and that many clients are there."""
    for side in (both.a, both.b):
        until = time.monotonic() + 10
        while b'connected_clients:%d\r\n' % count not in side.call('INFO', 'clients').value:
            if time.monotonic() > until:
                raise Disagreement([b'(waiting for connected_clients:%d)' % count], b'reached',
                                   b'a server did not get there')
            time.sleep(0.002)


def each(pair, *arguments):
    """One command to each server on its own connection, replies not compared."""
    replies = []
    for server in (pair.a, pair.b):
        connection = server.connect()
        replies.append(connection.call(*arguments))
        connection.close()
    return replies


def agree(what, a, b):
    if a != b:
        raise Disagreement([what.encode()], repr(a).encode(), repr(b).encode())


# -------------------------------------------------------------------------- publish, subscribe

PONGS = (b'+PONG\r\n', b'*2\r\n$4\r\npong\r\n$0\r\n\r\n')
CHANNELS = ['a', 'b', 'ab', 'abc', ' ', 'news.it', 'news.sport', 'a*', '*', 'news.*', '?', '[ab]*']
KINDS = {'': 'SUBSCRIBE', 'P': 'PSUBSCRIBE', 'S': 'SSUBSCRIBE'}


def received(side):
    """What a client was sent, as bytes; a PING is answered after all that was published before."""
    side.start(encode([b'PING']))
    messages = []
    while True:
        raw = side.read(1)[0]
        if raw in PONGS:
            return messages
        messages.append(raw)


def compare_received(what, both, in_order=True):
    a, b = received(both.a), received(both.b)
    if in_order:
        agree(what, a, b)
    else:
        agree(what, sorted(a), sorted(b))


class Subscriber:
    """A client of both servers, and how many subscriptions of each kind it has."""

    def __init__(self, pair, protocol):
        self.both = pair.open(protocol)
        self.names = {kind: set() for kind in KINDS}

    def subscribe(self, kind, names):
        self.names[kind] |= set(names)
        words = [w.encode() for w in [KINDS[kind]] + names]
        self.both.run([Command(words, replies=len(names))])

    def unsubscribe(self, kind, names):
        word = KINDS[kind].replace('SUB', 'UNSUB')
        if names:
            self.names[kind] -= set(names)
            self.both.run([Command([w.encode() for w in [word] + names], replies=len(names))])
            return
        # In the order of a hash table: the names, and how many are left, apart.
        count = max(1, len(self.names[kind]))
        self.names[kind] = set()
        self.both.start(encode([word.encode()]))
        replies = [[parse(raw)[0].value for raw in side.read(count)]
                   for side in (self.both.a, self.both.b)]
        agree(word, *[sorted(repr(m[:2]) for m in side) for side in replies])
        agree(word, *[[m[2] for m in side] for side in replies])


def publish_and_subscribe(pair, random):
    """Clients of both protocols who subscribe and unsubscribe at random while others publish."""
    publisher = pair.open()
    subscribers = [Subscriber(pair, protocol) for protocol in (2, 2, 3, 3)]
    for _ in range(250):
        subscriber = random.choice(subscribers)
        kind = random.choice(list(KINDS))
        names = [random.choice(CHANNELS) for _ in range(random.choice((1, 1, 2, 3)))]
        turn = random.random()
        if turn < 0.25:
            subscriber.subscribe(kind, names)
        elif turn < 0.4:
            subscriber.unsubscribe(kind, names if random.random() < 0.8 else [])
        elif turn < 0.45:
            for words in (['NUMSUB'] + names, ['NUMPAT'], ['CHANNELS'], ['CHANNELS', names[0]],
                          ['SHARDCHANNELS'], ['SHARDNUMSUB'] + names):
                publisher.do('PUBSUB', *words)
        else:
            publisher.do(random.choice(('PUBLISH', 'PUBLISH', 'SPUBLISH')), names[0],
                         random.choice(('', 'x', 'y' * 1000)))
            for each_one in subscribers:
                compare_received('messages', each_one.both, in_order=False)
    for subscriber in subscribers:
        subscriber.both.do('RESET')
        subscriber.both.do('PING')
        subscriber.both.close()
    publisher.do('PUBSUB', 'CHANNELS')
    publisher.do('PUBSUB', 'NUMPAT')
    publisher.close()


def subscribed_clients(pair, random):
    """What a subscribed client may do in each protocol, and what it is told."""
    publisher = pair.open()
    for protocol in (2, 3):
        both = pair.open(protocol)
        both.run([Command([b'SUBSCRIBE', b'a', b'b', b'a'], replies=3)])
        for words in (['GET', 'k'], ['PING'], ['PING', 'x'], ['PING', 'x', 'y'], ['NOSUCH'],
                      ['GET'], ['CLIENT', 'GETNAME'], ['MULTI'], ['DISCARD'], ['SUBSCRIBE'],
                      ['PSUBSCRIBE', 'x'], ['UNSUBSCRIBE', 'none'], ['SUNSUBSCRIBE'],
                      ['ECHO', 'x'], ['HELLO', 'x'], ['SELECT', 1]):
            both.do(*words)
        publisher.do('CLIENT', 'LIST', 'TYPE', 'pubsub')
        publisher.do('CLIENT', 'LIST', 'TYPE', 'normal')
        publisher.do('INFO', 'nosuch')
        publisher.do('MULTI')
        publisher.do('PUBLISH', 'a', 1)
        publisher.do('SET', 'k', 'v')
        publisher.do('PUBLISH', 'b', 2)
        publisher.do('EXEC')
        compare_received('messages of a transaction', both)
        both.do('RESET')
        both.do('GET', 'k')
        both.do('MULTI')
        both.do('SUBSCRIBE', 'c')
        both.do('PING')
        both.do('PSUBSCRIBE', 'c*')
        both.do('EXEC')
        both.do('QUIT')
        both.close()
    publisher.close()


def messages_to_a_silent_client(pair, random):
    """With replies switched off a client gets confirmations and messages all the same."""
    publisher = pair.open()
    for protocol in (2, 3):
        both = pair.open(protocol)
        both.start(b''.join(encode(words) for words in (
            [b'CLIENT', b'REPLY', b'SKIP'], [b'SUBSCRIBE', b'a'], [b'CLIENT', b'REPLY', b'OFF'],
            [b'SUBSCRIBE', b'b'], [b'NOSUCH'])))
        both.drain([b'SUBSCRIBE with replies off'])
        publisher.do('PUBLISH', 'a', 'x')
        publisher.do('PUBLISH', 'b', 'y')
        both.drain([b'PUBLISH with replies off'])
        both.close()
    publisher.close()


def events_of_blocked_clients(pair, random):
    """What serves a waiting client is told as what it is."""
    listener, pusher, waiter = pair.open(), pair.open(), pair.open()
    pusher.do('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    listener.do('PSUBSCRIBE', '__keyspace@0__:*')
    for words in (['BLPOP', 'a', 0], ['BRPOP', 'a', 0], ['BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', 0],
                  ['BLMPOP', 0, 1, 'a', 'LEFT', 'COUNT', 2]):
        sent = waiter.send(*words)
        wait_for_blocked(pair, 1)
        pusher.do('RPUSH', 'a', 1, 2)
        waiter.reply(sent)
        pusher.do('DEL', 'a')
        compare_received('events of %s' % words[0], listener)
    for both in (listener, pusher, waiter):
        both.close()


# ------------------------------------------------------------------------------------- waiting


def blocked_clients_are_served(pair, random):
    """A push from another connection, of one or several elements, serves whoever waits."""
    pusher = pair.open()
    for protocol in (2, 3):
        for request in (
                ['BLPOP', 'a', 'b', 0], ['BRPOP', 'a', 'b', 0],
                ['BLMPOP', 0, 2, 'a', 'b', 'LEFT', 'COUNT', 2], ['BLMPOP', 0, 1, 'b', 'RIGHT'],
                ['BLMOVE', 'b', 'c', 'LEFT', 'RIGHT', 0], ['BRPOPLPUSH', 'b', 'c', 0],
                ['BLMOVE', 'b', 'b', 'RIGHT', 'LEFT', 0]):
            for push in (['RPUSH', 'b', '1'], ['RPUSH', 'b', '1', '2', '3'],
                         ['LPUSH', 'b', '1', '2'],
                         ['LINSERT', 'b', 'BEFORE', 'x', 'y']):
                waiter = pair.open(protocol)
                sent = waiter.send(*request)
                wait_for_blocked(pair, 1)
                pusher.do(*push)
                if push[0] == 'LINSERT':
                    pusher.do('RPUSH', 'b', 'late')
                waiter.reply(sent)
                for key in 'abc':
                    pusher.do('LRANGE', key, 0, -1)
                pusher.do('DEL', 'a', 'b', 'c')
                waiter.close()
    pusher.close()


def blocked_clients_are_served_in_order(pair, random):
    """First come, first served, also by one push for several; keys in the request's order."""
    pusher = pair.open()
    waiters, sent = [], []
    for i in range(5):
        waiters.append(pair.open())
        sent.append(waiters[i].send('BLPOP', 'q', 0))
        wait_for_blocked(pair, i + 1)
    pusher.do('RPUSH', 'q', 1, 2)
    waiters[0].reply(sent[0])
    waiters[1].reply(sent[1])
    wait_for_blocked(pair, 3)
    pusher.do('MULTI')
    pusher.do('RPUSH', 'q', 3)
    pusher.do('RPUSH', 'q', 4, 5, 6)
    pusher.do('LPOP', 'q')
    pusher.do('EXEC')
    for i in (2, 3, 4):
        waiters[i].reply(sent[i])
    pusher.do('LRANGE', 'q', 0, -1)
    pusher.do('DEL', 'q')
    # Both keys become ready at once: the request's order decides.
    request = waiters[0].send('BLPOP', 'y', 'x', 0)
    wait_for_blocked(pair, 1)
    pusher.do('MULTI')
    pusher.do('RPUSH', 'x', 'from x')
    pusher.do('RPUSH', 'y', 'from y')
    pusher.do('EXEC')
    waiters[0].reply(request)
    pusher.do('DEL', 'x', 'y')
    # A list that is gone at the end of the transaction serves nobody.
    request = waiters[0].send('BLPOP', 'x', 0)
    wait_for_blocked(pair, 1)
    pusher.do('MULTI')
    pusher.do('RPUSH', 'x', 1)
    pusher.do('DEL', 'x')
    pusher.do('EXEC')
    pusher.do('SET', 'x', 'not a list')
    pusher.do('DEL', 'x')
    pusher.do('RPUSH', 'other', 1)
    pusher.do('RENAME', 'other', 'x')
    waiters[0].reply(request)
    for both in waiters + [pusher]:
        both.close()


def blocked_clients_form_a_chain(pair, random):
    """BLMOVE feeds another that waits; a wrong type is an error; COPY and MOVE serve too."""
    first, second, pusher = pair.open(), pair.open(), pair.open()
    sent_second = second.send('BLPOP', 'c', 0)
    wait_for_blocked(pair, 1)
    sent_first = first.send('BLMOVE', 'b', 'c', 'LEFT', 'LEFT', 0)
    wait_for_blocked(pair, 2)
    pusher.do('RPUSH', 'b', 'x')
    first.reply(sent_first)
    second.reply(sent_second)
    pusher.do('DBSIZE')
    pusher.do('SET', 'string', 'v')
    sent_first = first.send('BLMOVE', 'b', 'string', 'LEFT', 'LEFT', 0)
    wait_for_blocked(pair, 1)
    pusher.do('RPUSH', 'b', 'x')
    first.reply(sent_first)
    pusher.do('LRANGE', 'b', 0, -1)
    pusher.do('GET', 'string')
    pusher.do('FLUSHALL')
    sent_first = first.send('BLPOP', 'b', 0)
    wait_for_blocked(pair, 1)
    pusher.do('RPUSH', 'source', 1, 2)
    pusher.do('COPY', 'source', 'b')
    first.reply(sent_first)
    pusher.do('FLUSHALL')
    sent_first = first.send('BLPOP', 'b', 0)
    wait_for_blocked(pair, 1)
    pusher.do('SELECT', 1)
    pusher.do('RPUSH', 'b', 1)
    pusher.do('MOVE', 'b', 0)
    first.reply(sent_first)
    sent_first = first.send('BLPOP', 'b', 0)
    wait_for_blocked(pair, 1)
    pusher.do('RPUSH', 'b', 'in database 1')
    pusher.do('SWAPDB', 0, 1)
    first.reply(sent_first)
    for both in (first, second, pusher):
        both.close()


def blocked_clients_can_be_unblocked(pair, random):
    """CLIENT UNBLOCK, with and without an error; what was sent while waiting comes afterwards."""
    waiter, other = pair.open(), pair.open()
    for how in ([], ['TIMEOUT'], ['ERROR']):
        for request in (['BLPOP', 'q', 0], ['BLMOVE', 'q', 'r', 'LEFT', 'LEFT', 0],
                        ['BLMPOP', 0, 1, 'q', 'LEFT']):
            ids = [side.call('CLIENT', 'ID').value for side in (waiter.a, waiter.b)]
            sent = waiter.send(*request)
            ping = waiter.send('PING', 'afterwards')
            wait_for_blocked(pair, 1)
            replies = [side.call('CLIENT', 'UNBLOCK', client, *how)
                       for side, client in zip((other.a, other.b), ids)]
            agree('CLIENT UNBLOCK', *replies)
            waiter.reply(sent)
            waiter.reply(ping)
            replies = [side.call('CLIENT', 'UNBLOCK', client, *how)
                       for side, client in zip((other.a, other.b), ids)]
            agree('CLIENT UNBLOCK of one that does not wait', *replies)
    waiter.close()
    other.close()


def blocked_clients_time_out(pair, random):
    """What each waiting command answers in the end, in both protocols; in MULTI none waits."""
    requests = (['BLPOP', 'q', 0.01], ['BRPOP', 'q', 'r', 0.01],
                ['BLMOVE', 'q', 'r', 'LEFT', 'LEFT', 0.01],
                ['BRPOPLPUSH', 'q', 'r', 0.01], ['BLMPOP', 0.01, 1, 'q', 'LEFT'])
    for protocol in (2, 3):
        both = pair.open(protocol)
        for request in requests:
            both.do(*request)
        both.do('MULTI')
        for request in requests:
            both.do(*(0 if word == 0.01 else word for word in request))
        both.do('EXEC')
        both.close()


# -------------------------------------------------------------------------------- transactions


def watched_keys(pair, random):
    """Whether a change by another client fails EXEC, for many sorts of changes and non-changes."""
    changes = [
        ['SET', 'k', 'v'], ['SET', 'k', 'new', 'NX'], ['SET', 'k', 'v', 'KEEPTTL'], ['GET', 'k'],
        ['DEL', 'k'], ['DEL', 'nosuch'], ['UNLINK', 'k'], ['EXPIRE', 'k', 100000],
        ['EXPIRE', 'k', -1], ['EXPIRE', 'k', 100, 'XX'], ['PERSIST', 'k'], ['TOUCH', 'k'],
        ['APPEND', 'k', ''], ['APPEND', 'k', 'x'], ['SETRANGE', 'k', 0, ''],
        ['SETRANGE', 'k', 0, 'v'], ['GETEX', 'k'], ['GETEX', 'k', 'PERSIST'],
        ['GETEX', 'k', 'EX', 100000], ['GETDEL', 'k'], ['GETSET', 'k', 'v'], ['INCR', 'k'],
        ['INCRBY', 'n', 0], ['INCRBYFLOAT', 'n', 0], ['RENAME', 'k', 'k2'], ['RENAME', 'n', 'k'],
        ['RENAMENX', 'n', 'k'], ['COPY', 'n', 'k'], ['COPY', 'n', 'k', 'REPLACE'],
        ['COPY', 'k', 'k2'], ['MOVE', 'k', 1], ['MSET', 'k', 1, 'x', 2], ['MSETNX', 'k', 1, 'x', 2],
        ['LPUSH', 'l', 1], ['LPUSH', 'k', 1], ['RPUSHX', 'none', 1], ['LPOP', 'l'],
        ['LPOP', 'l', 0], ['LREM', 'l', 0, 'absent'], ['LREM', 'l', 0, 'a'], ['LTRIM', 'l', 0, -1],
        ['LTRIM', 'l', 1, 0], ['LSET', 'l', 0, 'a'], ['LSET', 'l', 99, 'a'],
        ['LINSERT', 'l', 'BEFORE', 'absent', 'x'], ['LINSERT', 'l', 'AFTER', 'a', 'x'],
        ['LMOVE', 'l', 'l', 'LEFT', 'LEFT'], ['LMOVE', 'l', 'none', 'LEFT', 'LEFT'],
        ['LMPOP', 1, 'l', 'LEFT'], ['LPOS', 'l', 'a'], ['SET', 'none', 1], ['FLUSHDB'],
        ['FLUSHALL'], ['SWAPDB', 0, 1], ['SWAPDB', 1, 2], ['SETEX', 'k', 100000, 'v'],
        ['SETNX', 'none', 1], ['SETNX', 'k', 1], ['SETBIT', 'k', 1, 1], ['SETBIT', 'k', 0, 1],
        ['SETBIT', 'none', 8, 0], ['SETBIT', 'k', 100, 0], ['GETBIT', 'k', 1],
        ['BITFIELD', 'k', 'GET', 'u8', 0], ['BITFIELD', 'k', 'SET', 'u8', 0, 118],
        ['BITFIELD', 'k', 'INCRBY', 'u8', 0, 1], ['BITFIELD', 'k', 'SET', 'u8', 100, 0],
        ['BITOP', 'NOT', 'k', 'none'], ['BITOP', 'NOT', 'none', 'k'], ['BITOP', 'OR', 'k', 'k'],
        ['BITOP', 'NOT', 'none', 'none2'], ['PFADD', 'none'], ['PFADD', 'none', 'x'],
        ['PFCOUNT', 'none'], ['PFMERGE', 'none', 'none2'], ['PFADD', 'k', 'x']]
    watcher, changer = pair.open(), pair.open()
    for change in [c for c in changes if c not in WATCH_GOES_ON]:
        for watch in (['k', 'l'], ['none'], ['n', 'k']):
            changer.do('FLUSHALL')
            changer.do('MSET', 'k', 'v', 'n', 5)
            changer.do('RPUSH', 'l', 'a', 'b')
            watcher.do('WATCH', *watch)
            changer.do(*change)
            watcher.do('MULTI')
            watcher.do('PING')
            watcher.do('EXEC')
    for end in (['UNWATCH'], ['DISCARD'], ['EXEC'], ['MULTI', 'DISCARD'], ['MULTI', 'EXEC'],
                ['RESET']):
        watcher.do('WATCH', 'k')
        for word in end:
            watcher.do(word)
        changer.do('SET', 'k', 'changed')
        watcher.do('MULTI')
        watcher.do('PING')
        watcher.do('EXEC')
    watcher.do('WATCH', 'k')
    watcher.do('SET', 'k', 'by the watcher')
    watcher.do('MULTI')
    watcher.do('EXEC')
    changer.do('SET', 'd', 1, 'PX', 200)
    watcher.do('WATCH', 'd')
    time.sleep(0.3)
    watcher.do('MULTI')
    watcher.do('GET', 'd')
    watcher.do('EXEC')
    watcher.close()
    changer.close()


def transactions_with_errors(pair, random):
    """Errors while queueing abort, errors while executing do not; nesting and strange commands."""
    for protocol in (2, 3):
        both = pair.open(protocol)
        for queue in (
                [['NOSUCH']], [['GET']], [['SET', 'a', 1], ['NOSUCH'], ['SET', 'b', 2]],
                [['CLIENT', 'NOSUCH']], [['MULTI']], [['WATCH', 'a']], [['SHUTDOWN', 'NOSAVE']],
                [['SET', 'a', 'x'], ['INCR', 'a'], ['LPUSH', 'a', 1], ['SET', 'b', 3]],
                [['SELECT', 99], ['SELECT', 1], ['SET', 'c', 1]], [['EXEC', 'x']],
                [['DISCARD', 'x']], [['UNWATCH']], [['FLUSHALL'], ['DBSIZE']],
                [['CLIENT', 'SETNAME', 'a b']], [['HELLO', '9']], [['AUTH', 'x']],
                [['PING'], ['ECHO', 'x'], ['COMMAND', 'GETKEYS', 'get', 'a']],
                [['BLPOP', 'none', 0]], [['SCAN', 'x']]):
            both.do('MULTI')
            for command in queue:
                both.do(*command)
            both.do('EXEC')
            both.do('MGET', 'a', 'b', 'c')
            both.do('SELECT', 0)
        both.do('EXEC')
        both.do('DISCARD')
        both.do('MULTI')
        both.do('RESET')
        both.do('EXEC')
        both.close()


# ------------------------------------------------------------------------------------ protocol


PROTOCOL_ERRORS = [
    b'*1\r\n', b'*x\r\n', b'*2147483648\r\n', b'*1048577\r\n', b'*99999999999999999999\r\n',
    b'*\r\n', b'*1 \r\n', b'* 1\r\n', b'*+1\r\n', b'*1x\r\n', b'*1\r\n+PING\r\n', b'*1\r\n:4\r\n',
    b'*1\r\nPING\r\n', b'*1\r\n\r\n', b'*1\r\n$\r\n', b'*1\r\n$x\r\n', b'*1\r\n$-1\r\n',
    b'*1\r\n$-5\r\n', b'*1\r\n$536870913\r\n', b'*1\r\n$99999999999999999999\r\n',
    b'*1\r\n$4 \r\nPING\r\n', b'*1\r\n$4\r\nPINGxxPING\r\n', b'*1\r\n$0\r\n\r\n',
    b'*2\r\n$3\r\nGET\r\n$-1\r\n', b'*2\r\n$3\r\nGET\r\n*0\r\n', b'*-1\r\nPING\r\n',
    b'*0\r\nPING\r\n', b'*-2147483649\r\nPING\r\n', b'*1\r\n*1\r\n$4\r\nPING\r\n', b'\x00\r\n',
    b'\x00\x01\x02\r\n', b'GET "a\r\n', b"GET 'a\r\n", b'GET "a"b\r\n', b"GET 'a'b\r\n",
    b'SET a "b\\"\r\n', b'"" x\r\n', b'"\r\n', b'PING\n', b'PING\r\r\n', b'PING\n\nPING\n',
    b'  PING  \r\n', b'PING\tx\r\n', b'"PING"\r\n', b"'PING' \"\\x41\\n\\q\"\r\n",
    b"PING '\\'x\\n'\r\n", b'PING ""\r\n', b'$4\r\nPING\r\n', b'+PING\r\n', b':1\r\n',
    b'GET \xff\r\n', b'PING "a""b"\r\n', b'ECHO a"b\r\n', b'x' * 70000,
    b'PING ' + b'x' * 65600 + b'\r\n', b'*1' + b'0' * 70000, b'*1\r\n$' + b'1' * 70000,
    b'POST / HTTP/1.1\r\n\r\n', b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    b'Host: x\r\n', b'-1\r\n', b'PING\r\n*1\r\nPING\r\n',
    b'*1\r\n$4\r\nPING\r\n*x\r\n*1\r\n$4\r\nPING\r\n',
    b'*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nbcd\r\nPING\r\n', b'*1\r\n$4\nPING\n', b'*1\n$4\nPING\n',
    b'\r\n\r\nPING\r\n', b'QUIT\r\nPING\r\n', b'*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n',
    b'quit now\r\n', b'*1\r\n$4\r\nPING\r', b'*1\r\n$4\r\nPI', b'*1\r\n$4', b'*1', b'*',
]


def protocol_errors(pair, random):
    """What no client should send, each on a connection of its own, whole and in pieces."""
    for payload in PROTOCOL_ERRORS:
        for pieces in ((), sorted(random.randrange(min(len(payload), 20)) for _ in range(2))):
            both = pair.open()
            both.start(payload, pieces)
            both.drain([b'(raw)', payload[:100]])
            both.close()


def damaged_requests(pair, random):
    """Good pipelines with bytes changed, dropped or doubled."""
    generator = Generator(random)
    tame = [b'GET', b'SET', b'LPUSH', b'LRANGE', b'INCR', b'DEL', b'TYPE', b'STRLEN', b'ECHO']
    for _ in range(60):
        requests = b''
        for _ in range(3):
            name = random.choice(tame)
            arguments = [name] + [a[:30] for form in generator.forms[name][1] for a in form()][:4]
            requests += encode(arguments) if random.random() < 0.7 else encode_inline(arguments)
        data = bytearray(requests)
        for _ in range(random.choice((1, 1, 2))):
            at = random.randrange(len(data))
            how = random.random()
            if how < 0.4:
                data[at] = random.choice(b'\r\n$*0123456789-+"\'\\ \x00\xffx')
            elif how < 0.7:
                del data[at:at + random.choice((1, 1, 2, 5))]
            else:
                data[at:at] = data[at:at + random.choice((1, 2, 5))]
            if not data:
                break
        both = pair.open()
        both.start(bytes(data))
        both.drain([b'(raw)', bytes(data)])
        both.close()
        each(pair, 'FLUSHALL')  # one server may have executed more, where that is permitted


def inline_commands(pair, random):
    """Lines as typed by hand, with quotes and escapes."""
    both = pair.open()
    for line in (b'SET a b', b'set  a   "b c"', b"set a 'b\\'c'",
                 b'set "\\x00\\xff\\r\\n\\t\\a\\b\\\\\\"" v', b'keys *',
                 b'get "\\x00\\xff\\r\\n\\t\\a\\b\\\\\\""', b'ping', b'PiNg hello', b'echo ""',
                 b"echo ''", b'echo "\\xZZ"', b"echo '\\n'", b'nosuch a b', b'get',
                 b'echo \xc3\xbc', b'echo a\tb', b'rpush l 1 2 3', b'lrange l 0 -1'):
        for end in (b'\r\n', b'\n'):
            both.run([Command([b'(inline)', line], raw=line + end)] if not line.startswith(b'keys')
                     else [Command([b'keys'], raw=line + end)])
    both.close()


def large_requests(pair, random):
    """Values of a megabyte, thousands of arguments, long pipelines."""
    both = pair.open()
    big = bytes(range(256)) * 4096
    both.do('SET', 'big', big)
    both.do('GET', 'big')
    both.do('APPEND', 'big', big)
    both.do('STRLEN', 'big')
    both.do('GETRANGE', 'big', 1000000, 1000100)
    both.do('SETRANGE', 'big', 3000000, 'end')
    both.do('GETRANGE', 'big', -10, -1)
    both.do('RPUSH', 'l', big, 'small', big)
    both.do('LRANGE', 'l', 0, -1)
    both.do('LPOS', 'l', big, 'COUNT', 0)
    both.do('LSET', 'l', 1, big[:70000])
    both.do('LINDEX', 'l', 1)
    both.do('RPUSH', 'many', *range(10000))
    both.do('LRANGE', 'many', 4990, 5010)
    both.do('LREM', 'many', 0, 5000)
    both.do('LTRIM', 'many', 100, -100)
    both.do('LINSERT', 'many', 'BEFORE', 7000, 'x')
    both.do('LRANGE', 'many', 0, -1)
    both.do('LPOP', 'many', 9000)
    both.do('MSET', *[word for i in range(5000) for word in ('key:%d' % i, i)])
    both.do('MGET', *['key:%d' % i for i in range(0, 6000)])
    both.do('DEL', *['key:%d' % i for i in range(0, 6000, 2)])
    both.do('DBSIZE')
    both.run([Command([b'INCR', b'counter']) for _ in range(20000)])
    both.run([Command([b'GET', b'big']) for _ in range(20)])
    both.close()


def replies_switched_off(pair, random):
    """CLIENT REPLY OFF and SKIP."""
    for protocol in (2, 3):
        both = pair.open(protocol)
        both.start(encode([b'CLIENT', b'REPLY', b'SKIP']) + encode([b'SET', b'a',
            b'1']) + encode([b'GET', b'a']))
        both.drain([b'CLIENT REPLY SKIP'])
        both.start(encode([b'CLIENT', b'REPLY', b'OFF']) + encode([b'INCR',
            b'a']) + encode([b'NOSUCH']))
        both.drain([b'CLIENT REPLY OFF'])
        both.start(encode([b'CLIENT', b'REPLY', b'SKIP']) + encode([b'INCR',
            b'a']) + encode([b'CLIENT', b'REPLY', b'ON']))
        both.drain([b'CLIENT REPLY ON'])
        both.do('GET', 'a')
        both.start(encode([b'CLIENT', b'REPLY', b'SKIP']) * 2 + encode([b'INCR',
            b'a']) + encode([b'GET', b'a']))
        both.drain([b'CLIENT REPLY SKIP twice'])
        both.close()


def protocol_versions(pair, random):
    """Every sort of reply in both versions, switching to and fro."""
    both = pair.open()
    both.do('RPUSH', 'l', 1, 2)
    for version in (3, 2, 3, 3, 2):
        both.do('HELLO', version)
        for command in (['GET', 'none'], ['LPOP', 'none'], ['LPOP', 'none', 2], ['LPOP', 'l', 0],
                        ['MGET', 'none', 'none'], ['BLPOP', 'none', 0.01],
                        ['LMPOP', 1, 'none', 'LEFT'], ['LPOS', 'l', 'x'],
                        ['LPOS', 'l', 'x', 'COUNT', 0], ['SET', 'none', 'x', 'XX'],
                        ['SET', 'none', 'x', 'XX', 'GET'], ['LCS', 'none', 'none', 'IDX'],
                        ['CONFIG', 'GET', 'maxmemory'], ['OBJECT', 'ENCODING', 'none'],
                        ['COMMAND', 'INFO', 'get', 'none'], ['COMMAND', 'DOCS', 'get'],
                        ['CLIENT', 'GETNAME'], ['LMPOP', 1, 'l', 'LEFT'], ['RPUSH', 'l', 1],
                        ['MEMORY', 'USAGE', 'none'], ['RANDOMKEY'], ['CLIENT', 'INFO'],
                        ['INFO', 'keyspace'], ['HELLO'], ['TIME'], ['SCAN', 0],
                        ['COMMAND', 'GETKEYSANDFLAGS', 'set', 'a', 'b'],
                        ['DEBUG', 'PROTOCOL', 'map'], ['DEBUG', 'PROTOCOL', 'set'],
                        ['DEBUG', 'PROTOCOL', 'double'], ['DEBUG', 'PROTOCOL', 'true'],
                        ['DEBUG', 'PROTOCOL', 'verbatim'], ['INCRBYFLOAT', 'f', '1.5']):
            both.do(*command)
    both.do('HELLO', 3, 'SETNAME', 'someone')
    both.do('CLIENT', 'GETNAME')
    both.do('RESET')
    both.do('CLIENT', 'GETNAME')
    both.do('GET', 'none')
    both.close()


# --------------------------------------------------------------------------------- connections


def passwords(pair, random):
    """requirepass: what is allowed before AUTH, what AUTH and HELLO answer."""
    admin = pair.open()
    admin.do('CONFIG', 'SET', 'requirepass', 'secret')
    admin.do('PING')
    try:
        for protocol_request in ([], ['HELLO', 3, 'AUTH', 'default', 'secret'],
                                 ['HELLO', 3, 'AUTH', 'default', 'wrong'], ['HELLO', 3],
                                 ['HELLO', 2, 'AUTH', 'nosuch', 'secret'],
                                 ['HELLO', 3, 'AUTH', 'default', 'secret', 'SETNAME', 'n']):
            both = pair.open()
            if protocol_request:
                both.do(*protocol_request)
            for command in (['PING'], ['GET', 'k'], ['NOSUCH'], ['GET'], ['MULTI'], ['RESET'],
                            ['HELLO'], ['CLIENT', 'ID'], ['COMMAND'], ['INFO', 'keyspace'],
                            ['AUTH'], ['AUTH', 'wrong'], ['AUTH', 'nosuch', 'secret'], ['GET', 'k'],
                            ['AUTH', 'default', 'wrong'], ['AUTH', 'secret'], ['GET', 'k'],
                            ['CLIENT', 'GETNAME'], ['AUTH', 'wrong'], ['GET', 'k'], ['RESET'],
                            ['GET', 'k'], ['AUTH', 'default', 'secret'],
                            ['CONFIG', 'GET', 'requirepass']):
                both.do(*command)
            both.close()
        both = pair.open()
        both.start(encode([b'QUIT']))
        both.drain([b'QUIT before AUTH'])
        both.close()
        for payload in (b'*11\r\n', b'*1\r\n$16385\r\n',
                        b'*10\r\n$4\r\nPING\r\n'):  # limits before AUTH
            both = pair.open()
            both.start(payload)
            both.drain([b'(raw before AUTH)', payload])
            both.close()
    finally:
        admin.do('CONFIG', 'SET', 'requirepass', '')
    both = pair.open()
    both.do('GET', 'k')
    both.do('AUTH', 'anything')
    both.close()
    admin.close()


def killing_clients(pair, random):
    """CLIENT KILL by number and by filter; the victim sees the end, the killer the count."""
    admin = pair.open()
    for skip_me in ([], ['SKIPME', 'yes'], ['SKIPME', 'no']):
        victims = [pair.open() for _ in range(2)]
        for victim in victims:
            victim.do('PING')
        ids = [side.call('CLIENT', 'ID').value for side in (victims[0].a, victims[0].b)]
        agree('CLIENT KILL ID', *[side.call('CLIENT', 'KILL', 'ID', client, *skip_me)
                                  for side, client in zip((admin.a, admin.b), ids)])
        victims[0].drain([b'killed'], 1.0)
        victims[1].do('PING')
        addresses = [line.split(b'addr=')[1].split(b' ')[0]
                     for line in (side.call('CLIENT', 'INFO').value
                                  for side in (victims[1].a, victims[1].b))]
        if b'/' not in addresses[0]:
            agree('CLIENT KILL address', *[side.call('CLIENT', 'KILL', address)
                                           for side, address in zip((admin.a, admin.b), addresses)])
        for victim in victims:
            victim.close()
    waiter = pair.open()
    waiter.send('BLPOP', 'q', 0)
    wait_for_blocked(pair, 1)
    agree('CLIENT KILL TYPE normal', *[side.call('CLIENT', 'KILL', 'TYPE', 'normal').kind
                                       for side in (admin.a, admin.b)])
    waiter.drain([b'killed while waiting'], 1.0)
    wait_for_blocked(pair, 0)
    # A client that kills itself gets its answer first.
    own = [side.call('CLIENT', 'ID').value for side in (admin.a, admin.b)]
    for side, client in zip((admin.a, admin.b), own):
        side.start(encode([b'CLIENT', b'KILL', b'ID', b'%d' % client, b'SKIPME',
                           b'no']) + encode([b'PING']))
    admin.drain([b'CLIENT KILL of itself'])
    waiter.close()
    admin.close()


def the_client_list(pair, random):
    """CLIENT LIST: the fields, the order, filters; names, databases and transactions are shown."""
    one, two = pair.open(), pair.open(3)
    one.do('CLIENT', 'SETNAME', 'one')
    one.do('SELECT', 3)
    one.do('WATCH', 'k')
    one.do('MULTI')
    one.do('PING')
    wait_for_clients(two, 2)
    two.do('CLIENT', 'LIST')
    two.do('CLIENT', 'LIST', 'TYPE', 'normal')
    ids = [[side.call('CLIENT', 'ID').value for side in sides] for sides in ((two.a, two.b),)][0]
    for side, client in zip((two.a, two.b), ids):
        side.start(encode([b'CLIENT', b'LIST', b'ID', b'%d' % client, b'999999']))
    two.reply([b'client', b'list'])
    one.do('EXEC')
    one.do('CLIENT', 'INFO')
    waiter = pair.open()
    waiter.send('BLPOP', 'q', 0)
    wait_for_blocked(pair, 1)
    wait_for_clients(two, 3)
    two.do('CLIENT', 'LIST')
    for both in (one, two, waiter):
        both.close()


def paused_clients(pair, random):
    """CLIENT PAUSE WRITE lets reads through and holds writes until UNPAUSE."""
    admin, writer = pair.open(), pair.open()
    admin.do('CLIENT', 'PAUSE', 60000, 'WRITE')
    writer.do('GET', 'k')
    sent = writer.send('SET', 'k', 'v')
    time.sleep(0.05)
    admin.do('GET', 'k')
    admin.do('CLIENT', 'UNPAUSE')
    writer.reply(sent)
    admin.do('GET', 'k')
    admin.do('CLIENT', 'PAUSE', 60000, 'WRITE')
    writer.do('MULTI')
    writer.do('GET', 'k')
    writer.do('EXEC')
    writer.do('MULTI')
    sent = [writer.send('SET', 'k', 'w'),
            writer.send('EXEC')]  # held back already when it is queued
    time.sleep(0.05)
    admin.do('GET', 'k')
    admin.do('CLIENT', 'UNPAUSE')
    writer.reply(sent[0])
    writer.reply(sent[1])
    admin.do('CLIENT', 'PAUSE', 50, 'ALL')
    admin.do('PING')
    admin.do('CLIENT', 'UNPAUSE')
    admin.close()
    writer.close()


def leaving(pair, random):
    """QUIT in the middle of a pipeline, RESET, requests without an end."""
    for requests in ([[b'PING'], [b'QUIT'], [b'PING']], [[b'MULTI'], [b'SET', b'a', b'1'],
        [b'QUIT'], [b'EXEC']], [[b'QUIT', b'x', b'y']],
                     [[b'MULTI'], [b'RESET'], [b'EXEC'], [b'QUIT']],
                     [[b'CLIENT', b'REPLY', b'OFF'], [b'QUIT']],
                     [[b'WATCH', b'a'], [b'RESET'], [b'GET', b'none'], [b'QUIT']]):
        both = pair.open()
        both.start(b''.join(encode(request) for request in requests))
        both.drain([b'(pipeline)', b' '.join(request[0] for request in requests)])
        both.close()
    both = pair.open()
    both.do('DBSIZE')
    both.close()


# -------------------------------------------------------------------------------------- keys


def scans(pair, random):
    """A whole scan finds each key that stays, whatever comes and goes, with every filter."""
    both = pair.open()
    stays = ['key:%d' % i for i in range(500)] + ['list:%d' % i for i in range(50)]
    for key in stays:
        both.do(*(['RPUSH', key, 1] if key.startswith('list') else ['SET', key, 1]))
    for options in ([], ['COUNT', 1], ['COUNT', 1000], ['MATCH', 'key:1*'],
                    ['MATCH', 'key:1*', 'COUNT', 7], ['TYPE', 'list'],
                    ['TYPE', 'string', 'MATCH', '*9'], ['TYPE', 'hash'], ['MATCH', 'nosuch*'],
                    ['count', 3, 'type', 'LIST']):
        found = []
        for name, side in (('a', both.a), ('b', both.b)):
            keys, cursor, turns = set(), b'0', 0
            while turns == 0 or cursor != b'0':
                reply = side.call('SCAN', cursor, *options)
                cursor = reply.value[0].value
                keys.update(member.value for member in reply.value[1].value)
                turns += 1
                side.call('SET', 'passing:%d' % turns, 1)
                side.call('DEL', 'passing:%d' % (turns - 1))
            found.append({key for key in keys if not key.startswith(b'passing')})
        if found[0] != found[1]:
            raise Disagreement([b'SCAN'] + [str(o).encode() for o in options],
                               repr(sorted(found[0] - found[1])[:20]).encode(),
                               repr(sorted(found[1] - found[0])[:20]).encode())
    both.close()


def keys_expire(pair, random):
    """Near deadlines, waited for: the key is gone for every command that looks."""
    both = pair.open()
    for command in (['GET', 'k'], ['TTL', 'k'], ['EXISTS', 'k'], ['TYPE', 'k'], ['DBSIZE'],
                    ['KEYS', '*'], ['RANDOMKEY'], ['SET', 'k', 1, 'NX'], ['SET', 'k', 1, 'XX'],
                    ['SET', 'k', 1, 'KEEPTTL'], ['SET', 'k', 2, 'GET'], ['APPEND', 'k', 'x'],
                    ['INCR', 'k'], ['RENAME', 'k', 'k2'], ['PERSIST', 'k'], ['COPY', 'k', 'k2'],
                    ['LPUSH', 'k', 1], ['GETDEL', 'k'], ['DEL', 'k'], ['EXPIRE', 'k', 100],
                    ['OBJECT', 'ENCODING', 'k'], ['SETRANGE', 'k', 2, 'x'], ['MSETNX', 'k', 1],
                    ['STRLEN', 'k'], ['SCAN', 0, 'COUNT', 1000], ['GETEX', 'k'], ['TOUCH', 'k'],
                    ['MOVE', 'k', 1]):
        both.do('FLUSHALL')
        both.do('DEBUG', 'SET-ACTIVE-EXPIRE', 1 if command[0] in ('DBSIZE', 'RANDOMKEY', 'KEYS',
            'SCAN') else 0)
        both.do('SET', 'k', 5)
        both.do('PEXPIRE', 'k', 5)
        time.sleep(0.25 if command[0] in ('DBSIZE', 'RANDOMKEY') else 0.01)
        both.do(*command)
        both.do('GET', 'k')
        both.do('TTL', 'k')
    both.do('DEBUG', 'SET-ACTIVE-EXPIRE', 1)
    both.do('FLUSHALL')
    both.do('MSET', *[word for i in range(200) for word in ('k%d' % i, i)])
    both.run([Command([b'PEXPIRE', b'k%d' % i, b'10']) for i in range(0, 200, 2)])
    time.sleep(0.5)
    both.do('DBSIZE')
    both.close()


def encodings_of_fresh_values(pair, random):
    """OBJECT ENCODING right after SET is the same, form by form."""
    both = pair.open()
    for value in ('0', '-1', '9999', '10000', '9223372036854775807', '9223372036854775808',
                  '-9223372036854775808', '-9223372036854775809', '01', '+1', '-0', '1.5',
                  ' 1', '1 ', '', 'a', 'a' * 44, 'a' * 45, 'a' * 64, '1' * 20, '1' * 44,
                  '12345678901234567890'):
        both.do('SET', 'k', value)
        agree('OBJECT ENCODING of %r' % value, *(side.call('OBJECT', 'ENCODING', 'k')
                                                 for side in (both.a, both.b)))
    both.do('RPUSH', 'l', *['x' * 100] * 1000)
    agree('OBJECT ENCODING of a long list', *(side.call('OBJECT', 'ENCODING', 'l')
                                              for side in (both.a, both.b)))
    for name in ('none', 'k', 'l'):
        both.do('OBJECT', 'FREQ', name)
    both.close()


def numbers(pair, random):
    """INCRBYFLOAT and INCRBY at the edges of their ranges and of printing."""
    both = pair.open()
    values = ['0', '1', '-1', '3.0', '3.10', '0.1', '1e5', '1e-5', '1.0e3', '-1.5e-7', '1e17',
              '1e18', '1e22', '12345678901234567', '0.1234567890123456789', '1e300', '1e-300', '.5',
              '5.', '-.5', '1e', 'e1', '0x1p3', 'inf', '-inf', 'nan', '1e400', '', ' 1', '1 ',
              '1,5', '+1', '9223372036854775807', '-9223372036854775808', '99999999999999999999',
              '1e4931', '1e4933', '179769313486231570000000000000', '3.141592653589793238', '1e-17',
              '1e-18', '123456789.987654321']
    for start in values:
        for step in random.sample(values, 12):
            both.do('SET', 'f', start)
            both.do('INCRBYFLOAT', 'f', step)
            both.do('GET', 'f')
            both.do('INCRBY', 'f', step)
            both.do('DECRBY', 'f', step)
    both.close()


def longest_common_subsequences(pair, random):
    """LCS with every option on random strings of few letters."""
    both = pair.open(random.choice((2, 3)))
    for _ in range(150):
        both.do('SET', 'a', ''.join(random.choice('abc') for _ in range(random.randrange(40))))
        both.do('SET', 'b', ''.join(random.choice('abcd') for _ in range(random.randrange(40))))
        both.do('LCS', 'a', 'b')
        both.do('LCS', 'a', 'b', 'LEN')
        both.do('LCS', 'a', 'b', 'IDX')
        both.do('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', random.randrange(5), 'WITHMATCHLEN')
    both.close()


def patterns(pair, random):
    """KEYS with random patterns over random short names."""
    both = pair.open()
    letters = b'ab-]^[*?\\'
    for _ in range(200):
        both.do('SET', bytes(random.choice(letters) for _ in range(random.randrange(6))), 1)
    for _ in range(400):
        both.do('KEYS', bytes(random.choice(letters) for _ in range(random.randrange(8))))
    both.do('SET', 'a' * 40, 1)
    both.do('KEYS', 'a*a*a*a*b')
    both.close()


def long_lists(pair, random):
    """Many elements of mixed sizes, so that a list passes through every form it can take."""
    both = pair.open()
    for _ in range(3):
        both.do('DEL', 'l')
        size = 0
        for _ in range(120):
            kind = random.randrange(10)
            values = [random.choice((b'%d' % random.randrange(10 ** random.randrange(1, 19)),
                                     b'x' * random.randrange(300), b'y' * 9000, b''))
                      for _ in range(random.choice((1, 5, 50)))]
            at = random.randrange(-size - 2, size + 2)
            if kind < 3:
                size = both.do('RPUSH', 'l', *values).value
            elif kind < 5:
                size = both.do('LPUSH', 'l', *values).value
            elif kind == 5:
                both.do('LPOP' if at % 2 else 'RPOP', 'l', random.randrange(20))
            elif kind == 6:
                both.do('LSET', 'l', at, values[0])
            elif kind == 7:
                pivot = both.do('LINDEX', 'l', at).value
                both.do('LINSERT', 'l', 'BEFORE' if at % 2 else 'AFTER', pivot or 'none', values[0])
            elif kind == 8:
                victim = both.do('LINDEX', 'l', at).value
                both.do('LREM', 'l', random.randrange(-2, 3), victim or 'none')
            else:
                both.do('LTRIM', 'l', random.randrange(5), -random.randrange(1, 5))
            both.do('LRANGE', 'l', random.randrange(-50, 50), random.randrange(-50, 50))
            size = both.do('LLEN', 'l').value
        both.do('LRANGE', 'l', 0, -1)
    both.close()


def counted(both, key):
    """All that is to be seen of a HyperLogLog."""
    both.do('PFCOUNT', key)
    both.do('GET', key)
    both.do('PFDEBUG', 'DECODE', key)
    both.do('PFDEBUG', 'ENCODING', key)
    both.do('OBJECT', 'ENCODING', key)


def hyperloglogs(pair, random):
    """The bytes of HyperLogLogs while they grow, become dense and are merged; and of forged ones."""
    both = pair.open()
    for sparse_max in (3000, 0, 1, 60, 500, 20000):
        both.do('FLUSHALL')
        both.do('CONFIG', 'SET', 'hll-sparse-max-bytes', sparse_max)
        for _ in range(60):
            key = 'p%d' % random.randrange(4)
            kind = random.randrange(10)
            if kind < 6:
                count = random.choice((0, 1, 2, 10, 100, 300))
                both.do('PFADD', key, *[random.randrange(10 ** random.randrange(1, 9))
                                        for _ in range(count)])
            elif kind < 8:
                both.do('PFMERGE', key, *['p%d' % random.randrange(5)
                                          for _ in range(random.randrange(4))])
            elif kind == 8:
                both.do('PFCOUNT', *['p%d' % random.randrange(5)
                                     for _ in range(random.randrange(1, 6))])
            else:
                both.do('DEL', key)
            both.do('GET', key)
        for key in ('p0', 'p1', 'p2', 'p3', 'p4'):
            counted(both, key)
        both.do('PFDEBUG', 'GETREG', 'p0')
        both.do('PFDEBUG', 'TODENSE', 'p0')
        both.do('PFDEBUG', 'TODENSE', 'p1')
        counted(both, 'p0')
    both.do('CONFIG', 'SET', 'hll-sparse-max-bytes', 3000)
    for _ in range(150):
        forged = bytearray(both.do('GET', 'p2').value or b'HYLL\1' + bytes(11) + b'\x7f\xff')
        for _ in range(random.choice((0, 1, 1, 3))):
            forged[random.choice((random.randrange(16), random.randrange(len(forged))))] = (
                random.randrange(256))
        if random.random() < 0.1:
            del forged[random.choice((15, 16, 17)):]
        if len(forged) > 16 and 0x40 <= forged[-1] < 0x80:  # half a run: Redis reads on
            forged[-1] = 0
        both.do('SET', 'f', bytes(forged))
        for command in (['PFCOUNT', 'f'], ['PFCOUNT', 'f', 'p1'], ['PFMERGE', 'g', 'f'],
                        ['PFADD', 'f', random.randrange(10 ** 6)], ['PFDEBUG', 'ENCODING', 'f'],
                        ['PFDEBUG', 'TODENSE', 'f'], ['PFMERGE', 'f', 'p1'], ['PFCOUNT', 'g']):
            both.do(*command)
            both.do('GET', 'f')
            both.do('GET', 'g')
    both.do('PFSELFTEST')
    both.close()


# --------------------------------------------------------------------------------------- server


def command_facts(pair, random):
    """COMMAND INFO, DOCS and GETKEYS of every command that kvstore has, in both protocols."""
    names = sorted(member.value for member in pair_names(pair))
    for protocol in (2, 3):
        both = pair.open(protocol)
        for name in names:
            both.do('COMMAND', 'INFO', name)
            both.do('COMMAND', 'DOCS', name)
            for shape in (['a'], ['a', 'b'], ['a', 'b', 'c'], ['2', 'a', 'b', 'LEFT'],
                          ['0', '2', 'a', 'b', 'LEFT']):
                if name in ARITY_OF_7_2:
                    continue
                both.do('COMMAND', 'GETKEYS', *name.split(b'|'), *shape)
                both.do('COMMAND', 'GETKEYSANDFLAGS', *name.split(b'|'), *shape)
        both.close()


def pair_names(pair):
    """The names, also of subcommands, that both servers have."""
    oracle, ours = (set(reply.value) for reply in each(pair, 'COMMAND', 'LIST'))
    containers = (b'client', b'command', b'config', b'memory', b'object', b'slowlog')
    both = {member for member in oracle & ours if member.value not in containers}
    missing = {b'get', b'set', b'lpush', b'blmpop', b'client|id', b'exec',
               b'command|docs'} - {m.value for m in both}
    agree('COMMAND LIST lacks', set(), missing)
    return both


def info_names(pair, random):
    """INFO has Redis's sections in its order, and its fields in the sections of section 3."""
    def fields(text):
        sections, section = {}, None
        for line in text.decode('latin1').split('\r\n'):
            if line.startswith('# '):
                section = sections.setdefault(line[2:], [])
            elif ':' in line:
                section.append(line.split(':')[0])
        return sections
    for section in ('server', 'clients', 'memory', 'persistence', 'stats', 'keyspace', 'cpu'):
        a, b = (fields(reply.value) for reply in each(pair, 'INFO', section))
        agree('the heading of INFO %s' % section, list(a), list(b))
        for name in a:
            missing = [field for field in a[name] if field not in b[name]
                       and field not in INFO_NOT_HERE]
            agree('INFO %s lacks' % section, [], missing)
    default = [list(fields(reply.value)) for reply in each(pair, 'INFO')]
    shared = [name for name in default[0] if name in default[1]]
    agree('the sections of INFO', shared, [name for name in default[1] if name in default[0]])
    for arguments in (['server', 'clients'], ['SERVER'], ['all'], ['default'], ['everything'],
                      ['nosuch'], ['commandstats'], ['errorstats'], ['latencystats']):
        a, b = (set(fields(reply.value)) for reply in each(pair, 'INFO', *arguments))
        agree('INFO %s lacks' % ' '.join(arguments), set(),
              a - b - {'Modules', 'Cluster', 'Replication', 'Latencystats'})


def statistics(pair, random):
    """INFO errorstats and commandstats count what happened since CONFIG RESETSTAT."""
    both = pair.open()
    both.do('CONFIG', 'RESETSTAT')
    for command in (['GET', 'a'], ['GET'], ['NOSUCH'], ['SET', 'a', 'x'], ['INCR', 'a'],
                    ['INCR', 'a'], ['LPUSH', 'a', 1], ['CLIENT', 'NOSUCH'], ['EXEC'],
                    ['MULTI'], ['NOSUCH'], ['EXEC'], ['OBJECT', 'ENCODING', 'a'],
                    ['DEBUG', 'ERROR', 'MINE of mine']):
        both.do(*command)
    for section in ('errorstats', 'commandstats'):
        texts = []
        for side in (both.a, both.b):
            lines = sorted(side.call('INFO', section).value.split(b'\r\n'))
            texts.append([b','.join(part for part in line.split(b',')
                                    if not part.startswith(b'usec_per'))
                          .replace(line[line.find(b',usec='):].split(b',')[1] if b',usec=' in line
                                   else b'\0', b'usec')
                          for line in lines])
        agree('INFO %s' % section, *texts)
    both.do('CONFIG', 'RESETSTAT')
    both.do('INFO', 'errorstats')
    both.close()


def configuration(pair, random):
    """CONFIG knows Redis's names; values can be set and read back; SET of several is atomic."""
    both = pair.open()
    oracle, ours = ({member.value for member in reply.value[::2]}
                    for reply in each(pair, 'CONFIG', 'GET', '*'))
    agree('CONFIG GET * lacks', [], sorted(name for name in oracle - ours
                                           if name.decode() not in CONFIG_NOT_HERE))
    for name, good, bad in (
            ('timeout', ['10', '0'], ['x', '-1', '']), ('tcp-keepalive', ['0', '300'], ['x', '-1']),
            ('maxclients', ['5000', '10000'], ['0', 'x']),
            ('slowlog-max-len', ['10', '128'], ['x', '-1']),
            ('slowlog-log-slower-than', ['10000', '-1'], ['x', '-2']),
            ('maxmemory', ['100mb', '1gb', '0'], ['x', '-1', '1zb']),
            ('maxmemory-policy', ['allkeys-lru', 'volatile-ttl', 'allkeys-lfu', 'noeviction'], ['x', '']),
            ('proto-max-bulk-len', ['2mb', '512mb'], ['1', 'x']),
            ('appendfsync', ['always', 'no', 'everysec'], ['x']),
            ('client-query-buffer-limit', ['2mb', '1gb'], ['1', 'x']),
            ('notify-keyspace-events', ['KEA', 'Kg$lshzxetd', 'Em', 'nK', ''], ['q', 'K E']),
            ('loglevel', ['debug', 'notice'], ['x']), ('hz', ['20', '500'], ['x']),
            ('client-output-buffer-limit', ['normal 1mb 2mb 60', 'normal 0 0 0'],
             ['x', 'normal 1 2', 'nosuch 1 2 3']), ('lazyfree-lazy-expire', ['yes', 'no'], ['x']),
             ('maxmemory-samples', ['10', '5'], ['0', 'x'])):
        for value in good + bad:
            both.do('CONFIG', 'SET', name, value)
            if value not in CONFIG_REFUSED.get(name, ()):
                both.do('CONFIG', 'GET', name)
    both.do('CONFIG', 'SET', 'timeout', 7, 'maxclients', 'x')
    both.do('CONFIG', 'GET', 'timeout')
    both.do('CONFIG', 'SET', 'timeout', 7, 'nosuch', 'x')
    both.do('CONFIG', 'GET', 'timeout')
    both.do('CONFIG', 'SET', 'timeout', 7, 'TIMEOUT', 8)
    both.do('CONFIG', 'SET', 'timeout', 0, 'slowlog-max-len', 128)
    both.do('CONFIG', 'SET', 'databases', 3)
    both.do('CONFIG', 'SET', 'databases', 16)
    both.do('CONFIG', 'REWRITE')
    both.close()


def the_slow_log(pair, random):
    """With a threshold of zero every command is logged, its arguments cut as Redis cuts them."""
    both = pair.open()
    both.do('CONFIG', 'SET', 'slowlog-log-slower-than', 0)
    both.do('SLOWLOG', 'RESET')
    both.do('SET', 'k', 'x' * 200)
    both.do('MSET', *range(100))
    both.do('GET', 'k')
    both.do('NOSUCH')
    both.do('MULTI')
    both.do('GET', 'k')
    both.do('EXEC')
    both.do('CONFIG', 'SET', 'slowlog-log-slower-than', -1)
    both.do('SLOWLOG', 'GET')
    both.do('SLOWLOG', 'GET', 3)
    both.do('SLOWLOG', 'GET', -1)
    both.do('SLOWLOG', 'LEN')
    both.do('SLOWLOG', 'RESET')
    both.do('SLOWLOG', 'LEN')
    both.close()


def the_latency_monitor(pair, random):
    """What was fast leaves nothing behind; names, numbers and errors of LATENCY."""
    both = pair.open()
    for threshold in (100000, 0, -1, 'x'):
        both.do('CONFIG', 'SET', 'latency-monitor-threshold', threshold)
        both.do('CONFIG', 'GET', 'latency-monitor-threshold')
    both.do('CONFIG', 'SET', 'latency-monitor-threshold', 100000)
    for arguments in (('LATEST',), ('LATEST', 'x'), ('HISTORY', 'command'), ('HISTORY',), ('GRAPH', 'command'),
                      ('GRAPH', 'a', 'b'), ('RESET',), ('RESET', 'command', 'nosuch'), ('NOSUCH',), (),
                      ('HISTOGRAM', 'nosuch', 'get|set'), ('HELP',), ('HELP', 'x')):
        both.do('LATENCY', *arguments)
    both.do('CONFIG', 'RESETSTAT')
    both.do('LATENCY', 'HISTOGRAM', 'get', 'lpush', 'xadd')
    both.do('CONFIG', 'SET', 'latency-monitor-threshold', 0)
    both.close()


ALL = [
    publish_and_subscribe, subscribed_clients, messages_to_a_silent_client,
    events_of_blocked_clients,
    blocked_clients_are_served, blocked_clients_are_served_in_order, blocked_clients_form_a_chain,
    blocked_clients_can_be_unblocked, blocked_clients_time_out,
    watched_keys, transactions_with_errors, protocol_errors, damaged_requests, inline_commands,
    large_requests, replies_switched_off,
    protocol_versions, passwords, killing_clients, the_client_list, paused_clients, leaving, scans,
    keys_expire, encodings_of_fresh_values, numbers,
    longest_common_subsequences, patterns, long_lists, hyperloglogs, command_facts, info_names, statistics,
    configuration, the_slow_log, the_latency_monitor,
]
