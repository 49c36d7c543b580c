"""Series and instances of all studies: first the studies that a page is of, in order, then what they have.

The order begins with the studies', which no index of series or instances has: a server would sort all of
them for each page. The studies' own index has it, and each tells how many results are below it. Whoever
sees a few patients' studies alone needs none of this.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, select

from dicomweb.access import Restriction
from dicomweb.archives.archive import Address
from dicomweb.qido.asked import Search
from dicomweb.qido.statement import ORDERS, SE, ST, TABLES, Statement
from dicomweb.qido.stretch import Key, Stretch, behind
from mappers.sql import all_of

#: how many studies are asked for at first; twice as many each time they are too few, up to the most
FIRST, MOST = 8, 4096
#: what is found by keys of its own, however many studies there are
BY_KEYS = ("uid", "patient")
Rows = list[dict[str, Any]]
#: asks for a statement's rows
Fetch = Callable[[Statement], Awaitable[Rows]]


async def rows_of(search: Search, address: Address, restriction: Restriction, fetch: Fetch) -> Rows:
    """A page's rows, one more than it may have."""
    if not (restriction.most and _is_walked(search, address)):
        return await fetch(Statement(search, address, restriction))
    stretch = await _stretch(search, restriction, fetch)
    return await fetch(Statement(search, address, restriction, stretch)) if stretch else []


def _is_walked(search: Search, address: Address) -> bool:
    """Whether a search goes by way of its studies."""
    kinds = {match.attribute.matching for match in search.matches}
    return search.level != "study" and not address.study and not kinds.intersection(BY_KEYS)


async def _stretch(search: Search, restriction: Restriction, fetch: Fetch) -> Stretch | None:
    """The studies that a search's page is of; None: it is empty."""
    first, before, found = None, 0, 0
    async with aclosing(_studies(search, restriction, fetch)) as studies:
        async for last, results in studies:
            found += results
            if found <= search.offset:
                before = found
                continue
            first = first or last
            if found > search.offset + search.count:
                break
    return Stretch(first, last, search.offset - before) if first else None


async def _studies(
    search: Search, restriction: Restriction, fetch: Fetch
) -> AsyncGenerator[tuple[Key, int], None]:
    """All studies of a search, in order, and how many results each has."""
    last, size = None, FIRST
    while True:
        rows = await fetch(Studies(search, restriction, last, size))
        for row in rows:
            last = Key(row["date"], row["time"], row["study"])
            yield last, row["results"]
        if len(rows) < size:
            return
        size = min(size * 2, MOST)


class Studies(Statement):
    """The studies of a search in order, from behind one on, and how many results each has."""

    def __init__(self, search: Search, restriction: Restriction, last: Key | None, size: int) -> None:
        super().__init__(search, Address(""), restriction)
        self.last, self.size = last, size

    @property
    def shape(self) -> Hashable:
        """What its text depends on."""
        return ("studies", self.last is not None, super().shape)

    @property
    def values(self) -> dict[str, Any]:
        """What its slots hold."""
        return {**super().values, **(self.last.values("last") if self.last else {}), "limit": self.size}

    def select(self) -> Select[Any]:
        """As many studies as are asked for, also those that have no results."""
        key = (ST.study_date.label("date"), ST.study_time.label("time"), ST.study.label("study"))
        asked = [self._asked(one) for one in self.asked if one.match.attribute.level == "study"]
        after = [behind(self.slots, "last")] if self.last else []
        found = select(*key, self._results().label("results")).where(self._seen(), *after, *asked)
        return found.order_by(*ORDERS["study"]).limit(self.slots.named("limit"))

    def _results(self) -> ColumnElement[Any]:
        below = [one for one in self.asked if one.match.attribute.level != "study"]
        own = TABLES[self.search.level]
        source: FromClause = own
        if self.search.level == "instance" and any(one.match.attribute.level == "series" for one in below):
            source = own.join(TABLES["series"], SE.series == own.c.series)
        counted = select(func.count()).select_from(source).where(own.c.study == ST.study)
        asked = [self._asked(one) for one in below]
        return counted.where(all_of(*asked)).correlate(TABLES["study"]).scalar_subquery()
