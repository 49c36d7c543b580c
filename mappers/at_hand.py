"""Resources that no table holds: packaged with us, or made of what a master holds. They are searched here, by
the same typed terms and the standard's own expressions, and stand before those that tables hold.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from mappers.database import Database, SourceDownError
from mappers.parse_terms import ValueFault, date_term
from mappers.query import AllOf, AnyOf, Condition, Criterion, SearchQuery
from mappers.site import Site
from mappers.terms import Prefix, Range, Ref, Term, Text, Token, Uri
from mappers.values.fixed import codings, is_asked, says
from terminology import definitions
from terminology.folding import fold

Resource = dict[str, Any]
#: resources that are looked at in one go
AT_ONCE = 32
#: what each parameter finds
Known = Mapping[str, Sequence[Any]]
#: elements that repeat within themselves, all of which count
_NESTED = ("concept", "contains")
_EXPRESSION = re.compile(r"\(?[A-Z]\w+\.([\w.]+?)(?: as (\w+))?\)?")


@dataclass(frozen=True)
class Entry:
    """One resource: what it is found by, and what yields the whole of it.

    `lasting`: it says the same as long as the process lives, so that what it is found by is remembered.
    """

    head: Resource
    whole: Callable[[Database], Awaitable[Resource]]
    lasting: bool = True
    known: dict[str, Sequence[Any]] = field(default_factory=dict)


class AtHand(Protocol):
    """The resources of one type that are at hand."""

    #: elements that only the whole resource has
    deep: frozenset[str]

    def entries(self) -> Sequence[Entry]:
        """All of them, by id."""

    def of_id(self, id_text: str) -> Entry | None:
        """The one of an id; None where there is none."""


@dataclass(frozen=True)
class Found:
    """Entries in the order that was asked for, and the ids of those that couldn't be asked."""

    entries: list[Entry]
    down: list[str]


class Finder:
    """Searches what is at hand of a type."""

    def __init__(self, at_hand: AtHand, resource_type: str, site: Site, database: Database) -> None:
        self.at_hand, self.resource_type, self.site, self.database = at_hand, resource_type, site, database

    async def matching(self, query: SearchQuery, opened: tuple[Condition, ...] | None) -> Found:
        """What fulfils the query and what access control asks; nothing where that opens nothing."""
        found = Found([], [])
        for number, entry in enumerate(self.at_hand.entries() if opened is not None else ()):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # what is read for the first time takes a while: others have a turn
            try:
                if await self._fulfils(entry, (*(opened or ()), *query.where)):
                    found.entries.append(entry)
            except SourceDownError:
                found.down.append(entry.head["id"])
        for sort in reversed(query.sort):
            found.entries.sort(key=lambda e, p=sort.param: self._key(e.head, p), reverse=sort.descending)  # type: ignore[misc]
        return found

    async def read(self, entry: Entry, opened: tuple[Condition, ...] | None) -> Resource | None:
        """The whole resource; None where access control doesn't open it."""
        if opened is None or not await self._fulfils(entry, opened):
            return None
        return await entry.whole(self.database)

    async def _fulfils(self, entry: Entry, conditions: Sequence[Condition]) -> bool:
        for condition in conditions:
            found = await self._known(entry, condition)
            if not self.holds(found, condition):
                return False
        return True

    async def _known(self, entry: Entry, condition: Condition) -> Known:
        """What the parameters of a condition find in a resource, by parameter."""
        found: dict[str, Sequence[Any]] = {}
        for param in _params(condition):
            if (told := entry.known.get(param)) is None:
                shallow = self._is_shallow(param)
                told = tuple(values(entry.head if shallow else await entry.whole(self.database), param))
                if shallow or entry.lasting:
                    entry.known[param] = told
            found[param] = told
        return found

    def _is_shallow(self, param: str) -> bool:
        return not any(steps[0] in self.at_hand.deep for steps in paths(self.resource_type, param))

    def holds(self, known: Known, condition: Condition) -> bool:
        """Whether what is known of a resource fulfils a condition; none that leads to other resources."""
        if isinstance(condition, AllOf):
            return all(self.holds(known, c) for c in condition.conditions)
        if isinstance(condition, AnyOf):
            return any(self.holds(known, c) for c in condition.conditions)
        return isinstance(condition, Criterion) and self._criterion(known[condition.param], condition)

    def _criterion(self, found: Sequence[Any], criterion: Criterion) -> bool:
        if criterion.missing is not None:
            return criterion.missing is not bool(found)
        asks = self._asks_text if criterion.modifier == "text" else self._asks
        matched = any(asks(value, term) for term in criterion.terms for value in found)
        return not matched if criterion.modifier == "not" else matched

    @staticmethod
    def _asks_text(value: Any, term: Term) -> bool:
        texts = [value] if isinstance(value, str) else [value.get("text"), *_displays(value)]
        return isinstance(term, Text) and any(says(text, term) for text in texts if text)

    def _asks(self, value: Any, term: Term) -> bool:
        if isinstance(term, Ref):
            return term.part is None and term.key == value
        if isinstance(term, Token):
            return any(is_asked(term, *each) for each in codings(value))
        if isinstance(value, str) and isinstance(term, Text):
            return says(value, term)
        if isinstance(value, str) and isinstance(term, Uri):
            return _is_uri(value, term)
        return isinstance(value, str) and isinstance(term, Range) and self._within(value, term)

    def _within(self, value: str, asked: Range) -> bool:
        """https://hl7.org/fhir/R4/search.html#prefix"""
        try:
            told = date_term(value, self.site.tz, asked.low)
        except ValueFault:
            return False
        inside = asked.low <= told.low and told.high <= asked.high
        ways: dict[Prefix, bool] = {
            Prefix.EQ: inside,
            Prefix.NE: not inside,
            Prefix.GT: told.high > asked.high,
            Prefix.LT: told.low < asked.low,
            Prefix.GE: told.high > asked.high or inside,
            Prefix.LE: told.low < asked.low or inside,
            Prefix.SA: told.low >= asked.high,
            Prefix.EB: told.high <= asked.low,
            Prefix.AP: told.low < asked.high and told.high > asked.low,
        }
        return ways[asked.prefix]

    def _key(self, head: Resource, param: str) -> tuple[bool, str]:
        found = values(head, param)
        text = found[0] if found else ""
        return bool(found), fold(text if isinstance(text, str) else next(codings(text), (None, ""))[1])


def _params(condition: Condition) -> Iterator[str]:
    """The parameters of a condition and of those within it."""
    if isinstance(condition, AllOf | AnyOf):
        for inner in condition.conditions:
            yield from _params(inner)
    elif isinstance(condition, Criterion):
        yield condition.param


def _displays(value: Mapping[str, Any]) -> Iterator[str | None]:
    yield value.get("display")
    yield from (one.get("display") for one in value.get("coding", ()))


def _is_uri(value: str, term: Uri) -> bool:
    if term.modifier == "below":
        return value.startswith(term.value)
    return term.value.startswith(value) if term.modifier == "above" else value == term.value


def values(resource: Resource, param: str) -> list[Any]:
    """What a parameter finds in a resource."""
    return [v for steps in paths(resource["resourceType"], param) for v in _at(resource, steps)]


@lru_cache(1024)
def paths(resource_type: str, param: str) -> tuple[tuple[str, ...], ...]:
    """The paths of a parameter's expression, choices by their JSON names."""
    definition = definitions.search_parameter(resource_type, param)
    pieces = definition.expression.split("|") if definition else []
    found = (_EXPRESSION.fullmatch(piece.strip()) for piece in pieces)
    return tuple(tuple((m[1] + _typed(m[2])).split(".")) for m in found if m)


def _typed(name: str | None) -> str:
    return name[0].upper() + name[1:] if name else ""


def _at(node: Any, steps: Sequence[str]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _at(item, steps)
    elif not steps:
        yield node
    elif isinstance(node, dict) and steps[0] in node:
        inner = node[steps[0]]
        yield from _at(inner, steps[1:])
        if steps[0] in _NESTED:
            yield from _at(inner, steps)
