"""Who comes in to the images: the guard, the compiler and the audit trail of the FHIR side."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from dicomweb.access import Access, Doing, Handed, Restriction, Settle
from dicomweb.http.faults import DicomFault
from fhir_facade.audit.due import Due
from fhir_facade.audit.event import Event
from fhir_facade.audit.trail import Trail, TrailDownError
from fhir_facade.content import Request as FhirRequest
from fhir_facade.guard import Guard
from fhir_facade.imaging import events
from fhir_facade.imaging.asking import asking
from fhir_facade.imaging.studies import Studies
from fhir_facade.imaging.viewings import Viewing, Viewings
from fhir_facade.outcome import FhirFault
from fhir_facade.service import Service
from mappers.database import Database
from mappers.query import UNRESTRICTED
from mappers.query import Access as Opened
from mappers.transaction import Transaction

log = logging.getLogger("fhir_facade.imaging")
T = TypeVar("T")
NOT_RECORDED = "the audit trail can't be written just now, so nothing is answered"
NOT_DONE = "the audit trail can't be written just now, so nothing is stored or deleted"


class Record:
    """The audit trail, if one is kept."""

    def __init__(self, viewings: Viewings | None, base: str) -> None:
        self.viewings, self.base = viewings, base

    async def of(self, event: Event) -> None:
        """Returns once it is durable; raises DicomFault 503 if it can't be."""
        if self.viewings is not None:
            await _durable(self.viewings.trail.record(event))

    async def owe(self, t: Transaction, found: Iterable[Event]) -> Settle:
        """Keeps the events with a transaction; what is returned waits until the trail has them."""
        if self.viewings is None:
            return _nothing
        trail = self.viewings.trail
        due = trail.due(found)
        await t.execute(due.kept(trail.seals))
        return partial(_settled, trail, due)

    async def viewing(self, key: Hashable, event: Event) -> Viewing | None:
        """The same of a retrieval, which may be a viewing's that is under way."""
        return await _durable(self.viewings.begin(key, event)) if self.viewings is not None else None

    def count(self, viewing: Viewing, handed: Handed) -> None:
        """Adds to what has left in a viewing."""
        if self.viewings is not None:
            self.viewings.count(viewing, handed)

    async def ready(self) -> None:
        """Raises DicomFault 503 where nothing may be changed, since it couldn't be recorded."""
        if self.viewings is not None:
            await _durable(self.viewings.trail.ready(), NOT_DONE)


async def _nothing() -> None:
    """What is owed where no trail is kept."""


async def _settled(trail: Trail, due: Due) -> None:
    """What is durable with its store needs no refusal: the trail gets it as soon as it can be written."""
    try:
        await trail.settle(due)
    except TrailDownError:
        log.warning("images were stored, and that will be recorded later")


async def _durable(recording: Awaitable[T], otherwise: str = NOT_RECORDED) -> T:
    try:
        return await recording
    except TrailDownError:
        raise DicomFault(503, otherwise) from None


class GuardedGate:
    """Lets in whom the guard of the FHIR side lets in."""

    def __init__(self, guard: Guard, record: Record) -> None:
        self.guard, self.record = guard, record

    async def admitted(self, request: Request, doing: Doing = "retrieve", cost: int = 1) -> GuardedViewer:
        """The request's caller; raises DicomFault 401, 403, 429, or 503 for a change that isn't recorded."""
        asked = request.state.asked = asking(request)
        try:
            service = await self.guard.admitted(asked)
            await self.guard.charge(asked, cost, images=doing != "query")
        except FhirFault as fault:
            headers = {**asked.answered_with, **fault.headers}
            raise DicomFault(fault.status, fault.diagnostics, headers) from None
        viewer = GuardedViewer(service, asked, self.record)
        await viewer.prepared()
        if not viewer.may(doing):
            raise DicomFault(403, f"your scopes and role do not let you {doing} studies", INSUFFICIENT)
        if doing in ("store", "delete"):
            await self.record.ready()
        return viewer

    async def refused(self, request: Request, doing: Doing, status: int, viewer: object = None) -> None:
        """Records a refusal; a caller of too many must not fill the trail with them."""
        if status != 429:
            await self.record.of(events.refusal(request.state.asked, self.record.base, doing, status))


INSUFFICIENT = {"www-authenticate": 'Bearer error="insufficient_scope"'}


class GuardedViewer:
    """A caller, who sees the studies whose ImagingStudies they see."""

    def __init__(self, service: Service, asked: FhirRequest, record: Record) -> None:
        self.service, self._asked, self._record = service, asked, record
        self._studies, self._patients = Studies(service.engine), dict[str, str]()
        self._viewing: Viewing | None = None

    @property
    def told(self) -> Mapping[str, str]:
        """What is left to them this minute."""
        return self._asked.answered_with

    async def prepared(self) -> None:
        """Looks which parameters of ImagingStudy clients have written of."""
        await self.service.engine.plans.amended.refresh(self.service.engine.database)

    def restriction(self) -> Restriction | None:
        """The studies that they may search."""
        return self._studies.restriction(self.service.may_search)

    async def visible(self, studies: Sequence[str], doing: Doing = "retrieve") -> Mapping[str, str]:
        """Those of the studies that they may do this to, with their ImagingStudies' ids."""
        seen = await self._studies.seen(self._opened(doing), studies)
        self._patients |= {one.id: one.patient for one in seen.values()}
        return {uid: one.id for uid, one in seen.items()}

    async def may_store(self, t: Database, study: str, *, made: bool) -> bool:
        """Whether they may store to a study as a transaction has it: create it, if it is new there."""
        access = self.service.may_create if made else self._opened("store")
        return study in await Studies(self.service.engine.within(t)).seen(access, [study])

    def may(self, doing: Doing) -> bool:
        """Whether their scopes and role open any study for this; to store is to create or to update."""
        if doing == "store" and self.service.may_create.opens("ImagingStudy"):
            return True
        return self._opened(doing).opens("ImagingStudy")

    def _opened(self, doing: Doing) -> Opened:
        service = self.service
        if doing == "query":
            return service.may_search
        if doing == "retrieve":
            return service.may_read
        return service.may_update if doing == "store" else service.may_delete

    async def record(self, access: Access) -> None:
        """Puts an access into the trail; raises DicomFault 503."""
        base = self._record.base
        if access.doing == "query":
            await self._record.of(events.search(self._asked, base, access, self._patients))
            return
        for event in events.on_studies(self._asked, base, access, self._patients):
            await self._recorded(event, access)

    async def owe(self, t: Transaction, studies: Sequence[str]) -> Settle:
        """Names the studies as the transaction has them, whether or not their sender may see them."""
        seen = await Studies(self.service.engine.within(t)).seen(UNRESTRICTED, studies)
        patients = {one.id: one.patient for one in seen.values()}
        stored = Access("store", {uid: one.id for uid, one in seen.items()}, 200 if seen else 202)
        return await self._record.owe(t, events.on_studies(self._asked, self._record.base, stored, patients))

    async def _recorded(self, event: Event, access: Access) -> None:
        if access.doing != "retrieve" or access.status >= 400:
            await self._record.of(event)
            return
        caller = self._asked.caller
        who = caller.token_id if caller else self._asked.address
        self._viewing = await self._record.viewing((who, event.id), event)

    def handed(self, handed: Handed) -> None:
        """Counts what has left of the study that they view."""
        if self._viewing is not None:
            self._record.count(self._viewing, handed)
