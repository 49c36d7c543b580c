"""ImagingStudy, Endpoint and the radiologists' reports."""

from base64 import b64decode
from typing import Any

import pytest

from mappers.engine import Engine
from tests.facade import imaged
from tests.mappings.whole import assert_as_kept, ids, resource


@pytest.mark.parametrize(
    "reference",
    [
        "ImagingStudy/ST-2025-000001",
        "ImagingStudy/ST-2025-900002",
        "ImagingStudy/ST-2025-900005",
        "ImagingStudy/ST.2f2025.20.ed.95.9c.ea.b8.80.5f1",
        "Endpoint/dicom-web",
        "DiagnosticReport/rad-1",
        "DiagnosticReport/rad-4",
        "DiagnosticReport/rad-900001",
        "Provenance/rad-1",
    ],
)
async def test_resource_is_as_kept(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


@pytest.mark.parametrize("study", ["ST-2025-900001", "ST-2025-900002", "ST-2025-900005"])
async def test_a_uid_that_is_none_is_no_identifier_and_has_no_endpoint(engine: Engine, study: str) -> None:
    found = await resource(engine, f"ImagingStudy/{study}")
    assert "urn:dicom:uid" not in [i["system"] for i in found["identifier"]]
    assert "endpoint" not in found


@pytest.mark.parametrize("uid", ["urn:oid:2.25.900003", "2.25.900003", "urn:dicom:uid|urn:oid:2.25.900003"])
async def test_studies_that_share_a_uid_are_both_found_by_it(engine: Engine, uid: str) -> None:
    found = await ids(engine, "ImagingStudy", identifier=uid)
    assert found == ["ST-2025-900003", "ST-2025-900004"]


async def test_a_malformed_uid_finds_nothing(engine: Engine) -> None:
    assert await ids(engine, "ImagingStudy", identifier="urn:dicom:uid|urn:oid:not-a-uid") == []


async def test_an_accession_number_that_holds_a_date_may_be_in_a_url(engine: Engine) -> None:
    assert await ids(engine, "ImagingStudy", identifier="A2025010800001") == ["ST-2025-000001"]


async def test_an_accession_number_is_found_by_its_type(engine: Engine) -> None:
    of_type = "http://terminology.hl7.org/CodeSystem/v2-0203|ACSN|A2025010800001"
    assert await ids(engine, "ImagingStudy", identifier__of_type=of_type) == ["ST-2025-000001"]


async def test_a_count_below_zero_is_absent(engine: Engine) -> None:
    found = await resource(engine, "ImagingStudy/ST-2025-900002")
    assert "numberOfSeries" not in found
    assert found["numberOfInstances"] == 0


async def test_an_unknown_modality_is_told_in_the_hospitals_own_system(engine: Engine) -> None:
    found = await resource(engine, "ImagingStudy/ST-2025-900001")
    assert found["modality"] == [
        {"system": "http://neuronova.example/fhir/CodeSystem/modality", "code": "XX"}
    ]
    assert found["status"] == "unknown"


async def test_who_reported_twice_interpreted_once(engine: Engine) -> None:
    found = await resource(engine, "ImagingStudy/ST-2025-900003")
    names = [i["reference"] for i in found["interpreter"]]
    assert names == ["Practitioner/user-6", "Practitioner/user-900001"]


async def test_no_series_is_made_up(engine: Engine) -> None:
    assert "series" not in await resource(engine, "ImagingStudy/ST-2025-900002")


async def test_images_of_a_shared_uid_are_told_of_the_row_that_they_belong_to_alone(engine: Engine) -> None:
    assert len((await resource(engine, f"ImagingStudy/{imaged.OWNER}"))["series"]) == 3
    other = await resource(engine, f"ImagingStudy/{imaged.OTHER}")
    assert "series" not in other
    for name, value in (("series", "2.25.900003.1"), ("instance", "2.25.900003.1.1"), ("modality", "MG")):
        assert imaged.OTHER not in await ids(engine, "ImagingStudy", **{name: value}), name


async def test_counts_and_modalities_are_the_archives_where_it_has_the_study(engine: Engine) -> None:
    found = await resource(engine, f"ImagingStudy/{imaged.OWNER}")
    assert (found["numberOfSeries"], found["numberOfInstances"]) == (3, 1)
    assert [m["code"] for m in found["modality"]] == ["MG", "ZZ"]
    assert [s["numberOfInstances"] for s in found["series"]] == [1, 0, 0]


async def test_a_modality_that_no_series_says_is_not_the_rows_to_tell(engine: Engine) -> None:
    found = await resource(engine, f"ImagingStudy/{imaged.SILENT}")
    assert "modality" not in found
    assert [s["uid"] for s in found["series"]] == ["2.25.900005.01"]
    assert imaged.SILENT in await ids(engine, "ImagingStudy", modality__missing="true")


async def test_of_a_series_nothing_is_told_that_no_map_knows(engine: Engine) -> None:
    breast, local, odd = (await resource(engine, f"ImagingStudy/{imaged.OWNER}"))["series"]
    assert odd["uid"] == "2.25.900003.2"
    assert not odd.keys() & {"number", "bodySite", "laterality", "started"}
    assert odd["modality"]["extension"][0]["valueCode"] == "unknown"
    assert odd["performer"] == [{"actor": {"display": "Dr Chul Kim"}}]
    assert (breast["bodySite"]["code"], breast["laterality"]["code"]) == ("76752008", "7771000")
    assert breast["started"] == "2025-03-01T09:15:00+09:00"
    assert breast["performer"] == [{"actor": {"display": "김철수"}}]
    assert breast["instance"] == [
        {
            "uid": "2.25.900003.1.1",
            "sopClass": {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.1.2"},
            "number": 1,
        }
    ]
    assert local["modality"]["system"] == "http://neuronova.example/fhir/CodeSystem/modality"
    assert local["started"] == "2025-03-01"
    assert "performer" not in local


async def test_series_and_instances_take_one_statement_each(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, fetch = list[str](), engine.database.fetch

    async def counting(sql: str, parameters: tuple[Any, ...]) -> Any:
        asked.append(sql)
        return await fetch(sql, parameters)

    monkeypatch.setattr(engine.database, "fetch", counting)
    assert len(await ids(engine, "ImagingStudy")) > 5
    assert len(asked) == 4  # studies, interpreters, series, instances


async def test_a_study_is_found_by_its_rows_modality_while_no_series_is_known(engine: Engine) -> None:
    found = await ids(engine, "ImagingStudy", modality="CT")
    assert imaged.OTHER in found
    assert imaged.OWNER not in found  # its row says CT, its series don't


async def test_a_draft_is_registered_and_not_issued(engine: Engine) -> None:
    found = await resource(engine, "DiagnosticReport/rad-4")
    assert found["status"] == "registered"
    assert "issued" not in found
    assert found["presentedForm"]


async def test_who_has_only_drafted_a_report_is_not_told_to_have_read_the_study(engine: Engine) -> None:
    assert (await resource(engine, "DiagnosticReport/rad-4"))["resultsInterpreter"][0]["reference"] == (
        "Practitioner/user-6"
    )
    study = await resource(engine, "ImagingStudy/ST-2025-000002")
    assert [i["reference"] for i in study["interpreter"]] == ["Practitioner/user-7"]


async def test_findings_and_recommendation_are_in_the_presented_form(engine: Engine) -> None:
    found = await resource(engine, "DiagnosticReport/rad-1")
    text = b64decode(found["presentedForm"][0]["data"]).decode()
    assert text.startswith("Findings:\n좌측 전두엽에")
    assert text.endswith("\n\nRecommendation:\nSurgical consultation.")


async def test_two_final_reports_of_a_study_are_both_there(engine: Engine) -> None:
    found = await ids(engine, "DiagnosticReport", study="ImagingStudy/ST-2025-900003", category="RAD")
    assert found == ["rad-900002", "rad-900003", "rad-900102", "rad-900103"]


async def test_only_a_signed_report_has_provenance(engine: Engine) -> None:
    assert await ids(engine, "Provenance", target="DiagnosticReport/rad-3") == ["rad-3"]
    assert await ids(engine, "Provenance", target="DiagnosticReport/rad-2") == []


async def test_studies_are_found_by_their_endpoint(engine: Engine) -> None:
    found = await ids(engine, "ImagingStudy", endpoint="Endpoint/dicom-web", patient="P-2025-000002")
    assert found == ["ST-2025-000002", "ST-2025-000003"]
