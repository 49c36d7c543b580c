"""How the RIS's rows follow the archive: a study's row is found or made, and says what its images say.

Nothing but what follows from images is ever changed in a row that the hospital made, and no row is removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from dicomweb.index.entry import Entry
from dicomweb.index.reading import rows
from dicomweb.ris.telling import tell
from dicomweb.ris.whose import Told, Whose, whose
from mappers.cdss.tables import ris_radiologystudy
from mappers.database import Database
from mappers.demo.identifiers import orthanc_id
from mappers.engine import Engine
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.stored.values import stamp
from mappers.transaction import Transaction
from mappers.value import Cells
from mappers.values.dicom import local_moment
from mappers.write.keys import next_key
from mappers.write.sealed_cells import held, with_blind

RIS, STUDY = ris_radiologystudy.c, fhir_dicom_study.c
SERIES, INSTANCE = fhir_dicom_series.c, fhir_dicom_instance.c
KEY = "ST-{year}-"
#: words of the RIS that images end, the word that they make true, and the one for when they are gone
AWAITED, DONE, AWAITING = frozenset({"", "scheduled", "in_progress", "registered"}), "completed", "registered"
GONE = frozenset({"completed", "available"})
#: what comes with images and is none itself
BESIDE = frozenset({"", "SR", "PR", "KO", "SEG", "DOC", "OT"})

Values = dict[str, Any]


class Ris:
    """The RIS's rows; `engine` reads their ImagingStudies, `archive` is the name of what keeps the files."""

    def __init__(self, engine: Engine, archive: str = "") -> None:
        self._engine, self._archive = engine, archive

    async def reason(self, database: Database, told: Told) -> str:
        """Why an instance has to wait in quarantine, in a word; '' if it is clear whose it is."""
        return (await whose(database, told)).reason

    async def whose(self, database: Database, entry: Entry) -> Whose:
        """Whose an instance is."""
        return await whose(database, Told.by(entry))

    async def placed(self, t: Transaction, study: str) -> None:
        """Lets the RIS follow what the index says of a study now; it has no rows if all of it is gone."""
        indexed = await _indexed(t, study)
        if not indexed:
            await self._emptied(t, study)
            return
        found = await whose(t, Told(study, indexed["patient_id"], indexed["accession_number"]))
        if found.reason:  # somebody has changed the RIS's row meanwhile: it isn't ours to mend
            return
        now = stamp(self._engine.site, datetime.now(UTC))
        key = found.study_id or await self._made(t, found, indexed, now)
        if found.study_id:
            await self._followed(t, key, indexed, now)
        await t.execute(
            update(fhir_dicom_study).where(STUDY.study == study, STUDY.ris_study != key).values(ris_study=key)
        )

    async def expected(self, t: Transaction, entry: Entry) -> bool:
        """Puts a study's row as it would be once an instance of it is stored; whether it had to be made."""
        found, study = await self.whose(t, entry), entry.address.study
        now = stamp(self._engine.site, datetime.now(UTC))
        if found.study_id:
            uid = {"study_instance_uid": study}
            await t.execute(update(ris_radiologystudy).where(RIS.study_id == found.study_id).values(uid))
        elif not found.reason:
            await self._inserted(t, _new_row(found, {**entry.study, "study": study}, now), now)
        return not found.study_id

    async def _made(self, t: Transaction, found: Whose, indexed: Mapping[str, Any], now: str) -> str:
        row = _new_row(found, indexed, now) | await self._from_images(t, indexed) | {"status": DONE}
        key = await self._inserted(t, row, now)
        await tell(self._engine, t, key, now, "POST")
        return key

    async def _inserted(self, t: Transaction, row: Values, now: str) -> str:
        key = await next_key(t, RIS.study_id, KEY, now)
        cells: Cells = {RIS[name]: value for name, value in {**row, "study_id": key}.items()}
        values = held(cells, key, self._engine.site.sealed)
        await t.execute(insert(with_blind(ris_radiologystudy, values)).values(values))
        return key

    async def _followed(self, t: Transaction, key: str, indexed: Mapping[str, Any], now: str) -> None:
        """Changes of a row what follows from its images, and nothing where nothing does."""
        names = ("study_instance_uid", "orthanc_id", "num_series", "num_instances", "status")
        [row] = await rows(t, select(*(RIS[n] for n in names)).where(RIS.study_id == key).with_for_update())
        before = dict(zip(names, row, strict=True))
        told = await self._from_images(t, indexed)
        after: Values = {name: told[name] for name in ("num_series", "num_instances")}
        after |= {name: told[name] for name in ("study_instance_uid", "orthanc_id") if not before[name]}
        if str(before["status"] or "").strip().lower() in AWAITED:
            after["status"] = DONE
        await self._changed(t, key, {n: v for n, v in after.items() if str(v) != str(before[n])}, now)

    async def _emptied(self, t: Transaction, study: str) -> None:
        """The row of a study whose images are gone says so; it stays, with its order and its reports."""
        found = await rows(
            t, select(RIS.study_id, RIS.status).where(RIS.study_instance_uid == study).limit(2)
        )
        if len(found) == 1:
            key, status = found[0]
            gone = str(status or "").strip().lower() in GONE
            after = {"num_series": 0, "num_instances": 0} | ({"status": AWAITING} if gone else {})
            await self._changed(t, key, after, stamp(self._engine.site, datetime.now(UTC)))

    async def _changed(self, t: Transaction, key: str, after: Values, now: str) -> None:
        if after:
            row = update(ris_radiologystudy).where(RIS.study_id == key).values(**after, updated_at=now)
            await t.execute(row)
            await tell(self._engine, t, key, now, "PUT")

    async def _from_images(self, t: Transaction, indexed: Mapping[str, Any]) -> Values:
        study = indexed["study"]
        counts: list[Any] = [func.count(INSTANCE.series.distinct()), func.count()]
        [(series, instances)] = await rows(t, select(*counts).where(INSTANCE.study == study))
        found = await rows(
            t,
            select(SERIES.modality, SERIES.body_part)
            .where(SERIES.study == study)
            .order_by(SERIES.number, SERIES.series),
        )
        modalities = sorted((str(m) for m, _ in found), key=lambda m: m in BESIDE)  # the first that is none
        return {
            "study_instance_uid": study,
            "orthanc_id": self._orthanc_id(indexed),
            "modality": next(iter(modalities), "") or None,
            "body_part": next((str(part) for _, part in found if part), None),
            "num_series": int(series),
            "num_instances": int(instances),
        }

    def _orthanc_id(self, indexed: Mapping[str, Any]) -> str | None:
        """What the hospital's own viewer knows the study by, where Orthanc keeps it."""
        if self._archive != "orthanc":
            return None
        return orthanc_id(indexed["patient_id"], indexed["study"])


def _new_row(found: Whose, study: Mapping[str, Any], now: str) -> Values:
    """A row as the RIS has them, of what a study's images say; what they don't say is NULL."""
    nothing: Values = dict.fromkeys((c.name for c in RIS), None)
    return nothing | {
        "patient_id": found.patient,
        "order_id": found.order_id,
        "study_instance_uid": study["study"],
        "accession_number": study["accession_number"] or None,
        "description": study["description"] or None,
        "study_datetime": local_moment(study["study_date"], study["study_time"]),
        "num_series": 0,
        "num_instances": 0,
        "status": AWAITING,
        "created_at": now,
        "updated_at": now,
    }


async def _indexed(t: Transaction, study: str) -> Values:
    names = (
        "study",
        "patient_id",
        "accession_number",
        "description",
        "study_date",
        "study_time",
    )
    found = await rows(t, select(*(STUDY[n] for n in names)).where(STUDY.study == study))
    return dict(zip(names, found[0], strict=True)) if found else {}
