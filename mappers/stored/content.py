"""A resource as text: every digit, every blank, every order of elements as it was sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

from mappers.stored.numbers import decimal, whole

Resource = dict[str, Any]
#: what the server says of a resource, and no client
SERVERS_OWN = ("versionId", "lastUpdated", "source")


def dumps(value: Any) -> str:
    """JSON text; decimals keep their digits (1.10 keeps its zero)."""
    return orjson.dumps(value, default=_decimal).decode()


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)


def loads(text: str) -> Any:
    """What `dumps` was given."""
    return json.loads(text, parse_float=decimal, parse_int=whole)


def body_of(resource: Resource) -> Resource:
    """The resource without id and without what the server says of it: what is kept of it."""
    kept = {k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta")}
    meta = {k: v for k, v in (resource.get("meta") or {}).items() if k not in SERVERS_OWN}
    return {**({"meta": meta} if meta else {}), **kept}
