"""CodeSystem, ValueSet and ConceptMap as resources: those at hand, the masters', and what clients write."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fhir_facade.content import dumps
from tests.facade.facade import BASE, Facade, ids, link
from tests.validator import Validator

TYPES = ("CodeSystem", "ConceptMap", "ValueSet")
STATUS = "http://hl7.org/fhir/observation-status"
SET = "http://hl7.org/fhir/ValueSet/observation-status"
LOCAL = "http://neuronova.example/fhir"


async def found(facade: Facade, path: str) -> list[str]:
    return ids(await facade.bundle(path))


@pytest.mark.parametrize(
    ("path", "first"),
    [
        (f"CodeSystem?url={STATUS}", "observation-status"),
        (f"CodeSystem?system={STATUS}", "observation-status"),
        ("CodeSystem?code=amended&status=active&name=observationstatus", "observation-status"),
        ("CodeSystem?code=LFEMX", "v3-ActCode"),
        ("CodeSystem?content-mode=fragment&title=LOINC", "loinc-excerpt"),
        ("CodeSystem?_id=v2-0203", "v2-0203"),
        ("CodeSystem?identifier=urn:oid:2.16.840.1.113883.18.108", "v2-0203"),
        ("CodeSystem?url:below=http://www.hl7korea.or.kr/fhir", "krcore-condition-category-types"),
        ("CodeSystem?supplements=http://hl7.org/fhir/CodeSystem/example", "example-supplement"),
        (f"CodeSystem?url={LOCAL}/CodeSystem/lab-test", "local-lab-test"),
        ("CodeSystem?code=GLU", "local-lab-test"),
        ("CodeSystem?publisher=NeuroNova&title=drugs of", "local-drug"),
        ("ValueSet?url=http://hl7.org/fhir/ValueSet/observation-status&version=4.0.1", "observation-status"),
        (f"ValueSet?reference={STATUS}&title=ObservationStatus", "observation-status"),
        ("ValueSet?description:contains=blood pressure", "observation-vitalsignresult"),
        ("ValueSet?date=ge2018&date=lt2019&name=v3.ActMood", "v3-ActMood"),
        (f"ConceptMap?source-system={LOCAL}/CodeSystem/route&target-code=26643006", "cdss-route"),
        (f"ConceptMap?target-uri={SET}&source-code=final", "cdss-result-status"),
        (f"ConceptMap?source-uri={LOCAL}/ValueSet/modality", "cdss-modality"),
        ("ConceptMap?target-system=http://www.whocc.no/atc", "drug-master"),
    ],
)  # fmt: skip
async def test_it_is_found_by_what_it_says(facade: Facade, path: str, first: str) -> None:
    kind = path.partition("?")[0]
    assert f"{kind}/{first}" in await found(facade, path)


@pytest.mark.parametrize("kind", TYPES)
async def test_pages_of_any_order_hold_each_once(embedded: Facade, kind: str) -> None:
    total = (await embedded.bundle(f"{kind}?_summary=count"))["total"]
    for order in ("", "&_sort=name", "&_sort=-date,title"):
        told: list[str] = []
        bundle = await embedded.bundle(f"{kind}?_count=200{order}")
        told += ids(bundle)
        while following := link(bundle, "next"):
            bundle = (await embedded.get(following)).json()
            told += ids(bundle)
        assert len(told) == len(set(told)) == total


async def test_a_sort_is_kept_both_ways(embedded: Facade) -> None:
    names = [
        [e["resource"]["name"].casefold() for e in (await embedded.bundle(path))["entry"]]
        for path in ("ConceptMap?_sort=name&_count=1000", "ConceptMap?_sort=-name&_count=1000")
    ]
    assert names[0] == sorted(names[0]) == names[1][::-1]


async def test_a_read_gives_what_the_standard_publishes(embedded: Facade) -> None:
    response = await embedded.get("CodeSystem/observation-status")
    resource = response.json()
    assert resource["url"] == STATUS
    assert [c["code"] for c in resource["concept"]][:3] == ["registered", "preliminary", "final"]
    assert response.headers["etag"] == f'W/"{resource["meta"]["versionId"]}"'
    again = await embedded.get("CodeSystem/observation-status", if_none_match=response.headers["etag"])
    assert again.status_code == 304


async def test_a_master_is_told_as_it_is_now(facade: Facade) -> None:
    before = (await facade.get("CodeSystem/local-lab-test")).json()
    assert before["content"] == "complete"
    assert before["count"] == len(before["concept"])
    codes = {c["code"]: c for c in before["concept"]}
    assert "GLU" in codes
    assert before["meta"]["source"] == "urn:neuronova:cdss_db:lis_labtestmaster"
    assert all(c["code"] == c["code"].strip() for c in before["concept"])
    drugs = (await facade.get("ConceptMap/drug-master")).json()
    assert {g["target"] for g in drugs["group"]} == {
        "http://www.hl7korea.or.kr/CodeSystem/hira-edi-medication", "http://www.whocc.no/atc"
    }  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
async def test_what_we_make_ourselves_is_valid(embedded: Facade, validator: Validator, kind: str) -> None:
    bundle = await embedded.bundle(f"{kind}?publisher=NeuroNova&_count=1000")
    resources = [e["resource"] for e in bundle["entry"]]
    assert len(resources) > 50
    judged = zip(resources, validator.validate([dumps(r) for r in resources]), strict=True)
    errors = [f"{r['id']}: {issue}" for r, issues in judged for issue in issues if issue.is_error]
    assert not errors, "\n".join(errors[:8])


async def test_summary_and_elements_shape_them_as_any(embedded: Facade) -> None:
    short = (await embedded.bundle("CodeSystem?_id=v3-ActCode&_summary=true"))["entry"][0]["resource"]
    assert "concept" not in short
    assert short["url"]
    few = (await embedded.get("ValueSet/observation-status?_elements=url")).json()
    assert set(few) == {"resourceType", "id", "meta", "url", "status"}


@pytest.mark.parametrize("path", ["CodeSystem/no-such", "ValueSet/n-999999", "ConceptMap/observation-status"])
async def test_what_is_not_there_is_not_found(embedded: Facade, path: str) -> None:
    assert (await embedded.get(path)).status_code == 404


async def test_an_unknown_parameter_is_refused_as_of_any_type(embedded: Facade) -> None:
    response = await embedded.get("CodeSystem?colour=red")
    assert response.status_code == 400


async def test_xml_says_the_same(embedded: Facade) -> None:
    response = await embedded.get("ConceptMap/cdss-route", accept="application/fhir+xml")
    assert response.status_code == 200
    assert f'<url value="{LOCAL}/ConceptMap/cdss-route"/>' in response.text


def test_the_base_is_not_part_of_any_canonical_url() -> None:
    assert not LOCAL.startswith(BASE)
    assert quote(LOCAL)


async def claimed(facade: Facade, kind: str) -> dict[str, Any]:
    rest = (await facade.get("metadata")).json()["rest"][0]
    told: dict[str, Any] = next(r for r in rest["resource"] if r["type"] == kind)
    return told


@pytest.mark.parametrize("kind", TYPES)
async def test_every_parameter_that_is_claimed_is_answered(embedded: Facade, kind: str) -> None:
    for param in (await claimed(embedded, kind))["searchParam"]:
        if param["name"] != "_id":
            for missing in ("true", "false"):
                response = await embedded.get(f"{kind}?{param['name']}:missing={missing}&_count=1")
                assert response.status_code == 200, param["name"]
