"""
faults_control.py -- what faults.c is told, and what it tells: the memory that both share.
"""

import collections
import errno
import mmap
import os
import struct
import tempfile

STEPS_OF_SCENE = 60  # of one scene that are disturbed; of more a random choice is

KINDS = ('open', 'write', 'sync', 'truncate', 'rename', 'unlink', 'dirsync', 'mkdir', 'send', 'recv')
RULES, FAULTS, STEPS_NOTED, NAME_SIZE, DIRECTORY_SIZE = 8, 2, 4096, 60, 256
ACTIONS = {'short': 1, 'kill': 2}


def mask(*kinds):
    return sum(1 << KINDS.index(kind) for kind in kinds)


NAMES = mask('open', 'rename', 'unlink', 'dirsync', 'mkdir')
FILES = NAMES | mask('write', 'sync', 'truncate')
SOCKETS = mask('send', 'recv')
ROOM = mask('open', 'write', 'rename', 'mkdir')  # what needs some

# What a call of each kind may meet.
MEETS = {'open': ('EIO', 'ENOSPC'), 'write': ('short', 'EIO', 'ENOSPC', 'full'), 'sync': ('EIO',),
         'truncate': ('EIO',), 'rename': ('EIO', 'ENOSPC'), 'unlink': ('EIO',), 'dirsync': ('EIO',),
         'mkdir': ('EIO', 'ENOSPC'), 'send': ('short', 'ECONNRESET'),
         'recv': ('ECONNRESET',)}  # and not 'short': epoll(7) says that then there is no more
AFFECTS = {'EIO': FILES, 'ENOSPC': ROOM, 'ECONNRESET': SOCKETS}

# Of what these scenes are not about: the log, and the socket for clients.
OTHERS = [(0, 'log'), (0, 's'), (0, 'socket:unix')]


class Fault(collections.namedtuple('Fault', 'step kind name what lasts')):
    """What one step is to meet."""

    def __str__(self):
        return '%s at step %d, %s of %s%s' % (self.what, self.step, self.kind, self.name,
                                              ', and from then on' if self.lasts else '')

    is_kill = property(lambda self: self.what == 'kill')
    is_harmless = property(lambda self: self.what == 'short')


class Control:
    """The memory that is shared with faults.c, which has its layout."""

    HEAD, RULE, FAULT, NOTED = (struct.Struct(text) for text in (
        '=II%ds' % DIRECTORY_SIZE, '=I%ds' % NAME_SIZE, '=IIiIQQQ', '=I%ds' % NAME_SIZE))

    def __init__(self, directory):
        self.directory = directory
        self.decisive = 0  # which fault it is about
        self.rules_at = self.HEAD.size
        self.faults_at = self.rules_at + RULES * self.RULE.size
        self.steps_at = self.faults_at + FAULTS * self.FAULT.size
        self.noted_at = self.steps_at + 8
        file, self.path = tempfile.mkstemp(prefix='kvstore-faults-')
        size = self.noted_at + STEPS_NOTED * self.NOTED.size
        os.truncate(file, size)
        self.memory = mmap.mmap(file, size)
        os.close(file)

    def close(self):
        os.unlink(self.path)

    def environment(self):
        library = os.environ['KVSTORE_FAULTS_LIBRARY']
        sanitizer = os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
        return dict(os.environ, LD_PRELOAD=library, KVSTORE_FAULTS=self.path,
                    ASAN_OPTIONS=sanitizer)

    def switch(self, is_on):
        self.memory[:4] = struct.pack('=I', is_on)

    def _put(self, index, kinds=0, what='EIO', lasts=False, at=0):
        self.FAULT.pack_into(self.memory, self.faults_at + index * self.FAULT.size, kinds,
                             ACTIONS.get(what, 0), getattr(errno, what, 0), lasts, at, 0, 0)

    def watch(self, rules):
        """Counts from now on; nothing fails."""
        self.switch(False)
        self.HEAD.pack_into(self.memory, 0, 0, len(rules), self.directory.encode())
        for i, (kinds, pattern) in enumerate(rules):
            self.RULE.pack_into(self.memory, self.rules_at + i * self.RULE.size, kinds,
                                pattern.encode())
        for i in range(FAULTS):
            self._put(i)
        self.memory[self.steps_at:self.noted_at] = bytes(8)
        self.switch(True)

    def arm(self, rules, fault, first=()):
        """`first` is a fault that has to come before, at the first step of its kind."""
        self.watch(rules)
        self.switch(False)
        self.decisive = 1 if fault.what == 'full' else 0
        if fault.what == 'full':
            self._put(0, mask('write'), 'short', False, fault.step)
            self._put(1, ROOM, 'ENOSPC', True, fault.step + 1)
        else:
            kinds = AFFECTS[fault.what] if fault.lasts else mask(fault.kind)
            self._put(0, kinds, fault.what, fault.lasts, fault.step)
            if first:
                self._put(1, mask(first[0]), first[1], False, 0)
        self.switch(True)

    def disarm(self):
        self.switch(False)

    def _part(self):
        """How often the fault has come, and at which step first; not the one that had to come before."""
        at = self.faults_at + self.decisive * self.FAULT.size
        return self.FAULT.unpack_from(self.memory, at)[5:7]

    def fired(self):
        return self._part()[0]

    def hit(self):
        """The kind of the step that it came at."""
        step = self._part()[1]
        return KINDS[self.NOTED.unpack_from(self.memory, self.noted_at + step * self.NOTED.size)[0]]

    def steps(self):
        """(kind, name) of each."""
        count, = struct.unpack_from('=Q', self.memory, self.steps_at)
        found = []
        for i in range(min(count, STEPS_NOTED)):
            kind, name = self.NOTED.unpack_from(self.memory, self.noted_at + i * self.NOTED.size)
            found.append((KINDS[kind], name.rstrip(b'\0').split(b'\0')[0].decode()))
        return found


def faults_of(steps, numbers):
    """All that there are for these steps."""
    chosen = range(len(steps))
    if len(steps) > STEPS_OF_SCENE:
        chosen = sorted(numbers.sample(chosen, STEPS_OF_SCENE))
    found = []
    for step in chosen:
        kind, name = steps[step]
        for what in MEETS[kind]:
            found.append(Fault(step, kind, name, what, what == 'full'))
            if what in AFFECTS:
                found.append(Fault(step, kind, name, what, True))
        found.append(Fault(step, kind, name, 'kill', False))
    return found
