"""Package the code systems and value sets of the R4 bundles: the part of the build that is about codes.

A value set becomes `{system: [codes] | null}`, null standing for every code of that system, or is left out
when its members can't be listed from the bundles (filters over SNOMED CT, LOINC, MIME types …).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from terminology.xml_bundle import child, children, every, value

Codes = dict[str, str]
Members = dict[str, list[str] | None]


class NotEnumerable(Exception):
    """The value set's members can't be listed from what the bundles hold."""


class CodeTables:
    """Every complete code system of the bundles, its hierarchy, and every value set by url."""

    def __init__(self, bundles: list[ElementTree.Element]) -> None:
        self.systems: dict[str, Codes] = {}
        self.parents: dict[str, dict[str, set[str]]] = {}
        sets = [found for bundle in bundles for found in every(bundle, "ValueSet")]
        self.value_sets = {str(value(found, "url")): found for found in sets}
        for bundle in bundles:
            for system in every(bundle, "CodeSystem"):
                self._add(system)

    def _add(self, system: ElementTree.Element) -> None:
        if value(system, "content") != "complete" or not children(system, "concept"):
            return
        url = str(value(system, "url"))
        codes: Codes = {}
        parents: dict[str, set[str]] = defaultdict(set)
        for concept, parent in walk(system, None):
            code = str(value(concept, "code"))
            codes[code] = value(concept, "display") or value(concept, "definition") or code
            parents[code] |= {parent} if parent else set()
            parents[code] |= set(subsumers(concept))
        self.systems[url], self.parents[url] = codes, dict(parents)

    def descendants(self, system: str, ancestor: str) -> set[str]:
        """The codes under `ancestor` at any depth, without itself."""
        below = {code for code, parents in self.parents[system].items() if ancestor in parents}
        for code in tuple(below):
            below |= self.descendants(system, code)
        return below

    def members(self, url: str) -> Members:
        """The value set's members; raises NotEnumerable."""
        compose = child(self.value_sets[url], "compose") if url in self.value_sets else None
        if compose is None:
            raise NotEnumerable(url)
        found: Members = {}
        for include in children(compose, "include"):
            for system, codes in self.included(include).items():
                found[system] = join(found[system], codes) if system in found else codes
        for exclude in children(compose, "exclude"):
            self.subtract(found, exclude)
        return found

    def included(self, include: ElementTree.Element) -> Members:
        """What one include (or exclude) names; raises NotEnumerable."""
        system = value(include, "system")
        if system is None:
            return self.imported(include)
        concepts = [str(value(concept, "code")) for concept in children(include, "concept")]
        if concepts:
            return {system: concepts}
        if system not in self.systems:
            raise NotEnumerable(system)
        filters = children(include, "filter")
        return {system: self.filtered(system, filters) if filters else None}

    def imported(self, include: ElementTree.Element) -> Members:
        """The members of the value sets that an include imports."""
        found: Members = {}
        for imported in children(include, "valueSet"):
            found |= self.members(str(value(imported)).split("|")[0])
        return found

    def filtered(self, system: str, filters: list[ElementTree.Element]) -> list[str]:
        """What a single is-a or descendent-of filter selects; any other filter is not enumerable."""
        operation, of = value(filters[0], "op"), str(value(filters[0], "value"))
        if len(filters) > 1 or operation not in ("is-a", "descendent-of") or of not in self.systems[system]:
            raise NotEnumerable(system)
        own = {of} if operation == "is-a" else set()
        return sorted(own | self.descendants(system, of))

    def subtract(self, found: Members, exclude: ElementTree.Element) -> None:
        """Take what an exclude names out of `found`."""
        for system, codes in self.included(exclude).items():
            kept = found.get(system, [])
            every_code = list(self.systems.get(system, {})) if kept is None else kept
            found[system] = [code for code in every_code if codes is not None and code not in codes]


def walk(parent: ElementTree.Element, above: str | None) -> Iterator[tuple[ElementTree.Element, str | None]]:
    """Every concept below, each with the code of the concept that it is nested in."""
    for concept in children(parent, "concept"):
        yield concept, above
        yield from walk(concept, str(value(concept, "code")))


def subsumers(concept: ElementTree.Element) -> Iterator[str]:
    """Parents that v3 states as properties, a concept being nested in one place only."""
    for stated in children(concept, "property"):
        if value(stated, "code") == "subsumedBy":
            yield str(value(stated, "valueCode"))


def join(left: list[str] | None, right: list[str] | None) -> list[str] | None:
    """Both lists in one, each code once; None (every code) swallows the other."""
    return None if left is None or right is None else [*left, *(code for code in right if code not in left)]


def build_codes(bundles: list[ElementTree.Element]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file name, content) for the code systems and the value sets."""
    tables = CodeTables(bundles)
    yield "codesystems", tables.systems
    value_sets: dict[str, Any] = {}
    for url in sorted(tables.value_sets):
        try:
            value_sets[url] = tables.members(url)
        except NotEnumerable:
            continue
    yield "valuesets", value_sets
