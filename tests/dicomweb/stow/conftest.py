"""Facades that images are sent to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete, select

from mappers.cdss.tables import ris_radiologystudy
from mappers.facade.imaging import fhir_dicom_quarantine
from mappers.facade.tables import fhir_event, fhir_version
from tests.dicomweb.orthanc import over
from tests.dicomweb.stow.sending import Sender
from tests.facade.facade import Facade, settings_of
from tests.services.database import DatabaseServer
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port
from tests.smart_auth.badges import Badges

RIS = ris_radiologystudy.c


@pytest.fixture(scope="module")
def stow_data(made_hospital: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo hospital's databases and an empty archive, for a module's tests together."""
    folder = tmp_path_factory.mktemp("stow") / "data"
    folder.mkdir()
    for path in made_hospital.glob("*.db"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest_asyncio.fixture(scope="module")
async def sender(stow_data: Path) -> AsyncIterator[Sender]:
    """Sends to an embedded facade that is open to all."""
    facade = Facade(settings_of(stow_data))
    yield Sender(facade)
    await facade.close()


@pytest_asyncio.fixture
async def to_orthanc(hospital: Path, orthanc_running: OrthancServer) -> AsyncIterator[Sender]:
    """Sends to a facade over Orthanc."""
    facade = Facade(over(orthanc_running, hospital))
    yield Sender(facade)
    await facade.close()


@pytest_asyncio.fixture
async def to_server(server: DatabaseServer, tmp_path: Path) -> AsyncIterator[Sender]:
    """Sends to a facade over each database server in turn."""
    facade = Facade(settings_of(tmp_path, server))
    with server.engine(server.owner).begin() as owner:
        before = set(owner.execute(select(RIS.study_id)).scalars())
    yield Sender(facade)
    await facade.close()
    with server.engine(server.owner).begin() as owner:
        made = set(owner.execute(select(RIS.study_id)).scalars()) - before
        owner.execute(delete(ris_radiologystudy).where(RIS.study_id.in_(made)))
        owner.execute(delete(fhir_version).where(fhir_version.c.resource_id.in_(made)))
        owner.execute(delete(fhir_event).where(fhir_event.c.resource_id.in_(made)))
        owner.execute(delete(fhir_dicom_quarantine))


@pytest_asyncio.fixture
async def away(hospital: Path) -> AsyncIterator[Sender]:
    """Sends to a facade whose Orthanc is down."""
    facade = Facade(settings_of(hospital, orthanc_api_url=f"http://127.0.0.1:{free_port()}"))
    yield Sender(facade)
    await facade.close()


@pytest.fixture(scope="module")
def badges() -> Badges:
    """The tokens that guarded facades know."""
    return Badges()


@pytest_asyncio.fixture(scope="module")
async def guarded(stow_data: Path, badges: Badges) -> AsyncIterator[Facade]:
    """The facade with access control and an audit trail."""
    facade = Facade(settings_of(stow_data, enable_security=True, audit="on"), badges)
    yield facade
    await facade.close()
