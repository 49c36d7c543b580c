"""The server follows the archive that its settings name, and says how that is."""

import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from dicomweb.archives.orthanc import Orthanc
from dicomweb.index.reading import instances
from tests.dicomweb.files import made
from tests.dicomweb.following.scene import Scene, follow, until
from tests.dicomweb.orthanc import over
from tests.dicomweb.stow.sending import KIM, ROOT, Sender, image
from tests.facade.facade import Facade, execute, settings_of, writer
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port


@pytest_asyncio.fixture
async def sender(hospital: Path, orthanc_running: OrthancServer, orthanc: Orthanc) -> AsyncIterator[Sender]:
    """Sends to a facade over Orthanc, which is followed from now on."""
    facade = Facade(over(orthanc_running, hospital))
    await Scene.of(orthanc, facade.service.engine.database)
    yield Sender(facade)
    await facade.close()


async def found(sender: Sender, study: str) -> list[Any]:
    """What QIDO-RS tells of a study."""
    answer = await sender.facade.http.get(f"{ROOT}/studies?StudyInstanceUID={study}")
    return list(answer.json()) if answer.status_code == 200 else []


async def test_what_orthanc_received_itself_is_indexed_while_the_server_runs(
    sender: Sender, orthanc: Orthanc
) -> None:
    facade, sent, rest = sender.facade, made(PatientID=KIM), sender.facade.app.rest
    try:
        async with rest.router.lifespan_context(rest):
            await orthanc.store(sent.address, sent.file)

            async def indexed() -> bool:
                return bool(await instances(facade.service.engine.database, sent.address))

            await until(indexed)
            ready = await facade.http.get("/api/health/ready")
    finally:
        gc.unfreeze()
        gc.set_threshold(700, 10, 10)
    assert (ready.status_code, ready.json()["imaging"]) == (200, "up")


async def test_what_orthanc_received_and_lost_shows_in_the_ris_and_in_fhir(
    sender: Sender, orthanc: Orthanc
) -> None:
    follower, sent = sender.facade.app.follower, made(PatientID=KIM)
    study = sent.address.study
    place = await orthanc.store(sent.address, sent.file)
    await follow(follower)
    id_ = (await sender.row(study))["study_id"]
    read = await sender.read(id_)
    assert (read.status_code, read.json()["numberOfInstances"]) == (200, 1)
    assert await sender.events(id_) == ["create"]
    assert len(await found(sender, study)) == 1
    await orthanc.delete(place)
    await follower.compare()
    assert await found(sender, study) == []
    assert (await sender.read(id_)).json()["numberOfInstances"] == 0
    assert await sender.events(id_) == ["create", "update"]


async def test_what_was_stored_by_the_gateway_is_told_once(sender: Sender) -> None:
    one = image()
    assert (await sender.store(one)).status_code == 200
    id_ = (await sender.row(one.study))["study_id"]
    await follow(sender.facade.app.follower)
    await sender.facade.app.follower.compare()
    assert await sender.events(id_) == ["create"]


async def test_what_orthanc_received_of_nobody_known_is_seen_by_nobody(
    sender: Sender, orthanc: Orthanc
) -> None:
    sent = made(PatientID="NOBODY", AccessionNumber="")
    await orthanc.store(sent.address, sent.file)
    await follow(sender.facade.app.follower)
    await sender.facade.app.follower.release()
    assert await sender.waiting(sent.address.study) == ["unknown-patient"]
    assert await sender.count(sent.address.study) == 0
    assert await found(sender, sent.address.study) == []


async def test_a_server_without_its_archive_is_ready_and_says_so(hospital: Path) -> None:
    facade = Facade(settings_of(hospital, orthanc_api_url=f"http://127.0.0.1:{free_port()}"))
    ready = await facade.http.get("/api/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {"status": "up", "database": "up", "imaging": "down", "degraded": 0}
    await facade.close()


async def test_what_came_before_its_patient_was_registered_is_seen_afterwards(
    sender: Sender, orthanc: Orthanc
) -> None:
    follower, sent = sender.facade.app.follower, made(PatientID="P-EARLY", AccessionNumber="")
    await orthanc.store(sent.address, sent.file)
    await follow(follower)
    assert await found(sender, sent.address.study) == []
    execute(
        writer(sender.facade),
        "UPDATE emr_patientcache SET patient_id = 'P-EARLY' WHERE patient_id = 'P-2025-000003'",
    )
    await follower.release()
    row = await sender.row(sent.address.study)
    assert (row["patient_id"], row["status"]) == ("P-EARLY", "completed")
    assert len(await found(sender, sent.address.study)) == 1
