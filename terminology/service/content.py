"""What a CodeSystem holds, as it is asked for: concepts by code, and what is above and below them.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Resource = dict[str, Any]
#: states in which a concept is no longer to be used; a deprecated one still may be
RETIRED = ("inactive", "retired")
_ABSTRACT = ("notSelectable", "abstract")
#: what nesting has to mean for a concept to be a kind of the one around it; not stated, it mostly does
_KINDS = (None, "is-a")


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept: as it is defined, and the codes right above it."""

    code: str
    defined: Resource
    parents: tuple[str, ...]

    @property
    def display(self) -> str:
        """Its display; '' where none is stated."""
        return str(self.defined.get("display", ""))

    @property
    def properties(self) -> dict[str, Any]:
        """Its properties' values by code; of a repeated one the last."""
        return {one["code"]: value_of(one) for one in self.defined.get("property", ())}

    @property
    def inactive(self) -> bool:
        """Whether it should no longer be used."""
        stated = self.properties
        return stated.get("inactive") is True or stated.get("status") in RETIRED

    @property
    def abstract(self) -> bool:
        """Whether it only groups others and is no choice itself."""
        stated = self.properties
        return any(stated.get(name) is True for name in _ABSTRACT)

    def shown(self, language: str = "") -> str:
        """Its display in a language, as far as there is one; else as it is."""
        wanted = language.casefold()
        told = [one for one in self.defined.get("designation", ()) if wanted and _is_display(one)]
        for exactly in (True, False):
            for one in told:
                if _speaks(str(one.get("language", "")).casefold(), wanted, exactly):
                    return str(one["value"])
        return self.display

    @property
    def displays(self) -> frozenset[str]:
        """Every text that is right as its display."""
        told = [str(one["value"]) for one in self.defined.get("designation", ())]
        return frozenset(text for text in (self.display, *told) if text)


def _is_display(designation: Resource) -> bool:
    return designation.get("use", {}).get("code", "display") in ("display", "preferred")


def _speaks(told: str, wanted: str, exactly: bool) -> bool:
    return told == wanted if exactly else told.partition("-")[0] == wanted.partition("-")[0]


def value_of(part: Resource) -> Any:
    """What a `value[x]` holds; None where there is none."""
    return next((value for name, value in part.items() if name.startswith("value")), None)


@dataclass(frozen=True)
class Content:
    """A code system's concepts. What is not `complete` can't say that a code is none of the system's."""

    url: str
    version: str
    name: str
    kind: str
    case_sensitive: bool
    has_kinds: bool
    concepts: dict[str, Concept]
    folded: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, resource: Resource) -> Content:
        """The content of a CodeSystem resource."""
        walked = list(_walk(resource.get("concept", ()), ""))
        parents: dict[str, dict[str, None]] = {}
        for below, above in (link for defined, around in walked for link in _links(defined, around)):
            parents.setdefault(below, {})[above] = None
        found = {
            code: Concept(code, defined, tuple(parents.get(code, ())))
            for code, defined in ((str(one["code"]), one) for one, _ in walked)
        }
        sensitive = resource.get("caseSensitive", True) is not False
        folded = {} if sensitive else {code.casefold(): code for code in found}
        name = str(resource.get("title") or resource.get("name") or resource["url"])
        return cls(
            str(resource["url"]), str(resource.get("version", "")), name, str(resource.get("content", "")),
            sensitive, resource.get("hierarchyMeaning") in _KINDS, found, folded,
        )  # fmt: skip

    @property
    def complete(self) -> bool:
        """Whether a code that isn't here is none of the system's."""
        return self.kind == "complete"

    def get(self, code: str) -> Concept | None:
        """The concept of a code, in whatever case where case doesn't count."""
        found = self.concepts.get(code)
        return (
            found if found or self.case_sensitive else self.concepts.get(self.folded.get(code.casefold(), ""))
        )

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """The codes right below each code, in their order."""
        found: dict[str, list[str]] = {}
        for concept in self.concepts.values():
            for parent in concept.parents:
                found.setdefault(parent, []).append(concept.code)
        return found

    @property
    def has_hierarchy(self) -> bool:
        """Whether some of its concepts are kinds of others."""
        return self.has_kinds and bool(self.children)

    def below(self, code: str) -> frozenset[str]:
        """The codes below a code at any depth, without itself."""
        return frozenset(_reached(code, self.children))

    def above(self, code: str) -> frozenset[str]:
        """The codes above a code at any height, without itself."""
        return frozenset(_reached(code, {one.code: one.parents for one in self.concepts.values()}))


def _reached(start: str, steps: Any) -> Iterator[str]:
    seen: set[str] = {start}
    ahead = list(steps.get(start, ()))
    while ahead:
        code = ahead.pop()
        if code not in seen:
            seen.add(code)
            yield code
            ahead += steps.get(code, ())


def _walk(concepts: Iterable[Resource], around: str) -> Iterator[tuple[Resource, str]]:
    """Every concept with the code that it is nested in, an outer one before those in it."""
    for defined in concepts:
        yield defined, around
        yield from _walk(defined.get("concept", ()), str(defined["code"]))


def _links(defined: Resource, around: str) -> Iterator[tuple[str, str]]:
    """(code, code right above it) as nesting and properties say: a concept is nested in one place only."""
    code = str(defined["code"])
    if around:
        yield code, around
    for stated in defined.get("property", ()):
        if stated["code"] in ("parent", "subsumedBy"):
            yield code, str(value_of(stated))
        elif stated["code"] == "child":
            yield str(value_of(stated)), code
