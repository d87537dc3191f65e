"""
episodes_geo.py -- places: many of them on all of the globe, and distances that are stored.
"""

from pair import Disagreement


def places_of_the_globe(pair, random):
    """Searches of any size among some thousand places, also at the poles and at 180 degrees."""
    both = pair.open(random.choice((2, 3)))

    def point():
        kind = random.random()
        if kind < 0.1:
            return (random.choice((-180, 180, 179.9999)),
                    random.choice((85.05112878, -85.05112878, 0)))
        if kind < 0.5:
            return random.gauss(13.4, 0.5), random.gauss(52.5, 0.3)
        return random.uniform(-180, 180), random.uniform(-85.05, 85.05)

    for i in range(20):
        both.do('GEOADD', 'g', *[a for n in range(50) for a in (*point(), 'p%d' % (i * 50 + n))])
    for _ in range(150):
        member = 'p%d' % random.randrange(1000)
        center = random.choice((('FROMLONLAT', *point()), ('FROMMEMBER', member)))
        sizes = [random.choice((10 ** random.uniform(1, 7.5), 0, 1e9)) for _ in range(2)]
        area = random.choice((('BYRADIUS', sizes[0]), ('BYBOX', *sizes)))
        order = random.choice(((), ('ASC',), ('DESC',), ('COUNT', random.randrange(1, 50), 'ANY')))
        words = (*center, *area, random.choice(('m', 'm', 'km', 'mi', 'ft')))
        both.do('GEOSEARCH', 'g', *words, 'WITHCOORD', 'WITHHASH')
        compare_distances(both, ['GEOSEARCH', 'g', *words, *order, 'WITHDIST'])
    both.close()


def compare_distances(both, words):
    """
    The last digit of one in a million is another, as the C library's sine is not always the nearest
    double. Members at the same distance are in no order if one was asked for.
    """
    a, b = ([(m.value[0].value, float(m.value[1].value)) for m in side.call(*words).value]
            for side in (both.a, both.b))
    is_same = sorted(m for m, _ in a) == sorted(m for m, _ in b)
    if 'ASC' not in words and 'DESC' not in words:
        is_same = [m for m, _ in a] == [m for m, _ in b]
    if not is_same or any(abs(x - y) > 0.00011 for (_, x), (_, y) in zip(a, b)):
        raise Disagreement([str(word).encode() for word in words], repr(a).encode(),
                           repr(b).encode())


def stored_distances(pair, random):
    """STOREDIST: scores that may differ in the last bit, which the C library decides."""
    both = pair.open()
    for i in range(300):
        both.do('GEOADD', 'g', random.gauss(13.4, 1), random.gauss(52.5, 1), 'p%d' % i)
    for _ in range(50):
        radius = 10 ** random.uniform(3, 6)
        both.do('GEOSEARCHSTORE', 'to', 'g', 'FROMMEMBER', 'p1', 'BYRADIUS', radius, 'm',
                'STOREDIST')
        both.do('GEORADIUS', 'g', 13.4, 52.5, radius / 1000, 'km', 'STOREDIST', 'too')
        for key in ('to', 'too'):
            both.do('ZCARD', key)
            a, b = ({m.value: float(s.value) for m, s in zip(r[::2], r[1::2])} for r in
                    (side.call('ZRANGE', key, 0, -1, 'WITHSCORES').value
                     for side in (both.a, both.b)))
            far = [m for m in a if m not in b or abs(a[m] - b[m]) > a[m] * 1e-15]
            if far or len(a) != len(b):
                raise Disagreement([b'STOREDIST'], repr(a).encode(), repr(b).encode())
    both.do('DEL', 'to', 'too')
    both.close()


ALL = [places_of_the_globe, stored_distances]
