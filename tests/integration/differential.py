"""
differential.py -- the same random commands to redis-server and to kvstore-server, replies compared.

    python3 differential.py [--count N] [--seed N] [--server PATH] [--only EPISODE] [--stop]
                            [--restart] [--oracle-twice]

Commands run in rounds of some thousand, over several connections of both protocol versions, in
pipelines cut at random places; each round ends with a comparison of all keys. Between rounds come
episodes (episodes.py) for what needs a script: waiting clients, protocol errors, scans. What may
differ is in differences.py, and nowhere else. A difference is shrunk to the shortest sequence of
commands that still shows it. The seed is printed; the same seed gives the same commands.

With --restart both have an append-only file, there are no episodes, and each round ends with a
restart of the server under test and a comparison with what it has loaded.

Environment: KVSTORE_SERVER, REDIS_SERVER (programs), KVSTORE_TEST_FULL (if set: 200,000 commands
instead of 20,000).
"""

import argparse
import os
import random
import sys
import time

import episodes
import episodes_geo
import episodes_streams
import episodes_zsets
from commands import Command, Generator
from differences import ARGUMENTS_BEFORE_KEY_SINCE_7_2, Differences
from pair import Disagreement, Pair, show_command
from selftest import corrupting_proxy_is_caught
from wire import Closed, NoReply, encode, kvstore_server, parse, redis_server

# Consumers are made earlier since 7.2, so there is one to remove.
CONSUMERS_SINCE_7_2 = (b'xgroup-createconsumer', b'xgroup-delconsumer')

ROUND = 2000           # commands between two comparisons of all keys
CONNECTIONS = 4        # in a round
SHRINK_SECONDS = 20.0  # for finding the shortest sequence
DATABASES = 16
READING = {  # all of a value, by its type
    b'string': lambda key: [b'GET', key],
    b'list': lambda key: [b'LRANGE', key, b'0', b'-1'],
    b'hash': lambda key: [b'HGETALL', key],
    b'set': lambda key: [b'SMEMBERS', key],
    b'zset': lambda key: [b'ZRANGE', key, b'0', b'-1', b'WITHSCORES'],
    b'stream': lambda key: [b'XINFO', b'STREAM', key, b'FULL', b'COUNT', b'0'],
}
WITH_FILE = ['--appendonly', 'yes', '--appendfsync', 'no']
OPTIONS = [
    '--slowlog-log-slower-than', '-1',  # whether a command is slow is chance
    '--hz', '500',                      # so often Redis looks who has waited long enough
]


class Listeners:
    """
    A client of each server who is told of every event of keys. What the commands of a pipeline did
    was told by the time that their replies have been read, so it is there when a PING is answered.
    """

    def __init__(self, pair):
        self.pair = pair
        self.sides = (pair.a.connect(), pair.b.connect())
        for side in self.sides:
            side.call('CONFIG', 'SET', 'notify-keyspace-events', 'AKEmn')
            side.call('PSUBSCRIBE', '__key*__:*')

    def close(self):
        for side in self.sides:
            side.close()

    @staticmethod
    def _events(side):
        """
        Those since the last time, but for when a key's time was up, which is chance, and when a
        consumer was made, which since 7.2 is when it first asks for something.
        """
        side.start(encode([b'PING']))
        events = []
        while True:
            message = parse(side.read(1)[0])[0].value
            if message[0].value == b'pong':
                return events
            channel, payload = message[2].value, message[3].value
            words = (payload, channel.split(b':', 1)[1])
            if not {b'expired', *CONSUMERS_SINCE_7_2} & set(words):
                events.append(channel + b' ' + payload)

    def compare(self, commands):
        arguments = commands[-1].arguments
        if any(b'kill' in word.lower() for command in commands for word in command.arguments):
            self.close()
            self.__init__(self.pair)
            return
        try:
            a, b = (self._events(side) for side in self.sides)
        except Closed:  # by a CLIENT KILL that waited for its EXEC; a server that died shows elsewhere
            self.close()
            self.__init__(self.pair)
            return
        words = {command.arguments[0].lower() for command in commands if command.arguments}
        # SORT looks keys up in the order of a set's table.
        if words & {*ARGUMENTS_BEFORE_KEY_SINCE_7_2, b'sort', b'sort_ro', b'exec'}:
            a, b = ([event for event in events if b'keymiss' not in event] for events in (a, b))
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            raise Disagreement(arguments, b'<event> ' + b', '.join(a[at:at + 8]),
                               b'<event> ' + b', '.join(b[at:at + 8]))


class Round:
    """Commands on several connections, remembered so that they can be replayed."""

    def __init__(self, pair):
        self.pair = pair
        self.history = []  # (connection, Command)
        self.connections = {}
        self.listeners = Listeners(pair)

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = self.pair.open()
        return self.connections[name]

    def close(self):
        self.listeners.close()
        for connection in self.connections.values():
            connection.close()

    def run(self, name, commands, pieces=()):
        before = len(self.history)
        self.history += [(name, command) for command in commands]
        try:
            replies = self.connection(name).run(commands, pieces)
            self.listeners.compare(commands)
            return replies
        except Disagreement as difference:
            # What came after the command that differs has nothing to do with it.
            for at in range(before, len(self.history)):
                if self.history[at][1].arguments is difference.arguments:
                    del self.history[at + 1:]
                    break
            raise

    def run_random(self, generator, count):
        numbers = generator.random
        for name in range(CONNECTIONS):
            if numbers.random() < 0.4:
                self.run(name, [Command([b'HELLO', b'3'])])
        done = 0
        while done < count:
            size = numbers.choice((1, 1, 2, 5, 20, 40))
            commands = [generator.command() for _ in range(size)]
            length = sum(len(command.raw) for command in commands)
            pieces = ()
            if numbers.random() < 0.1:
                pieces = sorted(numbers.randrange(length) for _ in range(3))
            self.run(numbers.randrange(CONNECTIONS), commands, pieces)
            done += size

    def compare_all_keys(self, is_loaded=False):
        for database in range(DATABASES):
            replies = self.run('dump', [Command([b'SELECT', b'%d' % database]),
                                        Command([b'DBSIZE'])])
            if replies[1] == b':0\r\n':
                continue
            keys = parse(self.run('dump', [Command([b'KEYS', b'*'])])[0])[0].value
            for key in sorted(member.value for member in keys):
                kind = parse(self.run('dump', [Command([b'TYPE', key])])[0])[0].value
                self.run('dump', [Command(READING[kind](key)), Command([b'PEXPIRETIME', key])])
                if not is_loaded:  # a string that was changed in place is loaded as a fresh one
                    self.run('dump', [Command([b'OBJECT', b'ENCODING', key])])

    def ask(self, *words):
        """What the oracle replies to a command, without its frame."""
        return parse(self.run('dump', [Command(list(words))])[0])[0].value

    def compare_digests(self):
        """
        Of all keys and of the whole; the last thing in a round, since sorted sets with a score of
        0 are removed first: to the digest alone it matters whether that is -0.
        """
        for database in range(DATABASES):
            self.ask(b'SELECT', b'%d' % database)
            keys = sorted(member.value for member in self.ask(b'KEYS', b'*'))
            for key in keys:
                if self.ask(b'TYPE', key) == b'zset' and self.ask(b'ZCOUNT', key, b'0', b'0') > 0:
                    self.ask(b'DEL', key)
            self.ask(b'DEBUG', b'DIGEST-VALUE', *keys)
        self.ask(b'DEBUG', b'DIGEST')


def silence(trouble):
    """A server that refuses connections or says nothing, as a difference."""
    return Disagreement([b'(connecting)'], b'', repr(trouble).encode())


def command_names(server):
    connection = server.connect()
    try:
        return {member.value.lower() for member in connection.call('COMMAND', 'LIST').value}
    finally:
        connection.close()


class Tester:
    def __init__(self, pair, numbers, stop, restarts=False):
        self.pair = pair
        self.restarts = restarts
        self.random = numbers
        self.stop = stop
        self.generator = Generator(numbers)
        self.found = {}  # signature -> (count, report)
        self.done = 0    # random commands, not counting those of episodes

    def is_alive(self):
        return self.pair.a.is_running() and self.pair.b.is_running()

    def note(self, difference, report):
        signature = difference.signature()
        count, first = self.found.get(signature, (0, None))
        self.found[signature] = (count + 1, first or report())
        if first is None:
            print(self.found[signature][1], flush=True)

    # ------------------------------------------------------------------------------- shrinking

    def replay(self, history):
        """The Disagreement at the last command of a sequence, or None."""
        again = Round(self.pair)
        try:
            self.pair.clear()
            at = 0
            while at < len(history):
                end = at
                while end < len(history) and history[end][0] == history[at][0]:
                    end += 1
                again.run(history[at][0], [command for _, command in history[at:end]])
                at = end
        except Disagreement as difference:
            is_last = difference.arguments is history[-1][1].arguments
            return difference if is_last else None
        except (NoReply, OSError):
            return None
        finally:
            again.close()
        return None

    def shrink(self, history):
        """Leaves out what is not needed: first all but a tail, then pieces of halving size."""
        until = time.monotonic() + SHRINK_SECONDS
        size = 1
        while size < len(history):
            if self.replay(history[-size:]):
                history = history[-size:]
                break
            size *= 2
        piece = len(history) // 2
        while piece and time.monotonic() < until:
            at = 0
            while at < len(history) - 1 and time.monotonic() < until:
                shorter = history[:at] + history[min(at + piece, len(history) - 1):]
                if len(shorter) < len(history) and self.replay(shorter):
                    history = shorter
                else:
                    at += piece
            piece //= 2
        return history

    def report(self, history, difference):
        shown = difference
        if self.is_alive() and self.replay(history):
            history = self.shrink(history)
            shown = self.replay(history) or difference
            heading = 'after'
        else:
            history = history[-12:]
            heading = 'not seen again in a replay; the last commands before'
        lines = ['DIFFERENCE ' + str(shown), '  %s:' % heading]
        lines += ['    [%s] %s' % (name, show_command(command.arguments)) for name,
                  command in history]
        return '\n'.join(lines)

    # --------------------------------------------------------------------------------- running

    def run_round(self, count):
        this = Round(self.pair)
        try:
            self.pair.clear()
            this.run_random(self.generator, count)
            this.compare_all_keys()
            if self.restarts:
                self.compare_after_restart()
            else:
                this.compare_digests()
        except Disagreement as difference:
            self.note(difference, lambda: self.report(this.history, difference))
        except (NoReply, OSError) as trouble:
            self.note(silence(trouble), lambda: 'TROUBLE in a round: %r' % trouble)
        finally:
            self.done += len(this.history)
            this.close()

    def compare_after_restart(self):
        self.pair.b.stop()
        self.pair.b.start()
        loaded = Round(self.pair)
        try:
            loaded.compare_all_keys(is_loaded=True)
            loaded.compare_digests()
        finally:
            loaded.close()

    def run_episode(self, episode):
        try:
            self.pair.clear()
            episode(self.pair, self.random)
        except Disagreement as difference:
            self.note(difference, lambda: 'DIFFERENCE in %s: %s' % (episode.__name__, difference))
        except (NoReply, OSError) as trouble:
            self.note(silence(trouble), lambda: 'TROUBLE in %s: %r' % (episode.__name__, trouble))

    def run(self, count, only):
        waiting = [e for e in episodes.ALL + episodes_geo.ALL + episodes_streams.ALL + episodes_zsets.ALL
                   if only in (None, e.__name__) and not self.restarts]
        per_round = -(-len(waiting) * ROUND // max(count, ROUND))  # all of them in the shortest run
        turn = 0
        while self.done < count and only is None or turn < len(waiting):
            for _ in range(max(per_round, 1)):
                if waiting:
                    self.run_episode(waiting[turn % len(waiting)])
                    turn += 1
            if only is None:
                self.run_round(ROUND)
            if not self.is_alive():
                ended = [s for s in (self.pair.a, self.pair.b) if not s.is_running()]
                for server in ended:
                    print('%s ended by itself with %s; its log ends:\n%s' % (
                        server.name, server.process.returncode, server.log_text()[-4000:]))
                return False
            if self.found and self.stop:
                return False
        return not self.found


def summary(pair, tester, seconds):
    print('%d random commands, %d in all, in %.0f s: %d distinct differences' % (
        tester.done, pair.count, seconds, len(tester.found)))
    if pair.differences.used:
        print('permitted differences (differences.py says why):')
        for (name, sort, reason), count in sorted(pair.differences.used.items()):
            print('  %7d  %-11s %-8s %s' % (count, name, sort, reason))
    for count, report in tester.found.values():
        if count > 1:
            print('seen %d times: %s' % (count, report.splitlines()[0]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--count', type=int,
                        default=200000 if os.environ.get('KVSTORE_TEST_FULL') else 20000)
    parser.add_argument('--seed', type=int, default=time.time_ns() % 10 ** 9)
    parser.add_argument('--server', help='the server under test')
    parser.add_argument('--oracle-twice', action='store_true',
                        help='redis-server against itself: tests the tester')
    parser.add_argument('--only', help='one episode, and no rounds')
    parser.add_argument('--restart', action='store_true', help='and load what was written')
    parser.add_argument('--stop', action='store_true', help='end at the first difference')
    options = parser.parse_args()
    print('seed %d' % options.seed, flush=True)

    if os.environ.get('REDIS_SERVER') == '':
        print('there is no redis-server to compare with')
        return 77
    given = OPTIONS + (WITH_FILE if options.restart else [])
    a = redis_server(given)
    b = redis_server(given) if options.oracle_twice else kvstore_server(options.server, given)
    b.owns_directory = False  # it is kept from one start to the next
    began = time.monotonic()
    try:
        a.start()
        if not corrupting_proxy_is_caught(a):
            print('the tester does not notice a corrupted reply')
            return 1
        b.start()
        pair = Pair(a, b, Differences(command_names(a) - command_names(b)))
        tester = Tester(pair, random.Random(options.seed), options.stop, options.restart)
        agree = tester.run(options.count, options.only)
        summary(pair, tester, time.monotonic() - began)
        return 0 if agree else 1
    finally:
        a.stop()
        b.owns_directory = True
        b.stop()


if __name__ == '__main__':
    sys.exit(main())
