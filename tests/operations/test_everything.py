"""$everything gives the whole compartment and what it refers to, each once, and nothing that isn't one's own.

The judge is brute force: the JSON of all resources, and the standard's compartments.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_facade.operations import referred as referring
from fhir_facade.registry import by_type, everything
from terminology import definitions
from tests.facade.facade import BASE, Facade, Resource, ids, link
from tests.http.outcomes import refused
from tests.search.asking import oracle_of
from tests.search.oracle import Oracle
from tests.smart_auth.badges import DEMO_USERS, Badges, user
from tests.smart_auth.sight import Sight

PATH = "Patient/P-2025-000001/$everything"
PATIENTS = ["P-2025-000001", "oe-pat-2"]


def referred(value: Any) -> Iterator[str]:
    """Every `Type/id` that a resource's references name."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from referred(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from referred(inner)


class Judge:
    """Brute force over all rows of one facade."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.whole = {f"{t}/{r['id']}": r for t, found in oracle.resources.items() for r in found}

    def compartment(self, code: str, id_text: str) -> set[str]:
        """The addresses of what is in it."""
        found = {f"{code}/{id_text}"}
        for resource_type, names in definitions.compartment(code).items():
            if resource_type in self.oracle.resources:
                for name in names:
                    if name in self.oracle.mappings[resource_type].params:
                        value = f"{code}/{id_text}"
                        found |= {
                            f"{resource_type}/{i}" for i in self.oracle.find(resource_type, name, value)
                        }
        return found

    def about(self, address: str) -> set[str]:
        """The patients whom a resource is about."""
        names = ("patient", "subject", *definitions.compartment("Patient").get(address.partition("/")[0], ()))
        elements = {"patient", "subject", "beneficiary", "for", *names}
        found = {
            text
            for name, value in self.whole[address].items()
            if name in elements
            for text in referred(value)
            if text.startswith("Patient/")
        }
        return found | ({address} if address.startswith("Patient/") else set())

    def beside(self, members: set[str], code: str, id_text: str, patient: str) -> set[str]:
        """What the members refer to, over three steps, and isn't about others."""
        inside, found, fresh = self.compartment(code, id_text), set[str](), set(members)
        for _ in range(3):
            wanted = {t for a in fresh for t in referred(self.whole[a]) if t in self.whole}
            fresh = {
                a
                for a in wanted - inside - found
                if not self.about(a) or f"Patient/{patient}" in self.about(a)
            }
            found |= fresh
        return found


_JUDGES: dict[Facade, Judge] = {}


async def judge_of(facade: Facade) -> Judge:
    """The judge over a facade's rows, made once."""
    if facade not in _JUDGES:
        _JUDGES[facade] = Judge(await oracle_of(facade))
    return _JUDGES[facade]


async def walked(facade: Facade, path: str, **headers: str) -> tuple[list[str], list[str], list[Resource]]:
    """(matches, included, outcomes' issues) over all pages."""
    matches, included, issues = list[str](), list[str](), list[Resource]()
    following: str | None = path
    while following:
        bundle = await facade.bundle(following, **headers)
        assert bundle["type"] == "searchset"
        matches += ids(bundle)
        included += ids(bundle, "include")
        outcomes = [e["resource"] for e in bundle.get("entry", ()) if e["search"]["mode"] == "outcome"]
        issues += [i for one in outcomes for i in one["issue"]]
        following = link(bundle, "next")
    return matches, included, issues


@pytest.fixture(scope="module")
async def judge(embedded: Facade) -> Judge:
    return await judge_of(embedded)


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("count", [None, 7])
async def test_the_whole_record_comes_each_once(facade: Facade, patient: str, count: int | None) -> None:
    judge = await judge_of(facade)
    path = f"Patient/{patient}/$everything" + (f"?_count={count}" if count else "")
    matches, included, _ = await walked(facade, path)
    assert [a for a, n in Counter([*matches, *included]).items() if n > 1] == []
    expected = judge.compartment("Patient", patient)
    assert set(matches) == expected
    assert matches[0] == f"Patient/{patient}"
    assert set(included) == judge.beside(expected, "Patient", patient, patient)
    assert {i.partition("/")[0] for i in included} >= {"Practitioner"}


async def test_a_visit_comes_with_what_it_refers_to(facade: Facade) -> None:
    judge, visits = await judge_of(facade), await facade.all("Encounter")
    for encounter in [*visits[:2], *visits[-3:]]:
        code, id_text = "Encounter", encounter["id"]
        matches, included, _ = await walked(facade, f"{code}/{id_text}/$everything?_count=5")
        expected = judge.compartment(code, id_text)
        assert set(matches) == expected
        assert len(matches) == len(expected)
        patient = encounter["subject"]["reference"].partition("/")[2]
        assert set(included) == judge.beside(expected, code, id_text, patient)
        assert f"Patient/{patient}" in included


async def test_types_may_be_chosen(embedded: Facade, judge: Judge) -> None:
    path = "Patient/P-2025-000001/$everything"
    inside = judge.compartment("Patient", "P-2025-000001")
    for asked in ("_type=Observation,Practitioner", "_type=Observation&_type=Practitioner"):
        matches, included, _ = await walked(embedded, f"{path}?{asked}")
        assert set(matches) == {a for a in inside if a.startswith("Observation/")} != set()
        assert {a.partition("/")[0] for a in included} == {"Practitioner"}
    only = await embedded.bundle(f"{path}?_type=Patient")
    assert ids(only) == ["Patient/P-2025-000001"]


async def test_care_dates_bound_what_has_them_and_nothing_else(facade: Facade) -> None:
    path = "Patient/P-2025-000001/$everything"
    whole, _, _ = await walked(facade, path)
    within, _, _ = await walked(facade, f"{path}?start=2025-02-01&end=2025-02-28&_count=9")
    assert set(within) < set(whole)
    found = {t: {a for a in whole if a.startswith(f"{t}/")} for t in by_type()}
    left = {t: {a for a in within if a.startswith(f"{t}/")} for t in by_type()}
    assert left["Coverage"] == found["Coverage"]
    assert left["Patient"] == found["Patient"]
    bound = "date=ge2025-02-01&date=le2025-02-28"
    for resource_type in ("Observation", "Encounter"):
        dated = ids(await facade.bundle(f"{resource_type}?patient=P-2025-000001&{bound}&_count=1000"))
        undated = ids(
            await facade.bundle(f"{resource_type}?patient=P-2025-000001&date:missing=true&_count=1000")
        )
        assert left[resource_type] == {*dated, *undated} & found[resource_type]
    refused(await facade.get(f"{path}?start=2025-03-01&end=2025-02-01"), 400, "invalid", "end")


async def test_since_leaves_out_what_has_not_changed(facade: Facade) -> None:
    path = "Patient/P-2025-000001/$everything"
    judge = await judge_of(facade)
    updated = sorted(
        u
        for a in judge.compartment("Patient", "P-2025-000001")
        if (u := judge.whole[a]["meta"].get("lastUpdated"))
    )
    since: str = updated[len(updated) // 2]
    whole, all_included, _ = await walked(facade, path)
    matches, included, _ = await walked(facade, f"{path}?_since={since.replace('+', '%2B')}&_count=6")

    def changed(address: str) -> bool:
        updated: str = judge.whole[address]["meta"].get("lastUpdated", since)
        return updated >= since

    assert set(matches) == {a for a in whole if changed(a)}
    assert len(matches) == len(set(matches)) < len(whole)
    assert all(changed(a) for a in included)
    assert set(included) <= set(all_included)


@pytest.mark.parametrize(
    ("asked", "about"),
    [
        ("_count=0", "_count"),
        ("_count=x", "_count"),
        ("_type=Nonsense", "_type"),
        ("_since=2025-01-01", "_since"),
        ("start=yesterday", "start"),
        ("_sort=date", "_sort"),
        ("_cursor=x", "_cursor"),
    ],
)
async def test_what_can_t_be_asked_is_refused(embedded: Facade, asked: str, about: str) -> None:
    response = await embedded.get(f"Patient/P-2025-000001/$everything?{asked}")
    refused(response, 400, about=f"http.{about}")


async def test_a_page_link_is_good_for_its_own_record_only(embedded: Facade) -> None:
    bundle = await embedded.bundle("Patient/P-2025-000001/$everything?_count=3")
    following = link(bundle, "next")
    assert following
    assert following.startswith(f"{BASE}/Patient/P-2025-000001/$everything?_cursor=")
    assert "P-2025-000001" not in following.partition("?")[2]
    other = following.replace("P-2025-000001", "P-2025-000002")
    refused(await embedded.get(other), 400, "invalid", "_cursor")
    refused(await embedded.get("Patient/nobody/$everything"), 404, "not-found")


async def test_post_asks_the_same(embedded: Facade) -> None:
    entries = [{"name": "_type", "valueCode": "Observation"}, {"name": "_count", "valueInteger": 4}]
    sent = json.dumps({"resourceType": "Parameters", "parameter": entries})
    stated = {"content-type": "application/fhir+json"}
    path = "Patient/P-2025-000001/$everything"
    by_post = (await embedded.request("POST", path, stated, sent)).json()
    by_get = await embedded.bundle(f"{path}?_type=Observation&_count=4")
    assert by_post["entry"] == by_get["entry"]
    assert link(by_post, "self") == link(by_get, "self")
    assert ids(await embedded.bundle(link(by_post, "next") or "")) == ids(
        await embedded.bundle(link(by_get, "next") or "")
    )


# access


@pytest.mark.parametrize("role", [*DEMO_USERS])
async def test_nobody_sees_more_than_by_searching(
    by_care: Facade, badges: Badges, sight: Sight, judge: Judge, role: str
) -> None:
    token, patient = badges.badge("user/*.rs", user(role)), "P-2025-000001"
    caller, judging = badges.holders[token], Sight(sight.oracle, "care-team")
    path = f"Patient/{patient}/$everything"
    if patient not in judging.sees(caller, "Patient", "r"):
        assert (await by_care.get(path, authorization=token)).status_code in (403, 404)
        return
    matches, included, _ = await walked(by_care, f"{path}?_count=20", authorization=token)
    inside = judge.compartment("Patient", patient)
    named = {a.partition("/")[0] for a in (*inside, *included)}
    visible = {f"{t}/{i}" for t in named for i in judging.sees(caller, t, "s")}
    assert set(matches) == inside & visible
    assert set(included) <= visible
    assert len([*matches, *included]) == len({*matches, *included})


async def test_a_patient_who_may_not_be_seen_is_not_there(guarded: Facade, badges: Badges) -> None:
    token = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    refused(await guarded.get("Patient/P-2025-000002/$everything", authorization=token), 404, "not-found")
    closed = badges.badge("user/Observation.rs", user("doctor"))
    refused(await guarded.get("Patient/P-2025-000001/$everything", authorization=closed), 403, "forbidden")


async def test_closed_types_are_told_and_stated_ones_refused(guarded: Facade, badges: Badges) -> None:
    token = badges.badge("user/Patient.rs user/Observation.rs", user("doctor"))
    path = "Patient/P-2025-000001/$everything"
    matches, included, issues = await walked(guarded, path, authorization=token)
    assert {a.partition("/")[0] for a in matches} == {"Patient", "Observation"}
    assert included == []
    assert [i["code"] for i in issues] == ["suppressed"]
    assert "Condition" in issues[0]["diagnostics"]
    refused(await guarded.get(f"{path}?_type=Condition", authorization=token), 403, "forbidden")


async def test_a_page_link_is_good_for_its_own_caller_only(guarded: Facade, badges: Badges) -> None:
    mine = badges.badge("user/*.rs", user("doctor"))
    other = badges.badge("user/*.rs", user("nurse"))
    bundle = await guarded.bundle("Patient/P-2025-000001/$everything?_count=2", authorization=mine)
    following = link(bundle, "next") or ""
    refused(await guarded.get(following, authorization=other), 400, "invalid", "_cursor")


# cost


async def test_a_page_s_references_have_a_bound_that_is_told(
    embedded: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referring, "MOST_WANTED", 3)
    _, included, issues = await walked(embedded, "Patient/P-2025-000001/$everything")
    assert len(included) <= 9
    assert [i["code"] for i in issues] == ["too-costly"]


async def test_a_record_costs_what_it_weighs(guarded: Facade, badges: Badges) -> None:
    token = badges.badge("user/*.rs", user("doctor"))
    left = []
    for path in (PATH, f"{PATH.partition('$')[0]}$meta", "Observation/$lastn?patient=P-2025-000001"):
        response = await guarded.get(path, authorization=token)
        left.append(int(response.headers["ratelimit"].partition("r=")[2].partition(";")[0]))
    limit = guarded.settings.rate_limit_caller
    assert left == [limit - 20, limit - 21, limit - 29]


async def test_a_page_takes_statements_by_its_types_and_never_by_its_size(
    embedded: Facade, counted: list[str]
) -> None:
    most = 0
    for count in (3, 1000):
        following: str | None = f"Patient/P-2025-000001/$everything?_count={count}"
        while following:
            counted.clear()
            following = link(await embedded.bundle(following), "next")
            most = max(most, len(counted))
    parts = sum(len(m.parts) for m in everything().values())
    assert most <= 3 * parts
