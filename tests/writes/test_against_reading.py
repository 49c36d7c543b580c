"""Whatever is written, changed and deleted: searches find what reads show, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mappers.parse import declared_type
from mappers.query import Chained, Condition, Criterion, Has, SearchQuery
from mappers.stored.search_values import Found
from mappers.terms import Mode, Ref, Term, Text, Token
from tests.facade import Facade
from tests.writes.conftest import Written
from tests.writes.samples import sample
from tests.writes.test_composites import GROUP, coded
from tests.writes.test_native import GOAL

#: patients of rows that no type can read
AWKWARD = "P-2025-9"
#: patients first: the others are about the last of them
TYPES = (
    *("Patient", "AllergyIntolerance", "Condition", "Encounter", "Goal", "Group", "MedicationRequest"),
    *("Observation", "ServiceRequest", "Specimen"),
)
WHOLE: dict[str, dict[str, Any]] = {"Goal": GOAL, "Group": GROUP}
#: what clients say next, and what others write then
UPDATES: dict[str, dict[str, Any]] = {
    "AllergyIntolerance": {"category": ["biologic"], "code": coded("a")},
    "Condition": {"code": {**coded("c"), "text": "다른 말"}, "onsetDateTime": "2023"},
    "Goal": {"lifecycleStatus": "on-hold", "category": [coded("g")]},
    "Group": {"characteristic": GROUP["characteristic"][1:]},  # type: ignore[index]
    "Patient": {"telecom": [{"system": "email", "value": "x@y.example"}], "gender": "unknown"},
    "Specimen": {"accessionIdentifier": {"system": "urn:o", "value": "B-2"}},
}
CHANGES = {
    "AllergyIntolerance": "UPDATE {table} SET category = 'environment' WHERE id = {key}",
    "Condition": "UPDATE {table} SET onset_date = '2020-02-02' WHERE id = {key}",
    "Observation": "UPDATE {table} SET test_code = 'K' WHERE id = {key}",
    "Patient": "UPDATE {table} SET name = '박새로' WHERE patient_id = '{key}'",
}


@pytest.fixture
async def lived(embedded: Facade) -> Any:
    """Resources that were written, changed and deleted in all ways, and those that were there."""
    written, patient = Written(embedded), ""
    for kind in TYPES:
        for turn in range(4):
            said: dict[str, Any] = WHOLE[kind] if kind in WHOLE else sample(kind)
            about: dict[str, Any] = {
                n: {"reference": f"Patient/{patient}"} for n in ("subject", "patient") if n in said
            }
            made = await written.made({**said, **(about if turn == 2 else {})})
            patient = made["id"] if kind == "Patient" and turn < 3 else patient
            resolved = written.engine.mappings[kind].resolve(made["id"])
            assert resolved is not None
            async with written.writer() as writer:
                if turn in (1, 2) and kind in UPDATES:
                    await writer.update(kind, made["id"], {**made, **UPDATES[kind]})
                if turn == 3 and (resolved[0].upkeep is None or resolved[0].upkeep.retired):
                    await writer.delete(kind, made["id"])
            if turn in (0, 2) and kind in CHANGES:
                await written.change(
                    CHANGES[kind].format(table=str(resolved[0].source.table), key=resolved[1])
                )
    yield written
    await written.clear()


async def test_searches_find_what_reads_show_and_chains_lead_where_they_do(lived: Written) -> None:
    patients, wrong = Oracle(lived, "Patient"), list[Any]()
    await patients.read()
    for kind in TYPES:
        oracle = Oracle(lived, kind)
        await oracle.read()
        for param in oracle.mapping.params:
            wrong += [(kind, *fault) async for fault in oracle.faults(param)]
        if "patient" in oracle.mapping.params:
            wrong += [(kind, *fault) async for fault in oracle.misled(patients)]
    assert wrong == []


class Oracle:
    """All of a type as it is read, and what that says should be found."""

    def __init__(self, written: Written, kind: str) -> None:
        self.written, self.kind = written, kind
        self.mapping = written.engine.mappings[kind]
        self.shown: dict[str, Any] = {}

    async def read(self) -> None:
        for resource in await self.written.facade.read_all(self.kind):
            self.shown[resource["id"]] = resource

    def values(self, param: str) -> dict[str, list[Found]]:
        find = self.written.values.values
        return {id_: find(self.mapping, param, shown) for id_, shown in self.shown.items()}

    async def faults(self, param: str) -> AsyncIterator[tuple[Any, ...]]:
        """Searches by what some resources say, by all else, and by nothing said, that find anything else."""
        kind, said = declared_type(self.kind, self.mapping.params[param]), self.values(param)
        for value in self._asked(said):
            term = self.term(param, kind, value)
            expected = {i for i, found in said.items() if any(self.same(kind, value, v) for v in found)}
            if term is not None and await self.found(Criterion(param, (term,))) != expected:
                yield (param, value)
            others = set(self.shown) - expected
            if kind == "token" and term and await self.found(Criterion(param, (term,), "not")) != others:
                yield (f"{param}:not", value)
        none = {i for i, found in said.items() if not found}
        # a reference may be there and lead nowhere
        if (
            kind not in ("composite", "reference")
            and await self.found(Criterion(param, missing=True)) != none
        ):
            yield (f"{param}:missing", none)

    def _asked(self, said: dict[str, list[Found]]) -> list[Found]:
        """The distinct values of what was made, and of a few others."""
        mine = {id_ for kind, id_ in self.written.made_here if kind == self.kind}
        found = [v for id_ in (*list(said)[:1], *(mine & said.keys())) for v in said[id_]]
        return [v for i, v in enumerate(found) if v not in found[:i]]

    async def misled(self, patients: Oracle) -> AsyncIterator[tuple[Any, ...]]:
        """Searches of patients' names from here, and of what stands here from the patients."""
        about = {id_: set(map(patients.id_of, found)) for id_, found in self.values("patient").items()}
        for text in ("이", "박새로", "김영희"):
            named = Criterion("name", (Text(text, text),))
            whose = await patients.found(named)
            expected = {id_ for id_, keys in about.items() if keys & whose}
            found = await self.found(Chained("patient", "Patient", named))
            if found != expected:
                yield (self.kind, text, found ^ expected)
        for param in ("status", "code", "category"):
            for value in self._codes(param):
                term = Token(value.get("system") or "", value["value"])
                here = await self.found(Criterion(param, (term,)))
                led = {key for id_ in here for key in about[id_]} & set(patients.shown)
                found = await patients.found(Has(self.kind, "patient", Criterion(param, (term,))))
                # a row that can't be read is found by nothing but this
                if {id_ for id_ in found ^ led if not str(id_).startswith(AWKWARD)}:
                    yield (self.kind, param, value, found ^ led)

    def _codes(self, param: str) -> list[Found]:
        said = self.values(param) if param in self.mapping.params else {}
        return [v for v in self._asked(said) if "value" in v]

    def id_of(self, value: Found) -> str | None:
        """The id of what a reference leads to."""
        key = value.get("target_int", value.get("target_text"))
        return self.mapping.by_name[value["target_part"]].id.text(key)

    @staticmethod
    def same(kind: str, one: Found, other: Found) -> bool:
        names = {"token": ("system", "value"), "string": ("words",)}.get(kind, tuple(one))
        return all(one.get(n) == other.get(n) for n in names)

    def term(self, param: str, kind: str, value: Found) -> Term | None:
        if kind == "token" and "value" in value:
            return Token(value.get("system") or "", value["value"])
        if kind == "string":
            return Text(value["words"], value["words"], Mode.EXACT)
        if "target_part" in value:
            part = value["target_part"]
            mappings = self.written.engine.mappings
            kinds = self.written.facade.service.parser().reference_types(self.kind, param)
            return Ref(
                next(k for k in kinds if part in mappings[k].by_name),
                part,
                value.get("target_int", value.get("target_text")),
            )
        return None

    async def found(self, *where: Condition) -> set[str]:
        page = await self.written.engine.page(SearchQuery(self.kind, where), 5000)
        return {m["id"] for m in page.matches if isinstance(m, dict)}
