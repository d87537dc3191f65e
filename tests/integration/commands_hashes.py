"""
commands_hashes.py -- random commands about hashes, for commands.py.
"""

HASHES = [b'h%d' % i for i in range(6)]
FIELDS = [b'f%d' % i for i in range(25)] + [
    b'', b'0', b'1', b'-1', b'12', b'123456789012', b'9223372036854775807', b'01', b'a\x00b',
    b'\xff\xfe', b'F1', b'x' * 64, b'x' * 65, b'y' * 300]


def forms(g):
    """Name -> (weight, form) for a commands.Generator."""
    w, maybe, shuffled, integer, value = g.word, g.maybe, g.shuffled, g.integer, g.value

    def key():
        return [g.one(HASHES)] if g.chance(0.85) else g.key()

    def field():
        return [g.one(FIELDS)]

    def fields():
        return [field()[0] for _ in range(g.random.choice((1, 1, 2, 3, 6)))]

    def short_value():
        return value() if g.chance(0.1) else [b'%d' % g.random.randint(-100, 100)]

    def pairs():
        count = g.random.choice((1, 1, 1, 2, 3, 8, 40))
        return [a for _ in range(count) for a in field() + short_value()]

    return {
        b'HSET': (14, [key, pairs]), b'HMSET': (4, [key, pairs]),
        b'HSETNX': (4, [key, field, short_value]), b'HGET': (8, [key, field]),
        b'HMGET': (4, [key, fields]), b'HGETALL': (4, [key]), b'HKEYS': (3, [key]),
        b'HVALS': (3, [key]), b'HLEN': (4, [key]), b'HSTRLEN': (4, [key, field]),
        b'HEXISTS': (4, [key, field]), b'HDEL': (8, [key, fields]),
        b'HINCRBY': (6, [key, field, integer]), b'HINCRBYFLOAT': (6, [key, field, g.double]),
        b'HRANDFIELD': (5, [key, maybe(g.index, maybe(w(b'WITHVALUES')))]),
        b'HSCAN': (4, [key, w(b'0', b'0', b'1', b'x', b'-1', b''),
                       shuffled((w(b'MATCH'), g.pattern), (w(b'COUNT'), integer))]),
    }
