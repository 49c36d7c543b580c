"""OpenEMR's rows that follow from others: vital-signs forms, mapped uuids and the registry of forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mappers.demo.identifiers import uuid_of
from mappers.demo.rows import Row, complete, csv_records
from mappers.openemr.tables import form_vitals, forms, uuid_mapping

ROWS = Path(__file__).parent / "openemr_rows"

# The Observations that OpenEMR gives a uuid of their own, by column of the vital-signs form.
VITAL_CODES = {"bps": "8480-6", "bpd": "8462-4", "pulse": "8867-4", "weight": "29463-7", "height": "8302-2"}
# The latest forms were never read through OpenEMR's own API, which is what fills the mapping.
MAPPED_UNTIL = "2024-01-01"


def vitals_rows() -> Iterator[Row]:
    """Vital-signs forms in the units OpenEMR stores (lb, in, °F), each with its entry in `forms`."""
    for record in csv_records(ROWS / "vitals.csv"):
        encounter = record.pop("encounter")
        row = complete(form_vitals, record | {"activity": "1", "authorized": "1"})
        yield form_vitals, row
        yield _form(row, int(encounter), row["id"], "vitals", "Vitals", row["user"])
        yield from _mapped_uuids(row)


def registry_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """The `forms` entry that belongs to each encounter, procedure order and clinical-notes form."""
    seen: set[tuple[str, int]] = set()
    for table, row in rows:
        for _, form in _registered(table.name, row):
            key = (form["formdir"], form["form_id"])
            # Notes of one form share its form_id and its single registry entry.
            if key not in seen:
                seen.add(key)
                yield forms, form


def _registered(table_name: str, row: dict[str, Any]) -> Iterator[Row]:
    if table_name == "form_encounter":
        yield _form(row, row["encounter"], row["id"], "newpatient", "New Patient Encounter", "jpark")
    elif table_name == "procedure_order":
        form_id, ordered = row["procedure_order_id"], row["date_ordered"]
        entry = {"pid": row["patient_id"], "date": ordered}
        yield _form(entry, row["encounter_id"], form_id, "procedure_order", "Procedure Order", "jpark")
    elif table_name == "form_clinical_notes":
        entry = {"pid": row["pid"], "date": f"{row['date']} 00:00:00"}
        yield _form(
            entry, int(row["encounter"]), row["form_id"], "clinical_notes", "Clinical Notes", row["user"]
        )


FORM_KINDS = {"newpatient": 10_000, "vitals": 20_000, "clinical_notes": 40_000, "procedure_order": 50_000}


def _form(row: dict[str, Any], encounter: int, form_id: int, formdir: str, name: str, user: str) -> Row:
    entry = {
        "id": FORM_KINDS[formdir] + form_id,
        "date": row["date"],
        "encounter": encounter,
        "form_name": name,
        "form_id": form_id,
        "pid": row["pid"],
        "user": user,
        "authorized": 1,
        "formdir": formdir,
    }
    return forms, complete(forms, entry)


def _mapped_uuids(row: dict[str, Any]) -> Iterator[Row]:
    if row["uuid"] is None or row["date"] >= MAPPED_UNTIL:
        return
    for number, (column, code) in enumerate(VITAL_CODES.items()):
        yield (
            uuid_mapping,
            complete(
                uuid_mapping,
                {
                    "id": row["id"] * 10 + number,
                    "uuid": uuid_of("Observation", row["id"], column).bytes,
                    "resource": "Observation",
                    "resource_path": f"category=vital-signs&code={code}",
                    "table": "form_vitals",
                    "target_uuid": row["uuid"],
                    "created": row["date"],
                },
            ),
        )
