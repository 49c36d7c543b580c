"""Somebody of outside sees the records of patients who have consented, while they do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_facade import cli
from fhir_facade.settings import Settings
from smart_auth.store.consents import Consents
from tests.facade.facade import Facade, ids
from tests.smart_auth.app import App, server_of

GRANTEE = "Practitioner/user-13"


@pytest.mark.parametrize("secured", ["embedded", "mariadb", "mysql"], indirect=True, scope="session")
async def test_a_consent_opens_a_record_at_once_until_it_is_withdrawn(secured: Facade) -> None:
    app = App.of(secured, username="external")
    token = f"Bearer {(await app.tokens(scope='user/*.rs openid'))['access_token']}"
    await app.browser.aclose()
    consents = Consents(server_of(secured).store)
    assert (await secured.get("Patient/P-2025-000001", authorization=token)).status_code == 403
    given = consents.give("P-2025-000001", GRANTEE, 60)
    other = consents.give("P-2025-000002", "Practitioner/user-99", 60)
    past = consents.give("P-2025-000003", GRANTEE, 0)
    try:
        bundle = await secured.bundle("Patient", authorization=token)
        assert ids(bundle) == ["Patient/P-2025-000001"]
        labs = await secured.bundle("Observation?_count=200", authorization=token)
        assert {e["resource"]["subject"]["reference"] for e in labs["entry"]} == {"Patient/P-2025-000001"}
    finally:
        for one in (given, other, past):
            consents.withdraw(one.id)
    assert (await secured.get("Patient/P-2025-000001", authorization=token)).status_code == 403


def test_the_command_gives_lists_and_withdraws(
    embedded: Facade, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Settings, "from_environment", classmethod(lambda cls: replace(embedded.settings)))
    assert cli.main(["consent", "give", "P-2025-000001", GRANTEE, "--days", "2"]) == 0
    made = capsys.readouterr().out.strip()
    assert cli.main(["consent", "list"]) == 0
    assert f"{made}\tin force\tP-2025-000001\t{GRANTEE}" in capsys.readouterr().out
    assert cli.main(["consent", "withdraw", made]) == 0
    assert cli.main(["consent", "withdraw", made]) == 2
    assert cli.main(["consent", "give", "P-2025-000001", "Patient/x"]) == 2


@pytest.mark.parametrize("who", ["P-2025-999999", "", "Patient/P-2025-000001", "x" * 300, "900101-1234567"])
def test_a_consent_of_nobody_is_refused(
    embedded: Facade, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], who: str
) -> None:
    monkeypatch.setattr(Settings, "from_environment", classmethod(lambda cls: replace(embedded.settings)))
    assert cli.main(["consent", "give", who, GRANTEE]) == 2
    said = capsys.readouterr()
    assert "there is no Patient/" in said.err
    assert "900101-1234567" not in said.err
    assert cli.main(["consent", "list"]) == 0
    assert not [line for line in capsys.readouterr().out.splitlines() if f"\t{who}\t" in line]
