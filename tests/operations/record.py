"""What an order led to by the resources' own words, found by plain reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.facade.facade import Facade, Resource

#: who answers for a report; that a machine made it is no sign-off
ANSWERABLE = {"author", "verifier", "attester", "legal"}
KINDS = ("Specimen", "Observation", "Procedure", "ImagingStudy", "DiagnosticReport", "Task", "Provenance")


def references(value: Any) -> Iterator[str]:
    """Every reference anywhere in a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


class Record:
    """Everything in the hospital, by address, as plain reading found it."""

    def __init__(self, resources: list[Resource]) -> None:
        self.by_address = {f"{r['resourceType']}/{r['id']}": r for r in resources}
        self.names = {a: set(references(r)) for a, r in self.by_address.items()}

    def naming(self, kind: str, element: str, targets: set[str]) -> set[str]:
        """The resources of a type whose element refers to any of the targets."""
        of_kind = {a: r for a, r in self.by_address.items() if a.startswith(kind + "/")}
        return {a for a, r in of_kind.items() if targets & set(references(r.get(element)))}

    def named(self, sources: set[str], element: str) -> set[str]:
        """What the sources refer to with an element, as far as it is there."""
        found = {n for s in sources for n in references(self.by_address[s].get(element))}
        return found & self.by_address.keys()

    def story(self, order: str) -> set[str]:
        """All that an order led to, by the resources' own words."""
        root = {order}
        specimens, studies = self.named(root, "specimen"), self.naming("ImagingStudy", "basedOn", root)
        results = self.naming("Observation", "basedOn", root)
        for one in self.naming("Observation", "specimen", specimens):
            if not any(references(self.by_address[one].get("basedOn"))):
                results.add(one)
        reports = self.naming("DiagnosticReport", "basedOn", root)
        reports |= self.naming("DiagnosticReport", "imagingStudy", studies)
        tasks = self.naming("Task", "focus", studies)
        results |= self.named(reports, "result")
        signed = {p for p in self.naming("Provenance", "target", reports) if self.answers(p)}
        procedures = self.naming("Procedure", "basedOn", root)
        return specimens | studies | results | reports | tasks | signed | procedures

    def answers(self, provenance: str) -> bool:
        """Whether a person answers for what a Provenance is about."""
        agents = self.by_address[provenance]["agent"]
        return any(c["code"] in ANSWERABLE for a in agents for c in a["type"]["coding"])


async def record_of(facade: Facade) -> Record:
    """Everything that stories are made of."""
    return Record([r for kind in ("ServiceRequest", *KINDS) for r in await facade.all(kind)])
