"""What QIDO-RS finds, in what order, over each kind of database."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from pydicom import Dataset

from dicomweb.index.entry import entry_of
from dicomweb.qido import walking
from tests.dicomweb.phantom import part10
from tests.dicomweb.qido.conftest import Images, value
from tests.dicomweb.qido.indexed import CT, INSTANCES, MR, OLD, SERIES, clear, fill
from tests.facade.facade import execute, writer

ALL = {"old": OLD, "mr": MR, "ct": CT}
SEARCHES = {
    "": "ct mr old",
    "?": "ct mr old",
    "?accept=application/dicom%2Bjson&charset=utf-8": "ct mr old",
    "?accept=application/dicom+json": "ct mr old",
    f"?StudyInstanceUID={MR}": "mr",
    f"?0020000d={MR}": "mr",
    f"?StudyInstanceUID={MR},{OLD}": "mr old",
    f"?StudyInstanceUID={MR}%5C{OLD}": "mr old",
    f"?StudyInstanceUID={MR}&StudyInstanceUID={OLD}": "mr old",
    "?StudyInstanceUID=1.2.3": "",
    "?StudyDate=20250514": "mr",
    "?StudyDate=20250514-20251231": "ct mr",
    "?StudyDate=20250514-": "ct mr",
    "?StudyDate=-20250514": "mr old",
    "?StudyDate=20240101": "",
    "?StudyTime=1342": "old",
    "?StudyTime=134210": "old",
    "?StudyTime=134211": "",
    "?StudyTime=13-14": "old",
    "?StudyTime=-1342": "mr old",
    "?StudyTime=101200-134209.999": "mr",
    "?StudyTime=18:07-": "ct",
    "?StudyDate=20250101-&StudyTime=10": "mr",
    "?StudyDate=20250514-20251021&StudyTime=1013-1807": "ct",
    "?StudyDate=20250514-20251021&StudyTime=1012-1806": "mr",
    "?StudyDate=20250108-20250514&StudyTime=1400-1000": "",
    "?StudyDate=20250108-20250514&StudyTime=1300-1100": "mr old",
    "?StudyDate=20250514-&StudyTime=1900-": "ct",
    "?StudyDate=-20250514&StudyTime=-1000": "old",
    "?StudyDate=-20250514&StudyTime=10-": "mr old",
    "?StudyDate=20250514&StudyTime=1013-": "",
    "?StudyDate=20250101-20251231&StudyTime=-1342": "mr old",
    "?PatientBirthDate=19790203": "old",
    "?PatientBirthDate=-19891231": "ct old",
    "?PatientID=MRN-0001": "old",
    "?PatientID=P-2025-000001": "old",
    "?00100020=P-2025-000002": "ct mr",
    "?PatientID=mrn-0001": "",
    "?PatientID=mrn*": "old",
    "?PatientID=P-2025-00000%3F": "ct mr old",
    "?PatientID=": "ct mr old",
    "?PatientID=*": "ct mr old",
    "?AccessionNumber=A2025102100003": "ct",
    "?AccessionNumber=%20A2025102100003%20": "ct",
    "?AccessionNumber=A2025*": "ct mr old",
    "?StudyID=S1": "mr",
    "?StudyDescription=chest*": "ct",
    "?StudyDescription=Brain+MR*": "mr old",
    "?StudyDescription=%25": "",
    "?StudyDescription=*_*": "",
    "?StudyDescription=Chest": "",
    "?ModalitiesInStudy=CT": "ct",
    "?ModalitiesInStudy=MR,CT": "ct mr old",
    "?ModalitiesInStudy=MR%5CUS": "mr old",
    "?ModalitiesInStudy=C%3F": "ct",
    "?ModalitiesInStudy=PT": "",
    f"?PatientName={quote('김^영희')}": "old",
    f"?PatientName={quote('金*')}": "old",
    "?PatientName=kim%5Eyeonghui": "old",
    "?PatientName=KIM*": "old",
    f"?PatientName={quote('*영희')}": "old",
    "?PatientName=KIM": "",
    f"?PatientName={quote('KIM^YEONGHUI=金^英姬=김^영희')}": "old",
    f"?PatientName={quote('müller^jörg')}": "ct",
    f"?PatientName={quote('MÜLLER^JÖRG^^DR.')}": "mr",
    "?includefield=StudyDate&StudyDate=20250514": "mr",
    "?PatientName=Muller*": "ct mr",
    "?PatientName=*ller%5EJ%3Frg": "ct",
    "?PatientName=Yeong&fuzzymatching=true": "old",
    "?PatientName=jorg+mull&fuzzymatching=true": "ct mr",
    f"?PatientName={quote('영')}&fuzzymatching=true": "old",
    "?PatientName=ller&fuzzymatching=true": "",
    "?PatientName=Yeong&fuzzymatching=false": "",
    "?ReferringPhysicianName=X": "",
    "?limit=2": "ct mr",
    "?limit=1&offset=1": "mr",
    "?offset=3": "",
    "?limit=0": "",
    "?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060%2C00080090": "ct mr old",
}
STEP = "RequestAttributesSequence.ScheduledProcedureStepID=STEP3"
PERFORMERS = ("KIM^A", "LEE^B", "李^乙", "lee*", "KIM^A^^")
REFUSED = {
    "?PatientNmae=X": "PatientNmae",
    "?Modality=CT": "Modality",
    "?StudyDate=2025": "StudyDate",
    "?StudyDate=2025-01-01": "StudyDate",
    "?StudyDate=-": "StudyDate",
    "?StudyTime=noon": "StudyTime",
    "?StudyInstanceUID=1.2.*": "StudyInstanceUID",
    "?StudyDate=20250101&00080020=20250102": "StudyDate",
    "?limit=-1": "limit",
    "?limit=ten": "limit",
    "?offset=-5": "offset",
    "?offset=%D9%A1": "offset",
    "?fuzzymatching=yes": "fuzzymatching",
    "?includefield=Nonsense": "Nonsense",
    "?PatientName=%5E&fuzzymatching=true": "words",
    "?PatientName=%ff": "UTF-8",
    "?00090010=ACME": "00090010",
    "?" + "&".join(["includefield=all"] * 300): "parameters",
}


async def names(images: Images, query: str) -> str:
    """The studies that a search finds, by their names, in order."""
    told = {uid: name for name, uid in ALL.items()}
    return " ".join(told[uid] for uid in await images.studies(query))


@pytest.mark.parametrize(("query", "expected"), SEARCHES.items())
async def test_a_search_finds_the_studies_that_match(images: Images, query: str, expected: str) -> None:
    assert await names(images, query) == expected


async def test_servers_find_what_the_embedded_databases_find(server_images: Images) -> None:
    found = {query: await names(server_images, query) for query in SEARCHES}
    assert found == SEARCHES
    [step] = await server_images.found(f"/series?{STEP}")
    assert value(step, "0020000E") == f"{OLD}.3"
    for name in PERFORMERS:
        [found_by] = await server_images.found(f"/series?PerformingPhysicianName={quote(name)}")
        assert value(found_by, "0020000E") == f"{OLD}.3"


@pytest.mark.parametrize(("query", "named"), REFUSED.items())
async def test_what_cannot_be_asked_is_refused_by_name(images: Images, query: str, named: str) -> None:
    answer = await images.get(f"/studies{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert named in answer.json()["message"]


async def test_a_refusal_of_an_attribute_lists_those_that_can_be_asked(images: Images) -> None:
    told = (await images.get("/instances?Nonsense=1")).json()["message"]
    for keyword in ("SOPInstanceUID", "SeriesNumber", "PatientName", "ModalitiesInStudy"):
        assert keyword in told


async def test_series_and_instances_are_found_by_their_own_attributes_and_those_above(images: Images) -> None:
    series = await images.found("/series?Modality=CT,US&PatientID=P-2025-000002")
    assert [value(one, "0020000E") for one in series] == [f"{CT}.1"]
    assert await images.found("/series?SeriesNumber=9") == []
    found = await images.found(f"/instances?StudyInstanceUID={OLD}&SeriesNumber=3&InstanceNumber=2")
    assert [value(one, "00080018") for one in found] == [f"{OLD}.3.2"]
    found = await images.found(f"/studies/{OLD}/instances?SOPInstanceUID={OLD}.1.1,{OLD}.2.3")
    assert [value(one, "00080018") for one in found] == [f"{OLD}.1.1", f"{OLD}.2.3"]
    assert await images.found(f"/studies/{OLD}/series/{MR}.1/instances") == []


@pytest.mark.parametrize("name", PERFORMERS)
async def test_each_of_several_names_is_found(images: Images, name: str) -> None:
    """https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_C.2.2.2"""
    [found] = await images.found(f"/series?PerformingPhysicianName={quote(name)}")
    assert value(found, "0020000E") == f"{OLD}.3"
    assert await images.found("/series?PerformingPhysicianName=A") == []


async def test_series_are_found_by_what_was_requested_of_them(images: Images) -> None:
    for query in (STEP, "00400275.00400009=STEP3"):
        [found] = await images.found(f"/series?{query}")
        assert value(found, "0020000E") == f"{OLD}.3"
    assert len(await images.found(f"/instances?{STEP}")) == INSTANCES
    for nothing in ("00400009=STEP", "00400009=step3", "00401001=STEP3"):
        assert await images.found(f"/series?00400275.{nothing}") == []
    refused = await images.get("/series?RequestAttributesSequence.RequestedProcedureID=S*")
    assert refused.status_code == 400


def test_the_index_writes_what_was_requested_as_searches_look_for_it() -> None:
    step = Dataset()
    step.ScheduledProcedureStepID, step.RequestedProcedureID = 'ST"1', "R1"
    file = part10(RequestAttributesSequence=[step])
    attributes = entry_of(file).series["attributes"]
    for tag, text in (("00400009", r"ST\"1"), ("00401001", "R1")):
        assert f'"{tag}":{{"Value":["{text}"' in attributes


async def test_series_come_by_number_and_instances_of_each_by_number(images: Images) -> None:
    series = await images.found(f"/studies/{OLD}/series")
    assert [value(one, "00200011") for one in series] == [1, 2, 3]
    found = [value(one, "00080018") for one in await images.found("/instances")]
    order = [CT, MR, OLD]
    expected = [
        f"{uid}.{s}.{i}"
        for uid in order
        for s in range(1, SERIES[uid][1] + 1)
        for i in range(1, INSTANCES + 1)
    ]
    assert found == expected
    pages = [await images.found(f"/instances?limit=4&offset={offset}") for offset in range(0, 20, 4)]
    assert [value(one, "00080018") for page in pages for one in page] == expected


@pytest.mark.parametrize("path", ["/series", "/instances"])
@pytest.mark.parametrize("where", ["", "&Modality=MR", "&ModalitiesInStudy=MR", "&PatientName=K*"])
async def test_pages_of_all_studies_are_what_the_whole_is(
    images: Images, server_images: Images, monkeypatch: pytest.MonkeyPatch, path: str, where: str
) -> None:
    """However many steps it takes to find the studies that a page is of."""
    for at, first in ((images, 1), (server_images, 1), (images, 2)):
        monkeypatch.setattr(walking, "FIRST", first)
        whole = await at.found(f"{path}?limit=100{where}")
        assert len(whole) > 2
        for size in (1, 2, 5):
            pages = [
                await at.found(f"{path}?limit={size}&offset={n}{where}")
                for n in range(0, len(whole) + size, size)
            ]
            assert [one for page in pages for one in page] == whole
            assert pages[-1] == []


async def test_studies_of_one_time_are_paged_by_their_uids(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "FIRST", 1)
    engine = writer(images.facade)
    execute(engine, "UPDATE fhir_dicom_study SET study_date = '20250101', study_time = '10'")
    try:
        pages = [await images.found(f"/series?limit=1&offset={n}") for n in range(7)]
    finally:
        with engine.begin() as connection:
            clear(connection)
            fill(connection)
    expected = [uid for uid in sorted((OLD, MR, CT), reverse=True) for _ in range(SERIES[uid][1])]
    assert [value(one, "0020000D") for page in pages for one in page] == expected
