"""What QIDO-RS says of what it found."""

from __future__ import annotations

import email
import gzip
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_keyword, dictionary_VR
from sqlalchemy import select, update

from dicomweb.http.native_model import SPACE
from dicomweb.qido import asked as limits
from dicomweb.qido.attributes import attributes
from dicomweb.qido.statement import Statement
from mappers.facade.imaging import fhir_dicom_study
from tests.dicomweb.qido.conftest import ROOT, Images, value
from tests.dicomweb.qido.indexed import CT, INSTANCES, MR, OLD
from tests.facade.facade import ORIGIN, embedded_engine


async def test_a_study_comes_with_all_that_the_standard_requires(images: Images) -> None:
    """https://dicom.nema.org/medical/dicom/current/output/html/part18.html#table_10.6.3-3"""
    [study] = await images.found(f"/studies?StudyInstanceUID={OLD}")
    assert list(study) == sorted(study)
    told = Dataset.from_json(study)
    assert str(told.PatientName) == "KIM^YEONGHUI=金^英姬=김^영희"
    assert (told.StudyDate, told.StudyTime) == ("20250108", "134210")
    assert (told.PatientID, told.AccessionNumber) == ("MRN-0001", "A2025010800001")
    assert (told.ModalitiesInStudy, told.InstanceAvailability) == ("MR", "ONLINE")
    assert (told.NumberOfStudyRelatedSeries, told.NumberOfStudyRelatedInstances) == (3, 9)
    assert told.RetrieveURL == f"{ORIGIN}{ROOT}/studies/{OLD}"
    assert (told.SpecificCharacterSet, told.TimezoneOffsetFromUTC) == ("ISO_IR 192", "+0900")
    for keyword in ("ReferringPhysicianName", "PatientSex", "StudyID", "StudyDescription"):
        assert keyword in told
    assert study["00080090"] == {"vr": "PN"}
    assert "00101010" not in study


async def test_a_series_comes_with_its_study_where_the_address_does_not_name_it(images: Images) -> None:
    [alone] = await images.found(f"/studies/{CT}/series")
    assert value(alone, "0020000D") == CT
    assert "00100010" not in alone
    assert value(alone, "00201209") == INSTANCES
    assert value(alone, "00081190") == f"{ORIGIN}{ROOT}/studies/{CT}/series/{CT}.1"
    assert value(value(alone, "00400275"), "00400009") == "STEP1"
    [relational] = await images.found(f"/series?StudyInstanceUID={CT}")
    assert value(relational, "00100020") == "P-2025-000002"


async def test_an_instance_comes_with_what_a_viewer_lays_out_by(images: Images) -> None:
    found = await images.found(f"/studies/{CT}/series/{CT}.1/instances")
    first = Dataset.from_json(found[0])
    assert (first.Rows, first.Columns, first.BitsAllocated, first.InstanceNumber) == (64, 64, 16, 1)
    assert first.NumberOfFrames == 1
    assert first.SOPClassUID == "1.2.840.10008.5.1.4.1.1.4"
    assert first.AvailableTransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert first.RetrieveURL == f"{ORIGIN}{ROOT}/studies/{CT}/series/{CT}.1/instances/{CT}.1.1"
    assert (first.StudyInstanceUID, first.SeriesInstanceUID) == (CT, f"{CT}.1")


@pytest.mark.parametrize(
    "query",
    [
        "PatientAge",
        "00101010",
        "all",
        "Rows&includefield=PatientAge",
    ],
)
async def test_more_attributes_come_where_they_are_asked_for(images: Images, query: str) -> None:
    [study] = await images.found(f"/studies?StudyInstanceUID={OLD}&includefield={query}")
    assert value(study, "00101010") == "045Y"
    assert "00280010" not in study


async def test_an_instance_tells_all_of_its_file_where_that_is_asked_for(images: Images) -> None:
    for query in ("includefield=all", "includefield=ImageType"):
        found = await images.found(f"/studies/{MR}/series/{MR}.2/instances?{query}")
        assert [value(one, "00080008") for one in found] == ["ORIGINAL"] * INSTANCES


async def test_a_matching_key_is_returned(images: Images) -> None:
    [found] = await images.found(f"/series?StudyInstanceUID={CT}&PerformingPhysicianName=&SeriesTime=")
    assert {"00081050", "00080031"} <= found.keys()


async def test_results_that_were_kept_back_are_told(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.MOST, "study", 2)
    for query in ("", "?limit=50"):
        answer = await images.get(f"/studies{query}")
        assert len(answer.json()) == 2
        assert answer.headers["warning"].startswith("299 ")
        assert "Additional results can be requested" in answer.headers["warning"]
    for query in ("?limit=2", "?offset=1"):
        assert "warning" not in (await images.get(f"/studies{query}")).headers


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "application/dicom+json"),
        ("*/*", "application/dicom+json"),
        ("application/json", "application/json"),
        ("text/html, application/dicom+json;q=0.5", "application/dicom+json"),
        ('multipart/related; type="application/dicom", */*;q=0.1', "application/dicom+json"),
        ('image/png; note="a, application/json", */*', "application/dicom+json"),
    ],
)
async def test_answers_come_in_the_best_type_that_is_accepted(
    images: Images, accept: str, media: str
) -> None:
    answer = await images.get("/studies", accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"00080201":5}',
        '{"00080201":{"vr":"S\\"H"}}',
        '{"00080201":{"vr":"SH","Value":"+0900"}}',
        '{"00080201":{"vr":"SQ","Value":[{"x":{"vr":"SH"}}]}}',
        '{"00080201":{"vr":"PN","Value":["Kim"]}}',
        '{"00080201":{"vr":"SH","Value":[{"a":1}]}}',
    ],
)
async def test_a_row_that_is_broken_is_told_without_what_files_say_and_counted(
    images: Images, imaged_data: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with attributes_of(imaged_data, MR, text):
        for accept in ("application/dicom+json", 'multipart/related; type="application/dicom+xml"'):
            answer = await images.get("/studies?includefield=PatientAge", accept=accept)
            assert answer.status_code == 200
            assert "What files say of 1 studies" in answer.headers["warning"]
            assert answer.text.count(MR) == answer.text.count(CT)
        [broken] = await images.found(f"/studies?StudyInstanceUID={MR}")
        assert value(broken, "00100010") == {"Alphabetic": "Müller^Jörg^^Dr."}
        assert "00080201" not in broken or broken["00080201"] == {"vr": "SH"}
    assert {r.getMessage() for r in caplog.records if r.levelno == logging.ERROR} == {
        f"the index's row of the study {MR} can't be read: rebuild the index"
    }
    assert "warning" not in (await images.get("/studies")).headers


@contextmanager
def attributes_of(data: Path, study: str, text: str) -> Iterator[None]:
    """Somebody else has written into the index, until the block ends."""
    column, of_study = fhir_dicom_study.c.attributes, fhir_dicom_study.c.study == study
    engine = embedded_engine(data)
    with engine.begin() as connection:
        before = connection.execute(select(column).where(of_study)).scalar_one()
        connection.execute(update(fhir_dicom_study).where(of_study).values(attributes=text))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(update(fhir_dicom_study).where(of_study).values(attributes=before))


async def test_xml_says_what_json_says(images: Images) -> None:
    """https://dicom.nema.org/medical/dicom/current/output/html/part19.html#chapter_A"""
    answer = await images.get("/series", accept='multipart/related; type="application/dicom+xml"')
    message = email.message_from_bytes(
        b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.content
    )
    parts: Any = message.get_payload()
    space = {"": SPACE}
    found = await images.found("/series")
    assert [part.get_content_type() for part in parts] == ["application/dicom+xml"] * len(found)
    for part, told in zip(parts, found, strict=True):
        root = ElementTree.fromstring(part.get_payload(decode=True))  # noqa: S314
        assert {a.get("tag"): a.get("vr") for a in root} == {tag: e["vr"] for tag, e in told.items()}
        at = {a.get("keyword"): a for a in root}
        assert at["SeriesInstanceUID"].findtext("Value", None, space) == value(told, "0020000E")
        assert (
            at["RequestAttributesSequence"]
            .findtext("Item/DicomAttribute/Value", "", space)
            .startswith("STEP")
        )
    names = [e.text for part in parts[-3:] for e in _names(part)]
    assert names[:6] == ["KIM", "YEONGHUI", "金", "英姬", "김", "영희"]


def _names(part: Any) -> Iterator[Any]:
    root = ElementTree.fromstring(part.get_payload(decode=True))  # noqa: S314 (our own)
    for name in root.iter(f"{{{SPACE}}}PersonName"):
        yield from (component for group in name for component in group)


async def test_types_that_cannot_be_had_are_refused(images: Images) -> None:
    for path in ("/studies?accept=text/html", "/studies"):
        answer = await images.get(path, accept="application/dicom+json;q=0, image/png")
        assert answer.status_code == 406
        assert "application/dicom+json" in answer.json()["message"]


async def test_nothing_found_is_an_empty_list(images: Images) -> None:
    answer = await images.get("/studies?PatientID=nobody")
    assert (answer.status_code, answer.content) == (200, b"[]")


async def test_a_search_takes_two_statements_and_one_of_all_studies_three(
    images: Images, asked: Callable[[], list[str]]
) -> None:
    for path, statements in {
        "/studies?PatientName=K*&ModalitiesInStudy=MR": 2,
        f"/studies/{OLD}/instances": 2,
        f"/series?StudyInstanceUID={OLD}": 2,
        "/series": 3,
    }.items():
        before = len(asked())
        await images.found(path)
        assert len(asked()) - before == statements


async def test_searches_of_one_shape_share_a_statement(
    images: Images, asked: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await images.found("/studies?PatientID=A&StudyDate=20240101-20240201&PatientName=K*")
    before = asked()[-1]
    monkeypatch.setattr(Statement, "select", None)
    [found] = await images.found("/studies?PatientID=MRN-0001&StudyDate=20250101-20250201&PatientName=kim*")
    assert value(found, "00100020") == "MRN-0001"
    assert before in asked()


async def test_long_answers_are_compressed_for_who_takes_it(images: Images) -> None:
    answer = await images.get("/instances", accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()) == 6 * INSTANCES
    plain = await images.get("/instances", accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    assert len(gzip.compress(plain.content)) < len(plain.content)


def test_every_attribute_is_as_the_dictionary_of_dicom_has_it() -> None:
    for one in attributes():
        tag, keyword = one.tag.rpartition(".")[2], one.keyword.rpartition(".")[2]
        assert (dictionary_keyword(tag), dictionary_VR(tag)) == (keyword, one.vr)
