"""How rows are written: made, touched and retired, with the rows of other tables that belong to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import FromClause, Table

from mappers.value import Cells, Column, Writing


class Moment:
    """Stands for the moment of writing."""


NOW = Moment()

Resource = dict[str, Any]
#: (what is sent, what is there now) → (path, what is wrong with it)
Rule = Callable[[Resource, "Resource | None"], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Caller:
    """Who writes: a reference to them (None: a program, or nobody knows); `leads`: where a reference does."""

    who: str | None
    leads: Callable[[str], object]


#: (what is sent, what is there now, who sends it) → (path, what is wrong with it)
CallersRule = Callable[[Resource, "Resource | None", Caller], Iterator[tuple[str, str]]]
#: a row as it is: its columns by name
Held = Mapping[str, Any]
#: what becomes of rows of one table: the key of each (None: it is new) and what it holds from now on
Changes = list[tuple[Any, Cells]]


@dataclass(frozen=True, eq=False)
class Lines:
    """Rows of another table that belong to a row: `link` names it, `made` says what those of a new row hold.

    `followed`: what becomes of them when it is rewritten, by what is sent (None: the row is retired), what
    is there now, and the rows as they are. `joined`: the table as the part joins it, if it tells elements.
    """

    table: Table
    link: Column
    made: Callable[[Resource, Writing], list[Cells]]
    followed: Callable[[Resource | None, Resource, Sequence[Held], Writing], Changes]
    joined: FromClause | None = None


@dataclass(frozen=True, eq=False)
class Upkeep:
    """How a part's rows are made, touched and retired; a part without it can't be written.

    `key`: the pattern of new keys (`P-{year}-`, six digits follow), '' where the database numbers them;
    `new`: what a new row holds where nothing is said of it; `touched`: columns that each write sets to now;
    `retired`: what a DELETE sets, since no row is ever removed (None: there is no way to delete);
    `states`: what a status may become, by what it is ('': at first); `fixed`: elements that never change;
    `settled`: those that don't any more once it is no draft; `instead`: what a client does then;
    `callers_rules`: those that ask who sends it; `follows`: what columns hold because of what is sent, and of
    what was there, at that moment; `lines` and `parent`: rows of other tables that a row brings along.
    """

    key: str = ""
    new: Mapping[Column, Any] = field(default_factory=dict)
    touched: tuple[Column, ...] = ()
    retired: tuple[Column, Any] | None = None
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    instead: str = "revoke it and write another"
    rules: tuple[Rule, ...] = ()
    callers_rules: tuple[CallersRule, ...] = ()
    follows: Callable[[Resource, Resource | None, str], Cells] | None = None
    lines: tuple[Lines, ...] = ()
    parent: Parent | None = None

    def unchanging(self, status: object) -> tuple[str, ...]:
        """The elements that don't change in a state."""
        return self.fixed if status == "draft" else (*self.fixed, *self.settled)

    @property
    def joined(self) -> tuple[FromClause, ...]:
        """The tables that a part joins and whose rows are written with its own."""
        found = [lines.joined for lines in self.lines if lines.joined is not None]
        return (*found, *((self.parent.joined,) if self.parent else ()))


@dataclass(frozen=True, eq=False)
class Parent:
    """The row of another table that a new row belongs to, made with it; others may belong to it too.

    `joined`: that table as the part joins it; `table`: the table itself; `link`: the own column naming it;
    `followed`: what it holds once the rows that belong to it are as they are now, and what these hold then.
    """

    joined: FromClause
    link: Column
    table: Table
    upkeep: Upkeep
    followed: Callable[[Held, Sequence[Held]], tuple[Cells, Changes]]
