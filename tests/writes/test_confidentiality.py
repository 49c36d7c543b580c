"""What clients write of a restricted visit is as closed as the visit, wherever they say so."""

from typing import Any

import pytest

from fhir_facade.app import opener_of
from mappers.query import SearchQuery
from mappers.view import View
from smart_auth.access.caller import Caller
from smart_auth.access.scopes import resource_scopes
from tests.smart_auth.badges import user
from tests.writes.conftest import Written
from tests.writes.samples import sample

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


async def restricted_visit(written: Written) -> dict[str, Any]:
    """A visit that not every role may see."""
    for id_ in await written.all_found("Encounter", "_security", f"{CONFIDENTIALITY}|R"):
        found = await written.engine.read("Encounter", id_)
        if isinstance(found, dict) and "subject" in found:
            return found
    raise AssertionError("the demo has a restricted visit")


def seen_by(written: Written, role: str) -> View:
    """What a role's searches may see."""
    caller = Caller("an-app", tuple(resource_scopes(["user/*.rs"])), user(role), token_id=role)
    return View(written.engine, opener_of(written.facade.service).access(caller, "s"))


async def ids(view: View, resource_type: str) -> set[str]:
    """Everything of a type that a view shows."""
    page = await view.page(SearchQuery(resource_type), 5000)
    return {m["id"] for m in page.matches if isinstance(m, dict)}


@pytest.mark.parametrize("resource_type", ["Observation", "CarePlan"])
async def test_it_is_closed_with_its_visit(written: Written, resource_type: str) -> None:
    visit = await restricted_visit(written)
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan"}
    sent = plan if resource_type == "CarePlan" else sample(resource_type)
    about = {"subject": visit["subject"], "encounter": {"reference": f"Encounter/{visit['id']}"}}
    if resource_type == "Observation" and visit["subject"]["reference"].startswith("Patient/oe-"):
        pytest.fail("the restricted visit is of a patient whom the laboratory knows")
    closed = await written.made({**sent, **about})
    open_ = await written.made({**sent, "subject": visit["subject"]})
    cleared, nurse = seen_by(written, "doctor"), seen_by(written, "nurse")
    assert {closed["id"], open_["id"]} <= await ids(cleared, resource_type)
    seen = await ids(nurse, resource_type)
    assert open_["id"] in seen
    assert closed["id"] not in seen
    assert await nurse.read(resource_type, closed["id"]) is None
