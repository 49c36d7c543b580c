"""Metadata, from the index."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from xml.etree import ElementTree

import httpx
import pydicom
import pytest

from dicomweb.http.native_model import SPACE
from dicomweb.index.entry import entry_of
from dicomweb.index.writing import remove, write
from mappers.transaction import transaction
from tests.dicomweb.files import made
from tests.dicomweb.qido.conftest import ROOT
from tests.dicomweb.wado.conftest import Archived, keep
from tests.dicomweb.wado.parts import parts_of
from tests.dicomweb.wado.samples import NAMES, PATIENT, STUDY, address_of, path_of, sample
from tests.facade.facade import execute, writer

AS_XML = 'multipart/related; type="application/dicom+xml"'


async def test_metadata_is_what_the_file_says_without_its_bulk_data(images: Archived) -> None:
    answer = await images.get(f"{path_of('explicit')}/metadata", accept="application/dicom+json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom+json")
    (told,) = answer.json()
    uri = f"http://facade.test{ROOT}{path_of('explicit')}/bulkdata/7FE00010"
    assert told.pop("7FE00010") == {"vr": "OW", "BulkDataURI": uri}
    expected = pydicom.dcmread(io.BytesIO(sample("explicit")), stop_before_pixels=True)
    found = pydicom.Dataset.from_json(told)
    # JSON is UTF-8, and says so.
    assert found.SpecificCharacterSet == "ISO_IR 192"
    found.SpecificCharacterSet = expected.SpecificCharacterSet
    assert {e.tag: e.value for e in found if not e.tag.is_private} == {
        e.tag: e.value for e in expected if not e.tag.is_private and e.tag.element
    }


async def test_links_are_below_the_public_base_whatever_host_was_asked(images: Archived) -> None:
    answer = await images.get(f"{path_of('explicit')}/metadata", forwarded="host=evil.example;proto=https")
    assert b"evil.example" not in answer.content
    assert answer.json()[0]["7FE00010"]["BulkDataURI"].startswith("http://facade.test/api/dicom-web/studies/")


async def test_a_study_tells_all_its_instances_and_an_instance_itself(images: Archived) -> None:
    study = (await images.get(f"/studies/{STUDY}/metadata")).json()
    assert {one["00080018"]["Value"][0] for one in study} == {address_of(name).instance for name in NAMES}
    series = address_of("report").series
    found = (await images.get(f"/studies/{STUDY}/series/{series}/metadata")).json()
    assert [one for one in study if one["0020000E"]["Value"] == [series]] == found


async def test_metadata_is_gzipped_for_who_takes_it(images: Archived) -> None:
    plain = await images.get(f"/studies/{STUDY}/metadata")
    async with images.facade.http.stream(
        "GET", f"{ROOT}/studies/{STUDY}/metadata", headers={"accept-encoding": "gzip"}
    ) as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain.content


async def test_other_formats_are_not_acceptable(images: Archived) -> None:
    for accept in ("application/dicom+xml", 'multipart/related; type="application/dicom"', "image/png"):
        assert (await images.get(f"/studies/{STUDY}/metadata", accept=accept)).status_code == 406


async def test_xml_says_of_each_instance_what_json_says(images: Archived) -> None:
    """https://dicom.nema.org/medical/dicom/current/output/html/part19.html#sect_A.1.6"""
    found = (await images.get(f"/studies/{STUDY}/metadata")).json()
    answer = await images.get(f"/studies/{STUDY}/metadata", accept=AS_XML)
    assert answer.status_code == 200
    for (media, body), told in zip(parts_of(answer), found, strict=True):
        root = ElementTree.fromstring(body)  # noqa: S314 - our own answer
        assert (media, root.tag) == ("application/dicom+xml", f"{{{SPACE}}}NativeDicomModel")
        assert {a.get("tag"): a.get("vr") for a in root} == {tag: e["vr"] for tag, e in told.items()}
        uris = [str(bulk.get("uri")) for bulk in root.iter(f"{{{SPACE}}}BulkData")]
        assert len(uris) == str(told).count("BulkDataURI")
        assert all(uri.startswith("http://facade.test/api/dicom-web/studies/") for uri in uris)
    again = await images.get(
        f"/studies/{STUDY}/metadata", accept=AS_XML, if_none_match=answer.headers["etag"]
    )
    json = await images.get(f"/studies/{STUDY}/metadata", if_none_match=answer.headers["etag"])
    assert (again.status_code, json.status_code) == (304, 200)


async def test_xml_says_whose_a_private_attribute_is(images: Archived) -> None:
    ((_, body),) = parts_of(await images.get(f"{path_of('explicit')}/metadata", accept=AS_XML))
    creators = {a.get("tag"): a.get("privateCreator") for a in ElementTree.fromstring(body)}  # noqa: S314
    assert (creators["00091001"], creators["00090010"]) == ("GEMS_IDEN_01", None)
    assert creators["00080016"] is None


async def test_an_unchanged_study_is_told_to_be_and_a_changed_one_is_not(images: Archived) -> None:
    database, path = images.facade.service.engine.database, f"/studies/{STUDY}/metadata"
    first = await images.get(path)
    again = await images.get(path, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    later = made(StudyInstanceUID=STUDY, PatientID="P-2025-000003")
    await keep(images.archive, database, {later.address: later.content}, "2026-11-23 12:00:01.000000")
    changed = await images.get(path, if_none_match=first.headers["etag"])
    assert (changed.status_code, len(changed.json())) == (200, len(NAMES) + 1)
    async with transaction(database) as t:
        await remove(t, later.address)
    gone = await images.get(path, if_none_match=changed.headers["etag"])
    assert (gone.status_code, len(gone.json())) == (200, len(NAMES))


async def test_what_is_not_there_has_no_metadata(images: Archived) -> None:
    for path in ("/studies/1.2.3", f"/studies/{STUDY}/series/1.2.3", f"{path_of('explicit')}.9"):
        answer: httpx.Response = await images.get(f"{path}/metadata")
        assert (answer.status_code, "etag" in answer.headers) == (404, False)


@pytest.mark.parametrize("text", ["{", "[1]", '{"00100010":5}', '{"00100010":{"vr":"PN","Value":["x"]}}', ""])
async def test_metadata_that_cannot_be_read_is_left_out_and_counted(images: Archived, text: str) -> None:
    one = made(StudyInstanceUID=STUDY, PatientID=PATIENT)
    series = f"/studies/{STUDY}/series/{one.address.series}"
    other = made(StudyInstanceUID=STUDY, SeriesInstanceUID=one.address.series, PatientID=PATIENT)
    database = images.facade.service.engine.database
    await keep(images.archive, database, dict((one, other)))
    async with transaction(database) as t:
        await write(t, replace(entry_of(one.file), metadata=text), "", "", "2026-11-23 12:00:02.000000")
    answer = await images.get(f"{series}/metadata")
    said = "what 1 instances say of themselves can't be read in the index just now"
    assert (answer.status_code, answer.headers["warning"]) == (206, f'299 - "{said}"')
    assert [told["00080018"]["Value"] for told in answer.json()] == [[other.address.instance]]
    alone = await images.get(f"{series}/instances/{one.address.instance}/metadata")
    assert (alone.status_code, alone.json()["message"]) == (500, said)
    async with transaction(database) as t:
        for sent in (one, other):
            await remove(t, sent.address)


async def test_metadata_that_was_sealed_for_another_place_is_not_told_as_this_ones(images: Archived) -> None:
    one, other = (made(StudyInstanceUID=STUDY, PatientID=PATIENT) for _ in range(2))
    database = images.facade.service.engine.database
    await keep(images.archive, database, dict((one, other)))
    taken = f"SELECT metadata FROM fhir_dicom_instance WHERE instance = '{other.address.instance}'"  # noqa: S608
    execute(
        writer(images.facade),
        f"UPDATE fhir_dicom_instance SET metadata = ({taken}) "  # noqa: S608
        f"WHERE instance = '{one.address.instance}'",
    )
    answer = await images.get(f"/studies/{STUDY}/series/{one.address.series}/metadata")
    assert (answer.status_code, other.address.instance in answer.text) == (500, False)
    async with transaction(database) as t:
        for sent in (one, other):
            await remove(t, sent.address)
