"""$lastn finds the latest of each code, by brute force over all rows, and looks at few of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from fhir_facade.operations import lastn
from fhir_facade.operations.lastn import Groups
from tests.facade.facade import Facade, Resource, ids, link
from tests.http.outcomes import refused
from tests.smart_auth.badges import Badges, user
from tests.smart_auth.sight import Sight

ZONE = ZoneInfo("Asia/Seoul")
OTHER = "http://example.org/codes"


def codes(resource: Resource) -> set[tuple[str, str]]:
    found = {(c.get("system", ""), c["code"]) for c in resource["code"].get("coding", ()) if "code" in c}
    return found or {("text", resource["code"].get("text", ""))}


def moment(resource: Resource) -> datetime | None:
    text = resource.get("effectiveDateTime") or resource.get("effectivePeriod", {}).get("start")
    return datetime.fromisoformat(text) if text else None


def expected(resources: Iterable[Resource], most: int) -> set[str]:
    """The latest of each code and its ties; what has no date only where too few have one."""
    groups: list[tuple[set[tuple[str, str]], list[Resource]]] = []
    for resource in resources:
        mine, members = codes(resource), [resource]
        for group in [g for g in groups if g[0] & mine]:
            groups.remove(group)
            mine, members = mine | group[0], members + group[1]
        groups.append((mine, members))
    found: set[str] = set()
    for _, members in groups:
        dated = sorted(((m, r["id"]) for r in members if (m := moment(r))), reverse=True)
        last = dated[min(most, len(dated)) - 1][0] if dated else None
        found |= {i for m, i in dated if last is not None and m >= last}
        if len(dated) < most:
            found |= {r["id"] for r in members if not moment(r)}
    return found


def of_patient(resources: Iterable[Resource], patient: str) -> list[Resource]:
    return [r for r in resources if r.get("subject", {}).get("reference") == f"Patient/{patient}"]


@pytest.mark.parametrize("at_once", [1, 7, 200])
@pytest.mark.parametrize("most", [1, 2, 5])
async def test_the_latest_of_each_code_are_found(
    facade: Facade, monkeypatch: pytest.MonkeyPatch, most: int, at_once: int
) -> None:
    monkeypatch.setattr(lastn, "AT_ONCE", at_once)
    everyone = await facade.all("Observation")
    patients = {r["subject"]["reference"].partition("/")[2] for r in everyone if "subject" in r}
    for patient in sorted(patients) if at_once == 200 else ["P-2025-000001", "oe-pat-900001"]:
        mine = of_patient(everyone, patient)
        bundle = await facade.bundle(f"Observation/$lastn?patient={patient}&max={most}")
        found = [i.partition("/")[2] for i in ids(bundle)]
        assert len(found) == len(set(found))
        assert set(found) == expected(mine, most), patient


async def test_searches_narrow_what_is_looked_at(facade: Facade) -> None:
    mine = of_patient(await facade.all("Observation"), "P-2025-000001")
    category = "laboratory"
    laboratory = [r for r in mine if any(c["code"] == category for k in r["category"] for c in k["coding"])]
    assert 0 < len(laboratory) < len(mine)
    asked = f"Observation/$lastn?subject=Patient/P-2025-000001&category={category}"
    bundle = await facade.bundle(asked)
    assert {i.partition("/")[2] for i in ids(bundle)} == expected(laboratory, 1)
    assert bundle["total"] == len(ids(bundle))
    assert link(bundle, "self") == f"{facade.service.base}/{asked}"
    one = codes(laboratory[0]).pop()
    bundle = await facade.bundle(f"Observation/$lastn?patient=P-2025-000001&code={one[0]}|{one[1]}&max=2")
    assert {i.partition("/")[2] for i in ids(bundle)} == expected(
        [r for r in laboratory if one in codes(r)], 2
    )


async def test_post_asks_the_same(embedded: Facade) -> None:
    entries = [
        {"name": "patient", "valueReference": {"reference": "Patient/P-2025-000001"}},
        {"name": "category", "valueCode": "laboratory"},
        {"name": "max", "valuePositiveInt": 2},
    ]
    sent = json.dumps({"resourceType": "Parameters", "parameter": entries})
    response = await embedded.request(
        "POST", "Observation/$lastn", {"content-type": "application/fhir+json"}, sent
    )
    by_get = await embedded.bundle("Observation/$lastn?patient=P-2025-000001&category=laboratory&max=2")
    assert response.json()["entry"] == by_get["entry"]


@pytest.mark.parametrize(
    ("asked", "code", "about"),
    [
        ("", "required", "patient"),
        ("category=laboratory", "required", "patient"),
        ("patient=x&max=0", "invalid", "max"),
        ("patient=x&max=1&max=2", "invalid", "max"),
        ("patient=x&_sort=date", "not-supported", "_sort"),
        ("patient=x&nonsense=1", "not-supported", "nonsense"),
        ("patient=x&date=never", "invalid", "date"),
    ],
)
async def test_what_can_t_be_asked_is_refused(embedded: Facade, asked: str, code: str, about: str) -> None:
    refused(await embedded.get(f"Observation/$lastn?{asked}"), 400, code, f"http.{about}")


async def test_nobody_sees_more_than_by_searching(
    by_care: Facade, embedded: Facade, badges: Badges, sight: Sight
) -> None:
    mine = of_patient(await embedded.all("Observation"), "P-2025-000001")
    path = "Observation/$lastn?patient=P-2025-000001"
    for role in ("doctor", "radiologist", "lab_technician", "patient"):
        token = badges.badge("user/*.rs", user(role))
        seen = Sight(sight.oracle, "care-team").sees(badges.holders[token], "Observation", "s")
        response = await by_care.get(path, authorization=token)
        if response.status_code == 403:
            assert not seen
            continue
        found = {i.partition("/")[2] for i in ids(response.json())}
        assert found == expected([r for r in mine if r["id"] in seen], 1)
    closed = badges.badge("user/Patient.rs", user("doctor"))
    refused(await by_care.get(path, authorization=closed), 403, "forbidden")


# groups


def observation(number: int, day: str, *stated: str) -> Resource:
    coding = [{"system": OTHER, "code": code} for code in stated]
    found: Resource = {"id": str(number), "code": {"coding": coding}}
    return {**found, "effectiveDateTime": day} if day else found


def latest(most: int, *resources: Resource) -> set[str]:
    groups = Groups(most, ZONE)
    for resource in resources:
        groups.add(resource)
    return {r["id"] for r in groups.latest()}


def test_what_is_as_late_as_the_last_comes_too() -> None:
    days = ["2025-03-03", "2025-03-02", "2025-03-02", "2025-03-01"]
    found = [observation(i, day, "a") for i, day in enumerate(days)]
    assert latest(1, *found) == {"0"}
    assert latest(2, *found) == latest(3, *found) == {"0", "1", "2"}


def test_one_equal_coding_makes_two_codes_equal() -> None:
    first, second = observation(1, "2025-03-03", "a", "b"), observation(2, "2025-03-02", "b", "c")
    third, other = observation(3, "2025-03-01", "c"), observation(4, "2025-03-01", "d")
    assert latest(1, first, second, third, other) == {"1", "3", "4"}
    assert latest(3, first, second, third, other) == {"1", "2", "3", "4"}
    bridge = observation(5, "2025-03-01", "a", "d")
    assert latest(2, observation(1, "2025-03-03", "a"), observation(2, "2025-03-02", "d"), bridge) == {
        "1",
        "2",
    }


def test_what_says_no_date_is_never_later_than_what_does() -> None:
    dated, undated = observation(1, "2025", "a"), observation(2, "", "a")
    assert latest(1, dated, undated) == latest(1, undated, dated) == {"1"}
    assert latest(2, dated, undated) == latest(2, undated, dated) == {"1", "2"}


def test_codes_in_words_are_equal_by_their_words() -> None:
    found = [
        {"id": str(i), "code": {"text": text}, "effectiveInstant": "2025-03-02T00:00:60Z"}
        for i, text in enumerate("aab")
    ]
    assert latest(1, *found) == {"0", "1", "2"}


# cost


async def test_few_statements_are_needed(embedded: Facade, counted: list[str]) -> None:
    assert len(of_patient(await embedded.all("Observation"), "P-2025-000001")) > 20
    counted.clear()
    await embedded.bundle("Observation/$lastn?patient=P-2025-000001&category=laboratory")
    assert len(counted) <= 8
