"""SMART scopes, v1 and v2: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from terminology import definitions

#: what every client may ask besides access to resources
CONTEXT_SCOPES = frozenset(
    {"openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter", "offline_access"}
    | {"online_access"}
)
_SHAPE = re.compile(r"(patient|user|system)/([A-Za-z]+|\*)\.([a-z*]+)(?:\?(.+))?")
_V2 = re.compile(r"c?r?u?d?s?")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
#: RFC 6749, 3.3
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


@dataclass(frozen=True)
class Scope:
    """One scope that opens resources, `level/resource_type.permissions?query`; `text` is it as written."""

    text: str
    level: str
    resource_type: str
    permissions: frozenset[str]
    query: str = ""

    def covers(self, resource_type: str, permission: str) -> bool:
        """Whether it speaks of that type and permission (its query may narrow it still)."""
        return permission in self.permissions and self.resource_type in ("*", resource_type)


@lru_cache(4096)
def scope(text: str) -> Scope | None:
    """A scope that opens resources; None for any other text: an odd scope is never widened."""
    found = _SHAPE.fullmatch(text)
    if found is None or not _TOKEN.fullmatch(text):
        return None
    level, resource_type, stated, query = found.groups()
    permissions = _V1.get(stated) or (stated if stated and _V2.fullmatch(stated) else "")
    if not permissions or (resource_type != "*" and resource_type not in definitions.resource_types()):
        return None
    if query and (stated in _V1 or not _of_one_type(query)):
        return None  # v1 knows no queries
    return Scope(text, level, resource_type, frozenset(permissions), query or "")


def _of_one_type(query: str) -> bool:
    """Whether a query asks of the rows themselves. What a chain or `_has` opens would tell of rows of other
    types, whether they are open or not.
    """
    names = (name for name, _ in parse_qsl(query, keep_blank_values=True))
    return all("." not in name and not name.startswith("_has") for name in names)


def split(text: str) -> list[str]:
    """The scopes of a request, each once, in order."""
    return list(dict.fromkeys(text.split()))


def resource_scopes(texts: list[str]) -> Iterator[Scope]:
    """Those that open resources."""
    for text in texts:
        found = scope(text)
        if found:
            yield found
