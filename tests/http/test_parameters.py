"""Parameters as they are written: names, values, encodings, chains. (R4 search)"""

from typing import Any
from urllib.parse import quote

import pytest

from tests.facade.facade import BASE, Facade, ids
from tests.http.outcomes import refused


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("nonsense=1", "not-supported"),
        ("name:nonsense=1", "not-supported"),
        ("gender:exact=male", "not-supported"),
        ("birthdate:not=2020", "not-supported"),
        ("active:code-text=x", "not-supported"),
        ("_sort:desc=name", "not-supported"),
        ("_elements:exclude=name", "not-supported"),
        ("_count:missing=true", "not-supported"),
        ("_include:all=Patient:general-practitioner", "not-supported"),
    ],
)
async def test_10_an_unknown_parameter_or_modifier_is_refused_or_ignored(
    embedded: Facade, query: str, code: str
) -> None:
    refused(await embedded.get(f"Patient?{query}"), 400, code, query.partition("=")[0].partition(":")[0])
    refused(await embedded.get(f"Patient?{query}", Prefer="handling=strict"), 400, code)
    bundle = await embedded.bundle(f"Patient?{query}&_count=1", Prefer="handling=lenient")
    assert [e["search"]["mode"] for e in bundle["entry"]] == ["match", "outcome"]


async def test_10_the_refusal_lists_what_there_is(embedded: Facade) -> None:
    response = await embedded.get("Patient?nonsense=1")
    told = response.json()["issue"][0]["diagnostics"]
    assert all(name in told for name in ("name", "birthdate", "_id", "identifier"))
    told = (await embedded.get("Patient?gender:of-type=a|b|c")).json()["issue"][0]["diagnostics"]
    assert told.endswith("valid: :not, :text, :missing, :in, :not-in, :above, :below")


@pytest.mark.parametrize("param", ["Patient?birthdate", "Observation?_lastUpdated"])
@pytest.mark.parametrize("end", ["0001", "0001-01-01T00:00:00%2B14:00", "9999-12", "9999-12-31T23:59:59Z"])
async def test_11_the_ends_of_time_have_all_dates_on_one_side(facade: Facade, param: str, end: str) -> None:
    async def total(prefix: str) -> int:
        return int((await facade.bundle(f"{param}={prefix}{end}&_summary=count"))["total"])

    dated = (await facade.bundle(f"{param}:missing=false&_summary=count"))["total"]
    all_of = {"0001": ("gt", "ge", "sa", "ne"), "9999": ("lt", "le", "eb", "ne")}[end[:4]]
    none_of = {"0001": ("lt", "eb", "eq"), "9999": ("sa", "eq")}[end[:4]]
    assert [await total(prefix) for prefix in all_of] == [dated] * 4
    assert [await total(prefix) for prefix in none_of] == [0] * len(none_of)
    assert await total("ap") <= dated


@pytest.mark.parametrize(
    "query",
    [
        "birthdate=05",
        "birthdate=gt",
        "birthdate=2025-13",
        "birthdate=2025-02-30",
        "birthdate=2025-01-01T10",
        "birthdate=2025-1-1",
        "birthdate=yesterday",
        "birthdate=2025-01-01T10:00:00+09:00",
        "birthdate=2025-01-01T25:00",
        "birthdate=0000",
        "birthdate=10000",
        "birthdate=%D9%A2%D9%A0%D9%A2%D9%A5",
        "identifier=a|b|c|d",
        "identifier=|",
        "identifier:of-type=a|b",
        "name=",
        "name=a,,b",
        "_id=",
        "active:missing=perhaps",
        "general-practitioner=a/b/c/d/e",
        "_count=-1",
        "_explain=yes",
        "_totalMethod=perhaps",
        "_count=a",
        "_count=1.5",
        "_count=",
        "_has:Observation=1",
        "_has:Observation:patient=1",
        "birthdate.name=x",
    ],
)
async def test_11_a_malformed_value_is_refused_even_leniently(embedded: Facade, query: str) -> None:
    name = query.partition("=")[0]
    refused(await embedded.get(f"Patient?{query}"), 400, None, name.partition(":")[0])
    refused(await embedded.get(f"Patient?{query}", Prefer="handling=lenient"), 400)


@pytest.mark.parametrize(
    "query",
    [
        "value-quantity=abc",
        "value-quantity=1|2",
        "value-quantity=1e99999",
        "value-quantity=5.4|http://unitsofmeasure.org|",
        "value-quantity=--1",
        "code-value-quantity=a",
        "code-value-quantity=a$b$c",
        "value-quantity=gt",
        "value-quantity=NaN",
        "value-quantity=Infinity",
    ],
)
async def test_11_malformed_quantities_and_composites(embedded: Facade, query: str) -> None:
    refused(await embedded.get(f"Observation?{query}"), 400, "invalid", query.partition("=")[0])


async def test_12_repeating_is_and_a_comma_is_or(facade: Facade) -> None:
    male = set(ids(await facade.bundle("Patient?gender=male")))
    female = set(ids(await facade.bundle("Patient?gender=female")))
    assert set(ids(await facade.bundle("Patient?gender=male,female"))) == male | female
    assert ids(await facade.bundle("Patient?gender=male&gender=female")) == []


async def test_13_escaped_separators_are_themselves(facade: Facade) -> None:
    assert ids(await facade.bundle(r"Patient?name=%EA%B9%80\,%EC%9D%B4")) == []
    assert ids(await facade.bundle(r"Patient?identifier=a\|b")) == []
    assert ids(await facade.bundle("Patient?name=" + quote("a\\\\b"))) == []


async def test_14_percent_plus_and_utf8(facade: Facade) -> None:
    hangul = ids(await facade.bundle("Patient?name=%EA%B9%80"))
    assert hangul == ids(await facade.bundle("Patient?name=김"))
    assert hangul
    lab = "2025-03-01T00:00:00%2B09:00"
    assert (await facade.get(f"Observation?date=gt{lab}")).status_code == 200
    refused(await facade.get("Observation?date=gt2025-03-01T00:00:00+09:00"), 400, "invalid", "date")
    assert ids(await facade.bundle("Patient?family=Kim+Yuna")) == ids(
        await facade.bundle("Patient?family=Kim%20Yuna")
    )


@pytest.mark.parametrize("query", ["name=%ff", "name=%c3%28", "%ff=1", "name=%ed%a0%80"])
async def test_14_what_is_no_utf8_is_refused(embedded: Facade, query: str) -> None:
    refused(await embedded.get(f"Patient?{query}"), 400, "invalid")
    refused(await embedded.post("Patient/_search", query), 400, "invalid")


@pytest.mark.parametrize(
    "value", ["%00", "a%00b", "%0A", "%7F", "%EF%BF%BF", "%F0%9F%8F%A0", "'", '"', "%25", "_", ";--"]
)
async def test_14_odd_characters_find_nothing_and_break_nothing(facade: Facade, value: str) -> None:
    for name in (
        "name",
        "name:exact",
        "name:contains",
        "identifier",
        "_id",
        "gender",
        "general-practitioner",
        "address",
    ):
        response = await facade.get(f"Patient?{name}={value}&_count=1")
        assert response.status_code in (200, 400), f"{name}={value}: {response.text[:300]}"


async def test_15_an_empty_value_never_matches_everything(embedded: Facade) -> None:
    refused(await embedded.get("Patient?name="), 400, "invalid", "name")
    refused(await embedded.get("Patient?name"), 400, "invalid", "name")


async def test_28_references_in_every_spelling(facade: Facade) -> None:
    wanted = ids(await facade.bundle("Observation?patient=P-2025-000001&_count=1000"))
    assert wanted
    for spelling in (
        "subject=Patient/P-2025-000001",
        "subject:Patient=P-2025-000001",
        f"subject={BASE}/Patient/P-2025-000001",
        "patient=Patient/P-2025-000001/_history/1",
        "patient._id=P-2025-000001",
        "subject:Patient._id=P-2025-000001",
    ):
        assert ids(await facade.bundle(f"Observation?{spelling}&_count=1000")) == wanted, spelling
    for nothing in (
        "subject=Group/P-2025-000001",
        "subject=http://elsewhere.example/fhir/Patient/P-2025-000001",
    ):
        assert ids(await facade.bundle(f"Observation?{nothing}")) == [], nothing


async def test_30_chains_and_reverse_chains_agree_with_two_searches(facade: Facade) -> None:
    women = [i.partition("/")[2] for i in ids(await facade.bundle("Patient?gender=female&_count=1000"))]
    direct = ids(await facade.bundle(f"Observation?patient={','.join(women)}&_count=1000"))
    assert direct
    assert ids(await facade.bundle("Observation?patient.gender=female&_count=1000")) == direct
    assert ids(await facade.bundle("Observation?subject:Patient.gender=female&_count=1000")) == direct
    having = ids(
        await facade.bundle("Patient?gender=female&_has:Observation:patient:status=final&_count=1000")
    )
    assert having
    subjects = {
        e["resource"]["subject"]["reference"]
        for e in (await facade.bundle("Observation?status=final&patient.gender=female&_count=1000"))["entry"]
        if e["search"]["mode"] == "match"
    }
    assert set(having) == subjects


async def test_32_nested_reverse_chains(facade: Facade) -> None:
    nested = ids(
        await facade.bundle(
            "Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:status=final"
        )
    )
    assert (
        await facade.get("Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final")
    ).status_code == 200
    assert isinstance(nested, list)


async def test_30_a_chain_too_deep_is_refused(embedded: Facade) -> None:
    deep = "Patient?" + "_has:Observation:patient:patient." * 6 + "name=x"
    refused(await embedded.get(deep), 400, "too-costly")
    deeper = "Patient?" + "_has:Observation:patient:patient." * 600 + "name=x"
    refused(await embedded.get(deeper), 400)


async def test_55_long_urls_and_many_values(facade: Facade) -> None:
    many = ",".join(f"P-2025-{i:06d}" for i in range(1, 1001))
    assert ids(await facade.bundle(f"Patient?_id={many}"))
    assert ids(await facade.bundle(f"Observation?patient={many[: 14 * 200 - 1]}"))
    codes = ",".join(f"http://loinc.org|{i}-1" for i in range(199)) + ",http://loinc.org|718-7"
    assert ids(await facade.bundle(f"Observation?code={codes}"))
    names = ",".join(f"zzz{i}" for i in range(9)) + ",김"
    assert ids(await facade.bundle(f"Patient?name={names}"))


async def test_55_too_many_values_are_refused_by_name(embedded: Facade) -> None:
    for name, most in (("_id", 1000), ("general-practitioner", 200), ("gender", 200), ("name", 10)):
        response = await embedded.get(f"Patient?{name}={','.join('a' for _ in range(most + 1))}")
        refused(response, 400, "too-costly")
        assert response.json()["issue"][0]["expression"] == [f"http.{name}"]


async def test_55_too_many_parameters_are_refused(facade: Facade) -> None:
    refused(await facade.get("Patient?" + "&".join("_id=a" for _ in range(600))), 400, "too-costly")


async def test_34_system_search_and_compartments_page_over_types(facade: Facade) -> None:
    async def walk(path: str) -> list[str]:
        bundle = await facade.bundle(path)
        found = ids(bundle)
        while more := next((x["url"] for x in bundle["link"] if x["relation"] == "next"), None):
            bundle = await facade.bundle(more)
            found += ids(bundle)
        return found

    both = await walk("?_type=Patient,Observation&_count=37")
    alone = [i for t in ("Patient", "Observation") for i in ids(await facade.bundle(f"{t}?_count=1000"))]
    assert both == alone
    inside = await walk("Patient/P-2025-000001/Observation?_count=7")
    assert inside == ids(await facade.bundle("Observation?patient=P-2025-000001&_count=1000"))
    everything = await walk("Patient/P-2025-000001/*?_count=9")
    assert len(everything) == len(set(everything))
    assert set(inside) < set(everything)
    two = await walk("Patient/P-2025-000001/*?_type=Condition,Observation&_count=9")
    assert set(inside) < set(two) < set(everything)


async def test_34_a_compartment_of_nobody_or_of_another_kind(embedded: Facade) -> None:
    refused(await embedded.get("Patient/nobody/Observation"), 404, "not-found")
    refused(await embedded.get("Observation/lab-1/Patient"), 404)
    refused(await embedded.get("Patient/P-2025-000001/Organization"), 400)
    refused(await embedded.get("Patient/P-2025-000001/*?_type=Condition,Organization"), 400)
    for types in ("Nonsense", "", "Patient,", "Patient,Nonsense"):
        refused(await embedded.get(f"?_type={types}"), 400, None, "_type")


@pytest.mark.parametrize("path", ["", "Patient/P-2025-000001/*"])
async def test_34_the_links_of_several_types_name_them(embedded: Facade, path: str) -> None:
    by_url = await embedded.bundle(f"{path}?_type=Condition,Encounter&_count=2")
    by_body = await embedded.post(f"{path}/_search?_type=Condition", "_type=Encounter&_count=2")
    following = await embedded.bundle(_link(by_url, "next"))
    for bundle in (by_url, by_body.json(), following):
        assert _link(bundle, "self").endswith(f"{path}?_type=Condition,Encounter&_count=2")
        again = await embedded.bundle(_link(bundle, "self"))
        assert ids(again) == ids(by_url)


def _link(bundle: dict[str, Any], relation: str) -> str:
    return next(str(link["url"]) for link in bundle["link"] if link["relation"] == relation)


async def test_35_common_parameters(facade: Facade) -> None:
    pair = ids(await facade.bundle("Patient?_id=P-2025-000001,P-2025-000002,nobody"))
    assert pair == ["Patient/P-2025-000001", "Patient/P-2025-000002"]
    every = len(ids(await facade.bundle("Patient?_count=1000")))
    updated = (await facade.get("Patient/P-2025-000001")).json()["meta"]["lastUpdated"]
    since = ids(await facade.bundle(f"Patient?_lastUpdated=ge{quote(updated)}&_count=1000"))
    before = ids(await facade.bundle(f"Patient?_lastUpdated=lt{quote(updated)}&_count=1000"))
    missing = ids(await facade.bundle("Patient?_lastUpdated:missing=true&_count=1000"))
    assert "Patient/P-2025-000001" in since
    assert len(since) + len(before) + len(missing) == every


async def test_36_includes_are_marked_once_and_not_counted(facade: Facade) -> None:
    bundle = await facade.bundle(
        "Observation?_count=20&_total=accurate&_include=Observation:patient&_include=*"
    )
    included = ids(bundle, "include")
    assert "Patient" in {i.partition("/")[0] for i in included}
    assert len(included) == len(set(included))
    assert not set(included) & set(ids(bundle))
    typed = ids(await facade.bundle("Observation?_count=20&_include=Observation:subject:Patient"), "include")
    assert {i.partition("/")[0] for i in typed} == {"Patient"}
    assert (
        ids(await facade.bundle("Observation?_count=20&_include=Observation:subject:Group"), "include") == []
    )


async def test_36_iterating_includes_go_on(facade: Facade) -> None:
    plain = ids(
        await facade.bundle("Observation?patient=P-2025-000001&_include=Observation:patient"), "include"
    )
    further = ids(
        await facade.bundle(
            "Observation?patient=P-2025-000001&_include=Observation:patient"
            "&_include:iterate=Patient:general-practitioner"
        ),
        "include",
    )
    assert set(plain) < set(further)


async def test_36_reverse_includes_refer_to_the_matches(facade: Facade) -> None:
    bundle = await facade.bundle("Patient?_id=P-2025-000001&_revinclude=Observation:patient")
    included = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "include"]
    assert included
    assert {r["subject"]["reference"] for r in included} == {"Patient/P-2025-000001"}


@pytest.mark.parametrize("name", ["_include", "_revinclude"])
async def test_36_includes_that_do_not_exist(embedded: Facade, name: str) -> None:
    for value in ("Observation:nonsense", "Nonsense:patient", "Observation:code"):
        refused(await embedded.get(f"Observation?{name}={value}"), 400, "not-supported", name)
    for value in ("Observation", ":", "a:b:c:d", "", "Observation:subject:Nonsense"):
        refused(await embedded.get(f"Observation?{name}={value}"), 400, "invalid", name)
    refused(
        await embedded.get(f"Observation?{name}:nonsense=Observation:patient"), 400, "not-supported", name
    )


async def test_39_post_search_is_get_and_merges(facade: Facade) -> None:
    wanted = ids(await facade.bundle("Patient?gender=female&birthdate=gt1960"))
    response = await facade.post("Patient/_search?gender=female", "birthdate=gt1960")
    assert response.status_code == 200
    assert ids(response.json()) == wanted


async def test_39_a_form_is_a_form(embedded: Facade) -> None:
    refused(
        await embedded.post("Patient/_search", "{}", content_type="application/json"), 415, "not-supported"
    )
    refused(await embedded.post("Patient/_search", "é".encode("latin-1")), 400, "invalid")
    refused(await embedded.post("Patient/_search", "a" * 70_000), 413, "too-long")
    refused(await embedded.get("Patient/_search?gender=male"), 405, "not-supported")
