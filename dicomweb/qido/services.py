"""Searches over HTTP: https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.6"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from anyio import to_thread
from starlette.responses import Response

from dicomweb.access import Access
from dicomweb.http.multipart import Part, whole
from dicomweb.http.native_model import XML, native_model
from dicomweb.http.routes import Asked, Route
from dicomweb.qido.accepting import accepted
from dicomweb.qido.answers import Answer
from dicomweb.qido.asked import Search, search_of
from dicomweb.qido.attributes import LEVELS
from dicomweb.qido.keeping import kept
from dicomweb.qido.statement import Statement
from dicomweb.qido.walking import rows_of

COST = 2
MORE = (
    '299 {base} "The number of results exceeded the maximum supported by the server. '
    'Additional results can be requested."'
)
BROKEN = (
    '299 {base} "What files say of {count} studies, series or instances is missing here: '
    "it can't be read in the index.\""
)


def searching(level: str) -> Callable[[Asked], Awaitable[Response]]:
    """What answers searches of a level."""

    async def answer(asked: Asked) -> Response:
        media = accepted(asked.request)
        search = search_of(level, asked.request.scope["query_string"].decode("latin-1"))
        rows, more = await found(asked, search)
        above = tuple(one for one, uid in zip(LEVELS, asked.address, strict=True) if not uid)
        told = Answer(search, asked.gateway.base, above, asked.gateway.database.at_rest)
        response = await to_thread.run_sync(written, told, rows, media)
        warnings = [MORE] * more + [BROKEN] * bool(told.broken)
        if warnings:
            named = (w.format(base=asked.gateway.base, count=told.broken) for w in warnings)
            response.headers["warning"] = ", ".join(named)
        return response

    return answer


def written(told: Answer, rows: Sequence[Mapping[str, Any]], media: str) -> Response:
    """The results in JSON, or in XML of which each is a part."""
    results = [told.of(row) for row in rows]
    if media == XML:
        return whole(XML, [Part(XML, native_model(one)) for one in results])
    return Response(orjson.dumps(results), media_type=media)


async def found(asked: Asked, search: Search) -> tuple[list[dict[str, Any]], bool]:
    """The rows that the caller may see, and whether the server kept more back than was asked to.

    Each row's study is looked up once more, for the trail; what isn't seen then is not shown.
    """
    rows = await _rows(asked, search)
    more = len(rows) > search.count and (search.limit is None or search.limit > search.count)
    rows = rows[: search.count]
    studies = await asked.viewer.visible(list(dict.fromkeys(r["study_study"] for r in rows)), "query")
    await asked.viewer.record(Access("query", studies))
    return [row for row in rows if row["study_study"] in studies], more


async def _rows(asked: Asked, search: Search) -> list[dict[str, Any]]:
    restriction = asked.viewer.restriction()
    if restriction is None:
        return []
    database = asked.gateway.database

    async def fetch(statement: Statement) -> list[dict[str, Any]]:
        names, text = kept(database, statement)
        rows = await database.fetch(text.sql, text.parameters(restriction.terms, statement.values))
        return [dict(zip(names, row, strict=True)) for row in rows]

    return await rows_of(search, asked.address, restriction, fetch)


def _route(path: str, level: str) -> Route:
    return Route("GET", path, searching(level), COST, "query")


ROUTES: tuple[Route, ...] = (
    _route("/studies", "study"),
    _route("/series", "series"),
    _route("/instances", "instance"),
    _route("/studies/{study}/series", "series"),
    _route("/studies/{study}/instances", "instance"),
    _route("/studies/{study}/series/{series}/instances", "instance"),
)
