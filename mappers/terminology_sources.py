"""Terminology sources that a database is asked for: the hospital's masters, and what clients have written.

What a question turns out to need is fetched, and the question asked again (`asked`): the questions themselves
know no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from mappers.masters import MASTERS, Master
from mappers.parse_terms import ValueFault, split
from mappers.query import Criterion, SearchQuery
from mappers.terms import Ref, Uri
from mappers.value_sets import BY_TERMINOLOGY, tokens_of
from mappers.view import View
from terminology.service.made import Shelf
from terminology.service.source import NotLoadedError, Resolver, Resource, TerminologyFault
from terminology.service.standing import standing

#: (resource type, what it is known by: `url`, `id` or nothing, that)
Key = tuple[str, str, str]
T = TypeVar("T")
#: resources that one question may need from a database
MOST = 200


class Fetched:
    """A source that knows what was fetched, and raises NotLoadedError for what wasn't."""

    def __init__(self) -> None:
        self.known: dict[Key, Any] = {}

    def _fetched(self, key: Key) -> Any:
        if key not in self.known:
            raise NotLoadedError(self, key)
        return self.known[key]


class Masters(Fetched):
    """The masters: their code systems and maps, as the rows are when first asked for."""

    def __init__(self, view: View, masters: Sequence[Master] = MASTERS) -> None:
        super().__init__()
        self.view, self.masters = view, masters

    def find(self, resource_type: str, url: str, version: str) -> Resource | None:
        """A master's code system, value set or map by its url; they have no versions."""
        return None if version else self._by(resource_type, "url", url)

    def of_id(self, resource_type: str, id_text: str) -> Resource | None:
        """The same by id."""
        return self._by(resource_type, "id", id_text)

    def every(self, resource_type: str) -> Iterator[Resource]:
        """All their maps; of the others nothing is ever looked for among all."""
        for master in self.masters if resource_type == "ConceptMap" else ():
            if master.equals:
                yield self._fetched((resource_type, "id", master.map_id))

    def _by(self, resource_type: str, name: str, text: str) -> Resource | None:
        for master in self.masters:
            head = _head(master, resource_type)
            if head is not None and head[name] == text:
                found: Resource = self._fetched((resource_type, "id", head["id"]))
                return found
        return None

    async def load(self, key: Key) -> None:
        """Reads a master; raises SourceDownError."""
        resource_type, _, id_text = key
        master = next(m for m in self.masters if id_text in (m.id, m.map_id))
        database = self.view.database
        if resource_type == "CodeSystem":
            self.known[key] = await master.code_system(database)
        elif resource_type == "ConceptMap":
            self.known[key] = await master.concept_map(database)
        else:
            self.known[key] = master.value_set()


def _head(master: Master, resource_type: str) -> Resource | None:
    if resource_type == "CodeSystem":
        return master.head()
    if resource_type == "ValueSet":
        return master.value_set()
    return master.map_head() if resource_type == "ConceptMap" and master.equals else None


class Written(Fetched):
    """What clients have written, as far as the view shows it."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view

    def find(self, resource_type: str, url: str, version: str) -> Resource | None:
        """The newest of a url (of that version, if one is asked for)."""
        found = self._fetched((resource_type, "url", url)) if url else []
        return next((one for one in found if version in ("", one.get("version"))), None)

    def of_id(self, resource_type: str, id_text: str) -> Resource | None:
        """The one of an id."""
        found: Sequence[Resource] = self._fetched((resource_type, "id", id_text))
        return found[0] if found else None

    def every(self, resource_type: str) -> Iterator[Resource]:
        """All maps; of the others nothing is ever looked for among all."""
        if resource_type == "ConceptMap":
            yield from self._fetched((resource_type, "", ""))

    async def load(self, key: Key) -> None:
        """Searches for what is asked for; what is written later comes first."""
        resource_type, name, text = key
        self.known[key] = []
        if resource_type not in self.view.engine.mappings:
            return
        page = await self.view.of_tables(self._query(resource_type, name, text), MOST)
        found = [one for one in page.matches if isinstance(one, dict)]
        self.known[key] = sorted(found, key=lambda one: str(one["meta"].get("lastUpdated")), reverse=True)

    def _query(self, resource_type: str, name: str, text: str) -> SearchQuery:
        if name == "url":
            return SearchQuery(resource_type, (Criterion("url", (Uri(text),)),))
        if name == "id":
            resolved = self.view.engine.mappings[resource_type].resolve(text)
            part, native = (resolved[0].name, resolved[1]) if resolved else (None, text)
            return SearchQuery(resource_type, (Criterion("_id", (Ref(resource_type, part, native),)),))
        return SearchQuery(resource_type)


async def asked(view: View, question: Callable[[Resolver], T], given: Sequence[Resource] = ()) -> T:
    """The answer of a question to all sources; `given` resources stand before all others.

    R4's own stand before the hospital's and these before clients': nobody redefines a standard's codes.
    """
    resolver = Resolver((Shelf(given), standing(), Masters(view), Written(view)))
    for _ in range(MOST):
        try:
            return question(resolver)
        except NotLoadedError as wanted:
            await wanted.source.load(wanted.key)
    raise TerminologyFault("too-costly", "the answer needs too many resources")


async def for_searches(view: View, pairs: Sequence[tuple[str, str]], bases: tuple[str, ...]) -> Resolver:
    """What answers the value sets that a search's parameters name: all that they need has been fetched."""
    named = [(name.rpartition(":")[2], value) for name, value in pairs]
    coded = [(modifier, value) for modifier, value in named if modifier in BY_TERMINOLOGY]
    if not coded:
        return standing()

    def resolved(resolver: Resolver) -> Resolver:
        for modifier, value in coded:
            for one in split(value, ","):
                with suppress(ValueFault):  # the parser tells what is wrong with it
                    tokens_of(resolver, modifier, one, bases)
        return resolver

    try:
        return await asked(view, resolved)
    except TerminologyFault:  # of more resources than may be: they aren't there then
        return standing()
