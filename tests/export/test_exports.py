"""An export holds what searches show: all of it, once, and what couldn't be read by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fhir_facade.audit.patients import PatientsOf
from fhir_facade.export.lines import Lines
from mappers.engine import Page
from mappers.query import SearchQuery
from mappers.reader import Unreadable
from tests.export.client import (
    ASYNC,
    FIRST,
    SECOND,
    THIRD,
    by_id,
    exported,
    finished,
    kicked_off,
    lines,
    posted,
    shown,
)
from tests.facade.facade import BASE, Facade, Resource, embedded_folder, settings_of


async def test_an_export_of_everything_is_what_searches_show(exporting: Facade) -> None:
    found = await exported(exporting, "$export")
    unreadable = 0
    for resource_type in sorted(exporting.service.mappings):
        if resource_type != "AuditEvent":  # what is younger than the export is no part of it
            shown = by_id(await exporting.all(resource_type))
            assert by_id(found.pop(resource_type, [])) == shown, resource_type
        page: Page = await exporting.service.engine.page(SearchQuery(resource_type), 5000)
        unreadable += sum(isinstance(m, Unreadable) for m in page.matches)
    errors = found.pop("OperationOutcome")
    assert found.keys() <= {"AuditEvent"}
    assert len(errors) == unreadable > 0
    assert all(e["issue"][0]["severity"] == "error" for e in errors)
    assert any("openemr/" in e["issue"][0]["diagnostics"] for e in errors)


async def test_what_the_server_knows_by_itself_comes_to_who_names_it(embedded_exporting: Facade) -> None:
    everything = await exported(embedded_exporting, "$export")
    named = await exported(embedded_exporting, "$export?_type=ConceptMap")
    assert "ConceptMap" not in everything
    assert by_id(named["ConceptMap"]) == await shown(embedded_exporting, "ConceptMap?_count=100")


async def test_the_manifest_says_what_there_is_and_from_when(exporting: Facade) -> None:
    before = datetime.now(UTC)
    path = "$export?_type=Patient,Endpoint&_outputFormat=application%2Ffhir%2Bndjson"
    address = await kicked_off(exporting, path)
    assert address.startswith(f"{BASE}/_export/")
    manifest = await finished(exporting, address)
    assert manifest.keys() == {
        *("transactionTime", "request", "requiresAccessToken", "output", "deleted", "error")
    }
    moment = datetime.fromisoformat(manifest["transactionTime"])
    assert before - timedelta(minutes=1) <= moment <= before
    assert manifest["request"] == f"{BASE}/{path}"
    assert manifest["requiresAccessToken"] is False  # access control is off here
    assert manifest["deleted"] == []
    assert [o["type"] for o in manifest["output"]] == ["Patient", "Endpoint"]
    assert all(o["url"] == f"{address}/{o['type']}.ndjson" for o in manifest["output"])


async def test_types_without_resources_have_no_file(exporting: Facade) -> None:
    address = await kicked_off(exporting, "$export?_type=Observation&_typeFilter=Observation?_id=none")
    manifest = await finished(exporting, address)
    assert (manifest["output"], manifest["error"]) == ([], [])


async def test_since_leaves_out_what_has_not_changed(exporting: Facade) -> None:
    everything = by_id(await exporting.all("Observation"))
    moments = sorted(r["meta"]["lastUpdated"] for r in everything.values() if "lastUpdated" in r["meta"])
    middle = moments[len(moments) // 2]
    found = await exported(exporting, f"$export?_type=Observation&_since={middle.replace('+', '%2B')}")
    expected = {
        i
        for i, r in everything.items()
        if "lastUpdated" not in r["meta"]
        or datetime.fromisoformat(r["meta"]["lastUpdated"]) >= datetime.fromisoformat(middle)
    }
    assert by_id(found["Observation"]).keys() == expected
    assert 0 < len(expected) < len(everything)


async def test_what_tells_no_time_of_change_is_exported_rather_than_lost(exporting: Facade) -> None:
    timeless = {
        kind: {r["id"] for r in await exporting.all(kind) if "lastUpdated" not in r["meta"]}
        for kind in ("Medication", "Location", "Organization", "Practitioner", "Endpoint")
    }
    kinds = ",".join(timeless)
    found = await exported(exporting, f"$export?_type={kinds}&_since=2999-01-01T00:00:00Z")
    assert any(timeless.values())
    for kind, expected in timeless.items():
        assert {r["id"] for r in found.get(kind, [])} == expected


async def test_filters_are_searches_of_which_one_suffices(exporting: Facade) -> None:
    one = "Observation?code=http://loinc.org|718-7"
    other = f"Observation?patient={FIRST}&status=final"
    encoded = (one + "," + other).replace("&", "%26").replace("|", "%7C").replace("?", "%3F")
    found = await exported(exporting, f"$export?_type=Observation,Patient&_typeFilter={encoded}")
    expected = (await shown(exporting, one)).keys() | (await shown(exporting, other)).keys()
    assert by_id(found["Observation"]).keys() == expected
    assert len(found["Patient"]) == len(await exporting.all("Patient"))
    twice = await exported(
        exporting,
        "$export?_type=Observation" + "".join(f"&_typeFilter={f.replace('&', '%26')}" for f in (one, other)),
    )
    assert by_id(twice["Observation"]).keys() == expected


async def test_a_filters_own_commas_are_its_own(embedded_exporting: Facade) -> None:
    query = "Observation?code=718-7,2345-7"
    found = await exported(embedded_exporting, f"$export?_type=Observation&_typeFilter={query}")
    assert by_id(found["Observation"]).keys() == (await shown(embedded_exporting, query)).keys()


async def test_elements_leave_the_mandatory_ones_and_a_tag(embedded_exporting: Facade) -> None:
    path = "$export?_type=Observation,Patient&_elements=Patient.birthDate,subject"
    found = await exported(embedded_exporting, path)
    for patient in found["Patient"]:
        assert patient.keys() <= {"resourceType", "id", "meta", "birthDate", "_birthDate"}
        assert "SUBSETTED" in {t["code"] for t in patient["meta"]["tag"]}
    for observation in found["Observation"]:
        assert {"status", "code", "subject"} & observation.keys() >= {"status", "code"}
        assert observation.keys() <= {"resourceType", "id", "meta", "status", "code", "subject"}
    assert any("birthDate" in p for p in found["Patient"])


async def test_an_export_of_patients_is_what_is_in_compartments(exporting: Facade) -> None:
    found = await exported(exporting, "Patient/$export")
    assert by_id(found["Patient"]) == by_id(await exporting.all("Patient"))
    assert {r["id"] for r in found["Provenance"]} <= {r["id"] for r in await exporting.all("Provenance")}
    assert not {"Practitioner", "Organization", "Location", "Medication", "Endpoint"} & found.keys()
    observations = {r["id"] for r in await exporting.all("Observation") if "subject" in r}
    assert {r["id"] for r in found["Observation"]} == observations
    conditions = {r["id"] for r in await exporting.all("Condition") if "subject" in r}
    assert {r["id"] for r in found["Condition"]} == conditions


async def test_an_export_of_some_patients_is_their_compartments(exporting: Facade) -> None:
    wanted = [{"name": "patient", "valueReference": {"reference": f"Patient/{i}"}} for i in (FIRST, SECOND)]
    types = {"name": "_type", "valueString": "Patient,Observation,Appointment"}
    answer = await posted(exporting, "Patient/$export", *wanted, types)
    assert answer.status_code == 202
    manifest = await finished(exporting, answer.headers["content-location"])
    found = {o["type"]: by_id(await lines(exporting, o)) for o in manifest["output"]}
    assert found["Patient"].keys() == {FIRST, SECOND}
    for kind in ("Observation", "Appointment"):
        of_both = [await shown(exporting, f"Patient/{i}/{kind}?_count=500") for i in (FIRST, SECOND)]
        assert found.get(kind, {}).keys() == of_both[0].keys() | of_both[1].keys()


async def test_of_many_patients_each_resource_comes_once(
    embedded_exporting: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_facade.export.asked.PATIENTS_AT_ONCE", 3)
    everybody = [r["id"] for r in await embedded_exporting.all("Patient")]
    body = [{"name": "patient", "valueReference": {"reference": f"Patient/{i}"}} for i in everybody]
    answer = await posted(embedded_exporting, "Patient/$export", *body, *body[:4])
    assert answer.status_code == 202, answer.text
    manifest = await finished(embedded_exporting, answer.headers["content-location"])
    for entry in manifest["output"]:
        by_id(await lines(embedded_exporting, entry))
    assert {o["type"]: o["count"] for o in manifest["output"]}["Patient"] == len(everybody)


async def test_a_text_that_can_not_be_written_is_named_and_the_others_go_on() -> None:
    good = {"resourceType": "Patient", "id": "1", "gender": "male"}
    bad = {"resourceType": "Patient", "id": "2", "gender": "\ud800"}
    shown = Lines(None, PatientsOf({}), lambda match, targets: None, frozenset())
    written = [json.loads(line) for lines in shown.of([good, bad, good], 1) for line in lines]
    assert written == [good, good]
    assert shown.errors == ["Patient/2 can't be written"]


async def test_an_export_of_a_group_is_its_active_members_record(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path)))
    members = [
        {"entity": {"reference": f"Patient/{FIRST}"}},
        {"entity": {"reference": f"Patient/{SECOND}"}},
        {"entity": {"reference": f"Patient/{THIRD}"}, "inactive": True},
    ]
    group = {"resourceType": "Group", "type": "person", "actual": True, "member": members}
    stated = {"content-type": "application/fhir+json"}
    made = await facade.request("POST", "Group", stated, json.dumps(group))
    assert made.status_code == 201, made.text
    address = f"Group/{made.headers['location'].split('/Group/')[1].split('/')[0]}"
    found = await exported(facade, f"{address}/$export?_type=Patient,Observation,Group")
    assert by_id(found["Patient"]).keys() == {FIRST, SECOND}
    subjects = {r["subject"]["reference"] for r in found["Observation"]}
    assert subjects == {f"Patient/{FIRST}", f"Patient/{SECOND}"}
    one = {"name": "patient", "valueReference": {"reference": f"Patient/{SECOND}"}}
    answer = await posted(facade, f"{address}/$export", one, {"name": "_type", "valueString": "Patient"})
    manifest = await finished(facade, answer.headers["content-location"])
    assert [r["id"] for r in await lines(facade, manifest["output"][0])] == [SECOND]
    for other in (THIRD, "nobody"):
        one["valueReference"] = {"reference": f"Patient/{other}"}
        assert (await posted(facade, f"{address}/$export", one)).status_code == 400
    assert (await facade.get("Group/nothing/$export", **ASYNC)).status_code == 404
    everything = await exported(facade, "$export")
    assert [r["id"] for r in everything["Group"]] == [address.partition("/")[2]]
    await facade.close()


RELEVANT = "includeAssociatedData=RelevantProvenanceResources"


@pytest.mark.parametrize(
    "path",
    [
        f"$export?_type=DiagnosticReport&{RELEVANT}",
        f"$export?_type=DiagnosticReport,Provenance&_typeFilter=Provenance?target=nobody&{RELEVANT}",
        f"$export?_type=DiagnosticReport&_typeFilter=DiagnosticReport?status=final&{RELEVANT}",
        f"Patient/$export?_type=DiagnosticReport&{RELEVANT}",
    ],
)
async def test_the_provenance_of_what_is_exported_comes_with_it(exporting: Facade, path: str) -> None:
    found = await exported(exporting, path)
    assert found.keys() - {"OperationOutcome"} == {"DiagnosticReport", "Provenance"}
    assert by_id(found["Provenance"]) == by_id(await provenance_of(exporting, found["DiagnosticReport"]))


async def test_the_provenance_of_some_patients_reports_is_theirs(embedded_exporting: Facade) -> None:
    patients = ({"reference": f"Patient/{p}"} for p in (FIRST, SECOND))
    body: list[Resource] = [
        *({"name": "patient", "valueReference": p} for p in patients),
        {"name": "_type", "valueString": "DiagnosticReport"},
        {"name": "includeAssociatedData", "valueCode": "RelevantProvenanceResources"},
    ]
    answer = await posted(embedded_exporting, "Patient/$export", *body)
    manifest = await finished(embedded_exporting, answer.headers["content-location"])
    found = {e["type"]: await lines(embedded_exporting, e) for e in manifest["output"]}
    wanted = await provenance_of(embedded_exporting, found["DiagnosticReport"])
    assert by_id(found["Provenance"]) == by_id(wanted)


async def provenance_of(exporting: Facade, resources: list[Resource]) -> list[Resource]:
    """All that says where these come from: there is some."""
    asked = {f"{r['resourceType']}/{r['id']}" for r in resources}
    everything = await exporting.all("Provenance")
    found = [p for p in everything if asked & {t.get("reference") for t in p["target"]}]
    assert found
    return found
