"""The engine as one caller sees it: what the access doesn't open isn't there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mappers.database import Database
from mappers.engine import Engine, Page, Position
from mappers.include import Included, Includer
from mappers.query import Access, Include, SearchQuery
from mappers.reader import Resource, Unreadable


@dataclass(frozen=True)
class View:
    """An engine and the access under which all is asked of it."""

    engine: Engine
    access: Access

    @property
    def database(self) -> Database:
        """What the engine asks, for plans and times."""
        return self.engine.database

    async def read(
        self, resource_type: str, id_text: str, *, strict: bool = False
    ) -> Resource | Unreadable | None:
        """The resource with that id; None where there is none or it may not be seen; see `Engine.read`."""
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
        """Up to `count` matches after a position; see `Engine.page`."""
        return await self.engine.page(query, count, after, access=self.access, by_post=by_post, strict=strict)

    async def total(self, query: SearchQuery, *, by_post: bool = False) -> int:
        """How many resources match and may be seen."""
        return await self.engine.total(query, access=self.access, by_post=by_post)

    async def included(
        self, matches: Sequence[Resource], includes: Sequence[Include], limit: int, *, strict: bool = False
    ) -> Included:
        """What the matches refer to and what refers to them, as far as it may be seen."""
        return await Includer(self.engine, self.access, limit, strict=strict).collect(matches, includes)
