"""What a user may see before there is a token: by the role alone, as an app's launch context is chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fhir_facade.service import Service
from mappers.engine import Engine
from mappers.parse import SearchFault
from mappers.query import UNRESTRICTED, Access, Condition, SearchQuery, Sort
from smart_auth.access.caller import Caller, User
from smart_auth.access.consents import Consented
from smart_auth.access.opening import Opener
from smart_auth.access.scopes import resource_scopes


@dataclass(frozen=True)
class SeenByUser:
    """Searches of one type; `engine` reads without any value that only some roles may see."""

    service: Service
    opener: Opener
    engine: Engine
    consents: Consented

    @classmethod
    def of(cls, service: Service, opener: Opener) -> SeenByUser:
        """Over the service's own mappings and database."""
        engine = service.engine.at(replace(service.site, permits=frozenset()))
        return cls(service, opener, engine, Consented(engine.database))

    def condition(self, resource_type: str, name: str, value: str) -> Condition | None:
        """`name=value`; None for a value that no row could have."""
        try:
            return self.service.parser().condition(resource_type, name, value)
        except SearchFault:
            return None

    async def matches(
        self, user: User, resource_type: str, where: tuple[Condition, ...], most: int, *sort: Sort
    ) -> list[dict[str, Any]]:
        """The first resources that match and that the user may see; raises SearchFault where a condition
        can't be searched.
        """
        access = await self._access(user, resource_type)
        page = await self.engine.page(SearchQuery(resource_type, where, sort), most, access=access)
        return [match for match in page.matches if isinstance(match, dict)]

    async def _access(self, user: User, resource_type: str) -> Access:
        if not self.service.settings.enable_security:
            return UNRESTRICTED
        caller = Caller("", tuple(resource_scopes([f"user/{resource_type}.rs"])), user)
        asked = self.opener.policy.needs_consent(user.roles)
        return self.opener.access(caller, "s", await self.consents.patients(user.fhir_user) if asked else ())
