"""Where terminology resources come from, and the one place that resolves canonical urls.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import unquote

from terminology import systems
from terminology.service.content import Content

Resource = dict[str, Any]
_SNOMED_SETS = f"{systems.SNOMED_CT}?fhir_vs"


class TerminologyFault(ValueError):
    """What can't be answered. `code` is an issue-type, `status` the HTTP status that fits.

    https://hl7.org/fhir/R4/valueset-issue-type.html
    """

    def __init__(self, code: str, text: str, status: int = 422) -> None:
        super().__init__(text)
        self.code, self.status = code, status


class NotLoadedError(LookupError):
    """A source has the resource, but must fetch it first."""

    def __init__(self, source: Any, key: Any) -> None:
        super().__init__(key)
        self.source, self.key = source, key


class Source(Protocol):
    """Some terminology resources."""

    def find(self, resource_type: str, url: str, version: str) -> Resource | None:
        """The resource of that canonical url ('' for any version); None if it has none; NotLoadedError."""

    def of_id(self, resource_type: str, id_text: str) -> Resource | None:
        """The resource of that id; None if it has none; NotLoadedError."""

    def every(self, resource_type: str) -> Iterable[Resource]:
        """All its resources of a type."""


@dataclass
class Resolver:
    """Finds terminology resources by canonical url in its sources, the first that has one.

    It is a source itself.
    """

    sources: Sequence[Source]
    _contents: dict[tuple[str, str], Content] = field(default_factory=dict)

    def find(self, resource_type: str, url: str, version: str = "") -> Resource | None:
        """The resource of a url, with its version behind `|` or apart; None where no source has it."""
        plain, _, stated = url.partition("|")
        asked = [(plain, stated or version)]
        if stated:  # HL7 v2's tables of one version have the version in their url, behind a bar
            asked.insert(0, (url, version))
        found = (source.find(resource_type, *each) for each in asked for source in self.sources)
        return next((one for one in found if one is not None), None)

    def of_id(self, resource_type: str, id_text: str) -> Resource | None:
        """The resource of an id; None where no source has it."""
        found = (source.of_id(resource_type, id_text) for source in self.sources)
        return next((one for one in found if one is not None), None)

    def every(self, resource_type: str) -> Iterable[Resource]:
        """All resources of a type, source by source."""
        for source in self.sources:
            yield from source.every(resource_type)

    def content(self, canonical: str, version: str = "") -> Content | None:
        """What a code system holds; None where no source has it."""
        key = (canonical, version)
        if key not in self._contents:
            told = (self._content_of(source, *key) for source in self.sources)
            found = next((one for one in told if one is not None), None)
            if found is None:
                return None
            self._contents[key] = found
        return self._contents[key]

    @staticmethod
    def _content_of(source: Source, canonical: str, version: str) -> Content | None:
        if isinstance(source, Resolver):  # it remembers what it has read
            return source.content(canonical, version)
        found = Resolver((source,)).find("CodeSystem", canonical, version)
        return Content.of(found) if found else None

    def value_set(self, canonical: str, version: str = "") -> Resource | None:
        """The value set, one that a code system implies too (`<system>?vs`, or as it says); None for none."""
        return self.find("ValueSet", canonical, version) or self._implicit(canonical.partition("|")[0])

    def _implicit(self, url: str) -> Resource | None:
        """https://hl7.org/fhir/R4/codesystem.html#implicit, and those of SNOMED CT and LOINC."""
        if url.startswith(_SNOMED_SETS):
            return _snomed(url)
        if url == f"{systems.LOINC}/vs":
            return _all_of(url, systems.LOINC)
        system = url.removesuffix("?vs")
        if system != url:
            return _all_of(url, system) if self.find("CodeSystem", system) else None
        found = self.implied.get(url)
        return _all_of(url, found) if found else None

    @cached_property
    def implied(self) -> dict[str, str]:
        """Value set → the code system that says that it is all of it."""
        found: dict[str, str] = {}
        for source in self.sources:
            nested = source.implied if isinstance(source, Resolver) else _implied(source)
            found = nested | found
        return found


def _implied(source: Source) -> dict[str, str]:
    return {one["valueSet"]: str(one["url"]) for one in source.every("CodeSystem") if "valueSet" in one}


def _all_of(url: str, system: str, *filters: dict[str, str]) -> Resource:
    include: Resource = {"system": system} | ({"filter": list(filters)} if filters else {})
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [include]}}


def _snomed(url: str) -> Resource | None:
    """https://hl7.org/fhir/R4/snomedct.html#implicit"""
    asked = unquote(url.removeprefix(_SNOMED_SETS).removeprefix("="))
    if not asked:
        return _all_of(url, systems.SNOMED_CT)
    kind, _, code = asked.partition("/")
    if kind != "isa" or not code.isdigit():
        return None
    return _all_of(url, systems.SNOMED_CT, {"property": "concept", "op": "is-a", "value": code})
