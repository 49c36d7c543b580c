"""What an export writes of a page: a line for each resource, made and let go of one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fhir_facade.audit.patients import PatientsOf
from fhir_facade.bundle import subset
from mappers.reader import Resource, Unreadable
from mappers.shared import written


class Lines:
    """The lines of a page: of what `kept` names (None: of everything), without what `earlier` patients had.

    `patients` are whom they show, `targets` what `pointing` adds: what those are about that name none.
    `errors` says of each resource that can't be shown why.
    """

    def __init__(
        self,
        kept: frozenset[str] | None,
        patients_of: PatientsOf,
        pointing: Callable[[Resource, dict[str, None]], None],
        earlier: frozenset[str],
    ) -> None:
        self._kept, self._patients_of, self._pointing, self._earlier = kept, patients_of, pointing, earlier
        self.patients: dict[str, None] = {}
        self.targets: dict[str, None] = {}
        self.errors: list[str] = []

    def of(self, matches: Iterable[Resource | Unreadable], at_once: int) -> Iterator[list[bytes]]:
        """The lines of the matches, so many at a time."""
        lines: list[bytes] = []
        for match in matches:
            if (line := self._line(match)) is not None:
                lines.append(line)
            if len(lines) == at_once:
                yield lines
                lines = []
        yield lines

    def _line(self, match: Resource | Unreadable) -> bytes | None:
        if isinstance(match, Unreadable):
            self.errors.append(f"the row {match.source} can't be read: {match.reason}")
            return None
        if self._earlier and self._earlier.intersection(self._patients_of([match])):
            return None
        self._patients_of.add(match, self.patients)
        self._pointing(match, self.targets)
        try:
            return written(match if self._kept is None else subset(match, self._kept))
        except (TypeError, ValueError):
            self.errors.append(f"{match['resourceType']}/{match['id']} can't be written")
            return None
