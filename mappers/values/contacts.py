"""How somebody is reached: addresses and contact points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mappers.sql import NEVER, Alternative, Condition, any_of, filled
from mappers.terms import Term, Text, Token
from mappers.value import (
    Cells,
    Column,
    Columns,
    Question,
    Read,
    Row,
    Value,
    Writing,
    cell,
    no_value,
    together,
)
from mappers.values.conditions import When
from mappers.values.text import Str, text_reader, token_condition

if TYPE_CHECKING:
    from mappers.mapping import Join


class Address(Value):
    """An address from columns; `text` is what one column holds whole. Use, type and period may be values.

    https://hl7.org/fhir/R4/datatypes.html#Address
    """

    takes: tuple[type[Term], ...] = (Text,)

    def __init__(
        self,
        *,
        line: Sequence[Column] = (),
        text: Column | None = None,
        use: str | Value | None = None,
        type: str | Value | None = None,
        period: Value | None = None,
        joins: tuple[Join, ...] = (),
        **parts: Column | Value,
    ) -> None:
        self.line, self.joins = tuple(Str(c) for c in line), joins
        self.parts: dict[str, Value] = {"text": Str(text)} if text is not None else {}
        self.parts |= {_ADDRESS_PARTS[n]: p if isinstance(p, Value) else Str(p) for n, p in parts.items()}
        about = {"use": use, "type": type, "period": period}
        self.fixed = {k: v for k, v in about.items() if isinstance(v, str)}
        self.about = {k: v for k, v in about.items() if isinstance(v, Value)}

    def reader(self, columns: Columns) -> Read:
        lines = [part.reader(columns) for part in self.line]
        parts = {name: part.reader(columns) for name, part in self.parts.items()}
        about = {name: part.reader(columns) for name, part in self.about.items()}
        fixed = self.fixed

        def read(row: Row) -> Any:
            found: dict[str, Any] = {k: v for k, r in parts.items() if (v := r(row))}
            if line := [t for r in lines if (t := r(row))]:
                found["line"] = line
            if not found:
                return None
            return {**fixed, **{k: v for k, r in about.items() if (v := r(row))}, **found}

        return read

    def _values(self) -> tuple[Value, ...]:
        return (*self.line, *self.parts.values())

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return [a for part in self._values() for a in part.matches(term, q)]

    def present(self) -> Condition:
        return any_of(*(part.present() for part in self._values()))

    def sort_key(self) -> Column | None:
        return self._values()[0].sort_key()

    def sub(self, name: str) -> Value | None:
        if name == "use" and "use" in self.fixed:
            return StatedCode(self.fixed["use"], self.present())
        found = self.about.get(name)
        return When(self.present(), lambda columns: no_value, found) if found else self.parts.get(name)

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return together(part.written(None, w) for part in self.parts.values())
        use = self.fixed.get("use")
        if not isinstance(said, dict) or self.line or said.get("use", use) != use:
            return None
        told = {"text": _as_one(said), **said}
        found = [(part, part.written(told.get(name), w)) for name, part in self.parts.items()]
        return together(cells if cells is not None else part.written(None, w) for part, cells in found)


class StatedCode(Value):
    """A code that is the same for all rows that have the value around it (an address's use)."""

    takes: tuple[type[Term], ...] = (Token,)

    def __init__(self, code: str, there: Condition) -> None:
        self.code, self.there = code, there

    def reader(self, columns: Columns) -> Read:
        code = self.code
        return lambda row: code

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        return [q.near(self.there) if not term.system and term.code in (None, self.code) else NEVER]

    def present(self) -> Condition:
        return self.there


_ADDRESS_PARTS = {
    "city": "city",
    "district": "district",
    "state": "state",
    "postal_code": "postalCode",
    "country": "country",
}


class ContactPoint(Value):
    """A telephone number, e-mail address … from one column.

    https://hl7.org/fhir/R4/datatypes.html#ContactPoint
    """

    takes: tuple[type[Term], ...] = (Token,)
    folds: frozenset[str] | None = frozenset()

    def __init__(self, system: str, column: Column, use: str | None = None, rank: int | None = None) -> None:
        self.system, self.column = system, column
        self.rest = {k: v for k, v in (("use", use), ("rank", rank)) if v is not None}

    def reader(self, columns: Columns) -> Read:
        value, system, rest = text_reader(self.column, columns), self.system, self.rest
        return lambda row: {"system": system, "value": v, **rest} if (v := value(row)) else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.system not in (None, "", self.system, self.rest.get("use")):
            return [NEVER]
        return [q.near(token_condition(self.column, term, q))]

    def present(self) -> Condition:
        return filled(self.column)

    def sort_key(self) -> Column:
        return self.column

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {self.column: None}
        fits = isinstance(said, dict) and said.get("system") == self.system and said.get("value")
        fits = fits and said.get("use") != "old"  # nobody is to be called there
        return cell(self.column, said["value"]) if fits else None


def _as_one(address: dict[str, Any]) -> str | None:
    """The lines and places of an address in one text."""
    places = [address.get(name) for name in ("city", "district", "state", "country")]
    return ", ".join(t for t in (*(address.get("line") or []), *places) if t) or None
