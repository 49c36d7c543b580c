# ruff: noqa: S608  the statements hold constants and names of the tests only
"""What must never leave, break a page or be hidden: resident numbers, dirt, sources that are down."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappers.database import TooSlowError
from mappers.query import SearchQuery
from tests.facade.facade import Facade, embedded_folder, execute, ids, link, settings_of, writer
from tests.http.outcomes import refused
from tests.services.database import DatabaseServer

NUMBER = "850315-1234567"


@pytest_asyncio.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    """A facade over databases of its own, with a resident number in them."""
    facade = Facade(settings_of(embedded_folder(tmp_path_factory.mktemp("own"))))
    execute(
        writer(facade), f"UPDATE emr_patientcache SET ssn = '{NUMBER}' WHERE patient_id = 'P-2025-000001'"
    )
    yield facade
    await facade.close()


@pytest.mark.parametrize("path", ["Patient/P-2025-000001", "Patient?_format=xml", "metadata", "Nothing", ""])
async def test_no_browser_takes_an_answer_for_a_page(own: Facade, path: str) -> None:
    """Narratives are HTML in JSON and XML, and names are what somebody typed."""
    answer = await own.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith("application/fhir+")


@pytest.mark.parametrize("written", [NUMBER, NUMBER.replace("-", "")])
@pytest.mark.parametrize("name", ["identifier", "identifier:not"])
async def test_a_resident_number_is_refused_in_a_url(own: Facade, written: str, name: str) -> None:
    refused(await own.get(f"Patient?{name}={written}"), 400, None, "identifier")
    refused(await own.get(f"Observation?patient.identifier={written}"), 400)
    refused(await own.post(f"Patient/_search?identifier={written}", "active=true"), 400)
    response = await own.get(f"Patient?identifier=x|{written}")
    assert written not in response.text


async def test_a_resident_number_in_a_body_finds_and_is_gone(
    own: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = await own.post("Patient/_search", f"identifier={NUMBER}")
    assert ids(response.json()) == ["Patient/P-2025-000001"]
    chained = await own.post("Observation/_search", f"patient.identifier={NUMBER}&_count=2")
    assert ids(chained.json())
    explained = await own.post("Patient/_search", f"identifier={NUMBER}&_explain=true")
    for told in (response.text, chained.text, explained.text, caplog.text):
        assert NUMBER not in told
        assert NUMBER.replace("-", "") not in told
    cursor = dict(parse_qsl(urlsplit(str(link(chained.json(), "next"))).query))["_cursor"]
    assert NUMBER not in str(own.service.cursors.open(cursor))


async def test_who_has_another_resident_number_is_found_and_it_is_gone(own: Facade) -> None:
    everybody = {i for i in ids(await own.bundle("Patient?_count=100")) if i.startswith("Patient/")}
    response = await own.post("Patient/_search", f"identifier:not={NUMBER}")
    assert set(ids(response.json())) == everybody - {"Patient/P-2025-000001"}
    assert NUMBER not in response.text
    nobody = await own.post("Patient/_search", "identifier:not=850315-1234568")
    assert set(ids(nobody.json())) == everybody
    refused(await own.post("Patient/_search", f"identifier:above={NUMBER}"), 400, None, "identifier")


@pytest.mark.parametrize("path", ["Patient/{}", "Patient/{}/Observation", "Patient/%38{}", "{}"])
async def test_a_resident_number_in_a_path_is_not_logged(
    own: Facade, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG, "fhir_facade")
    number = NUMBER[1:] if "%38" in path else NUMBER
    assert (await own.get(path.format(number))).status_code == 404
    [told] = [r.getMessage() for r in caplog.records if r.name == "fhir_facade.access"]
    assert "***" in told
    assert NUMBER[1:] not in told


async def test_a_resident_number_is_served_only_where_that_is_set(own: Facade) -> None:
    assert NUMBER not in (await own.get("Patient/P-2025-000001")).text
    open_ = Facade(settings_of(own.settings.data_path, serve_resident_number=True))
    assert NUMBER in (await open_.get("Patient/P-2025-000001")).text
    await open_.close()


async def test_a_row_written_by_others_is_in_the_next_answer(own: Facade) -> None:
    before = (await own.get("Patient/P-2025-000002")).headers["etag"]
    execute(writer(own), "UPDATE emr_patientcache SET name = '새이름' WHERE patient_id = 'P-2025-000002'")
    response = await own.get("Patient/P-2025-000002", if_none_match=before)
    assert response.status_code == 200
    assert "새이름" in response.text
    assert "Patient/P-2025-000002" in ids(await own.bundle("Patient?name=새이름"))


async def test_rows_that_come_and_go_between_pages_move_no_others(own: Facade) -> None:
    every = ids(await own.bundle("Observation?_count=1000&_sort=-date"))
    bundle = await own.bundle("Observation?_count=60&_sort=-date")
    walked, gone = ids(bundle), every[200]
    assert gone.startswith("Observation/")
    number = next(i for i in every[70:] if i.startswith("Observation/lab-") and i != gone)
    execute(writer(own), f"DELETE FROM lis_labresult WHERE id = {number.rpartition('-')[2]}")
    while next_page := link(bundle, "next"):
        bundle = await own.bundle(next_page)
        walked += ids(bundle)
    assert walked == [i for i in every if i != number]


async def test_unreadable_rows_are_named_and_break_no_page(embedded: Facade) -> None:
    bundle = await embedded.bundle("Observation?_count=1000")
    outcomes = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    assert [i for o in outcomes for i in o["issue"] if "can't be read" in i["diagnostics"]]
    assert ids(bundle)


@contextmanager
def hidden(facade: Facade) -> Iterator[None]:
    """OpenEMR's embedded database is gone for a while."""
    path = Path(facade.settings.data_path) / "openemr.db"
    away = path.with_suffix(".away")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


async def test_a_source_that_is_down_hides_only_its_own(own: Facade) -> None:
    facade = Facade(own.settings)  # which has asked nothing yet, so that nothing is open
    with hidden(own):
        bundle = await facade.bundle("Observation?_count=1000")
        assert ids(bundle)
        assert all(not i.startswith("Observation/oe-") for i in ids(bundle))
        told = [e["resource"]["issue"] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
        assert any(i["code"] == "transient" for issues in told for i in issues)
        refused(await facade.get("Observation", Prefer="handling=strict"), 503, "transient")
    await facade.close()


async def test_revoked_rights_hide_only_what_they_covered(
    on_mariadb: Facade, mariadb: DatabaseServer
) -> None:
    owner, user = mariadb.engine(mariadb.owner), mariadb.facade.name
    execute(owner, f"REVOKE SELECT ON openemr.* FROM '{user}'@'%'")
    try:
        on_mariadb.service.engine.database.forget()
        bundle = await on_mariadb.bundle("Observation?_count=1000")
        assert ids(bundle)
        assert all("oe-" not in i for i in ids(bundle))
        refused(await on_mariadb.get("Observation", Prefer="handling=strict"), 503, "transient")
    finally:
        execute(owner, f"GRANT SELECT ON openemr.* TO '{user}'@'%'")
        on_mariadb.service.engine.database.forget()


async def test_a_connection_that_the_server_closed_is_made_anew(
    on_mariadb: Facade, mariadb: DatabaseServer
) -> None:
    await on_mariadb.bundle("Patient?_count=1")
    engine = mariadb.engine(mariadb.owner)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SHOW PROCESSLIST").all()
        for row in rows:
            if row[1] == mariadb.facade.name:
                connection.exec_driver_sql(f"KILL {row[0]}")
    assert ids(await on_mariadb.bundle("Patient?_count=1"))


async def test_a_statement_over_its_time_is_cancelled(mariadb: DatabaseServer, tmp_path: Path) -> None:
    slow = Facade(settings_of(tmp_path, mariadb, db_statement_seconds=0.2))
    with pytest.raises(Exception, match="1969"):
        await slow.service.engine.database.fetch("SELECT SLEEP(3)", ())
    assert ids(await slow.bundle("Patient?_count=1"))
    await slow.close()


async def test_an_embedded_statement_over_its_time_is_cancelled(tmp_path: Path) -> None:
    slow = Facade(settings_of(embedded_folder(tmp_path), db_statement_seconds=0.2))
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    with pytest.raises(TooSlowError):
        await slow.service.engine.database.fetch(endless, ())
    assert ids(await slow.bundle("Patient?_count=1"))
    await slow.close()


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
NAMES = st.sampled_from(
    [
        "name",
        "identifier",
        "birthdate",
        "gender",
        "_id",
        "general-practitioner",
        "_lastUpdated",
        "telecom",
        "address",
        "language",
        "_sort",
        "_count",
        "_include",
        "_elements",
        "_cursor",
        "_has",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.one_of(NAMES, TEXTS), modifier=st.one_of(st.just(""), TEXTS), value=TEXTS)
async def test_no_text_makes_the_server_fail(embedded: Facade, name: str, modifier: str, value: str) -> None:
    asked = f"Patient?{quote(name + (':' + modifier if modifier else ''))}={quote(value)}"
    assert (await embedded.get(asked)).status_code in (200, 400, 406)


async def test_the_engine_lets_no_fault_of_its_own_pass(embedded: Facade) -> None:
    with pytest.raises(Exception, match="no such column"):
        await embedded.service.engine.database.fetch("SELECT nonsense FROM emr_patientcache", ())
    assert (await embedded.service.engine.page(SearchQuery("Patient"), 1)).matches
