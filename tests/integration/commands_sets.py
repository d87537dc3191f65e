"""
commands_sets.py -- random commands about sets, and SORT, for commands.py.

SPOP takes all or nothing, and is not mutated (commands.py knows): what else it takes is chance.
"""

SETS = [b's%d' % i for i in range(7)]
MEMBERS = [b'%d' % i for i in range(-5, 25)] + [b'm%d' % i for i in range(15)] + [
    b'', b'01', b'-0', b'+1', b'70000', b'-70000', b'12345678901', b'9223372036854775807',
    b'9223372036854775808', b'-9223372036854775808', b'a\x00b', b'\xff\xfe', b'x' * 64, b'x' * 65]


def forms(g):
    """Name -> (weight, form) for a commands.Generator."""
    w, maybe, shuffled, integer = g.word, g.maybe, g.shuffled, g.integer

    def key():
        return [g.one(SETS)] if g.chance(0.9) else g.key()

    def keys():
        return [key()[0] for _ in range(g.random.choice((1, 2, 2, 3, 7)))]

    def member():
        if g.chance(0.1):
            return g.value()
        return [b'%d' % g.random.randint(0, 700)] if g.chance(0.2) else [g.one(MEMBERS)]

    def members():
        return [member()[0] for _ in range(g.random.choice((1, 1, 1, 2, 3, 8, 40)))]

    def numbers():
        start = g.random.randint(0, 300)
        return [b'%d' % i for i in range(start, start + g.random.choice((5, 50, 400)))]

    def counted_keys():
        given = keys()
        count = len(given) if g.chance(0.9) else g.random.choice((0, -1, 1, 2, 100))
        return [b'%d' % count] + given

    def all_or_nothing():
        return [g.one((b'0', b'0', b'100000', b'9223372036854775807', b'-1', b'x', b''))]

    def sorted_key():
        return [g.one(SETS + [b'l%d' % i for i in range(8)])] if g.chance(0.9) else g.key()

    def sort_pattern():
        return [g.one((b'k*', b'k*', b's*', b'h*->f1', b'h*->', b'h*->f*', b'*', b'#', b'nosort', b'',
                       b'k1', b'*->f1', b'\x00*', b'k*\x00x', b'l*', b'k**'))]

    # Redis leaves elements of equal weight in an order of its own, and takes a number now and then for
    # none (differences.py): such are not stored.
    by = (w(b'BY'), sort_pattern)
    alpha = (w(b'ALPHA'),)
    others = [(w(b'LIMIT'), g.index, g.index), (w(b'GET'), sort_pattern), (w(b'GET'), w(b'#')),
              (w(b'ASC', b'DESC'),)]
    sort_options = shuffled(by, alpha, alpha, *others)
    other_options = shuffled(*others)

    def stored():
        order = g.one(([b'BY', b'nosort'], [b'ALPHA'], [b'alpha']))
        return order + other_options() + [b'STORE'] + g.list_key()

    return {
        b'SORT': (8, [sorted_key, lambda: g.one((sort_options, sort_options, stored))()]),
        b'SORT_RO': (4, [sorted_key, sort_options]),
        b'SADD': (16, [key, lambda: numbers() if g.chance(0.1) else members()]),
        b'SREM': (8, [key, members]), b'SISMEMBER': (6, [key, member]),
        b'SMISMEMBER': (4, [key, members]), b'SCARD': (5, [key]), b'SMEMBERS': (5, [key]),
        b'SMOVE': (5, [key, key, member]), b'SPOP': (3, [key, all_or_nothing]),
        b'SRANDMEMBER': (4, [key, maybe(g.index)]),
        b'SSCAN': (4, [key, w(b'0', b'0', b'1', b'x', b'-1', b''),
                       shuffled((w(b'MATCH'), g.pattern), (w(b'COUNT'), integer))]),
        b'SINTER': (5, [keys]), b'SUNION': (5, [keys]), b'SDIFF': (5, [keys]),
        b'SINTERSTORE': (4, [key, keys]), b'SUNIONSTORE': (4, [key, keys]),
        b'SDIFFSTORE': (4, [key, keys]),
        b'SINTERCARD': (5, [counted_keys, maybe(w(b'LIMIT'), integer)]),
    }
