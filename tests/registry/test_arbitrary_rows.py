"""Whatever stands in a row's columns: it becomes a valid resource or is named, and never breaks its page."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Integer, LargeBinary

from fhir_facade.content import dumps
from fhir_facade.registry import by_type
from fhir_facade.xml import to_xml
from mappers.branch import groups
from mappers.column_types import Uuid16
from mappers.mapping import Id
from mappers.reader import Reader, Unreadable
from mappers.site import Site
from terminology import definitions
from tests.registry.xml_reading import plain, resource_of

MAPPINGS = by_type()
BRANCHES = {
    f"{name}-{parts[0].name}": (mapping, parts)
    for name, mapping in MAPPINGS.items()
    for parts in groups(mapping)
}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
WORDS = [
    *("", " ", "0", "1", "-1", "0.0", "5.40", "1e999", "NaN", "final", "F", "Male", "true", "null"),
    *(
        "ICD10:I63.9;",
        "ICD10:I63\x12;",
        "a|b|c|d",
        "a;b,c",
        "{}",
        "[]",
        '{"a": [1, null]}',
        "http://[",
        "https://x y",
        "a@b",
    ),
    *("0000-00-00", "0000-00-00 00:00:00", "2025-02-30", "2025-01-06", "2025-01-06 11:50:00.120000"),
    *("9999-12-31", "1.2.840.0", "\x00\x1f\ufffe", "가나다"),
]
TEXTS = st.one_of(st.sampled_from(WORDS), st.text(st.characters(), max_size=30))
NUMBERS = st.one_of(st.integers(-(2**63), 2**64), st.sampled_from([0, 1, -1, 2**31]))
ODD = st.one_of(st.floats(), st.binary(max_size=20), NUMBERS)


def cell(column: Any) -> st.SearchStrategy[Any]:
    """What a driver may yield for a column: text, an integer where it is one; and what none should."""
    kind = getattr(column, "type", None)
    likely: st.SearchStrategy[Any] = NUMBERS if isinstance(kind, Integer) else TEXTS
    if isinstance(kind, Uuid16 | LargeBinary):
        likely = st.binary(max_size=20)
    return st.one_of(st.none(), likely, likely, likely, TEXTS, ODD)


@st.composite
def rows(draw: st.DrawFn, columns: Any) -> tuple[Any, ...]:
    """A row of any values, its child rows behind it as the engine attaches them."""
    own = [draw(cell(c)) for c in columns.selected]
    children = [draw(st.lists(rows(q.columns), max_size=2)) for q in columns.children]
    return (*own, *reversed(children))


def inside(value: Any) -> list[Any]:
    children: Sequence[Any] = (
        list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    return [value, *(v for child in children for v in inside(child))]


def valid(resource: dict[str, Any]) -> None:
    """JSON and XML can be written and say the same; nothing in it is empty or unknown to the standard."""
    found = json.loads(dumps(resource), parse_float=str, parse_int=str)
    assert _ID.fullmatch(found["id"])
    assert not [v for v in inside(found) if v is None or v in ("", [], {})]
    assert resource_of(to_xml(resource)) == plain(found)
    known = {name for e in definitions.elements(found["resourceType"]).values() for name, _ in e.choices()}
    assert {n.removeprefix("_") for n in found} <= known | {"resourceType"}


def leads_back(found: str, own: Id) -> bool:
    """Whether what an id is served for can be asked for by it (the database has no larger integers)."""
    key = own.key(found)
    number = found.removeprefix(own.prefix).removesuffix(own.suffix)
    return own.text(key) == found if key is not None else own.numeric and abs(int(number)) >= 2**63


@pytest.mark.parametrize("name", BRANCHES)
# to make a whole failing row smaller takes minutes and tells nothing more
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_row_becomes_a_valid_resource_or_is_named(name: str, data: st.DataObject) -> None:
    mapping, parts = BRANCHES[name]
    reader = Reader(mapping, parts, Site())
    row = data.draw(rows(reader.columns))
    for number in range(len(parts)):
        found = reader.read(row, number)
        if isinstance(found, Unreadable):
            assert found.reason
            assert found.source.startswith(reader.table)
        else:
            valid(found)
            assert leads_back(found["id"], parts[number].id)
