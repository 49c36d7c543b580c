"""Rows of which a search is answered by what clients have sent, since their columns tell it otherwise.

A row is amended for a parameter where what was sent is searched by other values than what the columns tell.
Those values stand in `fhir_index`; `fhir_amended` says for which parameter, and of which columns (`guard`):
once others change these, the columns count again, as they do when the row is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, String, case, cast, func, literal, select

from mappers.facade.tables import fhir_amended, fhir_resource
from mappers.mapping import Id, Part, ResourceMapping, SqlSource, clean_name
from mappers.site import Site
from mappers.sql import any_of
from mappers.stored.native import Target, indexed
from mappers.value import Column, Columns

R, A = fhir_resource.c, fhir_amended.c
#: (part, parameter): any row of the part is amended for it
Known = frozenset[tuple[str, str]]
NONE_KNOWN: Known = frozenset()
_ANY_SITE = Site()


def amendable(mappings: Mapping[str, ResourceMapping]) -> dict[str, ResourceMapping]:
    """The mappings, whose rows with a rest can be searched by it."""
    targets = [(m.resource_type, p.name, p.id) for m in mappings.values() for p in m.parts]
    return {name: _amendable(mapping, targets) for name, mapping in mappings.items()}


def _amendable(mapping: ResourceMapping, targets: Sequence[Target]) -> ResourceMapping:
    if all(p.rest is None for p in mapping.parts):
        return mapping
    parts = (p if p.rest is None else replace(p, amended=_beside(mapping, p, targets)) for p in mapping.parts)
    return replace(mapping, parts=tuple(parts), _names={})


def _beside(mapping: ResourceMapping, part: Part, targets: Sequence[Target]) -> Part:
    """What is kept beside a part's rows, as a part: its keys are theirs."""
    own = Id(part.id.prefix, held_key(part), part.id.suffix)
    values = {p.name: v for p in mapping.search_params if (v := indexed(mapping, p, targets))}
    return Part(own, SqlSource(fhir_resource, where=R.part == part.name), (), indexed=values)


def held_key(part: Part) -> Column:
    """The column of `fhir_resource` that holds the part's keys."""
    return R.key_int if part.id.numeric else R.key_text


def amended_keys(mapping: ResourceMapping, part: Part, param: str) -> Select[Any]:
    """The keys of the part's rows that are amended for a parameter, and not changed by others since."""
    own, held = part.source.table.alias("held"), held_key(part)
    told = guard_columns(mapping, part, param)
    unchanged = A.guard == guard([own.c[c.name] for c in told])
    return (
        select(held)
        .select_from(
            fhir_resource.join(fhir_amended, A.resource == R.id).join(own, own.c[part.id.column.name] == held)
        )
        .where(
            A.part == part.name, A.param == param, any_of(A.guard == "", unchanged) if told else A.guard == ""
        )
    )


def guard_columns(mapping: ResourceMapping, part: Part, param: str) -> list[Any]:
    """The part's own columns that tell the elements which a parameter searches, in their order."""
    heads = {clean_name(path.partition(".")[0]) for path in mapping.params[param].paths}
    columns = Columns(_ANY_SITE)
    used: set[int | None] = set()
    for element in part.elements:
        if element.segments[0] in heads:
            used |= columns.used_by(element.value)
    own = {c.name for i, c in enumerate(columns.selected) if i in used and _of(c) is part.source.table}
    return [c for c in part.source.table.c if c.name in own]


def _of(column: Any) -> Any:
    return getattr(column, "table", None)


def guard(columns: Sequence[Any]) -> Any:
    """A digest of columns, made by the database; '' of none."""
    if not columns:
        return literal("")
    texts = (case((c.is_(None), literal("-")), else_=literal("+").concat(cast(c, String()))) for c in columns)
    # MySQL 9.6 took MD5 and SHA1 away
    return func.sha2(func.concat_ws("\x1f", *texts), 256)
