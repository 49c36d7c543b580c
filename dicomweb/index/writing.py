"""Rows of the index as instances come and go. Writers of one study wait for each other."""

from __future__ import annotations

from sqlalchemy import ClauseElement, ColumnElement, Table, delete, exists, select, update
from sqlalchemy.dialects import mysql, sqlite

from dicomweb.archives.archive import Address
from dicomweb.index.asking import ask
from dicomweb.index.entry import Entry
from dicomweb.index.patients import patient_of, ris_study_of
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.statement import Slots
from mappers.stored.places import of_metadata
from mappers.transaction import Transaction

STUDY, SERIES, INSTANCE = fhir_dicom_study.c, fhir_dicom_series.c, fhir_dicom_instance.c


async def write(t: Transaction, entry: Entry, place: str, digest: str, now: str) -> None:
    """Indexes an instance: its row is made or replaced, its study and series say what it says of them.

    `now`: the site's wall clock, as databases hold it. An instance that was in another study is moved.
    """
    address = entry.address
    before = await _locked(t, address)
    keys = {"series": address.series, "study": address.study}
    linked = await _linked(t, entry)
    await ask(t, _upsert_study, study=address.study, updated_at=now, **entry.study, **linked)
    await ask(t, _upsert_series, **keys, **entry.series)
    metadata = t.at_rest.kept(entry.metadata, of_metadata(address.instance))
    own = {"instance": address.instance, "place": place, "digest": digest, "metadata": metadata}
    await ask(t, _upsert_instance, **own, **keys, **entry.instance)
    for study_before, series_before in before:
        if (study_before, series_before) != (address.study, address.series):
            await _sweep(t, study_before)


async def remove(t: Transaction, address: Address) -> None:
    """Takes what the address names out of the index, with the series and the study that are empty then."""
    await t.lock(_lock_of(address.study))
    named = {"study": address.study, "series": address.series, "instance": address.instance}
    await t.execute(
        delete(fhir_dicom_instance).where(*(INSTANCE[level] == uid for level, uid in named.items() if uid))
    )
    await _sweep(t, address.study)


async def in_use(t: Database, address: Address) -> bool:
    """Whether its UIDs are those of something else: an instance elsewhere, a series of another study.

    Indexed all the same, it would take that out of the study that it is in.
    """
    placed = await ask(t, _placed, instance=address.instance)
    studies = await ask(t, _study_of, series=address.series)
    elsewhere = any(tuple(found) != (address.study, address.series) for found in placed)
    return elsewhere or any(study != address.study for (study,) in studies)


async def relink(t: Transaction, study: str) -> None:
    """Looks up anew whom a study's PatientID means."""
    await t.lock(_lock_of(study))
    for patient_id, before, _ in await ask(t, _known, study=study):
        patient = await patient_of(t, str(patient_id))
        if patient != before:
            await t.execute(update(fhir_dicom_study).where(STUDY.study == study).values(patient=patient))


async def _locked(t: Transaction, address: Address) -> list[tuple[str, str]]:
    """Locks the study, and the one that the instance was in; where it was, as (study, series)."""
    found = await ask(t, _placed, instance=address.instance)
    studies = {address.study} | {str(study) for study, _ in found}
    for study in sorted(studies):
        await t.lock(_lock_of(study))
    found = await ask(t, _placed, instance=address.instance)
    return [(str(study), str(series)) for study, series in found if study in studies]


def _lock_of(study: str) -> str:
    return f"dicom/{study}"


async def _linked(t: Transaction, entry: Entry) -> dict[str, str]:
    """The patient and the RIS's row: looked up with the first instance, and when the PatientID changes."""
    study = entry.address.study
    found = await ask(t, _known, study=study)
    if found and found[0][0] == entry.patient_id:
        _, patient, ris_study = found[0]
        return {"patient": str(patient), "ris_study": str(ris_study)}
    return {"patient": await patient_of(t, entry.patient_id), "ris_study": await ris_study_of(t, study)}


async def _sweep(t: Transaction, study: str) -> None:
    """Removes a study's series without instances, and the study if it has none."""
    of_series: ColumnElement[bool] = exists().where(INSTANCE.series == SERIES.series)
    await t.execute(delete(fhir_dicom_series).where(SERIES.study == study, ~of_series))
    of_study: ColumnElement[bool] = exists().where(INSTANCE.study == STUDY.study)
    await t.execute(delete(fhir_dicom_study).where(STUDY.study == study, ~of_study))


def _placed(slots: Slots, dialect: str) -> ClauseElement:
    return select(INSTANCE.study, INSTANCE.series).where(INSTANCE.instance == slots.named("instance"))


def _study_of(slots: Slots, dialect: str) -> ClauseElement:
    return select(SERIES.study).where(SERIES.series == slots.named("series"))


def _known(slots: Slots, dialect: str) -> ClauseElement:
    return select(STUDY.patient_id, STUDY.patient, STUDY.ris_study).where(STUDY.study == slots.named("study"))


def _upsert_study(slots: Slots, dialect: str) -> ClauseElement:
    return _upsert(slots, dialect, fhir_dicom_study, kept=("ris_study",))


def _upsert_series(slots: Slots, dialect: str) -> ClauseElement:
    return _upsert(slots, dialect, fhir_dicom_series)


def _upsert_instance(slots: Slots, dialect: str) -> ClauseElement:
    return _upsert(slots, dialect, fhir_dicom_instance)


def _upsert(slots: Slots, dialect: str, table: Table, kept: tuple[str, ...] = ()) -> ClauseElement:
    """The row made, or put in the place of the one with its key; `kept`: columns that then stay."""
    key = [column.name for column in table.primary_key]
    row = {column.name: slots.named(column.name) for column in table.columns}
    changed = {name: value for name, value in row.items() if name not in (*key, *kept)}
    if dialect == "sqlite":
        return sqlite.insert(table).values(row).on_conflict_do_update(key, set_=changed)
    return mysql.insert(table).values(row).on_duplicate_key_update(changed)
