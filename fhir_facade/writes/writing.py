"""One request's writing: a transaction that is committed whole, or tried again, or leaves nothing."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from fhir_facade.content import Request, Response
from fhir_facade.outages import outages_told
from fhir_facade.outcome import FhirFault
from fhir_facade.service import Service
from mappers.stored.search_values import SearchValues
from mappers.transaction import DuplicateError, RefusedError, RetryError, Transaction, transaction
from mappers.write.faults import WriteFault
from mappers.write.history import Author
from mappers.write.writer import Writer

log = logging.getLogger("fhir_facade")
#: how often a transaction is tried that others are in the way of, and the first pause in seconds
TRIES, PAUSE = 6, 0.02


@dataclass(frozen=True)
class Writing:
    """A transaction under way: `service` reads within it, `known` are references seen to lead somewhere."""

    service: Service
    writer: Writer
    transaction: Transaction
    known: set[str] = field(default_factory=set)


async def in_transaction(
    service: Service, request: Request, work: Callable[[Writing], Awaitable[Response]]
) -> Response:
    """What `work` answers, once it is durable, with what the audit trail will say of it.

    Raises FhirFault: then nothing of it was written. Where a deadlock or another writer ended the transaction
    it is done again, from the beginning; what is still there already then is 409.
    """
    if service.keeper is not None:
        await service.keeper.ready()
    faults: list[Exception] = []
    for attempt in range(TRIES):
        try:
            with outages_told():
                async with _begun(service, request) as writing:
                    return await _recorded(writing, request, await work(writing))
        except (RetryError, DuplicateError) as fault:
            faults.append(fault)
            await asyncio.sleep(PAUSE * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        except WriteFault as fault:
            raise told(fault) from None
        except RefusedError as fault:
            raise _refused(fault) from fault
    raise _given_up(faults[-1])


def _refused(fault: RefusedError) -> FhirFault:
    """What only the hospital's own database knows a rule against; its words may repeat values of rows."""
    log.error("the database refuses what was to be written: %s", fault)
    return FhirFault(
        422, "business-rule", f"the database refuses what was sent, by a rule of its own ({fault})"
    )


def _given_up(fault: Exception) -> FhirFault:
    if isinstance(fault, DuplicateError):
        return FhirFault(409, "duplicate", "the database has a row already with a value that must be its own")
    return FhirFault(
        503, "lock-error", "others write the same just now: send it again", headers={"retry-after": "1"}
    )


async def _recorded(writing: Writing, request: Request, response: Response) -> Response:
    keeper = writing.service.keeper
    if keeper is not None and writing.transaction.changed:
        response.due = await keeper.due(request, response)
        await writing.transaction.execute(keeper.keeping(response.due))
    return response


@asynccontextmanager
async def _begun(service: Service, request: Request) -> AsyncIterator[Writing]:
    async with transaction(service.engine.database) as begun:
        inside = replace(service, engine=service.engine.within(begun))
        values = SearchValues(service.mappings, service.site, (service.base,))
        yield Writing(inside, Writer(inside.engine, begun, values, author(service, request)), begun)


def author(service: Service, request: Request) -> Author:
    """Who writes, as history keeps it."""
    caller = service.caller
    if caller is None:
        return Author(request_id=request.request_id)
    name = (caller.user.fhir_user or caller.user.username) if caller.user else caller.client_id
    return Author(name, caller.client_id, request.request_id)


def told(fault: WriteFault, allow: str = "GET, HEAD, OPTIONS") -> FhirFault:
    """What the store refuses, as the answer to a request; `allow` is what a 405 names instead."""
    expression = (fault.expression,) if fault.expression else ()
    headers = {"allow": allow} if fault.status == 405 else {}
    return FhirFault(fault.status, fault.code, fault.diagnostics, expression, headers)
