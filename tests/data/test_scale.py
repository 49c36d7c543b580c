"""Rows in bulk: exactly as many as asked for, the same on every run, attached to the demo."""

from collections import Counter
from itertools import islice

import pytest
from sqlalchemy import Connection, func, select

from mappers.cdss.tables import lis_labresult
from mappers.demo import demo_rows, load, scale_rows
from mappers.demo.scale import FIRST_ID, RARE, scale_patient_id


@pytest.mark.parametrize(("patients", "observations"), [(10, 1000), (7, 333), (3, 5), (450, 2000)])
def test_there_are_as_many_as_asked_for(patients: int, observations: int) -> None:
    counts = Counter(table.name for table, _ in scale_rows(patients, observations))
    assert counts["lis_labresult"] == observations
    assert counts["emr_patientcache"] == patients
    assert counts["ocs_order"] == counts["lis_specimen"] == -(-observations // 8)


def test_two_runs_make_the_same_rows() -> None:
    assert list(scale_rows(20, 2000)) == list(scale_rows(20, 2000))


def test_a_million_results_are_streamed() -> None:
    first = next(islice(scale_rows(10_000, 1_000_000), 200, None))
    assert first[0].name == "emr_encounter"


def test_they_stand_on_the_demo(empty: Connection) -> None:
    load(empty, demo_rows())
    load(empty, scale_rows(30, 6000))
    assert empty.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    mine = lis_labresult.c.patient_id == scale_patient_id(0)
    assert empty.scalar(select(func.count()).select_from(lis_labresult).where(mine)) == 192
    rare = (lis_labresult.c.test_code == RARE) & (lis_labresult.c.id >= FIRST_ID)
    assert empty.scalar(select(func.count()).select_from(lis_labresult).where(rare)) == 2
