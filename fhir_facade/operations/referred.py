"""What resources of a compartment refer to and isn't in it itself: practitioners, places, medications."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from fhir_facade.audit.patients import PatientsOf
from fhir_facade.service import Service
from mappers.include import Included, address
from mappers.mapping import ResourceMapping

Resource = dict[str, Any]
#: resources that a page's references are looked up for, at each of the steps
MOST_WANTED = 5000
#: how far references are followed: a location's organization, and what that is part of
ROUNDS = 3
_MARK, MOST_MARKS = 5, 400


class Seen:
    """Which resources came along on earlier pages: short digests, the latest `MOST_MARKS` of them."""

    def __init__(self, text: str = "") -> None:
        raw = b64decode(text)
        self._marks = {raw[i : i + _MARK]: None for i in range(0, len(raw), _MARK)}

    def __contains__(self, one: str) -> bool:
        return _mark(one) in self._marks

    def add(self, one: str) -> None:
        """Remembers an address (`Type/id`)."""
        self._marks[_mark(one)] = None

    @property
    def text(self) -> str:
        """For the next page's link."""
        return b64encode(b"".join(list(self._marks)[-MOST_MARKS:])).decode()


def _mark(one: str) -> bytes:
    return blake2b(one.encode(), digest_size=_MARK).digest()


@dataclass
class Referred:
    """Collects for one page. `types`: those that are wanted; `patients`: whose resources these are.

    What is about other patients stays out: a group's other members, say. What is in the compartment comes in
    its own turn.
    """

    service: Service
    compartment: tuple[str, str]
    inside: frozenset[str]
    types: frozenset[str]
    patients: frozenset[str]
    seen: Seen
    strict: bool = False
    found: Included = field(default_factory=Included)

    async def collect(self, matches: Sequence[Resource]) -> Included:
        """What the matches refer to, and what that refers to, each once over all pages."""
        asked, fresh = {address(m) for m in matches}, list(matches)
        for _ in range(ROUNDS):
            wanted = [
                a for a in dict.fromkeys(self._addresses(fresh)) if a not in asked and a not in self.seen
            ]
            if not wanted:
                break
            self.found.cut |= len(wanted) > MOST_WANTED
            asked.update(wanted)
            more = await self.service.searching.by_address(wanted[:MOST_WANTED], strict=self.strict)
            self.found.down |= more.down
            self.found.lacking |= more.lacking
            fresh = [r for r in more.resources.values() if self._belongs(r)]
            for resource in fresh:
                self.seen.add(address(resource))
                self.found.resources[address(resource)] = resource
        return self.found

    def _addresses(self, resources: Iterable[Resource]) -> Iterator[str]:
        for text in (t for r in resources for t in references(r)):
            local = text.removeprefix(f"{self.service.base}/").partition("/_history/")[0]
            kind, _, id_text = local.partition("/")
            if kind in self.types and id_text:
                yield local

    def _belongs(self, resource: Resource) -> bool:
        code, id_text = self.compartment
        if resource["resourceType"] in self.inside and id_text in owners(self.service, code)([resource]):
            return False
        about = owners(self.service, "Patient")([resource])
        return not about or not self.patients or bool(self.patients.intersection(about))


def owners(service: Service, code: str) -> PatientsOf:
    """What tells in whose compartments of a type resources are."""
    return _owners(tuple(service.mappings.values()), code)


@lru_cache(16)
def _owners(mappings: tuple[ResourceMapping, ...], code: str) -> PatientsOf:
    return PatientsOf({m.resource_type: m for m in mappings}, code)


def references(value: Any) -> Iterator[str]:
    """Every literal reference in a resource, wherever it stands."""
    if isinstance(value, Mapping):
        text = value.get("reference")
        if isinstance(text, str):
            yield text
        for inner in value.values():
            if isinstance(inner, dict | list):
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
