"""The terminology operations over R4's systems, the masters, and what clients send and have written."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.facade.facade import Facade
from tests.http.outcomes import refused
from tests.smart_auth.badges import Badges, user
from tests.writes.conftest import Written, written

__all__ = ["written"]

Resource = dict[str, Any]
STATUS, SET = "http://hl7.org/fhir/observation-status", "http://hl7.org/fhir/ValueSet/observation-status"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOCAL = "http://neuronova.example/fhir"
TESTS = f"{LOCAL}/CodeSystem/lab-test"
COLOURS: Resource = {
    "resourceType": "CodeSystem",
    "url": "http://example.org/colours",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "red", "display": "Red", "concept": [{"code": "crimson", "display": "Crimson"}]}],
}
FEW: Resource = {
    "resourceType": "ValueSet",
    "url": "http://example.org/few",
    "status": "active",
    "compose": {"include": [{"system": STATUS, "concept": [{"code": "final"}, {"code": "amended"}]}]},
}


async def called(facade: Facade, path: str, **parameters: str) -> Resource:
    """What an operation answers."""
    query = "&".join(f"{n}={quote(v)}" for n, v in parameters.items())
    found = await facade.bundle(f"{path}?{query}")
    return found


async def sent(facade: Facade, path: str, *parameters: Resource) -> Any:
    """The response to Parameters."""
    body = json.dumps({"resourceType": "Parameters", "parameter": list(parameters)})
    return await facade.request("POST", path, {"content-type": "application/fhir+json"}, body)


def told(parameters: Resource) -> dict[str, Any]:
    """The values of the parameters that have one."""
    return {
        p["name"]: next(v for k, v in p.items() if k != "name")
        for p in parameters["parameter"]
        if "part" not in p
    }


# $lookup


async def test_a_code_of_a_master_is_looked_up_live(facade: Facade) -> None:
    found = await called(facade, "CodeSystem/$lookup", system=TESTS, code="GLU")
    assert told(found)["name"] == "Laboratory tests of the hospital"
    master = (await facade.get("CodeSystem/local-lab-test")).json()
    display = next(c["display"] for c in master["concept"] if c["code"] == "GLU")
    assert told(found)["display"] == display


async def test_a_diagnosis_has_its_name_in_the_language_that_is_asked_for(embedded: Facade) -> None:
    system = f"{LOCAL}/CodeSystem/diagnosis"
    korean = told(await called(embedded, "CodeSystem/$lookup", system=system, code="I10"))["display"]
    english = told(
        await called(embedded, "CodeSystem/$lookup", system=system, code="I10", displayLanguage="en-US")
    )["display"]
    assert (korean, english) == ("본태성(원발성) 고혈압", "Essential (primary) hypertension")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        (f"system={STATUS}&code=done", 404, "not-found"),
        ("system=http://nowhere.example&code=a", 404, "not-found"),
        ("code=final", 400, "required"),
        (f"system={STATUS}", 400, "required"),
        (f"system={STATUS}&code=final&colour=red", 400, "not-supported"),
    ],
)
async def test_what_can_not_be_looked_up_is_refused(
    embedded: Facade, query: str, status: int, code: str
) -> None:
    refused(await embedded.get(f"CodeSystem/$lookup?{query}"), status, code)


# $validate-code


async def test_a_code_is_judged_by_system_and_by_set(embedded: Facade) -> None:
    for path in (
        f"CodeSystem/$validate-code?url={STATUS}",
        f"ValueSet/$validate-code?url={SET}&system={STATUS}",
    ):
        good = told(await embedded.bundle(f"{path}&code=final&display=final"))
        assert good == {"result": True, "display": "Final"}
        bad = told(await embedded.bundle(f"{path}&code=done"))
        assert bad["result"] is False
        wrong = told(await embedded.bundle(f"{path}&code=final&display=Done"))
        assert (wrong["result"], wrong["display"]) == (False, "Final")


async def test_of_an_instance_no_url_is_needed(embedded: Facade) -> None:
    for path in ("CodeSystem/observation-status", "ValueSet/observation-status"):
        coding = {"name": "coding", "valueCoding": {"system": STATUS, "code": "final"}}
        response = await sent(embedded, f"{path}/$validate-code", coding)
        assert told(response.json())["result"] is True
    refused(await embedded.get("CodeSystem/no-such/$validate-code?code=final"), 404, "not-found")


async def test_one_good_coding_of_a_concept_is_enough(embedded: Facade) -> None:
    codings = [{"system": STATUS, "code": "done"}, {"system": STATUS, "code": "final"}]
    concept = {"name": "codeableConcept", "valueCodeableConcept": {"coding": codings}}
    url = {"name": "url", "valueUri": SET}
    assert told((await sent(embedded, "ValueSet/$validate-code", url, concept)).json())["result"] is True
    concept["valueCodeableConcept"]["coding"].pop()  # type: ignore[index]
    assert told((await sent(embedded, "ValueSet/$validate-code", url, concept)).json())["result"] is False


async def test_a_concept_of_endless_codings_is_too_costly(embedded: Facade) -> None:
    codings = [{"system": STATUS, "code": "done"}] * 101
    concept = {"name": "codeableConcept", "valueCodeableConcept": {"coding": codings}}
    url = {"name": "url", "valueUri": SET}
    refused(await sent(embedded, "ValueSet/$validate-code", url, concept), 400, "too-costly")


async def test_a_system_that_is_sent_is_taken_as_it_is_or_told_what_is_wrong(embedded: Facade) -> None:
    code = {"name": "code", "valueCode": "crimson"}
    own = {"name": "codeSystem", "resource": COLOURS}
    assert told((await sent(embedded, "CodeSystem/$validate-code", own, code)).json())["result"] is True
    broken = {"name": "codeSystem", "resource": COLOURS | {"concept": [{"display": "no code"}]}}
    response = await sent(embedded, "CodeSystem/$validate-code", broken, code)
    refused(response, 400, None, "CodeSystem.concept")


# $expand


async def test_a_set_is_expanded_by_url_by_id_and_as_sent(embedded: Facade) -> None:
    by_url = (await called(embedded, "ValueSet/$expand", url=SET))["expansion"]
    by_id = (await called(embedded, "ValueSet/observation-status/$expand"))["expansion"]
    assert by_url["contains"] == by_id["contains"]
    assert by_url["total"] == 8
    response = await sent(embedded, "ValueSet/$expand", {"name": "valueSet", "resource": FEW})
    assert [c["code"] for c in response.json()["expansion"]["contains"]] == ["final", "amended"]
    bare = await embedded.request(
        "POST", "ValueSet/$expand", {"content-type": "application/fhir+json"}, json.dumps(FEW)
    )
    assert bare.json()["expansion"]["total"] == 2


@pytest.mark.parametrize("url", [f"{TESTS}?vs", f"{LOCAL}/ValueSet/lab-test"])
async def test_a_master_is_expanded_by_words_and_pages(facade: Facade, url: str) -> None:
    whole = (await called(facade, "ValueSet/$expand", url=url))["expansion"]
    page = (await called(facade, "ValueSet/$expand", url=url, offset="3", count="4"))["expansion"]
    assert page["contains"] == whole["contains"][3:7]
    assert page["total"] == whole["total"] == len(whole["contains"])
    some = (await called(facade, "ValueSet/$expand", url=url, filter="glu"))["expansion"]["contains"]
    assert "GLU" in [c["code"] for c in some]
    assert len(some) < whole["total"]


async def test_an_expansion_is_a_valid_value_set(embedded: Facade, validator: Any) -> None:
    for url in (SET, f"{LOCAL}/ValueSet/drug", "http://hl7.org/fhir/ValueSet/service-type"):
        response = await embedded.get(f"ValueSet/$expand?url={quote(url)}&includeDesignations=true")
        [issues] = validator.validate([response.content])
        assert not [i for i in issues if i.is_error], url


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("url=http://hl7.org/fhir/ValueSet/mimetypes", 422, "too-costly"),
        ("url=http://loinc.org/vs", 422, "not-supported"),
        ("url=http://hl7.org/fhir/ValueSet/no-such", 404, "not-found"),
        ("filter=a", 400, "required"),
        (f"url={SET}&count=-1", 400, "invalid"),
        (f"url={SET}&count=few", 400, "invalid"),
    ],
)
async def test_what_can_not_be_expanded_is_refused(
    embedded: Facade, query: str, status: int, code: str
) -> None:
    refused(await embedded.get(f"ValueSet/$expand?{query}"), status, code)


# $subsumes, $translate


async def test_kinds_are_told(embedded: Facade) -> None:
    found = await called(embedded, "CodeSystem/$subsumes", system=ACT, codeA="_ActEncounterCode", codeB="AMB")
    assert told(found) == {"outcome": "subsumes"}
    found = await called(embedded, "CodeSystem/v3-ActCode/$subsumes", codeA="AMB", codeB="_ActEncounterCode")
    assert told(found) == {"outcome": "subsumed-by"}
    refused(await embedded.get(f"CodeSystem/$subsumes?system={ACT}&codeA=AMB"), 400, "required")


async def test_a_test_of_the_hospital_is_translated_to_loinc_and_back(facade: Facade) -> None:
    found = await called(
        facade, "ConceptMap/$translate", system=TESTS, code="GLU", targetsystem="http://loinc.org"
    )
    assert told(found)["result"] is True
    [match] = [p for p in found["parameter"] if p["name"] == "match"]
    concept = next(p["valueCoding"] for p in match["part"] if p["name"] == "concept")
    assert concept == {"system": "http://loinc.org", "code": "2345-7"}
    back = await called(
        facade, "ConceptMap/$translate", system="http://loinc.org", code="2345-7", reverse="true"
    )
    codes = [q["valueCoding"]["code"] for p in back["parameter"] if "part" in p for q in p["part"][1:2]]
    assert "GLU" in codes


async def test_a_drug_is_narrower_than_its_class(embedded: Facade) -> None:
    system = f"{LOCAL}/CodeSystem/drug"
    found = await called(embedded, "ConceptMap/drug-master/$translate", system=system, code="MED001")
    lies = {p["part"][1]["valueCoding"]["system"]: p["part"][0]["valueCode"] for p in found["parameter"][1:]}
    assert lies == {
        "http://www.hl7korea.or.kr/CodeSystem/hira-edi-medication": "equivalent",
        "http://www.whocc.no/atc": "wider",
    }


async def test_what_is_not_confirmed_is_not_told_as_a_translation(embedded: Facade) -> None:
    found = await called(
        embedded, "ConceptMap/cdss-route/$translate", system=f"{LOCAL}/CodeSystem/route", code="SL"
    )
    assert told(found)["result"] is False
    assert "not confirmed" in told(found)["message"]


# what clients have written, and who may ask


async def test_what_clients_write_is_asked_too_and_redefines_nothing(written: Written) -> None:
    false_status = COLOURS | {"url": STATUS}
    red = {"system": COLOURS["url"], "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}
    async with written.writer() as writer:
        await writer.create("CodeSystem", COLOURS)
        await writer.create("CodeSystem", false_status)
        made = await writer.create(
            "ValueSet", FEW | {"url": "http://example.org/reds", "compose": {"include": [red]}}
        )
    facade = written.facade
    assert (
        told(await called(facade, "CodeSystem/$lookup", system=COLOURS["url"], code="red"))["display"]
        == "Red"
    )
    refused(await facade.get(f"CodeSystem/$lookup?system={STATUS}&code=red"), 404, "not-found")
    for path in ("ValueSet/$expand?url=http://example.org/reds", f"ValueSet/{made['id']}/$expand"):
        expansion = (await facade.bundle(path))["expansion"]
        assert [c["code"] for c in expansion["contains"]] == ["red", "crimson"]
    bundle = await facade.bundle("Observation?code:in=http://example.org/reds&_summary=count")
    assert bundle["total"] == 0


async def test_a_search_by_a_set_that_a_client_wrote_finds_what_is_in_it(written: Written) -> None:
    master = {"system": TESTS, "concept": [{"code": "GLU"}]}
    async with written.writer() as writer:
        own = FEW | {"url": "http://example.org/sugar", "compose": {"include": [master]}}
        made = await writer.create("ValueSet", own)
    facade = written.facade
    plain = (await facade.bundle(f"Observation?code={TESTS}|GLU&_summary=count"))["total"]
    assert plain
    for named in ("http://example.org/sugar", f"ValueSet/{made['id']}"):
        assert (await facade.bundle(f"Observation?code:in={named}&_summary=count"))["total"] == plain
    page = await facade.bundle("Observation?code:in=http://example.org/sugar&_count=1")
    following = next(one["url"] for one in page["link"] if one["relation"] == "next")
    assert (await facade.get(following)).status_code == 200


CALLS = {
    "CodeSystem": f"CodeSystem/$lookup?system={STATUS}&code=final",
    "ValueSet": f"ValueSet/$expand?url={SET}",
    "ConceptMap": f"ConceptMap/$translate?system={LOCAL}/CodeSystem/route&code=PO",
}


@pytest.mark.parametrize("kind", CALLS)
async def test_an_operation_needs_the_type_open_for_reading(
    guarded: Facade, badges: Badges, kind: str
) -> None:
    token = badges.badge(f"user/{kind}.r", user("doctor"))
    assert (await guarded.get(CALLS[kind], authorization=token)).status_code == 200
    other = badges.badge("user/Patient.rs", user("doctor"))
    refused(await guarded.get(CALLS[kind], authorization=other), 403, "forbidden")
    patient = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    assert (await guarded.get(CALLS[kind], authorization=patient)).status_code == 200
    refused(await guarded.get(CALLS[kind]), 401, "login")
