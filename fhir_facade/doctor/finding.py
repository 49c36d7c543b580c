"""What doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Level(IntEnum):
    """How bad it is; the worst one is doctor's exit code."""

    FINE = 0
    ADVICE = 1
    BROKEN = 2


@dataclass(frozen=True)
class Finding:
    """One finding: what it is about, what it costs (`takes_down`), and what would mend it."""

    level: Level
    area: str
    text: str
    takes_down: tuple[str, ...] = ()
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        found: dict[str, Any] = {"level": self.level.name.lower(), "area": self.area, "text": self.text}
        if self.takes_down:
            found["takesDown"] = list(self.takes_down)
        return {**found, "remedy": self.remedy} if self.remedy else found

    def lines(self) -> list[str]:
        """For people."""
        mark = {Level.FINE: "ok    ", Level.ADVICE: "advice", Level.BROKEN: "BROKEN"}[self.level]
        found = [f"{mark}  {self.area}: {self.text}"]
        found += [f"          costs: {cost}" for cost in self.takes_down]
        return [*found, f"          mend: {self.remedy}"] if self.remedy else found


def fine(area: str, text: str) -> Finding:
    """A finding that all is well."""
    return Finding(Level.FINE, area, text)
