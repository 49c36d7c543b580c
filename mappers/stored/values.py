"""Value kinds over what clients have written: the whole resource, and its search values in `fhir_index`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import func, literal, select

from mappers.facade.tables import fhir_index, fhir_resource
from mappers.keyring import UnopenableError
from mappers.mapping import Id
from mappers.site import Site
from mappers.sql import Alternative, Condition, all_of, any_of, exact, negate, plain
from mappers.stored.content import loads
from mappers.stored.places import of_whole
from mappers.terms import Amount, Mode, OfType, Prefix, Range, Term, Text, Token, Uri
from mappers.value import Column, Columns, DirtyRowError, Question, Read, Row, Value
from mappers.values.amounts import amount_condition, bound_of, by_unit, comparable
from mappers.values.children import Children
from mappers.values.references import ReferenceTo, Route
from mappers.values.text import text_condition, uri_condition

#: characters of a value that `fhir_index` finds by index
SHORT = 255
R, I = fhir_resource.c, fhir_index.c  # noqa: E741 - as the other tables' initials


class Stored(Value):
    """The whole resource, as its text holds it."""

    def __init__(self, column: Column) -> None:
        self.column = column

    def reader(self, columns: Columns) -> Read:
        place, key, at_rest = columns.at(self.column), columns.at(R.id), columns.site.at_rest
        columns.beyond_row()  # each is another: nothing to remember

        def read(row: Row) -> Any:
            try:
                return loads(at_rest.told(row[place], of_whole(row[key])))
            except UnopenableError as fault:
                raise DirtyRowError(f"what is stored of it can't be opened: {fault}") from None
            except (ValueError, TypeError, RecursionError):
                raise DirtyRowError("what is stored of it is no JSON") from None

        return read

    def present(self) -> Condition:
        return self.column.is_not(None)


class IndexedValue(Value):
    """A search value in `fhir_index`; nothing folds, for any code may be written."""

    folds: frozenset[str] | None = frozenset()
    #: what such values are ordered by; None: they have no order
    order: Column | None

    def reader(self, columns: Columns) -> Read:
        raise NotImplementedError("it is only searched")

    def present(self) -> Condition:
        return I.id.is_not(None)


class IndexedToken(IndexedValue):
    """A code, identifier, contact point or flag: `system`, `value`, and its words for `:text`.

    Of an identifier `target_text` holds what type it is of.
    """

    takes: tuple[type[Term], ...] = (Token, OfType)
    order = I.value

    def __init__(self, system: Column = I.system, value: Column = I.value) -> None:
        self.system, self.value = system, value

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, OfType):
            kind = exact(literal(typed(term.system, term.code)))
            return [all_of(I.value == exact(q.bind(term, lambda t: t.value)), I.target_text == kind)]
        assert isinstance(term, Token)
        return [all_of(*self._system(term, q), *self._code(term, q))]

    def _system(self, term: Token, q: Question) -> Sequence[Condition]:
        if term.system is None:
            return ()
        if term.system == "":
            return (self.system.is_(None),)
        return (self.system == exact(q.bind(term, lambda t: t.system)),)

    def _code(self, term: Token, q: Question) -> Sequence[Condition]:
        return () if term.code is None else (self.value == exact(q.bind(term, lambda t: t.code)),)

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        return [text_condition(I.words, term, q)]


class IndexedText(IndexedValue):
    """A string: `value` is its beginning, `words` the whole of it."""

    takes: tuple[type[Term], ...] = (Text,)
    order = I.value

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        short = term.mode is Mode.STARTS
        return [text_condition(I.value if short else I.words, term, q)]


class IndexedUri(IndexedValue):
    """A uri, whole."""

    takes: tuple[type[Term], ...] = (Uri,)
    order = I.value

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Uri)
        found = uri_condition(I.words, term, q)
        # the beginning of it has an index
        return [found if term.modifier else all_of(I.value == exact(q.bind(term, _beginning)), found)]


class IndexedIdentifier(IndexedToken):
    """A reference's own identifier, which is all that has no words. https://hl7.org/fhir/R4/search.html#reference"""

    takes: tuple[type[Term], ...] = (Token,)

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return [all_of(I.words.is_(None), I.target_part.is_(None), *map(plain, super().matches(term, q)))]


class IndexedNumber(IndexedValue):
    """A number, or a quantity with its unit (`system`, `value`), which compares with others by UCUM."""

    takes: tuple[type[Term], ...] = (Amount,)
    order = I.number

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Amount)
        as_sent = amount_condition(I.number, term, bound_of(term, q))
        if term.code is None:
            return [as_sent]
        if any(comparable(term)):
            converted = amount_condition(I.number, term, by_unit(I.value, term, q))
            return [all_of(I.value.is_not(None), converted)]
        unit = [I.value == exact(literal(term.code))]
        unit += [I.system == exact(literal(term.system))] if term.system else []
        return [all_of(*unit, as_sent)]


class IndexedStretch(IndexedValue):
    """A stretch of time [low, high), as wide as what was written. https://hl7.org/fhir/R4/search.html#date"""

    takes: tuple[type[Term], ...] = (Range,)
    order = I.low

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Range)
        site = q.site
        low = q.bind(term, lambda t: stamp(site, t.low))
        high = q.bind(term, lambda t: stamp(site, t.high))
        within = all_of(I.low >= low, I.high <= high)
        ways: dict[Prefix, Callable[[], Condition]] = {
            Prefix.EQ: lambda: within,
            Prefix.NE: lambda: negate(within),
            Prefix.GT: lambda: I.high > high,
            Prefix.LT: lambda: I.low < low,
            Prefix.GE: lambda: any_of(I.high > high, within),
            Prefix.LE: lambda: any_of(I.low < low, within),
            Prefix.SA: lambda: I.low >= high,
            Prefix.EB: lambda: I.high <= low,
            Prefix.AP: lambda: all_of(I.low < high, I.high > low),
        }
        return [ways[term.prefix]()]


def typed(system: str, code: str) -> str:
    """An identifier's type as `fhir_index` holds it."""
    return f"{system}|{code}"[:191]


def stamp(site: Site, when: datetime) -> str:
    """A moment as `fhir_index` holds it: the site's time, to the microsecond (so that text compares)."""
    return site.wall_clock(when).isoformat(" ", "microseconds")


def _beginning(term: Uri) -> str:
    return term.value[:SHORT]


#: what a reference may have beside the parts that it leads to: another server's address, an identifier
ELSEWHERE: Sequence[tuple[str, Value]] = (("", IndexedUri()), ("", IndexedIdentifier()))
#: the kind of each search type's values
KINDS: dict[str, Value] = {
    "token": IndexedToken(),
    "string": IndexedText(),
    "uri": IndexedUri(),
    "number": IndexedNumber(),
    "quantity": IndexedNumber(),
    "date": IndexedStretch(),
}


class Indexed(Value):
    """All values of one parameter: of a reference, one alternative for each part that it may lead to.

    It is searched, chained and sorted by like any other; it is read as part of the whole resource.
    """

    def __init__(self, resource_type: str, param: str, alternatives: Sequence[tuple[str, Value]]) -> None:
        self.resource_type, self.param = resource_type, param
        self.children = [self._children(part, value) for part, value in alternatives]

    def _children(self, part: str, value: Value) -> Children:
        mine = all_of(I.resource_type == self.resource_type, I.param == self.param)
        where = all_of(mine, I.target_part == part) if part else mine
        return Children(fhir_index, R.id, I.resource, value, where=where)

    def reader(self, columns: Columns) -> Read:
        raise NotImplementedError("it is only searched")

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """What is inside: conditions on rows of the index."""
        return [(c.value, c) for c in self.children]

    def present(self) -> Condition:
        return any_of(*(c.present() for c in self.children))

    def sort_key(self) -> Column | None:
        found: Column | None = self._first
        return found

    @cached_property
    def _first(self) -> Any:
        """The least of its values; None where they have no order."""
        value, key = self.children[0].value, func.coalesce(I.target_text, I.target_int)
        column = value.order if isinstance(value, IndexedValue) else key
        if column is None:
            return None
        found = select(func.min(column)).where(
            I.resource == R.id, I.resource_type == self.resource_type, I.param == self.param
        )
        return found.correlate(fhir_resource).scalar_subquery()


def leading_to(resource_type: str, id_: Id) -> ReferenceTo:
    """A reference to resources of one part, by the key in the index."""
    own = I.target_int if id_.numeric else I.target_text
    return ReferenceTo(resource_type, Route(own, Id(id_.prefix, own, id_.suffix)))
