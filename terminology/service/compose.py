"""What is in a value set: its `compose` over the code systems that are here.

Two questions are answered apart: all codes (which may be too many, or not to be listed at all), and whether
one code is in it (which can be told of sets that nobody can list). https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from terminology import membership, systems
from terminology.service.content import Concept, Content
from terminology.service.filters import selects
from terminology.service.source import Resolver, TerminologyFault

Resource = dict[str, Any]
#: systems whose codes are without end, or built by a grammar
UNCLOSED = frozenset((systems.UCUM, systems.BCP_47, systems.MIME_TYPE, "urn:ietf:rfc:3986"))
#: value sets within value sets within …
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Member:
    """A code of a value set; `stated` is what the value set itself says of it, over what its system says."""

    system: str
    version: str
    code: str
    concept: Concept | None
    stated: Resource

    @property
    def display(self) -> str:
        """The value set's display, else the system's."""
        return str(self.stated.get("display") or (self.concept.display if self.concept else ""))

    @property
    def inactive(self) -> bool:
        """Whether its system says that it is no longer to be used."""
        return self.concept is not None and self.concept.inactive

    @property
    def abstract(self) -> bool:
        """Whether it only groups others."""
        return self.concept is not None and self.concept.abstract


Members = dict[tuple[str, str], Member]


class Composer:
    """Composes value sets. `most`: more codes than these are too costly.

    `unclosed` becomes the systems of which only examples were there to be listed.
    """

    def __init__(self, resolver: Resolver, most: int = 20_000) -> None:
        self.resolver, self.most = resolver, most
        self.unclosed: set[str] = set()
        self._known: dict[str, Members] = {}
        self._work = 0

    # all of it

    def members(self, value_set: Resource, depth: int = 0) -> Members:
        """Every code, in order; raises TerminologyFault where they can't be listed."""
        if depth > DEEPEST:
            raise TerminologyFault("too-costly", "the value set imports itself, or too deeply")
        compose = value_set.get("compose")
        if compose is None:
            return self._expanded(value_set)
        found: Members = {}
        for include in compose.get("include", ()):
            found |= {key: one for key, one in self._included(include, depth).items() if key not in found}
            if len(found) > self.most:
                raise TerminologyFault("too-costly", f"the value set has more than {self.most} codes")
        for exclude in compose.get("exclude", ()) if found else ():
            gone = self._excluded(exclude, found, depth)
            found = {key: one for key, one in found.items() if key not in gone}
        if compose.get("inactive") is False:
            found = {key: one for key, one in found.items() if not one.inactive}
        return found

    def _expanded(self, value_set: Resource) -> Members:
        """A value set that only has its expansion."""
        if "expansion" not in value_set:
            raise TerminologyFault("not-supported", "the value set says nothing of what is in it")
        listed = [one for one in contained(value_set["expansion"].get("contains", ())) if "code" in one]
        members = (self._member(one.get("system", ""), one, one.get("version", "")) for one in listed)
        return {(one.system, one.code): one for one in members}

    def _member(self, system: str, stated: Resource, version: str = "") -> Member:
        content = self.resolver.content(system, version) if system else None
        concept = content.get(stated["code"]) if content else None
        told = version or (content.version if content else "")
        return Member(system, told, stated["code"], concept, stated)

    def _included(self, include: Resource, depth: int) -> Members:
        """What one include selects: of its system, and in all of its value sets."""
        imported = [self._members_of(url, depth) for url in include.get("valueSet", ())]
        if "system" in include:
            found = self._of_system(include)
        elif imported:
            found = imported.pop(0)
        else:
            raise TerminologyFault("invalid", "an include names a system or value sets", 400)
        self._charge(len(found))
        return {key: one for key, one in found.items() if all(key in other for other in imported)}

    def _charge(self, codes: int) -> None:
        """Refuses a value set that takes codes together again and again."""
        self._work += codes + 1
        if self._work > 20 * self.most:
            raise TerminologyFault("too-costly", "the value set takes too many codes together")

    def _members_of(self, url: str, depth: int) -> Members:
        if url not in self._known:
            self._known[url] = self.members(self._imported(url), depth + 1)
        return self._known[url]

    def _excluded(self, exclude: Resource, found: Members, depth: int) -> Collection[tuple[str, str]]:
        """What an exclude takes away; asked code by code where it can't be listed."""
        try:
            return self._included(exclude, depth)
        except TerminologyFault:
            return {key for key in found if self._excludes(exclude, *key, depth)}

    def _imported(self, url: str) -> Resource:
        found = self.resolver.value_set(url)
        if found is None:
            raise TerminologyFault("not-found", f"the value set {url[:200]} that is imported is not here")
        return found

    def _of_system(self, include: Resource) -> Members:
        system, version = str(include["system"]), str(include.get("version", ""))
        if stated := include.get("concept"):
            return {(system, one["code"]): self._member(system, one, version) for one in stated}
        content = self._whole(system, version)
        tests = [selects(content, one) for one in include.get("filter", ())]
        return {
            (system, code): Member(system, content.version, code, concept, {})
            for code, concept in content.concepts.items()
            if all(test(concept) for test in tests)
        }

    def _whole(self, system: str, version: str) -> Content:
        """The content of a system that can be listed; raises TerminologyFault."""
        if system in UNCLOSED:
            raise TerminologyFault("too-costly", f"the codes of {system} have no end: they can't be listed")
        content = self.resolver.content(system, version)
        if content is None:
            raise TerminologyFault("not-found", f"the code system {system[:200]} is not here")
        if content.kind == "example":
            self.unclosed.add(system)
        elif not content.complete:
            raise TerminologyFault(
                "not-supported",
                f"of {system[:200]} not all codes are here, so they can't be listed",
            )
        return content

    # one code of it

    def holds(self, value_set: Resource, system: str, code: str, depth: int = 0) -> bool | None:
        """Whether a code is in the value set; None where that can't be told here."""
        if depth > DEEPEST:
            raise TerminologyFault("too-costly", "the value set imports itself, or too deeply")
        compose = value_set.get("compose")
        if compose is None:
            return (system, code) in self._expanded(value_set)
        included = either(self._says(i, system, code, depth) for i in compose.get("include", ()))
        if included is False or not compose.get("exclude"):
            return included
        excluded = either(self._says(e, system, code, depth) for e in compose["exclude"])
        return False if excluded else (None if excluded is None else included)

    def _says(self, include: Resource, system: str, code: str, depth: int) -> bool | None:
        verdicts = [
            self.holds(self._imported(url), system, code, depth + 1) for url in include.get("valueSet", ())
        ]
        if "system" in include:
            verdicts.append(self._system_says(include, system, code))
        return False if False in verdicts else (None if None in verdicts else True)

    def _excludes(self, include: Resource, system: str, code: str, depth: int) -> bool:
        verdict = self._says(include, system, code, depth)
        if verdict is None:
            raise TerminologyFault("not-supported", "what the value set excludes can't be told here")
        return verdict

    def _system_says(self, include: Resource, system: str, code: str) -> bool | None:
        if include["system"] != system:
            return False
        content = self.resolver.content(system, str(include.get("version", "")))
        if stated := include.get("concept"):
            return any(one["code"] == code for one in stated)
        concept = content.get(code) if content else None
        filters = include.get("filter", ())
        if content is None or (concept is None and not content.complete):
            return membership.well_formed(system, code) if not filters else None
        if concept is None:
            return False
        if filters and not content.complete:
            return None
        return all(selects(content, one)(concept) for one in filters)


def either(verdicts: Iterable[bool | None]) -> bool | None:
    """True if one is; None if one can't be told and none is true; else False."""
    told = list(verdicts)
    return True if True in told else (None if None in told else False)


def contained(contains: Iterable[Resource]) -> Iterator[Resource]:
    """Every entry of an expansion, an outer one before those in it."""
    for one in contains:
        yield one
        yield from contained(one.get("contains", ()))
