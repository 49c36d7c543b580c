"""How much of a study was retrieved with a token, as the trail tells it in the end."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dicomweb.access import Handed
from fhir_facade.audit.event import Event
from fhir_facade.audit.trail import Trail, TrailDownError
from fhir_facade.imaging import viewings as limits
from fhir_facade.imaging.gate import GuardedGate
from fhir_facade.imaging.viewings import IDLE, ONE_VIEWING, Viewings
from tests.audit.recording import Recording, gone
from tests.dicomweb.archives.test_orthanc import Clock
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.parts import parts_of
from tests.dicomweb.wado.samples import PATIENT, path_of, sample
from tests.facade.facade import Facade, embedded_engine, settings_of
from tests.smart_auth.badges import Badges, user

EXPLICIT = path_of("explicit")
WAVE = f"{path_of('waveform')}/bulkdata/54000100/1/54001010"
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass
class Trailed:
    """A guarded gateway, its trail, and the viewings of a test's own token."""

    images: Images
    recording: Recording
    token: str
    clock: Clock

    def __post_init__(self) -> None:
        gate = self.images.router.gateway.gate
        assert isinstance(gate, GuardedGate)
        assert gate.record.viewings is not None
        self.viewings = Viewings(gate.record.viewings.trail, self.clock)
        gate.record.viewings = self.viewings
        self.before = len(self.recording.records())

    async def get(self, path: str, **headers: str) -> Any:
        """A request with the token."""
        return await self.images.get(path, authorization=self.token, **headers)

    def records(self) -> list[dict[str, Any]]:
        """What was recorded since."""
        return self.recording.records()[self.before :]

    async def told(self) -> list[tuple[str, ...]]:
        """The counts that are told now."""
        before = len(self.recording.records())
        await self.viewings.tell(self.viewings.over())
        return [counts(record) for record in self.recording.records()[before:]]


def counts(record: dict[str, Any]) -> tuple[str, ...]:
    """Instances, frames and bytes that a record tells."""
    return tuple(record["details"][name] for name in ("instances", "frames", "bytes"))


@pytest.fixture
def trailed(guarded_images: tuple[Images, Badges], wado_data: Path) -> Trailed:
    """A doctor's."""
    images, badges = guarded_images
    recording = Recording(images.facade, badges, embedded_engine(wado_data))
    return Trailed(images, recording, badges.badge("user/*.rs", user("doctor")), Clock())


async def test_what_has_left_is_told_when_the_viewing_is_over(trailed: Trailed) -> None:
    answers = [
        await trailed.get(EXPLICIT, accept=AS_STORED),
        await trailed.get(f"{EXPLICIT}/frames/1", accept="application/octet-stream"),
        await trailed.get(f"{EXPLICIT}/frames/1,1"),
        await trailed.get(f"{EXPLICIT}/rendered"),
        await trailed.get(f"{EXPLICIT}/metadata", accept_encoding="gzip"),
        await trailed.get(WAVE, range="bytes=0-3", accept="application/octet-stream"),
    ]
    _, frame, twice, picture, metadata, _ = answers
    assert [a.status_code for a in answers] == [200] * 5 + [206]
    again = await trailed.get(f"{EXPLICIT}/metadata", if_none_match=metadata.headers["etag"])
    head = await trailed.images.request("HEAD", EXPLICIT, authorization=trailed.token, accept=AS_STORED)
    assert (again.status_code, head.status_code) == (304, 200)
    frames = [len(content) for _, content in parts_of(twice)]
    assert frames == [len(frame.content)] * 2
    size = len(sample("explicit")) + 3 * frames[0] + len(picture.content) + len(metadata.content) + 4
    [first] = trailed.records()
    trailed.clock.now += IDLE - 1
    assert await trailed.told() == []
    trailed.clock.now += 1
    assert await trailed.told() == [("1", "4", str(size))]
    assert await trailed.told() == []
    last = trailed.records()[-1]
    assert last["details"]["viewing"] == first["details"]["viewing"]
    same = ("event", "outcome", "status", "type", "id", "token", "user", "client", "patients", "address")
    assert {name: last[name] for name in same} == {name: first[name] for name in same}
    assert first["patients"] == [PATIENT]


async def test_what_leaves_after_that_is_told_again_and_adds_up(trailed: Trailed) -> None:
    await trailed.get(f"{EXPLICIT}/frames/1")
    trailed.clock.now += IDLE
    assert [frames for _, frames, _ in await trailed.told()] == ["1"]
    for _ in range(2):
        await trailed.get(f"{EXPLICIT}/frames/1")
    trailed.clock.now += IDLE
    assert [frames for _, frames, _ in await trailed.told()] == ["2"]
    assert len({r["details"]["viewing"] for r in trailed.records()}) == 1
    trailed.clock.now += ONE_VIEWING
    await trailed.get(f"{EXPLICIT}/frames/1")
    assert len({r["details"]["viewing"] for r in trailed.records()}) == 2


async def test_a_viewing_without_a_pause_is_told_each_hour(trailed: Trailed) -> None:
    for _ in range(ONE_VIEWING // 300 + 1):
        await trailed.get(f"{EXPLICIT}/frames/1")
        trailed.clock.now += 300
    assert [frames for _, frames, _ in await trailed.told()] == ["13"]


async def test_audit_events_of_a_viewing_show_it_and_its_counts(trailed: Trailed) -> None:
    await trailed.get(EXPLICIT, accept=AS_STORED)
    trailed.clock.now += IDLE
    await trailed.told()
    first, last = (await trailed.recording.events())[-2:]
    assert (first["type"], first["subtype"], first["action"]) == (last["type"], last["subtype"], "R")
    shown = []
    for event in (first, last):
        [study] = [e for e in event["entity"] if e["what"].get("reference", "").startswith("ImagingStudy/")]
        shown.append({d["type"]: d["valueString"] for d in study["detail"]})
        assert f"Patient/{PATIENT}" in [e["what"].get("reference") for e in event["entity"]]
    assert shown[0].keys() == {"viewing"}
    counted = {"instances": "1", "frames": "0", "bytes": str(len(sample("explicit")))}
    assert shown[1] == shown[0] | counted


async def test_counts_wait_for_a_trail_that_cannot_be_written(
    trailed: Trailed, caplog: pytest.LogCaptureFixture
) -> None:
    await trailed.get(f"{EXPLICIT}/frames/1")
    trailed.clock.now += IDLE
    with gone(trailed.recording):
        with pytest.raises(TrailDownError):
            await trailed.viewings.tell(trailed.viewings.over())
        await trailed.viewings.stop()
    assert "how much was retrieved in 1 viewings isn't told" in caplog.messages
    await trailed.get(f"{EXPLICIT}/frames/1")
    trailed.clock.now += IDLE
    assert [frames for _, frames, _ in await trailed.told()] == ["2"]


async def test_nothing_is_counted_of_what_could_not_be_recorded(trailed: Trailed) -> None:
    with gone(trailed.recording):
        assert (await trailed.get(f"{EXPLICIT}/frames/1")).status_code == 503
    trailed.clock.now += IDLE
    assert await trailed.told() == []
    assert (await trailed.get(f"{EXPLICIT}/frames/1")).status_code == 200


async def test_a_server_that_stops_tells_what_it_has_counted(
    trailed: Trailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PAUSE", 0.01)
    trailed.viewings.start()
    await trailed.get(f"{EXPLICIT}/frames/1")
    await asyncio.sleep(0.05)
    assert len(trailed.records()) == 1
    await trailed.viewings.stop()
    await trailed.viewings.stop()
    assert [counts(r)[1] for r in trailed.records()[1:]] == ["1"]


async def test_memory_is_bounded_and_the_longest_untold_are_told_first(
    trailed: Trailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_VIEWINGS", 8)
    trail: Trail = trailed.viewings.trail
    viewings = Viewings(trail, trailed.clock)
    for number in range(6):
        begun = await viewings.begin(
            number, Event("dicom-retrieve", id=str(number), resource_type="ImagingStudy")
        )
        viewings.count(begun, Handed(frames=1))
    assert [v.event.id for v in viewings.over()] == ["0", "1"]
    await viewings.stop()
    told = [r["id"] for r in trailed.records() if "frames" in r["details"]]
    assert told == [str(number) for number in range(6)]


async def test_the_applications_end_is_such_a_stop(trailed: Trailed, wado_data: Path) -> None:
    facade = Facade(settings_of(wado_data, enable_security=True, audit="on"), trailed.recording.badges)
    rest, images = facade.app.rest, Images(facade)
    try:
        async with rest.router.lifespan_context(rest):
            answer = await images.get(f"{EXPLICIT}/frames/1", authorization=trailed.token)
            assert (answer.status_code, len(trailed.records())) == (200, 1)
    finally:
        gc.unfreeze()
        gc.set_threshold(700, 10, 10)
    assert [counts(r)[1] for r in trailed.records()[1:]] == ["1"]
    assert trailed.recording.faults() == []
    await facade.http.aclose()
