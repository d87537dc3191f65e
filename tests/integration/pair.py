"""
pair.py -- two servers side by side: what is sent to one is sent to the other, the replies compared.
"""

from commands import Command
from wire import Closed, Late, NoReply, encode, parse

NOTHING = b'<no reply>'
CLOSED = b'<connection closed>'
GARBLED = b'<no RESP>'


def show(data, most=400):
    """Bytes for people: one line, cut in the middle."""
    text = data.decode('latin1').encode('unicode_escape').decode().replace('\\r\\n', ' ')
    return text if len(text) <= most else text[:most // 2] + ' ... ' + text[-most // 2:]


def show_command(arguments):
    return ' '.join(show(a, 120) if a and b' ' not in a else '"' + show(a, 120) + '"'
                    for a in arguments) or '(empty)'


class Disagreement(Exception):
    """A reply that differs: the command, what the one said and what the other."""

    def __init__(self, arguments, a_raw, b_raw):
        super().__init__('%s\n    oracle: %s\n    ours:   %s' % (
            show_command(arguments), show(a_raw), show(b_raw)))
        self.arguments = arguments
        self.a_raw = a_raw
        self.b_raw = b_raw

    def signature(self):
        """Equal for what is probably one cause: the command and the sort of each reply."""
        def sort(raw):
            return raw if raw[:1] in b'-<' else raw[:1]
        words = tuple(a.lower() for a in self.arguments[:2]) if self.arguments else ()
        is_container = words[:1] and words[0] in (
            b'client', b'config', b'command', b'object', b'debug', b'memory', b'slowlog')
        return (words if is_container else words[:1], sort(self.a_raw), sort(self.b_raw))


class Both:
    """A connection to each of the two servers, kept in step."""

    def __init__(self, pair, timeout=20.0):
        self.pair = pair
        self.a = pair.a.connect(timeout)
        self.b = pair.b.connect(timeout)
        self.queued = None  # the commands of the transaction under way

    def close(self):
        self.a.close()
        self.b.close()

    def start(self, raw, pieces=()):
        """Sends bytes, cut at the given places so that servers see them in several reads."""
        at = 0
        for end in list(pieces) + [len(raw)]:
            for side in (self.a, self.b):
                side.start(raw[at:end])
            at = end

    @staticmethod
    def _read(side, count):
        try:
            return side.read(count)
        except NoReply as end:
            why = {Closed: CLOSED, Late: NOTHING}.get(type(end), GARBLED)
            return end.replies + [bytes(side.buffer) + why]

    def finish(self, commands):
        """Reads and compares the replies; returns the oracle's. Raises the first Disagreement."""
        count = sum(command.replies for command in commands)
        a_replies = self._read(self.a, count)
        b_replies = self._read(self.b, count)
        self.pair.count += len(commands)
        at = 0
        for command in commands:
            for _ in range(command.replies):
                a_raw = a_replies[at] if at < len(a_replies) else NOTHING
                b_raw = b_replies[at] if at < len(b_replies) else NOTHING
                at += 1
                self._judge(command.arguments, a_raw, b_raw)
        return a_replies

    def _judge(self, arguments, a_raw, b_raw):
        name = arguments[0].lower() if arguments else b''
        queued = self.queued if name == b'exec' else None
        if a_raw != b_raw or a_raw.endswith(b'>'):
            lost = a_raw.endswith(b'>') or b_raw.endswith(b'>')
            if lost or not self.pair.differences.same(arguments, a_raw, b_raw, queued):
                raise Disagreement(arguments, a_raw, b_raw)
        if a_raw == b'+QUEUED\r\n':
            if self.queued is not None:
                self.queued.append(arguments)
        elif name == b'multi' and a_raw == b'+OK\r\n':
            self.queued = []
        elif name in (b'exec', b'discard', b'reset') and len(arguments) == 1:
            self.queued = None

    def run(self, commands, pieces=()):
        self.start(b''.join(command.raw for command in commands), pieces)
        return self.finish(commands)

    def do(self, *arguments):
        """One command; returns the oracle's reply as a Reply. Texts and numbers may be given."""
        arguments = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
        return parse(self.run([Command(arguments)])[0])[0]

    def send(self, *arguments):
        """One command whose reply is read later, by reply()."""
        arguments = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
        self.start(encode(arguments))
        return arguments

    def reply(self, arguments=(b'(a reply sent earlier)',)):
        return parse(self.finish([Command(list(arguments), raw=b'')])[0])[0]

    def drain(self, arguments, quiet=0.03):
        """
        What comes until silence or the end. The oracle, which has one thread, has seen all that
        was sent to it once it has answered others; the server under test has two seconds for it.
        """
        for _ in range(2):
            asker = self.pair.a.connect()
            asker.call('PING')
            asker.close()
        a_raw, a_closed = self.a.drain(quiet)
        b_raw, b_closed = self.b.drain(2.0 if a_closed or a_raw else quiet, None if a_closed
                                       else len(a_raw))
        self.pair.count += 1
        a_raw += CLOSED if a_closed else b''
        b_raw += CLOSED if b_closed else b''
        if not self.pair.differences.same_stream(b''.join(arguments), a_raw, b_raw):
            raise Disagreement(arguments, a_raw, b_raw)
        return a_raw


class Pair:
    """The oracle (a) and the server under test (b)."""

    def __init__(self, a, b, differences):
        self.a, self.b = a, b
        self.differences = differences
        self.count = 0

    def open(self, protocol=2):
        both = Both(self)
        if protocol == 3:
            both.do('HELLO', 3)
        return both

    def clear(self):
        """Back to empty databases and no other clients, whatever the last episode left behind."""
        for server in (self.a, self.b):
            connection = server.connect()
            connection.call('AUTH', 'secret')
            for request in ('CONFIG SET requirepass ', 'CLIENT UNPAUSE', 'CLIENT KILL TYPE normal',
                            'DEBUG SET-ACTIVE-EXPIRE 1', 'FLUSHALL'):
                connection.call(*request.split(' '))
            connection.close()
