"""
differences.py -- in what the replies of two servers may differ, and why.

Replies are compared byte for byte. A rule of the table below is asked only when they are not equal,
and only about the commands it names; it looks into both replies and says whether what is left is
the same. There are three sorts of reasons:

  NATURE   time, chance and identity: two runs of one server would differ as well.
  VERSION  the oracle is Redis 7.0.15, kvstore speaks as 7.2.4.
  OURS     kvstore is another program. docs/differences.md tells users of each such row.

RULES is the whole list.
"""

import re
from collections import Counter

from wire import parse

NATURE, VERSION, OURS = 'nature', 'version', 'ours'

# Since 7.2 these look at their arguments before they look for the key, whose absence is an event.
ARGUMENTS_BEFORE_KEY_SINCE_7_2 = {b'bitcount', b'bitpos'}

# How far the clocks of two servers may be apart when they execute the same command, in seconds.
CLOCKS = 8


# ------------------------------------------------------------------------------ what may differ


def near(tolerance):
    """Both integers, both negative and equal or both within the tolerance."""
    def same(a, b, _):
        if a.kind != ':' or b.kind != ':':
            return False
        return a.value == b.value or (min(a.value, b.value) >= 0
                                      and abs(a.value - b.value) <= tolerance)
    return same


def same_kind(a, b, _):
    """The same type of reply, both null or both not."""
    return a.kind == b.kind and (a.value is None) == (b.value is None)


def same_shape(a, b, _):
    """Arrays of as many members of the same kinds."""
    return (a.kind == b.kind and isinstance(a.value, list) and isinstance(b.value, list)
            and [m.kind for m in a.value] == [m.kind for m in b.value])


def random_members(a, b, _):
    """As many, in the same form; the words of a bad count were mended in 7.2."""
    if '-' in (a.kind, b.kind):
        return a.value.replace(b'must between', b'must be between') == b.value
    if not isinstance(a.value, list) or not isinstance(b.value, list):
        return same_kind(a, b, _)
    return same_shape(a, b, _)


def any_order(a, b, _):
    """The same members."""
    return (a.kind == b.kind and isinstance(a.value, list) and isinstance(b.value, list)
            and sorted(a.value) == sorted(b.value))


def both_lists_of_text(a, b, _):
    """Two arrays of texts, neither empty: HELP."""
    return all(r.kind == '*' and r.value and all(m.kind in '+$' for m in r.value) for r in (a, b))


def scan(a, b, _):
    """A cursor and an array on both sides. What a whole scan finds is compared by an episode."""
    return same_shape(a, b, _) and len(a.value) == 2


def keys(a, b, arguments):
    """The same keys, but that "**" finds the empty one here, which Redis keeps for "*" alone."""
    if a.kind != b.kind or a.value is None or b.value is None:
        return False
    a, b = sorted(a.value), sorted(b.value)
    if len(arguments) == 2 and set(arguments[1]) == {ord('*')}:
        b = [member for member in b if member.value != b'']
        a = [member for member in a if member.value != b'']
    return a == b


def in_any_order(a, b, _):
    """Arrays of the same members."""
    return a.kind == b.kind == '*' and sorted(a.value) == sorted(b.value)


def sorted_by_others(a, b, arguments):
    """
    With BY nothing but the weights decides in Redis: elements of equal weight, or of none, come in
    the order of its table or of its sort. With LIMIT others of them may be chosen. Texts with ALPHA
    are compared up to a zero byte only.
    """
    words = [argument.lower() for argument in arguments[2:]]
    if a.kind == '-' and b.kind in '*~' and b'be converted into double' in a.value:
        return True  # if a number read long before was out of range, Redis takes the next one for so
    if a.kind != b.kind or a.value is None or b.value is None:
        return False
    if b'by' not in words:
        cut = [[(m.value or b'').partition(b'\0')[0] for m in side.value] for side in (a, b)]
        return b'alpha' in words and cut[0] == cut[1]
    if b'limit' in words:
        return len(a.value) == len(b.value)
    return Counter(m.value for m in a.value) == Counter(m.value for m in b.value)


ENCODINGS = {
    (b'quicklist', b'listpack'),  # a small list
    (b'hashtable', b'listpack'),  # a small set
    (b'skiplist', b'listpack'),   # a sorted set that SORT has looked at
    (b'hashtable', b'intset'),    # what SDIFFSTORE left of a set that was not of integers only
}


def encoding(a, b, _):
    """What Redis 7.0 says, and what 7.2."""
    return a.kind == b.kind == '$' and (a.value, b.value) in ENCODINGS


def as_double(text):
    """What a text says as a number, or None."""
    try:
        return float(text) if text.strip(b'0123456789+-.einf') == b'' else None
    except ValueError:
        return None


def doubles(a, b, _):
    """The same doubles, which 7.0 prints with 17 digits and 7.2 with as few as it takes."""
    if a.kind != b.kind or type(a.value) is not type(b.value):
        return False
    if isinstance(a.value, list):
        return len(a.value) == len(b.value) and all(doubles(x, y, _) for x, y in
                                                    zip(a.value, b.value))
    if a.value == b.value:
        return True
    if not isinstance(a.value, bytes) or a.kind not in '$,' or as_double(a.value) is None:
        return False
    return repr(as_double(a.value)) == repr(as_double(b.value))  # 0 and -0 are two


def scan_of_doubles(a, b, _):
    """The same, or the order is that of another table."""
    return doubles(a, b, _) or scan(a, b, _)


def idle_time(a, b, _):
    """Redis shares small integers among keys, whose uses then count for each other."""
    return a.kind == b.kind == ':' and a.value >= 0 and 0 <= b.value <= CLOCKS


def tree(reply):
    """A reply as plain lists and dictionaries; RESP2's flat maps stay lists."""
    if reply.kind in '*~>':
        return None if reply.value is None else [tree(member) for member in reply.value]
    if reply.kind == '%':
        return [tree(member) for member in reply.value]
    return reply.value


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def any_order_of_pairs(a, b, _):
    """The same names with the same values."""
    return a.kind == b.kind and pairs(tree(a)) == pairs(tree(b))


def hello(a, b, _):
    if a.kind != b.kind or a.kind not in '*%':
        return False
    a, b = pairs(tree(a)), pairs(tree(b))
    free = (b'version', b'id')
    return list(a) == list(b) and all(a[name] == b[name] for name in a if name not in free)


CLIENT_SAME = (b'name', b'db', b'sub', b'psub', b'ssub', b'multi', b'resp', b'user', b'cmd',
               b'events', b'redir')
CLIENT_NEW = {b'lib-name', b'lib-ver'}


def client_lines(a, b, _):
    """The same fields but for those of 7.2; what does not depend on the moment is equal."""
    if a.kind != b.kind:
        return False
    a, b = a.value, b.value
    if a.startswith(b'txt:'):
        a, b = a[4:], b[4:]
    a, b = a.splitlines(), b.splitlines()
    if len(a) != len(b):
        return False
    for line_a, line_b in zip(a, b):
        a_fields, b_fields = (dict(field.split(b'=', 1) for field in line.split(b' '))
                              for line in (line_a, line_b))
        if [f for f in a_fields if f not in CLIENT_NEW] != [f for f in b_fields
            if f not in CLIENT_NEW]:
            return False
        if any(a_fields[name] != b_fields[name] for name in CLIENT_SAME):
            return False
        without_shield = a_fields[b'flags'].replace(b'e', b'')  # RESET of 7.2 ends NO-EVICT
        if b_fields[b'flags'] not in (a_fields[b'flags'], without_shield):
            return False
    return True


def without_average_ttl(a, b, _):
    """INFO keyspace: avg_ttl is measured by each server in its own way."""
    def strip(reply):
        return [line.split(b',avg_ttl')[0] for line in reply.value.split(b'\r\n')]
    return a.kind == b.kind and a.value is not None and strip(a) == strip(b)


DENYOOM_SINCE_7_2 = {b'subscribe', b'psubscribe', b'ssubscribe'}
NOSCRIPT_UNTIL_7_2 = {b'blpop', b'brpop', b'blmove', b'brpoplpush', b'bzpopmin', b'bzpopmax'}
ARITY_OF_7_2 = {b'command|getkeys': -3, b'command|getkeysandflags': -3, b'zrank': -3,
                b'zrevrank': -3}


def command_entry(entry, known):
    """A member of COMMAND INFO as 7.2 gives it, without notes, subcommands sorted."""
    if entry is None:
        return None
    name, arity, flags, first, last, step, categories, tips, keys, subcommands = entry
    if name in NOSCRIPT_UNTIL_7_2:
        flags = [flag for flag in flags if flag != b'noscript']
    if name == b'wait':  # noscript before 7.2, blocking since
        flags, categories = [], []
    if name == b'restore-asking':
        flags = [flag for flag in flags if flag != b'asking']
    if name in DENYOOM_SINCE_7_2 and b'denyoom' not in flags:
        flags = [b'denyoom'] + flags
    keys = [{n: v for n, v in pairs(key).items() if n != b'notes'} for key in keys]
    subcommands = sorted((command_entry(s, known) for s in subcommands if s[0] in known),
                         key=lambda s: s[0])
    return [name, ARITY_OF_7_2.get(name, arity), flags, first, last, step, categories, tips, keys,
            subcommands]


def command_info(a, b, _):
    if not same_shape(a, b, _):
        return False
    a, b = tree(a), tree(b)

    def names(entries):
        return {s[0] for entry in entries if entry for s in entry[9]}
    known = names(a) & names(b)
    return [command_entry(e, known) for e in a] == [command_entry(e, known) for e in b]


NEWER_TOKENS = {b'set': b'IFEQ', b'hscan': b'NOVALUES', b'zrank': b'WITHSCORE',
                b'zrevrank': b'WITHSCORE', b'zscan': b'NOSCORES', b'geosearch': b'BYPOLYGON',
                b'geosearchstore': b'BYPOLYGON'}
SENTENCES = {b'summary', b'complexity', b'history', b'replaced_by'}


def without(arguments, name, value):
    """COMMAND DOCS' arguments, each a flat map, without those in which the name has this value."""
    kept = []
    for argument in arguments:
        facts = pairs(argument)
        if facts.get(name) == value:
            continue
        if b'arguments' in facts:
            facts[b'arguments'] = without(facts[b'arguments'], name, value)
        kept.append(facts)
    return kept


def with_end(arguments):
    """The arguments of BITCOUNT as they were when a start needed an end."""
    key, block = arguments
    facts = pairs(block)
    start, end = facts[b'arguments'][0], pairs(facts[b'arguments'][-1])
    if end[b'name'] == b'end_index':
        facts[b'arguments'] = [start] + end[b'arguments']
    return [key, [member for pair in facts.items() for member in pair]]


def command_docs(a, b, _):
    """The words are our own; the rest is equal, but that QUIT is deprecated since 7.2, and what is newer."""
    if a.kind != b.kind or a.value is None:
        return False

    def facts(flat, known):
        result = {}
        for name, entry in pairs(flat).items():
            if known is not None and name not in known:
                continue
            entry = {n: v for n, v in pairs(entry).items() if n not in SENTENCES}
            if name == b'quit':
                entry.pop(b'doc_flags', None)
                entry.pop(b'deprecated_since', None)
            if name in NEWER_TOKENS:
                entry[b'arguments'] = without(entry[b'arguments'], b'token', NEWER_TOKENS[name])
            if name == b'bgsave':
                entry.pop(b'arguments')  # CANCEL, of Valkey 8.1, beside SCHEDULE
            if name == b'bitcount':
                entry[b'arguments'] = with_end(entry[b'arguments'])
            if name in (b'xadd', b'xtrim'):
                entry[b'arguments'] = without(entry[b'arguments'], b'since', b'8.2.0')
            subcommands = entry.pop(b'subcommands', None)
            result[name] = (entry, subcommands)
        return result
    a, b = facts(tree(a), None), facts(tree(b), None)
    if list(a) != list(b):
        return False
    for name, (a_entry, a_subcommands) in a.items():
        b_entry, b_subcommands = b[name]
        if a_entry != b_entry or (a_subcommands is None) != (b_subcommands is None):
            return False
        if a_subcommands is not None:
            known = set(a_subcommands[::2]) & set(b_subcommands[::2])
            if facts(a_subcommands, known) != facts(b_subcommands, known):
                return False
    return True


def slow_log(a, b, _):
    """As many entries with the same arguments and names, whatever the times and addresses."""
    if not same_shape(a, b, _):
        return False
    return all(len(x) == len(y) and x[3] == y[3] and x[5] == y[5] for x, y in zip(tree(a), tree(b)))


CANNOT_HONOUR = b'kvstore cannot honour '


def config_set(a, b, _):
    """kvstore refuses what it could only ignore; 7.2 knows one more level of the log."""
    if b.kind == '-' and CANNOT_HONOUR in b.value:
        return a.kind == '+'
    return a.kind == b.kind == '-' and a.value == b.value.replace(b'warning, nothing', b'warning')


def smallest_rank(a, b, arguments):
    """RANK -2^63, whose opposite does not exist: out of range in 7.2, and anything in 7.0."""
    return b'-9223372036854775808' in arguments and b'value is out of range' in b.value


def arguments_first(a, b, _):
    """7.2 reads all of the range before it looks at the key, 7.0 answers of what it sees first."""
    return b.kind == '-' and (a.kind == ':' and a.value in (0, -1)
                              or a.kind == '-' and a.value.startswith(b'WRONGTYPE'))


def bit_count(a, b, arguments):
    """The same, and the end may be left out."""
    if len(arguments) == 3 and a.kind == '-' and b'syntax' in a.value:
        return True
    return arguments_first(a, b, arguments)


def cut_run(a, b, _):
    """The oracle reads a byte behind the string."""
    return a.kind == '$' and b.kind == '-' and b.value.startswith(b'INVALIDOBJ')


def debug_of_ours(a, b, arguments):
    """DEBUG STRINGMATCH-LEN is not in the oracle."""
    return arguments[1].lower() == b'stringmatch-len' and b'unknown subcommand' in a.value


def one_command_more(a, b, _):
    """A subset of names: kvstore need not know every command, and knows some of 7.2."""
    return a.kind == b.kind and a.value is not None and b.value is not None


# ------------------------------------------------------------------------------------- streams

# Consumers of 7.2 are there once they have asked, those of 7.0 once they were given something.


def near_times(a, b):
    return abs(a - b) <= CLOCKS * 1000


def pending_entries(a, b, _):
    """XPENDING with a range: idle milliseconds."""
    if not same_shape(a, b, _):
        return False
    a, b = tree(a), tree(b)
    return all(len(x) == len(y) == 4 and x[:2] + x[3:] == y[:2] + y[3:]
               and near_times(x[2], y[2]) for x, y in zip(a, b))


def stream_consumers(a, b, _):
    """Those that have something pending; 7.2 tells `inactive`."""
    if a.kind != b.kind or a.value is None:
        return False

    def busy(reply):
        return [c for c in map(pairs, tree(reply)) if c[b'pending'] > 0]
    a, b = busy(a), busy(b)
    return (all(list(c) == [b'name', b'pending', b'idle', b'inactive'] for c in b)
            and [(c[b'name'], c[b'pending']) for c in a] == [(c[b'name'], c[b'pending']) for c in b])


def stream_groups(a, b, _):
    """All but how many consumers there are."""
    def groups(reply):
        return [{n: v for n, v in pairs(g).items() if n != b'consumers'} for g in tree(reply)]
    return a.kind == b.kind and a.value is not None and groups(a) == groups(b)


def full_group(group):
    """
    A group of XINFO STREAM FULL without times, idle consumers and how often an entry was delivered,
    which a server that has restarted does not know of pending ones that were shown again.
    """
    group = pairs(group)
    group[b'pending'] = [entry[:2] for entry in group[b'pending']]
    consumers = [pairs(consumer) for consumer in group.pop(b'consumers')]
    return group, [(c[b'name'], c[b'pel-count'], [entry[0] for entry in c[b'pending']])
                   for c in consumers if c[b'pel-count'] > 0]


def stream_info(a, b, _):
    """XINFO STREAM: the nodes are of another tree; with FULL times and idle consumers differ."""
    if a.kind != b.kind or a.value is None:
        return False
    a, b = pairs(tree(a)), pairs(tree(b))
    if list(a) != list(b):
        return False
    for facts in (a, b):
        facts.pop(b'radix-tree-nodes')
        if isinstance(facts[b'groups'], list):
            facts[b'groups'] = [full_group(group) for group in facts[b'groups']]
    return a == b


def last_of_stream(a, b, arguments):
    """The id "+" is of 7.4."""
    return b'+' in arguments and b'Invalid stream ID' in a.value


# ------------------------------------------------------------------------------------ the table

# (commands, sort, what may differ and why, rule). A command is its name, or name and subcommand.
RULES = [
    ('ttl', NATURE, 'seconds left, rounded', near(CLOCKS)),
    ('pttl', NATURE, 'milliseconds left', near(CLOCKS * 1000)),
    ('expiretime', NATURE, 'a deadline that was given relative to now', near(CLOCKS)),
    ('pexpiretime', NATURE, 'a deadline that was given relative to now', near(CLOCKS * 1000)),
    ('time', NATURE, 'the time', same_shape),
    ('lastsave', NATURE, 'when the server started', same_kind),
    ('object idletime', OURS, 'seconds since the last use of the key itself', idle_time),
    ('dump', NATURE, 'the order of tables, and how well a text was compressed', same_kind),
    ('randomkey', NATURE, 'chance', same_kind),
    ('keys', NATURE, 'in no order', keys),
    ('scan', NATURE, 'the cursor and the order are those of the server; see the scan episode',
     scan),
    ('config get', NATURE, 'in no order', any_order_of_pairs),
    ('config set', OURS, 'a value that could only be ignored is refused', config_set),
    ('hgetall', NATURE, 'a large hash is in no order', any_order_of_pairs),
    ('hkeys, hvals', NATURE, 'a large hash is in no order', any_order),
    ('hscan', NATURE, 'the order of a large hash is that of its table; see the scan episode',
     scan),
    ('hrandfield, srandmember, zrandmember', NATURE, 'chance', random_members),
    ('smembers, sinter, sunion, sdiff, spop', NATURE, 'in no order', any_order),
    ('sort, sort_ro', NATURE, 'elements of equal weight are in no order', sorted_by_others),
    ('sscan', NATURE, 'the order of a set is that of its table; see the scan episode', scan),
    ('zadd, zincrby, zscore, zmscore, zrange, zrangebyscore, zrevrange, zrevrangebyscore, zpopmin, '
     'zpopmax, zmpop, bzpopmin, bzpopmax, bzmpop, zunion, zinter, zdiff', VERSION,
     '7.2 prints a double with as few digits as it takes', doubles),
    ('zscan', NATURE, 'the order of a large set is that of its table; see the scan episode',
     scan_of_doubles),
    ('client id', NATURE, 'a number of the connection', same_kind),
    ('client info, client list', VERSION,
     'addresses, ages and buffers; 7.2 adds lib-name and lib-ver, and its RESET ends NO-EVICT',
     client_lines),
    ('hello', VERSION, 'the version is 7.2.4 instead of 7.0.15, the id is that of the connection',
     hello),
    ('slowlog get', NATURE, 'times, durations and addresses', slow_log),
    ('debug stringmatch-len', OURS, 'the oracle does not have it', debug_of_ours),
    ('pfdebug decode', OURS, 'runs of which the last one is cut off are corrupt', cut_run),
    ('lpos', VERSION, 'a RANK of -2^63 is out of range in 7.2', smallest_rank),
    ('bitcount', VERSION, 'arguments before the key since 7.2; the end may be left out', bit_count),
    ('bitpos', VERSION, 'arguments before the key since 7.2', arguments_first),
    ('debug object', NATURE, 'an address and sizes', same_kind),
    ('info', NATURE, 'avg_ttl is an estimate', without_average_ttl),
    ('memory usage', OURS, 'the bytes that the value takes here', same_kind),
    ('object encoding', VERSION,
     '7.2 keeps small lists and sets as listpack', encoding),
    ('object refcount', OURS, 'a copy of a small integer is as any small integer', same_kind),
    ('pubsub channels, pubsub shardchannels', NATURE, 'in no order', in_any_order),
    ('command count', OURS, 'counts the commands of kvstore', same_kind),
    ('command list, command', OURS, 'names the commands of kvstore', one_command_more),
    ('command info', VERSION,
     'the words of notes, the order of subcommands; in 7.2 BLPOP and the like lose noscript, '
     'COMMAND GETKEYS needs an argument less, SUBSCRIBE and the like gain denyoom; there is no '
     'cluster to ask', command_info),
    ('command docs', OURS,
     'the sentences are our own; subcommands of features that are not here are absent',
     command_docs),
    ('xread', OURS, 'the id + of 7.4', last_of_stream),
    ('xpending', NATURE, 'idle milliseconds', pending_entries),
    ('xinfo stream', VERSION, 'nodes of the tree, times, consumers that have nothing', stream_info),
    ('xinfo groups', VERSION, '7.2 makes a consumer that is given nothing', stream_groups),
    ('xinfo consumers', VERSION, 'idle milliseconds; 7.2 tells inactive, and makes a consumer that '
     'is given nothing', stream_consumers),
    ('xgroup createconsumer', VERSION, '7.2 makes a consumer that is given nothing', same_kind),
    ('xgroup help, xinfo help, client help, command help, config help, debug help, memory help, '
     'object help, slowlog help, pubsub help, latency help',
     OURS,
     'the sentences are our own', both_lists_of_text),
]


def zero_in_line(sent, a_raw, b_raw):
    """A zero byte in a line hides its end from Redis, which waits for ever; kvstore answers."""
    return b'\0' in sent and b_raw.startswith(a_raw) and not a_raw.endswith(CLOSED)


def quit_without_reply(sent, a_raw, b_raw):
    """QUIT after CLIENT REPLY OFF: Redis forgets to close."""
    return b'QUIT' in sent and a_raw == b'' and b_raw == CLOSED


def closed_on_web(sent, a_raw, b_raw):
    """POST and Host: close at once; whether replies before that got out depends on the pieces."""
    if not (a_raw.endswith(CLOSED) and b_raw.endswith(CLOSED)):
        return False
    short, long = sorted((a_raw[:-len(CLOSED)], b_raw[:-len(CLOSED)]), key=len)
    return any(word in sent.lower() for word in (b'host:', b'post')) and long.startswith(short)


CLOSED = b'<connection closed>'

# (name, sort, what may differ and why, rule) for raw bytes, which are no single command.
STREAM_RULES = [
    ('(raw)', OURS, 'a line with a zero byte is answered', zero_in_line),
    ('(raw)', NATURE, 'what a closed web request was told before', closed_on_web),
    ('(raw)', OURS, 'QUIT closes also when replies are switched off', quit_without_reply),
]

# These are asked about errors, too.
RULES_FOR_ERRORS = (sorted_by_others, config_set, cut_run, debug_of_ours, smallest_rank, bit_count, arguments_first,
                    random_members, last_of_stream)

# Changes that change nothing: Redis takes them for a change of a watched key, kvstore does not.
WATCH_GOES_ON = [['LTRIM', 'l', 0, -1]]

# Values that Redis takes and kvstore refuses to pretend (the rule for CONFIG SET).
CONFIG_REFUSED = {'maxmemory': ['100mb', '1gb'], 'maxmemory-policy': ['allkeys-lfu']}

# Fields of Redis's INFO that have no counterpart here, and why.
INFO_NOT_HERE = {}

# Parameters of Redis 7.0 that CONFIG GET does not know, and why.
CONFIG_NOT_HERE = {}


class Differences:
    """Judges pairs of replies and counts which rules were needed."""

    def __init__(self, not_here=()):
        self.not_here = set(not_here)  # names of Redis's commands that kvstore lacks, lower case
        self.rules = {}
        for names, sort, reason, rule in RULES:
            for name in names.split(', '):
                self.rules[tuple(word.encode() for word in name.split(' '))] = (sort, reason, rule)
        self.used = Counter()

    def rule_for(self, arguments):
        words = tuple(argument.lower() for argument in arguments[:2])
        return self.rules.get(words) or self.rules.get(words[:1])

    def same(self, arguments, a_raw, b_raw, queued=None):
        """
        Whether two replies to a command agree. `queued` holds the commands of the transaction, so
        that the members of the reply to EXEC are judged each by its own rule.
        """
        if a_raw == b_raw:
            return True
        a, b = parse(a_raw)[0], parse(b_raw)[0]
        if queued is not None and a.kind == b.kind == '*':
            return self._same_transaction(queued, a, b)
        return self._same_reply(arguments, a, b)

    def _same_transaction(self, queued, a, b):
        if a.value is None or b.value is None or not len(a.value) == len(b.value) == len(queued):
            return False
        return all(a == b or self._same_reply(arguments, a, b)
                   for arguments, a, b in zip(queued, a.value, b.value))

    def same_stream(self, sent, a_raw, b_raw):
        """The same for all that came back for raw bytes until silence or the end."""
        if a_raw == b_raw:
            return True
        unknown = re.findall(rb"-ERR unknown command '([^']*)'", b_raw)
        if any(name.lower() in self.not_here for name in unknown):
            self.used[('(raw)', OURS, 'a command that is not here')] += 1
            return True
        for name, sort, reason, same in STREAM_RULES:
            if same(sent, a_raw, b_raw):
                self.used[(name, sort, reason)] += 1
                return True
        return False

    def _same_reply(self, arguments, a, b):
        rule = self.rule_for(arguments)
        if rule is None:
            return False
        sort, reason, same = rule
        if '-' in (a.kind, b.kind) and same not in RULES_FOR_ERRORS:
            return False
        if not same(a, b, arguments):
            return False
        self.used[(arguments[0].lower().decode('latin1'), sort, reason)] += 1
        return True

