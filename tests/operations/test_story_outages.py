"""`$story` while sources are away: what can't be told is never told as missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from fhir_facade.registry import by_type
from mappers.outage import tables_of
from tests.facade.facade import Facade, embedded_folder, execute, settings_of, writer
from tests.http.outcomes import refused
from tests.operations.telling import Story, asked, issues, stories, story
from tests.services.database import CDSS, OPENEMR, DatabaseServer

#: orders whose stories have every step, every state, and both databases in them
ORDERS = (
    *("O-2025-000001", "O-2025-000003", "O-2025-000006", "O-2025-000008", "O-2025-000009", "O-2025-000017"),
    *("O-2025-000019", "O-2025-001001", "O-2025-002001", "O-2025-900005", "oe-order-1", "oe-order-3"),
)
TYPES = (
    *("ServiceRequest", "Specimen", "Observation", "Procedure", "ImagingStudy", "DiagnosticReport"),
    *("Task", "Provenance"),
)
TABLES = sorted({".".join(table) for name, m in by_type().items() if name in TYPES for table in tables_of(m)})


@contextmanager
def lost(facade: Facade, table: str, server: DatabaseServer | None = None) -> Iterator[None]:
    """A table is away for a while."""
    schema, _, name = table.partition(".")
    places = {"cdss_db": CDSS, "openemr": OPENEMR} if server else {"cdss_db": "main", "openemr": "openemr"}
    place, engine = places[schema], writer(facade, server)
    back = f"{place}.{name}" if server else name
    away = f"{place}.{name}_away" if server else f"{name}_away"
    execute(engine, f"ALTER TABLE {place}.{name} RENAME TO {away}")
    try:
        yield
    finally:
        execute(engine, f"ALTER TABLE {place}.{name}_away RENAME TO {back}")


@pytest_asyncio.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    facade = Facade(settings_of(embedded_folder(tmp_path_factory.mktemp("stories"))))
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="module")
async def whole(own: Facade) -> dict[str, Story]:
    return {order: await story(own, order) for order in ORDERS}


@pytest.mark.parametrize("table", TABLES)
async def test_without_a_table_less_is_found_and_nothing_more_is_missed(
    own: Facade, whole: dict[str, Story], table: str
) -> None:
    for order, before in whole.items():
        with lost(own, table):
            response = await own.get(f"ServiceRequest/{order}/$story")
        if response.status_code == 503:
            refused(response, 503, "transient")
            continue
        (told,) = stories(response.json())
        assert told.found <= before.found
        missed = {h.step for h in told.hops if h.state == "missing"}
        assert missed <= {h.step for h in before.hops if h.state == "missing"}, (order, told)
        assert before.broken or not told.broken
        less = told.found < before.found
        assert not less or issues(response.json())
        assert not less or any(h.state == "down" for h in told.hops) or table == "cdss_db.ai_aijob"
    assert await story(own, order) == before


@pytest.mark.parametrize("kind", ["embedded", "mariadb", "mysql"])
async def test_a_hop_whose_source_is_down_says_so(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    server = None if kind == "embedded" else request.getfixturevalue(kind)
    facade = Facade(settings_of(tmp_path if server else embedded_folder(tmp_path), server))
    address = "ServiceRequest/O-2025-000001/$story"
    try:
        before = await story(facade, "O-2025-000001")
        with lost(facade, "cdss_db.ris_radiologyreport", server):
            bundle = await asked(facade, address)
            refused(await facade.get(address, prefer="handling=strict"), 503, "transient")
        after = await story(facade, "O-2025-000001")
    finally:
        await facade.close()
    (told,) = stories(bundle)
    (report,) = told.of("report")
    assert report.short == ("report", "ImagingStudy/ST-2025-000001", "down")
    assert "can't be told" in report.why
    assert [h.state for h in told.of("sign-off")] == ["down", "found"]
    assert told.state("study") == "found"
    assert told.broken is None
    assert {"transient", "incomplete"} == {i["code"] for i in issues(bundle)}
    assert after == before


async def test_an_order_whose_source_is_down_has_no_story(own: Facade) -> None:
    with lost(own, "cdss_db.ocs_order"):
        refused(await own.get("ServiceRequest/O-2025-000001/$story"), 503, "transient")


async def test_a_patient_s_other_orders_are_told_of_while_one_source_is_down(own: Facade) -> None:
    with lost(own, "openemr.procedure_order"):
        bundle = await asked(own, "Patient/P-2025-000001/$story?_count=100")
    told = [s.order for s in stories(bundle)]
    assert told
    assert not any("oe-order" in order for order in told)
    assert "transient" in {i["code"] for i in issues(bundle)}


async def test_a_row_that_can_not_be_read_is_not_missing(own: Facade) -> None:
    engine = writer(own)
    change = "UPDATE lis_labresult SET patient_id = {} WHERE order_id = 'O-2025-002003'"
    execute(engine, change.format("''"))
    try:
        bundle = await asked(own, "ServiceRequest/O-2025-002003/$story")
    finally:
        execute(engine, change.format("'P-2025-000006'"))
    (told,) = stories(bundle)
    assert {h.state for h in told.of("result")} == {"down"}
    assert any("lis_labresult/" in i["diagnostics"] for i in issues(bundle) if i["severity"] == "error")
