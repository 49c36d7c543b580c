"""Rows of which a search is answered by what clients have sent, since their columns tell it otherwise.

A row is amended for a parameter where what was sent is searched by other values than what the columns tell.
Those values stand in `fhir_index`; `fhir_amended` says for which parameter, and of which columns (`guard`):
once others change these, the columns count again, as they do when the row is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import FromClause, Select, String, case, cast, func, literal, select

from mappers.facade.tables import fhir_amended, fhir_resource
from mappers.from_clause import with_joins
from mappers.mapping import Id, Part, ResourceMapping, SqlSource, clean_name
from mappers.site import Site
from mappers.sql import one_of
from mappers.stored.native import Target, indexed
from mappers.stored.told import Belonging, Places
from mappers.value import Column, Columns
from mappers.values.computed import joined_in_order

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
    held, told = held_key(part), told_by(mapping, part, param)
    kept: FromClause = fhir_resource.join(fhir_amended, A.resource == R.id)
    if not told.nothing:
        kept = told.joined(kept.join(part.source.table, part.id.column == held))
    unchanged = one_of(A.guard, ["", told.guard])
    return select(held).select_from(kept).where(A.part == part.name, A.param == param, unchanged)


@dataclass(frozen=True, eq=False)
class Told:
    """What tells the elements that a parameter searches: a row's own columns, and rows that belong to it.

    `away`: those of them that are in the other database. The guard's first half is made of what is here, so
    that it can be made again by who sees no more.
    """

    part: Part
    columns: Sequence[Column]
    lists: Sequence[Belonging]
    away: Sequence[Belonging]

    @property
    def nothing(self) -> bool:
        """Whether nothing tells them."""
        return not (self.columns or self.lists or self.away)

    @property
    def guard(self) -> Any:
        """A digest of all of it, made by the database; '' of nothing."""
        if self.nothing:
            return literal("")
        return self.here.concat(_half((), self.away)) if self.away else self.here

    @property
    def here(self) -> Any:
        """The guard's first half: HALF characters."""
        return _half(self.columns, self.lists)

    def joined(self, source: FromClause, *, here: bool = False) -> FromClause:
        """A FROM that has the part's table, with the joins that the guard (or its first half) needs."""
        ends = (each.children.own for each in (*self.lists, *(() if here else self.away)))
        return with_joins(source, self.part.joins, *self.columns, *ends)


def told_by(mapping: ResourceMapping, part: Part, param: str) -> Told:
    """What a parameter's search values of a row depend on; what was sent counts while it is unchanged."""
    heads = {clean_name(path.partition(".")[0]) for path in mapping.params[param].paths}
    columns = Columns(_ANY_SITE, part.source.table)
    places = Places.of(part, columns, [e for e in part.elements if e.segments[0] in heads])
    used = [columns.selected[i] for i in places.columns]
    own = [c for table in part.tables for c in table.c if any(c is u for u in used)]
    lists = [Belonging(part, columns.children[-i - 1]) for i in places.lists]
    return Told(part, own, [x for x in lists if not x.away], [x for x in lists if x.away])


HALF = 32


def _half(columns: Sequence[Column], lists: Sequence[Belonging]) -> Any:
    return func.substr(_digest(columns, lists), 1, HALF)


def _digest(columns: Sequence[Column], lists: Sequence[Belonging]) -> Any:
    texts = (case((c.is_(None), literal("-")), else_=literal("+").concat(cast(c, String()))) for c in columns)
    # MySQL 9.6 took MD5 and SHA1 away
    return func.sha2(func.concat_ws("\x1f", *texts, *map(_of_rows, lists)), 256)


def _of_rows(each: Belonging) -> Any:
    """The digests of child rows, in the order that they are read in."""
    children, digest = each.children, _digest(each.columns, each.inner)
    found = select(joined_in_order(digest, *children.order, digest)).select_from(children.rows())
    found = found.where(children.link == children.own, children.where).limit(1)
    return func.coalesce(found.correlate(children.own.table).scalar_subquery(), "")
