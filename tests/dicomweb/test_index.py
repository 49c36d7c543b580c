"""Rows of the index, on each database: what is stored is found, what is gone is gone, whoever else writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from dicomweb.archives.archive import Address
from dicomweb.index.entry import Entry, entry_of
from dicomweb.index.patients import patient_of, ris_study_of
from dicomweb.index.reading import instances, metadata, rows
from dicomweb.index.writing import remove, write
from mappers.at_rest import AtRest
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.keyring import is_sealed
from mappers.transaction import RetryError, transaction
from tests.dicomweb.embedded import at_rest_in
from tests.dicomweb.phantom import part10
from tests.facade.facade import Facade

NOW = "2026-11-23 12:00:00.000000"
STUDY, OTHER = "1.2.826.0.7.1", "1.2.826.0.7.2"


@pytest_asyncio.fixture(scope="module")
async def database(facade: Facade, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """The database, with keys."""
    found = facade.service.engine.database
    before, found.at_rest = found.at_rest, at_rest_in(tmp_path_factory.mktemp("keys"))
    yield found
    found.at_rest = before


@pytest_asyncio.fixture(autouse=True)
async def left_as_it_was(database: Database) -> AsyncIterator[None]:
    """Takes the tests' studies away."""
    yield
    async with transaction(database) as t:
        for study in (STUDY, OTHER):
            await remove(t, Address(study))


def entry(series: int = 1, instance: int = 1, study: str = STUDY, **attributes: Any) -> Entry:
    uids = {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.{series}",
        "SOPInstanceUID": f"{study}.{series}.{instance}",
    }
    numbers = {"SeriesNumber": series, "InstanceNumber": instance}
    return entry_of(part10(**(uids | numbers | attributes)))


async def indexed(database: Database, *entries: Entry, place: str = "a-place") -> None:
    async with transaction(database) as t:
        for one in entries:
            await write(t, one, place, "d" * 64, NOW)


async def study_row(database: Database, *columns: str, study: str = STUDY) -> list[Any]:
    c = fhir_dicom_study.c
    found = await rows(database, select(*(c[name] for name in columns)).where(c.study == study))
    return list(found[0]) if found else []


async def test_instances_come_in_the_order_of_their_numbers(database: Database) -> None:
    await indexed(database, *(entry(s, i) for s in (10, 2) for i in (3, 10, 1)), place="p")
    found = await instances(database, Address(STUDY))
    expected = [f"{STUDY}.{s}.{i}" for s in (2, 10) for i in (1, 3, 10)]
    assert [one.address.instance for one in found] == expected
    assert [one.number for one in found] == [1, 3, 10, 1, 3, 10]
    of_series = await instances(database, Address(STUDY, f"{STUDY}.2"))
    assert list(of_series) == list(found)[:3]
    one = (await instances(database, Address(STUDY, f"{STUDY}.2", f"{STUDY}.2.3")))[0]
    assert (one.place, one.digest, one.frames, one.rows, one.columns) == ("p", "d" * 64, 1, 4, 4)
    assert one.sop_class == "1.2.840.10008.5.1.4.1.1.7"
    assert one.transfer_syntax == "1.2.840.10008.1.2.1"
    assert one.size > 500
    assert await instances(database, Address(STUDY, f"{OTHER}.2")) == []


async def test_attributes_are_sealed_at_rest_and_told_as_they_were(database: Database) -> None:
    one = entry(PatientName="Kim^Younghee", SpecificCharacterSet="ISO_IR 192", StudyDescription="뇌")
    await indexed(database, one)
    [(held,)] = await rows(
        database,
        select(fhir_dicom_instance.c.metadata).where(fhir_dicom_instance.c.instance == one.address.instance),
    )
    assert is_sealed(held)
    assert "Younghee" not in held
    [(address, told)] = await metadata(database, Address(STUDY))
    assert address == one.address
    assert told == one.metadata
    assert json.loads(told)["00081030"]["Value"] == ["뇌"]


async def test_study_and_series_say_what_the_latest_instance_says(database: Database) -> None:
    await indexed(database, entry(1, 1, StudyDescription="first", SeriesDescription="one"))
    await indexed(database, entry(1, 2, StudyDescription="second", SeriesDescription="two"))
    description, attributes, updated = await study_row(database, "description", "attributes", "updated_at")
    assert description == "second"
    assert json.loads(attributes)["00081030"]["Value"] == ["second"]
    assert str(updated).startswith("2026-11-23 12:00:00")
    c = fhir_dicom_series.c
    found = await rows(database, select(c.description, c.modality, c.number).where(c.study == STUDY))
    assert [tuple(row) for row in found] == [("two", "OT", 1)]


async def test_an_instance_that_comes_again_replaces_its_row(database: Database) -> None:
    await indexed(database, entry(), place="before")
    await indexed(database, replace(entry(), metadata='{"again":1}'), place="after")
    assert [one.place for one in await instances(database, Address(STUDY))] == ["after"]
    assert [told for _, told in await metadata(database, Address(STUDY))] == ['{"again":1}']


async def test_an_instance_that_comes_in_another_study_is_moved(database: Database) -> None:
    await indexed(database, entry())
    moved = entry_of(
        part10(StudyInstanceUID=OTHER, SeriesInstanceUID=f"{OTHER}.1", SOPInstanceUID=f"{STUDY}.1.1")
    )
    await indexed(database, moved)
    assert await instances(database, Address(STUDY)) == []
    assert await study_row(database, "study") == []
    assert [one.address for one in await instances(database, Address(OTHER))] == [moved.address]


async def test_what_is_empty_disappears(database: Database) -> None:
    await indexed(database, entry(1, 1), entry(1, 2), entry(2, 1))
    async with transaction(database) as t:
        await remove(t, Address(STUDY, f"{STUDY}.1", f"{STUDY}.1.1"))
    assert len(await instances(database, Address(STUDY))) == 2
    async with transaction(database) as t:
        await remove(t, Address(STUDY, f"{STUDY}.1"))
    c = fhir_dicom_series.c
    left = await rows(database, select(c.series).where(c.study == STUDY))
    assert [series for (series,) in left] == [f"{STUDY}.2"]
    async with transaction(database) as t:
        await remove(t, Address(STUDY, f"{STUDY}.2", f"{STUDY}.2.1"))
    assert await study_row(database, "study") == []
    assert not await rows(database, select(c.series).where(c.study == STUDY))


async def test_many_writers_of_one_study_leave_all_that_they_wrote(database: Database) -> None:
    async def store(series: int, number: int) -> None:
        for attempt in range(20):
            try:
                return await indexed(database, entry(series, number))
            except RetryError:
                await asyncio.sleep(0.01 * attempt)
        raise AssertionError("never")

    await asyncio.gather(*(store(s, n) for s in (1, 2) for n in range(1, 6)))
    assert len(await instances(database, Address(STUDY))) == 10
    c = fhir_dicom_series.c
    assert len(await rows(database, select(c.series).where(c.study == STUDY))) == 2


async def test_a_writer_and_a_remover_leave_no_instance_without_its_study(database: Database) -> None:
    async def removed(number: int) -> None:
        async with transaction(database) as t:
            await remove(t, Address(STUDY, f"{STUDY}.1", f"{STUDY}.1.{number}"))

    for number in range(1, 5):
        await indexed(database, entry(1, number))
        await asyncio.gather(removed(number), indexed(database, entry(1, number + 1)))
        assert [one.number for one in await instances(database, Address(STUDY))] == [number + 1]
        assert await study_row(database, "study") == [STUDY]


async def test_nothing_of_a_transaction_that_fails_is_kept(database: Database) -> None:
    async def failing() -> None:
        async with transaction(database) as t:
            await write(t, entry(), "p", "", NOW)
            raise LookupError

    with pytest.raises(LookupError):
        await failing()
    assert await instances(database, Address(STUDY)) == []
    assert await study_row(database, "study") == []


@pytest.mark.parametrize(
    ("patient_id", "patient"),
    [
        ("P-2025-000001", "P-2025-000001"),
        ("MRN-0001", "P-2025-000001"),
        ("1", "P-2025-000001"),
        ("p-2025-000001", ""),
        ("mrn-0001", ""),
        ("P-2025-00000１", ""),
        ("01", ""),
        ("%", ""),
        ("", ""),
        ("nobody", ""),
    ],
)
async def test_a_patient_id_means_one_patient_to_the_letter(
    database: Database, patient_id: str, patient: str
) -> None:
    assert await patient_of(database, patient_id) == patient


async def test_a_study_knows_its_patient_and_its_row_in_the_ris(database: Database) -> None:
    """A study that is not archived yet; its device sent OpenEMR's number."""
    key, study = "ST/2025 한글_1", "2.25.900006"
    try:
        await indexed(database, entry(study=study, PatientID="MRN-0001"))
        told = await study_row(database, "patient_id", "patient", "ris_study", study=study)
        assert told == ["MRN-0001", "P-2025-000001", key]
    finally:
        async with transaction(database) as t:
            await remove(t, Address(study))


async def test_a_uid_of_two_rows_in_the_ris_names_neither(database: Database) -> None:
    assert await ris_study_of(database, "2.25.900003") == ""
    assert await ris_study_of(database, STUDY) == ""


async def test_a_corrected_patient_id_is_looked_up_anew(database: Database) -> None:
    await indexed(database, entry(1, 1, PatientID="unknown"))
    assert await study_row(database, "patient") == [""]
    await indexed(database, entry(1, 1, PatientID="P-2025-000002"))
    assert await study_row(database, "patient") == ["P-2025-000002"]


def test_attributes_without_keys_are_kept_as_they_are(tmp_path: Path) -> None:
    assert AtRest().kept(entry().metadata, b"") == entry().metadata
