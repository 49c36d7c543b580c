"""How far an export has come: what a checkpoint keeps, and what its result says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any

from fhir_facade.export.asked import Asked
from fhir_facade.export.files import Segment
from fhir_facade.service import Service
from mappers.plans import Position

#: the file of what couldn't be exported, and how those of what was deleted end, one for each type
ERRORS, DELETED = "OperationOutcome", "-deleted"


@dataclass
class File:
    """A file as far as it is durable."""

    count: int = 0
    segments: list[Segment] = field(default_factory=list)


@dataclass
class State:
    """The step at hand and where its last page ended; the files by their type."""

    step: int = 0
    plan: str = ""
    position: list[Any] | None = None
    files: dict[str, File] = field(default_factory=dict)
    told: bool = False

    @classmethod
    def of(cls, kept: dict[str, Any]) -> State:
        """The state that a checkpoint kept."""
        files = {
            kind: File(f["count"], [(name, size) for name, size in f["segments"]])
            for kind, f in kept.get("files", {}).items()
        }
        return cls(**{**kept, "files": files})

    @property
    def count(self) -> int:
        """The resources so far."""
        return sum(f.count for kind, f in self.files.items() if kind != ERRORS and not kind.endswith(DELETED))

    def as_json(self) -> dict[str, Any]:
        """What `of` takes."""
        return asdict(self)

    def after(self) -> Position | None:
        """Where the next page starts."""
        if self.position is None:
            return None
        branch, key, part, sorts = self.position
        return Position(branch, key, part, tuple(sorts))

    def come_to(self, after: Position | None) -> None:
        """A page was written: the step goes on, or the next one begins."""
        self.position = [after.branch, after.key, after.part, list(after.sorts)] if after else None
        if after is None:
            self.step += 1


def plan_of(service: Service, asked: Asked) -> str:
    """What a step and a position depend on: the types in their order, each with its parts."""
    parts = [(kind, *(part.name for part in service.mappings[kind].parts)) for kind in asked.types]
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
