"""Rows of the index as instances come and go. Writers of one study wait for each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Table, delete, exists, select, update
from sqlalchemy.dialects import mysql, sqlite

from dicomweb.archives.archive import Address
from dicomweb.index.asking import Build, ask
from dicomweb.index.entry import Entry
from dicomweb.index.patients import patient_of, ris_study_of
from dicomweb.index.whereabouts import Whereabouts
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.statement import Slots
from mappers.stored.places import of_metadata
from mappers.transaction import Transaction

STUDY, SERIES, INSTANCE = fhir_dicom_study.c, fhir_dicom_series.c, fhir_dicom_instance.c


class Writer:
    """Writes instances in one transaction, and asks nothing of it twice. `held`: studies that are locked.

    What it knows was read in this transaction or written by it, under the studies' locks.
    """

    def __init__(self, t: Transaction, held: Iterable[str] = ()) -> None:
        self._t, self._held, self.whereabouts = t, set(held), Whereabouts(t)
        self.forget()

    def forget(self) -> None:
        """Asks everything anew from now on: something was taken out."""
        self.whereabouts.forget()
        self._linked = dict[str, tuple[str, dict[str, str]]]()
        self._told = dict[str, Mapping[str, Any]]()

    async def write(self, entry: Entry, place: str, digest: str, now: str) -> None:
        """Indexes an instance: its row is made or replaced, its study and series say what it says of them.

        `now`: the site's wall clock, as databases hold it. An instance that was in another study is moved.
        """
        address = entry.address
        before = await self._locked(address)
        keys = {"series": address.series, "study": address.study}
        study = {"study": address.study, **entry.study, **await self._links(entry)}
        await self._tell(address.study, _upsert_study, study, updated_at=now)
        await self._tell(address.series, _upsert_series, {**keys, **entry.series})
        metadata = self._t.at_rest.kept(entry.metadata, of_metadata(address.instance))
        own = {"instance": address.instance, "place": place, "digest": digest, "metadata": metadata}
        await ask(self._t, _upsert_instance, **own, **keys, **entry.instance)
        self.whereabouts.written(address)
        for study_before in {at[0] for at in before if at != (address.study, address.series)}:
            await _sweep(self._t, study_before)
            self.forget()

    async def _tell(self, uid: str, upsert: Build, row: Mapping[str, Any], **besides: str) -> None:
        """Writes a study's or series' row, unless just that was written of it."""
        if self._told.get(uid) != row:
            await ask(self._t, upsert, **row, **besides)
            self._told[uid] = row

    async def _locked(self, address: Address) -> list[tuple[str, str]]:
        """Locks the study, and the one that the instance was in; where it was, as (study, series)."""
        studies = {address.study} | {study for study, _ in await self.whereabouts.of(address.instance)}
        fresh = sorted(studies - self._held)
        for study in fresh:
            await self._t.lock(lock_of(study))
        self._held |= studies
        found = await self.whereabouts.of(address.instance, anew=bool(fresh))
        return [at for at in found if at[0] in studies]

    async def _links(self, entry: Entry) -> dict[str, str]:
        """The patient and the RIS's row, looked up with the first instance and when the PatientID changes."""
        study = entry.address.study
        if study not in self._linked or self._linked[study][0] != entry.patient_id:
            self._linked[study] = entry.patient_id, await _linked(self._t, entry)
        return self._linked[study][1]


async def write(t: Transaction, entry: Entry, place: str, digest: str, now: str) -> None:
    """Indexes one instance, as `Writer.write` says."""
    await Writer(t).write(entry, place, digest, now)


async def remove(t: Transaction, address: Address) -> None:
    """Takes what the address names out of the index, with the series and the study that are empty then."""
    await t.lock(lock_of(address.study))
    named = {"study": address.study, "series": address.series, "instance": address.instance}
    await t.execute(
        delete(fhir_dicom_instance).where(*(INSTANCE[level] == uid for level, uid in named.items() if uid))
    )
    await _sweep(t, address.study)


async def relink(t: Transaction, study: str) -> None:
    """Looks up anew whom a study's PatientID means."""
    await t.lock(lock_of(study))
    for patient_id, before, _ in await ask(t, _known, study=study):
        patient = await patient_of(t, str(patient_id))
        if patient != before:
            await t.execute(update(fhir_dicom_study).where(STUDY.study == study).values(patient=patient))


def lock_of(study: str) -> str:
    """The lock that whoever writes of a study takes."""
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
