"""
commands.py -- random commands: mostly sensible, sometimes hostile.

Each command has a form: a list of functions that each yield arguments. Mutations then drop, add,
double and replace arguments, so that arity, syntax, types and number parsing are all probed. What
would make two servers differ by nature is avoided here: deadlines are far away or past, and a
command waits for milliseconds at most. Commands that could end a server or stop others are not
mutated.
"""

import commands_bits
import commands_geo
import commands_dump
import commands_hashes
import commands_sets
import commands_zsets
import commands_streams
from wire import encode, encode_inline

KEYS = [b'k%d' % i for i in range(14)] + [b'l%d' % i for i in range(8)]
ODD_KEYS = [b'', b' ', b'a\x00b', b'\r\n', b'\xff\xfe', b'{tag}1', b'*', b'k[1]', b'K1', b'k' * 300]

VALUES = [
    b'', b'0', b'1', b'-1', b'7', b'42', b'9999', b'10000', b'-9223372036854775808',
    b'9223372036854775807', b'9223372036854775806', b'3.14', b'-0.5', b'1e3', b'5e-3', b'abc',
    b'heyho', b'hello world', b'a\x00b', b'\r\n', b'\xff\xfe\xfd', b' 1', b'1 ', b'+1', b'01',
    b'-0', b'nan', b'inf', b'a' * 44, b'a' * 45, b'b' * 63, b'b' * 64, b'c' * 500, b'd' * 1200,
    b'12345678901234567890', b'1.5000000000', b'0.1', b'100000000000000000000', b'e1', b'e2', b'e3',
    b'e4',
] + commands_bits.VALUES

# Of numbers below zero only small ones and those out of range: of random members redis-server would
# give as many as are asked for, whatever memory there is.
HOSTILE = [
    b'', b'0', b'-0', b'1', b'-1', b'2', b'abc', b'+1', b'01', b' 1', b'1 ', b'1.0', b'1.5', b'1e3',
    b'0x10', b'nan', b'-nan', b'inf', b'-inf', b'infinity', b'1e400', b'1e-400', b'-', b'+', b'.',
    b'1_0', b'\x00', b'1\x00', b'\r\n', b'\xff\xfe', b'9223372036854775807', b'9223372036854775808',
    b'-9223372036854775808', b'-9223372036854775809', b'18446744073709551615',
    b'18446744073709551616', b'2147483647', b'2147483648', b'4294967296',
    b'4611686018427387904', b'9223372036854775', b'99999999999999999999999999', b'k1', b'l1', b'EX',
    b'PX', b'NX', b'XX', b'GET', b'KEEPTTL', b'COUNT', b'MATCH', b'LEFT', b'RANK', b'*', b'x' * 300,
    b'"', b"'", b'\\', b'%s%n', b'9' * 40, b'1' + b'0' * 25,
]

# Accepted by no command as a time to wait, so that a mutation cannot make a command wait for ever.
BAD_TIMEOUTS = [b'', b'abc', b'-1', b'-0.01', b'nan', b'1e30', b'9223372036854775807', b'\x00',
                b'1 ', b'0x', b'k1']

# Of these a mutation could make chance, or the version, decide what is there afterwards.
UNMUTATED = {b'SPOP'} | commands_bits.UNMUTATED | commands_streams.UNMUTATED

# Hostile values that a command with a deadline would take for one that passes during the test.
TIMED = {b'SET', b'SETEX', b'PSETEX', b'GETEX', b'EXPIRE', b'PEXPIRE', b'EXPIREAT', b'PEXPIREAT'}
NEAR = {b'1', b'2', b'2147483647', b'2147483648', b'4294967296'}
NOT_NEAR = [value for value in HOSTILE if value not in NEAR]

# Hostile values that would be the offset of a bit in a string of hundreds of megabytes, or that a
# signed field of Redis saturates at the wrong end.
OFFSETS = {b'SETBIT', b'BITFIELD'}
FAR = {b'2147483647', b'2147483648', b'-9223372036854775808'}
NOT_FAR = [value for value in HOSTILE if value not in FAR]
NOT_OVERFLOWING = [value for value in NOT_NEAR if value not in commands_dump.OVERFLOWING]

INTEGERS = [b'0', b'1', b'-1', b'2', b'-2', b'3', b'-3', b'5', b'-5', b'10', b'100', b'-100',
            b'1000']
UNKNOWN = [b'nosuch', b'get2', b'ge', b'', b'\x00', b'G\xc3\x9cT', b'foo bar', b'x' * 200,
           b'set\r\n', b'*', b'l\x7fen']


class Command:
    """Arguments, the bytes to send, and how many replies come."""

    __slots__ = ('arguments', 'raw', 'replies')

    def __init__(self, arguments, raw=None, replies=1):
        self.arguments = arguments
        self.raw = encode(arguments) if raw is None else raw
        self.replies = replies

    @property
    def name(self):
        return self.arguments[0].lower() if self.arguments else b''


class Generator:
    """Commands from a source of random numbers."""

    def __init__(self, random):
        self.random = random
        self.forms = self._forms()
        self.names = [name for name, (weight, _) in self.forms.items() for _ in range(weight)]
        self.fixed = self._fixed()

    # -------------------------------------------------------------------------------- arguments

    def one(self, options):
        return options[int(self.random.random() * len(options))]

    def chance(self, probability):
        return self.random.random() < probability

    def key(self):
        return [self.one(ODD_KEYS) if self.chance(0.02) else self.one(KEYS)]

    def list_key(self):
        return [self.one(KEYS[14:])] if self.chance(0.8) else self.key()

    def keys(self):
        return [self.key()[0] for _ in range(self.random.choice((1, 1, 2, 3, 5)))]

    def list_keys(self):
        return [self.list_key()[0] for _ in range(self.random.choice((1, 1, 2, 3)))]

    def value(self):
        kind = self.random.random()
        if kind < 0.45:
            return [self.one(VALUES)]
        if kind < 0.7:
            return [b'%d' % self.random.randint(-1000, 20000)]
        if kind < 0.8:
            return [b'e%d' % self.random.randint(0, 9)]
        return [self.random.randbytes(self.random.choice((1, 2, 3, 8, 20, 60)))]

    def element(self):
        return [b'e%d' % self.random.randint(0, 9)] if self.chance(0.6) else self.value()

    def elements(self):
        return [self.element()[0] for _ in range(self.random.choice((1, 1, 1, 2, 3, 8)))]

    def integer(self):
        if self.chance(0.1):
            return [self.one(HOSTILE)]
        return [self.one(INTEGERS)]

    def index(self):
        return [b'%d' % self.random.randint(-12, 12)] if self.chance(0.7) else self.integer()

    def double(self):
        return [self.random.choice((
            b'1', b'-1', b'0.1', b'1.5', b'3e5', b'-2.25', b'1e17', b'0.000001', b'1e-10',
            b'123456789.123456789', b'99999999999999999', b'1e308', b'-1e308', b'1e5000', b'0',
            b'-0', b'.5', b'5.', b'%.17g' % self.random.uniform(-1000, 1000)))]

    def seconds(self):
        # Far apart from each other, so that GT and LT never decide by the milliseconds between
        # the two servers; else past, or out of range.
        if self.chance(0.15):
            return [self.random.choice((b'0', b'-1', b'-100000', b'9223372036854775807',
                                        b'9223372036854776',
                                        b'-9223372036854775808', b'abc', b'1.5', b''))]
        return [b'%d' % self.random.randint(10000, 10 ** 9)]

    def milliseconds(self):
        if self.chance(0.15):
            return [self.random.choice((b'0', b'-1', b'9223372036854775807',
                                        b'-9223372036854775808', b'x'))]
        return [b'%d' % self.random.randint(10 ** 7, 10 ** 12)]

    def unix_seconds(self):
        if self.chance(0.15):
            return [self.random.choice((b'0', b'-1', b'1', b'1000000000', b'9223372036854775807',
                                        b'9223372036854775',
                                        b'9223372036854776', b'-9223372036854775808', b'x'))]
        return [b'%d' % self.random.randint(4 * 10 ** 9, 5 * 10 ** 9)]

    def future_seconds(self):
        # SET with a deadline that is past keeps the key until somebody looks: DBSIZE is chance.
        if self.chance(0.15):
            return [self.random.choice((b'0', b'-1', b'9223372036854775807', b'9223372036854775',
                                        b'9223372036854776', b'x', b''))]
        return [b'%d' % self.random.randint(4 * 10 ** 9, 5 * 10 ** 9)]

    def future_milliseconds(self):
        if self.chance(0.15):
            return [self.random.choice((b'0', b'-1', b'9223372036854775807', b'x', b''))]
        return [b'%d' % self.random.randint(4 * 10 ** 12, 5 * 10 ** 12)]

    def unix_milliseconds(self):
        if self.chance(0.15):
            return [self.random.choice((b'0', b'-1', b'1000000000000', b'9223372036854775807',
                                        b'-9223372036854775808', b''))]
        return [b'%d' % self.random.randint(4 * 10 ** 12, 5 * 10 ** 12)]

    def timeout(self):
        if self.chance(0.2):
            return [self.one(BAD_TIMEOUTS)]
        return [self.random.choice((b'0.01', b'0.001', b'1e-2', b'.01'))]

    def word(self, *options):
        """One of the words, now and then in odd case or a wrong one."""
        def words():
            word = self.one(options)
            if self.chance(0.2):
                word = bytes(byte ^ 0x20 if self.chance(0.5) and chr(byte).isalpha() else byte
                             for byte in word)
            return [self.one(HOSTILE)] if self.chance(0.03) else [word]
        return words

    def maybe(self, *forms):
        """The forms together, or nothing."""
        def some():
            return [a for form in forms for a in form()] if self.chance(0.5) else []
        return some

    def shuffled(self, *options):
        """Some of the options (each a tuple of forms) in any order, now and then one twice."""
        def some():
            count = self.random.choice((0, 0, 1, 1, 1, 2, 2, 3))
            chosen = [self.one(options) for _ in range(count)]
            if self.chance(0.8):  # mostly each only once
                chosen = list(dict.fromkeys(chosen))
            return [a for option in chosen for form in option for a in form()]
        return some

    def pairs(self):
        return [a for _ in range(self.random.choice((1, 2, 3))) for a in self.key() + self.value()]

    def counted_keys(self):
        keys = self.list_keys()
        count = len(keys) if self.chance(0.9) else self.random.choice((0, -1, 1, 2, 100))
        return [b'%d' % count] + keys

    def pattern(self):
        return [self.random.choice((
            b'*', b'k*', b'l?', b'k[0-9]', b'k[^1]', b'k\\1', b'[a-z]*', b'k[1', b'', b'?', b'**',
            b'*1*', b'k1', b'[]', b'k[\\1-3]', b'[^', b'\\', b'k[9-0]', b'*\x00*', b'\xff*'))]

    def database(self):
        return [self.random.choice((b'0', b'1', b'2', b'9', b'9', b'15', b'16', b'-1', b'x', b'',
                                    b'1.0', b'99999999999999999999'))]

    # ------------------------------------------------------------------------------------ forms

    def _forms(self):
        """Name -> (weight, form)."""
        w, key, value, integer, index = self.word, self.key, self.value, self.integer, self.index
        element, list_key, maybe, shuffled = self.element, self.list_key, self.maybe, self.shuffled
        side = w(b'LEFT', b'RIGHT')
        expire_condition = shuffled((w(b'NX'),), (w(b'XX'),), (w(b'GT'),), (w(b'LT'),))
        relative = (w(b'EX'), self.seconds), (w(b'PX'), self.milliseconds)
        get_deadline = relative + (
            (w(b'EXAT'), self.unix_seconds), (w(b'PXAT'), self.unix_milliseconds))
        set_deadline = relative + (
            (w(b'EXAT'), self.future_seconds), (w(b'PXAT'), self.future_milliseconds))
        return {
            b'DEL': (4, [self.keys]), b'UNLINK': (2, [self.keys]), b'EXISTS': (3, [self.keys]),
            b'TOUCH': (1, [self.keys]), b'TYPE': (3, [key]), b'RENAME': (3, [key, key]),
            b'RENAMENX': (3, [key, key]), b'COPY': (4, [key, key,
                shuffled((w(b'DB'), self.database), (w(b'REPLACE'),))]),
            b'MOVE': (2, [key, self.database]),
            b'RANDOMKEY': (1, []), b'DBSIZE': (2, []), b'KEYS': (2, [self.pattern]),
            b'SCAN': (2, [w(b'0', b'0', b'1', b'x', b'-1', b'18446744073709551615',
                            b'18446744073709551616', b''),
                          shuffled((w(b'MATCH'), self.pattern), (w(b'COUNT'), integer),
                                   (w(b'TYPE'), w(b'string', b'list', b'set', b'hash', b'stream',
                                                  b'nosuch')))]),
            b'EXPIRE': (5, [key, self.seconds, expire_condition]),
            b'PEXPIRE': (4, [key, self.milliseconds, expire_condition]),
            b'EXPIREAT': (4, [key, self.unix_seconds, expire_condition]),
            b'PEXPIREAT': (4, [key, self.unix_milliseconds, expire_condition]),
            b'TTL': (3, [key]), b'PTTL': (3, [key]), b'EXPIRETIME': (3, [key]),
            b'PEXPIRETIME': (3, [key]), b'PERSIST': (4, [key]),
            b'OBJECT': (3, [w(b'ENCODING', b'ENCODING', b'REFCOUNT', b'IDLETIME', b'FREQ', b'HELP',
                              b'NOSUCH'), maybe(key)]),
            b'SET': (16, [key, value, shuffled(
                (w(b'NX'),), (w(b'XX'),), (w(b'GET'),), (w(b'KEEPTTL'),), *set_deadline)]),
            b'SETNX': (3, [key, value]), b'SETEX': (3, [key, self.seconds, value]),
            b'PSETEX': (3, [key, self.milliseconds, value]),
            b'GET': (12, [key]), b'GETSET': (3, [key, value]), b'GETDEL': (3, [key]),
            b'GETEX': (6, [key, shuffled((w(b'PERSIST'),), *get_deadline)]),
            b'MGET': (4, [self.keys]), b'MSET': (4, [self.pairs]), b'MSETNX': (3, [self.pairs]),
            b'APPEND': (5, [key, value]), b'STRLEN': (4, [key]),
            b'GETRANGE': (5, [key, index, index]), b'SUBSTR': (2, [key, index, index]),
            b'SETRANGE': (5, [key, w(b'0', b'1', b'5', b'20', b'100', b'1000', b'-1', b'536870912',
                                     b'9223372036854775807',
                                     b'x', b''), value]),
            b'INCR': (5, [key]), b'DECR': (4, [key]), b'INCRBY': (5, [key, integer]),
            b'DECRBY': (4, [key, integer]), b'INCRBYFLOAT': (6, [key, self.double]),
            b'LCS': (3, [key, key, shuffled(
                (w(b'LEN'),), (w(b'IDX'),), (w(b'IDX'),), (w(b'MINMATCHLEN'), integer),
                (w(b'WITHMATCHLEN'),))]),
            b'LPUSH': (9, [list_key, self.elements]), b'RPUSH': (9, [list_key, self.elements]),
            b'LPUSHX': (3, [list_key, self.elements]), b'RPUSHX': (3, [list_key, self.elements]),
            b'LPOP': (5, [list_key, maybe(integer)]), b'RPOP': (5, [list_key, maybe(integer)]),
            b'LLEN': (4, [list_key]), b'LINDEX': (5, [list_key, index]),
            b'LSET': (5, [list_key, index, element]), b'LRANGE': (7, [list_key, index, index]),
            b'LTRIM': (4, [list_key, index, index]),
            b'LINSERT': (5, [list_key, w(b'BEFORE', b'AFTER'), element, element]),
            b'LREM': (5, [list_key, index, element]),
            b'LPOS': (6, [list_key, element, shuffled(
                (w(b'RANK'), index), (w(b'COUNT'), integer), (w(b'MAXLEN'), integer))]),
            b'LMOVE': (5, [list_key, list_key, side, side]),
            b'RPOPLPUSH': (4, [list_key, list_key]),
            b'LMPOP': (4, [self.counted_keys, side, maybe(w(b'COUNT'), integer)]),
            b'BLPOP': (2, [self.list_keys, self.timeout]),
            b'BRPOP': (2, [self.list_keys, self.timeout]),
            b'BLMOVE': (2, [list_key, list_key, side, side, self.timeout]),
            b'BRPOPLPUSH': (2, [list_key, list_key, self.timeout]),
            b'BLMPOP': (2, [self.timeout, self.counted_keys, side, maybe(w(b'COUNT'), integer)]),
            b'PING': (1, [maybe(value)]), b'ECHO': (1, [value]), b'SELECT': (3, [self.database]),
            b'SWAPDB': (1, [self.database, self.database]),
            b'FLUSHDB': (1, [maybe(w(b'ASYNC', b'SYNC'))]), b'MULTI': (5, []), b'EXEC': (6, []),
            b'DISCARD': (1, []), b'WATCH': (4, [self.keys]), b'UNWATCH': (1, []),
            b'AUTH': (1, [w(b'default', b'nosuch', b'secret'), maybe(value)]),
            b'TIME': (1, []), b'LASTSAVE': (1, []),
            b'MEMORY': (1, [w(b'USAGE', b'USAGE', b'HELP', b'NOSUCH'),
                            maybe(key, maybe(w(b'SAMPLES'), integer))]),
            **commands_bits.forms(self),
            **commands_dump.forms(self),
            **commands_hashes.forms(self),
            **commands_sets.forms(self),
            **commands_zsets.forms(self),
            **commands_geo.forms(self),
            **commands_streams.forms(self),
        }

    def _fixed(self):
        """Commands that are sent as they are: a mutation could end, stop or blind a server."""
        texts = [
            'CLIENT ID', 'CLIENT ID x', 'CLIENT GETNAME', 'CLIENT SETNAME name', 'CLIENT SETNAME',
            'CLIENT INFO', 'CLIENT NOSUCH', 'CLIENT', 'CLIENT NO-EVICT on', 'CLIENT NO-EVICT OFF',
            'CLIENT NO-EVICT x', 'CLIENT NO-EVICT', 'CLIENT HELP', 'CLIENT KILL',
            'CLIENT KILL nosuch', 'CLIENT KILL 1.2.3.4:5', 'CLIENT KILL ID 999999',
            'CLIENT KILL ID x', 'CLIENT KILL ID 0', 'CLIENT KILL ID -1', 'CLIENT KILL TYPE pubsub',
            'CLIENT KILL TYPE x', 'CLIENT KILL USER nosuch', 'CLIENT KILL SKIPME x',
            'CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:6', 'CLIENT KILL ADDR',
            'CLIENT KILL ID 999999 TYPE normal SKIPME yes', 'CLIENT LIST TYPE x',
            'CLIENT LIST TYPE pubsub', 'CLIENT LIST ID', 'CLIENT LIST ID x',
            'CLIENT LIST ID 999999', 'CLIENT LIST x', 'CLIENT UNBLOCK 999999',
            'CLIENT UNBLOCK 999999 TIMEOUT', 'CLIENT UNBLOCK 999999 x', 'CLIENT UNBLOCK x',
            'CLIENT UNBLOCK', 'CLIENT PAUSE x', 'CLIENT PAUSE -1', 'CLIENT PAUSE 1 x',
            'CLIENT PAUSE', 'CLIENT UNPAUSE', 'CLIENT REPLY', 'CLIENT REPLY x', 'CLIENT REPLY ON',
            'COMMAND COUNT', 'COMMAND COUNT x', 'COMMAND NOSUCH', 'COMMAND INFO nosuch',
            'COMMAND INFO get', 'COMMAND INFO SET lmpop nosuch blpop',
            'COMMAND INFO client|id object|freq client|nosuch', 'COMMAND DOCS nosuch',
            'COMMAND DOCS get', 'COMMAND LIST FILTERBY', 'COMMAND LIST FILTERBY x y',
            'COMMAND LIST FILTERBY PATTERN lpus*', 'COMMAND LIST FILTERBY ACLCAT transaction',
            'COMMAND LIST FILTERBY ACLCAT nosuch', 'COMMAND LIST FILTERBY MODULE x',
            'COMMAND LIST x', 'COMMAND GETKEYS', 'COMMAND GETKEYS nosuch a',
            'COMMAND GETKEYS get a', 'COMMAND GETKEYS mset a 1 b 2', 'COMMAND GETKEYS mset a 1 b',
            'COMMAND GETKEYS lmpop 2 a b left', 'COMMAND GETKEYS lmpop 3 a b left',
            'COMMAND GETKEYS lmpop x a b left', 'COMMAND GETKEYS blpop a b 0',
            'COMMAND GETKEYS ping x', 'COMMAND GETKEYS get a b',
            'COMMAND GETKEYS object encoding a', 'COMMAND GETKEYS blmpop 0 1 a left',
            'COMMAND GETKEYS client id x', 'COMMAND GETKEYS lmpop 0 a left',
            'COMMAND GETKEYS lmpop -1 a left', 'COMMAND GETKEYSANDFLAGS set a b',
            'COMMAND GETKEYSANDFLAGS set a b get', 'COMMAND GETKEYSANDFLAGS set a b EX 10 GET',
            'COMMAND GETKEYSANDFLAGS rename a b', 'COMMAND GETKEYSANDFLAGS lmove a b left right',
            'COMMAND GETKEYSANDFLAGS del a b c', 'COMMAND GETKEYSANDFLAGS getex a EX 10',
            'COMMAND GETKEYSANDFLAGS getex a', 'COMMAND GETKEYSANDFLAGS blmpop 0 2 a b left',
            'COMMAND GETKEYSANDFLAGS nosuch a', 'COMMAND GETKEYSANDFLAGS msetnx a 1 b 2',
            'COMMAND HELP', 'CONFIG', 'CONFIG NOSUCH', 'CONFIG GET', 'CONFIG GET nosuch',
            'CONFIG GET maxmemory', 'CONFIG GET MAXMEMORY-policy', 'CONFIG GET timeout',
            'CONFIG GET maxmemor? timeout', 'CONFIG GET databases', 'CONFIG GET requirepass',
            'CONFIG GET appendonly', 'CONFIG GET hash-max-listpack-entries',
            'CONFIG GET hash-max-ziplist-entries', 'CONFIG GET list-max-*size', 'CONFIG SET',
            'CONFIG SET x', 'CONFIG SET nosuch 1', 'CONFIG SET timeout x', 'CONFIG SET timeout -1',
            'CONFIG SET timeout 0', 'CONFIG SET timeout 0 timeout 0',
            'CONFIG SET timeout 0 nosuch 1', 'CONFIG SET databases 4',
            'CONFIG SET maxmemory-policy x', 'CONFIG SET maxmemory-policy noeviction',
            'CONFIG SET maxmemory x', 'CONFIG SET maxmemory 0', 'CONFIG SET appendfsync x',
            'CONFIG SET port x', 'CONFIG SET port 70000', 'CONFIG SET lazyfree-lazy-user-del x',
            'CONFIG SET maxclients 0', 'CONFIG SET tcp-keepalive 300',
            'CONFIG SET slowlog-max-len -1', 'CONFIG SET slowlog-max-len 128',
            'CONFIG SET proto-max-bulk-len 1', 'CONFIG RESETSTAT x', 'CONFIG REWRITE x',
            'CONFIG HELP', 'DEBUG', 'DEBUG NOSUCH', 'DEBUG SLEEP 0', 'DEBUG SET-ACTIVE-EXPIRE 1',
            'DEBUG SET-ACTIVE-EXPIRE', 'DEBUG OBJECT nosuch', 'DEBUG OBJECT k1', 'DEBUG OBJECT l1',
            'DEBUG STRINGMATCH-LEN 100 a*', 'DEBUG STRINGMATCH-LEN x a', 'DEBUG PROTOCOL nosuch',
            'DEBUG PROTOCOL string', 'DEBUG PROTOCOL integer', 'DEBUG PROTOCOL double',
            'DEBUG PROTOCOL null', 'DEBUG PROTOCOL array', 'DEBUG PROTOCOL set',
            'DEBUG PROTOCOL map', 'DEBUG PROTOCOL bignum', 'DEBUG PROTOCOL true',
            'DEBUG PROTOCOL false', 'DEBUG PROTOCOL verbatim', 'DEBUG ERROR boo', 'SHUTDOWN ABORT',
            'DEBUG QUICKLIST-PACKED-THRESHOLD 100b', 'DEBUG QUICKLIST-PACKED-THRESHOLD 4gb',
            'DEBUG QUICKLIST-PACKED-THRESHOLD x', 'DEBUG REPLYBUFFER PEAK-RESET-TIME never',
            'DEBUG REPLYBUFFER PEAK-RESET-TIME x', 'DEBUG REPLYBUFFER RESIZING 1',
            'DEBUG REPLYBUFFER nosuch 1',
            'SHUTDOWN x', 'SHUTDOWN SAVE NOSAVE', 'SHUTDOWN ABORT NOW', 'SHUTDOWN SAVE ABORT',
            'SLOWLOG', 'SLOWLOG LEN', 'SLOWLOG RESET', 'SLOWLOG GET', 'SLOWLOG GET x',
            'SLOWLOG GET -2', 'SLOWLOG GET -1', 'SLOWLOG NOSUCH', 'SLOWLOG LEN x', 'SLOWLOG HELP',
            'SLOWLOG GET 1 2', 'HELLO', 'HELLO 2', 'HELLO 3', 'HELLO 1', 'HELLO 4', 'HELLO x',
            'HELLO 2 SETNAME name', 'HELLO 3 SETNAME', 'HELLO 3 AUTH default', 'HELLO 3 NOSUCH x',
            'HELLO 2 AUTH default secret', 'HELLO 3 SETNAME a SETNAME b', 'RESET', 'RESET x',
            'INFO nosuch', 'INFO keyspace', 'LASTSAVE x', 'TIME x', 'DBSIZE x', 'RANDOMKEY x',
            'FLUSHALL', 'FLUSHALL SYNC', 'FLUSHALL async', 'FLUSHALL x', 'FLUSHALL SYNC ASYNC',
            'FLUSHDB x', 'FLUSHDB SYNC x', 'MULTI x', 'EXEC x', 'DISCARD x', 'UNWATCH x',
            'PING a b', 'ECHO', 'GET', 'WAIT2', 'OBJECT', 'OBJECT HELP x', 'OBJECT ENCODING',
            'MEMORY', 'MEMORY USAGE', 'MEMORY USAGE k1 SAMPLES', 'MEMORY USAGE k1 SAMPLES -1',
        ]
        commands = [[word.encode() for word in text.split()] for text in texts + commands_streams.FIXED]
        commands += [
            [b'CLIENT', b'SETNAME', b'two words'], [b'CLIENT', b'SETNAME', b''],
            [b'CLIENT', b'SETNAME', b'a\nb'], [b'CLIENT', b'SETNAME', b'\xff'],
            [b'CLIENT', b'\x00' * 5], [b'CLIENT', b'N' * 200], [b'CONFIG', b'a\r\nb'],
            [b'CONFIG', b'SET', b'timeout', b''], [b'CONFIG', b'SET', b'', b''],
            [b'CONFIG', b'GET', b''], [b'CONFIG', b'GET', b'\x00'],
            [b'DEBUG', b'ERROR', b'with\r\nlines'], [b'HELLO', b'3', b'SETNAME', b'two words'],
            [b'HELLO', b''], [b'AUTH', b'a', b'b', b'c'],
            [b'DEBUG', b'STRINGMATCH-LEN', b'10', b'\x00'],
        ]
        return commands

    # -------------------------------------------------------------------------------- mutations

    def _mutate(self, name, arguments):
        if commands_zsets.is_equal_add(arguments):
            return
        if name in commands_zsets.AS_THEY_ARE:
            return
        kind = self.random.random()
        waits = name.startswith(b'B')
        hostile = (NOT_NEAR if name in TIMED else NOT_FAR if name in OFFSETS
                   else NOT_OVERFLOWING if name == b'RESTORE' else HOSTILE)
        if kind < 0.2 and len(arguments) > 1:
            arguments.pop()
        elif kind < 0.35:
            arguments.append(b'extra' if waits else self.one(hostile))
        elif kind < 0.7 and len(arguments) > 1:
            at = self.random.randrange(1, len(arguments))
            if name in commands_zsets.BY_NAME and at == 1:
                return
            is_timeout = at == 1 if name.endswith(b'MPOP') else at == len(arguments) - 1
            arguments[at] = self.one(BAD_TIMEOUTS if waits and is_timeout else hostile)
        elif kind < 0.8 and len(arguments) > 1 and not waits:
            at = self.random.randrange(1, len(arguments))
            arguments.insert(at, arguments[at])
        elif kind < 0.85 and len(arguments) > 2 and not waits and name not in TIMED:
            at = self.random.randrange(1, len(arguments) - 1)
            arguments[at], arguments[at + 1] = arguments[at + 1], arguments[at]
        elif kind < 0.9:
            del arguments[1:]
        else:
            arguments[0] = bytes(byte ^ 0x20 if self.chance(0.5) else byte for byte in arguments[0])

    def command(self):
        kind = self.random.random()
        if kind < 0.05:
            arguments = list(self.one(self.fixed))
        elif kind < 0.06:
            arguments = [self.one(UNKNOWN)] + [self.one(HOSTILE)
                                               for _ in range(self.random.randint(0, 12))]
        else:
            name = self.one(self.names)
            arguments = [name]
            for form in self.forms[name][1]:
                arguments += form()
            if self.chance(0.12) and name not in UNMUTATED and b'BLOCK' not in arguments:
                self._mutate(name, arguments)
                if name == b'XADD':  # the id would be of this moment
                    arguments = [b'x' if a == b'*' else a for a in arguments]
            elif self.chance(0.1):
                arguments[0] = name.lower()
        kind = self.random.random()
        if kind < 0.03 and arguments[0][:1] not in (b'', b'*'):
            return Command(arguments, raw=encode_inline(arguments))
        if kind < 0.033:
            return Command([], raw=self.one((b'\r\n', b'\n', b'*0\r\n', b'*-1\r\n', b'*-5\r\n',
                                             b'  \r\n')), replies=0)
        return Command(arguments)
