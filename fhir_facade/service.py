"""What the interactions share: the engine, the mappings, the settings, the cursors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_facade.paging import Cursors
from fhir_facade.settings import Settings
from mappers.engine import Engine
from mappers.mapping import ResourceMapping
from mappers.parse import Parser
from mappers.site import Site


@dataclass(frozen=True)
class Service:
    """Everything that answers FHIR requests; `degraded` says what the drift check took out, and why."""

    settings: Settings
    site: Site
    mappings: Mapping[str, ResourceMapping]
    engine: Engine
    cursors: Cursors
    degraded: tuple[str, ...] = field(default=())

    @property
    def base(self) -> str:
        """The FHIR base address."""
        return self.settings.fhir_base

    def parser(self, *, by_post: bool = False) -> Parser:
        """A parser of search parameters."""
        return Parser(self.mappings, self.site, (self.base,), by_post)
