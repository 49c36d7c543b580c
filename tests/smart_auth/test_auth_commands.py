"""The commands for clients, users, keys and tokens, as an administrator types them."""

import asyncio
import io
import sqlite3
import stat
from pathlib import Path

import pytest

from fhir_facade import cli, demo_users
from tests.audit.recording import Recording
from tests.facade.facade import Facade, settings_of, writer
from tests.smart_auth.badges import Badges


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of an embedded demo."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PUBLIC_BASE_URL", "http://facade.test")
    monkeypatch.delenv("DB_HOST", raising=False)
    return tmp_path


async def test_a_token_of_the_command_opens_what_its_user_may_see(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["token", "--user", "doctor", "--scope", "user/*.rs system/*.rs"]
    assert await asyncio.to_thread(cli.main, asked) == 0
    token = capsys.readouterr().out.strip()
    assert token.count(".") == 2
    facade = Facade(settings_of(folder, enable_security=True))
    found = await facade.get("Patient/P-2025-000001", authorization=f"Bearer {token}")
    assert found.status_code == 200
    assert (await facade.get("Patient/P-2025-000001")).status_code == 401
    await facade.close()
    recording = Recording(facade, Badges(), writer(facade))
    given, *_ = recording.records()
    assert (given["event"], given["outcome"], given["client"]) == ("token", "0", "fhir-facade-token")
    assert (given["user"]["username"], given["details"]["scope"]) == ("doctor", "user/*.rs")
    assert token[-20:] not in str(given)
    assert recording.faults() == []


def test_a_token_for_a_patient_needs_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["token", "--user", "doctor", "--scope", "patient/*.rs"]
    assert cli.main(asked) == 2
    assert "--patient" in capsys.readouterr().err
    assert cli.main([*asked, "--patient", "P-2025-000001"]) == 0
    assert cli.main(["token", "--user", "nobody", "--scope", "user/*.rs"]) == 2


def test_tokens_are_for_the_demo_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYCLOAK_URL", "http://127.0.0.1:9")
    assert cli.main(["token", "--user", "doctor", "--scope", "user/*.rs"]) == 2


def test_the_demos_password_is_its_owners_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["user", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert "doctor\topen\t박지훈\tdoctor\tPractitioner/user-2" in lines
    assert "patient\topen\t김영희\tpatient\tPatient/P-2025-000001" in lines
    path = folder / demo_users.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().strip()) >= 12


def test_a_clients_secret_is_shown_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adding = ["client", "add", "app", "--name", "App", "--kind", "symmetric"]
    assert cli.main([*adding, "--redirect-uri", "https://app.example/cb"]) == 0
    secret = capsys.readouterr().out.split()[-1]
    assert len(secret) == 43
    assert cli.main([*adding, "--redirect-uri", "https://app.example/cb"]) == 2
    assert cli.main(["client", "list"]) == 0
    assert secret not in capsys.readouterr().out
    assert cli.main(["client", "rotate", "app"]) == 0
    assert capsys.readouterr().out.split()[-1] != secret
    assert cli.main(["client", "revoke", "app"]) == 0
    assert cli.main(["client", "revoke", "app"]) == 2
    assert secret.encode() not in (folder / "cdss.db").read_bytes()


def test_a_client_is_updated_in_what_is_stated_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uris = ["--redirect-uri", "https://app.example/cb"]
    assert cli.main(["client", "add", "app", "--name", "App", *uris, "--scope", "openid patient/*.rs"]) == 0
    capsys.readouterr()
    assert cli.main(["client", "update", "app", "--add-scope", "launch/encounter openid"]) == 0
    line = "app\tpublic\tApp\thttps://app.example/cb\topenid patient/*.rs launch/encounter"
    assert capsys.readouterr().out == f"{line}\n"
    moved = ["--redirect-uri", "https://app.example/a", "--redirect-uri", "http://127.0.0.1:9000/"]
    moved += ["--post-logout-redirect-uri", "https://app.example/bye"]
    assert cli.main(["client", "update", "app", *moved, "--name", "New", "--scope", "user/*.rs"]) == 0
    assert cli.main(["client", "list"]) == 0
    line = "app\tpublic\tNew\thttps://app.example/a http://127.0.0.1:9000/\tuser/*.rs"
    assert line in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        (["app"], "nothing is stated"),
        (["nobody", "--name", "N"], "no client nobody"),
        (["app", "--redirect-uri", "http://app.example/cb"], "https"),
        (["app", "--post-logout-redirect-uri", "http://app.example/bye"], "https"),
        (["app", "--add-scope", "patient/Nothing.rs"], "patient/Nothing.rs"),
        (["app", "--jwks", "missing.json"], "missing.json"),
    ],
)
def test_an_update_that_can_not_be_is_refused_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], stated: list[str], reason: str
) -> None:
    adding = ["client", "add", "app", "--name", "App", "--redirect-uri", "https://app.example/cb"]
    assert cli.main(adding) == 0
    assert cli.main(["client", "list"]) == 0
    before = capsys.readouterr().out.split("\n", 1)[1]
    assert cli.main(["client", "update", *stated]) == 2
    assert reason in capsys.readouterr().err
    assert cli.main(["client", "list"]) == 0
    assert capsys.readouterr().out == before


def test_an_unsafe_client_is_refused_with_the_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["client", "add", "app", "--name", "App", "--redirect-uri", "http://app.example/cb"]) == 2
    assert "https" in capsys.readouterr().err


def test_users_come_and_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    adding = ["user", "add", "new", "--name", "새 의사", "--role", "doctor"]
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert cli.main(adding) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough one\n"))
    assert cli.main(adding) == 0
    assert cli.main(["user", "lock", "new"]) == 0
    assert cli.main(["token", "--user", "new", "--scope", "user/*.rs"]) == 2
    assert cli.main(["user", "unlock", "new"]) == 0
    assert cli.main(["token", "--user", "new", "--scope", "user/*.rs"]) == 0
    assert cli.main(["user", "lock", "nobody"]) == 2
    assert "there is no user nobody" in capsys.readouterr().err


def test_keys_rotate_and_launches_are_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "rotate"]) == 0
    assert cli.main(["keys", "rotate", "--at-once"]) == 0
    assert cli.main(["launch", "--user", "doctor", "--patient", "P-2025-000001"]) == 0
    assert "launch\t" in capsys.readouterr().out
    rows = sqlite3.connect(folder / "cdss.db").execute("SELECT event FROM fhir_audit").fetchall()
    assert rows == [("configuration",), ("configuration",), ("launch",)]


def test_a_server_without_the_tables_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DB_HOST", "127.0.0.1")
    monkeypatch.setenv("DB_PORT", "9")
    assert cli.main(["client", "list"]) == 2
    assert "fhir-facade migrate" in capsys.readouterr().err
