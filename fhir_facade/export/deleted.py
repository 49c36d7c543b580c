"""What was deleted since an export before: https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status

A deletion is told to whom the resource was open, as far as its last version lets that be decided; and only
while there is no such resource (others may have brought its row back).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from fhir_facade.audit.patients import PatientsOf
from fhir_facade.bygone import Bygone
from fhir_facade.content import dumps
from fhir_facade.export.asked import PATIENTS_AT_ONCE, SYSTEM, Asked, within_patients
from fhir_facade.service import Service
from mappers.parse_terms import date_term
from mappers.plans import Position
from mappers.query import UNRESTRICTED, AllOf, AnyOf, Condition, Criterion, SearchQuery
from mappers.stored.values import stamp
from mappers.terms import Ref
from mappers.write.deletions import Between, Deletion, deletions

#: deletions that one Bundle tells
AT_ONCE = 100


@dataclass
class Told:
    """A page of what was deleted: a line for each type, whom it was about, and where the next begins."""

    lines: dict[str, bytes] = field(default_factory=dict)
    patients: list[str] = field(default_factory=list)
    after: Position | None = None


@dataclass(frozen=True)
class Deleted:
    """Tells a caller what was deleted.

    `before` is when the export began: of what was deleted later the next one tells.
    """

    service: Service
    asked: Asked
    before: str

    async def page(self, after: Position | None) -> Told:
        """The next page; raises SourceDownError for what can't be asked now."""
        service = self.service
        between = Between(self._stamp(self.asked.since), self._stamp(self.before))
        place = (str(after.sorts[0]), int(after.key)) if after else None
        found = await deletions(service.reading.database, between, AT_ONCE, place)
        opened = [d for d in found if await self._open(d)]
        back = await self._back(opened)
        told = [d for d in opened if d not in back]
        patients = PatientsOf(service.mappings)([d.last for d in told if d.last is not None])
        next_ = Position(0, found[-1].place[1], 0, (found[-1].place[0],)) if len(found) == AT_ONCE else None
        return Told(_bundles(told), patients, next_)

    def _stamp(self, moment: str) -> str:
        site = self.service.site
        return stamp(site, date_term(moment, site.tz, datetime.now(UTC)).low)

    async def _open(self, deletion: Deletion) -> bool:
        """Whether the caller could have seen it, and it belonged to what is exported."""
        opened = self.service.may_search.conditions(deletion.resource_type)
        if opened is None or deletion.resource_type not in self.asked.types:
            return False
        conditions = (*opened, *self._within(deletion.resource_type))
        if not conditions:
            return True
        return deletion.last is not None and await self._bygone.fulfils(deletion.last, AllOf(conditions))

    @cached_property
    def _bygone(self) -> Bygone:
        return Bygone(self.service)

    def _within(self, resource_type: str) -> Iterator[Condition]:
        """That it was in the compartment of one of the patients who are exported."""
        if self.asked.level == SYSTEM:
            return
        parser, patients = self.service.parser(), self.asked.patients
        if patients is None:
            of_all = within_patients(parser, resource_type)
            yield AnyOf((of_all,) if of_all else ())
            return
        some = [patients[n : n + PATIENTS_AT_ONCE] for n in range(0, len(patients), PATIENTS_AT_ONCE)]
        yield AnyOf(tuple(c for s in some if (c := within_patients(parser, resource_type, s)) is not None))

    async def _back(self, found: Sequence[Deletion]) -> list[Deletion]:
        """Those that are there again: hardly ever one, so all of a type are asked for first."""
        back: list[Deletion] = []
        for kind in sorted({d.resource_type for d in found}):
            own = [d for d in found if d.resource_type == kind]
            if await self._there(kind, own):
                back += [d for d in own if await self._there(kind, [d])]
        return back

    async def _there(self, resource_type: str, found: Sequence[Deletion]) -> bool:
        """Whether there is any of them."""
        resolved = [self.service.mappings[resource_type].resolve(d.id) for d in found]
        own = tuple(Ref(resource_type, place[0].name, place[1]) for place in resolved if place is not None)
        query = SearchQuery(resource_type, (Criterion("_id", own),))
        return bool(own) and await self.service.engine.total(query, access=UNRESTRICTED) > 0


def _bundles(told: Sequence[Deletion]) -> dict[str, bytes]:
    """A Bundle for each type; sent to a server that has the earlier export, it takes away what has gone."""
    by_type: dict[str, list[str]] = {}
    for deletion in told:
        by_type.setdefault(deletion.resource_type, []).append(f"{deletion.resource_type}/{deletion.id}")
    return {kind: _bundle(urls) for kind, urls in by_type.items()}


def _bundle(urls: Sequence[str]) -> bytes:
    entries = [{"request": {"method": "DELETE", "url": url}} for url in urls]
    return dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
