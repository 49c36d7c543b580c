"""The mappings as data: what each element is read from and what each parameter searches.

Documentation, OpenAPI, `doctor` and the drift check read this and nothing else of a mapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from mappers.mapping import Join, Part, ResourceMapping
from mappers.param_places import param_places
from mappers.parse import COMMON, declared_type
from mappers.reach import (
    ColumnName,
    Names,
    names_in,
    needed_names,
    parameter_names,
    part_names,
    read_names,
    schema_of,
)
from mappers.value import Value
from mappers.values.children import Children
from mappers.values.compounds import Backbone
from mappers.values.fixed import Fixed, codings
from mappers.values.references import ReferenceTo

Mappings = Mapping[str, ResourceMapping]


@dataclass(frozen=True)
class Joined:
    """A table that is read beside a part's own, and the columns that lead to it."""

    table: str
    on: tuple[ColumnName, ...]


@dataclass(frozen=True)
class ElementDescribed:
    """One element: `kind` is the value kind, `columns` what it shows, `needs` all that it takes."""

    path: str
    kind: str
    columns: tuple[ColumnName, ...]
    needs: Names
    fixed: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParameterDescribed:
    """One parameter in one part: the columns that its conditions compare (none: it can't match here)."""

    name: str
    columns: tuple[ColumnName, ...]


@dataclass(frozen=True)
class PartDescribed:
    """One part: which rows of which table ('': of none, a constant row), and what becomes of them."""

    name: str
    id: str
    schema: str
    table: str
    rows: tuple[ColumnName, ...]
    joins: tuple[Joined, ...]
    elements: tuple[ElementDescribed, ...]
    parameters: tuple[ParameterDescribed, ...]
    writable: bool
    read_only_because: str
    comment: str

    @property
    def needs(self) -> Names:
        """Every column that the part reads or compares."""
        found = frozenset(self.rows)
        for element in self.elements:
            found |= element.needs
        for parameter in self.parameters:
            found |= frozenset(parameter.columns)
        return found


@dataclass(frozen=True)
class ParameterDeclared:
    """A parameter of a type: search type, an example value, the types it leads to (references)."""

    name: str
    type: str
    example: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class TypeDescribed:
    """One resource type."""

    resource_type: str
    parts: tuple[PartDescribed, ...]
    parameters: tuple[ParameterDeclared, ...]
    profiles: tuple[str, ...]
    comment: str


def described(mappings: Mappings) -> list[TypeDescribed]:
    """Every mapping, by type."""
    return [_type(mappings, mapping) for _, mapping in sorted(mappings.items())]


def _type(mappings: Mappings, mapping: ResourceMapping) -> TypeDescribed:
    return TypeDescribed(
        mapping.resource_type,
        tuple(_part(mappings, mapping, part) for part in mapping.parts),
        tuple(_declared(mappings, mapping, name) for name in usable_parameters(mappings, mapping)),
        tuple(dict.fromkeys(p.url for part in mapping.parts for p in part.profiles)),
        mapping.comment,
    )


def usable_parameters(mappings: Mappings, mapping: ResourceMapping) -> list[str]:
    """The parameters that can find something: common ones first, none that refers to types not served."""
    common = [n for n in COMMON if n == "_id" or any(param_places(mapping, p, n) for p in mapping.parts)]
    return common + [n for n in sorted(mapping.params) if n not in common and _usable(mappings, mapping, n)]


def _usable(mappings: Mappings, mapping: ResourceMapping, name: str) -> bool:
    if mapping.params[name].components:
        return True
    found = [p.value for part in mapping.parts for p in param_places(mapping, part, name)]
    searched = [v for v in found if v.takes]
    return any(not isinstance(v, ReferenceTo) or v.resource_type in mappings for v in searched)


def _declared(mappings: Mappings, mapping: ResourceMapping, name: str) -> ParameterDeclared:
    declared = mapping.params.get(name)
    kind = declared_type(mapping.resource_type, declared) if declared else COMMON[name]
    found = [p.value for part in mapping.parts for p in param_places(mapping, part, name)]
    targets = {v.resource_type for v in found if isinstance(v, ReferenceTo) and v.resource_type in mappings}
    return ParameterDeclared(name, kind, declared.example if declared else "", tuple(sorted(targets)))


def _part(mappings: Mappings, mapping: ResourceMapping, part: Part) -> PartDescribed:
    table: Any = part.source.table
    return PartDescribed(
        part.name,
        f"{part.id.prefix}{{{part.id.column.key}}}{part.id.suffix}",
        schema_of(table) if isinstance(table, Table) else "",
        table.name if isinstance(table, Table) else "",
        tuple(sorted(part_names(part))),
        tuple(_joins(part)),
        tuple(_elements(part)),
        tuple(_parameters(mappings, mapping, part)),
        part.written_here,
        part.read_only_because,
        part.comment,
    )


def _joins(part: Part) -> Iterator[Joined]:
    seen = set()
    for join in part.joins:
        table: Any = getattr(join.table, "element", join.table)
        on = tuple(sorted(names_in(join.on)))
        if (table.name, on) not in seen:
            seen.add((table.name, on))
            yield Joined(f"{schema_of(table)}.{table.name}", on)


def _parameters(mappings: Mappings, mapping: ResourceMapping, part: Part) -> Iterator[ParameterDescribed]:
    for name in usable_parameters(mappings, mapping):
        yield ParameterDescribed(name, tuple(sorted(parameter_names(mappings, mapping, part, name))))


def _elements(part: Part) -> Iterator[ElementDescribed]:
    beside = [("meta.lastUpdated", part.last_updated), ("meta.security[]", part.security)]
    yield from (_leaf(path, value, part.joins) for path, value in beside if value is not None)
    for element in part.elements:
        yield from _unfolded(element.path, element.value, part.joins)


def _unfolded(
    path: str, value: Value, joins: Sequence[Join], around: Names = frozenset()
) -> Iterator[ElementDescribed]:
    """The element, or what is inside a backbone element, one by one; `around`: what leads to child rows."""
    contents = value.unfold() if hasattr(value, "unfold") else ()
    if not contents:
        yield _leaf(path, value, joins, around)
    for content, container in contents:
        inner, leading = joins, around
        if isinstance(container, Children):
            inner = container.child_joins
            leading = around | names_in(container.own, container.link, container.where, *container.order)
        if isinstance(content, Value):
            yield from _unfolded(path, content, inner, leading)
        else:
            # as they are read: a condition sees some of them otherwise
            for element in container.elements if isinstance(container, Backbone) else content:
                yield from _unfolded(f"{path}.{element.path}", element.value, inner, leading)


def _leaf(path: str, value: Value, joins: Sequence[Join], around: Names = frozenset()) -> ElementDescribed:
    columns = tuple(sorted(read_names(value)))
    return ElementDescribed(
        path,
        type(value).__name__,
        columns,
        needed_names(value, joins) | around,
        "" if columns else _fixed(value),
        (value.resource_type,) if isinstance(value, ReferenceTo) else (),
    )


def _fixed(value: Value) -> str:
    """A fixed value (or several to choose from) as its codes, else as it is."""
    if not isinstance(value, Fixed):
        return ", ".join(filter(None, map(_fixed, getattr(value, "values", ()))))
    found = [f"{system}|{code}" if system else code for system, code in codings(value.value)]
    return ", ".join(found) or str(value.value)
