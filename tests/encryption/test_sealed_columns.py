"""A hospital's sealed columns are read and found as if they were not."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from mappers.key_file import KeyFile
from mappers.keyring import is_sealed
from tests.encryption.hospital import COLUMNS, PATIENTS, Hospital
from tests.facade.facade import Facade, ids

Resource = dict[str, Any]
SEARCHES = (
    "Patient?name:exact=김영희",
    "Patient?name:exact=KIM",
    "Patient?name:exact=nobody",
    "Patient?name:missing=true",
    "Patient?name:missing=false",
    "Patient?phone:missing=true",
    "Patient?telecom:missing=false",
    "Patient?identifier:missing=false",
    "Patient?identifier:not=P-2025-000001",
    "Patient?address:missing=true",
    "Patient?_id=P-2025-000001",
    "Patient?gender=female",
    "Patient?family:exact=김",
    "Observation?patient.name:exact=김영희&_count=1000",
    "Observation?subject:Patient.name:exact=김영희&_count=1000",
    "Patient?_has:Observation:patient:_id=lab-1",
    "Encounter?_include=Encounter:subject&_count=1000",
    "AuditEvent?_count=20",
)


async def found(facade: Facade, search: str) -> list[str]:
    """What a search finds."""
    bundle = await facade.bundle(search)
    return sorted([*ids(bundle), *ids(bundle, "include")])


class Sealed:
    """A hospital before and after its columns were sealed."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.patients: list[Resource] = []
        self.found: dict[str, list[str]] = {}
        self.clear: dict[str, dict[Any, Any]] = {}
        self.by_number: dict[str, list[str]] = {}

    async def prepare(self) -> Facade:
        """Asks everything, seals, and is the facade of then."""
        before = Facade(self.hospital.settings)
        self.patients = await before.read_all("Patient")
        searches = [*SEARCHES, *(s for p in self.patients for s in exact_searches(p))]
        self.found = {search: await found(before, search) for search in searches}
        numbers = {v for v in self.hospital.column("ssn").values() if v and len(v) == 14}
        self.by_number = {number: await by_number(before, number) for number in numbers}
        await before.close()
        self.clear = {name: self.hospital.column(name) for name in COLUMNS}
        for name in COLUMNS:
            assert self.hospital.seal(name, alter=True) == 0
        return Facade(self.hospital.sealed)


async def by_number(facade: Facade, number: str) -> list[str]:
    """Whom a resident number finds, asked as it must be."""
    response = await facade.post("Patient/_search", f"identifier={number}")
    assert response.status_code == 200
    assert number not in response.text
    return ids(response.json())


def exact_searches(patient: Resource) -> list[str]:
    """Searches for the very texts that a patient's JSON has."""
    names = [n["text"] for n in patient.get("name", ()) if "text" in n and "," not in n["text"]]
    points = [t["value"] for t in patient.get("telecom", ()) if "," not in t["value"]]
    quoted = [n.replace("$", r"\$").replace("&", "%26").replace("+", "%2B") for n in names]
    return [f"Patient?name:exact={n}" for n in quoted] + [f"Patient?telecom={p}" for p in points]


@pytest.fixture(scope="module")
def sealed(hospital_open: Hospital) -> Sealed:
    """The hospital, to be sealed."""
    return Sealed(hospital_open)


@pytest_asyncio.fixture(scope="module")
async def facade(sealed: Sealed) -> AsyncIterator[Facade]:
    """The facade over sealed columns."""
    opened = await sealed.prepare()
    yield opened
    await opened.close()


async def test_patients_read_as_before_sealing_with_the_same_versions(facade: Facade, sealed: Sealed) -> None:
    assert await facade.read_all("Patient") == sealed.patients
    assert len(sealed.patients) > 30


async def test_no_clear_text_is_left_in_the_columns(facade: Facade, sealed: Sealed) -> None:
    for name, clear in sealed.clear.items():
        stored = sealed.hospital.column(name)
        filled = {k for k, v in clear.items() if isinstance(v, str) and v.strip()}
        assert filled
        assert {k for k, v in stored.items() if is_sealed(v)} == filled
        assert {k: v for k, v in stored.items() if k not in filled} == {
            k: v for k, v in clear.items() if k not in filled
        }


async def test_searches_find_what_they_found_in_clear(facade: Facade, sealed: Sealed) -> None:
    assert {search: await found(facade, search) for search in sealed.found} == sealed.found
    assert sealed.found["Patient?name:exact=김영희"] == ["Patient/P-2025-000001"]
    assert any(f for s, f in sealed.found.items() if "telecom=" in s)


async def test_a_resident_number_finds_its_patient_and_is_in_no_log_or_link(
    facade: Facade, sealed: Sealed, caplog: pytest.LogCaptureFixture
) -> None:
    assert all(sealed.by_number.values())
    with caplog.at_level(logging.DEBUG):
        for number, patients in sealed.by_number.items():
            assert await by_number(facade, number) == patients
            refused = await facade.get(f"Patient?identifier={number}")
            assert refused.status_code == 400
            assert number not in refused.text
    logged = "\n".join(r.getMessage() for r in caplog.records if r.name != "httpx")  # the test's own client
    assert logged
    assert not [n for n in sealed.by_number if n in logged]


@pytest.mark.parametrize(
    "search",
    [
        "Patient?name=김",
        "Patient?name:contains=영",
        "Patient?address=서울",
        "Observation?patient.name=김",
        "Patient?_has:Observation:patient:subject.name=김",
        "?_type=Practitioner,Patient&name=김",
    ],
)
async def test_parts_of_sealed_texts_are_refused_and_never_missed_in_silence(
    facade: Facade, search: str
) -> None:
    for prefer in ("handling=strict", "handling=lenient"):
        response = await facade.get(search, prefer=prefer)
        assert response.status_code == 400
        (issue,) = response.json()["issue"]
        assert issue["severity"] == "error"
        assert issue["code"] == "not-supported"
        assert "encrypted" in issue["diagnostics"]


async def test_sorting_by_ciphertext_is_refused(facade: Facade) -> None:
    for name in ("name", "-name", "phone", "telecom"):
        response = await facade.get(f"Patient?_sort={name}")
        assert response.status_code == 400
        assert "has no order" in response.json()["issue"][0]["diagnostics"]
    valid = (await facade.get("Patient?_sort=address-use")).json()["issue"][0]["diagnostics"]
    assert "birthdate" in valid
    assert " name" not in valid.partition("valid:")[2]
    lenient = await facade.get("Patient?_sort=name", prefer="handling=lenient")
    assert lenient.status_code == 200
    assert (await facade.get("Patient?_sort=birthdate")).status_code == 200


async def unreadable(facade: Facade) -> dict[str, str]:
    """The rows of patients that can't be read, and why."""
    bundle = await facade.bundle("Patient?_count=1000")
    told = [i["diagnostics"] for e in bundle["entry"] for i in e["resource"].get("issue", ())]
    marked = [t for t in told if "can't be opened" in t]
    return {t.partition("emr_patientcache/")[2].partition(" can't be read")[0]: t for t in marked}


async def test_a_tampered_value_costs_its_row_only_and_is_named(facade: Facade, sealed: Sealed) -> None:
    hospital = sealed.hospital
    key, other = "P-2025-000001", "P-2025-000002"
    one, two = (hospital.column("name")[k] for k in (key, other))
    write = f"UPDATE {PATIENTS} SET name = :v WHERE patient_id = :k"  # noqa: S608
    changed = one[:-6] + ("A" if one[-6] != "A" else "B") + one[-5:]
    for stored in (changed, two, one[:40], "$sealed1$nokey$AAAA", "$sealed1$"):
        hospital.execute(write, v=stored, k=key)
        try:
            assert set(await unreadable(facade)) == {key}
            response = await facade.get(f"Patient/{key}")
            assert response.status_code == 500
            assert one not in response.text
            assert stored not in response.text
        finally:
            hospital.execute(write, v=one, k=key)
    assert await unreadable(facade) == {}
    assert len((await facade.bundle("Patient?_count=1000"))["entry"]) >= len(sealed.patients)


async def test_without_its_key_no_sealed_row_is_guessed(
    sealed: Sealed, facade: Facade, tmp_path: Any
) -> None:
    other = KeyFile(tmp_path / "other.keys")
    other.create()
    blind = Facade(replace(sealed.hospital.sealed, encryption_keys_file=str(other.path)))
    try:
        told = await unreadable(blind)
        assert {k for k, v in sealed.clear["name"].items() if v and v.strip()} <= set(told)
        assert all("not in the key file" in t for t in told.values())
    finally:
        await blind.close()


async def test_what_others_write_in_clear_is_read_and_found_at_once(facade: Facade, sealed: Sealed) -> None:
    hospital, key = sealed.hospital, "P-2025-000001"
    before = hospital.column("name")[key]
    write = f"UPDATE {PATIENTS} SET name = :v WHERE patient_id = :k"  # noqa: S608
    hospital.execute(write, v="새이름", k=key)
    try:
        patient = (await facade.get(f"Patient/{key}")).json()
        assert patient["name"][0]["text"] == "새이름"
        assert await found(facade, "Patient?name:exact=새이름") == [f"Patient/{key}"]
        # its blind text is still the old one's
        assert await found(facade, "Patient?name:exact=김영희") == []
    finally:
        hospital.execute(write, v=before, k=key)
    assert await found(facade, "Patient?name:exact=김영희") == [f"Patient/{key}"]
