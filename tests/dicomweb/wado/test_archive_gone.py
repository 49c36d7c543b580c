"""What is answered when the archive has lost something, or can't be asked."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dicomweb.index.reading import instances
from tests.dicomweb.files import made
from tests.dicomweb.wado.conftest import Archived, keep
from tests.dicomweb.wado.samples import PATIENT, STUDY


async def test_an_instance_that_the_archive_lost_is_said_to_be_gone(images: Archived) -> None:
    database, sent = images.facade.service.engine.database, made(StudyInstanceUID=STUDY, PatientID=PATIENT)
    await keep(images.archive, database, {sent.address: sent.content})
    (found,) = await instances(database, sent.address)
    await images.archive.delete(found.place)
    path = "/studies/{}/series/{}/instances/{}".format(*sent.address)
    for resource in ("", "/frames/1", "/rendered"):
        answer = await images.get(path + resource)
        assert (answer.status_code, "no longer" in answer.json()["message"]) == (404, True)
    assert (await images.get(f"{path}/metadata")).status_code == 200


async def test_while_the_archive_is_down_metadata_is_answered_and_pixels_are_not_yet(
    images: Archived, wado_data: Path
) -> None:
    database, sent = images.facade.service.engine.database, made(StudyInstanceUID=STUDY, PatientID=PATIENT)
    await keep(images.archive, database, {sent.address: sent.content})
    path = "/studies/{}/series/{}/instances/{}".format(*sent.address)
    (wado_data / "archive").rename(wado_data / "away")
    try:
        answer = await images.get(f"{path}/frames/1")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert (await images.get(f"{path}/metadata")).status_code == 200
    finally:
        (wado_data / "away").rename(wado_data / "archive")
    assert (await images.get(f"{path}/frames/1")).status_code == 200


@pytest.mark.parametrize("damage", ["cut", "changed"])
async def test_a_file_that_was_damaged_in_the_archive_is_said_to_be_and_nothing_more(
    images: Archived, wado_data: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = images.facade.service.engine.database
    sent = made(StudyInstanceUID=STUDY, PatientID=PATIENT, PixelData=bytes(200_000), Rows=500, Columns=200)
    await keep(images.archive, database, {sent.address: sent.content})
    (found,) = await instances(database, sent.address)
    file = wado_data / "archive" / "files" / found.place[:2] / found.place[2:4] / found.place
    whole = file.read_bytes()
    file.write_bytes(whole[:-70_000] if damage == "cut" else whole[:1000] + b"\0\0" + whole[1002:])
    path, instance = "/studies/{}/series/{}/instances/{}".format(*sent.address), sent.address.instance
    said = f"instance {instance} can't be read: its file in the archive is damaged"
    for resource in ("", "/frames/1", "/rendered", "/bulkdata/00200032"):
        answer = await images.get(path + resource)
        assert (answer.status_code, answer.json()["message"]) == (500, said)
    assert (await images.get(f"{path}/metadata")).status_code == 200
    named = [
        r.getMessage() for r in caplog.records if r.levelno == logging.ERROR and instance in r.getMessage()
    ]
    assert named
    await images.archive.delete(found.place)
