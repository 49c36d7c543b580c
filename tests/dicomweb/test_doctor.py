"""Doctor compares the imaging archive with its index and the RIS."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_facade import cli
from tests.dicomweb.files import made
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port


def imaging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, **environment: str
) -> list[dict[str, Any]]:
    """What doctor finds of an archive, with embedded databases."""
    settings = {"DATA_DIR": str(folder), "DB_HOST": "", "ENCRYPTION_AT_REST": "off", **environment}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    cli.main(["doctor", "--json"])
    return [f for f in json.loads(capsys.readouterr().out)["findings"] if f["area"] == "imaging"]


def login(server: OrthancServer) -> dict[str, str]:
    """Settings that point to an Orthanc."""
    return {
        "ORTHANC_API_URL": server.url,
        "ORTHANC_USERNAME": server.username,
        "ORTHANC_PASSWORD": server.password,
    }


def test_an_embedded_archive_without_images_is_fine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hospital: Path
) -> None:
    (found,) = imaging(monkeypatch, capsys, hospital)
    assert (found["level"], found["text"]) == ("fine", "the embedded archive has no images yet")


def test_studies_that_one_side_knows_changes_that_nobody_followed_and_quarantine_are_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hospital: Path,
    orthanc_running: OrthancServer,
) -> None:
    environment, sent = login(orthanc_running), made()
    address, auth = f"{orthanc_running.url}/instances", (orthanc_running.username, orthanc_running.password)
    assert httpx.post(address, content=sent.content, auth=auth, trust_env=False).status_code == 200
    with sqlite3.connect(hospital / "cdss.db") as database:
        (of_the_ris,) = database.execute("SELECT MIN(study_instance_uid) FROM ris_radiologystudy").fetchone()
        database.execute(
            "INSERT INTO fhir_dicom_quarantine (instance, series, study, reason, recorded) "
            "VALUES ('1.2.3', '1.2', '1', 'unknown-patient', '2025-01-01 00:00:00')"
        )
    database.close()
    found = imaging(monkeypatch, capsys, hospital, **environment)
    texts = {f["text"].partition(":")[0]: f for f in found}
    assert texts["the orthanc archive answers; studies"]["level"] == "fine"
    assert texts["no server follows it; changes that the index hasn't seen"]["level"] == "advice"
    assert texts["studies that only the archive knows"]["level"] == "advice"
    assert of_the_ris in texts["studies that only the RIS knows"]["text"]
    assert texts["studies that only one of archive and index knows"]["level"] == "advice"
    assert texts["instances in quarantine, unknown-patient"]["text"].endswith(": 1")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ORTHANC_PASSWORD": "another"}, "refuses ORTHANC_USERNAME and ORTHANC_PASSWORD"),
        (
            {"ORTHANC_API_URL": f"http://127.0.0.1:{free_port()}"},
            "the orthanc archive: Orthanc can't be reached",
        ),
    ],
)
def test_an_archive_that_cannot_be_asked_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hospital: Path,
    orthanc_running: OrthancServer,
    change: dict[str, str],
    text: str,
) -> None:
    (found,) = imaging(monkeypatch, capsys, hospital, **login(orthanc_running) | change)
    assert text in found["text"]
    assert found["level"] == "advice"
    assert "nothing can be stored" in found["takesDown"]


def test_an_address_that_is_none_is_refused_by_its_settings_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hospital: Path
) -> None:
    for name, value in {"DATA_DIR": str(hospital), "ORTHANC_API_URL": "orthanc:8042"}.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["doctor"]) != 0
    assert "ORTHANC_API_URL is an address as http://orthanc:8042" in capsys.readouterr().err
