"""Values that SQL or a function makes of others: derived codes, all children in one, extensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mappers.sql import ALWAYS, NEVER, Alternative, Condition, one_of
from mappers.terms import Term, Token
from mappers.value import Column, Columns, DirtyRowError, Question, Read, Row, Value
from mappers.values.children import Children
from mappers.values.concepts import ListCodings


class Stated(Value):
    """A FHIR code that an SQL expression yields as such; it yields `codes` of `system` and nothing else."""

    takes = (Token,)
    fhir_type = "Code"

    def __init__(self, expression: Column, system: str, *codes: str) -> None:
        self.expression, self.system, self.codes = expression, system, codes

    def reader(self, columns: Columns) -> Read:
        place = columns.at(self.expression)
        return lambda row: row[place]

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if (term.system or self.system) != self.system:
            return [NEVER]
        if term.code is None:
            return [ALWAYS]
        return [one_of(self.expression, [term.code]) if term.code in self.codes else NEVER]

    def present(self) -> Condition:
        return ALWAYS

    def sort_key(self) -> Column:
        return self.expression


class Reduced(Value):
    """What a function makes of the list of all children; searched by `at`, a value within each of them."""

    def __init__(
        self, children: Children, function: Callable[[list[Any]], Any], at: Value | None = None
    ) -> None:
        self.children, self.function, self.at = children, function, at
        self.fhir_type = at.fhir_type if at else ""

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """A condition on `at` is a condition on a child row."""
        return [(self.at, self.children)] if self.at else []

    def reader(self, columns: Columns) -> Read:
        read, function = self.children.reader(columns), self.function
        return lambda row: function(found) if (found := read(row)) else None

    def present(self) -> Condition:
        return self.children.around(self.at.present()) if self.at else self.children.present()


class Extended(Value):
    """An object with an extension; all else is the object's own."""

    def __init__(self, value: Value, extension: Value) -> None:
        self.value, self.extension = value, extension
        self.takes, self.fhir_type = value.takes, value.fhir_type
        self.joins = (*value.joins, *extension.joins)

    def reader(self, columns: Columns) -> Read:
        read, extension = self.value.reader(columns), self.extension.reader(columns)

        def both(row: Row) -> Any:
            found, more = read(row), extension(row)
            return {"extension": [more], **found} if found and more else found

        return both

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return self.value.matches(term, q)

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        return self.value.matches_text(term, q)

    def present(self) -> Condition:
        return self.value.present()

    def sort_key(self) -> Column | None:
        return self.value.sort_key()

    def sub(self, name: str) -> Value | None:
        return self.extension if name == "extension" else self.value.sub(name)


class Demanded(Value):
    """A value without which a row can't be shown at all, since no valid resource could say so."""

    def __init__(self, value: Value, what: str) -> None:
        self.value, self.what, self.joins = value, what, value.joins
        self.takes, self.fhir_type = value.takes, value.fhir_type

    def reader(self, columns: Columns) -> Read:
        read, what = self.value.reader(columns), self.what

        def demand(row: Row) -> Any:
            found = read(row)
            if found is None:
                raise DirtyRowError(f"it has no {what}")
            return found

        return demand

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return self.value.matches(term, q)

    def present(self) -> Condition:
        return self.value.present()

    def sort_key(self) -> Column | None:
        return self.value.sort_key()


class ListConcepts(ListCodings):
    """The codes of a list column as concepts of their own: several diagnoses, not one under several codes."""

    fhir_type = "CodeableConcept"

    def reader(self, columns: Columns) -> Read:
        read = super().reader(columns)
        return lambda row: [{"coding": [c], "text": c["code"]} for c in read(row) or ()] or None
