"""Nothing is written into one patient's record that belongs to another's."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.write.faults import WriteFault
from tests.writes.conftest import Written
from tests.writes.samples import sample
from tests.writes.test_belonging import updated

#: rows of the demo's second patient; the samples are the first's
OTHERS: dict[str, Any] = {
    "encounter": {"reference": "Encounter/E-2025-000010"},
    "basedOn": [{"reference": "ServiceRequest/O-2025-000008"}],
    "request": [{"reference": "ServiceRequest/O-2025-000008"}],
}
CASES = [
    ("ServiceRequest", "encounter"),
    ("MedicationRequest", "encounter"),
    ("Condition", "encounter"),
    ("Observation", "basedOn"),
    ("Observation", "specimen"),
    ("Specimen", "request"),
]
SPECIMEN = "SELECT specimen_id FROM lis_specimen WHERE patient_id <> 'P-2025-000001' ORDER BY specimen_id"


async def of_another(written: Written, name: str) -> Any:
    if name == "specimen":
        return {"reference": f"Specimen/{await written.column(SPECIMEN)}"}
    return OTHERS[name]


@pytest.mark.parametrize(("resource_type", "name"), CASES)
async def test_a_row_refers_to_nothing_of_another_patient(
    written: Written, resource_type: str, name: str
) -> None:
    other = await of_another(written, name)
    with pytest.raises(WriteFault) as refused:
        await written.made({**sample(resource_type), name: other})
    assert (refused.value.status, refused.value.expression) == (422, f"{resource_type}.{name}")


@pytest.mark.parametrize(
    ("resource_type", "name"),
    [("Condition", "encounter"), ("Observation", "specimen"), ("Specimen", "request")],
)
async def test_nor_does_it_once_it_is_there(written: Written, resource_type: str, name: str) -> None:
    found = await written.made(sample(resource_type))
    other = await of_another(written, name)
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, **{name: other})
    assert (refused.value.status, refused.value.expression) == (422, f"{resource_type}.{name}")
    assert await written.engine.read(resource_type, found["id"]) == found


async def test_what_others_have_mixed_up_can_still_be_written_over(written: Written) -> None:
    found = await written.made(sample("Condition"))
    key = found["id"].removeprefix("diag-")
    await written.change(f"UPDATE ocs_diagnosis SET encounter_id = 'E-2025-000010' WHERE id = {key}")  # noqa: S608
    read = await written.engine.read("Condition", found["id"])
    assert isinstance(read, dict)
    assert read["encounter"]["reference"] == "Encounter/E-2025-000010"
    again = await updated(written, read, note=[{"text": "다시 확인"}])
    assert again["encounter"] == read["encounter"]
    mended = await updated(written, again, encounter={"reference": "Encounter/E-2025-000001"})
    assert mended["encounter"]["reference"] == "Encounter/E-2025-000001"
