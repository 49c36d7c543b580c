"""The imaging gateway that the settings ask for."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp

from dicomweb.archives.archive import Archive
from dicomweb.http.router import Router
from dicomweb.http.routes import Gateway, Route
from dicomweb.intake import Intake
from dicomweb.qido.services import ROUTES as QIDO
from dicomweb.stow.services import routes_of as stow_routes
from dicomweb.stow.storing import Store
from dicomweb.wado.services import ROUTES as WADO
from fhir_facade.cors import Cors, Hosts
from fhir_facade.guard import Guard
from fhir_facade.imaging.asking import PREFIX
from fhir_facade.imaging.edge import FhirEdge
from fhir_facade.imaging.following import ris_of
from fhir_facade.imaging.gate import GuardedGate, Record
from fhir_facade.imaging.session import ImagingSessions, WithSession
from fhir_facade.imaging.viewings import Viewings
from fhir_facade.service import Service

ROUTES: tuple[Route, ...] = (*QIDO, *WADO)


@dataclass(frozen=True)
class Doors:
    """What the FHIR side lets in and keeps out by. `viewings`: the audit trail, if one is kept; `sessions`:
    cookies of viewers that send no token.
    """

    guard: Guard
    viewings: Viewings | None
    cors: Cors
    hosts: Hosts
    sessions: ImagingSessions | None


def router_of(service: Service, doors: Doors, archive: Archive) -> ASGIApp:
    """DICOMweb over an archive, for whom the guard lets in."""
    base = f"{service.settings.base_url}{PREFIX}"
    gate = GuardedGate(doors.guard, Record(doors.viewings, base))
    gateway = Gateway(archive, service.engine.database, gate, service.site, base)
    edge = FhirEdge(doors.cors, doors.hosts, gzip=service.settings.gzip)
    router = Router(gateway, (*ROUTES, *_storing(service, archive)), edge, PREFIX)
    return WithSession(router, doors.sessions) if doors.sessions else router


def _storing(service: Service, archive: Archive) -> tuple[Route, ...]:
    settings = service.settings
    ris = ris_of(service, archive)
    intake = Intake(service.site, ris)
    store = Store(archive, service.engine.database, intake, ris, replace=settings.stow_replaces)
    return stow_routes(store, settings.stow_limit_bytes)
