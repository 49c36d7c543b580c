"""What clients have deleted at a moment, and what an export tells of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from mappers.facade.tables import fhir_version
from mappers.transaction import transaction
from tests.export.client import SECOND, finished, kicked_off, lines
from tests.facade.facade import Facade, Resource
from tests.writes.conftest import Written
from tests.writes.samples import sample

#: when all that is deleted here was, as histories keep it and as clients write it; and a moment after it
MOMENT, SINCE, LATER = "2025-06-01 12:00:00.000000", "2025-06-01T03:00:00Z", "2025-06-01T03:00:01Z"
OTHERS = {"patient": {"reference": f"Patient/{SECOND}"}}
TYPES = "_type=AllergyIntolerance,Goal,Organization"


def goal(patient: str, **more: Any) -> Resource:
    """A resource that no table of the hospital holds."""
    said = {"lifecycleStatus": "active", "description": {"text": "걷기"}}
    return {"resourceType": "Goal", **said, "subject": {"reference": f"Patient/{patient}"}, **more}


def allergy(**more: Any) -> Resource:
    """One that a row of the CDSS holds, of the first patient."""
    return {**sample("AllergyIntolerance"), **more}


async def deleted(written: Written, resource: Resource, at: str = MOMENT) -> str:
    """The address of a resource that a client made, and deleted at a moment ('': now)."""
    kind, id_ = resource["resourceType"], (await written.made(resource))["id"]
    async with written.writer() as writer:
        assert await writer.delete(kind, id_)
    async with transaction(written.engine.database) as t:
        of_it = (fhir_version.c.resource_type == kind, fhir_version.c.resource_id == id_)
        if at:
            await t.execute(update(fhir_version).where(*of_it).values(recorded=at))
    return f"{kind}/{id_}"


async def told(facade: Facade, path: str, **headers: str) -> list[str]:
    """The addresses of what a new export tells as deleted, in order."""
    return await told_by(
        facade, await finished(facade, await kicked_off(facade, path, **headers), **headers), **headers
    )


async def told_by(facade: Facade, manifest: Resource, **headers: str) -> list[str]:
    """The same of an export that has ended; nothing of it may be told as there besides."""
    found: list[str] = []
    for entry in manifest["deleted"]:
        assert entry.keys() == {"type", "url", "count"}
        assert entry["type"] == "Bundle"
        for bundle in await lines(facade, entry, **headers):
            assert bundle.keys() == {"resourceType", "type", "entry"}
            assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
            assert {e["request"]["method"] for e in bundle["entry"]} == {"DELETE"}
            found += [e["request"]["url"] for e in bundle["entry"]]
    there = [
        f"{r['resourceType']}/{r['id']}"
        for o in manifest["output"]
        for r in await lines(facade, o, **headers)
    ]
    assert not set(found) & set(there)
    assert len(found) == len(set(found))
    return found
