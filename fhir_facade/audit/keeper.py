"""Nothing leaves that isn't recorded, and nothing is written that won't be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Insert

from fhir_facade.audit.about import About
from fhir_facade.audit.due import Due
from fhir_facade.audit.patients import PatientsOf
from fhir_facade.audit.requests import Shown, event_of, is_recorded, shown_by
from fhir_facade.audit.trail import Trail, TrailDownError
from fhir_facade.content import Request, Response
from fhir_facade.outcome import FhirFault
from mappers.mapping import ResourceMapping

log = logging.getLogger("fhir_facade.audit")
#: an answer with so many resources took no longer than a commit takes
BRIEF = 5


class Keeper:
    """Records FHIR requests in a trail, between answer and sending; of writes also what is due, before."""

    def __init__(
        self, trail: Trail, mappings: Mapping[str, ResourceMapping], base: str, about: About
    ) -> None:
        self.trail, self.base, self.about = trail, base, about
        self._patients_of = PatientsOf(mappings)

    async def ready(self) -> None:
        """Raises FhirFault 503 where nothing may be written, since it couldn't be recorded."""
        try:
            await self.trail.ready()
        except TrailDownError:
            raise _unwritten() from None

    async def due(self, request: Request, response: Response) -> Due:
        """What the trail is to say of a write and its answer, each request of a Bundle too."""
        done = [(request, response), *(pair for pair in response.within if pair[0] is not request)]
        told = [pair for pair in done if is_recorded(pair[0], pair[1].status)]
        for _, answer in told:
            await self.about.look(answer)
        return self.trail.due(
            event_of(asked, self._shown(answer, answer.status), answer.status, self.base)
            for asked, answer in told
        )

    def keeping(self, due: Due) -> Insert:
        """The statement that keeps it, for the transaction of the write."""
        return due.kept(self.trail.seals)

    async def refusal(self, request: Request, response: Response, status: int) -> FhirFault | None:
        """None once the access is recorded, and each request of a Bundle; else what is answered instead.

        What was served is let go before the wait: pages that live on beside each other don't stay in the
        processor's cache, which made a search of 50 dearer by a tenth to a fifth.
        """
        for answer in (response, *(told for _, told in response.within)):
            await self.about.look(answer)
        waits = list(self._kept(request, response, status))
        unwritten = response.status == 503 and _is_unwritten(response)
        response.resource, response.served, response.within = None, (), ()
        for error in await _all(waits):
            if isinstance(error, TrailDownError):
                return _unwritten() if unwritten else _unanswered()
            if error is not None:
                raise error
        return None

    def _kept(self, request: Request, response: Response, status: int) -> Iterator[Coroutine[Any, Any, None]]:
        """What is waited for: of a write what is due, of all else its event."""
        if response.due is not None:
            yield self._settled(response.due, request)
        if (response.due is None or status != response.status) and is_recorded(request, status):
            shown = self._shown(response, status)
            event = partial(event_of, request, shown, status, self.base)
            yield self.trail.recorded(event, brief=len(shown.entities) <= BRIEF)
        if response.due is None:
            for asked, told in response.within:
                if asked is not request:
                    yield from self._kept(asked, told, told.status)

    def _shown(self, response: Response, status: int) -> Shown:
        return shown_by(response, status, self._patients_of)

    async def _settled(self, due: Due, request: Request) -> None:
        """What is durable with its write needs no refusal: the trail gets it as soon as it can be written."""
        try:
            await self.trail.settle(due)
        except TrailDownError:
            log.warning("request %s was written, and will be recorded later", request.request_id)


async def _all(waits: Sequence[Coroutine[Any, Any, None]]) -> Sequence[BaseException | None]:
    """What became of each; mostly there is one, which needs no task of its own."""
    if len(waits) != 1:
        found: Sequence[BaseException | None] = await asyncio.gather(*waits, return_exceptions=True)
        return found
    try:
        await waits[0]
    except TrailDownError as error:
        return (error,)
    return ()


def _unwritten() -> FhirFault:
    return FhirFault(503, "transient", "the audit trail can't be written just now, so nothing is written")


def _unanswered() -> FhirFault:
    return FhirFault(503, "transient", "the audit trail can't be written just now, so nothing is answered")


def _is_unwritten(response: Response) -> bool:
    """Whether a 503 refuses a write already, for the same reason."""
    issues: Sequence[Mapping[str, Any]] = (response.resource or {}).get("issue") or ({},)
    return issues[0].get("diagnostics") == _unwritten().diagnostics
