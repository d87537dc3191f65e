"""
commands_bits.py -- random commands about bitmaps and HyperLogLogs, for commands.py.
"""

UNFORGED = [b'p0', b'p1', b'p2']
HYPERLOGLOGS = UNFORGED + [b'k12', b'k13']
HEADER = b'HYLL\x01' + bytes(11)
# Among the values of SET: an empty HyperLogLog, and what is none. Corrupt ones are the episode's.
VALUES = [HEADER + b'\x7f\xff', HEADER + b'\x7f\xfe\x80', HEADER[:-1],
          b'HYLL\x02' + bytes(11) + b'\x7f\xff']
UNMUTATED = {b'PFADD', b'PFDEBUG'}


def bitmap_forms(g):
    """Name -> (weight, form) for a commands.Generator."""
    w, key = g.word, g.key

    def offset():
        if g.chance(0.1):
            return [g.one((b'-1', b'4294967296', b'9223372036854775807', b'x', b'', b'#1', b'1 ',
                           b'40000'))]
        return [b'%d' % g.random.randint(0, g.one((40, 3000)))]

    def index():
        return g.index() if g.chance(0.7) else [b'%d' % g.random.randint(-300, 300)]

    def bit_range():
        """Nothing, a start, or a start, an end, and now and then a unit."""
        kind = g.random.random()
        if kind < 0.2:
            return []
        if kind < 0.3:
            return index()
        return index() + index() + (w(b'BYTE', b'BIT')() if g.chance(0.6) else [])

    def sources():
        return [key()[0] for _ in range(g.one((1, 2, 2, 2, 3, 7)))]

    def field_type():
        if g.chance(0.04):
            return [g.one((b'', b'i', b'u', b'u0', b'u64', b'i65', b'u08', b'x8', b'8', b'I8',
                           b'u-1', b'i 8', b'u8 '))]
        bits = g.one((1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 33, 48, 62, 63, 64))
        return [b'i%d' % bits if bits == 64 or g.chance(0.5) else b'u%d' % bits]

    def field_offset():
        return [b'#%d' % g.random.randint(0, 9)] if g.chance(0.3) else offset()

    def field_value():
        if g.chance(0.3):
            return [g.one((b'9223372036854775807', b'4294967296', b'-4294967296',
                           b'9223372036854775808', b'x'))]
        return [b'%d' % g.random.randint(-300, 300)]

    def fields(writes):
        """Steps of BITFIELD."""
        def steps():
            result = []
            for _ in range(g.one((0, 1, 1, 2, 3, 5, 12))):
                kind = g.random.random()
                if writes and kind < 0.2:
                    result += [b'OVERFLOW'] + w(b'WRAP', b'SAT', b'FAIL')()
                elif writes and kind < 0.8:
                    result += w(b'SET', b'INCRBY')() + field_type() + field_offset() + field_value()
                else:
                    result += w(b'GET')() + field_type() + field_offset()
            return result
        return steps

    return {
        b'SETBIT': (6, [key, offset, w(b'0', b'1', b'1', b'2', b'-1', b'x')]),
        b'GETBIT': (4, [key, offset]), b'BITCOUNT': (6, [key, bit_range]),
        b'BITPOS': (8, [key, w(b'0', b'1'), bit_range]),
        b'BITOP': (7, [w(b'AND', b'OR', b'XOR', b'NOT', b'NOR'), key, sources]),
        b'BITFIELD': (8, [key, fields(True)]), b'BITFIELD_RO': (3, [key, fields(False)]),
    }


def hyperloglog_forms(g):
    """The same."""
    def key():
        return [g.one(HYPERLOGLOGS)] if g.chance(0.9) else g.key()

    def keys():
        return [key()[0] for _ in range(g.one((1, 1, 2, 3, 5)))]

    def seen():
        """Where a string command may have forged one, a single element: Redis adds those before the error."""
        name = key()
        if name[0] not in UNFORGED:
            return name + g.element()
        if g.chance(0.1):
            return name + [b'%d' % g.random.randint(0, 10 ** 6) for _ in range(200)]
        return name + [g.element()[0] for _ in range(g.one((0, 1, 1, 1, 2, 5)))]

    return {
        b'PFADD': (10, [seen]), b'PFCOUNT': (6, [keys]), b'PFMERGE': (5, [key, keys]),
        b'PFDEBUG': (2, [g.word(b'ENCODING', b'DECODE', b'TODENSE', b'GETREG', b'NOSUCH'),
                         lambda: [g.one(UNFORGED)]]),
    }


def forms(g):
    return {**bitmap_forms(g), **hyperloglog_forms(g)}
