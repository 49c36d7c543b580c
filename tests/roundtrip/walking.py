"""Journeys of many made resources, for the tests and for `make stress` alike."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fhir_facade.registry import NATIVE, everything
from fhir_facade.settings import Settings
from tests.facade.facade import Facade, embedded_folder, settings_of
from tests.roundtrip.hospital import Fitting
from tests.roundtrip.journey import Journey, Outcomes, pool_of
from tests.roundtrip.resources import resources
from tests.roundtrip.values import Json, Pool
from tests.writes.conftest import Written

#: the types of which clients write rows of the hospital's tables
HOSPITAL = [name for name, mapping in everything().items() if any(p.upkeep for p in mapping.parts)]
_WRITING = Path(__file__).parents[2] / "docs/api/writing.md"


def documented_refusals(resource_type: str) -> set[str]:
    """Elements for which the documentation says that the type's table may refuse a resource."""
    row = re.search(rf"^\| {resource_type} \|([^|]*)\|", _WRITING.read_text("utf-8"), re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row[1] if row else ""))


class Walk:
    """A facade of its own, with a loop of its own, so that examples can be drawn between two requests."""

    def __init__(self, loop: asyncio.AbstractEventLoop, facade: Facade, pool: Pool) -> None:
        self.loop, self.facade, self.pool = loop, facade, pool
        self.left: list[tuple[str, str]] = []

    def of(self, resource_type: str, examples: int, *, always_the_same: bool = True) -> Outcomes:
        """What became of that many resources of a type; raises AssertionError for one that isn't told so."""
        outcomes = Outcomes()
        journey = Journey(self.facade, resource_type, outcomes)

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=always_the_same,
            database=None,
            phases=(Phase.generate,),  # to make a failing one smaller takes minutes
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data())
        def one(data: st.DataObject) -> None:
            first = self._drawn(data, journey, None)
            if first is None:
                outcomes.unmade += 1
                return
            wrong = self.loop.run_until_complete(
                journey.faults(first, lambda current: self._drawn(data, journey, current))
            )
            assert wrong == []

        try:
            one()
        finally:
            self.left += [(resource_type, id_) for id_ in journey.ids]
        return outcomes

    def _drawn(self, data: st.DataObject, journey: Journey, current: Json | None) -> Json | None:
        draw: Any = data.draw
        made: Json | None = draw(resources(journey.type, self.pool))
        if made is None or journey.part.native:
            return made
        return Fitting(draw, journey.part, self.pool, current).of(made)

    def clear(self) -> None:
        """Takes the rows away."""
        written = Written(self.facade)
        written.made_here += self.left
        self.loop.run_until_complete(written.clear())


@dataclass
class Walked:
    """What became of made resources of all types."""

    types: int = 0
    sent: int = 0
    accepted: int = 0
    wrong: list[str] = field(default_factory=list)


def walked(examples: int) -> Walked:
    """Sends that many made resources of each type that clients write, other ones each time."""
    found = Walked()
    with TemporaryDirectory() as folder, walking(settings_of(embedded_folder(Path(folder)))) as walk:
        for resource_type in (*HOSPITAL, *NATIVE):
            found.types += 1
            try:
                outcomes = walk.of(resource_type, examples, always_the_same=False)
            except AssertionError as fault:
                found.wrong.append(f"{resource_type}: {fault}")
                continue
            found.sent, found.accepted = found.sent + outcomes.made, found.accepted + outcomes.accepted
            odd = {element for _, element in outcomes.refused} - documented_refusals(resource_type)
            found.wrong += [f"{resource_type}.{element} was refused" for element in sorted(odd)]
    return found


@contextmanager
def walking(settings_: Settings, *, leaves: bool = False) -> Iterator[Walk]:
    """A walk over the databases of these settings; `leaves`: what others share, so nothing may stay."""
    loop = asyncio.new_event_loop()
    facade = Facade(settings_)
    walk = Walk(loop, facade, loop.run_until_complete(pool_of(facade)))
    try:
        yield walk
    finally:
        if leaves:
            walk.clear()
        loop.run_until_complete(facade.close())
        loop.close()
