"""Orthanc as the gateway asks it, in tests that can't wait as long as it does."""

from pathlib import Path

import httpx

from dicomweb.archives.orthanc import Orthanc, OrthancAddress
from dicomweb.archives.orthanc.breaker import Breaker
from dicomweb.archives.orthanc.connection import Connection
from fhir_facade.settings import Settings
from tests.facade.facade import settings_of
from tests.services.orthanc import OrthancServer

QUICK = httpx.Timeout(0.4, connect=0.4, pool=0.4)


def client_of(server: OrthancServer, **changes: str) -> Orthanc:
    """An archive over a started Orthanc."""
    address = OrthancAddress(
        **{"url": server.url, "username": server.username, "password": server.password} | changes
    )
    return Orthanc(Connection(address))


def over(server: OrthancServer, folder: Path) -> Settings:
    """A facade's settings over a started Orthanc and the databases in a folder."""
    return settings_of(folder, **server.settings)


def impatient(url: str, server: OrthancServer, breaker: Breaker | None = None) -> Orthanc:
    """An archive at another address (of a proxy), that waits for fractions of a second only."""
    address = OrthancAddress(url, server.username, server.password)
    return Orthanc(Connection(address, QUICK, breaker))
