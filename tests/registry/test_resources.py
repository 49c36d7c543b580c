"""What every resource of every type promises, whatever row it was made of."""

import html
import re
from typing import Any

import pytest

from fhir_facade.content import dumps
from fhir_facade.registry import MAPPINGS
from mappers.query import SearchQuery
from mappers.validation import validate
from tests.facade.facade import Facade
from tests.validator import Validator

TYPES = [m.resource_type for m in MAPPINGS]
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def inside(value: Any) -> list[Any]:
    """A value and everything in it."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(v for child in children for v in inside(child))]


@pytest.mark.parametrize("resource_type", TYPES)
async def test_ids_are_valid_and_unique_across_parts(embedded: Facade, resource_type: str) -> None:
    ids = [r["id"] for r in await embedded.all(resource_type)]
    assert ids
    assert len(ids) == len(set(ids))
    assert all(_ID.fullmatch(i) for i in ids)


@pytest.mark.parametrize("resource_type", TYPES)
async def test_nothing_is_null_or_empty(embedded: Facade, resource_type: str) -> None:
    for resource in await embedded.all(resource_type):
        empty = [v for v in inside(resource) if v is None or v in ("", [], {})]
        assert not empty, resource["id"]
        assert resource["meta"]["versionId"]
        assert resource["meta"]["source"].startswith("urn:neuronova:")


@pytest.mark.parametrize("resource_type", TYPES)
async def test_the_narrative_is_escaped(embedded: Facade, resource_type: str) -> None:
    for resource in await embedded.all(resource_type):
        told = resource["text"]["div"].removeprefix('<div xmlns="http://www.w3.org/1999/xhtml"><p>')
        told = told.removesuffix("</p></div>")
        assert "<" not in told
        assert told == html.escape(html.unescape(told), quote=False) or "&" in html.unescape(told)


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_reference_leads_somewhere(embedded: Facade, resource_type: str) -> None:
    known = {f"{t}/{r['id']}" for t in TYPES for r in await embedded.all(t)}
    dead = {
        (resource["id"], value["reference"])
        for resource in await embedded.all(resource_type)
        for value in inside(resource)
        if isinstance(value, dict)
        and isinstance(value.get("reference"), str)
        and re.fullmatch(r"[A-Z]\w+/.+", value["reference"])
        and value["reference"] not in known
    }
    assert not dead, sorted(dead)[:8]


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_resource_is_valid(embedded: Facade, validator: Validator, resource_type: str) -> None:
    resources = await embedded.all(resource_type)
    judged = zip(resources, validator.validate([dumps(r) for r in resources]), strict=True)
    errors = [f"{r['id']}: {issue}" for r, issues in judged for issue in issues if issue.is_error]
    assert not errors, f"{len(errors)}\n" + "\n".join(errors[:8])


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_resource_would_be_taken_back(embedded: Facade, resource_type: str) -> None:
    for resource in await embedded.all(resource_type):
        assert not [one for one in validate(resource) if one.severity in ("error", "fatal")], resource["id"]


@pytest.mark.parametrize("resource_type", TYPES)
async def test_a_resource_reads_as_it_was_found(facade: Facade, resource_type: str) -> None:
    for resource in (await facade.all(resource_type))[::40]:
        response = await facade.get(f"{resource_type}/{resource['id']}")
        assert response.content == dumps(resource), resource["id"]


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_database_tells_the_same(facade: Facade, embedded: Facade, resource_type: str) -> None:
    theirs = {r["id"] for r in await facade.all(resource_type)}
    assert theirs == {r["id"] for r in await embedded.all(resource_type)}


@pytest.mark.parametrize("resource_type", TYPES)
async def test_a_page_takes_the_same_statements_whatever_its_size(
    embedded: Facade, counted: list[str], resource_type: str
) -> None:
    engine = embedded.service.engine
    taken = []
    for size in (100, 1000):
        counted.clear()
        await engine.page(SearchQuery(resource_type), size)
        taken.append(len(counted))
    mapping = engine.mappings[resource_type]
    assert taken[1] <= 1 + 6 * len(mapping.parts), taken
    assert taken[0] <= taken[1]
