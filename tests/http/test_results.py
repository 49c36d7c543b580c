"""What shapes a search's answer: count, total, links, cursors, elements, summary. (R4 search, 3.1.1.5)"""

import base64
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.facade.facade import BASE, Facade, ids, link
from tests.http.outcomes import refused


async def test_01_count_zero_is_summary_count(facade: Facade) -> None:
    none = await facade.bundle("Patient?_count=0")
    count = await facade.bundle("Patient?_summary=count")
    assert none["total"] == count["total"] > 0
    assert "entry" not in none
    assert "entry" not in count


async def test_02_a_total_counts_all_matches(facade: Facade) -> None:
    first = await facade.bundle("Observation?_count=3&_total=accurate")
    every = await facade.bundle("Observation?_count=1000")
    outcome = [e["resource"] for e in every["entry"] if e["search"]["mode"] == "outcome"]
    unreadable = [i for o in outcome for i in o["issue"] if "can't be read" in i["diagnostics"]]
    assert first["total"] == len(ids(every)) + len(unreadable)


@pytest.mark.parametrize("value", ["accurate", "estimate"])
async def test_03_totals_are_given_when_asked(embedded: Facade, value: str) -> None:
    assert (await embedded.bundle(f"Observation?_count=2&_total={value}"))["total"] > 2
    assert "total" not in await embedded.bundle("Observation?_count=2&_total=none")
    refused(await embedded.get("Observation?_total=perhaps"), 400, "invalid", "_total")


async def test_04_a_large_count_is_cut_never_refused(embedded: Facade) -> None:
    bundle = await embedded.bundle("Observation?_count=999999")
    assert 0 < len(ids(bundle)) <= embedded.settings.page_size_limit


async def test_05_total_counts_matches_only_and_is_the_same_on_every_page(embedded: Facade) -> None:
    bundle = await embedded.bundle("Observation?_count=40&_total=accurate&_include=*")
    total, pages = bundle["total"], 1
    assert ids(bundle, "include")
    while next_page := link(bundle, "next"):
        bundle = await embedded.bundle(next_page)
        assert bundle["total"] == total
        pages += 1
    assert pages > 1


async def test_06_the_self_link_says_what_was_used_and_finds_the_same(facade: Facade) -> None:
    asked = (
        "Patient?name=%EA%B9%80&name:exact=%EA%B9%80%EC%98%81%ED%9D%AC&gender=male,female&_sort=-birthdate"
    )
    bundle = await facade.bundle(asked)
    again = link(bundle, "self")
    assert again is not None
    assert again.startswith(f"{BASE}/Patient?")
    used = parse_qsl(urlsplit(again).query)
    assert ("name", "김") in used
    assert ids(await facade.bundle(again)) == ids(bundle)


@pytest.mark.parametrize("query", ["ValueSet?url=http://example.org/", "Patient?_count=5&name=a/"])
async def test_06_the_self_link_ends_as_the_search_does(embedded: Facade, query: str) -> None:
    assert link(await embedded.bundle(query), "self") == f"{BASE}/{query}"


async def test_06_the_self_link_leaves_out_what_was_ignored(embedded: Facade) -> None:
    bundle = await embedded.bundle("Patient?nonsense=1&gender=female", Prefer="handling=lenient")
    assert "nonsense" not in str(link(bundle, "self"))
    assert "gender=female" in str(link(bundle, "self"))
    [told] = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    assert told["issue"][0]["severity"] == "warning"
    assert "nonsense" in told["issue"][0]["diagnostics"]


async def walk(facade: Facade, bundle: dict) -> list[str]:  # type: ignore[type-arg]
    """The matches of a bundle and of all the pages after it."""
    found = ids(bundle)
    while next_page := link(bundle, "next"):
        assert next_page.startswith(BASE)
        bundle = await facade.bundle(next_page)
        found += ids(bundle)
    return found


async def test_07_next_links_lead_through_everything_once(facade: Facade) -> None:
    every = ids(await facade.bundle("Observation?_count=1000&_sort=-date"))
    walked = await walk(facade, await facade.bundle("Observation?_count=60&_sort=-date"))
    assert walked == every


async def test_07_a_next_link_after_post_is_got(facade: Facade) -> None:
    response = await facade.post("Observation/_search", "_count=200&status=final&_sort=date")
    every = ids(await facade.bundle("Observation?_count=1000&status=final&_sort=date"))
    assert await walk(facade, response.json()) == every


async def test_08_a_link_that_was_tampered_with_is_refused(embedded: Facade) -> None:
    bundle = await embedded.bundle("Observation?_count=2")
    next_page = str(link(bundle, "next"))
    cursor = dict(parse_qsl(urlsplit(next_page).query))["_cursor"]
    flipped = ("A" if cursor[20] != "A" else "B").join((cursor[:20], cursor[21:]))
    foreign = base64.urlsafe_b64encode(b"x" * 60).decode()
    for text in (flipped, cursor[:-5], foreign, "", "x", "é", "%00", "A" * 9000):
        refused(await embedded.get(f"Observation?_cursor={text}"), 400, "invalid", "_cursor")
    refused(await embedded.get(f"Patient?_cursor={cursor}"), 400, "invalid", "_cursor")


async def test_08_a_cursor_says_nothing_to_who_reads_it(embedded: Facade) -> None:
    bundle = await embedded.bundle("Observation?_count=2&patient=P-2025-000001")
    cursor = dict(parse_qsl(urlsplit(str(link(bundle, "next"))).query))["_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"P-2025" not in raw


async def test_08_a_long_search_goes_on_by_a_link_that_is_shorter_than_it(embedded: Facade) -> None:
    ids = ",".join(f"P-2025-{number:06}" for number in range(1, 150))
    bundle = await embedded.bundle(f"Patient?_id={ids}&_count=2")
    following = str(link(bundle, "next"))
    assert len(following) < len(ids)
    there = (await embedded.bundle(following.partition("/api/fhir/")[2]))["entry"]
    assert {e["resource"]["id"] for e in there}.isdisjoint(e["resource"]["id"] for e in bundle["entry"])


async def test_38_elements_keeps_what_is_mandatory_and_says_subsetted(embedded: Facade) -> None:
    bundle = await embedded.bundle("Observation?_elements=code,value&_count=20")
    for entry in bundle["entry"]:
        resource = entry["resource"]
        assert {"resourceType", "id", "meta", "status", "code"} <= resource.keys()
        assert not {"subject", "text", "category"} & resource.keys()
        assert [t["code"] for t in resource["meta"]["tag"]] == ["SUBSETTED"]


@pytest.mark.parametrize(
    ("elements", "shown"),
    [
        ("name.family", {"name"}),
        ("Patient.name.given,birthDate", {"name", "birthDate"}),
        ("deceased[x]", {"deceasedBoolean"}),
        ("deceasedBoolean", {"deceasedBoolean"}),
        ("Observation.status,gender", {"gender"}),
    ],
)
async def test_38_elements_may_be_named_in_full(embedded: Facade, elements: str, shown: set[str]) -> None:
    bundle = await embedded.bundle(f"Patient?_id=P-2025-000001&_elements={elements}")
    assert bundle["entry"][0]["resource"].keys() == {"resourceType", "id", "meta"} | shown
    read = (await embedded.get(f"Patient/P-2025-000001?_elements={elements}")).json()
    assert read.keys() == bundle["entry"][0]["resource"].keys()


async def test_38_elements_of_several_types_are_those_of_any(embedded: Facade) -> None:
    bundle = await embedded.bundle("?_type=Encounter,Patient&_elements=name,Encounter.class&_count=200")
    shown = {e["resource"]["resourceType"]: e["resource"].keys() for e in bundle["entry"][::-1]}
    assert "name" in shown["Patient"]
    assert "class" in shown["Encounter"]
    refused(await embedded.get("Patient?_elements=Patient.nme.family"), 400, "invalid", "_elements")


@pytest.mark.parametrize("summary", ["true", "text", "data", "false"])
async def test_38_summaries(embedded: Facade, summary: str) -> None:
    bundle = await embedded.bundle(f"Observation?_summary={summary}&_count=5")
    for entry in bundle["entry"]:
        resource = entry["resource"]
        assert ("text" in resource) is (summary in ("text", "false"))
        assert ("tag" in resource["meta"]) is (summary != "false")
        assert "status" in resource


async def test_38_elements_and_summary_exclude_each_other(embedded: Facade) -> None:
    refused(await embedded.get("Patient?_elements=name&_summary=true"), 400, "invalid", "_elements")
    refused(await embedded.get("Patient?_summary=perhaps"), 400, "invalid", "_summary")
    refused(await embedded.get("Patient?_elements=nme"), 400, "invalid", "_elements")


async def test_37_sort_refuses_what_has_no_order_and_lenient_ignores_it(embedded: Facade) -> None:
    for name in ("nonsense", "-nonsense", ""):
        refused(await embedded.get(f"Patient?_sort={name}"), 400, None, "_sort")
    bundle = await embedded.bundle("Patient?_sort=nonsense", Prefer="handling=lenient")
    assert "_sort" not in str(link(bundle, "self"))


async def test_37_sorted_by_name_in_korean(facade: Facade) -> None:
    bundle = await facade.bundle("Patient?_sort=family,_id&_count=7")
    assert len(await walk(facade, bundle)) == len(ids(await facade.bundle("Patient?_count=1000")))


async def test_56_every_entry_has_a_mode_and_nothing_found_is_an_empty_searchset(embedded: Facade) -> None:
    bundle = await embedded.bundle("Patient?_count=5&_revinclude=Observation:patient")
    assert {e["search"]["mode"] for e in bundle["entry"]} == {"match", "include"}
    assert all(
        e["fullUrl"].endswith(f"{e['resource']['resourceType']}/{e['resource']['id']}")
        for e in bundle["entry"]
    )
    none = await embedded.bundle("Patient?_id=nobody")
    assert none["total"] == 0
    assert "entry" not in none


async def test_57_fhirpy_asks_for_a_count(embedded: Facade) -> None:
    bundle = await embedded.bundle("Patient?_totalMethod=count&_count=0", accept="application/fhir+json")
    assert bundle["total"] > 0
