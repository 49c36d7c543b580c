"""Exports put together: what kicks them off, what is asked of them, and what makes them."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_facade.audit.trail import Trail
from fhir_facade.export.caller import standing
from fhir_facade.export.files import Files
from fhir_facade.export.kick_off import KickOff
from fhir_facade.export.polling import Polling
from fhir_facade.export.work import KIND, Exporting, Sources
from fhir_facade.guard import Guard
from fhir_facade.jobs.runner import Runner
from fhir_facade.jobs.store import Jobs
from fhir_facade.service import Service
from fhir_facade.throttle import Throttle
from smart_auth.server import AuthorizationServer

FOLDER = "export"


@dataclass(frozen=True)
class Exports:
    """`$export` and what comes after it; `runner` makes them in this process."""

    kick_off: KickOff
    polling: Polling
    runner: Runner

    @property
    def jobs(self) -> Jobs:
        """Where they are kept."""
        return self.runner.jobs


def exports_of(
    service: Service,
    guard: Guard,
    authorization: AuthorizationServer | None,
    trail: Trail | None,
    throttle: Throttle,
) -> Exports | None:
    """Exports over this site's databases; None over one that lacks the facade's own tables."""
    if authorization is None:
        return None
    settings, jobs = service.settings, Jobs(authorization.store)
    files = Files(settings.data_path / FOLDER, service.at_rest)
    stands = standing(authorization) if settings.enable_security else None
    sources = Sources(guard.seen, stands, trail.record if trail else None)
    runner = Runner(jobs, {KIND: Exporting(files, sources, settings.export_hours * 3600)})
    return Exports(KickOff(jobs, runner, settings.export_limit), Polling(jobs, files, throttle), runner)
