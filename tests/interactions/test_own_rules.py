"""What a hospital's database has rules of its own for, which no declaration knows."""

from __future__ import annotations

from pathlib import Path

from tests.facade import Facade
from tests.facade.facade import embedded_engine, embedded_folder, execute, settings_of
from tests.http.outcomes import refused
from tests.interactions.client import Client
from tests.writes.samples import sample

TRIGGER = """CREATE TRIGGER no_hermits BEFORE INSERT ON emr_patientcache WHEN NEW.name = 'hermit'
BEGIN SELECT RAISE(ABORT, 'secret words of a row'); END"""


async def test_what_the_database_refuses_is_told_as_that(tmp_path: Path) -> None:
    """Neither a failure of the server's, nor something that sending it again could help."""
    folder = embedded_folder(tmp_path)
    rules = "CREATE UNIQUE INDEX one_phone ON emr_patientcache (phone) WHERE phone = '010-1111-2222'", TRIGGER
    execute(embedded_engine(folder), *rules)
    facade = Facade(settings_of(folder))
    client, patient = Client(facade), sample("Patient")
    assert (await client.post("Patient", patient)).status_code == 201
    again = await client.post("Patient", patient)
    refused(again, 409, "duplicate")
    assert "retry-after" not in again.headers
    hermit = {**patient, "name": [{"use": "official", "text": "hermit"}], "telecom": []}
    answer = await client.post("Patient", {k: v for k, v in hermit.items() if v})
    refused(answer, 422, "business-rule")
    assert "secret" not in answer.text
    assert (await client.get("Patient?_tag=urn:t|a&_summary=count")).json()["total"] == 1
    await facade.close()
