"""Which real columns a declaration reaches: what values read, what joins and conditions compare.

Aliases are resolved to the tables behind them. Documentation, the drift check and `doctor` share this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.types import Date, Integer, LargeBinary, Numeric, TypeEngine

from mappers import column_types
from mappers.from_clause import Compilation
from mappers.mapping import Join, Part, ResourceMapping
from mappers.parse import declared_type
from mappers.query import Criterion
from mappers.scope import PartScope
from mappers.site import Site
from mappers.sql import Condition, plain, tables_of
from mappers.statement import Slots
from mappers.terms import Amount, Composite, Prefix, Range, Ref, Term, Text, Token, Uri
from mappers.value import Columns, Value
from terminology import definitions

CDSS_SCHEMA = "cdss_db"
Mappings = Mapping[str, ResourceMapping]


@dataclass(frozen=True, order=True)
class ColumnName:
    """A column of a real table; the schema is the one the declarations know it by.

    `kind`: its declared type, loosely: text, number, date or binary.
    """

    schema: str
    table: str
    column: str
    kind: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"

    @property
    def of(self) -> tuple[str, str]:
        """(schema, table)."""
        return self.schema, self.table


Names = frozenset[ColumnName]
NO_NAMES: Names = frozenset()


class _Everything(frozenset[str]):
    """The permissions of who only wants to know what could be read."""

    def __contains__(self, name: object) -> bool:
        return True


ALL_PERMITS = _Everything()


def schema_of(table: Any) -> str:
    """The schema that the declarations know a table by."""
    return getattr(table, "schema", None) or CDSS_SCHEMA


def names_in(*expressions: Any) -> Names:
    """The real columns that SQL expressions name, sub-selects included."""
    return frozenset(_names(expressions))


def _names(expressions: Iterable[Any]) -> Iterator[ColumnName]:
    for expression in expressions:
        for found in visitors.iterate(expression):
            if isinstance(found, Column):
                yield from (_name(base) for base in found.base_columns if isinstance(base, Column))


def _name(column: Column[Any]) -> ColumnName:
    table = column.table
    return ColumnName(
        schema_of(table), str(getattr(table, "name", "?")), column.name, loose_class(column.type)
    )


class Recorded:
    """What reading one value asks of its row: expressions of its own FROM, and columns of child rows."""

    def __init__(self, value: Value) -> None:
        columns = Columns(Site(permits=ALL_PERMITS))
        value.reader(columns)
        self.own: list[Any] = list(columns.selected)
        self.children: set[ColumnName] = set()
        for query in columns.children:
            self._child(query)

    def _child(self, query: Any) -> None:
        children = query.children
        asked = [*query.columns.selected, children.where, children.link, *children.order]
        self.children |= closed(asked, children.child_joins)
        for inner in query.columns.children:
            self._child(inner)

    @property
    def names(self) -> Names:
        """The columns read, without those that only join."""
        return names_in(*self.own) | self.children


def closed(expressions: Iterable[Any], joins: Iterable[Join]) -> Names:
    """The columns of expressions and of all joins that they need, and those need."""
    by_table = {id(j.table): j for j in joins}
    found, todo = list(expressions), list(expressions)
    while todo:
        for table in tables_of(todo.pop()):
            join = by_table.pop(id(table), None)
            if join is not None:
                found.append(join.on)
                todo += [join.on, *(_anchor(t) for t in join.needs)]
    return names_in(*found)


def _anchor(table: Any) -> Any:
    """Any column of a table: it stands for "this table is needed"."""
    return next(iter(table.c))


def read_names(value: Value) -> Names:
    """The columns whose content a value shows."""
    return Recorded(value).names


def needed_names(value: Value, joins: Iterable[Join]) -> Names:
    """All columns without which a value can't be read: its own, and those of the joins that lead to them."""
    recorded = Recorded(value)
    return closed(recorded.own, joins) | recorded.children


def part_names(part: Part) -> Names:
    """The columns without which no row of a part can be found."""
    conditions = (part.source.where, part.where, part.id.column)
    return closed(conditions, part.joins)


def security_names(part: Part) -> Names:
    """The columns of a part's security labels, and of who alone may see a row; without them none is shown."""
    labels = needed_names(part.security, part.joins) if part.security else NO_NAMES
    return labels | _author_names(part)


def _author_names(part: Part) -> Names:
    kept = part.author_only
    routes = kept.author.routes if kept else ()
    ends = (column for route in routes for column in (route.own, route.id.column))
    return closed([kept.condition, *ends], part.joins) if kept else NO_NAMES


def updated_names(part: Part) -> Names:
    """The columns of a part's last change."""
    return needed_names(part.last_updated, part.joins) if part.last_updated else NO_NAMES


def all_names(mappings: Mappings) -> Names:
    """Every column that mappings read or compare (parameters compare nothing that is not also read)."""
    found: set[ColumnName] = set()
    for part in (p for mapping in mappings.values() for p in mapping.parts):
        found |= part_names(part) | security_names(part) | updated_names(part)
        for element in part.elements:
            found |= needed_names(element.value, part.joins)
    return frozenset(found)


def parameter_names(mappings: Mappings, mapping: ResourceMapping, part: Part, name: str) -> Names:
    """The columns that a search by a parameter compares in a part, wherever its conditions lead."""
    return names_in(_condition(mappings, mapping, part, name))


def _condition(mappings: Mappings, mapping: ResourceMapping, part: Part, name: str) -> Condition:
    criterion = Criterion(name, tuple(sample_terms(mappings, mapping, name)))
    compilation = Compilation(mappings, Site(), Slots(list(criterion.flat())), by_post=True)
    return plain(PartScope(compilation, mapping, part).criterion(criterion))


def indexable_names(mappings: Mappings, mapping: ResourceMapping, part: Part, name: str) -> Names:
    """Columns of the part's own table that a parameter compares as they are, so that an index serves."""
    condition = _condition(mappings, mapping, part, name)
    compared = [
        found.left
        for found in visitors.iterate(condition)
        if isinstance(found, BinaryExpression) and found.operator in _INDEXED
    ]
    own = part.source.table
    return names_in(*(c for c in compared if isinstance(c, Column) and c.table is own))


_INDEXED = (operators.eq, operators.in_op, operators.lt, operators.le, operators.gt, operators.ge)


# terms that reach everything a parameter of a type can reach

_MOMENT = datetime(2025, 1, 1, tzinfo=UTC)
_ONE = Decimal(1)


def sample_terms(mappings: Mappings, mapping: ResourceMapping, name: str) -> Iterator[Term]:
    """Terms of the parameter's type that between them reach all its columns."""
    declared = mapping.params.get(name)
    if declared is not None and declared.components:
        yield Composite(
            tuple(tuple(sample_terms(mappings, mapping, n)) or (_token("x"),) for n, _ in declared.components)
        )
    elif name == "_id":
        yield from _references(mappings, [mapping.resource_type])
    else:
        yield from _simple(mappings, search_type(mapping, name))


def search_type(mapping: ResourceMapping, name: str) -> str:
    """The search type of a parameter, also of one that only a composite names."""
    declared = mapping.params.get(name)
    if declared is not None:
        return declared_type(mapping.resource_type, declared)
    definition = definitions.search_parameter(mapping.resource_type, name)
    return definition.type if definition else "token"


def _simple(mappings: Mappings, kind: str) -> Iterator[Term]:
    if kind == "reference":
        yield from _references(mappings, mappings)
    elif kind == "token":
        yield from (Token(None, None), _token("x"), _token("true"))
    elif kind == "date":
        yield Range(Prefix.GE, _MOMENT, _MOMENT)
    elif kind in ("number", "quantity"):
        yield Amount(Prefix.GT, _ONE, _ONE, _ONE)
    elif kind == "uri":
        yield Uri("x")
    else:
        yield Text("x", "x")


def _token(code: str) -> Token:
    return Token(None, code, bound=True)


def _references(mappings: Mappings, types: Iterable[str]) -> Iterator[Term]:
    for name in types:
        for part in mappings[name].parts:
            yield Ref(name, part.name, 1 if part.id.numeric else "x")


# types, as loosely as a driver's text allows

_CLASSES: tuple[tuple[tuple[type[Any], ...], str], ...] = (
    ((column_types.TemporalText, Date), "date"),
    ((column_types.Uuid16, LargeBinary), "binary"),
    ((column_types.DecimalText, column_types.FloatText, Numeric, Integer), "number"),
)


def loose_class(type_: TypeEngine[Any]) -> str:
    """`text`, `number`, `date` or `binary`."""
    return next((name for types, name in _CLASSES if isinstance(type_, types)), "text")


def declared_columns(tables: Iterable[Table]) -> dict[ColumnName, str]:
    """The loose class of every column that tables declare."""
    return {_name(column): loose_class(column.type) for table in tables for column in table.columns}
