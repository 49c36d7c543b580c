"""What must be there after writes under kills, by SQL and over HTTP; each function lists what is wrong."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import orjson
from sqlalchemy import Engine, text

from fhir_facade.audit.overdue import PATIENCE, PAUSE
from mappers.write.history import ACTIONS
from tests.stress.mortal import Hospital
from tests.stress.writing import CLIENTS, Ledger

#: of each type: how ids begin, and where its rows are
ROWS = {"Observation": ("lab-", "lis_labresult", "id"), "ServiceRequest": ("", "ocs_order", "order_id")}
VERSIONS = (
    "SELECT resource_type, resource_id, version_id, request_id, method, content FROM fhir_version ORDER BY id"
)
EVENTS = "SELECT resource_type, resource_id, version_id, request_id, action FROM fhir_event"
ORPHANS = {
    "an index row without its resource": "SELECT resource FROM fhir_index WHERE resource NOT IN "
    "(SELECT id FROM fhir_resource WHERE deleted = 0)",
    "an amended row without its resource": "SELECT resource FROM fhir_amended WHERE resource NOT IN "
    "(SELECT id FROM fhir_resource WHERE deleted = 0)",
    "an item without its order": "SELECT id FROM ocs_orderitem WHERE order_id NOT IN "
    "(SELECT order_id FROM ocs_order)",
}


def keys(rows: Engine) -> dict[str, set[str]]:
    """The ids of the rows that are there of each type."""
    return {
        t: {prefix + str(k) for (k,) in _all(rows, f"SELECT {key} FROM {table}")}  # noqa: S608 - ours
        for t, (prefix, table, key) in ROWS.items()
    }


def orphans(rows: Engine) -> dict[str, set[Any]]:
    """Rows that belong to nothing, which the demo's awkward rows have some of."""
    return {what: {k for (k,) in _all(rows, sql)} for what, sql in ORPHANS.items()}


def _all(rows: Engine, sql: str) -> Sequence[Any]:
    with rows.connect() as connection:
        return connection.execute(text(sql)).all()


async def faults(
    hospital: Hospital, ledger: Ledger, before: dict[str, set[str]], odd: dict[str, set[Any]]
) -> list[str]:
    """All that is wrong; `before` and `odd` are the rows and the orphans that there were first."""
    by_sql = [*in_history(hospital, ledger), *in_rows(hospital, before, odd), *in_trail(hospital, ledger)]
    return [*ledger.wrong, *by_sql, *await over_http(hospital)]


def in_history(hospital: Hospital, ledger: Ledger) -> Iterator[str]:
    """Each request's versions: all or none; those told to its client, where it was told; an event each."""
    versions = _all(hospital.rows, VERSIONS)
    found = defaultdict(list)
    for resource_type, id_, version, request, method, content in versions:
        found[request].append((ACTIONS.get(method, method), resource_type, id_, version))
        if (content is None) != (method == "DELETE"):
            yield f"{request}: a version without its content"
    for request, parts in ledger.sent.items():
        there = found.pop(request, [])
        if there and sorted(d[:2] for d in there) != sorted(parts):
            yield f"{request}: half of it: {there}"
        if request in ledger.kept and _known(there) != _known(ledger.kept[request]):
            yield f"{request}: told {ledger.kept[request]}, there is {there}"
    yield from (f"{request}: nobody sent it" for request in found)
    of_versions = Counter((t, i, v, r, ACTIONS.get(m, m)) for t, i, v, r, m, _ in versions)
    if of_versions != Counter(tuple(row) for row in _all(hospital.rows, EVENTS)):
        yield "the events are not the versions'"


def _known(done: list[tuple[str, str, str, str]]) -> list[tuple[str, ...]]:
    """A deletion's answer may tell no version."""
    return sorted(d[:3] if d[0] == "delete" else d for d in done)


def in_rows(hospital: Hospital, before: dict[str, set[str]], odd: dict[str, set[Any]]) -> Iterator[str]:
    """Each resource with history has its row and what stands beside it, and no row is without history."""
    versions = _all(hospital.rows, VERSIONS)
    counts = Counter((row[0], row[1]) for row in versions)
    now = keys(hospital.rows)
    for resource_type in ROWS:
        if now[resource_type] - before[resource_type] != {i for t, i in counts if t == resource_type}:
            yield f"{resource_type}: other rows than history tells of"
    kept = "SELECT resource_type, part, COALESCE(key_text, key_int, id), version FROM fhir_resource"
    beside = {(t, _id(t, part, key)): v for t, part, key, v in _all(hospital.rows, kept)}
    if beside != dict(counts):
        yield "what is kept beside rows has other versions than history"
    for what, there in orphans(hospital.rows).items():
        yield from (f"{what}: {key}" for key in there - odd[what])
    items = dict(_all(hospital.rows, "SELECT order_id, COUNT(*) FROM ocs_orderitem GROUP BY order_id"))
    new = now["ServiceRequest"] - before["ServiceRequest"]
    yield from (f"{order}: {items.get(order, 0)} items" for order in new if items.get(order) != 1)
    for table in ("fhir_index", "fhir_amended"):
        yield from _unlike(hospital, table)


def _unlike(hospital: Hospital, table: str) -> Iterator[str]:
    """All resources of a type were made alike, so they have as many rows to be found by."""
    alike = (
        f"SELECT r.resource_type, COUNT(i.resource) FROM fhir_resource r LEFT JOIN {table} i "  # noqa: S608
        "ON i.resource = r.id WHERE r.deleted = 0 GROUP BY r.id, r.resource_type"
    )
    sizes = defaultdict(set)
    for resource_type, size in _all(hospital.rows, alike):
        sizes[resource_type].add(size)
    yield from (f"{t} has {n} rows of {table}" for t, n in sizes.items() if len(n) > 1)
    if table == "fhir_index" and 0 in sizes["Goal"]:
        yield "a Goal is not in the index"


def _id(resource_type: str, part: str, key: Any) -> str:
    return f"{ROWS[resource_type][0] if part else 'n-'}{key}"


def in_trail(hospital: Hospital, ledger: Ledger) -> Iterator[str]:
    """Whatever was acknowledged is recorded as a success, all that was written is, and the trail is whole."""
    _paid(hospital)
    found = defaultdict(set)
    for (row,) in _all(hospital.rows, "SELECT record FROM fhir_audit"):
        record = orjson.loads(row)
        if record["outcome"] == "0":
            found[record.get("request")].add((record["event"], record.get("type"), record.get("id")))
    for request, done in ledger.kept.items():
        if missing := {d[:3] for d in done} - found[request]:
            yield f"{request}: not recorded: {missing}"
    for kind, id_, _, request, _ in _all(hospital.rows, EVENTS):
        if (kind, id_) not in {done[1:] for done in found[request]}:
            yield f"{request}: {kind}/{id_} is written, and not recorded"
    command = [sys.executable, "-m", "fhir_facade.cli", "audit", "verify"]
    environment = {**os.environ, **hospital.environment}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if told.returncode:
        yield told.stdout + told.stderr


def _paid(hospital: Hospital) -> None:
    """Returns once a server has seen to what was left due: at its start, or with patience where the database
    was killed last.
    """
    for _ in range(10 * (PATIENCE + 2 * PAUSE)):
        if not _all(hospital.rows, "SELECT id FROM fhir_audit_due"):
            return
        time.sleep(0.1)
    raise AssertionError("something is still due to the trail")


async def over_http(hospital: Hospital) -> list[str]:
    """Each version reads as it was sent, the last as the resource itself; each Goal is found by its tag."""
    versions = _all(hospital.rows, VERSIONS)
    latest = {row[:2]: row for row in (tuple(v) for v in versions)}
    wrong: list[str] = []
    waiting = iter(versions)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{hospital.port}/api/fhir/", timeout=60) as http:

        async def reader() -> None:
            for row in waiting:
                path = f"{row[0]}/{row[1]}"
                version = await http.get(f"{path}/_history/{row[2]}")
                wrong.extend(_misread(version, row))
                if latest[row[0], row[1]] == tuple(row):
                    wrong.extend(_misread(now := await http.get(path), row))
                    if now.status_code == 200 and now.headers["etag"] != f'W/"{row[2]}"':
                        wrong.append(f"{path} is {now.headers['etag']}, not {row[2]}")
                    if row[0] == "Goal":
                        wrong.extend(await _misfound(http, row))

        await asyncio.gather(*(reader() for _ in range(CLIENTS)))
    return wrong


def _misread(answer: httpx.Response, row: Any) -> Iterator[str]:
    status = 410 if row[4] == "DELETE" else 200
    if answer.status_code != status:
        yield f"{answer.url}: {answer.status_code} {answer.text[:300]}"
    elif status == 200 and answer.json()["note"] != [{"text": row[3]}]:
        yield f"{answer.url}: not what {row[3]} wrote"


async def _misfound(http: httpx.AsyncClient, row: Any) -> list[str]:
    found = (await http.get(f"Goal?identifier=urn:test|{row[3]}")).json()
    ids = [e["resource"]["id"] for e in found.get("entry", [])]
    return [] if ids == ([] if row[4] == "DELETE" else [row[1]]) else [f"{row[3]} finds {ids}"]
