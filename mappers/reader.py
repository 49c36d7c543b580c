"""How a row becomes a resource."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter
from typing import Any
from urllib.parse import quote

import orjson

from mappers.assemble import assembler
from mappers.mapping import Part, ResourceMapping
from mappers.narrative import narrator
from mappers.site import Site
from mappers.spelled import called
from mappers.sql import tables_of
from mappers.stored.resident_number import without_resident_number
from mappers.stored.rest import Rest
from mappers.value import Columns, DirtyRowError, Row, Value, no_value
from mappers.values.compounds import Choice
from terminology import definitions

Resource = dict[str, Any]


@dataclass(frozen=True)
class Unreadable:
    """A row that can't become a resource: where it is, and why (no clinical values)."""

    source: str
    reason: str


class Reader:
    """Turns rows of one FROM into resources of the parts that share it; `tables`: how many it reads."""

    def __init__(self, mapping: ResourceMapping, parts: Sequence[Part], site: Site) -> None:
        self.columns = Columns(site, parts[0].source.table)
        self.mapping, self.parts = mapping, tuple(parts)
        self.key = self.columns.at(parts[0].id.column)
        builders = [_builder(mapping, part, self.columns) for part in parts]
        self.rest = Rest(parts[0], self.columns) if parts[0].rest is not None else None
        self._digest = _digest(self)
        self.tables = len({id(t) for column in self.columns.selected for t in tables_of(column)})
        self.table = source_name(parts[0])
        self._reads = [self._reader(build) for build in builders]

    def read(self, row: Row, part: int) -> Resource | Unreadable:
        """The resource a row is, seen as the given part."""
        return self._reads[part](row)

    def _reader(self, build: Callable[[Row, str], Resource]) -> Callable[[Row], Resource | Unreadable]:
        digest, opened = self._digest, self.columns.opened if self.columns.sealed else None
        table, key = self.table, self.key

        def read(row: Row) -> Resource | Unreadable:
            try:
                if opened is not None:
                    row = opened(row)
                return build(row, digest(row))
            except DirtyRowError as problem:
                return Unreadable(f"{table}/{row[key]}", str(problem))

        return read

    def told_by_columns(self) -> Callable[[Row], Resource]:
        """A function from a row to the elements that its columns alone tell."""
        build = assembler(self.parts[0].elements, self.columns)
        return lambda row: build(row, {})


def source_name(part: Part) -> str:
    """`schema/table` of a part, as meta.source writes it."""
    table: Any = part.source.table
    return f"{table.schema or 'cdss_db'}/{table.name}"


def _digest(reader: Reader) -> Callable[[Row], str]:
    """A function from a row to a digest of its own columns and its children's: it changes when others write.

    What is written with the row is its own. Joined masters don't enter it, else one renamed test would
    outdate a million results.
    """
    table, tables = reader.parts[0].source.table, reader.parts[0].tables
    places = [i for i, c in enumerate(reader.columns.selected) if getattr(c, "table", table) in tables]
    own = itemgetter(*places, *range(-len(reader.columns.children), 0))
    version = reader.rest.version if reader.rest else None

    def digest(row: Row) -> str:
        told = own(row)
        if version is not None and row[version] is not None:
            told = (*told, row[version]) if type(told) is tuple else (told, row[version])
        try:
            written = orjson.dumps(told, default=repr)
        except TypeError:  # a text that is no Unicode
            written = repr(told).encode("utf-8", "backslashreplace")
        return blake2b(written, digest_size=8).hexdigest()

    return digest


def _builder(mapping: ResourceMapping, part: Part, columns: Columns) -> Callable[[Row, str], Resource]:
    if part.whole is not None:
        return _whole(mapping, part, part.whole, columns)
    id_of, build = called(part.id.reader(columns)), assembler(part.elements, columns)
    meta_of = _meta(part, columns)
    required = _required(mapping.resource_type)
    mostly = frozenset(names[0] for names in required)
    narrate = narrator(mapping.resource_type, mapping.narrative)
    narrate_row = narrator(mapping.resource_type, mapping.narrative, _told_by(part))
    security = called(part.security.reader(columns)) if part.security else None
    rest = Rest(part, columns) if part.rest is not None else None
    resource_type, profiles = mapping.resource_type, [(p.url, p.holds) for p in part.profiles]

    def read(row: Row, digest: str) -> Resource:
        resource_id = id_of(row)
        if resource_id is None:
            raise DirtyRowError("its key can't be written as a FHIR id")
        meta = meta_of(row, digest)
        resource: Resource = {"resourceType": resource_type, "id": resource_id, "meta": meta}
        build(row, resource)
        kept = rest is not None and rest.apply(row, resource)
        tell = narrate if kept else narrate_row
        if not resource.keys() >= mostly:
            _check(resource, required)
        if security is not None and (labels := security(row)) is not None:
            _label(meta, labels)
        if profiles and (claimed := [url for url, holds in profiles if holds(resource)]):
            stated = meta.get("profile")
            meta["profile"] = [*dict.fromkeys((*stated, *claimed))] if stated else claimed
        if "text" not in resource:
            told = without_resident_number(resource) if "identifier" in resource else resource
            resource["text"] = tell(told)
        return resource

    return read


def _told_by(part: Part) -> frozenset[str] | None:
    """The keys that the part's columns can tell; None where not all of them are known."""
    found: set[str] = set()
    for element in part.elements:
        name = element.path.partition(".")[0]
        if not name.endswith("[x]"):
            found.add(name.removesuffix("[]"))
        elif isinstance(element.value, Choice):
            found |= {name[:-3] + value.fhir_type for value in element.value.values}
        else:
            return None
    return frozenset(found)


def _whole(
    mapping: ResourceMapping, part: Part, whole: Value, columns: Columns
) -> Callable[[Row, str], Resource]:
    """What reads a resource that is kept as it was written: its own words, and what the server says of it."""
    id_of, written, meta_of = called(part.id.reader(columns)), whole.reader(columns), _meta(part, columns)
    resource_type = mapping.resource_type

    def read(row: Row, digest: str) -> Resource:
        kept = written(row)
        meta = {**meta_of(row, digest), **kept.pop("meta", {})}
        return {"resourceType": resource_type, "id": id_of(row), "meta": meta, **kept}

    return read


def _meta(part: Part, columns: Columns) -> Callable[[Row, str], dict[str, Any]]:
    """A function from a row and its digest to what `meta` begins with."""
    place, source = columns.at(part.id.column), f"urn:neuronova:{source_name(part).replace('/', ':')}:"
    updated = called(part.last_updated.reader(columns)) if part.last_updated else no_value
    version = columns.at(part.version) if part.version is not None else None

    def read(row: Row, digest: str) -> dict[str, Any]:
        key = row[place]
        told = digest if version is None else str(row[version])
        found = {"versionId": told, "source": source + (str(key) if type(key) is int else _uri(str(key)))}
        if (changed := updated(row)) is not None:
            found["lastUpdated"] = changed
        return found

    return read


def _label(meta: dict[str, Any], labels: Sequence[Any]) -> None:
    """Says the labels, before those that were sent."""
    meta["security"] = [*labels, *(s for s in meta.get("security", ()) if s not in labels)]


def _check(resource: Resource, required: Sequence[tuple[str, ...]]) -> None:
    """Raises DirtyRowError for a resource that lacks what its type must have."""
    for names in required:
        for name in names:
            if name in resource:
                break
        else:
            raise DirtyRowError(f"it has no {names[0]}, which every {resource['resourceType']} must have")


def _uri(key: str) -> str:
    return quote(key, safe="-._~")


def _required(resource_type: str) -> list[tuple[str, ...]]:
    """The names of which each resource must have one: required elements, choices spelled out."""
    found = []
    for name in sorted(definitions.mandatory_elements(resource_type)):
        choices = definitions.choice_names(resource_type, name) if name.endswith("[x]") else ()
        found.append(tuple(c[0] for c in choices) or (name, "_" + name))
    return found
