"""$translate: what a code is in another system, by the concept maps that are here.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from terminology.service.parameters import parameters, parted, said
from terminology.service.source import Resolver

Resource = dict[str, Any]
#: what an equivalence is, seen from the other side
_INVERTED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
_NO_TRANSLATION = ("unmatched", "disjoint")


@dataclass(frozen=True)
class Wish:
    """What is to be translated, and whereto; '' stands for whatever there is."""

    system: str
    code: str
    source: str = ""
    target: str = ""
    target_system: str = ""
    reverse: bool = False


@dataclass(frozen=True)
class Match:
    """One translation; `concept` None: the map says that there is none."""

    equivalence: str
    concept: Resource | None
    source: str
    comment: str = ""

    def part(self) -> Resource:
        """As the operation answers it."""
        return parted(
            "match",
            said("equivalence", self.equivalence, "valueCode"),
            said("concept", self.concept, "valueCoding"),
            said("source", self.source, "valueUri"),
        )


def matches(resolver: Resolver, concept_maps: Iterable[Resource], wish: Wish) -> list[Match]:
    """Every translation that the maps have; a code counts in any case where its system says so."""
    maps = [one for one in concept_maps if _is_between(one, wish)]
    return [match for one in maps for match in _in_map(resolver, one, wish)]


def _is_between(concept_map: Resource, wish: Wish) -> bool:
    """Whether the map is from and to the value sets that are asked for."""
    source, target = (wish.target, wish.source) if wish.reverse else (wish.source, wish.target)
    return source in ("", _end(concept_map, "source")) and target in ("", _end(concept_map, "target"))


def _end(concept_map: Resource, which: str) -> str:
    return str(concept_map.get(f"{which}Uri") or concept_map.get(f"{which}Canonical") or "")


def _in_map(resolver: Resolver, concept_map: Resource, wish: Wish) -> Iterator[Match]:
    for group in concept_map.get("group", ()):
        ends = (group.get("source", ""), group.get("target", ""))
        own, other = reversed(ends) if wish.reverse else ends
        if wish.system in ("", own) and wish.target_system in ("", other):
            content = resolver.content(own)
            known = content.get(wish.code) if content else None
            code = known.code if known else wish.code
            found = _backward(group, code) if wish.reverse else _forward(group, code)
            for equivalence, concept, comment in found:
                coding = {"system": other} | concept if concept else None
                yield Match(equivalence, coding, str(concept_map.get("url", "")), comment)


Found = Iterator[tuple[str, Resource | None, str]]


def _forward(group: Resource, code: str) -> Found:
    for element in group.get("element", ()):
        if element.get("code") == code:
            for target in element.get("target", ()):
                stated = target["equivalence"]
                concept = None if stated in _NO_TRANSLATION else _coded(target)
                yield stated, concept, str(target.get("comment", ""))


def _backward(group: Resource, code: str) -> Found:
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            if target.get("code") == code and target["equivalence"] not in _NO_TRANSLATION:
                stated = target["equivalence"]
                yield _INVERTED.get(stated, stated), _coded(element), ""


def _coded(stated: Resource) -> Resource:
    return {name: stated[name] for name in ("code", "display") if name in stated}


def translated(found: list[Match]) -> Resource:
    """Parameters of $translate."""
    good = [one for one in found if one.concept]
    remarks = list(dict.fromkeys(one.comment for one in found if not one.concept and one.comment))
    message = "" if good else "; ".join(remarks) or "no map that is here translates it"
    told = good or found
    return parameters(said("result", bool(good)), said("message", message), *(one.part() for one in told))
