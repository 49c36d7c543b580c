"""Whether columns can be sealed at all: what of the mappings would no longer work with ciphertext."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression

from mappers.from_clause import Compilation
from mappers.mapping import Part, ResourceMapping
from mappers.parse import SearchFault
from mappers.query import Criterion
from mappers.reach import ALL_PERMITS, Mappings, all_names, names_in, part_names, sample_terms
from mappers.scope import PartScope
from mappers.sealed import Sealed, by_blind_index
from mappers.site import Site
from mappers.sql import plain
from mappers.statement import Slots
from mappers.terms import Mode, Term, Text
from mappers.value import Columns, Value
from mappers.values.references import ReferenceTo


def obstacles(mappings: Mappings, sealed: Sealed) -> list[str]:
    """In words, why those columns can't be sealed; nothing if they can."""
    read = {(n.table, n.column) for n in all_names(mappings) if n.schema == "cdss_db"}
    found = [f"{table}.{column} is read by no mapping" for table, column in sorted(sealed.columns - read)]
    site = Site(sealed=sealed)
    for mapping in mappings.values():
        for part in mapping.parts:
            found += _of_keys(mapping, part, sealed)
            found += _of_searches(mappings, mapping, part, site)
    return list(dict.fromkeys(found))


def _of_keys(mapping: ResourceMapping, part: Part, sealed: Sealed) -> Iterator[str]:
    """Columns that find or join rows."""
    expressions = [j.on for j in part.joins]
    for element in part.elements:
        expressions += _links(element.value)
    compared = part_names(part) | names_in(*expressions)
    for name in sorted(n for n in compared if (n.table, n.column) in sealed.columns):
        yield f"{name.table}.{name.column} is a key, or joins or picks rows of {mapping.resource_type}"


def _links(value: Any) -> Iterator[Any]:
    """What references and child rows compare."""
    if isinstance(value, ReferenceTo):
        yield from (r.own for r in value.routes)
        yield from (r.id.column for r in value.routes)
        yield from (j.on for j in value.joins)
    recorded = Columns(Site())
    value.reader(recorded)
    for query in recorded.children:
        children = query.children
        yield from (children.own, children.link, children.where, *(j.on for j in children.child_joins))


def _of_searches(mappings: Mappings, mapping: ResourceMapping, part: Part, site: Site) -> Iterator[str]:
    """Parameters that compare ciphertext: only whole texts and tokens can be looked up blind."""
    if not any(_reads(element.value, site) for element in part.elements):
        return
    for name in mapping.params:
        terms = [*sample_terms(mappings, mapping, name), Text("x", "x", Mode.EXACT)]
        for column in _compared(mappings, mapping, part, name, terms, site):
            yield f"{column} is compared by {mapping.resource_type}?{name}, and not as a whole text"


def _reads(value: Value, site: Site) -> bool:
    columns = Columns(replace(site, permits=ALL_PERMITS))
    value.reader(columns)
    return bool(columns.sealed) or any(q.columns.sealed for q in columns.children)


def _compared(
    mappings: Mappings, mapping: ResourceMapping, part: Part, name: str, terms: Sequence[Term], site: Site
) -> Iterator[str]:
    for term in terms:
        criterion = Criterion(name, (term,))
        scope = PartScope(
            Compilation(mappings, site, Slots(list(criterion.flat())), by_post=True), mapping, part
        )
        try:
            condition = plain(scope.criterion(criterion))
        except SearchFault:  # refused: nothing is compared
            continue
        assert site.sealed is not None
        yield from (f"{c.table.name}.{c.name}" for c in _bare(condition, site.sealed))


def _bare(expression: Any, sealed: Sealed) -> Iterator[Column[Any]]:
    """Sealed columns of an expression, apart from blind comparisons and from "is anything there"."""
    if isinstance(expression, by_blind_index) or _is_presence(expression):
        return
    if isinstance(expression, Column) and sealed.covers(expression):
        yield expression
    for inner in expression.get_children():
        yield from _bare(inner, sealed)


def _is_presence(expression: Any) -> bool:
    """`TRIM(column) <> ''` (`mappers.sql.filled`): true of ciphertext where it is true of the text."""
    return (
        isinstance(expression, BinaryExpression)
        and expression.operator is operators.ne
        and getattr(expression.right, "value", None) == ""
    )
