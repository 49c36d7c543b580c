"""Stories as tests read them: the hops of an order, by step, and what stands in the Bundle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.facade.facade import Facade, Resource

#: the patient whose orders have the most to tell
FIRST = "P-2025-000001"


@dataclass(frozen=True)
class Told:
    """One hop: its step, what it follows on, its state, and the addresses of what was found."""

    step: str
    of: str
    state: str
    expected: bool
    resources: tuple[str, ...]
    why: str

    @property
    def short(self) -> tuple[str, str, str]:
        """Step, what it follows on, state."""
        return self.step, self.of, self.state


@dataclass(frozen=True)
class Story:
    """One order's story, as one Parameters tells it."""

    order: str
    broken: bool | None
    conflicts: tuple[str, ...]
    hops: tuple[Told, ...]

    def of(self, step: str) -> list[Told]:
        """The hops of a step."""
        return [h for h in self.hops if h.step == step]

    def state(self, step: str) -> str:
        """The state of a step that has one hop."""
        (hop,) = self.of(step)
        return hop.state

    @property
    def found(self) -> set[str]:
        """The addresses of everything found behind the order."""
        return {a for h in self.hops if h.step != "order" for a in h.resources}


def values(parameters: list[Resource], name: str) -> Iterator[Any]:
    """The values of the parameters of a name."""
    for one in parameters:
        if one["name"] == name:
            yield next((v for k, v in one.items() if k.startswith("value")), one.get("part"))


def _hop(part: list[Resource]) -> Told:
    (step,), (state,) = (tuple(values(part, n)) for n in ("step", "state"))
    (expected,) = tuple(values(part, "expected")) or ((True,) if state == "found" else ())
    of = next((v["reference"] for v in values(part, "of")), "")
    found = [r for p in values(part, "resource") for r in values(p, "reference")]
    why = next(values(part, "why"), "")
    return Told(step, of, state, expected, tuple(r["reference"] for r in found), why)


def stories(bundle: Resource) -> list[Story]:
    """The stories in a Bundle, in order; everything that they name stands in it, once."""
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    entries = bundle.get("entry", [])
    told = [_story(r["parameter"]) for r in held(entries, "match")]
    names = [f"{r['resourceType']}/{r['id']}" for r in held(entries, "include")]
    assert len(names) == len(set(names))
    assert set(names) == {a for s in told for a in (s.order, *s.found)}
    urls = [e["fullUrl"] for e in entries if e["search"]["mode"] != "outcome"]
    assert len(urls) == len(set(urls))
    return told


def held(entries: list[Resource], mode: str) -> list[Resource]:
    """The resources of a search mode."""
    return [e["resource"] for e in entries if e["search"]["mode"] == mode]


def _story(parameters: list[Resource]) -> Story:
    (order,) = values(parameters, "order")
    hops = tuple(_hop(p) for p in values(parameters, "hop"))
    broken = next(values(parameters, "broken"), None)
    return Story(order["reference"], broken, tuple(values(parameters, "conflict")), hops)


def issues(bundle: Resource) -> list[Resource]:
    """The issues that stand beside the stories."""
    return [i for r in held(bundle.get("entry", []), "outcome") for i in r["issue"]]


async def asked(facade: Facade, address: str, **headers: str) -> Resource:
    """The answer to `Type/id/$story`; anything but 200 is a failure that shows what came instead."""
    response: httpx.Response = await facade.get(address, **headers)
    assert response.status_code == 200, f"{address}: {response.status_code} {response.text[:500]}"
    found: Resource = response.json()
    return found


async def story(facade: Facade, order: str, **headers: str) -> Story:
    """The story of one order."""
    (told,) = stories(await asked(facade, f"ServiceRequest/{order}/$story", **headers))
    return told
