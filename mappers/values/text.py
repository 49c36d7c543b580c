"""Plain texts, and how they are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import String, func, literal
from sqlalchemy.sql.schema import Column as TableColumn

from mappers.plain_text import clean as clean
from mappers.sealed import SealedSearchError
from mappers.spelled import spelling
from mappers.sql import Alternative, Condition, all_of, any_of, exact, filled, like_escape, one_of, trimmed
from mappers.terms import Mode, Term, Text, Token, Uri
from mappers.value import Cells, Column, Columns, Question, Read, Value, Writing, cell
from mappers.values.fixed import Fixed

#: control characters that the databases' own functions take out
CONTROL = r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"

#: reads a text; of NULL `clean` says the same, without a call here
_CLEAN = """value = row[{}]
if value is not None: value = $clean(value)"""


def text_reader(column: Column, columns: Columns) -> Read:
    """Reads one text column."""
    return spelling(_CLEAN.format(columns.at(column)), clean=clean)


def text_condition(column: Column, term: Text, q: Question) -> Condition:
    """`column` as the term asks: starts with, equals byte by byte, or contains; in both canonical forms."""
    forms: list[Callable[[Text], str]] = [lambda t: t.nfc]
    if term.nfc != term.nfd:
        forms.append(lambda t: t.nfd)
    sealed = q.site.sealed
    if sealed is not None and sealed.reaches(column):
        if term.mode is not Mode.EXACT:
            raise SealedSearchError
        return sealed.equal(column, term, q, *forms)
    return any_of(*(_compare(column, term, form, q) for form in forms))


def _compare(column: Column, term: Text, form: Callable[[Text], str], q: Question) -> Condition:
    if term.mode is Mode.EXACT:
        return _is_exactly(column, exact(q.bind(term, form)))
    front = "%" if term.mode is Mode.CONTAINS else ""
    found = q.bind(term, lambda t: f"{front}{like_escape(form(t))}%")
    stored = column.like(found, escape="!")
    if front or not isinstance(column, TableColumn):
        return stored
    return any_of(stored, all_of(column.like(" %"), func.trim(column).like(found, escape="!")))


def _is_exactly(column: Column, value: Column) -> Condition:
    """As it is told: without outer blanks and, where that costs no index, without control characters."""
    plain = trimmed(column)
    if plain is column:
        return column == value
    told = func.trim(func.regexp_replace(column, CONTROL, ""))
    return any_of(plain == value, all_of(column.regexp_match(CONTROL), told == value))


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

    def written(self, said: Any, w: Writing) -> Cells | None:
        return cell(self.column, said) if said is None or isinstance(said, str) else None


def uri_condition(column: Column, term: Uri, q: Question) -> Condition:
    """`column` equals the uri; `below`: starts with it; `above`: is a prefix of it."""
    if q.site.sealed is not None and q.site.sealed.reaches(column):
        raise SealedSearchError
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
        parts = [_expression(p) for p in self.parts]
        if any(p is None for p in parts):
            return super().matches(term, q)
        return [q.near(text_condition(func.concat_ws(self.separator, *parts), term, q))]


def _expression(part: Value) -> Column | None:
    """What a part says as SQL, NULL where it says nothing; None if that can't be told."""
    if isinstance(part, Fixed):
        return literal(str(part.value), String())
    return func.nullif(func.trim(part.column), "") if isinstance(part, Str) else None


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


def whole_number(text: str) -> int:
    """The number that a text says as it would be written; -1, which is no key, for any other text."""
    plain = text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if plain and text == str(int(text)) else -1


def token_condition(column: Column, term: Token, q: Question) -> Condition:
    """`column` is the token's code; any filled one if the token has a system only."""
    if term.code is None:
        return filled(column)
    return equals(column, term, q, lambda t: t.code)


def equals(column: Column, term: Term, q: Question, value: Callable[[Any], str]) -> Condition:
    """`column` is exactly what `value` takes from the term."""
    sealed = q.site.sealed
    if sealed is not None and sealed.reaches(column):
        return sealed.equal(column, term, q, value)
    return trimmed(column) == exact(q.bind(term, value))
