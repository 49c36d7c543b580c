# ruff: noqa: S608  the statements hold constants of the test only
"""Bytes that are no text, which SQLite keeps in any column: the page is served, the rest of it whole."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, embedded_folder, execute, ids, settings_of, writer

PATIENT = "P-2025-000003"


@pytest_asyncio.fixture(scope="module")
async def odd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    facade = Facade(settings_of(embedded_folder(tmp_path_factory.mktemp("odd"))))
    yield facade
    await facade.close()


async def test_bytes_that_are_no_text_break_no_page(odd: Facade) -> None:
    before = ids(await odd.bundle("Patient?_count=500"))
    where = f"WHERE patient_id = '{PATIENT}'"
    execute(
        writer(odd),
        f"UPDATE emr_patientcache SET address = CAST(X'ff41fe' AS TEXT), birth_date = 2025 {where}",
        f"UPDATE emr_patientcache SET phone = X'ff00', name_en = X'eab980' {where}",
    )
    bundle = await odd.bundle("Patient?_count=500")
    assert ids(bundle) == before
    found = next(e["resource"] for e in bundle["entry"] if e["resource"]["id"] == PATIENT)
    assert "\ufffdA\ufffd" in [a.get("text") for a in found["address"]]
    assert found["name"][1]["text"] == "김"
    assert (await odd.get(f"Patient/{PATIENT}")).status_code == 200
