"""Access tokens that were forged, broken, outlived or revoked; and what a good one costs."""

import asyncio
import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import delete
from sqlmodel import col

from mappers.database import Rows
from smart_auth.access.caller import TokenFault
from smart_auth.store.tables import Key, Revocation
from smart_auth.store.transaction import Store
from smart_auth.tokens.bearer import Bearer
from smart_auth.tokens.bell import Bell
from smart_auth.tokens.keys import Keyring
from smart_auth.tokens.minting import Granted
from tests.facade.facade import BASE, Facade
from tests.smart_auth.app import AUTH, App, server_of


def minted(facade: Facade, seconds: int = 300, **changes: Any) -> str:
    """A token of a service, with the server's own key; changes of its claims."""
    server = server_of(facade)
    token = server.minting.access_token(Granted("a-service", ("system/*.rs",)), seconds)
    if not changes:
        return token
    return server.keys.sign(claims_of(token) | changes, "at+jwt")


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(decoded(token.split(".")[1]))
    return found


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def with_header(token: str, **changes: Any) -> str:
    head, claims, signature = token.split(".")
    return ".".join((encoded(json.loads(decoded(head)) | changes), claims, signature))


async def refused(facade: Facade, header: str, error: str = "invalid_token") -> None:
    with pytest.raises(TokenFault) as fault:
        await server_of(facade).bearer.caller(header)
    assert fault.value.status == 401
    assert fault.value.error == error


async def test_a_good_token_says_who_calls(secured: Facade) -> None:
    caller = await server_of(secured).bearer.caller(f"Bearer {minted(secured)}")
    assert caller.client_id == "a-service"
    assert caller.user is None
    assert [s.text for s in caller.scopes] == ["system/*.rs"]
    assert caller.issuer == AUTH
    again = await server_of(secured).bearer.caller(f"bearer {minted(secured)}")
    assert again.client_id == "a-service"


@pytest.mark.parametrize("header", ["", " ", "Basic YTpi", "Token x"])
async def test_without_a_token_there_is_no_error_code(secured: Facade, header: str) -> None:
    await refused(secured, header, "")


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "é.é.é", "..", "a" * 20000, "[[[.[[[.[[[", encoded([[]]) + ".e30.x"]
)
async def test_what_is_no_token_is_refused(secured: Facade, token: str) -> None:
    await refused(secured, f"Bearer {token}")


async def test_a_truncated_or_changed_token_is_refused(secured: Facade) -> None:
    token = minted(secured)
    head, claims, signature = token.split(".")
    more = encoded(claims_of(token) | {"scope": "system/*.cruds"})
    for broken in (token[:-1], token[:-20], f"{head}.{claims}.", f"{head}.{more}.{signature}", token[1:]):
        await refused(secured, f"Bearer {broken}")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://another.example/fhir"},
        {"aud": [BASE, "https://another.example/fhir"]},
        {"iss": "https://another.example/auth"},
        {"exp": 1},
        {"exp": "4102444800"},
        {"exp": True},
        {"scope": None},
        {"sub": 7},
        {"jti": None},
        {"client_id": None},
    ],
)
async def test_claims_of_others_are_refused_though_we_signed_them(
    secured: Facade, changes: dict[str, Any]
) -> None:
    await refused(secured, f"Bearer {minted(secured, **changes)}")


async def test_alg_none_is_refused(secured: Facade) -> None:
    head, claims, _ = with_header(minted(secured), alg="none").split(".")
    await refused(secured, f"Bearer {head}.{claims}.")


async def test_the_public_key_is_no_shared_secret(secured: Facade) -> None:
    token = minted(secured)
    kid = json.loads(decoded(token.split(".")[0]))["kid"]
    [public] = [k for k in server_of(secured).keys.jwks()["keys"] if k["kid"] == kid]
    pem = RSAKey.import_key(public).as_pem(private=False)
    header = {"alg": "HS256", "kid": kid, "typ": "at+jwt"}
    secret = OctKey.import_key(base64.b64encode(pem))  # joserfc itself refuses a PEM as a secret
    await refused(secured, f"Bearer {jwt.encode(header, claims_of(token), secret, algorithms=['HS256'])}")


async def test_an_unknown_or_foreign_key_is_refused(secured: Facade) -> None:
    token, foreign = minted(secured), RSAKey.generate_key(2048)
    known = json.loads(decoded(token.split(".")[0]))["kid"]
    for kid in ("unknown", known, "../../etc/passwd", "' OR 1=1 --"):
        header = {"alg": "RS256", "kid": kid, "typ": "at+jwt"}
        await refused(secured, f"Bearer {jwt.encode(header, claims_of(token), foreign)}")


async def test_an_id_token_is_no_access_token(app: App) -> None:
    tokens = await app.tokens()
    await refused(app.facade, f"Bearer {tokens['id_token']}")
    await refused(app.facade, f"Bearer {tokens['refresh_token']}")


async def test_a_token_that_was_good_expires(secured: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    bearer, header = server_of(secured).bearer, f"Bearer {minted(secured)}"
    await bearer.caller(header)
    later = time.time() + 301
    monkeypatch.setattr("smart_auth.tokens.bearer.time.time", lambda: later)
    await refused(secured, header)


async def test_every_worker_knows_of_a_revocation_at_once(secured: Facade) -> None:
    server, token = server_of(secured), minted(secured)
    another = Bearer(server.config, secured.service.engine.database)
    for worker in (server.bearer, another):
        await worker.caller(f"Bearer {token}")
    server.families.revoke_token(claims_of(token)["jti"], claims_of(token)["exp"])
    for worker in (server.bearer, another):
        with pytest.raises(TokenFault, match="revoked"):
            await worker.caller(f"Bearer {token}")


async def test_rotating_keys_hurts_no_token_and_losing_one_does(secured: Facade) -> None:
    server, old = server_of(secured), minted(secured)
    server.keys.rotate(3600)
    new = minted(secured)
    assert json.loads(decoded(old.split(".")[0])) != json.loads(decoded(new.split(".")[0]))
    for token in (old, new):
        await server.bearer.caller(f"Bearer {token}")
    server.keys.rotate(0)
    await asyncio.sleep(1.1)  # the lost key's last second
    with pytest.raises(TokenFault, match="revoked"):
        await server.bearer.caller(f"Bearer {new}")
    with pytest.raises(TokenFault):
        await Bearer(server.config, secured.service.engine.database).caller(f"Bearer {new}")
    await server.bearer.caller(f"Bearer {minted(secured)}")


class Counting:
    """A database that counts what it is asked, and takes its time."""

    def __init__(self, real: Any) -> None:
        self.real, self.asked = real, 0
        self.dialect = real.dialect

    async def fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        self.asked += 1
        await asyncio.sleep(0.01)
        found: Rows = await self.real.fetch(sql, parameters)
        return found


async def test_parallel_requests_share_one_statement(secured: Facade) -> None:
    counting = Counting(secured.service.engine.database)
    bearer = Bearer(server_of(secured).config, counting)  # type: ignore[arg-type]
    header = f"Bearer {minted(secured)}"
    await bearer.caller(header)
    counting.asked = 0
    await asyncio.gather(*(bearer.caller(header) for _ in range(500)))
    assert counting.asked == 1
    counting.asked = 0
    first = asyncio.create_task(bearer.caller(header))
    await asyncio.sleep(
        0.005
    )  # the first check is in flight: the others need one that begins after they came
    await asyncio.gather(first, *(bearer.caller(header) for _ in range(500)))
    assert counting.asked == 2


async def test_a_worker_remembers_so_many_tokens_and_no_more(secured: Facade) -> None:
    bearer = Bearer(server_of(secured).config, secured.service.engine.database, remembered=3)
    for _ in range(8):
        await bearer.caller(f"Bearer {minted(secured)}")
    assert len(bearer._verified) == 3


async def test_forged_key_names_cost_no_more_than_any_request(secured: Facade) -> None:
    counting = Counting(secured.service.engine.database)
    bearer = Bearer(server_of(secured).config, counting)  # type: ignore[arg-type]
    token, foreign = minted(secured), RSAKey.generate_key(2048)
    for number in range(20):
        header = {"alg": "RS256", "kid": f"k{number}", "typ": "at+jwt"}
        with pytest.raises(TokenFault):
            await bearer.caller(f"Bearer {jwt.encode(header, claims_of(token), foreign)}")
    assert counting.asked <= 20 + 2  # the epoch each time; what is revoked and the keys once


def key_of(facade: Facade, token: str) -> RSAKey:
    """The private key that a token was signed with, as a thief would have it."""
    server = server_of(facade)
    with server.store.transaction() as session:
        held = session.get(Key, json.loads(decoded(token.split(".")[0]))["kid"])
    assert held is not None
    return RSAKey.import_key(server.seals.keys.open(held.private))


async def test_a_key_that_was_given_up_opens_nothing_however_long_a_worker_slept(secured: Facade) -> None:
    """Nobody asks the worker anything for a day: by then the revocation of the key's tokens is forgotten."""
    server = server_of(secured)
    idle = Bearer(server.config, secured.service.engine.database)
    token = minted(secured)
    assert (await idle.caller(f"Bearer {token}")).client_id == "a-service"
    stolen, header = key_of(secured, token), json.loads(decoded(token.split(".")[0]))
    server.keys.rotate(0)
    with server.store.transaction() as session:
        session.execute(delete(Revocation).where(col(Revocation.id) == f"kid:{header['kid']}"))
    claims = claims_of(token) | {"scope": "system/*.cruds", "jti": "made-by-a-thief"}
    with pytest.raises(TokenFault, match="not known here"):
        await idle.caller(f"Bearer {jwt.encode(header, claims, stolen)}")
    assert header["kid"] not in {key["kid"] for key in server.keys.jwks()["keys"]}
    assert (await idle.caller(f"Bearer {minted(secured)}")).client_id == "a-service"


async def test_a_token_of_years_is_nobodys(secured: Facade) -> None:
    """It would outlive what is remembered of its revocation."""
    await refused(secured, f"Bearer {minted(secured, exp=int(time.time()) + 10 * 365 * 86400)}")


async def test_all_workers_of_a_host_sign_with_a_new_key_at_once_and_show_no_other(
    secured: Facade,
) -> None:
    """What they would sign with a key that was given up would be worth nothing."""
    server = server_of(secured)
    other = Keyring(
        Store(server.store.engine, Bell(secured.settings.data_path / "auth.bell")), server.seals.keys
    )
    server.keys.rotate(3600)
    other.sign({}, "JWT")
    assert len(other.jwks()["keys"]) > 1
    kid = server.keys.rotate(0)
    head = other.sign({}, "JWT").split(".")[0]
    assert json.loads(decoded(head))["kid"] == kid
    assert [key["kid"] for key in other.jwks()["keys"]] == [kid]
