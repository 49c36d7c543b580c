# ruff: noqa: S608  the statements hold constants and names of the tests only
"""Sources that are lost while the server runs: what is left is served, what is missing is named, nothing is
said otherwise; once they are back the answers are whole again, without a restart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.facade.comparing import facts, no_more
from tests.facade.facade import Facade, embedded_folder, execute, ids, settings_of
from tests.http.outcomes import refused
from tests.services.database import OPENEMR, DatabaseServer

TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
Resource = dict[str, Any]


class Running:
    """A facade that has answered before, and a way to take OpenEMR from it."""

    def __init__(self, facade: Facade, server: DatabaseServer | None) -> None:
        self.facade, self.server = facade, server

    @contextmanager
    def without_openemr(self) -> Iterator[Facade]:
        """OpenEMR can't be asked for a while: its file is away, or the right to read it is taken."""
        away, back = (self._revoke, self._grant) if self.server else (self._detach, self._attach)
        away()
        try:
            yield self.facade
        finally:
            back()

    def _execute(self, sql: str) -> None:
        assert self.server
        execute(self.server.engine(self.server.owner), sql)

    def _revoke(self) -> None:
        assert self.server
        self._execute(f"REVOKE SELECT ON {OPENEMR}.* FROM '{self.server.facade.name}'@'%'")
        self.facade.service.engine.database.forget()

    def _grant(self) -> None:
        assert self.server
        self._execute(f"GRANT SELECT ON {OPENEMR}.* TO '{self.server.facade.name}'@'%'")

    @property
    def _file(self) -> Path:
        return Path(self.facade.settings.data_path) / "openemr.db"

    def _detach(self) -> None:
        self._file.rename(self._file.with_suffix(".away"))
        self.facade.service.engine.database.forget()

    def _attach(self) -> None:
        self._file.with_suffix(".away").rename(self._file)


@pytest_asyncio.fixture(scope="module", params=["embedded", "mariadb", "mysql"])
async def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp(f"outage-{request.param}")
    if request.param == "embedded":
        found = Running(Facade(settings_of(embedded_folder(folder))), None)
    else:
        server = request.getfixturevalue(request.param)
        found = Running(Facade(settings_of(folder, server)), server)
    await found.facade.bundle("Patient?_count=1")
    yield found
    await found.facade.close()


def matches(bundle: Resource) -> dict[str, Resource]:
    found = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]
    return {f"{r['resourceType']}/{r['id']}": r for r in found}


def told(bundle: Resource) -> list[Resource]:
    """The issues of a bundle's outcome entries."""
    found = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "outcome"]
    return [issue for outcome in found for issue in outcome["issue"]]


async def test_a_patient_without_openemr_is_what_the_cdss_knows(running: Running) -> None:
    whole = matches(await running.facade.bundle("Patient?_count=1000"))
    with running.without_openemr() as facade:
        bundle = await facade.bundle("Patient?_count=1000")
    found = matches(bundle)
    assert found.keys() == {address for address in whole if "oe-pat-" not in address}
    assert all(no_more(facts(r), facts(whole[a])) for a, r in found.items())
    assert all(TAG in r["meta"]["tag"] for r in found.values())
    assert all(r["meta"]["versionId"] != whole[a]["meta"]["versionId"] for a, r in found.items())
    assert {i["code"] for i in told(bundle)} >= {"incomplete", "transient"}
    assert all("openemr/patient_data" in i["diagnostics"] for i in told(bundle) if i["code"] != "exception")
    assert "total" not in bundle


async def test_a_patient_who_died_in_openemr_is_not_said_to_live(running: Running) -> None:
    whole = matches(await running.facade.bundle("Patient?_count=1000"))
    dead = {a for a, r in whole.items() if r.get("deceasedDateTime") and "oe-pat-" not in a}
    assert dead
    with running.without_openemr() as facade:
        found = matches(await facade.bundle("Patient?_count=1000"))
    assert not any(r.get("deceasedBoolean") is False for r in found.values())
    assert not any("gender" in r and r["gender"] != whole[a].get("gender") for a, r in found.items())


async def test_a_read_without_openemr_is_tagged_and_has_a_version_of_its_own(running: Running) -> None:
    before = await running.facade.get("Patient/P-2025-000001")
    with running.without_openemr() as facade:
        partial = await facade.get("Patient/P-2025-000001", if_none_match=before.headers["etag"])
        assert partial.status_code == 200
        assert partial.json()["meta"]["tag"] == [TAG]
        assert "last-modified" not in partial.headers
        refused(await facade.get("Patient/oe-pat-1"), 503, "transient")
    after = await running.facade.get("Patient/P-2025-000001", if_none_match=partial.headers["etag"])
    assert (after.status_code, after.text) == (200, before.text)
    assert after.headers["etag"] == before.headers["etag"]


@pytest.mark.parametrize("asked", ["Patient", "Patient/P-2025-000001", "Patient/P-2025-000001/Observation"])
async def test_who_states_strict_gets_all_or_nothing(running: Running, asked: str) -> None:
    with running.without_openemr() as facade:
        refused(await facade.get(asked, Prefer="handling=strict"), 503, "transient")
    assert (await running.facade.get(asked, Prefer="handling=strict")).status_code == 200


@pytest.mark.parametrize(
    "asked", ["Patient?name=김", "Patient?_sort=address-city", "Observation?patient.name=김"]
)
async def test_a_condition_on_a_lost_source_is_never_guessed(running: Running, asked: str) -> None:
    with running.without_openemr() as facade:
        response = await facade.get(asked)
    if response.status_code == 200:
        assert told(response.json())
        assert not matches(response.json())
    else:
        refused(response, 503, "transient")


async def test_what_the_cdss_alone_can_tell_is_found(running: Running) -> None:
    asked = ["Patient?_id=P-2025-000001", "Patient?active=true&_count=500", "Patient?_sort=birthdate"]
    asked += ["Patient?identifier=urn:neuronova:patient-id|P-2025-000001"]
    for one in asked:
        whole = [i for i in ids(await running.facade.bundle(one)) if "oe-pat-" not in i]
        with running.without_openemr() as facade:
            assert ids(await facade.bundle(one)) == whole, one


async def test_pages_go_on_through_an_outage(running: Running) -> None:
    first = await running.facade.bundle("Patient?_count=3")
    walked = ids(first)
    following = next(one["url"] for one in first["link"] if one["relation"] == "next")
    with running.without_openemr() as facade:
        bundle = await facade.bundle(following)
        walked += ids(bundle)
        assert told(bundle)
    while following := next((o["url"] for o in bundle["link"] if o["relation"] == "next"), None):
        bundle = await running.facade.bundle(following)
        walked += ids(bundle)
    whole = ids(await running.facade.bundle("Patient?_count=1000"))
    assert [i for i in walked if "oe-pat-" not in i] == [i for i in whole if "oe-pat-" not in i]


async def test_what_can_not_be_included_is_named(running: Running) -> None:
    asked = "Patient?_id=P-2025-000001&_revinclude=Appointment:patient&_revinclude=Condition:subject"
    whole = ids(await running.facade.bundle(asked), "include")
    with running.without_openemr() as facade:
        bundle = await facade.bundle(asked)
        refused(await facade.get(asked, Prefer="handling=strict"), 503, "transient")
    assert ids(bundle, "include") == [i for i in whole if i.startswith("Condition/") and "/oe-" not in i]
    assert ids(bundle, "include")
    assert {"Appointment", "openemr/lists"} <= {i["diagnostics"].split(" ")[0] for i in told(bundle)}


async def test_types_that_are_down_hide_no_others(running: Running) -> None:
    with running.without_openemr() as facade:
        response = await facade.http.get("/api/fhir?_type=Appointment,Patient&_count=500")
        bundle = response.json()
        refused(await facade.get("Appointment"), 503, "transient")
    assert response.status_code == 200
    assert ids(bundle)
    assert all(i.startswith("Patient/") for i in ids(bundle))
    assert any(i["diagnostics"].startswith("Appointment ") for i in told(bundle))


async def test_a_count_is_right_or_refused(running: Running) -> None:
    with running.without_openemr() as facade:
        refused(await facade.get("Patient?_summary=count"), 503, "transient")
        bundle = await facade.bundle("Patient?_total=accurate&_count=2")
        assert "total" not in bundle
    assert (await running.facade.bundle("Patient?_total=accurate&_count=2"))["total"]


async def test_a_master_that_is_away_is_named_and_hides_no_other_code_system(running: Running) -> None:
    system = "http://neuronova.example/fhir/CodeSystem/openemr-visit-category"
    whole = matches(await running.facade.bundle("CodeSystem?publisher=NeuroNova&_count=1000"))
    lost = {"CodeSystem/local-openemr-visit-category", "CodeSystem/local-openemr-document-category"}
    assert lost < whole.keys()
    with running.without_openemr() as facade:
        bundle = await facade.bundle("CodeSystem?publisher=NeuroNova&_count=1000")
        assert matches(bundle).keys() == whole.keys() - lost
        named = [i["diagnostics"] for i in told(bundle) if i["code"] == "transient"]
        assert all(any(one.partition("/")[2] in text for text in named) for one in lost)
        refused(await facade.get("CodeSystem/local-openemr-visit-category"), 503, "transient")
        refused(await facade.get(f"CodeSystem/$lookup?system={system}&code=x"), 503, "transient")
        kept = "system=http://neuronova.example/fhir/CodeSystem/lab-test&code=GLU"
        assert (await facade.get(f"CodeSystem/$lookup?{kept}")).status_code == 200
    again = matches(await running.facade.bundle("CodeSystem?publisher=NeuroNova&_count=1000"))
    assert again.keys() == whole.keys()
