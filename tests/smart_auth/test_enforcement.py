"""For every role, type and interaction: callers see what brute force opens to them, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from fhir_facade.registry import by_type
from smart_auth.access.caller import User
from tests.facade.facade import Facade, ids, link
from tests.smart_auth.badges import DEMO_USERS, Badges, user
from tests.smart_auth.sight import Sight

LABORATORY = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
SYSTOLIC = "http://loinc.org|8867-4"


class Case(NamedTuple):
    """A caller to be: the scopes, the user's role (none: a backend service), the launch's patient."""

    scopes: str
    role: str = ""
    patient: str = ""
    emergency: str = ""

    def __str__(self) -> str:
        told = (self.role or "service", self.scopes, self.patient, self.emergency and "emergency")
        return " ".join(t for t in told if t)

    @property
    def user(self) -> User | None:
        return user(self.role) if self.role else None


CASES = [
    *(Case("user/*.rs", role) for role in DEMO_USERS),
    *(Case("patient/*.rs", role, "P-2025-000001") for role in DEMO_USERS),
    Case("user/*.read", "doctor"),
    Case("user/*.r", "nurse"),
    Case("user/*.s", "nurse"),
    Case("user/*.write", "doctor"),
    Case("system/*.rs"),
    Case("system/Observation.rs system/Patient.r"),
    Case("system/*.rs", "doctor"),
    Case("user/*.rs"),
    Case("patient/*.rs"),
    Case("patient/*.rs", "patient", "P-2025-000002"),
    Case("patient/*.rs", "doctor", "oe-pat-2"),
    Case(f"patient/Observation.rs?category={LABORATORY} patient/Patient.r", "patient", "P-2025-000001"),
    Case(f"user/Observation.rs?code={SYSTOLIC}", "doctor"),
    Case(f"user/Observation.rs?code={SYSTOLIC} user/Observation.rs?category={LABORATORY}", "nurse"),
    Case("user/Observation.rs?nothing=1 user/Patient.rs", "doctor"),
    Case("user/*.rs?status=final", "doctor"),
    Case("user/Encounter.rs?status=finished&class=AMB user/Condition.rs", "radiologist"),
    Case("patient/*.rs", "nurse", "P-2025-000001", "unconscious in the emergency room"),
]


def headers(badges: Badges, case: Case) -> tuple[dict[str, str], str]:
    token = badges.badge(case.scopes, case.user, patient=case.patient, emergency=case.emergency)
    return {"authorization": token}, token


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("model", ["all", "care-team"])
async def test_searches_find_what_brute_force_opens(
    case: Case, model: str, guarded: Facade, by_care: Facade, badges: Badges, sight: Sight
) -> None:
    facade = guarded if model == "all" else by_care
    sent, token = headers(badges, case)
    judge = replace(sight, model=model)
    for resource_type in by_type():
        expected = judge.sees(badges.holders[token], resource_type, "s")
        assert await searched(facade, resource_type, sent) == expected, resource_type


async def searched(facade: Facade, resource_type: str, sent: dict[str, str]) -> set[str]:
    """Every id that a search finds over all pages, whose total it must agree with; nothing if closed."""
    first = await facade.get(f"{resource_type}?_count=200&_total=accurate", **sent)
    if first.status_code == 403:
        return set()
    assert first.status_code == 200, first.text
    bundle, found, links = first.json(), list[str](), set[str]()
    total = bundle["total"]
    while True:
        found += [i.partition("/")[2] for i in ids(bundle)]
        if (following := link(bundle, "next")) is None:
            break
        assert following not in links
        links.add(following)
        bundle = await facade.bundle(following, **sent)
    unreadable = [e for e in bundle.get("entry", []) if e["search"]["mode"] == "outcome"]
    assert len(found) == len(set(found))
    assert total >= len(found), "a total that is too small"
    if not unreadable and not links:
        assert total == len(found)
    return set(found)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_reads_open_what_brute_force_opens(
    case: Case, guarded: Facade, badges: Badges, sight: Sight
) -> None:
    sent, token = headers(badges, case)
    for resource_type in by_type():
        expected = sight.sees(badges.holders[token], resource_type, "r")
        everything = sorted(sight.everything(resource_type))
        hidden = [i for i in everything if i not in expected]
        for id_ in sorted(expected)[:6] + hidden[:6] + hidden[-2:]:
            answer = await guarded.get(f"{resource_type}/{id_}", **sent)
            told = f"{resource_type}/{id_} {answer.status_code}"
            assert answer.status_code == 200 if id_ in expected else answer.status_code in (403, 404), told


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_servers_count_what_brute_force_opens(
    case: Case, guarded_server: Facade, badges: Badges, sight: Sight, embedded: Facade
) -> None:
    sent, token = headers(badges, case)
    judge = replace(sight, model="care-team")
    for resource_type in by_type():
        expected = judge.sees(badges.holders[token], resource_type, "s")
        found = await searched(guarded_server, resource_type, sent)
        # of the facade's own trail each database has what other tests left in it
        assert not {i for i in found ^ expected if not i.startswith("access-")}, resource_type
