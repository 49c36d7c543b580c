"""Resources of any type with anything in them that the standard has: right in form, not in meaning."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from fhir_facade.xml import Member, attributes_of, members
from terminology import definitions

Json = dict[str, Any]
TEXTS = ["a", " b ", "a \"<&>' 가", "tab\tline\nend\r", "😀", "x" * 300, "]]>"]
DECIMALS = ["1.10", "0", "-0.0", "1e2", "0.00000001", "12345678901234567890.5", "7"]
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p style="x">a &lt; <b xml:lang="ko">가</b>\n<br/></p></div>'
DEEPEST = 4


def arbitrary_resource(random: Random, resource_type: str, depth: int = 0) -> Json:
    """A resource with about a third of what it may have."""
    found: Json = {"resourceType": resource_type, **_inside(random, resource_type, depth)}
    return found if len(found) > 1 else {**found, "id": "x"}


def _inside(random: Random, container: str, depth: int) -> Json:
    found: Json = {}
    resource = "." not in container and definitions.kind(container) == "resource"
    stems: set[str] = set()
    for name, member in members(container).items():
        if member.stem in stems or random.random() < 0.5 + depth / 10:
            continue
        stems.add(member.stem)
        if not resource and name in attributes_of(container):
            found[name] = "http://example.org/x" if name == "url" else "i1"
        elif member.type == "xhtml":
            found[name] = DIV
        elif member.primitive:
            _primitive(random, found, member, depth)
        elif depth < DEEPEST:
            _complex(random, found, member, depth)
    return found


def _complex(random: Random, found: Json, member: Member, depth: int) -> None:
    def one() -> Json:
        if member.type == "Resource":
            return arbitrary_resource(random, random.choice(definitions.resource_types()), depth + 2)
        return _inside(random, member.type, depth + 1)

    items = [value for _ in range(random.randint(1, 2) if member.many else 1) if (value := one())]
    if items:
        found[member.name] = items if member.many else items[0]


def _primitive(random: Random, found: Json, member: Member, depth: int) -> None:
    times = random.randint(1, 3) if member.many else 1
    values = [_value(random, member.type) if random.random() < 0.8 else None for _ in range(times)]
    beside = [_extended(random) if v is None or random.random() < 0.2 else None for v in values]
    if any(v is not None for v in values):
        found[member.name] = values if member.many else values[0]
    if any(b is not None for b in beside):
        found[f"_{member.name}"] = beside if member.many else beside[0]


def _value(random: Random, kind: str) -> Any:
    if kind == "boolean":
        return random.random() < 0.5
    if kind in ("integer", "unsignedInt", "positiveInt"):
        return random.randint(1, 2**31 - 1)
    if kind == "decimal":
        text = random.choice(DECIMALS)
        return int(text) if text.isdigit() else Decimal(text)
    return random.choice(TEXTS)


def _extended(random: Random) -> Json:
    extension = {"url": "http://example.org/x", "valueCode": "unknown"}
    return {"id": "e1", "extension": [extension]} if random.random() < 0.3 else {"extension": [extension]}
