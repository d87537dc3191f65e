"""
faults_scenes.py -- what a server does while clients write, disturbed: what all such scenes have in
common, and those of one file: saves, shutdowns, CONFIG REWRITE.
"""

import os
import shutil
import signal
import threading
import time

import children
from faults_control import AFFECTS, FILES, NAMES, OTHERS, STEPS_NOTED, Control, Fault, mask
from promise import Failure, check
from saving import info, until
from wire import NoReply, encode, parse

AWAIT_STEPS = 5000
LAST_S = 0.06  # how long a fault lasts at least, once it has begun

# -------------------------------------------------------------------------------------- the writers


class Writer(threading.Thread):
    """
    Appends the numbers from 0 on to two lists, in a transaction. What is refused, as what is not
    saved may be, is tried again.
    """

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.lists = (name + b':left', name + b':right')
        self.count = 0      # acknowledged
        self.refusal = None  # the last one
        self.error = None
        self.is_over = False
        self.start()

    def write(self):
        number = b'%d' % self.count
        self.connection.start(b''.join(encode(request) for request in (
            [b'MULTI'], *([b'RPUSH', each, number] for each in self.lists), [b'EXEC'])))
        reply, _ = parse(self.connection.read(4)[3])
        if reply.kind == '*' and reply.value and all(one.kind == ':' for one in reply.value):
            self.count += 1
            self.refusal = None
        else:
            self.refusal = reply.value
            time.sleep(0.002)

    def run(self):
        try:
            while not self.is_over:
                self.write()
                time.sleep(0.0005)
        except (NoReply, OSError) as end:
            self.error = end

    def stop(self):
        self.is_over = True
        self.join(30)
        check(not self.is_alive(), 'a write is never answered')
        self.connection.close()


def found_numbers(connection, name):
    """How many numbers of a writer are there: the first ones, the same in both lists."""
    lists = [[one.value for one in connection.call('LRANGE', name + side, 0, -1).value]
             for side in (b':left', b':right')]
    check(lists[0] == lists[1], '%r: half a transaction: %d and %d numbers' % (
        name, len(lists[0]), len(lists[1])))
    check(lists[0] == [b'%d' % i for i in range(len(lists[0]))], '%r: a hole in the numbers: %r' % (
        name, lists[0]))
    return len(lists[0])


# --------------------------------------------------------------------------------------- the scenes


class Scene:
    """
    A server that is disturbed in something it does, and its directory. A subclass says what: do()
    gives whether it is reported as done; None: not yet, as the fault lasts.
    """

    options = ()
    rules = OTHERS + [(FILES, '*')]
    needs = ('open', 'write', 'sync', 'rename', 'dirsync')  # kinds of steps it is known to have
    first = ()
    writers_count = 2
    is_logged = True     # all appended is on disk before it is acknowledged

    def __init__(self, starter, numbers):
        self.starter, self.numbers = starter, numbers
        shared = '/dev/shm' if os.path.isdir('/dev/shm') else None  # no disk is needed
        self.directory = os.path.realpath(children.new_directory('kvstore-faults-', shared))
        self.control = Control(self.directory)
        self.server = self.make_server()
        self.connection = None
        self.writers = []
        self.turn = 0
        self.saved = [0] * self.writers_count  # what must be there
        self.log_from = 0
        self.fault = None

    def make_server(self):
        server = self.starter.server('kvstore', self.directory, '--appendonly', 'no',
                                     '--appendfsync', 'always', *self.options)
        server.environment = self.control.environment()
        return server

    def close(self):
        self.server.kill()
        self.control.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # What a subclass does.

    def prepare(self):
        pass

    def do(self):
        raise NotImplementedError

    def check_failure(self):
        """It was reported as failed: what else has to be so."""

    def check_trouble(self):
        """While a fault lasts."""

    def check_start(self):
        """After a kill and a start; the numbers of the writers have been looked at."""

    def is_optional(self, fault):
        """Whether it may be reported as done though this failed."""
        return self.control.hit() in ('unlink', 'truncate')

    # What all have in common.

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def name(self, i):
        return b'w%d.%d' % (i, self.turn)

    def master(self):
        """Who is written to."""
        return self.server

    def call(self, *arguments):
        return self.connection.call(*arguments)

    def info(self, name):
        return info(self.connection, name)

    def counts(self):
        return [writer.count for writer in self.writers]

    def log(self):
        return self.server.log_text()[self.log_from:]

    def start(self):
        self.server.start()
        self.connection = self.server.connect()

    def begin_writers(self):
        self.turn += 1
        connection = self.master().connect()
        for i in range(self.writers_count):
            connection.call('DEL', b'w%d.%d:left' % (i, self.turn - 1),
                            b'w%d.%d:right' % (i, self.turn - 1))
        connection.close()
        self.saved = [0] * self.writers_count
        self.writers = [Writer(self.master(), self.name(i)) for i in range(self.writers_count)]

    def end_writers(self):
        for writer in self.writers:
            writer.stop()

    def await_writes(self, count=2):
        """They are taken, all of them again."""
        before = self.counts()

        def go_on():
            for writer in self.writers:
                check(writer.error is None, 'a writer is cut off: %r' % (writer.error,))
            return all(now >= was + count for was, now in zip(before, self.counts()))
        until(go_on, 'writes are not taken: %r' % ([w.refusal for w in self.writers],))

    def may_last(self):
        """What is waited for may never come, as the fault lasts."""
        return self.fault is not None and self.fault.lasts and self.control.fired() > 0

    def await_end(self, condition, what):
        """Waits, but not long if a fault lasts. True if it came."""
        lasts_until = None
        for _ in range(AWAIT_STEPS):
            if condition():
                return True
            if not self.server.is_running():
                raise NoReply('it has ended')
            if self.may_last():
                lasts_until = lasts_until or time.monotonic() + 0.4
                if time.monotonic() > lasts_until:
                    return False
            time.sleep(0.003)
        raise Failure('waited in vain for ' + what)

    def undisturbed(self):
        """Does it twice, and gives the steps of the second time."""
        self.fault = None
        self.start()
        for _ in range(2):
            self.begin_writers()
            self.await_writes()
            self.prepare()
            self.control.watch(self.rules)
            if self.first:
                self.control.arm(self.rules, Fault(STEPS_NOTED, 'write', '', 'EIO', False),
                                 self.first)
            done = self.do()
            self.control.disarm()
            check(done or self.first, 'it fails undisturbed:\n' + self.log()[-2000:])
            self.end_writers()
        steps = self.control.steps()
        for kind in self.needs:
            check(any(kind == found for found, _ in steps), 'no %s in %r' % (kind, steps))
        return steps

    def round(self, fault):
        """Returns whether the fault came."""
        self.fault = fault
        self.log_from = len(self.server.log_text())
        if not self.server.is_running():
            self.start()
        self.begin_writers()
        self.await_writes()
        self.prepare()
        self.control.arm(self.rules, fault, self.first)
        try:
            done = self.do()
            fired = self.control.fired() > 0
            if not fault.is_kill or not fired:
                self.after(fault, fired, done)
        except (NoReply, OSError):
            self.control.switch(False)
            if not fault.is_kill:
                raise Failure('it hangs up')
            fired = True
        self.end(fault)
        return fired

    def after(self, fault, fired, done):
        """It lives and tells; then it goes well."""
        if fired and fault.lasts:
            time.sleep(LAST_S)
            self.check_trouble()
        self.control.disarm()
        check(self.server.is_running(), 'it has died')
        check(self.call('EXISTS', 'x').kind == ':', 'it does not answer')
        if done is False:
            check(fired, 'it failed without a fault:\n' + self.log()[-2000:])
            check(not fault.is_harmless, 'what is moved in pieces is a failure')
            self.check_failure()
        elif done and fired:
            check(fault.is_harmless or self.is_optional(fault), 'it is reported as done')
        self.heal()

    def heal(self):
        until(self.do, 'it does not go well again:\n' + self.log()[-2000:])
        self.await_writes()

    def end(self, fault):
        """Kill, start, compare."""
        if fault.is_kill and self.control.fired():
            check(self.server.process.wait(20) == -signal.SIGKILL, 'it was not killed')
        self.server.kill()
        self.control.disarm()
        self.end_writers()
        needed = self.counts() if self.is_logged else self.saved
        self.start()
        connection = self.master().connect()
        for i in range(self.writers_count):
            found = found_numbers(connection, self.name(i))
            check(found >= needed[i], '%d numbers were acknowledged, %d are there' % (
                needed[i], found))
        connection.close()
        self.check_start()


class FileScene(Scene):
    """One that replaces one file, which is the old one to the byte when it fails."""

    file = 'dump.rdb'

    def __init__(self, starter, numbers):
        super().__init__(starter, numbers)
        self.before = None

    def read(self):
        with open(self.path(self.file), 'rb') as file:
            return file.read()

    def note_file(self):
        self.before = self.read()

    def left_over(self):
        return [name for name in os.listdir(self.directory)
                if name.startswith('temp-') or name.endswith('.tmp')]

    def check_failure(self):
        if self.control.hit() != 'dirsync':
            check(self.read() == self.before, 'the old file is not as it was')
        lasts = self.fault.lasts and AFFECTS.get(self.fault.what, 0) & mask('unlink')
        check(lasts or not self.left_over(), 'left over: %r' % self.left_over())

    def check_start(self):
        for name in self.left_over():
            check(self.fault.is_kill or self.fault.lasts, 'left over: ' + name)
            os.unlink(self.path(name))


class Save(FileScene):
    """SAVE; nothing but the file is kept."""

    is_logged = False

    def save(self):
        """True if it is reported as done: then all that was acknowledged before is kept."""
        return self.call('SAVE').kind == '+'

    def do(self):
        before = self.counts()
        done = self.save()
        if done:
            self.saved = before
        return done

    def prepare(self):
        check(self.do(), 'it cannot be saved')
        self.await_writes()
        self.note_file()

    def check_failure(self):
        super().check_failure()
        check('Write error saving DB on disk' in self.log(), 'the log does not tell')


class BackgroundSave(Save):
    """BGSAVE, with save points, so that writes are refused while it fails."""

    options = ('--save', '3600 1000000')

    def save(self):
        reply = self.call('BGSAVE')
        check(reply.value == b'Background saving started', 'BGSAVE: %r' % (reply,))
        until(lambda: self.info('rdb_bgsave_in_progress') == '0', 'BGSAVE does not end')
        return self.info('rdb_last_bgsave_status') == 'ok'

    def check_failure(self):
        super().check_failure()
        check('Background saving error' in self.log(), 'the log does not tell')
        until(lambda: all(w.refusal and w.refusal.startswith(b'EXECABORT') for w in self.writers),
              'writes are taken though nothing is saved')


class Shutdown(Save):
    """SHUTDOWN SAVE, which is refused when it fails; then writes go on."""

    def do(self):
        if not self.server.is_running():
            return True
        try:
            reply = self.call('SHUTDOWN', 'SAVE')
        except NoReply:
            # Killed, perhaps; else all that was acknowledged is saved.
            code = self.server.process.wait(20)
            if code == -signal.SIGKILL:
                raise
            check(code == 0, 'it exits with %d' % code)
            for writer in self.writers:
                writer.join(20)
            self.saved = self.counts()
            return True
        check(reply.value == b'ERR Errors trying to SHUTDOWN. Check logs.', 'SHUTDOWN: %r' % (
            reply,))
        return False

    def prepare(self):
        self.saved = self.counts()
        check(self.call('SAVE').kind == '+', 'SAVE')
        self.note_file()

    def after(self, fault, fired, done):
        if done:
            check(not fired or fault.is_harmless or self.is_optional(fault), 'it has ended')
            return
        super().after(fault, fired, done)

    def check_failure(self):
        super().check_failure()
        self.await_writes()

    def heal(self):
        check(self.do(), 'SHUTDOWN SAVE is refused')

    def undisturbed(self):
        steps = []
        for _ in range(2):
            self.start()
            self.begin_writers()
            self.await_writes()
            self.prepare()
            self.control.watch(self.rules)
            check(self.do(), 'SHUTDOWN')
            self.control.disarm()
            self.end_writers()
            steps = self.control.steps()
        return steps


class ShutdownLogged(Shutdown):
    """The same with an append-only file, which ends with it."""

    is_logged = True
    options = ('--appendonly', 'yes')
    rules = OTHERS + [(NAMES, '*incr*'), (FILES, '*')]


class ConfigRewrite(FileScene):
    """CONFIG REWRITE."""

    is_logged = True
    options = ('--appendonly', 'yes')
    file = 'conf'
    rules = OTHERS + [(FILES, 'conf*'), (FILES, 'temp*conf*'), (mask('dirsync'), '.'), (0, '*')]

    def make_server(self):
        with open(self.path(self.file), 'w') as file:
            file.write('# as it was\nslowlog-max-len 1\n')
        server = super().make_server()
        server.configuration = self.path(self.file)
        return server

    def prepare(self):
        self.note_file()

    def do(self):
        value = self.numbers.randrange(1000000)
        check(self.call('CONFIG', 'SET', 'slowlog-max-len', value).kind == '+', 'CONFIG SET')
        reply = self.call('CONFIG', 'REWRITE')
        if reply.kind == '+':
            check(b'# as it was\nslowlog-max-len %d\n' % value in self.read(), 'it is not there')
            return True
        check(reply.value.startswith(b'ERR Rewriting config file: '), 'CONFIG REWRITE: %r' % (reply,))
        return False

    def check_failure(self):
        super().check_failure()
        check('CONFIG REWRITE failed' in self.log(), 'the log does not tell')

    def check_start(self):
        super().check_start()
        said = self.call('CONFIG', 'GET', 'slowlog-max-len').value[1].value
        check(b'# as it was\nslowlog-max-len %s\n' % said in self.read(), 'what it has read')
