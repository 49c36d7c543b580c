"""The resident number stays in its column: nothing that is kept of what clients write ever holds it."""

import pytest

from mappers.site import RESIDENT_NUMBER
from mappers.stored.content import dumps
from mappers.write.faults import WriteFault
from terminology.systems import RESIDENT_REGISTRATION_ID
from tests.writes.conftest import Written
from tests.writes.samples import sample

NUMBER = "900203-1234567"
IDENTIFIER = {"system": RESIDENT_REGISTRATION_ID, "value": NUMBER}
OTHER = {"system": "urn:others", "value": "77"}


async def test_it_is_written_to_its_column_and_kept_nowhere_else(written: Written) -> None:
    clerk = written.permitting(RESIDENT_NUMBER)
    found = await clerk.made({**sample("Patient"), "identifier": [OTHER, IDENTIFIER]})
    assert IDENTIFIER in found["identifier"]
    sql = f"SELECT ssn FROM emr_patientcache WHERE patient_id = '{found['id']}'"  # noqa: S608
    assert await written.column(sql) == NUMBER
    async with clerk.writer() as writer:
        again = await writer.update("Patient", found["id"], {**found, "language": "ko"})
    assert IDENTIFIER in again["identifier"]
    for table in ("fhir_resource", "fhir_version", "fhir_index"):
        rows = await written.engine.database.fetch(f"SELECT * FROM {table}", ())  # noqa: S608
        assert rows or table == "fhir_index"
        assert NUMBER not in dumps([[str(value) for value in row] for row in rows])


async def test_who_may_not_see_it_does_not_take_it_away(written: Written) -> None:
    clerk, doctor = written.permitting(RESIDENT_NUMBER), written.permitting()
    found = await clerk.made({**sample("Patient"), "identifier": [OTHER, IDENTIFIER]})
    seen = await doctor.engine.read("Patient", found["id"])
    assert isinstance(seen, dict)
    assert NUMBER not in dumps(seen)
    changed = {**seen, "identifier": [{**OTHER, "value": "78"}], "gender": "female"}
    async with doctor.writer() as writer:
        await writer.update("Patient", found["id"], changed)
    sql = f"SELECT ssn FROM emr_patientcache WHERE patient_id = '{found['id']}'"  # noqa: S608
    assert await written.column(sql) == NUMBER
    told = await clerk.engine.read("Patient", found["id"])
    assert isinstance(told, dict)
    assert told["identifier"] == [{**OTHER, "value": "78"}, IDENTIFIER]


@pytest.mark.parametrize("resource_type", ["Patient", "RelatedPerson"])
async def test_who_may_not_see_it_may_not_write_it(written: Written, resource_type: str) -> None:
    related = {"resourceType": "RelatedPerson", "patient": {"reference": "Patient/P-2025-000001"}}
    sent = sample("Patient") if resource_type == "Patient" else related
    allowed = () if resource_type == "Patient" else (RESIDENT_NUMBER,)
    with pytest.raises(WriteFault) as refused:
        await written.permitting(*allowed).made({**sent, "identifier": [OTHER, IDENTIFIER]})
    assert (refused.value.status, refused.value.expression) == (422, f"{resource_type}.identifier[1]")
    assert NUMBER not in refused.value.diagnostics


@pytest.mark.parametrize(
    "said",
    [
        [{**IDENTIFIER, "use": "official"}],
        [{**IDENTIFIER, "value": "9" * 33}],
        [{**IDENTIFIER, "value": f" {NUMBER}"}],
        [IDENTIFIER, {**IDENTIFIER, "value": "900203-7654321"}],
    ],
)
async def test_what_its_column_can_not_hold_of_it_is_refused_and_not_lost(
    written: Written, said: list[dict[str, str]]
) -> None:
    with pytest.raises(WriteFault) as refused:
        await written.permitting(RESIDENT_NUMBER).made({**sample("Patient"), "identifier": [OTHER, *said]})
    assert (refused.value.status, refused.value.expression) == (422, "Patient.identifier[1]")
    assert NUMBER not in refused.value.diagnostics
