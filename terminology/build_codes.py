"""Package the codes of R4's code systems and value sets apart, small enough to be at hand at every request.

A value set becomes `{system: [codes] | null}`, null standing for every code of that system, or is left out
when its members can't be listed (filters over SNOMED CT, LOINC, media types …).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from terminology.service.compose import Composer
from terminology.service.packaged import Packaged
from terminology.service.source import Resolver, TerminologyFault

Members = dict[str, list[str] | None]


def build_codes() -> Iterator[tuple[str, dict[str, Any]]]:
    """(file name, content) for the code systems and the value sets, from the packaged resources."""
    resolver = Resolver([Packaged()])
    listed = ((str(one["url"]), _codes(resolver, one)) for one in resolver.every("CodeSystem"))
    systems = {url: codes for url, codes in listed if codes}
    yield "codesystems", systems
    sets = ((str(one["url"]), _members(resolver, one, systems)) for one in resolver.every("ValueSet"))
    yield "valuesets", {url: members for url, members in sorted(sets) if members}


def _codes(resolver: Resolver, system: dict[str, Any]) -> dict[str, str]:
    """Code → display, else definition; nothing of a system that isn't complete."""
    content = resolver.content(system["url"])
    if content is None or not content.complete:
        return {}
    concepts = content.concepts.items()
    return {code: one.display or one.defined.get("definition") or code for code, one in concepts}


def _members(resolver: Resolver, value_set: dict[str, Any], systems: dict[str, Any]) -> Members:
    """The codes by system; nothing where they can't be listed."""
    composer, found = Composer(resolver), dict[str, list[str]]()
    try:
        for system, code in composer.members(value_set):
            found.setdefault(system, []).append(code)
    except TerminologyFault:
        return {}
    if composer.unclosed:
        return {}
    whole = {name for name, codes in found.items() if set(codes) == systems.get(name, {}).keys()}
    return {name: None if name in whole else codes for name, codes in found.items()}
