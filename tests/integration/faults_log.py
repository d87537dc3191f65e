"""
faults_log.py -- scenes of the append-only file: rewrites, its beginning, writes, all at once.
"""

import os
import shutil

from faults_control import FILES, NAMES, OTHERS
from faults_scenes import Scene
from promise import check
from saving import until


class LogScene(Scene):
    """One of the append-only file, whose last incremental file is being written to all the time."""

    options = ('--appendonly', 'yes', '--auto-aof-rewrite-percentage', '0')
    rules = OTHERS + [(NAMES, '*incr*'), (FILES, '*')]

    def folder(self):
        return set(os.listdir(self.path('appendonlydir')))

    def listed(self):
        """The files that the manifest names, and itself."""
        name = 'appendonly.aof.manifest'
        with open(self.path('appendonlydir', name)) as lines:
            return {name} | {line.split()[1] for line in lines if line.startswith('file')}

    def await_log(self):
        """The file is in use and no rewrite is under way; False if that is hindered."""
        def is_idle():
            text = self.call('INFO', 'persistence').value
            return b'aof_rewrite_in_progress:0' in text and b'aof_rewrite_scheduled:0' in text
        return self.await_end(is_idle, 'the rewrite')

    def check_trouble(self):
        """If nothing can be appended, that is told and refused."""
        if self.info('aof_last_write_status') == 'err':
            check('cannot be written; refusing writes' in self.log(), 'the log does not tell')

    def check_folder(self):
        left = self.folder() - self.listed()
        check(not left, 'nobody needs %r' % left)


class Rewrite(LogScene):
    """BGREWRITEAOF, with a base that is an RDB."""

    def rewrite(self):
        """False if it is refused: the log is hindered already."""
        reply = self.call('BGREWRITEAOF')
        is_refused = reply.kind == '-' and reply.value.startswith(b"ERR Can't execute")
        check(reply.kind == '+' or (is_refused and self.fault), 'BGREWRITEAOF: %r' % (reply,))
        return not is_refused

    def do(self):
        if not self.rewrite() or not self.await_log():
            return None
        return self.info('aof_last_bgrewrite_status') == 'ok'

    def is_optional(self, fault):
        # What comes after the removal of what was replaced only tells that it has been. What hinders
        # the log is told by it, and the rewrite waits.
        return (super().is_optional(fault) or fault.step > self.removal or
                'cannot be written; refusing writes' in self.log())

    def undisturbed(self):
        steps = super().undisturbed()
        removals = [i for i, (kind, name) in enumerate(steps)
                    if kind == 'unlink' and 'temp' not in name]
        self.removal = min(removals, default=len(steps))
        return steps

    def check_failure(self):
        check('could not be rewritten' in self.log(), 'the log does not tell')

    def heal(self):
        check(self.await_log(), 'the rewrite')
        until(self.do, 'it does not go well again:\n' + self.log()[-2000:])
        self.await_writes()
        self.check_folder()


class RewriteCommands(Rewrite):
    """BGREWRITEAOF, with a base of commands."""

    options = Rewrite.options + ('--aof-use-rdb-preamble', 'no')


class Begin(Rewrite):
    """CONFIG SET appendonly yes, where there is an append-only file of what was."""

    is_logged = False  # from the end of the one file to the beginning of the other

    def prepare(self):
        self.saved = self.counts()
        check(self.call('CONFIG', 'SET', 'appendonly', 'no').kind == '+', 'appendonly no')
        until(lambda: 'the append-only file ends here' in self.log() or self.fault is None,
              'it does not end')
        until(lambda: self.info('aof_enabled') == '0', 'it does not end')
        self.await_writes()

    def is_there(self):
        text = self.call('INFO', 'persistence').value
        return (b'aof_enabled:1' in text and b'aof_rewrite_in_progress:0' in text and
                b'aof_rewrite_scheduled:0' in text)

    def do(self):
        before = self.counts()
        self.call('CONFIG', 'SET', 'appendonly', 'yes')
        # A rewrite that failed is tried again at once, three times.
        done = self.await_end(self.is_there, 'the beginning')
        failed = 'could not be rewritten' in self.log()
        if done and self.info('aof_last_bgrewrite_status') == 'ok':
            self.saved = before
            return not failed or self.control.fired() == 0
        return None

    def after(self, fault, fired, done):
        super().after(fault, fired, None)

    def heal(self):
        """Turned off and on it begins at once, however often that has failed."""
        check(self.call('CONFIG', 'SET', 'appendonly', 'no').kind == '+', 'appendonly no')
        until(lambda: self.do() is not None, 'it does not begin:\n' + self.log()[-2000:])
        self.await_writes()
        self.saved = self.counts()


class BeginFirst(Begin):
    """The same where there is none yet; what was there before is in an RDB file."""

    options = ('--auto-aof-rewrite-percentage', '0')
    needs = Scene.needs + ('mkdir',)

    def use_log(self, is_used):
        options = self.server.options
        options[options.index('--appendonly') + 1] = 'yes' if is_used else 'no'

    def prepare(self):
        """It is off, and there is no directory."""
        if self.fault is None and os.path.exists(self.path('appendonlydir')):
            self.server.kill()
            self.forget_log()
            self.begin_writers()
            self.await_writes()
        self.saved = self.counts()
        check(self.call('SAVE').kind == '+', 'SAVE')
        self.has_begun = False

    def forget_log(self):
        self.server.kill()
        self.end_writers()
        shutil.rmtree(self.path('appendonlydir'), ignore_errors=True)
        self.use_log(False)
        self.start()

    def do(self):
        before = self.counts()
        reply = self.call('CONFIG', 'SET', 'appendonly', 'yes')
        if reply.kind == '-':
            check('Unable to turn on AOF' in reply.value.decode(), 'appendonly yes: %r' % (reply,))
            check('the append-only file cannot begin' in self.log(), 'the log does not tell')
            return None
        done = super().do()
        if done is not None:
            self.saved, self.has_begun = before, True
        return done

    def end(self, fault):
        """However far it came, with it or without it the server starts."""
        self.server.kill()
        self.control.disarm()
        if not self.has_begun:
            for is_used in (True, False):
                self.use_log(is_used)
                self.start()
                self.server.kill()
        self.use_log(self.has_begun)
        super().end(fault)
        self.forget_log()


class Append(LogScene):
    """Writes, one after another."""

    rules = OTHERS + [(FILES, '*')]
    needs = ('write', 'sync')
    writers_count = 1

    def do(self):
        if self.fault is None:
            self.await_writes()
            return True
        self.await_end(lambda: self.control.fired() > 0, 'the fault')
        return None

    def check_trouble(self):
        if self.fault.kind in ('write', 'sync') and self.fault.what != 'short':
            until(lambda: 'cannot be written; refusing writes' in self.log(),
                  'the log does not tell')
            until(lambda: self.info('aof_last_write_status') == 'err', 'INFO does not tell')
            check(self.call('SET', 'x', 1).value.startswith(b'MISCONF'), 'writes are taken')
        super().check_trouble()

    def heal(self):
        self.await_writes()
        until(lambda: self.info('aof_last_write_status') == 'ok', 'INFO does not tell')
        has_failed = self.control.fired() > 0 and not self.fault.is_harmless
        if has_failed and self.control.hit() in ('write', 'sync'):
            check('cannot be written; refusing writes' in self.log(), 'the log does not tell')
        if 'refusing writes' in self.log():
            check('accepting writes' in self.log(), 'the log does not tell')


class Switch(Append):
    """After a failed sync: the log goes on in another file."""

    rules = OTHERS + [(FILES, '*')]
    first = ('sync', 'EIO')
    needs = ('write', 'sync', 'truncate', 'open', 'rename', 'dirsync')

    def do(self):
        done = super().do()
        if self.fault is None:
            until(lambda: 'going on in' in self.log(), 'it does not go on')
            self.log_from = len(self.server.log_text())
        return done


class Everything(LogScene):
    """Saves, a rewrite, CONFIG REWRITE and writes, all at once."""

    options = LogScene.options
    rules = OTHERS + [(FILES, '*')]

    def make_server(self):
        with open(self.path('conf'), 'w') as file:
            file.write('slowlog-max-len 1\n')
        server = super().make_server()
        server.configuration = self.path('conf')
        return server

    def do(self):
        begun = [self.call(*request) for request in (
            ['BGREWRITEAOF'], ['BGSAVE', 'SCHEDULE'], ['CONFIG', 'REWRITE'])]
        idle = [b'%s:0' % name for name in (
            b'aof_rewrite_in_progress', b'aof_rewrite_scheduled', b'rdb_bgsave_in_progress')]

        def is_over():
            text = self.call('INFO', 'persistence').value
            return all(name in text for name in idle)
        if not self.await_end(is_over, 'the end of all') or self.fault is not None:
            return None
        return (all(reply.kind == '+' for reply in begun) and
                self.info('aof_last_bgrewrite_status') == 'ok' and
                self.info('rdb_last_bgsave_status') == 'ok')

    def heal(self):
        self.await_writes()
        fault, self.fault = self.fault, None
        until(self.do, 'it does not go well again:\n' + self.log()[-2000:])
        self.fault = fault
        self.await_writes()
