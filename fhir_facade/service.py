"""What the interactions share: the engine, the mappings, the settings, the cursors, and what may be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dicomweb.archives.watch import Watch
from fhir_facade.audit.keeper import Keeper
from fhir_facade.outcome import FhirFault
from fhir_facade.paging import Cursors
from fhir_facade.settings import Settings
from mappers.at_rest import AtRest
from mappers.engine import Engine
from mappers.mapping import ResourceMapping
from mappers.parse import Parser
from mappers.query import UNRESTRICTED, Access
from mappers.site import RESIDENT_NUMBER, Site
from mappers.view import View
from smart_auth.access.caller import Caller

ADMIN = "admin"


@dataclass(frozen=True)
class Service:
    """Everything that answers FHIR requests; `degraded` says what the drift check took out, and why.

    With a `keeper`, nothing is written without what the audit trail will say of it. `archive` knows whether
    images can be had.
    Interactions ask `reading` and `searching`, never the engine: these hold what the caller may see. Without
    a caller, `may_…` is everything if access control is off, and nothing if it is on.
    """

    settings: Settings
    site: Site
    mappings: Mapping[str, ResourceMapping]
    engine: Engine
    cursors: Cursors
    degraded: tuple[str, ...] = field(default=())
    caller: Caller | None = None
    may_read: Access = UNRESTRICTED
    may_search: Access = UNRESTRICTED
    may_create: Access = field(default=Access())
    may_update: Access = field(default=Access())
    may_delete: Access = field(default=Access())
    at_rest: AtRest = field(default=AtRest())
    keeper: Keeper | None = None
    archive: Watch | None = None

    @property
    def base(self) -> str:
        """The FHIR base address."""
        return self.settings.fhir_base

    @cached_property
    def reading(self) -> View:
        """What reads may see."""
        return View(self.engine, self.may_read)

    @cached_property
    def searching(self) -> View:
        """What searches may see."""
        return View(self.engine, self.may_search)

    @cached_property
    def binding(self) -> str:
        """Whom page links are for: links of one user in one client and launch serve nobody else."""
        if self.caller is None:
            return ""
        user = self.caller.user.subject if self.caller.user else ""
        return "\n".join((self.caller.client_id, user, self.caller.patient))

    @property
    def explains(self) -> bool:
        """Whether `_explain` answers: to administrators, and to all where access control is off."""
        return self.may_search.everything or self._holds(ADMIN)

    @property
    def knows_resident_numbers(self) -> bool:
        """Whether the caller may search by resident number; seeing one needs a setting besides."""
        return self.may_search.everything or self._holds(RESIDENT_NUMBER)

    def _holds(self, role: str) -> bool:
        return self.caller is not None and self.caller.user is not None and role in self.caller.user.roles

    def parser(self, *, by_post: bool = False) -> Parser:
        """A parser of search parameters."""
        return Parser(self.mappings, self.site, (self.base,), by_post)


def refused(resource_type: str, what: str) -> FhirFault:
    """403 for a type that the caller's scopes and role don't open: https://hl7.org/fhir/R4/security.html"""
    headers: dict[str, Any] = {"www-authenticate": 'Bearer error="insufficient_scope"'}
    text = f"your scopes and role do not let you {what} {resource_type}"
    return FhirFault(403, "forbidden", text, headers=headers)
