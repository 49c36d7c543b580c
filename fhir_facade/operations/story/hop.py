"""What a story is made of: hops, each with its state, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fhir_facade.operations.story.steps import Resource, references
from mappers.include import address

#: whether what isn't there should be there by now; None where nothing is to come
Due = bool | None
FOUND, MISSING, WITHHELD, DOWN = "found", "missing", "withheld", "down"


@dataclass(frozen=True)
class Hop:
    """One link of the chain: what follows on `of` (an address).

    `expected`, of one that isn't found: it should be there by now.
    """

    step: str
    state: str
    of: str = ""
    resources: tuple[Resource, ...] = ()
    expected: bool = True
    why: str = ""


@dataclass(frozen=True)
class Story:
    """An order's hops, in the order in which they come about; `subject` is its patient's address (or empty),
    `conflicts` tell of what is another's.
    """

    order: Resource
    subject: str
    hops: tuple[Hop, ...]
    conflicts: tuple[str, ...] = ()

    @property
    def broken(self) -> bool | None:
        """Whether something is not as it should be by now; None where that can't be told."""
        if self.conflicts or any(h.state == MISSING and h.expected for h in self.hops):
            return True
        return None if any(h.state in (WITHHELD, DOWN) for h in self.hops) else False


def subject(resource: Resource, base: str) -> str:
    """The address of the patient whom a resource is of; empty where it states none."""
    for name in ("subject", "for", "patient"):
        for named in references(resource, name, base):
            return named
    return ""


def conflicts(mine: str, hops: Iterable[Hop], base: str) -> Iterator[str]:
    """What is of somebody else than the order is: nobody may take it for this patient's."""
    for hop in hops:
        for resource in hop.resources:
            theirs = subject(resource, base)
            if mine and theirs and theirs != mine:
                yield f"{address(resource)} is of {theirs}, the order of {mine}"
