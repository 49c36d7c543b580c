"""What our own tables say, as terminology resources: excerpts of others' systems, the hospital's words, and
the maps from these to standard codes.

A row that no packaged list confirms is not told as a translation: it is `unmatched`, with the reason.
https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from terminology import code_map, systems, verification
from terminology.code_map import CodeMap, Entry, MapInfo
from terminology.service.made import Shelf, local_url, made, value_set_of

Resource = dict[str, Any]
UNCONFIRMED = "not confirmed by a code list that is packaged here: not told as a translation"


@cache
def excerpts() -> Shelf:
    """The codes of other owners' systems that are known here: fragments, which say nothing of other codes."""
    text = files("terminology").joinpath("r4", "excerpts.csv").read_text(encoding="utf-8")
    return Shelf(_excerpt(row) for row in csv.DictReader(text.splitlines()))


def _excerpt(row: dict[str, str]) -> Resource:
    known = sorted(
        (k[1], displays) for k, displays in verification.reference_codes().items() if k[0] == row["system"]
    )
    concepts = [_known(code, sorted(displays)) for code, displays in known if code]
    return made(
        "CodeSystem", row["id"], row["system"], row["title"], publisher=row["publisher"],
        copyright=row["copyright"], content="fragment", caseSensitive=True, concept=concepts,
    )  # fmt: skip


def _known(code: str, displays: list[str]) -> Resource:
    concept: Resource = {"code": code, "display": displays[0]}
    if more := [{"value": one} for one in displays[1:]]:
        concept["designation"] = more
    return concept


@cache
def words() -> Shelf:
    """The words that the hospital's columns hold, as far as maps know them, and their maps."""
    return Shelf([*_word_systems(), *(_concept_map(info) for info in code_map.index().values())])


def _word_systems() -> Iterator[Resource]:
    by_name: dict[str, list[MapInfo]] = {}
    for info in code_map.index().values():
        by_name.setdefault(info.words, []).append(info)
    for name, infos in sorted(by_name.items()):
        title = f"Words of {infos[0].source}"
        found = (entry.source for info in infos for entry in CodeMap.load(info.name).entries)
        concepts = [{"code": word} for word in dict.fromkeys(found) if is_code(word)]
        yield made(
            "CodeSystem", f"local-{name}", systems.local_system(name), title, content="fragment",
            caseSensitive=infos[0].case_sensitive, concept=concepts,
        )  # fmt: skip
        yield value_set_of(name, title)


def is_code(text: str) -> bool:
    """Whether a text can be a code at all. https://hl7.org/fhir/R4/datatypes.html#code"""
    return bool(text) and " ".join(text.split()) == text


def _concept_map(info: MapInfo) -> Resource:
    name = info.name.replace("_", "-")
    by_system: dict[str, list[Entry]] = {}
    for entry in CodeMap.load(info.name).entries:
        if is_code(entry.source) and entry.code:
            by_system.setdefault(entry.system, []).append(entry)
    groups = [
        {
            "source": systems.local_system(info.words),
            "target": system,
            "element": [_element(e) for e in entries],
        }
        for system, entries in by_system.items()
    ]
    title = f"{info.source} → {info.target}"
    ends = {"sourceUri": local_url("ValueSet", info.words), "targetUri": info.value_set}
    return made("ConceptMap", name, local_url("ConceptMap", name), title, **ends, group=groups)


def _element(entry: Entry) -> Resource:
    coding = entry.coding()
    if coding is None:
        return {"code": entry.source, "target": [{"equivalence": "unmatched", "comment": UNCONFIRMED}]}
    target = {"code": entry.code, "display": entry.display, "equivalence": "equivalent"}
    return {"code": entry.source, "target": [target]}
