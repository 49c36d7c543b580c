"""What clients have written is searched by what it says: made anew from what is stored, while others write.

A resource that lacks newer kinds of search values says so (`fhir_resource.indexed`). Some at a time are held
as whoever writes them holds them, read, and indexed as a write would: nothing else of them changes. What is
done shows in the rows themselves: whoever is killed begins again, and goes on where the work was left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, or_, select, update

from mappers.database import SourceDownError
from mappers.engine import Engine
from mappers.facade.tables import fhir_resource
from mappers.mapping import Part, ResourceMapping
from mappers.query import UNRESTRICTED
from mappers.reader import Unreadable
from mappers.sql import Condition
from mappers.stored.search_values import INDEXED, SearchValues
from mappers.transaction import DuplicateError, RefusedError, RetryError, Transaction, transaction
from mappers.value import DirtyRowError
from mappers.write.history import rows_of
from mappers.write.native import NativeRows
from mappers.write.rows import HospitalRows

R = fhir_resource.c
#: how often a transaction is tried that others are in the way of, and the first pause in seconds
TRIES, PAUSE = 6, 0.05
#: rows that are marked in one transaction
MARKED = 1000
_OTHERS = (RetryError, DuplicateError, RefusedError)


class Place(NamedTuple):
    """A row of `fhir_resource`, with the number that it was indexed by."""

    indexed: int
    id: int
    resource_type: str
    part: str
    key: Any


@dataclass
class Progress:
    """How many resources are done, and why others can't be."""

    done: int = 0
    broken: dict[str, str] = field(default_factory=dict)


class Reindexing:
    """One run over what is stored of some types."""

    def __init__(
        self, engine: Engine, values: SearchValues, types: Collection[str] | None = None, batch: int = 20
    ) -> None:
        self.engine, self.values, self.batch = engine, values, batch
        wanted = engine.mappings.keys() if types is None else types
        self._of_types = stored({name: engine.mappings[name] for name in wanted})
        self._pending = and_(R.indexed < INDEXED, self._of_types)

    async def left(self) -> int:
        """How many resources lack search values, or may."""
        [(count,)] = await rows_of(self.engine.database, select(func.count()).where(self._pending))
        return int(count)

    async def mark(self) -> None:
        """Has all of them made anew, whatever they have; who is interrupted marks again."""
        last, ids = 0, [0]
        while ids:
            found = select(R.id).where(R.id > last, R.indexed >= INDEXED, self._of_types)
            rows = await rows_of(self.engine.database, found.order_by(R.id).limit(MARKED))
            ids = [int(row[0]) for row in rows]
            if ids:
                last = ids[-1]
                await self._patiently(partial(_marked, ids))

    async def run(self, report: Callable[[Progress], None]) -> Progress:
        """Indexes what lacks search values; `report` hears of each transaction.

        One that can't be read is told in what comes back, and stays as it is. Raises SourceDownError: what
        was done until then is done.
        """
        progress, after = Progress(), (-1, 0)
        while places := await self._places(after):
            await self._batch(places, progress)
            report(progress)
            after = places[-1][:2]
        return progress

    async def _places(self, after: tuple[int, int]) -> list[Place]:
        indexed, id_ = after
        beyond = or_(R.indexed > indexed, and_(R.indexed == indexed, R.id > id_))
        found: Select[Any] = select(R.indexed, R.id, R.resource_type, R.part, R.key_int, R.key_text)
        found = found.where(self._pending, beyond).order_by(R.indexed, R.id).limit(self.batch)
        rows = await rows_of(self.engine.database, found)
        return [Place(int(i), int(n), kind, part, a if b is None else b) for i, n, kind, part, a, b in rows]

    async def _batch(self, places: Sequence[Place], progress: Progress) -> None:
        """Some in one transaction; where the database refuses it, each in its own."""
        broken: dict[str, str] = {}
        try:
            await self._patiently(lambda t: self._indexed(t, places, broken))
        except _OTHERS as fault:
            if len(places) > 1:
                for place in places:
                    await self._batch([place], progress)
                return
            broken = {self._name(places[0]): _refusal(fault)}
        progress.done += len(places) - len(broken)
        progress.broken |= broken

    async def _patiently(self, work: Callable[[Transaction], Any]) -> None:
        for attempt in range(TRIES):
            try:
                async with transaction(self.engine.database) as t:
                    await work(t)
                return
            except RetryError:
                if attempt + 1 == TRIES:
                    raise
                await asyncio.sleep(PAUSE * 2**attempt)

    async def _indexed(self, t: Transaction, places: Sequence[Place], broken: dict[str, str]) -> None:
        broken.clear()  # it may be tried again
        one = _One(self.engine.within(t), t, self.values)
        for place in places:
            try:
                await one.index(place, self._part(place))
            except (*_OTHERS, SourceDownError):
                raise
            except DirtyRowError as fault:
                broken[self._name(place)] = str(fault)
            except Exception as fault:  # what others wrote into our tables may be anything
                broken[self._name(place)] = f"it can't be indexed ({type(fault).__name__})"

    def _part(self, place: Place) -> Part:
        parts = self.engine.mappings[place.resource_type].parts
        return next(p for p in parts if (p.native if not place.part else p.name == place.part))

    def _name(self, place: Place) -> str:
        return f"{place.resource_type}/{self._part(place).id.text(_key(place)) or place.id}"


class _One:
    """What is done with one resource. All that may fail for what it says comes before the first change."""

    def __init__(self, engine: Engine, t: Transaction, values: SearchValues) -> None:
        self.engine, self.t = engine, t
        self.native, self.rows = NativeRows(t, values, ""), HospitalRows(engine, t, values, "")

    async def index(self, place: Place, part: Part) -> None:
        if part.native:
            await self._native(place, part)
        else:
            await self.rows.lock(part, place.key)
            await self.rows.table_rows.fetch(select(R.id).where(R.id == place.id).with_for_update())
            await self.rows.amending.amend_again(part, place.key)
        await self.t.execute(update(fhir_resource).where(R.id == place.id).values(indexed=INDEXED))

    async def _native(self, place: Place, part: Part) -> None:
        _, deleted = await self.native.state(place.resource_type, place.id, lock=True)
        if deleted:
            await self.native.unindex(place.id)
            return
        found = await self.engine.read(place.resource_type, part.id.text(place.id) or "", UNRESTRICTED)
        if found is None or isinstance(found, Unreadable):
            raise DirtyRowError(found.reason if found else "it isn't among those that are served")
        await self.native.index_again(place.id, found)


def stored(mappings: Mapping[str, ResourceMapping]) -> Condition:
    """The rows of `fhir_resource` that are searched: those of types and parts that are served."""
    kinds = (
        and_(R.resource_type == name, R.part.in_(names))
        for name, mapping in mappings.items()
        if (names := ["" if p.native else p.name for p in mapping.parts if p.native or p.amended])
    )
    return or_(R.id < 0, *kinds)


def _key(place: Place) -> Any:
    return place.id if place.key is None else place.key


async def _marked(ids: Sequence[int], t: Transaction) -> None:
    await t.execute(update(fhir_resource).where(R.id.in_(ids)).values(indexed=0))


def _refusal(fault: Exception) -> str:
    if isinstance(fault, RetryError):
        return "others held it all the while"
    return f"the database refuses what it would be searched by ({fault})"
