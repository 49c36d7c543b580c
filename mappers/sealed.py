"""Columns that the hospital keeps sealed: opened as rows are read, and searched by their blind index.

That a column is sealed is a site's setting and no mapping's business: every value kind reads it, because
rows are opened before any kind sees them; and the few functions that compare texts ask here. Beside a sealed
column stands `<column>_blind`. A value that stands there in clear (others may write, and sealing takes its
time) is read and found as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, String, Table, or_
from sqlalchemy import column as named_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean

from mappers.keyring import MARK, Keyring, UnopenableError, is_sealed, place
from mappers.plain_text import clean
from mappers.sql import Condition, all_of, exact

if TYPE_CHECKING:
    from mappers.terms import Term
    from mappers.value import Question

BLIND = "_blind"


class SealedSearchError(ValueError):
    """A comparison that ciphertext can't answer."""


class by_blind_index(FunctionElement[bool]):
    """`(condition)`: the one comparison that a sealed column takes part in."""

    type = Boolean()
    inherit_cache = True


@compiles(by_blind_index)
def _by_blind_index(element: by_blind_index, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)})"


@dataclass(frozen=True, eq=False)
class Sealed:
    """The sealed columns, as (table, column) of the CDSS's schema, and what opens them."""

    keyring: Keyring
    columns: frozenset[tuple[str, str]]

    def covers(self, column: Any) -> bool:
        """Whether a column, also one of an alias, is sealed."""
        table = _table(column)
        return table is not None and table.schema is None and (table.name, column.name) in self.columns

    def reaches(self, expression: ColumnElement[Any]) -> bool:
        """Whether an expression is of a sealed column, or made of one."""
        return any(isinstance(c, Column) and self.covers(c) for c in visitors.iterate(expression))

    # reading

    def keys_of(self, column: Any) -> Sequence[ColumnElement[Any]]:
        """The columns that tell a sealed column's row: its primary key."""
        table = _table(column)
        return [column.table.c[k.name] for k in table.primary_key] if table is not None else ()

    def opened(self, column: Any, stored: Any, key: Sequence[Any]) -> Any:
        """What a sealed column says; bytes that are no text stay bytes. Raises UnopenableError."""
        if not is_sealed(stored):
            return stored
        table = _table(column)
        if table is None or any(k is None for k in key):
            raise UnopenableError("its row has no key")
        plain = self.keyring.open(stored, place(table.name, column.name, *key))
        try:
            return plain.decode()
        except UnicodeDecodeError:
            return plain

    # searching

    def equal(self, column: Any, term: Term, q: Question, *values: Callable[[Any], str]) -> Condition:
        """`column` is exactly what one of the values takes from the term; not for parts or joined texts.

        A blind text counts only beside a sealed one: who writes in clear leaves the old one standing.
        """
        if not self.covers(column):
            raise SealedSearchError
        purpose, first = self._purpose(column), values[0]
        looked_up = q.bind(term, lambda t: self.keyring.blind(folded(first(t)), purpose))
        sealed = all_of(blind_column(column) == looked_up, column.like(f"{MARK}%"))
        in_clear = [column == exact(q.bind(term, value)) for value in values]
        return by_blind_index(or_(sealed, *in_clear))

    # writing

    def cells(self, column: Any, text: str | None, *key: Any) -> dict[str, str | None]:
        """What a sealed column and its blind index hold of a text, in the row of that key."""
        table, blind = _table(column), column.name + BLIND
        if table is None or text is None or not text.strip():
            return {column.name: text, blind: None}
        sealed = self.keyring.seal(text.encode(), place(table.name, column.name, *key))
        return {column.name: sealed, blind: blind_text(self.keyring, table.name, column.name, text)}

    @staticmethod
    def _purpose(column: Any) -> str:
        table = _table(column)
        return f"{table.name if table is not None else ''}.{column.name}"


def blind_text(keyring: Keyring, table: str, column: str, text: str) -> str:
    """What the blind index holds of a text."""
    return keyring.blind(folded(text), f"{table}.{column}")


def folded(text: str) -> str:
    """The text as it is told, in one canonical form.

    Case stays: a code and `:exact` mean it. https://hl7.org/fhir/R4/search.html#string
    """
    return unicodedata.normalize("NFC", clean(text) or "")


def blind_column(column: Any) -> ColumnElement[Any]:
    """The blind index beside a column, in the same table or alias."""
    found = named_column(f"{column.name}{BLIND}", String())
    found.table = column.table
    return found


def _table(column: Any) -> Table | None:
    """The table that a column is of, behind aliases."""
    table = getattr(column, "table", None)
    while table is not None and hasattr(table, "element"):
        table = table.element
    return table if isinstance(table, Table) else None
