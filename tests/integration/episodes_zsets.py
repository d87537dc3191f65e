"""
episodes_zsets.py -- sorted sets: what a stream of random commands does not reach.
"""

import commands_zsets
from commands import Command, Generator
from episodes import wait_for_blocked
from pair import Disagreement


def large_sorted_sets(pair, random):
    """The commands of sorted sets on those that are large from the first member on."""
    both = pair.open(random.choice((2, 3)))
    generator = Generator(random)
    names = [name for name, (weight, _) in commands_zsets.forms(generator).items()
             for _ in range(weight) if not name.startswith(b'B')]
    both.do('CONFIG', 'SET', 'zset-max-listpack-entries', random.choice((0, 0, 5)))
    for _ in range(1500):
        arguments = [generator.one(names)]
        for form in generator.forms[arguments[0]][1]:
            arguments += form()
        both.run([Command(arguments)])
    for key in both.do('KEYS', '*').value:
        both.do('OBJECT', 'ENCODING', key.value)
    both.do('CONFIG', 'SET', 'zset-max-ziplist-entries', 128)
    both.close()


def ranges_of_many_members(pair, random):
    """Some thousand members, so that there are several levels, and any range of them."""
    both = pair.open()
    members = ['%s%d' % (random.choice(('m', '', 'member-with-a-long-name-')), i)
               for i in range(4000)]
    random.shuffle(members)
    for spread in (3, 1000, 10 ** 9):
        both.do('DEL', 'z', 'x')
        for at in range(0, len(members), 100):
            scored = [a for m in members[at:at + 100] for a in (random.randrange(spread), m)]
            both.do('ZADD', 'z', *scored)
            both.do('ZADD', 'x', *[a for m in members[at:at + 100] for a in (0, m)])
        for _ in range(300):
            low, high = sorted((random.randrange(spread), random.randrange(spread)))
            start = random.randrange(-4100, 4100)
            member = random.choice(members)
            offset = random.randrange(50)
            both.do('ZRANK', 'z', member)
            both.do('ZCOUNT', 'z', low, '(%d' % high)
            both.do('ZRANGE', 'z', start, start + 20, 'WITHSCORES')
            both.do('ZREVRANGEBYSCORE', 'z', high, low, 'LIMIT', offset, 10)
            both.do('ZRANGEBYLEX', 'x', '[' + member, '+', 'LIMIT', offset, 5)
            both.do('ZLEXCOUNT', 'x', '-', '(' + member)
            both.do('ZADD', 'z', 'XX', random.randrange(spread), member)
            both.do('ZREM', 'z', random.choice(members))
        both.do('ZREMRANGEBYRANK', 'z', 100, 2500)
        both.do('ZREMRANGEBYSCORE', 'z', spread // 3, spread // 2)
        both.do('ZREMRANGEBYLEX', 'x', '[m2', '(m3')
        both.do('ZRANGE', 'z', 0, -1, 'WITHSCORES')
        both.do('ZRANGE', 'x', 0, -1)
        both.do('ZINTERSTORE', 'to', 2, 'x', 'z', 'WEIGHTS', 3, 0.5)
        both.do('ZRANGE', 'to', 0, -1, 'WITHSCORES')
    both.close()


def sorted_sets_serve_who_waits(pair, random):
    """Whatever brings a member to a sorted set serves whoever waits for one."""
    pusher = pair.open()
    pusher.do('ZADD', 'from', 1, 'a', 2, 'b', 3, 'c')
    for protocol in (2, 3):
        for request in (['BZPOPMIN', 'a', 'z', 0], ['BZPOPMAX', 'z', 0],
                        ['BZMPOP', 0, 2, 'a', 'z', 'MIN', 'COUNT', 2],
                        ['BZMPOP', 0, 1, 'z', 'MAX']):
            for push in (['ZADD', 'z', 1.5, 'x'], ['ZADD', 'z', 3, 'x', 2, 'y', 2, 'w'],
                         ['ZINCRBY', 'z', 2, 'x'], ['ZUNIONSTORE', 'z', 1, 'from'],
                         ['ZRANGESTORE', 'z', 'from', 0, 1], ['COPY', 'from', 'z'],
                         ['ZDIFFSTORE', 'z', 2, 'from', 'none']):
                waiter = pair.open(protocol)
                sent = waiter.send(*request)
                wait_for_blocked(pair, 1)
                pusher.do('RPUSH', 'a', 'not a sorted set')
                pusher.do(*push)
                waiter.reply(sent)
                pusher.do('ZRANGE', 'z', 0, -1, 'WITHSCORES')
                pusher.do('DEL', 'a', 'z')
                waiter.close()
    waiter = pair.open()
    sent = waiter.send('BZPOPMIN', 'z', 0)
    wait_for_blocked(pair, 1)
    pusher.do('MULTI')
    pusher.do('ZADD', 'z', 1, 'a')
    pusher.do('ZREM', 'z', 'a')
    pusher.do('EXEC')
    pusher.do('MULTI')
    pusher.do('BZPOPMIN', 'z', 0)
    pusher.do('ZADD', 'z', 1, 'a', 2, 'b')
    pusher.do('BZPOPMAX', 'z', 0)
    pusher.do('EXEC')
    waiter.reply(sent)
    for both in (waiter, pusher):
        both.close()


def scans_of_sorted_sets(pair, random):
    """A whole scan finds each member that stays, small or large, with every option."""
    both = pair.open()
    for size in (5, 100, 700):
        for i in range(size):
            both.do('ZADD', 'z', i / 4, 'm%d' % i)
        for options in ([], ['COUNT', 1], ['COUNT', 1000], ['MATCH', 'm1*'],
                        ['MATCH', '*3', 'COUNT', 7]):
            found = []
            for side in (both.a, both.b):
                members, cursor, turns = {}, b'0', 0
                while turns == 0 or cursor != b'0':
                    reply = side.call('ZSCAN', 'z', cursor, *options)
                    cursor = reply.value[0].value
                    flat = [member.value for member in reply.value[1].value]
                    members.update(zip(flat[::2], map(float, flat[1::2])))
                    turns += 1
                    side.call('ZADD', 'z', turns, 'passing%d' % turns)
                    side.call('ZREM', 'z', 'passing%d' % (turns - 1))
                found.append({m: s for m, s in members.items() if not m.startswith(b'passing')})
                side.call('ZREM', 'z', 'passing%d' % turns)
            if found[0] != found[1]:
                raise Disagreement([b'ZSCAN'] + [str(o).encode() for o in options],
                                   repr(sorted(found[0].items())[:20]).encode(),
                                   repr(sorted(found[1].items())[:20]).encode())
    both.close()


ALL = [large_sorted_sets, ranges_of_many_members, sorted_sets_serve_who_waits, scans_of_sorted_sets]
