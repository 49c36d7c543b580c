"""CodeSystems, ValueSets and ConceptMaps that are at hand: R4's own, ours, and the hospital's masters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from mappers.at_hand import AtHand, Entry
from mappers.database import Database
from mappers.masters import MASTERS, Master
from terminology.service.source import Source
from terminology.service.standing import standing_sources

Resource = dict[str, Any]
Whole = Callable[[Database], Awaitable[Resource]]
#: the elements that make a resource large
DEEP = frozenset(("concept", "compose", "expansion", "group"))


class Published:
    """The resources of one type; loaded when first asked for, and then kept but for their large elements."""

    deep = DEEP

    def __init__(self, resource_type: str, masters: Sequence[Master] = MASTERS) -> None:
        self.resource_type, self.masters = resource_type, tuple(masters)

    def entries(self) -> Sequence[Entry]:
        """All of them, by id."""
        return list(self._by_id.values())

    def of_id(self, id_text: str) -> Entry | None:
        """The one of an id; None where there is none."""
        return self._by_id.get(id_text)

    @cached_property
    def _by_id(self) -> Mapping[str, Entry]:
        found = [
            Entry(_head(one), self._standing(s, one["id"]))
            for s in standing_sources()
            for one in s.every(self.resource_type)
        ]
        found += [entry for master in self.masters if (entry := self._of_master(master))]
        return {entry.head["id"]: entry for entry in sorted(found, key=lambda e: str(e.head["id"]))}

    def _standing(self, source: Source, id_text: str) -> Whole:
        async def whole(database: Database) -> Resource:
            found = source.of_id(self.resource_type, id_text)
            assert found is not None
            return found

        return whole

    def _of_master(self, master: Master) -> Entry | None:
        if self.resource_type == "CodeSystem":
            return Entry(master.head(), master.code_system, lasting=False)
        if self.resource_type == "ValueSet":
            return Entry(value_set := master.value_set(), _at_once(value_set))
        return Entry(master.map_head(), master.concept_map, lasting=False) if master.equals else None


def _at_once(resource: Resource) -> Whole:
    async def whole(database: Database) -> Resource:
        return resource

    return whole


def _head(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name not in DEEP}


#: where resources of these types come from
COMMENT = "R4's own, the hospital's masters and the words of its columns; besides, what clients write."
#: what is at hand, by type
PUBLISHED: dict[str, AtHand] = {name: Published(name) for name in ("CodeSystem", "ConceptMap", "ValueSet")}
