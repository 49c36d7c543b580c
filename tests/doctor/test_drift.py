"""A server whose databases differ says so and serves the rest."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_facade.app import create_app
from fhir_facade.settings import SettingFault, Settings
from mappers.demo import create_embedded
from tests.services.database import DatabaseServer


async def ask(settings: Settings, *paths: str) -> list[Any]:
    """The answers of a server under these settings."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000/api/fhir/") as client:
        answers = [(await client.get(p)).json() for p in ("metadata", *paths)]
    await app.fhir.service.engine.database.close()
    return answers


@contextmanager
def changed(server: DatabaseServer, there: str, back: str) -> Iterator[Settings]:
    """The server's database after a statement; `back` undoes it."""
    environment = server.environment()
    with server.engine(server.owner).connect() as connection:
        connection.exec_driver_sql("SET sql_mode = ''")
        connection.exec_driver_sql(there)
        try:
            yield Settings.from_environment(environment)
        finally:
            connection.exec_driver_sql(back)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    create_embedded(tmp_path)
    return Settings(data_dir=str(tmp_path), enable_security=False)


async def test_a_renamed_column_costs_the_element_that_reads_it(settings: Settings) -> None:
    with sqlite3.connect(settings.data_path / "cdss.db") as connection:
        connection.execute("ALTER TABLE lis_labresult RENAME COLUMN abnormal_flag TO flag")
    connection.close()
    metadata, bundle = await ask(settings, "Observation?category=laboratory&_count=5")
    assert "cdss_db.lis_labresult.abnormal_flag" in metadata["implementation"]["description"]
    assert len(bundle["entry"]) == 5
    assert not any("interpretation" in e["resource"] for e in bundle["entry"])


async def test_whole_databases_are_not_degraded(settings: Settings) -> None:
    [metadata] = await ask(settings)
    assert "Degraded" not in metadata["implementation"]["description"]


async def test_a_missing_table_costs_the_parts_that_read_it(server: DatabaseServer) -> None:
    rename = "RENAME TABLE openemr.form_vitals TO openemr.form_vitals_gone"
    back = "RENAME TABLE openemr.form_vitals_gone TO openemr.form_vitals"
    with changed(server, rename, back) as settings:
        metadata, bundle, vitals = await ask(
            settings, "Observation?_count=3", "Observation?category=vital-signs&_count=3"
        )
    assert "table openemr.form_vitals" in metadata["implementation"]["description"]
    assert len([e for e in bundle["entry"] if e["search"]["mode"] == "match"]) == 3
    assert not [e for e in vitals.get("entry", []) if e["resource"]["id"].startswith("oe-vit-")]


async def test_a_dropped_column_costs_what_reads_it(server: DatabaseServer) -> None:
    drop = "ALTER TABLE cdss_db.emr_patientcache RENAME COLUMN address TO home_address"
    back = "ALTER TABLE cdss_db.emr_patientcache RENAME COLUMN home_address TO address"
    with changed(server, drop, back) as settings:
        metadata, patient = await ask(settings, "Patient/P-2025-000001")
    assert "cdss_db.emr_patientcache.address" in metadata["implementation"]["description"]
    assert patient["resourceType"] == "Patient"


async def test_without_openemr_the_cdss_is_served(server: DatabaseServer) -> None:
    environment = server.environment() | {"OPENEMR_DB_NAME": "nowhere"}
    metadata, patients, patient = await ask(
        Settings.from_environment(environment), "Patient?_count=3", "Patient/P-2025-000001"
    )
    assert "schema openemr" in metadata["implementation"]["description"]
    assert all(e["search"]["mode"] == "match" for e in patients["entry"])
    assert patient["birthDate"]


async def test_a_database_that_is_away_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    away = Settings(data_dir=str(tmp_path), db_host="127.0.0.1", db_port=1, enable_security=False)
    metadata, refused = await ask(away, "Patient/P-2025-000001")
    assert "Degraded" not in metadata["implementation"]["description"]
    assert refused["issue"][0]["code"] == "transient"


async def test_without_our_own_tables_the_hospitals_are_served_and_nothing_is_written(
    settings: Settings,
) -> None:
    await ask(settings)
    with sqlite3.connect(settings.data_path / "cdss.db") as connection:
        connection.execute("DROP TABLE fhir_resource")
    connection.close()
    metadata, patients, plans = await ask(settings, "Patient?name=김", "CarePlan")
    assert "fhir-facade migrate" in metadata["implementation"]["description"]
    assert patients["entry"]
    assert plans["resourceType"] == "OperationOutcome"
    claimed = {i["code"] for r in metadata["rest"][0]["resource"] for i in r.get("interaction", ())}
    assert not claimed & {"create", "update", "patch", "delete"}


@pytest.mark.parametrize(
    "older",
    [
        "DROP INDEX ix_fhir_resource_indexed; ALTER TABLE fhir_resource DROP COLUMN indexed",
        "DROP TABLE fhir_amended",
        "DROP TABLE fhir_report_signature",
    ],
)
async def test_own_tables_of_an_older_version_stop_the_start(settings: Settings, older: str) -> None:
    """Rows would be served without what clients said of them: deleted ones again, and no labels."""
    await ask(settings)
    with sqlite3.connect(settings.data_path / "cdss.db") as connection:
        connection.executescript(older)
    connection.close()
    with pytest.raises(SettingFault, match="older than this version: run `fhir-facade migrate`"):
        await ask(settings)


async def test_a_table_that_has_changed_is_read_but_not_written(settings: Settings) -> None:
    with sqlite3.connect(settings.data_path / "cdss.db") as connection:
        connection.execute("ALTER TABLE emr_allergy RENAME COLUMN reaction TO reactions")
    connection.close()
    metadata, found = await ask(settings, "AllergyIntolerance?_count=1")
    assert found["entry"]
    told = metadata["rest"][0]["resource"]
    claims = {r["type"]: {i["code"] for i in r.get("interaction", ())} for r in told}
    assert "create" not in claims["AllergyIntolerance"]
    assert "create" in claims["Condition"]
