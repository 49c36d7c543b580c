"""An ID token is taken only if it is the issuer's, for this client, of this sign-in, and in time."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from smart_auth.identity.keycloak.id_token import IdTokenFault, IdTokens

ISSUER, CLIENT, NONCE = "https://facade.test/api/auth/idp/realms/hospital", "fhir-facade", "the-nonce"
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
NEXT = RSAKey.generate_key(2048, {"kid": "next", "use": "sig", "alg": "RS256"})
OF_ENCRYPTION = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc", "alg": "RSA-OAEP"})


class Issuer:
    """Keys as they are published, and how often they were asked for."""

    def __init__(self, *keys: RSAKey) -> None:
        self.keys, self.asked = list(keys), 0

    async def fetch(self) -> list[dict[str, Any]]:
        self.asked += 1
        return [dict(key.as_dict(private=False)) for key in self.keys]


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    own = {
        "iss": ISSUER,
        "aud": CLIENT,
        "azp": CLIENT,
        "sub": "1",
        "typ": "ID",
        "nonce": NONCE,
        "preferred_username": "a",
    }
    found = {**own, "iat": now, "exp": now + 60, **changes}
    return {name: value for name, value in found.items() if value is not None}


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def signed(key: RSAKey = KEY, **changes: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims(**changes), key)


def tokens(issuer: Issuer) -> IdTokens:
    return IdTokens(ISSUER, CLIENT, issuer.fetch)


async def test_a_good_token_gives_its_claims() -> None:
    assert (await tokens(Issuer(KEY)).claims(signed(), NONCE))["sub"] == "1"
    among_others = signed(aud=[CLIENT, "another"])
    assert (await tokens(Issuer(KEY)).claims(among_others, NONCE))["sub"] == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://facade.test/api/auth/idp/realms/master"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": []},
        {"aud": None},
        {"azp": "another"},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": "soon"},
        {"iat": int(time.time()) + 10_000_000},
        {"iat": None},
        {"sub": None},
        {"preferred_username": None},
        {"nonce": "another"},
        {"nonce": None},
        {"typ": "Bearer"},
        {"typ": "Logout"},
        {"typ": None},
    ],
)
async def test_a_token_that_is_not_ours_or_not_of_now_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IdTokenFault):
        await tokens(Issuer(KEY)).claims(signed(**changes), NONCE)


async def test_an_unsigned_token_is_refused() -> None:
    header, content = ({"alg": "none", "kid": "first"}, claims())
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (header, content)
    ]
    with pytest.raises(IdTokenFault):
        await tokens(Issuer(KEY)).claims(f"{'.'.join(parts)}.", NONCE)


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    parts = [encoded({"alg": "HS256", "kid": "first"}), encoded(claims())]
    mark = hmac.digest(KEY.as_pem(private=False), ".".join(parts).encode(), "sha256")
    forged = ".".join((*parts, base64.urlsafe_b64encode(mark).rstrip(b"=").decode()))
    with pytest.raises(IdTokenFault):
        await tokens(Issuer(KEY)).claims(forged, NONCE)


async def test_another_algorithm_and_an_encryption_key_are_refused() -> None:
    willing = RSAKey.import_key({**KEY.as_dict(private=True), "alg": "RS512"})
    other = jwt.encode({"alg": "RS512", "kid": "first"}, claims(), willing, algorithms=["RS512"])
    with pytest.raises(IdTokenFault):
        await tokens(Issuer(KEY)).claims(other, NONCE)
    by_encryption_key = RSAKey.import_key(
        {**OF_ENCRYPTION.as_dict(private=True), "use": "sig", "alg": "RS256"}
    )
    forged = jwt.encode({"alg": "RS256", "kid": "enc"}, claims(), by_encryption_key)
    with pytest.raises(IdTokenFault, match="unknown key"):
        await tokens(Issuer(KEY, OF_ENCRYPTION)).claims(forged, NONCE)


async def test_a_changed_token_is_refused() -> None:
    header, _, signature = signed().split(".")
    with pytest.raises(IdTokenFault):
        await tokens(Issuer(KEY)).claims(f"{header}.{encoded(claims(sub='2'))}.{signature}", NONCE)


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "....", "é.é.é"])
async def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(IdTokenFault):
        await tokens(Issuer(KEY)).claims(text, NONCE)


async def test_a_new_key_is_asked_for_once_and_an_unknown_one_not_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer = Issuer(KEY)
    verifying = tokens(issuer)
    await verifying.claims(signed(), NONCE)
    await verifying.claims(signed(), NONCE)
    assert issuer.asked == 1
    issuer.keys.append(NEXT)
    for _ in range(3):
        with pytest.raises(IdTokenFault, match="unknown key"):
            await verifying.claims(signed(NEXT), NONCE)
    assert issuer.asked == 1
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert (await verifying.claims(signed(NEXT), NONCE))["sub"] == "1"
    await verifying.claims(signed(), NONCE)
    assert issuer.asked == 2
