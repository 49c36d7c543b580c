"""Awkward rows can be told by their keys, say why they are there, and load into every kind of database."""

import re

import pytest
from sqlalchemy import Connection, MetaData, Table, select

from mappers.cdss.tables import CDSS, ai_aijob, emr_patientcache, lis_labresult
from mappers.demo import awkward, awkward_rows, demo_rows
from mappers.demo.awkward_fill import BLANKS, NULLS, ZERO_DATES
from mappers.demo.rows import row_key
from mappers.openemr.tables import OPENEMR, form_vitals, lists, patient_data
from tests.services.database import DatabaseServer

DATABASES = [pytest.param(CDSS, id="cdss"), pytest.param(OPENEMR, id="openemr")]
TABLES = [*CDSS.sorted_tables, *OPENEMR.sorted_tables]
NO_FHIR_ID = re.compile(r"[^A-Za-z0-9.\-]")


def test_two_runs_make_the_same_rows() -> None:
    assert list(awkward_rows()) == list(awkward_rows())


@pytest.mark.parametrize("metadata", DATABASES)
def test_every_row_says_why_it_is_there(metadata: MetaData) -> None:
    assert all(found.why for found in awkward(metadata))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_tell_awkward_rows_from_the_others(table: Table) -> None:
    """By a number of 900000 and above, by 9000nn in a text, or by characters that no FHIR id can hold."""
    keys = [found.key for found in awkward(table.metadata) if found.table is table]
    assert keys
    for key in keys:
        assert any(_awkward(part) for part in key) or key == ("KCD8",)


def _awkward(part: int | str) -> bool:
    if isinstance(part, int):
        return part >= 900_000
    return "9000" in part or "9001" in part or part == "awkward" or bool(NO_FHIR_ID.search(part))


@pytest.mark.parametrize("fill", [ZERO_DATES, NULLS, BLANKS], ids=lambda fill: fill.why)
def test_filled_rows_are_in_every_table_that_they_suit(fill: object) -> None:
    assert isinstance(fill, type(NULLS))
    suited = {table.name for table in TABLES if fill.suits(table)}
    made = {found.table.name for m in (CDSS, OPENEMR) for found in awkward(m) if found.why == fill.why}
    assert made == suited
    assert len(suited) >= 25


def test_null_rows_are_null_wherever_null_is_allowed() -> None:
    for metadata in (CDSS, OPENEMR):
        for found in awkward(metadata):
            if found.why == NULLS.why:
                filled = {n for n, value in found.row.items() if value is not None}
                nullable = {c.name for c in found.table.columns if c.nullable} - set(row_key(found.table))
                assert not filled & nullable, found.table.name


def test_dirt_survives_the_way_into_sqlite_and_back(filled: Connection) -> None:
    values = {row.id: row.value for row in filled.execute(select(lis_labresult))}
    assert (values[900001], values[900002], values[900005]) == ("12x", "1.50", "1:80")
    born = filled.scalar(select(patient_data.c.DOB).where(patient_data.c.pid == 900011))
    assert born == "1961-00-00"
    pressure = filled.scalar(select(form_vitals.c.bps).where(form_vitals.c.id == 900305))
    assert pressure == "120 "
    assert "P/2025 한글_1" in set(filled.scalars(select(emr_patientcache.c.patient_id)))


def test_dirt_survives_the_way_into_a_server_and_back(server: DatabaseServer) -> None:
    with server.engine().connect() as connection:
        problem = connection.execute(select(lists).where(lists.c.id == ZERO_DATES.number)).one()
        assert problem.begdate == "0000-00-00 00:00:00"
        assert problem.modifydate == "0000-00-00 00:00:00"
        name = connection.scalar(select(patient_data.c.lname).where(patient_data.c.pid == 900004))
        assert name == "\u1100\u1175\u11b7"
        broken = connection.scalar(select(ai_aijob.c.result).where(ai_aijob.c.id == 900001))
        assert "tumor_detected" in str(broken)


def test_demo_rows_stay_out_of_the_awkward_keys() -> None:
    numbers = [
        part for table, row in demo_rows() for name in row_key(table) if isinstance(part := row[name], int)
    ]
    assert max(numbers) < 900_000
