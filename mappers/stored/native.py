"""Native parts: resources that no database of the hospital holds, kept as clients write them.

A type is switched on by its name alone: its search parameters are the standard's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mappers.facade.tables import fhir_resource
from mappers.mapping import Id, Part, ResourceMapping, SearchParam, SqlSource
from mappers.parse import declared_type
from mappers.sql import all_of
from mappers.stored import pairs
from mappers.stored.meta_params import meta_params
from mappers.stored.values import ELSEWHERE, KINDS, Indexed, Stored, leading_to
from mappers.value import Value
from mappers.values.time import Instant
from terminology import definitions

R = fhir_resource.c
NATIVE = Id("n-", R.id)
NATIVE_PART = f"{NATIVE.prefix}{fhir_resource.name}"
#: (type, part, id): what a reference may lead to
Target = tuple[str, str, Id]
_SIMPLE = re.compile(r"[A-Z]\w*((?:\.\w+)+?)(?:\.where\(resolve\(\) is \w+\))?")


def natives(names: Iterable[str], mappings: Mapping[str, ResourceMapping]) -> dict[str, ResourceMapping]:
    """Mappings of all types: those there are, and a native part for each of the names."""
    found = dict(mappings)
    for name in names:
        held = found.get(name) or ResourceMapping(name, ())
        found[name] = replace(held, search_params=_params(held), _names={})
    targets = _targets(names, mappings)
    for name in names:
        mapping = found[name]
        found[name] = replace(mapping, parts=(*mapping.parts, _part(mapping, targets)), _names={})
    return found


def _params(mapping: ResourceMapping) -> tuple[SearchParam, ...]:
    """The mapping's own parameters, and the standard's that it lacks."""
    standard = definitions.search_parameters(mapping.resource_type).values()
    lacked = [d for d in standard if _fits(d) and d.code not in mapping.params]
    more = [_declared(d, _paths(d.resource_type, d.expression)) for d in lacked]
    return (*mapping.search_params, *more, *meta_params(mapping))


def _declared(definition: Any, paths: tuple[str, ...]) -> SearchParam:
    if definition.type == "composite":
        return pairs.declared(definition.resource_type, definition.code, paths)
    return SearchParam(definition.code, of=paths)


def _fits(definition: Any) -> bool:
    """Whether we can answer by it; those of every type (`_id`, …) are found otherwise."""
    plain = not definition.code.startswith("_") and bool(definition.expression)
    if definition.type == "composite":
        return plain and pairs.fits(definition.resource_type, definition.code)
    return plain and (definition.type in KINDS or definition.type == "reference")


def _paths(resource_type: str, expression: str) -> tuple[str, ...]:
    """The paths of an expression as includes follow them; what is no plain path is left out."""
    pieces = (p.strip() for p in expression.split("|"))
    mine = (_SIMPLE.fullmatch(p) for p in pieces if p.startswith(resource_type + "."))
    return tuple(path[1][1:] for path in mine if path)


def _targets(names: Iterable[str], mappings: Mapping[str, ResourceMapping]) -> Sequence[Target]:
    mapped = [(m.resource_type, p.name, p.id) for m in mappings.values() for p in m.parts]
    return [*mapped, *((name, NATIVE_PART, NATIVE) for name in names)]


def _part(mapping: ResourceMapping, targets: Sequence[Target]) -> Part:
    mine = all_of(R.resource_type == mapping.resource_type, R.part == "", R.deleted == 0)
    return Part(
        NATIVE,
        SqlSource(fhir_resource, where=mine),
        (),
        last_updated=Instant(R.last_updated),
        writable=True,
        whole=Stored(R.content),
        version=R.version,
        indexed={p.name: v for p in mapping.search_params if (v := indexed(mapping, p, targets))},
        comment="Kept as clients write it.",
    )


def indexed(mapping: ResourceMapping, param: SearchParam, targets: Sequence[Target]) -> Indexed | None:
    """What finds a parameter's values in the index; None for what isn't indexed."""
    if declared_type(mapping.resource_type, param) != "composite":
        found = _alternatives(mapping, param, targets)
    elif pairs.fits(mapping.resource_type, param.name):
        second = SearchParam(pairs.components(mapping.resource_type, param.name)[1].param, of=())
        found = [(part, pairs.Pair(value)) for part, value in _alternatives(mapping, second, targets)]
    else:
        found = []
    return Indexed(mapping.resource_type, param.name, found) if found else None


def _alternatives(
    mapping: ResourceMapping, param: SearchParam, targets: Sequence[Target]
) -> Sequence[tuple[str, Value]]:
    """Each kind of value that a parameter may have, with the part that it leads to."""
    kind = declared_type(mapping.resource_type, param)
    if kind == "reference":
        definition = definitions.search_parameter(mapping.resource_type, param.name)
        allowed = set(param.target or (definition.target if definition else ()))
        led = [(part, leading_to(name, id_)) for name, part, id_ in targets if name in allowed]
        return [*led, *ELSEWHERE] if led else []
    return [("", KINDS[kind])] if kind in KINDS else []
