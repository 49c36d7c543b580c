"""Instances that a caller may have, and their files: what every resource here asks for first."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import BinaryIO, NamedTuple, TypeVar

from dicomweb.access import Access, Handed
from dicomweb.archives.archive import Address, NotThereError
from dicomweb.http.faults import DicomFault
from dicomweb.http.routes import Asked, Gateway
from dicomweb.index.reading import IndexedInstance, instances
from dicomweb.wado.part10 import Part10, UnreadableError, UnsuitableError, opened
from mappers.keyring import UnopenableError

log = logging.getLogger("dicomweb.wado")
T = TypeVar("T")
#: what an open file counts as, at least: there are only so many of them
_OPEN_FILE = 2 * 1024**2
#: frames that are decoded side by side: each takes a processor, and memory
AT_ONCE = max(os.cpu_count() or 1, 2)
#: threads of their own: what is given up keeps its thread until it ends, and what waits for one is not begun
_DECODING = ThreadPoolExecutor(AT_ONCE, "decoding")


class Seen(NamedTuple):
    """What a request's address names, and by which ImagingStudy it was allowed."""

    studies: Mapping[str, str]
    instances: Sequence[IndexedInstance]


async def visible(asked: Asked) -> Mapping[str, str]:
    """The study's ImagingStudy; raises DicomFault 404 where the caller may not see it, or there is none."""
    study = asked.address.study
    studies = await asked.viewer.visible([study])
    if study not in studies:
        raise not_there()
    return {study: studies[study]}


async def seen(asked: Asked) -> Seen:
    """The instances that the address names, with the same 404 for hidden and for absent ones."""
    studies = await visible(asked)
    found = await instances(asked.gateway.database, asked.address)
    if not found:
        raise not_there()
    return Seen(studies, found)


def not_there() -> DicomFault:
    """404, in the same words whatever the reason."""
    return DicomFault(404, "there is no such study, series or instance")


async def recorded(asked: Asked, studies: Mapping[str, str], count: int) -> None:
    """Returns once the retrieval is in the audit trail: nothing is sent before."""
    await asked.viewer.record(Access("retrieve", studies, instances=count))


def handed(asked: Asked, instances: int = 0, frames: int = 0, size: int = 0) -> None:
    """Counts what leaves of the study; nothing of what is only asked about (HEAD)."""
    if asked.request.method != "HEAD":
        asked.viewer.handed(Handed(instances, frames, size))


def content_of(found: IndexedInstance) -> tuple[str, str, int]:
    """What names an instance's bytes: they change, and it does."""
    return found.place, found.digest, found.size


async def file_of(gateway: Gateway, found: IndexedInstance) -> Part10:
    """The instance's file, opened; kept open for a while. Raises DicomFault 404 and 500, ArchiveDownError."""

    async def make() -> Part10:
        return await told(found.address, partial(opened, await fetched(gateway, found)))

    return await gateway.recent.get(("file", *content_of(found)), make, lambda o: max(o.size, _OPEN_FILE))


async def fetched(gateway: Gateway, found: IndexedInstance) -> BinaryIO:
    """The instance's file, which the caller closes. Raises DicomFault 404 and 500, ArchiveDownError."""
    try:
        return await gateway.archive.fetch(found.place)
    except NotThereError:
        raise await gone(gateway, found.address) from None
    except UnopenableError as fault:
        raise damaged(found.address, fault) from None


async def gone(gateway: Gateway, address: Address) -> DicomFault:
    """404 for what the index has and the archive hasn't; raises ArchiveDownError where that is away."""
    await gateway.archive.alive()
    return DicomFault(404, f"the imaging archive no longer has the instance {address.instance}")


async def told(address: Address, work: Callable[[], T]) -> T:
    """What is made of an instance, off the loop. Raises DicomFault 406 for what can't be made of it, 500 for
    what is wrong with it: neither is a fault of other instances.
    """
    try:
        return await asyncio.get_running_loop().run_in_executor(_DECODING, work)
    except UnsuitableError as fault:
        raise DicomFault(406, f"instance {address.instance}: {fault}") from None
    except UnreadableError as fault:
        raise DicomFault(500, f"instance {address.instance} can't be read: {fault}") from None
    except UnopenableError as fault:
        raise damaged(address, fault) from None


def damaged(address: Address, fault: UnopenableError) -> DicomFault:
    """500 for what was changed in the archive, or sealed under a key that isn't here: the log says which."""
    log.error("the file of instance %s can't be opened: %s", address.instance, fault)
    return DicomFault(500, f"instance {address.instance} can't be read: its file in the archive is damaged")
