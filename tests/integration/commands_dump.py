"""
commands_dump.py -- random DUMP and RESTORE, for commands.py.

The payloads are what redis-server 7.0 gave for values of every type; damaged ones keep the old
checksum. What each server makes of the other's payloads is in moving.py.
"""

PAYLOADS = [bytes.fromhex(payload) for payload in (
    '000568656c6c6f0a006372df766534200a',
    '00c290eefeff0a002875de7b13eb2800',
    '00c30c4078046162632061e068030163200a000467a58dbf3cb522',
    '1201021717000000050082653103826532030701826531038001ff0a00236233076db4ed16',
    '1204021717000000040082653003826531038265320382653303ff02171700000004008265340382653003826531038265'
    '3203ff021717000000040082653303826534038265300382653103ff020f0f00000002008265320382653303ff0a0018ee'
    '7bec61c7697e',
    '0bc31c28040800000004200301fbff80000001200b4000017011c0092000200a0a008ccee52bfb4a2568',
    '0203026d31026263c0070a00079d4bc00d8507f9',
    '11222200000008000701dffd02826d3103010181620283322e350481630283696e6604ff0a00dd92134de6a39d4d',
    '05030163000000000000f07f01620000000000000440026d31000000000000f03f0a00f78e28d56f5ded4e',
    '101e1e0000000600826631030101816202847465787405816302f290eefe04ff0a009363bcfcf0f6aead',
    '0403026631c0010163c290eefeff016204746578740a0023a2e77e185cd444')]

# As a deadline or an idle time Redis lets it overflow, with whatever comes of that.
OVERFLOWING = {b'9223372036854775807', b'4611686018427387904', b'9223372036854775'}


def forms(g):
    """Name -> (weight, form) for a commands.Generator."""
    w, key, shuffled = g.word, g.key, g.shuffled

    def payload():
        chosen = g.one(PAYLOADS)
        if g.chance(0.05):
            at = g.random.randrange(len(chosen))
            chosen = chosen[:at] + bytes((chosen[at] ^ 1 << g.random.randrange(8),)) + chosen[at + 1:]
        return [chosen[:g.random.randrange(len(chosen))] if g.chance(0.03) else chosen]

    def ttl():
        if g.chance(0.6):
            return [b'0']
        return [g.one((b'%d' % g.random.randint(4 * 10 ** 12, 5 * 10 ** 12), b'-1', b'x'))]

    return {
        b'DUMP': (3, [key]),
        b'RESTORE': (6, [key, ttl, payload, shuffled(
            (w(b'REPLACE'),), (w(b'REPLACE'),), (w(b'ABSTTL'),),
            (w(b'IDLETIME'), w(b'0', b'100', b'-1', b'x')),
            (w(b'FREQ'), w(b'0', b'255', b'256', b'-1', b'x')))]),
    }
