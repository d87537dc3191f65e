"""
commands_streams.py -- the forms of commands on streams (commands.py).

Ids are given, as "*" would be another one on each server, unless the stream's last id lies in the
future. What depends on the time that passes is asked for with no idle time or one that no test
reaches.
"""

STREAMS = [b's%d' % i for i in range(4)]
GROUPS = [b'g1', b'g2', b'g3']
CONSUMERS = [b'alice', b'bob', b'carol', b'']
FAR = 99999999999999  # milliseconds: in the future


# An id below one that was deleted is refused since 7.2; what is generated has none.
UNMUTATED = {b'XSETID'}


def forms(g):
    """Name -> (weight, form), for Generator._forms()."""
    one, chance, w, maybe = g.one, g.chance, g.word, g.maybe

    def number(most):
        return g.random.randint(0, most)

    def key():
        return [one(STREAMS)] if chance(0.94) else g.key()

    def group():
        return [one(GROUPS)] if chance(0.97) else g.value()

    def consumer():
        return [one(CONSUMERS)]

    def plain_id():
        kind = g.random.random()
        if kind < 0.45:
            return b'%d-%d' % (number(30), number(9))
        if kind < 0.7:
            return b'%d' % number(30)
        if kind < 0.9:
            return b'%d-%d' % (FAR, number(200))
        return one((b'0-0', b'0-1', b'0', b'007-01', b'+3-2',
                    b'1-', b'-1', b'1--1', b'1-1-1', b'a-1', b'1-a', b'18446744073709551616-0'))

    def id_():
        return [plain_id()]

    def far_id():
        return [b'%d-%d' % (FAR, 300 + number(20))]

    def ids():
        return [plain_id() for _ in range(g.random.choice((1, 1, 2, 3, 6)))]

    def new_id():
        kind = g.random.random()
        if kind < 0.3:
            return [b'%d-*' % number(30)]
        if kind < 0.6:
            return [b'%d-*' % FAR]
        return id_()

    def bound():
        kind = g.random.random()
        if kind < 0.3:
            return [one((b'-', b'+', b'18446744073709551615-18446744073709551615'))]
        return [(b'(' if kind < 0.5 else b'') + plain_id()]

    def count():
        return [b'%d' % g.random.randint(-1, 12)] if chance(0.9) else g.integer()

    def pairs():
        names = one(((b'f', b'v'), (b'temperature', b'humidity'), (b'1', b'2', b'3'), (b'x',)))
        if chance(0.1):
            names = (g.value()[0],)
        return [a for name in names for a in (name, g.value()[0])]

    def trim():
        by_id = chance(0.4)
        words = [b'MINID' if by_id else b'MAXLEN']
        approximately = chance(0.5)
        words += [b'~'] if approximately else [b'='] if chance(0.3) else []
        words += id_() if by_id else count()
        if approximately and chance(0.4) or chance(0.03):
            words += [b'LIMIT'] + count()
        return words

    def idle():
        return [one((b'0', b'0', b'-1', b'10000000'))]

    def sources(last):
        keys = [key()[0] for _ in range(g.random.choice((1, 1, 1, 2, 3)))]
        return [b'STREAMS'] + keys + [one(last) if chance(0.5) else plain_id() for _ in keys]

    claim_options = g.shuffled(
        (w(b'IDLE'), idle), (w(b'TIME'), w(b'0', b'1000', b'1500000000000')),
        (w(b'RETRYCOUNT'), count), (w(b'FORCE'),), (w(b'JUSTID'),), (w(b'LASTID'), id_))
    return {
        b'XADD': (30, [key, maybe(w(b'NOMKSTREAM')), maybe(trim), new_id, pairs]),
        b'XLEN': (3, [key]), b'XDEL': (6, [key, ids]), b'XTRIM': (4, [key, trim]),
        b'XRANGE': (6, [key, bound, bound, maybe(w(b'COUNT'), count)]),
        b'XREVRANGE': (6, [key, bound, bound, maybe(w(b'COUNT'), count)]),
        b'XSETID': (2, [key, far_id, g.shuffled((w(b'ENTRIESADDED'), count),
                                             (w(b'MAXDELETEDID'), id_))]),
        b'XREAD': (5, [maybe(w(b'COUNT'), count), maybe(lambda: [b'BLOCK', b'1']),
                       lambda: sources((b'$', b'0', b'>'))]),
        b'XREADGROUP': (14, [w(b'GROUP'), group, consumer, maybe(w(b'COUNT'), count),
                             maybe(lambda: [b'BLOCK', b'1']), maybe(w(b'NOACK')),
                             lambda: sources((b'>', b'>', b'0', b'$'))]),
        b'XGROUP': (10, [lambda: one((
            lambda: [b'CREATE'] + key() + group() + (id_() if chance(0.7) else [b'$']) +
            maybe(w(b'MKSTREAM'))() + maybe(w(b'ENTRIESREAD'), count)(),
            lambda: [b'CREATE'] + key() + group() + [b'0'],
            lambda: [b'SETID'] + key() + group() + (id_() if chance(0.7) else [b'$']) +
            maybe(w(b'ENTRIESREAD'), count)(),
            lambda: [b'CREATECONSUMER'] + key() + group() + consumer(),
            lambda: [b'DELCONSUMER'] + key() + group() + consumer(),
            lambda: [b'DESTROY'] + key() + group() if chance(0.4) else [b'HELP']))()]),
        b'XACK': (6, [key, group, ids]),
        b'XPENDING': (6, [key, group, maybe(maybe(w(b'IDLE'), idle), bound, bound, count,
                                            maybe(consumer))]),
        b'XCLAIM': (7, [key, group, consumer, idle, ids, claim_options]),
        b'XAUTOCLAIM': (5, [key, group, consumer, idle, bound,
                            g.shuffled((w(b'COUNT'), count), (w(b'JUSTID'),))]),
        b'XINFO': (6, [lambda: one((
            lambda: [b'STREAM'] + key() + maybe(w(b'FULL'), maybe(w(b'COUNT'), count))(),
            lambda: [b'GROUPS'] + key(), lambda: [b'CONSUMERS'] + key() + group(),
            lambda: [b'HELP']))()]),
    }


FIXED = [
    'XADD s1', 'XADD s1 * a', 'XADD s1 0-0 a b', 'XADD s1 MAXLEN', 'XADD s1 MAXLEN ~', 'XADD s1 1-1',
    'XADD s1 MAXLEN 1 MINID 1 1-1 a b', 'XADD s1 LIMIT 1 1-1 a b', 'XADD s1 MAXLEN -1 1-1 a b',
    'XADD s1 MAXLEN = 1 LIMIT 1 1-1 a b', 'XADD s1 NOMKSTREAM', 'XADD nokey NOMKSTREAM * a b',
    'XTRIM s1', 'XTRIM s1 MAXLEN', 'XTRIM s1 x y', 'XTRIM s1 LIMIT 5', 'XTRIM s1 MAXLEN 5 LIMIT 1',
    'XREAD', 'XREAD STREAMS', 'XREAD STREAMS s1', 'XREAD STREAMS s1 s2 0', 'XREAD x STREAMS s1 0',
    'XREAD GROUP g c STREAMS s1 0', 'XREAD NOACK STREAMS s1 0', 'XREAD BLOCK x STREAMS s1 0',
    'XREAD BLOCK -1 STREAMS s1 0', 'XREAD COUNT x STREAMS s1 0', 'XREADGROUP STREAMS s1 > a b c',
    'XREADGROUP COUNT 1 BLOCK 1 STREAMS s1 >', 'XREADGROUP GROUP g c STREAMS s1',
    'XGROUP', 'XGROUP NOSUCH s1', 'XGROUP CREATE s1', 'XGROUP CREATE s1 g', 'XGROUP SETID s1 g',
    'XGROUP CREATE s1 g 0 x', 'XGROUP CREATE s1 g 0 ENTRIESREAD -2', 'XGROUP DESTROY s1',
    'XGROUP SETID s1 g1 0 MKSTREAM', 'XINFO', 'XINFO NOSUCH s1', 'XINFO STREAM', 'XINFO GROUPS',
    'XINFO STREAM s1 x', 'XINFO STREAM s1 FULL x', 'XINFO STREAM s1 FULL COUNT',
    'XINFO CONSUMERS s1', 'XPENDING s1', 'XPENDING s1 g1 - +', 'XPENDING s1 g1 IDLE 1 - +',
    'XCLAIM s1 g1 c 0 x', 'XCLAIM s1 g1 c x 1-1', 'XCLAIM s1 g1 c 0 1-1 IDLE',
    'XAUTOCLAIM s1 g1 c 0 0 COUNT 0', 'XAUTOCLAIM s1 g1 c x 0', 'XAUTOCLAIM s1 g1 c 0 x',
    'XSETID s1', 'XSETID s1 x', 'XSETID s1 1-1 ENTRIESADDED', 'XSETID s1 1-1 ENTRIESADDED -1',
    'XSETID s1 1-1 x y', 'COMMAND GETKEYS xread streams a b 0 0',
    'COMMAND GETKEYS xread count 1 streams a 0', 'COMMAND GETKEYS xread streams a',
    'COMMAND GETKEYS xreadgroup group streams c streams a >', 'COMMAND GETKEYS xadd s * a b',
    'XADD s1 18446744073709551615 a b', 'XREAD STREAMS s1 18446744073709551615',
    'COMMAND GETKEYSANDFLAGS xread streams a b 0 0', 'COMMAND GETKEYS xgroup create a b c',
]
