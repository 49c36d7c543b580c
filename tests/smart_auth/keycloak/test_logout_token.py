"""A logout token is taken only if it is the issuer's, for this client, in time, and of a logout."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt

from smart_auth.identity.keycloak.id_token import IdTokenFault
from smart_auth.identity.keycloak.logout_token import EVENT, signed_out
from smart_auth.identity.provider import SignedOut
from tests.smart_auth.keycloak.test_id_token import CLIENT, ISSUER, KEY, NEXT, Issuer, signed, tokens


def notice(key: Any = KEY, **changes: Any) -> str:
    now = int(time.time())
    own = {"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": "once", "typ": "Logout"}
    claims = {**own, "sub": "1", "sid": "s", "events": {EVENT: {}}, **changes}
    found = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key.kid}, found, key)


async def read(token: str) -> SignedOut:
    return signed_out(await tokens(Issuer(KEY)).logout_claims(token))


@pytest.mark.parametrize(
    ("changes", "subject", "sid", "lasting"),
    [
        ({}, "1", "s", False),
        ({"sid": None}, "1", "", False),
        ({"sub": None}, "", "s", False),
        ({"events": {EVENT: {}, "revoke_offline_access": True}}, "1", "s", True),
        ({"events": {EVENT: {}, "revoke_offline_access": "true"}}, "1", "s", False),
        ({"aud": [CLIENT, "another"]}, "1", "s", False),
    ],
)
async def test_a_good_notice_tells_what_has_ended(
    changes: dict[str, Any], subject: str, sid: str, lasting: bool
) -> None:
    told = await read(notice(**changes))
    assert (told.subject, told.sid, told.notice, told.lasting) == (subject, sid, "once", lasting)
    assert time.time() < told.expires <= time.time() + 121


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"iat": None},
        {"exp": None},
        {"exp": int(time.time()) - 60},
        {"jti": None},
        {"nonce": "n"},
        {"events": None},
        {"events": EVENT},
        {"events": [EVENT]},
        {"events": {}},
        {"events": {EVENT: None}},
        {"events": {"http://schemas.openid.net/event/another": {}}},
        {"sub": None, "sid": None},
        {"sub": "", "sid": ""},
        {"sub": 1},
        {"sid": ["s"]},
    ],
)
async def test_a_notice_of_anything_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IdTokenFault):
        await read(notice(**changes))


async def test_what_others_signed_or_an_id_token_is_refused() -> None:
    with pytest.raises(IdTokenFault, match="unknown key"):
        await read(notice(NEXT))
    with pytest.raises(IdTokenFault):
        await read(signed(jti="once"))
    unsigned = notice().rpartition(".")[0]
    with pytest.raises(IdTokenFault):
        await read(f"{unsigned}.")
