"""A strict reader of Prometheus's text format 0.0.4, for tests of what writes it.

parse(text) gives families by name, or raises Malformed with the line. Beyond the grammar it insists on
what a well-made exporter does: each family once, its HELP and TYPE before its samples and nothing between
them; no sample twice; counters not negative; histograms with ascending, cumulative buckets, +Inf equal to
_count, and a _sum.
"""
import math
import re

NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
HELP = re.compile(rf'# HELP ({NAME}) ((?:[^\\\n]|\\\\|\\n)*)\Z')
TYPE = re.compile(rf'# TYPE ({NAME}) (counter|gauge|histogram|summary|untyped)\Z')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SAMPLE = re.compile(rf'({NAME})(?:\{{(.*)\}})? (\S+)\Z')
NUMBER = re.compile(r'[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z|[+-]?Inf\Z|NaN\Z')


class Malformed(Exception):
    pass


class Family:
    def __init__(self, name, help_text):
        self.name, self.help, self.kind = name, help_text, None
        self.samples = {}  # (name, ((label, value), ...)) -> number

    def value(self, **labels):
        return self.samples[(self.name, tuple(sorted(labels.items())))]


def unescape(text):
    return re.sub(r'\\(.)', lambda m: {'n': '\n'}.get(m.group(1), m.group(1)), text)


def labels_of(text, line):
    labels, at = {}, 0
    while text and at < len(text):
        match = LABEL.match(text, at)
        if not match or match.group(1) in labels:
            raise Malformed(f'labels: {line!r}')
        labels[match.group(1)] = unescape(match.group(2))
        at = match.end()
        if at < len(text):
            if text[at] != ',' or at + 1 == len(text):
                raise Malformed(f'labels: {line!r}')
            at += 1
    return tuple(sorted(labels.items()))


def belongs(name, family):
    if family.kind == 'histogram':
        return name in (family.name + '_bucket', family.name + '_sum', family.name + '_count')
    return name == family.name


def check_histogram(family):
    series = {}
    for (name, labels), number in family.samples.items():
        rest = tuple(label for label in labels if label[0] != 'le')
        parts = series.setdefault(rest, {'buckets': []})
        if name.endswith('_bucket'):
            parts['buckets'].append((float(dict(labels)['le'].replace('+Inf', 'inf')), number))
        else:
            parts[name[len(family.name):]] = number
    for labels, parts in series.items():
        buckets = parts['buckets']
        limits, counts = [b[0] for b in buckets], [b[1] for b in buckets]
        if limits != sorted(set(limits)) or not limits or limits[-1] != math.inf:
            raise Malformed(f'{family.name}{labels}: the buckets do not ascend to +Inf')
        if counts != sorted(counts) or counts[-1] != parts.get('_count') or '_sum' not in parts:
            raise Malformed(f'{family.name}{labels}: counts, _count and _sum disagree')


def parse(text):
    if not text.endswith('\n'):
        raise Malformed('the last line has no end')
    families, family = {}, None
    for line in text[:-1].split('\n'):
        if match := HELP.match(line):
            if match.group(1) in families or (family and family.kind is None):
                raise Malformed(f'HELP: {line!r}')
            family = families[match.group(1)] = Family(match.group(1), unescape(match.group(2)))
        elif match := TYPE.match(line):
            if not family or match.group(1) != family.name or family.kind:
                raise Malformed(f'TYPE: {line!r}')
            family.kind = match.group(2)
        elif match := SAMPLE.match(line):
            name, labels, number = match.group(1), match.group(2), match.group(3)
            if not family or not family.kind or not belongs(name, family) or not NUMBER.match(number):
                raise Malformed(f'sample: {line!r}')
            key = (name, labels_of(labels, line))
            value = float(number)
            if key in family.samples or (family.kind == 'counter' and not value >= 0):
                raise Malformed(f'sample: {line!r}')
            family.samples[key] = value
        else:
            raise Malformed(f'line: {line!r}')
    for family in families.values():
        if family.kind == 'histogram':
            check_histogram(family)
    return families
