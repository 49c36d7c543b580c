"""The public keys of clients: registered with them, or at an address of theirs.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from smart_auth.faults import OAuthFault
from smart_auth.store.tables import Client

PublicKey = RSAKey | ECKey
#: seconds that keys are kept where their address says nothing, at least, and at most
DEFAULT, SHORTEST, LONGEST = 300, 60, 86400
#: seconds between two looks for a key that isn't known, or at an address that failed
PAUSE = 10
#: seconds that an answer may take, and that others wait for it
LONGEST_ANSWER, WAIT = 5, 1
LARGEST = 256 * 1024
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d+)")
_PRIVATE = frozenset({"d", "p", "q", "k"})


@dataclass(frozen=True)
class Answer:
    """What an address said when it was `asked`, good `until` then; `fault` if it was no key set."""

    asked: float
    until: float
    keys: list[dict[str, Any]]
    fault: str = ""


class ClientKeys:
    """Finds the keys that may have signed a client's assertion; those at an address are cached.

    Anybody can make us look, by a key's name: each address is asked by one thread at a time, and one that
    fails is left alone for a while, or else a slow one would hold all threads.
    """

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._transport = transport
        self._answers: dict[str, Answer] = {}
        self._looking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def of(self, client: Client, kid: str, algorithm: str) -> list[PublicKey]:
        """The client's keys of that name which fit the algorithm; OAuthFault if its address can't be read."""
        if client.jwks:
            return _fitting(jwk_set(client.jwks), kid, algorithm)
        found = _fitting(self._at(client.jwks_url, PAUSE * 10**6), kid, algorithm)
        return found or _fitting(self._at(client.jwks_url, PAUSE), kid, algorithm)

    def _at(self, url: str, pause: float) -> list[dict[str, Any]]:
        """What is at the address: as it was, unless it is too old, or older than `pause`."""
        found = self._known(url, pause) or self._looked_up(url, pause)
        if found.fault:
            raise OAuthFault("invalid_client", found.fault)
        return found.keys

    def _known(self, url: str, pause: float) -> Answer | None:
        kept, moment = self._answers.get(url), time.monotonic()
        return kept if kept and moment < kept.until and moment - kept.asked < pause else None

    def _looked_up(self, url: str, pause: float) -> Answer:
        looking = self._looking[url]
        if not looking.acquire(timeout=WAIT):
            raise OAuthFault("temporarily_unavailable", "the client's JWKS is still being read", 503)
        try:
            found = self._known(url, pause) or self._asked(url)
            self._answers[url] = found
        finally:
            looking.release()
        return found

    def _asked(self, url: str) -> Answer:
        try:
            keys, seconds = self._fetched(url)
        except OAuthFault as fault:
            moment, before = time.monotonic(), self._answers.get(url)
            if before and not before.fault and moment < before.until:
                return replace(before, asked=moment)
            return Answer(moment, moment + PAUSE, [], fault.description)
        moment = time.monotonic()
        return Answer(moment, moment + seconds, keys)

    def _fetched(self, url: str) -> tuple[list[dict[str, Any]], int]:
        try:
            with (
                httpx.Client(transport=self._transport, timeout=5, follow_redirects=False) as http,
                http.stream("GET", url, headers={"accept": "application/json"}) as response,
            ):
                if response.status_code != 200:
                    raise OAuthFault("invalid_client", f"the client's JWKS answers {response.status_code}")
                content = _bounded(response.iter_bytes())
                return jwk_set(content.decode()), _seconds(response.headers.get("cache-control", ""))
        except (httpx.HTTPError, ValueError, RecursionError):
            raise OAuthFault("invalid_client", "the client's JWKS can't be read") from None


def _bounded(chunks: Iterable[bytes]) -> bytes:
    content, started = b"", time.monotonic()
    for chunk in chunks:
        content += chunk
        if len(content) > LARGEST or time.monotonic() - started > LONGEST_ANSWER:
            raise ValueError("too large, or too slow")
    return content


def _seconds(cache_control: str) -> int:
    found = _MAX_AGE.search(cache_control)
    if "no-store" in cache_control or "no-cache" in cache_control:
        return SHORTEST
    return min(max(int(found[1]) if found else DEFAULT, SHORTEST), LONGEST)


def jwk_set(text: str) -> list[dict[str, Any]]:
    """The keys of a JWKS; raises ValueError for what isn't one, or has a private or shared key in it."""
    content = json.loads(text)
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError('a JWKS is an object with a list "keys"')
    if any(_PRIVATE & key.keys() for key in keys):
        raise ValueError("a JWKS holds public keys only")
    return keys


def _fitting(keys: list[dict[str, Any]], kid: str, algorithm: str) -> list[PublicKey]:
    """Several keys may share a name as long as their types differ."""
    wanted = {"RS384": ("RSA", None), "ES384": ("EC", "P-384")}[algorithm]
    return [
        key
        for jwk in keys
        if jwk.get("kid") == kid and (jwk.get("kty"), jwk.get("crv")) == wanted
        if (key := _imported(jwk)) is not None
    ]


def _imported(jwk: dict[str, Any]) -> PublicKey | None:
    try:
        key = JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAKey | ECKey) else None
