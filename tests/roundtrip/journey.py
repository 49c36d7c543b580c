"""The way of a made resource: created, read, written over by another, read again, its first version too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhir_facade.content import dumps
from fhir_facade.incoming_json import json_object
from mappers.mapping import Part
from mappers.stored.search_values import SearchValues
from mappers.write.writer import writable_part
from tests.facade.facade import Facade
from tests.roundtrip.columns import contradictions
from tests.roundtrip.comparing import differences, exact
from tests.roundtrip.values import Json, Pool

HEADERS = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}
Next = Callable[[Json], "Json | None"]


@dataclass
class Outcomes:
    """What became of the resources of one type; `refused`: by what the answer names."""

    made: int = 0
    unmade: int = 0
    accepted: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)


class Journey:
    """Sends resources of one type to a facade; `faults` says what went wrong with each."""

    def __init__(self, facade: Facade, resource_type: str, outcomes: Outcomes) -> None:
        self.facade, self.type, self.outcomes = facade, resource_type, outcomes
        self.part: Part = writable_part(facade.service.mappings[resource_type])
        self.values = SearchValues(facade.service.mappings, facade.service.site, (facade.service.base,))
        self.ids: list[str] = []

    async def faults(self, first: Json, then: Next) -> list[str]:
        """Nothing, if both come back as they were sent, or are refused by name and leave no trace."""
        made = await self._send("POST", self.type, first)
        if made is None:
            return []
        id_ = made["id"]
        self.ids.append(id_)
        before, wrong = await self._read(f"{self.type}/{id_}", first)
        second = then(json_object(before))
        if second is None:
            return wrong
        second = {**second, "id": id_}
        again = await self._send("PUT", f"{self.type}/{id_}", second)
        if again is None:
            after, _ = await self._read(f"{self.type}/{id_}", first)
            return wrong if after == before else [*wrong, "a refused update changed it"]
        _, more = await self._read(f"{self.type}/{id_}", second)
        kept = await self._get(f"{self.type}/{id_}/_history/{exact(before)['meta']['versionId']}")
        return [*wrong, *more, *([] if kept == before else ["its first version is told otherwise now"])]

    async def _send(self, method: str, path: str, resource: Json) -> Json | None:
        """What was answered; None where the table refuses it. Anything else is a fault."""
        self.outcomes.made += 1
        response = await self.facade.request(method, path, HEADERS, dumps(resource))
        if response.status_code == 422:
            [issue, *_] = response.json()["issue"]
            named = issue.get("expression", ["-"])[0].split(".")
            element = named[1].split("[")[0] if len(named) > 1 else "-"
            self.outcomes.refused[issue["code"], element] += 1
            return None
        assert response.status_code in (200, 201), f"{response.status_code} {response.text[:600]}"
        self.outcomes.accepted += 1
        found: Json = response.json()
        return found

    async def _get(self, path: str) -> str:
        response = await self.facade.request("GET", path, {"accept": "application/fhir+json"})
        assert response.status_code == 200, f"GET {path}: {response.status_code} {response.text[:400]}"
        return response.text

    async def _read(self, path: str, sent: Json) -> tuple[str, list[str]]:
        """The resource's text, and what it says otherwise than it was sent."""
        text = await self._get(path)
        wrong = differences(exact(dumps(sent)), exact(text), narrated=not self.part.native)
        if not self.part.native:
            engine = self.facade.service.engine
            wrong += await contradictions(engine, self.values, sent, path.partition("/")[2])
        return text, wrong


async def pool_of(facade: Facade, count: int = 4) -> Pool:
    """Ids that are there, of every type; those of the CDSS's own tables alone where it has any."""
    found: dict[str, Any] = {}
    for name in facade.service.mappings:
        response = await facade.get(f"{name}?_count=200&_elements=id")
        entries = response.json().get("entry", []) if response.status_code == 200 else []
        ids = [e["resource"]["id"] for e in entries if "id" in e["resource"]]
        own = [i for i in ids if not i.startswith(("oe-", "n-", "r4-"))]
        if own or ids:
            found[name] = tuple((own or ids)[:count])
    return Pool(found)
