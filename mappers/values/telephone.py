"""A telephone number that is stored in parts (OpenEMR's phone_numbers)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from mappers.sql import ALWAYS, Alternative, Condition, all_of, any_of, exact, filled, negate, one_of
from mappers.terms import Term, Token
from mappers.value import Column, Columns, Question, Read, Row, Value
from mappers.values.text import text_reader

#: phone_numbers.type: 1 home, 2 work, 3 cell, 4 emergency, 5 fax
USES = {1: "home", 2: "work", 3: "mobile"}
FAX = 5


class Telephone(Value):
    """A ContactPoint of country, area, prefix and number, joined by `-`, and a kind.

    https://hl7.org/fhir/R4/datatypes.html#ContactPoint
    """

    takes = (Token,)
    folds: frozenset[str] | None = frozenset()

    def __init__(self, phone: Any) -> None:
        self.parts: tuple[Column, ...] = (phone.country_code, phone.area_code, phone.prefix, phone.number)
        self.kind: Column = phone.type

    def reader(self, columns: Columns) -> Read:
        parts, kind = [text_reader(p, columns) for p in self.parts], columns.at(self.kind)

        def read(row: Row) -> Any:
            value = "-".join(t for r in parts if (t := r(row)))
            if not value:
                return None
            use = {"use": USES[row[kind]]} if row[kind] in USES else {}
            return {"system": "fax" if row[kind] == FAX else "phone", "value": value, **use}

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        kind = self._is(term.system)
        if term.code is None:
            return [q.near(all_of(kind, self.present()))]
        digits = exact(q.bind(term, lambda t: t.code.replace("-", "")))
        return [q.near(all_of(kind, func.replace(self._joined(), "-", "") == digits))]

    def _is(self, system: str | None) -> Condition:
        """Its kind is what a token's system says: a ContactPoint's system, or its use."""
        if not system:
            return ALWAYS
        if system in ("fax", "phone"):
            fax = self.kind == FAX
            return fax if system == "fax" else negate(fax)
        return one_of(self.kind, [kind for kind, use in USES.items() if use == system])

    def _joined(self) -> Column:
        parts = [func.nullif(func.trim(part), "") for part in self.parts]
        return func.concat_ws("-", *parts)

    def present(self) -> Condition:
        return any_of(*(filled(p) for p in self.parts))
