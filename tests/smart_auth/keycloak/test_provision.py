"""`keycloak provision` makes a realm, mends it, says what it does, and leaves all else alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_facade import cli
from fhir_facade.keycloak_command import demo_users, wanted_of
from smart_auth.identity.keycloak import wanted
from smart_auth.identity.keycloak.provision import provision
from tests.services.keycloak import PUBLIC, Keycloak
from tests.smart_auth.keycloak.realms import PASSWORD, Administrator, environment_of, settings_for

REALM = "provisioned"


@pytest.fixture(scope="module")
def administrator(keycloak: Keycloak) -> Iterator[Administrator]:
    """The realm's administrator; it is gone again afterwards."""
    administrator = Administrator.of(keycloak, REALM)
    yield administrator
    administrator.http.delete(f"/{REALM}")
    administrator.http.close()


@pytest.fixture(autouse=True)
def setting(keycloak: Keycloak, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_of(settings_for(keycloak, REALM)).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def made(keycloak: Keycloak, administrator: Administrator) -> list[str]:
    """What was said when the realm was made: with the demo's users, after a dry run."""
    assert administrator.http.get(f"/{REALM}").status_code == 404
    wanted_ = wanted_of(settings_for(keycloak, REALM), tuple(demo_users(PASSWORD)))
    operator = keycloak.url, keycloak.admin_user, keycloak.admin_password
    announced = list(provision(*operator, wanted_, dry_run=True))
    assert administrator.http.get(f"/{REALM}").status_code == 404
    assert list(provision(*operator, wanted_)) == announced
    return announced


@pytest.fixture
def realm(made: list[str], administrator: Administrator) -> Administrator:
    """A realm that is as it should be, with the demo's users."""
    return administrator


def run(*arguments: str) -> int:
    return cli.main(["keycloak", "provision", *arguments])


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_dry_run_announces_what_is_then_made(made: list[str]) -> None:
    assert made[0] == f"realm {REALM}"
    assert "client fhir-facade" in made
    assert "demo user doctor (doctor)" in made


def test_a_second_run_changes_nothing_and_says_so(
    realm: Administrator, capsys: pytest.CaptureFixture[str]
) -> None:
    before = realm.get("/admin-events?max=1000")
    assert run("--demo") == 0
    assert lines(capsys) == ["nothing to change"]
    assert realm.get("/admin-events?max=1000") == before  # Keycloak's own record of every write
    assert before


def snapshot(realm: Administrator) -> list[Any]:
    paths = ("", "/clients", "/roles", "/users", "/users/profile")
    return [settled(realm.get(path)) for path in paths]


def settled(value: Any) -> Any:
    """The value with its lists in order: Keycloak's come in any."""
    if isinstance(value, dict):
        return {name: settled(held) for name, held in value.items()}
    return sorted(map(settled, value), key=repr) if isinstance(value, list) else value


def test_what_somebody_changed_is_mended_and_told(
    realm: Administrator, capsys: pytest.CaptureFixture[str]
) -> None:
    client = realm.client()
    realm.send("PUT", "", {"failureFactor": 99, "registrationAllowed": True})
    loosened = client | {
        "redirectUris": ["*"],
        "directAccessGrantsEnabled": True,
        "attributes": client["attributes"] | {"pkce.code.challenge.method": "plain"},
    }
    realm.send("PUT", f"/clients/{client['id']}", loosened)
    mapper = next(m for m in client["protocolMappers"] if m["name"] == "fhir_user")
    realm.send("DELETE", f"/clients/{client['id']}/protocol-mappers/models/{mapper['id']}")
    assert run("--dry-run") == 0
    announced = lines(capsys)
    assert realm.client()["redirectUris"] == ["*"]
    assert run() == 0
    changed = lines(capsys)
    assert [line.replace("would change", "changed") for line in announced] == changed
    assert changed == [
        f"changed  realm {REALM}: registrationAllowed True → False, failureFactor 99 → 5",
        "changed  client fhir-facade: directAccessGrantsEnabled True → False, attributes changed, "
        "redirectUris changed",
        "changed  mapper fhir_user",
    ]
    mended = realm.client()
    assert mended["redirectUris"] == [f"{PUBLIC}/api/auth/idp/callback"]
    assert mended["attributes"]["pkce.code.challenge.method"] == "S256"
    assert realm.get()["registrationAllowed"] is False


def test_what_the_hospital_added_stays(realm: Administrator, capsys: pytest.CaptureFixture[str]) -> None:
    realm.send("PUT", "", {"displayNameHtml": "<b>The hospital</b>"})
    realm.send("POST", "/roles", {"name": "cleaner"})
    realm.send("POST", "/clients", {"clientId": "another"})
    assert run() == 0
    assert lines(capsys) == ["nothing to change"]
    assert realm.get()["displayNameHtml"] == "<b>The hospital</b>"
    assert "cleaner" in {role["name"] for role in realm.get("/roles")}


def test_the_client_takes_nothing_but_codes_with_a_challenge(realm: Administrator) -> None:
    client = realm.client()
    assert client["publicClient"] is False
    assert client["standardFlowEnabled"] is True
    assert client["implicitFlowEnabled"] is client["directAccessGrantsEnabled"] is False
    assert client["fullScopeAllowed"] is False
    assert client["redirectUris"] == [f"{PUBLIC}/api/auth/idp/callback"]
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"


def test_the_clients_own_account_may_look_users_up_and_change_none(
    realm: Administrator, keycloak: Keycloak
) -> None:
    answer = httpx.post(
        f"{keycloak.url}/realms/{REALM}/protocol/openid-connect/token",
        data={"grant_type": "client_credentials"},
        auth=("fhir-facade", "a-secret-of-the-tests"),
    )
    headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
    doctor = f"{keycloak.url}/admin/realms/{REALM}/users/{realm.user('doctor')['id']}"
    assert httpx.get(doctor, headers=headers).json()["username"] == "doctor"
    assert httpx.put(doctor, headers=headers, json={"enabled": False}).status_code == 403
    assert httpx.get(f"{keycloak.url}/admin/realms/{REALM}/clients", headers=headers).status_code == 403


def test_the_attribute_fhir_user_is_kept_and_is_for_administrators_to_write(realm: Administrator) -> None:
    assert realm.user("patient")["attributes"] == {"fhir_user": ["Patient/P-2025-000001"]}
    declared = next(a for a in realm.get("/users/profile")["attributes"] if a["name"] == "fhir_user")
    assert declared["permissions"]["edit"] == ["admin"]
    user = realm.user("patient")
    refused = realm.http.put(
        f"/{REALM}/users/{user['id']}", json=user | {"attributes": {"fhir_user": ["Patient/a b"]}}
    )
    assert refused.status_code == 400


def test_only_a_demo_user_who_is_gone_is_made_and_only_with_demo(
    realm: Administrator, capsys: pytest.CaptureFixture[str]
) -> None:
    realm.send("DELETE", f"/users/{realm.user('nurse')['id']}")
    assert run() == 0
    assert lines(capsys) == ["nothing to change"]
    assert run("--demo") == 0
    changed, password = lines(capsys)
    assert changed == "changed  demo user nurse (nurse)"
    assert len(password.removeprefix("password of the new demo users: ")) >= 16


def test_the_roles_of_the_facade_are_there(realm: Administrator) -> None:
    assert {role["name"] for role in realm.get("/roles")} >= set(wanted.roles())


def test_a_role_of_the_hospitals_own_policy_is_made_too(
    realm: Administrator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy = tmp_path / "policy.csv"
    policy.write_text("role,resource_type,permissions,rows,query\ndietitian,Patient,rs,all,\n")
    monkeypatch.setenv("ACCESS_POLICY", str(policy))
    assert run("--dry-run") == 0
    assert lines(capsys) == ["would change  role dietitian", "would change  client's roles: dietitian"]


def test_no_other_realm_is_touched(
    keycloak: Keycloak, realm: Administrator, capsys: pytest.CaptureFixture[str]
) -> None:
    master = Administrator.of(keycloak, "master")
    before = snapshot(master)
    realm.send("DELETE", "/roles/external")
    assert run() == 0
    assert "changed  role external" in lines(capsys)
    assert snapshot(master) == before
    master.http.close()


@pytest.mark.parametrize("name", ["master", "a/b", "..", "한국", "a b"])
def test_a_realm_that_is_not_for_the_facade_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEYCLOAK_REALM", name)
    assert run() == 2
    assert "KEYCLOAK_REALM" in capsys.readouterr().err


def test_missing_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KEYCLOAK_CLIENT_SECRET")
    monkeypatch.delenv("KEYCLOAK_ADMIN_USER")
    assert run() == 2
    assert "KEYCLOAK_CLIENT_SECRET, KEYCLOAK_ADMIN_USER must be set" in capsys.readouterr().err


def test_a_wrong_administrator_is_told_what_keycloak_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEYCLOAK_ADMIN_PASSWORD", "wrong")
    assert run() == 2
    assert "invalid_grant" in capsys.readouterr().err


def test_a_keycloak_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEYCLOAK_URL", "http://127.0.0.1:9")
    assert run() == 2
    assert "http://127.0.0.1:9" in capsys.readouterr().err


def test_a_keycloak_started_for_another_address_is_told(
    realm: Administrator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://another.test")
    assert run() == 1
    assert "--hostname=https://another.test/api/auth/idp" in capsys.readouterr().err
