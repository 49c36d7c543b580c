"""A facade that runs as a program of its own, with the apps that are registered at it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fhir_facade import demo_users
from fhir_facade.authorization import store_of
from fhir_facade.cli import prepare
from fhir_facade.settings import Settings
from smart_auth.store.clients import Clients
from smart_auth.store.tables import Client
from tests.services.process import free_port, listens, running


@dataclass(frozen=True)
class Site:
    """Its public origin, the port that it listens on, and the password of its users."""

    origin: str
    port: int
    password: str
    clients: Clients

    @property
    def base(self) -> str:
        """The FHIR base."""
        return f"{self.origin}/api/fhir"


@contextmanager
def site(
    folder: Path, environment: Mapping[str, str], password: str = "", apps: tuple[Client, ...] = ()
) -> Iterator[Site]:
    """Runs until the block ends; without a password, that of the demo's users."""
    port = free_port()
    environment = {"DATA_DIR": str(folder), "PORT": str(port), "ENABLE_SECURITY": "true", **environment}
    settings = Settings.from_environment(environment)
    prepare(settings)
    store = store_of(settings)
    assert store is not None
    clients = Clients(store)
    for client in apps:
        clients.put(client)
    command = [sys.executable, "-m", "fhir_facade.cli", "serve"]
    with running(command, folder / "server.log", lambda: listens(port), environment=environment):
        yield Site(settings.base_url, port, password or demo_users.password(folder), clients)
    store.engine.dispose()
