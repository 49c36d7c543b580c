"""Whole resources, compared with files: `snapshots/<Type>.<id>.json`.

`UPDATE_SNAPSHOTS=1 pytest tests/mappings` writes them anew; the difference is then for people to read.
"""

import os
from pathlib import Path
from typing import Any

import orjson

from mappers.engine import Engine
from mappers.parse import Parser
from mappers.query import SearchQuery
from mappers.reader import Unreadable

SNAPSHOTS = Path(__file__).parent / "snapshots"


async def resource(engine: Engine, reference: str) -> dict[str, Any]:
    """The resource of `Type/id`."""
    resource_type, id_text = reference.split("/", 1)
    found = await engine.read(resource_type, id_text)
    assert isinstance(found, dict), f"{reference}: {found}"
    return found


async def unreadable(engine: Engine, reference: str) -> str:
    """Why the row of `Type/id` can't be shown."""
    resource_type, id_text = reference.split("/", 1)
    found = await engine.read(resource_type, id_text)
    assert isinstance(found, Unreadable)
    return found.reason


async def ids(engine: Engine, resource_type: str, **search: str) -> list[str]:
    """The ids that a search finds; `__` stands for a colon or hyphen that Python's names lack."""
    parser = Parser(engine.mappings, engine.site)
    wanted = [(_param(name), value) for name, value in search.items()]
    where = tuple(parser.condition(resource_type, name, value) for name, value in wanted)
    page = await engine.page(SearchQuery(resource_type, where), 1000)
    return [match["id"] for match in page.matches if isinstance(match, dict)]


def _param(name: str) -> str:
    return name[0] + name[1:].replace("__", ":").replace("_", "-")


async def assert_as_kept(engine: Engine, reference: str) -> None:
    """The resource is what its file says, digit by digit (but for the digest in its versionId)."""
    found = await resource(engine, reference)
    found = {**found, "meta": {k: v for k, v in found["meta"].items() if k != "versionId"}}
    text = orjson.dumps(found, default=_number, option=orjson.OPT_INDENT_2).decode() + "\n"
    path = SNAPSHOTS / f"{reference.replace('/', '.', 1)}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def _number(value: Any) -> Any:
    return orjson.Fragment(str(value))
