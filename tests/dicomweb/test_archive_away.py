"""While the archive is away, ImagingStudies are told whole, and that their images can't be opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fhir_facade.imaging.away import AWAY
from tests.facade.facade import Facade, settings_of
from tests.services.orthanc import OrthancServer

STUDY, PATIENT, ORDER = "ST-2025-000001", "P-2025-000001", "O-2025-000001"
#: what leads to an ImagingStudy, and may lead to none
TOLD = (
    f"ImagingStudy?_id={STUDY}",
    f"ImagingStudy?_id={STUDY}&_elements=status",
    "ImagingStudy?_id=nothing",
    f"DiagnosticReport?study=ImagingStudy/{STUDY}&_include=DiagnosticReport:study",
    f"Patient?_id={PATIENT}&_revinclude=ImagingStudy:patient",
    f"Patient/{PATIENT}/$everything?_type=ImagingStudy",
    f"ServiceRequest/{ORDER}/$story",
)
SILENT = (f"Patient?_id={PATIENT}", f"Patient/{PATIENT}/$everything?_type=Observation")


@contextmanager
def of_folder(folder: Path) -> Iterator[None]:
    """The embedded archive's disk, until the block ends."""
    yield
    (folder / "archive").rename(folder / "away")


@pytest_asyncio.fixture(params=["embedded", "orthanc"])
async def scene(
    request: pytest.FixtureRequest, hospital: Path, tmp_path: Path
) -> AsyncIterator[tuple[Facade, AbstractContextManager[None]]]:
    """A facade, and what runs its archive until it ends."""
    running: AbstractContextManager[None]
    if request.param == "embedded":
        settings, running = settings_of(hospital), of_folder(hospital)
    else:
        (tmp_path / "orthanc").mkdir()
        server = OrthancServer(tmp_path / "orthanc")
        settings = settings_of(
            hospital,
            orthanc_api_url=server.url,
            orthanc_username=server.username,
            orthanc_password=server.password,
        )
        running = server.run()
    facade = Facade(settings)
    yield facade, running
    await facade.close()


async def outcomes(facade: Facade, path: str) -> tuple[list[Any], list[Any]]:
    """Everything else that a search answers, and the issues of its outcome."""
    bundle = await facade.bundle(path)
    found = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] != "outcome"]
    told = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "outcome"]
    return [*found, bundle.get("total")], [issue for one in told for issue in one["issue"]]


async def health(facade: Facade) -> str:
    """What readiness knows of the archive."""
    return str((await facade.http.get("/api/health/ready")).json()["imaging"])


async def test_an_archive_that_is_away_is_told_beside_what_is_found(
    scene: tuple[Facade, AbstractContextManager[None]],
) -> None:
    facade, running = scene
    with running:
        assert await health(facade) == "up"
        before = {path: await outcomes(facade, path) for path in (*TOLD, *SILENT)}
        read = await facade.get(f"ImagingStudy/{STUDY}")
    assert await health(facade) == "down"
    for path, (found, issues) in before.items():
        away = [AWAY.as_fhir()] if path in TOLD else []
        assert await outcomes(facade, path) == (found, issues + away), path
    again = await facade.get(f"ImagingStudy/{STUDY}", prefer="handling=strict")
    assert (again.status_code, again.json()) == (200, read.json())
    assert again.headers["etag"] == read.headers["etag"]
    strict = await facade.get(TOLD[0], prefer="handling=strict")
    assert strict.status_code == 200
    assert (AWAY.code, AWAY.severity) == ("transient", "warning")
