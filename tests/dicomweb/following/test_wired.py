"""The server follows the archive that its settings name, and says how that is."""

import asyncio
import gc
from pathlib import Path

from dicomweb.archives.orthanc import Orthanc
from dicomweb.index.reading import instances
from tests.dicomweb.files import made
from tests.dicomweb.following.scene import Scene
from tests.facade.facade import Facade, settings_of
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port


async def test_what_orthanc_received_itself_is_indexed_while_the_server_runs(
    hospital: Path, orthanc_running: OrthancServer, orthanc: Orthanc
) -> None:
    settings = settings_of(
        hospital,
        orthanc_api_url=orthanc_running.url,
        orthanc_username=orthanc_running.username,
        orthanc_password=orthanc_running.password,
    )
    facade = Facade(settings)
    await Scene.of(orthanc, facade.service.engine.database)
    sent, found, rest = made(PatientID="P-2025-000001"), list[object](), facade.app.rest
    try:
        async with rest.router.lifespan_context(rest):
            await orthanc.store(sent.address, sent.file)
            for _ in range(300):
                if found := list(await instances(facade.service.engine.database, sent.address)):
                    break
                await asyncio.sleep(0.05)
            ready = await facade.http.get("/api/health/ready")
    finally:
        gc.unfreeze()
        gc.set_threshold(700, 10, 10)
    assert len(found) == 1
    assert (ready.status_code, ready.json()["imaging"]) == (200, "up")


async def test_a_server_without_its_archive_is_ready_and_says_so(hospital: Path) -> None:
    facade = Facade(settings_of(hospital, orthanc_api_url=f"http://127.0.0.1:{free_port()}"))
    ready = await facade.http.get("/api/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {"status": "up", "database": "up", "imaging": "down", "degraded": 0}
    await facade.close()
