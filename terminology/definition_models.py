"""The shapes in which `definitions` answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite parameter; `expression` starts at what the composite's own expression finds."""

    definition: str
    code: str
    expression: str


@dataclass(frozen=True, slots=True)
class SearchParameterDefinition:
    """A search parameter as one resource type sees it; `expression` is empty for _text, _content, _query."""

    resource_type: str
    code: str
    name: str
    type: str
    expression: str
    target: tuple[str, ...]
    component: tuple[Component, ...]
    url: str
    description: str


@dataclass(frozen=True, slots=True)
class InvariantDefinition:
    """A rule that an element's instances hold to, in FHIRPath, with the severity of breaking it."""

    key: str
    severity: str
    expression: str
    human: str


@dataclass(frozen=True, slots=True)
class ElementType:
    """A type that an element can take, and for a Reference the resource types it may point to."""

    code: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ElementDefinition:
    """An element of a snapshot; `path` is the path of the definition, which a content reference may move."""

    path: str
    min: int
    max: str
    types: tuple[ElementType, ...]
    is_summary: bool
    is_modifier: bool
    binding_strength: str | None
    value_set: str | None
    short: str
    content_reference: str

    @property
    def name(self) -> str:
        """The last step of the path, a choice with its `[x]`."""
        return self.path.rpartition(".")[2]

    @property
    def is_list(self) -> bool:
        """Whether JSON holds it as an array."""
        return self.max not in ("0", "1")

    @property
    def is_choice(self) -> bool:
        """Whether it takes one of several types under one of several names."""
        return self.path.endswith("[x]")

    def choices(self) -> tuple[tuple[str, str], ...]:
        """(JSON name, type code) for each type; one pair with the plain name when it is no choice."""
        if not self.is_choice:
            return tuple((self.name, kind.code) for kind in self.types[:1])
        stem = self.name.removesuffix("[x]")
        return tuple((stem + kind.code[0].upper() + kind.code[1:], kind.code) for kind in self.types)
