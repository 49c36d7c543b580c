"""What clients write takes its place in the story of its order."""

from decimal import Decimal

import pytest

from terminology.systems import local_system
from tests.operations.telling import story
from tests.writes.conftest import Written

ORDER, OTHER = "O-2025-000017", "oe-order-4"
SUBJECT = {"reference": "Patient/P-2025-000001"}
RESULT = {
    "resourceType": "Observation",
    "status": "final",
    "category": [
        {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
            ]
        }
    ],
    "code": {"coding": [{"system": local_system("lab-test"), "code": "CREA"}]},
    "subject": SUBJECT,
    "effectiveDateTime": "2025-11-20T10:00:00+09:00",
    "valueQuantity": {"value": Decimal("0.90"), "unit": "mg/dL"},
}


async def test_a_result_that_was_written_follows_on_its_specimen(written: Written) -> None:
    before = await story(written.facade, ORDER)
    specimen = "Specimen/S-2025-002008"
    about = {"basedOn": [{"reference": f"ServiceRequest/{ORDER}"}], "specimen": {"reference": specimen}}
    made = await written.made({**RESULT, **about})
    told = await story(written.facade, ORDER)
    (hop,) = told.of("result")
    assert (hop.of, hop.state, hop.resources) == (specimen, "found", (f"Observation/{made['id']}",))
    assert before.state("result") == "missing"
    assert told.state("report") == "found"


async def test_a_result_of_two_orders_is_in_both_stories(written: Written) -> None:
    orders = [{"reference": f"ServiceRequest/{order}"} for order in (ORDER, OTHER)]
    made = await written.made({**RESULT, "basedOn": orders})
    for order in (ORDER, OTHER):
        assert f"Observation/{made['id']}" in (await story(written.facade, order)).found


@pytest.mark.parametrize("form", ["{base}/{address}", "{address}/_history/1"])
async def test_a_reference_leads_to_its_resource_however_it_is_written(written: Written, form: str) -> None:
    def to(address: str) -> dict[str, str]:
        return {"reference": form.format(base=written.facade.service.base, address=address)}

    subject = (await written.engine.read("ServiceRequest", OTHER))["subject"]["reference"]  # type: ignore[index]
    about = {"basedOn": [to(f"ServiceRequest/{OTHER}")], "subject": to(subject)}
    async with written.writer() as writer:
        made = await writer.create("Procedure", {"resourceType": "Procedure", "status": "completed", **about})
    told = await story(written.facade, OTHER)
    assert told.of("procedure")[0].resources == (f"Procedure/{made['id']}",)
    assert told.conflicts == ()


async def test_what_only_clients_write_is_told_and_never_missed(written: Written) -> None:
    assert not (await story(written.facade, OTHER)).of("procedure")
    async with written.writer() as writer:
        based_on = [{"reference": f"ServiceRequest/{OTHER}"}]
        procedure = {"resourceType": "Procedure", "status": "completed", "subject": SUBJECT}
        made = await writer.create("Procedure", {**procedure, "basedOn": based_on})
    (hop,) = (await story(written.facade, OTHER)).of("procedure")
    assert hop.resources == (f"Procedure/{made['id']}",)
