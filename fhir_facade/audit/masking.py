"""The raw request, as BALP wants it kept, without secrets and resident numbers.

What holds neither is kept byte for byte; what does is written anew with those values masked.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode

from fhir_facade.content import Request
from mappers.parse import RESIDENT_NUMBER

MASK = "***"
#: parameters whose values are secrets wherever they stand
SECRETS = frozenset(
    {"access_token", "refresh_token", "id_token", "token", "code", "code_verifier", "password", "secret"}
    | {"client_secret", "client_assertion", "assertion", "state", "nonce", "authorization", "api_key"}
)
_NUMBERS = re.compile(r"(?<!\d)\d{6}[-‐-―−]?\d{7}(?!\d)")
LONGEST = 16_000


def raw(request: Request, base: str) -> str:
    """base64 of the request line, and of a form's body below it."""
    query = masked(request.query)
    text = f"{request.method} {base}{masked_path(request.path)}{'?' + query if query else ''}"
    if request.body_parameters:
        text += "\n\n" + _form(request.body_parameters)
    return encoded(text)


def encoded(text: str) -> str:
    """base64, once, of at most `LONGEST` characters."""
    return base64.b64encode(text[:LONGEST].encode("utf-8", "replace")).decode()


def masked(query: str) -> str:
    """A query string with secret values masked; as it is where there are none."""
    if not _suspicious(query):
        return query
    try:
        return _form(parse_qsl(query, keep_blank_values=True))
    except ValueError:
        return MASK


def _suspicious(query: str) -> bool:
    plain = unquote(query, errors="replace")
    names = {pair.partition("=")[0].lower() for pair in plain.split("&")}
    return bool(names & SECRETS) or _has_number(plain)


def _has_number(text: str) -> bool:
    return RESIDENT_NUMBER.search(text) is not None or _NUMBERS.search(text) is not None


def _form(pairs: Sequence[tuple[str, str]]) -> str:
    return urlencode(
        [(hidden(n), MASK if n.lower() in SECRETS else hidden(v)) for n, v in pairs], safe=":|$,/*"
    )


def hidden(text: str) -> str:
    """A text that is no query, with resident numbers masked."""
    return _NUMBERS.sub(MASK, RESIDENT_NUMBER.sub(MASK, text))


def masked_path(path: str) -> str:
    """A path with resident numbers masked; as it is where there are none."""
    plain = unquote(path, errors="replace")
    return quote(hidden(plain), safe="/*$") if _has_number(plain) else path
