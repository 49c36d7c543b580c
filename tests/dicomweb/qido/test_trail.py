"""What the audit trail keeps of images: before anything of them leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dicomweb.access import Access, Doing
from dicomweb.http.faults import DicomFault
from tests.audit.recording import Recording, gone, query_of
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.qido.indexed import CT, MR, NOBODYS, OLD
from tests.dicomweb.qido.test_edge import request_of
from tests.facade.facade import embedded_engine
from tests.smart_auth.badges import Badges, user


@pytest.fixture
def recording(guarded_images: Images, badges: Badges, imaged_data: Path) -> Recording:
    """The guarded gateway's trail."""
    return Recording(guarded_images.facade, badges, embedded_engine(imaged_data))


@pytest.fixture
def token(badges: Badges) -> str:
    """A doctor's, for this test."""
    return badges.badge("user/*.cruds", user("doctor"))


async def test_a_search_leaves_one_event_with_all_that_it_showed(
    guarded_images: Images, recording: Recording, token: str
) -> None:
    before = len(recording.records())
    await guarded_images.get("/studies?ModalitiesInStudy=MR&PatientName=*", authorization=token)
    (record,) = recording.records()[before:]
    assert (record["event"], record["outcome"], record["status"]) == ("dicom-query", "0", 200)
    assert sorted(record["entities"]) == ["ImagingStudy/ST-2025-000001", "ImagingStudy/ST-2025-000002"]
    assert sorted(record["patients"]) == ["P-2025-000001", "P-2025-000002"]
    assert query_of(record).endswith("/api/dicom-web/studies?ModalitiesInStudy=MR&PatientName=*")
    assert record["user"]["fhirUser"] == "Practitioner/user-2"


async def test_a_resident_number_in_a_query_is_masked(
    guarded_images: Images, recording: Recording, token: str
) -> None:
    await guarded_images.get("/studies?PatientID=610412-1234567", authorization=token)
    assert "1234567" not in query_of(recording.records()[-1])


async def test_a_viewing_leaves_one_event_a_study_and_token(
    guarded_images: Images, recording: Recording, badges: Badges
) -> None:
    gate, before = guarded_images.router.gateway.gate, len(recording.records())
    for bearer in (badges.badge("user/*.rs", user("doctor")) for _ in range(2)):

        async def look(study: str, bearer: str = bearer) -> None:
            viewer = await gate.admitted(request_of(bearer))
            await viewer.record(Access("retrieve", await viewer.visible([study])))

        await asyncio.gather(*(look(OLD) for _ in range(20)), look(CT))
        await look(OLD)
    records = recording.records()[before:]
    told = sorted((r["token"], r["id"], tuple(r["patients"])) for r in records)
    assert len(told) == 4
    assert {t[1:] for t in told} == {
        ("ST-2025-000001", ("P-2025-000001",)),
        ("ST-2025-000003", ("P-2025-000002",)),
    }
    assert {r["event"] for r in records} == {"dicom-retrieve"}


async def test_refusals_are_recorded_as_they_were_asked(
    guarded_images: Images, recording: Recording, token: str
) -> None:
    before = len(recording.records())
    statuses = [
        (await guarded_images.get("/studies?Nonsense=1", authorization=token)).status_code,
        (await guarded_images.get("/studies")).status_code,
        (await guarded_images.get("/nonsense", authorization=token)).status_code,
    ]
    records = recording.records()[before:]
    assert [r["status"] for r in records] == statuses == [400, 401, 404]
    assert all(r["outcome"] == "4" and r["event"] == "dicom-query" for r in records)
    assert query_of(records[0]).endswith("/studies?Nonsense=1")


async def test_nothing_is_answered_while_the_trail_cannot_be_written(
    guarded_images: Images, recording: Recording, token: str
) -> None:
    viewer = await guarded_images.router.gateway.gate.admitted(request_of(token))
    studies = await viewer.visible([MR])
    with gone(recording):
        answer = await guarded_images.get("/studies", authorization=token)
        assert answer.status_code == 503
        assert MR not in answer.text
        with pytest.raises(DicomFault, match="audit trail"):
            await viewer.record(Access("retrieve", studies))
    await viewer.record(Access("retrieve", studies))
    assert recording.records()[-1]["id"] == "ST-2025-000002"


async def test_the_trail_is_read_as_audit_events_of_dicom(
    guarded_images: Images, recording: Recording, token: str
) -> None:
    gate = guarded_images.router.gateway.gate
    viewer = await gate.admitted(request_of(token), "delete")
    studies = await viewer.visible([OLD], "delete")
    await viewer.record(Access("query", studies))
    for doing in ("retrieve", "store", "delete"):
        await viewer.record(Access(doing, studies))
    found = (await recording.events())[-4:]
    told = {(e["type"]["code"], e["action"]) for e in found}
    assert told == {("110112", "E"), ("110104", "R"), ("110104", "C"), ("110105", "D")}
    for event in found:
        named = [e["what"].get("reference") for e in event["entity"] if "what" in e]
        assert "Patient/P-2025-000001" in named


@pytest.mark.parametrize("doing", ["retrieve", "store", "delete"])
async def test_what_is_not_seen_is_not_there(guarded_images: Images, badges: Badges, doing: Doing) -> None:
    holder = badges.badge("patient/*.cruds", user("patient"), patient="P-2025-000001")
    admin = badges.badge("user/*.cruds", user("admin"))
    gate = guarded_images.router.gateway.gate
    viewer = await gate.admitted(request_of(admin), doing)
    seen = await viewer.visible([OLD, MR, CT, NOBODYS, "1.2.3"], doing)
    assert seen == {OLD: "ST-2025-000001", MR: "ST-2025-000002", CT: "ST-2025-000003"}
    if doing == "retrieve":
        viewer = await gate.admitted(request_of(holder), doing)
        assert await viewer.visible([OLD, MR, CT, NOBODYS], doing) == {OLD: "ST-2025-000001"}
    else:
        with pytest.raises(DicomFault, match="do not let you"):
            await gate.admitted(request_of(holder), doing)
