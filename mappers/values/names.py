"""Names of people, as their script writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, literal_column

from mappers.sql import Alternative, Condition, any_of, filled
from mappers.terms import Term, Text
from mappers.value import Cells, Column, Columns, Question, Read, Row, Value, Writing, cell
from mappers.values.absence import absent_because
from mappers.values.text import Joined, Str, Texts, text_condition, text_reader

_HANGUL = re.compile("[\\uac00-\\ud7a3]")


class FullName(Joined):
    """A person's whole name from given and family columns (family last), as its script writes it:
    family first and together in Hangul, else family last with blanks between.
    """

    def __init__(self, *names: Column) -> None:
        *self.given, self.family = names
        super().__init__(*names)

    def reader(self, columns: Columns) -> Read:
        given = [text_reader(c, columns) for c in self.given]
        family = text_reader(self.family, columns)

        def read(row: Row) -> Any:
            return together(family(row), [t for r in given if (t := r(row))])

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        together = _chained((self.family, *self.given), "")
        return [q.near(any_of(*(text_condition(c, term, q) for c in (together, _chained(self.names, " ")))))]

    @property
    def names(self) -> tuple[Column, ...]:
        """Given names, then the family name."""
        return (*self.given, self.family)

    def sort_key(self) -> Column | None:
        return self.family


def together(family: str | None, given: Sequence[str]) -> str | None:
    """A whole name, as its script writes it; None where there is nothing of it."""
    first = [name for name in given if name]
    if family and first and _HANGUL.match(family):
        return family + "".join(first)
    return " ".join((*first, family) if family else first) or None


def _chained(columns: Sequence[Column], separator: str) -> Column:
    """The filled columns in one text."""
    parts = [
        case((filled(c), literal_column(f"'{separator}'").concat(func.trim(c))), else_="") for c in columns
    ]
    whole: Column = parts[0]
    for part in parts[1:]:
        whole = whole.concat(part)
    return func.trim(whole)


def _present(columns: Sequence[Column]) -> Condition:
    return any_of(*(filled(c) for c in columns))


class HumanName(Value):
    """A name from columns; `text` is made of the parts where no column holds it whole.

    `absent`: the reason that is given where a row has no name (else it has none).
    https://hl7.org/fhir/R4/datatypes.html#HumanName
    """

    takes: tuple[type[Term], ...] = (Text,)

    def __init__(
        self,
        *,
        text: Column | Value | None = None,
        family: Column | None = None,
        given: Sequence[Column] = (),
        prefix: Column | None = None,
        suffix: Column | None = None,
        use: str | None = None,
        period: Value | None = None,
        absent: str | None = None,
    ) -> None:
        self.period, self.absent = period, absent
        self.whole = self._whole(text, (*given, *((family,) if family is not None else ())))
        self.text = None if isinstance(text, Value) else text
        self.family, self.given = family, tuple(given)
        self.prefix, self.suffix, self.use = prefix, suffix, use

    @staticmethod
    def _whole(text: Column | Value | None, names: Sequence[Column]) -> Value:
        if text is None:
            return FullName(*names)
        return text if isinstance(text, Value) else Str(text)

    @property
    def _searched(self) -> tuple[Column, ...]:
        """Every part that `name` searches: https://hl7.org/fhir/R4/patient.html#search"""
        ends = (self.text, self.family, *self.given, self.prefix, self.suffix)
        return tuple(c for c in ends if c is not None)

    @property
    def _core(self) -> tuple[Column, ...]:
        return tuple(c for c in (self.text, self.family, *self.given) if c is not None)

    def reader(self, columns: Columns) -> Read:
        text = self.whole.reader(columns)
        family = self._one(self.family, columns)
        given = [text_reader(c, columns) for c in self.given]
        prefix, suffix = self._one(self.prefix, columns), self._one(self.suffix, columns)
        period = self.period.reader(columns) if self.period else lambda row: None
        use, nameless = self.use, self._nameless()

        def read(row: Row) -> Any:
            whole, last = text(row), family(row)
            first = [g for r in given if (g := r(row))]
            if not (whole or last or first):
                return nameless
            before, after = prefix(row), suffix(row)
            name: dict[str, Any] = {"use": use} if use else {}
            if whole:
                name["text"] = whole
            _put(name, family=last, given=first, prefix=before and [before], suffix=after and [after])
            _put(name, period=period(row))
            return name

        return read

    def _nameless(self) -> dict[str, Any] | None:
        if self.absent is None:
            return None
        return {**({"use": self.use} if self.use else {}), "_text": absent_because(self.absent)}

    @staticmethod
    def _one(column: Column | None, columns: Columns) -> Read:
        return text_reader(column, columns) if column is not None else lambda row: None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        found: list[Alternative] = []
        if self._searched:
            found.append(q.near(any_of(*(text_condition(c, term, q) for c in self._searched))))
        return found if self.text is not None else [*found, *self.whole.matches(term, q)]

    def present(self) -> Condition:
        return _present(self._core)

    def sort_key(self) -> Column | None:
        return self.family if self.family is not None else self.text

    def sub(self, name: str) -> Value | None:
        if name == "given" and self.given:
            return Texts(*self.given)
        column = {"family": self.family, "text": self.text, "prefix": self.prefix, "suffix": self.suffix}.get(
            name
        )
        return Str(column) if column is not None else None

    def written(self, said: Any, w: Writing) -> Cells | None:
        if self.text is None or isinstance(self.text, Value):
            return {} if said is None else None
        if said is None:
            return {self.text: None}
        if not isinstance(said, dict) or said.get("use", self.use) != self.use:
            return None
        return cell(self.text, said.get("text") or _as_written(said))


def _put(target: dict[str, Any], **values: Any) -> None:
    target |= {key: value for key, value in values.items() if value}


def _as_written(name: dict[str, Any]) -> str | None:
    """The parts of a name in one text, in the order of its script."""
    family, given = name.get("family"), [g for g in name.get("given") or [] if g]
    if family and _HANGUL.match(family):
        return "".join((family, *given))
    return " ".join([*given, *([family] if family else [])]) or None
