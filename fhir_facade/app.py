"""The only wiring: settings in, one ASGI application out."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from capability.statement import capability_statement
from capability.terminology import terminology_capabilities
from dicomweb.archives.watch import Watch
from dicomweb.following import Follower
from fhir_facade import drift, health, landing, openapi, viewer
from fhir_facade.audit.about import About
from fhir_facade.audit.authorization import Addressed, events_into
from fhir_facade.audit.keeper import Keeper
from fhir_facade.audit.overdue import Overdue
from fhir_facade.audit.trail import Trail
from fhir_facade.audit.wiring import trail_of
from fhir_facade.authorization import MISSING, authorization_of, emergencies_of
from fhir_facade.content import Message, Receive, Send
from fhir_facade.encryption import at_rest_of, sealed_of
from fhir_facade.export.operations import operations_of
from fhir_facade.export.wiring import Exports, exports_of
from fhir_facade.guard import BearerGuard, Callers, Guard, OpenDoor
from fhir_facade.imaging import session
from fhir_facade.imaging.archives import archive_of
from fhir_facade.imaging.asking import PREFIX
from fhir_facade.imaging.following import follower_of
from fhir_facade.imaging.viewings import Viewings
from fhir_facade.imaging.wiring import Doors, router_of
from fhir_facade.operations.operation import Operation
from fhir_facade.paging import Cursors
from fhir_facade.registry import OPERATIONS, by_type, everything
from fhir_facade.routes import FhirApp, Smart
from fhir_facade.service import Service
from fhir_facade.set_up import migrate_embedded
from fhir_facade.settings import SettingFault, Settings
from fhir_facade.throttle import SignIns, Throttle
from mappers.database import Database, MySql, MySqlSettings, Sqlite
from mappers.engine import Engine
from mappers.query import UNRESTRICTED, Access
from mappers.sealed import Sealed
from mappers.site import RESIDENT_NUMBER, Site
from mappers.view import View
from smart_auth.access.opening import MODELS, Opener
from smart_auth.access.policy import Policy, PolicyFault, policy
from smart_auth.endpoints.cross_origin import CrossOrigin
from smart_auth.endpoints.discovery import smart_configuration
from smart_auth.endpoints.router import application as auth_application
from smart_auth.server import AuthorizationServer


class Application:
    """FHIR and DICOMweb requests go straight to their applications; everything else to FastAPI."""

    def __init__(
        self,
        fhir: FhirApp,
        rest: FastAPI,
        authorization: AuthorizationServer | None,
        exports: Exports | None,
        images: ASGIApp,
        follower: Follower,
    ) -> None:
        self.fhir, self.rest, self.authorization, self.exports = fhir, rest, authorization, exports
        self.images, self.follower = images, follower

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http" and _is_fhir(scope["path"]):
            await self.fhir(scope, receive, send)
        elif scope["type"] == "http" and _is_of_images(scope["path"]):
            await self.images(scope, receive, send)
        else:
            await self.rest(scope, receive, send)


def _is_fhir(path: str) -> bool:
    return path.startswith("/api/fhir") and (len(path) == 9 or path[9] == "/")


def _is_of_images(path: str) -> bool:
    below = path == PREFIX or path.startswith(f"{PREFIX}/")
    return below and path != f"{PREFIX}/session"


def site_of(settings: Settings, permits: frozenset[str] = frozenset(), sealed: Sealed | None = None) -> Site:
    """The site as the mappings see it."""
    return Site(settings.site_timezone, permits, settings.base_url, sealed)


def permits_of(settings: Settings) -> frozenset[str]:
    """The sensitive values that the settings let out at all."""
    return frozenset({RESIDENT_NUMBER}) if settings.serve_resident_number else frozenset()


def database_of(settings: Settings) -> Database:
    """The database that the settings name; the embedded one is made (with demo data) if it isn't there."""
    if settings.embedded:
        migrate_embedded(settings)
        return Sqlite(
            settings.data_path / "cdss.db",
            settings.data_path / "openemr.db",
            statement_seconds=settings.db_statement_seconds,
        )
    return MySql(
        MySqlSettings(
            host=settings.db_host,
            port=settings.db_port,
            user=settings.db_user,
            password=settings.db_password,
            database=settings.db_name,
            openemr=settings.openemr_db_name,
            zone=session_zone(settings.site_timezone),
            pool=settings.db_pool_size,
            statement_seconds=settings.db_statement_seconds,
        )
    )


def session_zone(zone: str) -> str:
    """The zone as every MySQL server knows it: an offset if there was but one since 1990, else its name."""
    site = Site(zone=zone)
    moments = [f"{year}-{month:02d}-01 12:00:00" for year in range(1990, 2040) for month in (1, 4, 7, 10)]
    offsets = {site.instant(m)[19:] for m in moments}  # type: ignore[index]
    return offsets.pop() if len(offsets) == 1 else zone


def service_of(settings: Settings) -> Service:
    """Everything that answers FHIR requests under these settings; with access control, nothing to nobody."""
    database, at_rest = database_of(settings), at_rest_of(settings)
    found = drift.fitted(settings, everything(), by_type())
    sealed = sealed_of(settings, at_rest.keyring, found.mappings)
    database.at_rest = at_rest
    site = replace(site_of(settings, permits_of(settings), sealed), at_rest=at_rest)
    engine = Engine(found.mappings, database, site, indexes=found.indexes)
    cursors = Cursors.of(settings.data_path)
    access = Access() if settings.enable_security else UNRESTRICTED
    return Service(
        settings,
        site,
        found.mappings,
        engine,
        cursors,
        found.degraded,
        may_read=access,
        may_search=access,
        may_create=access,
        may_update=access,
        may_delete=access,
        at_rest=at_rest,
    )


def opener_of(service: Service) -> Opener:
    """What says who may see what."""
    return Opener(service.parser(), policy_of(service.settings), service.settings.access_model)


def guard_of(service: Service, opener: Opener, callers: Callers | None, throttle: Throttle) -> Guard:
    """Who lets requests in; raises SettingFault where access control has nobody to ask."""
    settings = service.settings
    if not settings.enable_security:
        return OpenDoor(service)
    if callers is None:
        raise SettingFault(MISSING)
    plain = service.engine.at(replace(service.site, permits=frozenset()))
    return BearerGuard(service, plain, opener, callers, throttle)


def policy_of(settings: Settings) -> Policy:
    """The hospital's policy table; raises SettingFault for one that can't be used."""
    if settings.access_model not in MODELS:
        raise SettingFault(f"ACCESS_MODEL is one of {', '.join(MODELS)}")
    try:
        return policy(Path(settings.access_policy) if settings.access_policy else None)
    except (PolicyFault, OSError) as fault:
        raise SettingFault(f"ACCESS_POLICY: {fault}") from None


def create_app(settings: Settings | None = None, callers: Callers | None = None) -> Application:
    """The application: FHIR below /api/fhir, health and documentation beside it.

    `callers` knows bearer tokens; without it, our own authorization server does.
    """
    settings = settings or Settings.from_environment()
    service = service_of(settings)
    opener = opener_of(service)
    trail = trail_of(settings, service.site, service.engine.database)
    about = About(service.mappings, View(service.engine, UNRESTRICTED))
    keeper = Keeper(trail, service.mappings, service.base, about) if trail else None
    archive = archive_of(settings, service.at_rest)
    watch, viewings = Watch(archive), Viewings(trail) if trail else None
    service = replace(service, keeper=keeper, archive=watch)
    authorization = authorization_of(service, opener, events_into(trail))
    throttle = Throttle.of(settings)
    bearer = authorization.bearer if authorization else None
    guard = guard_of(service, opener, callers or bearer, throttle)
    exports = exports_of(service, guard, authorization, trail, throttle)
    operations = (*OPERATIONS, *(operations_of(exports.kick_off) if exports else ()))
    follower = follower_of(service, archive)
    rest = FastAPI(
        title="NeuroNova FHIR facade",
        version=version("fhir-facade"),
        lifespan=_lifespan(service, guard, authorization, trail, exports, follower, viewings),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    rest.include_router(health.router(service.engine.database, watch, len(service.degraded)))
    secured = authorization if settings.enable_security else None
    rest.include_router(openapi.router(service, rest, signing_in=openapi.signs_in(secured)))
    if authorization is not None:
        emergencies = emergencies_of(service, opener, authorization)
        entrance = Addressed(auth_application(authorization, emergencies))
        rest.mount("/api/auth", SignIns(entrance, throttle))
    sign_in = landing.sign_in_of(settings, authorization)
    rest.include_router(landing.router(service, sign_in))
    sessions = session.sessions_of(secured)
    rest.include_router(session.router(sessions))
    rest.include_router(viewer.router(settings, viewer.signs_in(secured)))
    smart = smart_of(service, authorization)
    fhir = FhirApp(
        service,
        _capabilities(service, operations),
        guard,
        smart,
        keeper=keeper,
        operations=operations,
        polling=exports.polling if exports else None,
    )
    doors = Doors(guard, viewings, fhir.cors, fhir.hosts, sessions)
    images = router_of(service, doors, archive)
    return Application(fhir, rest, authorization, exports, images, follower)


def smart_of(service: Service, authorization: AuthorizationServer | None) -> Smart | None:
    """What the FHIR side tells of the authorization server, and asks of it."""
    if authorization is None:
        return None
    configuration = smart_configuration(authorization.config, service.mappings)
    return Smart(configuration, CrossOrigin(authorization.clients).knows)


def _capabilities(service: Service, operations: Sequence[Operation]) -> Callable[[str], dict[str, Any]]:
    """What the server says of itself, by the `mode` that is asked for."""
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    release = version("fhir-facade")

    @cache
    def build(mode: str) -> dict[str, Any]:
        if mode == "terminology":
            return terminology_capabilities(service.base, release, started, service.mappings, OPERATIONS)
        secured = service.settings.enable_security
        authorization = f"{service.settings.base_url}/api/auth" if secured else ""
        return capability_statement(
            service.mappings, service.base, release, started, service.degraded, authorization, operations
        )

    return build


def _lifespan(
    service: Service,
    guard: Guard,
    authorization: AuthorizationServer | None,
    trail: Trail | None,
    exports: Exports | None,
    follower: Follower,
    viewings: Viewings | None,
) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # what lives as long as the process is nothing to look through at every collection
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        overdue = Overdue(trail, service.engine.database) if trail is not None else None
        runner = exports.runner if exports is not None else None
        tasks = [task for task in (runner, overdue, follower, viewings, service.archive) if task is not None]
        for task in tasks:
            task.start()
        yield
        for task in tasks:
            await task.stop()
        await follower.archive.close()
        await guard.close()
        if authorization is not None:
            await authorization.provider.close()
            authorization.store.engine.dispose()
        if trail is not None:
            await trail.close()
        await service.engine.database.close()

    return lifespan
