"""`$story` of a patient: all their orders, page by page; what can't be told is refused."""

from __future__ import annotations

import pytest

from tests.facade.facade import Facade, link
from tests.http.outcomes import refused
from tests.operations.telling import FIRST, Story, asked, stories, story


async def pages(facade: Facade, address: str, **headers: str) -> list[Story]:
    """All stories of a patient, page by page."""
    found, following = list[Story](), address
    while following:
        bundle = await asked(facade, following, **headers)
        found += stories(bundle)
        following = link(bundle, "next") or ""
    return found


async def test_a_patient_s_stories_are_all_their_orders_the_latest_first(facade: Facade) -> None:
    record = [
        o for o in await facade.all("ServiceRequest") if f"Patient/{FIRST}" == o["subject"]["reference"]
    ]
    told = await pages(facade, f"Patient/{FIRST}/$story?_count=7")
    assert len(told) > 14
    assert sorted(s.order for s in told) == sorted(f"ServiceRequest/{o['id']}" for o in record)
    authored = {f"ServiceRequest/{o['id']}": o.get("authoredOn", "") for o in record}
    assert [authored[s.order] for s in told] == sorted(authored.values(), reverse=True)
    for one in told:
        assert one == await story(facade, one.order.partition("/")[2])


@pytest.mark.parametrize(
    ("filters", "orders"),
    [
        ("status=draft", ["O-2025-000018"]),
        ("authored=ge2025-11-20&category=http://snomed.info/sct|363679005", ["O-2025-000006"]),
        ("status=entered-in-error", []),
    ],
)
async def test_a_patient_s_orders_are_narrowed_as_in_a_search(
    facade: Facade, filters: str, orders: list[str]
) -> None:
    bundle = await asked(facade, f"Patient/{FIRST}/$story?{filters}")
    assert [s.order for s in stories(bundle)] == [f"ServiceRequest/{o}" for o in orders]
    assert link(bundle, "self") == f"{facade.service.base}/Patient/{FIRST}/$story?{filters}"


async def test_a_patient_s_story_takes_what_parameters_say(facade: Facade) -> None:
    parameter = [{"name": "status", "valueString": "draft"}, {"name": "_count", "valuePositiveInt": 5}]
    body = {"resourceType": "Parameters", "parameter": parameter}
    response = await facade.http.post(f"{facade.service.base}/Patient/{FIRST}/$story", json=body)
    assert [s.order for s in stories(response.json())] == ["ServiceRequest/O-2025-000018"]


@pytest.mark.parametrize(
    ("asked_for", "status", "code"),
    [
        ("ServiceRequest/nobody/$story", 404, "not-found"),
        ("ServiceRequest/O-2025-000004/$story", 404, "not-found"),  # a prescription
        ("ServiceRequest/a_b/$story", 400, "value"),
        ("ServiceRequest/O-2025-000001/$story?status=active", 400, "not-supported"),
        ("Patient/nobody/$story", 404, "not-found"),
        (f"Patient/{FIRST}/$story?colour=red", 400, "not-supported"),
        (f"Patient/{FIRST}/$story?_count=0", 400, None),
        (f"Patient/{FIRST}/$story?_count=x", 400, None),
        (f"Patient/{FIRST}/$story?authored=yesterday", 400, "invalid"),
        (f"Patient/{FIRST}/$story?_cursor=abc", 400, "invalid"),
        ("Encounter/E-2025-000001/$story", 404, "not-supported"),
        ("$story", 404, "not-supported"),
    ],
)
async def test_what_can_not_be_told_is_refused(
    embedded: Facade, asked_for: str, status: int, code: str | None
) -> None:
    refused(await embedded.get(asked_for), status, code)


async def test_a_page_link_tells_no_other_patient_s_story(embedded: Facade) -> None:
    following = link(await asked(embedded, f"Patient/{FIRST}/$story?_count=1"), "next")
    assert following
    refused(await embedded.get(following.replace(FIRST, "P-2025-000002")), 400, "invalid", "_cursor")
    refused(await embedded.get(following.replace(f"Patient/{FIRST}/$story", "ServiceRequest")), 400)
