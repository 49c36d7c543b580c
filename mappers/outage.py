"""Sources that are lost while the server runs: which tables can't be asked, and what of a type is left.

A part is read without what it joins from them and says so; conditions are never asked of less than they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from mappers.mapping import Part, ResourceMapping
from mappers.reach import CDSS_SCHEMA, all_names
from mappers.reader import Reader, Resource, Unreadable
from mappers.reduced import hidden
from mappers.site import Site
from mappers.value import Row
from terminology.systems import V3_OBSERVATION_VALUE

#: (schema, table), as the declarations know them
TableName = tuple[str, str]
Tables = frozenset[TableName]
#: what an incomplete resource is tagged with: https://hl7.org/fhir/R4/resource.html#simple-tags
SUBSETTED = {"system": V3_OBSERVATION_VALUE, "code": "SUBSETTED"}


@dataclass(frozen=True)
class Without:
    """What a search is done without: branches by number, and tables that the others are read without."""

    branches: frozenset[int] = frozenset()
    tables: Tables = frozenset()

    def also(self, branches: Iterable[int]) -> Without:
        """Without further branches."""
        return replace(self, branches=self.branches.union(branches))


@dataclass(frozen=True)
class Outage:
    """How a search goes on: without what, and which sources are `down` (nothing of them is served), or only
    `lacking` (what is served lacks what they would say).
    """

    without: Without
    down: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


class PartialReader(Reader):
    """Reads what is left of rows; each resource is tagged, and its version is not that of the whole one."""

    def __init__(
        self, mapping: ResourceMapping, parts: Sequence[Part], site: Site, lacking: Sequence[str]
    ) -> None:
        super().__init__(mapping, parts, site)
        self.lacking = tuple(lacking)

    def read(self, row: Row, part: int) -> Resource | Unreadable:
        """The resource as far as it can be told."""
        found = super().read(row, part)
        if isinstance(found, Unreadable):
            return found
        meta = found["meta"]
        meta["tag"] = [*meta.get("tag", ()), SUBSETTED]
        told = " ".join((meta["versionId"], *self.lacking))
        meta["versionId"] = blake2b(told.encode(), digest_size=8).hexdigest()
        return found


def tables_of(mapping: ResourceMapping) -> Tables:
    """Every table that reading a type takes."""
    return frozenset(name.of for name in all_names({mapping.resource_type: mapping}))


class Remains:
    """What is left of a type's parts without some tables."""

    def __init__(self, mapping: ResourceMapping, tables: Tables) -> None:
        missing = frozenset(n for n in all_names({mapping.resource_type: mapping}) if n.of in tables)
        self._left, losses = hidden(mapping, missing)
        self._lacking: dict[str, set[TableName]] = {}
        for loss in losses:
            self._lacking.setdefault(loss.part, set()).update(n.of for n in loss.missing)

    def reader(self, parts: Sequence[Part], site: Site) -> Reader | None:
        """The reader of what is left of parts that share a FROM; None where one of them can't be served."""
        left = [p for part in parts if (p := self._left.by_name.get(part.name)) is not None]
        if len(left) < len(parts):
            return None
        lacking = {name for part in parts for name in self._lacking.get(part.name, ())}
        if not lacking:
            return Reader(self._left, left, site)
        return PartialReader(self._left, left, site, sorted(map("/".join, lacking)))


def plain_schema(schema: str) -> str | None:
    """A schema as tables declare it: the CDSS's is the connection's own."""
    return None if schema == CDSS_SCHEMA else schema


def lacking(readers: Iterable[Any]) -> list[str]:
    """The sources that any of the readers does without."""
    return sorted({name for reader in readers for name in getattr(reader, "lacking", ())})
