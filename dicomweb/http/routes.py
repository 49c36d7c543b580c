"""What the services (QIDO-RS, WADO-RS, STOW-RS) offer to the router, and what they are given to work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from dicomweb.access import Doing, Gate, Viewer
from dicomweb.archives.archive import Address, Archive
from dicomweb.http.recent import Recent
from mappers.database import Database
from mappers.site import Site


@dataclass(frozen=True)
class Gateway:
    """What stands behind the services; `base` is the public address of `/api/dicom-web`, without a slash."""

    archive: Archive
    database: Database
    gate: Gate
    site: Site
    base: str
    recent: Recent = field(default_factory=Recent, compare=False)


@dataclass(frozen=True)
class Asked:
    """A request whose caller was let in; `address` has the UIDs of its path, checked to be UIDs."""

    gateway: Gateway
    viewer: Viewer
    request: Request
    address: Address


Handler = Callable[[Asked], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A resource of DICOMweb; its path has `{study}`, `{series}`, `{instance}`, `{frames}`, `{bulk:path}`.

    What is no UID stands in the request's `path_params`. `doing`: what it does to studies. HEAD is answered
    by what answers GET.
    """

    method: str
    path: str
    handler: Handler
    cost: int = 1
    doing: Doing = "retrieve"


class Edge(Protocol):
    """What stands before the gateway as it does before the FHIR side."""

    async def headers(self, request: Request) -> Mapping[str, str]:
        """CORS: headers of every answer, refusals too."""

    def refuse_unknown(self, request: Request) -> None:
        """Raises DicomFault 421 for a Host header that names another server."""

    def compresses(self, request: Request) -> bool:
        """Whether the answer may be gzipped here."""
