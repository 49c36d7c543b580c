"""Images that are sent are kept, found and told of; the same again changes nothing."""

from __future__ import annotations

import gzip
from xml.etree import ElementTree

from dicomweb.http.native_model import SPACE
from tests.dicomweb.stow.sending import (
    KIM,
    RELATED,
    ROOT,
    Sender,
    body,
    failures,
    image,
    stored,
)


async def test_a_new_study_has_a_row_an_imaging_study_and_an_event(sender: Sender) -> None:
    said = {"AccessionNumber": "NEW-1", "StudyDescription": "머리 CT", "SpecificCharacterSet": "ISO_IR 192"}
    said |= {"StudyDate": "20250601", "StudyTime": "0930"}
    first = image(**said)
    second = image(first.study, first.series, **said)
    answer = await sender.store(first, second)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dicom+json"
    assert stored(answer) == [first.instance, second.instance]
    base = f"http://facade.test{ROOT}"
    assert answer.json()["00081190"]["Value"] == [f"{base}/studies/{first.study}"]
    item = answer.json()["00081199"]["Value"][0]
    assert item["00081190"]["Value"] == [base + first.address]
    row = await sender.row(first.study)
    assert (row["patient_id"], row["status"], row["num_series"], row["num_instances"]) == (
        KIM,
        "completed",
        1,
        2,
    )
    assert (row["accession_number"], row["description"]) == ("NEW-1", "머리 CT")
    assert row["study_datetime"] == "2025-06-01 09:30:00.000000"
    assert row["orthanc_id"] is None
    assert row["study_id"].startswith("ST-")
    found = (await sender.read(row["study_id"])).json()
    assert found["subject"]["reference"] == f"Patient/{KIM}"
    assert [i["uid"] for i in found["series"][0]["instance"]] == sorted([first.instance, second.instance])
    assert await sender.events(row["study_id"]) == ["create"]


async def test_a_time_that_is_none_takes_no_day_away(sender: Sender) -> None:
    one = image(StudyDate="20250601", StudyTime="256199")
    assert (await sender.store(one)).status_code == 200
    row = await sender.row(one.study)
    assert row["study_datetime"] == "2025-06-01 00:00:00.000000"


async def test_what_comes_later_is_told_as_an_event_each(sender: Sender) -> None:
    first = image()
    await sender.store(first)
    row = await sender.row(first.study)
    tag = (await sender.read(row["study_id"])).headers["etag"]
    assert (await sender.store(image(first.study))).status_code == 200
    assert await sender.events(row["study_id"]) == ["create", "update"]
    again = await sender.read(row["study_id"])
    assert again.headers["etag"] != tag
    assert again.json()["numberOfSeries"] == 2
    assert (await sender.row(first.study))["num_series"] == 2


async def test_the_same_again_is_success_and_changes_nothing(sender: Sender) -> None:
    one = image()
    await sender.store(one)
    row = await sender.row(one.study)
    answer = await sender.store(one, one)
    assert answer.status_code == 200
    assert stored(answer) == [one.instance, one.instance]
    assert await sender.row(one.study) == row
    assert await sender.events(row["study_id"]) == ["create"]


async def test_another_instance_of_the_same_uid_is_refused(sender: Sender) -> None:
    one = image()
    other = image(one.study, one.series, one.instance, Rows=2, PixelData=bytes(8))
    both = await sender.store(one, other)
    assert (both.status_code, stored(both), failures(both)) == (202, [one.instance], [0x0111])
    alone = await sender.store(other)
    assert (alone.status_code, failures(alone)) == (409, [0x0111])
    moved = await sender.store(image(instance=one.instance))
    assert (moved.status_code, failures(moved)) == (409, [0x0111])


async def test_an_instance_of_another_study_than_the_address_names_fails_alone(sender: Sender) -> None:
    one, other = image(), image()
    answer = await sender.store(one, other, path=f"/studies/{one.study}")
    assert (answer.status_code, stored(answer), failures(answer)) == (202, [one.instance], [0xA900])
    assert await sender.count(other.study) == 0
    assert (await sender.store(other, path=f"/studies/{one.study}")).status_code == 409


async def test_a_single_part_a_gzipped_body_and_line_feeds_alone_are_taken(sender: Sender) -> None:
    for content, media, headers in (
        (image().content, "application/dicom", {}),
        (gzip.compress(body([image().content])), RELATED, {"content-encoding": "gzip"}),
        (body([image().content], end="\n"), RELATED, {}),
        (b"a preamble that says nothing\r\n" + body([image().content]), RELATED, {}),
        (body([image().content]), RELATED.replace('"', ""), {}),
        (body([image().content], "Content-Type: application/dicom; transfer-syntax=1.2.3"), RELATED, {}),
    ):
        answer = await sender.post(content, media=media, **headers)
        assert answer.status_code == 200, (media, headers, answer.text)


async def test_a_boundary_within_pixels_is_pixels(sender: Sender) -> None:
    near = b"\r\n--a-boundary-of-the-test-not\r\n--a-boundary\n"
    one = image(Rows=1, Columns=len(near), PixelData=near)
    assert (await sender.store(one)).status_code == 200
    found = await sender.facade.service.engine.database.fetch(
        "SELECT size FROM fhir_dicom_instance WHERE instance = ?", (one.instance,)
    )
    assert int(found[0][0]) == len(one.content)


async def test_xml_says_the_same(sender: Sender) -> None:
    one = image()
    answer = await sender.store(one, accept="application/dicom+xml")
    assert answer.headers["content-type"] == "application/dicom+xml"
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - our own answer
    values = {v.text for v in root.iter() if v.tag.endswith("Value")}
    assert (root.tag, one.instance in values) == (f"{{{SPACE}}}NativeDicomModel", True)
    preferring = await sender.store(one, accept="application/dicom+xml;q=0.1, application/dicom+json")
    assert preferring.headers["content-type"] == "application/dicom+json"
    refused = await sender.store(one, accept="text/html")
    assert refused.status_code == 406


async def test_orthanc_keeps_what_is_sent_and_the_row_names_its_id(to_orthanc: Sender) -> None:
    one = image()
    answer = await to_orthanc.store(one)
    assert answer.status_code == 200, answer.text
    row = await to_orthanc.row(one.study)
    assert len(row["orthanc_id"]) == 44
    assert (await to_orthanc.delete(f"/studies/{one.study}")).status_code == 204


async def test_every_database_server_has_the_row_and_the_event(to_server: Sender) -> None:
    one = image()
    answer = await to_server.store(one, image(one.study))
    assert answer.status_code == 200, answer.text
    row = await to_server.row(one.study)
    assert (row["patient_id"], int(row["num_series"])) == (KIM, 2)
    assert await to_server.events(row["study_id"]) == ["create"]
    assert (await to_server.read(row["study_id"])).json()["numberOfInstances"] == 2
    nobody = image(PatientID="who-knows")
    refused = await to_server.store(nobody)
    assert (refused.status_code, await to_server.waiting(nobody.study)) == (409, ["unknown-patient"])
    assert (await to_server.delete(f"/studies/{one.study}")).status_code == 204
    assert int((await to_server.row(one.study))["num_instances"]) == 0
