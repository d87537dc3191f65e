"""
commands_zsets.py -- random commands about sorted sets, for commands.py.

What commands by name return of members with different scores means nothing, so such sets have keys
of their own, to which members come with one score only.
"""

SETS = [b'z%d' % i for i in range(6)]
EQUAL = [b'x0', b'x1']
# Not mutated: of the first two 7.0 says that there is an argument too many, and the third would draw
# some 10^18 members.
AS_THEY_ARE = {b'ZRANK', b'ZREVRANK', b'ZRANDMEMBER'}
BY_NAME = {b'ZRANGEBYLEX', b'ZREVRANGEBYLEX', b'ZLEXCOUNT', b'ZREMRANGEBYLEX'}

MEMBERS = [b'm%d' % i for i in range(30)] + [
    b'', b'0', b'1', b'-1', b'12', b'123456789012', b'9223372036854775807', b'01', b'a\x00b',
    b'\xff\xfe', b'a', b'A', b'aa', b'ab', b'x' * 64, b'x' * 65, b'y' * 300]
SCORES = [b'0', b'-0', b'1', b'-1', b'2', b'3', b'10', b'100', b'0.5', b'-0.25', b'1.5', b'1e3',
          b'1e17', b'-1e17', b'1e20', b'inf', b'-inf', b'+inf', b'0x10', b'1e308', b'5e-324',
          b'0.1', b'3.3', b'-7.7', b'123456789.125', b'4503599627370497.5']


def is_equal_add(arguments):
    """A ZADD to a set of one score, which must stay so."""
    return arguments[0] == b'ZADD' and arguments[1:2] and arguments[1] in EQUAL


def forms(g):
    """Name -> (weight, form) for a commands.Generator."""
    w, maybe, shuffled, integer, index = g.word, g.maybe, g.shuffled, g.integer, g.index

    def key():
        return [g.one(SETS)] if g.chance(0.85) else g.key()

    def any_key():
        return [g.one(EQUAL)] if g.chance(0.1) else key()

    def equal_key():
        return [g.one(EQUAL)]

    def member():
        return [g.one(MEMBERS)]

    def members():
        return [member()[0] for _ in range(g.random.choice((1, 1, 2, 3, 6)))]

    def score():
        if g.chance(0.06):
            return g.integer()
        if g.chance(0.3):
            return [b'%d' % g.random.randint(-5, 20)]
        return [g.one(SCORES)]

    def few():
        return [g.random.choice((b'0', b'1', b'-1', b'3', b'-7', b'50', b'9223372036854775807', b'x',
                                 b'-9223372036854775808', b'1.5'))]

    def scored():
        count = g.random.choice((1, 1, 1, 2, 3, 8, 40))
        return [a for _ in range(count) for a in score() + member()]

    condition = shuffled((w(b'NX'),), (w(b'XX'),), (w(b'GT'),), (w(b'LT'),), (w(b'CH'),))

    def add():
        if g.chance(0.25):
            return equal_key() + [a for m in members() for a in (b'0', m)]
        if g.chance(0.15):
            return key() + condition() + [b'INCR'] + score() + member()
        return key() + condition() + scored()

    def bound():
        prefix = b'(' if g.chance(0.3) else b''
        return [prefix + score()[0]]

    def name():
        kind = g.random.random()
        if kind < 0.15:
            return [b'-']
        if kind < 0.3:
            return [b'+']
        if kind < 0.34:
            return [g.random.choice((b'', b'a', b'+x', b'-x', b'[', b'(', b'\x00'))]
        return [g.random.choice((b'[', b'(')) + member()[0]]

    limit = maybe(w(b'LIMIT'), index, index)
    with_scores = maybe(w(b'WITHSCORES'))

    def range_from(rank_key, name_key):
        kind = g.random.random()
        rev = g.chance(0.4)
        if kind < 0.35:
            words = rank_key() + index() + index()
        elif kind < 0.7:
            words = rank_key() + bound() + bound() + [b'BYSCORE']
        else:
            words = name_key() + name() + name() + [b'BYLEX']
        return words + ([b'REV'] if rev else []) + limit()

    def zrange():
        return range_from(any_key, equal_key) + with_scores()

    def zrangestore():
        return key() + range_from(any_key, equal_key)

    def counted():
        keys = [any_key()[0] for _ in range(g.random.choice((1, 2, 2, 3)))]
        count = len(keys) if g.chance(0.92) else g.random.choice((0, -1, 1, 2, 100))
        return [b'%d' % count] + keys

    def weighed():
        words = counted()
        if g.chance(0.4):
            words += [b'WEIGHTS'] + [score()[0] for _ in range(len(words) - 1)]
        if g.chance(0.4):
            words += w(b'AGGREGATE')() + w(b'SUM', b'MIN', b'MAX')()
        return words

    def popped_keys():
        return [any_key()[0] for _ in range(g.random.choice((1, 1, 2, 3)))]

    where = w(b'MIN', b'MAX')
    count = maybe(w(b'COUNT'), integer)
    return {
        b'ZADD': (22, [add]), b'ZINCRBY': (6, [key, score, member]),
        b'ZREM': (6, [any_key, members]), b'ZCARD': (3, [any_key]),
        b'ZSCORE': (4, [any_key, member]), b'ZMSCORE': (3, [any_key, members]),
        b'ZCOUNT': (4, [any_key, bound, bound]), b'ZRANK': (4, [any_key, member]),
        b'ZREVRANK': (3, [any_key, member]), b'ZRANGE': (10, [zrange]),
        b'ZRANGESTORE': (4, [zrangestore]),
        b'ZREVRANGE': (3, [any_key, index, index, with_scores]),
        b'ZRANGEBYSCORE': (4, [any_key, bound, bound, shuffled((limit,), (with_scores,))]),
        b'ZREVRANGEBYSCORE': (3, [any_key, bound, bound, shuffled((limit,), (with_scores,))]),
        b'ZRANGEBYLEX': (3, [equal_key, name, name, limit]),
        b'ZREVRANGEBYLEX': (3, [equal_key, name, name, limit]),
        b'ZLEXCOUNT': (3, [equal_key, name, name]),
        b'ZREMRANGEBYRANK': (2, [any_key, index, index]),
        b'ZREMRANGEBYSCORE': (2, [any_key, bound, bound]),
        b'ZREMRANGEBYLEX': (2, [equal_key, name, name]),
        b'ZPOPMIN': (3, [any_key, maybe(integer)]), b'ZPOPMAX': (3, [any_key, maybe(integer)]),
        b'ZMPOP': (3, [counted, where, count]),
        b'BZPOPMIN': (1, [popped_keys, g.timeout]), b'BZPOPMAX': (1, [popped_keys, g.timeout]),
        b'BZMPOP': (1, [g.timeout, counted, where, count]),
        b'ZRANDMEMBER': (2, [any_key, maybe(few, with_scores)]),
        b'ZSCAN': (2, [any_key, w(b'0', b'0', b'x'),
                       shuffled((w(b'MATCH'), g.pattern), (w(b'COUNT'), integer))]),
        b'ZUNION': (3, [weighed, with_scores]), b'ZINTER': (3, [weighed, with_scores]),
        b'ZDIFF': (3, [counted, with_scores]), b'ZUNIONSTORE': (4, [key, weighed]),
        b'ZINTERSTORE': (3, [key, weighed]), b'ZDIFFSTORE': (3, [key, counted]),
        b'ZINTERCARD': (2, [counted, maybe(w(b'LIMIT'), integer)]),
    }
