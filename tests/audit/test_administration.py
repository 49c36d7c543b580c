"""Commands that change who may do what leave events, and change nothing where these can't be written."""

from __future__ import annotations

import asyncio
import io
import os
import pwd
import socket
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import Any

import pytest

from fhir_facade import cli
from fhir_facade.audit import administration
from fhir_facade.audit.administration import operator
from fhir_facade.settings import SettingFault, Settings
from smart_auth.store.consents import Consents
from smart_auth.store.tables import Consent
from tests.audit.recording import Recording, gone
from tests.facade.facade import Resource

Typed = Callable[..., Awaitable[int]]
#: keys and users of servers are those of all tests
EMBEDDED = pytest.mark.parametrize("recording", ["embedded"], indirect=True)
SECRET = "a password of some length"


@pytest.fixture
def typed(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Types a command where the facade is, and gives its exit code."""
    settings = recording.facade.settings
    monkeypatch.setattr(Settings, "from_environment", classmethod(lambda cls: settings))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))

    async def carried_out(*words: str) -> int:
        return await asyncio.to_thread(cli.main, list(words))

    return carried_out


def adding() -> list[str]:
    """A client that nobody has added yet."""
    name = f"app-{token_hex(4)}"
    return ["client", "add", name, "--name", "App", "--redirect-uri", "https://app.example/cb"]


def changed(event: Resource) -> tuple[str, str, str, dict[str, str]]:
    """(subtype, outcome, what was changed, how) of an event."""
    [entity] = [e for e in event["entity"] if "name" in e]
    details = {d["type"]: d["valueString"] for d in entity["detail"]}
    return event["subtype"][0]["code"], event["outcome"], entity["name"], details


async def test_a_client_leaves_an_event_of_each_change(recording: Recording, typed: Typed) -> None:
    _, _, name, *_ = command = adding()
    assert await typed(*command) == 0
    assert await typed(*command) == 2  # it is there
    assert await typed("client", "update", name, "--add-scope", "patient/Observation.rs") == 0
    assert await typed("client", "revoke", name) == 0
    said = {"name": "App", "kind": "public", "redirect_uri": "https://app.example/cb"}
    assert [changed(event) for event in await recording.events()] == [
        ("110129", "0", name, {"command": "client add", **said}),
        ("110129", "4", name, {"command": "client add", **said}),
        ("110129", "0", name, {"command": "client update", "add_scope": "patient/Observation.rs"}),
        ("110129", "0", name, {"command": "client revoke"}),
    ]
    assert recording.faults() == []


@EMBEDDED
async def test_an_event_says_who_typed_where(recording: Recording, typed: Typed) -> None:
    assert await typed("keys", "rotate") == 0
    [event] = await recording.events()
    assert (event["type"]["code"], event["action"]) == ("110113", "E")
    [user] = [agent for agent in event["agent"] if agent["requestor"]]
    assert (user["name"], user["altId"]) == (operator(), operator())
    [machine] = [a for a in event["agent"] if a.get("network", {}).get("address") == socket.gethostname()]
    assert machine["who"]["identifier"]["value"] == "fhir-facade"
    assert changed(event)[2:] == ("signing keys", {"command": "keys rotate"})


@EMBEDDED
async def test_no_password_is_in_the_event_of_a_user(recording: Recording, typed: Typed) -> None:
    name = f"user-{token_hex(4)}"
    asked = ("user", "add", name, "--name", "Kim", "--role", "nurse", "--role", "doctor")
    assert await typed(*asked) == 0
    assert await typed("user", "lock", name) == 0
    assert await typed("user", "lock", "nobody-of-that-name") == 2
    added, locked, refused = [changed(event) for event in await recording.events()]
    assert added == ("110137", "0", name, {"command": "user add", "name": "Kim", "role": "nurse doctor"})
    assert locked == ("110137", "0", name, {"command": "user lock"})
    assert refused[:3] == ("110137", "4", "nobody-of-that-name")
    assert SECRET not in str(recording.records())


async def test_a_consent_names_its_patient(
    recording: Recording, typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await typed("consent", "give", "P-2025-000001", "Practitioner/user-3", "--days", "2") == 0
    made = capsys.readouterr().out.strip()
    assert await typed("consent", "withdraw", made) == 0
    given, withdrawn = await recording.events()
    for event in (given, withdrawn):
        [patient] = [e["what"]["reference"] for e in event["entity"] if e["type"]["code"] == "1"]
        assert patient == "Patient/P-2025-000001"
    assert changed(given)[2:] == ("Practitioner/user-3", {"command": "consent give", "days": "2"})
    told = {"command": "consent withdraw", "grantee": "Practitioner/user-3"}
    assert changed(withdrawn)[2:] == (made, told)
    assert recording.faults() == []


async def test_no_resident_number_that_was_typed_is_kept(recording: Recording, typed: Typed) -> None:
    number = "900101-1234567"
    assert await typed("consent", "withdraw", number) == 2
    assert await typed("client", "revoke", f"of {number}") == 2
    assert await typed("consent", "give", number, "nobody") == 2
    assert number not in str(recording.records())
    assert [record.get("id") for record in recording.records()] == ["***", "of ***", "nobody"]


async def test_what_no_patient_can_be_called_is_recorded_as_nobody(
    recording: Recording, typed: Typed
) -> None:
    for odd in ("x" * 300, "", "Patient/P-2025-000001"):
        assert await typed("consent", "give", odd, "Practitioner/user-3") == 2
    assert await typed("consent", "withdraw", "y" * 300) == 2
    assert [(r["outcome"], r.get("patients")) for r in recording.records()] == [("4", None)] * 4
    assert recording.faults() == []


async def test_what_is_listed_leaves_none(recording: Recording, typed: Typed) -> None:
    for words in (("client", "list"), ("user", "list"), ("consent", "list")):
        assert await typed(*words) == 0
    assert recording.records() == []


async def test_nothing_changes_where_the_trail_cannot_be_written(
    recording: Recording, typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, name, *_ = command = adding()
    with gone(recording):
        assert await typed(*command) == 2
        assert "so nothing is changed" in capsys.readouterr().err
    assert await typed("client", "list") == 0
    assert name not in capsys.readouterr().out
    assert await typed(*command) == 0


async def test_what_was_done_and_could_not_be_told_is_said(
    recording: Recording, typed: Typed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trail goes away between a command's beginning and its end."""
    ways, real = [gone(recording)], administration._trail

    def trail(settings: Settings) -> object:
        if len(ways) == 2:
            ways[0].__enter__()
        ways.append(ways[0])
        return real(settings)

    monkeypatch.setattr(administration, "_trail", trail)
    try:
        assert await typed(*adding()) == 2
    finally:
        ways[0].__exit__(None, None, None)
    assert "the audit trail doesn't have it" in capsys.readouterr().err


async def test_what_failed_and_could_not_be_told_says_why_it_failed(
    recording: Recording, typed: Typed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = administration._done

    def once(settings: Settings, work: Any, otherwise: str) -> None:
        if otherwise == administration.UNTOLD:
            raise SettingFault(otherwise)
        real(settings, work, otherwise)

    monkeypatch.setattr(administration, "_done", once)
    assert await typed("consent", "withdraw", "no-such-consent") == 2
    assert "there is no consent in force" in capsys.readouterr().err


async def test_what_breaks_is_recorded_as_broken(
    recording: Recording, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(consents: Consents, id_: str) -> Consent:
        raise RuntimeError

    monkeypatch.setattr(Consents, "withdraw", broken)
    with pytest.raises(RuntimeError):
        await typed("consent", "withdraw", "some-consent")
    assert [r["outcome"] for r in recording.records()] == ["8"]


def test_the_environment_does_not_say_who_types(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert operator() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setenv("SUDO_USER", "kim")
    assert operator() == f"kim as {pwd.getpwuid(os.getuid()).pw_name}"


def test_who_has_no_name_on_a_host_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert operator() == "uid 987654"
