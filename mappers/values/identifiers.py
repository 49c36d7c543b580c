"""Identifiers, under a fixed system."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal
from sqlalchemy.types import NullType

from mappers.sql import NEVER, Alternative, Condition, all_of, exact, filled
from mappers.terms import OfType, Term, Token
from mappers.value import Cells, Column, Columns, Question, Read, Value, Writing, cell
from mappers.values.absence import absent_because
from mappers.values.text import Str, equals, text_reader, token_condition, whole_number


class Identifier(Value):
    """An identifier from one column under a fixed system.

    `absent`: the reason that is given where a row has none (else it has no identifier).
    https://hl7.org/fhir/R4/datatypes.html#Identifier
    """

    takes: tuple[type[Term], ...] = (Token, OfType)
    folds: frozenset[str] | None = frozenset()
    urn: ClassVar[str] = ""

    def __init__(
        self,
        system: str,
        column: ColumnElement[Any],
        type: tuple[str, str, str] | None = None,
        use: str | None = None,
        absent: str | None = None,
    ) -> None:
        self.system, self.column, self.type, self.absent = system, column, type, absent
        self.fixed: dict[str, Any] = {"use": use} if use else {}
        if type:
            coding = {"system": type[0], "code": type[1], "display": type[2]}
            self.fixed["type"] = {"coding": [coding]}
        self.fixed["system"] = system

    def reader(self, columns: Columns) -> Read:
        value, fixed = text_reader(self.column, columns), self.fixed
        none = {**fixed, "_value": absent_because(self.absent)} if self.absent else None
        return lambda row: {**fixed, "value": v} if (v := value(row)) else none

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, OfType):
            return [self._of_type(term, q)]
        assert isinstance(term, Token)
        if term.system not in (None, self.system):
            return [NEVER]
        return [q.near(self._value(term, q))]

    def _of_type(self, term: OfType, q: Question) -> Condition:
        if not self.type or (term.system, term.code) != self.type[:2]:
            return NEVER
        return q.near(equals(self.column, term, q, lambda t: t.value))

    def _value(self, term: Token, q: Question) -> Condition:
        return token_condition(self.column, term, q)

    def present(self) -> Condition:
        return filled(self.column)

    def sort_key(self) -> Column | None:
        return self.column

    def sub(self, name: str) -> Value | None:
        return Str(self.column) if name == "value" else None

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {self.column: None}
        fits = isinstance(said, dict) and said.get("system") == self.system and said.get("value")
        return cell(self.column, said["value"]) if fits else None


def _is_number(value: Any) -> bool:
    return type(value) is int or str(value).isdecimal()


class NumberIdentifier(Identifier):
    """An identifier from an integer column (0 and NULL are none)."""

    def reader(self, columns: Columns) -> Read:
        place, fixed = columns.at(self.column), self.fixed
        return lambda row: {**fixed, "value": str(n)} if (n := row[place]) and _is_number(n) else None

    def _value(self, term: Token, q: Question) -> Condition:
        if term.code is None:
            return self.present()
        return all_of(self.present(), self.column == q.bind(term, lambda t: whole_number(t.code)))

    def present(self) -> Condition:
        return self.column > 0


class UuidIdentifier(Identifier):
    """A 16-byte uuid column as `urn:uuid:…` (system urn:ietf:rfc:3986); unset and all-zero ones are none."""

    def __init__(self, column: Column) -> None:
        super().__init__("urn:ietf:rfc:3986", column)

    def reader(self, columns: Columns) -> Read:
        place, fixed = columns.at(self.column), self.fixed
        return lambda row: {**fixed, "value": u} if (u := _urn(row[place])) else None

    def _value(self, term: Token, q: Question) -> Condition:
        if term.code is None:
            return self.present()
        return self.column == q.bind(term, lambda t: _bytes(t.code))

    def present(self) -> Condition:
        return all_of(func.length(self.column) == 16, self.column != literal(bytes(16), NullType()))

    def sort_key(self) -> Column | None:
        """None: bytes are no order that a person or a cursor could tell."""
        return None


def _urn(value: Any) -> str | None:
    if not isinstance(value, bytes) or len(value) != 16 or not any(value):
        return None
    return UUID(bytes=value).urn


def _bytes(text: str) -> bytes:
    """The 16 bytes of a uuid in any spelling; one byte (which matches nothing) for anything else."""
    try:
        return UUID(text).bytes
    except ValueError:
        return b"\x00"


class HexUuidIdentifier(UuidIdentifier):
    """A uuid column of 32 hexadecimal digits (Django's on MySQL) as `urn:uuid:…`."""

    def reader(self, columns: Columns) -> Read:
        place, fixed = columns.at(self.column), self.fixed
        return lambda row: {**fixed, "value": u} if (u := _urn(_bytes(str(row[place])))) else None

    def _value(self, term: Token, q: Question) -> Condition:
        if term.code is None:
            return self.present()
        return self.column == exact(q.bind(term, lambda t: _bytes(t.code).hex()))

    def present(self) -> Condition:
        return all_of(func.length(self.column) == 32, self.column != "0" * 32)
