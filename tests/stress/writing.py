"""Clients that write while servers are killed, and what each of them was told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from fhir_facade.content import dumps
from tests.interactions.client import basic, entry, goal
from tests.services.process import listens
from tests.stress.mortal import Hospital
from tests.writes.samples import sample

Resource = dict[str, Any]
#: (what was done, type, id, version); '' where it isn't told
Done = tuple[str, str, str, str]
CLIENTS = 8
TOGETHER = ("Goal", "Observation", "ServiceRequest")
HEADERS = {"content-type": "application/fhir+json"}


@dataclass
class Ledger:
    """What was sent, by its request id, and what was answered; what was not acknowledged is not in `kept`."""

    sent: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    kept: dict[str, list[Done]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    kills: int = 0
    wrong: list[str] = field(default_factory=list)


def tagged(resource_type: str, tag: str) -> Resource:
    """A resource that says by which request it was written."""
    found = goal(identifier=basic(tag)["identifier"]) if resource_type == "Goal" else sample(resource_type)
    return {**found, "note": [{"text": tag}]}


class Writer:
    """One client: creates, updates, deletes, transactions, in turn as chance has it."""

    def __init__(self, number: int, hospital: Hospital, ledger: Ledger) -> None:
        self._number, self._port, self._ledger = number, hospital.port, ledger
        self._random, self._mine = Random(number), list[tuple[str, str]]()
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{hospital.port}/api/fhir/", headers=HEADERS, timeout=60
        )

    async def write(self, numbers: Iterator[int]) -> None:
        """Takes number after number, and writes something for each."""
        async with self._http:
            for number in numbers:
                await self._one(f"tag-{self._number}-{number}")

    async def _one(self, tag: str) -> None:
        chosen = self._random.random()
        if chosen < 0.2:
            await self._together(tag)
        elif chosen < 0.65 or not self._mine:
            await self._create(tag, self._random.choice(TOGETHER))
        else:
            await self._change(tag, *self._mine.pop(self._random.randrange(len(self._mine))))

    async def _together(self, tag: str) -> None:
        entries = [entry("POST", t, tagged(t, tag)) for t in TOGETHER]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = await self._send(tag, "POST", "", bundle, *(("create", t) for t in TOGETHER))
        if answer is not None:
            told = [e["response"] for e in answer.json()["entry"]]
            self._keep(tag, *(("create", *_place(t["location"])) for t in told))

    async def _create(self, tag: str, resource_type: str) -> None:
        sent = tagged(resource_type, tag)
        answer = await self._send(tag, "POST", resource_type, sent, ("create", resource_type))
        if answer is not None:
            self._keep(tag, ("create", *_place(answer.headers["location"])))

    async def _change(self, tag: str, resource_type: str, id_: str) -> None:
        """An update, or of a Goal now and then its deletion."""
        path = f"{resource_type}/{id_}"
        if resource_type == "Goal" and self._random.random() < 0.3:
            answer = await self._send(tag, "DELETE", path, None, ("delete", resource_type))
            action, version = "delete", ""
        else:
            sent = {**tagged(resource_type, tag), "id": id_}
            answer = await self._send(tag, "PUT", path, sent, ("update", resource_type))
            action, version = "update", answer.headers["etag"] if answer is not None else ""
        if answer is not None:
            self._keep(tag, (action, resource_type, id_, version.removeprefix('W/"').removesuffix('"')))

    def _keep(self, tag: str, *done: Done) -> None:
        self._ledger.kept[tag] = list(done)
        self._mine += [(t, i) for action, t, i, _ in done if action != "delete"]

    async def _send(
        self, tag: str, method: str, path: str, body: Resource | None, *parts: tuple[str, str]
    ) -> httpx.Response | None:
        """The answer that acknowledges it; None where there is none."""
        ledger = self._ledger
        ledger.sent[tag] = parts
        content = dumps(body) if body else b""
        try:
            answer = await self._http.request(method, path, content=content, headers={"x-request-id": tag})
        except httpx.TransportError:
            ledger.cut += 1
            await self._wait()
            return None
        ledger.statuses[answer.status_code] += 1
        if answer.status_code == 503:
            await self._wait()
        elif not answer.is_success:
            ledger.wrong.append(f"{tag}: {method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer if answer.is_success else None

    async def _wait(self) -> None:
        await asyncio.sleep(0.1)
        while not listens(self._port):  # noqa: ASYNC110 - of another process no event tells
            await asyncio.sleep(0.1)


def _place(location: str) -> tuple[str, str, str]:
    resource_type, id_, _, version = location.split("/")[-4:]
    return resource_type, id_, version


async def written_under_kills(hospital: Hospital, writes: int, kills: int, seed: int = 1) -> Ledger:
    """So many writes, and so many kills between them; the servers take turns."""
    ledger, random = Ledger(), Random(seed)
    numbers = iter(range(writes))
    tasks = [asyncio.create_task(Writer(n, hospital, ledger).write(numbers)) for n in range(CLIENTS)]
    for kill in range(kills):
        while len(ledger.sent) < writes * (kill + 1) / (kills + 1):  # noqa: ASYNC110 - the writers stay simple
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.random() / 20)
        victim = hospital.mortals[kill % len(hospital.mortals)]
        victim.kill()
        ledger.kills += 1
        await asyncio.to_thread(victim.revive)
    await asyncio.gather(*tasks)
    return ledger
