"""Kinds of text: plain strings, names, addresses, contact points, identifiers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, literal, literal_column
from sqlalchemy.types import NullType

from mappers.sql import NEVER, Alternative, Condition, all_of, any_of, exact, filled, like_escape, one_of
from mappers.terms import Mode, OfType, Term, Text, Token, Uri
from mappers.value import Column, Columns, Question, Read, Row, Value
from mappers.values.absence import absent_because

if TYPE_CHECKING:
    from mappers.mapping import Join

# FHIR's string has no control characters but tab, line feed and carriage return; XML has no U+FFFE/F either
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(value: Any) -> str | None:
    """A database text as FHIR's string: trimmed, unprintable characters gone; None for blank."""
    if value is None:
        return None
    text = value if type(value) is str else _as_text(value)
    if not text.isprintable():
        text = _UNPRINTABLE.sub("", text)
    return text.strip() or None


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def text_reader(column: Column, columns: Columns) -> Read:
    """Reads one text column."""
    place = columns.at(column)
    return lambda row: clean(row[place])


def text_condition(column: Column, term: Text, q: Question) -> Condition:
    """`column` as the term asks: starts with, equals byte by byte, or contains; in both canonical forms."""
    forms: list[Callable[[Text], str]] = [lambda t: t.nfc]
    if term.nfc != term.nfd:
        forms.append(lambda t: t.nfd)
    return any_of(*(_compare(column, term, form, q) for form in forms))


def _compare(column: Column, term: Text, form: Callable[[Text], str], q: Question) -> Condition:
    if term.mode is Mode.EXACT:
        return column == exact(q.bind(term, form))
    front = "%" if term.mode is Mode.CONTAINS else ""
    return column.like(q.bind(term, lambda t: f"{front}{like_escape(form(t))}%"), escape="!")


class Str(Value):
    """A string from one column; blank is absent."""

    takes: tuple[type[Term], ...] = (Text, Uri)
    fhir_type = "String"

    def __init__(self, column: Column) -> None:
        self.column = column

    def reader(self, columns: Columns) -> Read:
        return text_reader(self.column, columns)

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, Uri):
            return [q.near(uri_condition(self.column, term, q))]
        assert isinstance(term, Text)
        return [q.near(text_condition(self.column, term, q))]

    def present(self) -> Condition:
        return filled(self.column)

    def sort_key(self) -> Column:
        return self.column


def uri_condition(column: Column, term: Uri, q: Question) -> Condition:
    """`column` equals the uri; `below`: starts with it; `above`: is a prefix of it."""
    if term.modifier == "below":
        return column.like(q.bind(term, lambda t: like_escape(t.value) + "%"), escape="!")
    if term.modifier == "above":
        return q.bind(term, lambda t: t.value).like(column.concat("%"))
    return column == exact(q.bind(term, lambda t: t.value))


class Texts(Value):
    """Several text columns of a list, such as given names: each is a string of its own."""

    takes: tuple[type[Term], ...] = (Text,)
    fhir_type = "String"

    def __init__(self, *parts: Column | Value) -> None:
        self.parts = tuple(p if isinstance(p, Value) else Str(p) for p in parts)
        self.joins = tuple(j for p in self.parts for j in p.joins)

    def reader(self, columns: Columns) -> Read:
        reads = [p.reader(columns) for p in self.parts]
        return lambda row: [t for r in reads if (t := r(row))] or None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return [a for p in self.parts for a in p.matches(term, q)]

    def present(self) -> Condition:
        return any_of(*(p.present() for p in self.parts))

    def sort_key(self) -> Column | None:
        return self.parts[0].sort_key()


class Joined(Texts):
    """Several text columns in one string, with a separator; blank ones left out."""

    def __init__(self, *parts: Column | Value, separator: str = " ") -> None:
        super().__init__(*parts)
        self.separator = separator

    def reader(self, columns: Columns) -> Read:
        reads, separator = [p.reader(columns) for p in self.parts], self.separator
        return lambda row: separator.join(t for r in reads if (t := r(row))) or None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        """The string is searched as a whole, so no index serves; parts without a column each by itself."""
        assert isinstance(term, Text)
        columns = [getattr(p, "column", None) for p in self.parts]
        if any(c is None for c in columns):
            return super().matches(term, q)
        parts = [func.nullif(func.trim(c), "") for c in columns]
        return [q.near(text_condition(func.concat_ws(self.separator, *parts), term, q))]


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
            last, first = family(row), [t for r in given if (t := r(row))]
            if last and first and _HANGUL.match(last):
                return last + "".join(first)
            return " ".join((*first, last) if last else first) or None

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


def _chained(columns: Sequence[Column], separator: str) -> Column:
    """The filled columns in one text."""
    parts = [
        case((filled(c), literal_column(f"'{separator}'").concat(func.trim(c))), else_="") for c in columns
    ]
    whole: Column = parts[0]
    for part in parts[1:]:
        whole = whole.concat(part)
    return func.trim(whole)


class Mapped(Value):
    """A text column whose stored words stand for other words (codes have `Code`)."""

    takes: tuple[type[Term], ...] = (Text,)
    fhir_type = "String"

    def __init__(self, column: Column, words: Mapping[str, str]) -> None:
        self.column, self.words = column, words

    def reader(self, columns: Columns) -> Read:
        place, words = columns.at(self.column), self.words
        return lambda row: words.get(str(row[place]).strip()) if row[place] is not None else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        return [text_condition(self.column, term, q)]

    def present(self) -> Condition:
        return one_of(self.column, list(self.words))


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


def _put(target: dict[str, Any], **values: Any) -> None:
    target |= {key: value for key, value in values.items() if value}


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
        return {**self.parts, **self.about}.get(name)


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


def token_condition(column: Column, term: Token, q: Question) -> Condition:
    """`column` is the token's code; any filled one if the token has a system only."""
    if term.code is None:
        return filled(column)
    return column == exact(q.bind(term, lambda t: t.code))


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
        return q.near(self.column == exact(q.bind(term, lambda t: t.value)))

    def _value(self, term: Token, q: Question) -> Condition:
        return token_condition(self.column, term, q)

    def present(self) -> Condition:
        return filled(self.column)

    def sort_key(self) -> Column | None:
        return self.column

    def sub(self, name: str) -> Value | None:
        return Str(self.column) if name == "value" else None


class NumberIdentifier(Identifier):
    """An identifier from an integer column (0 and NULL are none)."""

    def reader(self, columns: Columns) -> Read:
        place, fixed = columns.at(self.column), self.fixed
        return lambda row: {**fixed, "value": str(row[place])} if row[place] else None

    def _value(self, term: Token, q: Question) -> Condition:
        if term.code is None:
            return self.present()
        return self.column == q.bind(
            term, lambda t: int(t.code) if t.code.isdecimal() and len(t.code) < 19 else -1
        )

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
