"""Reads and searches: from a typed query to a page of resources. One compiler for everything that selects."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select

from mappers.codes_first import codes_first
from mappers.database import Database, Rows, SourceDownError
from mappers.index_order import Indexes
from mappers.mapping import Part, ResourceMapping
from mappers.outage import Outage, Tables, Without, lacking, tables_of
from mappers.patients_first import patients_first
from mappers.plans import WHOLE, Plan, Plans, Position
from mappers.query import UNRESTRICTED, Access, Criterion, SearchQuery
from mappers.reader import Reader, Resource, Unreadable
from mappers.select import After
from mappers.site import Site
from mappers.statement import Slots, Statement
from mappers.terms import Ref, Term
from mappers.whole_rows import WholeRows

#: a source that joins no more is read without a look for its keys before
FEW_TABLES = 5


@dataclass
class Page:
    """Matches in order; `after`: where the next page starts, None after the last; `down`: what wasn't asked.

    `lacking`: sources that couldn't be asked for what else they say of the matches.
    `found` rows were taken (one may have gone before it was read); `last` is where they end.
    `coming`: further matches of an engine that reads lazily, each made when it is asked for.
    """

    matches: list[Resource | Unreadable] = field(default_factory=list)
    after: Position | None = None
    down: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    found: int = 0
    last: Position | None = None
    coming: Iterator[Resource | Unreadable] = field(default_factory=lambda: iter(()))

    def each(self) -> Iterator[Resource | Unreadable]:
        """All matches in order, once."""
        return chain(self.matches, self.coming)


class Found(NamedTuple):
    """One row of a keys statement: the branch, its key, the parts it is, sort values, the row if fused."""

    branch: int
    key: Any
    mask: int
    sorts: tuple[Any, ...]
    row: tuple[Any, ...] | None = None


class Engine:
    """Reads and searches over one database."""

    def __init__(
        self,
        mappings: Mapping[str, ResourceMapping],
        database: Database,
        site: Site,
        cache: int = 2048,
        indexes: Indexes | None = None,
    ) -> None:
        self.mappings, self.database, self.site = mappings, database, site
        self.plans = Plans(mappings, database, site, cache, indexes or {})
        self.whole, self.lazy = WholeRows(self.plans, database), False

    def lazily(self) -> Engine:
        """The same engine, whose pages hold rows where it can, and not yet the resources they are.

        A resource that is gone before the next one is made takes half the time of a page of them. Its rows
        come by key: a date that changes meanwhile must not lose one or tell it twice.
        """
        found = copy(self)
        found.lazy = True
        return found

    def at(self, site: Site) -> Engine:
        """An engine over the same database that reads rows as another site does."""
        return Engine(self.mappings, self.database, site, indexes=self.plans.indexes)

    def within(self, transaction: Database) -> Engine:
        """The same engine, asking within a transaction."""
        found = copy(self)
        found.database, found.whole = transaction, WholeRows(self.plans, transaction)
        return found

    # what it offers

    async def read(
        self, resource_type: str, id_text: str, access: Access = UNRESTRICTED, *, strict: bool = False
    ) -> Resource | Unreadable | None:
        """The resource with that id; None where there is none (or it may not be seen).

        Without a source that is down it is tagged as incomplete; `strict`: SourceDownError is raised.
        """
        mapping = self.mappings[resource_type]
        found = mapping.resolve(id_text)
        if found is None:
            return None
        part, key = found
        query = SearchQuery(resource_type, (Criterion("_id", (Ref(resource_type, part.name, key),)),))
        page = await self.page(query, 1, access=access, strict=strict)
        return page.matches[0] if page.matches else None

    async def page(
        self,
        query: SearchQuery,
        count: int,
        after: Position | None = None,
        *,
        access: Access = UNRESTRICTED,
        by_post: bool = False,
        strict: bool = False,
    ) -> Page:
        """Up to `count` matches after a position. `strict`: a source that is down raises SourceDownError."""
        ask = self._page if strict else self._page_in_turn
        await self.plans.amended.refresh(self.database)
        try:
            query = await patients_first(self, query, access, by_post)
            return await ask(query, count, after, access, by_post, WHOLE)
        except SourceDownError:
            if strict:
                raise
            outage = await self._outage(query, access, by_post)
            page = await ask(query, count, after, access, by_post, outage.without)
            page.down, page.lacking = outage.down, outage.lacking
            return page

    async def total(
        self,
        query: SearchQuery,
        *,
        access: Access = UNRESTRICTED,
        by_post: bool = False,
        bound: int | None = None,
    ) -> int:
        """How many resources match; with a bound, counted up to it in each branch."""
        await self.plans.amended.refresh(self.database)
        query = await patients_first(self, query, access, by_post)
        terms = [*query.terms(), *access.terms]
        total = 0
        for statement in self.plans.counts(query, access, by_post, bound is not None):
            rows = await self._fetch(statement, terms, {"bound": bound})
            total += int(rows[0][0])
        return total

    async def keys(
        self, query: SearchQuery, limit: int, access: Access, by_post: bool
    ) -> list[tuple[str, Any]]:
        """(part, native key) of up to `limit` matches, in no order."""
        plan = self.plans.plan(query, None, access, by_post, keys_only=True)
        if plan.statement is None:
            return []
        terms = [*query.terms(), *access.terms]
        rows = await self._fetch(plan.statement, terms, {"limit": limit})
        found = list(_expanded(self._found(plan, rows), None))
        return [(plan.readers[item.branch].parts[part].name, item.key) for item, part in found]

    def opened(
        self, resource_type: str, part: Part, access: Access, slots: Slots, *columns: ColumnElement[Any]
    ) -> Select[Any] | None:
        """Columns of a part's rows that an access opens, for a statement of somebody else's; None: no row.

        `slots` are over the access's terms; `plans.amended` was refreshed before.
        """
        return self.plans.opened(self.mappings[resource_type], part, access, slots, columns)

    def opened_shape(self, access: Access) -> Hashable:
        """What the text of such a select depends on."""
        return (access.shape, self.plans.amended.known)

    async def _fetch(self, statement: Statement, terms: Sequence[Term], named: Mapping[str, Any]) -> Rows:
        found = await codes_first(self.database, statement, terms)
        return await self.database.fetch(found.sql, found.parameters(terms, named))

    # pages

    async def _page(
        self,
        query: SearchQuery,
        count: int,
        after: Position | None,
        access: Access,
        by_post: bool,
        without: Without,
        keys_only: bool = False,
    ) -> Page:
        plan = self.plans.plan(query, _shape(after), access, by_post, without, keys_only, self.lazy)
        if plan.statement is None:
            return Page()
        named = _named(after, count + 1)  # one more, to know whether there is a next page
        rows = await self._fetch(plan.statement, [*query.terms(), *access.terms], named)
        if (reader := plan.straight(rows)) is not None:
            return _straight(plan, reader, rows, count, lazy=self.lazy)
        found = list(_expanded(self._found(plan, rows), after))
        page = Page(found=min(len(found), count), last=_position(plan, found[:count][-1:] or found[:1]))
        page.after = page.last if len(found) > count > 0 else None
        page.matches = await self._resources(plan, found[:count])
        return page

    async def _page_in_turn(
        self,
        query: SearchQuery,
        count: int,
        after: Position | None,
        access: Access,
        by_post: bool,
        without: Without,
    ) -> Page:
        """The page of a search in which some branches come after all rows of the others.

        Without an order branch follows branch, and the first that is left is asked for whole rows. With one
        those come last that have nothing to sort by: unless rows of the others have nothing either, among
        which they stand. The later ones are only asked if the first don't fill the page: one that finds
        little may look at all its rows for that.
        """
        plan = self.plans.plan(query, _shape(after), access, by_post, without)
        without, later = without.also(plan.over(after)), plan.later(after)
        if not later:
            return await self._page(query, count, after, access, by_post, without)
        page = await self._page(query, count, after, access, by_post, without.also(later))
        if plan.ordered and page.last is not None and page.last.sorts[:1] == (None,):
            return await self._page(query, count, after, access, by_post, without)
        if page.after is None:
            over = without.also(plan.readers.keys() - later)
            simple = len(later) == 1 and all(plan.readers[n].tables <= FEW_TABLES for n in later)
            await self._fill(page, query, count, access, by_post, over, simple=simple)
        return page

    async def _fill(
        self,
        page: Page,
        query: SearchQuery,
        count: int,
        access: Access,
        by_post: bool,
        without: Without,
        *,
        simple: bool,
    ) -> None:
        """Fills up a page that its branch ended on; without room, only looks whether more would come.

        Mostly nothing comes: much that whole rows need is joined only once there are keys.
        """
        room = count - page.found
        keys_only = not (simple and room)
        more = await self._page(query, room, None, access, by_post, without, keys_only)
        if self.lazy:
            page.coming = chain(page.coming, more.each())
        else:
            page.matches += more.matches
        page.after = page.last if not room and more.last else more.after
        page.found += more.found

    def _found(self, plan: Plan, rows: Rows) -> Iterator[Found]:
        if plan.united or plan.fused is None:
            yield from _united(plan, rows)
            return
        n, width, key = plan.own, plan.width, plan.readers[plan.fused].key
        for row in rows:
            yield Found(plan.fused, row[key], int(row[n]), row[n + 1 : n + 1 + width], row)

    async def _resources(self, plan: Plan, found: Sequence[tuple[Found, int]]) -> list[Resource | Unreadable]:
        rows = await self._rows(plan, found)
        result = []
        for item, part in found:
            row = rows.get((item.branch, item.key))
            if row is not None:
                result.append(plan.readers[item.branch].read(row, part))
        return result

    async def _rows(self, plan: Plan, found: Sequence[tuple[Found, int]]) -> dict[tuple[int, Any], Any]:
        """Each found row with its children, by branch and key."""
        by_branch: dict[int, dict[Any, Any]] = {}
        for item, _ in found:
            by_branch.setdefault(item.branch, {})[item.key] = item.row
        rows: dict[tuple[int, Any], Any] = {}
        for number, keyed in by_branch.items():
            reader = plan.readers[number]
            if number != plan.fused:
                fetched = await self.whole.by_keys(reader, list(keyed))
                keyed = {row[reader.key]: row for row in fetched}
            for key, row in (await self.whole.with_children(reader, keyed)).items():
                rows[number, key] = row
        return rows

    # outages

    async def _outage(self, query: SearchQuery, access: Access, by_post: bool) -> Outage:
        """How the search can go on; raises SourceDownError where nothing is left to answer with."""
        whole = self.plans.plan(query, None, access, by_post).readers
        tables = await self._lost(self.mappings[query.resource_type])
        left = dict(self.plans.plan(query, None, access, by_post, Without(tables=tables)).readers)
        for number in list(left):
            try:
                only = Without(frozenset(whole.keys() - {number}), tables)
                await self._page(query, 0, None, access, by_post, only)
            except SourceDownError:
                del left[number]
        down = whole.keys() - left.keys()
        if not left:
            raise SourceDownError(", ".join(sorted(r.table for r in whole.values())))
        names = sorted({whole[n].table for n in down})
        return Outage(Without(frozenset(down), tables), names, lacking(left.values()))

    async def _lost(self, mapping: ResourceMapping) -> Tables:
        """The tables of a type that can't be asked; raises SourceDownError where the server can't."""
        await self.database.fetch("SELECT 1", ())
        lost = set()
        for name in sorted(tables_of(mapping)):
            try:
                await self.database.fetch(self.plans.probe(name), ())
            except SourceDownError:
                lost.add(name)
        return frozenset(lost)


def _united(plan: Plan, rows: Rows) -> Iterator[Found]:
    """Keys of several branches, and the whole rows of the fused one."""
    for row in rows:
        b, ki, kt, mask, *sorts = row[plan.own :]
        branch = int(b)
        yield Found(
            branch, ki if kt is None else kt, int(mask), tuple(sorts), row if branch == plan.fused else None
        )


def _straight(plan: Plan, reader: Reader, rows: Rows, count: int, *, lazy: bool) -> Page:
    """The page of rows of which each is one whole resource."""
    taken, width = rows[:count], plan.width
    made = map(reader.read, taken, repeat(0))
    page = Page(coming=made) if lazy else Page(list(made))
    page.found = len(taken)
    if end := taken[-1:] or rows[:1]:
        [row] = end
        sorts = row[len(row) - width :] if width else ()
        page.last = Position(plan.fused or 0, row[reader.key], 0, tuple(sorts), plan.by)
    page.after = page.last if len(rows) > count > 0 else None
    return page


def _shape(after: Position | None) -> After | None:
    return After(after.branch, tuple(v is None for v in after.sorts), after.by) if after else None


def _named(after: Position | None, limit: int) -> dict[str, Any]:
    named: dict[str, Any] = {"limit": limit}
    if after is not None:
        named["limit"] += 1  # the row of the cursor may come again for its further parts
        named["after_key"] = after.key
        named |= {f"after_{i}": v for i, v in enumerate(after.sorts)}
    return named


def _expanded(found: Iterator[Found], after: Position | None) -> Iterator[tuple[Found, int]]:
    """(row, part) for each part that a row is; those before the cursor within its own row are over."""
    for item in found:
        mask, part = item.mask, 0
        same = after is not None and item.branch == after.branch and str(item.key) == str(after.key)
        while mask:
            if mask & 1 and not (same and after is not None and part <= after.part):
                yield item, part
            mask >>= 1
            part += 1


def _position(plan: Plan, found: Sequence[tuple[Found, int]]) -> Position | None:
    """Where the last of the rows stands."""
    if not found:
        return None
    item, part = found[-1]
    return Position(item.branch, item.key, part, item.sorts, plan.by)
