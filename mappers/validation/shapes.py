"""What an object of a type or of a backbone element may hold, in the form that the walk looks things up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from terminology import definitions
from terminology.definitions import ElementDefinition

_NESTED = ("BackboneElement", "Element")


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """One element by its JSON name: a choice has a child for each of its types.

    `step` is its FHIRPath behind its parent's, `shape` where its own children are defined: empty for a
    primitive, and for a resource, which says its type itself.
    """

    name: str
    stem: str
    step: str
    type_code: str
    is_primitive: bool
    is_list: bool
    most: int | None
    shape: str
    path: str
    targets: tuple[str, ...]
    binding: str | None
    largest: str | None


@dataclass(frozen=True, slots=True)
class Mandatory:
    """An element that must be there, under one of its names, at least `least` times."""

    stem: str
    names: tuple[str, ...]
    least: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A type's or backbone element's children by JSON name, and what must be there."""

    path: str
    children: Mapping[str, Child]
    mandatory: tuple[Mandatory, ...]


@cache
def shape_of(path: str) -> Shape:
    """The shape of a type (`Patient`, `Quantity`) or of a backbone element (`Patient.contact`)."""
    own = [one for one in _elements(path) if one.path.rpartition(".")[0] == path]
    children = {child.name: child for one in own for child in _children(one)}
    return Shape(path, children, tuple(_mandatory(one) for one in own if one.min > 0))


def _elements(path: str) -> Iterator[ElementDefinition]:
    yield from definitions.elements(path.split(".")[0]).values()


def _mandatory(one: ElementDefinition) -> Mandatory:
    return Mandatory(_stem(one), tuple(name for name, _ in one.choices()) or (_stem(one),), one.min)


def _stem(one: ElementDefinition) -> str:
    return one.name.removesuffix("[x]")


def _children(one: ElementDefinition) -> Iterator[Child]:
    if one.content_reference:
        yield _child(one, one.name, "", one.content_reference)
    for name, code in one.choices():
        yield _child(one, name, code, _shape(one, code))


def _shape(one: ElementDefinition, code: str) -> str:
    if code in _NESTED:
        return one.path
    return code if definitions.kind(code) == "complex-type" else ""


def _child(one: ElementDefinition, name: str, code: str, shape: str) -> Child:
    stem = _stem(one)
    return Child(
        name, stem, f"{stem}.ofType({code})" if one.is_choice else stem, code,
        definitions.kind(code) == "primitive-type", one.is_list, _most(one), shape, one.path,
        tuple(target for kind in one.types if kind.code == code for target in kind.targets),
        one.value_set if one.binding_strength == "required" else None,
        definitions.max_value_set(one.path),
    )  # fmt: skip


def _most(one: ElementDefinition) -> int | None:
    return None if one.max == "*" else int(one.max)
