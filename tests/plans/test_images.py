"""Searches of images that viewers make all the time read no more than their page needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import Connection

from dicomweb.archives.archive import Address
from dicomweb.qido.asked import search_of
from dicomweb.qido.keeping import kept
from dicomweb.qido.statement import Statement
from dicomweb.qido.walking import Rows, rows_of
from fhir_facade.imaging.studies import Studies
from mappers.cdss.tables import emr_patientcache, ris_radiologystudy
from mappers.demo.loading import load
from mappers.demo.scale import scale_patient_id, scale_rows
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.query import UNRESTRICTED, Access, AllOf, Criterion
from mappers.terms import Ref
from tests.plans.counting import Counting, engine_of
from tests.services.database import DatabaseServer

Row = dict[str, object]
STUDIES, PATIENTS = 6000, 100
BOUND = 1500
MADE = "CREATE INDEX by_uid ON ris_radiologystudy (study_instance_uid)"
DROPPED = "DROP INDEX by_uid ON ris_radiologystudy"
#: what reads more, since its page has more: all 60 studies of a patient, each with how much there is of it
DEARER = {f"PatientID={scale_patient_id(7)}": 1800, f"PatientID={scale_patient_id(7)}&limit=50": 1800}
ANALYZE = "ANALYZE TABLE ris_radiologystudy, fhir_dicom_study, fhir_dicom_series, fhir_dicom_instance"
TABLES = (fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study)
OWN = Access(
    {
        "ImagingStudy": (
            AllOf((Criterion("patient", (Ref("Patient", "emr_patientcache", scale_patient_id(7)),)),)),
        )
    }
)
SEARCHES = (
    ("study", "limit=50"),
    ("study", f"PatientID={scale_patient_id(7)}"),
    ("study", "StudyDate=20160101-20160103"),
    ("study", "PatientName=kim*&limit=50"),
    ("study", "ModalitiesInStudy=CT&limit=50"),
    ("study", "AccessionNumber=A77"),
    ("study", "StudyInstanceUID=1.2.77"),
    ("series", "limit=50"),
    ("series", "Modality=CT&limit=20"),
    ("instance", "limit=50"),
    ("instance", "PatientName=kim*&limit=50"),
    ("series", "StudyInstanceUID=1.2.77"),
    ("instance", "StudyInstanceUID=1.2.77"),
    ("instance", f"PatientID={scale_patient_id(7)}&limit=50"),
    ("instance", "SOPInstanceUID=1.2.77.1.2"),
)


@pytest.fixture(scope="module")
def large(server: DatabaseServer) -> Iterator[DatabaseServer]:
    """Each server in turn with thousands of studies, and the index of UIDs that doctor advises."""
    engine = server.engine(server.owner)
    with engine.begin() as connection:
        load(connection, scale_rows(PATIENTS, 0))
        fill(connection)
        connection.exec_driver_sql(MADE)
        connection.exec_driver_sql(ANALYZE)
    yield server
    with engine.begin() as connection:
        connection.exec_driver_sql(DROPPED)
        for table in TABLES:
            connection.execute(table.delete().where(table.c.study.like("1.2.%")))
        study, patient = ris_radiologystudy, emr_patientcache
        connection.execute(study.delete().where(study.c.study_id.like("ST-SCALE-%")))
        connection.execute(patient.delete().where(patient.c.patient_id.like("P-SCALE-%")))
        connection.exec_driver_sql(ANALYZE)


def fill(connection: Connection) -> None:
    """A study of one series of two instances every few hours."""
    rows = [row(number) for number in range(STUDIES)]
    for table, found in zip((ris_radiologystudy, *reversed(TABLES)), zip(*rows, strict=True), strict=True):
        connection.execute(table.insert(), [one for some in found for one in some])


def row(number: int) -> tuple[list[Row], ...]:
    """The rows of one study in each of the tables."""
    at = dt.datetime(2016, 1, 1) + dt.timedelta(hours=number)
    uid, patient, modality = f"1.2.{number}", scale_patient_id(number % PATIENTS), ("CT", "MR")[number % 2]
    ris: Row = {
        "study_id": f"ST-SCALE-{number}",
        "patient_id": patient,
        "study_instance_uid": uid,
        "study_datetime": str(at),
        "status": "completed",
        "created_at": str(at),
        "updated_at": str(at),
    }
    study: Row = {
        "study": uid,
        "patient_id": patient,
        "patient_name": f"KIM^{number}",
        "study_date": f"{at:%Y%m%d}",
        "study_time": f"{at:%H%M%S}",
        "accession_number": f"A{number}",
        "ris_study": f"ST-SCALE-{number}",
        "attributes": "{}",
        "updated_at": str(at),
    }
    series: Row = {"series": f"{uid}.1", "study": uid, "modality": modality, "number": 1, "attributes": "{}"}
    instances: list[Row] = [
        {
            "instance": f"{uid}.1.{n}",
            "series": f"{uid}.1",
            "study": uid,
            "number": n,
            "size": 1,
            "metadata": "{}",
        }
        for n in (1, 2)
    ]
    return [ris], [study], [series], instances


@pytest.fixture
async def counting(large: DatabaseServer) -> AsyncIterator[Counting]:
    """A counter of its own for each test."""
    database = Counting(large)
    yield database
    await database.close()


@pytest.mark.parametrize("access", [UNRESTRICTED, OWN], ids=["all", "own"])
async def test_a_search_of_images_reads_what_its_page_needs(counting: Counting, access: Access) -> None:
    read = {}
    for level, asked in SEARCHES:
        before = counting.read
        found = await search(counting, level, asked, access)
        read[level, asked] = counting.read - before
        assert found or access is OWN
    assert {asked: reads for asked, reads in read.items() if reads > DEARER.get(asked[1], BOUND)} == {}


async def test_the_images_of_a_study_are_opened_by_its_key(counting: Counting) -> None:
    studies = Studies(engine_of(counting))
    for access in (UNRESTRICTED, OWN):
        before = counting.read
        assert await studies.seen(access, ["1.2.7"])
        assert counting.read - before < 20


async def search(database: Counting, level: str, asked: str, access: Access) -> int:
    """How much a search finds."""
    engine = engine_of(database)
    await engine.plans.amended.refresh(database)
    restriction = Studies(engine).restriction(access)
    assert restriction is not None
    wanted = search_of(level, asked)

    async def fetch(statement: Statement) -> Rows:
        names, text = kept(database, statement)
        rows = await database.fetch(text.sql, text.parameters(restriction.terms, statement.values))
        return [dict(zip(names, row, strict=True)) for row in rows]

    return len(await rows_of(wanted, Address(""), restriction, fetch))
