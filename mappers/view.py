"""The engine as one caller sees it: what the access doesn't open isn't there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mappers.at_hand import AtHand, Finder, Found
from mappers.database import Database, SourceDownError
from mappers.engine import Engine, Page
from mappers.include import Included, Includer, address
from mappers.plans import Position
from mappers.query import Access, Include, SearchQuery
from mappers.reader import Resource, Unreadable

#: the branch of what no table holds
AT_HAND = -1


def _place(found: Found, after: Position | None) -> int:
    """Where a page starts: behind the resource that the last one ended with, as many in if that has gone."""
    if after is None:
        return 0
    behind = (n + 1 for n, entry in enumerate(found.entries) if entry.head["id"] == after.key)
    return next(behind, after.part)


def _append(page: Page, more: Page, room: int) -> None:
    """What tables hold, behind what is at hand; without room only whether there is more."""
    page.matches += more.matches
    page.coming = more.coming
    page.after = page.last if not room and more.last else more.after
    page.found += more.found
    page.down += more.down
    page.lacking += more.lacking


@dataclass(frozen=True)
class View:
    """An engine and the access under which all is asked of it."""

    engine: Engine
    access: Access

    def lazily(self) -> View:
        """The same view of an engine that reads lazily."""
        return View(self.engine.lazily(), self.access)

    @property
    def database(self) -> Database:
        """What the engine asks, for plans and times."""
        return self.engine.database

    async def read(
        self, resource_type: str, id_text: str, *, strict: bool = False
    ) -> Resource | Unreadable | None:
        """The resource with that id; None where there is none or it may not be seen; see `Engine.read`."""
        at_hand = self.engine.mappings[resource_type].at_hand
        if at_hand is not None and (entry := at_hand.of_id(id_text)) is not None:
            return await self._finder(at_hand, resource_type).read(
                entry, self.access.conditions(resource_type)
            )
        return await self.engine.read(resource_type, id_text, self.access, strict=strict)

    async def page(
        self,
        query: SearchQuery,
        count: int,
        after: Position | None = None,
        *,
        by_post: bool = False,
        strict: bool = False,
    ) -> Page:
        """Up to `count` matches after a position, those at hand before those of tables; see `Engine.page`."""
        at_hand = self.engine.mappings[query.resource_type].at_hand
        if at_hand is None or (after is not None and after.branch != AT_HAND):
            return await self.of_tables(query, count, after, by_post=by_post, strict=strict)
        found = await self._found(at_hand, query, strict)
        page = await self._first(found, count, after)
        if page.after is None:
            room = count - page.found
            more = await self.of_tables(query, room, by_post=by_post, strict=strict)
            _append(page, more, room)
        page.down += found.down
        return page

    async def of_tables(
        self,
        query: SearchQuery,
        count: int,
        after: Position | None = None,
        *,
        by_post: bool = False,
        strict: bool = False,
    ) -> Page:
        """The same of what tables hold alone."""
        return await self.engine.page(query, count, after, access=self.access, by_post=by_post, strict=strict)

    async def total(self, query: SearchQuery, *, by_post: bool = False) -> int:
        """How many resources match and may be seen."""
        at_hand = self.engine.mappings[query.resource_type].at_hand
        found = await self._found(at_hand, query, True) if at_hand else None
        of_tables = await self.engine.total(query, access=self.access, by_post=by_post)
        return of_tables + (len(found.entries) if found else 0)

    # what is at hand

    def _finder(self, at_hand: AtHand, resource_type: str) -> Finder:
        return Finder(at_hand, resource_type, self.engine.site, self.engine.database)

    async def _found(self, at_hand: AtHand, query: SearchQuery, strict: bool) -> Found:
        opened = self.access.conditions(query.resource_type)
        found = await self._finder(at_hand, query.resource_type).matching(query, opened)
        if strict and found.down:
            raise SourceDownError(", ".join(found.down))
        return found

    async def _first(self, found: Found, count: int, after: Position | None) -> Page:
        """The page of what is at hand, as far as it fills one."""
        start = _place(found, after)
        page = Page(found=len(found.entries[start : start + count]))
        for entry in found.entries[start : start + count]:
            try:
                page.matches.append(await entry.whole(self.engine.database))
            except SourceDownError:
                page.down.append(entry.head["id"])
            page.last = Position(AT_HAND, entry.head["id"], start + page.found)
        page.after = page.last if start + count < len(found.entries) and count else None
        return page

    async def by_address(self, addresses: Sequence[str], *, strict: bool = False) -> Included:
        """The resources behind `Type/id` texts of types that are served, as far as they may be seen."""
        includer = Includer(self.engine, self.access, len(addresses), strict=strict)
        resources = await includer.by_address(addresses)
        includer.found.resources |= {address(r): r for r in resources}
        return includer.found

    async def included(
        self, matches: Sequence[Resource], includes: Sequence[Include], limit: int, *, strict: bool = False
    ) -> Included:
        """What the matches refer to and what refers to them, as far as it may be seen."""
        return await Includer(self.engine, self.access, limit, strict=strict).collect(matches, includes)
