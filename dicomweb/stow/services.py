"""The services that change what the archive keeps: storing, and deleting by who may.

DELETE is an extension: PS3.18 knows none. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.5
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from dicomweb.access import Access
from dicomweb.archives.archive import Address, ArchiveDownError
from dicomweb.http.faults import DicomFault
from dicomweb.http.routes import Asked, Route
from dicomweb.index.reading import IndexedInstance, instances
from dicomweb.stow.outcomes import Outcome, answer_of
from dicomweb.stow.request import answered_in, received
from dicomweb.stow.spool import Spool
from dicomweb.stow.storing import Store, Storing, again

#: instances that are taken out of the index in one transaction
TOGETHER = 50


def routes_of(store: Store, limit: int) -> tuple[Route, ...]:
    """The services over a store; `limit`: bytes that a request may bring."""

    async def keep(asked: Asked) -> Response:
        return await _stored(store, limit, asked)

    async def delete(asked: Asked) -> Response:
        return await _deleted(store, asked)

    study, series = "/studies/{study}", "/studies/{study}/series/{series}"
    return (
        Route("POST", "/studies", keep, doing="store"),
        Route("POST", study, keep, doing="store"),
        *(
            Route("DELETE", path, delete, doing="delete")
            for path in (study, series, series + "/instances/{instance}")
        ),
    )


async def _stored(store: Store, limit: int, asked: Asked) -> Response:
    media = answered_in(asked.request)
    spool = Spool(limit)
    try:
        sent = await received(asked.request, spool)
        if all(one.entry is None for one in sent):
            raise DicomFault(400, f"there is no DICOM instance in the request: {sent[0].fault}")
        storing = Storing(store, asked.viewer, asked.address.study)
        outcomes = await storing.all(sent)
    finally:
        spool.close()
    answer = answer_of(outcomes, asked.gateway.base, media)
    await _recorded(asked, storing, outcomes, answer.status_code)
    return answer


async def _recorded(asked: Asked, storing: Storing, outcomes: Sequence[Outcome], status: int) -> None:
    """Settles what the stores' own transactions owe the trail, and records what has been there before."""
    for settle in storing.owed:
        await settle()
    there = dict.fromkeys(o.address.study for o in outcomes if not o.failure)
    left = [study for study in there if study not in storing.told]
    seen = await asked.viewer.visible(left, "store") if left else {}
    if left or not storing.owed:
        await asked.viewer.record(Access("store", seen, status, len(outcomes)))


async def _deleted(store: Store, asked: Asked) -> Response:
    """204 once all that the address names is gone; what is hidden is as if it weren't there."""
    study = asked.address.study
    seen = await asked.viewer.visible([study], "delete")
    found = await instances(store.database, asked.address) if seen else []
    if not found:
        raise DicomFault(404, "the archive has no such study, series or instance")
    await asked.viewer.record(Access("delete", seen, 204, len(found)))
    for start in range(0, len(found), TOGETHER):
        await _gone(store, found[start : start + TOGETHER])
    return Response(status_code=204)


async def _gone(store: Store, found: Sequence[IndexedInstance]) -> None:
    """First the files, then what is said of them: who is killed in between is healed by the follower."""
    gone = list[tuple[Address, str]]()
    try:
        for one in found:
            await store.archive.delete(one.place)
            gone.append((one.address, one.place))
    except ArchiveDownError:
        if gone:
            await again(store.database, lambda t: store.intake.drop(t, gone))
        raise
    await again(store.database, lambda t: store.intake.drop(t, gone))
