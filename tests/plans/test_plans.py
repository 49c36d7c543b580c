"""Searches that clients ask all the time read no more than their page needs, with doctor's indexes there."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import chain

import pytest
from alembic import command

from fhir_facade.set_up import alembic
from mappers.demo.hospital import demo_rows
from mappers.demo.loading import create_schemas, load
from mappers.demo.scale import FIRST_ID, scale_patient_id, scale_rows
from mappers.engine import Engine
from tests.plans.counting import MAPPINGS, SITE, Counting, engine_of, query
from tests.services.database import DatabaseServer
from tests.services.mariadb import mariadb_server
from tests.services.mysql import mysql_server

ROWS, PATIENTS = 20_000, 200
PAGE = 50
#: index entries and rows that a page may take: some for each of its 51 rows and each joined table
BOUND = 1500
PATIENT = scale_patient_id(7)
LOINC = "http://loinc.org|"

HOT = (
    f"Observation?_id=lab-{FIRST_ID + 4321}",
    f"Observation?patient={PATIENT}",
    f"Observation?patient={PATIENT}&code={LOINC}2345-7",
    f"Observation?patient={PATIENT}&date=ge2019-01-01",
    f"Observation?patient={PATIENT}&_sort=-date",
    f"Observation?category=laboratory&patient={PATIENT}&_sort=-date",
    f"Observation?code={LOINC}2345-7&date=ge2019-01-01&date=lt2019-07-01",
    f"Observation?code={LOINC}2345-7",
    "Observation?category=laboratory&_sort=-date",
    "Observation?category=laboratory&date=ge2024-12-01&_sort=date",
    "Observation?_lastUpdated=ge2024-12-01&_sort=-_lastUpdated",
    "Observation?specimen=S-SCALE-00000100",
    "Observation?based-on=O-SCALE-00000100",
    f"Encounter?patient={PATIENT}",
    f"ServiceRequest?patient={PATIENT}",
    f"Specimen?patient={PATIENT}",
    f"Patient?_id={PATIENT}",
    f"Patient?identifier={PATIENT}",
)

#: what reads more, and why: two codes of the master have one LOINC code, so all their results are sorted; a
#: chain looks through the patients where no index serves its value
DEARER = {
    f"Observation?category=laboratory&code={LOINC}2345-7&_sort=-date": 2500,
    f"Observation?patient.identifier={PATIENT}": 3000,
}


@pytest.fixture(scope="module", params=[mariadb_server, mysql_server], ids=["mariadb", "mysql"])
def large(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    """A server with 20,000 results and the indexes that doctor advises for them."""
    with request.param() as server:
        with server.engine(server.owner).begin() as connection:
            create_schemas(connection)
            load(connection, chain(demo_rows(), scale_rows(PATIENTS, ROWS)))
        with server.engine(server.owner).connect() as connection:
            command.upgrade(alembic(connection), "head")
            connection.commit()
        with server.engine(server.owner).begin() as connection:
            connection.exec_driver_sql("ANALYZE TABLE lis_labresult, lis_specimen, ocs_order")
            for statement in advised(server):
                connection.exec_driver_sql(statement.replace("%", "%%"))
            connection.exec_driver_sql("ANALYZE TABLE lis_labresult, lis_specimen, ocs_order")
        yield server


def advised(server: DatabaseServer) -> list[str]:
    """Doctor's CREATE INDEX statements."""
    doctor = [sys.executable, "-m", "fhir_facade.cli", "doctor", "--ddl", "--min-rows", "1000"]
    environment = {**os.environ, **server.environment()}
    told = subprocess.run(doctor, env=environment, capture_output=True, text=True, check=True).stdout
    return [line.rstrip(";") for line in told.splitlines() if line.startswith("CREATE INDEX")]


@pytest.fixture
async def counting(large: DatabaseServer) -> AsyncIterator[Counting]:
    """A counter of its own for each test."""
    database = Counting(large)
    yield database
    await database.close()


@pytest.mark.parametrize("search", [*HOT, *DEARER])
async def test_a_page_reads_what_it_needs(counting: Counting, search: str) -> None:
    page = await engine_of(counting).page(query(search), PAGE)
    assert page.matches
    assert counting.read <= DEARER.get(search, BOUND)


async def test_newest_results_are_found_without_a_look_at_each_patient(counting: Counting) -> None:
    """A patient's blood type is a result without a date, which comes after all that have one."""
    newest = query("Observation?category=laboratory&_sort=-date")
    engine, reads, pages = engine_of(counting), [], []
    for strict in (True, False, True):  # `strict` asks each source; the first time is another look
        before = counting.read
        pages.append(await engine.page(newest, PAGE, strict=strict))
        reads.append(counting.read - before)
    assert (pages[1].matches, pages[1].after) == (pages[2].matches, pages[2].after)
    assert reads[1] + PATIENTS <= reads[2]


async def test_years_of_one_code_are_read_along_its_index(counting: Counting) -> None:
    """In the order of keys a server looks at other codes and years too until the page is full."""
    asked, reads = query(f"Observation?code={LOINC}2345-7&date=ge2018-03-05&date=lt2022-03-05"), {}
    for name, engine in (("index", engine_of(counting)), ("key", Engine(MAPPINGS, counting, SITE))):
        await engine.page(asked, PAGE)  # the first time is another look
        before = counting.read
        pages = [await engine.page(asked, PAGE)]
        while pages[-1].after is not None:
            pages.append(await engine.page(asked, PAGE, pages[-1].after))
        found = {m["id"] for page in pages for m in page.matches if isinstance(m, dict)}
        reads[name] = counting.read - before, found
    assert reads["index"][1] == reads["key"][1]
    assert 2 * reads["index"][0] <= reads["key"][0]


async def test_a_far_page_reads_no_more_than_the_first(counting: Counting) -> None:
    engine, asked = engine_of(counting), query("Observation?category=laboratory&_sort=-date")
    page, reads = await engine.page(asked, PAGE), [counting.read]
    for _ in range(100):
        before = counting.read
        page = await engine.page(asked, PAGE, page.after)
        reads.append(counting.read - before)
    assert max(reads) <= reads[0] * 1.3
