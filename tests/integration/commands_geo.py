"""
commands_geo.py -- random commands about places, for commands.py.

Places are not used twice: the order of those at one distance is chance, if only some are asked for.
"""

SETS = [b'g%d' % i for i in range(4)]
PLACES = [b'p%d' % i for i in range(60)] + [b'7', b'-12', b'', b'a\x00b', b'x' * 70]
CENTER = (13.4, 52.5)


def forms(g):
    """Name -> (weight, form) for a commands.Generator."""
    w, maybe, shuffled = g.word, g.maybe, g.shuffled

    def key():
        return [g.one(SETS)] if g.chance(0.9) else g.key()

    def place():
        return [g.one(PLACES)]

    def places():
        return [place()[0] for _ in range(g.random.choice((1, 1, 2, 5)))]

    def number(value):
        return g.random.choice((b'%r', b'%.3f', b'%.17g')).replace(b'%r', b'%.15g') % value

    def point():
        kind = g.random.random()
        if kind < 0.03:
            return [g.random.choice((b'181', b'-180.1', b'x', b'', b'nan', b'1e400')), b'0']
        if kind < 0.06:
            return [b'0', g.random.choice((b'85.06', b'-90', b'x', b'inf'))]
        if kind < 0.3:
            return [number(g.random.uniform(-180, 180)), number(g.random.uniform(-85, 85))]
        return [number(CENTER[0] + g.random.gauss(0, 1)), number(CENTER[1] + g.random.gauss(0, 1))]

    def added():
        return [a for _ in range(g.random.choice((1, 1, 2, 6, 30))) for a in point() + place()]

    def length():
        if g.chance(0.04):
            return [g.random.choice((b'-1', b'x', b'', b'nan'))]
        if g.chance(0.05):
            return [g.random.choice((b'0', b'1e300', b'inf', b'40000000'))]
        return [number(10 ** g.random.uniform(0, 7))]

    unit = w(b'm', b'm', b'm', b'km', b'ft', b'mi', b'KM')
    count = shuffled((w(b'COUNT'), w(b'1', b'3', b'10', b'1000', b'0', b'-1', b'x')))
    common = (w(b'WITHDIST'),), (w(b'WITHHASH'),), (w(b'WITHCOORD'),), (w(b'ASC'),), (w(b'DESC'),)

    def options():
        return shuffled(*common)() + count() + (w(b'ANY')() if g.chance(0.1) else [])

    def stored():
        return w(b'STORE')() + key() if g.chance(0.3) else []

    def kept():
        """Options of those that may store: it is refused together with the WITH ones."""
        if g.chance(0.6):
            return options()
        words = shuffled((w(b'ASC', b'DESC'),))() + count()
        return words + w(b'STORE')() + key() + (w(b'WITHDIST')() if g.chance(0.05) else [])

    def area():
        center = w(b'FROMMEMBER')() + place() if g.chance(0.4) else w(b'FROMLONLAT')() + point()
        shape = w(b'BYRADIUS')() + length()
        if g.chance(0.5):
            shape = w(b'BYBOX')() + length() + length()
        words = [center, shape + unit()]
        g.random.shuffle(words)
        if g.chance(0.05):
            words.append(g.random.choice(words))
        if g.chance(0.05):
            words.pop()
        return [a for some in words for a in some]

    # The last digit of a stored distance is that of the C library, so none is.
    return {
        b'GEOADD': (14, [key, shuffled((w(b'NX'),), (w(b'XX'),), (w(b'CH'),)), added]),
        b'GEODIST': (5, [key, place, place, maybe(unit)]), b'GEOPOS': (4, [key, places]),
        b'GEOHASH': (3, [key, places]),
        b'GEORADIUS': (5, [key, point, length, unit, kept]),
        b'GEORADIUS_RO': (2, [key, point, length, unit, options]),
        b'GEORADIUSBYMEMBER': (4, [key, place, length, unit, kept]),
        b'GEORADIUSBYMEMBER_RO': (2, [key, place, length, unit, options]),
        b'GEOSEARCH': (8, [key, area, options]),
        b'GEOSEARCHSTORE': (3, [key, key, area,
                                shuffled((w(b'ASC', b'DESC'),)), count]),
    }
