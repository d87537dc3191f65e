"""
episodes_streams.py -- streams: what a stream of random commands does not reach.
"""

import commands_streams
from commands import Command, Generator
from episodes import agree, compare_received, wait_for_blocked, wait_for_clients


def large_streams(pair, random):
    """The commands of streams on some of many entries, in packs of any size."""
    both = pair.open(random.choice((2, 3)))
    generator = Generator(random)
    names = [name for name, (weight, _) in commands_streams.forms(generator).items()
             for _ in range(weight)]
    for entries, size in ((1, 0), (5, 0), (0, 300), (100, 4096), (0, 0)):
        both.do('CONFIG', 'SET', 'stream-node-max-entries', entries)
        both.do('CONFIG', 'SET', 'stream-node-max-bytes', size)
        for key in commands_streams.STREAMS:
            for i in range(150):
                both.do('XADD', key, '%d-%d' % (i // 7, i % 7 + 1), 'f', i, 'v', 'x' * (i % 40))
            both.do('XGROUP', 'CREATE', key, 'g1', 0)
        for _ in range(300):
            arguments = [generator.one(names)]
            for form in generator.forms[arguments[0]][1]:
                arguments += form()
            both.run([Command(arguments)])
        for key in commands_streams.STREAMS:
            both.do('XRANGE', key, '-', '+')
            both.do('XREVRANGE', key, '+', '-', 'COUNT', 100)
        both.do('FLUSHALL')
    both.do('CONFIG', 'SET', 'stream-node-max-entries', 100)
    both.do('CONFIG', 'SET', 'stream-node-max-bytes', 4096)
    both.close()


ADDITIONS = (
    [['XADD', 's', '5-1', 'a', 'b']],
    [['XADD', 's', '5-1', 'a', 'b'], ['XADD', 's', '5-2', 'c', 'd']],
    [['XADD', 's', 'MAXLEN', 1, '5-1', 'a', 'b']],
    [['MULTI'], ['XADD', 's', '5-1', 'a', 'b'], ['XADD', 's', '5-2', 'c', 'd'],
     ['XADD', 't', '9-1', 'e', 'f'], ['EXEC']],
)


def streams_serve_who_waits(pair, random):
    """An entry goes to everyone who waits for it, and of a group to one."""
    pusher = pair.open()
    for protocol in (2, 3):
        for request in (['XREAD', 'BLOCK', 0, 'STREAMS', 'a', 's', '$', '$'],
                        ['XREAD', 'COUNT', 1, 'BLOCK', 0, 'STREAMS', 's', 't', '5', '9'],
                        ['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 's', '>'],
                        ['XREADGROUP', 'GROUP', 'g', 'c', 'NOACK', 'COUNT', 1, 'BLOCK', 0,
                         'STREAMS', 't', 's', '>', '>']):
            for additions in ADDITIONS:
                for key in 'st':
                    pusher.do('XGROUP', 'CREATE', key, 'g', '$', 'MKSTREAM')
                waiter, reader = pair.open(protocol), pair.open(protocol)
                sent = waiter.send(*request)
                wait_for_blocked(pair, 1)
                sent_too = reader.send('XREAD', 'BLOCK', 0, 'STREAMS', 's', '4-7')
                wait_for_blocked(pair, 2)
                for addition in additions:
                    pusher.do(*addition)
                waiter.reply(sent)
                reader.reply(sent_too)
                pusher.do('XPENDING', 's', 'g', '-', '+', 10)
                pusher.do('XINFO', 'STREAM', 's', 'FULL')
                pusher.do('DEL', 's', 't')
                waiter.close()
                reader.close()
    pusher.close()


def readers_of_a_group_are_served_in_order(pair, random):
    """First come, first served, though others read the stream as well."""
    pusher = pair.open()
    pusher.do('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM')
    pusher.do('XGROUP', 'CREATE', 's', 'other', '$')
    requests = [['XREADGROUP', 'GROUP', 'g', 'c%d' % i, 'COUNT', 1, 'BLOCK', 0, 'STREAMS', 's', '>']
                for i in range(4)]
    requests.insert(1, ['XREAD', 'BLOCK', 0, 'STREAMS', 's', '$'])
    requests.insert(3, ['XREADGROUP', 'GROUP', 'other', 'c', 'BLOCK', 0, 'STREAMS', 's', '>'])
    waiters, sent = [], []
    for i, request in enumerate(requests):
        waiters.append(pair.open())
        sent.append(waiters[i].send(*request))
        wait_for_blocked(pair, i + 1)
    pusher.do('XADD', 's', '1-1', 'a', 1)
    for i in (0, 1, 3):
        waiters[i].reply(sent[i])
    wait_for_blocked(pair, 3)
    pusher.do('MULTI')
    for i in range(2, 6):
        pusher.do('XADD', 's', '1-%d' % i, 'a', i)
    pusher.do('EXEC')
    for i in (2, 4, 5):
        waiters[i].reply(sent[i])
    pusher.do('XPENDING', 's', 'g')
    pusher.do('XPENDING', 's', 'g', '-', '+', 10)
    pusher.do('XPENDING', 's', 'other')
    # One who leaves is not served.
    waiters[0].do(*requests[0])
    for i in (0, 2, 4):
        sent[i] = waiters[i].send(*requests[i])
        wait_for_blocked(pair, 1 + i // 2)
    waiters[0].close()
    wait_for_blocked(pair, 2)
    pusher.do('XADD', 's', '7-1', 'a', 7)
    waiters[2].reply(sent[2])
    pusher.do('XADD', 's', '8-1', 'a', 8)
    waiters[4].reply(sent[4])
    pusher.do('XPENDING', 's', 'g', '-', '+', 20)
    for both in waiters[1:] + [pusher]:
        both.close()


def streams_come_by_other_ways(pair, random):
    """A stream that is copied, renamed, moved or swapped to where someone waits serves, too."""
    waiter, pusher = pair.open(), pair.open()
    pusher.do('XADD', 'from', '3-1', 'a', 'b')
    for way in ([['COPY', 'from', 's']], [['COPY', 'from', 'x'], ['RENAME', 'x', 's']],
                [['COPY', 'from', 's', 'DB', 1], ['SELECT', 1], ['MOVE', 's', 0], ['SELECT', 0]],
                [['COPY', 'from', 's', 'DB', 1], ['SWAPDB', 0, 1], ['COPY', 'from', 'x'],
                 ['SWAPDB', 0, 1]]):
        for last in ('0', '3', '$'):
            sent = waiter.send('XREAD', 'BLOCK', 0, 'STREAMS', 's', last)
            wait_for_blocked(pair, 1)
            for command in way:
                pusher.do(*command)
            waiter.reply(sent)
            pusher.do('DEL', 's')
            pusher.do('XLEN', 'from')
    # What cannot serve leaves the client waiting.
    sent = waiter.send('XREAD', 'BLOCK', 0, 'STREAMS', 's', '4')
    wait_for_blocked(pair, 1)
    pusher.do('COPY', 'from', 's')
    pusher.do('DEL', 's')
    pusher.do('RPUSH', 's', 'a list')
    pusher.do('DEL', 's')
    pusher.do('XADD', 's', '4-0', 'not', 'yet')
    pusher.do('XADD', 's', '4-1', 'a', 'b')
    waiter.reply(sent)
    for both in (waiter, pusher):
        both.close()


def readers_can_be_unblocked(pair, random):
    """CLIENT UNBLOCK, time, and MULTI end a wait for entries, or do not let it begin."""
    waiter, other = pair.open(), pair.open()
    other.do('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM')
    requests = (['XREAD', 'BLOCK', 0, 'STREAMS', 's', '$'],
                ['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 's', '>'])
    for how in ([], ['TIMEOUT'], ['ERROR']):
        for request in requests:
            ids = [side.call('CLIENT', 'ID').value for side in (waiter.a, waiter.b)]
            sent = waiter.send(*request)
            ping = waiter.send('PING', 'afterwards')
            wait_for_blocked(pair, 1)
            agree('CLIENT UNBLOCK', *[side.call('CLIENT', 'UNBLOCK', client, *how)
                                      for side, client in zip((other.a, other.b), ids)])
            waiter.reply(sent)
            waiter.reply(ping)
    for request in requests:
        waiter.do(*[30 if word == 0 else word for word in request])
        waiter.do('MULTI')
        waiter.do(*request)
        waiter.do('XLEN', 's')
        waiter.do(*request)
        waiter.do('EXEC')
    # Who leaves while waiting leaves nothing behind.
    sent = waiter.send(*requests[1])
    wait_for_blocked(pair, 1)
    waiter.close()
    wait_for_blocked(pair, 0)
    wait_for_clients(other, 1)
    other.do('XADD', 's', '7-1', 'a', 'b')
    other.do('XPENDING', 's', 'g')
    other.close()


EVENTFUL = (
    ['XADD', 's', '1-1', 'a', 'b'], ['XADD', 's', 'MAXLEN', 1, '1-2', 'a', 'b'],
    ['XADD', 's', 'MAXLEN', 9, '1-3', 'a', 'b'], ['XADD', 's', 'NOMKSTREAM', '1-1', 'a', 'b'],
    ['XADD', 'none', 'NOMKSTREAM', '1-1', 'a', 'b'], ['XGROUP', 'CREATE', 's', 'g', 0],
    ['XGROUP', 'CREATE', 's', 'g', 0], ['XGROUP', 'CREATE', 'new', 'g', 0, 'MKSTREAM'],
    ['XGROUP', 'CREATECONSUMER', 's', 'g', 'c'], ['XGROUP', 'CREATECONSUMER', 's', 'g', 'c'],
    ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '0'],
    ['XADD', 's', '1-4', 'a', 'b'], ['XREADGROUP', 'GROUP', 'g', 'd', 'NOACK', 'STREAMS', 's', '>'],
    ['XCLAIM', 's', 'g', 'e', 0, '1-2'], ['XAUTOCLAIM', 's', 'g', 'f', 0, 0],
    ['XPENDING', 's', 'g'], ['XACK', 's', 'g', '1-2'], ['XACK', 's', 'g', '1-2'],
    ['XGROUP', 'SETID', 's', 'g', '$'], ['XGROUP', 'DELCONSUMER', 's', 'g', 'c'],
    ['XGROUP', 'DELCONSUMER', 's', 'g', 'nobody'], ['XDEL', 's', '1-2', '9-9'],
    ['XDEL', 's', '9-9'], ['XTRIM', 's', 'MAXLEN', 0], ['XTRIM', 's', 'MAXLEN', 0],
    ['XSETID', 's', '5-5'], ['XGROUP', 'DESTROY', 's', 'g'], ['XGROUP', 'DESTROY', 's', 'g'],
    ['XRANGE', 's', '-', '+'], ['COPY', 's', 't'], ['RENAME', 't', 'u'], ['DEL', 'u'])


def events_of_streams(pair, random):
    """Every command tells what it changed, and nothing else."""
    listener, pusher, waiter = pair.open(), pair.open(), pair.open()
    pusher.do('CONFIG', 'SET', 'notify-keyspace-events', 'KEA')
    listener.do('PSUBSCRIBE', '__key*@0__:*')
    for command in EVENTFUL:
        pusher.do(*command)
        compare_received('events of %s' % ' '.join(map(str, command)), listener)
    pusher.do('XGROUP', 'CREATE', 's', 'g', '$')
    sent = waiter.send('XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 's', '>')
    wait_for_blocked(pair, 1)
    pusher.do('XADD', 's', '9-9', 'a', 'b')
    waiter.reply(sent)
    compare_received('events of a waiting XREADGROUP', listener, in_order=False)
    pusher.do('CONFIG', 'SET', 'notify-keyspace-events', '')
    for both in (listener, pusher, waiter):
        both.close()


ALL = [large_streams, streams_serve_who_waits, readers_of_a_group_are_served_in_order,
       streams_come_by_other_ways, readers_can_be_unblocked, events_of_streams]
