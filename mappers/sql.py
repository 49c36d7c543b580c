"""The few SQL constructs that the compilers share, and that SQLAlchemy does not fold or spell by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ClauseElement,
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal,
    or_,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BooleanClauseList, False_, Grouping, True_
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, NullType, String

Condition = ColumnElement[bool]
ALWAYS: Condition = true()
NEVER: Condition = false()


@dataclass(frozen=True, eq=False)
class KeySet:
    """`own` is one of what the selects yield: a semi-join if there is one, else a join of their union.

    `exactly`: what must hold besides, where the keys are compared loosely (codes under a ci collation).
    """

    own: ColumnElement[Any]
    selects: tuple[Select[Any], ...]
    exactly: Condition | None = None

    def condition(self) -> Condition:
        """As a plain condition, wherever a join can't be made."""
        if self.exactly is not None:
            return self.exactly
        return any_of(*(self.own.in_(s.correlate(None)) for s in self.selects))


Alternative = Condition | KeySet


def is_always(condition: Alternative) -> bool:
    """Whether a condition is the constant true."""
    return isinstance(condition, True_)


def is_never(condition: Alternative) -> bool:
    """Whether a condition is the constant false."""
    return isinstance(condition, False_)


def plain(alternative: Alternative) -> Condition:
    """The alternative as one SQL expression."""
    return alternative.condition() if isinstance(alternative, KeySet) else alternative


def all_of(*conditions: Condition) -> Condition:
    """AND with constants folded (nested and_/or_ of SQLAlchemy don't)."""
    kept = [c for c in conditions if not is_always(c)]
    if any(is_never(c) for c in kept):
        return NEVER
    return and_(*kept) if len(kept) > 1 else (kept[0] if kept else ALWAYS)


def any_of(*conditions: Condition) -> Condition:
    """OR with constants folded."""
    kept = [c for c in conditions if not is_never(c)]
    if any(is_always(c) for c in kept):
        return ALWAYS
    if len(kept) > MANY:  # as one flat OR it is a tree deeper than SQLite takes
        return any_of(*(grouped(or_(*kept[i : i + MANY])) for i in range(0, len(kept), MANY)))
    return or_(*kept) if len(kept) > 1 else (kept[0] if kept else NEVER)


MANY = 100


class grouped(FunctionElement[bool]):
    """`(condition)`, kept apart where SQLAlchemy would flatten it."""

    type = Boolean()
    inherit_cache = True


@compiles(grouped)
def _grouped(element: grouped, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)})"


def negate(condition: Condition) -> Condition:
    """Rows for which the condition is false *or unknown*: `:not` includes resources lacking the element."""
    if is_always(condition):
        return NEVER
    return ALWAYS if is_never(condition) else not_true(condition)


def bare(condition: Any) -> Any:
    """A condition without the parentheses around it."""
    return condition.element if isinstance(condition, Grouping) else condition


class not_true(FunctionElement[bool]):
    """`(condition) IS NOT TRUE`."""

    type = Boolean()
    inherit_cache = True

    @property
    def negated(self) -> Condition:
        """The condition that does not hold."""
        (found,) = self.clauses
        condition: Condition = bare(found)
        return condition


def holds_negation(condition: ClauseElement) -> bool:
    """Whether a condition is, or has in an AND or OR of it, a negation that counts unknown as false."""
    if isinstance(condition, BooleanClauseList):
        return any(holds_negation(bare(c)) for c in condition.clauses)
    return isinstance(condition, not_true)


@compiles(not_true)
def _not_true(element: not_true, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(({compiler.process(element.clauses, **kw)}) IS NOT TRUE)"


class exact(FunctionElement[Any]):
    """A value to compare byte by byte with a column, whose index still serves.

    MySQL's ci collations make `=` loose (`glu ` finds `GLU`); binary on the value's side does not.
    """

    type = NullType()
    inherit_cache = True


@compiles(exact)
def _exact(element: exact, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(exact, "mysql")
@compiles(exact, "mariadb")
def _exact_mysql(element: exact, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS BINARY)"


class as_decimal(FunctionElement[Any]):
    """A text column as a number; only ever used behind `is_numeral` ('12x' would become 12)."""

    type = NullType()
    inherit_cache = True


@compiles(as_decimal)
def _as_decimal(element: as_decimal, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS REAL)"


@compiles(as_decimal, "mysql")
@compiles(as_decimal, "mariadb")
def _as_decimal_mysql(element: as_decimal, compiler: SQLCompiler, **kw: Any) -> str:
    # blanks around a number would make the server warn, and tell the log what stands there
    return f"CAST(TRIM({compiler.process(element.clauses, **kw)}) AS DECIMAL(38,12))"


class wrapped_list(FunctionElement[Any]):
    """`;a; b;` of a text column `a; b`: the separator at both ends, so that each item stands between two."""

    type = String()
    inherit_cache = True


@compiles(wrapped_list)
def _wrapped_list(element: wrapped_list, compiler: SQLCompiler, **kw: Any) -> str:
    column, separator = (compiler.process(c, **kw) for c in element.clauses)
    return f"({separator} || {column} || {separator})"


@compiles(wrapped_list, "mysql")
@compiles(wrapped_list, "mariadb")
def _wrapped_list_mysql(element: wrapped_list, compiler: SQLCompiler, **kw: Any) -> str:
    column, separator = (compiler.process(c, **kw) for c in element.clauses)
    return f"CONCAT({separator}, {column}, {separator})"


class word(FunctionElement[Any]):
    """A column of enumerated words, compared without regard to case and outer blanks, as its map reads it."""

    type = NullType()
    inherit_cache = True


@compiles(word)
def _word(element: word, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(TRIM({compiler.process(element.clauses, **kw)}) COLLATE NOCASE)"


@compiles(word, "mysql")
@compiles(word, "mariadb")
def _word_mysql(element: word, compiler: SQLCompiler, **kw: Any) -> str:
    """Collations fold case; newer ones (NO PAD) do not ignore trailing blanks, so they are cut off where no
    index would be lost by it.
    """
    (column,) = element.clauses
    text = compiler.process(column, **kw)
    return text if _indexed(column) else f"TRIM({text})"


def _indexed(column: Any) -> bool:
    table = getattr(column, "table", None)
    base = getattr(table, "element", table)  # an alias's table
    if any(column.name in i.columns for i in getattr(base, "indexes", ())):
        return True
    own = base.c[column.name] if isinstance(base, Table) else None
    return own is not None and bool(own.primary_key or own.unique)


NUMERAL = r"^[[:space:]]*[+-]?[0-9]+([.][0-9]+)?[[:space:]]*$"


def is_numeral(column: ColumnElement[Any]) -> Condition:
    """Whether a text column holds a plain decimal number and nothing else."""
    return column.regexp_match(NUMERAL)


def trimmed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A text column without its outer blanks, as it is told; as it is stored where an index would be lost."""
    return func.trim(column) if isinstance(column, Column) and not _indexed(column) else column


def filled(column: ColumnElement[Any]) -> Condition:
    """Whether a text column holds more than blanks ('' and NULL alike are absent)."""
    return func.trim(column) != ""


def constant(text: str) -> ColumnElement[Any]:
    """A text of our own tables, written out in the statement: nothing has to be bound each time it runs."""
    return bindparam(None, text, String(), unique=True, literal_execute=True)


def one_of(column: ColumnElement[Any], values: Sequence[Any]) -> Condition:
    """`column` is one of some constants or bound values (each its own parameter)."""
    if not values:
        return NEVER
    items = [v if isinstance(v, ClauseElement) else literal(v, NullType()) for v in values]
    return column == items[0] if len(items) == 1 else column.in_(items)


def tables_of(expression: ColumnElement[Any]) -> frozenset[Any]:
    """The FROM elements (tables, aliases) an expression's columns belong to, sub-selects left out."""
    return frozenset(expression._from_objects)


def like_escape(text: str) -> str:
    """`text` with LIKE's wildcards taken literally, for `LIKE … ESCAPE '!'`."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
