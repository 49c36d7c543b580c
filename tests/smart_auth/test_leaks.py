"""Ways in which other servers have shown what they should not: none of them works here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import fhir_facade
from tests.facade.facade import Facade, embedded_folder, execute, ids, link, settings_of, writer
from tests.smart_auth.badges import Badges, user

MINE, THEIRS = "P-2025-000001", "P-2025-000002"


@pytest.fixture
def patient(badges: Badges) -> dict[str, str]:
    """A patient with an app that may see all that is theirs."""
    return {"authorization": badges.badge("patient/*.rs", user("patient"), patient=MINE)}


@pytest.fixture
def laboratory(badges: Badges) -> dict[str, str]:
    """A technician: laboratory values, and no diagnoses."""
    return {"authorization": badges.badge("user/*.rs", user("lab_technician"))}


def patients_in(bundle: dict[str, object]) -> set[str]:
    """Whose resources are in a bundle."""
    found = set()
    for entry in bundle.get("entry", []):  # type: ignore[attr-defined]
        resource = entry["resource"]
        subject = resource.get("subject") or resource.get("patient") or resource.get("for") or {}
        found.add(resource["id"] if resource["resourceType"] == "Patient" else subject.get("reference", ""))
    return {f.removeprefix("Patient/") for f in found if f}


@pytest.mark.parametrize(
    "path",
    [
        "Practitioner/user-2?_elements=id",
        "Practitioner?_id=user-2&_revinclude=Encounter:participant&_revinclude=ServiceRequest:requester",
        "Practitioner?_id=user-2&_revinclude=Encounter:participant&_revinclude:iterate=Condition:encounter",
        "Practitioner?_id=user-2&_revinclude=*:*",
        "Endpoint?_revinclude=ImagingStudy:endpoint",
        "Device?_revinclude=Observation:device",
        "Encounter?_include=*&_revinclude=Observation:encounter&_count=5",
        "Observation?_include:iterate=*&_count=100",
        "Appointment?_include=Appointment:actor",
        "?_type=Patient,Observation,Encounter&_count=500",
        "",
        f"Patient/{MINE}/*?_count=500",
        f"Observation?patient={THEIRS}",
        f"Observation?subject=Patient/{THEIRS}",
        f"Observation?patient={MINE},{THEIRS}",
        f"Observation?patient:not-a-modifier={THEIRS}",
        f"Patient?_id={MINE},{THEIRS}",
        "Patient?_has:Observation:patient:status=final",
    ],
)
async def test_a_patient_gets_nothing_of_others(path: str, guarded: Facade, patient: dict[str, str]) -> None:
    answer = await guarded.get(path, **patient)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200 and answer.json()["resourceType"] == "Bundle":
        assert patients_in(answer.json()) <= {MINE}


@pytest.mark.parametrize(
    "fhir_user", [f"Patient/{MINE},{THEIRS}", f"Patient/{MINE},Patient/{THEIRS}", f"Patient/{MINE}/x"]
)
@pytest.mark.parametrize("kind", ["Patient", "Task", "Provenance"])
async def test_a_user_who_is_not_one_patient_is_none(
    fhir_user: str, kind: str, guarded: Facade, badges: Badges
) -> None:
    token = badges.badge("user/*.rs", user("patient", fhir_user=fhir_user))
    answer = await guarded.get(f"{kind}?_summary=count", authorization=token)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("patient", [f"{MINE},{THEIRS}", f"{MINE}/x"])
async def test_a_launch_for_what_is_not_one_patient_opens_nothing(
    patient: str, guarded: Facade, badges: Badges
) -> None:
    token = badges.badge("patient/*.rs", user("doctor"), patient=patient)
    answer = await guarded.get("Task?_summary=count", authorization=token)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


async def test_every_page_passes_the_gate(guarded: Facade, patient: dict[str, str]) -> None:
    bundle = await guarded.bundle("Observation?_count=7&_sort=-date&_include=Observation:subject", **patient)
    pages = 1
    while (following := link(bundle, "next")) is not None and pages < 60:
        bundle, pages = await guarded.bundle(following, **patient), pages + 1
        assert patients_in(bundle) <= {MINE}
    assert pages > 3


async def test_a_page_link_serves_only_whom_it_was_made_for(
    guarded: Facade, badges: Badges, patient: dict[str, str]
) -> None:
    doctor = badges.badge("user/*.rs", user("doctor"))
    following = link(await guarded.bundle("Observation?_count=5", authorization=doctor), "next")
    assert following
    others = {
        "a patient": patient["authorization"],
        "a colleague": badges.badge("user/*.rs", user("nurse")),
        "another app": badges.badge("user/*.rs", user("doctor"), client="other-app"),
        "a launch": badges.badge("user/*.rs", user("doctor"), patient=MINE),
    }
    for whose, token in others.items():
        answer = await guarded.get(following, authorization=token)
        assert answer.status_code == 400, whose
        assert answer.json()["issue"][0]["expression"] == ["http._cursor"]
    again = badges.badge("user/*.rs", user("doctor"))
    assert (await guarded.get(following, authorization=again)).status_code == 200


async def test_a_page_link_with_narrower_scopes_shows_less(guarded: Facade, badges: Badges) -> None:
    wide, narrow = (
        badges.badge(f"user/{t}.rs", user("doctor"), client="narrowing") for t in ("*", "Observation")
    )
    path = "Observation?_count=5&_include=Observation:subject"
    following = link(await guarded.bundle(path, authorization=wide), "next")
    assert following
    bundle = await guarded.bundle(following, authorization=narrow)
    assert ids(bundle)
    assert not ids(bundle, "include")


@pytest.mark.parametrize("summary", ["_summary=count", "_count=0", "_total=accurate", "_total=estimate"])
async def test_totals_count_only_what_is_open(
    summary: str, guarded: Facade, embedded: Facade, patient: dict[str, str]
) -> None:
    mine = (await embedded.bundle(f"Observation?patient={MINE}&_summary=count"))["total"]
    everyone = (await embedded.bundle("Observation?_summary=count"))["total"]
    told = (await guarded.bundle(f"Observation?{summary}", **patient))["total"]
    assert told == mine < everyone


@pytest.mark.parametrize(
    "path",
    [
        "Observation?patient._has:Condition:patient:code=I10",
        "Patient?_has:Condition:patient:code=I10",
        "Patient?_has:Encounter:patient:_has:Condition:encounter:code=I10",
        "Specimen?subject:Patient._has:Condition:patient:code=I10",
        "DiagnosticReport?encounter.diagnosis.code=I10",
        "Condition",
        "Condition?_summary=count",
        "Condition/diag-1",
        "?_type=Condition",
        f"Patient/{MINE}/Condition",
        "AuditEvent",
    ],
)
async def test_what_is_closed_is_refused_even_as_a_question(
    path: str, guarded: Facade, laboratory: dict[str, str]
) -> None:
    answer = await guarded.get(path, **laboratory)
    assert answer.status_code == 403, answer.text
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
    assert answer.json()["issue"][0]["code"] == "forbidden"


@pytest.mark.parametrize(
    "scope",
    [
        "user/Patient.rs?_has:Condition:patient:code=I10",
        "user/Patient.rs?_has:Encounter:patient:diagnosis.code=I10",
        "patient/Patient.rs?_has:Condition:patient:code=I10",
    ],
)
async def test_a_scope_asks_nothing_of_closed_types(scope: str, guarded: Facade, badges: Badges) -> None:
    token = badges.badge(scope, user("radiologist"), patient=MINE)
    answer = await guarded.get("Patient?_summary=count", authorization=token)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


async def test_a_chain_sees_only_rows_that_are_open(
    guarded: Facade, embedded: Facade, patient: dict[str, str]
) -> None:
    name = (await embedded.bundle(f"Patient?_id={THEIRS}"))["entry"][0]["resource"]["name"][0]["text"]
    for path in (
        f"Encounter?patient.name={name}",
        f"Practitioner?_has:Encounter:participant:patient={THEIRS}",
    ):
        assert ids(await embedded.bundle(path)), path
        assert not ids(await guarded.bundle(path, **patient)), path


async def test_a_closed_include_is_told(guarded: Facade, laboratory: dict[str, str]) -> None:
    bundle = await guarded.bundle(
        "Encounter?_revinclude=Condition:encounter&_include=Encounter:subject", **laboratory
    )
    told = [e["resource"]["issue"][0] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    assert [i["expression"] for i in told] == [["http._revinclude"]]
    assert {i.partition("/")[0] for i in ids(bundle, "include")} == {"Patient"}


async def test_only_administrators_see_how_a_search_is_done(
    guarded: Facade, badges: Badges, laboratory: dict[str, str]
) -> None:
    answer = await guarded.get("Observation?code=718-7&_explain=true", **laboratory)
    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (403, ["http._explain"])
    service = badges.badge("system/*.rs")
    refused = await guarded.get("Observation?code=718-7&_explain=true", authorization=service)
    assert refused.status_code == 403
    admin = badges.badge("user/*.rs", user("admin"))
    answer = await guarded.get("Observation?code=718-7&_explain=true", authorization=admin)
    assert answer.json()["resourceType"] == "Parameters"


async def test_an_explanation_tells_each_condition_of_access_once(guarded: Facade, badges: Badges) -> None:
    vital_signs = "http://terminology.hl7.org/CodeSystem/observation-category|vital-signs"
    admin = badges.badge(f"user/Observation.rs?category={vital_signs}&code=8867-4,9279-1", user("admin"))
    answer = await guarded.get("Observation?_explain=true", authorization=admin)
    told = [[p for p in b["part"] if p["name"] == "access"] for b in answer.json()["parameter"]]
    assert any(told)
    assert all(len(one) == len({p["valueString"] for p in one}) for one in told)


async def test_a_hidden_resource_is_as_absent_as_one_that_never_was(
    guarded: Facade, patient: dict[str, str]
) -> None:
    hidden = await guarded.get(f"Patient/{THEIRS}", **patient)
    absent = await guarded.get("Patient/P-1999-999999", **patient)
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace(THEIRS, "x") == absent.text.replace("P-1999-999999", "x")
    compartment = await guarded.get(f"Patient/{THEIRS}/Observation", **patient)
    assert compartment.status_code == 404


@pytest.mark.parametrize("stated", [None, "Bearer unknown", "Basic dXNlcjpwYXNz", "bearer", ""])
@pytest.mark.parametrize("path", ["Patient", f"Patient/{MINE}", "", "Nothing", "Patient?_cursor=x"])
async def test_without_a_token_nothing_is_served(stated: str | None, path: str, guarded: Facade) -> None:
    answer = await guarded.get(path, **({} if stated is None else {"authorization": stated}))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["issue"][0]["code"] == "login"


async def test_metadata_needs_no_token(guarded: Facade) -> None:
    assert (await guarded.get("metadata")).status_code == 200


async def test_the_resident_number_needs_a_role_of_its_own(
    guarded: Facade, embedded: Facade, badges: Badges
) -> None:
    plain = badges.badge("user/Patient.rs", user("doctor"))
    cleared = badges.badge("user/Patient.rs", user("doctor", "resident-number"))
    seen = {t: (await guarded.get(f"Patient/{MINE}", authorization=t)).json() for t in (plain, cleared)}
    more = {i["system"]: i["value"] for i in seen[cleared]["identifier"]}
    less = {i["system"]: i["value"] for i in seen[plain]["identifier"]}
    [(system, number)] = [(s, v) for s, v in more.items() if s not in less]
    form = f"identifier={system}|{number}".replace("|", "%7C").replace("/", "%2F").replace(":", "%3A")
    answer = await guarded.post("Patient/_search", form, authorization=plain)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")
    found = await guarded.post("Patient/_search", form, authorization=cleared)
    assert ids(found.json()) == [f"Patient/{MINE}"]
    assert number not in found.json()["link"][0]["url"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Patient", "identifier:not"),
        ("Patient", "identifier:of-type"),
        ("Patient", "identifier:text"),
        ("Observation", "patient.identifier:not"),
        ("Practitioner", "_has:Encounter:participant:patient.identifier"),
        ("Organization", "_has:Patient:organization:identifier:not"),
    ],
)
async def test_nobody_finds_out_whose_a_resident_number_is(
    path: str, name: str, guarded: Facade, badges: Badges
) -> None:
    for holder in (user("doctor"), user("admin"), user("patient")):
        token = badges.badge("user/*.rs", holder)
        answer = await guarded.post(f"{path}/_search", f"{name}=580314-2000001", authorization=token)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden"), holder


async def test_what_is_stored_oddly_in_place_of_a_resident_number_stays_hidden(
    tmp_path: Path, badges: Badges
) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True), badges)
    execute(writer(facade), "UPDATE emr_patientcache SET ssn = '58-03-14' WHERE patient_id = 'P-2025-000001'")
    finders = {True: user("doctor", "resident-number"), False: user("doctor")}
    for knows, holder in finders.items():
        token = badges.badge("user/*.rs", holder)
        answer = await facade.post("Patient/_search", "identifier=58-03-14", authorization=token)
        assert ids(answer.json()) == ([f"Patient/{MINE}"] if knows else []), holder
    await facade.close()


async def test_a_scope_without_search_does_not_search(guarded: Facade, badges: Badges) -> None:
    token = badges.badge("user/Patient.r", user("doctor"))
    assert (await guarded.get(f"Patient/{MINE}", authorization=token)).status_code == 200
    assert (await guarded.get("Patient", authorization=token)).status_code == 403
    token = badges.badge("user/Patient.s", user("doctor"))
    assert (await guarded.get(f"Patient/{MINE}", authorization=token)).status_code == 403
    assert (await guarded.get("Patient", authorization=token)).status_code == 200


async def test_the_server_says_how_an_app_is_authorized(guarded: Facade) -> None:
    answer = await guarded.get(
        ".well-known/smart-configuration", accept="text/html", origin="https://app.example"
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    told = answer.json()
    assert told["code_challenge_methods_supported"] == ["S256"]
    security = (await guarded.get("metadata")).json()["rest"][0]["security"]
    [oauth] = security["extension"]
    assert {e["valueUri"] for e in oauth["extension"]} == {
        told[f"{name}_endpoint"] for name in ("authorization", "token", "introspection", "revocation")
    }


async def test_pages_of_unregistered_apps_may_not_call(guarded: Facade, badges: Badges) -> None:
    token = badges.badge("user/*.rs", user("doctor"))
    answer = await guarded.get("Patient?_count=1", authorization=token, origin="https://elsewhere.example")
    assert "access-control-allow-origin" not in answer.headers


def test_what_answers_requests_asks_only_what_the_caller_may_see() -> None:
    """`Service.reading` and `.searching` hold the caller's access; an engine knows none."""
    folder = Path(fhir_facade.__file__).parent
    files = [folder / "sensitive.py", *folder.glob("interactions/*.py"), *folder.glob("operations/*.py")]
    assert len(files) > 3
    around = [
        f"{file.name}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr == "engine")
        or (isinstance(node, ast.Name) and node.id in ("Engine", "UNRESTRICTED"))
    ]
    assert around == []
