# ruff: noqa: S608  the statements hold constants of the tests only
"""Other programs write while clients read: what they write is in the next answer, and pages lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from mappers.cdss.tables import emr_patientcache
from tests.facade.facade import Facade, Resource, execute, ids, link, writer

PATIENT = "P-2025-000004"
SERVERS = ["on_mariadb", "on_mysql"]


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest) -> tuple[Facade, Engine]:
    """A facade over a server, and another program's connection to it."""
    facade: Facade = request.getfixturevalue(request.param)
    server = request.getfixturevalue(request.param.removeprefix("on_"))
    return facade, writer(facade, server)


@contextmanager
def written(engine: Engine, there: str, back: str) -> Iterator[None]:
    """What a statement writes is there for a while."""
    execute(engine, there)
    try:
        yield
    finally:
        execute(engine, back)


def copy(new: str) -> tuple[str, str]:
    """Statements that insert a copy of a patient under another key, and take it out."""
    others = [c.name for c in emr_patientcache.c if c.name not in ("patient_id", "openemr_pid")]
    names = ", ".join(f"`{name}`" for name in others)
    there = (
        f"INSERT INTO emr_patientcache (patient_id, openemr_pid, {names}) "
        f"SELECT '{new}', NULL, {names} FROM emr_patientcache WHERE patient_id = '{PATIENT}'"
    )
    return there, f"DELETE FROM emr_patientcache WHERE patient_id = '{new}'"


async def rest(facade: Facade, bundle: Resource) -> list[str]:
    """What the pages after a page hold."""
    found: list[str] = []
    while following := link(bundle, "next"):
        bundle = await facade.bundle(following)
        found += ids(bundle)
    return found


@pytest.mark.parametrize("order", ["", "&_sort=name", "&_sort=-birthdate", "&_sort=-_lastUpdated,_id"])
@pytest.mark.parametrize("new", ["A-before", "Z-behind"])
async def test_a_row_inserted_between_pages_moves_no_others(
    served: tuple[Facade, Engine], order: str, new: str
) -> None:
    facade, engine = served
    whole = ids(await facade.bundle(f"Patient?_count=1000{order}"))
    first = await facade.bundle(f"Patient?_count=4{order}")
    with written(engine, *copy(new)):
        walked = ids(first) + await rest(facade, first)
        now = ids(await facade.bundle(f"Patient?_count=1000{order}"))
    assert [i for i in walked if i != f"Patient/{new}"] == whole
    assert walked.count(f"Patient/{new}") == (now.index(f"Patient/{new}") >= 4)


async def test_a_row_written_by_another_program_is_in_the_next_answer(served: tuple[Facade, Engine]) -> None:
    facade, engine = served
    before = await facade.get(f"Patient/{PATIENT}")
    change = f"UPDATE emr_patientcache SET phone = '010-7777-1234' WHERE patient_id = '{PATIENT}'"
    phone = next(t["value"] for t in before.json()["telecom"] if t["system"] == "phone")
    back = f"UPDATE emr_patientcache SET phone = '{phone}' WHERE patient_id = '{PATIENT}'"
    assert not ids(await facade.bundle("Patient?phone=010-7777-1234"))
    with written(engine, change, back):
        after = await facade.get(f"Patient/{PATIENT}", if_none_match=before.headers["etag"])
        assert after.status_code == 200
        assert "010-7777-1234" in after.text
        assert ids(await facade.bundle("Patient?phone=010-7777-1234")) == [f"Patient/{PATIENT}"]
        assert (await facade.get("Patient/Z-new")).status_code == 404
        with written(engine, *copy("Z-new")):
            assert (await facade.get("Patient/Z-new")).status_code == 200
            assert "Patient/Z-new" in ids(await facade.bundle("Patient?_id=Z-new"))
        assert (await facade.get("Patient/Z-new")).status_code == 404


async def test_a_row_with_a_key_below_zero_can_be_read_and_referred_to(
    served: tuple[Facade, Engine],
) -> None:
    facade, engine = served
    there = (
        "INSERT INTO emr_allergy (id, patient_id, allergen, category, is_active, updated_at) "
        f"VALUES (-5, '{PATIENT}', 'Latex', 'ENV', 1, '2025-01-06 10:00:00')"
    )
    with written(engine, there, "DELETE FROM emr_allergy WHERE id = -5"):
        assert "AllergyIntolerance/allergy--5" in ids(
            await facade.bundle(f"AllergyIntolerance?patient={PATIENT}")
        )
        assert ids(await facade.bundle("AllergyIntolerance?_id=allergy--5")) == [
            "AllergyIntolerance/allergy--5"
        ]
        assert (await facade.get("AllergyIntolerance/allergy--5")).json()["code"]["text"] == "Latex"
        assert (await facade.get("AllergyIntolerance/allergy--05")).status_code == 404
    assert (await facade.get("AllergyIntolerance/allergy--5")).status_code == 404
