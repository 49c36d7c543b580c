"""No image is stored without a record of who sent it: each store owes it in its own transaction, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomweb.http.faults import DicomFault
from dicomweb.stow import storing
from tests.audit.recording import Recording, gone
from tests.dicomweb.stow.sending import KIM, Sender, failures, image, stored
from tests.facade.facade import Facade, embedded_engine
from tests.smart_auth.badges import Badges, user


@pytest.fixture
def recording(guarded: Facade, badges: Badges, stow_data: Path) -> Recording:
    """The trail of who stores."""
    return Recording(guarded, badges, embedded_engine(stow_data))


@pytest.fixture
def radiologist(guarded: Facade, badges: Badges) -> Sender:
    """May store everything."""
    token = badges.badge("user/ImagingStudy.cruds", user("radiologist"))
    return Sender(guarded, {"authorization": token})


def told_of(recording: Recording, asked: str) -> list[tuple[Any, ...]]:
    """What the trail says of a request."""
    found = [r for r in recording.records() if r["request"] == asked]
    return [(r["event"], r["status"], r.get("id", ""), r["user"]["username"]) for r in found]


@pytest.mark.parametrize(("whose", "status", "told"), [(KIM, 200, 200), ("NOBODY-1", 409, 202)])
async def test_a_store_whose_trail_is_lost_meanwhile_is_recorded_later_and_once(
    recording: Recording, radiologist: Sender, whose: str, status: int, told: int
) -> None:
    assert (await radiologist.store(image())).status_code == 200
    one = image(PatientID=whose)
    with gone(recording):
        answer = await radiologist.store(one)
        assert (answer.status_code, recording.due()) == (status, 1)
    id_ = (await radiologist.row(one.study))["study_id"] if status == 200 else ""
    assert (await recording.overdue.settle(), recording.due()) == (1, 0)
    assert await recording.overdue.settle() == 0
    found = told_of(recording, answer.headers["x-request-id"])
    assert found == [("dicom-store", told, id_, "radiologist")]
    assert recording.faults() == []


async def test_a_request_of_many_transactions_is_one_event_a_study(
    recording: Recording, radiologist: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "TOGETHER", 1)
    first, other = image(), image()
    answer = await radiologist.store(first, image(first.study), other, image(PatientID="NOBODY-2"))
    assert (answer.status_code, failures(answer)) == (202, [0x0110])
    ids = {(await radiologist.row(s))["study_id"] for s in (first.study, other.study)}
    told = told_of(recording, answer.headers["x-request-id"])
    assert (len(told), {id_ for _, _, id_, _ in told}) == (2, ids)
    (record,) = [r for r in recording.records() if r.get("id") == sorted(ids)[0]]
    assert record["patients"] == [KIM]
    again = await radiologist.store(first)
    assert [t[0] for t in told_of(recording, again.headers["x-request-id"])] == ["dicom-store"]
    assert recording.due() == 0


async def test_what_others_are_in_the_way_of_fails_alone(
    recording: Recording, radiologist: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "TOGETHER", 1)
    kept, late = image(), image()
    again = storing.again

    async def busy(database: Any, work: Any) -> Any:
        if await radiologist.count(kept.study):
            raise DicomFault(503, "others write the same just now")
        return await again(database, work)

    monkeypatch.setattr(storing, "again", busy)
    answer = await radiologist.store(kept, late)
    assert (answer.status_code, stored(answer), failures(answer)) == (202, [kept.instance], [0xA700])
    assert len(told_of(recording, answer.headers["x-request-id"])) == 1
    alone = await radiologist.store(late)
    assert (alone.status_code, alone.headers["retry-after"], failures(alone)) == (503, "1", [0xA700])
    monkeypatch.setattr(storing, "again", again)
    assert (await radiologist.store(late)).status_code == 200
