"""$expand: the codes of a value set. https://hl7.org/fhir/R4/valueset-operation-expand.html"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from terminology.folding import fold
from terminology.service.compose import Composer, Member
from terminology.service.source import Resolver, TerminologyFault

Resource = dict[str, Any]
#: as many codes come at once; of larger sets, pages do
MOST = 5000
UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"


@dataclass(frozen=True)
class Wanted:
    """How an expansion is asked for."""

    filter: str = ""
    offset: int = 0
    count: int | None = None
    active_only: bool = False
    designations: bool = False
    definition: bool = False
    language: str = ""

    def told(self) -> list[Resource]:
        """What of it shapes the expansion, as its parameters."""
        stated = [
            ("filter", "valueString", self.filter),
            ("count", "valueInteger", self.count),
            ("activeOnly", "valueBoolean", self.active_only),
            ("displayLanguage", "valueCode", self.language),
        ]
        return [
            {"name": name, kind: value}
            for name, kind, value in stated
            if value or (value == 0 and name == "count")
        ]


def expand(resolver: Resolver, value_set: Resource, wanted: Wanted) -> Resource:
    """The value set with its expansion; raises TerminologyFault where it can't be listed, or is too large."""
    composer = Composer(resolver)
    members = [one for one in composer.members(value_set).values() if _is_wanted(one, wanted)]
    end = len(members) if wanted.count is None else wanted.offset + wanted.count
    shown = members[wanted.offset : end]
    if len(shown) > MOST:
        raise TerminologyFault(
            "too-costly", f"the value set has {len(members)} codes: ask with count and offset"
        )
    versions = sorted({f"{one.system}|{one.version}" for one in members if one.version})
    used = [{"name": "version", "valueUri": one} for one in versions]
    expansion: Resource = {
        "identifier": f"urn:uuid:{uuid4()}",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "total": len(members),
        "offset": wanted.offset,
        "parameter": wanted.told() + used,
        "contains": [_contains(one, wanted) for one in shown],
    }
    if composer.unclosed:
        expansion = {"extension": [{"url": UNCLOSED, "valueBoolean": True}]} | expansion
    expansion = {name: value for name, value in expansion.items() if value != []}
    return _head(value_set, wanted.definition) | {"expansion": expansion}


def _head(value_set: Resource, definition: bool) -> Resource:
    """The value set without what defines it, unless that is asked for."""
    left_out = {"expansion", "text"} | (set() if definition else {"compose"})
    kept = {name: value for name, value in value_set.items() if name not in left_out}
    return {"resourceType": "ValueSet", "status": "unknown"} | kept


def _is_wanted(member: Member, wanted: Wanted) -> bool:
    if wanted.active_only and member.inactive:
        return False
    return not wanted.filter or _found(member, fold(wanted.filter).split())


def _found(member: Member, words: Iterable[str]) -> bool:
    """Whether each word is in one of its displays, or begins its code."""
    displays = [member.display, *(member.concept.displays if member.concept else ())]
    texts, code = [fold(one) for one in displays], fold(member.code)
    return all(code.startswith(word) or any(word in text for text in texts) for word in words)


def _contains(member: Member, wanted: Wanted) -> Resource:
    concept = member.concept
    spoken = concept.shown(wanted.language) if wanted.language and concept else ""
    told: Resource = {
        "system": member.system,
        "abstract": member.abstract or None,
        "inactive": member.inactive or None,
        "code": member.code,
        "display": spoken or member.display,
    }
    if wanted.designations:
        told["designation"] = member.stated.get("designation") or (
            concept.defined.get("designation") if concept else None
        )
    return {name: value for name, value in told.items() if value}
