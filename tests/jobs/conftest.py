"""A store of jobs with a clock of its own, over each kind of database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import pytest

from fhir_facade.jobs.store import Jobs
from tests.facade.facade import Facade
from tests.smart_auth.app import server_of


@dataclass
class Bench:
    """Jobs of a kind that no other test knows, and the seconds that have passed."""

    facade: Facade
    kind: str = field(default_factory=lambda: f"test-{secrets.token_hex(4)}")
    later: float = 1_000_000.0

    @property
    def jobs(self) -> Jobs:
        return Jobs(server_of(self.facade).store, lambda: self.later)

    def add(self, **payload: object) -> str:
        return self.jobs.add(self.kind, payload, "a-client", "a-holder")


@pytest.fixture
def bench(facade: Facade) -> Bench:
    """Over each kind of database in turn."""
    return Bench(facade)


@pytest.fixture
def embedded_bench(embedded: Facade) -> Bench:
    """Over the embedded database."""
    return Bench(embedded)
