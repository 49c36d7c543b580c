"""Statements by the shape of what is asked: each is compiled once and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sqlalchemy import ColumnElement, Select, literal_column, select, table

from mappers.branch import Branch, BranchAsSent, groups
from mappers.database import Database, Rows
from mappers.from_clause import Compilation
from mappers.index_order import Indexes, index_order
from mappers.mapping import Part, ResourceMapping
from mappers.outage import Remains, TableName, Tables, Without, plain_schema
from mappers.query import Access, SearchQuery
from mappers.reader import Reader
from mappers.scope import PartScope, visible
from mappers.select import After, counted, page_of_keys, union_of_keys
from mappers.site import Site
from mappers.sql import plain
from mappers.statement import Slots, Statement, compiled
from mappers.stored.amendments import Amendments

WHOLE = Without()


@dataclass(frozen=True)
class Position:
    """Where a page ended: branch, native key, part, and the sort values as the database wrote them.

    `by`: the columns whose values those are, where an index and not the search has set the order.
    """

    branch: int
    key: Any
    part: int
    sorts: tuple[Any, ...] = ()
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The compiled form of one shape of query: the branches that can match, by number, as their readers.

    `fused`: the branch whose whole rows the statement yields; `width`: how many sort values it yields;
    `last`: branches that come after all rows of the others which have a value to sort by. `by`: the columns
    that those values are of, where the search says no order.
    """

    readers: dict[int, Reader]
    statement: Statement | None
    fused: int | None
    width: int
    last: frozenset[int] = frozenset()
    by: tuple[str, ...] = ()

    def over(self, after: Position | None) -> frozenset[int]:
        """The branches that come before a position's, in a search without an order."""
        first = 0 if after is None or self.ordered else after.branch
        return frozenset(n for n in self.readers if n < first)

    def later(self, after: Position | None) -> frozenset[int]:
        """The branches that come after all rows of the others behind a position; none where that can't be
        told of any.
        """
        if self.ordered:
            behind = after is not None and after.sorts[0] is None
            return frozenset() if behind or self.last == self.readers.keys() else self.last
        left = sorted(n for n in self.readers if after is None or n >= after.branch)
        return frozenset(left[1:])

    @property
    def ordered(self) -> bool:
        """Whether the search says in which order its matches come."""
        return bool(self.width) and not self.by

    @property
    def united(self) -> bool:
        """Whether the statement yields the keys of several branches."""
        return len(self.readers) > 1

    @cached_property
    def own(self) -> int:
        """How many columns of each row are the fused branch's own."""
        return len(self.readers[self.fused].columns.selected) if self.fused is not None else 0

    def straight(self, rows: Rows) -> Reader | None:
        """The reader, if each of the rows is one whole resource."""
        reader = self._straight
        alone = reader is None or not self.united or all(int(row[self.own]) == self.fused for row in rows)
        return reader if alone else None

    @cached_property
    def _straight(self) -> Reader | None:
        reader = self.readers[self.fused] if self.fused is not None else None
        return reader if reader and len(reader.parts) == 1 and not reader.columns.children else None


class Plans:
    """What queries over one database's mappings become."""

    def __init__(
        self,
        mappings: Mapping[str, ResourceMapping],
        database: Database,
        site: Site,
        cache: int,
        indexes: Indexes,
    ) -> None:
        self.mappings, self.database, self.site, self.indexes = mappings, database, site, indexes
        self._plans: OrderedDict[Hashable, Any] = OrderedDict()
        self._cache = cache
        self.amended = Amendments(mappings)
        self._readers: dict[tuple[str, str, Tables], Reader | None] = {}

    def plan(
        self,
        query: SearchQuery,
        after: After | None,
        access: Access,
        by_post: bool,
        without: Without = WHOLE,
        keys_only: bool = False,
        by_key: bool = False,
    ) -> Plan:
        """The compiled form of a query's shape, cached.

        `keys_only`: no whole rows come with the keys. `by_key`: without an order, rows come by key even where
        an index would serve another order.
        """
        key = (query.shape, after, access.shape, by_post, without, keys_only, by_key, self.amended.known)
        make = partial(self._compile, query, after, access, by_post, without, keys_only, by_key)
        found: Plan = self.cached(key, make)
        return found

    def cached(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` yields, made once for each key while it is kept."""
        plans = self._plans
        found = plans.get(key)
        if found is None:
            found = plans[key] = make()
            if len(plans) > self._cache:
                plans.popitem(last=False)
        else:
            plans.move_to_end(key)
        return found

    def branches(self, query: SearchQuery, access: Access, by_post: bool, slots: Slots) -> dict[int, Branch]:
        """The branches that can match, by number."""
        compilation = Compilation(
            self.mappings, self.site, slots, access, by_post, amended=self.amended.known
        )
        mapping = self.mappings[query.resource_type]
        found = {}
        for parts in groups(mapping, query):
            branch = Branch(compilation, mapping, parts, query)
            number = mapping.parts.index(parts[0])
            if branch.possible:
                found[number] = branch
            if branch.possible and branch.sent:
                found[len(mapping.parts) + number] = BranchAsSent(compilation, mapping, parts, query)
        return found

    def opened(
        self,
        mapping: ResourceMapping,
        part: Part,
        access: Access,
        slots: Slots,
        columns: Sequence[ColumnElement[Any]],
    ) -> Select[Any] | None:
        """Columns of a part's rows that an access opens; None: no row."""
        compilation = Compilation(self.mappings, self.site, slots, access, amended=self.amended.known)
        scope = PartScope(compilation, mapping, part)
        found = visible(scope)
        if found is None:
            return None
        conditions = [plain(a) for a in found]
        return select(*columns).select_from(scope.source(*columns, *conditions)).where(*conditions)

    def _compile(
        self,
        query: SearchQuery,
        after: After | None,
        access: Access,
        by_post: bool,
        without: Without,
        keys_only: bool,
        by_key: bool,
    ) -> Plan:
        slots = Slots([*query.terms(), *access.terms])
        found = self.branches(query, access, by_post, slots)
        kept = {n: (b, self.reader(b, without.tables)) for n, b in found.items() if n not in without.branches}
        branches = {n: b for n, (b, reader) in kept.items() if reader}
        readers = {n: reader for n, (_, reader) in kept.items() if reader}
        width = len(query.sort)
        if not branches:
            return Plan(readers, None, None, width)
        if len(branches) == 1 and not keys_only:
            [(number, branch)] = branches.items()
            by = self.put_in_order(branch, number, after, by_key)
            columns = readers[number].columns.selected
            statement: Any = page_of_keys(branch, number, slots, after, columns)
            return Plan(readers, self.text(statement, slots), number, width or len(by), by=by)
        # without an order branch follows branch, and the first has been asked before
        first = min(branches) if query.sort and not keys_only else None
        along = readers[first].columns.selected if first is not None else ()
        statement = union_of_keys(sorted(branches.items()), slots, after, self.database.collation, along)
        return Plan(readers, self.text(statement, slots), first, width, frozenset(_last(branches)))

    def put_in_order(
        self, branch: Branch, number: int, after: After | None = None, by_key: bool = False
    ) -> tuple[str, ...]:
        """Orders a branch of a search that says no order; by what. A cursor goes on in its own."""
        if branch.query.sort:
            return ()
        within = after is not None and after.branch == number
        by = after.by if after and within else () if by_key else index_order(branch, self.indexes)
        branch.order_by(by)
        return by

    def text(self, statement: Any, slots: Slots) -> Statement:
        """The statement as this database takes it."""
        return compiled(statement, self.database.dialect, slots, self.database.schemas)

    def reader(self, branch: Branch, lost: Tables = frozenset()) -> Reader | None:
        """The reader of a branch's parts, made once; None where nothing is left of them without the lost."""
        key = (branch.mapping.resource_type, "|".join(p.name for p in branch.parts), lost)
        if key not in self._readers:
            self._readers[key] = self._reader(branch, lost)
        return self._readers[key]

    def reader_of(self, mapping: ResourceMapping, part: Part) -> Reader:
        """The reader of one part's rows."""
        key = (mapping.resource_type, part.name, Tables())
        if key not in self._readers:
            self._readers[key] = Reader(mapping, (part,), self.site)
        found = self._readers[key]
        assert found is not None
        return found

    def _reader(self, branch: Branch, lost: Tables) -> Reader | None:
        if not lost:
            return Reader(branch.mapping, branch.parts, self.site)
        key = ("remains", branch.mapping.resource_type, lost)
        remains: Remains = self.cached(key, lambda: Remains(branch.mapping, lost))
        return remains.reader(branch.parts, self.site)

    def probe(self, name: TableName) -> str:
        """The SQL that tells whether a table can be asked."""
        schema, table_name = name
        source = table(table_name, schema=plain_schema(schema))
        asked: Any = (
            select(literal_column("1")).select_from(source).where(literal_column("1") == literal_column("0"))
        )
        found: str = self.cached(("probe", name), lambda: self.text(asked, Slots(())).sql)
        return found

    def counts(self, query: SearchQuery, access: Access, by_post: bool, bounded: bool) -> list[Statement]:
        """A statement for each branch that counts its matches; `bounded`: up to :bound."""
        shape = ("total", query.shape, access.shape, by_post, bounded, self.amended.known)
        found: list[Statement] = self.cached(shape, lambda: self._counts(query, access, by_post, bounded))
        return found

    def _counts(self, query: SearchQuery, access: Access, by_post: bool, bounded: bool) -> list[Statement]:
        slots = Slots([*query.terms(), *access.terms])
        branches = self.branches(SearchQuery(query.resource_type, query.where), access, by_post, slots)
        bound = slots.named("bound") if bounded else None
        return [self.text(counted(b, bound), slots) for b in branches.values()]


def _last(branches: Mapping[int, Branch]) -> Iterator[int]:
    """Branches without a value to sort by, where NULL comes last."""
    for number, branch in branches.items():
        if branch.orders and branch.orders[0].descending and branch.orders[0].expression is None:
            yield number
