"""Readers that are known as Python, so that a function made of them needs to call none of them.

A call costs a row as much as a look at a column does, and a resource has twenty elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import count
from string import Template
from typing import Any

Read = Callable[[Sequence[Any]], Any]

_numbers = count()


class Spelled:
    """A reader whose lines set `value` from `row`; `used` are the objects that they name."""

    def __init__(self, lines: Sequence[str], used: Mapping[str, Any]) -> None:
        self.lines, self.used = tuple(lines), dict(used)

    def __call__(self, row: Sequence[Any]) -> Any:
        return self._read(row)

    @cached_property
    def _read(self) -> Read:
        names = dict(self.used)
        exec("\n".join(["def read(row):", *indented(self.lines), " return value"]), names)  # noqa: S102
        read: Read = names["read"]
        return read


def spelling(lines: str, **used: Any) -> Spelled:
    """A reader of lines of Python, of our own code only; `$name` in them is what is given as `name`."""
    names = {name: f"{name}{next(_numbers)}" for name in used}
    text = Template(lines).substitute(names)
    return Spelled(text.splitlines(), {names[name]: thing for name, thing in used.items()})


def spelled(read: Read) -> Spelled:
    """A reader as its lines; where they aren't known, a call of it."""
    return read if isinstance(read, Spelled) else spelling("value = $read(row)", read=read)


def called(read: Read) -> Read:
    """A reader to be called, as a plain function."""
    return read._read if isinstance(read, Spelled) else read


def indented(lines: Sequence[str]) -> list[str]:
    """The lines, a level deeper."""
    return [" " + line for line in lines]


def first_of(reads: Sequence[Read]) -> Spelled:
    """The first value that is there."""
    first, *others = [spelled(read) for read in reads]
    for each in others:
        lines = [*first.lines, "if value is None:", *indented(each.lines)]
        first = Spelled(lines, first.used | each.used)
    return first


def when(test: Read, read: Read) -> Spelled:
    """A value that is there only where a test of the row says so."""
    tested, found = spelled(test), spelled(read)
    lines = [*tested.lines, "if value:", *indented(found.lines), "else: value = None"]
    return Spelled(lines, tested.used | found.used)
